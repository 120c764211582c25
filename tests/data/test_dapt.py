from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree
from sample_script import TEXTS, narration, script

from data.errors import UserError
from data.formats import dapt
from data.formats.dapt_rules import is_content_descriptor, validate
from data.records import Evidence
from data.scripts.script import one_line

NS = {"tt": dapt.TT, "tta": dapt.TTA, "daptm": dapt.DAPTM, "ttm": dapt.TTM}


@pytest.fixture(scope="session")
def xsd(media: Path) -> Any:
    """The W3C schema, beside the folder of real media; its imports are local files."""
    import xmlschema

    path = media.parent / "reference" / "dapt-xsd" / "dapt.xsd"
    if not path.is_file():
        pytest.skip(f"no W3C DAPT schema: {path} does not exist")
    return xmlschema.XMLSchema(str(path), allow="local", defuse="remote")


def divs(content: bytes) -> list[Any]:
    return etree.fromstring(content).findall(".//tt:div", NS)


def ramps(div: Any) -> list[tuple[str | None, ...]]:
    return [(a.get("begin"), a.get("end"), a.get(f"{{{dapt.TTA}}}gain")) for a in div.findall("tt:animate", NS)]


@pytest.mark.parametrize("language", ["ko", "en"])
def test_output_passes_the_w3c_schema_and_our_rules(xsd: Any, language: str) -> None:
    content = dapt.write(script(language=language))
    assert [error.reason for error in xsd.iter_errors(content.decode().partition("?>")[2])] == []
    assert validate(content) == []
    assert not xsd.is_valid(content.decode().partition("?>")[2].replace("asRecorded", "recorded"))


def test_empty_script_is_valid(xsd: Any) -> None:
    content = dapt.write(script(narrations=[]))
    assert xsd.is_valid(content.decode().partition("?>")[2])
    assert validate(content) == []


@given(st.lists(st.text(min_size=1, max_size=30).filter(one_line), min_size=1, max_size=5).map(tuple))
def test_read_gives_back_ids_times_and_texts(said: tuple[str, ...]) -> None:
    content = dapt.write(script(said))
    assert validate(content) == []
    cues = dapt.read(content)
    assert [(c.id, c.start, c.end, c.text) for c in cues] == [
        (n.id, n.start, n.end, n.text) for n in script(said).narrations
    ]


def test_a_line_alone_has_both_ramps_inside_its_div() -> None:
    div = divs(dapt.write(script()))[0]
    assert (div.get("begin"), div.get("end")) == ("0.700s", "3.300s")
    assert ramps(div) == [("0.000s", "0.300s", "1;0.3548"), ("2.300s", "2.600s", "0.3548;1")]
    assert f"{{{dapt.TTA}}}gain" not in div.attrib


def test_lines_in_one_dip_abut_and_keep_the_bed_down() -> None:
    first, second = divs(dapt.write(script()))[1:]
    assert (first.get("begin"), first.get("end")) == ("9.700s", "13.200s")
    assert (second.get("begin"), second.get("end")) == ("13.200s", "15.500s")
    assert ramps(first) == [("0.000s", "0.300s", "1;0.3548")]
    assert ramps(second) == [("2.000s", "2.300s", "0.3548;1")]
    assert second.get(f"{{{dapt.TTA}}}gain") == "0.3548"


def test_the_middle_line_of_a_dip_has_no_ramp() -> None:
    middle = divs(dapt.write(script(("a", "b", "c", "d"))))[2]
    assert ramps(middle) == []
    assert middle.get(f"{{{dapt.TTA}}}gain") == "0.3548"


