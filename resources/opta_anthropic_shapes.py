"""The shapes of Anthropic's API: /v1/messages and the counting of its tokens."""

from __future__ import annotations

from typing import Annotated, Final, Literal, Union

from opta_shapes import (
    LIST,
    MOST,
    OPEN,
    TEXT,
    AnswerFormat,
    ChatTool,
    Count,
    Model,
    Name,
    Object,
    Shape,
    Share,
    Temperature,
    ToolName,
    kind_among,
    list_or_text,
)
from pydantic import AfterValidator, Discriminator, Field, Tag
from pydantic_core import PydanticCustomError


class _Text(Shape):
    text: str


class _Base64(Shape):
    data: str
    media_type: str | None = None


class _Url(Shape):
    url: str


class _OtherSource(Shape):
    # opta_sight.py refuses the last one, in the words on which clients drop the image.
    type: Literal["base64", "url", "file"]


class _Image(Shape):
    source: Annotated[
        Union[Annotated[_Base64, Tag("kind:base64")], Annotated[_Url, Tag("kind:url")], Annotated[_OtherSource, Tag(OPEN)]],
        kind_among(frozenset({"base64", "url"})),
    ]


class _Document(Shape):
    # Its `content` may be a text or blocks, which opta_texts.py and opta_sight.py handle.
    source: Object


class _ToolUse(Shape):
    id: Name
    name: Name
    input: Object


class _Thinking(Shape):
    thinking: str
    signature: str | None = None


class _OtherInner(Shape):
    # All that a tool's result may hold; opta_texts.py makes texts of the last two.
    type: Literal["text", "image", "document", "search_result", "tool_reference"]


_INNER_KINDS: Final = frozenset({"text", "image", "document"})
_InnerBlock = Annotated[
    Union[
        Annotated[_Text, Tag("kind:text")],
        Annotated[_Image, Tag("kind:image")],
        Annotated[_Document, Tag("kind:document")],
        Annotated[_OtherInner, Tag(OPEN)],
    ],
    kind_among(_INNER_KINDS),
]
_InnerContent = Annotated[
    Union[Annotated[list[_InnerBlock], Tag(LIST)], Annotated[str, Tag(TEXT)]], Discriminator(list_or_text)
]


class _ToolResult(Shape):
    tool_use_id: Name
    content: _InnerContent | None = None
    is_error: bool | None = None


# What Anthropic's own servers did in a conversation that goes on here; opta_texts.py makes texts of it.
_Served = Literal[
    "server_tool_use",
    "mcp_tool_use",
    "mcp_tool_result",
    "web_search_tool_result",
    "web_fetch_tool_result",
    "code_execution_tool_result",
    "bash_code_execution_tool_result",
    "text_editor_code_execution_tool_result",
    "tool_search_tool_result",
    "advisor_tool_result",
    "compaction",
]


class _OtherOfUser(Shape):
    type: Literal["text", "image", "document", "search_result", "tool_result", _Served]


class _OtherOfAssistant(Shape):
    type: Literal["text", "thinking", "redacted_thinking", "tool_use", _Served]


_UserBlock = Annotated[
    Union[
        Annotated[_Text, Tag("kind:text")],
        Annotated[_Image, Tag("kind:image")],
        Annotated[_Document, Tag("kind:document")],
        Annotated[_ToolResult, Tag("kind:tool_result")],
        Annotated[_OtherOfUser, Tag(OPEN)],
    ],
    kind_among(frozenset({"text", "image", "document", "tool_result"})),
]
_AssistantBlock = Annotated[
    Union[
        Annotated[_Text, Tag("kind:text")],
        Annotated[_ToolUse, Tag("kind:tool_use")],
        Annotated[_Thinking, Tag("kind:thinking")],
        Annotated[_OtherOfAssistant, Tag(OPEN)],
    ],
    kind_among(frozenset({"text", "tool_use", "thinking"})),
]


class _OtherOfSystem(Shape):
    type: Literal["text"]


