"""Values of the metrics, pinned to what is published or worked out by hand."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from finetune.descriptions import overlap, tokens, variety
from finetune.descriptions.neighbours import recall_within_neighbours
from finetune.descriptions.people import name_iou, named


def cut(*texts: str) -> tokens.Tokens:
    return [text.split() for text in texts]


def test_korean_is_cut_into_morphemes_and_characters() -> None:
    assert tokens.words(["문이 열린다!"], "ko") == [["문", "이", "열리", "ᆫ다"]]
    assert tokens.words(["OK, LG 3대."], "ko") == [["ok", "lg", "3", "대"]]
    assert tokens.words(["The old man, Proog, doesn't."], "en") == [["the", "old", "man", "proog", "doesn't"]]
    assert tokens.characters(["문이 연다 3!"]) == [["문", "이", "연", "다", "3"]]
    decomposed = unicodedata.normalize("NFD", "문이 열린다.")
    assert tokens.characters([decomposed]) == tokens.characters(["문이 열린다."])


@pytest.mark.parametrize(
    ("texts", "language"), [(["문이 열린다."], "ko"), (["The door opens."], "en"), (["Proog가 문을 열고 나간다"], "ko")]
)
def test_language_is_told_by_letters(texts: list[str], language: str) -> None:
    assert tokens.language_of(texts) == language


def test_bleu_of_sacrebleus_readme() -> None:
    """The example of sacrebleu's README: BLEU 48.53 with two references; with the first alone, by hand below."""
    from sacrebleu.metrics.bleu import BLEU

    system = ["The dog bit the man.", "It wasn't surprising.", "The man had just bitten him."]
    first = ["The dog bit the man.", "It was not unexpected.", "The man bit him first."]
    second = ["The dog had bit the man.", "No one was surprised.", "The man had bitten the dog."]
    assert BLEU().corpus_score(system, [first, second]).score == pytest.approx(48.53, abs=0.005)
    cutter = BLEU().tokenizer
    ours, theirs = ([cutter(text).split() for text in side] for side in (system, first))
    assert overlap.bleu(ours, theirs, 4) == pytest.approx(BLEU().corpus_score(system, [first]).score)


def test_bleu_by_hand() -> None:
    """5 of 6 words and 3 of 5 pairs of words are shared, lengths equal: √(5/6 · 3/5)."""
    ours, theirs = cut("the cat sat on the mat"), cut("the cat lay on the mat")
    assert overlap.bleu(ours, theirs, 1) == pytest.approx(100 * 5 / 6)
    assert overlap.bleu(ours, theirs, 2) == pytest.approx(100 * math.sqrt(5 / 6 * 3 / 5))
    assert overlap.bleu(cut("the cat"), cut("the cat sat down"), 1) == pytest.approx(100 * math.exp(1 - 4 / 2))


def test_chrf_by_hand() -> None:
    """ "ab" beside "abc": of 1-grams 2 of 2 and 2 of 3, of 2-grams 1 of 1 and 1 of 2; the other orders are absent.

    chrF averages precision and recall over the orders both texts have: P = 1, R = 7/12; F2 = 5PR / (4P + R).
    """
    recall = (2 / 3 + 1 / 2) / 2
    assert overlap.chrf(["ab"], ["abc"]) == pytest.approx(100 * 5 * recall / (4 + recall))


def test_rouge_l_by_hand() -> None:
    """Lin 2004: "police killed the gunman" against "police kill the gunman" has ROUGE-L 3/4, the reverse order 2/4."""
    truth = cut("police killed the gunman")
    assert overlap.rouge_l(cut("police kill the gunman"), truth) == pytest.approx([3 / 4])
    assert overlap.rouge_l(cut("the gunman kill police"), truth) == pytest.approx([2 / 4])
    assert overlap.rouge_l(cut("police kill"), truth) == pytest.approx([2 * (1 / 2) * (1 / 4) / (1 / 2 + 1 / 4)])
    assert overlap.rouge_l([[]], truth) == pytest.approx([0.0])


def test_meteor_of_nltks_documentation_without_synonyms() -> None:
    """nltk documents 0.6944; "always" and "forever" and the like are no synonyms there either."""
    ours = cut("It is a guide to action which ensures that the military always obeys the commands of the party")
    theirs = cut("It is a guide to action that ensures that the military will forever heed Party commands")
    assert overlap.meteor(ours, theirs) == pytest.approx([0.6944], abs=5e-5)


def test_meteor_by_hand() -> None:
    """One chunk of three matches: F = 1 and the penalty 0.5 / 3³; stems match, synonyms do not."""
    whole = 1 - 0.5 / 27
    assert overlap.meteor(cut("두 사람 걷"), cut("두 사람 걷")) == pytest.approx([whole])
    assert overlap.meteor(cut("doors opening wide"), cut("door opens wide")) == pytest.approx([whole])
    assert overlap.meteor(cut("car"), cut("automobile")) == pytest.approx([0.0])
    assert overlap.meteor([[]], cut("a")) == pytest.approx([0.0])


def test_cider_d_by_hand() -> None:
    """Two lines whose every n-gram is in one of them, so every n-gram weighs ln 2.

    The first of ours is its reference: 10. The second has "a b" of "a b c d" alone: cosines 2/√8 (unigrams; two of
    weight ln 2 beside four) and 1/√3 (bigrams), length penalty exp(−2² / 72), mean over four orders, times 10.
    """
    theirs = cut("p q r s", "a b c d")
    ours = cut("p q r s", "a b")
    second = 10 * (2 / math.sqrt(8) + 1 / math.sqrt(3)) / 4 * math.exp(-4 / 72)
    assert overlap.cider_d(ours, theirs) == pytest.approx([10.0, second])
    assert overlap.cider_d(cut("a b"), cut("a b")) == pytest.approx([0.0])
    assert overlap.cider_d([], []).shape == (0,)


