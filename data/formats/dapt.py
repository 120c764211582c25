"""W3C DAPT (Dubbing and Audio description Profiles of TTML2): the as-recorded script, written and read.

A narration is a Script Event: a `div` that ducks the programme by `animate` on the div (a gain there acts on the
programme alone), and inside it the timed text with its stretch of `narration.wav`. Events that share one dip of the
programme abut: each lasts until the next line begins, so that the bed is not released between them.
The ramps of the mix are linear in dB, those of TTML2 linear in gain; ends and depth are equal, the middle of a
0.3 s ramp to −9 dB differs by 1 dB.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from data.errors import UserError
from data.formats import FORMATS
from data.formats.cue import NARRATOR, Cue, label
from data.products import Stem
from data.records import Evidence
from data.scripts.script import ExtendedLine, Script, ScriptDuck, ScriptEpisode, ScriptNarration

if TYPE_CHECKING:
    from lxml.etree import _Element

TT = "http://www.w3.org/ns/ttml"
TTP = TT + "#parameter"
TTA = TT + "#audio"
TTM = TT + "#metadata"
DAPTM = FORMATS["dapt"].mark
XML = "http://www.w3.org/XML/1998/namespace"
OWN = "urn:videodescription:script"
CONTENT_PROFILE = TT + "/profile/dapt1.0/content"
"""The narration-only stem, which lies beside the script and is as long as the programme."""
NAMESPACES: Any = {None: TT, "ttp": TTP, "tta": TTA, "ttm": TTM, "daptm": DAPTM, "vd": OWN}
EXTENDED = "x-extended"
"""`daptm:descType` of what says that the programme pauses."""
REPRESENTS = {"visual": "visual.nonText", "text": "visual.text", "title": "visual.text.title"}
_SCRIPTS = (("ko", "가", "힣"), ("ja", "ぁ", "ヿ"), ("und-Hani", "一", "鿿"), ("und-Latn", "A", "ɏ"))


@dataclass(frozen=True)
class Event:
    """A narration with the interval and the dip of its div."""

    line: ScriptNarration
    begin: float
    end: float
    duck: ScriptDuck | None
    opens: bool
    """The ramp down lies in this event."""
    closes: bool


def write(script: Script) -> bytes:
    """The script as `asRecorded` DAPT, offset times in seconds."""
    from lxml import etree

    root = etree.Element(f"{{{TT}}}tt", nsmap=NAMESPACES)
    root.set(f"{{{TTP}}}contentProfiles", CONTENT_PROFILE)
    root.set(f"{{{XML}}}lang", script.episode.language)
    root.set(f"{{{DAPTM}}}scriptType", "asRecorded")
    root.set(f"{{{DAPTM}}}scriptRepresents", "visual.nonText visual.text")
    _head(root, script)
    body = _add(root, TT, "body")
    for event in events(script):
        _event(body, event, script.episode.language)
    for line in script.extended:
        _pause(body, line, script.episode)
    etree.indent(root, " ")
    spoken = [p for p in root.iter(f"{{{TT}}}p") if p.text is None]
    for event, paragraph in zip(events(script), spoken, strict=True):
        _text(paragraph, event)  # after the indenting, which would put white space into the text
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8") + b"\n"


def events(script: Script) -> list[Event]:
    """The narrations as Script Events. A div holds its line, and the ramps where it opens or closes a dip."""
    ducks = {line: duck for duck in script.ducking for line in duck.narrations}
    lines = script.narrations
    result = []
    for index, line in enumerate(lines):
        duck = ducks.get(line.id)
        opens = duck is not None and (index == 0 or ducks.get(lines[index - 1].id) is not duck)
        closes = duck is not None and (index + 1 == len(lines) or ducks.get(lines[index + 1].id) is not duck)
        begin, end = line.start, line.end
        if duck and opens:
            begin = min(begin, max(0.0, duck.start - duck.attack))
        if duck:
            end = max(end, min(script.episode.duration, duck.end + duck.release) if closes else lines[index + 1].start)
        result.append(Event(line, round(begin, 3), round(end, 3), duck, opens, closes))
    return result


def language_of(evidence: tuple[Evidence, ...], language: str) -> str:
    """`daptm:langSrc` of a read text, by the script most of its letters are in: a language where the script tells it.

    Latin letters in a Korean narration are `und-Latn`: they may be English or a name. `zxx`: no text is known.
    """
    letters = [c for e in evidence if e.kind == "text" for c in e.value if c.isalpha()]
    if not letters:
        return "zxx"
    count = {name: sum(low <= c <= high for c in letters) for name, low, high in _SCRIPTS}
    best = max(count, key=lambda name: count[name])
    if not count[best]:
        return "und"
    return "en" if (best, language) == ("und-Latn", "en") else best


def gain(depth: float) -> str:
    """`depth` dB of lowering as the linear gain of TTML2: 9 dB is 0.3548."""
    return f"{10 ** (-depth / 20):.4g}"


def _head(root: _Element, script: Script) -> None:
    metadata = _add(_add(root, TT, "head"), TT, "metadata")
    _add(metadata, TTM, "title").text = script.episode.title
    agent = _add(metadata, TTM, "agent", type="character")
    agent.set(f"{{{XML}}}id", "narrator")
    _add(agent, TTM, "name", type="alias").text = label(NARRATOR, script.episode.language)


def _event(body: _Element, event: Event, language: str) -> None:
    line = event.line
    div = _add(body, TT, "div", begin=_time(event.begin), end=_time(event.end))
    div.set(f"{{{XML}}}id", line.id)
    div.set(f"{{{TTM}}}agent", "narrator")
    div.set(f"{{{DAPTM}}}represents", REPRESENTS[line.kind])
    div.set(f"{{{DAPTM}}}langSrc", "zxx" if line.kind == "visual" else language_of(line.evidence, language))
    metadata = _add(div, TT, "metadata")
    for name, value in (("gap", line.gap), ("keyframe", line.keyframe), ("voice", line.clip.voice)):
        metadata.set(f"{{{OWN}}}{name}", value)
    _add(div, TTM, "desc").text = line.shot
    div[-1].set(f"{{{DAPTM}}}descType", "scene")
    if event.duck:
        _ducking(div, event, event.duck)
    _add(div, TT, "p")


def _pause(body: _Element, line: ExtendedLine, episode: ScriptEpisode) -> None:
    """An extended description: an event of one frame, at which the programme pauses while its text is spoken.

    DAPT leaves extended descriptions to implementations; players that know nothing of ours show a text for a frame.
    """
    end = min(line.time + 1 / episode.fps, max(episode.duration, line.time))
    div = _add(body, TT, "div", begin=_time(line.time), end=_time(end))
    div.set(f"{{{XML}}}id", line.id)
    div.set(f"{{{TTM}}}agent", "narrator")
    div.set(f"{{{DAPTM}}}represents", REPRESENTS[line.kind])
    div.set(f"{{{DAPTM}}}langSrc", "zxx" if line.kind == "visual" else language_of(line.evidence, episode.language))
    metadata = _add(div, TT, "metadata")
    pairs = (("extended", _time(line.stands)), ("keyframe", line.keyframe), ("voice", line.clip.voice))
    for name, value in pairs:
        metadata.set(f"{{{OWN}}}{name}", value)
    for kind, text in (("scene", line.shot), (EXTENDED, f"the programme pauses for {line.stands:.3f} s")):
        _add(div, TTM, "desc").text = text
        div[-1].set(f"{{{DAPTM}}}descType", kind)
    _add(div, TT, "p").text = line.text


def _ducking(div: _Element, event: Event, duck: ScriptDuck) -> None:
    """Ramps as `animate`; a div that begins with the bed already down holds the gain as its own attribute."""
    low, down = gain(duck.depth), round(duck.start - event.begin, 3)
    if event.opens and down > 0:
        begun = duck.depth * (1 - down / duck.attack) if duck.attack > down else 0.0  # the film begins inside the ramp
        _animate(div, max(0.0, down - duck.attack), down, f"{gain(begun)};{low}")
    else:
        div.set(f"{{{TTA}}}gain", low)
    if event.closes and duck.release:
        up = round(duck.end - event.begin, 3)
        _animate(div, up, up + duck.release, f"{low};1")


def _animate(div: _Element, begin: float, end: float, gains: str) -> None:
    _add(div, TT, "animate", begin=_time(begin), end=_time(end), fill="freeze").set(f"{{{TTA}}}gain", gains)


def _text(paragraph: _Element, event: Event) -> None:
    line = event.line
    begin, end = _time(line.start - event.begin), _time(line.end - event.begin)
    span = _add(paragraph, TT, "span", begin=begin, end=end)
    audio = _add(
        span, TT, "audio", src=Stem.pattern, type="audio/wave", clipBegin=_time(line.start), clipEnd=_time(line.end)
    )
    audio.tail = line.text


def _add(parent: _Element, namespace: str, name: str, **attributes: str) -> _Element:
    from lxml import etree

    return etree.SubElement(parent, f"{{{namespace}}}{name}", attributes)


def _time(seconds: float) -> str:
    return f"{seconds:.3f}s"


# Reading

_OFFSET = re.compile(r"(\d+(?:\.\d+)?)(h|m|s|ms|f|t)")
_CLOCK = re.compile(r"(\d{2,}):([0-5]\d):([0-5]\d(?:\.\d+)?)")


def parse(content: bytes) -> Any:
    """The document as an lxml tree, without resolving entities or reaching outside. Raises UserError if not XML."""
    from lxml import etree

    parser = etree.XMLParser(resolve_entities=False, no_network=True, collect_ids=False)  # ids: our rules name them
    try:
        return etree.fromstring(content, parser).getroottree()
    except etree.XMLSyntaxError as error:
        raise UserError("not well-formed XML: {cause}; export the script again", cause=error.msg) from error


def seconds(expression: str, root: _Element) -> float:
    """A TTML2 time expression in seconds; frames and ticks by the root's rates. Raises ValueError for other forms."""
    if clock := _CLOCK.fullmatch(expression):
        return int(clock[1]) * 3600 + int(clock[2]) * 60 + float(clock[3])
    if not (offset := _OFFSET.fullmatch(expression)):
        raise ValueError(expression)
    units = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
    return float(offset[1]) * (units[offset[2]] if offset[2] in units else 1 / _rate(root, offset[2]))


