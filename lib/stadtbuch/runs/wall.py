"""
The wall of one forked run: what a process gives up for good before it runs a notebook.

A run that is forked lives beside others in the zygote's box, as the same user. What keeps it from them is Landlock
(files, signals, memory, local sockets of others), a filter of system calls (`seccomp`), limits of its own, and that
nobody may look into it. A process can only take rights from itself, never give them back, and its children inherit
that.

Landlock: Linux, ``Documentation/userspace-api/landlock.rst``; the numbers are the same on all machines.
"""

from __future__ import annotations

import ctypes
import os
import resource
import struct
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Kind = Literal["landlock", "namespaces"]
"""What keeps runs of one zygote from each other: Landlock alone, or namespaces of their own beside it (`apart`)."""
LAYERS = frozenset({"files", "calls", "hidden", "limits", "group", "door", "apart"})
"""
Every part of the wall; a control group stands where there can be one, namespaces (``apart``) where they are needed; the
``door`` is the zygote's, of which a run lets go. Only tests take a part away, to see that its attack then succeeds.
"""
OLDEST, OLDEST_FOR_FILES = 6, 2
"""
The first version of Landlock that keeps signals and abstract sockets inside (Linux 6.12), and the first that keeps
files well enough where namespaces keep the rest (Linux 5.19).
"""

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_EXECUTE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 2, 1 << 3
_OF_FILES = _EXECUTE | 1 << 1 | _READ_FILE | 1 << 14 | 1 << 15
"""What a right on a single file can be; the others are rights on folders."""
_FILES_BY_VERSION = {1: 13, 2: 14, 3: 15, 4: 15}
"""How many rights on files a version knows; later ones know `_ALL_FILES`."""
_ALL_FILES, _ALL_PORTS, _ALL_SCOPES = (1 << 16) - 1, 3, 3
_RULE_BENEATH, _ASK_VERSION = 1, 1
_SET_PDEATHSIG, _SET_DUMPABLE, _SET_SECCOMP, _SET_SUBREAPER, _NO_NEW_PRIVILEGES = 1, 4, 22, 36, 38
_FILTER = 2
_AMBIENT, _CLEAR_ALL, _CAPABILITIES_VERSION = 47, 4, 0x20080522

_LIBC = ctypes.CDLL(None, use_errno=True)
_LIBC.syscall.restype = ctypes.c_long


@dataclass(frozen=True, slots=True)
class Open:
    """What stays open: folders and files to read, to read and run, and to change."""

    readable: Sequence[str] = ()
    runnable: Sequence[str] = ()
    writable: Sequence[str] = ()


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("steps", ctypes.c_char_p))


def version() -> int:
    """Give the version of Landlock that this kernel has; 0 if it has none."""
    got = _LIBC.syscall(ctypes.c_long(_CREATE_RULESET), None, ctypes.c_long(0), ctypes.c_long(_ASK_VERSION))
    return max(int(got), 0)


def kind() -> Kind | None:
    """Say what can keep runs from each other with this kernel's Landlock; None if nothing can."""
    found = version()
    return "landlock" if found >= OLDEST else "namespaces" if found >= OLDEST_FOR_FILES else None


