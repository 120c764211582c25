"""Whole comparisons: human scripts against themselves, worse copies, and a script of ours; the reports."""

from __future__ import annotations

import html
import json
import random
import re
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from data import messages
from data.errors import ConfigError
from data.scripts import read_lines
from data.scripts.line import ScriptLine
from data.scripts.script import save
from finetune.descriptions.evaluate import DescriptionReport, evaluate_descriptions, evaluate_files
from finetune.descriptions.learned import Alignment, BertScore
from finetune.descriptions.measure import Judges
from finetune.descriptions.report import ranked, write_report
from tests.checkpoints import alignment
from tests.data import sample_script

KOREAN = ("소영이 우산을 펴고 빗속으로 걸어간다.", "민호가 책상에 앉아 편지를 읽는다.",
          "빈 교실, 시계가 네 시를 가리킨다.", "수진이 창밖을 내다본다.",
          "두 사람이 나란히 복도를 걷는다.")  # fmt: skip


def timed(*texts: str, start: float = 0.0) -> list[ScriptLine]:
    return [ScriptLine(start + 10.0 * n, start + 10.0 * n + 3.0, text) for n, text in enumerate(texts)]


def value(report: DescriptionReport, name: str, unit: str | None = None) -> float:
    return next(f.value for f in report.figures if f.name == name and unit in (None, f.unit))


TEXT_FIGURES = ("chrF", "chrF++", "BLEU-4", "ROUGE-L", "METEOR (exact, stem)", "CIDEr-D")


def test_a_human_script_against_itself_is_perfect(media: Path) -> None:
    path = media / "elephantsdream-text" / "descriptions.en.vtt"
    report = evaluate_files(path, path)
    assert (report.language, report.coverage, report.unmatched) == ("en", 1.0, 0.0)
    assert [p.human for p in report.pairs] == [p.ours[0] for p in report.pairs]
    assert value(report, "chrF") == value(report, "chrF++") == 100
    assert {f.value for f in report.figures if f.name.startswith("BLEU")} == {100.0}
    assert value(report, "ROUGE-L", "words") == value(report, "ROUGE-L", "characters") == 1
    assert value(report, "METEOR (exact, stem)") > 0.95  # short lines of one chunk keep a penalty
    assert value(report, "CIDEr-D", "characters") == pytest.approx(10, abs=0.5)
    assert value(report, "Recall@5/16") == 1
    assert all(f.value == f.human for f in report.figures if f.human is not None)
    assert set(report.not_computed) == {"KoSBERT", "BERTScore F1", "SigLIP", "name IoU"}


def test_worse_copies_score_less(media: Path) -> None:
    theirs = read_lines(media / "elephantsdream-text" / "descriptions.en.vtt")
    texts = [line.text for line in theirs]
    random.Random(0).shuffle(texts)
    shuffled = [replace(line, text=text) for line, text in zip(theirs, texts, strict=True)]
    shifted = [replace(line, start=line.start + 9, end=line.end + 9) for line in theirs]
    same, moved, mixed = (
        evaluate_descriptions(ours, theirs, matched="windows") for ours in (theirs, shifted, shuffled)
    )
    for name in TEXT_FIGURES:
        assert value(same, name) > value(moved, name)
        assert value(same, name) > 2 * value(mixed, name)
    assert value(mixed, "Recall@5/16") < 0.6
    assert moved.coverage < 1
    assert value(mixed, "distinct-2") == value(same, "distinct-2")


def test_matching_by_text_undoes_a_small_shift(media: Path) -> None:
    theirs = read_lines(media / "elephantsdream-text" / "descriptions.en.vtt")
    ours = [replace(line, start=line.start + 1.5, end=line.end + 1.5) for line in theirs]
    report = evaluate_descriptions(ours, theirs)
    assert report.coverage == 1
    assert value(report, "chrF") == 100


def test_the_rabbits_descriptions_beside_its_transcript(media: Path) -> None:
    """The transcript says the same in nearly the same words: "climbing" for "climbs", "yawns" for the cue's "yaws"."""
    theirs = read_lines(media / "rabbit-ad" / "descriptions.vtt")
    told = re.findall(r"<p>(.*?)</p>", (media / "rabbit-ad" / "transcript.html").read_text(encoding="utf-8"), re.S)
    sentences = re.findall(r"[^.]+\.", " ".join(told[0].split()))
    report = evaluate_descriptions(
        [replace(line, text=text.strip()) for line, text in zip(theirs, sentences, strict=True)], theirs
    )
    assert [p.ours[0].start for p in report.pairs] == [0.0, 5.0, 10.0]
    assert report.pairs[2].values["ROUGE-L"] == 1
    # 6 of the cue's 7 words, in order, beside 7 of the transcript
    assert report.pairs[1].values["ROUGE-L"] == pytest.approx(6 / 7, abs=1e-4)
    assert 60 < value(report, "chrF") < 100
    assert "16" in report.not_computed["Recall@5/16"]


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """A results folder of ours with a script and its keyframe."""
    script = sample_script.script(texts=KOREAN[:3])
    (tmp_path / "out" / "workspace" / "keyframes").mkdir(parents=True)
    save(script, tmp_path / "out" / "script.json")
    picture = np.random.default_rng(0).integers(0, 255, (40, 60, 3), np.uint8)
    for keyframe in script.keyframes:
        cv2.imencode(".jpg", picture)[1].tofile(tmp_path / "out" / "workspace" / "keyframes" / keyframe.image)
    return tmp_path / "out"


