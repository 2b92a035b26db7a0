"""Everything that is checked; `make test` runs it."""
