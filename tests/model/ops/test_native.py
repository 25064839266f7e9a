"""The native library: the instruction sets that its kernels are compiled for."""

import ctypes

from layoutserve.model.ops import LIBRARY


def test_kernels_run_on_what_the_processor_has_and_on_nothing_else():
    choose = ctypes.CDLL(str(LIBRARY)).layoutserve_use_isa
    choose.restype = ctypes.c_bool
    assert choose(0)
    assert not choose(4)
    assert choose(-1)
