"""Plans and SQL text; nothing in here does I/O."""
