"""A server of its own over a real socket, which answers as a test tells it to: late, cut off, or with nonsense."""

import json
import socket
import sys
import threading
import types
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from email.parser import BytesParser
from email.policy import HTTP

import pytest


def word(text: str, line: int, x0: int, y0: int, x1: int, y1: int) -> dict[str, object]:
    """A word of a page."""
    corners = [[x0, y0], [x1, y0], [x1, y1], [x0, y1]]
    return {"text": text, "box": [x0, y0, x1, y1], "polygon": corners, "score": 0.9, "line": line}


PAGE = {
    "number": 1,
    "width": 200,
    "height": 100,
    "dpi": None,
    "turn": 0,
    "words": [
        word("TOTAL", 0, 10, 10, 60, 20),
        word("9.00", 0, 70, 10, 100, 20),
        word("THANKS", 1, 10, 30, 60, 40),
    ],
}
ANSWERED = {
    "request_id": "abc123",
    "model": {"name": "starter", "version": "1.0.0", "licence": "Apache-2.0"},
    "pages": [PAGE],
    "timings_ms": {"ocr": 5.0, "total": 8.0},
}
TOTAL = {
    "label": "TOTAL",
    "text": "9.00",
    "score": 0.97,
    "page": 1,
    "box": [70, 10, 100, 20],
    "polygon": [[70, 10], [100, 10], [100, 20], [70, 20]],
    "words": [1],
}
KIE = {
    "entities": [TOTAL],
    "fields": {
        "total": {
            "text": "9.00",
            "value": {"amount": "9.00", "currency": "MYR"},
            "score": 0.97,
            "page": 1,
            "box": [70, 10, 100, 20],
        },
        "date": {"text": "25 DEC 2018", "value": "2018-12-25", "score": 0.9, "page": 1, "box": [10, 30, 60, 40]},
    },
}
ANSWER = {"text": "9.00", "score": 0.8, "page": 1, "boxes": [[70, 10, 100, 20]], "words": [1]}
DOCVQA = {"answers": [{"question": "What is the total?", "answers": [ANSWER], "no_answer_score": 0.1}]}
CLASSIFICATION = {
    "classes": [{"label": "receipt", "score": 0.9}, {"label": "invoice", "score": 0.1}],
    "page_classes": [{"page": 1, "classes": [{"label": "receipt", "score": 0.9}]}],
}
MODEL = {
    "name": "starter",
    "version": "1.0.0",
    "licence": "Apache-2.0",
    "default": True,
    "source": "starter",
    "tasks": ["kie", "classification", "docvqa"],
    "labels": {
        "kie": ["COMPANY", "DATE", "TOTAL", "ITEM_AMOUNT"],
        "classification": ["receipt", "invoice"],
    },
    "fields": {"total": "amount", "date": "date", "company": "text"},
    "precision": "int8",
    "operators": "native",
    "limits": {
        "max_tokens": 512,
        "max_file_bytes": 1000,
        "max_pixels": 1000,
        "max_pages": 2,
        "max_job_pages": 5,
        "max_questions": 3,
    },
    "metrics": {},
}


def job(status: str, **members: object) -> dict[str, object]:
    """A job in a state."""
    return {
        "id": "j1",
        "task": "kie",
        "status": status,
        "created_at": "2026-01-01T00:00:00.000+00:00",
        "started_at": None,
        "finished_at": None,
        "expires_at": None,
        "progress": {"pages_done": 0, "pages_total": None},
        "result": None,
        "problem": None,
        **members,
    }


def problem(status: int, slug: str, **members: object) -> dict[str, object]:
    """An RFC 9457 problem."""
    return {
        "type": f"urn:layoutserve:problem:{slug}",
        "title": slug,
        "status": status,
        "detail": f"This is {slug}.",
        "action": "Do something.",
        "request_id": "abc123",
        "errors": [],
        **members,
    }


@dataclass
class Answer:
    """What the server does with one request."""

    body: object = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0
    cut: int | None = None  # bytes of the body after which the connection is closed
    hang_up: bool = False  # close without a word

    def __bytes__(self) -> bytes:
        body = self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()
        headers = {"Content-Type": "application/json", "Content-Length": str(len(body)), **self.headers}
        head = f"HTTP/1.1 {self.status} X\r\n" + "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        return head.encode() + b"\r\n" + body[: self.cut]


@dataclass
class Request:
    """A request as it arrived."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def form(self) -> dict[str, list[bytes]]:
        """The parts of a multipart body by name."""
        message = BytesParser(policy=HTTP).parsebytes(
            f"Content-Type: {self.headers['content-type']}\r\n\r\n".encode() + self.body
        )
        parts: dict[str, list[bytes]] = {}
        for part in message.iter_parts():
            name = part.get_param("name", header="content-disposition")
            parts.setdefault(str(name), []).append(part.get_payload(decode=True) or b"")
        return parts


class ScriptedServer:
    """Gives the scripted answers one after the other, over connections that stay open."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.script: list[Answer] = []
        self.otherwise: Answer | None = None
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._lock = threading.Lock()
        threading.Thread(target=self._accept, daemon=True).start()

    def answers(self, *script: Answer, otherwise: Answer | None = None) -> None:
        """Set what the next requests get, and what all after them get."""
        self.script = list(script)
        self.otherwise = otherwise

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with suppress(OSError), connection, connection.makefile("rb") as stream:
            while line := stream.readline():
                method, path, _ = line.decode().split(" ")
                headers = dict(self._headers(stream))
                body = stream.read(int(headers.get("content-length", 0)))
                with self._lock:
                    self.requests.append(Request(method, path, headers, body))
                    answer = self.script.pop(0) if self.script else self.otherwise
                if answer is None or answer.hang_up:
                    return
                if answer.delay:
                    threading.Event().wait(answer.delay)
                connection.sendall(bytes(answer))
                if answer.cut is not None:
                    return

    @staticmethod
    def _headers(stream: object) -> Iterator[tuple[str, str]]:
        while line := stream.readline().strip():  # type: ignore[attr-defined]
            name, _, value = line.decode().partition(":")
            yield name.lower(), value.strip()


@pytest.fixture
def wire() -> types.ModuleType:
    """This module: what a server writes. (Test modules cannot import one another.)"""
    return sys.modules[__name__]


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    scripted = ScriptedServer()
    yield scripted
    scripted.close()


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses that were made, none of which takes any time."""
    import time

    made: list[float] = []
    monkeypatch.setattr(time, "sleep", made.append)
    return made
