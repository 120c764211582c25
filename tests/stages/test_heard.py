"""What is believed of a recogniser's words, when they were said, and how gaps are listened to again."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from data.records import Word
from stages.backend import NoOptions
from stages.dialogue.heard import LONGEST, PAUSE, SHORTEST, Segment, believed, made_up, phrases, quiet, spoken_words
from stages.dialogue.listening import (
    AROUND,
    OVERLAP,
    WINDOW,
    ListeningOptions,
    Sound,
    cut_and_merge,
    pieces,
    transcribed,
)
from stages.dialogue.speech import RATE, Speech, unite
from stages.gaps import union

Samples = NDArray[np.float32]
Span = tuple[float, float]


def segment(*words: tuple[float, float, str], **figures: float) -> Segment:
    figures = {"avg_logprob": -0.3, "no_speech_prob": 0.1, "compression_ratio": 1.2} | figures
    own = tuple(Word(start=a, end=b, text=t) for a, b, t in words)
    start, end = (words[0][0], words[-1][1]) if words else (0.0, 1.0)
    return Segment(start, end, "".join(t for _, _, t in words), own, **figures)


# ---- belief


@pytest.mark.parametrize("figures", [{"avg_logprob": -1.1}, {"compression_ratio": 2.5}])
def test_what_the_model_doubts_is_no_text_even_over_a_voice(figures: dict[str, float]) -> None:
    assert not believed(segment((1, 2, " 안녕"), **figures), [(0, 3)])
    assert believed(segment((1, 2, " 안녕")), [(0, 3)])


def test_without_a_voice_no_speech_alone_is_doubt() -> None:
    doubted = segment((1, 2, " 안녕"), no_speech_prob=0.7)
    assert not believed(doubted, [(2.5, 3)])
    assert believed(doubted, [(1.9, 3)])
    assert believed(segment((1, 2, " 안녕")), [])


def test_what_is_made_up_counts_only_over_a_voice() -> None:
    made = segment((1, 1.5, " 시청해"), (1.5, 1.7, " 주셔서"), (1.7, 2, " 감사합니다!"))
    assert not believed(made, [])
    assert believed(made, [(1.9, 2.4)])
    assert not believed(segment((1, 2, "  ")), [(0, 3)])


@pytest.mark.parametrize(
    "text",
    [
        "시청해주셔서 감사합니다.",
        "시청해 주셔서 감사합니다!",
        "MBC 뉴스 김철수입니다.",
        "Thank you for watching!",
        "감사합니다. 감사합니다. 감사합니다.",
        "Thanks for watching, bye-bye.",
    ],
)
def test_made_up(text: str) -> None:
    assert made_up(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "MBC 뉴스에 나왔더라.",
        "와 주셔서 감사합니다.",
        "Thank you for the salt.",
        "Watch out!",
        "도와줘!",
        "You idiot.",
    ],
)
def test_not_made_up(text: str) -> None:
    assert not made_up(text)


# ---- times of words


def test_words_without_length_last_a_syllable() -> None:
    found = list(spoken_words(segment((5, 5, " 아"), (10, 10, " 네"), (12, 13, " 밖")), (0, 10), []))
    assert [(w.start, w.end) for w in found] == [(4.9, 5.1), (9.8, 10), (9.8, 10)]


def test_a_word_stretched_over_a_pause_keeps_its_voice() -> None:
    stretched = segment((1, 6, " 그래"))
    assert [(w.start, w.end) for w in spoken_words(stretched, (0, 30), [(0.5, 1.4), (5.9, 8)])] == [(1, 1.4)]
    assert [(w.start, w.end) for w in spoken_words(stretched, (0, 30), [])] == [(1, 1 + LONGEST)]


def test_a_segment_without_words_is_one_word() -> None:
    bare = Segment(2, 3, " 음", (), -0.1, 0.1, 1.0)
    assert [(w.start, w.end, w.text) for w in spoken_words(bare, (0, 30), [])] == [(2, 3, " 음")]


def test_lines_break_at_pauses() -> None:
    words = [
        Word(start=1, end=2, text=" 그런데"),
        Word(start=2.5, end=3, text=" 말이야."),
        Word(start=4.3, end=5, text=" 뭐?"),
    ]
    found = phrases(words)
    assert [(s.start, s.end, s.text, s.source) for s in found] == [
        (1, 3, "그런데 말이야.", "whisper"),
        (4.3, 5, "뭐?", "whisper"),
    ]
    assert [w.text for w in found[0].words] == ["그런데", "말이야."]


numbers = st.floats(-5, 40, allow_nan=False)


@given(st.lists(st.tuples(numbers, numbers)), st.lists(st.tuples(numbers, numbers)))
def test_words_lie_inside_and_last(words: list[Span], voices: list[Span]) -> None:
    rows = [(min(a, b), max(a, b), " 말") for a, b in words]
    heard = [(min(a, b), max(a, b)) for a, b in voices]
    found = list(spoken_words(segment(*rows), (0, 30), heard)) if rows else []
    assert all(0 <= w.start < w.end <= 30 and w.end - w.start >= SHORTEST - 0.002 for w in found)
    assert len(found) == len(rows)


@given(st.lists(st.tuples(st.integers(0, 600), st.integers(0, 80))))
def test_quiet_is_the_rest(spoken: list[tuple[int, int]]) -> None:
    spans = [(a / 10, (a + n) / 10) for a, n in spoken]
    found = quiet(spans, 60.0)
    assert all(b - a >= PAUSE and a >= 0 and b <= 60 for a, b in found)
    assert not any(a < d and b > c for a, b in found for c, d in spans if d > c)
    for t in np.arange(0.05, 60, 0.1):
        free = [(0.0, 0.0), *spans, (60.0, 60.0)]
        before = max((d for c, d in free if c <= t and d <= t), default=0.0)
        after = min((c for c, d in free if d >= t and c >= t), default=60.0)
        if not any(c <= t <= d for c, d in spans) and after - before >= PAUSE + 0.001:
            assert any(a <= t <= b for a, b in found)


# ---- windows


def test_windows_hold_neighbours_but_no_long_pause() -> None:
    voices = [(1.0, 9.0), (10.0, 20.0), (21.0, 29.0), (30.0, 31.0), (34.0, 35.0)]
    assert cut_and_merge(voices, np.zeros(2000, np.float32)) == [(1.0, 29.0), (30.0, 31.0), (34.0, 35.0)]


def test_a_long_voice_is_cut_where_it_is_weakest() -> None:
    probabilities = np.full(3000, 0.9, np.float32)
    probabilities[round(25 / 0.032)] = 0.4
    found = cut_and_merge([(0.0, 50.0)], probabilities)
    assert found == [(0.0, pytest.approx(25, abs=0.033)), (pytest.approx(25, abs=0.033), 50.0)]


@given(st.lists(st.tuples(st.integers(1, 50), st.integers(1, 900)), max_size=20))
def test_windows_hold_every_voice_and_are_short(rows: list[tuple[int, int]]) -> None:
    edges = list(itertools.accumulate(n / 10 for row in rows for n in row))
    voices = list(zip(edges[::2], edges[1::2], strict=True))
    probabilities = np.random.default_rng(0).random(round((edges[-1] if edges else 0) / 0.032) + 10).astype(np.float32)
    found = cut_and_merge(voices, probabilities)
    assert all(0 < b - a <= WINDOW for a, b in found)
    assert all(first[1] <= second[0] for first, second in itertools.pairwise(found))
    assert all(any(a <= t <= b for a, b in found) for voice in voices for t in (*voice, sum(voice) / 2))


def test_pieces_overlap() -> None:
    assert pieces(5, 12) == [(5, 12)]
    assert pieces(0, 70) == [(0, WINDOW), (WINDOW - OVERLAP, 59), (58, 70)]


def test_sound_comes_back_as_it_was() -> None:
    rng = np.random.default_rng(0)
    sound = (rng.random((RATE * 3, 2)).astype(np.float32) - 0.5) * np.float32([1, 0])
    with Sound() as stored:
        blocks = list(stored.stored(np.array_split(sound, 7)))
        assert np.array_equal(np.concatenate(blocks), sound)
        assert stored.duration == 3
        [centre] = stored.channels(1, 2)  # the other channel is silent
        assert np.allclose(centre, sound[RATE : 2 * RATE, 0], atol=1e-4)
        assert [len(c) for c in stored.channels(-1, 99)] == [3 * RATE]
        assert stored.channels(3, 4) == []


# ---- a film, and a recogniser that hears what it is told


class Scripted:
    """Hears the words whose middle lies in the sound it is given; finds out where that is by the sound itself."""

    def __init__(self, *said: tuple[float, float, str], **figures: float) -> None:
        self.said, self.figures = said, figures
        self.asked: list[tuple[float, float, str | None]] = []

    def language(self, sounds: Sequence[Samples]) -> str:
        return "ko" if len(sounds) else ""

    def listen(self, sound: Samples, language: str | None) -> list[Segment]:
        start = float(sound[0]) * 200  # see `film`
        end = start + len(sound) / RATE
        self.asked.append((round(start, 1), round(end, 1), language))
        words = [(a - start, b - start, t) for a, b, t in self.said if start <= (a + b) / 2 <= end]
        return [segment(word, **self.figures) for word in words]


def film(seconds: float) -> Iterator[Samples]:
    """Sound whose level tells the time: a ramp that reaches 1 after 200 s, which is no voice."""
    ramp = np.arange(round(seconds * RATE), dtype=np.float32) / np.float32(200 * RATE)
    yield from np.array_split(ramp, 5)


Hear = Callable[..., list[Speech]]


@pytest.fixture
def hear(monkeypatch: pytest.MonkeyPatch) -> Hear:
    """Listen to a film of 60 s with voices where they are said to be."""

    def run(recogniser: Any, voices: Sequence[Span], known: Sequence[Speech] = (), **options: Any) -> list[Speech]:
        monkeypatch.setattr("stages.dialogue.silero.Silero.speech", lambda *_: list(voices))
        told: list[float] = []
        settings = ListeningOptions(**options)
        found = transcribed(recogniser, settings, film(60), RATE, known, lambda done, total: told.append(done / total))
        assert told == sorted(told)
        assert told[-1] == 1
        return found

    return run


def rows(found: Sequence[Speech]) -> list[tuple[float, float, str, str]]:
    return [(round(s.start, 1), round(s.end, 1), s.text, s.source) for s in found]


VOICES = [(10.0, 12.0), (20.0, 24.0)]


def test_words_and_voices_are_united(hear: Hear) -> None:
    recogniser = Scripted((10.1, 10.9, " 어디"), (11.0, 11.8, " 가?"), (22.0, 23.0, " 집에."))
    assert rows(hear(recogniser, VOICES, relisten=False)) == [
        (10.0, 12.0, "어디 가?", "whisper+speech"),
        (20.0, 22.0, "", "speech"),
        (22.0, 24.0, "집에.", "whisper+speech"),
    ]
    assert recogniser.asked == [(9.8, 12.2, "ko"), (19.8, 24.2, "ko")]


def test_every_gap_is_heard_alone_and_a_word_closes_it(hear: Hear) -> None:
    recogniser = Scripted((15.0, 15.0, " 쉿"))
    found = hear(recogniser, VOICES)
    assert (14.9, 15.1, "쉿", "whisper") in rows(found)
    assert [(a, b) for a, b, _ in recogniser.asked][2:] == [
        (0.0, 10.0 + AROUND),
        (12.0 - AROUND, 20.0 + AROUND),
        (23.5, 53.5),
        (52.5, 60.0),
    ]
    silent = Scripted((15.0, 15.0, " 쉿"))
    assert all(s.text == "" for s in hear(silent, VOICES, relisten=False))


def test_short_holes_are_not_heard_again(hear: Hear) -> None:
    recogniser = Scripted()
    hear(recogniser, [(0.0, 29.0), (30.1, 60.0)])
    assert [(a, b) for a, b, _ in recogniser.asked if b - a < 10] == []


def test_what_subtitles_cover_is_not_heard_again(hear: Hear) -> None:
    recogniser = Scripted()
    hear(
        recogniser,
        VOICES,
        known=[Speech(0, 9.5, "자막", source="subtitles"), Speech(24, 60, "자막", source="subtitles")],
    )
    assert [(a, b) for a, b, _ in recogniser.asked][2:] == [(11.5, 20.5)]


@pytest.mark.parametrize("figures", [{"avg_logprob": -1.5}, {"no_speech_prob": 0.8}, {"compression_ratio": 3.0}])
def test_doubted_words_close_no_gap(hear: Hear, figures: dict[str, float]) -> None:
    found = hear(Scripted((15.0, 15.5, " 쉿"), **figures), VOICES)
    assert [(s.start, s.end) for s in found] == VOICES


def test_hallucinations_close_no_gap(hear: Hear) -> None:
    found = hear(Scripted((2.0, 3.0, " 시청해주셔서 감사합니다."), (40.0, 41.0, " Thank you.")), VOICES)
    assert [(s.start, s.end) for s in found] == VOICES
    said = hear(Scripted((10.5, 11.5, " 감사합니다.")), VOICES)
    assert rows(said)[0] == (10.0, 12.0, "감사합니다.", "whisper+speech")


def test_a_word_on_the_edge_of_a_gap_lengthens_the_speech(hear: Hear) -> None:
    """It is said in the speech before, so its text is not repeated; narration must wait for its end."""
    found = hear(Scripted((11.4, 12.3, " 갔어.")), VOICES)
    assert union([(s.start, s.end) for s in found], 0.0)[0] == pytest.approx((10.0, 12.3), abs=0.01)
    assert sum(s.text.count("갔어") for s in found) == 1


def test_a_film_without_any_voice_is_heard_in_pieces(hear: Hear) -> None:
    recogniser = Scripted((45.0, 45.5, " 거기"))
    assert rows(hear(recogniser, [])) == [(45.0, 45.5, "거기", "whisper")]
    assert recogniser.asked == [(0.0, 30.0, None), (29.0, 59.0, None), (58.0, 60.0, None)]


def test_a_given_language_is_not_asked_for(hear: Hear) -> None:
    recogniser = Scripted()
    hear(recogniser, VOICES, language="ja")
    assert {language for *_, language in recogniser.asked} == {"ja"}


# ---- uniting with subtitles


def test_subtitles_keep_their_text_and_gain_words() -> None:
    line = Speech(10, 12, "어디 가는 거야?", source="subtitles")
    words = (
        Word(start=9.8, end=10.4, text="어디"),
        Word(start=11, end=11.9, text="가?"),
        Word(start=15, end=15.6, text="집."),
    )
    found = unite([line], [Speech(9.8, 15.6, "어디 가? 집.", words, "whisper+speech"), Speech(30, 31)], 60)
    assert rows(found) == [
        (9.8, 12, "어디 가는 거야?", "subtitles+whisper+speech"),
        (12, 15.6, "집.", "whisper+speech"),
        (30, 31, "", "speech"),
    ]
    assert [[w.text for w in s.words] for s in found] == [["어디", "가?"], ["집."], []]


def test_sources_are_named_once() -> None:
    line = Speech(10, 14, "가", source="subtitles")
    [found] = unite([line], [Speech(10, 11, source="speech"), Speech(12, 13, "나", source="whisper+speech")], 60)
    assert found.source == "subtitles+speech+whisper"


# ---- the stage


def test_the_stage_hands_the_subtitles_over(
    tmp_path: Path, ffmpeg: Callable[..., None], make_job: Callable[..., Any]
) -> None:
    from data.media import probe
    from stages import dialogue

    path, side = tmp_path / "film.mkv", tmp_path / "film.srt"
    ffmpeg("-f", "lavfi", "-i", "color=s=64x64:r=25:d=6", "-f", "lavfi", "-i", "sine=d=6", "-c:a", "flac", path)
    side.write_text("1\n00:00:02,000 --> 00:00:04,000\n가.\n", encoding="utf-8")

    class Listens(dialogue.speech.Transcriber):
        def transcribe(self, blocks: Iterator[Samples], rate: int, known: Any, progress: Any) -> list[Speech]:
            assert (sum(len(b) for b in blocks), rate) == (6 * RATE, RATE)
            assert [(s.start, s.end, s.text) for s in known] == [(2, 4, "가.")]
            progress(1, 2)
            return [Speech(3.5, 4.4, "가", (Word(start=3.5, end=4.4, text="가"),), "whisper+speech")]

    job = make_job(dialogue.Config(), episode=probe(path, subtitles=side), backend=Listens(NoOptions()))
    [found] = dialogue.run(job)
    assert (found.start, found.end, found.text, found.source) == (2, 4.4, "가.", "subtitles+whisper+speech")
    assert [w.text for w in found.words] == ["가"]
