"""Running coroutines where another test's browser keeps an event loop in the same thread."""

from __future__ import annotations

import asyncio
import gc
import warnings
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any


def run(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """
    Run a coroutine to its end in a thread with a loop of its own.

    A visitor who simply goes away leaves a socket open, as real ones do; it is collected here and now, so that it is
    not told as a fault of whichever test runs later.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        with ThreadPoolExecutor(max_workers=1) as apart:
            result = apart.submit(asyncio.run, coroutine).result()
        gc.collect()
    return result
