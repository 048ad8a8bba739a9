"""
``%load_ext stadtbuch``: switches the lab on in one notebook.

Inside a run it does nothing but give the magics' names, so that a notebook is the same in the lab and in a run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stadtbuch.settings import environment

if TYPE_CHECKING:
    from stadtbuch.lab.companion import Companion

MAGICS = ("sb_data", "sb_peek", "sb_check", "sb_preview", "sb_new", "sb_form")

_active: dict[int, Companion] = {}


def load_ipython_extension(shell: Any) -> None:
    """Switch everything on; in a run only the names of the magics, which do nothing there."""
    if environment().run is not None:
        _silence(shell)
    elif id(shell) not in _active:
        from stadtbuch.lab.companion import Companion  # noqa: PLC0415 - a run's kernel does without

        _active[id(shell)] = Companion(shell)
        _active[id(shell)].begin()


def unload_ipython_extension(shell: Any) -> None:
    """Switch everything off."""
    found = _active.pop(id(shell), None)
    if found is not None:
        found.end()


def _silence(shell: Any) -> None:
    """Give a shell the names of the magics: nobody looks at a run while it runs."""
    for name in MAGICS:
        shell.register_magic_function(lambda line="": None, magic_kind="line", magic_name=name)
