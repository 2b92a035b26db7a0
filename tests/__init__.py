"""
Tests of Proletarian, on real databases.

Some machines tell Python to keep no compiled code. Tests start it a thousand times: it is kept here.
"""

import os
import sys

os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
