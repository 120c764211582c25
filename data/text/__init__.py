"""Words: how Korean and English are read and written, what lines claim, what texts on screen mean."""
