"""
Namespaces of one run's own, where Landlock is too old to keep runs of one zygote from each other by itself.

A run that is forked steps into a user, process, network, message and mount namespace of its own: it names no other
process, reaches no socket of one, and finds no other run's folder. Landlock keeps the files, as far as it can.

To be inside of a process namespace takes two processes more: a guardian, whose end the zygote sees, and the first
process inside, which buries the others. Both end as the run ended.

Linux, ``man 7 namespaces``, ``user_namespaces``, ``pid_namespaces``.
"""

from __future__ import annotations

import ctypes
import os
import signal
from pathlib import Path
from typing import NoReturn

from stadtbuch.runs import wall

_USER, _MOUNTS, _PROCESSES, _NETWORK, _MESSAGES = 0x10000000, 0x20000, 0x20000000, 0x40000000, 0x8000000
ALL = _USER | _MOUNTS | _PROCESSES | _NETWORK | _MESSAGES
_PRIVATE, _RECURSIVE, _NO_SETUID, _NO_DEVICES = 1 << 18, 1 << 14, 2, 4
_KILLED_BY = 128

_LIBC = ctypes.CDLL(None, use_errno=True)


def part(hidden: str, *, size: int) -> None:
    """
    Go on in a process of namespaces of its own; the processes around it do not return.

    Parameters
    ----------
    hidden
        A folder that is to be another, empty one.
    size
        Its size in bytes.

    Raises
    ------
    OSError
        If that is not possible. The process must not go on then.
    """
    user, group = os.getuid(), os.getgid()
    _check(_LIBC.unshare(ALL), "unshare")
    for name, told in (
        ("setgroups", "deny"),
        ("uid_map", f"{user} {user} 1"),
        ("gid_map", f"{group} {group} 1"),
    ):
        Path(f"/proc/self/{name}").write_text(told, encoding="ascii")
    first = os.fork()
    if first != 0:
        _wait_outside(first)
    wall.end_with_parent(signal.SIGKILL)
    _mount(None, "/", None, _PRIVATE | _RECURSIVE, None)
    _mount("runs", hidden, "tmpfs", _NO_SETUID | _NO_DEVICES, f"size={size},mode=0755")
    run = os.fork()
    if run != 0:
        _wait_inside(run)


def _wait_inside(run: int) -> NoReturn:
    """Be the first process of the namespace: bury whoever ends, and end with the run."""
    _let_go()
    while True:
        number, status = os.wait()
        if number == run:
            code = os.waitstatus_to_exitcode(status)
            os._exit(code if code >= 0 else _KILLED_BY - code)


def _wait_outside(first: int) -> NoReturn:
    """Be the guardian, whose end the zygote sees: end as the run ended."""
    _let_go()
    code = os.waitstatus_to_exitcode(os.waitpid(first, 0)[1])
    number = code - _KILLED_BY if code > _KILLED_BY else -code if code < 0 else 0
    if number:
        os.kill(os.getpid(), number)
    os._exit(code if code >= 0 else 1)


def _let_go() -> None:
    """Hold none of the run's descriptors: their end has to be seen; and let nobody look inside."""
    wall.hide()
    os.closerange(0, os.sysconf("SC_OPEN_MAX"))


def _mount(source: str | None, target: str, kind: str | None, flags: int, more: str | None) -> None:
    told = [None if one is None else one.encode() for one in (source, target, kind)]
    options = None if more is None else more.encode()
    _check(_LIBC.mount(*told, ctypes.c_ulong(flags), options), f"mount {target}")


def _check(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
