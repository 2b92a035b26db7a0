"""
Codes for strings that repeat: `^0` stands for the first string that could repeat, and so on.

Writer and reader count in the same way, so they agree without a table in the text. After 1,936
strings both start over.
"""

from __future__ import annotations

DIGITS, FIRST = 44, ord("0")
MOST = DIGITS * DIGITS
SHORTEST = 4
MAP = "^ "


def can_repeat(text: str, *, key: bool) -> bool:
    """Whether a string gets a code: a key of a map, a keyword, a symbol or a tag, unless it is short."""
    return (key or (text[:1] == "~" and text[1:2] in ("#", "$", ":"))) and units(text) >= SHORTEST


def units(text: str) -> int:
    """
    How long a string is for Java and JavaScript, which count a character beyond U+FFFF twice.

    >>> units("ab😀")
    4
    """
    return len(text) + sum(sign > "\uffff" for sign in text) if len(text) < SHORTEST else len(text)


def is_code(text: str) -> bool:
    """Whether a string stands for another one."""
    return text.startswith("^") and text != MAP


def code(index: int) -> str:
    """
    The code for the string with this number.

    >>> code(0), code(43), code(44), code(1935)
    ('^0', '^[', '^10', '^[[')
    """
    high, low = divmod(index, DIGITS)
    return f"^{chr(high + FIRST) if high else ''}{chr(low + FIRST)}"


class Written:
    """The strings that the writer has written so far."""

    def __init__(self) -> None:
        self._codes: dict[str, str] = {}

    def shortened(self, text: str, *, key: bool) -> str:
        """The string, or its code if it was written before."""
        if not can_repeat(text, key=key):
            return text
        if known := self._codes.get(text):
            return known
        if len(self._codes) == MOST:
            self._codes.clear()
        self._codes[text] = code(len(self._codes))
        return text


class Read:
    """The strings that the reader has read so far."""

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}

    def full(self, text: str, *, key: bool) -> str:
        """The string that a code stands for, or the string itself; raises `KeyError`."""
        if is_code(text):
            return self._texts[text]
        if can_repeat(text, key=key):
            if len(self._texts) == MOST:
                self._texts.clear()
            self._texts[code(len(self._texts))] = text
        return text
