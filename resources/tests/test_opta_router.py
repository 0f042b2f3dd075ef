"""opta_router.py and opta_litellm.py against the real LiteLLM: a started proxy with a stand-in for llama-server behind it.

Run with the interpreter that LiteLLM is installed for: python -m pytest resources/tests
"""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest
from starlette.requests import Request

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

RESOURCES: Final = Path(__file__).resolve().parent.parent
MASTER_KEY: Final = "sk-master-for-tests-8d1f6f2ce0a94c"
ENGINE_KEY: Final = "sk-engine-for-tests-5b7a"
ANNA_KEY: Final = "sk-anna-for-tests-31c9"
BEN_KEY: Final = "sk-ben-for-tests-77e0"
WRONG_KEY: Final = "sk-wrong-for-tests-0000"

# As the product generates it (electron/core/services/litellm-config.ts), shortened to what these tests touch.
CONFIG: Final = """
model_list:
  - model_name: claude-3-5-sonnet-20241022
    litellm_params: &engine
      model: openai/engine
      api_base: http://127.0.0.1:{engine_port}/v1
      api_key: os.environ/OPTA_ENGINE_KEY
      max_retries: 0
      stop: ["<|EOT|>"]
  - model_name: "*"
    litellm_params: *engine
router_settings: {{num_retries: 0, disable_cooldowns: true}}
litellm_settings: {{num_retries: 0, drop_params: true, use_chat_completions_url_for_anthropic_messages: true}}
general_settings:
  master_key: os.environ/OPTA_MASTER_KEY
  custom_auth: opta_router.custom_auth
  disable_model_info_refresh: true
"""


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


def write_keys(path: Path, keys: dict[str, str], mode: int = 0o600) -> None:
    """Replace the key file whole, as the product does."""
    text = json.dumps({"keys": [{"name": name, "key": key} for name, key in keys.items()]})
    temporary = path.with_suffix(".tmp")
    temporary.write_text(text, encoding="utf-8")
    temporary.chmod(mode)
    temporary.replace(path)


def request_with(headers: dict[str, str], path: str = "/v1/messages") -> Request:
    """A request as custom_auth gets it."""
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "method": "POST", "path": path, "query_string": b"", "headers": raw})


# --- The key file -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        '{"keys": {}}',
        '{"keys": ["sk-plain-text"]}',
        '{"keys": [{"name": "anna"}]}',
        '{"keys": [{"name": "", "key": "sk-x"}]}',
        '{"keys": [{"name": "anna", "key": ""}]}',
        '{"keys": [{"name": "anna", "key": 7}]}',
    ],
)
def test_refuses_a_broken_key_file(text: str) -> None:
    with pytest.raises(opta_router.KeyFileError):
        opta_router.parse_client_keys(text)


def test_errors_and_representations_carry_no_key() -> None:
    with pytest.raises(opta_router.KeyFileError) as caught:
        opta_router.parse_client_keys('{"keys": [{"name": "anna", "key": "sk-secret"}')
    assert "sk-secret" not in repr(caught.value)
    assert caught.value.__cause__ is None
    keys = opta_router.parse_client_keys('{"keys": [{"name": "anna", "key": "sk-secret"}]}')
    assert "anna" in repr(keys)
    assert "sk-secret" not in repr(keys)


def test_reads_the_key_file_again_when_it_changes(tmp_path: Path) -> None:
    path = tmp_path / "clients.json"
    write_keys(path, {"anna": ANNA_KEY})
    file = opta_router.KeyFile(str(path))
    assert [key.name for key in file.read()] == ["anna"]
    write_keys(path, {"ben": BEN_KEY})
    assert [key.name for key in file.read()] == ["ben"]
    # In place and with the same size and time: nothing to see for anybody, so only a changed time may count.
    path.write_text(path.read_text(encoding="utf-8").replace("ben", "bob"), encoding="utf-8")
    os.utime(path, ns=(1, 1))
    assert [key.name for key in file.read()] == ["bob"]


