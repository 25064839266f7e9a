"""The process that readers are forked from: it has all they need in memory, and never sees a document itself.

``python -m layoutserve.service.sandbox.zygote DESCRIPTOR`` answers on the socket of that descriptor until it closes::

    an order with the descriptors of a document and of a socket   ->  {"pid"} of a reader, forked for it
    {"reap": pid} of a reader that has been ended                 ->  {"exit"}, its exit code or minus its signal
"""

import contextlib
import gc
import os
import signal
import socket
import sys
from typing import NoReturn

from PIL import Image

from layoutserve.service.sandbox import confinement, reader
from layoutserve.service.sandbox.messages import Departed, close, receive, send


def main(descriptor: int) -> None:
    """Fork readers until the service closes its end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    control = socket.socket(fileno=descriptor)
    # Formats that Pillow would otherwise look for on disk when the first file comes.
    Image.init()
    gc.collect()
    gc.freeze()
    with contextlib.suppress(Departed):
        send(control, {"ready": True})
        while True:
            order, descriptors = receive(control, 2)
            if "reap" in order:
                _, status = os.waitpid(order["reap"], 0)
                send(control, {"exit": os.waitstatus_to_exitcode(status)})
                continue
            pid = os.fork()
            if pid == 0:
                control.close()
                _read(order, *descriptors)
            close(descriptors)
            send(control, {"pid": pid})


def _read(order: dict[str, object], document: int, end: int) -> NoReturn:
    """Read a document in the process forked for it. What libraries print may quote it: that goes nowhere."""
    try:
        confinement.die_with_parent()
        nowhere = os.open(os.devnull, os.O_RDWR)
        for standard in range(3):
            os.dup2(nowhere, standard)
        os.close(nowhere)
        reader.read(socket.socket(fileno=end), document, order)
        os._exit(0)
    except BaseException:
        os._exit(1)


if __name__ == "__main__":
    main(int(sys.argv[1]))
