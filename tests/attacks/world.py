"""
The world around the box, as an attacked process sees it: secrets, listeners, a neighbour; and what became of them.

Every secret is a token that stands nowhere in an attack's code: where it turns up in a reply, the harm is done.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import secrets
import signal
import socket
import subprocess
import sys
import sysconfig
import threading
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

MARK = "stadtbuch-attack"
"""The name of everything that an attack tries to leave outside."""
SUBREAPER = 36
PLACES = {
    "key": "city/var/keys/pseudonyms.key",
    "book": "city/var/book.sqlite",
    "store": "city/var/store/ab/cdef",
    "submission": "city/var/spool/submissions/SB-2026-OTHER/original.bin",
    "address": "city/var/spool/submissions/SB-2026-OTHER/contact.json",
    "closed": "city/data/population/residents.csv",
    "roles": "city/roles.yaml",
    "home": "home/.ssh/id_ed25519",
    "work": "run/input.txt",
}


class World:
    """Made by the process that opens the boxes, so that everything in it belongs to the same user."""

    def __init__(self, root: Path) -> None:
        ctypes.CDLL(None).prctl(
            SUBREAPER, 1, 0, 0, 0
        )  # whoever outlives its box becomes our child, and is seen
        self.root = root
        self.tokens = {
            name: f"canary-{name}-{secrets.token_hex(8)}" for name in (*PLACES, "variable", "neighbour")
        }
        self.tokens |= {
            name: f"canary-{name}-{secrets.token_hex(8)}" for name in ("inherited", "segment", "shm")
        }
        os.environ["STADTBUCH_TEST_SECRET"] = self.tokens["variable"]
        (root / "tmp").mkdir(exist_ok=True)
        os.environ["TMPDIR"] = str(root / "tmp")
        self.knocks: Counter[str] = Counter()
        self.ours: set[int] = set()
        self.kept: set[str] = set()
        self.lay()
        self.listen()
        self.inherited = self.leave_open()
        self.segment = self.share()
        self.neighbour = self.start_neighbour()
        self.mounts = Path("/proc/self/mountinfo").read_text()
        self.before = self.digest()

    def lay(self) -> None:
        """Write the secrets, readable for everybody: only the walls keep them."""
        for name, place in PLACES.items():
            path = self.root / place
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(self.tokens[name])
            path.chmod(0o666)
            for folder in (path.parent, self.root / place.split("/")[0]):
                folder.chmod(0o777)

    def listen(self) -> None:
        """Open a door of each kind and count who knocks."""
        self.port = self.serve("tcp", socket.AF_INET, socket.SOCK_STREAM, ("0.0.0.0", 0))
        self.datagrams = self.serve("udp", socket.AF_INET, socket.SOCK_DGRAM, ("0.0.0.0", 0))
        self.path = str(self.root / "door")
        self.serve("unix", socket.AF_UNIX, socket.SOCK_STREAM, self.path)
        Path(self.path).chmod(0o777)
        self.abstract = f"{MARK}-{secrets.token_hex(4)}"
        self.serve("abstract", socket.AF_UNIX, socket.SOCK_STREAM, f"\0{self.abstract}")

    def serve(self, name: str, family: int, kind: int, address: Any) -> int:
        """Listen in a thread of its own."""
        door = socket.socket(family, kind)
        door.bind(address)
        if kind == socket.SOCK_STREAM:
            door.listen()

        def wait() -> None:
            while True:
                door.accept()[0].close() if kind == socket.SOCK_STREAM else door.recv(100)
                self.knocks[name] += 1

        threading.Thread(target=wait, daemon=True).start()
        return door.getsockname()[1] if family == socket.AF_INET else 0

    def leave_open(self) -> int:
        """Leave a descriptor of a secret file open and inheritable, as a careless caller would."""
        path = self.root / "inherited"
        path.write_text(self.tokens["inherited"])
        handle = os.open(path, os.O_RDWR)
        os.set_inheritable(handle, True)
        return handle

    def share(self) -> int:
        """Put a secret into a System V segment and into /dev/shm; -1 where there are none."""
        self.shm = Path("/dev/shm") / f"walls-secret-{os.getpid()}"
        self.shm.write_text(self.tokens["shm"])
        libc = ctypes.CDLL(None)
        libc.shmat.restype = ctypes.c_void_p
        made = libc.shmget(0, 4096, 0o1666)
        if made >= 0:
            address = libc.shmat(made, None, 0)
            ctypes.memmove(address, self.tokens["segment"].encode() + b"\0", len(self.tokens["segment"]) + 1)
        return made

    def start_neighbour(self) -> subprocess.Popen[bytes]:
        """Start a process of the same user that knows a secret and shall live on."""
        return subprocess.Popen(
            [sys.executable, "-c", "import time; time.sleep(3600)", self.tokens["neighbour"]],
            env={"SECRET": self.tokens["neighbour"]},
        )

    def digest(self) -> dict[str, str]:
        """Hash what must not change."""
        return {
            str(path.relative_to(self.root)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(self.root.rglob("*"))
            if path.is_file()
        }

    def told(self) -> dict[str, Any]:
        """Give what attacks are told: every address, no secret."""
        return {
            "root": str(self.root), "places": {name: str(self.root / place) for name, place in PLACES.items()},
            "port": self.port, "datagrams": self.datagrams, "path": self.path, "abstract": self.abstract,
            "neighbour": self.neighbour.pid, "segment": self.segment, "shm": str(self.shm), "mark": MARK,
            "driver": os.getpid(), "uid": os.getuid(), "home": str(Path("~").expanduser()),
        }  # fmt: skip

    def harm(self, reply: str) -> dict[str, Any]:
        """Say what an attack has done: empty if nothing."""
        after = self.digest()
        found = {
            "leaked": sorted(name for name, token in self.tokens.items() if token in reply),
            "changed": sorted(
                name for name in self.before.keys() | after.keys() if self.before.get(name) != after.get(name)
            ),
            "marks": self.marks(),
            "knocks": dict(self.knocks),
            "neighbour": [] if self.neighbour.poll() is None else ["dead"],
            "processes": self.strangers(),
            "groups": sorted(self.groups() - self.kept),
            "mounts": [] if Path("/proc/self/mountinfo").read_text() == self.mounts else ["changed"],
            "temporary": self.temporary(),
        }
        return {name: value for name, value in found.items() if value}

    def groups(self) -> set[str]:
        """Find control groups that this process has made."""
        mine = f"stadtbuch-box-{os.getpid()}-"
        walked = os.walk("/sys/fs/cgroup")  # which goes on where a group of others disappears meanwhile
        return {f"{folder}/{name}" for folder, names, _ in walked for name in names if name.startswith(mine)}

    def temporary(self) -> list[str]:
        """Find what is left in the folder of temporary files; the zygote's own folder is there as long as it lives."""
        own = f"stadtbuch-kernel-{os.getpid()}-"
        names = [one.name for one in (self.root / "tmp").iterdir()]
        inside = list((self.root / "tmp").glob(f"{own}*/k/*"))
        return sorted([one for one in names if not one.startswith(own)] + [path.name for path in inside])

    def marks(self) -> list[str]:
        """Find what an attack left in places that the box shows."""
        library = Path(sys.modules["stadtbuch"].__file__ or "").parent
        folders = ["/", "/tmp", "/dev/shm", "/etc", "/usr", "/usr/bin", "/var/tmp", "~", library]
        folders += [sysconfig.get_path("purelib"), sys.prefix, sys.base_prefix, f"/proc/{os.getpid()}/cwd"]
        found = [
            path for one in folders for path in Path(one).expanduser().glob(f"*{MARK}*") if path != self.shm
        ]
        return sorted(map(str, found))

    def children(self) -> set[int]:
        """Give this process's children, of all its threads."""
        told = (one.read_text().split() for one in Path("/proc/self/task").glob("*/children"))
        return {int(number) for numbers in told for number in numbers}

    def strangers(self) -> list[int]:
        """Give the processes that came from boxes and are still there."""
        alive = sorted(self.children() - {self.neighbour.pid} - self.ours)
        for one in alive:
            with suppress(ChildProcessError):
                os.waitpid(one, os.WNOHANG)
        return [one for one in alive if Path(f"/proc/{one}").exists()]

    def reset(self) -> None:
        """Undo what an attack did while a wall was down."""
        for one in self.strangers():
            with suppress(ProcessLookupError):
                os.kill(one, signal.SIGKILL)
            with suppress(ChildProcessError):
                os.waitpid(one, 0)
        for path in map(Path, self.marks()):
            with suppress(OSError):
                path.unlink()
        self.lay()
        self.knocks.clear()
        if self.neighbour.poll() is not None:
            self.neighbour = self.start_neighbour()
        self.before = self.digest()

    def close(self) -> None:
        """Take down what stands outside of the folder."""
        self.neighbour.kill()
        self.neighbour.wait()
        self.shm.unlink(missing_ok=True)
        if self.segment >= 0:
            ctypes.CDLL(None).shmctl(self.segment, 0, None)
