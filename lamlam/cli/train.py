"""``lamlam train``: the trainer, for those who installed it."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from lamlam.errors import MissingExtra


def register(app: typer.Typer) -> None:
    """``train`` is a command of ``app``."""
    app.command(
        epilog="Example: lamlam train tiny.toml --minutes 5",
        context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
    )(train)


def train(
    context: typer.Context,
    config: Annotated[Path, typer.Argument(metavar="CONFIG.toml", help="Settings of the run.")],
) -> None:
    """Train a model on documents with facts; further options go to the trainer."""
    for package in ("torch", "transformers", "tokenizers", "safetensors"):
        if find_spec(package) is None:
            raise MissingExtra("train", package)
    from lamlam.trainer.__main__ import main

    status = main([str(config), *context.args])
    if status:
        raise typer.Exit(status)
