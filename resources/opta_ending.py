"""Runs the last actions of the process, after the last request.

On SIGTERM uvicorn lets open requests finish, then raises the signal again for the handler before its own (uvicorn/server.py,
`capture_signals`): this one, which opta_litellm.py installs before uvicorn's.
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
    """Run this after the last answer."""
    _last.append(action)


def end(number: int, _: FrameType | None) -> None:
    """Run the actions, then end by the signal."""
    while _last:
        try:
            _last.pop()()
        except Exception:  # the process ends, whatever fails
            logger.exception("a step of the shutdown failed")
    signal.signal(number, signal.SIG_DFL)
    signal.raise_signal(number)
