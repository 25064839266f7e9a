"""``layoutserve doctor``: what is here, and whether it works."""

import argparse
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Literal

HELP = "Say what is installed, which operators, bundles and OCR models are there, and whether they work."

State = Literal["ok", "note", "broken"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. ``note``: it works, but not as well as it could."""

    subject: str
    state: State
    detail: str


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "--bundle",
        type=Path,
        action="append",
        metavar="DIR",
        help="a bundle, or a folder of bundles; repeatable (default: those the service would serve)",
    )
    parser.add_argument("--json", action="store_true", help="print the findings as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Print the findings; exit code 1 when something is broken."""
    import json

    findings = list(_findings(arguments.bundle))
    if arguments.json:
        print(json.dumps([asdict(finding) for finding in findings], indent=2))
    else:
        _print(findings)
    return 1 if any(finding.state == "broken" for finding in findings) else 0


def _findings(bundles: list[Path] | None) -> Iterator[Finding]:
    yield from _versions()
    yield from _guarded("operators", _operators)
    yield from _guarded("bundles", lambda: _bundles(bundles))
    yield from _guarded("OCR models", _ocr_models)


def _guarded(subject: str, look: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    """One broken thing must not keep the others from being looked at."""
    from layoutserve.model.errors import LayoutServeError

    try:
        yield from look()
    except LayoutServeError as error:
        yield Finding(subject, "broken", str(error))


def _versions() -> Iterator[Finding]:
    import platform
    from importlib.metadata import PackageNotFoundError, version

    import onnxruntime as ort

    from layoutserve.service.work.cores import cores

    yield Finding("layoutserve", "ok", f"{version('layoutserve')}, Python {platform.python_version()}")
    found = []
    for name in ("onnxruntime", "onnxruntime-gpu", "numpy", "paddleocr", "torch"):
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    yield Finding("packages", "ok", ", ".join(found))
    yield Finding("processor", "ok", f"{platform.machine()}, {cores()} cores for this process")
    yield Finding("providers", "ok", ", ".join(ort.get_available_providers()))


def _operators() -> Iterator[Finding]:
    from layoutserve.model.inference.session import check_operators
    from layoutserve.model.ops import LIBRARY

    check = check_operators()
    if check.difference != 0:
        yield Finding(
            "operators", "broken", f"{check.operators}: differ from their definition by {check.difference:.2g}"
        )
    elif check.operators == "native":
        yield Finding("operators", "ok", f"native, equal to their definition ({LIBRARY})")
    else:
        why = "cannot be loaded" if LIBRARY.is_file() else "is not built; make ops builds it"
        yield Finding("operators", "note", f"ONNX functions, equal to their definition: the library {why}")


def _bundles(folders: list[Path] | None) -> Iterator[Finding]:
    from layoutserve.service import settings
    from layoutserve.service.work import loading

    chosen = settings.load(starter=False, bundles=tuple(folders)) if folders else settings.load()
    for folder in loading.find_bundles(chosen):
        yield from _guarded(f"bundle {folder.name}", partial(_bundle, folder))


def _bundle(folder: Path) -> Iterator[Finding]:
    from layoutserve.model import bundle
    from layoutserve.service import settings
    from layoutserve.service.work import loading

    found = bundle.load(folder)
    manifest = found.manifest
    session = loading.open_session(found, settings.load(), pages_at_once=1)
    facts = [
        f"{', '.join(manifest.tasks) or 'no head'}",
        f"{manifest.precision}, {session.operators} operators",
        f"licence {manifest.licence}",
        f"self-test within {session.selftest():.1g}",
    ]
    if found.tokenizer is None:
        yield Finding(f"bundle {manifest.name}", "note", "; ".join([*facts, "no tokenizer: cannot be served"]))
    else:
        yield Finding(f"bundle {manifest.name}", "ok", "; ".join(facts))


def _ocr_models() -> Iterator[Finding]:
    from layoutserve.model.ocr import store
    from layoutserve.service import settings

    folder = settings.load().ocr_models
    if folder is not None:
        missing = [name for name in ("detection", "recognition") if not (folder / name / "inference.onnx").is_file()]
        if missing:
            yield Finding("OCR models", "broken", f"{folder} has no {' and no '.join(missing)} model")
        else:
            yield _ocr_found(folder, f"{folder} (not ours: hashes unknown)")
        return
    folder = store.default_folder()
    names = ", ".join(model.name for model in store.MODELS)
    if store.is_intact(folder):
        yield _ocr_found(folder, f"{names}, Apache-2.0 ({folder})")
    elif store.is_complete(folder):
        yield Finding("OCR models", "broken", f"{folder} holds other files than {names}; run layoutserve ocr-models")
    else:
        yield Finding("OCR models", "broken", f"not in {folder}; run layoutserve ocr-models")


def _ocr_found(folder: Path, what: str) -> Finding:
    """Models that work: in int8, or half as fast."""
    import onnxruntime

    from layoutserve.model.ocr import int8

    try:
        for name in ("detection", "recognition"):
            int8.open_session(folder / name, onnxruntime.SessionOptions())
    except int8.Unusable as reason:
        return Finding("OCR models", "note", f"{what}; in float32, at half the speed: {reason}")
    return Finding("OCR models", "ok", f"{what}; in int8")


def _print(findings: list[Finding]) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    colours = {"ok": "green", "note": "yellow", "broken": "red"}
    table = Table(show_header=False, box=None)
    for finding in findings:
        state = f"[{colours[finding.state]}]{finding.state}[/]"
        table.add_row(state, escape(finding.subject), escape(finding.detail))
    Console(file=sys.stdout, soft_wrap=True).print(table)
