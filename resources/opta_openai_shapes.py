"""The shapes of OpenAI's APIs: /v1/chat/completions, /v1/completions and /v1/responses."""

from __future__ import annotations

from typing import Annotated, Literal, Union

from opta_shapes import (
    LIST,
    MOST,
    OBJECT,
    OPEN,
    TEXT,
    AnswerFormat,
    ChatTool,
    Count,
    Function,
    Model,
    Name,
    Object,
    Penalty,
    Seed,
    Shape,
    Share,
    Temperature,
    Typed,
    kind_among,
    list_or_text,
    object_or_text,
)
from pydantic import Discriminator, Field, Tag


class _PartText(Shape):
    text: str


class _ImageUrl(Shape):
    url: str


class _PartImage(Shape):
    image_url: Annotated[
        Union[Annotated[_ImageUrl, Tag(OBJECT)], Annotated[str, Tag(TEXT)]], Discriminator(object_or_text)
    ]


class _Audio(Shape):
    data: str
    # llama-server's, too.
    format: Literal["wav", "mp3"]


class _PartAudio(Shape):
    input_audio: _Audio


class _PartFile(Shape):
    # LiteLLM reads its fields before any check; opta_sight.py refuses it.
    file: Object


class _Refusal(Shape):
    refusal: str


# Other types that LiteLLM (1.108.7) takes from users (ValidUserMessageContentTypes); the rest get a 500.
_Given = Literal["text", "image_url", "input_audio", "file", "audio_url", "video_url", "document"]


class _OtherOfGiven(Shape):
    type: _Given


class _OtherOfReturned(Shape):
    type: Literal[_Given, "refusal", "thinking", "redacted_thinking"]


_GivenPart = Annotated[
    Union[
        Annotated[_PartText, Tag("kind:text")],
        Annotated[_PartImage, Tag("kind:image_url")],
        Annotated[_PartAudio, Tag("kind:input_audio")],
        Annotated[_PartFile, Tag("kind:file")],
        Annotated[_OtherOfGiven, Tag(OPEN)],
    ],
    kind_among(frozenset({"text", "image_url", "input_audio", "file"})),
]
_ReturnedPart = Annotated[
    Union[
        Annotated[_PartText, Tag("kind:text")],
        Annotated[_PartImage, Tag("kind:image_url")],
        Annotated[_PartAudio, Tag("kind:input_audio")],
        Annotated[_PartFile, Tag("kind:file")],
        Annotated[_Refusal, Tag("kind:refusal")],
        Annotated[_OtherOfReturned, Tag(OPEN)],
    ],
    kind_among(frozenset({"text", "image_url", "input_audio", "file", "refusal"})),
]
_GivenContent = Annotated[
    Union[Annotated[list[_GivenPart], Tag(LIST)], Annotated[str, Tag(TEXT)]], Discriminator(list_or_text)
]
_ReturnedContent = Annotated[
    Union[Annotated[list[_ReturnedPart], Tag(LIST)], Annotated[str, Tag(TEXT)]], Discriminator(list_or_text)
]


class _CalledFunction(Shape):
    name: Name
    arguments: str


class _ToolCall(Shape):
    id: Name
    type: Literal["function"] | None = None
    function: _CalledFunction


class _GivenMessage(Shape):
    role: Literal["system", "developer", "user"]
    content: _GivenContent
    name: str | None = None


class _ReturnedMessage(Shape):
    # opta_replays.py gives those without content an empty one.
    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: _ReturnedContent | None = None
    name: str | None = None
    tool_calls: list[_ToolCall] | None = None
    tool_call_id: str | None = None
    reasoning_content: str | None = None


def _giver(value: object) -> str:
    role = value.get("role") if isinstance(value, dict) else None
    return "kind:given" if role in ("system", "developer", "user") else OPEN


_ChatMessage = Annotated[
    Union[Annotated[_GivenMessage, Tag("kind:given")], Annotated[_ReturnedMessage, Tag(OPEN)]], Discriminator(_giver)
]


class _FunctionName(Shape):
    name: Name


class _ChatToolChoice(Shape):
    type: Literal["function"]
    function: _FunctionName


class _JsonSchema(Shape):
    name: str | None = None
    schema_: Annotated[Object | None, Field(alias="schema")] = None
    strict: bool | None = None


class _ResponseFormat(Shape):
    type: Literal["text", "json_object", "json_schema"]
    json_schema: _JsonSchema | None = None


class _StreamOptions(Shape):
    include_usage: bool | None = None
    include_obfuscation: bool | None = None


# An empty one ends the answer at its first token (b10068, seen).
_Word = Annotated[str, Field(min_length=1)]
_Words = Annotated[Union[Annotated[list[_Word], Tag(LIST)], Annotated[_Word, Tag(TEXT)]], Discriminator(list_or_text)]


