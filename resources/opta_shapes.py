"""What the shapes of requests are made of. They check what LiteLLM and our own modules depend on (opta_anthropic_shapes.py,
opta_openai_shapes.py).

LiteLLM 1.106.2 checks next to nothing and fails at any wrong type: 500, which clients retry ten times. pydantic's error messages
are those of Anthropic's API ("max_tokens: Field required"). Parts that an API leaves open, or that are passed on unchanged, are
open here too: the schemas of tools. Kinds of content are not: LiteLLM silently drops those that it doesn't know.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field

# Names of the choices below, which are in pydantic's error locations but not in the body.
LIST: Final = "a list"
TEXT: Final = "a text"
OBJECT: Final = "an object"
OPEN: Final = "open"

# llama-server's counts are 32 bits wide (server-task.cpp).
MOST: Final = 2**31 - 1


def place_of(location: tuple[int | str, ...]) -> str:
    """Where in the body, as Anthropic writes it: messages.0.content.1.text"""
    return ".".join(str(part) for part in location if part not in (LIST, TEXT, OBJECT, OPEN) and not _is_kind(part))


def _is_kind(part: int | str) -> bool:
    return isinstance(part, str) and part.startswith("kind:")


class Shape(BaseModel):
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


def list_or_text(value: object) -> str:
    return LIST if isinstance(value, list) else TEXT


def object_or_text(value: object) -> str:
    return OBJECT if isinstance(value, dict) else TEXT


def kind_among(names: frozenset[str]) -> Discriminator:
    def kind(value: object) -> str:
        name = value.get("type") if isinstance(value, dict) else None
        return f"kind:{name}" if isinstance(name, str) and name in names else OPEN

    return Discriminator(kind)


class Typed(Shape):
    """An object of any type."""

    type: Name


class Function(Shape):
    name: ToolName
    description: str | None = None
    parameters: Object | None = None
    strict: bool | None = None


class ChatTool(Shape):
    type: Literal["function"]
    function: Function


class AnswerFormat(Shape):
    type: Literal["json_schema"]
    schema_: Annotated[Object, Field(alias="schema")]
