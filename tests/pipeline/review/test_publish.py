"""The page for viewers."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from urllib.parse import unquote

import av
import pytest

from data.errors import UserError
from data.scripts.script import load, save
from pipeline.review.publish import publish
from tests.pipeline.review.made import results_folder


def test_one_episode_is_one_page_with_its_tracks(tmp_path: Path) -> None:
    results = results_folder(tmp_path / "out")
    page = publish(results, tmp_path / "web")
    text = page.read_text(encoding="utf-8")
    assert page == tmp_path / "web" / "index.html"
    assert '<html lang="ko">' in text
    assert '<track kind="descriptions" src="descriptions.ko.vtt" srclang="ko"' in text
    assert (tmp_path / "web" / "descriptions.ko.vtt").read_text().startswith("WEBVTT")
    for name in re.findall(r'(?:src|href)="([^"#]+)"', text):
        assert (tmp_path / "web" / name).is_file(), name
    assert "<script>alert" not in text
    assert "<img src=x" not in text


def test_the_film_of_the_page_speaks_the_narration(tmp_path: Path) -> None:
    """Browsers play a film's default track, which in described.mp4 is the original one."""
    results = results_folder(tmp_path / "out")
    publish(results, tmp_path / "web")
    _, narrated = sounds(results / "described.mp4")
    assert sounds(tmp_path / "web" / "described.mp4") == [narrated]


def sounds(film: Path) -> list[bytes]:
    """The packets of every audio track."""
    with av.open(str(film)) as container:
        return [
            b"".join(bytes(packet) for packet in av.open(str(film)).demux(audio=number) if packet.size)
            for number, _ in enumerate(container.streams.audio)
        ]


def test_the_transcript_has_dialogue_and_descriptions_by_time(tmp_path: Path) -> None:
    text = publish(results_folder(tmp_path / "out"), tmp_path / "web").read_text(encoding="utf-8")
    starts = [float(start) for start in re.findall(r'data-start="([\d.]+)"', text)]
    assert starts == sorted(starts)
    assert len(starts) == 4
    assert len(re.findall(r'<li class="described">', text)) == 3
    assert '<track kind="captions" src="captions.vtt" srclang="ko"' in text
    cues = (tmp_path / "web" / "captions.vtt").read_text(encoding="utf-8")
    assert "00:00:04.600 --> 00:00:05.400" in cues
    assert "<script" not in cues


def test_several_episodes_are_listed(tmp_path: Path) -> None:
    for name in ("one", "둘"):
        results_folder(tmp_path / "out", name)
    page = publish(tmp_path / "out", tmp_path / "web")
    links = re.findall(r'href="([^"]+/index.html)"', page.read_text(encoding="utf-8"))
    assert sorted(unquote(link) for link in links) == ["one/index.html", "둘/index.html"]
    assert (tmp_path / "web" / "둘" / "index.html").is_file()


def test_it_can_be_written_again_and_never_reaches_into_the_results(tmp_path: Path) -> None:
    results = results_folder(tmp_path / "out")
    publish(results, tmp_path / "web")
    publish(results, tmp_path / "web")
    shutil.rmtree(tmp_path / "web")
    assert (results / "described.mp4").is_file()


def test_what_cannot_be_published_is_told(tmp_path: Path) -> None:
    results = results_folder(tmp_path / "out")
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot be written"):
        publish(results, tmp_path / "file")
    (results / "described.mp4").unlink()
    with pytest.raises(UserError, match="no described film"):
        publish(results, tmp_path / "web")
    with pytest.raises(UserError, match="no described episode"):
        publish(tmp_path, tmp_path / "other")


def test_viewers_are_told_nothing_of_missing_evidence(tmp_path: Path) -> None:
    results = results_folder(tmp_path / "out")
    path = results / "workspace" / "script" / "script.json"
    script = load(path)
    lines = tuple(line.model_copy(update={"unsupported": ("강아지",)}) for line in script.narrations)
    save(script.model_copy(update={"narrations": lines}), path)
    publish(results, tmp_path / "web")
    texts = [file.read_text(encoding="utf-8") for file in (tmp_path / "web").iterdir() if file.suffix != ".mp4"]
    assert len(texts) >= 3
    assert not any("강아지" in text or "근거" in text for text in texts)
