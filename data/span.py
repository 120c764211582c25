"""A stretch of a film."""

Span = tuple[float, float]
"""Its start and end, seconds of presentation time."""