_SystemText = Annotated[
    Union[Annotated[_Text, Tag("kind:text")], Annotated[_OtherOfSystem, Tag(OPEN)]], kind_among(frozenset({"text"}))
]
_System = Annotated[
    Union[Annotated[list[_SystemText], Tag(LIST)], Annotated[str, Tag(TEXT)]], Discriminator(list_or_text)
]


class _UserMessage(Shape):
    content: Annotated[
        Union[Annotated[list[_UserBlock], Tag(LIST)], Annotated[str, Tag(TEXT)]], Discriminator(list_or_text)
    ]


class _AssistantMessage(Shape):
    content: Annotated[
        Union[Annotated[list[_AssistantBlock], Tag(LIST)], Annotated[str, Tag(TEXT)]], Discriminator(list_or_text)
    ]


class _SystemMessage(Shape):
    # Claude Code puts these into the conversation, with and without a beta header.
    content: _System


class _OtherMessage(Shape):
    role: Literal["user", "assistant", "system"]


def _role_of(value: object) -> str:
    role = value.get("role") if isinstance(value, dict) else None
    return f"kind:{role}" if role in ("user", "assistant", "system") else OPEN


_Message = Annotated[
    Union[
        Annotated[_UserMessage, Tag("kind:user")],
        Annotated[_AssistantMessage, Tag("kind:assistant")],
        Annotated[_SystemMessage, Tag("kind:system")],
        Annotated[_OtherMessage, Tag(OPEN)],
    ],
    Discriminator(_role_of),
]


class _CustomTool(Shape):
    name: ToolName
    description: str | None = None
    input_schema: Object


class _TypedTool(Shape):
    type: Name
    name: Name | None = None


def _tool_kind(value: object) -> str:
    kind = value.get("type") if isinstance(value, dict) else None
    if kind in (None, "custom"):
        return "kind:custom"
    return "kind:function" if kind == "function" else OPEN


_Tool = Annotated[
    Union[
        Annotated[_CustomTool, Tag("kind:custom")],
        # OpenAI's form, which LiteLLM takes here too.
        Annotated[ChatTool, Tag("kind:function")],
        Annotated[_TypedTool, Tag(OPEN)],
    ],
    Discriminator(_tool_kind),
]


class _NamedChoice(Shape):
    name: Name
    disable_parallel_tool_use: bool | None = None


class _OtherChoice(Shape):
    type: Literal["auto", "any", "tool", "none"]
    disable_parallel_tool_use: bool | None = None


_ToolChoice = Annotated[
    Union[Annotated[_NamedChoice, Tag("kind:tool")], Annotated[_OtherChoice, Tag(OPEN)]], kind_among(frozenset({"tool"}))
]


class _ThinkingMode(Shape):
    type: Literal["enabled", "adaptive", "disabled"]
    budget_tokens: Count | None = None


class _Metadata(Shape):
    user_id: str | None = None


class _OutputConfig(Shape):
    effort: str | None = None
    format: AnswerFormat | None = None


class CountBody(Shape):
    """/v1/messages/count_tokens, whose fields /v1/messages has too."""

    model: Model
    messages: Annotated[list[_Message], Field(min_length=1)]
    system: _System | None = None
    tools: list[_Tool] | None = None
    tool_choice: _ToolChoice | None = None
    thinking: _ThinkingMode | None = None
    output_config: _OutputConfig | None = None
    output_format: AnswerFormat | None = None
    metadata: _Metadata | None = None


def _refuse_blank(words: list[str]) -> list[str]:
    """Anthropic's rule and words. llama-server ends an answer at an empty one before its first token (b10068, seen)."""
    if any(not word.strip() for word in words):
        raise PydanticCustomError("blank", "each stop sequence must contain non-whitespace")
    return words


class MessagesBody(CountBody):
    """/v1/messages."""

    # 0 only fills the cache ("warm"); opta_limits.py raises it to one token.
    max_tokens: Annotated[int, Field(ge=0)]
    stream: bool | None = None
    stop_sequences: Annotated[list[str], AfterValidator(_refuse_blank)] | None = None
    temperature: Temperature | None = None
    top_p: Share | None = None
    top_k: Annotated[int, Field(ge=0, le=MOST)] | None = None