def test_cider_d_clips_what_is_said_too_often() -> None:
    """ "a a a a" against "a b c d" counts its a once: without clipping (CIDEr) it would count four times."""
    theirs = cut("p q r s", "a b c d")
    once = 10 * (1 * 1) / (4 * math.sqrt(4)) / 4
    assert overlap.cider_d(cut("p q r s", "a a a a"), theirs)[1] == pytest.approx(once)


def test_distinct_by_hand() -> None:
    lines = cut("a b a", "a b")
    assert variety.distinct(lines, 1) == pytest.approx(2 / 5)
    assert variety.distinct(lines, 2) == pytest.approx(2 / 3)
    assert math.isnan(variety.distinct(cut("a"), 2))


@given(st.lists(st.lists(st.sampled_from("abcde"), min_size=1, max_size=7), min_size=2, max_size=6))
def test_self_bleu_is_sacrebleus(lines: list[list[str]]) -> None:
    from sacrebleu.metrics.bleu import BLEU

    metric = BLEU(tokenize="none", effective_order=True, force=True)
    joined = [" ".join(line) for line in lines]
    each = [metric.sentence_score(line, joined[:n] + joined[n + 1 :]).score for n, line in enumerate(joined)]
    assert variety.self_bleu(lines) == pytest.approx(np.mean(each))


def test_one_line_said_again_and_again_is_seen() -> None:
    assert variety.self_bleu(cut("a b c d e", "a b c d e")) == pytest.approx(100.0)
    assert variety.self_bleu(cut("a b c", "d e f")) == 0.0
    assert math.isnan(variety.self_bleu(cut("a")))


def test_repetition_by_hand() -> None:
    """Second line: ab of ab, bx; third: nothing of its two; a line of one word is passed over."""
    assert variety.repetition(cut("a b c", "a b x", "c d e")) == pytest.approx((1 / 2 + 0) / 2)
    assert variety.repetition(cut("a b", "a b")) == 1.0
    assert math.isnan(variety.repetition(cut("a b", "a")))


class Planned:
    """Likeness by a table."""

    name = "planned"

    def __init__(self, table: dict[tuple[str, str], float]) -> None:
        self.table = table

    def of(self, truths: Sequence[str], texts: Sequence[str]) -> NDArray[np.float64]:
        return np.array([self.table.get(pair, 0.0) for pair in zip(texts, truths, strict=True)])


def test_recall_by_hand() -> None:
    """Windows of 4 at 0 and 2. a finds its own; b likes C more; c, d, e, f: c and d found, e not (likes C), f found."""
    ours, theirs = list("abcdef"), list("ABCDEF")
    table = {(text, text.upper()): 0.5 for text in ours} | {("b", "C"): 0.9, ("e", "C"): 0.9}
    assert recall_within_neighbours(ours, theirs, Planned(table), top=1, window=4) == pytest.approx((3 / 4 + 3 / 4) / 2)
    assert recall_within_neighbours(ours, theirs, Planned(table), top=2, window=4) == 1.0


def test_recall_is_chance_where_nothing_is_told_apart() -> None:
    assert recall_within_neighbours(["x"] * 16, ["y"] * 16, Planned({})) == pytest.approx(5 / 16)
    assert math.isnan(recall_within_neighbours(["x"] * 15, ["y"] * 15, Planned({})))


def test_lines_behind_the_last_whole_window_do_not_count() -> None:
    ours, theirs = list("abcde"), list("ABCDE")
    table = {(text, text.upper()): 0.5 for text in "abcd"} | {("e", "D"): 0.9}
    assert recall_within_neighbours(ours, theirs, Planned(table), top=1, window=4) == 1.0


PEOPLE = {"giju": ("김기주", "Kim Gi-ju"), "sujin": ("박수진",), "emma": ("Emma Stone", "엠마"), "proog": ("Proog",)}


@pytest.mark.parametrize(
    ("text", "who"),
    [
        ("김기주가 문을 연다.", {"giju"}),
        ("기주에게서 박수진은 우산을 받는다.", {"giju", "sujin"}),
        ("수진이가 웃는다", {"sujin"}),
        ("엠마와 수진이네 집.", {"emma", "sujin"}),
        ("엠마누엘이 온다. 수진동 골목.", set()),
        ("emma stands. Kim laughs, and Proog's hat falls.", {"emma", "giju", "proog"}),
        ("Emmanuel stands. 남자가 걷는다.", set()),
    ],
)
def test_names_with_particles(text: str, who: set[str]) -> None:
    assert named([text], PEOPLE) == [who]


def test_a_short_form_of_two_people_names_neither() -> None:
    people = {"a": ("김기주",), "b": ("이기주",)}
    assert named(["기주가 웃는다", "이기주가 웃는다"], people) == [set(), {"b"}]


def test_name_iou_by_hand() -> None:
    """Same person 1, one of two ½, nobody 0; a human line without names does not count."""
    theirs = ["김기주가 온다.", "기주가 수진을 본다.", "박수진이 간다.", "비가 온다."]
    ours = ["기주가 온다.", "김기주가 그녀를 본다.", "그녀가 간다.", "김기주가 간다."]
    assert name_iou(ours, theirs, PEOPLE) == pytest.approx([1.0, 0.5, 0.0])
    assert name_iou(["비."], ["비."], PEOPLE).size == 0
