"""What a hostile notebook would read or change: files, variables, descriptors, memory that is shared."""

from __future__ import annotations

from attacks.attack import attack

attack(
    "etc-shadow",
    """
    for path in ("/etc/shadow", "/etc/passwd", "/etc/ssh/ssh_host_ed25519_key", "/etc/machine-id", "/etc/hosts"):
        attempt(path, lambda: content(path))
""",
)
attack(
    "home",
    """
    for path in (W["home"] + "/.ssh", W["home"] + "/.bashrc", "/home", W["root"]):
        attempt(path, lambda: os.listdir(path))
    attempt("key", lambda: content(W["places"]["home"]))
""",
)
for place in ("key", "book", "store", "submission", "address", "closed", "roles", "work"):
    attack(
        f"city-{place}",
        f"""
        attempt("direct", lambda: content(W["places"]["{place}"]))
        attempt("up", lambda: content("/box/run/../../.." + W["places"]["{place}"]))
        attempt("folder", lambda: os.listdir(os.path.dirname(W["places"]["{place}"])))
    """,
    )
attack(
    "links",
    """
    for number, target in enumerate(W["places"].values()):
        attempt("symlink", lambda: (os.symlink(target, f"/tmp/link{number}"), content(f"/tmp/link{number}")))
        attempt("hardlink", lambda: os.link(target, f"/tmp/hard{number}"))
    attempt("folder", lambda: (os.symlink(W["root"], "/tmp/outside"), os.listdir("/tmp/outside"))[1])
""",
)
attack(
    "proc-roots",
    """
    for start in ("/proc/self/root", "/proc/self/cwd/..", "/proc/1/root", "/proc/1/cwd", "/proc/thread-self/root",
                  f"/proc/{os.getppid()}/root", f"/proc/{W['driver']}/root", "/dev/fd/3/.."):
        attempt(start, lambda: content(start + W["places"]["key"]))
""",
)
attack(
    "devices",
    """
    for path in ("/dev/vda", "/dev/sda", "/dev/nvme0n1", "/dev/mem", "/dev/kmsg", "/dev/port", "/proc/kcore",
                 "/proc/kmsg", "/dev/fuse", "/dev/kvm", "/dev/loop-control", "/dev/net/tun", "/dev/vsock"):
        attempt(path, lambda: open(path, "rb").read(16))
    attempt("mknod", lambda: os.mknod("/tmp/disk", 0o60666, os.makedev(254, 0)))
    attempt("mknod in dev", lambda: os.mknod("/dev/disk", 0o60666, os.makedev(254, 0)))
""",
)
attack(
    "kernel-files",
    """
    attempt("sys", lambda: os.listdir("/sys"))
    for path in ("/proc/sys/kernel/core_pattern", "/proc/sysrq-trigger", "/proc/sys/kernel/hostname",
                 "/proc/sys/vm/drop_caches", "/proc/sys/net/ipv4/ip_forward", "/proc/1/oom_score_adj",
                 "/proc/self/uid_map"):
        attempt(path, lambda: write(path, "0"))
    attempt("protect from the killer", lambda: write("/proc/self/oom_score_adj", "-1000"))
""",
)
attack(
    "write-system",
    """
    import site, sysconfig, stadtbuch
    library = os.path.dirname(stadtbuch.__file__)
    for folder in ("/", "/usr", "/usr/bin", "/etc", "/box", "/box/lib", library, "/dev", "/run", "/var", sys.prefix,
                   sys.base_prefix, sysconfig.get_path("purelib"), os.path.dirname(W["places"]["key"]), W["root"]):
        attempt(folder, lambda: write(f"{folder}/{W['mark']}.pth", "import os"))
    for path in (library + "/__init__.py", os.__file__, sys.executable):
        attempt(path, lambda: open(path, "r+b"))
        attempt("chmod " + path, lambda: os.chmod(path, 0o777))
        attempt("unlink " + path, lambda: os.unlink(path))
""",
)
attack(
    "change-inputs",
    """
    granted = "/box/run/inputs/granted.parquet"
    attempt("write", lambda: write(granted))
    attempt("append", lambda: open(granted, "ab"))
    attempt("chmod", lambda: os.chmod(granted, 0o666))
    attempt("unlink", lambda: os.unlink(granted))
    attempt("rename over", lambda: os.replace("/box/run/run.json", granted))
    attempt("run.json", lambda: write("/box/run/run.json", "{}"))
    assert content(granted) == "granted"
""",
)
attack(
    "find-secrets",
    """
    import stat
    found = []
    for top in ("/box", "/tmp", "/dev", "/etc", "/run", "/var", "/home", "/root", "/opt", "/srv", "/mnt", W["root"]):
        for folder, folders, files in os.walk(top):
            if folder.startswith((sys.prefix, sys.base_prefix, "/box/lib", "/dev/fd")):
                folders.clear()
                continue
            for name in files:
                path = os.path.join(folder, name)
                if stat.S_ISREG(os.stat(path, follow_symlinks=False).st_mode):
                    found.append((path, content(path)[:60]))
    say(found)
""",
)
attack(
    "other-datasets",
    """
    import json
    import stadtbuch as sb
    city = sb.city()
    for name in ("population.residents", "environment.breeding_birds", "../../var/keys", "*"):
        attempt(name, lambda: city.load(name))
    for path in W["places"].values():
        forged = {"file": "../.." + path, "sha256": "", "kind": "frame", "columns": [], "rows": {}, "class": "open"}
        city.info["inputs"]["x.y"] = forged
        attempt("forged " + path, lambda: city._bytes("x.y", forged))
    os.environ.pop("STADTBUCH_RUN", None)
    os.chdir("/")
    attempt("as in the lab", lambda: sb.city())
""",
)

attack(
    "variables",
    """
    say(dict(os.environ), content("/proc/self/environ"))
    assert "STADTBUCH_TEST_SECRET" not in os.environ
    for number in [one for one in os.listdir("/proc") if one.isdigit()] + [W["driver"], W["neighbour"]]:
        try:
            say(number, content(f"/proc/{number}/cmdline").replace("\\0", " ")[:300])
            say(content(f"/proc/{number}/environ"))
        except OSError as error:
            say(number, type(error).__name__)
""",
)
attack(
    "inherited-descriptors",
    """
    for number in range(3, 1024):
        for path in (f"/proc/self/fd/{number}", f"/proc/{os.getppid()}/fd/{number}", f"/proc/1/fd/{number}"):
            try:
                target = os.readlink(path)
                say(path, target)
                if target.startswith("/") and os.path.isfile(path):
                    say(content(path))
            except OSError:
                pass
""",
)
attack(
    "standard-streams",
    """
    for number in (0, 1, 2):
        for process in ("1", os.getppid()):
            path = f"/proc/{process}/fd/{number}"
            try:
                say(os.readlink(path), os.read(os.open(path, os.O_RDONLY | os.O_NONBLOCK), 64))
            except OSError as error:
                say(path, type(error).__name__)
""",
)
attack(
    "shared-memory",
    """
    attempt("segment", lambda: call("shmat", W["segment"], None, 0))
    attempt("new segment", lambda: call("shmget", 77, 4096, 0o1666))
    attempt("semaphore", lambda: call("semget", 77, 1, 0o1666))
    attempt("queue", lambda: call("msgget", 77, 0o1666))
    attempt("posix queue", lambda: call("mq_open", b"/stadtbuch", 0o102, 0o666, None))
    attempt("shm file", lambda: content(W["shm"]))
    say(os.listdir("/dev/shm"), content("/proc/sysvipc/shm"))
""",
)
