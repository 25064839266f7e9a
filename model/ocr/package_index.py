"""A wheel from a package index, fetched without pip: PyPI's simple API in JSON (PEP 691) or HTML (PEP 503).

The index is the one that pip or uv would ask: their variables first, then pip's configuration files, then PyPI. Proxies
are those of ``HTTPS_PROXY`` and its relatives, certificates those of pip's setting or of ``SSL_CERT_FILE``. What only
pip can do, such as asking a keyring for a password, is left to pip.
"""

import base64
import configparser
import contextlib
import hashlib
import html.parser
import json
import os
import shutil
import ssl
import sys
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.client import HTTPResponse
from pathlib import Path
from urllib.parse import unquote, urldefrag, urljoin, urlsplit, urlunsplit
from urllib.response import addinfourl

from packaging.specifiers import SpecifierSet
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename
from packaging.version import Version

PYPI = "https://pypi.org/simple"
TIMEOUT_S = 60.0
_ACCEPT = "application/vnd.pypi.simple.v1+json, text/html;q=0.5"
# Of the whole machine.
SYSTEM_FILE = Path("/etc/pip.conf")
_NO = ("", "0", "false", "no", "off")


@dataclass(frozen=True, slots=True)
class Wheel:
    """A wheel of an index. sha256: None where the index does not say it."""

    name: str
    version: Version
    url: str
    sha256: str | None


def download(project: str, versions: str, folder: Path) -> Path:
    """Put the newest pure wheel of ``project`` whose version fits ``versions`` ("==3.10.*") into ``folder``.

    Raises OSError, with a reason for each index asked, when none has it or it is not what the index says it is.
    """
    refused = []
    for index in indexes():
        try:
            fitting = [wheel for wheel in _wheels(index, project) if wheel.version in SpecifierSet(versions)]
            if fitting:
                return _fetch(max(fitting, key=lambda wheel: wheel.version), folder)
            refused.append(f"{_plain(index)[0]} has no {project}{versions}")
        except (OSError, ValueError) as error:
            refused.append(f"{_plain(index)[0]}: {error}")
    raise OSError("; ".join(refused) or "pip is set to ask no index")


def indexes() -> list[str]:
    """Addresses of the package indexes that pip and uv are set to, the main one first."""
    pip = _pip_settings()
    if pip("no-index").lower() not in _NO:
        return []
    main = os.environ.get("UV_DEFAULT_INDEX") or os.environ.get("UV_INDEX_URL")
    extra = [os.environ.get("UV_INDEX", ""), os.environ.get("UV_EXTRA_INDEX_URL", ""), pip("extra-index-url")]
    # uv lets an index have a name: "NAME=URL".
    more = [entry.partition("=")[2] if "=" in entry.partition("://")[0] else entry for entry in " ".join(extra).split()]
    return [pip("index-url") or main or PYPI, *more]


def _pip_settings() -> Callable[[str], str]:
    """Look up pip's settings by name: its variables, then its files, the nearest one first; "" where none says it."""
    home, config = Path.home(), Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    shared = os.environ.get("XDG_CONFIG_DIRS") or "/etc/xdg"
    files = [Path(folder) / "pip" / "pip.conf" for folder in shared.split(os.pathsep)] + [SYSTEM_FILE]
    files += [home / ".pip" / "pip.conf", config / "pip" / "pip.conf", Path(sys.prefix) / "pip.conf"]
    named = os.environ.get("PIP_CONFIG_FILE")
    # As pip has it: os.devnull there means no file at all.
    files = [] if named == os.devnull else [*files, *([Path(named)] if named else [])]
    found = configparser.RawConfigParser()
    for file in files:
        with contextlib.suppress(configparser.Error, UnicodeDecodeError):
            found.read(file, encoding="utf-8")

    def setting(name: str) -> str:
        variable = os.environ.get("PIP_" + name.upper().replace("-", "_"))
        sections = (variable, found.get("download", name, fallback=None), found.get("global", name, fallback=None))
        return next((value for value in sections if value), "")

    return setting


def _wheels(index: str, project: str) -> Iterator[Wheel]:
    """The pure wheels of a project that are not withdrawn."""
    for name, url, sha256 in _files(f"{index.rstrip('/')}/{canonicalize_name(project)}/"):
        with contextlib.suppress(InvalidWheelFilename):
            _, version, _, tags = parse_wheel_filename(name)
            if any(tag.platform == "any" for tag in tags):
                yield Wheel(name, version, url, sha256)


def _files(address: str) -> Iterator[tuple[str, str, str | None]]:
    """Name, address and SHA-256 of every file on a project's page."""
    # An index may be a folder of this machine.
    page = f"{address}index.html" if address.startswith("file:") else address
    with _open(page, accept=_ACCEPT) as answer:
        base, kind, content = answer.geturl(), answer.headers.get_content_type(), answer.read()
    credentials, _, host = urlsplit(page).netloc.rpartition("@")
    if kind.endswith("+json"):
        entries = [
            (entry["filename"], entry["url"], entry.get("hashes", {}).get("sha256"))
            for entry in json.loads(content)["files"]
            if not entry.get("yanked")
        ]
    else:
        links = _Links()
        links.feed(content.decode())
        entries = links.entries
    for name, url, sha256 in entries:
        place = urlsplit(urljoin(base, url))
        # The name and the password of an index are for its own host alone.
        if credentials and place.netloc == host:
            place = place._replace(netloc=f"{credentials}@{host}")
        yield name, urlunsplit(place), sha256


class _Links(html.parser.HTMLParser):
    """The links of a page as PEP 503 has it; the hash stands behind the address, as ``#sha256=...``."""

    def __init__(self) -> None:
        super().__init__()
        self.entries: list[tuple[str, str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        address = found.get("href")
        if tag == "a" and address and "data-yanked" not in found:
            url, fragment = urldefrag(address)
            kind, _, value = fragment.partition("=")
            name = unquote(urlsplit(url).path.rpartition("/")[2])
            self.entries.append((name, url, value if kind == "sha256" else None))


def _fetch(wheel: Wheel, folder: Path) -> Path:
    """Download a wheel, and compare it with what the index says of it."""
    path = folder / wheel.name
    with _open(wheel.url) as answer, path.open("wb") as file:
        shutil.copyfileobj(answer, file)
    if wheel.sha256:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if found != wheel.sha256:
            raise OSError(f"{wheel.name} came with SHA-256 {found} instead of {wheel.sha256}")
    return path


def _open(address: str, *, accept: str = "*/*") -> HTTPResponse | addinfourl:
    """Open an address. A name and a password in it are sent as HTTP's basic authentication."""
    plain, credentials = _plain(address)
    request = urllib.request.Request(plain, headers={"Accept": accept})
    if credentials:
        request.add_unredirected_header("Authorization", "Basic " + base64.b64encode(credentials.encode()).decode())
    certificates = _pip_settings()("cert") or None
    answer: HTTPResponse | addinfourl = urllib.request.urlopen(
        request, timeout=TIMEOUT_S, context=ssl.create_default_context(cafile=certificates)
    )
    return answer


def _plain(address: str) -> tuple[str, str]:
    """An address without its name and password, and those, as "name:password"."""
    parts = urlsplit(address)
    user, _, host = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=host)), unquote(user)
