"""What is still to be done when the last request is over and the process is about to end.

uvicorn answers SIGTERM by letting open requests finish, and raises the signal again for whoever handled it before
(uvicorn/server.py, `capture_signals`): that is this handler, installed before uvicorn's by opta_litellm.py.
"""

from __future__ import annotations

import logging
import signal
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

logger: Final = logging.getLogger("opta_router")

_last: Final[list[Callable[[], None]]] = []


def at_the_end(action: Callable[[], None]) -> None:
    """Run this once nothing is answered any more."""
    _last.append(action)


def end(number: int, _: FrameType | None) -> None:
    """Do what is left, and end by the signal."""
    while _last:
        try:
            _last.pop()()
        except Exception:  # the process ends, whatever fails on the way
            logger.exception("not all was done at the end")
    signal.signal(number, signal.SIG_DFL)
    signal.raise_signal(number)
