"""Whom a hostile notebook would reach: the network, other processes, the kernel, another user."""

from __future__ import annotations

from attacks.attack import attack

attack(
    "tcp",
    """
    import socket
    for host in ("127.0.0.1", "0.0.0.0", "10.0.0.1", "169.254.169.254", "192.168.0.1", "8.8.8.8"):
        attempt(host, lambda: socket.create_connection((host, W["port"]), timeout=1))
    attempt("six", lambda: socket.create_connection(("::1", W["port"]), timeout=1))
""",
    batch="reach",
)
attack(
    "udp",
    """
    import socket
    door = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    for address in (("127.0.0.1", W["datagrams"]), ("255.255.255.255", W["datagrams"]), ("8.8.8.8", 53)):
        try:  # a datagram to nobody on the box's own loopback is no harm
            say(door.sendto(b"knock", address), address)
        except OSError as error:
            say(address, error.errno)
""",
    batch="reach",
)
attack(
    "dns",
    """
    import socket
    for name in ("example.org", "attack.example.net", "localhost.localdomain"):
        attempt(name, lambda: socket.getaddrinfo(name, 80))
""",
    batch="reach",
)
attack(
    "unix-socket",
    """
    import socket
    for path in (W["path"], "/run/systemd/private", "/var/run/docker.sock", "/run/dbus/system_bus_socket"):
        attempt(path, lambda: socket.socket(socket.AF_UNIX).connect(path))
""",
    batch="reach",
)
attack(
    "abstract-socket",
    """
    import socket
    attempt("abstract", lambda: socket.socket(socket.AF_UNIX).connect("\\0" + W["abstract"]))
    say(content("/proc/net/unix"))
    assert W["abstract"] not in content("/proc/net/unix")
""",
    batch="reach",
)
attack(
    "vsock",
    """
    import socket
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        attempt(f"host {kind}", lambda: socket.socket(40, kind))
""",
    batch="reach",
)
attack(
    "other-families",
    """
    import socket
    for family in [*range(3, 10), *range(11, 16), *range(17, 47)]:
        for kind in (1, 2, 3, 5):
            try:
                socket.socket(family, kind)
                say("family", family, "-> YES")
            except OSError:
                pass
    attempt("pair", lambda: socket.socketpair(40, 1))
    say("families -> no")
""",
    batch="reach",
)
attack(
    "raw-sockets",
    """
    import socket
    attempt("raw", lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP))
    attempt("ping", lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP))
    attempt("packet", lambda: socket.socket(17, socket.SOCK_RAW, 0x0300))
    attempt("sctp", lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM, 132))
    attempt("mptcp", lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM, 262))
""",
    batch="reach",
)
attack(
    "netlink",
    """
    import socket, struct
    for protocol in range(1, 23):
        attempt(f"protocol {protocol}", lambda: socket.socket(16, socket.SOCK_RAW, protocol))
    door = socket.socket(16, socket.SOCK_RAW, 0)
    door.bind((0, 0))
    new_link = struct.pack("=IHHII", 32, 16, 0x605, 1, 0) + struct.pack("=BBHiII", 0, 0, 0, 0, 0, 0)
    door.send(new_link)
    attempt("new link", lambda: 1 / 0 if struct.unpack_from("=i", door.recv(4096), 16)[0] else "made")
    interfaces = sorted(name for _, name in socket.if_nameindex())
    assert interfaces == ["lo"], interfaces
""",
    batch="reach",
)
attack(
    "download",
    """
    import subprocess, urllib.request
    for address in (f"http://127.0.0.1:{W['port']}/", "https://example.org/", "ftp://example.org/"):
        attempt(address, lambda: urllib.request.urlopen(address, timeout=1).read(10))
    attempt("file address", lambda: urllib.request.urlopen("file://" + W["places"]["key"]).read())
    done = subprocess.run([sys.executable, "-m", "pip", "install", "--timeout", "1", "--retries", "0", "attack"],
                          capture_output=True)
    say(done.returncode)
    assert done.returncode != 0
""",
    batch="reach",
)
attack(
    "listen",
    """
    import socket
    door = socket.socket()
    door.bind(("0.0.0.0", 0))
    door.listen()
    say("listening to nobody but itself at", door.getsockname())
    assert open("/proc/net/route").read().count("\\n") <= 1
""",
    batch="reach",
)

