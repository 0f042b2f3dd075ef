"""Reads the developers' keys from a 0600 file, again whenever it changes, so that a created, rotated or revoked key counts
from the next request on.

electron/core/access/developer-keys-file.ts writes the file: `{"keys": [{"name": "anna", "key": "sk-..."}]}`; other fields are
not for the Router. No key ever appears in a log line or in an error text.
"""

from __future__ import annotations

import hmac
import os
import stat
from typing import TYPE_CHECKING, Final, NamedTuple

from opta_state_files import open_regular, parse_json

if TYPE_CHECKING:
    from collections.abc import Sequence


class KeyFileError(Exception):
    """The key file is unusable; the message says why, without quoting its content."""


class ClientKey(NamedTuple):
    """One developer's key. `repr` leaves the secret out, so that a stray log line cannot carry it."""

    name: str
    secret: bytes

    def __repr__(self) -> str:
        return f"ClientKey(name={self.name!r})"


def parse_client_keys(text: str) -> tuple[ClientKey, ...]:
    """Parse the key file's text. Raises KeyFileError: one broken entry makes the whole file unusable, because a
    half-read file would lock developers out one by one without saying so.
    """
    try:
        document = parse_json(text)
    except ValueError:
        # `from None`: the decoder's exception carries the document, keys included.
        message = "the client key file is not valid JSON"
        raise KeyFileError(message) from None
    entries: object = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(entries, list):
        message = 'the client key file has no list "keys"'
        raise KeyFileError(message)
    return tuple(_parse_entry(index, entry) for index, entry in enumerate(entries))


def _parse_entry(index: int, entry: object) -> ClientKey:
    name: object = entry.get("name") if isinstance(entry, dict) else None
    key: object = entry.get("key") if isinstance(entry, dict) else None
    if not isinstance(name, str) or not name or not isinstance(key, str) or not key:
        message = f'entry {index} of the client key file needs a "name" and a "key", both non-empty strings'
        raise KeyFileError(message)
    return ClientKey(name=name, secret=key.encode())


class KeyFile:
    """The client keys on disk, read again after the file was replaced or rewritten."""

    def __init__(self, path: str) -> None:
        self._path: Final = path
        self._version: tuple[int, int, int] | None = None
        self._keys: tuple[ClientKey, ...] = ()

    def read(self) -> tuple[ClientKey, ...]:
        """The current keys. Raises KeyFileError; the keys of an earlier version are not used then, since the file may have been
        changed to revoke a key.
        """
        try:
            with open_regular(self._path) as file:
                # Of the open file, not the path: checks what is then read.
                status = os.fstat(file.fileno())
                if status.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
                    message = f"others may read the client key file (mode {stat.S_IMODE(status.st_mode):04o}, not 0600)"
                    raise KeyFileError(message)
                # An atomic replacement within one clock tick changes the inode; a rewrite in place changes size or time.
                version = (status.st_mtime_ns, status.st_ino, status.st_size)
                if version != self._version:
                    # Like the core, skip a byte order mark, which Windows editors write.
                    self._keys = parse_client_keys(file.read().decode("utf-8-sig"))
                    self._version = version
        except (OSError, UnicodeDecodeError) as error:
            self._version = None
            reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
            message = f"the client key file cannot be read: {reason}"
            raise KeyFileError(message) from None
        except KeyFileError:
            self._version = None
            raise
        return self._keys


def find_client(keys: Sequence[ClientKey], offered: Sequence[bytes]) -> str | None:
    """The name of the developer whose key was offered. Compares with every key, each in constant time, so that timing
    reveals nothing about which key matched or how far.
    """
    found: str | None = None
    for key in keys:
        for candidate in offered:
            if hmac.compare_digest(key.secret, candidate) and found is None:
                found = key.name
    return found


_key_files: Final[dict[str, KeyFile]] = {}


def read_client_keys() -> tuple[ClientKey, ...]:
    """The keys of the file that OPTA_CLIENT_KEYS names. Raises KeyFileError."""
    path = os.environ.get("OPTA_CLIENT_KEYS", "")
    if not path:
        message = "OPTA_CLIENT_KEYS names no client key file"
        raise KeyFileError(message)
    return _key_files.setdefault(path, KeyFile(path)).read()
