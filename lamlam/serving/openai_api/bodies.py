"""Bodies of requests: what all three ways to generate share, and what is refused by name.

Settings of OpenAI's that change nothing here are read and ignored. Those that would change the
text, and that the engine does not have, may only have the value that changes nothing.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    WithJsonSchema,
)

from lamlam.serving.answers.refusals import Refusal

POLICIES = (
    "continue", "ask_again", "unknown", "nearest", "stop", "raise", "memory_only", "paper",
)  # fmt: skip
_OURS = (
    "policy", "verbalise", "lookup_bias", "min_p", "repeat_penalty", "max_lookups",
    "max_lookup_tokens", "as_of", "ignore_eos", "temperature", "top_p", "seed", "stop",
)  # fmt: skip
NamespaceText = Annotated[str, Field(max_length=1000, description="Such as 'users/7'.")]
Ignored = Annotated[Any, Field(description="Read and ignored: it changes nothing here.")]
Text = Annotated[str, Field(min_length=1)]


def only(*allowed: Any, why: str | None = None) -> Any:  # Any: a type
    """Return the type of a setting that may only have values that change nothing.

    Args:
        why: what another one is refused with, and what to do instead.
    """

    def check(value: Any) -> Any:  # Any: JSON
        if not any(_kind(value) is _kind(one) and value == one for one in allowed):
            shown = " or ".join("null" if one is None else repr(one) for one in allowed)
            raise ValueError(why or f"this server has only {shown}")
        return value

    return Annotated[Any, AfterValidator(check), WithJsonSchema({"enum": list(allowed)})]


def _kind(value: Any) -> type:  # Any: JSON
    """Return the type of a value of JSON, which has one of numbers."""
    return float if type(value) is int else type(value)


def _whole(value: Any) -> Any:  # Any: JSON
    return int(value) if type(value) is float and value.is_integer() else value


MOST = 2**53 - 1
"""Greater whole numbers are not the same in all programs that read JSON."""


Natural = Annotated[int, Field(ge=0, le=MOST), BeforeValidator(_whole)]
"""A whole number; in JSON 3.0 is one, too."""
Positive = Annotated[int, Field(ge=1, le=MOST), BeforeValidator(_whole)]
TopCount = Annotated[int, Field(ge=0, le=20), BeforeValidator(_whole)]
TextCount = Annotated[int, Field(ge=1, le=16), BeforeValidator(_whole)]


class GenerationBody(BaseModel):
    """What every request for a text may say."""

    model_config = ConfigDict(extra="forbid", strict=True, json_schema_extra={"type": "object"})

    model: str = Field(description="One of GET /v1/models.")
    stream: bool | None = Field(None, description="Send the text as it is written.")
    temperature: float | None = Field(
        None, ge=0, le=100, allow_inf_nan=False, description="0, the default: the likeliest token."
    )
    top_p: float | None = Field(None, ge=0, le=1)
    seed: Natural | None = None
    user: Ignored = None
    metadata: Ignored = None
    store: Ignored = None
    service_tier: Ignored = None
    safety_identifier: Ignored = None
    prompt_cache_key: Ignored = None
    prompt_cache_retention: Ignored = None
    prompt_cache_options: Ignored = None

    policy: Literal[POLICIES] | None = Field(  # type: ignore[valid-type]  # the names in one place
        None, description="What a miss of memory does."
    )
    verbalise: Literal["copy", "model"] | None = Field(
        None, description="Who writes a fetched value."
    )
    lookup_bias: float | None = Field(None, allow_inf_nan=False, ge=-1000, le=1000)
    min_p: float | None = Field(None, ge=0, le=1)
    repeat_penalty: float | None = Field(None, ge=0.01, le=100)
    max_lookups: Natural | None = None
    max_lookup_tokens: Natural | None = None
    ignore_eos: bool | None = None
    as_of: Natural | None = Field(None, description="Memory answers as it stood at this revision.")
    namespace: NamespaceText | None = Field(
        None, description="Whose facts are read, where the key may choose."
    )

    def options(self) -> dict[str, Any]:
        """Return the settings of the engine that are given."""
        given = {name: getattr(self, name, None) for name in _OURS}
        return {name: value for name, value in given.items() if value is not None}


def wrong(param: str, message: str, code: str = "invalid_value", status: int = 400) -> Refusal:
    """Return the refusal of one field of a body."""
    return Refusal(status, f"{param}: {message}", code, param)
