"""Live requests and the day's sums, which survive a restart but not midnight."""

from __future__ import annotations

import json
from datetime import date
from enum import Enum
from pathlib import Path
from types import SimpleNamespace

import pytest
from opta_requests import OWN_NAME, LiveRequest, RequestBook, Usage
from opta_stream import hear, usage_of

class ResponseEvent(str, Enum):
    """As LiteLLM names the events of /v1/responses."""

    OUTPUT_TEXT_DELTA = "response.output_text.delta"


MONDAY = date(2026, 11, 23)


def answered(developer: str = "anna") -> LiveRequest:
    """A request that got its answer 250 ms after it came."""
    request = LiveRequest(developer, started_at=1000, prompt_tokens=40, output_tokens=7, outcome="answered")
    request.first_token_at = 1250
    request.note_cached(40, 30)
    return request


def test_sums_survive_a_restart(tmp_path: Path) -> None:
    path = str(tmp_path / "usage.json")
    usage = Usage(path, lambda: MONDAY)
    usage.add(answered())
    usage.add(LiveRequest("anna", outcome="failed"))
    usage.add(LiveRequest("ben", admitted_at=1_100))
    # Left the queue: nothing was generated, and Claude Code retries.
    usage.add(LiveRequest("ben", prompt_tokens=9_000))
    usage.add(answered(OWN_NAME))
    usage.add(LiveRequest("ben", prompt_tokens=9_000, outcome="refused"))
    assert Path(path).stat().st_mode & 0o777 == 0o600
    for known in (usage, Usage(path, lambda: MONDAY)):
        assert known.describe() == {
            "day": "2026-11-23",
            "developers": [
                {
                    "developer": "anna",
                    "requests": 2,
                    "failed": 1,
                    "promptTokens": 40,
                    "outputTokens": 7,
                    "cachedTokens": 30,
                    "readTokens": 10,
                    "meanFirstTokenMs": 250.0,
                },
                {
                    "developer": "ben",
                    "requests": 1,
                    "failed": 0,
                    "promptTokens": 0,
                    "outputTokens": 0,
                    "cachedTokens": None,
                    "readTokens": None,
                    "meanFirstTokenMs": None,
                },
            ],
        }


def test_starts_over_at_midnight(tmp_path: Path) -> None:
    days = [MONDAY]
    path = str(tmp_path / "usage.json")
    usage = Usage(path, lambda: days[0])
    usage.add(answered())
    days[0] = date(2026, 11, 24)
    assert usage.describe() == {"day": "2026-11-24", "developers": []}
    usage.add(answered("ben"))
    assert [use["developer"] for use in usage.describe()["developers"]] == ["ben"]
    assert Usage(path, lambda: MONDAY).describe()["developers"] == []


@pytest.mark.parametrize("text", ["", "{", "[]", '{"day": "2026-11-23"}', '{"day": "2026-11-23", "developers": {"a": {"x": 1}}}'])
def test_serves_despite_a_broken_file(tmp_path: Path, text: str) -> None:
    path = tmp_path / "usage.json"
    path.write_text(text, encoding="utf-8")
    usage = Usage(str(path), lambda: MONDAY)
    assert usage.describe()["developers"] == []
    usage.add(answered())
    assert json.loads(path.read_text(encoding="utf-8"))["day"] == "2026-11-23"


def test_a_request_goes_through_its_phases_and_ends_once() -> None:
    book = RequestBook(Usage(None, lambda: MONDAY))
    changes: list[str] = []
    book.on_change = lambda: changes.append(" ".join(one["phase"] for one in book.describe()["requests"]))
    request = book.begin("anna")
    book.admitted(request)
    book.heard(request, 1)
    book.heard(request, 2)
    book.end(request)
    book.end(request)
    assert changes == ["waiting", "prefill", "generating", "generating", ""]
    assert request.first_token_at is not None
    assert [use["requests"] for use in book.describe()["developers"]] == [1]


def test_reads_a_streams_own_counts() -> None:
    delta = b'event: content_block_delta\ndata: {"type": "content_block_delta", "delta": {"text": "a"}}\n\n'
    assert hear(delta).pieces == 1
    assert hear(delta + delta).pieces == 2
    assert hear(b'event: ping\ndata: {"type": "ping"}\n\n') == hear(b": ping\n\n") == hear({})
    end = b'data: {"type": "message_delta", "usage": {"input_tokens": 43, "output_tokens": 5, "cache_read_input_tokens": 1}}\n\n'
    heard = hear(end)
    assert (heard.prompt_tokens, heard.output_tokens) == (44, 5)
    assert hear(b'event: error\ndata: {"type": "error", "error": {}}\n\n').failed
    assert hear(b"data: {broken\n\n").pieces == 0
    said = SimpleNamespace(type=ResponseEvent.OUTPUT_TEXT_DELTA)
    assert hear(said).pieces == 1
    completed = SimpleNamespace(choices=[SimpleNamespace(text="a"), SimpleNamespace(text="")])
    assert hear(completed).pieces == 1
    usage = SimpleNamespace(usage=SimpleNamespace(input_tokens=8, output_tokens=2))
    cut = hear(SimpleNamespace(type="response.incomplete", response=usage))
    assert (cut.prompt_tokens, cut.output_tokens, cut.failed) == (8, 2, False)
    assert hear(SimpleNamespace(type="response.failed", response=usage)).failed
    assert usage_of({"usage": {"input_tokens": 3, "output_tokens": 1}}).output_tokens == 1
    assert usage_of(None).output_tokens is None
