"""Timed lines out of subtitle text. SubRip and (Advanced) SubStation Alpha are read by pysubs2.

WebVTT, SAMI and TTML are read here, for pysubs2 1.8 lets WebVTT notes and cue names run into the text and drops the
voices, guesses the ends of SAMI lines and joins its languages, and knows neither `dur` nor frames and ticks in TTML.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass

from data.errors import MediaError
from data.messages import tr
from data.subtitles.ttml import read_ttml
from data.text.iso639 import same_language


@dataclass(frozen=True)
class SubtitleLine:
    """One timed line as it stands in the file. Seconds; `style` is the style name of (A)SS."""

    start: float
    end: float
    text: str
    speaker: str | None = None
    style: str = ""


class MalformedError(ValueError):
    """The text breaks its format; `line` counts from 1."""

    def __init__(self, line: int, what: str) -> None:
        super().__init__(what)
        self.line = line


def parse(text: str, language: str, *, descriptions: bool = False) -> list[SubtitleLine]:
    """The lines of a subtitle file in any of the formats, told apart by content, in the order of the file.

    `language` chooses among the languages that one SAMI file holds. Raises MalformedError where the text breaks its
    format, MediaError for the cues of an audio description, which are no dialogue, unless `descriptions` are wanted.
    """
    head = text.lstrip()[:4096]
    if head.startswith("WEBVTT"):
        return list(_webvtt(text, descriptions))
    if re.search(r"<sami\b", head, re.I):
        return _sami(text, language)
    if re.match(r"(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)*<([\w.-]+:)?tt\b", head, re.S):
        return _ttml(text, descriptions)
    if re.search(r"^\[(Script Info|V4\+? Styles|Events)\]", head, re.I | re.M):
        return _pysubs2(text, "ass" if "V4+" in text else "ssa")
    if re.search(r"\d\s*-->\s*\d", text):
        _check_arrows(text)
        return _pysubs2(text, "srt")
    raise MalformedError(1, tr("neither SRT, VTT, ASS, SSA, SMI nor TTML"))


def _description() -> MediaError:
    return MediaError("This holds audio description, not the dialogue; give the subtitles of the dialogue.")


def _pysubs2(text: str, kind: str) -> list[SubtitleLine]:
    import pysubs2

    try:
        events = pysubs2.SSAFile.from_string(text, format_=kind)
    except (pysubs2.Pysubs2Error, ValueError, KeyError, IndexError, NotImplementedError) as error:
        raise MalformedError(1, str(error)) from error
    return [
        SubtitleLine(e.start / 1000, e.end / 1000, html.unescape(e.plaintext), e.name.strip() or None, e.style)
        for e in events
        if not e.is_comment and not e.is_drawing
    ]


ARROW = re.compile(r"^\s*[\d:.,]+\s*--?>")
SRT_TIMES = re.compile(r"\d{1,2}:\d{1,2}:\d{1,2}(?:[.,]\d+)?\s*-->\s*\d{1,2}:\d{1,2}:\d{1,2}")


def _check_arrows(text: str) -> None:
    """Raise MalformedError for lines that are meant as times and that pysubs2 would take for text."""
    for number, line in enumerate(text.splitlines(), 1):
        if ARROW.match(line) and not SRT_TIMES.search(line):
            raise MalformedError(number, tr("the times {times!r} cannot be read", times=line.strip()))


VTT_TIMES = re.compile(r"((?:\d+:)?\d{2}:\d{2}\.\d{3})[ \t]*-->[ \t]*((?:\d+:)?\d{2}:\d{2}\.\d{3})(?=\s|$)")


def _webvtt(text: str, descriptions: bool) -> Iterator[SubtitleLine]:
    """Cues of https://www.w3.org/TR/webvtt1/: blocks between blank lines, notes, styles and regions left out."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if not descriptions and re.search(r"^(NOTE\s+)?kind\s*[:=]\s*descriptions", text.split("-->")[0], re.I | re.M):
        raise _description()
    number = 1
    for block in re.split(r"(\n[ \t]*(?=\n))", text):
        lines = block.split("\n")
        at = next((i for i, line in enumerate(lines) if "-->" in line), None)
        if at is not None and not re.match(r"\s*(NOTE|STYLE|REGION|WEBVTT)\b", block):
            times = VTT_TIMES.search(lines[at])
            if times is None:
                raise MalformedError(number + at, tr("the times {times!r} cannot be read", times=lines[at].strip()))
            yield _vtt_cue(_clock(times[1]), _clock(times[2]), "\n".join(lines[at + 1 :]))
        number += block.count("\n")


def vtt_payload(start: float, end: float, text: str) -> SubtitleLine:
    """One WebVTT cue whose text still holds its markup, as embedded streams carry it."""
    return _vtt_cue(start, end, text)