attack(
    "kill-neighbour",
    """
    import signal
    for number in (W["neighbour"], W["driver"]):
        if number not in map(int, filter(str.isdigit, os.listdir("/proc"))):
            attempt("signal", lambda: os.kill(number, signal.SIGKILL))
            attempt("look", lambda: content(f"/proc/{number}/cmdline"))
            attempt("pidfd", lambda: os.pidfd_open(number))
    attempt("first", lambda: (os.kill(1, signal.SIGTERM), 1 / 0))
""",
    batch="reach",
)
attack(
    "ptrace",
    """
    for number in (W["neighbour"], W["driver"], os.getppid(), 1):
        attempt(f"attach {number}", lambda: call("ptrace", 16, number, 0, 0))
        attempt(f"seize {number}", lambda: call("ptrace", 0x4206, number, 0, 0))
        attempt(f"memory {number}", lambda: open(f"/proc/{number}/mem", "rb"))
        attempt(f"read {number}", lambda: call("process_vm_readv", number, None, 0, None, 0, 0))
        attempt(f"compare {number}", lambda: call("kcmp", os.getpid(), number, 0, 0, 0))
""",
    batch="reach",
)
attack(
    "survivors",
    """
    import subprocess
    for _ in range(3):
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                import signal, time
                for number in range(1, 32):
                    if number not in (9, 19):
                        signal.signal(number, signal.SIG_IGN)
                os.close(1), os.close(2)
                time.sleep(600)
            os._exit(0)
    subprocess.Popen("nohup setsid sleep 600 > /dev/null 2>&1 &", shell=True)
    os.system("sleep 600 &")
    say("left some behind")
""",
    batch="python",
)
attack(
    "namespaces",
    """
    for name, flag in dict(user=0x10000000, mount=0x20000, pid=0x20000000, net=0x40000000, ipc=0x8000000, uts=0x4000000,
                           cgroup=0x2000000, time=0x80).items():
        attempt("unshare " + name, lambda: call("unshare", flag))
        if name != "time":  # for clone that bit is a signal
            clone = 56 if platform.machine() == "x86_64" else 220
            attempt("clone " + name, lambda: LIBC.syscall(clone, flag | 17, 0, 0, 0, 0) + 1 or 1 / 0)
    attempt("clone3", lambda: call("clone3", ctypes.create_string_buffer(88), 88))
    attempt("setns", lambda: call("setns", os.open("/proc/1/ns/net", os.O_RDONLY), 0))
    attempt("program", lambda: child(lambda: os.execvp("unshare", ["unshare", "-Ur", "true"])) == 0 or 1 / 0)
""",
    batch="reach",
)
attack(
    "mounts",
    """
    attempt("tmpfs", lambda: call("mount", b"none", b"/tmp", b"tmpfs", 0, None))
    attempt("remount", lambda: call("mount", None, b"/", None, 32, None))
    attempt("bind", lambda: call("mount", b"/proc/1/root", b"/tmp", None, 4096, None))
    attempt("proc", lambda: call("mount", b"proc", b"/tmp", b"proc", 0, None))
    attempt("umount", lambda: call("umount2", b"/tmp", 2))
    attempt("pivot", lambda: call("pivot_root", b"/tmp", b"/tmp"))
    attempt("chroot", lambda: os.chroot("/tmp"))
    attempt("open_tree", lambda: call("open_tree", -100, b"/", 1))
    attempt("fsopen", lambda: call("fsopen", b"tmpfs", 0))
    attempt("mount_setattr", lambda: call("mount_setattr", -100, b"/", 0, ctypes.create_string_buffer(32), 32))
    layers = b"lowerdir=/,upperdir=/tmp,workdir=/tmp"
    attempt("overlay", lambda: call("mount", b"overlay", b"/tmp", b"overlay", 0, layers))
""",
    batch="reach",
)
attack(
    "setuid-programs",
    """
    import subprocess
    for path in ("su", "sudo", "mount", "umount", "passwd", "newgrp", "chsh", "pkexec"):
        try:
            done = subprocess.run([path, "--version"], capture_output=True, timeout=5)
            status = subprocess.run(["sh", "-c", f"exec {path} -c id root"], capture_output=True, timeout=5,
                                    stdin=subprocess.DEVNULL)
            say(path, done.returncode, status.returncode, status.stdout[:100])
            assert b"uid=0" not in status.stdout
        except (OSError, subprocess.TimeoutExpired) as error:
            say(path, type(error).__name__)
    for do in (os.setuid, os.seteuid, os.setgid):
        attempt(do.__name__, lambda: do(0))
    attempt("groups", lambda: os.setgroups([0]))
    assert 0 not in (os.getuid(), os.geteuid(), os.getgid()) and os.getgroups() in ([], [os.getgid()])
""",
    batch="reach",
)
attack(
    "capabilities",
    """
    status = dict(line.split(":", 1) for line in open("/proc/self/status") if ":" in line)
    for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert int(status[name], 16) == 0, (name, status[name])
    assert int(status["NoNewPrivs"]) == 1 and int(status["Seccomp"]) == 2
    attempt("ambient", lambda: LIBC.prctl(47, 2, 21, 0, 0) == 0 or 1 / 0)
    attempt("keep", lambda: LIBC.prctl(23, 0, 0, 0, 0) == 1 or 1 / 0)
    attempt("chown", lambda: (open("/tmp/mine", "w").close(), os.chown("/tmp/mine", 0, 0)))
    attempt("setuid bit", lambda: (os.chmod("/tmp/mine", 0o4777), os.stat("/tmp/mine").st_uid == 0 or 1 / 0))
    attempt("dumpable client", lambda: os.readlink(f"/proc/{os.getppid()}/exe"))
""",
    batch="reach",
)
attack(
    "kernel-calls",
    """
    buffer = ctypes.create_string_buffer(256)
    for name in (
        "bpf", "perf_event_open", "userfaultfd", "io_uring_setup", "add_key", "keyctl", "request_key", "kexec_load",
        "kexec_file_load", "init_module", "finit_module", "delete_module", "open_by_handle_at", "name_to_handle_at",
        "memfd_secret", "syslog", "swapon", "acct", "settimeofday", "clock_settime", "sethostname", "personality",
        "fanotify_init", "quotactl", "mknodat", "vmsplice", "lookup_dcookie", "process_madvise", "iopl", "modify_ldt",
        "process_vm_readv", "pidfd_getfd", "kcmp", "reboot",
    ):
        try:
            got = call(name, 0, buffer, 0, 0, 0, 0)
            say(name, "-> YES", got)
        except OSError as error:
            assert error.errno == 38, (name, error.errno)  # the filter answered, not the kernel
    say("calls -> no")
""",
    batch="reach",
)
attack(
    "calls-of-another-machine",
    """
    import mmap, signal
    def get_pid_as_32_bit():
        page = mmap.mmap(-1, 4096, prot=7)
        page.write(bytes.fromhex("b814000000cd80c3"))  # mov eax, 20; int 0x80; ret
        ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(page)))()
    if platform.machine() == "x86_64":
        assert child(get_pid_as_32_bit) & 0x7f == signal.SIGSYS
        attempt("x32", lambda: LIBC.syscall(ctypes.c_long(0x40000000 | 39)) + 1 or 1 / 0)
    say("-> no")
""",
    batch="reach",
)
attack(
    "core-dump",
    """
    import resource, signal
    attempt("raise the limit", lambda: resource.setrlimit(resource.RLIMIT_CORE, (-1, -1)))
    how = child(os.abort)
    assert how & 0x7f == signal.SIGABRT and not how & 0x80  # aborted, not dumped
""",
    batch="reach",
)
attack(
    "limits-up",
    """
    import resource
    for name in ("AS", "CPU", "NPROC", "NOFILE", "FSIZE", "MEMLOCK", "MSGQUEUE"):
        kind = getattr(resource, "RLIMIT_" + name)
        attempt(name, lambda: resource.setrlimit(kind, (resource.RLIM_INFINITY, resource.RLIM_INFINITY)))
        attempt(name + " of the client", lambda: resource.prlimit(os.getppid(), kind, (resource.RLIM_INFINITY,) * 2))
    attempt("nicer than all", lambda: os.nice(-20))
    attempt("real time", lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(50)))
    attempt("leave the group", lambda: write("/sys/fs/cgroup/cgroup.procs", "0"))
""",
    batch="reach",
)
attack(
    "terminal",
    """
    import fcntl, termios
    attempt("tty", lambda: open("/dev/tty", "rb"))
    for number in range(8):
        try:
            fcntl.ioctl(os.open(f"/dev/pts/{number}", os.O_RDWR), termios.TIOCSTI, b"x")
            say(number, "-> YES")
        except OSError as error:
            say(number, "-> no", error.errno)
    master, slave = os.openpty()
    attempt("type into one's own", lambda: fcntl.ioctl(slave, termios.TIOCSTI, b"x"))
""",
    batch="reach",
)
attack(
    "names-and-time",
    """
    import socket, time
    assert socket.gethostname() == "box", socket.gethostname()
    attempt("rename", lambda: socket.sethostname("attack"))
    attempt("clock", lambda: time.clock_settime(time.CLOCK_REALTIME, 0))
""",
    batch="reach",
)
attack(
    "write-client-memory",
    """
    import pathlib
    client = os.getppid()
    assert os.listdir("/proc/self/fd")  # one's own can be read
    for name in ("fd", "fdinfo", "map_files"):
        attempt(name, lambda: os.listdir(f"/proc/{client}/{name}"))
    for name in ("environ", "mem", "maps", "exe", "cwd", "root", "stack", "syscall", "io", "ns/net"):
        attempt(name, lambda: open(f"/proc/{client}/{name}", "rb").read(1))
    attempt("write", lambda: open(f"/proc/{client}/mem", "r+b"))
    attempt("score", lambda: write(f"/proc/{client}/oom_score_adj", "1000"))
    descriptor = os.pidfd_open(client)
    for number in range(16):
        attempt(f"take {number}", lambda: call("pidfd_getfd", descriptor, number, 0))
""",
    batch="reach",
)
