"""What runs the stages: runner, workspace, config, command line."""
