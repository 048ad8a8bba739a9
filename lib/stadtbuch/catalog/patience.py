"""
Patience with sources: what fails for a moment is read again, after a wait that grows. Nothing else is.

Only readings of sources are repeated. Code that failed once would fail again, and a wrong file stays wrong.
"""

from __future__ import annotations

import errno
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

T = TypeVar("T")

PASSING = frozenset(
    {errno.EIO, errno.ESTALE, errno.EAGAIN, errno.EINTR, errno.ETIMEDOUT, errno.ECONNRESET, errno.ECONNREFUSED,
     errno.ECONNABORTED, errno.EPIPE, errno.ENETDOWN, errno.ENETUNREACH, errno.EHOSTDOWN, errno.EHOSTUNREACH}
)  # fmt: skip
"""What a network drive or a service says when it is away for a moment."""
TOO_MANY, SERVER = 429, range(500, 600)


def patiently(
    read: Callable[[], T], *, retries: int, seconds: float, sleep: Callable[[float], None] = time.sleep
) -> T:
    """
    Read, and read again if what went wrong may pass.

    Parameters
    ----------
    read
        The whole reading; each try begins anew.
    retries
        How often at most it is repeated; 0 for never.
    seconds
        The first wait; each further one is twice as long.
    sleep
        Waits; tests hand in one that only counts.

    Raises
    ------
    Exception
        What the last try raised, or at once what does not pass.

    Examples
    --------
    >>> answers = iter([TimeoutError(), ConnectionResetError(), "rows"])
    >>> def read():
    ...     one = next(answers)
    ...     if isinstance(one, Exception):
    ...         raise one
    ...     return one
    >>> waits = []
    >>> patiently(read, retries=3, seconds=1.0, sleep=waits.append), waits
    ('rows', [1.0, 2.0])
    """
    for wait in (seconds * 2**number for number in range(retries)):
        try:
            return read()
        except Exception as error:
            if not passing(error):
                raise
        sleep(wait)
    return read()


def passing(error: BaseException) -> bool:
    """
    Tell whether an error may pass by itself: a broken connection, time that was up, an answer 429 or 5xx.

    Examples
    --------
    >>> passing(TimeoutError()), passing(FileNotFoundError(2, "")), passing(KeyError("x"))
    (True, False, False)
    """
    return any(_passes(one) for one in _causes(error))


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Give an error and what it was made from: clients wrap what the network said."""
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        inner = getattr(current, "reason", None)
        current = inner if isinstance(inner, BaseException) else current.__cause__


def _passes(error: BaseException) -> bool:
    if isinstance(error, ConnectionError | TimeoutError):
        return True
    for name in ("status", "code", "status_code"):
        number = getattr(error, name, None) or getattr(getattr(error, "response", None), name, None)
        if isinstance(number, int) and (number == TOO_MANY or number in SERVER):
            return True
    return isinstance(error, OSError) and error.errno in PASSING