def test_gain_over_time_is_that_of_the_ducks() -> None:
    """Play the document: the gain at every tenth of a second is the script's, and the divs never overlap."""
    held = script(("a", "b", "c", "d"))
    content = dapt.write(held)
    assert all(a.end <= b.begin for a, b in zip(dapt.events(held), dapt.events(held)[1:], strict=False))
    for tenth in range(250):
        at = tenth / 10
        down = any(d.start <= at <= d.end for d in held.ducking)
        up = all(at <= d.start - d.attack or at >= d.end + d.release for d in held.ducking)
        if down or up:
            assert played(content, at) == pytest.approx(0.3548 if down else 1.0, abs=2e-3), at


def played(content: bytes, at: float) -> float:
    """The programme's gain at a time, by the rules of TTML2 animation."""
    gain = 1.0
    root = etree.fromstring(content)
    for div in divs(content):
        begin, end = (dapt.seconds(div.get(name), root) for name in ("begin", "end"))
        if not begin <= at < end:
            continue
        gain = float(div.get(f"{{{dapt.TTA}}}gain", "1"))
        for start, stop, gains in ramps(div):
            low, high = (begin + dapt.seconds(str(t), root) for t in (start, stop))
            first, last = (float(g) for g in str(gains).split(";"))
            if at >= low:
                gain = first + (last - first) * min(1.0, (at - low) / (high - low))
    return gain


def test_a_film_that_begins_inside_the_ramp_begins_at_its_gain() -> None:
    line = narration(1, 0.1, 2.0, "문.")
    duck = {"id": "d1", "start": 0.1, "end": 2.0, "attack": 0.3, "release": 0.3, "depth": 9.0, "narrations": ["n00001"]}
    at_once = duck | {"start": 0.0, "attack": 0.0}
    assert ramps(divs(dapt.write(script(narrations=[line], ducking=[duck])))[0])[0] == (
        "0.000s",
        "0.100s",
        f"{dapt.gain(6.0)};{dapt.gain(9.0)}",
    )
    div = divs(dapt.write(script(narrations=[line], ducking=[at_once])))[0]
    assert (div.get(f"{{{dapt.TTA}}}gain"), len(ramps(div))) == ("0.3548", 1)


def test_without_ducking_the_div_is_the_line() -> None:
    div = divs(dapt.write(script(ducking=[])))[0]
    assert (div.get("begin"), div.get("end"), ramps(div)) == ("1.000s", "3.000s", [])


def test_clips_are_stretches_of_the_stem() -> None:
    span = divs(dapt.write(script()))[1].find("tt:p/tt:span", NS)
    audio = span.find("tt:audio", NS)
    assert dict(audio.attrib) == {
        "src": "narration.wav",
        "type": "audio/wave",
        "clipBegin": "10.000s",
        "clipEnd": "12.000s",
    }
    assert (span.get("begin"), span.get("end"), audio.tail) == ("0.300s", "2.300s", TEXTS[1])


def test_kinds_and_source_languages() -> None:
    cues = dapt.read(dapt.write(script()))
    assert [cue.represents for cue in cues] == ["visual.nonText", "visual.text.title", "visual.nonText"]
    sources = [div.get(f"{{{dapt.DAPTM}}}langSrc") for div in divs(dapt.write(script()))]
    assert sources == ["zxx", "ko", "zxx"]


@pytest.mark.parametrize(
    ("text", "narrated", "source"),
    [
        ("미생 S01", "ko", "ko"),
        ("EXIT", "ko", "und-Latn"),
        ("EXIT", "en", "en"),
        ("ひらがな漢", "ko", "ja"),
        ("2003", "ko", "zxx"),
        ("Москва", "ko", "und"),
    ],
)
def test_source_language_by_script(text: str, narrated: str, source: str) -> None:
    assert dapt.language_of((Evidence(kind="text", value=text),), narrated) == source


DOCUMENT = dapt.write(script()).decode()


def broken(pattern: str, replacement: str) -> bytes:
    changed = re.sub(pattern, replacement, DOCUMENT, count=1)
    assert changed != DOCUMENT
    return changed.encode()


