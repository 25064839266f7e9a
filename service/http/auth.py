"""API keys: several, each with a name, kept only as SHA-256 and compared in constant time.

A key is written ``NAME:KEY`` or ``NAME:sha256:HEX``, in the environment or one a line in a file. The keys are random
and long (``layoutserve api-key`` makes them), so a plain hash is enough: there is nothing to guess.
"""

import hashlib
import hmac
import re
import secrets
from pathlib import Path

from layoutserve.service.errors import SettingsError, Unauthorized
from layoutserve.service.settings import Settings

ANYBODY = "anybody"
NAME = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)
NAME_FORM = "in at most 64 letters, digits, '.', '_' and '-'"
_DIGEST = re.compile(r"sha256:([0-9a-fA-F]{64})", re.ASCII)


class Keys:
    """The keys that are accepted; with none, everybody is."""

    def __init__(self, digests: dict[str, bytes]) -> None:
        self._digests = digests

    def __bool__(self) -> bool:
        return bool(self._digests)

    def name_of(self, authorization: str | None) -> str:
        """Name of the key in an ``Authorization`` header. Raises Unauthorized."""
        if not self._digests:
            return ANYBODY
        scheme, _, key = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not key.strip():
            raise Unauthorized("This service needs an API key.")
        digest = _digest(key.strip())
        found = None
        # Every key is compared, so that the time tells nothing.
        for name, known in self._digests.items():
            if hmac.compare_digest(digest, known):
                found = name
        if found is None:
            raise Unauthorized("This API key is not known.")
        return found


def load_keys(settings: Settings) -> Keys:
    """Read the keys from settings and file. Raises SettingsError, which never quotes a key."""
    lines = [(f"API key {number}", line) for number, line in enumerate(settings.api_keys, 1)]
    if settings.api_keys_file is not None:
        lines += _lines(settings.api_keys_file)
    digests: dict[str, bytes] = {}
    for place, line in lines:
        name, colon, key = line.partition(":")
        if not colon or not key or not NAME.fullmatch(name):
            raise SettingsError(f"{place} must be written NAME:KEY or NAME:sha256:HEX, the name {NAME_FORM}.")
        if name in digests:
            raise SettingsError(f"{place} is another API key with the name {name}; give each its own.")
        match = _DIGEST.fullmatch(key)
        if key.startswith("sha256:") and not match:
            raise SettingsError(f"{place} gives the key {name} a SHA-256 that must have 64 hexadecimal digits.")
        digests[name] = bytes.fromhex(match[1]) if match else _digest(key)
    if settings.api_keys_file is not None and not digests:
        raise SettingsError(f"{settings.api_keys_file} holds no API key: add one, or leave api_keys_file out.")
    return Keys(digests)


def new_key() -> tuple[str, str]:
    """Make a key: the key itself, for its user, and what stands for it in the file."""
    key = "ls_" + secrets.token_urlsafe(32)
    return key, "sha256:" + _digest(key).hex()


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).digest()


def _lines(path: Path) -> list[tuple[str, str]]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"The file of API keys {path} cannot be read ({type(error).__name__}).") from None
    numbered = enumerate(map(str.strip, text.splitlines()), 1)
    return [(f"{path}, line {number},", line) for number, line in numbered if line and not line.startswith("#")]
