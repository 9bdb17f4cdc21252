"""``lamlam bench``: speed on this machine."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from typing import Annotated, Any

import typer

from lamlam.cli.model_options import Model
from lamlam.cli.output import print_result
from lamlam.errors import MissingExtra
from lamlam.progress_bars import progress_bar

app = typer.Typer(
    help="Measure this machine: decoding, many generations at a time, lookups, searches, loading.",
    no_args_is_help=True,
)


@app.command(epilog="Example: lamlam bench decode --pairs 9 --json")
def decode(
    model: Model = "bundled",
    memory: Annotated[
        str, typer.Option("--memory", help="A store's URL, or the bundled facts.")
    ] = "bundled",
    pairs: Annotated[
        int, typer.Option(min=1, help="Alternating runs; the medians are reported.")
    ] = 9,
    lookups: Annotated[
        int,
        typer.Option(
            min=0,
            help="Instead: texts with so many lookups, with and without the choice by words.",
        ),
    ] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Compare tokens per second of a bare llama.cpp loop, lamlam, and llama-cpp-python."""
    from lamlam.benchmarks.decode import decode_benchmark
    from lamlam.benchmarks.lookup_text import lookup_text_benchmark
    from lamlam.bundled.model_names import model_file

    path = model_file(model)
    if lookups:
        texts = partial(lookup_text_benchmark, path, lookups=lookups)
        print_result(_with_bar(texts, pairs), as_json)
        return
    measure = partial(decode_benchmark, path, memory=memory)
    figures = _with_bar(measure, pairs, "time to first token")
    print_result(figures, as_json)


def _with_bar(measure: Callable[..., dict[str, Any]], pairs: int, last: str = "") -> dict[str, Any]:
    """Measure with a progress bar on standard error; ``last`` names a step after the rounds."""
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with progress_bar(*columns) as bar:
        task = bar.add_task("loading", total=pairs + bool(last))

        def show(done: int, rounds: int) -> None:
            what = last if last and done == rounds else f"round {done} of {rounds}"
            bar.update(task, description=what, completed=done)

        return measure(pairs=pairs, on_progress=show)


