"""``lamlam facts``: read and change what memory holds."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lamlam.cli.output import (
    print_figures,
    print_json,
    printable,
    printable_line,
    stderr_console,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from lamlam.memory_backends.facts import Fact
    from lamlam.memory_backends.operations import Commit
    from lamlam.memory_backends.sync import SyncFactStore

NOT_FOUND = 1

app = typer.Typer(help="Read, import, change and erase facts.", no_args_is_help=True)

_Entity = Annotated[str, typer.Argument(help="Whom or what the fact is about.")]
_Relation = Annotated[str, typer.Argument(help='What is asked about it, as in "birth place".')]
_MaybeRelation = Annotated[str | None, typer.Argument(help="One relation; default: all of them.")]
_ReadMemory = Annotated[
    str | None,
    typer.Option(
        "--memory", help="A store's URL; default: your own facts, or the bundled ones if none."
    ),
]
_WriteMemory = Annotated[
    str | None, typer.Option("--memory", help="A store's URL; default: your own facts.")
]
_Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@app.command("import", epilog="Example: lamlam facts import mine.jsonl")
def import_(
    file: Annotated[
        str, typer.Argument(help="JSON lines, CSV or TSV, also .gz or .xz; - is standard input.")
    ],
    memory: _WriteMemory = None,
    format: Annotated[
        str | None,
        typer.Option("--format", help="jsonl, csv or tsv; default: what the name says."),
    ] = None,
    skip_invalid: Annotated[
        bool, typer.Option("--skip-invalid", help="Leave bad lines out and count them.")
    ] = False,
    as_json: _Json = False,
) -> None:
    """Add the facts of a file: all of them, or none if a line is bad.

    A line is {"entity": …, "relation": …, "value": …, "source": …}, the source optional.
    """
    from lamlam.memory_backends.fact_files import FactFile

    began = time.perf_counter()
    with _progress(f"importing {file}") as advance:
        facts = FactFile(file, format=format, skip_invalid=skip_invalid, on_progress=advance)
        n_read = 0

        def counted() -> Iterator[Fact]:
            nonlocal n_read
            for fact in facts:
                n_read += 1
                yield fact

        commit, location = _load(memory, counted())
    if facts.first_reason:
        said = f"{facts.rejected} line(s) left out, the first: {facts.first_reason}"
        stderr_console().print(printable_line(said), soft_wrap=True)
    _print(
        {
            "facts": n_read,
            "rejected": facts.rejected,
            "seconds": round(time.perf_counter() - began, 3),
            "changed": commit.facts,
            "revision": commit.revision,
            "memory": location,
        },
        as_json,
    )


@app.command(epilog="Example: lamlam facts export all.jsonl.gz --memory sqlite:///mine.db")
def export(
    file: Annotated[str, typer.Argument(help="JSON lines, also .gz or .xz; - is standard output.")],
    memory: _ReadMemory = None,
    as_json: _Json = False,
) -> None:
    """Write every fact to a file of JSON lines that import reads."""
    from lamlam.errors import UsageError
    from lamlam.memory_backends.fact_files import write_facts

    if file == "-" and as_json:
        raise UsageError("--json and - both want standard output", hint="name a file")
    began = time.perf_counter()
    with _any_store(memory) as store:
        n_facts = write_facts(store.scan(), file)
        revision = store.info().revision
    if file != "-":
        seconds = round(time.perf_counter() - began, 3)
        _print({"facts": n_facts, "revision": revision, "seconds": seconds}, as_json)


@app.command(epilog='Example: lamlam facts get "Elvis Presley" "place of birth"')
def get(
    entity: _Entity, relation: _Relation, memory: _ReadMemory = None, as_json: _Json = False
) -> None:
    """Show what memory answers. Exit status 1 if it has no answer."""
    from lamlam.cli.facts_output import lookup_as_json, print_lookup, print_not_found
    from lamlam.memory_backends.urls import BUNDLED

    with _any_store(memory) as store:
        result = store.lookup(entity, relation)
    if memory is None and not result.values:
        # What the user's own file does not know, the bundled facts may.
        with _any_store(BUNDLED) as store:
            bundled = store.lookup(entity, relation)
        result = bundled if bundled.values else result
    if as_json:
        print_json(lookup_as_json(result))
    elif result.values:
        print_lookup(result)
    else:
        print_not_found(result, entity, relation)
    if not result.values:
        raise typer.Exit(NOT_FOUND)


@app.command("set", epilog='Example: lamlam facts set "Ada Quill" "birth place" Lowmere')
def set_(
    entity: _Entity,
    relation: _Relation,
    value: Annotated[str, typer.Argument(help="What holds from now on.")],
    memory: _WriteMemory = None,
    source: Annotated[str | None, typer.Option("--source", help="Where it is known from.")] = None,
    add: Annotated[
        bool, typer.Option("--add", help="Keep the values that the relation already has.")
    ] = False,
    as_json: _Json = False,
) -> None:
    """Set the value of a relation; the values before it end, and stay in the history."""
    from lamlam.memory_backends.facts import Fact
    from lamlam.memory_backends.operations import Assert, Replace

    fact = Fact(entity=entity, relation=relation, value=value, source=source)
    with _own_store(memory, create=True) as store:
        if add:
            # A sibling goes where the others are, whatever synonym they are kept under.
            held = store.lookup(entity, relation).match
            if held.entity.kind == "exact" and held.relation.kind == "synonym":
                fact = fact.model_copy(update={"relation": held.relation.matched})
        commit = store.apply([Assert(fact) if add else Replace(fact)])
        result = store.lookup(entity, relation)
        location = store.info().location
    _print(
        {
            "revision": commit.revision,
            "facts": commit.facts,
            "values": list(result.values),
            "fact_ids": list(result.fact_ids),
            "memory": location,
        },
        as_json,
    )


@app.command(epilog='Example: lamlam facts retract "Ada Quill" "birth place" Lowmere')
def retract(
    entity: _Entity,
    relation: _Relation,
    value: Annotated[
        str | None, typer.Argument(help="One value; default: all of the relation.")
    ] = None,
    memory: _WriteMemory = None,
    as_json: _Json = False,
) -> None:
    """End facts; they stay readable in the history. Exit status 1 if there are none."""
    from lamlam.memory_backends.operations import Retract

    with _own_store(memory) as store:
        commit = store.apply([Retract(entity, relation, value)])
        if not commit.facts:
            _hint_at_name(store, entity, relation)
    _print({"revision": commit.revision, "facts": commit.facts}, as_json)
    if not commit.facts:
        raise typer.Exit(NOT_FOUND)


@app.command(epilog='Example: lamlam facts forget "Ada Quill" "birth place" --reason "she asked"')
def forget(
    entity: _Entity,
    relation: _MaybeRelation = None,
    memory: _WriteMemory = None,
    reason: Annotated[str | None, typer.Option("--reason", help="Stands in the receipt.")] = None,
    as_json: _Json = False,
) -> None:
    """Erase facts, their history included, and print the receipt. Exit status 1 if none."""
    from dataclasses import asdict

    with _own_store(memory) as store:
        receipt = store.erase(entity, relation, reason=reason)
        if not receipt.facts:
            _hint_at_name(store, entity, relation)
    if as_json:
        print_json(asdict(receipt))
    elif receipt.facts:
        typer.echo(printable(str(receipt)))
    if not receipt.facts:
        raise typer.Exit(NOT_FOUND)


@app.command(epilog='Example: lamlam facts history "Ada Quill"')
def history(
    entity: _Entity,
    relation: _MaybeRelation = None,
    memory: _WriteMemory = None,
    as_json: _Json = False,
) -> None:
    """Show facts that have ended, oldest first. Exit status 1 if there are none."""
    from lamlam.cli.facts_output import past_fact_as_json, print_past_facts

    with _own_store(memory, read_only=True) as store:
        past = store.history(entity, relation)
    if as_json:
        print_json({"facts": [past_fact_as_json(one) for one in past]})
    elif past:
        print_past_facts(past)
    if not past:
        if not as_json:
            stderr_console().print(
                printable_line(f"nothing about {_short(entity)!r} has ended"), soft_wrap=True
            )
        raise typer.Exit(NOT_FOUND)


@app.command(epilog="Example: lamlam facts search Presley")
def search(
    text: Annotated[str, typer.Argument(help="Part of a name or value, or a name misspelt.")],
    memory: _ReadMemory = None,
    limit: Annotated[int, typer.Option(min=1, help="Most facts to show.")] = 20,
    as_json: _Json = False,
) -> None:
    """Find entities and facts. Exit status 1 if there are none."""
    from lamlam.cli.facts_output import fact_as_json, print_facts

    with _any_store(memory) as store:
        found = _search(store, text, limit)
    if as_json:
        entities = list(dict.fromkeys(fact.entity for fact in found))
        print_json({"entities": entities, "facts": [fact_as_json(fact) for fact in found]})
    elif found:
        print_facts(found)
    if not found:
        if not as_json:
            stderr_console().print(
                printable_line(f"nothing in memory holds {_short(text)!r}"), soft_wrap=True
            )
        raise typer.Exit(NOT_FOUND)


@app.command(epilog="Example: lamlam facts stats --memory bundled")
def stats(memory: _ReadMemory = None, as_json: _Json = False) -> None:
    """Count what memory holds, and say where it lies."""
    from dataclasses import asdict

    with _any_store(memory) as store:
        figures = asdict(store.info())
    del figures["read_only"]  # of this opening, not of the store
    _print({name: value for name, value in figures.items() if value is not None}, as_json)


def _short(text: str) -> str:
    """Return the text, or its beginning where nobody would read it all."""
    return text if len(text) <= 60 else f"{text[:57]}..."


# Stores ---------------------------------------------------------------------------------------


def _any_store(memory: str | None) -> SyncFactStore:
    """The store to read: as named, or the user's own facts, or the bundled ones."""
    from lamlam.memory_backends.sync import SyncFactStore
    from lamlam.memory_backends.urls import BUNDLED, user_facts_path

    own = user_facts_path()
    url = memory or (f"sqlite:///{own}" if own.exists() else BUNDLED)
    return SyncFactStore(url, create=False, read_only=True)


