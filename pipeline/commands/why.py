"""`vdesc why`: why a line is spoken, or why none is, in the words of whoever asks; the review page shows the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from data.messages import current, tr
from data.reasons import LostTo, Reason, Refused, Repeats
from data.records import (
    Candidate,
    Clip,
    Context,
    Extended,
    Gap,
    Keyframe,
    Line,
    Missed,
    RefusedCandidate,
    RefusedDraft,
    Utterance,
)
from data.scripts.timecode import clock
from data.text.objects import object_name
from pipeline.results.explaining import Choice, Place

LOSSES = 5
"""The most valuable moments without a line that a summary names."""
NEAREST = 10
"""The pictures of a gap without a line that are told, for it may last as long as the film."""
PARTS = {
    "score": "score", "fit": "fit", "new": "new", "style": "style", "evidence": "evidence", "likelihood": "likelihood",
    "reward": "reward", "text": "text", "scene": "new scene", "dialogue": "said in the dialogue", "quiet": "quiet",
    "unsupported": "nothing supports it", "early": "early", "late": "late", "music": "over music",
    "silence": "over silence", "effects": "over effects", "crowding": "crowding", "faster": "spoken faster",
    "shortened": "shortened", "known": "known already",
}  # fmt: skip
"""A part of a score or of a line's worth → what it is called, in English; messages translate it."""


@dataclass(frozen=True)
class Entry:
    """One thing that is told; `said` is in the language of the narration."""

    text: str = ""
    said: str = ""
    more: tuple[str, ...] = ()

    def __str__(self) -> str:
        return " ".join(filter(None, (self.text, self.said and f"“{self.said}”")))


@dataclass(frozen=True)
class Section:
    """A heading and what is told under it."""

    title: str
    entries: tuple[Entry, ...]
    picture: str = ""
    """The JPEG that it is about, in the folder of the keyframes."""


def moment(choice: Choice, place: Place) -> list[Section]:
    """All that is known of a second of the film and of the picture there."""
    sections = [
        Section(tr("At {time}", time=clock(place.time)), tuple(_heard(choice, place.time))),
        Section(tr("Pictures on screen while nothing is said"), tuple(_passed_over(choice, place.time))),
    ]
    if place.keyframe:
        keyframe = place.keyframe
        sections += [
            Section(tr("The picture"), tuple(_seen(choice, keyframe)), keyframe.image),
            Section(tr("What became of it"), tuple(_outcome(choice, keyframe))),
            Section(tr("Candidates"), tuple(_candidate(choice, c) for c in choice.offered(keyframe))),
            Section(tr("Refused before they were offered"), tuple(_drafts(choice, keyframe))),
            Section(tr("Gaps in reach"), tuple(_gap(choice, gap, room) for gap, room in choice.near(keyframe))),
        ]
    return [section for section in sections if section.entries or section.picture]


def summary(choice: Choice) -> list[Section]:
    """How many moments are spoken of, how many are not and why, and what is the greatest loss."""
    missed, spoken = choice.of(Missed), choice.spoken
    dropped = [clip.dropped for clip in choice.clips.values() if clip.dropped]
    refused = [row.why for row in choice.of(RefusedDraft)] + [row.why for row in choice.of(RefusedCandidate)]
    told = tr("{spoken} lines are spoken; of {missed} moments nothing is said", spoken=len(spoken), missed=len(missed))
    sections = [
        Section(tr("Lines"), (Entry(told),)),
        Section(tr("Moments without a line"), tuple(_counted(row.why for row in missed))),
        Section(tr("Greatest losses"), tuple(_loss(choice, row) for row in _losses(missed))),
        Section(tr("Lines that the voice could not speak"), tuple(_counted(dropped))),
        Section(tr("Sentences that were refused"), tuple(_counted(refused))),
        Section(tr("Gaps without a line"), tuple(_counted(choice.silent.values()))),
    ]
    return [section for section in sections if section.entries]


