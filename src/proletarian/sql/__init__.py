"""
Plans and SQL text; nothing in here does I/O.

A topic is a file of plans (`claiming.py`), which are functions of a dialect, and a file of statements for each database
(`postgresql/claiming.sql`). In these, `:name` is a parameter, and `:NAME` a part that is expanded first (`parts.py`).
"""
