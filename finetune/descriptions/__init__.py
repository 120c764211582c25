"""Our descriptions against those a person wrote for the same film: events matched first, then many metrics."""
