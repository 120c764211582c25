"""The commands of fine-tuning, from human scripts and results folders to a report."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from data.records import Draft
from data.workspace import Workspace
from finetune.rows import DataRow, Example, Offered, Truth, read, write
from pipeline import cli
from tests.data.reviewing.episodes import do, schedule, session
from tests.finetune.workspaces import LINES, jpeg, results
from tests.pipeline.picture_captioner import Captioner

Vdesc = Callable[..., "tuple[int, str, str]"]
HUMAN = "WEBVTT\n\n" + "\n".join(
    f"00:00:{10 * n}.000 --> 00:00:{10 * n + 2}.000\n{text}\n"
    for n, text in enumerate(("소영이 우산을 펴고 빗길을 걸어간다.", "책상 위에 편지.", "고래가 바다를 건넌다."), 1)
)
"""The first two are nearly candidates of the hand-made results; none is like the third."""


@pytest.fixture
def vdesc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Vdesc:
    """The command line in `tmp_path`: exit code, stdout, stderr."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")

    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["vdesc", *map(str, arguments), "--lang", "en"])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        told = capsys.readouterr()
        return int(ended.value.code or 0), told.out, told.err

    return run


def good(done: tuple[int, str, str]) -> str:
    assert done[0] == 0, done[2]
    return done[1]


def drama(vdesc: Vdesc, name: str, lines: Sequence[Sequence[str]] = LINES) -> None:
    """Truth, candidates and data set of one drama of one episode."""
    results(Path("out") / name, lines)
    Path(f"{name}.vtt").write_text(HUMAN, encoding="utf-8")
    good(vdesc("finetune", "truth", f"{name}.vtt", "--episode", f"out/{name}", "--drama", name, "--licence", "CC0-1.0",
               "-o", f"{name}.truth.jsonl"))  # fmt: skip
    good(vdesc("finetune", "candidates", "--episodes", "out/", "--truth", f"{name}.truth.jsonl", "--style",
               "basic,strict", "-o", f"{name}.candidates.jsonl"))  # fmt: skip


def test_the_chain_from_a_human_script_to_a_split(vdesc: Vdesc) -> None:
    names = ("장마", "교실", "밤길")
    for number, name in enumerate(names):
        drama(vdesc, name, [[text.replace("소영", "소영민호유나"[2 * number :][:2]) for text in row] for row in LINES])
        told = good(vdesc("finetune", "select", "--truth", f"{name}.truth.jsonl", "--candidates",
                          f"{name}.candidates.jsonl", "--likeness", "chrf", "-o", f"sft/{name}.jsonl"))  # fmt: skip
        assert "all candidates bad: 1" in told
    first = read(Path("sft/장마.jsonl"), Example)
    assert [e.response for e in first] == [LINES[0][0], LINES[1][1]]
    assert set(first[0].rejected) == set(LINES[0][1:])
    assert (first[0].drama, first[0].licence, first[0].image) == (
        "장마",
        "CC0-1.0",
        "../out/장마/workspace/keyframes/k1.jpg",
    )
    assert json.loads(Path("sft/장마.card.json").read_text())["dropped"] == {"all candidates bad": 1}
    told = good(vdesc("finetune", "split", "sft/장마.jsonl", "sft/교실.jsonl", "sft/밤길.jsonl", "-o", "split",
                      "--train", "0.4", "--validation", "0.3", "--test", "0.3"))  # fmt: skip
    dramas = [{e.drama for e in read(Path(f"split/{part}.jsonl"), Example)} for part in ("train", "validation", "test")]
    assert sorted(map(len, dramas)) == [1, 1, 1]
    assert set.union(*dramas) == set(names)
    assert Path("split/test.card.md").is_file()
    image = Path("split") / str(read(Path("split/test.jsonl"), Example)[0].image)
    assert image.read_bytes() == jpeg(1)
    assert "split: 4 rows" in told
    assert "duplicates: 2" in told  # the letter on the desk is the same in all three


def test_one_drama_cannot_be_split_and_patterns_are_expanded(vdesc: Vdesc) -> None:
    drama(vdesc, "장마")
    good(vdesc("finetune", "select", "--truth", "*.truth.jsonl", "--candidates", "*.candidates.jsonl", "--likeness",
               "chrf", "-o", "sft/a.jsonl"))  # fmt: skip
    code, _, error = vdesc("finetune", "split", "sft/*.jsonl", "-o", "split")
    assert (code, "1 dramas cannot be split into 3 parts" in error) == (cli.INPUT, True)
    assert not Path("split").exists()
    code, _, error = vdesc("finetune", "split", "nowhere/*.jsonl", "-o", "split")
    assert (code, error.strip()) == (cli.INPUT, "nowhere/*.jsonl matches no file; check the pattern")


