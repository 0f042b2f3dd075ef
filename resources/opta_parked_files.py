"""The files that conversations wait in, on disk: which there are, how much they may take, and whether one is still whole.

A file is llama-server's own (POST /slots/N?action=save). Beside it stands a manifest that says what it is of: a file whose
manifest does not name the running model, KV types, context and build is never used, and one that is not as long as it
was, or has other bytes, is deleted: a corrupt one was seen to poison the process until it is restarted (llama.cpp#27068).

The content is a conversation's text. Folder 0700, files 0600; nothing of it is logged.
"""

from __future__ import annotations

import contextlib
import errno
import json
import logging
import os
import shutil
import stat
import time
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from opta_conversations import MARK_BYTES, Fingerprint
from opta_state_files import open_regular, read_json, read_text

if TYPE_CHECKING:
    from collections.abc import Callable

logger: Final = logging.getLogger("opta_router")

DATA: Final = ".kv"
MANIFEST: Final = ".json"
# electron/core/engine/parked-verdict.ts reads it.
VERDICT: Final = "does-not-restore"
VERSION: Final = 1
# A developer's day is some dozen conversations; the manifests are read at start.
MOST_FILES: Final = 256
READ_BYTES: Final = 1 << 20
# What a file takes on its way to the disk must not be what fills it.
LEAST_FREE_SHARE: Final = 20
LEAST_FREE_BYTES: Final = 20 * 1024**3


class Limits(NamedTuple):
    """What all files together may take."""

    most_bytes: int
    most_age_s: float


class ParkedFile(NamedTuple):
    """One file and what it is of."""

    key: str
    developer: str
    named: bool
    # Name in the folder.
    name: str
    bytes: int
    checksum: int
    tokens: int
    fingerprint: Fingerprint
    # The running llama-server when it was written, as the core identifies it.
    engine: str
    saved_at: float
    used_at: float


