"""What the C library is told, seen in a process of its own: the setting is for good."""

import subprocess
import sys

import pytest

PROGRAM = """
import resource, sys
import numpy as np
from layoutserve.model.allocator import keep_freed_memory

if sys.argv[1] == "kept":
    assert keep_freed_memory()
def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
def touch():
    arrays = [np.ones(size << 20, np.uint8) for size in (3, 9, 20, 27)]
for _ in range(3):
    touch()
before = faults()
for _ in range(10):
    touch()
print(faults() - before)
"""


def faults(how):
    done = subprocess.run([sys.executable, "-c", PROGRAM, how], capture_output=True, text=True, check=True)
    return int(done.stdout)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="it is a setting of GNU's C library")
def test_freed_memory_is_used_again():
    assert faults("kept") < 100 < 10_000 < faults("as it is")
