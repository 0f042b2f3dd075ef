"""The Studios that a request may go to."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from opta_nodes import NodeSlots, is_out_of_service, node_of, open_nodes

SLOTS = {"": 2, "b": 1, "c": 2}


def deployments(*names: str) -> list[dict[str, Any]]:
    return [{"model_info": {"id": f"{name}#claude"}} for name in names]


def names(chosen: list[dict[str, Any]]) -> list[str | None]:
    return [node_of(one["model_info"]) for one in chosen]


def test_reads_the_studio_from_the_id() -> None:
    assert node_of({"id": "b#claude"}) == "b"
    assert node_of({"id": "#*"}) == ""
    # From a user's own configuration.
    assert node_of({"id": "1234"}) is None
    assert node_of(None) is None


def test_excludes_full_studios_and_those_that_failed_this_request() -> None:
    everyone = deployments("", "b", "c")
    assert names(open_nodes(everyone, [], SLOTS, [])) == ["", "b", "c"]
    assert names(open_nodes(everyone, [], SLOTS, ["b", "", "c"])) == ["", "c"]
    assert names(open_nodes(everyone, [""], SLOTS, ["b"])) == ["c"]


def test_prefers_a_full_studio_to_a_failed_one_and_that_to_none() -> None:
    everyone = deployments("", "b")
    assert names(open_nodes(everyone, [""], SLOTS, ["b"])) == ["b"]
    assert names(open_nodes(everyone, ["", "b"], SLOTS, [])) == ["", "b"]


def test_prefers_a_full_studio_to_one_out_of_service_and_that_to_a_failed_one() -> None:
    everyone, slots = deployments("", "b", "c"), {"": 0, "b": 1, "c": 2}
    assert names(open_nodes(everyone, [], slots, ["b"])) == ["c"]
    assert names(open_nodes(everyone, [], slots, ["b", "c", "c"])) == ["b", "c"]
    assert names(open_nodes(everyone, ["b", "c"], slots, [])) == [""]


def test_passes_foreign_deployments() -> None:
    foreign = [{"model_info": {"id": "1234"}}, {}]
    assert open_nodes(foreign, [], SLOTS, []) == foreign


def chained(error: BaseException) -> Exception:
    """LiteLLM's error, caused by the client library's, caused by the transport's."""
    try:
        try:
            raise error
        except BaseException as cause:
            raise ValueError("Connection error.") from cause
    except ValueError as outer:
        return outer


class Refusing(Exception):
    """An error with a status, as LiteLLM's have."""

    def __init__(self, status_code: int) -> None:
        super().__init__()
        self.status_code = status_code


@pytest.mark.parametrize(
    ("error", "out"),
    [
        (chained(httpx.ConnectError("refused")), True),
        (chained(httpx.ConnectTimeout("unplugged")), True),
        (chained(httpx.ReadError("cut")), True),
        (chained(httpx.RemoteProtocolError("cut")), True),
        (Refusing(503), True),
        # Its key was changed there.
        (Refusing(401), True),
        (chained(httpx.ReadTimeout("a long prompt")), False),
        (chained(Refusing(500)), False),
        (Refusing(400), False),
        (None, False),
    ],
)
def test_tells_a_studio_out_of_service_from_a_failed_request(error: object, out: bool) -> None:
    assert is_out_of_service(error) is out


def test_a_studio_out_of_service_has_no_slots_then_one_until_it_answers() -> None:
    async def story() -> None:
        told: asyncio.Queue[int] = asyncio.Queue()
        slots = NodeSlots(SLOTS, 0.001, told.put_nowait)
        slots.failed("c")
        assert told.get_nowait() == 3
        # A stream that had begun before goes on.
        slots.serves("c")
        assert slots.now() == {"": 2, "b": 1, "c": 0}
        assert await told.get() == 4
        slots.serves("c")
        slots.serves("c")
        slots.serves("")
        assert told.get_nowait() == 5
        slots.failed("b")
        slots.failed("b")
        slots.failed("")
        assert [told.get_nowait() for _ in range(3)] == [4, 4, 2]
        slots.failed("c")
        # None is left: all count again, so that waiting requests get the failure.
        assert told.get_nowait() == 5
        assert [await told.get() for _ in range(3)] == [1, 2, 3]
        assert told.empty()

    asyncio.run(asyncio.wait_for(story(), 5))
