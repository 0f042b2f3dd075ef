"""The identity of the running llama-server, which the core records when it starts one (electron/core/engine/engine-record.ts).

A new process has empty slots; a parked conversation is valid for the same model, KV types, context and build. llama-server
itself reports neither.
"""

from __future__ import annotations

import os
from typing import Any, Final, NamedTuple

from opta_state_files import read_json


class EngineRecord(NamedTuple):
    """`process` differs for each start; `identity` covers everything that a saved slot depends on."""

    process: str
    identity: str


class EngineRecordFile:
    """The file, checked for every request but read again only after a change."""

    def __init__(self, path: str | None) -> None:
        self._path: Final = path
        self._seen: tuple[int, int, int] | None = None
        self._record: EngineRecord | None = None

    def read(self) -> EngineRecord | None:
        """The current record; None: unknown, so nothing may be parked."""
        if self._path is None:
            return None
        try:
            facts = os.stat(self._path)
            seen = (facts.st_mtime_ns, facts.st_ino, facts.st_size)
            if seen != self._seen:
                self._seen, self._record = seen, _parse(self._path)
        except OSError:
            self._seen, self._record = None, None
        return self._record


def _parse(path: str) -> EngineRecord | None:
    try:
        document: Any = read_json(path)
        process, identity = document["process"], document["identity"]
    except (ValueError, TypeError, KeyError):
        return None
    return EngineRecord(process, identity) if isinstance(process, str) and isinstance(identity, str) else None
