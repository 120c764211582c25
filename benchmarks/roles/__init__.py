"""The measurements of each role's backends; see benchmarks/models.py."""
