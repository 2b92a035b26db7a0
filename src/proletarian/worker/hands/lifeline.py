"""Ends a child process together with its parent, however the parent ends."""

from __future__ import annotations

import contextlib
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def end_with(parent: int) -> None:
    """
    Have the kernel kill this process when its parent dies (on Linux): at once, even inside C code.

    Elsewhere, a closed pipe reports it as soon as Python runs a line. To the kernel, the parent is the thread that
    started us: one of a queue's threads, which the worker ends after its children.
    """
    if sys.platform == "linux":
        import ctypes

        with contextlib.suppress(OSError, AttributeError):  # a libc without it
            ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        end_all()  # it died before we asked


def end_all() -> None:
    """End this process and everything that it has started; it leads its own process group."""
    os.killpg(os.getpgrp(), signal.SIGKILL)
