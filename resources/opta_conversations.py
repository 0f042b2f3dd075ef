"""Finds the conversation that a request belongs to, so that its next turn reuses what llama-server has already read.

Claude Code names the session and the subagent in headers (Claude Code docs, "Gateway protocol reference"; seen with 2.1.332).
Other clients only send the whole conversation each time: for them the longest common prefix of the messages decides.
Conversations never cross between developers, whatever their ids or texts are.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

SESSION_HEADER: Final = "x-claude-code-session-id"
AGENT_HEADER: Final = "x-claude-code-agent-id"
# Sent with CLAUDE_CODE_GATEWAY_HINT_HEADERS=1: main, subagent, workflow, compaction or auxiliary.
CLASS_HEADER: Final = "x-claude-code-request-class"
AUXILIARY: Final = "auxiliary"

# Two developers with a hundred sessions each, subagents included. Each takes about 8 bytes a message, and a forgotten one is
# only read again.
MOST_CONVERSATIONS: Final = 512
# System prompt and tools are compared in pieces of this size, so that sessions whose prompts differ only near the end still
# share the beginning.
PIECE_BYTES: Final = 512
MARK_BYTES: Final = 8
# Among eight conversations of a developer, two look alike with a chance of 1 in 2,000; and a name fits beside it.
SHORT_ID_LETTERS: Final = 4
# A title or a classifier answers with a few words; Claude Code's turns allow thousands.
HELPER_ANSWER_TOKENS: Final = 1024


class Fingerprint(NamedTuple):
    """A prompt as a chain of hashes (marks): if the n-th marks of two prompts are equal, so is the text up to there."""

    # MARK_BYTES for each piece of the head, then for each message.
    marks: bytes
    # Bytes of text up to the end of each mark's piece.
    ends: tuple[int, ...]
    # How many of the marks are the system prompt and the tools.
    head: int

    @property
    def length(self) -> int:
        """The number of marks."""
        return len(self.ends)

    @property
    def text_bytes(self) -> int:
        """The length of the whole text."""
        return self.ends[-1] if self.ends else 0

    def shared_marks(self, other: Fingerprint) -> int:
        """The number of leading marks in common."""
        low, high = 0, min(self.length, other.length)
        # Each mark covers all text before it, so one comparison decides about a whole prefix.
        while low < high:
            middle = (low + high + 1) // 2
            end = middle * MARK_BYTES
            if self.marks[end - MARK_BYTES : end] == other.marks[end - MARK_BYTES : end]:
                low = middle
            else:
                high = middle - 1
        return low

    def shared_bytes(self, other: Fingerprint) -> int:
        """The length of the common text, at least."""
        shared = self.shared_marks(other)
        return self.ends[shared - 1] if shared else 0

    def has_head_of(self, other: Fingerprint) -> bool:
        """Whether system prompt and tools are equal."""
        return self.head == other.head and self.shared_marks(other) >= self.head


@dataclass(eq=False)
class Conversation:
    """One conversation. There is one object for each, compared by identity."""

    key: str
    developer: str
    fingerprint: Fingerprint
    # Named by the client.
    named: bool
    used_at: float = field(default_factory=time.time)
    has_tools: bool = False
    # The Studio that holds it; "" is this one, None: unknown.
    node: str | None = None

    @property
    def short_id(self) -> str:
        """The id that people see."""
        return self.key[:SHORT_ID_LETTERS]


class Asked(NamedTuple):
    """A request's conversation. None: a helper request, of which nothing is kept."""

    developer: str
    fingerprint: Fingerprint
    conversation: Conversation | None
    # A conversation that this helper request extends: its whole content is in the prompt.
    within: Conversation | None = None


def fingerprint_of(body: Mapping[str, Any]) -> Fingerprint:
    """The fingerprint of this body's prompt, in any of the APIs; empty for a body nested too deep."""
    try:
        head, messages = _texts_of(body)
    except RecursionError:
        return Fingerprint(b"", (), 0)
    chain = hashlib.blake2b(digest_size=MARK_BYTES)
    marks, ends, end = bytearray(), [], 0
    pieces = [head[at : at + PIECE_BYTES] for at in range(0, len(head), PIECE_BYTES)]
    for piece in itertools.chain(pieces, messages):
        chain.update(piece)
        end += len(piece)
        marks += chain.digest()
        ends.append(end)
    return Fingerprint(bytes(marks), tuple(ends), len(pieces))


