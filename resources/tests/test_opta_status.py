"""The line under Claude Code's prompt: it shows what is known, omits the rest, and strangers get none."""

from __future__ import annotations

import asyncio
import json
import urllib.request
from typing import TYPE_CHECKING, Any

from opta_conversations import SESSION_HEADER
from opta_requests import LiveRequest, RequestBook, Usage
from opta_status import PATH, Board, StatusPage
from real_litellm import ANNA_KEY, BEN_KEY, WRONG_KEY, Proxy, message

if TYPE_CHECKING:
    from pathlib import Path

NOW = 1_000_000


def request(session: str | None = "s1", developer: str = "anna", **more: Any) -> LiveRequest:
    """One of Claude Code's."""
    return LiveRequest(developer, session, **more)


def board(*live: LiveRequest, slots: int | None = 4, context: int | None = 32_768) -> Board:
    """What is shown while these are live."""
    return Board(slots, lambda: live, lambda: context)


def answered(**more: Any) -> LiveRequest:
    """A request that is over."""
    known: dict[str, Any] = {"outcome": "answered", "prompt_tokens": 15_000, "output_tokens": 384, "first_token_at": NOW, "ended_at": NOW + 32_000}
    return request(**{**known, **more})


def test_shows_slots_and_nothing_unknown() -> None:
    assert board().line("anna", "s1", NOW) == "4 of 4 slots free"
    assert board(slots=None).line("anna", "s1", NOW) == ""


def test_two_developers_may_use_the_same_session_name() -> None:
    shown = board()
    for developer, slot in (("anna", 1), ("ben", 3)):
        shown.ended(answered(developer=developer, slot=slot))
    assert "slot 1" in shown.line("anna", "s1", NOW)
    assert "slot 3" in shown.line("ben", "s1", NOW)
    assert "slot" not in shown.line("cleo", "s1", NOW).replace("slots", "")


def test_shows_everything_known_of_a_session() -> None:
    busy = [request("s2", "ben", admitted_at=1) for _ in range(3)]
    shown = board(*busy)
    shown.ended(answered(cached_tokens=14_250, slot=2))
    assert (
        shown.line("anna", "s1", NOW)
        == "1 of 4 slots free | slot 2 | 12.0 tokens/s | context 15,384 of 32,768 (47%) | 95% from the cache"
    )


def test_a_running_answers_own_rate_comes_first() -> None:
    running = request(admitted_at=1, first_token_at=NOW - 2_000, output_tokens=50)
    shown = board(running)
    shown.ended(answered())
    assert "25.0 tokens/s" in shown.line("anna", "s1", NOW)


def test_shows_the_place_in_the_queue() -> None:
    queue = [request("s2", "ben"), request("s1"), request("s3", "ben")]
    assert "waiting, place 2 of 3" in board(*queue).line("anna", "s1", NOW)
    assert "3 waiting" in board(*queue).line("anna", "another", NOW)


def test_hides_another_developers_session() -> None:
    shown = board(request("s1", "anna"))
    shown.ended(answered())
    assert shown.line("ben", "s1", NOW) == "4 of 4 slots free | 1 waiting"


def test_ignores_unanswered_requests_and_those_without_a_session() -> None:
    shown = board()
    shown.ended(answered(outcome="failed"))
    shown.ended(request(None, outcome="answered", prompt_tokens=9))
    assert shown.line("anna", "s1", NOW) == "4 of 4 slots free"
    assert shown.line("anna", "", NOW) == "4 of 4 slots free"


def test_shows_a_context_without_a_limit() -> None:
    shown = board(context=None)
    shown.ended(answered(output_tokens=None, first_token_at=None))
    assert shown.line("anna", "s1", NOW) == "4 of 4 slots free | context 15,000"


def test_a_finished_request_reaches_the_board(tmp_path: Path) -> None:
    book = RequestBook(Usage(str(tmp_path / "usage.json")))
    shown = Board(2, book.live, lambda: None)
    book.on_end = shown.ended
    own = book.begin("anna", "s1")
    own.outcome, own.prompt_tokens = "answered", 12
    book.end(own)
    assert own.ended_at is not None
    assert shown.line("anna", "s1", NOW) == "2 of 2 slots free | context 12"


def test_passes_everything_else_on() -> None:
    passed: list[str] = []

    async def app(scope: Any, _receive: Any, _send: Any) -> None:
        passed.append(scope.get("path", scope["type"]))

    page = StatusPage(app)
    for scope in ({"type": "lifespan"}, {"type": "http", "path": "/v1/models"}, {"type": "http", "path": PATH + "/x"}):
        asyncio.run(page(scope, None, None))
    assert passed == ["lifespan", "/v1/models", PATH + "/x"]


def test_the_real_litellm_answers_only_with_a_valid_key(proxy: Proxy) -> None:
    asked = urllib.request.Request(
        f"http://127.0.0.1:{proxy.port}/v1/messages",
        data=json.dumps(message()).encode(),
        headers={"content-type": "application/json", "x-api-key": ANNA_KEY, SESSION_HEADER: "abc"},
    )
    with urllib.request.urlopen(asked, timeout=30) as answer:
        assert answer.status == 200
    path = f"{PATH}?session=abc"
    status, text = proxy.ask("GET", path, ANNA_KEY)
    assert (status, text.partition(" | ")[0]) == (200, "2 of 2 slots free")
    assert "context " in text
    assert "context" not in proxy.ask("GET", path, BEN_KEY)[1]
    assert proxy.ask("GET", path, WRONG_KEY)[0] == 401
    assert proxy.ask("GET", path, None)[0] == 401
    assert proxy.ask("POST", path, ANNA_KEY, {})[0] == 405