def _rate(root: _Element, metric: str) -> float:
    over, under = root.get(f"{{{TTP}}}frameRateMultiplier", "1 1").split() if metric == "f" else ("1", "1")
    rate = root.get(f"{{{TTP}}}frameRate", "30") if metric == "f" else root.get(f"{{{TTP}}}tickRate", "1")
    if not all(number.isdigit() and int(number) for number in (rate, over, under)):
        raise ValueError(f"{rate} × {over}/{under}")
    return int(rate) * int(over) / int(under)


def intervals(root: _Element) -> dict[_Element, tuple[float, float]]:
    """Begin and end of every content element on the programme's timeline; infinite where nothing ends it.

    Children count from their parent's begin (time container `par`) and end with it at the latest. Raises ValueError.
    """
    seconds_of: dict[_Element, tuple[float, float]] = {}

    def walk(element: _Element, begin: float, end: float) -> None:
        start = begin + seconds(element.get("begin", "0s"), root)
        stops = [end]
        if "end" in element.attrib:
            stops.append(begin + seconds(element.get("end", ""), root))
        if "dur" in element.attrib:
            stops.append(start + seconds(element.get("dur", ""), root))
        seconds_of[element] = start, min(stops)
        for child in element.iterchildren(f"{{{TT}}}*"):
            walk(child, start, min(stops))

    for body in root.iterchildren(f"{{{TT}}}body"):
        walk(body, 0.0, math.inf)
    return seconds_of


