"""What ``--set SECTION.KEY=VALUE`` changes in the settings of a file."""

from __future__ import annotations

import tomllib
from typing import Any

from lamlam.errors import BadSettings


def apply_change(raw: dict[str, Any], change: str) -> None:
    """Change the content of a settings file as one ``SECTION.KEY=VALUE`` says.

    The value is TOML. What is no TOML is text: shells remove the quotes of a file's name.

    Raises:
        BadSettings: there is no name or no value, or the name leads through what is no table.
    """
    name, _, value = change.partition("=")
    *sections, key = name.strip().split(".")
    if not (key and all(sections) and value.strip()):
        raise BadSettings(
            f"cannot read the settings of --set {change!r}: it is not SECTION.KEY=VALUE",
            hint="for example --set run.steps=100; an empty text is '\"\"'",
        )
    part: Any = raw
    for i, section in enumerate(sections):
        if not isinstance(part, dict):
            _refuse(name, sections[:i])
        part = part.setdefault(section, {})
    if not isinstance(part, dict):
        _refuse(name, sections)
    part[key] = _value(value.strip(), change)


def _value(value: str, change: str) -> Any:
    try:
        return tomllib.loads(f"x = {value}")["x"]
    except tomllib.TOMLDecodeError as problem:
        if value[0] in "\"'[{":  # meant as TOML
            raise BadSettings(
                f"cannot read the settings of --set {change}: {problem}",
                hint="a text is 'data.documents=\"notes.jsonl\"'",
            ) from None
        return value


def _refuse(name: str, sections: list[str]) -> None:
    where = ".".join(sections)
    raise BadSettings(
        f"--set {name.strip()}: {where} is not a table of settings",
        hint=f"set {where} itself",
    )
