"""
The server's side of the lab: no output of closed data reaches the disk, and the page asks no foreign server.

A Jupyter server extension. Whatever way a notebook is written (saved by hand or by itself, copied, uploaded,
edited as text, kept as a checkpoint), it passes `Keeper`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jupyter_server.services.contents.filecheckpoints import AsyncFileCheckpoints
from jupyter_server.utils import url_path_join
from tornado.httputil import url_concat
from tornado.web import HTTPError

from stadtbuch import atomic, settings
from stadtbuch.catalog import index
from stadtbuch.catalog.index import Catalog
from stadtbuch.errors import SettingsError
from stadtbuch.lab import keeping
from stadtbuch.lab.keeping import Kind
from stadtbuch.runs import drafts
from stadtbuch.settings import Settings

START_BYTES = 256
"""Enough of a file to see whether it could be a notebook, after blanks at its beginning."""
QUIET_PLUGINS = (
    "@jupyterlab/apputils-extension:announcements",
    "@jupyterlab/extensionmanager-extension:plugin",
)
"""Parts of JupyterLab that would ask servers elsewhere for news and for extensions."""


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    """Tell Jupyter Server where the extension is."""
    return [{"module": "stadtbuch.lab.server"}]


def _link_jupyter_server_extension(app: Any) -> None:
    """
    Show our templates where jupyterlab-templates looks, if that is installed.

    It reads its setting while it is loaded, and extensions are loaded in the order of their names; linked they are
    before. It needs a list: a flag on the command line that is given once would be a text.
    """
    known = list(app.config.get("JupyterLabTemplates", {}).get("template_dirs", []))
    found = [str(folder) for folder in drafts.folders(_settings(Path(app.root_dir)))]
    app.config.JupyterLabTemplates.template_dirs = [*dict.fromkeys([*known, *found])]


def _settings(root: Path) -> Settings | None:
    """Give the settings of the city around the server's folder; none if there is none, or none that can be read."""
    try:
        return settings.read(settings.find(root))
    except SettingsError:
        return None


def _load_jupyter_server_extension(app: Any) -> None:
    """Let every way of writing a notebook pass the keeper, and keep the page from asking elsewhere."""
    contents = app.contents_manager
    keeper = Keeper(Path(contents.root_dir), log=app.log)
    contents.register_pre_save_hook(keeper.before)
    contents.register_post_save_hook(keeper.after)
    contents.checkpoints = Checkpoints(**contents.checkpoints_kwargs)
    contents.checkpoints.keeper = keeper
    app.web_app.settings["page_config_hook"] = quiet


async def _start_jupyter_server_extension(app: Any) -> None:
    """Say in one line of JSON where the lab is, if asked to; the address holds the session's token."""
    if not app.config.get("Stadtbuch", {}).get("announce"):
        return
    start = app.web_app.settings.get("default_url") or app.default_url
    address = url_concat(url_path_join(app.connection_url, start), {"token": app.identity_provider.token})
    sys.stdout.write(json.dumps({"url": address, "port": app.port}) + "\n")
    sys.stdout.flush()


def quiet(handler: Any, page: dict[str, Any]) -> dict[str, Any]:
    """Switch off in the page what would ask servers elsewhere."""
    disabled = page.get("disabledExtensions") or []
    page["disabledExtensions"] = [*dict.fromkeys([*disabled, *QUIET_PLUGINS])]
    page["news"] = {"disabled": True}
    return page


