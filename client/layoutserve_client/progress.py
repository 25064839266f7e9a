"""A progress bar with the time left, on the standard error stream."""

from __future__ import annotations

import sys
import threading
import time
from types import TracebackType
from typing import Final, TextIO

WIDTH: Final = 24
EVERY_S: Final = 0.1


class Bar:
    """Counts what is done. On a terminal it redraws one line; elsewhere it writes a line at the end."""

    def __init__(self, total: int | None, *, shown: bool = True, stream: TextIO | None = None) -> None:
        self._total = total
        self._shown = shown
        self._stream = stream or sys.stderr
        self._terminal = self._stream.isatty()
        self._done = 0
        self._began = time.monotonic()
        self._drawn = 0.0
        self._lock = threading.Lock()

    def __enter__(self) -> Bar:
        self._draw()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._shown:
            self._stream.write(("\r\x1b[K" if self._terminal else "") + self.line() + "\n")
            self._stream.flush()

    def advance(self) -> None:
        """Count one more; may be called from any thread."""
        with self._lock:
            self._done += 1
            self._draw()

    def _draw(self) -> None:
        now = time.monotonic()
        if self._shown and self._terminal and now - self._drawn >= EVERY_S:
            self._drawn = now
            self._stream.write("\r\x1b[K" + self.line())
            self._stream.flush()

    def line(self) -> str:
        """Say how far it is."""
        spent = time.monotonic() - self._began
        rate = self._done / spent if spent > 0 else 0.0
        if self._total is None:
            return f"{self._done} done, {rate:.1f}/s, {_clock(spent)}"
        filled = WIDTH * self._done // max(self._total, 1)
        left = "" if not rate or self._done >= self._total else f", {_clock((self._total - self._done) / rate)} left"
        bar = "#" * filled + "." * (WIDTH - filled)
        return f"[{bar}] {self._done}/{self._total}, {rate:.1f}/s, {_clock(spent)}{left}"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
