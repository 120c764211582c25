"""The report of the check: what it says, in which language, and that it needs nothing but itself."""

from __future__ import annotations

import ast
import re
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest

import stages.check
from data import messages
from data.reasons import Overruns, say
from data.records import Candidate, Clip, Finding, Utterance
from stages.check.report import CHECKS, ROLES, Report, page, scene, summaries, timecode, told, verdict
from stages.check.timeline import LEFT, WIDTH, Lanes, rows
from tests.stages.described import Described

NAMES = {"LUFS", "narration", "wav", "kHz", "dBTP", "dBFS", "film", "facts", "espeak", "json", "script", "dapt", "xml"}
"""Words that stay as they are in a Korean page: units, files, models."""


class Page(HTMLParser):
    """The elements of a page in order, and its text outside styles."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.open: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        while self.open and self.open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if "style" not in self.open and data.strip():
            self.text.append(data.strip())

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def spoilt(film: Described) -> Described:
    """A result with an error, warnings and a dropped line."""
    stem = film.stem()
    stem[320_000:340_000] = 0.1
    film.speak(stem)
    film.change(Clip, 0, text="문이 천천히 열렸습니다.", speed=1.12)
    film.change(Clip, 2, dropped=Overruns(needed=2.1, room=1.2), file=None)
    return film


def reported(film: Described) -> tuple[Page, Report]:
    film.check()
    report = Report.model_validate_json((film.folder / "check" / "report.json").read_text("utf-8"))
    html = page(report, scene(film.job(stages.check.Config(), "check")))
    assert "<script" not in html
    assert not re.search(r"https?://|@import|url\(", html), "nothing is fetched"
    return Page(html), report


@pytest.mark.parametrize("lang", ["ko", "en"])
def test_the_page_can_be_read_by_everyone(film: Described, lang: messages.Lang) -> None:
    messages.use(lang)
    page, _ = reported(spoilt(film))
    assert page.all("html")[0]["lang"] == lang
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(b - a <= 1 for a, b in pairwise(levels)), "no level is left out"
    assert all(th.get("scope") in ("col", "row") for th in page.all("th"))
    assert all(svg["role"] == "img" and svg["aria-label"] for svg in page.all("svg"))
    assert all("alt" in img and (img["src"] or "").startswith("data:image/jpeg") for img in page.all("img"))
    spans = [attributes for attributes in page.all("span") if "lang" in attributes]
    assert [s["lang"] for s in spans] == ["ko"] * 3


def test_nothing_english_is_left_on_the_korean_page(film: Described) -> None:
    messages.use("ko")
    page, _ = reported(spoilt(film))
    labels = [a for tag in ("svg", "img") for attributes in page.all(tag) if (a := attributes.get("aria-label"))]
    words = {word for text in [*page.text, *labels] for word in re.findall("[A-Za-z]{3,}", text)}
    assert words - NAMES - {"csv", "vtt", "descriptions", "espeak", "loader", "pitch"} == set()


def test_a_line_that_nothing_supports_is_marked(film: Described) -> None:
    candidates = film.records[Candidate]
    film.change(Candidate, 1, unsupported=("남자",))
    assert candidates[1].text == "남자가 들어온다."
    film.remix()
    page, _ = reported(film)
    assert page.text.count("Nothing seen or heard supports: 남자") == 1


def test_problems_are_grouped_by_severity(film: Described) -> None:
    page, report = reported(spoilt(film))
    number = {s: sum(f.severity == s for f in report.findings) for s in ("error", "warning")}
    headings = [t for t in page.text if re.fullmatch(r"(Errors|Warnings) \(\d+\)", t)]
    assert headings[:2] == [f"Errors ({number['error']})", f"Warnings ({number['warning']})"]
    assert report.verdict == "error"
    assert "Errors: do not deliver before they are mended." in page.text


def test_a_page_of_a_result_that_is_right(film: Described) -> None:
    page, report = reported(film)
    text = " ".join(page.text)
    assert "All checks passed." in text
    assert "3 lines, 5.7 s of narration in 0:00:15.0; 0 lines dropped." in text
    assert "Narration at -23.0 LUFS, dialogue at -23.0 LUFS" in text, "what was measured is seen"
    assert told(report)["models"] == {"dialogue": "speech detection", "candidates": "facts", "voice": "espeak-ng ko"}
    assert len(page.all("img")) == 3


def test_sources_of_dialogue_are_named_once(film: Described) -> None:
    film.change(Utterance, 0, source="subtitles+speech")
    _, report = reported(film)
    assert told(report)["models"]["dialogue"] == "speech detection, subtitles"


def test_every_check_and_role_has_a_name_in_both_languages() -> None:
    folder = Path(stages.check.__file__).parent
    calls = [
        node
        for path in folder.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("Result", "or_pass")
    ]
    used = {a.value for call in calls for a in call.args[1:2] if isinstance(a, ast.Constant)}
    assert used == set(CHECKS)
    assert {*CHECKS.values(), *ROLES.values()} <= set(messages.catalogue("ko"))


def finding(row: int, check: str, severity: str, text: str) -> Finding:
    return Finding.model_validate(
        {"id": f"f{row}", "row": row, "check": check, "severity": severity, "message": say(text)}
    )


def test_summaries_and_verdict() -> None:
    found = [
        finding(1, "overlap", "error", "a"),
        finding(1, "overlap", "error", "b"),
        finding(14, "intelligibility", "info", "c"),
        finding(14, "intelligibility", "info", "d"),
        finding(16, "true peak", "pass", "e"),
    ]
    told = [(s.row, s.severity, s.number, s.text) for s in summaries(found)]
    assert told == [(1, "error", 2, ""), (14, "info", 2, "c · d"), (16, "pass", 1, "e")]
    assert [verdict(found), verdict(found[2:])] == ["error", "pass"]


@pytest.mark.parametrize(("duration", "number"), [(8.0, 1), (75.0, 1), (120.0, 1), (121.0, 2), (3600.0, 30)])
def test_the_timeline_uses_all_its_width(duration: float, number: int) -> None:
    clip = Clip(id="n1", narration="n1", text="가", candidate="c", start=0, end=duration, file="n1.wav", voice="v")
    values = [-30.0] * int(duration / 0.5)
    lanes = Lanes((), (), (), set(), [(1, clip)], set(), 0.5, values, [None] * len(values))
    made = list(rows(duration, lanes, timecode))
    assert len(made) == number
    for row in made:
        (bar,) = row["narration"]
        assert (bar["x"], bar["x"] + bar["w"]) == (LEFT, pytest.approx(LEFT + WIDTH, abs=0.2))
        assert row["end"] - row["start"] == pytest.approx(duration / number)
        assert 3 <= len(row["ticks"]) <= 13
        assert len(row["programme"]) == 1
        assert row["voice"] == []
    assert (made[0]["start"], made[-1]["end"]) == (0, pytest.approx(duration))


def test_timecode() -> None:
    assert [timecode(t) for t in (0, 59.96, 3723.45)] == ["0:00:00.0", "0:01:00.0", "1:02:03.4"]
