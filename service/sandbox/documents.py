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
from pathlib import Path
from typing import Any, NoReturn, get_type_hints

from pydantic import TypeAdapter, ValidationError

from layoutserve.model import errors
from layoutserve.model.page import Limits, OcrMode, Page
from layoutserve.service.errors import DocumentNotProcessable
from layoutserve.service.sandbox.confinement import MIB
from layoutserve.service.sandbox.messages import ARRAYS, Departed, close, mapped_pixels, receive, send

START_S = 60.0
# Priority of those who take long: a tenth of the others' share of a core.
_LOWER = 10


@dataclass(frozen=True, slots=True)
class Allowance:
    """Bounds of one reader: memory beside what it begins with, processor seconds for a page.

    confined: whether network and files are taken from it.
    """

    memory_bytes: int = 1024 * MIB
    page_cpu_s: int = 20
    confined: bool = True


class SandboxedDocument:
    """A document whose pages are decoded in a process of its own, one by one as they are asked for.

    ``open`` it, then for each of its ``len`` pages ``wait`` until it is decoded and ``take`` it; or iterate. Each of
    them raises what ``model.page.read_document`` raises, and DocumentNotProcessable when the process ends. Close it,
    from any thread at any time: the process is killed, and whoever waits gets that error. An error closes it, too.
    """

    def __init__(self, readers: "Readers", pid: int, end: socket.socket) -> None:
        self.pid = pid
        self.numbers: tuple[int, ...] = ()
        self.page_count = 0
        self.failed = False
        self._readers = readers
        self._end = end
        self._lock = threading.Lock()
        self._closed = False
        self._reason: str | None = None
        self._decoded: tuple[dict[str, Any], list[int]] | None = None

    def __len__(self) -> int:
        return len(self.numbers)

    def __iter__(self) -> Iterator[Page]:
        for _ in self.numbers:
            self.wait()
            yield self.take()

    def open(self) -> "SandboxedDocument":
        """Wait until the document is opened and its pages are counted."""
        opened, _ = self._receive(0)
        try:
            self.page_count = int(opened["page_count"])
            self.numbers = tuple(map(int, opened["numbers"]))
        except (KeyError, TypeError, ValueError):
            self._fail("its reader answered nonsense")
        return self

    def wait(self) -> None:
        """Wait until the next page is decoded; its pixels stay where they are until it is taken."""
        with suppress(Departed):  # then receiving says why
            send(self._end, {"read": True})
        self._decoded = self._receive(len(ARRAYS))

    def take(self) -> Page:
        """Give the page that was waited for."""
        assert self._decoded is not None
        message, descriptors = self._decoded
        self._decoded = None
        try:
            height, width, channels = map(int, message["shape"])
            arrays = {
                name: mapped_pixels(descriptor, (height, width, channels))
                for name, descriptor in zip(message["arrays"], descriptors, strict=True)
                if name in ARRAYS
            }
            pixels, unread = arrays["image"], arrays.get("unread")
            described = _described().validate_python(message["page"])
        except (Departed, ValidationError, IndexError, KeyError, TypeError, ValueError):
            self._fail("its reader answered nonsense")
        finally:
            close(descriptors)
        rest = {name.name: getattr(described, name.name) for name in fields(described)}
        return Page(image=pixels, unread=unread, **rest)

    @property
    def decoded_bytes(self) -> int:
        """Bytes of a page that waits to be taken."""
        waiting = self._decoded
        with suppress(OSError):  # taken meanwhile
            return sum(os.fstat(descriptor).st_size for descriptor in waiting[1]) if waiting else 0
        return 0

    def demote(self, after_s: float) -> None:
        """Let the process work on after others if it has used more processor time than that."""
        with suppress(OSError, IndexError):
            # The 12th and 13th values after the name, which may hold anything: ticks in its own code and in the kernel.
            ticks = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[11:13]
            if sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK") > after_s:
                os.setpriority(os.PRIO_PROCESS, self.pid, _LOWER)

    def close(self, reason: str | None = None) -> None:
        """End the process, for a ``reason`` if it is the document's fault. Pages that were taken stay."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            code = self._readers.end(self)
            self._reason = reason or _reason(code)
            self.failed = reason is not None or code not in (0, -signal.SIGKILL, None)
        with suppress(OSError):
            # Whoever waits is woken before the descriptor may be another's.
            self._end.shutdown(socket.SHUT_RDWR)
        self._end.close()
        if self._decoded is not None:
            close(self._decoded[1])
            self._decoded = None

    def _receive(self, descriptors: int) -> tuple[dict[str, Any], list[int]]:
        try:
            message, found = receive(self._end, descriptors)
        except Departed:
            self._fail("its reader was ended")
        if "error" in message:
            close(found)
            known = getattr(errors, str(message["error"]), None)
            if not (isinstance(known, type) and issubclass(known, errors.LayoutServeError)):
                self._fail("its reader failed")
            self.close()
            self.failed = False
            raise known(str(message["message"]))
        return message, found

    def _fail(self, what: str) -> NoReturn:
        given_up = self._closed
        self.close()
        # Ended by itself, or by whoever frees memory: the document's fault even so.
        self.failed |= not given_up
        raise DocumentNotProcessable(f"The document cannot be decoded: {what} ({self._reason}).")


@dataclass(slots=True)
class Readers:
    """Forks a reader for each document; safe to share between threads. ``close`` it."""

    allowance: Allowance = field(default_factory=Allowance)
    _at_work: dict[int, SandboxedDocument] = field(default_factory=dict)
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
        """Begin to read a document in a process of its own; arguments are those of ``model.page.read_document``."""
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
        document_ = SandboxedDocument(self, int(answer["pid"]), ours)
        self._at_work[document_.pid] = document_
        return document_

    def limit_memory(self, most_bytes: int) -> None:
        """End the reader that holds most, if all readers together hold more than ``most_bytes`` beside the shared."""
        at_work = list(self._at_work.values())
        shared = _bytes_of(self._process.pid) if at_work and self._process is not None else 0
        beside = {document: max(_bytes_of(document.pid) - shared, 0) + document.decoded_bytes for document in at_work}
        if sum(beside.values()) > most_bytes:
            heaviest = max(beside, key=lambda document: beside[document])
            heaviest.close(f"decoding it took {beside[heaviest] // MIB:,} MiB")

    def end(self, document: SandboxedDocument) -> int | None:
        """Kill a reader; gives its exit code or minus the signal that ended it, None where nobody knows."""
        pid = document.pid
        with self._lock:
            if self._control is None or self._at_work.pop(pid, None) is not document:
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
        self._at_work.clear()
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
        if name.name not in ARRAYS
    ]
    return TypeAdapter(make_dataclass("DescribedPage", rest, frozen=True))


def _bytes_of(pid: int) -> int:
    """Memory a process holds that is no file's; 0 for one that has ended."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return 1024 * sum(int(line.split()[1]) for line in lines if line.startswith(("RssAnon:", "RssShmem:")))


def _reason(code: int | None) -> str:
    if code is None or code == -signal.SIGKILL:
        return "it was killed"
    if code == -signal.SIGXCPU:
        return "it took too much processor time"
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
