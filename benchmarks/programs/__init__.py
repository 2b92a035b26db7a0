"""The contestants' programs, each run in an environment of its own; what they share is in contestant.py."""
