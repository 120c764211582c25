"""What a measurement gives."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One measured figure."""

    figure: str
    """What is measured."""
    value: str
    """The result, with its unit."""
    target: str
    """What it should be; empty: for information."""
    how: str
    """Machine-independent description: sizes, repeats, what it is compared with."""
