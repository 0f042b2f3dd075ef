"""One request's way through the Router: adapted, measured, queued, streamed, ended.

Cleanup runs when the task that serves the request ends: that covers answers, failures, clients that leave, and exceptions in any
hook. LiteLLM's own callbacks miss some of these.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
import signal
from collections import Counter
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final, NoReturn

from litellm.proxy._types import ProxyException

from opta_admission import Admission, ClientGoneError, ClosedError, Place, QueueFullError
from opta_cache import PromptCache
from opta_conversations import SESSION_HEADER
from opta_count import ANTHROPIC, adapted, count_prompt, is_unseen
from opta_engine import Engine, UnreadableError, find_overflow, is_unreadable, overflow_message
from opta_engine_record import EngineRecordFile
from opta_feed import Feed, listen
from opta_fields import pass_on
from opta_ghosts import GhostWatch
from opta_limits import asked_answer, limit_answer, several_answers
from opta_nodes import NodeSlots, is_out_of_service, node_of, open_nodes
from opta_one_call import wants_one_call
from opta_requests import OWN_NAME, LiveRequest, RequestBook, Usage
from opta_settings import Settings
from opta_sight import REFUSAL as UNSEEN
from opta_state_files import parse_json
from opta_status import Board, boards
from opta_stream import hear, mark_cut_off, usage_of
from opta_tool_book import tool_book
from opta_upstream import close_upstream, told_cached

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterable
    from types import FrameType

    from starlette.requests import Request

logger: Final = logging.getLogger("opta_router")

# LiteLLM's names for calls that run the model; all others pass unchanged.
GENERATING: Final = frozenset(
    {ANTHROPIC, "completion", "acompletion", "text_completion", "atext_completion", "responses", "aresponses"}
)

# Those whose streams may report the progress of the prompt. llama-server then writes after each batch, and so notices a client that
# left. Otherwise it checks only after a second without any result, which never comes beside another stream if a batch takes less
# (b10068, batches of 32 tokens): the slot was free after 13 and 40 s, once the prompt was read, instead of 0.2 s.
CHATTING: Final = frozenset({ANTHROPIC, "completion", "acompletion"})

# The limit of every answer if llama-server doesn't report its context: more than any context seen here.
MOST_UNTOLD: Final = 131_072

# What our own message takes of the pool's margin (electron/core/router/client-limits.ts).
OWN_TOKENS: Final = 64

BAD_REQUEST: Final = 400
TIMED_OUT: Final = 408
# aiohttp's message (SocketTimeoutError), which LiteLLM wraps into a 500 when a stream paused for too long.
STREAM_TIMED_OUT: Final = "Timeout on reading data from socket"
# LiteLLM's frame around llama-server's errors (1.108.7, seen).
FRAME: Final = re.compile(r"litellm\.\w+: (?:\w+: )?OpenAIException - (.*?)(?:\n\nLiteLLM: model group .*)?", re.DOTALL)
CLIENT_CLOSED_REQUEST: Final = 499
OVERLOADED: Final = 529
# For refused clients; a slot of a 70B model becomes free about this often.
RETRY_AFTER_S: Final = 10

asking: Final[ContextVar[Request | None]] = ContextVar("opta_asking", default=None)
_current: Final[ContextVar[LiveRequest | None]] = ContextVar("opta_current", default=None)


class Refusal(ProxyException):
    """Our own refusal of a request: nothing failed."""


def refuse(status: int, kind: str, message: str, headers: dict[str, str] | None = None) -> NoReturn:
    """Refuse the request. LiteLLM gives a ProxyException Anthropic's shape on /v1/messages and OpenAI's elsewhere."""
    raise Refusal(message=message, type=kind, param=None, code=status, headers=headers) from None


class Traffic:
    """All requests of this process."""

    def __init__(self, settings: Settings) -> None:
        self._settings: Final = settings
        self._engine: Final = None if settings.engine_url is None else Engine(settings.engine_url)
        self._book: Final = RequestBook(Usage(settings.usage_path))
        self._cache: Final = PromptCache.of(settings)
        keeper = None if self._cache is None else self._cache.parking
        self._admission: Final = (
            Admission(settings.slots, settings.pool_tokens, settings.queue_limit, keeper) if settings.admission else None
        )
        self._node_slots: Final = (
            None
            if settings.node_slots is None
            else NodeSlots(settings.node_slots, settings.node_cooldown_seconds, self._resize)
        )
        self._ghosts: Final = (
            None
            if self._admission is None or self._engine is None
            else GhostWatch(self._admission, self._count_busy_slots, self._is_here)
        )
        self._feed: Final = Feed(self._describe, None if self._cache is None else self._cache.parking.park_now)
        self._book.on_change = self._feed.changed
        if self._cache is not None:
            self._cache.on_change(self._feed.changed)
        board = Board(settings.slots if settings.admission else None, self._book.live, self._known_context)
        self._book.on_end = board.ended
        boards.append(board)
        self._engine_record: Final = EngineRecordFile(settings.engine_record_path)
        tool_book.keep_at(settings.tools_path)
        self._serving: asyncio.Task[None] | None = None
        self._closings: Final[set[asyncio.Task[None]]] = set()

    def open_feed(self) -> None:
        """Start the feed. To be called in the event loop, before the first request."""
        if self._settings.feed_path is None or self._serving is not None:
            return
        try:
            listener = listen(self._settings.feed_path)
        except OSError as error:
            # Requests are answered all the same; the core shows that it is unknown who is served.
            logger.error("cannot report live requests: %s: %s", self._settings.feed_path, error.strerror)
            return
        self._serving = asyncio.get_running_loop().create_task(self._feed.serve(listener))

    def close_at_end(self) -> None:
        """Close the queue at SIGTERM. uvicorn waits for all requests, also those in the queue: their answers would begin and then
        be cut off. To be called in the event loop, once uvicorn has its handlers.
        """
        before = signal.getsignal(signal.SIGTERM)
        if self._admission is None or not callable(before):
            return
        loop = asyncio.get_running_loop()
        close = self._admission.close

        def end(number: int, frame: FrameType | None) -> None:
            loop.call_soon_threadsafe(close)
            before(number, frame)

        signal.signal(signal.SIGTERM, end)

    async def admit(self, developer: str, body: dict[str, Any], call_type: str) -> dict[str, Any]:
        """The body for the model, once it is the request's turn. Raises ProxyException for a refused request."""
        if call_type not in GENERATING:
            return body
        request = self._begin(developer)
        if self._settings.routed_model is not None:
            body["model"] = self._settings.routed_model
        body = adapted(body, call_type, self._settings, _user_agent())
        if self._settings.mend_tools and wants_one_call(body):
            pass_on(body, "parallel_tool_calls", False)  # noqa: FBT003  # a value in the body
        if developer == OWN_NAME:
            # Our own short message tests the path; behind four long answers it would report that nothing works.
            if self._admission is not None:
                wish = None
                if self._cache is not None:
                    self._cache.ask_own(request, body)
                    wish = self._cache.wish(request, OWN_TOKENS)
                self._admission.enter_unasked(Place(request, developer, OWN_TOKENS, wish))
            self._book.admitted(request)
            await self._pin(request, body)
            return body
        several = None if self._admission is None else several_answers(body)
        if several is not None:
            refuse(BAD_REQUEST, "invalid_request_error", several)
        # Before they reach the model.
        if self._engine is not None and await is_unseen(self._engine, body, self._settings):
            refuse(BAD_REQUEST, "invalid_request_error", UNSEEN)
        request.prompt_tokens = await self._measure(body, call_type)
        self._book.on_change()
        limit_answer(body, call_type, await self._most_answer(request))
        if self._cache is not None:
            incoming = asking.get()
            self._cache.ask(request, {} if incoming is None else incoming.headers, body)
        await self._wait_for_turn(request, body, call_type)
        request.most_output_tokens = asked_answer(body)
        await self._pin(request, body)
        # With other Studios an answer that has begun can't move to the next one.
        if self._settings.always_stream and self._settings.node_slots is None and call_type in CHATTING:
            pass_on(body, "return_progress", True)
            request.begins_early = True
        return body

    async def _pin(self, request: LiveRequest, body: dict[str, Any]) -> None:
        if self._cache is not None:
            await self._cache.pin(request, body)
            self._book.on_change()

    def open_nodes(self, deployments: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """The deployments that this request may go to, of those that LiteLLM would pick from."""
        request = _current.get()
        if request is None or self._node_slots is None:
            return deployments
        taken = [*self._book.nodes(request), *self._nodes_of_ghosts()]
        home = None if self._cache is None else self._cache.node_of(request)
        open_ones = open_nodes(deployments, request.tried, self._node_slots.now(), taken, home)
        if self._cache is None or home is not None:
            return open_ones
        # It has no slot here: llama-server would give it a conversation's.
        return [one for one in open_ones if node_of(one.get("model_info"))] or open_ones

    def sent(self, kwargs: dict[str, Any]) -> None:
        """LiteLLM picked a deployment and sends `kwargs`."""
        request = _current.get()
        node = node_of(kwargs.get("model_info"))
        if request is None or node is None or self._settings.node_slots is None:
            return
        # /v1/messages reports one pick twice: for itself and for the chat completion that it becomes.
        if request.tried[-1:] != [node]:
            request.tried.append(node)
            if self._cache is not None:
                self._cache.sent_to(request, node)
            self._book.on_change()
        if node:
            unpin(kwargs)

    def node_failed(self, kwargs: dict[str, Any]) -> None:
        """A request to one Studio failed; LiteLLM may try the next."""
        parameters = kwargs.get("litellm_params")
        node = node_of(parameters.get("model_info")) if isinstance(parameters, dict) else None
        if self._node_slots is not None and node is not None and is_out_of_service(kwargs.get("exception")):
            self._node_slots.failed(node)

    def answered(self, answer: object) -> None:
        """A whole answer, not a stream."""
        request = _current.get()
        if request is None:
            return
        mark_cut_off(answer, request.most_output_tokens)
        heard = usage_of(answer)
        request.outcome = "answered"
        request.prompt_tokens = request.prompt_tokens if heard.prompt_tokens is None else heard.prompt_tokens
        request.output_tokens = heard.output_tokens
        request.note_cached(heard.prompt_tokens, heard.cached_tokens)
        self._note_call(request, heard.called)
        self._note_serving(request)

    async def observe(self, stream: AsyncIterable[object]) -> AsyncGenerator[object, None]:
        """The stream as it is, watched as it passes, without reports of the prompt's progress.

        Its beginning waits for the first token, so that a failure before that gets an HTTP status: LiteLLM looks at the first chunk
        before it answers (create_response). Claude Code asks again after a 500. With our settings it gives up at an `api_error`
        after `message_start` (2.1.332, read in the binary: CLAUDE_CODE_DISABLE_NONSTREAMING_FALLBACK).
        """
        request = _current.get()
        if request is not None:
            request.upstream = stream
        pieces = 0
        early: list[object] = []
        async for chunk in stream:
            if request is not None:
                mark_cut_off(chunk, request.most_output_tokens)
                heard = hear(chunk)
                pieces += heard.pieces
                if heard.prompt_tokens is not None and request.prompt_tokens is None:
                    request.prompt_tokens = heard.prompt_tokens
                if heard.prompt_tokens is not None:
                    cached = told_cached(stream) if heard.cached_tokens is None else heard.cached_tokens
                    request.note_cached(heard.prompt_tokens, cached)
                if heard.pieces > 0 or heard.output_tokens:
                    if request.first_token_at is None:
                        self._note_serving(request)
                        if self._cache is not None:
                            self._cache.began(request)
                    self._book.heard(request, pieces if heard.output_tokens is None else heard.output_tokens)
                self._note_call(request, heard.called)
                if heard.failed:
                    request.outcome = "failed"
            # LiteLLM passes on the first report of a prompt's progress, a field that OpenAI's API doesn't have.
            if hasattr(chunk, "prompt_progress"):
                del chunk.prompt_progress
            if request is not None and request.begins_early and pieces == 0:
                if heard.failed:
                    early.clear()
                elif heard.output_tokens is None:
                    early.append(chunk)
                    continue
            for kept in early:
                yield kept
            early.clear()
            yield chunk
        for kept in early:
            yield kept
        if request is not None:
            request.upstream = None
            if request.outcome == "running":
                request.outcome = "answered"

    def failed(self, error: BaseException) -> None:
        """LiteLLM is about to answer with this error: give it the sentence that clients act on."""
        request = _current.get()
        text = f"{getattr(error, 'message', '')} {error}"
        overflow, unreadable = find_overflow(text), is_unreadable(text)
        if request is not None and not _has_client_left(error):
            request.outcome = "refused" if isinstance(error, Refusal) or overflow is not None or unreadable else "failed"
            request.given_up = _status_of(error) == TIMED_OUT or STREAM_TIMED_OUT in str(error)
            if request.outcome == "failed" and not request.given_up:
                request.failed_status = _status_of(error)
        if isinstance(error, ProxyException):
            return
        # LiteLLM ignores an error raised here on /v1/messages (measured), but sends this text and status.
        if overflow is not None and self._settings.refuse_overlong_prompts:
            error.message = overflow_message(*overflow)  # type: ignore[attr-defined]
        elif unreadable and self._settings.refuse_unseen:
            error.message, error.status_code = UNSEEN, BAD_REQUEST  # type: ignore[attr-defined]
        elif (told := _told_by_engine(error)) is not None:
            error.message = told  # type: ignore[attr-defined]

    def _note_call(self, request: LiveRequest, called: bool) -> None:  # noqa: FBT001
        # A call by another Studio's model says nothing about this one's.
        if called and self._is_here(request):
            record = self._engine_record.read()
            tool_book.called(_user_agent().split(" ")[0], None if record is None else record.identity)

    def _begin(self, developer: str) -> LiveRequest:
        asked = asking.get()
        session = None if asked is None else asked.headers.get(SESSION_HEADER)
        request = self._book.begin(developer, session)
        _current.set(request)
        task = asyncio.current_task()
        if task is None:
            self._end(request)
        else:
            task.add_done_callback(lambda _: self._end(request))
        return request

    def _end(self, request: LiveRequest) -> None:
        if request.upstream is not None:
            closing = asyncio.get_running_loop().create_task(close_upstream(request.upstream))
            # The event loop itself keeps no task alive (asyncio.create_task's documentation).
            self._closings.add(closing)
            closing.add_done_callback(self._closings.discard)
            request.upstream = None
        if self._cache is None:
            self._leave(request)
        else:
            self._cache.ended(request, lambda: self._leave(request))
        self._book.end(request)
        tool_book.write()

    def _leave(self, request: LiveRequest) -> None:
        if self._admission is not None:
            # The client left or LiteLLM gave up, and llama-server may not have noticed. Other failures ended there too.
            is_abandoned = request.given_up or request.outcome == "running"
            if self._ghosts is not None and is_abandoned and self._is_here(request):
                if self._admission.leave_ghost(request):
                    self._ghosts.begin()
            else:
                self._admission.leave(request)

    async def _count_busy_slots(self) -> int | None:
        busy = None if self._engine is None else await self._engine.busy_slots()
        if busy is not None and self._cache is not None:
            self._cache.note_busy(busy)
        return None if busy is None else len(busy)

    def _describe(self) -> dict[str, Any]:
        return {**self._book.describe(), **({} if self._cache is None else self._cache.describe())}

    def _known_context(self) -> int | None:
        context = None if self._engine is None else self._engine.told_context_tokens()
        pool = self._settings.pool_tokens
        return context if pool is None or context is None else min(context, pool)

    def _resize(self, slots: int) -> None:
        if self._admission is not None:
            self._admission.resize(slots)

    def _note_serving(self, request: LiveRequest) -> None:
        if self._node_slots is not None and request.tried:
            self._node_slots.serves(request.tried[-1])

    def _nodes_of_ghosts(self) -> list[str]:
        """The Studios of the ghosts, one entry for each."""
        ghosts = () if self._admission is None else self._admission.ghosts()
        return [ghost.tried[-1] for ghost in ghosts if isinstance(ghost, LiveRequest) and ghost.tried]

    def _least_busy(self, request: LiveRequest) -> str:
        """The Studio where a new conversation begins; "" is this one."""
        if self._node_slots is None:
            return ""
        counts = Counter([*self._book.nodes(request), *self._nodes_of_ghosts()])
        serving = [node for node, slots in self._node_slots.now().items() if slots > 0]
        return min(serving, key=lambda node: (counts[node], node), default="")

    def _is_here(self, request: object) -> bool:
        """Whether it was sent to this Studio; ghosts of other Studios are not polled."""
        return isinstance(request, LiveRequest) and (self._settings.node_slots is None or request.tried[-1:] == [""])

    async def _measure(self, body: dict[str, Any], call_type: str) -> int | None:
        """The prompt's length. Refuses one that leaves no room for an answer before it reaches the model."""
        if self._engine is None or not (self._settings.refuse_overlong_prompts or self._settings.pool_tokens is not None):
            return None
        try:
            tokens = await count_prompt(self._engine, body, call_type)
        except UnreadableError:
            refuse(BAD_REQUEST, "invalid_request_error", UNSEEN)
        if tokens is None or not self._settings.refuse_overlong_prompts:
            return tokens
        context = await self._engine.context_tokens()
        if context is not None:
            if self._settings.pool_tokens is not None:
                context = min(context, self._settings.pool_tokens)
            share = self._settings.kept_for_answer_share
            most = context - (0 if share is None else min(asked_answer(body), context // share))
            if tokens > most:
                refuse(BAD_REQUEST, "invalid_request_error", overflow_message(tokens, most))
        return tokens

    async def _most_answer(self, request: LiveRequest) -> int:
        """The most tokens that any answer to this request may have: what its prompt leaves of the context."""
        context = None if self._engine is None else await self._engine.context_tokens()
        return max(1, (MOST_UNTOLD if context is None else context) - (request.prompt_tokens or 0))

    async def _wait_for_turn(self, request: LiveRequest, body: dict[str, Any], call_type: str) -> None:
        if self._admission is not None:
            try:
                tokens = self._reserve(request, body, call_type)
                wish = None if self._cache is None else self._cache.wish(request, tokens, self._least_busy(request))
                place = Place(request, request.developer, tokens, wish)
                await self._admission.enter(place, _client_gone)
            except QueueFullError as full:
                refuse(
                    OVERLOADED,
                    "overloaded_error",
                    f"all {self._settings.slots} slots are busy and {full.waiting} requests are already waiting",
                    {"retry-after": str(RETRY_AFTER_S)},
                )
            except ClosedError:
                refuse(
                    OVERLOADED,
                    "overloaded_error",
                    "this router is shutting down and takes no new requests: try again",
                    {"retry-after": str(RETRY_AFTER_S)},
                )
            except ClientGoneError:
                refuse(CLIENT_CLOSED_REQUEST, "api_error", "the client left before its turn")
        self._book.admitted(request)

    def _reserve(self, request: LiveRequest, body: dict[str, Any], call_type: str) -> int:
        """Reserve tokens of the pool for this request, and limit its answer so that it never exceeds them."""
        pool = self._settings.pool_tokens
        if pool is None:
            return 0
        # A token has at least one byte, so the number of bytes bounds an unmeasured prompt.
        prompt = request.prompt_tokens or len(json.dumps(_prompt_of(body), default=str).encode())
        prompt = min(prompt, pool)
        answer = max(1, min(asked_answer(body), self._settings.pool_answer_tokens or pool, pool - prompt))
        limit_answer(body, call_type, answer)
        return prompt + answer


def unpin(kwargs: dict[str, Any]) -> None:
    """Remove this Studio's slot from a request to another one."""
    for place in (kwargs, kwargs.get("extra_body"), kwargs.get("optional_params")):
        if isinstance(place, dict):
            place.pop("id_slot", None)
            extra = place.get("extra_body")
            if isinstance(extra, dict):
                extra.pop("id_slot", None)


def _prompt_of(body: dict[str, Any]) -> list[Any]:
    return [body.get(name) for name in ("system", "messages", "tools", "prompt", "input", "instructions")]


def _has_client_left(error: BaseException) -> bool:
    """Our own refusal of a waiting request, or LiteLLM's error when it stops one (`cancel_on_disconnect`)."""
    return _status_of(error) == CLIENT_CLOSED_REQUEST


def _status_of(error: BaseException) -> int | None:
    """LiteLLM's own errors have it in `code`, as a string or a number, others in `status_code`."""
    status = str(getattr(error, "code", None) or getattr(error, "status_code", None))
    return int(status) if status.isdecimal() else None


def _told_by_engine(error: BaseException) -> str | None:
    """llama-server's own words, out of LiteLLM's frame around them; None for any other error."""
    framed = FRAME.fullmatch(str(getattr(error, "message", "")))
    if framed is None:
        return None
    try:
        # On /v1/responses they are still in JSON.
        return str(parse_json(framed[1])["error"]["message"])
    except (ValueError, TypeError, KeyError):
        return framed[1]


def _user_agent() -> str:
    request = asking.get()
    return "" if request is None else request.headers.get("user-agent", "")


async def _client_gone() -> None:
    """Ends when the client closes its connection, which the server reports; never if the request is unknown. The body has been
    read by now, so the next message can only be that (ASGI specification, http.disconnect).
    """
    request = asking.get()
    while request is not None:
        message = await request.receive()
        if message.get("type") == "http.disconnect":
            return
    await asyncio.Event().wait()