class Conversations:
    """The most recent conversations."""

    def __init__(self, most: int = MOST_CONVERSATIONS) -> None:
        self._most: Final = most
        self._known: Final[OrderedDict[str, Conversation]] = OrderedDict()
        # Whether to keep it even if it is old: a slot or a file holds it.
        self.is_held: Callable[[Conversation], bool] = lambda _: False

    def __len__(self) -> int:
        return len(self._known)

    def __iter__(self) -> Iterator[Conversation]:
        """Least recently used first."""
        return iter(tuple(self._known.values()))

    def get(self, key: str) -> Conversation | None:
        """The conversation with this key."""
        return self._known.get(key)

    def remember(self, conversation: Conversation) -> Conversation:
        """Add it, and return the known one with its key."""
        known = self._known.setdefault(conversation.key, conversation)
        self._known.move_to_end(conversation.key)
        self._forget_old()
        return known

    def ask(
        self,
        developer: str,
        headers: Mapping[str, str],
        body: Mapping[str, Any],
        is_at_work: Callable[[Conversation], bool] = lambda _: False,
    ) -> Asked:
        """The conversation that this request continues. `is_at_work` says whether a conversation is being answered now."""
        fingerprint = fingerprint_of(body)
        session = headers.get(SESSION_HEADER, "").strip()
        known = (
            self._find_named(developer, session, headers.get(AGENT_HEADER, "").strip(), fingerprint)
            if session
            else self._find_by_text(developer, fingerprint)
        )
        if _is_auxiliary(headers) or self._is_helper(developer, session, body):
            extends = known is not None and _extends(fingerprint, known.fingerprint) and not is_at_work(known)
            return Asked(developer, fingerprint, None, known if extends else None)
        if known is not None and is_at_work(known):
            # Two at once are two conversations. If the client gave both the same name, the second is not kept.
            known = None if session else self._new(developer, "", fingerprint)
            if known is None:
                return Asked(developer, fingerprint, None)
        if known is None:
            name = _name(session, headers.get(AGENT_HEADER, "").strip(), fingerprint) if session else ""
            known = self._new(developer, name, fingerprint)
        known.has_tools = bool(body.get("tools"))
        return Asked(developer, fingerprint, known)

    def note_turn(self, conversation: Conversation, fingerprint: Fingerprint) -> None:
        """This turn goes to the model."""
        conversation.fingerprint = fingerprint
        conversation.used_at = time.time()
        if conversation.key in self._known:
            self._known.move_to_end(conversation.key)

    def _new(self, developer: str, name: str, fingerprint: Fingerprint) -> Conversation:
        """A new conversation. Two without a name are always different."""
        word = name or f"{time.time_ns()}-{len(self._known)}"
        key = hashlib.blake2b(f"{developer}\0{word}".encode(), digest_size=16).hexdigest()
        return self.remember(Conversation(key, developer, fingerprint, named=bool(name)))

    def _find_named(self, developer: str, session: str, agent: str, fingerprint: Fingerprint) -> Conversation | None:
        word = _name(session, agent, fingerprint)
        return self._known.get(hashlib.blake2b(f"{developer}\0{word}".encode(), digest_size=16).hexdigest())

    def _find_by_text(self, developer: str, fingerprint: Fingerprint) -> Conversation | None:
        """Of the conversations that this prompt may continue, the one with the longest common prefix."""
        best: tuple[int, Conversation] | None = None
        for known in reversed(self._known.values()):
            if known.developer != developer or known.named or not known.fingerprint.has_head_of(fingerprint):
                continue
            shared = known.fingerprint.shared_marks(fingerprint)
            messages, common = known.fingerprint.length - known.fingerprint.head, shared - known.fingerprint.head
            # All of its last request, or all but the last message, which the client may have changed and resent; or at least
            # half, because some clients rewrite older messages (drop thinking, shorten tool results).
            fits = common > 0 and (messages - common <= 1 or 2 * common >= messages)
            if fits and (best is None or shared > best[0]):
                best = (shared, known)
        return None if best is None else best[1]

    def _is_helper(self, developer: str, session: str, body: Mapping[str, Any]) -> bool:
        """Titles, summaries and classifiers: no tools, one message, a short answer, beside a conversation with tools."""
        limit, messages = body.get("max_tokens"), body.get("messages")
        if not session or body.get("tools") or not isinstance(messages, list) or len(messages) != 1:
            return False
        if not isinstance(limit, int) or limit > HELPER_ANSWER_TOKENS:
            return False
        return any(other.has_tools and other.named and other.developer == developer for other in self._known.values())

    def _forget_old(self) -> None:
        surplus = len(self._known) - self._most
        if surplus <= 0:
            return
        for conversation in tuple(self._known.values())[:-1]:
            if surplus <= 0:
                return
            if not self.is_held(conversation):
                del self._known[conversation.key]
                surplus -= 1


def _is_auxiliary(headers: Mapping[str, str]) -> bool:
    return headers.get(CLASS_HEADER, "").strip().lower() == AUXILIARY


def _name(session: str, agent: str, fingerprint: Fingerprint) -> str:
    """Includes system prompt and tools, which differ in a session's side requests, with or without headers."""
    end = fingerprint.head * MARK_BYTES
    return f"{session}\0{agent}\0{fingerprint.marks[max(0, end - MARK_BYTES) : end].hex()}"


def _extends(fingerprint: Fingerprint, earlier: Fingerprint) -> bool:
    return fingerprint.shared_marks(earlier) == earlier.length


def _texts_of(body: Mapping[str, Any]) -> tuple[bytes, list[bytes]]:
    """The head and each message as bytes, without what differs when a client resends a message."""
    messages = body.get("messages")
    if not isinstance(messages, list):
        messages = body.get("input") if isinstance(body.get("input"), list) else [body.get("input"), body.get("prompt")]
    turns = [_without_marks(message) for message in messages if message is not None]
    leading = list(itertools.takewhile(_is_system, turns))
    head = [body.get("system"), body.get("instructions"), *leading]
    texts = [_text(_without_marks(part)) for part in head if part is not None]
    tools = body.get("tools")
    if tools:
        texts.append(_text(_without_marks(tools)))
    return _encode("\n".join(texts)), [_encode(_text(turn)) for turn in turns[len(leading) :]]


def _encode(text: str) -> bytes:
    # JSON may contain half a surrogate pair, which UTF-8 can't encode.
    return text.encode("utf-8", "surrogatepass")


def _is_system(message: object) -> bool:
    return isinstance(message, dict) and message.get("role") in ("system", "developer")


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)


def _without_marks(value: object) -> object:
    """Without `cache_control`, which Claude Code moves to the last messages at every turn, and with each text as a list of one
    block, because clients send the same message in either form.
    """
    if isinstance(value, list):
        return [_without_marks(each) for each in value]
    if not isinstance(value, dict):
        return value
    plain = {name: _without_marks(each) for name, each in value.items() if name != "cache_control"}
    content = plain.get("content")
    if isinstance(content, str):
        plain["content"] = [{"type": "text", "text": content}]
    return plain
