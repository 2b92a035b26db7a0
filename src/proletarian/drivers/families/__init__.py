"""Kinds of database, reached by URL: each module is a `Family`, and opens our own connections."""
