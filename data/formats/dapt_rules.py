"""What DAPT forbids and its XML Schema lets pass: the registries, references, languages, timing and serialisation.

Rules from the W3C DAPT Recommendation track document (2025-12), its content profile and its registries. Where the
W3C test suite is stricter than the text (no byte order mark, no document type at all), so is this.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from typing import TYPE_CHECKING

from data.errors import UserError
from data.formats.dapt import (
    CONTENT_PROFILE,
    DAPTM,
    TT,
    TTA,
    TTM,
    TTP,
    XML,
    inherited,
    intervals,
    parse,
    script_events,
    seconds,
)

if TYPE_CHECKING:
    from lxml.etree import _Element

SCRIPT_TYPES = {"originalTranscript", "translatedTranscript", "preRecording", "asRecorded"}
ON_SCREEN = {"ON", "OFF", "ON_OFF", "OFF_ON"}
DESC_TYPES = {"pronunciationNote", "scene", "plotSignificance"}
CONTENT_DESCRIPTORS = {
    "audio", "audio.dialogue", "audio.nonDialogueSounds", "visual", "visual.dialogue", "visual.nonText",
    "visual.text", "visual.text.title", "visual.text.credit", "visual.text.location",
}  # fmt: skip
PROCESSOR_PROFILE = TT + "/profile/dapt1.0/processor"
TIMES = ("begin", "end", "dur", "clipBegin", "clipEnd")
EPSILON = 0.0005
"""Half a millisecond: times are written to 1 ms."""
_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*|[xi](-[A-Za-z0-9]{1,8})+")
_NAME = re.compile(r"[^\W\d][\w.\-·]*")
_OFFSET = re.compile(r"\d+(\.\d+)?(h|m|s|ms|f|t)")
_CLOCK = re.compile(r"\d{2,}:[0-5]\d:[0-5]\d(\.\d+)?")
_GAINS = re.compile(r"\s*\d+(\.\d+)?\s*(;\s*\d+(\.\d+)?\s*)*")


def validate(content: bytes) -> list[str]:
    """Every breach of a rule in a DAPT document, one line each; empty when there is none. Never raises."""
    try:
        tree = parse(content)
    except UserError as error:
        return [str(error)]
    root = tree.getroot()
    problems = list(_serialisation(content, tree.docinfo.encoding, tree.docinfo.doctype))
    if root.tag != f"{{{TT}}}tt":
        return [*problems, "the root is not tt in the TTML namespace"]
    return problems + [problem for rule in RULES for problem in rule(root)]


def _serialisation(content: bytes, encoding: str | None, doctype: str | None) -> Iterator[str]:
    if (encoding or "UTF-8").upper() != "UTF-8":
        yield f"the encoding is {encoding}, not UTF-8"
    if content.startswith(b"\xef\xbb\xbf"):
        yield "the document begins with a byte order mark"
    if doctype:
        yield "the document has a DOCTYPE; entity declarations are forbidden"


def _root(root: _Element) -> Iterator[str]:
    if CONTENT_PROFILE not in root.get(f"{{{TTP}}}contentProfiles", "").split():
        yield f"ttp:contentProfiles does not hold {CONTENT_PROFILE}"
    processors = root.get(f"{{{TTP}}}processorProfiles")
    if processors is not None and PROCESSOR_PROFILE not in processors.split():
        yield f"ttp:processorProfiles does not hold {PROCESSOR_PROFILE}"
    if root.get(f"{{{DAPTM}}}scriptType") not in SCRIPT_TYPES:
        yield f"daptm:scriptType is {root.get(f'{{{DAPTM}}}scriptType')}, which is not registered"
    if f"{{{TTP}}}profile" in root.attrib:
        yield "ttp:profile is forbidden"


def _languages(root: _Element) -> Iterator[str]:
    if not root.get(f"{{{XML}}}lang"):
        yield "xml:lang of the root is missing or empty"
    for element in root.iter("{*}*"):
        for name in (f"{{{XML}}}lang", f"{{{DAPTM}}}langSrc"):
            if (value := element.get(name)) and not _LANGUAGE.fullmatch(value):
                yield f"{_where(element)}: {value!r} is not a language tag"


def _ids(root: _Element) -> Iterator[str]:
    ids = [value for element in root.iter("{*}*") if (value := element.get(f"{{{XML}}}id")) is not None]
    yield from (f"xml:id {name!r} is not an XML name" for name in ids if not _NAME.fullmatch(name))
    yield from (f"xml:id {name!r} occurs {count} times" for name, count in Counter(ids).items() if count > 1)


def _agents(root: _Element) -> Iterator[str]:
    agents = {agent.get(f"{{{XML}}}id"): agent for agent in root.iter(f"{{{TTM}}}agent")}
    for name, agent in agents.items():
        if name is None:
            yield "a ttm:agent has no xml:id"
        if not any((child.text or "").strip() for child in agent.iterchildren(f"{{{TTM}}}name")):
            yield f"ttm:agent {name} has no name"
        for actor in agent.iterchildren(f"{{{TTM}}}actor"):
            if actor.get("agent") not in agents or actor.get("agent") == name:
                yield f"the actor of ttm:agent {name} is not another agent: {actor.get('agent')}"
    for element in root.iter("{*}*"):
        unknown = set(element.get(f"{{{TTM}}}agent", "").split()) - {name for name in agents if name}
        yield from (f"{_where(element)}: no such agent: {name}" for name in sorted(unknown))


def _represents(root: _Element) -> Iterator[str]:
    allowed = root.get(f"{{{DAPTM}}}scriptRepresents", "").split()
    if not allowed:
        yield "daptm:scriptRepresents is missing or empty"
    yield from (f"daptm:scriptRepresents: {v} is not registered" for v in allowed if not is_content_descriptor(v))
    for element in root.iter(f"{{{TT}}}*"):
        value = element.get(f"{{{DAPTM}}}represents")
        if value and not is_content_descriptor(value):
            yield f"{_where(element)}: daptm:represents {value!r} is not registered"
        elif value and not any(value == v or value.startswith(v + ".") for v in allowed):
            yield f"{_where(element)}: {value} is not part of what the script represents"
    for div in script_events(root):
        if not inherited(div, f"{{{DAPTM}}}represents"):
            yield f"{_where(div)}: nothing says what the event represents"


def is_content_descriptor(value: str) -> bool:
    """True for a registered descriptor and for one extended by private parts, which begin with `x-`."""
    parts = value.split(".")
    known = max((n for n in range(len(parts) + 1) if not n or ".".join(parts[:n]) in CONTENT_DESCRIPTORS), default=0)
    return known == len(parts) or all(re.fullmatch(r"x-[\w\-]+", part) for part in parts[known:])


def _descriptions(root: _Element) -> Iterator[str]:
    for element in root.iter(f"{{{TTM}}}desc"):
        kind = element.get(f"{{{DAPTM}}}descType")
        if kind is not None and kind not in DESC_TYPES and not re.fullmatch(r"x-\S+", kind):
            yield f"daptm:descType {kind!r} is not registered"


def _on_screen(root: _Element) -> Iterator[str]:
    for element in root.iter(f"{{{TT}}}*"):
        value = element.get(f"{{{DAPTM}}}onScreen")
        if value is not None and value not in ON_SCREEN:
            yield f"{_where(element)}: daptm:onScreen {value!r} is none of {', '.join(sorted(ON_SCREEN))}"


def _events(root: _Element) -> Iterator[str]:
    content = [f"{{{TT}}}{name}" for name in ("p", "audio", "animate")]
    for div in root.iter(f"{{{TT}}}div"):
        nested = div.find(f"{{{TT}}}div") is not None
        if nested and f"{{{XML}}}id" in div.attrib and any(child.tag in content for child in div):
            yield f"{_where(div)}: a script event holds another div"


def _time_parameters(root: _Element) -> Iterator[str]:
    if root.get(f"{{{TTP}}}timeBase", "media") != "media":
        yield "ttp:timeBase must be media"
    for name in ("dropMode", "clockMode", "markerMode", "subFrameRate"):
        if f"{{{TTP}}}{name}" in root.attrib:
            yield f"ttp:{name} is forbidden"
    if root.find(f".//{{{TT}}}animation") is not None:
        yield "animation in the head is forbidden; put animate where it acts"
    for element in root.iter(f"{{{TT}}}*"):
        if element.get("timeContainer", "par") != "par":
            yield f"{_where(element)}: timeContainer must be par"


def _time_forms(root: _Element) -> Iterator[str]:
    used = [(e, name, value) for e in root.iter(f"{{{TT}}}*") for name in TIMES if (value := e.get(name)) is not None]
    for element, name, value in used:
        if not _OFFSET.fullmatch(value) and not _CLOCK.fullmatch(value):
            yield f"{_where(element)}: {name} {value!r} is not a time that DAPT allows"
    forms = {":" in value for _, _, value in used}
    if len(forms) > 1:
        yield "clock times and offset times are mixed"
    for metric, parameter in (("f", "frameRate"), ("t", "tickRate")):
        if f"{{{TTP}}}{parameter}" not in root.attrib and any(value.endswith(metric) for _, _, value in used):
            yield f"times in {metric} need ttp:{parameter}"
        elif not re.fullmatch(r"0*[1-9]\d*", root.get(f"{{{TTP}}}{parameter}", "1")):
            yield f"ttp:{parameter} is not a positive whole number"


def _intervals(root: _Element) -> Iterator[str]:
    try:
        yield from list(_interval_problems(root))
    except ValueError:
        return  # the form of the time is a problem that _time_forms names


def _interval_problems(root: _Element) -> Iterator[str]:
    for element, (begin, end) in intervals(root).items():
        if end < begin - EPSILON:
            yield f"{_where(element)}: ends at {end:.3f} s before it begins at {begin:.3f} s"
        elif element.tag == f"{{{TT}}}audio":
            yield from _clip(root, element, end - begin)


def _clip(root: _Element, audio: _Element, room: float) -> Iterator[str]:
    if (end := audio.get("clipEnd")) is not None:
        length = seconds(end, root) - seconds(audio.get("clipBegin", "0s"), root)
        if length <= 0:
            yield f"{_where(audio)}: clipEnd is not after clipBegin"
        if length > room + EPSILON:
            yield f"{_where(audio)}: the clip of {length:.3f} s is cut off after {room:.3f} s"


def _audio(root: _Element) -> Iterator[str]:
    language, ids = f"{{{XML}}}lang", {element.get(f"{{{XML}}}id") for element in root.iter("{*}*")}
    for audio in root.iter(f"{{{TT}}}audio"):
        parent = audio.getparent()
        if parent is None or parent.tag == f"{{{TT}}}resources":
            continue
        if inherited(audio, language) != inherited(parent, language):
            yield f"{_where(audio)}: the audio is not in the language of its text"
        if parent.tag not in {f"{{{TT}}}p", f"{{{TT}}}span"}:
            yield f"{_where(audio)}: audio belongs into p or span"
        sources = [audio] if "src" in audio.attrib else list(audio.iterchildren(f"{{{TT}}}source"))
        if not sources:
            yield f"{_where(audio)}: the audio has no source"
        for source in sources:
            yield from (f"{_where(audio)}: {problem}" for problem in _source(source, ids))


def _source(source: _Element, ids: Collection[str | None]) -> Iterator[str]:
    """An address outside with its type, one of an element in the document, or the data itself."""
    address, data = source.get("src"), source.findall(f"{{{TT}}}data")
    if source.tag == f"{{{TT}}}source" and (address is None) == (not data):
        yield "a source needs either src or data"
    if address and not address.startswith("#") and not source.get("type"):
        yield "the type of the audio is missing"
    if address and address.startswith("#") and address[1:] not in ids:
        yield f"there is no element {address}"
    for embedded in data:
        if not embedded.get("type"):
            yield "the type of the audio is missing"
        if len(embedded):
            yield "data holds another element"


def _gains(root: _Element) -> Iterator[str]:
    for element in root.iter(f"{{{TT}}}*"):
        value = element.get(f"{{{TTA}}}gain")
        if value is not None and not _GAINS.fullmatch(value):
            yield f"{_where(element)}: tta:gain {value!r} is not numbers joined by ;"
        elif value is not None and element.tag != f"{{{TT}}}animate" and ";" in value:
            yield f"{_where(element)}: several gains need animate"


def _origin(root: _Element) -> Iterator[str]:
    codes = list(root.iter(f"{{{DAPTM}}}daptOriginTimecode"))
    if len(codes) > 1:
        yield "daptm:daptOriginTimecode occurs more than once"
    for code in codes:
        path = [element.tag for element in code.iterancestors()]
        if path[:2] != [f"{{{TT}}}metadata", f"{{{TT}}}head"]:
            yield "daptm:daptOriginTimecode belongs into the metadata of the head"
        frames = re.fullmatch(r"\d{2,}:[0-5]\d:[0-5]\d:(\d\d)", (code.text or "").strip())
        rate = root.get(f"{{{TTP}}}frameRate", "")
        if not frames:
            yield f"daptm:daptOriginTimecode {code.text!r} is not hh:mm:ss:ff"
        elif not rate.isdigit():
            yield "daptm:daptOriginTimecode needs ttp:frameRate"
        elif int(frames[1]) >= int(rate):
            yield f"daptm:daptOriginTimecode has frame {frames[1]} at {rate} frames per second"


def _where(element: _Element) -> str:
    """The element's name and the nearest id."""
    name = str(element.tag).rpartition("}")[2]
    near = inherited(element, f"{{{XML}}}id")
    return f"{name} {near}" if near else name


RULES: tuple[Callable[[_Element], Iterator[str]], ...]
RULES = (
    _root, _languages, _ids, _agents, _represents, _descriptions, _on_screen, _events, _time_parameters, _time_forms,
    _intervals, _audio, _gains, _origin,
)  # fmt: skip
