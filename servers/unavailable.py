"""The one error that means "not on this machine"."""


class Unavailable(Exception):
    """A server is not available here; the message says what is missing and how to get it."""
