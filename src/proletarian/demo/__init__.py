"""
The demo: a sign-up service, two workers, a mail server, and a kill halfway through.

`signup.py` and `tasks.py` show what an application looks like; the rest sets the stage and
counts. It needs the extra `demo`: aiosmtpd and rich.
"""
