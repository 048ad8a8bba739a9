"""What a hostile notebook uses up: memory, processes, disk, time, and the patience of whoever listens."""

from __future__ import annotations

from attacks.attack import Seen, attack

SMALL = {"memory_bytes": 400 << 20, "address_bytes": 3 << 30}


def _bounded_reply(seen: Seen) -> None:
    assert seen.run["length"] <= 16 << 20
    assert sum(len(str(one)) for one in seen.outputs) <= 9_000_000


def _bounded_memory(seen: Seen) -> None:
    """With a control group its peak tells (`suite.held`); without one the addresses of each process are bounded."""
    reached = [int(word) for word in seen.text.split() if word.isdigit()]
    assert reached or seen.run["memory"] is not None
    assert max(reached, default=0) <= SMALL["address_bytes"] >> 20


attack(
    "memory",
    """
    held = []
    while True:
        held.append(b"x" * (64 << 20))
        say(64 * len(held))
""",
    batch="light",
    fault=("DeadKernel", "MemoryError", "Silent"),
    limits=SMALL,
    judge=_bounded_memory,
)
attack(
    "memory-of-many",
    """
    def eat():
        held = [b"x" * (1 << 20) for _ in range(1000)]
        import time
        time.sleep(60)
    for _ in range(8):
        if os.fork() == 0:
            eat()
    import time
    time.sleep(60)
""",
    batch="light",
    fault=("DeadKernel", "MemoryError", "Silent", "Timeout"),
    limits=SMALL,
    seconds=4.0,
)
attack(
    "forks",
    """
    import time
    number, refused = 0, 0
    while number < 2000 and refused < 200:
        try:
            if os.fork() == 0:
                time.sleep(600)
            number += 1
        except OSError:
            refused += 1
    say("forked", number)
    assert number < 200
""",
    batch="light",
    fault=None,
    judge=lambda seen: (_bounded_reply(seen), None)[1],
)
attack(
    "fork-bomb",
    """
    import subprocess
    subprocess.run(["sh", "-c", "b() { b | b & }; b; wait"])
    while True:
        try:
            os.fork()
        except OSError:
            pass
""",
    batch="light",
    fault=("Timeout", "DeadKernel", "Silent"),
    seconds=3.0,
)
attack(
    "threads",
    """
    import threading, time
    started = 0
    try:
        for _ in range(5000):
            threading.Thread(target=time.sleep, args=(600,), daemon=True).start()
            started += 1
    except RuntimeError:
        pass
    say("threads", started)
    assert started < 200
""",
    batch="light",
)
attack(
    "disk",
    """
    written = {}
    for folder in ("/tmp", "/dev/shm", "/box/run", "/dev", "/", "/box", "/etc"):
        written[folder] = 0
        try:
            for number in range(40):
                with open(f"{folder}/fill{number}", "wb") as file:
                    for _ in range(8):
                        written[folder] += file.write(b"x" * (8 << 20))
        except OSError:
            pass
    say(written)
    assert sum(written.values()) <= 2 * (130 << 20) + (17 << 20), written
""",
    batch="python-again",
)
attack(
    "one-large-file",
    """
    import signal
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    attempt("sparse", lambda: os.truncate(os.open("/tmp/large", os.O_CREAT | os.O_RDWR), 1 << 40))
    attempt("in memory", lambda: os.truncate(os.memfd_create("large"), 1 << 40))
""",
    batch="python-again",
)
attack(
    "inodes",
    """
    made = 0
    try:
        for number in range(100_000):
            os.close(os.open(f"/tmp/{number}", os.O_CREAT))
            made += 1
    except OSError:
        pass
    say("made", made)
""",
    batch="light",
    fault=("Timeout", "DeadKernel", "Silent", "*"),
    seconds=4.0,
    limits=SMALL,
)
attack(
    "print-for-ever",
    """
    while True:
        print("x" * 1000)
""",
    batch="alone",
    fault=("Flood", "Timeout", "Silent", "DeadKernel"),
    seconds=20.0,
    output_bytes=1 << 20,
    judge=_bounded_reply,
)
attack(
    "one-huge-line",
    """
    print("x" * (120 << 20))
""",
    batch="alone",
    fault=("Flood", "Silent", "DeadKernel", "MemoryError"),
    judge=_bounded_reply,
    limits=SMALL,
)
attack(
    "many-displays",
    """
    from IPython.display import display
    for number in range(1_000_000):
        display({"text/plain": "x", "text/html": "<b>x</b>" * 20}, raw=True)
""",
    batch="alone",
    fault=("Flood", "Timeout", "Silent", "DeadKernel"),
    seconds=4.0,
    output_bytes=1 << 20,
    judge=_bounded_reply,
)
attack(
    "just-below-the-flood",
    """
    from IPython.display import display
    for number in range(7):
        display({"text/html": "<b>x</b>" * 120_000}, raw=True)
        print("\\x01" * 150_000)
""",
    batch="alone",
    fault=("Flood", "*"),
    judge=_bounded_reply,
)
attack(
    "spin",
    """
    import signal
    for number in range(1, 65):
        try:
            signal.signal(number, signal.SIG_IGN)
        except (OSError, ValueError):
            pass
    while True:
        try:
            while True:
                pass
        except BaseException:
            pass
""",
    batch="light",
    fault=("Timeout",),
    seconds=2.0,
)
attack(
    "sleep-deaf",
    """
    import signal, time
    signal.pthread_sigmask(signal.SIG_BLOCK, set(range(1, 65)))
    if os.fork() == 0:
        os.setsid()
        time.sleep(600)
    time.sleep(600)
""",
    batch="light",
    fault=("Timeout",),
    seconds=2.0,
)
attack(
    "kill-client",
    """
    import signal, time
    os.kill(os.getppid(), signal.SIGKILL)
    attempt("all", lambda: (os.kill(-1, signal.SIGKILL), 1 / 0))
    time.sleep(60)
""",
    batch="alone",
    fault=("Silent", "Timeout", "DeadKernel"),
    seconds=3.0,
)
attack(
    "stop-client",
    """
    import signal, time
    os.kill(os.getppid(), signal.SIGSTOP)
    time.sleep(60)
""",
    batch="alone",
    fault=("Silent", "Timeout", "DeadKernel"),
    seconds=3.0,
    limits={"seconds": 6.0},
)
attack(
    "crash",
    """
    ctypes.string_at(0)
""",
    batch="light",
    fault=("DeadKernel",),
)
attack(
    "end-early",
    """
    os._exit(0)
""",
    batch="alone",
    fault=("DeadKernel",),
)
attack(
    "recursion",
    """
    sys.setrecursionlimit(10**9)
    def deeper(n):
        return deeper(n + 1) + eval("(" * 150 + "1" + ")" * 150)
    deeper(0)
""",
    batch="light",
    fault=("DeadKernel", "RecursionError", "MemoryError", "Timeout", "Silent"),
    seconds=3.0,
    limits=SMALL,
)
attack(
    "become-another-program",
    """
    for number in range(3, 256):
        try:
            os.set_inheritable(number, True)
        except OSError:
            pass
    os.execv("/bin/sh", ["sh", "-c", f"cat {W['places']['key']}; ls -l /proc/self/fd /proc/1/fd; while :; do :; done"])
""",
    batch="alone",
    fault=("Timeout", "DeadKernel"),
    seconds=3.0,
)


def _not_forged(seen: Seen) -> None:
    """The reply comes from the client, or there is none."""
    assert "forged" not in seen.run["reply"].replace("\\n", "")


attack(
    "forge-reply",
    """
    import glob, json, time
    output = {"output_type": "stream", "name": "stdout", "text": "forged"}
    forged = json.dumps({"fault": None, "outputs": {"cell-1": [output]}}).encode()
    wrote = 0
    for path in glob.glob("/proc/[0-9]*/fd/*"):
        try:
            if os.readlink(path).startswith("pipe:") and "/self/" not in path and f"/{os.getpid()}/" not in path:
                wrote += os.write(os.open(path, os.O_WRONLY | os.O_NONBLOCK), forged)
        except OSError:
            pass
    say("wrote", wrote)
    os.kill(os.getppid(), 9)
    time.sleep(60)
""",
    batch="alone",
    fault=("Silent", "Timeout", "DeadKernel"),
    seconds=3.0,
    judge=_not_forged,
)