def script_events(root: _Element) -> Iterator[_Element]:
    """The divs that are Script Events: those with an `xml:id` and no div inside."""
    for div in root.iter(f"{{{TT}}}div"):
        if f"{{{XML}}}id" in div.attrib and div.find(f"{{{TT}}}div") is None:
            yield div


def inherited(element: _Element, name: str) -> str | None:
    """The computed value of an inherited attribute."""
    above = (e.get(name) for e in (element, *element.iterancestors()))
    return next((value for value in above if value is not None), None)


def read(content: bytes) -> list[Cue]:
    """The Script Events with text, by time. A cue lasts from the begin of its first timed text to the end of its last.

    Raises UserError where the document is not XML or a time cannot be understood.
    """
    root = parse(content).getroot()
    try:
        times = intervals(root)
    except ValueError as error:
        raise UserError("not a DAPT time: {time}; export the script again", time=error) from error
    cues = [_cue(div, times) for div in script_events(root) if div.find(f"{{{TT}}}p") is not None]
    return sorted(cues, key=lambda cue: (cue.start, cue.end))


def _cue(div: _Element, times: dict[_Element, tuple[float, float]]) -> Cue:
    pieces = [(e, text) for p in div.iterchildren(f"{{{TT}}}p") for e, text in _pieces(p)]
    spans = [times[e] for e, text in pieces if text.strip()] or [times[div]]
    return Cue(
        id=div.get(f"{{{XML}}}id", ""),
        start=round(min(begin for begin, _ in spans), 3),
        end=round(max(end for _, end in spans), 3),
        text=" ".join("".join(text for _, text in pieces).split()),
        represents=inherited(div, f"{{{DAPTM}}}represents") or "",
    )


def _pieces(element: _Element) -> Iterator[tuple[_Element, str]]:
    """Runs of text with the element that times them, in order; metadata and audio hold none."""
    yield element, element.text or ""
    for child in element:
        if child.tag == f"{{{TT}}}span":
            yield from _pieces(child)
        elif child.tag == f"{{{TT}}}br":
            yield element, " "
        yield element, child.tail or ""
