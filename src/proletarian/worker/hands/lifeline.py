"""Ends a child process together with its parent, however the parent ends."""

from __future__ import annotations

import contextlib
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def end_with(parent: int) -> None:
    """
    Have the kernel kill this process when its parent dies, where it can (Linux): at once, even inside of C code.

    Elsewhere it is the closed pipe that says it, as soon as Python runs a line. To the kernel, the parent is the
    thread that started us: one of a queue's, which the worker ends after its children.
    """
    if sys.platform == "linux":
        import ctypes

        with contextlib.suppress(OSError, AttributeError):  # a libc without it
            ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        end_all()  # it died before we asked


def end_all() -> None:
    """End this process and what it has started: it leads a group of its own."""
    os.killpg(os.getpgrp(), signal.SIGKILL)