def test_refuses_a_key_file_that_others_may_read_or_that_is_gone(tmp_path: Path) -> None:
    path = tmp_path / "clients.json"
    write_keys(path, {"anna": ANNA_KEY})
    file = opta_router.KeyFile(str(path))
    file.read()
    path.chmod(0o640)
    with pytest.raises(opta_router.KeyFileError, match="0640, not 0600"):
        file.read()
    path.chmod(0o600)
    assert len(file.read()) == 1
    path.unlink()
    with pytest.raises(opta_router.KeyFileError, match="No such file"):
        file.read()


# --- Who is asking ----------------------------------------------------------------------------------------------------


def authenticate(headers: dict[str, str], path: str = "/v1/messages") -> object:
    """custom_auth's answer, or the exception it raised."""
    try:
        return asyncio.run(opta_router.custom_auth(request_with(headers, path), ""))
    except opta_router.ProxyException as error:
        return error


@pytest.fixture
def two_clients(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Anna and Ben may ask."""
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
def test_refuses_everybody_else(headers: dict[str, str]) -> None:
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


@pytest.mark.parametrize("path", ["/health", "/model/info", "/key/generate", "/v1/messages/../../health", "/metrics"])
@pytest.mark.usefixtures("two_clients")
def test_a_developer_does_not_administer(path: str) -> None:
    assert getattr(authenticate({"x-api-key": ANNA_KEY}, path), "code", None) == "403"
    assert getattr(authenticate({"x-api-key": MASTER_KEY}, path), "user_id", None) == "opta-nexus"


def test_the_host_header_does_not_choose_the_route(two_clients: Path) -> None:
    assert two_clients.exists()
    headers = {"x-api-key": ANNA_KEY, "host": "localhost/v1/messages?"}
    assert getattr(authenticate(headers, "/model/info"), "code", None) == "403"


# --- The real proxy ---------------------------------------------------------------------------------------------------


@dataclass
class Engine:
    """Stand-in for llama-server: answers every chat with one word and remembers what it was asked."""

    port: int
    requests: list[dict[str, object]] = field(default_factory=list)


@dataclass
class Proxy:
    """The started LiteLLM."""

    port: int
    keys: Path
    log: Path
    engine: Engine

    def ask(self, method: str, path: str, key: str | None, body: object = None) -> tuple[int, str]:
        """Status and body of one request."""
        headers = {"content-type": "application/json", **({} if key is None else {"x-api-key": key})}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                return response.status, response.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()


class EngineHandler(BaseHTTPRequestHandler):
    """OpenAI chat completions, just enough for LiteLLM."""

    engine: Engine

    def do_POST(self) -> None:
        """Answer "ok", streaming when asked to."""
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.engine.requests.append({"path": self.path, "authorization": self.headers["authorization"], **body})
        base = {"id": "chatcmpl-1", "created": 1, "model": "engine"}
        usage = {"prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 4}
        if body.get("stream"):
            chunks = [
                {"choices": [{"index": 0, "delta": {"role": "assistant", "content": "ok"}, "finish_reason": None}]},
                {"choices": [{"index": 0, "delta": {}, "finish_reason": "length"}]},
                {"choices": [], "usage": usage},
            ]
            lines = [json.dumps({**base, "object": "chat.completion.chunk", **chunk}) for chunk in chunks]
            payload = "".join(f"data: {line}\n\n" for line in [*lines, "[DONE]"]).encode()
            content_type = "text/event-stream"
        else:
            message = {"role": "assistant", "content": "ok"}
            choices = [{"index": 0, "message": message, "finish_reason": "length"}]
            payload = json.dumps({**base, "object": "chat.completion", "choices": choices, "usage": usage}).encode()
            content_type = "application/json"
        self.send_response(200)
        self.send_header("content-type", content_type)
        self.send_header("content-length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    def log_message(self, *_: object) -> None:
        """Be quiet."""


def free_port() -> int:
    """A port nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start_litellm(folder: Path, port: int, log: Path) -> subprocess.Popen[bytes]:
    """Start LiteLLM as the product does (electron/core/services/litellm-launch.ts)."""
    argv = [sys.executable, "-I", "-u", str(folder / "opta_litellm.py"), "--config", str(folder / "config.yaml")]
    env = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "LANG": "C.UTF-8",
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "LITELLM_MODE": "PRODUCTION",
        "OPTA_MASTER_KEY": MASTER_KEY,
        "OPTA_ENGINE_KEY": ENGINE_KEY,
        "OPTA_CLIENT_KEYS": str(folder / "clients.json"),
    }
    with log.open("wb") as output:
        return subprocess.Popen(
            [*argv, "--host", "127.0.0.1", "--port", str(port)],
            cwd=folder,
            env=env,
            stdout=output,
            stderr=subprocess.STDOUT,
        )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as LiteLLM finds it: config, modules, keys."""
    path = tmp_path_factory.mktemp("litellm")
    for name in ("opta_router.py", "opta_litellm.py"):
        shutil.copy(RESOURCES / name, path / name)
    write_keys(path / "clients.json", {"anna": ANNA_KEY, "ben": BEN_KEY})
    return path


@pytest.fixture(scope="module")
def proxy(folder: Path) -> Iterator[Proxy]:
    """LiteLLM, serving."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), EngineHandler)
    engine = Engine(port=server.server_address[1])
    EngineHandler.engine = engine
    threading.Thread(target=server.serve_forever, daemon=True).start()
    (folder / "config.yaml").write_text(CONFIG.format(engine_port=engine.port), encoding="utf-8")
    port, log = free_port(), folder / "litellm.log"
    process = start_litellm(folder, port, log)
    running = Proxy(port=port, keys=folder / "clients.json", log=log, engine=engine)
    try:
        wait_until_alive(running, process)
        yield running
    finally:
        process.terminate()
        try:
            status = process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
        server.shutdown()
    # uvicorn raises the signal again after an orderly end (uvicorn/server.py, capture_signals).
    assert status in (0, -signal.SIGTERM)


