"""Do our lines name the people the human lines name?"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from data.text.pronunciation import reader

People = Mapping[str, Sequence[str]]
"""Person → their names, as in a cast folder."""
MARK = 0xE000
"""Names become characters of the Private Use Area, one for each person."""


def named(texts: Sequence[str], people: People) -> list[set[str]]:
    """Who is named in each text: a name stands alone or with Korean particles behind it.

    Of a name of several words the first and the last count too, of a Korean one of three syllables the given name,
    as far as they mean one person alone. Pronouns and "the man" name nobody.
    """
    ids = list(people)
    forms = {form: chr(MARK + ids.index(person)) for form, person in _forms(people).items()}
    mark = reader(forms)
    return [{ids[ord(c) - MARK] for c in mark(text) if MARK <= ord(c) < MARK + len(ids)} for text in texts]


def name_iou(ours: Sequence[str], theirs: Sequence[str], people: People) -> NDArray[np.float64]:
    """Intersection over union of the people named, for the pairs whose human line names somebody, (m,), 0…1.

    CRITIC (AutoAD III, Han et al. 2024) without its coreference: there "he" counts as the person it stands for, here
    only names do.
    """
    pairs = zip(named(ours, people), named(theirs, people), strict=True)
    return np.array([len(us & them) / len(us | them) for us, them in pairs if them], float)


def _forms(people: People) -> dict[str, str]:
    """Form of a name → the one person it means; whole names come before short forms."""
    whole = {name: person for person, names in people.items() for name in names}
    short = [(form, person) for name, person in whole.items() for form in _short(name)]
    persons = Counter(form for form, _ in set(short))
    return {form: person for form, person in short if persons[form] == 1} | whole


def _short(name: str) -> Iterator[str]:
    parts = name.split()
    if len(parts) > 1:
        yield from (parts[0], parts[-1])
    elif re.fullmatch("[가-힣]{3}", name):
        yield name[1:]
