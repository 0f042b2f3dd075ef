"""Files that the Router or the core leaves for a later process. Whatever state one is in, reading it never blocks, as on a pipe,
and raises only OSError or ValueError; writing replaces it whole.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import stat
from typing import TYPE_CHECKING, Final

import orjson

if TYPE_CHECKING:
    from typing import BinaryIO

# Far above the size of any of them: a link to /dev/zero never ends.
MOST_BYTES: Final = 64 << 20


def open_regular(path: str | os.PathLike[str]) -> BinaryIO:
    """A regular file, opened for reading. Raises OSError for anything else, and doesn't wait for a pipe's writer."""
    file = open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb")
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise OSError(errno.EINVAL, "not a regular file", os.fspath(path))
    return file


def read_text(path: str | os.PathLike[str]) -> str:
    """The whole text. Raises OSError, also for a file that is too large, and UnicodeDecodeError, which is a ValueError."""
    with open_regular(path) as file:
        data = file.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise OSError(errno.EFBIG, os.strerror(errno.EFBIG), os.fspath(path))
    return data.decode()


def parse_json(text: str | bytes) -> object:
    """Uses orjson, which neither hits Python's recursion limit nor accepts numbers that JSON lacks (NaN, Infinity). Raises
    ValueError.
    """
    return orjson.loads(text)


def read_json(path: str | os.PathLike[str]) -> object:
    """Raises OSError or ValueError."""
    return parse_json(read_text(path))


def write_json(path: str | os.PathLike[str], document: object) -> None:
    """Whole or not at all, mode 0600. Without fsync, which would delay the streams in this thread. Raises OSError."""
    temporary = f"{os.fspath(path)}.{os.getpid()}.tmp"
    try:
        with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            json.dump(document, file)
        os.replace(temporary, path)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
