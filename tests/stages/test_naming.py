"""Naming: labels become what people are called at that second, and nothing else changes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from data.errors import ConfigError
from data.records import Candidate, Context, Draft, Evidence, OnScreenText, Utterance
from data.series import memory
from stages import naming
from stages.sources import RunSettings
from tests.conftest import plain_episode

BOX = (0.1, 0.1, 0.2, 0.2)
SERIES = """
cast:
  - {id: giju, name: {ko: 김기주, en: Kim Gi-ju}, before: {ko: 회색 코트의 남자, en: a man in grey}, photos: []}
  - {id: 수진, name: 이수진, photos: []}
places: [{use: 행복약국, instead_of: [약방]}]
"""

Named = Callable[..., list[Candidate]]


def draft(number: int, text: str, *people: str, **more: Any) -> Draft:
    values = {"kind": "visual", "style": "basic", "length": "short", "model": "m", "people": people} | more
    return Draft(id=f"c{number:05d}a", keyframe=f"k{number}", text=text, **values)


def context(number: int, *texts: OnScreenText) -> Context:
    """Keyframe `number` at ten times as many seconds."""
    return Context(
        id=f"ck{number}", keyframe=f"k{number}", shot=f"s{number}", time=10.0 * number, start=10.0 * number,
        end=10.0 * number + 5, texts=texts, people=0, light="unknown", same_place=None,
    )  # fmt: skip


@pytest.fixture
def named(make_job: Callable[..., Any], tmp_path: Path) -> Named:
    def run(
        drafts: Sequence[Draft],
        text: str | None = SERIES,
        episode: str = "ep02",
        **settings: Any,
    ) -> list[Candidate]:
        chosen = RunSettings(**settings)
        if text is not None:
            (tmp_path / "series.yaml").write_text(text, encoding="utf-8")
            chosen = RunSettings(cast=tmp_path, **settings)
        utterance = Utterance(id="u00001", start=20, end=22, text="기주야!", source="subtitles")
        contexts = [context(n) for n in range(1, 6)]
        rows = {Draft: list(drafts), Context: contexts, Utterance: [utterance]}
        job = make_job(naming.Config(), rows, settings=chosen, episode=plain_episode(Path(f"{episode}.mp4")))
        return list(naming.run(job))

    return run


def texts(found: Sequence[Candidate]) -> list[str]:
    return [candidate.text for candidate in found]


def test_a_description_until_the_name_is_spoken(named: Named) -> None:
    drafts = [draft(n, "@giju가 @giju의 문을 연다.", "giju") for n in (1, 2, 3)]
    before, same, after = named(drafts)
    assert before.text == same.text == "회색 코트의 남자가 회색 코트의 남자의 문을 연다."
    assert after.text == "김기주가 김기주의 문을 연다."
    assert before.draft == drafts[0].text
    assert texts(named(drafts[2:], early=9)) == [before.text]  # its line could be heard before the name


def test_a_line_that_mentions_nobody_is_as_it_was(named: Named) -> None:
    drafts = [draft(1, "문이 열린다."), draft(2, "@home이라는 간판", evidence=())]
    for found in (named(drafts), named(drafts, text=None)):
        assert [c.model_dump(exclude={"draft"}) for c in found] == [d.model_dump() for d in drafts]
        assert [c.draft for c in found] == ["", ""]


def test_names_of_the_dialogue_wait_too(named: Named) -> None:
    drafts = [
        draft(1, "기주와 김기주가 약방으로 간다."),
        draft(3, "기주가 온다."),
        draft(1, "수진이가 선다.", length="rich"),
    ]
    assert texts(named(drafts)) == [
        "회색 코트의 남자와 회색 코트의 남자가 행복약국으로 간다.",
        "기주가 온다.",
        "한 사람이 선다.",
    ]


def test_what_is_read_out_is_left_as_it_is_read(named: Named) -> None:
    (found,) = named([draft(1, "자막, 기주의 약방.", kind="text")])
    assert found.text == "자막, 기주의 약방."


def test_evidence_tells_the_name(named: Named) -> None:
    seen = (Evidence(kind="face", value="@giju", box=BOX), Evidence(kind="text", value="@giju2"))
    (found,) = named([draft(4, "@giju가 온다.", "giju", evidence=seen)])
    assert [e.value for e in found.evidence] == ["김기주", "@giju2"]


def test_english(named: Named) -> None:
    drafts = [draft(1, "@giju's hand. @giju waits for @수진.", "giju", "수진")]
    assert texts(named(drafts, language="en")) == ["A man in grey's hand. A man in grey waits for somebody."]


def test_whoever_an_earlier_episode_introduced_is_known(named: Named, tmp_path: Path) -> None:
    drafts = [draft(1, "@giju가 온다.", "giju")]
    memory.remember(tmp_path, "ep02", ["giju"])
    assert texts(named(drafts)) == ["회색 코트의 남자가 온다."]
    memory.remember(tmp_path, "ep01", ["giju"])
    assert texts(named(drafts)) == ["김기주가 온다."]
    assert texts(named(drafts, episode="ep00")) == ["회색 코트의 남자가 온다."]


def test_a_name_that_lacks_the_language_is_told(named: Named) -> None:
    series = "cast: [{id: giju, name: {en: Kim}, photos: [], named_from: 0}]"
    with pytest.raises(ConfigError, match=r"giju\.name is not given in ko"):
        named([draft(1, "@giju가 온다.", "giju")], text=series)
