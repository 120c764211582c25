"""What reviewers make of an episode's narration: its lines, the acts that changed them, and where both are kept."""
