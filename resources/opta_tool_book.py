"""Records for the doctor which tools were dropped from requests today, and when a model last called one.

One small file that the core reads (electron/core/doctor/checks-on-tools.ts); it has names of tools and nothing of a conversation.
"""

from __future__ import annotations

import contextlib
import time
from datetime import date
from typing import TYPE_CHECKING, Any, Final, Literal

from opta_state_files import read_json, write_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

# `keywords` of schemas that the grammar can't take; `searches`: tools of a provider that can't be served; `tools` that proxy.tools
# doesn't name.
Kind = Literal["keywords", "searches", "tools"]
KINDS: Final[tuple[Kind, ...]] = ("keywords", "searches", "tools")

MOST_NAMES: Final = 20
LONGEST_NAME: Final = 64


class ToolBook:
    """The record of this process, continuing today's from an earlier one."""

    def __init__(self, today: Callable[[], date] = date.today) -> None:
        self._today: Final = today
        self._path: str | None = None
        self._day = today().isoformat()
        self._left_out: dict[str, dict[str, Any]] = _nothing()
        self._last_call: dict[str, Any] | None = None
        self._is_written = True

    def keep_at(self, path: str | None) -> None:
        """Continue from this file, and write to it from now on. None: write nowhere."""
        self._path = path
        if path is None:
            return
        # An unreadable file is started over: the Router must start in any case.
        with contextlib.suppress(OSError, ValueError, TypeError, KeyError, AttributeError):
            document: Any = read_json(path)
            last = document["lastCall"]
            if last is None or isinstance(last["at"], int):
                self._last_call = last
            if document["day"] == self._day:
                self._left_out = {
                    kind: {"requests": int(document[kind]["requests"]), "names": list(document[kind]["names"])} for kind in KINDS
                }

    def left_out(self, kind: Kind, names: Iterable[str]) -> None:
        """Count one request that lost something of these tools."""
        self._turn_day()
        entry = self._left_out[kind]
        entry["requests"] += 1
        for name in names:
            short = name[:LONGEST_NAME]
            if short not in entry["names"] and len(entry["names"]) < MOST_NAMES:
                entry["names"].append(short)
        self._is_written = False

    def called(self, client: str, engine: str | None) -> None:
        """A tool call by the model reached this client. `engine` identifies model and build; None: unknown."""
        self._last_call = {"at": time.time_ns() // 1_000_000, "client": client[:LONGEST_NAME], "engine": engine}
        self._is_written = False

    def write(self) -> None:
        """Save changes. To be called at a request's end."""
        self._turn_day()
        if self._path is None or self._is_written:
            return
        self._is_written = True
        write_json(self._path, {"day": self._day, **self._left_out, "lastCall": self._last_call})

    def _turn_day(self) -> None:
        day = self._today().isoformat()
        if day != self._day:
            self._day, self._left_out = day, _nothing()


def _nothing() -> dict[str, dict[str, Any]]:
    return {kind: {"requests": 0, "names": []} for kind in KINDS}


# Shared by the gate, which changes bodies before LiteLLM, and LiteLLM's hooks, which see answers.
tool_book: Final = ToolBook()