def _counted(reasons: Iterable[Reason]) -> Iterator[Entry]:
    """How often there is each reason, the most frequent first; of refusals also each rule."""
    reasons = list(reasons)
    for title, times in Counter(reason.title for reason in reasons).most_common():
        rules = [rule for why in reasons if isinstance(why, Refused) and why.title == title for rule in why.rules]
        first = {rule.template: rule for rule in reversed(rules)}
        each = Counter(rule.template for rule in rules).most_common()
        yield Entry(f"{times} × {title}", more=tuple(f"{number} × {first[rule]}" for rule, number in each))


def _losses(missed: Iterable[Missed]) -> list[Missed]:
    lost = [row for row in missed if row.worth > 0 and not isinstance(row.why, Repeats)]
    return sorted(lost, key=lambda row: (-row.worth, row.start))[:LOSSES]


def _loss(choice: Choice, row: Missed) -> Entry:
    return Entry(tr("{time}, worth {worth:.1f}:", time=clock(row.start), worth=row.worth), row.text, _why(choice, row))


def _why(choice: Choice, row: Missed) -> tuple[str, ...]:
    """The reason of a moment, and the lines that are spoken instead."""
    other = choice.lines_of(row.why.candidates) if isinstance(row.why, LostTo | Repeats) else []
    return (str(row.why), *(_placed(clip) for _, clip in other))


def _placed(clip: Clip) -> str:
    return tr("{start}–{end}: “{text}”", start=clock(clip.start), end=clock(clip.end), text=clip.text)


def _heard(choice: Choice, second: float) -> Iterator[Entry]:
    """Who speaks at a second, or why nobody does."""
    gap = choice.gap_at(second)
    for spoken in (u for u in choice.of(Utterance) if u.start <= second < u.end):
        yield Entry(
            tr("Somebody speaks from {start} to {end}", start=clock(spoken.start), end=clock(spoken.end)), spoken.text
        )
    if gap:
        yield _gap(choice, gap, None)


def _passed_over(choice: Choice, second: float) -> Iterator[Entry]:
    """The pictures of a gap in which nothing is spoken, those nearest to a second, each with what became of it."""
    gap = choice.gap_at(second)
    shown = choice.shown_in(gap) if gap and not choice.spoken_in(gap) else []
    nearest = sorted(shown, key=lambda keyframe: abs(keyframe.time - second))[:NEAREST]
    for keyframe in sorted(nearest, key=lambda keyframe: keyframe.time):
        told = [line for entry in _outcome(choice, keyframe) for line in (str(entry), *entry.more)]
        yield Entry(f"{keyframe.id}, {clock(keyframe.time)}", more=tuple(told))
    if more := len(shown) - len(nearest):
        yield Entry(tr("{number} more pictures are on screen in this gap", number=more))


def _gap(choice: Choice, gap: Gap, room: float | None) -> Entry:
    """A gap, the room that a line has in it, and what is spoken in it or why nothing is."""
    told = tr("Gap {id}, {start}–{end}, {bed}", id=gap.id, start=clock(gap.start), end=clock(gap.end), bed=tr(gap.bed))
    if room is not None and gap.usable:
        told = tr("{gap}: room for {room:.1f} s", gap=told, room=room)
    why = gap.why or choice.silent.get(gap.id)
    lines = tuple(_placed(clip) for _, clip in choice.spoken_in(gap))
    return Entry(told, more=lines or ((str(why),) if why else ()))


def _seen(choice: Choice, keyframe: Keyframe) -> Iterator[Entry]:
    """What was known of a picture."""
    context = choice.contexts.get(keyframe.id)
    if context is None:
        return
    yield Entry(tr("Picture {id} of {time}; its shot lasts from {start} to {end}", id=keyframe.id,
                   time=clock(keyframe.time), start=clock(context.start), end=clock(context.end)))  # fmt: skip
    yield from (Entry(f"{title} {found}") for title, found in _facts(context) if found)
    said = {tr("Text on screen:"): " / ".join(text.text for text in context.texts)}
    said |= {tr("Said before:"): context.dialogue_before, tr("Said after:"): context.dialogue_after}
    yield from (Entry(title, words) for title, words in said.items() if words)


