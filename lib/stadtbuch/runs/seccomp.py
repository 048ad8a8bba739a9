"""
The system calls that a boxed process may make, as a program for the kernel's filter (seccomp-BPF).

It is a list of what is allowed: everything else answers "there is no such call" (ENOSYS), so that programs fall
back to an older call, and calls that a later kernel brings are closed from the start. Four calls are looked into:
``socket`` and ``socketpair`` (families that the network namespace holds; AF_VSOCK is not among them: it would
reach the machine's host), ``clone`` (no new namespaces) and ``ioctl`` (nothing typed into a terminal).

The table has the numbers of both machines that are supported, from the kernel's headers: ``name:x86-64:arm64``.
The form of the program: Linux, ``Documentation/userspace-api/seccomp_filter.rst``.
"""

from __future__ import annotations

import errno
import struct
from collections.abc import Iterable, Iterator
from typing import Literal

ALLOWED = """
read:0:63 write:1:64 open:2:- openat:257:56 openat2:437:437 close:3:57 close_range:436:436
creat:85:- lseek:8:62 pread64:17:67 pwrite64:18:68 readv:19:65 writev:20:66 preadv:295:69
pwritev:296:70 preadv2:327:286 pwritev2:328:287 stat:4:- fstat:5:80 lstat:6:- newfstatat:262:79
statx:332:291 statfs:137:43 fstatfs:138:44 access:21:- faccessat:269:48 faccessat2:439:439
getdents:78:- getdents64:217:61 readlink:89:- readlinkat:267:78 getcwd:79:17 chdir:80:49
fchdir:81:50 mkdir:83:- mkdirat:258:34 rmdir:84:- rename:82:- renameat:264:38 renameat2:316:276
link:86:- linkat:265:37 symlink:88:- symlinkat:266:36 unlink:87:- unlinkat:263:35 chmod:90:-
fchmod:91:52 fchmodat:268:53 chown:92:- fchown:93:55 lchown:94:- fchownat:260:54 utime:132:-
utimes:235:- utimensat:280:88 futimesat:261:- truncate:76:45 ftruncate:77:46 fallocate:285:47
fsync:74:82 fdatasync:75:83 sync_file_range:277:84 fadvise64:221:223 readahead:187:213
copy_file_range:326:285 sendfile:40:71 splice:275:76 tee:276:77 dup:32:23 dup2:33:- dup3:292:24
fcntl:72:25 flock:73:32 umask:95:166 getxattr:191:8 lgetxattr:192:9 fgetxattr:193:10
listxattr:194:11 llistxattr:195:12 flistxattr:196:13 pipe:22:- pipe2:293:59 memfd_create:319:279
inotify_init:253:- inotify_init1:294:26 inotify_add_watch:254:27 inotify_rm_watch:255:28
mmap:9:222 munmap:11:215 mprotect:10:226 mremap:25:216 madvise:28:233 brk:12:214 msync:26:227
mincore:27:232 mlock:149:228 munlock:150:229 mlock2:325:284 membarrier:324:283 pkey_alloc:330:289
pkey_free:331:290 pkey_mprotect:329:288
fork:57:- vfork:58:- execve:59:221 execveat:322:281 exit:60:93 exit_group:231:94 wait4:61:260
waitid:247:95 getpid:39:172 getppid:110:173 gettid:186:178 getpgid:121:155 getpgrp:111:-
setpgid:109:154 getsid:124:156 setsid:112:157 kill:62:129 tkill:200:130 tgkill:234:131
pidfd_open:434:434 pidfd_send_signal:424:424 rt_sigaction:13:134 rt_sigprocmask:14:135
rt_sigreturn:15:139 rt_sigpending:127:136 rt_sigsuspend:130:133 rt_sigtimedwait:128:137
rt_sigqueueinfo:129:138 rt_tgsigqueueinfo:297:240 sigaltstack:131:132 restart_syscall:219:128
signalfd:282:- signalfd4:289:74 arch_prctl:158:- prctl:157:167 set_tid_address:218:96
set_robust_list:273:99 get_robust_list:274:100 rseq:334:293 futex:202:98 futex_waitv:449:449
sched_yield:24:124 sched_getaffinity:204:123 sched_setaffinity:203:122 sched_getparam:143:121
sched_setparam:142:118 sched_getscheduler:145:120 sched_setscheduler:144:119 sched_getattr:315:275
sched_get_priority_max:146:125 sched_get_priority_min:147:126 sched_rr_get_interval:148:127
getpriority:140:141 setpriority:141:140 getrlimit:97:163 setrlimit:160:164 prlimit64:302:261
getrusage:98:165 times:100:153 getcpu:309:168 pause:34:-
getuid:102:174 geteuid:107:175 getgid:104:176 getegid:108:177 getgroups:115:158 getresuid:118:148
getresgid:120:150 setuid:105:146 setgid:106:144 setreuid:113:145 setregid:114:143 setresuid:117:147
setresgid:119:149 setgroups:116:159 setfsuid:122:151 setfsgid:123:152 capget:125:90 capset:126:91
time:201:- gettimeofday:96:169 clock_gettime:228:113 clock_getres:229:114 clock_nanosleep:230:115
nanosleep:35:101 alarm:37:- getitimer:36:102 setitimer:38:103 timer_create:222:107
timer_settime:223:110 timer_gettime:224:108 timer_getoverrun:225:109 timer_delete:226:111
timerfd_create:283:85 timerfd_settime:286:86 timerfd_gettime:287:87
select:23:- pselect6:270:72 poll:7:- ppoll:271:73 epoll_create:213:- epoll_create1:291:20
epoll_ctl:233:21 epoll_wait:232:- epoll_pwait:281:22 epoll_pwait2:441:441 eventfd:284:-
eventfd2:290:19
bind:49:200 connect:42:203 listen:50:201 accept:43:202 accept4:288:242 getsockname:51:204
getpeername:52:205 sendto:44:206 recvfrom:45:207 sendmsg:46:211 recvmsg:47:212 sendmmsg:307:269
recvmmsg:299:243 setsockopt:54:208 getsockopt:55:209 shutdown:48:210
uname:63:160 sysinfo:99:179 getrandom:318:278
"""
LOOKED_INTO = "socket:41:198 socketpair:53:199 clone:56:220 ioctl:16:29"
LANDLOCK = "landlock_create_ruleset:444:444 landlock_add_rule:445:445 landlock_restrict_self:446:446"
"""With these a process shuts itself in further: for the zygote, which does so in each run that it forks."""
NAMESPACES = "unshare:272:97 mount:165:40"
"""With these it steps into namespaces of its own, where Landlock is old (`apart`)."""

