"""Script: everything known about the narration in one file, and in the formats that are delivered beside the film."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from data.formats import TABLE, export
from data.products import ScriptFile
from data.reasons import NothingNew, NothingToSay, Reason
from data.records import (
    Candidate,
    Clip,
    Context,
    Duck,
    Episode,
    Extended,
    Gap,
    Keyframe,
    Line,
    Narration,
    Ranked,
    Record,
    Shot,
    Utterance,
    Written,
    record_id,
)
from data.scripts.script import (
    DroppedLine,
    ExtendedLine,
    Script,
    ScriptCandidate,
    ScriptDuck,
    ScriptEpisode,
    ScriptGap,
    ScriptKeyframe,
    ScriptNarration,
    ScriptShot,
    ScriptUtterance,
    SpokenClip,
    save,
)
from data.text.claims import marked
from stages.sources import Language
from stages.stage import Job, StageConfig

VERSION = 3

DELIVERED = tuple(row.name for row in TABLE if row.delivered == "always")
EXTENDED = (*DELIVERED, *(row.name for row in TABLE if row.delivered == "extended"))
"""What is delivered where there is an extended film."""


class Config(StageConfig):
    """The script has nothing to set."""


def run(job: Job[Config]) -> Iterable[Record]:
    """Write `script.json` and every delivered format into the stage's folder; yields a Written for each."""
    script = build(job)
    save(script, ScriptFile.place(job.folder))
    yield Written(id=record_id("w", 1), name=ScriptFile.pattern, role="script")
    roles = EXTENDED if script.extended else DELIVERED
    for number, role in enumerate(roles, 2):
        name, content = export(script, role)
        (job.folder / name).write_bytes(content)
        yield Written(id=record_id("w", number), name=name, role=role)
        job.progress(number, len(roles) + 1)


def build(job: Job[Config]) -> Script:
    """The script of the episode from the records of every stage before."""
    narrations = {narration.id: narration for narration in job.read(Line)}
    clips = [(narrations[clip.narration], clip) for clip in job.read(Clip)]
    choices = _Choices(job)
    spoken = sorted(((n, c) for n, c in clips if c.file), key=lambda pair: (pair[1].start, pair[1].id))
    return Script(
        episode=_episode(job.episode, job.open(Language)),
        shots=tuple(ScriptShot(id=s.id, start=s.start, end=s.end) for s in job.read(Shot)),
        keyframes=tuple(ScriptKeyframe(id=k.id, shot=k.shot, time=k.time, image=k.image) for k in job.read(Keyframe)),
        utterances=tuple(
            ScriptUtterance(id=u.id, start=u.start, end=u.end, text=u.text, source=u.source)
            for u in job.read(Utterance)
        ),
        gaps=tuple(_gaps(job, clips)),
        narrations=tuple(choices.spoken(narration, clip) for narration, clip in spoken),
        dropped=tuple(choices.dropped(narration, clip) for narration, clip in clips if not clip.file),
        extended=tuple(choices.extended(line) for line in job.read(Extended)),
        ducking=tuple(_duck(duck, {clip.id: clip.narration for _, clip in clips}) for duck in job.read(Duck)),
    )


def _episode(episode: Episode, settings: Language) -> ScriptEpisode:
    return ScriptEpisode(
        id=episode.id,
        file=episode.path.name,
        title=episode.path.stem,
        duration=episode.duration,
        start_time=episode.start_time,
        language=settings.language,
        audio_language=episode.audio.language if episode.audio else None,
        fps=episode.video.fps,
        content=episode.content,
    )


