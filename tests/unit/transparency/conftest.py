"""An edition in a folder, with a package whose run key is the one of its parts."""

from __future__ import annotations

from pathlib import Path

import pytest
from builders.packaged import an_edition


@pytest.fixture
def edition(tmp_path: Path) -> Path:
    """Give the folder of an edition."""
    return an_edition(tmp_path)
