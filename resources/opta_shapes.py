"""The shapes of requests, as far as LiteLLM and our own modules depend on them.

LiteLLM 1.106.2 checks next to nothing and fails at any wrong type: 500, which clients retry ten times. pydantic's error messages
are those of Anthropic's API ("max_tokens: Field required"). Parts that an API leaves open, or that are passed on unchanged, are
open here too: the schemas of tools. Kinds of content are not: LiteLLM silently drops those that it doesn't know.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, Union

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag

# Names of the choices below, which are in pydantic's error locations but not in the body.
_LIST: Final = "a list"
_TEXT: Final = "a text"
_OBJECT: Final = "an object"
_OPEN: Final = "open"

# llama-server's counts are 32 bits wide (server-task.cpp).
MOST: Final = 2**31 - 1


def place_of(location: tuple[int | str, ...]) -> str:
    """Where in the body, as Anthropic writes it: messages.0.content.1.text"""
    return ".".join(str(part) for part in location if part not in (_LIST, _TEXT, _OBJECT, _OPEN) and not _is_kind(part))


def _is_kind(part: int | str) -> bool:
    return isinstance(part, str) and part.startswith("kind:")


class _Shape(BaseModel):
    # "1" is not a number, and 1.5 not a count. Other fields are not checked.
    model_config = ConfigDict(strict=True, extra="ignore")


Name = Annotated[str, Field(min_length=1, max_length=1024)]
# LiteLLM repeats it in the answer's headers, which hold no other characters (500: 'latin-1' codec can't encode).
Model = Annotated[str, Field(min_length=1, max_length=1024, pattern=r"^[\x20-\x7e]*$")]
# llama-server puts it into a grammar, which no control character survives (\x00: "failed to parse grammar").
ToolName = Annotated[str, Field(min_length=1, max_length=1024, pattern=r"^[^\x00-\x1f\x7f]*$")]
Count = Annotated[int, Field(ge=1, le=MOST)]
Share = Annotated[float, Field(ge=0, le=1)]
Temperature = Annotated[float, Field(ge=0, le=2)]
Penalty = Annotated[float, Field(ge=-2, le=2)]
Seed = Annotated[int, Field(ge=-(2**63), le=2**63 - 1)]
Object = dict[str, Any]


def _list_or_text(value: object) -> str:
    return _LIST if isinstance(value, list) else _TEXT


def _object_or_text(value: object) -> str:
    return _OBJECT if isinstance(value, dict) else _TEXT


def _kind_among(names: frozenset[str]) -> Discriminator:
    def kind(value: object) -> str:
        name = value.get("type") if isinstance(value, dict) else None
        return f"kind:{name}" if isinstance(name, str) and name in names else _OPEN

    return Discriminator(kind)


class _Typed(_Shape):
    """An object of any type."""

    type: Name


class _Function(_Shape):
    name: ToolName
    description: str | None = None
    parameters: Object | None = None
    strict: bool | None = None


class _ChatTool(_Shape):
    type: Literal["function"]
    function: _Function


# --- Anthropic: Messages ----------------------------------------------------------------------------------------------


class _Text(_Shape):
    text: str


class _Source(_Shape):
    type: Name
    data: str | None = None
    url: str | None = None
    media_type: str | None = None


class _Image(_Shape):
    source: _Source


class _Document(_Shape):
    # Its `content` may be a text or blocks, which opta_texts.py and opta_sight.py handle.
    source: Object


class _ToolUse(_Shape):
    id: Name
    name: Name
    input: Object


class _Thinking(_Shape):
    thinking: str
    signature: str | None = None


class _OtherInner(_Shape):
    # All that a tool's result may hold; opta_texts.py makes texts of the last two.
    type: Literal["text", "image", "document", "search_result", "tool_reference"]


_INNER_KINDS: Final = frozenset({"text", "image", "document"})
_InnerBlock = Annotated[
    Union[
        Annotated[_Text, Tag("kind:text")],
        Annotated[_Image, Tag("kind:image")],
        Annotated[_Document, Tag("kind:document")],
        Annotated[_OtherInner, Tag(_OPEN)],
    ],
    _kind_among(_INNER_KINDS),
]
_InnerContent = Annotated[
    Union[Annotated[list[_InnerBlock], Tag(_LIST)], Annotated[str, Tag(_TEXT)]], Discriminator(_list_or_text)
]


class _ToolResult(_Shape):
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


class _OtherOfUser(_Shape):
    type: Literal["text", "image", "document", "search_result", "tool_result", _Served]


class _OtherOfAssistant(_Shape):
    type: Literal["text", "thinking", "redacted_thinking", "tool_use", _Served]


_UserBlock = Annotated[
    Union[
        Annotated[_Text, Tag("kind:text")],
        Annotated[_Image, Tag("kind:image")],
        Annotated[_Document, Tag("kind:document")],
        Annotated[_ToolResult, Tag("kind:tool_result")],
        Annotated[_OtherOfUser, Tag(_OPEN)],
    ],
    _kind_among(frozenset({"text", "image", "document", "tool_result"})),
]
_AssistantBlock = Annotated[
    Union[
        Annotated[_Text, Tag("kind:text")],
        Annotated[_ToolUse, Tag("kind:tool_use")],
        Annotated[_Thinking, Tag("kind:thinking")],
        Annotated[_OtherOfAssistant, Tag(_OPEN)],
    ],
    _kind_among(frozenset({"text", "tool_use", "thinking"})),
]


class _OtherOfSystem(_Shape):
    type: Literal["text"]


_SystemText = Annotated[
    Union[Annotated[_Text, Tag("kind:text")], Annotated[_OtherOfSystem, Tag(_OPEN)]], _kind_among(frozenset({"text"}))
]
_System = Annotated[
    Union[Annotated[list[_SystemText], Tag(_LIST)], Annotated[str, Tag(_TEXT)]], Discriminator(_list_or_text)
]


class _UserMessage(_Shape):
    content: Annotated[
        Union[Annotated[list[_UserBlock], Tag(_LIST)], Annotated[str, Tag(_TEXT)]], Discriminator(_list_or_text)
    ]


class _AssistantMessage(_Shape):
    content: Annotated[
        Union[Annotated[list[_AssistantBlock], Tag(_LIST)], Annotated[str, Tag(_TEXT)]], Discriminator(_list_or_text)
    ]


class _SystemMessage(_Shape):
    # Claude Code puts these into the conversation, with and without a beta header.
    content: _System


class _OtherMessage(_Shape):
    role: Literal["user", "assistant", "system"]


def _role_of(value: object) -> str:
    role = value.get("role") if isinstance(value, dict) else None
    return f"kind:{role}" if role in ("user", "assistant", "system") else _OPEN


_Message = Annotated[
    Union[
        Annotated[_UserMessage, Tag("kind:user")],
        Annotated[_AssistantMessage, Tag("kind:assistant")],
        Annotated[_SystemMessage, Tag("kind:system")],
        Annotated[_OtherMessage, Tag(_OPEN)],
    ],
    Discriminator(_role_of),
]


class _CustomTool(_Shape):
    name: ToolName
    description: str | None = None
    input_schema: Object


class _TypedTool(_Shape):
    type: Name
    name: Name | None = None


def _tool_kind(value: object) -> str:
    kind = value.get("type") if isinstance(value, dict) else None
    if kind in (None, "custom"):
        return "kind:custom"
    return "kind:function" if kind == "function" else _OPEN


_Tool = Annotated[
    Union[
        Annotated[_CustomTool, Tag("kind:custom")],
        # OpenAI's form, which LiteLLM takes here too.
        Annotated[_ChatTool, Tag("kind:function")],
        Annotated[_TypedTool, Tag(_OPEN)],
    ],
    Discriminator(_tool_kind),
]


class _NamedChoice(_Shape):
    name: Name
    disable_parallel_tool_use: bool | None = None


class _OtherChoice(_Shape):
    type: Literal["auto", "any", "tool", "none"]
    disable_parallel_tool_use: bool | None = None


_ToolChoice = Annotated[
    Union[Annotated[_NamedChoice, Tag("kind:tool")], Annotated[_OtherChoice, Tag(_OPEN)]], _kind_among(frozenset({"tool"}))
]


class _ThinkingMode(_Shape):
    type: Literal["enabled", "adaptive", "disabled"]
    budget_tokens: Count | None = None


class _Metadata(_Shape):
    user_id: str | None = None


class _Format(_Shape):
    type: Literal["json_schema"]
    schema_: Annotated[Object, Field(alias="schema")]


class _OutputConfig(_Shape):
    effort: str | None = None
    format: _Format | None = None


class CountBody(_Shape):
    """/v1/messages/count_tokens, whose fields /v1/messages has too."""

    model: Model
    messages: Annotated[list[_Message], Field(min_length=1)]
    system: _System | None = None
    tools: list[_Tool] | None = None
    tool_choice: _ToolChoice | None = None
    thinking: _ThinkingMode | None = None
    output_config: _OutputConfig | None = None
    output_format: _Format | None = None


class MessagesBody(CountBody):
    """/v1/messages."""

    # 0 only fills the cache ("warm"); opta_limits.py raises it to one token.
    max_tokens: Annotated[int, Field(ge=0)]
    stream: bool | None = None
    stop_sequences: list[str] | None = None
    temperature: Temperature | None = None
    top_p: Share | None = None
    top_k: Annotated[int, Field(ge=0, le=MOST)] | None = None
    metadata: _Metadata | None = None


# --- OpenAI -----------------------------------------------------------------------------------------------------------


class _PartText(_Shape):
    text: str


class _ImageUrl(_Shape):
    url: str


class _PartImage(_Shape):
    image_url: Annotated[
        Union[Annotated[_ImageUrl, Tag(_OBJECT)], Annotated[str, Tag(_TEXT)]], Discriminator(_object_or_text)
    ]


class _Refusal(_Shape):
    refusal: str


# Other types that LiteLLM (1.108.7) takes from users (ValidUserMessageContentTypes); the rest get a 500.
_Given = Literal["input_audio", "audio_url", "video_url", "file", "document", "guarded_text"]


class _OtherOfGiven(_Shape):
    type: Literal["text", "image_url", _Given]


class _OtherOfReturned(_Shape):
    type: Literal["text", "image_url", _Given, "refusal", "thinking", "redacted_thinking"]


_GivenPart = Annotated[
    Union[
        Annotated[_PartText, Tag("kind:text")],
        Annotated[_PartImage, Tag("kind:image_url")],
        Annotated[_OtherOfGiven, Tag(_OPEN)],
    ],
    _kind_among(frozenset({"text", "image_url"})),
]
_ReturnedPart = Annotated[
    Union[
        Annotated[_PartText, Tag("kind:text")],
        Annotated[_PartImage, Tag("kind:image_url")],
        Annotated[_Refusal, Tag("kind:refusal")],
        Annotated[_OtherOfReturned, Tag(_OPEN)],
    ],
    _kind_among(frozenset({"text", "image_url", "refusal"})),
]
_GivenContent = Annotated[
    Union[Annotated[list[_GivenPart], Tag(_LIST)], Annotated[str, Tag(_TEXT)]], Discriminator(_list_or_text)
]
_ReturnedContent = Annotated[
    Union[Annotated[list[_ReturnedPart], Tag(_LIST)], Annotated[str, Tag(_TEXT)]], Discriminator(_list_or_text)
]


class _CalledFunction(_Shape):
    name: Name
    arguments: str


class _ToolCall(_Shape):
    id: Name
    type: Literal["function"] | None = None
    function: _CalledFunction


class _GivenMessage(_Shape):
    role: Literal["system", "developer", "user"]
    content: _GivenContent
    name: str | None = None


class _ReturnedMessage(_Shape):
    # opta_replays.py gives those without content an empty one.
    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: _ReturnedContent | None = None
    name: str | None = None
    tool_calls: list[_ToolCall] | None = None
    tool_call_id: str | None = None
    reasoning_content: str | None = None


def _giver(value: object) -> str:
    role = value.get("role") if isinstance(value, dict) else None
    return "kind:given" if role in ("system", "developer", "user") else _OPEN


_ChatMessage = Annotated[
    Union[Annotated[_GivenMessage, Tag("kind:given")], Annotated[_ReturnedMessage, Tag(_OPEN)]], Discriminator(_giver)
]


class _FunctionName(_Shape):
    name: Name


class _ChatToolChoice(_Shape):
    type: Literal["function"]
    function: _FunctionName


class _JsonSchema(_Shape):
    name: str | None = None
    schema_: Annotated[Object | None, Field(alias="schema")] = None
    strict: bool | None = None


class _ResponseFormat(_Shape):
    type: Literal["text", "json_object", "json_schema"]
    json_schema: _JsonSchema | None = None


class _StreamOptions(_Shape):
    include_usage: bool | None = None
    include_obfuscation: bool | None = None


_Words = Annotated[Union[Annotated[list[str], Tag(_LIST)], Annotated[str, Tag(_TEXT)]], Discriminator(_list_or_text)]


class _OpenAiBody(_Shape):
    model: Model
    stream: bool | None = None
    stream_options: _StreamOptions | None = None
    temperature: Temperature | None = None
    top_p: Share | None = None
    user: str | None = None


class _Completing(_OpenAiBody):
    max_tokens: Count | None = None
    n: Count | None = None
    stop: _Words | None = None
    seed: Seed | None = None
    frequency_penalty: Penalty | None = None
    presence_penalty: Penalty | None = None
    # Keys are token ids; llama-server takes texts too.
    logit_bias: dict[str, float] | None = None


class ChatBody(_Completing):
    """/v1/chat/completions."""

    messages: Annotated[list[_ChatMessage], Field(min_length=1)]
    max_completion_tokens: Count | None = None
    tools: list[_ChatTool] | None = None
    tool_choice: (
        Annotated[
            Union[Annotated[_ChatToolChoice, Tag(_OBJECT)], Annotated[Literal["auto", "none", "required"], Tag(_TEXT)]],
            Discriminator(_object_or_text),
        ]
        | None
    ) = None
    functions: list[_Function] | None = None
    function_call: (
        Annotated[
            Union[Annotated[_FunctionName, Tag(_OBJECT)], Annotated[Literal["auto", "none"], Tag(_TEXT)]],
            Discriminator(_object_or_text),
        ]
        | None
    ) = None
    parallel_tool_calls: bool | None = None
    response_format: _ResponseFormat | None = None
    reasoning_effort: str | None = None
    logprobs: bool | None = None
    top_logprobs: Annotated[int, Field(ge=0, le=20)] | None = None
    metadata: dict[str, str] | None = None
    prompt_cache_key: str | None = None


_Token = Annotated[int, Field(ge=0, le=MOST)]


def _prompt_kind(value: object) -> str:
    first = value[0] if isinstance(value, list) and value else None
    if isinstance(first, list):
        return "kind:lists of tokens"
    if isinstance(first, int):
        return "kind:tokens"
    return _list_or_text(value)


class CompletionsBody(_Completing):
    """/v1/completions."""

    prompt: Annotated[
        Union[
            Annotated[Annotated[str, Field(min_length=1)], Tag(_TEXT)],
            Annotated[Annotated[list[str], Field(min_length=1)], Tag(_LIST)],
            Annotated[list[_Token], Tag("kind:tokens")],
            Annotated[list[list[_Token]], Tag("kind:lists of tokens")],
        ],
        Discriminator(_prompt_kind),
    ]
    best_of: Count | None = None
    echo: bool | None = None
    logprobs: Annotated[int, Field(ge=0, le=20)] | None = None
    suffix: str | None = None


class _OtherOfInput(_Shape):
    type: Literal["input_text", "input_image", "input_file", "input_audio"]


class _OtherOfOutput(_Shape):
    type: Literal["output_text", "refusal"]


_InputPart = Annotated[
    Union[Annotated[_PartText, Tag("kind:input_text")], Annotated[_OtherOfInput, Tag(_OPEN)]],
    _kind_among(frozenset({"input_text"})),
]
# llama-server takes `input_text` here too, and OpenAI's older examples have it.
_OutputPart = Annotated[
    Union[
        Annotated[_PartText, Tag("kind:output_text")],
        Annotated[_PartText, Tag("kind:input_text")],
        Annotated[_Refusal, Tag("kind:refusal")],
        Annotated[_OtherOfOutput, Tag(_OPEN)],
    ],
    _kind_among(frozenset({"output_text", "input_text", "refusal"})),
]


_InputContent = Annotated[
    Union[Annotated[list[_InputPart], Tag(_LIST)], Annotated[str, Tag(_TEXT)]], Discriminator(_list_or_text)
]


class _InputMessage(_Shape):
    role: Literal["user", "assistant", "system", "developer"]
    content: _InputContent


class _OutputMessage(_Shape):
    content: Annotated[
        Union[Annotated[list[_OutputPart], Tag(_LIST)], Annotated[str, Tag(_TEXT)]], Discriminator(_list_or_text)
    ]


class _InputCall(_Shape):
    call_id: Name
    name: Name
    arguments: str


class _InputCallOutput(_Shape):
    call_id: Name
    output: _InputContent


class _ReasoningText(_Shape):
    text: str


class _InputReasoning(_Shape):
    # Clients send back what they were given: a summary, the text, or only what OpenAI's own servers can decrypt.
    summary: list[_ReasoningText] | None = None
    content: list[_ReasoningText] | None = None


class _OtherItem(_Shape):
    # Others refer to what OpenAI's servers keep or run; LiteLLM or llama-server would drop them or refuse them without a place.
    type: Literal["message", "function_call", "function_call_output", "reasoning"]


def _input_kind(value: object) -> str:
    if not isinstance(value, dict):
        return _OPEN
    kind = value.get("type") or "message"
    if kind == "message" and value.get("role") == "assistant":
        return "kind:answer"
    return f"kind:{kind}" if kind in ("message", "function_call", "function_call_output", "reasoning") else _OPEN


_InputItem = Annotated[
    Union[
        Annotated[_InputMessage, Tag("kind:message")],
        Annotated[_OutputMessage, Tag("kind:answer")],
        Annotated[_InputCall, Tag("kind:function_call")],
        Annotated[_InputCallOutput, Tag("kind:function_call_output")],
        Annotated[_InputReasoning, Tag("kind:reasoning")],
        Annotated[_OtherItem, Tag(_OPEN)],
    ],
    Discriminator(_input_kind),
]


class _ResponsesFunction(_Function):
    type: Literal["function"]


_ResponsesTool = Annotated[
    Union[Annotated[_ResponsesFunction, Tag("kind:function")], Annotated[_Typed, Tag(_OPEN)]],
    _kind_among(frozenset({"function"})),
]


class _TypedChoice(_Shape):
    type: Name
    name: Name | None = None


class _OtherFormat(_Shape):
    type: Literal["text", "json_object", "json_schema"]


_ResponsesFormat = Annotated[
    Union[Annotated[_Format, Tag("kind:json_schema")], Annotated[_OtherFormat, Tag(_OPEN)]],
    _kind_among(frozenset({"json_schema"})),
]


class _ResponsesText(_Shape):
    format: _ResponsesFormat | None = None
    verbosity: str | None = None


class _Reasoning(_Shape):
    effort: str | None = None
    summary: str | None = None


class ResponsesBody(_OpenAiBody):
    """/v1/responses."""

    input: Annotated[
        Union[
            Annotated[Annotated[list[_InputItem], Field(min_length=1)], Tag(_LIST)],
            Annotated[Annotated[str, Field(min_length=1)], Tag(_TEXT)],
        ],
        Discriminator(_list_or_text),
    ]
    instructions: str | None = None
    max_output_tokens: Count | None = None
    tools: list[_ResponsesTool] | None = None
    tool_choice: (
        Annotated[
            Union[Annotated[_TypedChoice, Tag(_OBJECT)], Annotated[Literal["auto", "none", "required"], Tag(_TEXT)]],
            Discriminator(_object_or_text),
        ]
        | None
    ) = None
    text: _ResponsesText | None = None
    reasoning: _Reasoning | None = None
    include: list[str] | None = None
    parallel_tool_calls: bool | None = None
    truncation: Literal["auto", "disabled"] | None = None
    metadata: dict[str, str] | None = None
    prompt_cache_key: str | None = None
