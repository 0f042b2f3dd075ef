"""To which Studios a request may go."""

from __future__ import annotations

from typing import Any

from opta_nodes import node_of, open_nodes

SLOTS = {"": 2, "b": 1, "c": 2}


def deployments(*names: str) -> list[dict[str, Any]]:
    return [{"model_info": {"id": f"{name}#claude"}} for name in names]


def names(chosen: list[dict[str, Any]]) -> list[str | None]:
    return [node_of(one["model_info"]) for one in chosen]


def test_reads_the_studio_before_the_mark() -> None:
    assert node_of({"id": "b#claude"}) == "b"
    assert node_of({"id": "#*"}) == ""
    # Of a configuration of somebody's own.
    assert node_of({"id": "1234"}) is None
    assert node_of(None) is None


def test_leaves_out_the_full_and_those_that_failed_this_request() -> None:
    everyone = deployments("", "b", "c")
    assert names(open_nodes(everyone, [], SLOTS, [])) == ["", "b", "c"]
    assert names(open_nodes(everyone, [], SLOTS, ["b", "", "c"])) == ["", "c"]
    assert names(open_nodes(everyone, [""], SLOTS, ["b"])) == ["c"]


def test_rather_a_full_one_than_one_that_failed_and_that_rather_than_none() -> None:
    everyone = deployments("", "b")
    assert names(open_nodes(everyone, [""], SLOTS, ["b"])) == ["b"]
    assert names(open_nodes(everyone, ["", "b"], SLOTS, [])) == ["", "b"]


def test_lets_deployments_pass_that_are_not_ours() -> None:
    foreign = [{"model_info": {"id": "1234"}}, {}]
    assert open_nodes(foreign, [], SLOTS, []) == foreign