GOOD = {"prompt": "화면해설:", "response": "밤이다.", "rejected": ["낮이다."], "drama": "가"}


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "holds no rows"),
        (b'{"prompt": "a", "drama": "b"}\n', "line 1: response is missing"),
        ("가".encode("cp949"), "line 1: is not UTF-8"),
        (json.dumps(GOOD).encode() + b"\n{", "line 2: is not JSON"),
    ],
)
@pytest.mark.parametrize("command", ["split", "evaluate"])
def test_bad_rows_are_one_line_with_file_and_line(vdesc: Vdesc, command: str, content: bytes, says: str) -> None:
    Path("x.jsonl").write_bytes(content)
    arguments = ["x.jsonl"] if command == "split" else ["--data", "x.jsonl"]
    code, _, error = vdesc("finetune", command, *arguments, "-o", "made")
    assert code == cli.INPUT
    assert "x.jsonl" in error
    assert says in error
    assert len(error.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["truth", "x.vtt", "--episode", "out/x", "--drama", "x", "-o", "t.jsonl"], "x.vtt"),
        (["truth", "x.vtt", "--episode", "o", "--drama", "x", "-o", "t", "--language", "kr"], "choose from ko, en"),
        (["preferences", "--reviews", "nowhere", "-o", "p.jsonl"], "nowhere is no results folder"),
        (["evaluate", "--data", "x.jsonl", "-o", "r", "--objective", "ppo"], "choose from sft, dpo, reward"),
        (["compare", "a.vtt", "b.vtt", "-o", "r", "--matching", "best"], "choose from events, windows"),
        (["train", "--config", "none.yaml", "--data", "x.jsonl", "-o", "a"], "none.yaml"),
    ],
)
def test_wrong_words_are_one_line(vdesc: Vdesc, arguments: list[str], says: str) -> None:
    code, _, error = vdesc("finetune", *arguments)
    assert (code, len(error.strip().splitlines())) == (cli.INPUT, 1)
    assert says in error


def test_a_missing_package_names_the_extra(vdesc: Vdesc, monkeypatch: pytest.MonkeyPatch) -> None:
    drama(vdesc, "장마")
    monkeypatch.setitem(sys.modules, "sacrebleu.metrics.chrf", None)
    _, _, error = vdesc("finetune", "select", "--truth", "장마.truth.jsonl", "--candidates", "장마.candidates.jsonl",
                        "--likeness", "chrf", "-o", "sft.jsonl")  # fmt: skip
    assert "pip install 'videodescription[finetune]'" in error


def test_a_sentence_model_that_is_not_here_names_the_one_that_needs_none(vdesc: Vdesc) -> None:
    drama(vdesc, "장마")
    code, _, error = vdesc("finetune", "select", "--truth", "장마.truth.jsonl", "--candidates", "장마.candidates.jsonl",
                           "--likeness", "nobody/nothing", "-o", "sft.jsonl")  # fmt: skip
    assert code == cli.INPUT
    assert "nobody/nothing is not on this machine" in error
    assert "--likeness chrf" in error


def test_fields_nobody_knows_and_single_candidates_are_counted(vdesc: Vdesc) -> None:
    Path("t.jsonl").write_text(json.dumps({"caption": "밤이다.", "image": "1.jpg", "drama": "가", "scene": 3}))
    write(Path("c.jsonl"), [Offered(captions=("밤이다.",), image="1.jpg", episode=None, time=None)])
    told = good(vdesc("finetune", "select", "--truth", "t.jsonl", "--candidates", "c.jsonl", "--likeness", "chrf", "-o",
                      "s.jsonl"))  # fmt: skip
    assert "field not known: scene: 1" in told
    assert "one candidate: 1" in told
    assert read(Path("s.jsonl"), Example)[0].rejected == ()


CAPTIONER = ("--set", "candidates.backend=tests.pipeline.picture_captioner:Captioner", "-c", "embedded")


def pictures(*rows: dict[str, Any]) -> None:
    Path("in").mkdir()
    for number in (1, 2):
        (Path("in") / f"{number}.jpg").write_bytes(jpeg(number))
    write(Path("in/truth.jsonl"), [Truth.model_validate({"caption": "밤이다.", "drama": "가"} | row) for row in rows])


def test_pictures_without_a_run_are_captioned_now_and_once(vdesc: Vdesc) -> None:
    pictures({"image": "1.jpg"}, {"image": "2.jpg"})
    command = ("finetune", "candidates", "--truth", "in/truth.jsonl", *CAPTIONER, "-o", "made/c.jsonl")
    Captioner.asked = 0
    good(vdesc(*command, "--style", "strict"))
    rows = read(Path("made/c.jsonl"), Offered)
    assert [row.image for row in rows] == ["../in/1.jpg", "../in/2.jpg"]
    assert all("의 여자가" in caption for row in rows for caption in row.captions)
    assert Captioner.asked == 2
    good(vdesc(*command, "--style", "strict"))
    assert Captioner.asked == 2  # the answers were kept
    good(vdesc(*command, "--set", "candidates.word=남자가"))
    assert Captioner.asked == 4
    told = read(Path("made/c.jsonl"), Offered)
    assert all(sorted("남자가" in caption for caption in row.captions) == [True, True] for row in told)
    good(vdesc("finetune", "select", "--truth", "in/truth.jsonl", "--candidates", "made/c.jsonl", "--likeness", "chrf",
               "--least", "0", "-o", "s.jsonl"))  # fmt: skip
    assert [e.image for e in read(Path("s.jsonl"), Example)] == ["in/1.jpg", "in/2.jpg"]


