"""``lamlam bench``: speed on this machine."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

import typer

from lamlam.cli.output import print_figures, print_json, stderr_console
from lamlam.errors import MissingExtra

app = typer.Typer(
    help="Measure speed on this machine: decoding, many texts at a time, lookups, loading.",
    no_args_is_help=True,
)


@app.command(epilog="Example: lamlam bench decode --pairs 9 --json")
def decode(
    model: Annotated[
        str, typer.Option("--model", help="A GGUF file, or the bundled model.")
    ] = "bundled",
    memory: Annotated[
        str, typer.Option("--memory", help="A store's URL, or the bundled facts.")
    ] = "bundled",
    pairs: Annotated[
        int, typer.Option(min=1, help="Alternating runs; the medians are reported.")
    ] = 9,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Tokens per second: a bare llama.cpp loop, lamlam, and llama-cpp-python side by side."""
    from lamlam.bundled import model_path

    path = model_path() if model == "bundled" else Path(model)
    figures = _decode(path, memory, pairs)
    (print_json if as_json else print_figures)(figures)


def _decode(model: Path, memory: str, pairs: int) -> dict[str, Any]:
    """Measure with a progress bar on standard error."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    from lamlam.benchmarks.decode import decode_benchmark

    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    console = stderr_console()
    # Where there is no terminal even a bar that is never drawn would leave an empty line.
    hidden = not console.is_terminal
    with Progress(*columns, console=console, transient=True, disable=hidden) as bar:
        # One step more than rounds: the processes that measure the first token come last.
        task = bar.add_task("loading", total=pairs + 1)

        def show(done: int, rounds: int) -> None:
            what = f"round {done} of {rounds}" if done < rounds else "time to first token"
            bar.update(task, description=what, completed=done)

        return decode_benchmark(model, memory=memory, pairs=pairs, on_progress=show)


@app.command(epilog="Example: lamlam bench concurrency --sequences 16 --json")
def concurrency(
    sequences: Annotated[
        int, typer.Option(min=1, max=64, help="Texts written at the same time.")
    ] = 16,
    model: Annotated[
        str, typer.Option("--model", help="A GGUF file, or the bundled model.")
    ] = "bundled",
    pairs: Annotated[
        int, typer.Option(min=1, help="Alternating runs; the medians are reported.")
    ] = 9,
    tokens: Annotated[int, typer.Option(min=2, max=128, help="Tokens of each text.")] = 32,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Many texts at a time: a bare llama.cpp loop, lamlam, and llama-server where it is found."""
    from lamlam.bundled import model_path

    path = model_path() if model == "bundled" else Path(model)
    figures = _concurrency(path, sequences, pairs, tokens)
    (print_json if as_json else print_figures)(figures)


def _concurrency(model: Path, sequences: int, pairs: int, tokens: int) -> dict[str, Any]:
    """Measure with a progress bar on standard error."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    from lamlam.benchmarks.concurrency import concurrency_benchmark

    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    console = stderr_console()
    # Where there is no terminal even a bar that is never drawn would leave an empty line.
    hidden = not console.is_terminal
    with Progress(*columns, console=console, transient=True, disable=hidden) as bar:
        task = bar.add_task("loading", total=pairs)

        def show(done: int, rounds: int) -> None:
            bar.update(task, description=f"round {done} of {rounds}", completed=done)

        return concurrency_benchmark(
            model, sequences=sequences, pairs=pairs, tokens=tokens, on_progress=show
        )


@app.command(epilog="Example: lamlam bench lookup --facts 1000000")
def lookup(
    facts: Annotated[int, typer.Option(min=1, help="How many facts the store holds.")] = 1_000_000,
    memory: Annotated[
        str | None,
        typer.Option("--memory", help="An empty store's URL; default: a temporary file."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Microseconds for an exact, a fuzzy and a cold lookup.

    On Neo4j: from the copy in this process, from the server, and by a bare query.
    """
    if memory is not None and _is_neo4j(memory):
        from lamlam.benchmarks.neo4j import neo4j_lookup_benchmark

        figures = neo4j_lookup_benchmark(memory, facts)
    else:
        from lamlam.benchmarks.lookup import lookup_benchmark

        figures = lookup_benchmark(facts, memory)
    (print_json if as_json else print_figures)(figures)


@app.command(epilog="Example: lamlam bench load --facts 1000000")
def load(
    facts: Annotated[int, typer.Option(min=1, help="How many facts to write.")] = 100_000,
    memory: Annotated[
        str | None,
        typer.Option("--memory", help="An empty store's URL; default: a temporary file."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Facts written per second, and the memory that it takes; on Neo4j beside a bare driver."""
    if memory is not None and _is_neo4j(memory):
        from lamlam.benchmarks.neo4j import neo4j_load_benchmark

        figures = neo4j_load_benchmark(memory, facts)
    else:
        from lamlam.benchmarks.lookup import load_benchmark

        figures = load_benchmark(facts, memory)
    (print_json if as_json else print_figures)(figures)


def _is_neo4j(url: str) -> bool:
    """True for the URL of a Neo4j database.

    Raises:
        MissingExtra: its driver is not installed.
    """
    if url.partition(":")[0].partition("+")[0] not in ("neo4j", "bolt"):
        return False
    if find_spec("neo4j") is None:
        raise MissingExtra("neo4j", "the driver of Neo4j")
    return True
