"""A command that forks two runs, says so, and then waits to be killed."""

from __future__ import annotations

import os
import sys
import time

from kernels.test_kills import DAEMON, asked

from stadtbuch.runs import warm

if __name__ == "__main__":
    zygote = warm.begin()
    runs = [zygote.fork(asked(f"run-{number}", os.dup(2))) for number in range(2)]
    for run in runs:
        list(run.execute(DAEMON, until=time.monotonic() + 60))
    runs[0]._ask({"code": "while True: pass"}, time.monotonic() + 60)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    time.sleep(600)
