"""The contestants' programs, each run in its own environment; the shared code is in contestant.py."""