def _own_store(
    memory: str | None, *, create: bool = False, read_only: bool = False
) -> SyncFactStore:
    """The store to change: as named, or the user's own facts, which may be none so far."""
    from lamlam.memory_backends.sync import SyncFactStore
    from lamlam.memory_backends.urls import user_facts_path

    if memory is None:
        path = user_facts_path()
        if create:
            path.parent.mkdir(parents=True, exist_ok=True)
        elif not path.exists():
            return SyncFactStore("memory:")
        memory = f"sqlite:///{path}"
    return SyncFactStore(memory, create=create, read_only=read_only)


def _load(memory: str | None, facts: Iterator[Fact]) -> tuple[Commit, str]:
    """All facts are in the store, or none and no store was made; also return where it lies."""
    target = _file_of(memory)
    if target is not None and not target.exists():
        return _load_new(target, facts)
    with _own_store(memory, create=True) as store:
        return store.load(facts), store.info().location


def _load_new(target: Path, facts: Iterator[Fact]) -> tuple[Commit, str]:
    """The facts are in a file that was not there when the import began.

    They are gathered beside it, so that a bad line leaves nothing behind and nothing is
    ever taken from another process that makes the file meanwhile.
    """
    import secrets

    from lamlam.memory_backends.sync import SyncFactStore

    beside = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    try:
        with SyncFactStore(beside) as gathered:
            commit = gathered.load(facts)
        if not _has_become(beside, target):
            with SyncFactStore(target) as store, SyncFactStore(beside, read_only=True) as gathered:
                commit = store.load(gathered.scan())
    finally:
        for suffix in ("", "-wal", "-shm"):
            beside.with_name(beside.name + suffix).unlink(missing_ok=True)
    return commit, str(target.resolve())