class ParkedFiles:
    """All files of one folder. `say` is told what becomes of them: a word and a sentence."""

    def __init__(
        self,
        folder: str,
        limits: Limits,
        say: Callable[[str, str], None] = lambda *_: None,
        clock: Callable[[], float] = time.time,
        free_bytes: Callable[[str], tuple[int, int]] = lambda path: shutil.disk_usage(path)[0:3:2],
    ) -> None:
        """`free_bytes` tells the size of the disk and what of it is free."""
        self._folder: Final = Path(folder)
        self._limits: Final = limits
        self._say: Final = say
        self._clock: Final = clock
        self._free_bytes: Final = free_bytes
        self._files: Final[dict[str, ParkedFile]] = {}
        self._next = 0

    @property
    def total_bytes(self) -> int:
        """What all of them take."""
        return sum(file.bytes for file in self._files.values())

    def all(self) -> tuple[ParkedFile, ...]:
        """The one used longest ago first."""
        return tuple(sorted(self._files.values(), key=lambda file: file.used_at))

    def load(self) -> None:
        """What an earlier process left: whatever is whole. The rest is deleted. Raises OSError."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.chmod(self._folder, 0o700)
        for path in sorted(self._folder.glob(f"*{MANIFEST}")):
            file = self._read(path)
            if file is not None:
                self._files[file.key] = file
        kept = {name for file in self._files.values() for name in (file.name, self._manifest_name(file))}
        for path in self._folder.iterdir():
            # Half written when the process ended.
            if path.suffix in (DATA, MANIFEST, ".tmp") and path.name not in kept:
                # A folder of that name stays, and keeps nothing else from being parked.
                with contextlib.suppress(OSError):
                    path.unlink(missing_ok=True)
        self.drop_old()

    def find(self, key: str, engine: str | None) -> ParkedFile | None:
        """The file of this conversation, where this llama-server may use it."""
        self.drop_old()
        file = self._files.get(key)
        return None if file is None or file.engine != engine else file

    def has(self, key: str) -> bool:
        """Whether there is one, of whatever llama-server."""
        return key in self._files

    def closest(self, developer: str, fingerprint: Fingerprint, engine: str | None) -> tuple[ParkedFile, int] | None:
        """Of this developer's files, the one that shares most text with this prompt, and how many bytes of it."""
        best: tuple[ParkedFile, int] | None = None
        for file in reversed(self.all()):
            if file.developer != developer or file.engine != engine:
                continue
            shared = file.fingerprint.shared_bytes(fingerprint)
            if shared > 0 and (best is None or shared > best[1]):
                best = (file, shared)
        return best

    def why_no_room(self, estimated_bytes: int, key: str) -> str | None:
        """Make room for a file of this size by deleting those used longest ago; in words why there is none all the same."""
        self.drop_old()
        if estimated_bytes > self._limits.most_bytes:
            return f"it would take {estimated_bytes} bytes of the {self._limits.most_bytes} that all may have"
        try:
            disk, free = self._free_bytes(str(self._folder))
        except OSError as error:
            return f"{self._folder}: {error.strerror}"
        least = min(LEAST_FREE_BYTES, disk // LEAST_FREE_SHARE)
        for file in self.all():
            surplus = self.total_bytes + estimated_bytes > self._limits.most_bytes or len(self._files) >= MOST_FILES
            if not surplus and free - estimated_bytes >= least:
                break
            if file.key == key:
                # It is replaced only once the new one is there.
                continue
            self.remove(file.key)
            free += file.bytes
        if free - estimated_bytes < least:
            return f"{free} bytes are free on the disk, and {least} stay free"
        return None

    def begin(self, key: str) -> str:
        """The name that llama-server shall write to: an empty 0600 file, whose mode it keeps. Raises OSError."""
        self._next += 1
        name = f"{key}-{int(self._clock() * 1000):x}-{self._next}.tmp"
        os.close(os.open(self._folder / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600))
        return name

    def abandon(self, temporary: str) -> None:
        """It was not written, or not whole."""
        (self._folder / temporary).unlink(missing_ok=True)

    def checksum(self, name: str) -> int:
        """Of the file's bytes. Raises OSError. Blocks: some GB/s. No fsync, for which requests would wait on a busy disk: what a
        power cut leaves half written has another checksum.
        """
        checksum = 0
        with open_regular(self._folder / name) as file:
            while piece := file.read(READ_BYTES):
                checksum = zlib.crc32(piece, checksum)
        return checksum

    def gives_up(self, engine: str) -> None:
        """With this llama-server the files do nothing: for the next process, and for the doctor."""
        with contextlib.suppress(OSError):
            (self._folder / VERDICT).write_text(engine, encoding="utf-8")

    def given_up(self) -> str | None:
        """The llama-server with which the files do nothing."""
        try:
            return read_text(self._folder / VERDICT).strip()
        except (OSError, ValueError):
            return None

    def size(self, name: str) -> int:
        """Length of the file. Raises OSError, also for what is no regular file: llama-server would follow a link, and wait for a
        pipe.
        """
        facts = (self._folder / name).lstat()
        if not stat.S_ISREG(facts.st_mode):
            raise OSError(errno.EINVAL, "not a regular file", name)
        return facts.st_size

    def finish(self, temporary: str, file: ParkedFile) -> None:
        """What was written becomes the conversation's file, and the one before it goes. Raises OSError."""
        before = self._files.get(file.key)
        os.replace(self._folder / temporary, self._folder / file.name)
        try:
            self._write_manifest(file)
        except OSError:
            # Without it nothing knows of the content, which would fill a full disk until the next start.
            (self._folder / file.name).unlink(missing_ok=True)
            raise
        self._files[file.key] = file
        if before is not None and before.name != file.name:
            (self._folder / before.name).unlink(missing_ok=True)

    def name_for(self, temporary: str) -> str:
        """The name under which it stays."""
        return temporary.removesuffix(".tmp") + DATA

    def why_not_whole(self, file: ParkedFile) -> str | None:
        """In words, when its bytes are not what was written; else None. Raises OSError when that cannot be told now, as with
        too many open files. Blocks.
        """
        try:
            size = self.size(file.name)
            if size != file.bytes:
                return f"it has {size} bytes, not {file.bytes}"
            return None if self.checksum(file.name) == file.checksum else "its bytes have changed"
        except FileNotFoundError:
            return "it is gone"

    def note_used(self, file: ParkedFile) -> None:
        """It was just read."""
        if self._files.get(file.key) is file:
            used = file._replace(used_at=self._clock())
            self._files[file.key] = used
            with contextlib.suppress(OSError):
                self._write_manifest(used)

    def refuse(self, file: ParkedFile, why: str) -> None:
        """Delete it and say so."""
        self.remove(file.key)
        self._say("refused", f"a parked conversation of {file.developer} was deleted and is read again: {why}")

    def remove(self, key: str) -> None:
        """Delete this conversation's file."""
        file = self._files.pop(key, None)
        if file is not None:
            (self._folder / self._manifest_name(file)).unlink(missing_ok=True)
            (self._folder / file.name).unlink(missing_ok=True)

    def drop_old(self) -> None:
        """Delete what is older than it may be, and what is too much."""
        now = self._clock()
        for file in self.all():
            if now - file.used_at > self._limits.most_age_s or self.total_bytes > self._limits.most_bytes:
                self.remove(file.key)

    def _manifest_name(self, file: ParkedFile) -> str:
        return file.key + MANIFEST

    def _write_manifest(self, file: ParkedFile) -> None:
        path = self._folder / self._manifest_name(file)
        temporary = path.with_suffix(".tmp")
        try:
            with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as output:
                json.dump(_to_json(file), output)
            os.replace(temporary, path)
        except OSError:
            temporary.unlink(missing_ok=True)
            raise

    def _read(self, path: Path) -> ParkedFile | None:
        try:
            file = _from_json(read_json(path))
            size = self.size(file.name)
        except (OSError, ValueError, TypeError, KeyError, OverflowError) as error:
            logger.warning("a parked conversation cannot be used: %s: %s", path.name, type(error).__name__)
            return None
        if path.stem != file.key or size != file.bytes:
            self._say(
                "refused",
                f"a parked conversation of {file.developer} was deleted and is read again: it has {size} bytes, not {file.bytes}",
            )
            return None
        # A clock that was set back must not make a file immortal.
        return file._replace(used_at=min(file.used_at, self._clock()))


_KINDS: Final[dict[str, tuple[type, ...]]] = {
    "key": (str,),
    "developer": (str,),
    "named": (bool,),
    "name": (str,),
    "bytes": (int,),
    "checksum": (int,),
    "tokens": (int,),
    "engine": (str,),
    # Python writes a whole number of seconds without a point where the clock says so.
    "saved_at": (int, float),
    "used_at": (int, float),
}


def _to_json(file: ParkedFile) -> dict[str, Any]:
    marks, ends, head = file.fingerprint
    return {"version": VERSION, **file._asdict(), "fingerprint": {"marks": marks.hex(), "ends": ends, "head": head}}


def _from_json(document: Any) -> ParkedFile:
    """Raises ValueError, TypeError, KeyError or OverflowError for anything else than what `_to_json` writes."""
    if document["version"] != VERSION:
        message = f"version {document['version']}"
        raise ValueError(message)
    values = {name: document[name] for name in ParkedFile._fields}
    for name, kinds in _KINDS.items():
        if type(values[name]) not in kinds:
            message = f"{name}: found {values[name]!r}"
            raise TypeError(message)
    if "/" in values["name"] or not values["name"].endswith(DATA):
        message = "a name of another folder"
        raise ValueError(message)
    print_ = values["fingerprint"]
    marks, ends = bytes.fromhex(print_["marks"]), tuple(int(end) for end in print_["ends"])
    if len(marks) != len(ends) * MARK_BYTES:
        message = "a fingerprint that is not whole"
        raise ValueError(message)
    return ParkedFile(**{**values, "fingerprint": Fingerprint(marks, ends, int(print_["head"]))})