INVALID = {
    "no content profile": (r'ttp:contentProfiles="[^"]*"', 'ttp:contentProfiles="urn:x"', "contentProfiles"),
    "profile": ("<tt ", '<tt ttp:profile="urn:x" ', "ttp:profile is forbidden"),
    "processor profiles": ("<tt ", '<tt ttp:processorProfiles="urn:x" ', "processorProfiles"),
    "empty language": ('xml:lang="ko"', 'xml:lang=""', "missing or empty"),
    "no language": ('xml:lang="ko"', "", "missing or empty"),
    "bad language": ('xml:lang="ko"', 'xml:lang="한국어"', "not a language tag"),
    "bad langSrc": ('langSrc="ko"', 'langSrc="1"', "not a language tag"),
    "script type": ("asRecorded", "recorded", "scriptType"),
    "no script type": ('daptm:scriptType="asRecorded"', "", "scriptType"),
    "no scriptRepresents": (r'daptm:scriptRepresents="[^"]*"', "", "missing or empty"),
    "scriptRepresents list": ("visual.nonText visual.text", "visual.nonText, visual.text", "not registered"),
    "scriptRepresents unknown": ("visual.nonText visual.text", "visual picture", "picture is not registered"),
    "represents omitted": (r'daptm:represents="visual.nonText"', "", "nothing says"),
    "represents empty": (r'daptm:represents="visual.nonText"', 'daptm:represents=""', "nothing says"),
    "represents unknown": (r'daptm:represents="visual.nonText"', 'daptm:represents="visual.other"', "not registered"),
    "represents mismatch": (r'daptm:represents="visual.nonText"', 'daptm:represents="audio"', "not part of"),
    "id is no name": ('xml:id="n00001"', 'xml:id="1"', "not an XML name"),
    "id twice": ('xml:id="n00002"', 'xml:id="n00001"', "occurs 2 times"),
    "agent unknown": ('ttm:agent="narrator"', 'ttm:agent="nobody"', "no such agent: nobody"),
    "agent without id": (' xml:id="narrator"', "", "has no xml:id"),
    "agent without name": (r"<ttm:name.*</ttm:name>", "", "has no name"),
    "actor is no agent": ("</ttm:agent>", '<ttm:actor agent="n00001"/></ttm:agent>', "not another agent"),
    "actor is itself": ("</ttm:agent>", '<ttm:actor agent="narrator"/></ttm:agent>', "not another agent"),
    "descType": ('descType="scene"', 'descType="mood"', "descType"),
    "audio language": ("<audio ", '<audio xml:lang="en" ', "not in the language"),
    "audio without source": ('src="narration.wav" ', "", "no source"),
    "onScreen": ('xml:id="n00001"', 'xml:id="n00001" daptm:onScreen="yes"', "onScreen 'yes' is none of"),
    "audio of an element that is not there": ('src="narration.wav"', 'src="#wave"', "no element #wave"),
    "source of nothing": (r"<audio [^>]*/>", "<audio><source/></audio>", "either src or data"),
    "data in data": (
        r"<audio [^>]*/>",
        '<audio><source><data type="audio/wave"><source src="a.wav"/></data></source></audio>',
        "data holds another element",
    ),
    "data without type": (r"<audio [^>]*/>", "<audio><source><data>UklG</data></source></audio>", "type of the audio"),
    "audio without type": (' type="audio/wave"', "", "type of the audio"),
    "clip cut off": ('clipEnd="3.000s"', 'clipEnd="3.400s"', "cut off after 2.000 s"),
    "clip of no length": ('clipEnd="3.000s"', 'clipEnd="1.000s"', "not after clipBegin"),
    "end before begin": ('begin="9.700s"', 'begin="14.000s"', "before it begins"),
    "frames in clock time": ('end="13.200s"', 'end="00:00:13:05"', "not a time"),
    "wall-clock": ('end="13.200s"', 'end="wallclock(2026-01-01)"', "not a time"),
    "mixed time forms": ('end="13.200s"', 'end="00:00:13.200"', "mixed"),
    "frames without rate": ('end="13.200s"', 'end="330f"', "ttp:frameRate"),
    "ticks without rate": ('end="13.200s"', 'end="330t"', "ttp:tickRate"),
    "time base": ("<tt ", '<tt ttp:timeBase="smpte" ', "timeBase"),
    "drop mode": ("<tt ", '<tt ttp:dropMode="nonDrop" ', "dropMode"),
    "time container": ("<body>", '<body timeContainer="seq">', "timeContainer"),
    "animation in the head": ("</head>", "<animation/></head>", "animation in the head"),
    "gains joined by a space": ('tta:gain="1;0.3548"', 'tta:gain="1 0.3548"', "not numbers joined"),
    "gains on the div": ('tta:gain="0.3548"', 'tta:gain="1;0.3548"', "need animate"),
    "nested event": ("</p>", '</p><div xml:id="x" daptm:represents="visual.text"/>', "holds another div"),
    "entities": ("<tt ", "<!DOCTYPE tt [<!ENTITY a 'b'>]><tt ", "DOCTYPE"),
    "not XML": ("</tt>", "", "not well-formed"),
    "another root": (r"(?s)<tt .*", "<tt/>", "not tt"),
    "origin without rate": (
        "<ttm:title>",
        "<daptm:daptOriginTimecode>10:00:00:00</daptm:daptOriginTimecode><ttm:title>",
        "needs ttp:frameRate",
    ),
}


