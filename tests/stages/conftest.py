"""A finished result for the tests of the check: made once, and copies to be spoilt."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.stages.described import Described, describe, programme


@pytest.fixture(scope="session")
def finished(ffmpeg: Callable[..., None], tmp_path_factory: pytest.TempPathFactory) -> Described:
    """The result that is right."""
    return describe(tmp_path_factory.mktemp("finished") / "film", ffmpeg, programme())


@pytest.fixture
def film(finished: Described, tmp_path: Path) -> Described:
    """A copy of it, to be spoilt."""
    return finished.copy(tmp_path)
