"""Keeps the files that conversations wait in: which exist, how much space they take, and whether each is intact.

llama-server writes a file (POST /slots/N?action=save); a manifest beside it says what it belongs to. A file for another model, KV
type, context or build is never used, and one with another length or other bytes is deleted: a corrupt file was seen to break the
process until its restart (llama.cpp#27068).

The content is a conversation's text. Folder 0700, files 0600; it is never logged.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import shutil
import stat
import time
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from opta_conversations import MARK_BYTES, Fingerprint
from opta_state_files import open_regular, read_json, read_text, write_json

if TYPE_CHECKING:
    from collections.abc import Callable

logger: Final = logging.getLogger("opta_router")

DATA: Final = ".kv"
MANIFEST: Final = ".json"
# electron/core/engine/engine-record.ts reads it.
VERDICT: Final = "does-not-restore"
VERSION: Final = 1
# A developer has some dozen conversations a day; the manifests are read at start.
MOST_FILES: Final = 256
READ_BYTES: Final = 1 << 20
# Writing a file must not fill the disk.
LEAST_FREE_SHARE: Final = 20
LEAST_FREE_BYTES: Final = 20 * 1024**3


class Limits(NamedTuple):
    """Limits for all files together."""

    most_bytes: int
    most_age_s: float


class ParkedFile(NamedTuple):
    """One file and what it belongs to."""

    key: str
    developer: str
    named: bool
    # Name in the folder.
    name: str
    bytes: int
    checksum: int
    tokens: int
    fingerprint: Fingerprint
    # The llama-server that wrote it, as the core identifies it.
    engine: str
    saved_at: float
    used_at: float


class ParkedFiles:
    """All files of one folder. `say` gets each event: a kind and a sentence."""

    def __init__(
        self,
        folder: str,
        limits: Limits,
        say: Callable[[str, str], None] = lambda *_: None,
        clock: Callable[[], float] = time.time,
        free_bytes: Callable[[str], tuple[int, int]] = lambda path: shutil.disk_usage(path)[0:3:2],
    ) -> None:
        """`free_bytes` returns the size of the disk and its free bytes."""
        self._folder: Final = Path(folder)
        self._limits: Final = limits
        self._say: Final = say
        self._clock: Final = clock
        self._free_bytes: Final = free_bytes
        self._files: Final[dict[str, ParkedFile]] = {}
        self._next = 0

    @property
    def total_bytes(self) -> int:
        """Size of all files."""
        return sum(file.bytes for file in self._files.values())

    def all(self) -> tuple[ParkedFile, ...]:
        """Least recently used first."""
        return tuple(sorted(self._files.values(), key=lambda file: file.used_at))

    def load(self) -> None:
        """Load what an earlier process left, and delete what is incomplete. Raises OSError."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.chmod(self._folder, 0o700)
        for path in sorted(self._folder.glob(f"*{MANIFEST}")):
            file = self._read(path)
            if file is not None:
                self._files[file.key] = file
        kept = {name for file in self._files.values() for name in (file.name, self._manifest_name(file))}
        for path in self._folder.iterdir():
            # Incomplete when the process ended.
            if path.suffix in (DATA, MANIFEST, ".tmp") and path.name not in kept:
                # A folder of that name stays, and doesn't stop parking.
                with contextlib.suppress(OSError):
                    path.unlink(missing_ok=True)
        self.drop_old()

    def find(self, key: str, engine: str | None) -> ParkedFile | None:
        """This conversation's file, if this llama-server may use it."""
        self.drop_old()
        file = self._files.get(key)
        return None if file is None or file.engine != engine else file

    def has(self, key: str) -> bool:
        """Whether there is a file, from any llama-server."""
        return key in self._files

    def closest(self, developer: str, fingerprint: Fingerprint, engine: str | None) -> tuple[ParkedFile, int] | None:
        """The file of this developer with the most text in common with this prompt, and the length of that text in bytes."""
        best: tuple[ParkedFile, int] | None = None
        for file in reversed(self.all()):
            if file.developer != developer or file.engine != engine:
                continue
            shared = file.fingerprint.shared_bytes(fingerprint)
            if shared > 0 and (best is None or shared > best[1]):
                best = (file, shared)
        return best

    def why_no_room(self, estimated_bytes: int, key: str) -> str | None:
        """Make room for a file of this size by deleting the least recently used. Returns why that failed, or None."""
        self.drop_old()
        if estimated_bytes > self._limits.most_bytes:
            return f"it would take {estimated_bytes} bytes, and all parked conversations may take {self._limits.most_bytes}"
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
                # Replaced only once the new one is complete.
                continue
            self.remove(file.key)
            free += file.bytes
        if free - estimated_bytes < least:
            return f"{free} bytes are free on the disk, and {least} must stay free"
        return None

    def begin(self, key: str) -> str:
        """Create an empty 0600 file for llama-server, which keeps its mode, and return its name. Raises OSError."""
        self._next += 1
        name = f"{key}-{int(self._clock() * 1000):x}-{self._next}.tmp"
        os.close(os.open(self._folder / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600))
        return name

    def abandon(self, temporary: str) -> None:
        """Delete a file that was not written, or is incomplete."""
        (self._folder / temporary).unlink(missing_ok=True)

    def checksum(self, name: str) -> int:
        """The checksum of the file's bytes. Raises OSError. Blocks: some GB/s. No fsync, which would delay requests on a busy disk:
        a file left incomplete by a power cut has another checksum.
        """
        checksum = 0
        with open_regular(self._folder / name) as file:
            while piece := file.read(READ_BYTES):
                checksum = zlib.crc32(piece, checksum)
        return checksum

    def gives_up(self, engine: str) -> None:
        """Record that this llama-server restores nothing from files, for the next process and the doctor."""
        with contextlib.suppress(OSError):
            (self._folder / VERDICT).write_text(engine, encoding="utf-8")

    def given_up(self) -> str | None:
        """The llama-server that restores nothing from files."""
        try:
            return read_text(self._folder / VERDICT).strip()
        except (OSError, ValueError):
            return None

    def size(self, name: str) -> int:
        """Length of the file. Raises OSError, also for anything but a regular file: llama-server would follow a link, and wait for
        a pipe.
        """
        facts = (self._folder / name).lstat()
        if not stat.S_ISREG(facts.st_mode):
            raise OSError(errno.EINVAL, "not a regular file", name)
        return facts.st_size

    def finish(self, temporary: str, file: ParkedFile) -> None:
        """Make the written file the conversation's, and delete the earlier one. Raises OSError."""
        before = self._files.get(file.key)
        os.replace(self._folder / temporary, self._folder / file.name)
        try:
            self._write_manifest(file)
        except OSError:
            # Without a manifest the file would be unknown and take up a full disk until the next start.
            (self._folder / file.name).unlink(missing_ok=True)
            raise
        self._files[file.key] = file
        if before is not None and before.name != file.name:
            (self._folder / before.name).unlink(missing_ok=True)

    def name_for(self, temporary: str) -> str:
        """The file's final name."""
        return temporary.removesuffix(".tmp") + DATA

    def why_not_whole(self, file: ParkedFile) -> str | None:
        """How the file differs from what was written, else None. Raises OSError if it can't be checked now, as with too many open
        files. Blocks.
        """
        try:
            size = self.size(file.name)
            if size != file.bytes:
                return f"it has {size} bytes, not {file.bytes}"
            return None if self.checksum(file.name) == file.checksum else "its bytes have changed"
        except FileNotFoundError:
            return "it is gone"

    def note_used(self, file: ParkedFile) -> None:
        """Record that the file was just read."""
        if self._files.get(file.key) is file:
            used = file._replace(used_at=self._clock())
            self._files[file.key] = used
            with contextlib.suppress(OSError):
                self._write_manifest(used)

    def refuse(self, file: ParkedFile, why: str) -> None:
        """Delete the file and report it."""
        self.remove(file.key)
        self._say("refused", f"a parked conversation of {file.developer} was deleted and is read again: {why}")

    def remove(self, key: str) -> None:
        """Delete this conversation's file."""
        file = self._files.pop(key, None)
        if file is not None:
            (self._folder / self._manifest_name(file)).unlink(missing_ok=True)
            (self._folder / file.name).unlink(missing_ok=True)

    def drop_old(self) -> None:
        """Delete files beyond the limits of age and size."""
        now = self._clock()
        for file in self.all():
            if now - file.used_at > self._limits.most_age_s or self.total_bytes > self._limits.most_bytes:
                self.remove(file.key)

    def _manifest_name(self, file: ParkedFile) -> str:
        return file.key + MANIFEST

    def _write_manifest(self, file: ParkedFile) -> None:
        write_json(self._folder / self._manifest_name(file), _to_json(file))

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
        # A file must still expire after the clock was set back.
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
    # A whole number of seconds may have been written as an int.
    "saved_at": (int, float),
    "used_at": (int, float),
}


def _to_json(file: ParkedFile) -> dict[str, Any]:
    marks, ends, head = file.fingerprint
    return {"version": VERSION, **file._asdict(), "fingerprint": {"marks": marks.hex(), "ends": ends, "head": head}}


def _from_json(document: Any) -> ParkedFile:
    """Raises ValueError, TypeError, KeyError or OverflowError for anything that `_to_json` doesn't write."""
    if document["version"] != VERSION:
        message = f"version {document['version']}"
        raise ValueError(message)
    values = {name: document[name] for name in ParkedFile._fields}
    for name, kinds in _KINDS.items():
        if type(values[name]) not in kinds:
            message = f"{name}: found {values[name]!r}"
            raise TypeError(message)
    if "/" in values["name"] or not values["name"].endswith(DATA):
        message = "the name is in another folder"
        raise ValueError(message)
    print_ = values["fingerprint"]
    marks, ends = bytes.fromhex(print_["marks"]), tuple(int(end) for end in print_["ends"])
    if len(marks) != len(ends) * MARK_BYTES:
        message = "the fingerprint is incomplete"
        raise ValueError(message)
    return ParkedFile(**{**values, "fingerprint": Fingerprint(marks, ends, int(print_["head"]))})
