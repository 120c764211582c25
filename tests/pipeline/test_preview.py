"""What a preview needs: a shot that is there, a font with the letters, a file of a known kind."""

from __future__ import annotations

from pathlib import Path

import pytest

from data.errors import UserError
from data.sample import pictures
from pipeline.results import preview
from tests.data.sample_script import script


def test_a_scene_is_a_shot() -> None:
    assert preview.span(script(), None) == (0.0, 600.0)
    assert preview.span(script(), 1) == (0.0, 600.0)
    for number in (0, 2):
        with pytest.raises(UserError, match=f"no scene {number}; the film has 1"):
            preview.span(script(), number)


def test_a_font_without_the_letters_is_refused() -> None:
    """The sample's font has a dozen syllables."""
    with pytest.raises(UserError, match="all letters"):
        preview.font_for("쾅! 뚫고 나온다.", pictures.FONT)
    with pytest.raises(UserError, match="all letters"):
        preview.font_for("가", Path("none.ttf"))


def test_without_a_font_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preview, "FONTS", ("/none.ttf",))
    with pytest.raises(UserError, match="name one with --font"):
        preview.font_for("가", None)


def test_other_kinds_of_files(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"\.mp4 or \.gif"):
        preview.preview(tmp_path, tmp_path / "a.mov")
