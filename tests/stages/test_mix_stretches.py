"""The mix after an edit: what the edit does not touch is kept, and the film is that of a whole mix."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from data.media import aac
from data.media.sound import Mark, audio_blocks, audio_span
from data.products import Levels
from data.records import Clip
from stages import mix
from stages.mix import stretches
from tests.stages.described import LENGTH, Described, voice

RATE = aac.RATE


def track(path: Path) -> list[bytes]:
    """The packets of the described track."""
    with av.open(str(path)) as container:
        return [bytes(packet) for packet in container.demux(container.streams.audio[-1]) if packet.size]


def levels(film: Described) -> dict[str, object]:
    return Levels.open(film.mix).model_dump()


def test_after_an_edit_only_its_stretches_are_made_and_the_film_is_that_of_a_whole_mix(
    film: Described, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[int] = []
    encode = aac.encoded
    monkeypatch.setattr(aac, "encoded", lambda sound, n, *a: (made.append(n), encode(sound, n, *a))[1])
    for small in ("STRETCH", "LEAD"):  # stretches of 1.28 s, so that a film of 15 s has many
        monkeypatch.setattr(aac, small, 60)
    monkeypatch.setattr(stretches, "OWN", 60 * aac.FRAME)
    film.remix()
    everything, made[:] = len(made), []
    assert everything == aac.stretches(round(LENGTH * RATE))
    before = track(film.film)
    film.remix()
    assert made == [], "nothing has changed"
    film.change(Clip, 2, start=9.0, end=film.records[Clip][2].end + 0.4)
    film.remix()
    assert 0 < len(made) < everything / 2
    edited, kept, spoken = track(film.film), levels(film), film.stem()
    own = {n for stretch in made for n in range(stretch * 60, stretch * 60 + 60)}
    assert all(a == b for n, (a, b) in enumerate(zip(edited, before, strict=True)) if n not in own)
    assert edited != before
    shutil.rmtree(film.folder / "stretches")
    film.remix()
    assert track(film.film) == edited, "a whole mix gives the same"
    assert levels(film) == kept
    np.testing.assert_array_equal(film.stem(), spoken)


@pytest.mark.parametrize("made_before", [0, 3, 9])
def test_a_mix_that_is_killed_ends_in_the_same_bytes(
    film: Described, made_before: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stretches of a first mix are not kept one by one: what is left of few would be read otherwise than the whole."""
    for small in ("STRETCH", "LEAD"):
        monkeypatch.setattr(aac, small, 60)
    monkeypatch.setattr(stretches, "OWN", 60 * aac.FRAME)
    film.remix()
    undisturbed = track(film.film)
    shutil.rmtree(film.folder / "stretches")
    encode, made = aac.encoded, list[int]()

    def dying(sound: NDArray[np.float32], number: int, *others: Any) -> list[bytes]:
        if len(made) >= made_before:
            raise KeyboardInterrupt
        made.append(number)
        return encode(sound, number, *others)

    with monkeypatch.context() as patch:
        patch.setattr(aac, "encoded", dying)
        with pytest.raises(KeyboardInterrupt):
            film.remix()
    assert list((film.folder / "stretches").iterdir()) == []
    film.remix()
    assert track(film.film) == undisturbed


def test_what_one_reading_made_is_put_in_its_place_by_the_next_mix(
    film: Described, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The moment between the end of the making and the last of the moves."""
    film.remix()
    whole = film.folder / "stretches-of-one-reading"
    (film.folder / "stretches").rename(whole)
    monkeypatch.setattr(aac, "encoded", None)  # nothing is made
    film.remix()
    assert not whole.exists()


def test_what_earlier_mixes_kept_is_dropped(film: Described) -> None:
    film.remix()
    first = {path.name for path in (film.folder / "stretches").iterdir()}
    film.change(Clip, 0, start=2.5, end=film.records[Clip][0].end + 0.2)
    film.remix()
    second = {path.name for path in (film.folder / "stretches").iterdir()}
    assert len(second) == len(first) == aac.stretches(round(LENGTH * RATE))


def test_a_stretch_decoded_by_itself_is_that_of_the_whole(finished: Described) -> None:
    marks: list[Mark] = []
    whole = np.concatenate(list(audio_blocks(finished.episode, marked=marks.append)))
    for first, last in ((0, 48_000), (200_000, 333_333), (400_000, len(whole))):
        sound = audio_span(finished.episode, marks, first, last)
        assert sound is not None
        assert sound.shape == whole[first:last].shape
        assert np.corrcoef(sound[:, 0], whole[first:last, 0])[0, 1] > 0.999, "but for noise that AAC makes up"
    assert audio_span(finished.episode, [Mark(marks[50].pts + 1, marks[50].position)], 300_000, 400_000) is None


def test_stretches_join_without_a_seam() -> None:
    """Samples around the borders are as near to the original as anywhere else."""
    wave = np.tile(voice("노을이 강물 위로 붉게 번진다."), 12)[: 25 * RATE, None].repeat(2, axis=1)
    samples = len(wave)
    parts = [
        aac.encoded(wave[slice(*aac.reach(n, samples))], n, "stereo", samples) for n in range(aac.stretches(samples))
    ]
    assert sum(map(len, parts)) == aac.packets(samples)
    decoder = av.CodecContext.create("aac", "r")
    decoder.extradata = aac._encoder("stereo").extradata
    decoder.open()
    frames = [frame.to_ndarray().T for part in parts for one in part for frame in decoder.decode(av.Packet(one))]
    heard = np.concatenate(frames)[aac.FRAME :][:samples]
    power = np.square(heard - wave[: len(heard)]).reshape(-1)
    for border in (aac.STRETCH * aac.FRAME, 2 * aac.STRETCH * aac.FRAME):
        near = slice(2 * (border - 3 * aac.FRAME), 2 * (border + aac.FRAME))
        assert power[near].mean() < 10 * power.mean()


def test_a_film_without_lines_needs_no_cache(film: Described) -> None:
    film.records[Clip] = []
    assert list(mix.run(film.job(mix.Config(), "mix"))) == []
