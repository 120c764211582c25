"""The results folder of an episode: what lies in it, how it changes, and what is made from it."""