def _facts(context: Context) -> Iterator[tuple[str, str]]:
    things = Counter(object_name(found.label, current()) for found in context.objects)
    yield tr("People, at least:"), str(context.people or "")
    yield tr("Recognised:"), ", ".join(dict.fromkeys((*(p.call or p.id for p in context.persons), *context.names)))
    yield tr("Things:"), ", ".join(f"{name} {number}" for name, number in things.items())
    yield tr("Light:"), tr(context.light) if context.light != "unknown" else ""


def _outcome(choice: Choice, keyframe: Keyframe) -> Iterator[Entry]:
    """The lines of a picture with what they are worth in their place, and what of it is not spoken."""
    for line, clip in choice.spoken:
        if line.keyframe == keyframe.id:
            took = choice.displaced(line)
            lost = tuple(tr("it took the place of “{text}”", text=row.text) for row in took)
            when = tr("Spoken from {start} to {end}:", start=clock(clip.start), end=clock(clip.end))
            yield Entry(when, clip.text, (*filter(None, (_parts(line.parts), _speed(clip))), *lost))
    for extra in (line for line in choice.of(Extended) if line.keyframe == keyframe.id):
        yield Entry(
            tr("Spoken while the film stands still at {time}:", time=clock(extra.time)), extra.text, (str(extra.why),)
        )
    for row in choice.missed(keyframe):
        yield Entry(tr("Not spoken:"), row.text, _why(choice, row))
    if not choice.offered(keyframe):
        yield Entry(tr("No sentence was offered for this picture."))


def _speed(clip: Clip) -> str:
    return tr("spoken {percent} % faster", percent=round((clip.speed - 1) * 100)) if clip.speed > 1.001 else ""


def _candidate(choice: Choice, candidate: Candidate) -> Entry:
    rank = choice.ranks.get(candidate.id)
    score = f"{rank.score:.2f}" if rank else tr("left out by the ranker")
    unsupported = tr("Nothing seen or heard supports: {words}", words=", ".join(candidate.unsupported))
    more = [tr("written by {model}", model=candidate.model), _parts(rank.parts if rank else {})]
    more += [unsupported] if candidate.unsupported else []
    return Entry(f"{candidate.id}, {score}:", candidate.text, (*filter(None, more), _fate(choice, candidate)))


def _fate(choice: Choice, candidate: Candidate) -> str:
    fate = choice.fate(candidate)
    if isinstance(fate, Extended):
        return tr("spoken while the film stands still at {time}", time=clock(fate.time))
    if not isinstance(fate, Line):
        return tr("not spoken: {why}", why=fate)
    clip = choice.clips[fate.id]
    if clip.text == candidate.text:
        return tr("spoken from {start} to {end}", start=clock(clip.start), end=clock(clip.end))
    return tr("spoken from {start} to {end} in other words: “{text}”", start=clock(clip.start), end=clock(clip.end),
              text=clip.text)  # fmt: skip


def _drafts(choice: Choice, keyframe: Keyframe) -> Iterator[Entry]:
    for draft in (row for row in choice.of(RefusedDraft) if row.keyframe == keyframe.id):
        yield Entry("", draft.text, (str(draft.why), tr("written by {model}", model=draft.model)))


def _parts(parts: Mapping[str, float]) -> str:
    return ", ".join(f"{tr(PARTS.get(name, name))} {value:+.2f}" for name, value in parts.items())


def show(results: Path, at: str | None) -> Iterator[str]:
    """The lines that the command prints."""
    choice = Choice(results)
    for section in moment(choice, choice.place(at)) if at else summary(choice):
        yield section.title
        if section.picture:
            yield f"  {choice.pictures / section.picture}"
        for entry in section.entries:
            yield f"  {entry}"
            yield from (f"    {line}" for line in entry.more)
