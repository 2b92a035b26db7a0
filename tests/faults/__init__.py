"""Faults on purpose, on real servers, with books that must balance."""
