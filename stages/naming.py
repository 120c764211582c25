"""Naming: what people are called, put in place of their labels; the last step that decides about words.

A person is called by their name from the second it may be used, before that by the description of the series file, and
the same words each time. Up to here no result depends on names: a person who is renamed costs no captioner and no
ranker a second look, and only the lines that mention them change.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from data.records import Candidate, Context, Draft, Evidence, Utterance
from data.series import Series, labels, names
from data.series.cast import Member
from data.series.names import introduced, known
from stages.sources import Early, Introduced, Wordings
from stages.stage import Job, StageConfig

VERSION = 1
SOMEBODY = {"ko": "한 사람", "en": "somebody"}
"""Who has neither a name yet nor a description, and is mentioned all the same."""


class Config(StageConfig):
    """Naming has nothing to set; the series file says how people are called."""


def run(job: Job[Config]) -> Iterable[Candidate]:
    """Every draft as it can be spoken, under its own id. Raises ConfigError for a series that lacks a text."""
    found = job.open(Wordings).series
    contexts = {context.keyframe: context for context in job.read(Context)}
    calls = _Calls(job, found, contexts.values()) if found else None
    drafts = job.read(Draft)
    for done, draft in enumerate(drafts, 1):
        yield calls.worded(draft, contexts[draft.keyframe].time) if calls else _as_it_is(draft)
        job.progress(done, len(drafts))


def _as_it_is(draft: Draft) -> Candidate:
    return Candidate(**dict(draft))


class _Calls:
    """What everybody is called at which second."""

    def __init__(self, job: Job[Config], found: Series, contexts: Iterable[Context]) -> None:
        self.series, self.settings = found, job.open(Early)
        self.members: Mapping[str, Member] = {m.id: m for m in found.people.members}
        shown = [text for context in contexts for text in context.texts]
        self.times = introduced(found.people, job.read(Utterance), shown, found.names)
        self.times |= dict.fromkeys(job.open(Introduced).people, 0.0)
        self.forms = {m.id: names.forms(m, found.people) for m in found.people.members}

    def worded(self, draft: Draft, time: float) -> Candidate:
        """A draft for a picture at `time`; the line may start as much before as `early` allows."""
        called = {person: self._called(person, time - self.settings.early) for person in draft.people}
        text = labels.worded(draft.text, called, self.settings.language)
        if draft.kind == "visual":
            text = self.series.preferred(self._unnamed(text, time), self.settings.language)
        return Candidate(
            **dict(draft) | {
                "text": text,
                "draft": draft.text if text != draft.text else "",
                "evidence": tuple(_shown(e, called) for e in draft.evidence),
            }
        )  # fmt: skip

    def _called(self, person: str, time: float) -> str:
        member = self.members.get(person)
        if member is None:
            return SOMEBODY[self.settings.language]
        named = known(member, self.times, max(time, 0.0))
        words = self.series.people.words(member, "name" if named else "before", self.settings.language)
        return words or SOMEBODY[self.settings.language]

    def _unnamed(self, text: str, time: float) -> str:
        """Without names that may not be used yet, which a captioner took from the dialogue."""
        for person, forms in self._not_yet(time - self.settings.early):
            for form in forms:
                text = labels.replaced(text, form, self._called(person, 0.0), self.settings.language)
        return text

    def _not_yet(self, time: float) -> Iterator[tuple[str, tuple[str, ...]]]:
        for person, member in self.members.items():
            if not known(member, self.times, max(time, 0.0)):
                yield person, self.forms[person]


def _shown(evidence: Evidence, called: Mapping[str, str]) -> Evidence:
    """Evidence as people read it: the name of whose face it is."""
    name = next((call for person, call in called.items() if evidence.value == labels.label(person)), evidence.value)
    return evidence.model_copy(update={"value": name})
