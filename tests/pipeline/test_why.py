"""`vdesc why`: what became of every sentence, told from what a run left."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from data import messages
from data.errors import UserError
from data.reasons import Heard, LostTo, LowScore, Message, NoRoom, Overruns, Reason, Refused, Repeats, say
from data.records import (
    Candidate,
    Clip,
    Context,
    Line,
    Missed,
    OnScreenText,
    Ranked,
    RefusedCandidate,
    RefusedDraft,
    Row,
    Shot,
)
from data.workspace import Workspace
from pipeline.commands.why import PARTS, show
from pipeline.results.explaining import Choice
from tests.pipeline.review.made import candidate, clip, context, gap, narration, ranked, results_folder, write

PAST = Message(template="past tense “{found}”", values={"found": "열렸다"}, korean="과거형 “{found}”")
STYLE = {"kind": "visual", "style": "basic", "length": "short", "model": "facts"}


def rows(*listed: Row) -> bytes:
    return ("[" + ",".join(row.model_dump_json() for row in listed) + "]").encode()


def other(letter: str, text: str, number: int = 0, **changes: object) -> Candidate:
    return candidate(number, text).model_copy(update={"id": f"c{number + 1:05d}{letter}", **changes})


def missed(number: int, why: Reason, worth: float = 1.0, text: str = "글자, 출구.") -> Missed:
    return Missed(
        keyframe=f"k{number:05d}", start=number * 5.0, end=number * 5.0 + 1, kind="text", candidate=f"c{number:05d}t",
        text=text, why=why, worth=worth,
    )  # fmt: skip


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """Three lines at 1, 6 and 11 s: the first with losers of every kind, the third too long for the voice."""
    folder = results_folder(tmp_path)
    workspace = Workspace(folder / "workspace")
    texts = [f"{n + 1}. 문이 열린다." for n in range(3)]
    lines = [narration(n, n * 5.0 + 1.0, text) for n, text in enumerate(texts)]
    lines[0] = lines[0].model_copy(update={"parts": {"score": 0.5, "late": -0.2}, "displaced": ("c00002t",)})
    draft = RefusedDraft(keyframe="k00001", text="{}", why=Refused(rules=(say("an error message"),)), **STYLE)
    kept = [
        RefusedCandidate(candidate="c00001b", keyframe="k00001", why=Refused(rules=(PAST,))),
        RefusedCandidate(candidate="c00001c", keyframe="k00001", why=LowScore(score=0.1, least=0.35)),
        RefusedCandidate(candidate="c00001d", keyframe="k00001", why=Heard()),
    ]
    lost = [
        missed(2, LostTo(candidates=("c00001a",)), 2.5, "글자, 서울역."),
        missed(3, NoRoom(), 1.5), missed(1, Repeats(candidates=("c00001a",)), 9.0),
    ]  # fmt: skip
    offered = [
        candidate(0, texts[0]), other("b", "문이 열렸다."), other("c", "문."), other("d", "대사."),
        other("e", "창이 열린다."),
        candidate(1, texts[1]), other("t", "글자, 서울역.", 1, kind="text"),
        candidate(2, texts[2]), other("t", "글자, 출구.", 2, kind="text"),
    ]  # fmt: skip
    clips = [clip(line) for line in lines]
    clips[2] = clips[2].model_copy(update={"file": None, "dropped": Overruns(needed=3.0, room=2.0)})
    sign = OnScreenText(text="서울역", role="sign", first_seen=6, last_seen=7, score=0.9, box=(0, 0, 1, 1))
    contexts = [context(n, n * 5.0 + 1.0) for n in range(3)]
    contexts[1] = contexts[1].model_copy(update={"texts": (sign,), "dialogue_before": "어디 가?"})
    write(workspace, "shots", [Shot(id="s00001", start=0, end=15)])
    write(workspace, "context", contexts)
    write(workspace, "candidates", [], {RefusedDraft.rows_in: rows(draft)})
    write(workspace, "naming", offered)
    write(workspace, "ranking", [ranked(n) for n in range(3)])
    write(workspace, "schedule", lines, {Missed.rows_in: rows(*lost), RefusedCandidate.rows_in: rows(*kept)})
    write(workspace, "review", [Line(**line.model_dump()) for line in lines])
    write(workspace, "voice", clips)
    return folder


def told(results: Path, at: str | None = None) -> str:
    return "\n".join(show(results, at))


def fate(results: Path, text: str, at: str) -> str:
    """What is told of a candidate last, which is what became of it."""
    listed = told(results, at).partition("Candidates")[2].splitlines()
    after = listed[next(n for n, line in enumerate(listed) if f"“{text}”" in line) + 1 :]
    end = next((n for n, line in enumerate(after) if not line.startswith("    ")), None)
    return after[:end][-1].strip()


@pytest.mark.parametrize("at", ["0:01.5", "1.5", "n00001", "c00001e", "k00001"])
def test_every_candidate_says_what_became_of_it(results: Path, at: str) -> None:
    assert fate(results, "1. 문이 열린다.", at) == "spoken from 0:01.0 to 0:02.5"
    assert fate(results, "문이 열렸다.", at) == "not spoken: it may not be spoken: past tense “열렸다”"
    assert fate(results, "문.", at) == "not spoken: its score 0.10 is below 0.35 (schedule.min_score)"
    assert fate(results, "대사.", at) == "not spoken: the dialogue says it, or subtitles show it"
    assert fate(results, "창이 열린다.", at) == "not spoken: another candidate of the same moment is spoken"


def test_a_line_says_what_it_is_worth_and_what_gave_way(results: Path) -> None:
    text = told(results, "n00001")
    assert "Spoken from 0:01.0 to 0:02.5: “1. 문이 열린다.”" in text
    assert "score +0.50, late -0.20" in text
    assert "it took the place of “글자, 서울역.”" in text
    assert "an error message" in text, "what the gate refused is told too"
    assert str(results / "workspace" / "keyframes" / "k.jpg") in text


def test_a_moment_without_a_line_says_to_whom_it_lost(results: Path) -> None:
    text = told(results, "k00002")
    why = "    lines that are worth more take its place\n    0:01.0–0:02.5: “1. 문이 열린다.”"
    assert f"Not spoken: “글자, 서울역.”\n{why}" in text
    assert "Text on screen: “서울역”" in text
    assert "Said before: “어디 가?”" in text


def test_gaps_in_reach_tell_their_room_and_use(results: Path) -> None:
    gaps = told(results, "k00002").partition("Gaps in reach")[2]
    assert "Gap g00002, 0:05.5–0:09.5, ambience: room for 3.2 s" in gaps
    assert "0:06.0–0:07.5: “2. 문이 열린다.”" in gaps


def test_a_line_that_the_voice_dropped(results: Path) -> None:
    assert fate(results, "3. 문이 열린다.", "n00003") == "not spoken: it takes 3.0 s and has 2.0 s"


def test_the_summary_counts_reasons_and_names_the_greatest_losses(results: Path) -> None:
    text = told(results)
    assert "2 lines are spoken; of 3 moments nothing is said" in text
    for counted in (
        "1 × no gap is in reach",
        "1 × the voice needs longer",
        "2 × it may not be spoken",
        "1 × past tense",
    ):
        assert counted in text
    losses = re.findall(r"worth ([\d.]+): “(.*)”", text)
    assert losses == [("2.5", "글자, 서울역."), ("1.5", "글자, 출구.")], "what other lines say is no loss"


def test_a_run_in_english_is_told_in_korean(results: Path) -> None:
    with messages.answering("ko"):
        text = told(results) + told(results, "n00001") + told(results, "k00002")
    english = {word for word in re.findall("[A-Za-z]{3,}", text) if word not in str(results)}
    assert english <= {"facts", "workspace", "keyframes", "jpg", "schedule", "min", "score"}
    assert "과거형 “열렸다”" in text


def test_parts_have_names_in_both_languages() -> None:
    assert set(PARTS.values()) <= set(messages.catalogue("ko"))


@pytest.mark.parametrize(
    ("at", "says"),
    [("99:00", "ends at 0:15.0"), ("n99999", "neither a time"), ("00:00:01:12", "write it as 12:30")],
)
def test_what_is_not_there_is_told_with_the_remedy(results: Path, at: str, says: str) -> None:
    with pytest.raises(UserError, match=says):
        told(results, at)


def test_a_folder_without_pictures(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="has no keyframes yet"):
        told(tmp_path)


def test_people_decided_otherwise(results: Path) -> None:
    workspace = Workspace(results / "workspace")
    placed = workspace.read(Line)
    changed = placed[0].model_copy(update={"candidate": "r1", "text": "사람이 쓴 글.", "person": True})
    write(workspace, "review", [changed, *placed[1:]])
    clips = workspace.read(Clip)
    write(workspace, "voice", [clips[0].model_copy(update={"candidate": "r1", "text": "사람이 쓴 글."}), *clips[1:]])
    assert fate(results, "1. 문이 열린다.", "n00001") == "not spoken: people decided otherwise in the review"


def test_the_rest_is_told_before_the_schedule(tmp_path: Path) -> None:
    """A run until the ranking: what was offered, with scores, and no line yet."""
    folder = results_folder(tmp_path, lines=1)
    for stage in ("schedule", "review", "voice", "script"):
        for file in sorted((folder / "workspace" / stage).glob("*")):
            file.unlink()
    choice = Choice(folder)
    assert (choice.of(Context), choice.of(Ranked)) != ([], [])
    assert "c00001a, 0.50: “1. 문이 열린다.”" in told(folder, "0:01")


def test_the_reach_of_a_picture_is_that_of_the_run(results: Path) -> None:
    def near() -> list[str]:
        return re.findall(r"Gap (g\d+)", told(results, "k00002").partition("Gaps in reach")[2])

    manifest = results / "workspace" / "schedule" / "manifest.json"
    assert near() == ["g00002", "g00003"]
    held = json.loads(manifest.read_bytes())
    held["ingredients"] = {"reads": {"Planning": {"early": 2.0, "late": 1.0}, "Gap": "0"}}
    manifest.write_text(json.dumps(held))
    assert near() == ["g00001", "g00002", "g00003"], "a line may start before its picture"


def test_of_a_gap_as_long_as_the_film_the_nearest_pictures_are_told(tmp_path: Path) -> None:
    folder = results_folder(tmp_path, lines=40)
    workspace = Workspace(folder / "workspace")
    whole = gap(0, 1.0).model_copy(update={"start": 0.0, "end": 200.0})
    write(workspace, "gaps", [whole])
    for stage in ("review", "voice"):
        write(workspace, stage, [])
    listed = told(folder, "1:40").partition("while nothing is said")[2].partition("The picture")[0]
    assert re.findall(r"k(\d+), ", listed) == [f"{number:05d}" for number in range(16, 26)]
    assert "30 more pictures" in listed