@pytest.mark.parametrize("name", INVALID)
def test_semantic_rules_find(name: str) -> None:
    pattern, replacement, problem = INVALID[name]
    problems = validate(broken(pattern, replacement))
    assert any(problem in found for found in problems), problems


@pytest.mark.parametrize(
    ("code", "problem"),
    [("10:01:20:25", "frame 25 at 25"), ("10012012", "not hh:mm:ss:ff"), ("10:01:20:12", None)],
)
def test_origin_timecode(code: str, problem: str | None) -> None:
    element = f"<daptm:daptOriginTimecode>{code}</daptm:daptOriginTimecode>"
    dated = DOCUMENT.replace("<tt ", '<tt ttp:frameRate="25" ').replace("<ttm:title>", element + "<ttm:title>")
    assert [problem in p for p in validate(dated.encode()) if problem] == ([True] if problem else [])
    assert bool(validate(dated.encode())) is bool(problem)
    twice = dated.replace("<ttm:title>", element + "<ttm:title>")
    assert any("more than once" in p for p in validate(twice.encode()))
    misplaced = DOCUMENT.replace("<tt ", '<tt ttp:frameRate="25" ').replace("<ttm:desc", element + "<ttm:desc", 1)
    assert any("metadata of the head" in p for p in validate(misplaced.encode()))


def test_encoding_and_byte_order_mark() -> None:
    assert any("BYTE" in p.upper() for p in validate(b"\xef\xbb\xbf" + DOCUMENT.encode()))
    latin = DOCUMENT.replace("UTF-8", "ISO-8859-1").encode("ascii", "xmlcharrefreplace")
    assert validate(latin) == ["the encoding is ISO-8859-1, not UTF-8"]


def test_a_rate_of_zero_is_named_and_does_not_break_the_checks() -> None:
    frames = DOCUMENT.replace("<tt ", '<tt ttp:frameRate="0" ').replace('end="13.200s"', 'end="330f"')
    assert any("frameRate is not a positive" in p for p in validate(frames.encode()))


def test_an_entity_bomb_is_not_expanded() -> None:
    bomb = '<!DOCTYPE tt [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><tt '
    content = DOCUMENT.replace("<tt ", bomb).replace("문이 열린다.", "&b;").encode()
    assert any("DOCTYPE" in p for p in validate(content))
    assert "aaaa" not in "".join(cue.text for cue in dapt.read(content))


