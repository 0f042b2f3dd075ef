"""LiteLLM's own metrics with our modules (proxy.litellmMetrics), as Prometheus scrapes them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from real_litellm import ANNA_KEY, METRICS_CONFIG, WAIT_S, WRONG_KEY, Engine, Proxy, message, serve_litellm

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def measured(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    """LiteLLM with its own metrics on."""
    yield from serve_litellm(tmp_path_factory.mktemp("measured"), engine, config=METRICS_CONFIG)


def scrape(proxy: Proxy, sign: str) -> str:
    """The metrics, once they include this: LiteLLM counts a request after its answer."""
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline:
        status, text = proxy.ask("GET", "/metrics/", ANNA_KEY)
        assert status == 200
        if any(line.startswith("litellm_proxy_total_requests_metric_total{") and sign in line for line in text.splitlines()):
            return text
        time.sleep(0.1)
    pytest.fail(text)


def test_name_the_developer_but_no_key(measured: Proxy) -> None:
    assert measured.ask("POST", "/v1/messages", ANNA_KEY, message())[0] == 200
    text = scrape(measured, 'user="anna"')
    assert ANNA_KEY not in text


def test_need_a_key(measured: Proxy) -> None:
    assert measured.ask("GET", "/metrics/", None)[0] == 401
    assert measured.ask("GET", "/metrics/", WRONG_KEY)[0] == 401


def test_are_off_by_default(proxy: Proxy) -> None:
    assert proxy.ask("GET", "/metrics/", ANNA_KEY)[0] == 404
