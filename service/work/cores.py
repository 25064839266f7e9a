"""The processor's share of this process."""

import math
import os
from pathlib import Path

# A container's limit on processor time, as "microseconds period" or "max period"; Linux, cgroup 2.
CPU_LIMIT = Path("/sys/fs/cgroup/cpu.max")


def cores(limit: Path = CPU_LIMIT) -> int:
    """Number of cores this process can keep busy: those it may run on, within its container's share of time."""
    allowed = len(os.sched_getaffinity(0))
    try:
        quota, period = map(int, limit.read_text().split())
    except (OSError, ValueError):
        # No such control group, or no limit ("max").
        return allowed
    return max(min(allowed, math.ceil(quota / period)), 1)
