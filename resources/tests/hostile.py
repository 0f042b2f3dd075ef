"""Hypothesis strategies: documents with other values, types and depths in them, and text that is not JSON."""

from __future__ import annotations

import copy
import json
from typing import Any, Final

from hypothesis import strategies as st

JSON: Final = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**66), 2**66) | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8) | st.sampled_from(["text", "user", "tool_use", "image", "object", "function"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6) | st.sampled_from(["type", "content", "text", "name", "role", "id"]), inner, max_size=3),
    max_leaves=6,
)


def places(value: object, here: tuple[int | str, ...] = ()) -> list[tuple[int | str, ...]]:
    """All places in a document."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [here, *(place for name, part in inner for place in places(part, (*here, name)))]


def put(document: Any, place: tuple[int | str, ...], value: object, *, remove: bool) -> Any:
    """The document with another value in this place."""
    if not place:
        return value
    changed = copy.deepcopy(document)
    owner = changed
    for step in place[:-1]:
        owner = owner[step]
    if remove:
        del owner[place[-1]]
    else:
        owner[place[-1]] = value
    return changed


@st.composite
def changed(draw: st.DrawFn, sound: object) -> Any:
    """A valid document with one to three places changed."""
    document = sound
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.sampled_from(places(document)))
        document = put(document, place, draw(JSON), remove=draw(st.booleans()))
    return document


# Texts that Python's own parser accepts or hits its recursion limit at, and what a disk leaves of a file.
_ODD_TEXTS: Final = ["", "null", "[]", "5", "{", "[" * 100_000, '{"a":' * 100_000, "NaN", "\0", "1e999", "9" * 5_000, "\ud800"]


@st.composite
def text_of(draw: st.DrawFn, sound: object) -> str:
    """A valid document's text with a change, a cut, or a number too large for any type; or any other text."""
    kind = draw(st.sampled_from(["changed", "changed", "cut", "number", "odd"]))
    if kind == "odd":
        return draw(st.sampled_from(_ODD_TEXTS) | st.text(max_size=40))
    text = json.dumps(draw(changed(sound)) if kind == "changed" else sound)
    if kind == "cut":
        return text[: draw(st.integers(0, len(text)))]
    if kind == "number":
        document = put(sound, draw(st.sampled_from(places(sound)[1:])), "@", remove=False)
        return json.dumps(document).replace('"@"', draw(st.sampled_from(["NaN", "Infinity", "-Infinity", "1e999", "-1", "9" * 400])))
    return text
