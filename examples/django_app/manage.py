"""
A small shop in Django: an order and its job in one transaction.

    export DATABASE=sqlite:///shop.db          # or postgresql://…
    python manage.py migrate
    python manage.py runserver &
    python manage.py proletarian worker &
    curl -X POST -d email=ann@example.org http://127.0.0.1:8000/orders
"""

from __future__ import annotations

import os
import sys

from django.core.management import execute_from_command_line

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")
    execute_from_command_line(sys.argv)
