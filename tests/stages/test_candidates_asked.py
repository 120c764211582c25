"""What the stage asks a captioner, keeps, asks again, and says of it; without any model."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from pydantic import BaseModel, Field

from data.errors import ConfigError, StageError, UserError
from data.records import Context, Detection, Draft, Evidence, Gap, Keyframe, OnScreenText, Person, RefusedDraft
from pipeline import config as settings
from stages import STAGES
from stages.candidates import Config, run
from stages.candidates.judging import support
from stages.candidates.prompt import Answers, Caption, Captioner, Prompt, SeenPerson, SeenText, Thing
from stages.candidates.questions import crops, overlap, questions
from stages.candidates.rendering import Templates
from stages.models import FREE
from stages.sources import RunSettings
from stages.stage import Job
from tests.conftest import ROOT
from tests.stages.test_candidates import context

BOX = (0.1, 0.1, 0.2, 0.2)
MakeJob = Callable[..., Job[Any]]


class Model(Captioner):
    """A captioner that answers each prompt by `answer` and remembers what it was asked."""

    class Options(BaseModel):
        """Two settings, one of which changes nothing."""

        seed: int = 1
        pace: int = Field(1, json_schema_extra=FREE)

    def __init__(
        self, answer: Callable[[Prompt, int], list[str]], fails_at: int = 10**6, identity: str = "v1", **options: Any
    ) -> None:
        super().__init__(self.Options(**options))
        self.answer, self.fails_at, self.version = answer, fails_at, identity
        self.asked: list[tuple[Prompt, int]] = []
        self.images: list[bytes] = []

    def identity(self) -> dict[str, Any]:
        return {"version": self.version}

    def caption(
        self, images: Sequence[bytes], prompts: Sequence[Sequence[Prompt]], n: int
    ) -> Iterator[tuple[int, Answers]]:
        self.images += images
        for keyframe in reversed(range(len(prompts))):
            answers: list[list[Caption] | None] = []
            for prompt in prompts[keyframe]:
                if len(self.asked) < self.fails_at:
                    self.asked.append((prompt, n))
                    answers.append([Caption(t, "visual", "short") for t in self.answer(prompt, n)])
                else:
                    answers.append(None)
            yield keyframe, answers
            if None in answers:
                raise UserError("the service is down")


def words(prompt: Prompt, n: int) -> list[str]:
    """Another sentence for every question."""
    return [f"{prompt.syllables}음절과 {i + 1}번 {prompt.style == 'basic'} 문이 열린다." for i in range(n)]


@pytest.fixture
def film(make_job: MakeJob, tmp_path: Path) -> Callable[..., Job[Any]]:
    """A job over five keyframes with pictures of their own."""

    def build(backend: Any, contexts: Sequence[Context] | None = None, gaps: Sequence[Gap] = (), **config: Any) -> Any:
        contexts = contexts or [context(k) for k in range(1, 6)]
        stills = [still(tmp_path, c.keyframe, int(c.keyframe[1:]) * 20) for c in contexts]
        records = {Context: contexts, Keyframe: stills, Gap: gaps}
        return make_job(Config(**config), records, folders={Keyframe: tmp_path}, backend=backend)

    return build


def still(folder: Path, name: str, level: int) -> Keyframe:
    picture = np.full((360, 640, 3), level % 256, np.uint8)
    (folder / f"{name}.jpg").write_bytes(cv2.imencode(".jpg", picture)[1].tobytes())
    return Keyframe(id=name, shot="s", time=0, image=f"{name}.jpg", sharpness=1, luma=1, look=())


def gap(start: float, end: float, usable: bool = True) -> Gap:
    return Gap(
        id=f"g{start}", start=start, end=end, lead_in=0.3, lead_out=0.3, bed="ambience", loudness=-40, usable=usable
    )


def told(job: Job[Any]) -> list[Draft]:
    return list(run(job))


# --- questions


def test_the_questions_of_a_keyframe_cover_all_lengths() -> None:
    asked = questions(Prompt("ko"), ("basic", "strict"), 4)
    assert {p.length for p in asked} == {"short", "standard", "rich"}
    assert [p.style for p in asked] == ["basic", "strict"] * 2
    assert len({(p.style, p.length) for p in asked}) == 4


@pytest.mark.parametrize("n", range(1, 27))
@pytest.mark.parametrize("styles", [("basic",), ("strict",), ("basic", "strict"), ("strict", "basic")])
def test_never_more_questions_than_candidates(n: int, styles: Any) -> None:
    asked = questions(Prompt("ko"), styles, n)
    assert len(asked) == min(n, 3 * len(styles)) == len({(p.style, p.length) for p in asked})
    if n >= 4 or (n == 3 and len(styles) == 1):
        assert {p.length for p in asked} == {"short", "standard", "rich"}


def test_lengths_end_with_the_longest_gap_in_reach(film: Callable[..., Job[Any]]) -> None:
    contexts = [context(1), context(2), context(9)]
    gaps = [gap(11, 12.6), gap(25, 28.6), gap(21, 40, usable=False)]
    backend = Model(words)
    told(film(backend, contexts, gaps))
    spoken = {(p.lengths["rich"], p.seconds) for p, _ in backend.asked}
    assert {(1.0, 1.0), (3.0, 2.5), (3.0, 3.0)} <= spoken  # 1.6 and 3.6 s without their guards
    assert {(7.0, 2.5), (7.0, 4.5), (7.0, 7.0)} <= spoken  # no gap is near the third
    assert sum(s == 1.0 for _, s in spoken) == 1
    first = [(p.style, n) for p, n in backend.asked if p.lengths["rich"] == 1.0]
    assert first == [("basic", 2), ("strict", 2)]  # equal lengths are asked for once


def test_budgets_are_said_in_syllables(film: Callable[..., Job[Any]]) -> None:
    backend = Model(words)
    told(film(backend, [context(1)]))
    for prompt, _ in backend.asked:
        assert f"{int(4.5 * prompt.seconds)}음절" in prompt.text


def test_questions_begin_with_the_same_words(film: Callable[..., Job[Any]]) -> None:
    rich = context(
        1,
        texts=(
            OnScreenText(text="서울역", role="sign", first_seen=10, last_seen=12, score=0.9, box=BOX),
            OnScreenText(text="들리는 말", role="subtitle", first_seen=10, last_seen=12, score=0.9, box=BOX),
        ),
        persons=(Person(id="민수", call="@민수", emotion="sad", box=BOX),),
        names=("@민수", "@영희"),
        objects=tuple(
            Detection(id=i, keyframe="k", label="dog", score=0.9, box=BOX, track=t)
            for i, t in (("a", "x"), ("b", "x"), ("c", ""))
        ),
        light="night",
        dialogue_before="어디 가?",
        dialogue_after="집에.",
    )
    backend = Model(words)
    told(film(backend, [rich]))
    texts = [p.text for p, _ in backend.asked]
    shared = os.path.commonprefix(texts)  # noqa: RUF071 – letters are meant
    for known in ("서울역", "@민수, @영희", "개 2", "밤", "어디 가?", "집에.", "슬픈 표정"):
        assert known in shared
    assert "들리는 말" not in shared
    assert len({p.system for p, _ in backend.asked}) == 1
    assert all(len(text) - len(shared) < 420 for text in texts)


def test_later_groups_are_told_the_lines_of_earlier_ones(film: Callable[..., Job[Any]]) -> None:
    backend = Model(words)
    found = told(film(backend, together=2, n=1))
    previous = {p.previous for p, _ in backend.asked}
    firsts = [c.text for c in found]
    assert previous == {(), tuple(firsts[:2]), tuple(firsts[:4])}
    assert all(line in p.text for p, _ in backend.asked for line in p.previous)


# --- keeping


def test_nothing_is_asked_twice(film: Callable[..., Job[Any]]) -> None:
    first, second = Model(words), Model(words)
    assert told(film(first)) == told(film(second))
    assert len(first.asked) == 20
    assert second.asked == []


@pytest.mark.parametrize("fails_at", [1, 7, 8, 13, 19])
def test_a_broken_run_goes_on_where_it_stopped(film: Callable[..., Job[Any]], fails_at: int) -> None:
    broken, mended = Model(words, fails_at), Model(words)
    with pytest.raises(UserError, match="down"):
        told(film(broken, together=3))
    found = told(film(mended, together=3))
    assert len(broken.asked) == fails_at
    assert len(broken.asked) + len(mended.asked) == 20
    assert [c.keyframe for c in found] == [f"k{k:04d}" for k in range(1, 6) for _ in range(4)]


KILLED = """
import os, signal, sys
from pathlib import Path
import tests.stages.test_candidates_asked as t
from data.records import Context, Gap, Keyframe
from stages.candidates import Config, run
from stages.sources import RunSettings, Surroundings
from stages.stage import Job
from tests.conftest import plain_episode