def _has_become(beside: Path, target: Path) -> bool:
    """The closed file stands under its name; not where another does, or links are unknown."""
    import os

    if beside.with_name(f"{beside.name}-wal").exists():
        return False
    try:
        os.link(beside, target)
    except OSError:
        return False
    return True


def _file_of(memory: str | None) -> Path | None:
    """The file to be made for a store to change, its folder included if it is the user's own."""
    from pathlib import Path

    from lamlam.memory_backends.urls import user_facts_path

    if memory is None:
        path = user_facts_path()
        path.parent.mkdir(parents=True, exist_ok=True)
        return path
    file = memory.removeprefix("sqlite:///")
    return Path(file) if file and file != memory else None


# Helpers --------------------------------------------------------------------------------------


def _search(store: SyncFactStore, text: str, limit: int) -> list[Fact]:
    """Facts of the entity that the text means, then of entities and with values that hold it."""
    from lamlam.memory_backends.keys import canonical_key, folded_key

    wanted, folded = canonical_key(text), folded_key(text)
    found: dict[str | None, Fact] = {}
    meant = store.describe_nowait(text)
    if meant is not None:
        found.update((fact.id, fact) for fact in store.scan(meant.name))
    by_value: list[Fact] = []
    for fact in store.scan():
        if len(found) >= limit:
            break
        if wanted in canonical_key(fact.entity) or folded in folded_key(fact.entity):
            found[fact.id] = fact
        elif len(by_value) < limit and wanted in canonical_key(fact.value):
            by_value.append(fact)
    return [*found.values(), *by_value][:limit]


def _hint_at_name(store: SyncFactStore, entity: str, relation: str | None) -> None:
    """One line says which stored name may have been meant: nothing is changed on a guess."""
    said = f"memory holds nothing of {entity!r} by exactly this name"
    meant = store.describe_nowait(entity)
    if meant is not None:
        said = f"memory holds nothing of {entity!r} by exactly this name, but of {meant.name!r}"
        if meant.match.kind == "exact":
            said = f"memory holds no {relation!r} of {meant.name!r}"
    stderr_console().print(printable(said), soft_wrap=True)


def _print(figures: dict[str, Any], as_json: bool) -> None:
    (print_json if as_json else print_figures)(figures)


@contextmanager
def _progress(title: str) -> Iterator[Any]:  # Any: a callable, or None
    """Give what the reader of a file tells its progress to; a bar only on a terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.progress import Progress

    with Progress(console=stderr_console(), transient=True) as progress:
        task = progress.add_task(title, total=None)

        def advance(n_bytes: int, total: int | None) -> None:
            progress.update(task, completed=n_bytes, total=total)

        yield advance
