"""Rights and memory taken from a process for good: limits of the kernel, Landlock for files, seccomp for system calls.

What a kernel does not have is left out and said: limits are everywhere, Landlock from Linux 5.13 on, seccomp on x86-64
and aarch64. No privilege is needed for any of them.
"""

import ctypes
import errno
import math
import os
import platform
import resource
import struct
import sys
from collections.abc import Iterable
from pathlib import Path

MIB = 2**20

_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS = 1, 4, 22, 38
_SECCOMP_MODE_FILTER = 2
_ALLOW, _ERRNO, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
_CLONE_THREAD = 0x10000
# Landlock has the same numbers everywhere, as all system calls since Linux 5.
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_EXECUTE_AND_READ = 0b1101  # execute (libraries are mapped), read a file, read a folder
_CLONE3 = 435

# Audit architecture, number of clone, numbers of what no reader of documents needs: to reach the network, other
# processes or the kernel's own objects. x86-64: asm/unistd_64.h; aarch64: asm-generic/unistd.h.
_SYSTEM_CALLS = {
    "x86_64": (
        0xC000003E,
        56,
        {
            "socket": 41, "connect": 42, "accept": 43, "bind": 49, "listen": 50, "socketpair": 53, "accept4": 288,
            "fork": 57, "vfork": 58, "execve": 59, "execveat": 322, "kill": 62, "ptrace": 101, "pidfd_open": 434,
            "process_vm_readv": 310, "process_vm_writev": 311, "pidfd_getfd": 438, "pidfd_send_signal": 424,
            "mount": 165, "umount2": 166, "pivot_root": 155, "chroot": 161, "setns": 308, "unshare": 272,
            "bpf": 321, "perf_event_open": 298, "add_key": 248, "request_key": 249, "keyctl": 250,
            "io_uring_setup": 425, "userfaultfd": 323, "init_module": 175, "finit_module": 313, "kexec_load": 246,
            "open_by_handle_at": 304, "shmget": 29, "msgget": 68, "semget": 64,
        },
    ),
    "aarch64": (
        0xC00000B7,
        220,
        {
            "socket": 198, "socketpair": 199, "bind": 200, "listen": 201, "accept": 202, "connect": 203,
            "accept4": 242, "execve": 221, "execveat": 281, "kill": 129, "ptrace": 117, "pidfd_open": 434,
            "process_vm_readv": 270, "process_vm_writev": 271, "pidfd_getfd": 438, "pidfd_send_signal": 424,
            "mount": 40, "umount2": 39, "pivot_root": 41, "chroot": 51, "setns": 268, "unshare": 97,
            "bpf": 280, "perf_event_open": 241, "add_key": 217, "request_key": 218, "keyctl": 219,
            "io_uring_setup": 425, "userfaultfd": 282, "init_module": 105, "finit_module": 273, "kexec_load": 104,
            "open_by_handle_at": 265, "shmget": 194, "msgget": 186, "semget": 190,
        },
    ),
}  # fmt: skip

_libc = ctypes.CDLL(None, use_errno=True)
_trim = getattr(_libc, "malloc_trim", None)


def die_with_parent() -> None:
    """Have the kernel end this process when the one that forked it ends."""
    _libc.prctl(_PR_SET_PDEATHSIG, 9, 0, 0, 0)


def give_back_memory() -> None:
    """Give memory that is not used any more back to the system, where the allocator can."""
    if _trim is not None:
        _trim(0)


