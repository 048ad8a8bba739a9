"""
What happens in a cell: which datasets it loads and what it puts out, so that both can be spoken about below it.

The kernel's own hooks are used; nothing that a cell shows is held back.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from stadtbuch.session import city as sessions
from stadtbuch.session.city import City
from stadtbuch.session.snapshots import Snapshot

MARK, RESTRICTED = "stadtbuch_lab", "restricted"
"""
Key of an output's metadata, for what is never saved: the lab's own notes, and whatever a kernel shows once it has
read data that are not open. The mark goes along when a cell is copied into another notebook.
"""

Output = dict[str, Any]
Loading = tuple[City, Snapshot]


class Watch:
    """
    Looks at one kernel, cell by cell.

    Attributes
    ----------
    outputs
        What the running cell has put out so far, as it would stand in the notebook file.
    loaded
        What it loaded so far.
    sessions
        The last session in which each dataset that is not open was loaded, by id.
    """

    def __init__(self, shell: Any) -> None:
        self.shell = shell
        self.outputs: list[Output] = []
        self.loaded: list[Loading] = []
        self.sessions: dict[str, City] = {}
        self.last: City | None = None
        self._told: set[tuple[Any, ...]] = set()
        self._undo: list[Callable[[], Any]] = []
        self._streams: list[Callable[[], Any]] = []

    def begin(self) -> None:
        """Hook into the kernel."""
        sessions.WATCHERS.append(self._load)
        self._undo.append(partial(sessions.WATCHERS.remove, self._load))
        for publisher in (self.shell.display_pub, self.shell.displayhook):
            if hasattr(publisher, "register_hook"):
                publisher.register_hook(self._message)
                self._undo.append(partial(publisher.unregister_hook, self._message))

    def end(self) -> None:
        """Let go of the kernel."""
        self.pause()
        while self._undo:
            self._undo.pop()()

    def listen(self) -> None:
        """Forget what the last cell did, and note what the next one prints."""
        self.pause()
        self.outputs, self.loaded = [], []
        for name in ("stdout", "stderr"):
            self._listen(name)

    def pause(self) -> None:
        """Print as before: IPython itself takes over the streams while a cell runs, and puts its own back."""
        while self._streams:
            self._streams.pop()()

    def new(self) -> list[Loading]:
        """Give what this cell loaded that was not told of before."""
        found = []
        for city, snapshot in self.loaded:
            mark = (
                snapshot.dataset.id,
                snapshot.version,
                snapshot.purpose,
                snapshot.columns,
                str(snapshot.rows),
            )
            if mark not in self._told:
                self._told.add(mark)
                found.append((city, snapshot))
        return found

    def _load(self, city: City, snapshot: Snapshot) -> None:
        self.loaded.append((city, snapshot))
        self.last = city
        if not snapshot.dataset.is_open:
            self.sessions[snapshot.dataset.id] = city

    def _message(self, message: Any) -> Any:
        """Note a message on its way to the notebook; mark it if this kernel has read data that are not open."""
        kind, content = message["header"]["msg_type"], message["content"]
        if kind == "clear_output":
            self.outputs = []
        if kind in ("display_data", "execute_result") and not own(content):
            self.outputs.append(_output(kind, content))
        if self.sessions and "data" in content and not own(content):
            content["metadata"] = {
                **(content.get("metadata") or {}),
                MARK: {"kind": "output", RESTRICTED: True},
            }
        return message

    def _listen(self, name: str) -> None:
        """Note what is printed; the stream's own hooks run in another thread and see no cell."""
        stream = getattr(sys, name)
        write, before = stream.write, vars(stream).get("write") if hasattr(stream, "__dict__") else None

        def noted(text: str) -> Any:
            self._printed(name, text)
            return write(text)

        try:
            stream.write = noted
        except AttributeError:  # a plain file: there is no notebook
            return
        self._streams.append(
            partial(setattr, stream, "write", before) if before else partial(delattr, stream, "write")
        )

    def _printed(self, name: str, text: str) -> None:
        last = self.outputs[-1] if self.outputs else {}
        if last.get("output_type") == "stream" and last["name"] == name:
            last["text"] += text
        else:
            self.outputs.append({"output_type": "stream", "name": name, "text": text})


def own(content: Mapping[str, Any]) -> bool:
    """Tell whether an output is the lab's own: a note, a warning, a preview."""
    return MARK in (content.get("metadata") or {})


def _output(kind: str, content: Mapping[str, Any]) -> Output:
    noted = {"output_type": kind, "data": dict(content["data"]), "metadata": dict(content["metadata"] or {})}
    return noted | ({"execution_count": None} if kind == "execute_result" else {})
