"""The table of docs/training.md: every setting of a run, its default and its meaning.

    python -m tests.docs.settings_table

writes it into the page, from the fields of trainer/settings.py and what stands below each.
"""

from __future__ import annotations

import ast
import dataclasses
import inspect
import re
from collections.abc import Iterator
from typing import Any, Literal, get_args, get_origin, get_type_hints

from lamlam.trainer.settings import MixtureSource, Settings
from tests.paths import ROOT

HEAD = ("| setting | default | meaning |", "| --- | --- | --- |")


def meanings(kind: type) -> dict[str, str]:
    """Return what stands below each field of a class."""
    (body,) = (
        node.body
        for node in ast.walk(ast.parse(inspect.getsource(kind)))
        if isinstance(node, ast.ClassDef)
    )
    found: dict[str, str] = {}
    for field, below in zip(body, body[1:], strict=False):
        if (
            isinstance(field, ast.AnnAssign)
            and isinstance(field.target, ast.Name)
            and isinstance(below, ast.Expr)
            and isinstance(below.value, ast.Constant)
        ):
            found[field.target.id] = " ".join(str(below.value.value).split())
    return found


def settings_of(kind: type, where: str = "") -> Iterator[tuple[str, str, str]]:
    """Yield name, default and meaning of each setting, those of parts after their whole."""
    said = meanings(kind)
    types = get_type_hints(kind)
    parts: list[tuple[type, str]] = []
    for field in dataclasses.fields(kind):
        name = f"{where}{field.name}"
        factory: Any = field.default_factory
        if isinstance(factory, type) and dataclasses.is_dataclass(factory):
            parts.append((factory, f"{name}."))
        elif name == "data.mixture":
            parts.append((MixtureSource, "data.mixture[]."))
        else:
            default = f"`{_as_toml(field.default)}`"
            if get_origin(types[field.name]) is Literal:
                others = [one for one in get_args(types[field.name]) if one != field.default]
                default += "".join(f" or `{_as_toml(one)}`" for one in others)
            yield name, default, said.get(field.name, "")
    for part, prefix in parts:
        yield from settings_of(part, prefix)


def _as_toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else f"{value}"


def table() -> str:
    """Return the table, one line a setting."""
    lines = [
        f"| `{name}` | {default} | {meaning.replace('``', '`')} |"
        for name, default, meaning in settings_of(Settings)
    ]
    return "\n".join([*HEAD, *lines])


def main() -> None:
    """Write the table into the page, in the place of the one there."""
    page = ROOT / "docs" / "training.md"
    lines = re.escape(HEAD[0]) + r"(?:\n\|.*)*"
    text, n = re.subn(lines, lambda _: table(), page.read_text(encoding="utf-8"))
    assert n == 1, "the page has no table of settings"
    page.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
