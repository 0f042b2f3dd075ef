"""Reads files that the Router or the core wrote for a later process. Whatever state a file is in, reading it never blocks, as on
a pipe, and raises only OSError or ValueError.
"""

from __future__ import annotations

import errno
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
