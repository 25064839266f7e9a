"""How a process that goes through pages all day keeps memory.

Every page needs arrays of tens of megabytes, of another size than the last. GNU's C library gives them back to the
system one by one and asks for them anew, which costs a page of OCR a tenth of its time in page faults, and has every
thread keep a heap of its own; each session of ONNX Runtime keeps what its largest page needed. So memory creeps up with
the pages. One heap that keeps what it has, and one arena for the sessions that run windows and lines, are faster and
grow no further than the largest pages ask. The detector, whose arrays differ most in size, lives on the heap.
"""

import ctypes
import sys
from functools import cache

import onnxruntime

# From malloc.h.
_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3
_M_ARENA_MAX = -8

# Larger arrays than this (bytes; the most that the library takes) are still given back at once.
_MAPPED = 32 * 2**20
_NEVER = 2**31 - 1

# Grow by what is asked for, not to the next power of two.
_AS_REQUESTED = 1


@cache
def keep_freed_memory() -> bool:
    """Have freed memory kept for the next page; whether the C library does so too (GNU's does).

    For the whole process, so for those to call that run one; before threads begin, since a heap once made stays, and
    before sessions are opened with ``share_arena``.
    """
    info = onnxruntime.OrtMemoryInfo(
        "Cpu", onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, onnxruntime.OrtMemType.DEFAULT
    )
    growing = onnxruntime.OrtArenaCfg({"arena_extend_strategy": _AS_REQUESTED})
    onnxruntime.create_and_register_allocator(info, growing)
    if not sys.platform.startswith("linux"):
        return False
    try:
        set_option = ctypes.CDLL(None).mallopt
    except AttributeError:
        return False
    options = ((_M_ARENA_MAX, 1), (_M_MMAP_THRESHOLD, _MAPPED), (_M_TRIM_THRESHOLD, _NEVER))
    return all(set_option(option, value) for option, value in options)


def share_arena(options: onnxruntime.SessionOptions) -> None:
    """Have sessions with these options use the arena of ``keep_freed_memory``; where that was not called, their own."""
    options.add_session_config_entry("session.use_env_allocators", "1")