MACHINES = {"x86_64": (0xC000003E, 0), "aarch64": (0xC00000B7, 1)}
"""Machine -> what the kernel calls it (AUDIT_ARCH) and its column in the table."""

_ALLOW, _KILL, _ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
_MISSING, _FAMILY, _FORBIDDEN = (
    _ERRNO | number for number in (errno.ENOSYS, errno.EAFNOSUPPORT, errno.EPERM)
)
_LOAD, _AND, _EQUAL, _AT_LEAST, _ABOVE, _ANY_BIT, _RETURN = 0x20, 0x54, 0x15, 0x35, 0x25, 0x45, 0x06
_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16
_X32 = 0x40000000
_NEW_NAMESPACES = 0x7E020000
_UNIX, _INET, _INET6, _NETLINK = 1, 2, 10, 16
_STREAM, _DATAGRAM = 1, 2
_TCP, _UDP = 6, 17
_TYPE_INTO_TERMINAL = (0x5412, 0x541C)  # TIOCSTI, TIOCLINUX

Network = Literal["loopback", "streams", "none"]
Instruction = tuple[int, int, int, int]
"""Code, steps to skip if true, steps to skip if false, constant."""


def program(machine: str, *, also: str = "", network: Network = "loopback") -> bytes:
    """
    Write the filter for a machine.

    Parameters
    ----------
    machine
        As `platform.machine` says: ``x86_64`` or ``aarch64``.
    also
        Further calls that are allowed, as rows of the table (`LANDLOCK`).
    network
        Which sockets of the internet may be made: those of TCP and UDP, which inside a box reach its ``loopback`` only;
        ``streams``, of which Landlock closes all ports; or ``none``.

    Returns
    -------
    bytes
        Eight bytes an instruction, as ``bwrap --seccomp`` reads them.

    Raises
    ------
    KeyError
        For another machine: its calls have other numbers, and a filter that does not fit is none.

    Examples
    --------
    >>> len(program("x86_64")) % 8
    0
    """
    architecture, column = MACHINES[machine]
    steps: list[Instruction] = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_EQUAL, 1, 0, architecture),
        (_RETURN, 0, 0, _KILL),  # calls of another machine (32 bit) have other numbers
        (_LOAD, 0, 0, _NUMBER),
        (_AT_LEAST, 0, 1, _X32),
        (_RETURN, 0, 0, _MISSING),
    ]
    for name, number in sorted(_numbers(LOOKED_INTO, column).items()):
        body = _socket(network) if name == "socket" else _BODIES[name]()
        steps += [(_EQUAL, 0, len(body), number), *body]
    for first, last in _ranges(_numbers(f"{ALLOWED} {also}", column).values()):
        steps += [
            (_AT_LEAST, 1, 0, first),
            (_RETURN, 0, 0, _MISSING),
            (_ABOVE, 1, 0, last),
            (_RETURN, 0, 0, _ALLOW),
        ]
    steps.append((_RETURN, 0, 0, _MISSING))
    return b"".join(struct.pack("<HBBI", *step) for step in steps)


