"""Facts in and out: ``import``, ``export``, ``copy`` and ``migrate``."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lamlam.cli.facts_options import (
    AsOf,
    InNamespace,
    Json,
    OfNamespace,
    ReadMemory,
    WriteMemory,
    namespace_of,
)
from lamlam.cli.facts_progress import bytes_read, counted
from lamlam.cli.facts_stores import any_store, is_same_file, load, own_store, say_how_to_ask
from lamlam.cli.output import (
    notes_of,
    print_json,
    print_result,
    printable_line,
    saying_what_is_done,
    stderr_console,
)

if TYPE_CHECKING:
    from lamlam.errors import LamLamError
    from lamlam.memory_backends.fact_formats.fact_files import FactFile
    from lamlam.memory_backends.fact_formats.format import Item
    from lamlam.memory_backends.model.bulk_rows import BulkParts
    from lamlam.memory_backends.model.facts import Fact, Namespace

FormatOption = Annotated[
    str | None,
    typer.Option(
        "--format",
        help="jsonl, csv, tsv, nt, nq, ttl, trig, jsonld, rdf, lmlm or cypher; parquet and arrow are only read. Default: by the file's name, or jsonl.",
    ),
]
_CommitEvery = Annotated[
    int | None,
    typer.Option(
        "--commit-every",
        metavar="N",
        min=1,
        help="Commit after every N facts, not once: for a Neo4j server with little memory.",
    ),
]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command("import", epilog="Example: lamlam facts import mine.jsonl")(import_)
    app.command(epilog="Example: lamlam facts export all.jsonl.gz --memory sqlite:///mine.db")(
        export
    )
    app.command(epilog="Example: lamlam facts copy sqlite:///mine.db neo4j://localhost")(copy)
    app.command(epilog="Example: lamlam facts migrate --memory sqlite:///mine.db --dry-run")(
        migrate
    )


def import_(
    file: Annotated[
        str,
        typer.Argument(
            help="JSON, CSV, TSV, RDF, Cypher or an LMLM database, also .gz, .xz or .bz2;"
            " - is standard input."
        ),
    ],
    memory: WriteMemory = None,
    format: FormatOption = None,
    skip_invalid: Annotated[
        bool,
        typer.Option(
            "--skip-invalid",
            help="Leave out lines that are not facts, and count them. What the store refuses still"
            " stops the import.",
        ),
    ] = False,
    ignore_unknown: Annotated[
        bool,
        typer.Option("--ignore-unknown", help="Ignore unknown keys and columns."),
    ] = False,
    columns: Annotated[
        str | None,
        typer.Option(
            "--columns",
            metavar="NAMES",
            help="What the columns of a table are, in order: entity,relation,value (- skips one).",
        ),
    ] = None,
    header: Annotated[
        bool | None,
        typer.Option(
            "--header/--no-header",
            help="The first line of a table names the columns, or is a fact:"
            " entity, relation, value.",
            show_default=False,
        ),
    ] = None,
    wide: Annotated[
        bool,
        typer.Option(
            "--wide",
            help="A row of the table is an entity: first its name, then a column a relation.",
        ),
    ] = False,
    language: Annotated[
        str,
        typer.Option(
            "--language",
            metavar="TAG",
            help="Of RDF: which labels and texts to take where there are several; * takes all.",
        ),
    ] = "en",
    commit_every: _CommitEvery = None,
    namespace: InNamespace = None,
    as_json: Json = False,
) -> None:
    """Add the facts of a file: all of them, or none if a line is bad.

    Columns of CSV and TSV, and keys of JSON: entity, relation, value, and as
    wanted type (only of a column: text, integer, decimal, boolean, date,
    quantity or entity), surface, source, sources, confidence, valid_from,
    valid_to, namespace. Facts that name no namespace go into --namespace.

    CSV: a first line entity,relation,value,type,source and below it
    Ada Quill,born,1815-12-10,date,parish book

    JSON: {"entity": "Ada Quill", "relation": "job", "value": "miller"} on
    each line, a list of such objects, or {"Ada Quill": {"job": "miller"}};
    a date is {"date": "1815-12-10"}, another entity {"entity": "Bob Ferris"}

    Parquet and Arrow (Feather) files have columns of these names, and need
    the extra arrow. RDF, LMLM databases and the memory.jsonl of the MCP memory server are read
    as they are. Of a spreadsheet (.xlsx, .ods) save a sheet as CSV (UTF-8).
    """
    from lamlam.memory_backends.fact_formats.fact_files import FactFile

    began = time.perf_counter()
    with bytes_read(f"importing {file}") as advance:
        opened = FactFile(
            file,
            format=format,
            skip_invalid=skip_invalid,
            ignore_unknown=ignore_unknown,
            columns=None if columns is None else columns.split(","),
            header=header,
            wide=wide,
            language=language,
            on_progress=advance,
        )
        reading = _FileReading(
            opened,
            is_in_parts=commit_every is not None,
            is_skipping=skip_invalid,
            namespace=namespace_of(namespace),
        )
        with saying_what_is_done(), reading.naming_lines():
            commit, location = load(memory, reading, commit_every)
    for note in opened.notes:
        stderr_console().print(printable_line(note), soft_wrap=True)
    if opened.left_out:
        counts = ", ".join(f"{what}: {number:,}" for what, number in opened.left_out.items())
        stderr_console().print(printable_line(f"left out of the file: {counts}"), soft_wrap=True)
    if opened.first_reason:
        said = f"{opened.rejected} line(s) left out, the first: {opened.first_reason}"
        stderr_console().print(printable_line(said), soft_wrap=True)
    figures = {
        "facts": reading.n_facts,
        "rejected": opened.rejected,
        **({"left_out": opened.left_out} if as_json and opened.left_out else {}),
        **({"qualified": opened.qualified} if opened.qualified else {}),
        "seconds": round(time.perf_counter() - began, 3),
        "changed": commit.facts,
        "revision": commit.revision,
        "memory": location,
    }
    print_result(figures, as_json)
    if memory is None and not as_json:
        say_how_to_ask()


def export(
    file: Annotated[
        str, typer.Argument(help="The file to write, also .gz, .xz or .bz2; - is standard output.")
    ],
    memory: ReadMemory = None,
    format: FormatOption = None,
    namespace: OfNamespace = None,
    as_of: AsOf = None,
    as_json: Json = False,
) -> None:
    """Write every fact, alias and rule to a file that import reads.

    What the format cannot keep is counted on standard error.
    """
    from lamlam.errors import UsageError
    from lamlam.memory_backends.fact_formats.fact_files import write_facts
    from lamlam.memory_backends.transfer import contents

    if file == "-" and as_json:
        raise UsageError("--json and - both write to standard output", hint="name a file")
    began = time.perf_counter()
    space = None if namespace is None else namespace_of(namespace)
    if file != "-" and not Path(file).name:
        raise UsageError(f"{file!r} is not the name of a file")
    with any_store(memory) as store:
        info = store.info()
        if is_same_file(file, info.location):
            raise UsageError(
                f"{file} is the memory itself, and export would write over it",
                hint="name another file",
            )
        items = counted(
            contents(store, namespace=space, as_of=as_of), f"exporting {file}", info.facts
        )
        written = write_facts(items, file, format=format)
    if as_of is not None:
        stderr_console().print("left out: aliases, which are not known of the past", soft_wrap=True)
    if written.lost:
        said = f"left out, as the format cannot keep them: {written.lost}"
        stderr_console().print(printable_line(said), soft_wrap=True)
    if file != "-":
        seconds = round(time.perf_counter() - began, 3)
        revision = info.revision if as_of is None else as_of
        lost = {"lost": written.lost} if as_json or written.lost else {}
        print_result(
            {"facts": written.facts, "revision": revision, **lost, "seconds": seconds}, as_json
        )


def copy(
    source: Annotated[str, typer.Argument(metavar="FROM", help="URL of the store to read.")],
    target: Annotated[
        str, typer.Argument(metavar="TO", help="URL of the store to add to; created if missing.")
    ],
    namespace: OfNamespace = None,
    commit_every: _CommitEvery = None,
    as_json: Json = False,
) -> None:
    """Add all that one store holds now to another: facts, aliases and rules, or nothing."""
    from lamlam.memory_backends.transfer import contents

    began = time.perf_counter()
    space = None if namespace is None else namespace_of(namespace)
    with any_store(source) as store:
        items = counted(contents(store, namespace=space), "copying", store.info().facts)
        with saying_what_is_done():
            commit, location = load(target, items, commit_every)
    figures = {
        "changed": commit.facts,
        "revision": commit.revision,
        "memory": location,
        "seconds": round(time.perf_counter() - began, 3),
    }
    print_result(figures, as_json)


def migrate(
    memory: WriteMemory = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be done, without doing it.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Upgrade a store that an older version made to this version's schema."""
    from dataclasses import asdict

    with saying_what_is_done(), own_store(memory) as store:
        report = store.migrate(dry_run=dry_run)
    if as_json:
        print_json(asdict(report))
        return
    what = "would do" if dry_run else "done"
    for step in report.steps:
        typer.echo(f"{what}: {printable_line(step)}")
    if not report.steps:
        typer.echo(f"nothing to do: the schema is {report.after}")


