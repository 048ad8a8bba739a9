"""The reference pages say what is there: every command, setting, variable and error."""

from __future__ import annotations

import ast
import importlib.util
import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType, NoneType
from typing import Any, get_args

import pytest
import yaml
from pydantic import BaseModel

from stadtbuch.model.analysis import Manifest
from stadtbuch.settings import Secret, Settings, Threshold
from stadtbuch.texts import Text

FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)#\s]+)(#[^)]*)?\)")


def _writer(root: Path, name: str) -> ModuleType:
    """Load a page's writer, which is no part of the library."""
    path = root / "docs" / "reference" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _pages(root: Path) -> list[Path]:
    return sorted([*root.glob("*.md"), *(root / "docs").rglob("*.md"), root / "benchmarks" / "README.md"])


def _blocks(root: Path, *languages: str) -> list[tuple[Path, str]]:
    """Give the fenced blocks of some languages with their pages."""
    return [
        (path, block)
        for path in _pages(root)
        for language, block in FENCE.findall(path.read_text(encoding="utf-8"))
        if language in languages
    ]


def _keys(model: type[BaseModel], prefix: str = "") -> set[str]:
    """Give the dotted keys of a settings model; thresholds stand once, under ``*``, and secrets are one value."""
    keys = set()
    for name, field in model.model_fields.items():
        kind = next((one for one in get_args(field.annotation) if one is not NoneType), field.annotation)
        if field.exclude:
            continue
        if isinstance(kind, type) and issubclass(kind, BaseModel) and kind not in (Threshold, Secret):
            keys |= _keys(kind, f"{prefix}{name}.")
        else:
            keys.add(f"{prefix}{name}")
    return keys


def _row_keys(text: str) -> set[str]:
    return set(re.findall(r"^\| `([a-z_.*]+)` \|", text, re.MULTILINE))


@pytest.mark.parametrize("name", ["commands", "errors"])
def test_written_page_is_current(root: Path, name: str) -> None:
    """Commands and errors are documented as they are in the code; `make docs` brings the page up to date."""
    written = (root / "docs" / "reference" / f"{name}.md").read_text(encoding="utf-8")
    current = subprocess.run(
        [sys.executable, str(root / "docs" / "reference" / f"write_{name}.py"), "-"],
        env={**os.environ, "STADTBUCH_LANGUAGE": "en", "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        encoding="utf-8",
        check=True,
    ).stdout
    assert written == current, "run: make docs"


def test_every_command_has_an_example(root: Path) -> None:
    """Help without an example is half a help."""
    commands = _writer(root, "write_commands").commands()
    without = [path for path, one in commands if not re.search("Beispiel:|Example:", one.help or "")]
    assert without == []


def test_every_command_has_a_meaning_for_each_option(root: Path) -> None:
    """No option stands there without a word."""
    silent = [
        f"{path} {parameter.name}"
        for path, one in _writer(root, "write_commands").commands()
        for parameter in one.params
        if parameter.param_type_name == "option" and not parameter.help
    ]
    assert silent == []


def test_every_error_says_what_to_do(root: Path) -> None:
    """An error without a remedy leaves its receiver alone."""
    silent = [one.code for one in _writer(root, "write_errors").said() if not one.remedy]
    assert silent == []


def test_settings_page_and_model_agree(root: Path) -> None:
    """Every key of stadtbuch.toml is explained, and no key is explained that does not exist."""
    page = (root / "docs" / "reference" / "settings.md").read_text(encoding="utf-8")
    wanted = _keys(Settings) | {f"thresholds.*.{name}" for name in Threshold.model_fields}
    assert _row_keys(page) == wanted


def test_every_variable_is_documented(root: Path) -> None:
    """The environment variables that mean something stand in the settings page."""
    page = (root / "docs" / "reference" / "settings.md").read_text(encoding="utf-8")
    source = (root / "lib" / "stadtbuch" / "outside.py").read_text(encoding="utf-8")
    read = {
        node.args[0].value
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "os.environ.get"
    }
    assert {name for name in read if name not in page} == {"JPY_SESSION_NAME"}


def test_every_link_leads_somewhere(root: Path) -> None:
    """No relative link of a page is broken."""
    broken = [
        f"{path.relative_to(root)}: {target}"
        for path in _pages(root)
        for target, _ in LINK.findall(path.read_text(encoding="utf-8"))
        if "://" not in target and not (path.parent / target).exists()
    ]
    assert broken == []


def test_every_command_line_in_the_pages_exists(root: Path) -> None:
    """Whoever copies a line from the documentation gets no usage error for its name or options."""
    known: dict[str, Any] = dict(_writer(root, "write_commands").commands())
    targets = set(re.findall(r"^(\w+):", (root / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    wrong = []
    for path, block in _blocks(root, "sh"):
        for line in block.splitlines():
            words = shlex.split(line, comments=True)
            if words[:1] == ["make"]:
                wrong += [f"{path.name}: {line}"] if words[1] not in targets else []
            elif words[:1] == ["stadtbuch"]:
                name = max((one for one in known if line.startswith(one)), key=len, default="")
                options = {option for one in (known[name].params if name else []) for option in one.opts}
                asked = {word.split("=")[0] for word in words if word.startswith("-")}
                wrong += [f"{path.name}: {line}"] if not name or asked - options else []
    assert wrong == []


def test_manifests_in_the_pages_are_valid(root: Path) -> None:
    """A manifest shown as an example would be accepted in a notebook."""
    shown = [yaml.safe_load(block) for _, block in _blocks(root, "yaml")]
    manifests = [one["stadtbuch"] for one in shown if isinstance(one, dict) and "stadtbuch" in one]
    assert manifests
    for one in manifests:
        Manifest.model_validate(_texts(one))


def _texts(value: Any) -> Any:
    """Turn every pair of wordings into a text."""
    if isinstance(value, dict):
        if set(value) == {"de", "en"}:
            return Text(**value)
        return {key: _texts(one) for key, one in value.items()}
    return value


def test_toml_in_the_pages_is_valid(root: Path) -> None:
    """Settings shown as an example can be read."""
    for _, block in _blocks(root, "toml"):
        tomllib.loads(block)
