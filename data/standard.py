"""Numbers of policy that more than one place obeys, each once.

All are working values between what guidelines say in words and what tools do: not every pause is filled (DCMP,
Netflix's guide for audio description), a voice is hurried by 15 % at most (listening becomes an effort from 20 % on),
and narration keeps off the words around it. The pace itself stands in `data.text.language`.
"""

from __future__ import annotations

PAUSE = 0.2
"""Seconds between two lines (0.15–0.25)."""
GUARD = 0.3
"""Seconds between dialogue and narration, on either side."""
LEAST_GUARD = 0.25
"""… below which it is an error."""
LONG_GAP = 6.0
"""Seconds from which a gap is long: not all of it may be spoken."""
FILL = 0.8
"""Share of a long gap that may be spoken."""
FASTER = 1.10
"""How much faster than its pace a line may be spoken to fit."""
FASTEST = 1.15
"""… with a warning."""
