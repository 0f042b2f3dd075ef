"""Which llama-server runs, as the core wrote it down when it started one (electron/core/engine/engine-record.ts).

Its slots are empty when it is another process than before; a parked conversation may be used when it is of the same model,
KV types, context and build. llama-server itself tells neither.
"""

from __future__ import annotations

import os
from typing import Any, Final, NamedTuple

from opta_state_files import read_json


class EngineRecord(NamedTuple):
    """`process` differs for each start, `identity` for all that a saved slot depends on."""

    process: str
    identity: str


class EngineRecordFile:
    """The file, read again only when it has changed: it is looked at for every request."""

    def __init__(self, path: str | None) -> None:
        self._path: Final = path
        self._seen: tuple[int, int, int] | None = None
        self._record: EngineRecord | None = None

    def read(self) -> EngineRecord | None:
        """What it says now; None: nothing, so that nothing may be parked."""
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
