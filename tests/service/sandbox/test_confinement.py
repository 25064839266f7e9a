"""What a confined process can no longer do, tried in processes that confine themselves."""

import platform
import subprocess
import sys
from pathlib import Path

import pytest

CONFINED = """
import os, socket, sys, threading
from pathlib import Path
from layoutserve.service.sandbox import confinement
print(*confinement.confine(confinement.installed()))
def tried(action):
    try:
        action()
    except OSError as error:
        return type(error).__name__
    return "done"
"""


def run(code, *arguments):
    done = subprocess.run(
        [sys.executable, "-c", CONFINED + code, *map(str, arguments)], capture_output=True, text=True, check=True
    )
    in_force, *lines = done.stdout.splitlines()
    if platform.machine() in ("x86_64", "aarch64"):
        assert "seccomp" in in_force
    return in_force.split(), lines


@pytest.mark.parametrize(
    "action",
    [
        "lambda: socket.socket()",
        "lambda: socket.socketpair()",
        "lambda: os.kill(os.getppid(), 0)",
        "lambda: os.fork()",
        "lambda: os.execv('/bin/true', ['true'])",
        "lambda: os.posix_spawn('/bin/true', ['true'], {})",
    ],
)
def test_network_and_other_processes_are_out_of_reach(action):
    in_force, lines = run(f"print(tried({action}))")
    assert lines == ["PermissionError"], in_force


@pytest.mark.parametrize("action", ["Path(sys.argv[1]).read_text", "lambda: Path(sys.argv[1]).write_text('x')"])
def test_files_are_out_of_reach(tmp_path, action):
    secret = tmp_path / "secret"
    secret.write_text("secret")
    in_force, lines = run(f"print(tried({action}))", secret)
    assert "landlock" not in in_force or lines == ["PermissionError"]
    assert secret.read_text() == "secret"


def test_what_is_installed_can_be_read_and_threads_can_be_had():
    _, lines = run(
        "import zoneinfo, json.tool\nprint(len(Path(json.tool.__file__).read_text()) > 100)\n"
        "worker = threading.Thread(target=print, args=('thread',)); worker.start(); worker.join()"
    )
    assert lines == ["True", "thread"]


def test_memory_and_time_are_limited():
    limited = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parents[3])!r})
from layoutserve.service.sandbox import confinement
confinement.limit(64 * 2**20, 2**20, confinement.held_bytes())
confinement.limit_time(1)
try:
    bytearray(100 * 2**20)
except MemoryError:
    print("no memory", len(bytearray(20 * 2**20)), flush=True)
while True:
    pass
"""
    done = subprocess.run([sys.executable, "-c", limited], capture_output=True, text=True, check=False, timeout=60)
    assert done.stdout.split()[:2] == ["no", "memory"]
    assert done.returncode < 0
