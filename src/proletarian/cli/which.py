"""Which jobs a command selects: ids, and words of the filter language, as given on the command line."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from proletarian.filters import JobFilter

F = TypeVar("F", bound=Callable[..., Any])

FILTERED = "queue:mail state:failed since:1h"


def some(command: F) -> F:
    """`[FILTER]...`: optional words."""
    return click.argument("words", nargs=-1, metavar="[FILTER]...")(command)


def ids_or_filter(command: F) -> F:
    """`JOB_ID... | FILTER...`: words, at least one."""
    return click.argument("words", nargs=-1, required=True, metavar="JOB_ID... | FILTER...")(command)


def filter_of(words: Sequence[str]) -> JobFilter:
    """
    The filter that the words form together; a word without a colon is a job id.

    Raises `FilterError`, which points at the wrong word.

    >>> print(filter_of(["queue:mail", "state:failed since:1h"]))
    queue:mail state:failed since:1h
    >>> print(filter_of(["0192-a", "0192-b"]))
    id:0192-a,0192-b
    """
    from proletarian.filters import JobFilter

    ids = ids_in(words)
    text = " ".join(word for word in words if not is_id(word))
    return JobFilter.parse(f"{text} id:{','.join(ids)}".strip() if ids else text)


def meant(words: Sequence[str]) -> JobFilter | list[str]:
    """
    Job ids without duplicates, if there is nothing else; otherwise a filter.

    >>> meant(["0192-a", "0192-b", "0192-a"])
    ['0192-a', '0192-b']
    """
    return list(dict.fromkeys(ids_in(words))) if all(map(is_id, words)) else filter_of(words)


def ids_in(words: Sequence[str]) -> list[str]:
    """
    The words that are job ids; raises `FilterError` for a bare state name.

    >>> ids_in(["failed", "queue:mail"])
    Traceback (most recent call last):
    proletarian.errors.FilterError: 'failed' is no job id; did you mean state:failed?
    """
    from proletarian.errors import FilterError
    from proletarian.filters import STATES

    ids = [word for word in words if is_id(word)]
    if states := [word for word in ids if word in STATES]:
        raise FilterError(f"{states[0]!r} is no job id; did you mean state:{states[0]}?")
    return ids


def is_id(word: str) -> bool:
    """Whether a word is a job id: it has nothing that marks a filter."""
    return bool(word) and not any(mark in word for mark in ':"*, ')


def narrowed(words: Sequence[str], *keys: str) -> JobFilter:
    """
    A filter for something other than jobs, which accepts only some of the keys.

    >>> narrowed(["queue:mail", "error:x"], "queue", "type")
    Traceback (most recent call last):
    proletarian.errors.FilterError: here a filter takes queue, type, and not error
        queue:mail error:x
                   ^^^^^^^
    """
    from proletarian.errors import FilterError

    text = " ".join(words)

    def wrong(word: str, what: str) -> FilterError:
        at = f" {text} ".index(f" {word} ")
        return FilterError(f"{what}\n    {text}\n    {' ' * at}{'^' * len(word)}")

    if bare := [word for word in words if is_id(word)]:
        raise wrong(bare[0], f"{bare[0]!r} is no word of a filter; did you mean {keys[0]}:{bare[0]}?")
    found = filter_of(words)
    for word in text.split(" "):
        key = word.partition(":")[0]
        if ":" in word and key.isidentifier() and {"job_type": "type"}.get(key, key) not in keys:
            raise wrong(word, f"here a filter takes {', '.join(keys)}, and not {key}")
    return found


def matches(name: str, patterns: Iterable[str] | str | None) -> bool:
    """
    Whether a name matches the patterns of a filter; every name does if there are none.

    >>> matches("send_mail", ("send_*",)), matches("a[b]", ("a[b]",)), matches("Mail", ("mail",))
    (True, True, False)
    """
    if patterns is None:
        return True
    several = (patterns,) if isinstance(patterns, str) else patterns
    return any(fnmatch.fnmatchcase(name, one.replace("[", "[[]").replace("?", "[?]")) for one in several)