def test_a_picture_that_cannot_be_read_names_file_and_line(vdesc: Vdesc) -> None:
    pictures({"image": "1.jpg"}, {"image": "9.jpg"})
    code, _, error = vdesc("finetune", "candidates", "--truth", "in/truth.jsonl", *CAPTIONER, "-o", "c.jsonl")
    assert code == cli.INPUT
    assert "in/truth.jsonl, line 2: the picture" in error


def test_reviews_become_preferences(vdesc: Vdesc) -> None:
    for name in ("e1", "e2"):
        folder = results(Path("out") / name)
        do(session(schedule(folder, [texts[0] for texts in LINES])), "edit", 0, text=f"소영이 걷는다, {name}.")
    told = good(vdesc("finetune", "preferences", "--reviews", "out/e1", "out/e2", "--drama", "장마", "-o", "p.jsonl"))
    rows = read(Path("p.jsonl"), Example)
    assert [(e.response, e.rejected, e.drama) for e in rows] == [
        ("소영이 걷는다, e1.", (LINES[0][0],), "장마"),
        ("소영이 걷는다, e2.", (LINES[0][0],), "장마"),
    ]
    assert "edit: 2" in told
    assert Path("p.card.md").is_file()


@pytest.mark.parametrize("task", ["CAUSAL_LM", "SEQ_CLS"])
def test_an_adapter_is_judged_on_the_base_it_was_trained_on(vdesc: Vdesc, tmp_path: Path, task: str) -> None:
    from tests.checkpoints import causal as checkpoints

    base = checkpoints.causal(tmp_path / "base")
    checkpoints.lora(tmp_path / "adapters" / "mine", base, task)
    rows = [
        Example.model_validate(GOOD | {"prompt": f"{n} 화면해설:", "places": [n % 2, 1 - n % 2], "split": part})
        for n in range(6) for part in ("train", "test")
    ]  # fmt: skip
    write(tmp_path / "x.jsonl", rows)
    told = good(vdesc("finetune", "evaluate", "--adapter", "adapters/mine", "--data", "x.jsonl", "-o", "report",
                      "--set", "ranking.device=cpu"))  # fmt: skip
    found = json.loads((tmp_path / "report" / "evaluation.json").read_text())
    assert [j["name"] for j in found["judges"]] == ["random", "first", "longest", "heuristic", "base", "mine"]
    assert found["examples"] == 6
    assert "accuracy@1" in told
    code, _, error = vdesc("finetune", "evaluate", "--adapter", "adapters/none", "--data", "x.jsonl", "-o", "r")
    assert (code, "adapters/none" in error) == (cli.INPUT, True)


def test_two_scripts_are_compared(vdesc: Vdesc) -> None:
    Path("ours.vtt").write_text(HUMAN.replace("빗길을", "빗속을"), encoding="utf-8")
    Path("theirs.vtt").write_text(HUMAN, encoding="utf-8")
    told = good(vdesc("finetune", "compare", "ours.vtt", "theirs.vtt", "-o", "report"))
    assert "report/descriptions.html" in told
    assert json.loads(Path("report/descriptions.json").read_text())["coverage"] == 1.0


@pytest.mark.slow
def test_a_real_run_s_candidates_are_collected_and_preferred(vdesc: Vdesc, sample_film: Path, tmp_path: Path) -> None:
    assert vdesc("run", sample_film, "--config", "embedded", "--until", "ranking")[0] == 0
    offered = Workspace(tmp_path / "out" / "sample" / "workspace").read(Draft)
    lines: list[DataRow] = [
        Truth.model_validate({"caption": c.text, "episode": "out/sample", "time": 0.0, "end": 600.0, "drama": "견본"})
        for c in offered[:1]
    ]
    write(tmp_path / "truth.jsonl", lines)
    good(vdesc("finetune", "candidates", "--episodes", "out/", "--truth", "truth.jsonl", "-o", "c.jsonl"))
    rows = read(tmp_path / "c.jsonl", Offered)
    assert sorted(text for row in rows for text in row.captions) == sorted(c.text for c in offered)
    assert all((tmp_path / str(row.image)).is_file() for row in rows)
    good(vdesc("finetune", "select", "--truth", "truth.jsonl", "--candidates", "c.jsonl", "--likeness", "chrf",
               "--least", "0", "-o", "sft.jsonl"))  # fmt: skip
    assert read(tmp_path / "sft.jsonl", Example)[0].prompt.endswith("화면해설:")
