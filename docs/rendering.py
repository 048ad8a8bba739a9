"""
What MkDocs needs to know beyond its settings: some pages of this documentation lie in the project's root.

README, GLOSSARY and their siblings stand where people look for them first. Here they are brought in as pages of
``project/``, and links between them and the other pages are turned accordingly.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parent.parent
BROUGHT = ("LIESMICH.md", "README.md", "GLOSSARY.md", "SECURITY.md", "CONTRIBUTING.md", "CHANGELOG.md")
LINK = re.compile(r"(!?\[[^\]\n]*\]\()([^)#\s]+)([^)\n]*\))")


def on_config(config: Any) -> Any:
    """Let the menu end with the decisions, however many there are."""
    folder = Path(config["docs_dir"])
    pages = sorted(path.relative_to(folder).as_posix() for path in folder.glob("decisions/*.md"))
    config["nav"] = [*config["nav"], {"Decisions": pages}]
    return config


def on_files(files: Files, *, config: Any) -> Files:
    """Bring the pages of the root in."""
    for name in BROUGHT:
        content = (ROOT / name).read_text(encoding="utf-8")
        files.append(File.generated(config, f"project/{name}", content=_turned(content, "")))
    return files


def on_page_markdown(markdown: str, *, page: Any, **_: Any) -> str:
    """Turn the links of the other pages."""
    source = page.file.src_uri
    return (
        markdown if source.startswith("project/") else _turned(markdown, f"docs/{posixpath.dirname(source)}")
    )


def _turned(markdown: str, folder: str) -> str:
    """
    Let links lead to where pages lie once they are rendered.

    A link out of the documentation to a page that is not brought in, such as a folder of notebooks, becomes plain text:
    on a web server there is nothing behind it.
    """
    here = folder or "docs/project"

    def turn(match: re.Match[str]) -> str:
        target = match[2]
        if "://" in target or target.startswith(("mailto:", "#")):
            return match[0]
        path = posixpath.normpath(posixpath.join(folder, target))
        if path in BROUGHT:
            path = f"docs/project/{path}"
        if not path.startswith("docs/"):
            return match[1].lstrip("!")[1:-2]
        return f"{match[1]}{posixpath.relpath(path, here)}{match[3]}"

    return LINK.sub(turn, markdown)