folder, log = Path(sys.argv[1]), Path(sys.argv[2])

def answer(prompt, n):
    with log.open("a") as file:
        file.write(prompt.text.replace("\\n", " ") + "\\n")
    if len(log.read_text().splitlines()) == int(sys.argv[3]):
        os.kill(os.getpid(), signal.SIGKILL)
    return t.words(prompt, n)

contexts = [t.context(k, dialogue_before=str(k)) for k in range(1, 6)]
rows = {Context: contexts, Keyframe: [t.still(folder, c.keyframe, 9) for c in contexts], Gap: []}
cache = folder / "cache"
cache.mkdir(exist_ok=True)
upstream = {kind: (folder, lambda r=r: r) for kind, r in rows.items()}
around = Surroundings(plain_episode(), RunSettings())
job = Job(plain_episode(), Config(together=2), folder, cache, t.Model(answer), upstream, around)
print(len(list(run(job))))
"""


def test_a_killed_run_goes_on_where_it_stopped(tmp_path: Path) -> None:
    log = tmp_path / "asked"
    done = []
    for kill_at in (6, 15, 0):
        command = [sys.executable, "-c", KILLED, str(tmp_path), str(log), str(kill_at)]
        done.append(subprocess.run(command, cwd=ROOT, capture_output=True, text=True))
    assert [d.returncode for d in done] == [-9, -9, 0], done[-1].stderr
    assert done[-1].stdout.strip() == "20"
    asked = log.read_text().splitlines()
    # Killed with the answer on its lips: the keyframe it was about is asked once more, no other one.
    assert len(set(asked)) == 20
    assert len(asked) <= 20 + 2 * 4
    assert not list((tmp_path / "cache").glob("*.partial"))


def test_what_answers_depend_on(film: Callable[..., Job[Any]], tmp_path: Path) -> None:
    def asked(model: Model, **config: Any) -> int:
        told(film(model, **config))
        return len(model.asked)

    assert asked(Model(words)) == 20
    assert asked(Model(words, pace=9)) == 0
    assert asked(Model(words, seed=2)) == 20
    assert asked(Model(words, identity="v2")) == 20
    assert asked(Model(words), n=5) == 5  # the length that was not asked for
    own = tmp_path / "own.j2"
    own.write_text('{% extends "basic.ko.j2" %}{% block rules %}짧게.{% endblock %}', encoding="utf-8")
    assert asked(Model(words), n=2, styles=("basic",), templates={"basic": own}) == 5  # both lengths read the same


def test_a_damaged_answer_is_asked_for_again(film: Callable[..., Job[Any]]) -> None:
    job = film(Model(words))
    told(job)
    one, other, *_ = sorted(job.cache.glob("*.json"))
    one.write_text("[{", encoding="utf-8")
    other.unlink()
    again = Model(words)
    told(film(again))
    assert len(again.asked) == 2


def test_a_captioner_that_forgets_a_keyframe(film: Callable[..., Job[Any]]) -> None:
    class Forgetful(Model):
        def caption(self, images: Any, prompts: Any, n: int) -> Iterator[tuple[int, Answers]]:
            return (pair for pair in super().caption(images, prompts, n) if pair[0] != 1)

    with pytest.raises(StageError, match="left out a question"):
        told(film(Forgetful(words)))


def test_a_missing_still(film: Callable[..., Job[Any]], tmp_path: Path) -> None:
    job = film(Model(words))
    (tmp_path / "k0003.jpg").unlink()
    with pytest.raises(StageError, match=r"k0003\.jpg"):
        told(job)


# --- the gate


def test_what_is_refused_is_asked_for_once_more(film: Callable[..., Job[Any]]) -> None:
    def answer(prompt: Prompt, n: int) -> list[str]:
        return words(prompt, n) if prompt.attempt else ["죄송합니다, 이미지를 볼 수 없습니다."] * n

    backend = Model(answer)
    job = film(backend, [context(1)])
    assert len(told(job)) == 4
    assert [(p.attempt, n) for p, n in backend.asked] == [(0, 1)] * 4 + [(1, 1)] * 4
    assert job.notes == []


def test_only_as_many_as_are_missing(film: Callable[..., Job[Any]]) -> None:
    def answer(prompt: Prompt, n: int) -> list[str]:
        good = words(prompt, n)
        return good if prompt.attempt or prompt.style == "strict" else ["None", *good[:1], "A door opens."]

    backend = Model(answer)
    told(film(backend, [context(1)], styles=("basic", "strict"), n=18))
    assert {n for p, n in backend.asked if not p.attempt} == {3}
    assert [(p.style, n) for p, n in backend.asked if p.attempt] == [("basic", 2)] * 3


def test_what_is_refused_twice_is_dropped_with_its_reason(film: Callable[..., Job[Any]]) -> None:
    def answer(prompt: Prompt, n: int) -> list[str]:
        if prompt.style == "strict":
            return []
        return ["{'text': 문이 열린다}"] * n if prompt.attempt else ["A door opens."] * n

    job = film(Model(answer), [context(1)], n=2)
    assert told(job) == []
    assert sorted(n.text for n in job.notes) == [
        "1 captions were refused and will not be spoken: data instead of a sentence",
        "1 captions were refused and will not be spoken: nothing to say: the line is empty",
    ]


def test_what_is_refused_is_kept_with_its_text_and_reason(film: Callable[..., Job[Any]]) -> None:
    """What was refused and asked for again too; and just so where the answers were kept."""

    def answer(prompt: Prompt, n: int) -> list[str]:
        return words(prompt, n) if prompt.attempt else ["A door opens."] * n

    for _ in range(2):
        job = film(Model(answer), [context(1)], n=1)
        assert len(told(job)) == 1
        (refused,) = RefusedDraft.open(job.folder)
        assert (refused.keyframe, refused.text, refused.model) == (context(1).keyframe, "A door opens.", "facts")
        assert "not Korean" in str(refused.why)


def test_what_is_more_than_asked_for_is_kept_too(film: Callable[..., Job[Any]]) -> None:
    texts = ("문이 열린다.", "창이 열린다.", "책이 놓여 있다.")
    job = film(Model(lambda *_: list(texts)), [context(1)], n=2)
    assert [draft.text for draft in told(job)] == list(texts[:2])
    assert {draft.text: str(draft.why) for draft in RefusedDraft.open(job.folder)} == {
        texts[2]: "more than 2 captions of one keyframe (candidates.n)"
    }


def test_the_same_words_are_offered_once(film: Callable[..., Job[Any]]) -> None:
    found = told(film(Model(lambda *_: ["문이 열린다."]), [context(1)]))
    assert [c.text for c in found] == ["문이 열린다."]


# --- evidence and regions


def test_evidence_is_what_the_caption_names() -> None:
    prompt = Prompt(
        "ko",
        texts=(SeenText("서울역", "sign", 0.9, BOX), SeenText("안녕", "subtitle", 0.9, BOX)),
        things=(Thing("개", 0.8, BOX), Thing("의자", 0.7, BOX), Thing("개", 0.6, BOX)),
        persons=(SeenPerson("@민수", "", BOX), SeenPerson("", "", BOX)),
    )
    found = support("@민수가 개를 데리고 서울역으로 간다. 안녕.", prompt)
    assert [(e.kind, e.value, e.score) for e in found] == [
        ("text", "서울역", 0.9), ("face", "@민수", None), ("object", "개", 0.8),
    ]  # fmt: skip
    assert support("조개를 줍는다.", prompt) == ()


def test_english_names_are_whole_words() -> None:
    prompt = Prompt("en", things=(Thing("cat", 0.8, BOX), Thing("bus", 0.7, BOX)))
    assert [e.value for e in support("Two cats sit in a bus.", prompt)] == ["cat", "bus"]
    assert support("A catalogue on a busy street.", prompt) == ()


def region_words(prompt: Prompt, n: int) -> list[str]:
    return ["파란 우산을 든 여자다."] if "잘라 낸 부분" in prompt.text else words(prompt, n)


def test_regions_are_described_kept_and_told(film: Callable[..., Job[Any]]) -> None:
    big, small = (0.1, 0.1, 0.5, 0.6), (0.7, 0.1, 0.2, 0.3)
    seen = context(
        1,
        objects=(
            Detection(id="a", keyframe="k", label="person", score=0.9, box=big, track="a"),
            Detection(id="b", keyframe="k", label="umbrella", score=0.9, box=small, track="b"),
        ),
    )
    backend = Model(region_words)
    found = told(film(backend, [seen], regions=1, n=2))
    region = Evidence(kind="region", value="파란 우산을 든 여자다.", box=big, keyframe="k0001")
    assert [[e for e in c.evidence if e.kind == "region"] for c in found] == [[region], [region]]
    assert all("파란 우산을 든 여자다." in p.text for p, _ in backend.asked[1:])
    cut = cv2.imdecode(np.frombuffer(backend.images[0], np.uint8), cv2.IMREAD_COLOR)
    assert cut.shape[:2] == (round(0.76 * 360) - round(0.04 * 360), round(0.65 * 640) - round(0.05 * 640))
    again = Model(region_words)
    told(film(again, [seen], regions=1, n=2))
    assert again.asked == []


def test_parts_that_show_nothing_or_the_same_are_left_out(tmp_path: Path) -> None:
    still(tmp_path, "k", 9)
    person, almost, speck = (0.1, 0.1, 0.4, 0.8), (0.11, 0.1, 0.4, 0.8), (0.9, 0.9, 0.01, 0.01)
    prompt = Prompt("ko", things=tuple(Thing("x", 1, b) for b in (speck, almost)), faces=((0.9, person),))
    assert [box for box, _ in crops(tmp_path / "k.jpg", prompt, 5)] == [almost]
    assert overlap(person, person) == pytest.approx(1)
    assert overlap(person, speck) == 0 == overlap((0, 0, 0, 0), (0, 0, 0, 0))


def test_regions_want_a_captioner_that_looks(film: Callable[..., Job[Any]]) -> None:
    backend = Model(words)
    backend.needs_images = False
    with pytest.raises(ConfigError, match=r"candidates\.regions"):
        told(film(backend, regions=2))


# --- templates


def test_own_templates(film: Callable[..., Job[Any]], tmp_path: Path) -> None:
    own = tmp_path / "내 지시문.j2"
    own.write_text(
        "{% block system %}나{% endblock %}\n{% block user %}{{ syllables }} {{ names }}{% endblock %}",
        encoding="utf-8",
    )
    backend = Model(words)
    told(film(backend, [context(1)], n=2, templates={"strict": own}))
    basic, strict = (p for p, _ in backend.asked)
    assert (strict.system, strict.text) == ("나", "11 ()")
    assert basic.system != "나"


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("{% block system %}", "does not work"),
        ("{% block system %}{% endblock %}{% block user %}{{ unknown }}{% endblock %}", "unknown"),
        ("{% block system %}{% endblock %}{% block user %}{{ names.x.y }}{% endblock %}", "does not work"),
        ("{% block system %}{% endblock %}{% block user %}{{ 1 / 0 }}{% endblock %}", "division"),
        ("{% block system %}{% endblock %}{% block user %}{{ ''.__class__.mro() }}{% endblock %}", "unsafe"),
        ('{% extends "absent.j2" %}', "absent"),
        ("{% block system %}{% endblock %}", "no block user"),
        ("plain", "no block system"),
    ],
)
def test_bad_templates(film: Callable[..., Job[Any]], tmp_path: Path, text: str, cause: str) -> None:
    own = tmp_path / "own.j2"
    own.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        told(film(Model(words), [context(1)], templates={"basic": own}))
    assert cause in str(caught.value)
    assert "own.j2" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_template_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "latin.j2").write_bytes("é".encode("latin-1"))
    for name in ("absent.j2", "latin.j2", "."):
        with pytest.raises(ConfigError, match=r"candidates\.templates"):
            Config(templates={"basic": tmp_path / name}).files()


def test_the_text_of_templates_is_in_the_key(tmp_path: Path) -> None:
    own = tmp_path / "own.j2"
    stage = next(s for s in STAGES if s.name == "candidates")
    keys = []
    for text in ("one", "two"):
        own.write_text(text, encoding="utf-8")
        loaded = settings.load("embedded", [f"candidates.templates.basic={own}"])
        keys.append(settings.ingredients(stage, loaded))
    assert keys[0] != keys[1]
    assert {f"templates.{style}.{lang}.j2" for style in ("basic", "strict", "region") for lang in ("ko", "en")} <= set(
        keys[0]
    )


@pytest.mark.parametrize("language", ["ko", "en"])
@pytest.mark.parametrize("name", ["", "region"])
def test_shipped_templates_say_everything_they_should(language: str, name: str) -> None:
    plain = Templates({}, language).worded(replace(Prompt(language), style="strict"), name)
    assert plain.system
    assert "None" not in plain.text + plain.system
    assert "\n\n\n" not in plain.text
    assert str(plain.syllables) in plain.text


def test_english(make_job: MakeJob, tmp_path: Path) -> None:
    backend = Model(lambda prompt, n: [f"A door opens {prompt.syllables} times, {prompt.style}."])
    records = {Context: [context(1)], Keyframe: [still(tmp_path, "k0001", 9)], Gap: []}
    job = make_job(
        Config(), records, folders={Keyframe: tmp_path}, backend=backend, settings=RunSettings(language="en")
    )
    assert len(told(job)) == 4
    assert all("Present tense" in p.text for p, _ in backend.asked if p.style == "strict")