def wait_until_alive(running: Proxy, process: subprocess.Popen[bytes]) -> None:
    """Wait for /health/liveliness; LiteLLM tells nobody when it is ready."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        assert process.poll() is None, running.log.read_text(encoding="utf-8")
        try:
            if running.ask("GET", "/health/liveliness", None)[0] == 200:
                return
        except OSError:
            time.sleep(0.1)
    pytest.fail(running.log.read_text(encoding="utf-8"))


def message(**more: object) -> dict[str, object]:
    """A small Anthropic request."""
    return {"model": "claude-sonnet-4-5", "max_tokens": 4, "messages": [{"role": "user", "content": "hi"}], **more}


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


def test_answers_any_model_name_and_says_when_it_was_cut(proxy: Proxy) -> None:
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


def test_lists_the_name_that_clients_were_told(proxy: Proxy) -> None:
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
        write_keys(proxy.keys, {"anna": ANNA_KEY, "ben": BEN_KEY})
    assert proxy.ask("GET", "/v1/models", ANNA_KEY)[0] == 200


def test_no_key_reaches_the_log(proxy: Proxy) -> None:
    proxy.ask("POST", "/v1/messages", ANNA_KEY, message())
    proxy.ask("POST", "/v1/messages", WRONG_KEY, message())
    log = proxy.log.read_text(encoding="utf-8")
    assert "this API key is not known here" in log
    for key in (ANNA_KEY, BEN_KEY, WRONG_KEY, ENGINE_KEY, MASTER_KEY):
        assert key not in log


def test_a_taken_port_ends_the_start_at_once(proxy: Proxy, folder: Path, tmp_path: Path) -> None:
    log = tmp_path / "second.log"
    process = start_litellm(folder, proxy.port, log)
    # Far below the 5 s that loading LiteLLM takes would be nicer to assert; what matters is the status and the words.
    assert process.wait(timeout=60) == 3
    text = log.read_text(encoding="utf-8")
    assert f"error while attempting to bind on address ('127.0.0.1', {proxy.port}): address already in use" in text
    assert "Started server process" not in text


def test_listening_is_judged_before_the_start() -> None:
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
