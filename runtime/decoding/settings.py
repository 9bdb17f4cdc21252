"""Settings of a generation: limits, miss policy, values, and the preset of the paper."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Literal, TypedDict, get_args

from lamlam.errors import UsageError
from lamlam.runtime.decoding.miss_policies import MISS_POLICIES, PolicyName
from lamlam.runtime.decoding.option_checks import (
    check_bool,
    check_characters,
    check_choice,
    check_int,
    check_names,
    check_number,
    shown,
    stated,
)
from lamlam.runtime.decoding.sampler_settings import SamplerSettings
from lamlam.runtime.decoding.thoughts import ThoughtSettings

if TYPE_CHECKING:
    from pydantic import BaseModel

Verbalise = Literal["copy", "model"]
"""Who writes a fetched value into the text: the runtime, unchanged, or the model."""


_MOST = 2**63 - 1
MOST_ALTERNATIVES = 20
"""The most that `logprobs` may ask for."""


class GenerateKeywords(TypedDict, total=False):
    """Keywords of ``generate`` and ``stream``; ``None`` leaves a setting at its default."""

    max_tokens: int
    temperature: float
    top_p: float
    min_p: float
    repeat_penalty: float
    seed: int | None
    stop: str | Iterable[str] | None
    ignore_eos: bool
    policy: PolicyName | Literal["paper"] | None
    verbalise: Verbalise | None
    lookup_bias: float | None
    max_lookups: int
    max_lookup_tokens: int
    logprobs: int | None
    as_of: int | None
    namespace: Iterable[str] | None
    shared_namespace: Iterable[str] | None


ToolChoice = Literal["auto", "none", "required"]
"""Whether a model may call a tool in a chat, or must."""


class ChatKeywords(GenerateKeywords, total=False):
    """Keywords of ``chat`` and ``stream_chat``."""

    tools: Iterable[Mapping[str, Any] | type[BaseModel] | Callable[..., Any]] | None
    tool_choice: ToolChoice | str | Mapping[str, Any] | None
    parallel_tool_calls: bool | None
    response_format: Mapping[str, Any] | type[BaseModel] | str | None


CHAT_DEFAULTS: dict[str, Any] = {"max_tokens": 256, "max_lookups": 8}
"""Where a chat differs from a completion: an answer is longer, and each lookup takes a turn."""


@dataclass(frozen=True, slots=True)
class GrammarSettings:
    """What a turn of a chat may consist of, where that is not any text."""

    grammar: str
    """Of llguidance: the whole answer, or what begins with a trigger."""
    is_whole: bool
    """The answer is in the grammar from its first token on."""
    max_text_tokens: int
    """Limit of free text; what has begun in the grammar is written to its end."""
    triggers: tuple[str, ...] = ()
    """Where a model has written one of these, the rest of its answer is in the grammar."""
    begins_answer: bool = False
    """A trigger counts only where the answer begins with it."""


@dataclass(frozen=True, slots=True)
class TextSettings:
    """Everything about one generation that its decoder and sampler need."""

    sampler: SamplerSettings = SamplerSettings()
    max_tokens: int = 64
    """Visible tokens after the prompt."""
    max_lookups: int = 64
    max_lookup_tokens: int = 2048
    """Lookup tokens and forced values; reached, no further lookup is opened."""
    policy: PolicyName = "continue"
    """What follows a miss (`miss_policies`)."""
    verbalise: Verbalise = "copy"
    lookup_bias: float = 0.0
    """Added to the logit of the token that opens a lookup."""
    is_bias_steady: bool = False
    """The bias is the same everywhere; else it is more right after the prompt, and none for
    some words after a miss."""
    close_bias: float = 0.0
    """Added to the logits of the tokens that close entity and relation."""
    stop: tuple[str, ...] = ()
    ignore_eos: bool = False
    logprobs: int | None = None
    """How many of the likeliest tokens are listed beside each token of the text; ``None`` lists
    and costs nothing."""
    as_of: int | None = None
    """Memory answers as of this revision; by default as of now."""
    namespace: tuple[str, ...] = ()
    """Whose facts memory answers with first."""
    shared_namespace: tuple[str, ...] | None = None
    """Read where the first has nothing; ``None``: nothing else is, or it is the first itself."""
    grammar: GrammarSettings | None = None
    """The generation is a turn that may call a tool, or whose answer has a form."""
    thoughts: ThoughtSettings | None = None
    """The generation is a turn of a chat, in whose thoughts stop strings do not count."""

    @property
    def namespaces(self) -> tuple[tuple[str, ...], ...]:
        """Those that the text reads, its own first."""
        shared = self.shared_namespace
        return (self.namespace,) if shared is None else (self.namespace, shared)


def text_settings(
    keywords: dict[str, Any], *, verbalise: Verbalise, lookup_bias: float
) -> TextSettings:
    """Return the settings that keywords ask for, over the model's own defaults.

    Engine and command know from here alone which values are valid.

    Raises:
        UnknownOption: a keyword, policy or mode that does not exist.
        UsageError: a value that makes no sense.
    """
    check_names(keywords, GenerateKeywords.__annotations__)
    given = stated(keywords)
    settings: dict[str, Any] = {"verbalise": verbalise, "lookup_bias": lookup_bias}
    sampler: dict[str, Any] = {}
    if given.get("policy") == "paper":
        # Zhao et al. 2025 (arXiv 2505.15962): the settings of their greedy decoding script.
        settings |= {"policy": "unknown", "verbalise": "model"}
        settings |= {"lookup_bias": 4.0, "close_bias": 2.0, "is_bias_steady": True}
        sampler["repeat_penalty"] = 1.2
        del given["policy"]
    settings["stop"] = _stop_strings(given.pop("stop", ()))
    if "namespace" in given or "shared_namespace" in keywords:
        # Late: pydantic comes with it. A shared namespace of `None` says something.
        from lamlam.memory_backends.resolution.layers import read_layers

        layers = read_layers(given.pop("namespace", ()), keywords.get("shared_namespace", ()))
        given.pop("shared_namespace", None)
        settings |= {"namespace": layers.own, "shared_namespace": layers.shared}
    sampler_names = {field.name for field in fields(SamplerSettings)}
    for name, value in given.items():
        (sampler if name in sampler_names else settings)[name] = value
    check_choice("policy", settings.get("policy", "continue"), (*MISS_POLICIES, "paper"))
    check_choice("verbalise", settings["verbalise"], get_args(Verbalise))
    check_number("lookup_bias", settings["lookup_bias"])
    settings["lookup_bias"] = float(settings["lookup_bias"])
    check_bool("ignore_eos", settings.get("ignore_eos", False))
    check_int("max_tokens", settings.get("max_tokens", 1), 1, _MOST)
    for name in ("max_lookups", "max_lookup_tokens"):
        check_int(name, settings.get(name, 0), 0, _MOST)
    check_int("logprobs", settings.get("logprobs", 0), 0, MOST_ALTERNATIVES)
    check_int("as_of", settings.get("as_of", 0), 0, _MOST)
    return TextSettings(sampler=SamplerSettings(**sampler), **settings)


def check_prompt(prompt: object) -> None:
    """Raise `UsageError` unless it is text with something to continue."""
    if not isinstance(prompt, str):
        raise UsageError(f"prompt must be a string, got {type(prompt).__name__}")
    if not prompt.strip():
        raise UsageError("the prompt is empty", hint="give the beginning of a text")
    check_characters("prompt", prompt)


def _stop_strings(stop: Any) -> tuple[str, ...]:  # Any: whatever was given
    texts = (stop,) if isinstance(stop, str) else stop
    if not isinstance(texts, Iterable) or isinstance(texts, bytes | Mapping):
        raise UsageError(f"stop must be a string or several, got {shown(stop)}")
    texts = tuple(texts)
    if any(not isinstance(text, str) or not text for text in texts):
        raise UsageError("stop must be strings that are not empty")
    for text in texts:
        check_characters("stop", text)
    return texts
