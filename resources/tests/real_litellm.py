"""The real LiteLLM, started as the product does, and a stand-in for llama-server that holds its answers on demand.

A test can't control when a real llama-server answers, so it can't assert which of two requests came first; e2e/router.e2e.ts
tests the real pair.
"""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

RESOURCES: Final = Path(__file__).resolve().parent.parent
MASTER_KEY: Final = "sk-master-for-tests-8d1f6f2ce0a94c"
ENGINE_KEY: Final = "sk-engine-for-tests-5b7a"
ANNA_KEY: Final = "sk-anna-for-tests-31c9"
BEN_KEY: Final = "sk-ben-for-tests-77e0"
OWN_KEY: Final = "sk-own-for-tests-4d02"
WRONG_KEY: Final = "sk-wrong-for-tests-0000"
EVERYBODY: Final = {"anna": ANNA_KEY, "ben": BEN_KEY, "opta-nexus": OWN_KEY}

# The product's config (electron/core/router/litellm-config.ts), shortened to what these tests use.
CONFIG: Final = """
model_list:
  - model_name: claude-3-5-sonnet-20241022
    litellm_params: &engine
      model: openai/engine
      api_base: http://127.0.0.1:{engine_port}/v1
      api_key: os.environ/OPTA_ENGINE_KEY
      max_retries: 0
      stop: ["<|EOT|>"]
    model_info: &info {{token_count_framing: 0}}
  - model_name: "*"
    litellm_params: *engine
    model_info: *info
router_settings: {{num_retries: 0, disable_cooldowns: true}}
litellm_settings:
  num_retries: 0
  drop_params: true
  use_chat_completions_url_for_anthropic_messages: true
  callbacks: ["opta_router.callback"]
general_settings:
  master_key: os.environ/OPTA_MASTER_KEY
  custom_auth: opta_router.custom_auth
  cancel_on_disconnect: true
  disable_model_info_refresh: true
"""
METRICS_CONFIG: Final = CONFIG.replace('"opta_router.callback"', '"opta_router.callback", "prometheus"')
KEPT_ALIVE: Final = {"AIOHTTP_KEEPALIVE_TIMEOUT": "0"}
SLOTS: Final = 2
QUEUE_LIMIT: Final = 1
CONTEXT_TOKENS: Final = 1000
KEPT_FOR_ANSWER_SHARE: Final = 16
WAIT_S: Final = 30
# No program listens there on a test machine.
DEAD_PORT: Final = 1
# A piece takes far less than this to be sent on.
STANDS_STILL_S: Final = 0.5


def two_studios(port: int) -> str:
    """CONFIG with a second Studio "b" on this port."""
    return CONFIG.replace(
        """    model_info: &info {{token_count_framing: 0}}
  - model_name: "*"
    litellm_params: *engine
    model_info: *info
router_settings: {{num_retries: 0, disable_cooldowns: true}}
""",
        f"""    model_info: {{{{id: "#claude"}}}}
  - model_name: claude-3-5-sonnet-20241022
    litellm_params: {{{{model: openai/engine, api_base: "http://127.0.0.1:{port}/v1", api_key: none, max_retries: 0}}}}
    model_info: {{{{id: "b#claude"}}}}
router_settings: {{{{routing_strategy: least-busy, num_retries: 1, disable_cooldowns: true}}}}
""",
    )


def write_keys(path: Path, keys: dict[str, str], mode: int = 0o600) -> None:
    """Replace the key file whole, as the product does."""
    text = json.dumps({"keys": [{"name": name, "key": key} for name, key in keys.items()]})
    temporary = path.with_suffix(".tmp")
    temporary.write_text(text, encoding="utf-8")
    temporary.chmod(mode)
    temporary.replace(path)


def message(**more: object) -> dict[str, Any]:
    """A small Anthropic request."""
    return {"model": "claude-sonnet-4-5", "max_tokens": 4, "messages": [{"role": "user", "content": "hi"}], **more}


