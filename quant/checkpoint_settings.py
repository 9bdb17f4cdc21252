"""What a Hugging Face folder says beside its weights and its vocabulary."""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lamlam.errors import BadCheckpoint, UnknownOption

_TEMPLATES = "chat_template"
_TEMPLATE_NAME = re.compile(r"[A-Za-z0-9_]+")


@dataclass(frozen=True, slots=True)
class CheckpointSettings:
    """The JSON files of a checkpoint, and its chat templates."""

    config: dict[str, Any]
    """``config.json``."""
    tokenizer: dict[str, Any]
    """``tokenizer_config.json``; empty without one."""
    generation: dict[str, Any] | None
    """``generation_config.json``; None without one: then ``config`` speaks for it."""
    chat_templates: dict[str, str]
    """Name to template; the usual one is called ``default``."""


def read_settings(hf_dir: Path, leave_out: Collection[str] = ()) -> CheckpointSettings:
    """Return what the folder says.

    Args:
        leave_out: settings to read over, in whichever file they stand.

    Raises:
        BadCheckpoint: a file is not readable, or a chat template of no known form.
        UnknownOption: a name in ``leave_out`` that no file has.
    """
    config = read_json(hf_dir / "config.json")
    tokenizer = _optional(hf_dir / "tokenizer_config.json")
    generation = _optional(hf_dir / "generation_config.json")
    said = {*config, *(tokenizer or {}), *(generation or {}), _TEMPLATES}
    for name in leave_out:
        if name not in said:
            raise UnknownOption(
                f"--leave-out {name}: the checkpoint has no setting of this name",
                hint="name a key of config.json, generation_config.json or tokenizer_config.json",
            )
        for settings in (config, tokenizer or {}, generation or {}):
            settings.pop(name, None)
    named = (tokenizer or {}).get(_TEMPLATES)
    templates = {} if _TEMPLATES in leave_out else _templates(hf_dir, named)
    _check_template_names(templates)
    return CheckpointSettings(config, tokenizer or {}, generation, templates)


_CUT = "the file may be cut: copy or download the checkpoint again"


def read_json(path: Path) -> dict[str, Any]:
    """Return the object in a JSON file.

    Raises:
        BadCheckpoint: not readable, or not a JSON object.
    """
    try:
        value = json.loads(_text(path))
    except (ValueError, RecursionError) as problem:
        raise BadCheckpoint(f"cannot read {path}: {problem}", hint=_CUT) from None
    if not isinstance(value, dict):
        raise BadCheckpoint(f"{path} is not a JSON object")
    return value


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8")
    except OSError as problem:
        hint = "name the folder that training has written" if not path.exists() else None
        raise BadCheckpoint(f"cannot read {path}: {problem.strerror}", hint=hint) from None
    except UnicodeDecodeError as problem:
        raise BadCheckpoint(f"cannot read {path}: {problem}", hint=_CUT) from None


def _optional(path: Path) -> dict[str, Any] | None:
    return read_json(path) if path.is_file() else None


def _templates(hf_dir: Path, named: Any) -> dict[str, str]:
    """Return the chat templates; a file of its own wins over a setting, as transformers has it."""
    legacy = (_optional(hf_dir / "chat_template.json") or {}).get(_TEMPLATES)
    found = _by_name(named if named is not None else legacy)
    folder = hf_dir / "additional_chat_templates"
    for path in (hf_dir / "chat_template.jinja", *sorted(folder.glob("*.jinja"))):
        if path.is_file():
            found["default" if path.parent == hf_dir else path.stem] = _text(path)
    return found


def _by_name(template: Any) -> dict[str, str]:
    if template is None:
        return {}
    if isinstance(template, str):
        return {"default": template}
    entries = list(template.items()) if isinstance(template, dict) else _entries(template)
    if not all(isinstance(part, str) for entry in entries for part in entry):
        raise _unknown_form()
    return dict(entries)


def _entries(template: Any) -> list[tuple[Any, Any]]:
    try:
        return [(entry["name"], entry["template"]) for entry in template]
    except (TypeError, KeyError):
        raise _unknown_form() from None


def _unknown_form() -> BadCheckpoint:
    return BadCheckpoint(
        "chat_template must be a text or a list of objects with name and template",
        hint=f"correct it, or export without it: --leave-out {_TEMPLATES}",
    )


def _check_template_names(templates: dict[str, str]) -> None:
    for name in templates:
        if not _TEMPLATE_NAME.fullmatch(name):
            raise BadCheckpoint(
                f"the chat template {name!r} has no place in a GGUF file: a name there has only "
                f"letters, digits and _",
                hint=f"rename it, or export without templates: --leave-out {_TEMPLATES}",
            )
    if templates and "default" not in templates:
        raise BadCheckpoint(
            f"none of the chat templates ({', '.join(sorted(templates))}) is the default",
            hint=f"call one of them default, or export without: --leave-out {_TEMPLATES}",
        )
