"""Faults of parameters, in words for the caller instead of pydantic's, and without the values that were sent."""

import difflib
import re
from collections.abc import Collection, Iterable, Mapping
from itertools import islice
from typing import Any

from pydantic import ValidationError

from layoutserve.service.errors import MOST_FAULTS, Fault

# Characters of a name that are quoted.
MOST_CHARACTERS = 80
_TOLD = re.compile(r"^(?:Value error, |(?:Input|String|List|Dictionary|Tuple|Value) should )")


def faults_of(error: ValidationError, known: Collection[str] = ()) -> list[Fault]:
    """Give the faults by field; ``known`` are the fields there are, to tell which one may have been meant."""
    return faults(error.errors(include_input=False, include_url=False, include_context=False), known)


def faults(found: Iterable[Mapping[str, Any]], known: Collection[str] = (), skip: int = 0) -> list[Fault]:
    """The same for pydantic's list of errors, of whose places the first ``skip`` parts are left out."""
    first = islice(found, MOST_FAULTS)
    return [Fault(cut(".".join(map(str, fault["loc"][skip:]))) or "body", _message(fault, known)) for fault in first]


def cut(text: str) -> str:
    """Shorten what the caller sent, to be quoted."""
    return text if len(text) <= MOST_CHARACTERS else text[:MOST_CHARACTERS] + "…"


def unknown(name: str, known: Collection[str]) -> Fault:
    """Say that there is no such field, and which one may have been meant."""
    name = cut(name)
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.75)
    near += [field for field in known if len(name) > 2 and (field.startswith(name) or name.startswith(field))]
    meant = f", perhaps '{near[0]}' is meant" if near else f"; known are {', '.join(known)}" if known else ""
    return Fault(name, f"is not known here{meant}")


def _message(fault: Mapping[str, Any], known: Collection[str]) -> str:
    match fault["type"], fault["loc"][-1:]:
        case "missing", _:
            return "is required"
        case "extra_forbidden", (str(name),):
            return unknown(name, known if len(fault["loc"]) == 1 else ()).message
        case "string_pattern_mismatch", ("pages",):
            return "must be page numbers such as 1-3,5 or 2-"
        case _:
            told = str(fault["msg"])
            return _TOLD.sub(lambda match: "" if match[0].startswith("Value error") else "must ", told)
