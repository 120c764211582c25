"""Whole runs with a captioner that is good, slow, repetitive, rude and broken by turns, judged by what is delivered.

An animated film, one that is talked through, and ten minutes with long stretches without dialogue; the sample episode
is described so among its own tests.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

from data.records import Draft
from data.subtitles import read
from tests import ten_minutes
from tests.captioned import RULES, Described, Spans, run
from tests.captioner import SHARES, Captioner, good_lines
from tests.loopback import Reply, Request, Server, serving

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]  # what is too much work ends by itself, see tests/bounded.py

SOURCES = {"bunny": "bbb-30s/big_buck_bunny_0_30.webm", "perspective": "wai-perspective/perspective-video.mp4"}
FILMS = (*SOURCES, "ten_minutes")
SEEN = {
    "bunny": (),
    "perspective": ("--set", "text.backend=none"),
    "ten_minutes": ("--set", "text.backend=none", "--set", "faces.backend=none", "--set", "keyframes.max_per_shot=2"),
}
"""Less is looked for in two of the films than usual, which saves a minute."""
QUIET = 12.0
"""Seconds for which nobody speaks in a long stretch, with shots that change every six at most."""
FAULTS = {"busy", "broken", "dropped", "half", "garbage"}
Make = Callable[[str], tuple[Path, Spans]]
Describe = Callable[[str], Described]


@pytest.fixture(scope="module")
def captioner(media: Path) -> Captioner:
    return Captioner(good_lines(media))


@pytest.fixture(scope="module")
def server(captioner: Captioner) -> Iterator[Server]:
    with serving() as running:
        running.reply = captioner
        yield running


@pytest.fixture(scope="module")
def make(media: Path, ffmpeg: Callable[..., None], tmp_path_factory: pytest.TempPathFactory) -> Make:
    """A film by its name, in a folder of its own, with what is known to be spoken in it."""

    def build(name: str) -> tuple[Path, Spans]:
        folder = tmp_path_factory.mktemp(name)
        if name == "ten_minutes":
            composite = ten_minutes.compose(folder, media, ffmpeg)
            return composite.film, composite.spoken
        source = media / SOURCES[name]
        captions = read(source.with_name("perspective-caption.vtt")) if name == "perspective" else []
        return Path(shutil.copy(source, folder)), [(cue.start, cue.end) for cue in captions if cue.spoken]

    return build


@pytest.fixture(scope="module")
def describe(make: Make, server: Server) -> Describe:
    """The results for a film by its name; every film is described once."""

    @cache
    def described(name: str) -> Described:
        film, spoken = make(name)
        ran = run(film, server, *SEEN[name])
        assert ran.returncode == 0, ran.stdout + ran.stderr
        return Described(film, spoken, film.parent / "out" / film.stem, ran)

    return described


@pytest.fixture
def long(describe: Describe) -> Described:
    return describe("ten_minutes")


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
@pytest.mark.parametrize("name", FILMS)
def test_what_every_run_is_held_to(name: str, rule: Callable[[Described], None], describe: Describe) -> None:
    rule(describe(name))


def test_text_on_screen_is_spoken_though_the_captioner_never_reads(describe: Describe) -> None:
    assert sum("PEACH OPEN MOVIE PROJECT PRESENTS" in line.text for line in describe("bunny").lines) == 1


def test_the_captioner_has_done_all_that_captioners_do(long: Described, captioner: Captioner) -> None:
    """Else the other tests would show little."""
    assert captioner.told.keys() == SHARES.keys() | FAULTS
    assert max(captioner.tries.values()) == 2
    assert {draft.style for draft in long.workspace.read(Draft)} == {"basic", "strict"}
    assert len(long.script.shots) >= 150


def test_long_stretches_are_told_of_throughout_and_leave_room(long: Described) -> None:
    stretches = [gap for gap in long.script.gaps if gap.end - gap.start >= 25]
    assert [round(gap.end - gap.start) for gap in stretches] == [70, 150, 40, 90, 30]
    for gap in stretches:
        inside = [line for line in long.lines if line.gap == gap.id]
        assert 0.5 <= sum(line.end - line.start for line in inside) / (gap.end - gap.start) <= 0.8
        edges = [gap.start, *(t for line in inside for t in (line.start, line.end)), gap.end]
        assert max(b - a for a, b in zip(edges[::2], edges[1::2], strict=True)) < QUIET


def test_a_second_run_asks_nothing(long: Described, server: Server) -> None:
    asked, delivered = len(server.requests), (long.out / "script.json").read_bytes()
    assert run(long.film, server, *SEEN["ten_minutes"]).returncode == 0
    assert len(server.requests) == asked
    assert (long.out / "script.json").read_bytes() == delivered


def test_a_captioner_that_goes_down_is_told_of_and_the_next_run_goes_on(
    make: Make, describe: Describe, captioner: Captioner
) -> None:
    film, _ = make("perspective")
    captioner, answered = Captioner(captioner.lines), set[str]()

    def until_it_dies(request: Request) -> Reply:
        if len(answered) >= 10:
            return Reply.dropped()
        reply = captioner(request)
        if reply.body.startswith(b'{"id"') and reply.drop is None:
            answered.add(json.dumps(request.body, sort_keys=True))
        return reply

    with serving() as dying:
        dying.reply = until_it_dies
        stopped = run(film, dying, *SEEN["perspective"], "--until", "candidates")
    assert stopped.returncode == 2
    assert "Traceback" not in stopped.stdout + stopped.stderr
    (said,) = [line for line in stopped.stderr.splitlines() if dying.url in line]
    assert "start it or check base_url, then run again: the answers so far are kept" in said
    with serving(dying.port) as alive:
        alive.reply = captioner
        resumed = run(film, alive, *SEEN["perspective"], "--until", "candidates")
    assert resumed.returncode == 0, resumed.stderr
    again = {json.dumps(request.body, sort_keys=True) for request in alive.requests}
    assert again
    assert not answered & again
    drafts = Described(film, (), film.parent / "out" / film.stem, resumed).workspace.read(Draft)
    assert drafts == describe("perspective").workspace.read(Draft)