class Keeper:
    """
    Takes from notebooks what may not be on a disk.

    Parameters
    ----------
    root
        Folder of the server: in a city, or above one or several.

    Notes
    -----
    Each notebook is judged by the city around it. One that lies in no city and never names our library is none of
    our business; one that names it is kept without outputs, because no catalogue says what is open.

    An output that was once taken out of a notebook with closed data is known again wherever it turns up as long
    as the server runs: in a copied cell, under another name, after the line that loaded the data was taken away.
    A notebook that read closed data once is kept without outputs for as long.
    """

    def __init__(self, root: Path, *, log: Any) -> None:
        self.root, self.log = root, log
        self._seen: set[bytes] = set()
        self._closed: set[str] = set()
        self._catalogs: dict[Path, tuple[Any, Catalog]] = {}

    def before(self, model: dict[str, Any], path: str, **_: Any) -> None:
        """
        Clean what is about to be saved.

        Raises
        ------
        HTTPError
            If it cannot be cleaned: then it is not saved either.
        """
        try:
            if model.get("type") == "notebook" and isinstance(model.get("content"), dict):
                self.clean(model["content"], path)
            elif (
                model.get("type") == "file"
                and isinstance(model.get("content"), str)
                and not model.get("chunk")
            ):
                model["content"] = self._text(model["content"], path)
        except Exception:  # noqa: BLE001 - fail closed: an error in a hook would otherwise let the file be written
            raise HTTPError(
                500,
                "Nicht gespeichert: Es ließ sich nicht prüfen, was hinausdarf. / Not saved: it could not be checked.",
            ) from None

    def after(self, os_path: str, model: Mapping[str, Any], **_: Any) -> None:
        """Clean what came as bytes or in pieces (an upload)."""
        with Path(os_path).open("rb") as file:  # whatever it is called now: it may be renamed
            start = file.read(START_BYTES)
        if start.lstrip().startswith(b"{"):
            self.clean_file(Path(os_path))

    def clean_file(self, path: Path) -> None:
        """Clean a notebook on disk; what is no notebook stays."""
        try:
            before = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            return
        cleaned = self._text(
            before, path.relative_to(self.root).as_posix() if path.is_relative_to(self.root) else ""
        )
        if cleaned != before:
            atomic.write(path, cleaned.encode())

    def _text(self, content: str, path: str) -> str:
        """Clean the text of a notebook; any other text stays as it is."""
        if not content.lstrip().startswith("{") or '"cells"' not in content:
            return content
        try:
            notebook = json.loads(content)
        except ValueError:
            return content
        if isinstance(notebook, dict) and isinstance(notebook.get("worksheets"), list):
            ours = self._city(path) is not None or "stadtbuch" in content
            return _of_old_form(notebook) if ours else content
        if not isinstance(notebook, dict) or not isinstance(notebook.get("cells"), list):
            return content
        if self.clean(notebook, path):
            return json.dumps(notebook, ensure_ascii=False, indent=1) + "\n"
        return content

    def clean(self, notebook: dict[str, Any], path: str) -> int:
        """Take out of a notebook what may not be saved; give how many outputs that were."""
        self._report_attachments(notebook, path)
        shown = keeping.prints(notebook)
        if self._elsewhere(notebook, path) and path not in self._closed and not shown & self._seen:
            return 0
        found = self._kind(notebook, path)
        if found is Kind.open and path not in self._closed and not shown & self._seen:
            return keeping.tidy(notebook)
        if found is Kind.closed:
            self._seen |= shown
            self._closed.add(path)  # its kernel may hold the data when the line that loaded them is gone
        return keeping.strip(notebook)

    def _elsewhere(self, notebook: Mapping[str, Any], path: str) -> bool:
        """Tell whether a notebook lies in no city and has nothing to do with us."""
        return self._city(path) is None and not keeping.names_us(notebook)

    def _city(self, path: str) -> Path | None:
        """Give the city around a file, or None."""
        try:
            return settings.find((self.root / path).parent if path else self.root)
        except SettingsError:
            return None

    def _kind(self, notebook: Mapping[str, Any], path: str) -> Kind:
        """Ask the catalogue; whatever goes wrong, nothing is kept."""
        try:
            city = settings.read(self._city(path) or settings.find(self.root))
            return keeping.kind(notebook, is_open=lambda name: self._is_open(name, city))
        except Exception as error:  # noqa: BLE001 - fail closed: what cannot be judged is not kept
            self.log.warning("stadtbuch: outputs are not kept (%s)", type(error).__name__)
            return Kind.unsure

    def _is_open(self, name: str, city: Settings) -> bool:
        found = self._read(city).datasets.get(name)
        if found is not None:
            return found.is_open
        return (city.folder("state") / "derived" / f"{name}.json").is_file()

    def _read(self, city: Settings) -> Catalog:
        """Read the catalogue, again when one of its files changed."""
        files = sorted(city.folder("catalogs").glob("*.y*ml"))
        stamp = [(path.name, path.stat().st_mtime_ns, path.stat().st_size) for path in files]
        known = self._catalogs.get(city.root)
        if known is None or known[0] != stamp:
            known = self._catalogs[city.root] = (stamp, index.load(city))
        return known[1]

    def _report_attachments(self, notebook: Mapping[str, Any], path: str) -> None:
        """Say that attachments are written as they are."""
        for number in keeping.attachments(notebook):
            self.log.warning(
                "stadtbuch: %s, cell %d holds an attachment; it is saved unchecked", path, number
            )


def _of_old_form(notebook: dict[str, Any]) -> str:
    """Give a notebook as it was written before format 4: nobody judges it, so nothing of it is kept."""
    for sheet in notebook["worksheets"]:
        keeping.strip(sheet)
    return json.dumps(notebook, ensure_ascii=False, indent=1) + "\n"


class Checkpoints(AsyncFileCheckpoints):  # type: ignore[misc]
    """Copies of notebooks for going back: cleaned as well, because the file on disk may come from elsewhere."""

    keeper: Keeper

    async def create_checkpoint(self, contents_mgr: Any, path: str) -> Any:
        """Clean the file, then copy it."""
        self.keeper.clean_file(Path(contents_mgr._get_os_path(path)))
        return await super().create_checkpoint(contents_mgr, path)