def _numbers(table: str, column: int) -> dict[str, int]:
    """Give name -> number of the calls that a machine has."""
    rows = (row.split(":") for row in table.split())
    return {name: int(numbers[column]) for name, *numbers in rows if numbers[column] != "-"}


def _ranges(numbers: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Join neighbours, ascending: a filter of ranges is short."""
    ordered = sorted(numbers)
    first = last = ordered[0]
    for number in ordered[1:]:
        if number > last + 1:
            yield first, last
            first = number
        last = number
    yield first, last


def _load(argument: int) -> Instruction:
    """Load the low half of an argument: the kernel takes families, flags and requests as 32 bits."""
    return (_LOAD, 0, 0, _ARGUMENTS + 8 * argument)


def _one_of(*values: int, otherwise: int) -> list[Instruction]:
    """Go on if what is loaded is one of the values, else answer."""
    steps = [(_EQUAL, len(values) - place, 0, value) for place, value in enumerate(values)]
    return [*steps, (_RETURN, 0, 0, otherwise)]


def _socket(network: Network) -> list[Instruction]:
    """Local sockets; TCP and UDP (there is only a loopback); the kernel's address list, which ZeroMQ reads."""
    if network == "none":
        return _local()
    kinds = (_STREAM,) if network == "streams" else (_STREAM, _DATAGRAM)
    netlink = [_load(2), *_one_of(0, otherwise=_FAMILY), (_RETURN, 0, 0, _ALLOW)]
    return [
        _load(0),
        (_EQUAL, 0, 1, _UNIX),
        (_RETURN, 0, 0, _ALLOW),
        (_EQUAL, 0, len(netlink), _NETLINK),
        *netlink,
        *_one_of(_INET, _INET6, otherwise=_FAMILY),
        _load(1),
        (_AND, 0, 0, 0xF),
        *_one_of(*kinds, otherwise=_FORBIDDEN),
        _load(2),
        *_one_of(0, _TCP, _UDP, otherwise=_FORBIDDEN),
        (_RETURN, 0, 0, _ALLOW),
    ]


def _local() -> list[Instruction]:
    """Sockets of this machine and no others."""
    return [_load(0), *_one_of(_UNIX, otherwise=_FAMILY), (_RETURN, 0, 0, _ALLOW)]


def _socketpair() -> list[Instruction]:
    return _local()


def _clone() -> list[Instruction]:
    return [
        _load(0),
        (_ANY_BIT, 0, 1, _NEW_NAMESPACES),
        (_RETURN, 0, 0, _FORBIDDEN),
        (_RETURN, 0, 0, _ALLOW),
    ]


def _ioctl() -> list[Instruction]:
    typing = [
        step
        for request in _TYPE_INTO_TERMINAL
        for step in ((_EQUAL, 0, 1, request), (_RETURN, 0, 0, _FORBIDDEN))
    ]
    return [_load(1), *typing, (_RETURN, 0, 0, _ALLOW)]


_BODIES = {"socketpair": _socketpair, "clone": _clone, "ioctl": _ioctl}