def _within(item: Item, namespace: Namespace) -> Item:
    """Return what is put into a namespace, unless it names one itself; rules have none."""
    from dataclasses import replace

    from lamlam.memory_backends.model.operations import AddAlias, Assert

    if isinstance(item, Assert) and not item.fact.namespace:
        return Assert(item.fact.model_copy(update={"namespace": namespace}))
    if isinstance(item, AddAlias) and not item.namespace:
        return replace(item, namespace=namespace)
    return item


class _FileReading:
    """Reads items of a file, and tells errors of the file from those of the store."""

    def __init__(
        self, file: FactFile, *, is_in_parts: bool, is_skipping: bool, namespace: Namespace = ()
    ) -> None:
        self._file = file
        self.namespace = namespace
        """Of the facts that name none."""
        self._is_in_parts = is_in_parts
        self._is_skipping = is_skipping
        self._is_inside = False
        self._n_facts = 0
        self._parts: BulkParts | None = None

    def keep_apart_from(
        self,
        stored: Callable[[], Iterable[Fact]],
        holder_of: Callable[[str], str | None] | None = None,
    ) -> None:
        """Pass on what the store holds."""
        self._file.keep_apart_from(stored, holder_of)

    def parts(self) -> BulkParts | None:
        """Return the file as parts, where it has any."""
        self._parts = self._file.parts()
        return self._parts

    @property
    def n_facts(self) -> int:
        """Facts that were read."""
        return self._n_facts or (self._parts.n_facts if self._parts is not None else 0)

    def __iter__(self) -> Iterator[Item]:
        from lamlam.memory_backends.model.operations import Assert

        items = iter(self._file)
        is_empty = True
        while True:
            self._is_inside = True
            item = next(items, None)
            if item is None and is_empty:
                raise self._nothing()
            self._is_inside = False
            if item is None:
                return
            is_empty = False
            self._n_facts += isinstance(item, Assert)
            yield _within(item, self.namespace) if self.namespace else item

    def _nothing(self) -> LamLamError:
        """Return the error of a file without a fact: a new store would be empty."""
        from lamlam.errors import BadFact

        file = self._file
        if file.rejected:
            return BadFact(
                f"{file.name} has no valid facts: {file.rejected} line(s) left out,"
                f" the first: {file.first_reason}"
            )
        if file.left_out:
            counts = ", ".join(f"{what}: {number:,}" for what, number in file.left_out.items())
            return BadFact(f"{file.name} has no facts; left out are {counts}")
        return BadFact(f"{file.name} has no facts")

    @contextmanager
    def naming_lines(self) -> Iterator[None]:
        """Add the line that was reached to errors of the file and of the store."""
        from lamlam.errors import BadFact, TooManyValues

        try:
            yield
        except (BadFact, TooManyValues) as error:
            raise self._explained(error) from None

    def _explained(self, error: LamLamError) -> LamLamError:
        """Return the error with the line and with what was imported."""
        said = str(error)
        if self._parts is not None and not self._n_facts:
            self._is_inside = said.startswith(self._file.name)  # what is said of a line names it
        if not self._is_inside and not self._file.where.endswith(" line 0"):
            # Stores take many lines at a time: the bad one is among the last of them.
            said = f"at or before {self._file.where}: {said}"
        done = list(notes_of(error)) if self._is_in_parts else ["nothing was imported"]
        if self._is_skipping and not self._is_inside:
            done.append(
                "--skip-invalid leaves out lines that are not facts, not what the store refuses"
            )
        return type(error)(said, hint="; ".join([*done, *([error.hint] if error.hint else [])]))
