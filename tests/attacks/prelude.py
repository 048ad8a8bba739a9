# What every attack finds in its first cell. W (written below) says where things are outside.
import ctypes
import os
import platform
import sys  # noqa: F401 - for the attacks
from pathlib import Path

REPLY = None
LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.syscall.restype = ctypes.c_long
NUMBERS = {
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "pidfd_getfd": (438, 438), "kcmp": (312, 272),
    "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41), "chroot": (161, 51),
    "open_tree": (428, 428), "move_mount": (429, 429), "fsopen": (430, 430), "fsmount": (432, 432),
    "mount_setattr": (442, 442), "unshare": (272, 97), "setns": (308, 268), "clone3": (435, 435),
    "bpf": (321, 280), "perf_event_open": (298, 241), "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425), "add_key": (248, 217), "keyctl": (250, 219), "request_key": (249, 218),
    "kexec_load": (246, 104), "kexec_file_load": (320, 294), "init_module": (175, 105),
    "finit_module": (313, 273), "delete_module": (176, 106), "open_by_handle_at": (304, 265),
    "name_to_handle_at": (303, 264), "memfd_secret": (447, 447), "syslog": (103, 116), "swapon": (167, 224),
    "reboot": (169, 142), "acct": (163, 89), "settimeofday": (164, 170), "clock_settime": (227, 112),
    "sethostname": (170, 161), "personality": (135, 92), "fanotify_init": (300, 262), "quotactl": (179, 60),
    "mknodat": (259, 33), "shmget": (29, 194), "shmat": (30, 196), "msgget": (68, 186), "semget": (64, 190),
    "mq_open": (240, 180), "vmsplice": (278, 75), "lookup_dcookie": (212, 18),
    "landlock_create_ruleset": (444, 444), "process_madvise": (440, 440), "iopl": (172, None),
    "modify_ldt": (154, None),
}  # fmt: skip


def say(*words):
    """Tell: in a notebook by printing, without a kernel through the reply."""
    line = " ".join(map(str, words))
    print(line) if REPLY is None else os.write(REPLY, line.encode() + b"\n")


def attempt(what, do):
    """Say whether something was possible: "YES" is what no wall may let pass."""
    try:
        got = do()
    except BaseException as error:  # noqa: BLE001 - whatever stops an attack is an answer
        say(what, "-> no", type(error).__name__, getattr(error, "errno", ""))
        return None
    say(what, "-> YES", str(got)[:2000])
    return got


def call(name, *arguments):
    """Make a system call by its number."""
    number = NUMBERS[name][platform.machine() == "aarch64"]
    if number is None:
        raise OSError(38, name)
    told = [
        one if one is None or isinstance(one, (bytes, ctypes.Array)) else ctypes.c_long(one)
        for one in arguments
    ]
    got = LIBC.syscall(ctypes.c_long(number), *told)
    if got < 0:
        raise OSError(ctypes.get_errno(), name)
    return got


def content(path):
    """Read the beginning of a file."""
    return Path(path).open("rb").read(4096).decode("utf-8", "replace")


def write(path, text="attack"):
    """Write a file."""
    with Path(path).open("w") as file:
        file.write(text)
    return f"wrote {path}"


def child(do):
    """Do something in a process of its own and give how that ended."""
    number = os.fork()
    if number == 0:
        try:
            do()
        finally:
            os._exit(7)
    return os.waitpid(number, 0)[1]
