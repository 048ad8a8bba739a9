"""
``papermill --engine stadtbuch``: what papermill's entry point names.

Papermill loads entry points while it is still importing itself, so this module imports neither it nor anything that
does; `engine` comes in when a notebook runs.
"""

from __future__ import annotations

from typing import Any


class Stadtbuch:
    """Runs any notebook in a run forked from a zygote, behind a wall; in a plain kernel where there is none."""

    @classmethod
    def execute_notebook(cls, nb: Any, kernel_name: str, **options: Any) -> Any:
        """Run a notebook as papermill's engines do; `Hermetic` says how."""
        from stadtbuch.runs import engine  # noqa: PLC0415 - see above

        return engine.Hermetic.execute_notebook(nb, kernel_name, **options)

    @classmethod
    def nb_kernel_name(cls, nb: Any, name: str | None = None) -> str:
        """Give the kernel's name: every notebook runs in ours."""
        return name or nb.metadata.get("kernelspec", {}).get("name", "python3")

    @classmethod
    def nb_language(cls, nb: Any, language: str | None = None) -> str:
        """Give the notebook's language."""
        return language or nb.metadata.get("language_info", {}).get("name") or "python"
