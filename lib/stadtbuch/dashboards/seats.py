"""
Seats: how many visitors at once. Whoever finds none gets the static page, at once.

A seat is taken before a kernel starts, so that kernels that are starting count, and it is free again only when the
kernel has ended, so that there are never more kernels than seats.
"""

from __future__ import annotations

from dataclasses import dataclass, field

NEVER_CAME_SECONDS = 20.0
"""A page whose browser never connects: a visitor who left at once, or a program that does not run scripts."""
LEFT_SECONDS = 5.0
"""A page that was closed; opening it again within this time finds the kernel alive."""


@dataclass
class Seat:
    """
    One visitor's seat.

    Attributes
    ----------
    kernel
        Id of the kernel, once there is one.
    done
        When the page was sent; None while it is being made.
    seen
        Whether the browser ever connected.
    away
        Since when no browser is connected.
    """

    kernel: str | None = None
    done: float | None = None
    seen: bool = False
    away: float | None = None

    def over(self, *, connected: bool, now: float) -> bool:
        """
        Tell whether the visitor is gone.

        Examples
        --------
        >>> seat = Seat(kernel="k", done=0.0)
        >>> [seat.over(connected=False, now=at) for at in (1.0, 20.0, 22.0)]
        [False, False, True]
        >>> seat = Seat(kernel="k", done=0.0)
        >>> seat.over(connected=True, now=1.0), seat.over(connected=False, now=2.0), seat.over(connected=False, now=8.0)
        (False, False, True)
        """
        if connected:
            self.seen, self.away = True, None
            return False
        if self.done is None:
            return False
        self.away = now if self.away is None else self.away
        return now - self.away > (LEFT_SECONDS if self.seen else NEVER_CAME_SECONDS)


@dataclass
class Seats:
    """
    All seats.

    Examples
    --------
    >>> seats = Seats(1)
    >>> seat = seats.take()
    >>> seats.take() is None, seats.leave(seat), seats.take() is None
    (True, None, False)
    """

    number: int
    taken: list[Seat] = field(default_factory=list)

    @property
    def free(self) -> int:
        """Count the seats that are free."""
        return self.number - len(self.taken)

    def take(self) -> Seat | None:
        """Take a seat; None if there is none."""
        if self.free <= 0:
            return None
        seat = Seat()
        self.taken.append(seat)
        return seat

    def leave(self, seat: Seat) -> None:
        """Give a seat back; twice is once."""
        if seat in self.taken:
            self.taken.remove(seat)
