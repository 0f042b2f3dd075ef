"""What the log has said already: clients repeat what is dropped from their requests in each one, and may invent any number of names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Hashable

# Of a client's name, in characters.
LONGEST_TOLD: Final = 64


class Told:
    """Up to `most` things, each of which the log says once. What comes after them is not said."""

    def __init__(self, most: int) -> None:
        self._most: Final = most
        self._told: Final[set[Hashable]] = set()

    def is_new(self, thing: Hashable) -> bool:
        """Whether to say this; notes it as said."""
        if thing in self._told or len(self._told) >= self._most:
            return False
        self._told.add(thing)
        return True


def shown(name: str) -> str:
    """A client's name as the log shows it: cut, quoted and in ASCII, because it may hold control characters, and the log is shown on
    terminals (storm row 7).
    """
    return ascii(name[:LONGEST_TOLD])
