"""opta_router.py and opta_litellm.py against the real LiteLLM: access, and what reaches the model.

Run with the interpreter that LiteLLM is installed for: python -m pytest resources
"""

from __future__ import annotations

import asyncio
import importlib.util
import json
import socket
from typing import TYPE_CHECKING, Final

import pytest
from real_litellm import (
    ANNA_KEY,
    BEN_KEY,
    ENGINE_KEY,
    EVERYBODY,
    MASTER_KEY,
    RESOURCES,
    WRONG_KEY,
    Proxy,
    message,
    start_litellm,
    write_keys,
)
from starlette.requests import Request

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType


def load(name: str) -> ModuleType:
    """Import a module of resources/ the way LiteLLM does: from its file, without sys.modules."""
    spec = importlib.util.spec_from_file_location(name, RESOURCES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


opta_router: Final = load("opta_router")
opta_litellm: Final = load("opta_litellm")


def request_with(headers: dict[str, str], path: str = "/v1/messages") -> Request:
    """A request as custom_auth gets it."""
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "method": "POST", "path": path, "query_string": b"", "headers": raw})


# --- Keys -------------------------------------------------------------------------------------------------------------


def authenticate(headers: dict[str, str], path: str = "/v1/messages") -> object:
    """custom_auth's answer, or the exception it raised."""
    try:
        return asyncio.run(opta_router.custom_auth(request_with(headers, path), ""))
    except opta_router.ProxyException as error:
        return error