def limit_time(cpu_s: int) -> None:
    """End this process when it has taken this much processor time from now on, in seconds."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    most = math.ceil(used.ru_utime + used.ru_stime) + cpu_s
    resource.setrlimit(resource.RLIMIT_CPU, (most, resource.RLIM_INFINITY))


def held_bytes() -> tuple[int, int]:
    """Memory this process has of its own, and addresses in all."""
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    data, size = (int(status[name].split()[0]) * 1024 for name in ("VmData", "VmSize"))
    return data, size


def limit(memory_bytes: int, file_bytes: int, held: tuple[int, int]) -> None:
    """Limit what this process may hold from now on.

    memory_bytes: memory beside what it has already, which is ``held``. file_bytes: size of a file or of memory that is
    shared.
    """
    data, size = held
    bounds = {
        resource.RLIMIT_DATA: data + memory_bytes,
        resource.RLIMIT_AS: size + memory_bytes + file_bytes,
        resource.RLIMIT_FSIZE: file_bytes,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_NOFILE: 64,
    }
    for name, bound in bounds.items():
        resource.setrlimit(name, (bound, bound))


def confine(readable: Iterable[Path]) -> tuple[str, ...]:
    """Take from this process the network, other processes, and all files but those below ``readable``.

    Gives what is in force of "landlock" and "seccomp". There is no way back.
    """
    _libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    if _libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        return ()
    in_force = []
    if _landlock(readable):
        in_force.append("landlock")
    if _seccomp():
        in_force.append("seccomp")
    return tuple(in_force)


def installed() -> list[Path]:
    """Folders that a Python process reads while it works: its own code and libraries, fonts and their settings."""
    folders = {sys.prefix, sys.base_prefix, str(Path(__file__).parents[2].resolve())}
    return [Path(folder) for folder in (*sorted(folders), "/usr/lib", "/usr/share/fonts", "/lib", "/etc/fonts")]


def _landlock(readable: Iterable[Path]) -> bool:
    version = _libc.syscall(_CREATE_RULESET, None, 0, 1)
    if version < 1:
        return False
    # Handled and so forbidden: all rights on files this version knows, TCP from 4 on, signals and sockets from 6 on.
    files = (1 << (13, 14, 15, 15, 16)[min(version, 5) - 1]) - 1
    attributes = struct.pack("=QQQ", files, 0b11 if version >= 4 else 0, 0b11 if version >= 6 else 0)
    size = 8 if version < 4 else 16 if version < 6 else 24
    ruleset = _libc.syscall(_CREATE_RULESET, attributes, size, 0)
    if ruleset < 0:
        return False
    try:
        for folder in readable:
            if not folder.exists():
                continue
            opened = os.open(folder, os.O_PATH | os.O_CLOEXEC)
            try:
                _libc.syscall(_ADD_RULE, ruleset, 1, struct.pack("=Qi", _EXECUTE_AND_READ, opened), 0)
            finally:
                os.close(opened)
        return int(_libc.syscall(_RESTRICT_SELF, ruleset, 0)) == 0
    finally:
        os.close(ruleset)


def _seccomp() -> bool:
    known = _SYSTEM_CALLS.get(platform.machine())
    if known is None:
        return False
    architecture, clone, forbidden = known
    program = b"".join(
        [
            _step(0x20, 4),  # the architecture
            _step(0x15, architecture, 1, 0),
            _step(0x06, _KILL),
            _step(0x20, 0),  # the number of the call; from 2^30 on it is one of x32, the same calls once more
            _step(0x35, 0x40000000, 0, 1),
            _step(0x06, _ERRNO | errno.ENOSYS),
            *(part for number in forbidden.values() for part in _refused(number, errno.EPERM)),
            # A decoder may have threads, but no process. clone3 hides its flags, and libraries do without it.
            *_refused(_CLONE3, errno.ENOSYS),
            _step(0x15, clone, 0, 3),
            _step(0x20, 16),  # its first argument
            _step(0x45, _CLONE_THREAD, 1, 0),
            _step(0x06, _ERRNO | errno.EPERM),
            _step(0x06, _ALLOW),
        ]
    )
    buffer = ctypes.create_string_buffer(program, len(program))
    filters = struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(buffer))
    return int(_libc.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, filters, 0, 0)) == 0


def _refused(number: int, error: int) -> tuple[bytes, bytes]:
    return _step(0x15, number, 0, 1), _step(0x06, _ERRNO | error)


def _step(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    """One instruction of the kernel's packet filter: operation, jumps, operand."""
    return struct.pack("=HBBI", code, if_true, if_false, value)
