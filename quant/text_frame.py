"""Which tokens a tokenizer puts around every text."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lamlam.errors import BadCheckpoint

_PLAIN = ("ByteLevel", None)  # they move offsets, and add no token


def read_frame(
    state: dict[str, Any],
    named: dict[str, Any],
    ids: dict[str, int],
    special: dict[str, int],
    path: Path,
) -> tuple[bool, bool]:
    """Return whether BOS is put in front of a text, and EOS behind it.

    Args:
        state: the ``tokenizer.json`` at ``path``.
        named: the ``tokenizer_config.json``, whose ``add_bos_token`` may say so, too.
        ids: text of a token to its number.
        special: the numbers of ``bos`` and ``eos``.

    Raises:
        BadCheckpoint: other tokens are added, or the two files contradict one another.
    """
    template = _template(state.get("post_processor"), path)
    frame = _around(template, path) if template is not None else ([], [])
    expected = ([special["bos"]], [special["eos"]])
    adds: list[bool] = []
    for name, tokens, allowed in zip(("bos", "eos"), frame, expected, strict=True):
        found = [ids.get(token) for token in tokens]
        if found and found != allowed:
            raise BadCheckpoint(
                f"{path}: the post-processor adds {', '.join(map(repr, tokens))}, a GGUF file has "
                f"a place for the {name} token alone",
                hint="correct post_processor, or set it to null",
            )
        said = named.get(f"add_{name}_token")
        if said is not None and type(said) is not bool:
            raise BadCheckpoint(
                f"tokenizer_config.json: add_{name}_token must be true or false, got {said!r}"
            )
        if said is not None and template is not None and said != bool(found):
            raise BadCheckpoint(
                f"tokenizer_config.json: add_{name}_token is {str(said).lower()}, but the "
                f"post-processor of tokenizer.json adds {'it' if found else 'none'}",
                hint=f"make both agree, or follow tokenizer.json: --leave-out add_{name}_token",
            )
        adds.append(bool(found) if said is None else said)
    return adds[0], adds[1]


def _template(processor: dict[str, Any] | None, path: Path) -> dict[str, Any] | None:
    """Return the part of a post-processor that adds tokens."""
    parts = [processor or {}]
    if parts[0].get("type") == "Sequence":
        parts = list(parts[0].get("processors") or [])
    adding = [part for part in parts if part.get("type") not in _PLAIN]
    unknown = [part["type"] for part in adding if part["type"] != "TemplateProcessing"]
    if unknown or len(adding) > 1:
        raise BadCheckpoint(
            f"{path}: the post-processor {(unknown or ['TemplateProcessing twice'])[0]} cannot be "
            f"exported",
            hint="only ByteLevel and one TemplateProcessing can",
        )
    return adding[0] if adding else None


def _around(template: dict[str, Any], path: Path) -> tuple[list[str], list[str]]:
    """Return the tokens in front of a text and behind it."""
    pieces = template.get("single") or []
    places = [place for place, piece in enumerate(pieces) if "Sequence" in piece]
    if len(places) != 1:
        raise BadCheckpoint(f"{path}: its post-processor does not write a text once")
    texts = [
        str(piece["SpecialToken"]["id"]) if "SpecialToken" in piece else "" for piece in pieces
    ]
    return texts[: places[0]], texts[places[0] + 1 :]
