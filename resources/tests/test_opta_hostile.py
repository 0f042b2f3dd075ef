"""Hostile input for each part of the Router that reads foreign data, or its own from before a crash. `scripts/storm` runs
these with more examples and its own seed: OPTA_EXAMPLES, --hypothesis-seed.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any, Final

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hostile import changed, text_of
from opta_body import BadBodyError, read_json, refine
from opta_conversations import MARK_BYTES, fingerprint_of
from opta_engine_record import EngineRecordFile
from opta_keys import KeyFile, KeyFileError
from opta_kept_tools import keep_tools
from opta_limits import LIMIT_FIELDS, asked_answer, limit_answer, several_answers
from opta_parked_files import Limits, ParkedFiles
from opta_requests import LiveRequest, Usage
from opta_settings import Settings, SettingsError, parse_settings
from opta_sight import find_unseen
from opta_stream import events_of, hear
from opta_whole import _parse_input
from test_opta_bodies import ROUTES, SOUND

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_EXAMPLES: Final = os.environ.get("OPTA_EXAMPLES")
hostile = settings(
    max_examples=int(_EXAMPLES or "100"),
    deadline=None,
    # The same examples each time, except in a storm, which has a seed.
    derandomize=_EXAMPLES is None,
    suppress_health_check=list(HealthCheck),
)

PARKED: Final = {
    "version": 1,
    "key": "k",
    "developer": "anna",
    "named": True,
    "name": "k.kv",
    "bytes": 3,
    "checksum": 891568578,
    "tokens": 10,
    "fingerprint": {"marks": "01" * MARK_BYTES, "ends": [10], "head": 1},
    "engine": "m",
    "saved_at": 1_000.0,
    "used_at": 1_000.0,
}
USE: Final = {name: 1 for name in ("requests", "failed", "promptTokens", "outputTokens", "firstTokenSumMs", "firstTokens", "cachedTokens", "readTokens")}


@hostile
@given(st.data())
def test_every_part_takes_a_body_that_was_not_refused(data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(ROUTES))
    text = data.draw(text_of(SOUND[path]))
    try:
        body = read_json(path, text.encode("utf-8", "surrogatepass"))
        assert body is not None
        refine(path, body, Settings())
    except BadBodyError as refusal:
        assert str(refusal).isprintable()
        return
    fingerprint_of(body)
    keep_tools(body, ["Read"], for_everybody=True, user_agent="claude-cli/2.1")
    find_unseen(body, frozenset())
    several_answers(body)
    assert asked_answer(body) >= 1
    limit_answer(body, "anthropic_messages", 100)
    assert any(0 < body[name] <= 100 for name in LIMIT_FIELDS if name in body)


@hostile
@given(st.data())
def test_reads_any_stream(data: st.DataObject) -> None:
    event = {"type": "message_delta", "delta": {"text": "a", "partial_json": "{"}, "usage": {"input_tokens": 1, "output_tokens": 2, "prompt_tokens_details": {"cached_tokens": 1}}}
    text = "event: x\ndata: " + data.draw(text_of(event)) + "\n\n"
    list(events_of(text))
    hear(text)
    hear(text.encode("utf-8", "replace"))
    hear(data.draw(changed(event)))


@hostile
@given(text_of({"path": "/a"}))
def test_a_models_arguments_are_json_or_empty(text: str) -> None:
    orjson.dumps(_parse_input(text))


@hostile
@given(text_of({"session_header": "x-a", "slots": 4, "pass_fields": ["grammar"], "node_slots": {"a": 1}}))
def test_reads_or_refuses_settings(text: str) -> None:
    try:
        assert isinstance(parse_settings(text), Settings)
    except (SettingsError, ValueError):
        pass


def write(path: Path, text: str) -> None:
    path.unlink(missing_ok=True)
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    path.chmod(0o600)


@hostile
@given(text=text_of({"keys": [{"name": "anna", "key": "sk-hidden-key"}]}))
def test_reads_a_key_file_or_refuses_it_without_showing_keys(tmp_path: Path, text: str) -> None:
    path = tmp_path / "clients.json"
    write(path, text)
    try:
        KeyFile(str(path)).read()
    except KeyFileError as error:
        assert "sk-hidden-key" not in str(error)


@hostile
@given(text=text_of({"process": "12@99", "identity": "abc"}))
def test_reads_an_engine_record_or_none(tmp_path: Path, text: str) -> None:
    path = tmp_path / "engine.json"
    write(path, text)
    record = EngineRecordFile(str(path)).read()
    assert record is None or (isinstance(record.process, str) and isinstance(record.identity, str))


@hostile
@given(text=text_of(PARKED))
def test_reads_a_manifest_or_deletes_it(tmp_path: Path, text: str) -> None:
    folder = tmp_path / "parked"
    folder.mkdir(exist_ok=True)
    write(folder / "k.json", text)
    write(folder / "k.kv", "abc")
    files = ParkedFiles(str(folder), Limits(1_000, 60), clock=lambda: 1_010.0, free_bytes=lambda _: (10**12, 10**12))
    files.load()
    assert sorted(path.name for path in folder.iterdir()) in ([], ["k.json", "k.kv"])
    for file in files.all():
        assert file.used_at <= 1_010.0
        files.why_not_whole(file)
        files.note_used(file)
    files.why_no_room(10, "other")
    files.drop_old()


@hostile
@given(text=text_of({"day": "2026-11-28", "developers": {"anna": USE}}))
def test_reads_the_days_use_or_starts_over(tmp_path: Path, text: str) -> None:
    from datetime import date

    path = tmp_path / "usage.json"
    write(path, text)
    usage = Usage(str(path), today=lambda: date(2026, 11, 28))
    usage.add(LiveRequest("anna", None))
    json.dumps(usage.describe(), allow_nan=False)


READERS: Final[dict[str, Callable[[Path], Any]]] = {
    "engine.json": lambda path: EngineRecordFile(str(path)).read(),
    "usage.json": lambda path: Usage(str(path)).describe()["developers"] or None,
    "k.json": lambda path: ParkedFiles(str(path.parent), Limits(1_000, 60)).load(),
    "clients.json": lambda path: KeyFile(str(path)).read(),
}


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize("kind", ["pipe", "folder", "device", "loop"])
def test_never_waits_for_anything_but_a_regular_file(tmp_path: Path, name: str, kind: str) -> None:
    path = tmp_path / name
    match kind:
        case "pipe":
            os.mkfifo(path, 0o600)
        case "folder":
            path.mkdir(0o700)
        case "device":
            path.symlink_to("/dev/zero")
        case _:
            path.symlink_to(path)
    try:
        assert READERS[name](path) is None
    except KeyFileError:
        assert name == "clients.json"


def test_a_parked_file_that_is_a_pipe_or_a_link_is_not_used(tmp_path: Path) -> None:
    write(tmp_path / "k.json", json.dumps({**PARKED, "bytes": 0}))
    os.mkfifo(tmp_path / "k.kv")
    write(tmp_path / "l.json", json.dumps({**PARKED, "key": "l", "name": "l.kv"}))
    write(tmp_path / "abc", "abc")
    (tmp_path / "l.kv").symlink_to(tmp_path / "abc")
    files = ParkedFiles(str(tmp_path), Limits(1_000, 1e12))
    files.load()
    assert files.all() == ()
