"""How the C library keeps memory, for a process that goes through pages all day.

Every page needs arrays of tens of megabytes, of another size than the last. GNU's allocator gives them back to the
system one by one and asks for them anew, which costs a page of OCR a tenth of its time in page faults, and has every
thread keep a heap of its own, which is why memory creeps up with the pages. One heap that keeps what it has is faster,
and reaches the size that it keeps within tens of pages.
"""

import ctypes
import sys

# From malloc.h.
_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3
_M_ARENA_MAX = -8

# Larger arrays than this (bytes; the most that the library takes) are still given back at once.
_MAPPED = 32 * 2**20
_NEVER = 2**31 - 1


def keep_freed_memory() -> bool:
    """Have freed memory kept for the next page; whether this process's C library does so (GNU's does).

    For the whole process, so for those to call that run one; before threads begin, since a heap once made stays.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        set_option = ctypes.CDLL(None).mallopt
    except AttributeError:
        return False
    options = ((_M_ARENA_MAX, 1), (_M_MMAP_THRESHOLD, _MAPPED), (_M_TRIM_THRESHOLD, _NEVER))
    return all(set_option(option, value) for option, value in options)