def test_a_results_folder_with_every_model(results: Path, tmp_path: Path) -> None:
    human = tmp_path / "사람.csv"
    lines = read_lines(results)
    human.write_text("start,end,text\n" + "".join(f'{n.start},{n.end},"{n.text}"\n' for n in lines), encoding="cp949")
    cast = tmp_path / "cast"
    cast.mkdir()
    (cast / "cast.yaml").write_text("- {id: soyeong, name: 이소영, photos: []}\n", encoding="utf-8")
    report = evaluate_files(
        results, human, cast_folder=cast, device="cpu", match_by="bertscore",
        bertscore=str(alignment.bert(tmp_path / "bert")), siglip=str(alignment.siglip(tmp_path / "siglip")),
    )  # fmt: skip
    assert report.language == "ko"
    assert value(report, "BERTScore F1") == pytest.approx(1, abs=1e-3)
    assert value(report, "name IoU") == 1
    aligned = [f for f in report.figures if f.unit == "pictures"]
    assert [f.name for f in aligned] == ["SigLIP cosine", "SigLIP probability"]
    assert all(f.value == f.human and f.counted == 3 for f in aligned)
    assert "BERTScore" in report.matched_by
    assert set(report.pairs[0].values) >= {"chrF", "ROUGE-L", "BERTScore F1", "SigLIP cosine"}
    assert set(report.not_computed) == {"KoSBERT", "Recall@5/16"}


def test_models_are_freed_and_pictures_can_be_missing(tmp_path: Path) -> None:
    judges = Judges(
        bertscore=BertScore(BertScore.Options(model=str(alignment.bert(tmp_path / "bert")), device="cpu")),
        alignment=Alignment(Alignment.Options(model="none/such")),
    )
    report = evaluate_descriptions(timed(*KOREAN), timed(*KOREAN), judges)
    assert "keyframe" in report.not_computed["SigLIP"]
    assert judges.bertscore
    assert judges.bertscore._loaded is None


def test_matching_by_a_model_that_is_not_named(results: Path) -> None:
    with pytest.raises(ConfigError, match="needs a model"):
        evaluate_files(results, results, match_by="kosbert")


def test_nothing_matched_and_one_pair(tmp_path: Path) -> None:
    nothing = evaluate_descriptions(timed(*KOREAN), timed(*KOREAN, start=1000.0))
    assert (nothing.coverage, nothing.unmatched, nothing.pairs) == (0.0, 1.0, ())
    assert any("no line was matched" in why for why in nothing.not_computed.values())
    assert {f.name for f in nothing.figures} == {"distinct-1", "distinct-2", "self-BLEU-4", "neighbour repetition"}
    one = evaluate_descriptions(timed(KOREAN[0]), timed(*KOREAN))
    assert "CIDEr-D" in one.not_computed
    assert "self-BLEU-4" in one.not_computed
    for report in (nothing, one):
        write_report(tmp_path, report)
        assert (tmp_path / "descriptions.html").stat().st_size > 1000


def test_a_model_that_says_one_thing_is_seen() -> None:
    """Text figures alone might pass it; variety does not."""
    report = evaluate_descriptions(timed(*[KOREAN[0]] * 5), timed(*KOREAN))
    figures = {f.name: f for f in report.figures if f.human is not None}
    assert figures["self-BLEU-4"].value == 100 > (figures["self-BLEU-4"].human or 0)
    assert figures["neighbour repetition"].value == 1 > (figures["neighbour repetition"].human or 0)
    assert figures["distinct-2"].value == pytest.approx(1 / 5)


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_reports(tmp_path: Path, lang: messages.Lang) -> None:
    messages.use(lang)
    evil = "<script>alert('|')</script> & 문이 열린다."
    ours, theirs = timed(evil, *KOREAN[1:], "혼자 남은 말이다."), timed(*KOREAN)
    report = evaluate_descriptions(ours, theirs)
    write_report(tmp_path / "보고", report)
    folder = tmp_path / "보고"
    assert DescriptionReport.model_validate_json((folder / "descriptions.json").read_bytes()) == report
    told = (folder / "descriptions.md").read_text(encoding="utf-8")
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in told.splitlines() if line.startswith("|")} == {5, 8}
    assert "<script" not in told
    assert "혼자 남은 말이다." in told
    content = (folder / "descriptions.html").read_text(encoding="utf-8")
    assert "<script" not in content
    assert html.escape(evil, quote=False).replace("'", "&#39;") in content
    assert f'<html lang="{lang}">' in content
    assert not re.search(r'(src|href)="(?!data:)', content)
    assert len(re.findall('src="data:image/png;base64,iVBOR', content)) == 2
    assert ("우리 해설" in content) == (lang == "ko")
    for name in ("descriptions-figures.png", "descriptions-timeline.png"):
        assert cv2.imdecode(np.fromfile(folder / name, np.uint8), cv2.IMREAD_COLOR).std() > 0
    assert json.loads((folder / "descriptions.json").read_bytes())["only_ours"][0]["text"] == "혼자 남은 말이다."


def test_best_and_worst_pairs() -> None:
    report = evaluate_descriptions(timed("비가 온다.", *KOREAN[1:]), timed(*KOREAN))
    best, worst = ranked(report).values()
    assert worst[0].said == "비가 온다."
    assert not {p.said for p in best} & {p.said for p in worst}
