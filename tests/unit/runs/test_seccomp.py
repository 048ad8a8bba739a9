"""The filter of system calls, run instruction by instruction."""

import errno
import struct

import pytest

from stadtbuch.runs import seccomp

ALLOW, KILL = 0x7FFF0000, 0x80000000
MISSING, FORBIDDEN, FAMILY = (0x00050000 | one for one in (errno.ENOSYS, errno.EPERM, errno.EAFNOSUPPORT))
MACHINES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
SOCKET, CLONE, IOCTL = (
    {"x86_64": 41, "aarch64": 198},
    {"x86_64": 56, "aarch64": 220},
    {"x86_64": 16, "aarch64": 29},
)
DANGEROUS = """
ptrace process_vm_readv process_vm_writev kcmp pidfd_getfd process_madvise mount umount2 pivot_root chroot move_mount
open_tree fsopen fsconfig fsmount fspick mount_setattr unshare setns clone3 bpf perf_event_open userfaultfd
io_uring_setup io_uring_enter io_uring_register add_key request_key keyctl kexec_load kexec_file_load init_module
finit_module delete_module acct swapon swapoff reboot sethostname setdomainname settimeofday clock_settime adjtimex
clock_adjtime iopl ioperm modify_ldt quotactl syslog vhangup personality name_to_handle_at open_by_handle_at
fanotify_init memfd_secret mknod mknodat vmsplice shmget shmat semget msgget mq_open nfsservctl uselib lookup_dcookie
"""
STREAM, CLOEXEC = 1, 0o2000000


def answer(
    machine: str, number: int, *arguments: int, architecture: int | None = None, network: str = "loopback"
) -> int:
    """Give what the kernel would do: the few instructions that such a program is made of."""
    told = list(arguments) + [0] * (6 - len(arguments))
    data = struct.pack("<IIQ6Q", number & 0xFFFFFFFF, architecture or MACHINES[machine], 0, *told)
    steps = list(struct.iter_unpack("<HBBI", seccomp.program(machine, network=network)))
    place = value = 0
    while True:
        code, yes, no, constant = steps[place]
        place += 1
        if code == 0x20:
            (value,) = struct.unpack_from("<I", data, constant)
        elif code == 0x54:
            value &= constant
        elif code == 0x06:
            return constant
        else:
            holds = {
                0x15: value == constant,
                0x35: value >= constant,
                0x25: value > constant,
                0x45: value & constant,
            }
            place += yes if holds[code] else no


@pytest.mark.parametrize("machine", MACHINES)
def test_exactly_the_listed_calls_are_allowed(machine: str) -> None:
    """Every number of the table passes, every other one does not exist: also those of kernels to come."""
    column = list(MACHINES).index(machine)
    rows = [row.split(":") for row in seccomp.ALLOWED.split()]
    listed = {int(row[1 + column]) for row in rows if row[1 + column] != "-"}
    looked_into = {int(row.split(":")[1 + column]) for row in seccomp.LOOKED_INTO.split()}
    answers = {number: answer(machine, number) for number in set(range(600)) - looked_into}
    assert {number for number, said in answers.items() if said == ALLOW} == listed
    assert {said for number, said in answers.items() if number not in listed} == {MISSING}


@pytest.mark.parametrize("machine", MACHINES)
def test_calls_of_other_machines_end_the_process(machine: str) -> None:
    """A 32-bit call has other numbers: the table would mean something else."""
    assert answer(machine, 0, architecture=0x40000003) == KILL
    assert answer(machine, 0, architecture=1) == KILL


def test_second_set_of_numbers_is_closed() -> None:
    """The x32 numbers of x86-64 lie behind a bit that a list of numbers would overlook."""
    assert answer("x86_64", 0x40000000 | 39) == MISSING


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize(
    ("family", "kind", "protocol", "said"),
    [
        (1, STREAM, 0, ALLOW),
        (2, STREAM | CLOEXEC, 0, ALLOW),
        (2, STREAM, 6, ALLOW),
        (10, 2, 17, ALLOW),
        (16, 3, 0, ALLOW),
        (16, 3, 15, FAMILY),
        (2, 3, 1, FORBIDDEN),
        (2, 2, 1, FORBIDDEN),
        (2, STREAM, 132, FORBIDDEN),
        (2, STREAM, 262, FORBIDDEN),
        (17, 3, 0, FAMILY),
        (38, 5, 0, FAMILY),
        (40, STREAM, 0, FAMILY),
        ((1 << 32) + 40, STREAM, 0, FAMILY),
    ],
)
def test_sockets_of_the_loopback_only(machine: str, family: int, kind: int, protocol: int, said: int) -> None:
    """Local, TCP, UDP and the kernel's list of addresses; no raw packets, no AF_ALG, no way to the machine's host."""
    assert answer(machine, SOCKET[machine], family, kind, protocol) == said


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize(
    ("network", "said"),
    [
        ("loopback", (ALLOW, ALLOW, ALLOW, ALLOW)),
        ("streams", (ALLOW, ALLOW, FORBIDDEN, ALLOW)),
        ("none", (ALLOW, FAMILY, FAMILY, FAMILY)),
    ],
)
def test_forked_runs_have_no_datagrams(machine: str, network: str, said: tuple[int, ...]) -> None:
    """What Landlock cannot close, UDP, a forked kernel may not even open; a run that is no kernel opens nothing."""
    families = ((1, STREAM), (2, STREAM), (2, 2), (16, 3))
    answers = tuple(answer(machine, SOCKET[machine], *one, 0, network=network) for one in families)
    assert answers == said


@pytest.mark.parametrize("machine", MACHINES)
def test_no_new_namespaces_and_no_typing(machine: str) -> None:
    """Threads and processes may be made, namespaces not; a terminal may be asked, not typed into."""
    assert answer(machine, CLONE[machine], 0x3D0F00) == ALLOW
    assert answer(machine, CLONE[machine], 17) == ALLOW
    for flag in (0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000):
        assert answer(machine, CLONE[machine], flag | 17) == FORBIDDEN
    assert answer(machine, IOCTL[machine], 1, 0x5401) == ALLOW
    assert answer(machine, IOCTL[machine], 1, 0x5412) == FORBIDDEN
    assert answer(machine, IOCTL[machine], 1, (7 << 32) + 0x541C) == FORBIDDEN


def test_dangerous_calls_are_not_on_the_list() -> None:
    """Names that may never slip into the table."""
    names = {row.split(":")[0] for row in seccomp.ALLOWED.split()}
    assert names.isdisjoint(DANGEROUS.split())


def test_unknown_machine_has_no_filter() -> None:
    """No filter that does not fit."""
    with pytest.raises(KeyError):
        seccomp.program("riscv64")
