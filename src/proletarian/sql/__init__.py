"""
Plans and SQL text; nothing in here does I/O.

A topic is a file of plans (`claiming.py`), which are functions of a dialect, and a file of statements for each
database (`postgresql/claiming.sql`). In those `:name` is a parameter, `:NAME` a part that is put in before
anything else (`parts.py`).
"""