def shut(stays: Open, *, calls: bytes, layers: Collection[str] = LAYERS, landlock: int = OLDEST) -> None:
    """
    Shut this process in for good.

    Parameters
    ----------
    stays
        All files that it may still reach; it connects to no TCP port, and to no process outside.
    calls
        The filter of system calls, from `seccomp.program`.
    layers
        All of them; only tests take one away.
    landlock
        Which version of it to use.

    Raises
    ------
    OSError
        If a part of the wall cannot be built. The process must not go on then.
    """
    if not calls or len(calls) % 8:
        raise OSError("no filter of system calls")
    _control(_NO_NEW_PRIVILEGES, 1)
    if "files" in layers:
        _landlock(stays, landlock)
    _drop()
    if "calls" in layers:
        program = _Program(len(calls) // 8, calls)
        _check(_LIBC.prctl(_SET_SECCOMP, ctypes.c_ulong(_FILTER), ctypes.byref(program)), "seccomp")
    if "hidden" in layers:
        hide()


def hide() -> None:
    """Keep other processes from reading this one's memory and descriptors."""
    _control(_SET_DUMPABLE, 0)


def end_with_parent(signal: int) -> None:
    """Ask to be sent a signal when the parent ends, however it ends."""
    _control(_SET_PDEATHSIG, signal)


def adopt() -> None:
    """Become the parent of all processes below that lose theirs."""
    _control(_SET_SUBREAPER, 1)


def bound(*, cpu_seconds: int, memory_bytes: int, file_bytes: int, processes: int | None = None) -> None:
    """
    Limit this process and, each for itself, those that it starts.

    Parameters
    ----------
    cpu_seconds
        Processor time; the signal ``SIGXCPU`` ends the process then.
    memory_bytes
        What it may write to beyond what it holds already; more is a `MemoryError`. Addresses alone do not count,
        of which drawing charts takes many gigabytes.
    file_bytes
        Of each file.
    processes
        How many its user may have, threads included; None leaves that as it is.
    """
    wanted = {
        resource.RLIMIT_CPU: cpu_seconds,
        resource.RLIMIT_DATA: _data_bytes() + memory_bytes,
        resource.RLIMIT_FSIZE: file_bytes,
        resource.RLIMIT_CORE: 0,
        **({} if processes is None else {resource.RLIMIT_NPROC: processes}),
    }
    for what, most in wanted.items():
        most = _at_most(most, resource.getrlimit(what)[1])
        # At the first of the two the kernel says why it ends the process, at the second it only ends it.
        resource.setrlimit(what, (most, most + 2 if what == resource.RLIMIT_CPU else most))


def _at_most(wanted: int, hard: int) -> int:
    return wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)


def _data_bytes() -> int:
    """Give what this process holds now, as `RLIMIT_DATA` counts it."""
    try:
        told = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
    except OSError:
        return 0
    return next((int(line.split()[1]) << 10 for line in told.splitlines() if line.startswith("VmData:")), 0)


def _drop() -> None:
    """Give up all capabilities: a user namespace of one's own has brought them."""
    _control(_AMBIENT, _CLEAR_ALL)
    header, nothing = struct.pack("Ii", _CAPABILITIES_VERSION, 0), bytes(24)
    _check(_LIBC.capset(header, nothing), "capset")


def _landlock(stays: Open, version: int) -> None:
    files = (1 << _FILES_BY_VERSION[version]) - 1 if version in _FILES_BY_VERSION else _ALL_FILES
    parts = [files, *([_ALL_PORTS] if version >= 4 else []), *([_ALL_SCOPES] if version >= 6 else [])]
    handled = struct.pack("Q" * len(parts), *parts)
    rules = _call(_CREATE_RULESET, handled, len(handled), 0)
    try:
        for paths, rights in (
            (stays.readable, _READ_FILE | _READ_DIR),
            (stays.runnable, _READ_FILE | _READ_DIR | _EXECUTE),
            (stays.writable, _ALL_FILES & ~_EXECUTE),
        ):
            for path in paths:
                _allow(rules, path, rights & files)
        _call(_RESTRICT_SELF, rules, 0)
    finally:
        os.close(rules)


def _allow(rules: int, path: str, rights: int) -> None:
    """Allow something on what lies at a path now; what is not there needs no right."""
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        rights = rights if Path(path).is_dir() else rights & _OF_FILES
        rule = struct.pack("=Qi", rights, place)
        _call(_ADD_RULE, rules, _RULE_BENEATH, rule, 0)
    finally:
        os.close(place)


def _call(number: int, *arguments: int | bytes) -> int:
    told = [ctypes.c_char_p(one) if isinstance(one, bytes) else ctypes.c_long(one) for one in arguments]
    got = int(_LIBC.syscall(ctypes.c_long(number), *told))
    _check(min(got, 0), f"call {number}")
    return got


def _control(option: int, value: int) -> None:
    told = [ctypes.c_ulong(one) for one in (value, 0, 0, 0)]
    _check(_LIBC.prctl(option, *told), f"prctl {option}")


def _check(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
