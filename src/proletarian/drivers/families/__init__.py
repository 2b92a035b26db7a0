"""Kinds of database, reached by URL: each module is a `Family`, and opens connections of our own."""