@pytest.fixture
def two_clients(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keys for Anna and Ben."""
    path = tmp_path / "clients.json"
    write_keys(path, {"anna": ANNA_KEY, "ben": BEN_KEY})
    monkeypatch.setenv("OPTA_CLIENT_KEYS", str(path))
    monkeypatch.setenv("OPTA_MASTER_KEY", MASTER_KEY)
    return path


@pytest.mark.parametrize(
    ("headers", "user"),
    [
        ({"x-api-key": ANNA_KEY}, "anna"),
        ({"authorization": f"Bearer {BEN_KEY}"}, "ben"),
        ({"authorization": f"bearer  {BEN_KEY}"}, "ben"),
        ({"x-api-key": WRONG_KEY, "authorization": f"Bearer {BEN_KEY}"}, "ben"),
        ({"x-api-key": ANNA_KEY, "authorization": f"Bearer {WRONG_KEY}"}, "anna"),
        ({"x-api-key": MASTER_KEY}, "opta-nexus"),
    ],
)
@pytest.mark.usefixtures("two_clients")
def test_knows_each_developer(headers: dict[str, str], user: str) -> None:
    assert getattr(authenticate(headers), "user_id", None) == user


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-api-key": ""},
        {"x-api-key": WRONG_KEY},
        {"x-api-key": ANNA_KEY[:-1]},
        {"x-api-key": f"{ANNA_KEY} "},
        {"authorization": "Bearer"},
        {"authorization": f"Basic {ANNA_KEY}"},
        {"authorization": ANNA_KEY},
    ],
)
@pytest.mark.usefixtures("two_clients")
def test_refuses_everyone_else(headers: dict[str, str]) -> None:
    refused = authenticate(headers)
    assert getattr(refused, "code", None) == "401"
    assert getattr(refused, "type", None) == "authentication_error"
    assert ANNA_KEY not in str(refused)
    assert WRONG_KEY not in str(refused)


@pytest.mark.usefixtures("two_clients")
def test_an_unset_master_key_opens_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPTA_MASTER_KEY", "")
    assert getattr(authenticate({"x-api-key": ""}), "code", None) == "401"
    assert getattr(authenticate({"x-api-key": MASTER_KEY}), "code", None) == "401"


@pytest.mark.parametrize("path", ["/health", "/model/info", "/key/generate", "/v1/messages/../../health", "/metrics/x"])
@pytest.mark.usefixtures("two_clients")
def test_a_developer_cannot_administer(path: str) -> None:
    assert getattr(authenticate({"x-api-key": ANNA_KEY}, path), "code", None) == "403"
    assert getattr(authenticate({"x-api-key": MASTER_KEY}, path), "user_id", None) == "opta-nexus"


def test_the_host_header_does_not_choose_the_route(two_clients: Path) -> None:
    assert two_clients.exists()
    headers = {"x-api-key": ANNA_KEY, "host": "localhost/v1/messages?"}
    assert getattr(authenticate(headers, "/model/info"), "code", None) == "403"


# --- The real proxy ---------------------------------------------------------------------------------------------------

ROUTES: Final = [
    ("POST", "/v1/messages", message()),
    ("POST", "/v1/messages?beta=true", message(stream=True)),
    ("POST", "/v1/messages/count_tokens", message()),
    ("POST", "/v1/chat/completions", message()),
    ("POST", "/v1/chat/completions", message(stream=True)),
    ("POST", "/v1/responses", {"model": "x", "input": "hi"}),
    ("GET", "/v1/models", None),
    ("GET", "/health", None),
    ("GET", "/model/info", None),
]


@pytest.mark.parametrize(("method", "path", "body"), ROUTES)
@pytest.mark.parametrize("key", [None, WRONG_KEY, ENGINE_KEY])
def test_a_clean_401_on_every_route(proxy: Proxy, method: str, path: str, body: object, key: str | None) -> None:
    asked = len(proxy.engine.requests)
    status, text = proxy.ask(method, path, key, body)
    assert status == 401
    assert json.loads(text)["error"]["type"] == "authentication_error"
    assert len(proxy.engine.requests) == asked


def test_answers_any_model_name_and_reports_a_cut_answer(proxy: Proxy) -> None:
    for model in ("claude-3-5-sonnet-20241022", "claude-opus-4-8", "anything"):
        status, text = proxy.ask("POST", "/v1/messages", ANNA_KEY, message(model=model))
        answer = json.loads(text)
        assert (status, answer["model"], answer["stop_reason"]) == (200, model, "max_tokens")
        assert answer["content"] == [{"type": "text", "text": "ok"}]


def test_streams(proxy: Proxy) -> None:
    status, text = proxy.ask("POST", "/v1/messages", BEN_KEY, message(stream=True))
    assert status == 200
    assert "event: message_start" in text
    assert '"stop_reason": "max_tokens"' in text
    assert "event: message_stop" in text


def test_the_engine_gets_its_own_key_and_the_stop_sequences(proxy: Proxy) -> None:
    proxy.ask("POST", "/v1/messages", ANNA_KEY, message())
    asked = proxy.engine.requests[-1]
    assert asked["path"] == "/v1/chat/completions"
    assert asked["authorization"] == f"Bearer {ENGINE_KEY}"
    assert asked["stop"] == ["<|EOT|>"]
    assert ANNA_KEY not in json.dumps(asked)


def test_lists_the_model_name_of_the_clients_settings(proxy: Proxy) -> None:
    status, text = proxy.ask("GET", "/v1/models", ANNA_KEY)
    assert status == 200
    assert [model["id"] for model in json.loads(text)["data"]] == ["claude-3-5-sonnet-20241022"]


def test_only_the_master_key_administers(proxy: Proxy) -> None:
    assert proxy.ask("GET", "/model/info", ANNA_KEY)[0] == 403
    assert proxy.ask("GET", "/model/info", MASTER_KEY)[0] == 200


def test_keys_change_without_a_restart(proxy: Proxy) -> None:
    try:
        write_keys(proxy.keys, {"ben": BEN_KEY})
        assert proxy.ask("GET", "/v1/models", ANNA_KEY)[0] == 401
        assert proxy.ask("GET", "/v1/models", BEN_KEY)[0] == 200
        write_keys(proxy.keys, {"anna": ANNA_KEY}, mode=0o644)
        status, text = proxy.ask("GET", "/v1/models", ANNA_KEY)
        assert (status, json.loads(text)["error"]["type"]) == (503, "api_error")
        assert proxy.ask("GET", "/v1/models", MASTER_KEY)[0] == 200
    finally:
        write_keys(proxy.keys, EVERYBODY)
    assert proxy.ask("GET", "/v1/models", ANNA_KEY)[0] == 200


def test_no_key_reaches_the_log(proxy: Proxy) -> None:
    proxy.ask("POST", "/v1/messages", ANNA_KEY, message())
    proxy.ask("POST", "/v1/messages", WRONG_KEY, message())
    log = proxy.log.read_text(encoding="utf-8")
    assert "401 Unauthorized" in log
    for key in (ANNA_KEY, BEN_KEY, WRONG_KEY, ENGINE_KEY, MASTER_KEY):
        assert key not in log


def test_a_taken_port_fails_the_start_at_once(proxy: Proxy, tmp_path: Path) -> None:
    log = tmp_path / "second.log"
    process = start_litellm(proxy.folder, proxy.port, log)
    # Far below the 5 s that loading LiteLLM takes would be nicer to assert; what matters is the status and the words.
    assert process.wait(timeout=60) == 3
    text = log.read_text(encoding="utf-8")
    assert f"error while attempting to bind on address ('127.0.0.1', {proxy.port}): address already in use" in text
    assert "Started server process" not in text


def test_checks_the_port_before_the_start() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert "address already in use" in opta_litellm.listen_failure("127.0.0.1", port)
        assert "address already in use" in opta_litellm.listen_failure("0.0.0.0", port)
    assert opta_litellm.listen_failure("127.0.0.1", port) is None
    # 192.0.2.0/24 is for documentation (RFC 5737): no machine has it.
    assert "assign" in opta_litellm.listen_failure("192.0.2.1", port)
    assert "looking up host" in opta_litellm.listen_failure("no-such-host.invalid", port)