class Engine:
    """Answers every chat with "ok" and remembers what it was asked. A prompt's length is its number of words."""

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []
        # What is running now, and the most that ever ran at once.
        self.running = 0
        self.most = 0
        # Set: answers end by themselves. Clear: they say one word and continue until it is set.
        self.go = threading.Event()
        self.go.set()
        # Set: it keeps working for clients that left, as llama-server does until its batch ends.
        self.ignores_hang_ups = False
        # Set: while answers are held, their prompts are still read, without a word.
        self.reads_on = False
        # Set: between its first word and its end, an answer is as long as the client reads.
        self.pours = False
        # The tool calls in each answer: the last one is cut off by the limit.
        self.calls = 0
        # Set: it has vision.
        self.sees = False
        # How many pieces have been poured.
        self.poured = 0
        # The cached tokens of each prompt of three; None: not reported.
        self.cached_tokens: int | None = None
        # The reported length of each prompt.
        self.prompt_tokens = 3
        # The slot actions so far, such as "/slots/1?action=save", and the folder for saves; None: it refuses.
        self.slot_actions: list[str] = []
        self.saves_to: Path | None = None
        # How often its slots were polled.
        self.looks = 0
        # The limit of one request in /props.
        self.context_tokens = CONTEXT_TOKENS
        # A status and a body with which to answer every chat instead.
        self.failure: tuple[int, dict[str, Any]] | None = None
        # The same for every count.
        self.count_failure: tuple[int, dict[str, Any]] | None = None
        # Streams fail after this many words.
        self.fails_after: int | None = None
        self._changed = threading.Condition()
        handler = type("Handler", (EngineHandler,), {"engine": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.port = int(self._server.server_address[1])
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """Close the port."""
        self.go.set()
        self._server.shutdown()
        self._server.server_close()

    @contextmanager
    def holding(self) -> Iterator[None]:
        """Answers do not end while this lasts."""
        self.go.clear()
        self.most = 0
        try:
            yield
        finally:
            self.go.set()
            self.wait_for_running(0)

    @contextmanager
    def pouring(self) -> Iterator[None]:
        """As `holding`, and answers go on without a pause."""
        self.pours = True
        try:
            with self.holding():
                yield
        finally:
            self.pours = False

    def wait_until_the_buffers_are_full(self) -> None:
        """Wait until no more can be sent to a client that doesn't read."""
        deadline = time.monotonic() + WAIT_S
        before = -1
        while before != self.poured or self.poured == 0:
            assert time.monotonic() < deadline, "it is read to the end"
            before = self.poured
            time.sleep(STANDS_STILL_S)

    def change_running(self, by: int) -> None:
        """A request has come or gone."""
        with self._changed:
            self.running += by
            self.most = max(self.most, self.running)
            self._changed.notify_all()

    def looked_at(self) -> int:
        """Count a request for the slots; returns how many are busy."""
        with self._changed:
            self.looks += 1
            self._changed.notify_all()
            return self.running

    def wait_for_looks(self, number: int) -> None:
        """Wait until the slots were polled this many times."""
        with self._changed:
            assert self._changed.wait_for(lambda: self.looks >= number, WAIT_S), f"{self.looks} looks, not {number}"

    def wait_for_running(self, number: int) -> None:
        """Wait until this many run."""
        with self._changed:
            assert self._changed.wait_for(lambda: self.running == number, WAIT_S), f"{self.running} run, not {number}"


class EngineHandler(BaseHTTPRequestHandler):
    """The part of llama-server that the Router uses."""

    engine: Engine
    protocol_version = "HTTP/1.0"

    def do_GET(self) -> None:
        """/props and /slots."""
        if self.path == "/slots":
            busy = self.engine.looked_at()
            slots = [{"id": index, "is_processing": index < busy} for index in range(max(SLOTS, busy))]
            self._answer(200 if self.headers["authorization"] == f"Bearer {ENGINE_KEY}" else 401, slots)
            return
        # As b10068 answers for a model without --mmproj.
        modalities = {"vision": self.engine.sees, "audio": False}
        self._answer(200, {"default_generation_settings": {"n_ctx": self.engine.context_tokens}, "modalities": modalities})

    def do_POST(self) -> None:
        """Chat completions and the count of tokens."""
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if self.path.startswith("/slots/"):
            self._act(body)
            return
        if self.engine.count_failure is not None and self.path.endswith(("/count_tokens", "/input_tokens")):
            self._answer(*self.engine.count_failure)
            return
        if self.path.endswith("/count_tokens"):
            self._answer(200, {"input_tokens": len(json.dumps(body["messages"]).split())})
            return
        if self.path == "/v1/chat/completions/input_tokens":
            self._answer(200, {"object": "response.input_tokens", "input_tokens": len(json.dumps(body["messages"]).split())})
            return
        if self.path == "/tokenize":
            self._answer(200, {"tokens": list(range(len(body["content"].split())))})
            return
        if self.path.endswith("/responses"):
            self.engine.requests.append({"path": self.path, **body})
            if self.engine.failure is not None:
                self._answer(*self.engine.failure)
                return
            self._respond(body)
            return
        if self.path.endswith("/completions") and not self.path.endswith("/chat/completions"):
            self.engine.requests.append({"path": self.path, **body})
            self._complete(body)
            return
        if self.path == "/v1/responses/input_tokens":
            # As b10068 answers (recorded). LiteLLM asks it too, for /v1/messages/count_tokens.
            self._answer(200, {"object": "response.input_tokens", "input_tokens": len(json.dumps(body["input"]).split())})
            return
        if not self.path.endswith("/chat/completions"):
            # b10068's answer to an unknown path (recorded).
            self._answer(404, {"error": {"code": 404, "message": "File Not Found", "type": "not_found_error"}})
            return
        self.engine.requests.append({"path": self.path, "authorization": self.headers["authorization"], **body})
        if self.engine.failure is not None:
            self._answer(*self.engine.failure)
            return
        self.engine.change_running(1)
        try:
            self._stream(body) if body.get("stream") else self._whole(body)
        except OSError:
            pass
        finally:
            self.engine.change_running(-1)

    def _stream(self, body: dict[str, Any]) -> None:
        # With it LiteLLM's streams also carry fields that OpenAI doesn't have; llama-server names its build there.
        base = {"id": "chatcmpl-1", "created": 1, "model": "engine", "object": "chat.completion.chunk", "system_fingerprint": "b10068"}
        prompt = self.engine.prompt_tokens
        usage = {"prompt_tokens": prompt, "completion_tokens": 2, "total_tokens": prompt + 2, **self._cached()}
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.end_headers()
        if body.get("return_progress"):
            # As b10068 reports it, once before and once after each batch (recorded; the numbers are made up).
            choice = {"finish_reason": None, "index": 0, "delta": {"role": "assistant", "content": None}}
            for processed in (0, prompt):
                progress = {"total": prompt, "cache": 0, "processed": processed, "time_ms": 0}
                self._send({**base, "choices": [choice], "prompt_progress": progress})
        if self.engine.reads_on and self._gone_before_go():
            return
        # format_error_response in server-common.cpp; the message is one of server-context.cpp's.
        error = {"error": {"code": 500, "message": "Compute error.", "type": "server_error"}}
        if self.engine.fails_after == 0:
            self._send(error)
            return
        say = {"role": "assistant", "content": "ok"}
        self._send({**base, "choices": [{"index": 0, "delta": say, "finish_reason": None}]})
        if self.engine.fails_after == 1:
            self._send(error)
            return
        while self.engine.pours and not self.engine.go.is_set():
            self._send({**base, "choices": [{"index": 0, "delta": {"content": "sea " * 1000}, "finish_reason": None}]})
            self.engine.poured += 1
        if self._gone_before_go():
            return
        for index in range(self.engine.calls):
            # As b10068 streams calls (recorded, the names are made up): the first piece of each has its id and name.
            opened = {"index": index, "id": f"call_{index}", "type": "function", "function": {"name": "Read", "arguments": "{"}}
            self._send({**base, "choices": [{"index": 0, "delta": {"tool_calls": [opened]}, "finish_reason": None}]})
            more = {"index": index, "function": {"arguments": f'"a":{index}' + "}"}}
            if index < self.engine.calls - 1:
                self._send({**base, "choices": [{"index": 0, "delta": {"tool_calls": [more]}, "finish_reason": None}]})
        self._send({**base, "choices": [{"index": 0, "delta": {}, "finish_reason": "length"}]})
        if body.get("stream_options", {}).get("include_usage"):
            self._send({**base, "choices": [], "usage": usage})
        self.wfile.write(b"data: [DONE]\n\n")

    def _whole(self, body: dict[str, Any]) -> None:
        if self._gone_before_go():
            return
        choices = [{"index": 0, "message": {"role": "assistant", "content": "ok"}, "finish_reason": "length"}]
        prompt = self.engine.prompt_tokens
        usage = {"prompt_tokens": prompt, "completion_tokens": 1, "total_tokens": prompt + 1, **self._cached()}
        base = {"id": "chatcmpl-1", "created": 1, "model": body["model"], "object": "chat.completion"}
        self._answer(200, {**base, "choices": choices, "usage": usage})

    def _complete(self, body: dict[str, Any]) -> None:
        """As OpenAI documents /v1/completions, which llama-server follows."""
        base = {"id": "cmpl-1", "object": "text_completion", "created": 1, "model": "engine"}
        usage = {"prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 4}
        choice = {"index": 0, "text": "ok", "logprobs": None, "finish_reason": "length"}
        if not body.get("stream"):
            self._answer(200, {**base, "choices": [choice], "usage": usage})
            return
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.end_headers()
        self._send({**base, "choices": [{**choice, "finish_reason": None}]})
        self._send({**base, "choices": [{**choice, "text": ""}], "usage": usage})
        self.wfile.write(b"data: [DONE]\n\n")

    def _act(self, body: dict[str, Any]) -> None:
        self.engine.slot_actions.append(self.path)
        if self.engine.saves_to is None or not self.path.endswith("action=save"):
            # As b10068 started without --slot-save-path.
            message = "This server does not support slots action. Start it with `--slot-save-path`"
            self._answer(501, {"error": {"code": 501, "message": message, "type": "not_supported_error"}})
            return
        text = "a slot's content"
        (self.engine.saves_to / body["filename"]).write_text(text, encoding="utf-8")
        self._answer(200, {"id_slot": 0, "n_saved": 75, "n_written": len(text)})

    def _cached(self) -> dict[str, Any]:
        # As b10068 says it.
        cached = self.engine.cached_tokens
        return {} if cached is None else {"prompt_tokens_details": {"cached_tokens": cached}}

    def _respond(self, body: dict[str, Any]) -> None:
        text = {"type": "output_text", "text": "ok", "annotations": []}
        said = {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": [text]}
        usage = {"input_tokens": 3, "output_tokens": 1, "total_tokens": 4}
        whole = {"id": "resp_1", "object": "response", "created_at": 1, "model": "engine", "status": "completed"}
        # As b10068 sends calls (recorded): after the text, and all of their ends at the answer's end.
        calls = [
            {"type": "function_call", "id": f"fc_{index}", "call_id": f"call_{index}", "name": "Read", "arguments": "{}", "status": "completed"}
            for index in range(self.engine.calls)
        ]
        answer = {**whole, "output": [said, *calls], "usage": usage, "parallel_tool_calls": False, "tools": [], "tool_choice": "auto"}
        if not body.get("stream"):
            self._answer(200, answer)
            return
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.end_headers()
        delta = {"item_id": "msg_1", "output_index": 0, "content_index": 0, "delta": "ok", "sequence_number": 1}
        self._send({"type": "response.output_text.delta", **delta})
        for call in calls:
            self._send({"type": "response.output_item.added", "item": {**call, "arguments": "", "status": "in_progress"}})
            self._send({"type": "response.function_call_arguments.delta", "item_id": call["id"], "delta": "{}"})
        for call in calls:
            self._send({"type": "response.output_item.done", "item": call})
        self._send({"type": "response.completed", "response": answer, "sequence_number": 2})

    def _send(self, chunk: dict[str, Any]) -> None:
        self.wfile.write(f"data: {json.dumps(chunk)}\n\n".encode())
        self.wfile.flush()

    def _gone_before_go(self) -> bool:
        """Check now and then whether the client is still there, as llama-server does."""
        while not self.engine.go.wait(0.02):
            if self.engine.ignores_hang_ups:
                continue
            readable, _, _ = select.select([self.connection], [], [], 0)
            if readable and self.connection.recv(1, socket.MSG_PEEK) == b"":
                return True
        return False

    def _answer(self, status: int, body: dict[str, Any] | list[dict[str, Any]]) -> None:
        payload = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    def log_message(self, *_: object) -> None:
        """Be quiet."""


@dataclass
class Proxy:
    """The started LiteLLM."""

    port: int
    folder: Path
    log: Path
    engine: Engine
    process: subprocess.Popen[bytes]

    @property
    def keys(self) -> Path:
        """The file of the developers' keys."""
        return self.folder / "clients.json"

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


def free_port() -> int:
    """A free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def prepare_folder(folder: Path, engine: Engine, settings: dict[str, Any], config: str = CONFIG) -> None:
    """LiteLLM's folder: config, modules, keys, switches."""
    for path in RESOURCES.glob("opta_*.py"):
        shutil.copy(path, folder / path.name)
    write_keys(folder / "clients.json", EVERYBODY)
    (folder / "config.yaml").write_text(config.format(engine_port=engine.port), encoding="utf-8")
    everything = {
        "join_system_messages": True,
        "drop_attribution": True,
        "keep_model_sampling": True,
        "refuse_overlong_prompts": True,
        "admission": True,
        "slots": SLOTS,
        "queue_limit": QUEUE_LIMIT,
        "kept_for_answer_share": KEPT_FOR_ANSWER_SHARE,
        "always_stream": True,
        "mend_thinking": True,
        "mend_tools": True,
        "refuse_unseen": True,
        # LiteLLM's own: by it a test has LiteLLM give a request up.
        "pass_fields": ["timeout"],
        "engine_url": f"http://127.0.0.1:{engine.port}",
        "feed_path": str(folder / "router.sock"),
        "usage_path": str(folder / "usage-today.json"),
        **settings,
    }
    (folder / "router.json").write_text(json.dumps(everything), encoding="utf-8")


def start_litellm(folder: Path, port: int, log: Path) -> subprocess.Popen[bytes]:
    """Start LiteLLM as the product does (electron/core/router/litellm-service.ts)."""
    argv = [sys.executable, "-I", "-u", str(folder / "opta_litellm.py"), "--config", str(folder / "config.yaml")]
    env = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "LANG": "C.UTF-8",
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "LITELLM_MODE": "PRODUCTION",
        **KEPT_ALIVE,
        "OPTA_MASTER_KEY": MASTER_KEY,
        "OPTA_ENGINE_KEY": ENGINE_KEY,
        "OPTA_CLIENT_KEYS": str(folder / "clients.json"),
        "OPTA_ROUTER_SETTINGS": str(folder / "router.json"),
    }
    with log.open("wb") as output:
        return subprocess.Popen(
            [*argv, "--host", "127.0.0.1", "--port", str(port)],
            cwd=folder,
            env=env,
            stdout=output,
            stderr=subprocess.STDOUT,
        )


def serve_litellm(
    folder: Path, engine: Engine, settings: dict[str, Any] | None = None, config: str = CONFIG
) -> Iterator[Proxy]:
    """LiteLLM, serving until this generator continues."""
    prepare_folder(folder, engine, settings or {}, config)
    port, log = free_port(), folder / "litellm.log"
    process = start_litellm(folder, port, log)
    running = Proxy(port=port, folder=folder, log=log, engine=engine, process=process)
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
    # uvicorn raises the signal again after an orderly end (uvicorn/server.py, capture_signals).
    assert status in (0, -signal.SIGTERM)


def wait_until_alive(running: Proxy, process: subprocess.Popen[bytes]) -> None:
    """Wait for /health/liveliness; LiteLLM has no other sign that it is ready."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        assert process.poll() is None, running.log.read_text(encoding="utf-8")
        try:
            if running.ask("GET", "/health/liveliness", None)[0] == 200:
                return
        except OSError:
            time.sleep(0.1)
    pytest.fail(running.log.read_text(encoding="utf-8"))