@pytest.mark.parametrize(
    ("descriptor", "valid"),
    [
        ("visual", True),
        ("visual.text.title", True),
        ("visual.text.x-sms", True),
        ("x-own.x-part", True),
        ("x-own.part", False),
        ("visual.text.sms", False),
        ("visual.", False),
        ("", False),
        ("Visual", False),
        ("visual.nonText.title", False),
    ],
)
def test_content_descriptors(descriptor: str, valid: bool) -> None:
    assert is_content_descriptor(descriptor) is valid


OTHERS = """<?xml version="1.0" encoding="UTF-8"?>
<tt xmlns="http://www.w3.org/ns/ttml" xmlns:ttp="http://www.w3.org/ns/ttml#parameter"
    xmlns:daptm="http://www.w3.org/ns/ttml/profile/dapt#metadata" xmlns:ttm="http://www.w3.org/ns/ttml#metadata"
    ttp:contentProfiles="http://www.w3.org/ns/ttml/profile/dapt1.0/content" xml:lang="en" ttp:frameRate="30"
    ttp:frameRateMultiplier="1000 1001" daptm:scriptType="preRecording" daptm:scriptRepresents="visual"
    daptm:represents="visual.nonText">
  <body begin="100s">
    <div><!-- a group -->
     <div xml:id="late" begin="300f" end="12s"><p><span>One</span><br/>two.<!-- note --></p></div></div>
    <div xml:id="early" begin="1s" dur="2s" daptm:represents="visual.text.x-sms"><ttm:desc>no</ttm:desc><p>Sign:
       EXIT</p><p begin="1s" end="1.5s">!</p></div>
    <div xml:id="gap" begin="20s" end="25s"/>
  </body>
</tt>"""


def test_scripts_of_others_are_read(xsd: Any) -> None:
    assert xsd.is_valid(OTHERS.partition("?>")[2])
    assert validate(OTHERS.encode()) == []
    early, late = dapt.read(OTHERS.encode())
    assert (early.id, early.start, early.end, early.text) == ("early", 101.0, 103.0, "Sign: EXIT!")
    assert early.represents == "visual.text.x-sms"
    assert (late.start, late.end, late.text, late.represents) == (110.01, 112.0, "One two.", "visual.nonText")


def test_reading_refuses_what_it_cannot_time() -> None:
    with pytest.raises(UserError, match="not a DAPT time: 00:00:13:05; export"):
        dapt.read(broken('end="13.200s"', 'end="00:00:13:05"'))
    with pytest.raises(UserError, match="not well-formed XML"):
        dapt.read(b"WEBVTT")


VALID = {
    "another profile besides": (
        'contentProfiles="',
        'contentProfiles="http://www.w3.org/ns/ttml/profile/imsc1.2/text ',
    ),
    "on screen": ('xml:id="n00001"', 'xml:id="n00001" daptm:onScreen="OFF_ON"'),
    "recording inside": (r"<audio [^>]*/>", '<audio><source><data type="audio/wave">UklG</data></source></audio>'),
    "recording in the head": (
        r"(?s)</head>(.*?)<audio [^>]*/>",
        r'<resources><audio xml:id="wave" src="a.wav" type="audio/wave"/></resources></head>\1<audio src="#wave"/>',
    ),
    "no Script Event": ("</body>", "<div><p>Not a Text</p></div><div/></body>"),
    "an empty Script Event": (
        "</body>",
        '<div xml:id="gap" begin="40s" end="50s" daptm:represents="visual.text"/></body>',
    ),
    "events in groups": ("</body>", '<div xml:id="g"><div xml:id="h" daptm:represents="visual.nonText"/></div></body>'),
    "own description type": ('descType="scene"', 'descType="x-mood"'),
    "no source language": ('daptm:langSrc="zxx"', 'daptm:langSrc=""'),
}


@pytest.mark.parametrize("name", VALID)
def test_semantic_rules_let_pass(name: str) -> None:
    assert validate(broken(*VALID[name])) == []
