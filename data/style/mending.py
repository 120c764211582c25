"""Mending Korean sentences: the last predicate said again in the plain present.

Each mender takes a sentence and gives it back mended, or as it was where it cannot be sure to keep the meaning; the
rules try the result before anybody sees it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from data.style.morphology import Analysis, Morpheme, analysed, joined
from data.style.particles import wrong_particles
from data.text import language as lang

DECLARATIVE = re.compile(
    r"(?:[가-힣]*(?:습니다|네요|군요|지요|죠|거든요)|ㅂ니다|[아어여]요|에요|예요|이에요|해요|래요|대요)"
)
"""Polite endings that state; questions and requests (-습니까, -세요) say something else."""
RESULTING = re.compile(
    "입|쓰|신|끼|매|메|차|두르|걸치|들|안|업|쥐|잡|붙잡|움켜쥐|물|품|지니|가지|갖|타|감|걸|벗|앉|서|눕|기대|얹|맞대|꼬"
)
"""Verbs whose past may tell a state that lasts (안경을 썼다): in the present they would begin anew."""
THEN = re.compile(r"(?:어제|그제|아까|이미|벌써|방금|예전|옛날|과거|당시|지난|전에|때)(?![가-힣]{2})|\d+\S* 전")
"""Words of a time that is not now."""
STATES = ("있", "없", "계시")
HONOURING = ("시", "으시")
PREDICATES = ("VV", "VA", "VX", "VCP", "VCN", "XSV", "XSA")


def plain(sentence: str) -> str:
    """열립니다, 열려요 → 열린다; the past stays past."""
    analysis = analysed(sentence)
    end = _ending(analysis)
    if end is None or not DECLARATIVE.fullmatch(analysis.morphemes[end].form):
        return sentence
    return _said_again(analysis, end, lambda prefinals: prefinals)


def present(sentence: str) -> str:
    """열렸다 → 열린다, not where a word tells of another time or the past may be a state that lasts (안경을 썼다)."""
    analysis = analysed(sentence)
    end = _ending(analysis)
    if end is None or THEN.search(sentence) or not analysis.morphemes[end].form.endswith("다"):
        return sentence
    stem = _stem(analysis, end)
    if stem is None or RESULTING.fullmatch(analysis.morphemes[stem].form):
        return sentence
    return _said_again(analysis, end, lambda prefinals: [m for m in prefinals if m.form not in ("었", "았", "였")])


def not_honorific(sentence: str) -> str:
    """할머니께서 오신다 → 할머니가 온다."""
    analysis = analysed(sentence)
    end = _ending(analysis)
    if end is not None and analysis.morphemes[end].form.endswith("다"):
        sentence = _said_again(analysis, end, lambda prefinals: [m for m in prefinals if m.form not in HONOURING])
    parts = re.split(r"([가-힣]+)(께서는|께서|께)(?![가-힣])", sentence)
    pairs = {"께서는": "은/는", "께서": "이/가"}
    for at in range(1, len(parts), 3):
        noun, form = parts[at], parts[at + 1]
        parts[at] = lang.with_particle(noun, pairs[form]) if form in pairs else f"{noun}에게"
        parts[at + 1] = ""
    return "".join(parts)


def not_progressive(sentence: str) -> str:
    """걷고 있다 → 걷는다."""
    analysis = analysed(sentence)
    end = _ending(analysis)
    stem = _stem(analysis, end) if end is not None else None
    if end is None or stem is None or stem < 2 or analysis.morphemes[stem].form != "있":
        return sentence
    if analysis.morphemes[stem - 1].form != "고":
        return sentence
    return _said_again(analysis, end, lambda prefinals: prefinals, stem=stem - 2, skipped=2)


def finite(sentence: str) -> str:
    """문이 열리다 → 문이 열린다."""
    analysis = analysed(sentence)
    end = _ending(analysis)
    return sentence if end is None else _said_again(analysis, end, lambda prefinals: prefinals)


def right_particles(sentence: str) -> str:
    """민수은 → 민수는."""
    for wrong in sorted(wrong_particles(sentence), key=lambda w: -w.start):
        sentence = sentence[: wrong.start] + wrong.right + sentence[wrong.start + len(wrong.word) :]
    return sentence


MENDERS: Mapping[str, Callable[[str], str]] = {
    "plain": plain,
    "present": present,
    "not_honorific": not_honorific,
    "not_progressive": not_progressive,
    "finite": finite,
    "right_particles": right_particles,
}


def _ending(found: Analysis) -> int | None:
    """The number of the final ending, the last morpheme but for 요 and signs."""
    for number in range(len(found.morphemes) - 1, -1, -1):
        kind = found.morphemes[number].kind
        if kind in ("EF", "EC"):
            return number
        if not kind.startswith("S"):
            return None
    return None


def _stem(found: Analysis, end: int) -> int | None:
    """The number of the predicate that the ending and its prefinals (EP) follow."""
    number = end - 1
    while number >= 0 and found.morphemes[number].kind == "EP":
        number -= 1
    return number if number >= 0 and found.morphemes[number].kind in PREDICATES else None


def _said_again(
    found: Analysis,
    end: int,
    keep: Callable[[Sequence[Morpheme]], Sequence[Morpheme]],
    *,
    stem: int | None = None,
    skipped: int = 0,
) -> str:
    """The sentence with its predicate in the plain form, of the prefinal endings those that `keep` keeps.

    `stem`: number of the predicate, after which `skipped` morphemes are left out; else the last one.
    """
    stem = _stem(found, end) if stem is None else stem
    if stem is None or found.morphemes[stem].kind not in PREDICATES:
        return found.text
    prefinals = list(keep(found.morphemes[stem + 1 + skipped : end]))
    first = stem - 1 if stem and found.morphemes[stem].kind in ("VCP", "XSV", "XSA") else stem
    said = [(m.form, m.tag) for m in [*found.morphemes[first : stem + 1], *prefinals]]
    said.append((_plain_ending(found, stem, prefinals), "EF"))
    last = found.morphemes[end].end
    return found.text[: found.morphemes[first].start] + joined(said) + found.text[last:]


def _plain_ending(found: Analysis, stem: int, prefinals: Sequence[Morpheme]) -> str:
    """다 after adjectives, nouns and tense; 는다 (or ㄴ다, as the joiner sees fit) after verbs."""
    if any(m.form not in HONOURING for m in prefinals):
        return "다"
    return "는다" if _is_verb(found, stem) else "다"


def _is_verb(found: Analysis, stem: int) -> bool:
    predicate = found.morphemes[stem]
    if predicate.form in STATES or predicate.kind in ("VA", "XSA", "VCP", "VCN"):
        return False
    if predicate.form in ("않", "못하") and predicate.kind == "VX":  # 먹지 않는다, but 크지 않다
        before = next((n for n in range(stem - 1, -1, -1) if found.morphemes[n].kind in PREDICATES), None)
        return before is None or _is_verb(found, before)
    return predicate.form not in ("싶", "듯하", "듯싶", "만하")
