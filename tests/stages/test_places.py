"""Places: shots of one scene are one place, shot and reverse shot too, also of real pictures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from data.media import probe
from data.media.video import frames
from data.records import Context, Detection, Face, Keyframe, Shot, TextRegion, Utterance
from stages import context as stage
from stages.context.places import ShotLook, places
from stages.schedule.objective import scenes

Look = tuple[float, ...]
LAMP, GREY, GRASS, SKY = (40.0, 110.0, 160.0), (90.0, 90.0, 90.0), (40.0, 120.0, 60.0), (220.0, 170.0, 130.0)


def look(*rows: tuple[float, float, float]) -> Look:
    return tuple(v for row in rows for _ in range(4) for v in row)


HER, HIM, STREET = look(LAMP, GREY, GRASS, GREY), look(GREY, SKY, LAMP, GREY), look(SKY, SKY, GRASS, GRASS)


def shots(*rows: tuple[float, Look], **changes: Any) -> list[ShotLook]:
    """Shots with a still each, at these seconds; `turn=3`: from the third on it is night."""
    found = []
    for number, (time, colours) in enumerate(rows, 1):
        still = Keyframe(id=f"k{number}", shot=f"s{number}", time=time, image="", sharpness=9, luma=99, look=colours)
        light = "unknown" if "turn" not in changes else "night" if number >= changes["turn"] else "day"
        found.append(ShotLook(f"s{number}", (still,), light, number == changes.get("jump")))  # type: ignore[arg-type]
    return found


def numbers(of: Sequence[ShotLook], link: float = 30.0, memory: float = 120.0) -> list[int]:
    return [int(place[1:]) for place in places(of, 12.0, link, memory).values()]


def test_shot_and_reverse_shot_are_one_place() -> None:
    assert numbers(shots((0, HER), (4, HIM), (8, HER), (12, HIM), (16, STREET))) == [1, 1, 1, 1, 5]


def test_a_look_that_returns_late_makes_no_scene_of_what_lies_between_but_is_known_again() -> None:
    film = shots((0, HER), (20, STREET), (60, HER))
    assert numbers(film) == [1, 2, 1]
    assert numbers(film, memory=30.0) == [1, 2, 3]
    assert numbers(film, link=90.0) == [1, 1, 1]


def test_night_and_years_end_a_scene() -> None:
    film = ((0, HER), (4, HIM), (8, HER))
    assert numbers(shots(*film, turn=3)) == [1, 2, 1]
    assert numbers(shots(*film, jump=2)) == [1, 2, 1]
    assert numbers(shots(*film)) == [1, 1, 1]


def test_the_scene_is_where_any_of_its_shots_was_before() -> None:
    assert numbers(shots((0, HER), (10, STREET), (50, HIM), (54, HER), (58, HIM))) == [1, 2, 1, 1, 1]


def test_black_and_no_shots_are_no_place() -> None:
    black = look(*[(3.0, 3.0, 3.0)] * 4)
    assert numbers(shots((0, black), (4, black))) == [1, 2]
    assert places([], 12.0, 30.0, 120.0) == {}


def test_a_long_film_is_walked_once() -> None:
    """The looks that are compared lie in a window; 3 hours of cuts every 2.5 s."""
    draw = np.random.default_rng(4)
    rows = [(2.5 * n, tuple(draw.uniform(0, 255, 48).tolist())) for n in range(4320)]
    assert len(set(numbers(shots(*rows)))) == 4320


def test_real_pictures_shot_and_reverse_shot(media: Path) -> None:
    """A man at a desk, a mouse on the floor, the man again (a later shot), the mouse again, a woman; another film."""
    speech, rabbit = media / "wai-perspective" / "perspective-video.mp4", media / "rabbit-ad" / "video.mp4"
    turns = [(speech, 6.4), (speech, 9.4), (speech, 13.4), (speech, 9.7), (speech, 15.8), (rabbit, 3.9), (rabbit, 13.6)]
    looks = [real_look(film, time) for film, time in turns]
    assert len(set(looks)) == len(looks)
    film = shots(*((3.0 * number, colours) for number, colours in enumerate(looks)))
    assert numbers(film) == [1, 1, 1, 1, 5, 6, 7]


def real_look(film: Path, time: float) -> Look:
    """The 4×4 grid of a real frame."""
    import cv2

    picture = next(p for p in frames(probe(film, content="0" * 64, silent_ok=True), width=160) if p.time >= time)
    return tuple(float(v) for v in cv2.resize(picture.small, (4, 4), interpolation=cv2.INTER_AREA).ravel())


def context(time: float, place: str, number: int, **more: Any) -> Context:
    return Context(
        id=f"ck{number}", keyframe=f"k{number}", shot=f"s{number}", time=time, start=time - 1, end=time + 3, texts=(),
        people=0, same_place=None, place=place, **{"light": "unknown"} | more,
    )  # fmt: skip


def test_only_another_place_or_time_of_day_opens_a_scene() -> None:
    turns = ("s1", "s1", "s1", "s4", "s1")
    film = [context(4.0 * n, place, n) for n, place in enumerate(turns)]
    assert list(scenes(film)) == [True, False, False, True, True]
    evening = [context(4.0 * n, "s1", n, light=light) for n, light in enumerate(("day", "day", "night"))]
    assert list(scenes(evening)) == [True, False, True]


def test_the_context_names_the_place(make_job: Callable[..., Any]) -> None:
    rows = [(10.0, HER), (14.0, HIM), (18.0, HER), (22.0, HIM), (26.0, STREET)]
    stills = [still for shot in shots(*rows) for still in shot.stills]
    cut = [Shot(id=k.shot, start=k.time - 1, end=k.time + 3) for k in stills]
    nothing: dict[Any, list[Any]] = {kind: [] for kind in (TextRegion, Face, Detection, Utterance)}
    job = make_job(stage.Config(), {Shot: cut, Keyframe: stills} | nothing)
    assert [c.place for c in stage.run(job)] == ["s1", "s1", "s1", "s1", "s5"]
