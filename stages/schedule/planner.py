"""One episode as a problem of `optimise`: its moments with all forms of their lines, its gaps, the costs between them.

Lengths are estimated first; the chosen lines are spoken, what they really take comes back, and everything is decided
again, up to `rounds` times.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from data.products import LoudnessCurve
from data.reasons import Heard, LowScore, Reason, Refused, TooDetailed
from data.records import Candidate, Context, Gap, Ranked
from data.style import refuse
from data.text import language
from stages.schedule.alike import Sayings
from stages.schedule.config import Config
from stages.schedule.lengths import Lengths
from stages.schedule.losses import total
from stages.schedule.memory import Memory, Said
from stages.schedule.objective import LEVELS, Form, Places, heard, scenes, value
from stages.schedule.optimise import CLOSE, Plan, optimise
from stages.schedule.placement import Option, Placed, Rules, Slot
from stages.schedule.relaxed import Prices
from stages.schedule.rewriting import LEAST, Rewriter, Rewriting
from stages.schedule.shorten import available, shortened
from stages.schedule.wording import Wording
from stages.sources import Planning, VoiceOfRun
from stages.stage import Job

TIGHT = 0.6
"""Share of the longest gap in reach from which a line may have to be spoken faster to leave others room."""

FEW = 0.1
"""Share of lines with new lengths from which on one more round is enough, of what was spoken by then."""
REMEMBERING = 1
"""Times that everything is decided again because of what lines have told, where no voice is asked for lengths: over 3
hours the first brings 0.4 % of worth, all later ones 0.03 %."""


@dataclass(frozen=True)
class Moment:
    """What is seen on a keyframe, or what is read out of it: at other times on screen, and both may be spoken.

    Its candidates that may be spoken, and why the others may not: candidate → reason.
    """

    context: Context
    scene: bool
    view: bool
    candidates: tuple[Candidate, ...]
    refused: dict[str, Reason]

    @property
    def key(self) -> tuple[str, bool]:
        """What tells it from the others."""
        return self.context.keyframe, self.view


class Planner:
    """Places the lines of one episode."""

    def __init__(self, job: Job[Config, Rewriter | None]) -> None:
        self.config, self.settings, self._progress = job.config, job.open(Planning), job.progress
        self.level = LEVELS[job.config.detail]
        self.gaps = [gap for gap in job.read(Gap) if gap.usable]
        self.slots = [Slot(*gap.window, capacity=self._capacity(gap)) for gap in self.gaps]
        self.scores = {ranked.candidate: ranked.score for ranked in job.read(Ranked)}
        self.places = Places(self.gaps, job.open(LoudnessCurve).values, job.config.weights)
        self.lengths = Lengths(
            self.settings.language,
            self.settings.plan_rate,
            job.open(VoiceOfRun).speaker if job.config.rounds else None,
        )
        self.rewriting = Rewriting(job)
        self._rewritten: dict[str, list[str]] = {}
        self.candidates = {candidate.id: candidate for candidate in job.read(Candidate)}
        self.of_keyframe: dict[str, list[Candidate]] = defaultdict(list)
        for candidate in self.candidates.values():
            self.of_keyframe[candidate.keyframe].append(candidate)
        self.wording = Wording(self.candidates.values(), self.settings.language)
        self.moments = list(self._moments(job))
        self._moment_of = {c.id: moment for moment in self.moments for c in moment.candidates}
        self._contexts = {moment.context.keyframe: moment.context for moment in self.moments}
        self.memory = Memory(
            self.settings.language, self.config.weights, self.level,
            place=self.config.memory, elsewhere=self.config.repeat_window,
        )  # fmt: skip
        self._starts = [slot.start for slot in self.slots]
        self._ends = [slot.end for slot in self.slots]
        self._of_moment: dict[tuple[str, bool], list[Form]] = {}
        self.forms: dict[str, Form] = {}
        self._prices: Prices | None = None
        self._sayings = Sayings()
        self._made: dict[str, Form] = {}
        self.rules = self._rules([])

    def _capacity(self, gap: Gap) -> float:
        """Seconds that may be spoken in the gap: long ones keep room for the programme."""
        start, end = gap.window
        fill = self.config.fill if gap.end - gap.start > self.config.long_gap else 1.0
        share = fill * self.level.fill
        return (end - start) * share if share < 1 else float("inf")

    def _moments(self, job: Job[Config]) -> Iterator[Moment]:
        contexts = sorted(job.read(Context), key=lambda c: c.time)
        for context, scene in zip(contexts, scenes(contexts), strict=True):
            for some in _apart(self.of_keyframe[context.keyframe], context):
                reasons = {candidate.id: self._reason(candidate, context) for candidate in some}
                allowed = tuple(candidate for candidate in some if not reasons[candidate.id])
                refused = {name: reason for name, reason in reasons.items() if reason}
                yield Moment(context, scene, some[0].kind == "visual", allowed, refused)

    def _reason(self, candidate: Candidate, context: Context) -> Reason | None:
        """Why a candidate is not considered; None where it is."""
        if (score := self.scores.get(candidate.id, 0.0)) < self.config.min_score:
            return LowScore(score=score, least=self.config.min_score)
        if candidate.length not in self.level.lengths:
            return TooDetailed()
        if heard(candidate, context):
            return Heard()
        if rule := refuse(candidate.text, self.settings.language):
            return Refused(rules=(rule,))
        if wrong := self.wording.wrong.get(candidate.id):
            return Refused(rules=tuple(finding.message for finding in wrong))
        return None

    def placed(self) -> Plan:
        """The best placement, with the lengths of its lines as the voice speaks them, held against its own lines.

        Of the plans whose lengths are all known, the one that is worth most; `forms` are then its own. The last round
        chooses from what was spoken in the others: a length that is only estimated is no plan to keep.
        """
        plans: list[tuple[float, Plan, dict[str, Form]]] = []
        rounds, wide, last = max(self.config.rounds, REMEMBERING), False, False
        for number in range(rounds + 1):
            last = last or number == rounds
            wide = wide or last
            plan = self._optimised(wide=wide, spoken=last)
            unknown = self._measured(plan.lines)
            if not unknown:
                recalled = self._recalled(plan.lines)
                plans.append((self._worth(plan.lines, recalled), plan, self.forms | recalled))
            before, self.memory = self.memory, self._remembered(plan.lines)
            settled = not unknown and self.memory.said == before.said
            if last or (settled and (wide or plan.short <= CLOSE)):
                break
            wide, last = settled, number > 0 and 0 < unknown <= FEW * len(plan.lines)
        _, plan, self.forms = max(plans, key=lambda decided: decided[0])
        return plan

    def worth(self, lines: Sequence[Placed]) -> float:
        """What lines of the last optimisation are worth together, held against each other and no others."""
        return self._worth(lines, self._recalled(lines))

    def _worth(self, lines: Sequence[Placed], recalled: Mapping[str, Form]) -> float:
        other = sum(recalled[line.option.key].value - line.option.value for line in lines)
        return total(lines, self.slots, self.rules) + other

    def _remembered(self, lines: Sequence[Placed]) -> Memory:
        """What is known once these lines are spoken."""
        forms = (self.forms[line.option.key] for line in lines)
        return self.memory.holding(
            [Said(self._contexts[f.candidate.keyframe], f.text, f.candidate.kind == "visual") for f in forms]
        )

    def _recalled(self, lines: Sequence[Placed]) -> dict[str, Form]:
        """The forms of lines, each held against the lines before it."""
        memory = self._remembered(lines)
        forms = (self.forms[line.option.key] for line in lines)
        return {form.key: self._known(form, memory) for form in forms}

    def _known(self, form: Form, memory: Memory) -> Form:
        """A form less what a memory takes for what it tells again."""
        parts = {name: part for name, part in form.parts.items() if name != "known"}
        cost = memory.cost(form.text, self._contexts[form.candidate.keyframe], form.candidate.kind == "visual")
        return replace(form, parts=parts | ({"known": -cost} if cost else {}))

    def _measured(self, lines: Sequence[Placed]) -> int:
        """Have the lines spoken that were not yet; how many there were."""
        news = 0
        for done, line in enumerate(lines, 1):
            news += self.lengths.measure(self.forms[line.option.key])
            self._progress(done, len(lines))
        return news

    def _optimised(self, *, wide: bool, spoken: bool = False) -> Plan:
        """The best lines as far as is known; `spoken`: of those alone that were spoken."""
        self.prepare()
        problem = self.problem()
        if spoken:
            problem = [[o for o in options if self.lengths.known(self.forms[o.key])] for options in problem]
        plan = optimise(problem, self.slots, self.rules, self._prices, wide=wide)
        self._prices = plan.prices
        return plan

    def prepare(self) -> None:
        """Find the forms of every moment, with the lengths known so far."""
        if self.rewriting.available:
            self._rewrite()
        rows = [self._forms(moment) for moment in self.moments]
        self._of_moment = {moment.key: forms for moment, forms in zip(self.moments, rows, strict=True)}
        self.forms = {form.key: form for row in rows for form in row}
        self.rules = self._rules(rows)

    def faster(self, form: Form) -> list[Form]:
        """A form at every speed above its own, the slowest first; they can be placed from here on."""
        found = [self._faster(form, speed) for speed in self.lengths.speeds if speed > form.speed]
        self.forms |= {form.key: form for form in found}
        return found

    def spoken(self, form: Form) -> Option:
        """A form with the length it has when it is spoken, which it is, where there is a voice."""
        self.lengths.measure(form)
        return self._option(form, self._moment_of[form.candidate.id])

    def problem(self) -> list[list[Option]]:
        """The options of every moment, as they were optimised last."""
        return [self.options_of(moment) for moment in self.moments]

    def forms_of(self, moment: Moment) -> list[Form]:
        """The ways to word a moment."""
        return self._of_moment[moment.key]

    def options_of(self, moment: Moment) -> list[Option]:
        """The same with their lengths and windows."""
        return [self._option(form, moment) for form in self.forms_of(moment)]

    def _rules(self, rows: Sequence[Sequence[Form]]) -> Rules:
        config = self.config
        said = [
            (moment.context.time, self._sayings.number(form.text))
            for moment, forms in zip(self.moments, rows, strict=False)
            for form in forms
        ]
        self._known_by, alike = self._sayings.alike(said, config.repeat_window, config.similarity)
        return Rules(
            config.pause, config.breath, config.weights.crowding, self.places.cost, config.repeat_window, alike
        )

    def _forms(self, moment: Moment) -> list[Form]:
        """The candidates; where none fits any gap, also shorter ones made of them; the shortest also faster."""
        forms = [self._form(moment, c, self.wording.texts[c.id]) for c in moment.candidates]
        if not forms:
            return []
        room = self.room(moment)
        if self.shortest(moment) > room:
            forms += self._shorter(moment, room)
        forms = self.wording.cleanest(forms, (f for f in forms if self.lengths.needed(f.text) <= room))
        shortest = min(forms, key=lambda f: (self.lengths.needed(f.text), f.key))
        if self.lengths.needed(shortest.text) > TIGHT * room:
            forms += [self._faster(shortest, speed) for speed in self.lengths.speeds]
        return [self._known(form, self.memory) for form in forms]

    def _form(self, moment: Moment, candidate: Candidate, text: str, shortened: str = "") -> Form:
        """A form; `shortened`: the end of its key where words were left out or put otherwise."""
        key = candidate.id + shortened
        if key not in self._made or self._made[key].text != text:
            place = (moment.context, moment.scene)
            score, lang = self.scores[candidate.id], self.settings.language
            found = value(candidate, text, score, place, self.config.weights, self.level, lang)
            cost = {"shortened": -self.config.weights.shortened} if shortened else {}
            self._made[key] = Form(key, candidate, text, 1.0, found | cost)
        return self._made[key]

    def _shorter(self, moment: Moment, room: float) -> list[Form]:
        """Rewritten forms; those with words left out where there is none that fits."""
        rewritten = [
            self._form(moment, candidate, text, f"~{number}")
            for candidate in moment.candidates
            for number, text in enumerate(self._rewritten.get(candidate.id, ()), 1)
        ]
        if any(self.lengths.needed(form.text) <= room for form in rewritten) or not available(self.settings.language):
            return rewritten
        return rewritten + [
            self._form(moment, candidate, text, f"/{number}")
            for candidate in moment.candidates
            if moment.view
            for number, text in enumerate(shortened(self.wording.texts[candidate.id]), 1)
        ]

    def _rewrite(self) -> None:
        """Have the best line rewritten of every moment that no gap has room for, all at once."""
        asked = {
            c.id: (self.wording.texts[c.id], budget) for moment in self.moments for c, budget in self._too_long(moment)
        }
        new = {name: question for name, question in asked.items() if name not in self._rewritten}
        self._rewritten.update(zip(new, self.rewriting.shorter(list(new.values())), strict=True))

    def _too_long(self, moment: Moment) -> Iterator[tuple[Candidate, int]]:
        """The best line of a moment and the syllables there is room for; none where it fits, or nothing would."""
        if not (moment.view and moment.candidates) or any(c.id in self._rewritten for c in moment.candidates):
            return
        best = max(moment.candidates, key=lambda c: (self.scores[c.id], c.id))
        room = self.room(moment)
        if 0 < room < self.shortest(moment):
            text = self.wording.texts[best.id]
            budget = int(self.syllables(text) * room / self.lengths.needed(text))
            if budget >= LEAST:
                yield best, budget

    def _faster(self, form: Form, speed: float) -> Form:
        cost = {"faster": -self.config.weights.faster * (speed - 1)}
        return Form(f"{form.key}*{speed:g}", form.candidate, form.text, speed, {**form.parts, **cost})

    def _option(self, form: Form, moment: Moment) -> Option:
        shown, gone = seen(moment.context, view=moment.view)
        earliest, seconds = max(shown - self.settings.early, 0.0), self.lengths.needed(form.text, form.speed)
        says = int(self._known_by[self._sayings.number(form.text)])
        latest = gone + self.settings.late
        return Option(form.key, seconds, form.value, round(earliest, 3), latest, shown, moment.context.time, says)

    def room(self, moment: Moment) -> float:
        """The longest stretch of one gap that a line of the moment can be spoken in; 0 where no gap is in reach."""
        shown, gone = seen(moment.context, view=moment.view)
        earliest, latest = shown - self.settings.early, gone + self.settings.late
        first = bisect_right(self._ends, earliest)
        until = bisect_right(self._starts, latest)
        near = self.slots[first:until]
        return max((min(s.end - max(s.start, earliest), s.capacity) for s in near), default=0.0)

    def shortest(self, moment: Moment) -> float:
        """Seconds that the shortest candidate of the moment takes."""
        return min(self.lengths.needed(self.wording.texts[c.id]) for c in moment.candidates)

    def shorter(self, form: Form) -> list[Candidate]:
        """Candidates of the same moment with fewer syllables, the cleanest first, of those the best."""
        longest = self.syllables(form.text)
        moment, texts = self._moment_of[form.candidate.id], self.wording.texts
        others = [c for c in moment.candidates if self.syllables(texts[c.id]) < longest]
        return sorted(others, key=lambda c: (self.wording.warnings(texts[c.id]), -self.scores[c.id], c.id))

    def syllables(self, text: str) -> int:
        """How many syllables the text has in the language of the narration."""
        return language.syllables(text, self.settings.language)


def _apart(candidates: Sequence[Candidate], context: Context) -> Iterator[list[Candidate]]:
    """Candidates of one keyframe by what they are of, its text and its view; what is on screen first comes first."""
    views = [candidate for candidate in candidates if candidate.kind == "visual"]
    texts = [candidate for candidate in candidates if candidate.kind != "visual"]
    late = seen(context, view=False)[0] > context.start
    yield from filter(None, (views, texts) if late else (texts, views))


def seen(context: Context, *, view: bool) -> tuple[float, float]:
    """From when to when the picture of a line is on screen: its shot, or its text."""
    if view or not context.texts:
        return context.start, context.end
    return min(t.first_seen for t in context.texts), max(t.last_seen for t in context.texts)
