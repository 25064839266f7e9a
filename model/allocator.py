"""The memory of a process that goes through pages all day.

Every page needs arrays of tens of megabytes, of another size than the last. GNU's C library gives them back to the
system one by one and asks for them anew, which costs a page of OCR a tenth of its time in page faults, and has every
thread keep a heap of its own. Nor can it put an aligned array where one of the same size has just been, so that the
detector takes three times the memory that it uses. And each session of ONNX Runtime keeps what its largest page needed.
One arena for all sessions, that divides and joins one large region, and one heap that keeps what it has, are faster,
and stay with the largest page's needs from the first such page on.
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

# Of the arena, in bytes: of its first region, which what runs at once should fit into, and of the first one after it.
# A region's memory is taken from the system when it is first written to, so room costs nothing; with half as much a
# base-size bundle took 160 MiB more, since free parts of two regions cannot be joined.
_REGION = 512 * 2**20
_NEXT_REGION = 64 * 2**20
_DOUBLING = 0


@cache
def keep_freed_memory() -> bool:
    """Have freed memory kept for the next page; whether the C library does so too (GNU's does).

    For the whole process, so for those to call that run one; before threads begin, since a heap once made stays, and
    before sessions are opened with ``share_arena``.
    """
    info = onnxruntime.OrtMemoryInfo(
        "Cpu", onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, onnxruntime.OrtMemType.DEFAULT
    )
    growing = onnxruntime.OrtArenaCfg(
        {
            "arena_extend_strategy": _DOUBLING,
            "initial_chunk_size_bytes": _REGION,
            "initial_growth_chunk_size_bytes": _NEXT_REGION,
        }
    )
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
