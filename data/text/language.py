"""Language as it is spoken: what the voice reads, how many syllables that is and how long it takes.

Korean text is read out in Hangul: numbers by their counters, Latin letters as `data.text.latin` says.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Callable
from pathlib import Path

from data.text import korean, latin

LEXICON = Path(__file__).parents[1] / "lexicon"
PLAN_RATE = {"ko": 4.5, "en": 3.75}
"""Syllables per second to plan with. ko: working value for 화면해설; en: 2.5 words/s of 1.5 syllables."""
SENTENCE_PAUSE = 0.35
COMMA_PAUSE = 0.3
# Seconds a voice rests inside a line. With them, espeak-ng speaks 20 lines within −14 … +30 % of the estimate.
SHORTEST = 0.6
"""Seconds: a voice needs so long for one syllable too, breath and fades included (measured: 0.5)."""

_NUMBER = r"\d{1,3}(?:,\d{3})+(?!\d)|\d+"
_CALL_CENTRES = "15(?:22|44|66|77|88|99)|16(?:00|33|44|55|60|61|66|68|70|77|88|99)|18(?:00|11|33|44|55|66|77|99)"
# Nation-wide numbers of eight digits (전국대표번호).
_UNITS = {
    "km": "킬로미터", "cm": "센티미터", "mm": "밀리미터", "kg": "킬로그램", "mg": "밀리그램",
    "ml": "밀리리터", "m²": "제곱미터", "m": "미터", "g": "그램", "l": "리터", "°c": "도", "°": "도", "%": "퍼센트",
    "%p": "퍼센트포인트", "ha": "헥타르", "t": "톤", "ft": "피트", "h": "시간",
    "kb": "킬로바이트", "mb": "메가바이트", "gb": "기가바이트", "tb": "테라바이트", "mbps": "메가비피에스",
    "w": "와트", "kw": "킬로와트", "v": "볼트", "hz": "헤르츠", "khz": "킬로헤르츠", "mhz": "메가헤르츠",
    "db": "데시벨",
}  # fmt: skip
_UNIT = "[Kk]m|cm|mm|[Kk]g|mg|m[lL]|m²|ha|ft|°C|°|%p|%|[KMGT]B|Mbps|k?W|V|[kM]?Hz|dB|[mglLth]"
# Signs that normalisation would break up or that nobody reads.
_PLAIN = str.maketrans({"㎡": "m²", "№": "No. ", "™": "", "®": "", "©": ""}) | {
    0x2160 + case + number: str(number + 1)
    for case in (0, 16)
    for number in range(12)  # Ⅰ … Ⅻ, ⅰ … ⅻ
}
_MONEY = {"$": "달러", "€": "유로", "£": "파운드", "¥": "엔", "₩": "원", "￦": "원"}
_JOINED = re.compile(
    r"(여|이|가|을|를|은|는|과|와|로|으로|의|에|에서|에게|까지|부터|보다|이라고|라고|이라는|라는|이다|다|이나|나)(?![가-힣])"
)


REMEMBERED = 16384
"""Lines whose syllables are kept: they are counted where lines are judged, chosen, spoken and checked."""


@functools.lru_cache(REMEMBERED)
def spoken(text: str, language: str) -> str:
    """`text` as the voice reads it, on one line; English keeps its digits."""
    text = " ".join(_compose(text).split())
    return _tidy(_spoken_korean(text) if language == "ko" else text)


@functools.lru_cache(REMEMBERED)
def syllables(text: str, language: str) -> int:
    """Syllables of `text` once it is read out.

    Hangul: one a block. Latin words and English: vowel groups, a silent final e not counted, at least one
    a word (the usual heuristic, about 90 % right on running English); digits as their English words.
    """
    read = spoken(text, language)
    hangul = len(re.findall(r"[가-힣ㄱ-ㅣ]", read))
    numbers = (_english_number(int(n.replace(",", "")[:12])) for n in re.findall(_NUMBER, read))
    words = re.findall(r"[A-Za-zÀ-ɏ]+(?:['’][a-z]+)?", " ".join([re.sub(_NUMBER, " ", read), *numbers]))
    return hangul + sum(map(_english_syllables, words))


def seconds(text: str, language: str, rate: float) -> float:
    """Estimated speaking time of `text` at `rate` syllables per second, with the pauses inside it, in seconds."""
    read = spoken(text, language).rstrip(" .!?…,")
    pauses = SENTENCE_PAUSE * len(re.findall(r"[.!?…]+\s", read)) + COMMA_PAUSE * len(re.findall(r"[,;:]\s", read))
    return max(syllables(read, language) / rate + pauses, SHORTEST)


def with_particle(word: str, particle: str) -> str:
    """`word` with the fitting form of a Korean particle named by both, "이/가": 사람이, LG는, 10과.

    Latin and digits go by their reading. What has no reading (Han characters) takes the form after a vowel.
    KeyError for a particle that is not in `korean.PARTICLES`.
    """
    heard = re.sub(r"[^\w]+$", "", spoken(word, "ko")) or " "
    latin = re.search(r"[A-Za-z]+$", heard)
    return korean.attach(word, particle, korean.latin_final(latin[0]) if latin else korean.final(heard[-1]))


def count_people(number: int, language: str) -> str:
    """`number` people as a phrase without a particle: 두 사람, two people."""
    if language == "ko":
        return f"{korean.native(number)} 사람"
    words = _english_number(number)
    return f"{words} person" if number == 1 else f"{words} people"


def _compose(text: str) -> str:
    """Full-width and ligature characters in their plain form; Hangul letters on their own stay as they are."""
    whole = unicodedata.normalize("NFC", text).translate(_PLAIN)
    plain = re.sub(r"[^ㄱ-ㆎ²]+", lambda run: unicodedata.normalize("NFKC", run[0]), whole)
    return plain.replace("⁄", "/")  # ½ comes apart with a fraction slash


def _tidy(text: str) -> str:
    """Without signs a voice stumbles over."""
    text = re.sub(r"[\"“”‘’「」『』《》〈〉*_|<>]|(?<!\w)'|'(?!\w)", "", text)
    text = re.sub(r"\s*(?:\.{2,}|…)+\s*$", ".", text)
    text = re.sub(r"\s*(?:\.{2,}|…)+", ",", text)
    text = re.sub(r"\s+[-–—]+\s+|[–—()\[\]]+", ", ", text)
    text = re.sub(r"\s+([,.!?])", r"\1", re.sub(r"[,;]\s*(?=[,.!?])", "", text))
    return " ".join(text.split()).strip(" ,;")


def _spoken_korean(text: str) -> str:
    for pattern, read in _RULES:
        text = pattern.sub(read, text)
    return _SYMBOL.sub(lambda m: f" {_SYMBOLS[m[0]]} ", text)


def _telephone(m: re.Match[str]) -> str:
    return " ".join(korean.one_by_one(part) for part in re.split("[-.]", m[0]))


def _date(m: re.Match[str]) -> str:
    return f"{m[1]}년 {int(m[2])}월 {int(m[3])}일"


def _clock(m: re.Match[str]) -> str:
    parts = [f"{int(m[1])}시"] + [f"{int(n)}{unit}" for n, unit in ((m[2], "분"), (m[3], "초")) if n and int(n)]
    return " ".join(parts)


def _few(m: re.Match[str]) -> str:
    """2~3명 → 두세 명; other ranges → 십에서 이십."""
    low, high = int(m[1]), int(m[2])
    follows = m.string[m.end() :].lstrip()
    pairs = {(1, 2): "한두", (2, 3): "두세", (3, 4): "서너", (4, 5): "네다섯", (5, 6): "대여섯"}
    if (low, high) in pairs and korean.counted(2, follows) == "두":
        return pairs[low, high] + " "
    return f"{korean.sino(low)}에서 {korean.sino(high)} "


def _month(m: re.Match[str]) -> str:
    return {6: "유", 10: "시"}.get(int(m[1]), korean.sino(int(m[1]))) + "월"


def _number(m: re.Match[str]) -> str:
    digits, part, myriad = m["whole"].replace(",", ""), m["part"], m["myriad"]
    follows = m.string[m.end() :].lstrip()
    if len(digits) > 16 or (len(digits) > 1 and digits[0] == "0"):
        read = korean.one_by_one(digits)
    elif part or myriad or m["ordinal"]:
        read = korean.sino(int(digits))
    else:
        read = korean.counted(int(digits), follows)
    if part:
        read += "점 " + "".join(korean.DIGITS[int(d)] for d in part)
    if myriad:
        read = ("" if read == "일" and myriad not in ("억", "조") else read) + myriad
    joined = not follows or not re.match(r"[가-힣\d]", follows) or _JOINED.match(m.string, m.end())
    before = " " if m.start() and re.match(r"[A-Za-z가-힣]", m.string[m.start() - 1]) and not m["ordinal"] else ""
    sign = {"-": "마이너스 ", "+": "플러스 "}.get(m["sign"] or "", "")
    return f"{before}{m['ordinal'] or ''}{sign}{read}" + ("" if joined else " ")


def _unit(m: re.Match[str]) -> str:
    return f"{m[1]} {_UNITS[m[2].lower()]}"


_RULES: tuple[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]], ...] = (
    *latin.RULES,
    (re.compile(rf"(?<!\d)(?:0\d{{1,3}}([-.])\d{{3,4}}\1\d{{4}}|(?:{_CALL_CENTRES})-\d{{4}})(?!\d)"), _telephone),
    (re.compile(r"(?<!\d)(\d{4})[./-] ?(\d{1,2})[./-] ?(\d{1,2})(?!\d)\.?"), _date),
    (re.compile(r"(?<![\d:])([01]?\d|2[0-4]):([0-5]\d)(?::([0-5]\d))?(?![\d:])"), _clock),
    (
        re.compile(r"(?<!\d)(\d{1,3}):(\d{1,3})(?!\d)"),
        lambda m: f"{korean.sino(int(m[1]))} 대 {korean.sino(int(m[2]))}",
    ),
    (re.compile(r"(?<!\d)(\d)[·ㆍ](\d{1,2})(?!\d)"), lambda m: korean.one_by_one(m[1] + m[2])),
    (
        re.compile(r"(?<!\d)(\d{1,3})/(\d{1,3})(?!\d)"),
        lambda m: f"{korean.sino(int(m[2]))}분의 {korean.sino(int(m[1]))}",
    ),
    (re.compile(rf"([$€£¥₩￦])\s?((?:{_NUMBER})(?:\.\d+)?)"), lambda m: f"{m[2]}{_MONEY[m[1]]}"),
    (re.compile(r"[-−](?=\d+(?:\.\d+)?\s?°)"), "영하 "),
    (re.compile(rf"({_NUMBER})(\.\d+)?\s?[Kk]m/h"), r"시속 \1\2km"),
    (re.compile(rf"({_NUMBER})(\.\d+)?\s?m/s"), r"초속 \1\2m"),
    (re.compile(rf"(\d)\s?({_UNIT})(?![A-Za-z])"), _unit),
    (re.compile(r"(?<![\d.,])(\d{1,4})\s?[~∼〜-]\s?(\d{1,4})(?![\d.,-])"), _few),
    (re.compile(r"(?<!\d)(1[0-2]|0?[1-9])월"), _month),
    (re.compile(r"(?<![\d.])(112|114|119|911)(?=[\s,.!?]|에|로|$)(?!\.\d)"), lambda m: korean.one_by_one(m[1])),
    (
        re.compile(
            rf"(?P<ordinal>제\s?)?(?P<sign>(?<![\w)])[-−+])?(?P<whole>{_NUMBER})(?:\.(?P<part>\d+))?(?P<myriad>[십백천]?[만억조]|[백천])?"
        ),
        _number,
    ),
    (re.compile(rf"{latin.WORD}(?:\s+{latin.WORD})*"), latin.phrase),
)
_SYMBOLS = {
    "&": "앤드",
    "@": "골뱅이",
    "#": "샵",
    "+": "플러스",
    "=": "는",
    "%": "퍼센트",
    "°": "도",
    "$": "달러",
    "×": "곱하기",
    "÷": "나누기",
} | (dict.fromkeys("~/^·ㆍ\\→←↑↓★☆♥♡●○■□▶◀※", ""))
_SYMBOL = re.compile("|".join(map(re.escape, _SYMBOLS)))

_SMALL = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety"
)
_ONES = _SMALL.split()[:20]
_TENS = ["", "", *_SMALL.split()[20:]]
_SCALES = ((10**9, "billion"), (10**6, "million"), (1000, "thousand"), (100, "hundred"))


def _english_number(number: int) -> str:
    """Words of 0 ≤ `number` < 10^12; years come out as numbers, one syllable or so too long."""
    if number < 20:
        return _ONES[number]
    if number < 100:
        return _TENS[number // 10] + ("-" + _ONES[number % 10] if number % 10 else "")
    scale, name = next(s for s in _SCALES if number >= s[0])
    rest = f" {_english_number(number % scale)}" if number % scale else ""
    return f"{_english_number(number // scale)} {name}{rest}"


def _english_syllables(word: str) -> int:
    if word.isupper() and not re.search("[AEIOUY]", word):
        return len(word) + 2 * word.count("W")
    word = re.sub(r"['’].*", "", word.lower())
    groups = len(re.findall(r"[aeiouyà-ɏ]+", word))
    silent = re.search(r"[^aeiouy]e$", word) and not re.search(r"[^aeiouy]le$", word)
    mute = re.search(r"[^aeiouytd]ed$|[^aeiouyscxzg]es$|[^aeiouy]es$(?<![scxzgh]es)", word)
    return max(1, groups - bool(silent) - bool(mute))
