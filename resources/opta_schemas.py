"""Removes the keywords that llama-server's grammar can't take from the schemas of tools and answers.

llama-server builds one grammar from all tools' schemas (common/json-schema-to-grammar.cpp, chat.cpp), and a single unsupported
keyword fails the request: 400 "Unable to generate parser for this template", without the tool's name, at every turn
(ggml-org/llama.cpp#25746). Some crash the server: the pattern ^*a$ did (b10068, measured). A tool's schema only guides the model;
the program that runs the tool checks its arguments anyway.
"""

from __future__ import annotations

import logging
import re
from collections import Counter
from typing import Any, Final

from opta_told import Told, shown
from opta_tool_book import tool_book

logger: Final = logging.getLogger("opta_router")

TYPES: Final = ("string", "number", "integer", "boolean", "object", "array", "null")

# The grammar supports literals, plain classes, groups, choices and counts, between ^ and $. No backslash: \w, \d and \b give a
# grammar that doesn't parse, as do (?=...) and a leading count.
_LITERAL: Final = r"[A-Za-z0-9 _:@,;=%&!~'`<>/#-]"
_CLASS: Final = r"\[\^?(?:[A-Za-z0-9 _:@,;=%&!~'`<>/#.+*?(){}|$-])+\]"
_ATOM: Final = rf"(?:{_LITERAL}|{_CLASS}|\.)"
_COUNT: Final = r"(?:[*+?]|\{\d{1,3}(?:,\d{0,3})?\})?"
# No counts in a group, because they would multiply with the group's own.
_FLAT: Final = rf"(?:{_ATOM}[*+?]?)+"
_GROUP: Final = rf"\((?:\?:)?{_FLAT}(?:\|{_FLAT})*\)"
PATTERN: Final = re.compile(rf"\^(?:(?:{_ATOM}|{_GROUP}){_COUNT})+\$")
# Longer ones take too long to match here.
LONGEST_PATTERN: Final = 256
# llama.cpp's grammar takes no more than 2,000 repetitions ("exceeds sane defaults", llama-grammar.cpp).
MOST_REPETITIONS: Final = 1000
# A chain of 2,000 references hit Python's recursion limit (500).
MOST_FOLLOWED: Final = 100

_COUNTS: Final = ("minLength", "maxLength", "minItems", "maxItems")
_BOUNDS: Final = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
# The converter needs 64-bit numbers, else there is no parser.
WIDEST_BOUND: Final = 2**53
_NAMED: Final = ("properties", "$defs", "definitions", "patternProperties", "dependentSchemas")
_ALTERNATIVES: Final = ("oneOf", "anyOf", "allOf", "prefixItems")
_SINGLE: Final = ("items", "additionalProperties", "not", "if", "then", "else", "contains", "propertyNames")

# Of a keyword, in characters.
LONGEST_NAME: Final = 64
_told: Final = Told(200)


def mend_schemas(body: dict[str, Any]) -> bool:
    """Clean every schema, in any API. Returns whether a keyword was removed."""
    changed = []
    for owner, name, key in _schemas_of(body):
        left_out: Counter[str] = Counter()
        schema = owner[key]
        cleaned = clean(schema, schema, left_out)
        if left_out:
            owner[key] = cleaned
            changed.append(name)
            _tell(name, left_out)
    if changed:
        tool_book.left_out("keywords", changed)
    return bool(changed)


def _schemas_of(body: dict[str, Any]) -> list[tuple[dict[str, Any], str, str]]:
    """The places of the schemas: their owner, the tool's name, the key."""
    found = []
    for tool in body.get("tools") or ():
        owner = tool.get("function") if isinstance(tool.get("function"), dict) else tool
        key = "input_schema" if "input_schema" in owner else "parameters"
        if isinstance(owner.get(key), dict):
            found.append((owner, str(owner.get("name", "")), key))
    return [*found, *_formats_of(body)]


def _formats_of(body: dict[str, Any]) -> list[tuple[dict[str, Any], str, str]]:
    """The places for a schema of the answer: Anthropic's `output_format` and `output_config.format`, the `response_format`
    of Chat Completions, and the `text.format` of Responses.
    """
    formats = [body.get("output_format"), body.get("response_format")]
    formats += [body[name].get("format") for name in ("output_config", "text") if isinstance(body.get(name), dict)]
    owners = [form.get("json_schema", form) for form in formats if isinstance(form, dict)]
    return [(owner, "(the answer)", "schema") for owner in owners if isinstance(owner, dict) and isinstance(owner.get("schema"), dict)]