@app.command(epilog="Example: lamlam bench concurrency --sequences 16 --json")
def concurrency(
    sequences: Annotated[
        int, typer.Option(min=1, max=64, help="Generations that run at the same time.")
    ] = 16,
    model: Model = "bundled",
    pairs: Annotated[
        int, typer.Option(min=1, help="Alternating runs; the medians are reported.")
    ] = 9,
    tokens: Annotated[int, typer.Option(min=2, max=128, help="Tokens of each generation.")] = 32,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Compare many generations at a time: a bare llama.cpp loop, lamlam, and any llama-server."""
    from lamlam.benchmarks.concurrency import concurrency_benchmark
    from lamlam.bundled.model_names import model_file

    path = model_file(model)
    figures = _with_bar(
        partial(concurrency_benchmark, path, sequences=sequences, tokens=tokens), pairs
    )
    print_result(figures, as_json)


@app.command(epilog="Example: lamlam bench serve --clients 16 --json")
def serve(
    clients: Annotated[
        int, typer.Option(min=1, max=64, help="Streams that are read at the same time.")
    ] = 16,
    model: Model = "bundled",
    pairs: Annotated[
        int, typer.Option(min=1, help="Alternating runs; the medians are reported.")
    ] = 9,
    tokens: Annotated[int, typer.Option(min=2, max=384, help="Tokens of each text.")] = 128,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Compare what clients of lamlam serve read with what the engine writes by itself.

    And how long a call of a memory tool takes: in the process, by MCP over standard streams and HTTP.
    """
    from lamlam.installed import need

    need("serve")
    need("engine")
    from lamlam.benchmarks.serving import serving_benchmark
    from lamlam.benchmarks.serving_tools import bench_tools
    from lamlam.bundled.model_names import model_file

    path = model_file(model)
    measure = partial(serving_benchmark, path, clients=clients, tokens=tokens)
    figures = _with_bar(measure, pairs)
    print_result(figures | bench_tools(), as_json)


@app.command(epilog="Example: lamlam bench lookup --facts 1000000")
def lookup(
    facts: Annotated[int, typer.Option(min=1, help="How many facts the store holds.")] = 1_000_000,
    memory: Annotated[
        str | None,
        typer.Option("--memory", help="An empty store's URL; default: a temporary file."),
    ] = None,
    pairs: Annotated[
        int,
        typer.Option(
            min=0,
            help="Rounds beside plain SQLite and, where installed, LMDB, Oxigraph and DuckDB.",
        ),
    ] = 9,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Measure the microseconds of an exact, a fuzzy and a cold lookup, and those of other stores.

    On Neo4j: from the copy in this process, from the server, and by a bare query.
    """
    if memory is not None and _is_neo4j(memory):
        from lamlam.benchmarks.neo4j import neo4j_lookup_benchmark

        figures = neo4j_lookup_benchmark(memory, facts)
    else:
        from lamlam.benchmarks.lookup import lookup_benchmark

        figures = lookup_benchmark(facts, memory, peers=pairs)
    print_result(figures, as_json)


@app.command(epilog="Example: lamlam bench search --facts 1000000")
def search(
    facts: Annotated[int, typer.Option(min=1, help="How many facts the store holds.")] = 1_000_000,
    memory: Annotated[
        str | None,
        typer.Option("--memory", help="An empty store's URL; default: a temporary file."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Measure the milliseconds of searches by parts, names and questions, with a search index.

    In a store that you name also of searches without one, and of commits with and without.
    """
    from lamlam.benchmarks.search import search_benchmark, search_elsewhere_benchmark

    if memory is None:
        figures = search_benchmark(facts)
    else:
        figures = search_elsewhere_benchmark(memory, facts)
    print_result(figures, as_json)


@app.command(epilog="Example: lamlam bench load --facts 1000000")
def load(
    facts: Annotated[int, typer.Option(min=1, help="How many facts to write.")] = 100_000,
    memory: Annotated[
        str | None,
        typer.Option("--memory", help="An empty store's URL; default: a temporary file."),
    ] = None,
    pairs: Annotated[
        int,
        typer.Option(
            min=0, help="Rounds, by turns with other stores; 0: imported once, beside nothing."
        ),
    ] = 3,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Measure the import of a file, beside SQLite, LMDB, Oxigraph and DuckDB where installed.

    Of a store that is named, facts written from Python; on Neo4j beside a bare driver.
    """
    if memory is not None and _is_neo4j(memory):
        from lamlam.benchmarks.neo4j import neo4j_load_benchmark

        figures = neo4j_load_benchmark(memory, facts)
    else:
        from lamlam.benchmarks.load import load_benchmark

        figures = load_benchmark(facts, memory, pairs)
    print_result(figures, as_json)


@app.command(epilog="Example: lamlam bench resolve --strangers corpus.jsonl.xz --items 20000")
def resolve(
    strangers: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Documents with titles (.jsonl, .gz, .xz, .bz2), or one name a line; -: standard input.",
        ),
    ] = None,
    memory: Annotated[
        str, typer.Option("--memory", help="A store's URL, or the bundled facts.")
    ] = "bundled",
    items: Annotated[
        int | None, typer.Option(min=1, help="How many strangers, chosen at random; default: all.")
    ] = None,
    misspelt: Annotated[
        int,
        typer.Option(min=1, help="How many stored names are asked for with one letter changed."),
    ] = 2000,
    seed: Annotated[int, typer.Option(help="Of the names and letters chosen.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Count names that memory lacks and answers as something else, and slips that it forgives."""
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn

    from lamlam.benchmarks.resolve import resolve_benchmark

    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with progress_bar(*columns) as bar:
        task = bar.add_task("reading names", total=None)
        figures = resolve_benchmark(
            memory,
            strangers,
            items=items,
            misspelt=misspelt,
            seed=seed,
            on_progress=lambda what, done, total: bar.update(
                task, description=what, completed=done, total=total
            ),
        )
    print_result(figures, as_json)


@app.command(epilog="Example: lamlam bench asking --facts 1000000 --json")
def asking(
    facts: Annotated[
        int, typer.Option(min=1, help="How many invented facts memory is filled with.")
    ] = 100_000,
    memory: Annotated[
        str | None,
        typer.Option("--memory", help="A store that holds facts; default: one of invented facts."),
    ] = None,
    prompts: Annotated[int, typer.Option(min=1, help="Prompts of each form.")] = 300,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Measure the microseconds in which 60 words are read for what they ask memory, or name in it."""
    from lamlam.benchmarks.asking import asking_benchmark

    print_result(asking_benchmark(facts, memory, prompts=prompts), as_json)


def _is_neo4j(url: str) -> bool:
    """Return whether the URL is that of a Neo4j database.

    Raises:
        MissingExtra: its driver is not installed.
    """
    if url.partition(":")[0].partition("+")[0] not in ("neo4j", "bolt"):
        return False
    if find_spec("neo4j") is None:
        raise MissingExtra("neo4j", "the driver of Neo4j")
    return True
