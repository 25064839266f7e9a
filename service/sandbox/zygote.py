"""The process that readers are forked from: it has all they need in memory, and never sees a stranger's document.

``python -m layoutserve.service.sandbox.zygote DESCRIPTOR ALLOWANCE`` answers on the socket of that descriptor until it
closes; the allowance, in JSON, is what ``reader.wait`` takes::

    {"reader": true}                               ->  {"pid"} of a reader that was forked ahead, and the socket to
                                                       talk to it
    {"reap": pid} of a reader that has been ended  ->  {"exit"}, its exit code or minus its signal
"""

import contextlib
import gc
import io
import json
import os
import signal
import socket
import sys
from typing import Any, NoReturn

from PIL import Image

from layoutserve.model.page import read_document
from layoutserve.service.sandbox import confinement, reader
from layoutserve.service.sandbox.messages import Departed, receive, send


def main(descriptor: int, allowance: dict[str, Any]) -> None:
    """Fork readers until the service closes its end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    control = socket.socket(fileno=descriptor)
    _warm_up()
    gc.collect()
    gc.freeze()
    ahead = _fork(control, allowance)
    with contextlib.suppress(Departed):
        send(control, {"ready": True})
        while True:
            order, _ = receive(control)
            if "reap" in order:
                _, status = os.waitpid(order["reap"], 0)
                send(control, {"exit": os.waitstatus_to_exitcode(status)})
                continue
            pid, end = ahead
            send(control, {"pid": pid}, [end.fileno()])
            end.close()
            ahead = _fork(control, allowance)


def _warm_up() -> None:
    """Read a white page in each usual format: what libraries load when they are first used is then there."""
    Image.init()
    for form in ("JPEG", "PNG", "TIFF", "PDF"):
        file = io.BytesIO()
        Image.new("RGB", (64, 64), "white").save(file, form)
        list(read_document(file.getvalue()))


def _fork(control: socket.socket, allowance: dict[str, Any]) -> tuple[int, socket.socket]:
    """Fork a reader; gives its process and the socket it listens on."""
    ours, theirs = socket.socketpair()
    pid = os.fork()
    if pid == 0:
        control.close()
        ours.close()
        _read(theirs, allowance)
    theirs.close()
    return pid, ours


def _read(end: socket.socket, allowance: dict[str, Any]) -> NoReturn:
    """Read a document in the process forked for it. What libraries print may quote it: that goes nowhere."""
    try:
        confinement.die_with_parent()
        nowhere = os.open(os.devnull, os.O_RDWR)
        for standard in range(3):
            os.dup2(nowhere, standard)
        os.close(nowhere)
        reader.wait(end, **allowance)
        os._exit(0)
    except BaseException:
        os._exit(1)


if __name__ == "__main__":
    main(int(sys.argv[1]), json.loads(sys.argv[2]))
