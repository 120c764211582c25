"""What runs the stages: runner, workspace, config, command line."""

DEFAULT_PROFILE = "embedded"
"""The profile of a command that names none."""
