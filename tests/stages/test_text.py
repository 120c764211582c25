"""Reading text: joining pieces of a line, the stage, and RapidOCR on drawn and real pictures."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from data.errors import StageError
from data.records import Keyframe, Shot, Still
from stages import text
from stages.backend import NoOptions
from stages.text import Reader
from stages.text.lines import TextLine, join_lines
from stages.text.rapidocr import RapidOCR

Picture = NDArray[np.uint8]


@pytest.fixture(scope="module")
def reader() -> Iterator[RapidOCR]:
    backend = RapidOCR(RapidOCR.Options())
    yield backend
    backend.close()


def drawn(*lines: tuple[str, tuple[int, int], float]) -> Picture:
    """White text on a grey gradient, 960×540."""
    picture = np.repeat(np.linspace(30, 110, 960, dtype=np.uint8)[None, :, None], 540, 0).repeat(3, 2)
    for words, at, size in lines:
        cv2.putText(picture, words, at, cv2.FONT_HERSHEY_SIMPLEX, size, (255, 255, 255), max(1, round(size * 2)))
    return picture


SHOTS = [Shot(id="s00001", start=0.25, end=9.0)]


def stills(folder: Path, *times: float) -> None:
    """The shots stage's list of stills."""
    look = (90.0,) * 48
    Still.leave([Still(time=t, image=f"{t}.jpg", sharpness=50, luma=90, look=look) for t in times], folder)


def keyframe(number: int, image: str) -> Keyframe:
    return Keyframe(
        id=f"k{number:05d}", shot="s00001", time=float(number), image=image, sharpness=50, luma=90, look=(90.0,) * 48
    )


def frame(ffmpeg: Callable[..., None], film: Path, time: float, folder: Path) -> Picture:
    ffmpeg("-ss", time, "-i", film, "-frames:v", 1, "-vf", "scale='min(960,iw)':-2", "-q:v", 3, folder / "frame.jpg")
    picture = cv2.imread(str(folder / "frame.jpg"))
    assert picture is not None
    return picture.astype(np.uint8)


def read(reader: RapidOCR, picture: Picture) -> list[str]:
    """What the stage would keep, with its default confidence."""
    (lines,) = reader.read([picture])
    sure = [t for t in lines if t.score >= reader.min_score]
    return [t.text for t in join_lines(sure, picture.shape[1] / picture.shape[0])]


def test_pieces_of_one_line_are_joined_and_others_are_not() -> None:
    big = TextLine("BIG", 0.99, (0.10, 0.10, 0.10, 0.10))
    sale = TextLine("SALE", 0.95, (0.23, 0.105, 0.12, 0.10))
    far = TextLine("EXIT", 0.98, (0.80, 0.10, 0.10, 0.10))
    small = TextLine("today", 0.98, (0.36, 0.14, 0.05, 0.03))
    below = TextLine("NOW", 0.97, (0.10, 0.22, 0.10, 0.10))
    joined = join_lines([below, far, sale, big, small], aspect=1.6)
    assert [t.text for t in joined] == ["BIG SALE", "EXIT", "today", "NOW"]
    assert joined[0].score == 0.95
    assert joined[0].box == pytest.approx((0.10, 0.10, 0.25, 0.105))


def test_drawn_text_is_read_where_it_stands(reader: RapidOCR) -> None:
    picture = drawn(("LOST AND FOUND", (300, 120), 1.6), ("Platform 7 closed", (60, 500), 0.7))
    (lines,) = reader.read([picture])
    found = {t.text: t for t in lines}
    assert set(found) == {"LOST AND FOUND", "Platform 7 closed"}
    x, y, w, h = found["LOST AND FOUND"].box
    assert 0.28 < x < 0.33
    assert y < 120 / 540 < y + h < 0.28
    assert x + w < 0.85


def test_a_picture_without_text_gives_nothing(reader: RapidOCR) -> None:
    assert reader.read([drawn(), np.zeros((240, 320, 3), np.uint8)]) == [[], []]


def test_reading_never_touches_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr("rapidocr.utils.download_file.DownloadFile.run", refuse)
    fresh = RapidOCR(RapidOCR.Options(threads=1))
    assert read(fresh, drawn(("NO SIGNAL", (200, 280), 2.0))) == ["NO SIGNAL"]
    fresh.close()


def test_a_missing_model_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stages.text.rapidocr.RECOGNISE", "gone.onnx")
    with pytest.raises(StageError, match=r"gone\.onnx.*install it again"):
        RapidOCR(RapidOCR.Options()).read([drawn()])


def test_the_stage_writes_sure_lines_and_says_what_it_cannot_read(
    make_job: Callable[..., Any], tmp_path: Path, reader: RapidOCR
) -> None:
    folder = tmp_path / "키프레임 '1'"
    folder.mkdir()
    for name, words in (("a.jpg", "HARBOUR"), ("b.jpg", "")):
        (folder / name).write_bytes(cv2.imencode(".jpg", drawn((words, (300, 300), 2.0)))[1].tobytes())
    records = {Keyframe: [keyframe(1, "a.jpg"), keyframe(2, "b.jpg")], Shot: SHOTS}
    stills(tmp_path)
    job = make_job(text.Config(), records, folders={Keyframe: folder}, backend=reader)
    (region,) = text.run(job)
    assert (region.id, region.keyframe, region.text) == ("t00001", "k00001", "HARBOUR")
    assert ["cannot read Korean" in n.text for n in job.notes] == [True]


