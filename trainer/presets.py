"""Named shapes of models: values that a settings file starts from instead of the defaults."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from lamlam.errors import BadSettings


def _llama(
    width: int, layers: int, heads: int, kv_heads: int, feed_forward: int, *, tied: bool
) -> dict[str, Any]:
    return {
        "family": "llama",
        "width": width,
        "layers": layers,
        "heads": heads,
        "kv_heads": kv_heads,
        "feed_forward": feed_forward,
        "context": 1024,
        "tied": tied,
    }


def _gpt2(width: int, layers: int, heads: int) -> dict[str, Any]:
    return {**_llama(width, layers, heads, heads, 4 * width, tied=True), "family": "gpt2"}


# Of the published models the vocabulary is theirs and the four lookup tokens.
PRESETS: Mapping[str, tuple[Mapping[str, Any], int]] = MappingProxyType(
    {
        "lamlam-30m": (_llama(512, 10, 8, 4, 1024, tied=True), 16_384),
        "lamlam-125m": (_llama(768, 12, 12, 4, 3392, tied=True), 16_384),
        "lmlm-176m": (_llama(512, 8, 8, 8, 11_008, tied=False), 32_004),
        "lmlm-382m": (_llama(768, 12, 12, 12, 11_008, tied=False), 32_004),
        "gpt2-124m": (_gpt2(768, 12, 12), 50_261),
        "gpt2-355m": (_gpt2(1024, 24, 16), 50_261),
        "qwen3-0.6b": (
            {
                **_llama(1024, 28, 16, 8, 3072, tied=True),
                "family": "qwen3",
                "head_dim": 128,
                "rope_theta": 1e6,
            },
            151_936,
        ),
    }
)
"""Name to the values of ``[model]`` and to ``data.vocabulary``.

Sources: Zhao et al. 2025 (arXiv 2505.15962) for lmlm-*, the published configurations of GPT-2
and Qwen 3 for the others. Training takes rows of 1024 tokens in all of them.
"""


def expand_preset(raw: dict[str, Any]) -> dict[str, Any]:
    """Return settings with the values of ``model.preset`` where they give none of their own.

    Args:
        raw: a settings file as TOML gives it.

    Raises:
        BadSettings: no preset of this name, or a preset of the shape of a model that is given.
    """
    model, data = raw.get("model"), raw.get("data", {})
    if not isinstance(model, dict) or "preset" not in model or not isinstance(data, dict):
        return raw
    name = model["preset"]
    if not isinstance(name, str) or name not in PRESETS:
        raise BadSettings(
            f"model.preset is {name!r}, which is none", hint=f"known: {', '.join(PRESETS)}"
        )
    shape, vocabulary = PRESETS[name]
    rest = {key: value for key, value in model.items() if key != "preset"}
    if "init" in rest:
        raise BadSettings(
            "model.preset and model.init are both given: a model that is read has its own shape",
            hint="keep one of them",
        )
    return {**raw, "model": {**shape, **rest}, "data": {"vocabulary": vocabulary, **data}}