class _OpenAiBody(Shape):
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
    tools: list[ChatTool] | None = None
    tool_choice: (
        Annotated[
            Union[Annotated[_ChatToolChoice, Tag(OBJECT)], Annotated[Literal["auto", "none", "required"], Tag(TEXT)]],
            Discriminator(object_or_text),
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
    return list_or_text(value)


class CompletionsBody(_Completing):
    """/v1/completions."""

    prompt: Annotated[
        Union[
            Annotated[Annotated[str, Field(min_length=1)], Tag(TEXT)],
            Annotated[Annotated[list[str], Field(min_length=1)], Tag(LIST)],
            Annotated[list[_Token], Tag("kind:tokens")],
            Annotated[list[list[_Token]], Tag("kind:lists of tokens")],
        ],
        Discriminator(_prompt_kind),
    ]
    best_of: Count | None = None
    echo: bool | None = None
    logprobs: Annotated[int, Field(ge=0, le=20)] | None = None
    suffix: str | None = None


class _InputImage(Shape):
    image_url: str | None = None
    file_id: str | None = None


class _OtherOfInput(Shape):
    type: Literal["input_text", "input_image", "input_file", "input_audio"]


class _OtherOfOutput(Shape):
    type: Literal["output_text", "refusal"]


_InputPart = Annotated[
    Union[
        Annotated[_PartText, Tag("kind:input_text")],
        Annotated[_InputImage, Tag("kind:input_image")],
        Annotated[_PartAudio, Tag("kind:input_audio")],
        Annotated[_OtherOfInput, Tag(OPEN)],
    ],
    kind_among(frozenset({"input_text", "input_image", "input_audio"})),
]
# llama-server takes `input_text` here too, and OpenAI's older examples have it.
_OutputPart = Annotated[
    Union[
        Annotated[_PartText, Tag("kind:output_text")],
        Annotated[_PartText, Tag("kind:input_text")],
        Annotated[_Refusal, Tag("kind:refusal")],
        Annotated[_OtherOfOutput, Tag(OPEN)],
    ],
    kind_among(frozenset({"output_text", "input_text", "refusal"})),
]


_InputContent = Annotated[
    Union[Annotated[list[_InputPart], Tag(LIST)], Annotated[str, Tag(TEXT)]], Discriminator(list_or_text)
]


class _InputMessage(Shape):
    role: Literal["user", "assistant", "system", "developer"]
    content: _InputContent


class _OutputMessage(Shape):
    content: Annotated[
        Union[Annotated[list[_OutputPart], Tag(LIST)], Annotated[str, Tag(TEXT)]], Discriminator(list_or_text)
    ]


class _InputCall(Shape):
    call_id: Name
    name: Name
    arguments: str


class _InputCallOutput(Shape):
    call_id: Name
    output: _InputContent


class _ReasoningText(Shape):
    text: str


class _InputReasoning(Shape):
    # Clients send back what they were given: a summary, the text, or only what OpenAI's own servers can decrypt.
    summary: list[_ReasoningText] | None = None
    content: list[_ReasoningText] | None = None


class _OtherItem(Shape):
    # Others refer to what OpenAI's servers keep or run; LiteLLM or llama-server would drop them or refuse them without a place.
    type: Literal["message", "function_call", "function_call_output", "reasoning"]


def _input_kind(value: object) -> str:
    if not isinstance(value, dict):
        return OPEN
    kind = value.get("type") or "message"
    if kind == "message" and value.get("role") == "assistant":
        return "kind:answer"
    return f"kind:{kind}" if kind in ("message", "function_call", "function_call_output", "reasoning") else OPEN


_InputItem = Annotated[
    Union[
        Annotated[_InputMessage, Tag("kind:message")],
        Annotated[_OutputMessage, Tag("kind:answer")],
        Annotated[_InputCall, Tag("kind:function_call")],
        Annotated[_InputCallOutput, Tag("kind:function_call_output")],
        Annotated[_InputReasoning, Tag("kind:reasoning")],
        Annotated[_OtherItem, Tag(OPEN)],
    ],
    Discriminator(_input_kind),
]


class _ResponsesFunction(Function):
    type: Literal["function"]


_ResponsesTool = Annotated[
    Union[Annotated[_ResponsesFunction, Tag("kind:function")], Annotated[Typed, Tag(OPEN)]],
    kind_among(frozenset({"function"})),
]


class _NamedChoice(Shape):
    # llama-server ignores OpenAI's others, such as `allowed_tools`.
    type: Literal["function"]
    name: Name


class _OtherFormat(Shape):
    type: Literal["text", "json_object", "json_schema"]


_ResponsesFormat = Annotated[
    Union[Annotated[AnswerFormat, Tag("kind:json_schema")], Annotated[_OtherFormat, Tag(OPEN)]],
    kind_among(frozenset({"json_schema"})),
]


class _ResponsesText(Shape):
    format: _ResponsesFormat | None = None
    verbosity: str | None = None


class _Reasoning(Shape):
    effort: str | None = None
    summary: str | None = None


class ResponsesBody(_OpenAiBody):
    """/v1/responses."""

    input: Annotated[
        Union[
            Annotated[Annotated[list[_InputItem], Field(min_length=1)], Tag(LIST)],
            Annotated[Annotated[str, Field(min_length=1)], Tag(TEXT)],
        ],
        Discriminator(list_or_text),
    ]
    instructions: str | None = None
    max_output_tokens: Count | None = None
    tools: list[_ResponsesTool] | None = None
    tool_choice: (
        Annotated[
            Union[Annotated[_NamedChoice, Tag(OBJECT)], Annotated[Literal["auto", "none", "required"], Tag(TEXT)]],
            Discriminator(object_or_text),
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
