"""The text gate, and the style rules of audio description.

`refuse` says why a line must never reach a voice; `findings` what a describer would change in one that may, `blamed`
what of it the choice of lines and the check of the film go by; `fixed` changes what is safe to change. The rules look
at the narrator's own words: on-screen text that is read out, in quotation marks or after a lead-in, follows no rule of
style. They are data: `lexicon/style_<language>.yaml`. Korean ones look at morphemes where kiwipiepy is installed (extra
`korean`), else at letters, which finds less.
"""

from data.style.gate import refuse
from data.style.morphology import installed as morphology_installed
from data.style.own import own_words
from data.style.rules import Severity, StyleFinding, blamed, findings, fixed, identity, long_line, too_fast

__all__ = [
    "Severity",
    "StyleFinding",
    "blamed",
    "findings",
    "fixed",
    "identity",
    "long_line",
    "morphology_installed",
    "own_words",
    "refuse",
    "too_fast",
]
