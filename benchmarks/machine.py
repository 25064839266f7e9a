"""The machine of a measurement: processor, commit, date, versions."""

import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

VERSIONS = ("layoutserve", "onnxruntime", "paddleocr", "torch", "numpy")


def cores() -> int:
    """Cores this process may use."""
    return len(os.sched_getaffinity(0))


def commit() -> str:
    """The commit that is checked out, with a mark when files differ from it."""
    found = _git("rev-parse", "--short", "HEAD")
    if not found:
        return "unknown"
    return found + (" with changes" if _git("status", "--porcelain", "--untracked-files=no") else "")


def describe() -> dict[str, str]:
    """The things a figure depends on, by name."""
    try:
        information = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        information = []
    processor = next((line.split(":")[1].strip() for line in information if line.startswith("model name")), "")
    flags = next((line.split() for line in information if line.startswith("flags")), [])
    known = (("avx2", "AVX2"), ("avx512f", "AVX-512"), ("avx512_vnni", "VNNI"), ("amx_int8", "AMX"))
    vectors = [name for flag, name in known if flag in flags]
    return {
        "machine": f"{cores()} cores of {processor or platform.machine()} ({', '.join(vectors) or 'no vectors known'})",
        "system": f"{platform.system()}, Python {platform.python_version()}",
        "versions": ", ".join(f"{name} {_version(name)}" for name in VERSIONS),
        "commit": commit(),
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
    }


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "absent"


def _git(*arguments: str) -> str:
    folder = Path(__file__).parent
    return subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True).stdout.strip()