def clean(schema: object, root: dict[str, Any], left_out: Counter[str]) -> dict[str, Any]:
    """This schema in the form that the grammar takes; `left_out` counts the removed keywords. References point into `root`."""
    if not isinstance(schema, dict):
        # `true` takes anything; no grammar can express `false`, so it takes anything too.
        left_out[str(schema).lower()[:LONGEST_NAME]] += 1
        return {"type": list(TYPES)}
    kept: dict[str, Any] = {}
    for key, value in schema.items():
        if key in _NAMED and isinstance(value, dict):
            # The converter takes an argument named "$ref" for a reference.
            if "$ref" in value:
                left_out["$ref"] += 1
            kept[key] = {name: clean(inner, root, left_out) for name, inner in value.items() if name != "$ref"}
        elif key in _ALTERNATIVES and isinstance(value, list) and value:
            kept[key] = [clean(inner, root, left_out) for inner in value]
        elif key == "items" and isinstance(value, list):
            kept[key] = [clean(inner, root, left_out) for inner in value]
        elif key in _SINGLE and isinstance(value, dict):
            kept[key] = clean(value, root, left_out)
        elif _is_taken(key, value, root) and not _mentions_reference(value):
            kept[key] = value
        else:
            left_out[key[:LONGEST_NAME]] += 1
    for least, most in (("minLength", "maxLength"), ("minItems", "maxItems")):
        if kept.get(least, 0) > kept.get(most, kept.get(least, 0)):
            left_out[least] += 1
            del kept[least]
    if "pattern" in schema and "pattern" not in kept and not kept:
        # The grammar takes an empty schema for an object; a pattern is about strings.
        kept["type"] = "string"
    return kept


def _is_taken(key: str, value: object, root: dict[str, Any]) -> bool:
    if key == "pattern":
        return isinstance(value, str) and len(value) <= LONGEST_PATTERN and PATTERN.fullmatch(value) is not None
    if key == "$ref":
        return isinstance(value, str) and _is_resolved(value, root)
    if key == "type":
        return value in TYPES if isinstance(value, str) else _is_list_of(value, TYPES)
    if key == "enum":
        return isinstance(value, list) and bool(value)
    if key == "required":
        return isinstance(value, list) and all(isinstance(name, str) for name in value)
    if key == "additionalProperties":
        return isinstance(value, bool)
    if key in ("format", "description", "title"):
        return isinstance(value, str)
    if key in _COUNTS:
        return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MOST_REPETITIONS
    if key in _BOUNDS:
        # In the schemas of 2013, `true` was a flag of a bound.
        return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) <= WIDEST_BOUND
    return key not in (*_NAMED, *_ALTERNATIVES, "items")


def _mentions_reference(value: object) -> bool:
    """Whether data, such as an example, contains "$ref", which the converter follows anywhere."""
    if isinstance(value, dict):
        return "$ref" in value or any(_mentions_reference(inner) for inner in value.values())
    return isinstance(value, list) and any(_mentions_reference(inner) for inner in value)


def _is_list_of(value: object, names: tuple[str, ...]) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(name, str) and name in names for name in value)


def _is_resolved(reference: str, root: dict[str, Any]) -> bool:
    """Whether it points into this schema: other targets would have to be fetched."""
    return isinstance(_target_of(reference, root), dict) and not _leads_back(reference, root)


def _target_of(reference: str, root: dict[str, Any]) -> object:
    """The schema that it points to. None also for other places, such as a keyword of the user's own: they are not cleaned."""
    if not reference.startswith("#/"):
        return None
    target: object = root
    names = iter(reference[2:].split("/"))
    for keyword in names:
        inner = target.get(keyword) if isinstance(target, dict) else None
        if keyword in _NAMED:
            target = inner.get(next(names, "")) if isinstance(inner, dict) else None
        elif isinstance(inner, list) and (keyword in _ALTERNATIVES or keyword == "items"):
            index = next(names, "")
            target = inner[int(index)] if index.isdecimal() and int(index) < len(inner) else None
        else:
            target = inner if keyword in _SINGLE else None
    return target


def _leads_back(reference: str, root: dict[str, Any]) -> bool:
    """Whether it refers to itself without a brace or bracket between: left recursion, which llama-grammar.cpp refuses. True also if
    more references than MOST_FOLLOWED lead on from it.
    """
    followed = [reference]
    for one in followed:
        target = _target_of(one, root)
        if not isinstance(target, dict):
            continue
        alternatives = [inner for key in ("oneOf", "anyOf", "allOf") for inner in _list(target.get(key)) if isinstance(inner, dict)]
        for inner in [target, *alternatives]:
            following = inner.get("$ref")
            if following == reference or len(followed) > MOST_FOLLOWED:
                return True
            if isinstance(following, str) and following not in followed:
                followed.append(following)
    return False


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _tell(name: str, left_out: Counter[str]) -> None:
    what = ", ".join(f"{ascii(key)[1:-1]} ({count})" for key, count in sorted(left_out.items()))
    if _told.is_new((name, what)):
        logger.warning("dropped from the schema of tool %s, because llama-server's grammar can't take it: %s", shown(name), what)
