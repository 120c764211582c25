"""How candidates are worded when they are chosen, by the rules of style that the check of the finished film goes by.

Each is mended as far as that is safe, as `vdesc lint --fix` would. One that still breaks a rule of severity error is
never spoken: its moment has other candidates, or silence, which is better than what our own check would blame. One that
is warned of, or names somebody whom nothing names, is spoken only where its moment has nothing cleaner that fits. That
is no weight: one that no part of a
line's worth can outbid would also silence a moment that has nothing better to say.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from data.records import Candidate
from data.style import blamed, fixed
from data.text.claims import claims
from stages.schedule.objective import Form


class Wording:
    """The mended texts of candidates, by id, and of those with errors what they break."""

    def __init__(self, candidates: Iterable[Candidate], language: str) -> None:
        self._language = language
        self.texts = {candidate.id: fixed(candidate.text, language) for candidate in candidates}
        wrong = {name: [f for f in blamed(t, language) if f.severity == "error"] for name, t in self.texts.items()}
        self.wrong = {name: rules for name, rules in wrong.items() if rules}

    def warnings(self, text: str) -> int:
        """How many rules a text breaks."""
        return len(blamed(text, self._language))

    def cleanest(self, forms: Sequence[Form], fitting: Iterable[Form]) -> list[Form]:
        """The forms of a moment that are to blame for no more than the cleanest of those that fit."""
        least = min(map(self._blame, fitting), default=math.inf)
        return [form for form in forms if self._blame(form) <= least]

    def _blame(self, form: Form) -> int:
        """The rules a form breaks, and the names in it that nobody said, no text shows and no face has."""
        invented = form.candidate.unsupported
        names = (
            [c for c in claims(form.text, self._language) if c.kind == "name" and c.word in invented]
            if invented
            else []
        )
        return self.warnings(form.text) + len(names)