class _Choices:
    """The candidates of every keyframe with their scores, to show beside the line that was chosen."""

    def __init__(self, job: Job[Config]) -> None:
        self.language = job.open(Language).language
        self.candidates = {candidate.id: candidate for candidate in job.read(Candidate)}
        self.shots = {keyframe.id: keyframe.shot for keyframe in job.read(Keyframe)}
        self.ranked = {ranked.candidate: ranked for ranked in job.read(Ranked)}
        self.of_keyframe: dict[str, list[ScriptCandidate]] = defaultdict(list)
        for candidate in self.candidates.values():
            self.of_keyframe[candidate.keyframe].append(self._shown(candidate))
        for candidates in self.of_keyframe.values():
            candidates.sort(key=lambda c: (c.score is None, -(c.score or 0.0), c.id))

    def spoken(self, narration: Line, clip: Clip) -> ScriptNarration:
        """The line as it is heard: text, times and candidate are the clip's; a person's line is no candidate."""
        candidate, ranked = self.candidates.get(clip.candidate), self.ranked.get(clip.candidate)
        assert clip.file  # the caller keeps dropped clips apart
        return ScriptNarration(
            id=narration.id,
            start=clip.start,
            end=clip.end,
            text=clip.text,
            kind=candidate.kind if candidate else narration.kind,
            gap=narration.gap,
            shot=self.shots[narration.keyframe],
            keyframe=narration.keyframe,
            candidate=clip.candidate,
            score=ranked.score if ranked else narration.score,
            candidates=tuple(self.of_keyframe[narration.keyframe]),
            evidence=candidate.evidence if candidate else (),
            unsupported=() if narration.person else self._marks(candidate, clip.text),
            clip=SpokenClip(file=clip.file, voice=clip.voice, speed=clip.speed),
        )

    def dropped(self, narration: Narration, clip: Clip) -> DroppedLine:
        """The line that was meant to be heard, and why it is not."""
        assert clip.dropped
        return DroppedLine(
            id=narration.id,
            start=narration.start,
            text=narration.text,
            kind=narration.kind,
            gap=narration.gap,
            keyframe=narration.keyframe,
            score=narration.score,
            why=clip.dropped,
            candidates=tuple(self.of_keyframe[narration.keyframe]),
        )

    def extended(self, line: Extended) -> ExtendedLine:
        """A line of the extended film; one that a person wrote is no candidate."""
        candidate = self.candidates.get(line.candidate)
        return ExtendedLine(
            id=line.id,
            time=line.time,
            stands=line.stands,
            start=line.start,
            end=line.end,
            text=line.text,
            kind=line.kind,
            shot=self.shots[line.keyframe],
            keyframe=line.keyframe,
            candidate=line.candidate,
            worth=line.worth,
            why=line.why,
            candidates=tuple(self.of_keyframe[line.keyframe]),
            evidence=candidate.evidence if candidate else (),
            unsupported=self._marks(candidate, line.text),
            clip=SpokenClip(file=line.file, voice=line.voice, speed=1.0),
        )

    def _shown(self, candidate: Candidate) -> ScriptCandidate:
        ranked = self.ranked.get(candidate.id)
        return ScriptCandidate(
            id=candidate.id,
            text=candidate.text,
            score=ranked.score if ranked else None,
            parts=ranked.parts if ranked else {},
            model=candidate.model,
            kind=candidate.kind,
            style=candidate.style,
            length=candidate.length,
            evidence=candidate.evidence,
            unsupported=self._marks(candidate, candidate.text),
        )

    def _marks(self, candidate: Candidate | None, text: str) -> tuple[str, ...]:
        """The words of a line that nothing supports; a person's own words are not judged."""
        if candidate is None:
            return ()
        return marked(text, candidate.text, candidate.unsupported, self.language)


def _gaps(job: Job[Config], clips: Sequence[tuple[Narration, Clip]]) -> Iterator[ScriptGap]:
    used = {narration.gap for narration, clip in clips if clip.file}
    dropped = {narration.gap: clip.dropped for narration, clip in clips if not clip.file}
    written = {candidate.keyframe for candidate in job.read(Candidate)}
    described = [(c.start, c.end) for c in job.read(Context) if c.keyframe in written]
    for gap in job.read(Gap):
        yield ScriptGap(
            id=gap.id,
            start=gap.start,
            end=gap.end,
            lead_in=gap.lead_in,
            lead_out=gap.lead_out,
            bed=gap.bed,
            loudness=gap.loudness,
            usable=gap.usable,
            used=gap.id in used,
            why=None if gap.id in used else gap.why or dropped.get(gap.id) or _silence(gap, described),
        )


def _silence(gap: Gap, described: list[tuple[float, float]]) -> Reason:
    """Why a usable gap stays empty: whether a picture shown in it has a candidate at all."""
    seen = any(start < gap.end and end > gap.start for start, end in described)
    return NothingNew() if seen else NothingToSay()


def _duck(duck: Duck, narrations: dict[str, str]) -> ScriptDuck:
    return ScriptDuck(
        id=duck.id,
        start=duck.start,
        end=duck.end,
        attack=duck.attack,
        release=duck.release,
        depth=duck.depth,
        bed=duck.bed,
        narrations=tuple(narrations[clip] for clip in duck.clips),
    )
