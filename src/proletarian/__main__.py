"""Makes `python -m proletarian` work where the `proletarian` script is not on the path."""

from __future__ import annotations

from proletarian.cli.program import main

if __name__ == "__main__":
    main(prog_name="proletarian")
