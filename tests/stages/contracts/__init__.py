"""One suite per role, run over all of its backends."""
