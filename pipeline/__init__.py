"""What runs the stages: runner, workspace, config, command line."""

DEFAULT_PROFILE = "default"
"""The profile of a command that names none."""
