"""Documents read in readers' processes, as the rest of the service sees them."""

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import MISSING, asdict, dataclass, field, fields, make_dataclass
from functools import cache
from typing import Any, NoReturn, get_type_hints

from pydantic import TypeAdapter, ValidationError

from layoutserve.model import errors
from layoutserve.model.page import Limits, OcrMode, Page
from layoutserve.service.errors import DocumentNotProcessable
from layoutserve.service.sandbox.confinement import MIB
from layoutserve.service.sandbox.messages import Departed, close, mapped_pixels, receive, send

START_S = 60.0


@dataclass(frozen=True, slots=True)
class Allowance:
    """What one reader may use: memory beside what it begins with, processor time; confined: network and files taken."""

    memory_bytes: int = 1024 * MIB
    cpu_s: int = 60
    confined: bool = True


class SandboxedDocument:
    """A document whose pages are decoded in a process of its own while they are iterated over, as ``Document``.

    Close it, from any thread at any time: its process is killed, and whoever waits for a page gets an exception. An
    error closes it, too.
    """

    def __init__(self, readers: "Readers", pid: int, end: socket.socket) -> None:
        self._readers = readers
        self._pid = pid
        self._end = end
        self._lock = threading.Lock()
        self._closed = False
        self._exit: int | None = None
        try:
            opened, _ = self._receive(0)
            self.page_count: int = int(opened["page_count"])
            self.numbers: tuple[int, ...] = tuple(map(int, opened["numbers"]))
        except BaseException:
            self.close()
            raise

    def __len__(self) -> int:
        return len(self.numbers)

    def __iter__(self) -> Iterator[Page]:
        for _ in self.numbers:
            with suppress(Departed):  # then receiving says why
                send(self._end, {"read": True})
            message, descriptors = self._receive(1)
            try:
                height, width, channels = map(int, message["shape"])
                pixels = mapped_pixels(descriptors[0], (height, width, channels))
                described = _described().validate_python(message["page"])
            except (Departed, ValidationError, IndexError, KeyError, TypeError, ValueError):
                self._failed("its reader answered nonsense")
            finally:
                close(descriptors)
            yield Page(image=pixels, **{name.name: getattr(described, name.name) for name in fields(described)})

    def close(self) -> None:
        """End the process. What was read stays."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            self._exit = self._readers.end(self._pid)
        self._end.close()

    def _receive(self, descriptors: int) -> tuple[dict[str, Any], list[int]]:
        try:
            message, found = receive(self._end, descriptors)
        except Departed:
            self._failed("its reader was ended")
        if "error" in message:
            close(found)
            known = getattr(errors, str(message["error"]), None)
            if not (isinstance(known, type) and issubclass(known, errors.LayoutServeError)):
                self._failed("its reader failed")
            self.close()
            raise known(str(message["message"]))
        return message, found

    def _failed(self, what: str) -> NoReturn:
        self.close()
        raise DocumentNotProcessable(
            f"The document cannot be decoded: {what} ({_reason(self._exit)}). Save it again with another program and "
            "send that."
        )


@dataclass(slots=True)
class Readers:
    """Forks a reader for each document; safe to share between threads. ``close`` it."""

    allowance: Allowance = field(default_factory=Allowance)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _process: "subprocess.Popen[bytes] | None" = None
    _control: socket.socket | None = None

    def start(self) -> None:
        """Start the process that readers are forked from, if it does not run; wait until it can."""
        with self._lock:
            self._running()

    def read_document(
        self,
        data: bytes,
        *,
        pages: str | None = None,
        dpi: int = 200,
        limits: Limits,
        ocr: OcrMode = "auto",
    ) -> SandboxedDocument:
        """Open a document in a process of its own; arguments and errors are those of ``model.page.read_document``.

        Raises DocumentNotProcessable, too, when that process ends.
        """
        order = {"options": {"pages": pages, "dpi": dpi, "ocr": ocr}, "limits": asdict(limits)}
        # Both ends of the socket and the document are the reader's alone once it is forked.
        ours, theirs = socket.socketpair()
        document = os.memfd_create("document", os.MFD_CLOEXEC)
        try:
            view = memoryview(data)
            while view:
                view = view[os.write(document, view) :]
            answer = self._ask(order | asdict(self.allowance), (document, theirs.fileno()))
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
            os.close(document)
        return SandboxedDocument(self, int(answer["pid"]), ours)

    def end(self, pid: int) -> int | None:
        """Kill a reader; gives its exit code or minus the signal that had ended it before, None where nobody knows."""
        with self._lock:
            if self._control is None:
                return None
            # Nobody else has this number until the reader is reaped.
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            try:
                send(self._control, {"reap": pid})
                return int(receive(self._control)[0]["exit"])
            except Departed:
                self._stop()
                return None

    def close(self) -> None:
        """End the process and with it all readers."""
        with self._lock:
            self._stop()

    def _ask(self, order: dict[str, Any], descriptors: tuple[int, ...]) -> dict[str, Any]:
        with self._lock:
            for attempt in range(2):
                control = self._running()
                try:
                    send(control, order, descriptors)
                    return receive(control)[0]
                except Departed:
                    # It was killed, by whoever frees memory perhaps: another takes its place.
                    self._stop()
                    if attempt:
                        raise
        raise AssertionError("unreachable")

    def _running(self) -> socket.socket:
        if self._control is not None:
            return self._control
        ours, theirs = socket.socketpair()
        # Threads would not survive the fork, and nothing there multiplies matrices.
        environment = os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
        command = [sys.executable, "-m", "layoutserve.service.sandbox.zygote", str(theirs.fileno())]
        with theirs:
            self._process = subprocess.Popen(
                command, pass_fds=[theirs.fileno()], env=environment, stdin=subprocess.DEVNULL, start_new_session=True
            )
        self._control = ours
        ours.settimeout(START_S)
        receive(ours)
        ours.settimeout(None)
        return ours

    def _stop(self) -> None:
        if self._control is not None:
            self._control.close()
            self._control = None
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


@cache
def _described() -> TypeAdapter[Any]:
    """A page without its pixels, checked field by field."""
    hints = get_type_hints(Page)
    rest = [
        (name.name, hints[name.name], field(default=name.default if name.default is not MISSING else None))
        for name in fields(Page)
        if name.name != "image"
    ]
    return TypeAdapter(make_dataclass("DescribedPage", rest, frozen=True))


def _reason(code: int | None) -> str:
    if code is None or code == -signal.SIGKILL:
        return "it was killed"
    if code == -signal.SIGXCPU:
        return "it took too much processor time"
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
