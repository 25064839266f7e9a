"""Documents read in readers' processes, as the rest of the service sees them."""

import json
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
from layoutserve.service.sandbox.messages import ARRAYS, Departed, receive, receive_pixels, send

START_S = 60.0
# Priority of those who take long: a tenth of the others' share of a core.
_LOWER = 10
_LARGE_PAGES = "glibc.malloc.hugetlb=1"


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

    ``open`` it, then for each of its ``len`` pages ``ask`` what memory it takes, ``wait`` until it is decoded and
    ``take`` it; or iterate. Each of them raises what ``model.page.read_document`` raises, and DocumentNotProcessable
    when the process ends. Close it, from any thread at any time: the process is killed, and whoever waits gets that
    error. An error closes it, too.
    """

    def __init__(self, readers: "Readers", pid: int, end: socket.socket, max_pixels: int) -> None:
        self.pid = pid
        self.numbers: tuple[int, ...] = ()
        self.page_count = 0
        self.failed = False
        self.granted_bytes = 0
        self._readers = readers
        self._end = end
        self._max_pixels = max_pixels
        self._lock = threading.Lock()
        self._closed = False
        self._reason: str | None = None
        self._decoded: dict[str, Any] | None = None

    def __len__(self) -> int:
        return len(self.numbers)

    def __iter__(self) -> Iterator[Page]:
        for _ in self.numbers:
            self.ask()
            self.wait()
            yield self.take()

    def open(self) -> "SandboxedDocument":
        """Wait until the document is opened and its pages are counted."""
        opened = self._receive()
        try:
            self.page_count = int(opened["page_count"])
            self.numbers = tuple(map(int, opened["numbers"]))
        except (KeyError, TypeError, ValueError):
            self._fail("its reader answered nonsense")
        return self

    def ask(self) -> int:
        """Most memory, in bytes, that decoding the next page should take."""
        self._go_on()
        answer = self._receive()
        try:
            return int(answer["memory_bytes"])
        except (KeyError, TypeError, ValueError):
            self._fail("its reader answered nonsense")

    def wait(self) -> None:
        """Wait until the next page is decoded; its pixels stay where they are until it is taken."""
        self._go_on()
        self._decoded = self._receive()

    def take(self) -> Page:
        """Give the page that was waited for."""
        assert self._decoded is not None
        message, self._decoded = self._decoded, None
        try:
            height, width, channels = map(int, message["shape"])
            if not (0 < height * width <= self._max_pixels and channels == 3):
                raise ValueError
            names = [name for name in ARRAYS if name in message["arrays"]]
            members: dict[str, Any] = {name: receive_pixels(self._end, (height, width, channels)) for name in names}
            described = _described().validate_python(message["page"])
        except Departed:
            self._fail("its reader was ended")
        except (ValidationError, KeyError, TypeError, ValueError):
            self._fail("its reader answered nonsense")
        return Page(**members, **{name.name: getattr(described, name.name) for name in fields(described)})

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

    def _go_on(self) -> None:
        with suppress(Departed):  # then receiving says why
            send(self._end, {"read": True})

    def _receive(self) -> dict[str, Any]:
        try:
            message, _ = receive(self._end)
        except Departed:
            self._fail("its reader was ended")
        if "error" in message:
            known = getattr(errors, str(message["error"]), None)
            if not (isinstance(known, type) and issubclass(known, errors.LayoutServeError)):
                self._fail("its reader failed")
            self.close()
            self.failed = False
            raise known(str(message["message"]))
        return message

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

    @property
    def process_id(self) -> int:
        """The process that readers are forked from, 0 before it was started."""
        return 0 if self._process is None else self._process.pid

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
        document = os.memfd_create("document", os.MFD_CLOEXEC)
        try:
            view = memoryview(data)
            while view:
                view = view[os.write(document, view) :]
            found = self._reader(limits.max_pixels)
            with suppress(Departed):  # then opening says why
                send(found._end, order, (document,))
        finally:
            os.close(document)
        return found

    def limit_memory(self, most_bytes: int) -> None:
        """End the reader that is most beyond what it was granted, if all together hold more than ``most_bytes``.

        What they share with the process that they were forked from does not count.
        """
        at_work = list(self._at_work.values())
        shared = _bytes_of(self._process.pid) if at_work and self._process is not None else 0
        beside = {document: max(_bytes_of(document.pid) - shared, 0) for document in at_work}
        if sum(beside.values()) > most_bytes:
            heaviest = max(beside, key=lambda document: beside[document] - document.granted_bytes)
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

    def _reader(self, max_pixels: int) -> SandboxedDocument:
        """A reader that waits for its order."""
        with self._lock:
            for attempt in range(2):
                control = self._running()
                try:
                    send(control, {"reader": True})
                    answer, descriptors = receive(control, 1)
                    end = socket.socket(fileno=descriptors[0])
                    document = SandboxedDocument(self, int(answer["pid"]), end, max_pixels)
                    self._at_work[document.pid] = document
                    return document
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
        # Threads would not survive the fork, and nothing there multiplies matrices. A new process pays for each page of
        # memory when it first touches it: large ones make a document a third faster.
        environment = os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "GLIBC_TUNABLES": _LARGE_PAGES}
        zygote = "layoutserve.service.sandbox.zygote"
        command = [sys.executable, "-m", zygote, str(theirs.fileno()), json.dumps(asdict(self.allowance))]
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