@pytest.mark.parametrize("drift", [0, 6])
def test_a_text_is_seen_from_the_first_to_the_last_still_that_shows_it(
    make_job: Callable[..., Any], tmp_path: Path, reader: RapidOCR, drift: int
) -> None:
    """It appears between 1 and 2 s and is gone between 4 and 5 s; it may drift, and the picture behind it moves."""
    noise = np.random.default_rng(1).integers(90, 120, (540, 1100, 3), dtype=np.uint8)
    times = [0.5, 1, 2, 3, 4, 5]
    for number, time in enumerate(times):
        words = [("HARBOUR", (300 + drift * number, 300), 2.0)] if 2 <= time <= 4 else []
        picture = cv2.addWeighted(drawn(*words), 0.8, noise[:, number * 20 : number * 20 + 960], 0.2, 0)
        cv2.imwrite(str(tmp_path / f"{time}.jpg"), picture)
    stills(tmp_path, *times)
    records = {Keyframe: [keyframe(1, "3.jpg").model_copy(update={"time": 3.0})], Shot: SHOTS}
    (region,) = text.run(make_job(text.Config(), records, backend=reader))
    assert (region.first_seen, region.last_seen) == (2, 4)
    stills(tmp_path, *times[2:5])
    (region,) = text.run(make_job(text.Config(), records, backend=reader))
    assert (region.first_seen, region.last_seen) == (2, SHOTS[0].end)


class Unsure(Reader):
    """A reader that is sure of one line in two and knows Hangul."""

    hangul = True
    min_score = 0.9

    def read(self, images: Sequence[Picture]) -> list[list[TextLine]]:
        return [[TextLine("출구", 0.99, (0, 0, 0.1, 0.1)), TextLine("leaf", 0.6, (0, 0.5, 0.1, 0.1))] for _ in images]


def test_unsure_lines_are_left_out(make_job: Callable[..., Any], tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "a.jpg"), drawn())
    stills(tmp_path)
    job = make_job(text.Config(), {Keyframe: [keyframe(1, "a.jpg")], Shot: SHOTS}, backend=Unsure(NoOptions()))
    assert [r.text for r in text.run(job)] == ["출구"]
    assert job.notes == []


def test_switched_off_the_stage_yields_nothing(make_job: Callable[..., Any]) -> None:
    job = make_job(text.Config(backend="none"), {Keyframe: [keyframe(1, "never-opened.jpg")]})
    assert list(text.run(job)) == []


@pytest.mark.parametrize("content", [None, b"", b"no picture"])
def test_an_unreadable_still_is_an_error(make_job: Callable[..., Any], tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "a.jpg").write_bytes(content)
    stills(tmp_path)
    job = make_job(text.Config(), {Keyframe: [keyframe(1, "a.jpg")], Shot: SHOTS}, backend=Unsure(NoOptions()))
    with pytest.raises(StageError, match=r"a\.jpg cannot be read: delete the folder"):
        list(text.run(job))


def test_real_road_sign_latin_is_read_hangul_is_not(reader: RapidOCR, media: Path) -> None:
    picture = cv2.imread(str(media / "ko-ocr" / "easyocr_korean.png"))
    assert picture is not None
    found = read(reader, picture.astype(np.uint8))
    assert [t.rstrip("→") for t in found] == ["Seoul", "Pyeongyang", "56Km", "205Km"]
    assert not any("가" <= c <= "힣" for c in "".join(found))  # when this fails, the reader has learnt Korean: say so


def test_real_film_cards(reader: RapidOCR, media: Path, ffmpeg: Callable[..., None], tmp_path: Path) -> None:
    bunny = media / "bbb-30s" / "big_buck_bunny_0_30.webm"
    assert read(reader, frame(ffmpeg, bunny, 21.6, tmp_path)) == ["THE PEACH OPEN MOVIE PROJECT", "PRESENTS"]
    office = media / "wai-perspective" / "perspective-video.mp4"
    assert read(reader, frame(ffmpeg, office, 3.0, tmp_path)) == [
        "Web Accessibility",
        "Perspectives",
        "Keyboard",
        "Compatibility",
    ]
    timecode = media / "ae-timecode" / "example.mp4"
    assert read(reader, frame(ffmpeg, timecode, 2.0, tmp_path)) == ["01:00:02:00"]


def test_real_leaves_fur_and_logos_are_not_misread(
    reader: RapidOCR, media: Path, ffmpeg: Callable[..., None], tmp_path: Path
) -> None:
    """The artful logo "Big Buck BUNNY" (27 s) is beyond the reader: it must be silent, not wrong."""
    bunny = media / "bbb-30s" / "big_buck_bunny_0_30.webm"
    rabbit = media / "rabbit-ad" / "video.mp4"
    for film, time in [(bunny, 6.0), (bunny, 14.0), (bunny, 18.0), (bunny, 27.0), (rabbit, 3.0), (rabbit, 11.5)]:
        assert read(reader, frame(ffmpeg, film, time, tmp_path)) == []


def test_regions_have_boxes_inside_the_picture(reader: RapidOCR) -> None:
    (lines,) = reader.read([drawn(("EDGE OF TOWN", (2, 40), 1.5), ("END CREDITS", (600, 535), 1.5))])
    assert len(lines) == 2
    for line in lines:
        x, y, w, h = line.box
        assert min(x, y) >= 0
        assert max(x + w, y + h) <= 1