def _vtt_cue(start: float, end: float, payload: str) -> SubtitleLine:
    voice = re.search(r"<v(?:\.[^\s>]*)?[ \t]+([^>]*)>", payload)
    text = html.unescape(re.sub(r"</?[^>]*>", "", payload)).rstrip("\n")  # the file ends with a line break too
    return SubtitleLine(start, end, text, html.unescape(voice[1]).strip() if voice else None)


def _clock(text: str) -> float:
    seconds = 0.0
    for part in text.split(":"):
        seconds = seconds * 60 + float(part)
    return seconds


# A line stays on screen until the next SYNC; where no empty one clears it, nobody speaks for longer than this.
SAMI_LONGEST = 5.0
SAMI_PER_CHARACTER = 0.4


def _sami(text: str, language: str) -> list[SubtitleLine]:
    """Lines of one language class of a SAMI file; a line ends where the next SYNC of its class begins."""
    classes = _sami_classes(text)
    chosen = _sami_choice(text, classes, language)
    lines = []
    for (start, said), following in zip(chosen, [*chosen[1:], None], strict=True):
        longest = start + max(SAMI_LONGEST, SAMI_PER_CHARACTER * len(said))
        cleared = following is not None and not following[1]
        end = following[0] if following and (cleared or following[0] < longest) else longest
        if said and end > start:
            lines.append(SubtitleLine(start, end, said))
    return lines


def _sami_classes(text: str) -> dict[str, list[tuple[float, str]]]:
    """Class → its (start, text) in order of time; a text may be empty: it clears the line before."""
    blank = re.sub(r"<!--.*?-->", lambda m: "\n" * m[0].count("\n"), text, flags=re.S)
    classes: dict[str, list[tuple[float, str]]] = {}
    syncs = list(re.finditer(r"<sync\b([^>]*)>", blank, re.I))
    for sync, following in zip(syncs, [*syncs[1:], None], strict=True):
        start = re.search(r"start\s*=\s*[\"']?\s*(-?\d+)", sync[1], re.I)
        if start is None:
            raise MalformedError(blank.count("\n", 0, sync.start()) + 1, tr("the SYNC has no start time"))
        body = blank[sync.end() : following.start() if following else len(blank)]
        for name, said in _sami_paragraphs(body):
            classes.setdefault(name, []).append((max(0, int(start[1])) / 1000, said))
    return {name: sorted(rows, key=lambda row: row[0]) for name, rows in classes.items()}


def _sami_paragraphs(body: str) -> Iterator[tuple[str, str]]:
    parts = re.split(r"<p\b([^>]*)>", body, flags=re.I)
    unnamed = [("", parts[0])] if _sami_text(parts[0]) or len(parts) == 1 else []
    for attributes, said in [*unnamed, *zip(parts[1::2], parts[2::2], strict=True)]:
        name = re.search(r"class\s*=\s*[\"']?([\w-]+)", attributes, re.I)
        yield (name[1].upper() if name else ""), _sami_text(said)


def _sami_text(body: str) -> str:
    text = re.sub(r"<br\s*/?>", "\n", re.sub(r"\s+", " ", body), flags=re.I)
    text = html.unescape(re.sub(r"<[^>]*>", "", text)).replace("\xa0", " ")
    return "\n".join(line.strip() for line in text.split("\n") if line.strip())


def _sami_choice(text: str, classes: dict[str, list[tuple[float, str]]], language: str) -> list[tuple[float, str]]:
    """The class in `language`, by the style sheet or by its usual name; else the one with the most lines."""

    def fits(name: str) -> bool:
        told = re.search(rf"\.{re.escape(name)}\b[^}}]*?\blang\s*:\s*[\"']?([\w-]+)", text, re.I) if name else None
        usual = {"KR": "ko", "KO": "ko", "EN": "en", "EG": "en", "JP": "ja", "JA": "ja"}.get(name[:2])
        return same_language(told[1] if told else usual, language)

    best = max(classes, key=lambda name: (fits(name), sum(1 for _, said in classes[name] if said)), default=None)
    return classes[best] if best is not None else []


def _ttml(text: str, descriptions: bool) -> list[SubtitleLine]:
    from lxml import etree

    parser = etree.XMLParser(resolve_entities=False, no_network=True)
    try:
        root = etree.fromstring(text.encode(), parser)
    except etree.XMLSyntaxError as error:
        raise MalformedError(error.lineno or 1, str(error.msg)) from error
    described = any(str(k).endswith("}scriptRepresents") and "visual" in str(v) for k, v in root.attrib.items())
    if described and not descriptions:
        raise _description()
    try:
        return [SubtitleLine(*cue) for cue in read_ttml(root)]
    except ValueError as error:
        raise MalformedError(getattr(error, "line", 1), str(error)) from error
