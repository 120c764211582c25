"""What happens in the sample episode: shots, words on screen, lines of dialogue and what sounds between them.

Seconds; every shot starts on a frame (25 fps). The photographs come with scikit-image and may be used freely:
hubble_deep_field and astronaut (NASA, public domain), rocket (SpaceX, public domain), chelsea (Stefan van der Walt,
CC0), coffee (Rachel Michetti, CC0), camera (Lav Varshney, CC0), retina (Mikael Häggström, CC0), brick and grass
(CC0Textures, CC0).
"""

from __future__ import annotations

from typing import Literal, NamedTuple

FPS = 25
WIDTH, HEIGHT = 1280, 720
DURATION = 75.0
FADE_IN = 1.0
"""The first second rises from black."""


class View(NamedTuple):
    """A 16:9 window on a photograph: its centre and width as fractions of the photograph."""

    x: float
    y: float
    width: float


class StoryShot(NamedTuple):
    """One picture from `start` to the next shot; the window glides from one view to the other."""

    start: float
    picture: str
    first: View
    last: View


class Words(NamedTuple):
    """Text that can be read from `start` to `end`; a sign is part of the photograph, a title lies over it."""

    start: float
    end: float
    text: str
    language: Literal["ko", "en"]
    role: Literal["title", "sign"]


class Dialogue(NamedTuple):
    """One line of dialogue; `variant` and `pitch` are espeak-ng's."""

    start: float
    ko: str
    en: str
    variant: str
    pitch: int


WIDE = View(0.5, 0.5, 0.96)
SHOTS = (
    StoryShot(0.0, "hubble_deep_field.jpg", WIDE, View(0.5, 0.5, 0.8)),
    StoryShot(7.0, "brick.png", View(0.48, 0.5, 0.96), View(0.52, 0.5, 0.96)),
    StoryShot(13.0, "coffee.png", View(0.45, 0.5, 0.8), View(0.55, 0.5, 0.8)),
    StoryShot(19.4, "astronaut.png", View(0.5, 0.3, 0.9), View(0.5, 0.3, 0.8)),
    StoryShot(26.0, "chelsea.png", View(0.5, 0.5, 0.8), View(0.45, 0.5, 0.9)),
    StoryShot(32.0, "astronaut.png", View(0.5, 0.3, 0.9), View(0.5, 0.3, 0.8)),
    StoryShot(38.0, "", WIDE, WIDE),
    StoryShot(42.0, "rocket.jpg", View(0.5, 0.55, 0.8), View(0.5, 0.5, 0.95)),
    StoryShot(50.0, "camera.png", View(0.5, 0.35, 0.95), View(0.52, 0.35, 0.85)),
    StoryShot(57.0, "grass.png", View(0.5, 0.5, 0.96), View(0.5, 0.5, 0.86)),
    StoryShot(63.0, "retina.jpg", View(0.5, 0.45, 0.8), View(0.5, 0.5, 0.95)),
    StoryShot(70.0, "", WIDE, WIDE),
)
WORDS = (
    Words(2.0, 6.0, "고양이와 우주인", "ko", "title"),
    Words(7.0, 13.0, "SEOUL STATION", "en", "sign"),
    Words(38.0, 42.0, "THREE YEARS LATER", "en", "title"),
    Words(43.0, 46.0, "LAUNCH PAD", "en", "title"),
    Words(57.0, 63.0, "출입 금지", "ko", "sign"),
    Words(70.0, 75.0, "끝", "ko", "title"),
)
LINES = (
    Dialogue(8.6, "기차가 곧 출발합니다.", "The train will leave in a minute.", "f2", 60),
    Dialogue(12.5, "커피 한 잔 하고 가요.", "Let us have a coffee first.", "m3", 35),
    Dialogue(15.6, "시간이 얼마 없어요.", "There is not much time.", "f2", 60),
    Dialogue(22.0, "우주로 가는 게 무섭지 않아요?", "Are you not afraid of going up there?", "m3", 35),
    Dialogue(25.8, "고양이가 더 걱정이에요.", "I worry more about the cat.", "f2", 60),
    Dialogue(34.0, "나비를 잘 부탁해요.", "Take good care of her.", "f2", 60),
    Dialogue(44.0, "발사 십 초 전입니다.", "Ten seconds to go.", "m7", 20),
    Dialogue(47.5, "나비야 나 이제 간다.", "Goodbye, I am on my way.", "f2", 60),
    Dialogue(54.5, "아직도 하늘만 보고 있네요.", "He is still looking at the sky.", "m7", 20),
    Dialogue(59.0, "언젠가는 돌아올 거예요.", "One day she will come back.", "m3", 35),
    Dialogue(66.0, "나비야 내가 왔다.", "Here I am again.", "f2", 60),
)
BEDS: tuple[Literal["silence", "ambience", "music"], ...] = (
    *("music", "ambience", "ambience", "ambience", "ambience", "silence"),
    *("music", "ambience", "ambience", "ambience", "ambience", "music"),
)
"""What sounds in every gap: before the first line, between the lines, after the last."""
