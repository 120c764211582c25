"""What the server answers, by meaning."""
