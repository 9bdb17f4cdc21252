"""Options of the commands that run a model."""

from __future__ import annotations

from typing import Annotated

import typer

Model = Annotated[
    str, typer.Option("--model", help="A GGUF file, bundled, or a pulled model's name.")
]
Threads = Annotated[
    int | None,
    typer.Option("--threads", help="Most threads that compute; default: usable CPUs."),
]
Temperature = Annotated[
    float, typer.Option("--temperature", help="0 always takes the likeliest token.")
]
Seed = Annotated[
    int | None, typer.Option("--seed", help="Repeats the choices made above temperature 0.")
]
FactsInPrompt = Annotated[
    bool,
    typer.Option(
        "--facts-in-prompt",
        help="For plain models: put what memory would hold of the entity above the prompt.",
    ),
]
