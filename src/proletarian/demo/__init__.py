"""
The demo: a sign-up service, two workers, a mail server, and a kill in the middle.

`signup.py` and `tasks.py` are what an application looks like; the rest sets the stage and
counts. It needs the extra `demo`: aiosmtpd and rich.
"""
