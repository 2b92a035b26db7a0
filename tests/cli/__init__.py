"""The `proletarian` command."""
