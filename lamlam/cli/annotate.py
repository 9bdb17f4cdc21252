"""``lamlam annotate``: texts to training documents, with the facts that they state."""

from __future__ import annotations

import shlex
import time
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lamlam.cli.facts_options import InNamespace, namespace_of
from lamlam.cli.output import (
    print_result,
    printable_line,
    saying_what_is_done,
    stderr_console,
)

if TYPE_CHECKING:
    from lamlam.cli.annotate_by_model import Asking
    from lamlam.memory_backends.model.facts import Namespace
    from lamlam.trainer.annotation.alignment import Alignment
    from lamlam.trainer.annotation.known_facts import KnownFacts
    from lamlam.trainer.annotation.quality import QualityReport
    from lamlam.trainer.annotation.source_texts import SourceReading
    from lamlam.trainer.documents import Document

_STORE_SUFFIXES = (".db", ".sqlite", ".sqlite3")
_MOST_NAMED = 3


def register(app: typer.Typer) -> None:
    """Add the command ``annotate``."""
    app.command(
        epilog="Example: lamlam annotate notes/ --facts sqlite:///facts.db --out documents.jsonl"
    )(annotate)


def annotate(
    texts: Annotated[
        list[str],
        typer.Argument(
            metavar="TEXT…",
            help="Plain text, Markdown, JSON lines, also packed, or a folder; - is standard input.",
        ),
    ],
    out: Annotated[
        Path, typer.Option("--out", metavar="FILE", help="Training documents to write (.jsonl).")
    ],
    facts: Annotated[
        list[str] | None,
        typer.Option(
            "--facts",
            metavar="URL|FILE",
            help="Known facts: a store's URL or a fact file; may be repeated.",
        ),
    ] = None,
    namespace: InNamespace = None,
    facts_out: Annotated[
        str | None,
        typer.Option(
            "--facts-out", metavar="FILE", help="The facts that the texts state, as a fact file."
        ),
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(
            "--report", metavar="FILE.html", help="Write coverage and 50 sampled facts as a page."
        ),
    ] = None,
    share_facts: Annotated[
        bool,
        typer.Option(
            "--share-facts",
            help="Look for the facts of each document in all others too; reads the texts twice.",
        ),
    ] = False,
    rules: Annotated[
        bool,
        typer.Option(
            "--rules",
            help="Also take dates, places and names that English sentences state plainly.",
        ),
    ] = False,
    only_with_facts: Annotated[
        bool, typer.Option("--only-with-facts", help="Leave out documents without a fact.")
    ] = False,
    skip_invalid: Annotated[
        bool,
        typer.Option("--skip-invalid", help="Leave out lines that are not documents, and count."),
    ] = False,
    workers: Annotated[
        int | None,
        typer.Option(
            "--workers",
            min=1,
            help="Processes; each holds the facts in memory. Default: 1, on a cluster all its CPUs.",
        ),
    ] = None,
    ray: Annotated[
        str | None,
        typer.Option(
            "--ray",
            metavar="ADDRESS",
            help="Annotate on a Ray cluster: auto, ray://HOST:10001, or local to try it here.",
        ),
    ] = None,
    endpoint: Annotated[
        str | None,
        typer.Option(
            "--endpoint",
            metavar="URL",
            help="Let a model annotate, at a chat endpoint of OpenAI's shape, such as"
            " http://localhost:8000/v1; a key is read from LAMLAM_ANNOTATOR_KEY or OPENAI_API_KEY.",
        ),
    ] = None,
    model: Annotated[
        Path | None,
        typer.Option(
            "--model",
            metavar="GGUF",
            help="Let a model file annotate in this process, bound to the text by a grammar.",
        ),
    ] = None,
    model_name: Annotated[
        str | None, typer.Option("--model-name", metavar="M", help="The model's name there.")
    ] = None,
    concurrency: Annotated[
        int, typer.Option("--concurrency", min=1, max=512, help="Requests at a time.")
    ] = 8,
    timeout: Annotated[
        float, typer.Option("--timeout", min=0.001, help="Seconds until a request counts as lost.")
    ] = 120.0,
    grammar: Annotated[
        bool,
        typer.Option("--grammar", help="Bind replies to the text; for servers of llama.cpp only."),
    ] = False,
    prices: Annotated[
        str | None,
        typer.Option(
            "--prices",
            metavar="IN,OUT",
            help="Price of a million tokens of prompts and of replies: shows the cost.",
        ),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="Of the sample in the report.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Make training documents of texts: which facts they state, and where.

    Facts that are known are found in the texts: values as they stand, in
    another letter case or without accents, dates and numbers in other forms.
    A value counts where its sentence is about the fact's entity and speaks of
    the relation; what is doubtful is left out and counted.

    With --endpoint or --model a language model annotates: its replies are
    checked word by word and kept in FILE.work until the documents are written,
    so that a run that is killed goes on where it was.

    Texts with the reference's calls, dblookup('E', 'R') -> V in brackets, and
    JSON lines that have facts already need no --facts. Of a store the facts of
    one namespace are known.
    """
    from lamlam.cli.annotate_by_model import asking_of
    from lamlam.trainer.annotation.quality import QualityReport, quality_page
    from lamlam.trainer.annotation.source_texts import SourceReading, files_in
    from lamlam.trainer.annotation.written_documents import check_writable, document_file

    began = time.perf_counter()
    targets = [out, *([report] if report else []), *([Path(facts_out)] if facts_out else [])]
    reading = SourceReading(skip_invalid=skip_invalid)
    files = files_in(texts, reading)
    _check_targets(targets, files)
    for target in targets:
        check_writable(target)
    known = _known_facts(facts or [], files if share_facts else [], namespace_of(namespace))
    quality = QualityReport(seed=seed)
    stated: dict[tuple[str, str, str], str] = {}
    n_written = 0
    asking = asking_of(
        out,
        endpoint,
        model_name,
        concurrency,
        timeout,
        has_grammar=grammar,
        prices=prices,
        model_file=model,
    )
    with saying_what_is_done(), asking as asked, document_file(out) as written:
        with _progress(files, reading, asked) as documents:
            originals: deque[Document] = deque()
            texts_asked = asked.annotated(documents, originals)
            for before, document, alignment in _aligned(texts_asked, known, workers, ray, rules):
                before = originals.popleft() if originals else before
                quality.add(before, document, alignment.left_out)
                if only_with_facts and not document.facts:
                    continue
                written.write(document)
                n_written += 1
                if facts_out:
                    for triple in document.triples():
                        stated.setdefault(triple, document.source)
        _check_not_empty(n_written, quality, bool(facts or endpoint or model or rules), files)
        n_facts, n_refused = _write_facts(stated, facts_out) if facts_out else (None, 0)
        figures = _figures(quality, reading, known, n_facts, n_refused) | asked.figures()
        if report:
            _write_page(report, quality_page(figures, quality.sample))
    seconds = time.perf_counter() - began
    figures["seconds"] = round(seconds, 3)
    figures["mb_per_s"] = round(reading.n_bytes / 1e6 / max(seconds, 1e-9), 3)
    _remarks(reading)
    if not quality.facts:
        _remark_no_facts(known)
    asked.remark()
    print_result(figures, as_json)
    if not as_json:
        change = shlex.quote(f"data.documents={out}")
        typer.echo(f"next: lamlam train CONFIG.toml --set {change}")


def _aligned(
    documents: Iterable[Document],
    known: KnownFacts,
    workers: int | None,
    ray: str | None,
    by_rules: bool,
) -> Iterator[tuple[Document, Document, Alignment]]:
    """Return the documents with their facts: found by this process, several, or a cluster."""
    from lamlam.trainer.annotation.aligned_documents import align_documents
    from lamlam.trainer.annotation.ray_documents import align_documents_on_ray

    if ray is None:
        return align_documents(documents, known, workers=workers or 1, by_rules=by_rules)
    return align_documents_on_ray(
        documents, known, address=ray, workers=workers or 0, by_rules=by_rules
    )


def _check_targets(targets: Iterable[Path], files: Iterable[str]) -> None:
    from lamlam.errors import UsageError

    seen: set[Path] = set()
    read = {Path(name).resolve() for name in files if name != "-"}
    for target in targets:
        place = target.resolve()
        if place in read:
            raise UsageError(f"{target} is one of the texts, and would be written over")
        if place in seen:
            raise UsageError(f"{target} is named twice", hint="give each output its own file")
        seen.add(place)


def _known_facts(sources: list[str], files: list[str], namespace: Namespace) -> KnownFacts:
    from lamlam.trainer.annotation.known_facts import KnownFacts
    from lamlam.trainer.annotation.source_texts import SourceReading, read_sources

    triples: list[tuple[str, str, str]] = []
    aliases: list[tuple[str, str]] = []
    for source in sources:
        _read_facts(source, namespace, triples, aliases)
    for name in files:
        for document in read_sources(name, SourceReading(skip_invalid=True)):
            triples += document.triples()
    return KnownFacts(triples, aliases)


def _read_facts(
    source: str,
    namespace: Namespace,
    triples: list[tuple[str, str, str]],
    aliases: list[tuple[str, str]],
) -> None:
    """Add what a source knows: of a store the facts of one namespace, and of no other user."""
    from lamlam.cli.facts_stores import any_store
    from lamlam.errors import BadFact
    from lamlam.memory_backends.fact_formats.fact_files import FactFile
    from lamlam.memory_backends.model.operations import AddAlias, Assert
    from lamlam.memory_backends.transfer import contents

    n_before = len(triples)
    if "://" in source or source in ("bundled", "memory:"):
        url: str | None = source
    elif Path(source).suffix.casefold() in _STORE_SUFFIXES:
        url = f"sqlite:///{source}"
    else:
        url = None
    if url is not None:
        with any_store(url) as store:
            items = list(contents(store, namespace=namespace))
    else:
        items = list(FactFile(source))
    for item in items:
        if isinstance(item, Assert):
            triples.append((item.fact.entity, item.fact.relation, item.fact.surface))
        elif isinstance(item, AddAlias):
            aliases.append((item.entity, item.alias))
    if len(triples) == n_before:
        raise BadFact(f"{source} has no facts")


@contextmanager
def _progress(
    files: list[str], reading: SourceReading, asked: Asking
) -> Iterator[Iterator[Document]]:
    """Yield the documents of the files, while a bar shows how far they are read."""
    import sys

    from lamlam.trainer.annotation.source_texts import read_sources

    def documents() -> Iterator[Document]:
        for name in files:
            yield from read_sources(name, reading)

    if not sys.stderr.isatty():
        yield documents()
        return
    from rich.progress import BarColumn, TextColumn, TimeRemainingColumn

    from lamlam.progress_bars import progress_bar

    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    total = sum(Path(name).stat().st_size for name in files if Path(name).is_file())
    is_packed = any(Path(name).suffix in (".gz", ".xz", ".bz2", ".zst") for name in files)
    with progress_bar(*columns) as bar:
        task = bar.add_task("annotating", total=total if total and not is_packed else None)

        def counted() -> Iterator[Document]:
            for n, document in enumerate(documents(), 1):
                yield document
                if n % 50 == 0 or asked.is_on:
                    said = f"{n:,} documents  {reading.n_bytes / 1e6:,.1f} MB{asked.shown()}"
                    bar.update(task, completed=reading.n_bytes, description=said)

        yield counted()


def _check_not_empty(
    n_written: int, quality: QualityReport, has_facts: bool, files: list[str]
) -> None:
    from lamlam.errors import BadDocument, UsageError

    if not quality.documents:
        raise BadDocument(f"{', '.join(files[:_MOST_NAMED])}: no document could be read")
    if not has_facts and not quality.facts:
        raise UsageError(
            "the texts have no facts of their own, and none are given",
            hint="name known facts with --facts or a model with --endpoint, or try --rules",
        )
    if not n_written:
        raise UsageError("no text states a fact", hint="--report shows what was left out and why")


def _write_facts(stated: dict[tuple[str, str, str], str], path: str) -> tuple[int, int]:
    """Write the facts; returns how many, and how many a store would refuse."""
    from lamlam.errors import BadFact
    from lamlam.memory_backends.fact_formats.fact_files import write_facts
    from lamlam.memory_backends.model.facts import Fact
    from lamlam.memory_backends.model.operations import Assert

    n_refused = 0

    def items() -> Iterator[Assert]:
        nonlocal n_refused
        for (entity, relation, value), source in stated.items():
            try:
                fact = Fact(entity=entity, relation=relation, value=value, source=source or None)
            except BadFact:
                n_refused += 1
                continue
            yield Assert(fact)

    return write_facts(items(), path).facts, n_refused


def _figures(
    quality: QualityReport,
    reading: SourceReading,
    known: KnownFacts,
    n_facts: int | None,
    n_refused: int,
) -> dict[str, Any]:
    n_found = sum(entity in quality.entities for entity in known.entities)
    figures = quality.figures()
    figures |= {
        "known_facts": len(known),
        "known_entities": len(known.entities),
        "known_entities_not_stated": len(known.entities) - n_found,
        "skipped": dict(reading.left_out),
        "malformed_calls": reading.n_malformed,
        "bytes": reading.n_bytes,
    }
    if n_facts is not None:
        figures |= {"facts_written": n_facts, "facts_refused": n_refused}
    return figures


def _write_page(path: Path, page: str) -> None:
    import os

    from lamlam.errors import UsageError
    from lamlam.unfinished_files import part_beside

    part = part_beside(path)
    try:
        part.write_text(page, encoding="utf-8", errors="replace")
        os.replace(part, path)
    except OSError as error:
        raise UsageError(
            f"cannot write {path}: {error.strerror or error}", hint="nothing was written"
        ) from None


def _remark_no_facts(known: KnownFacts) -> None:
    """Say on standard error that the documents teach no lookup, and what may be the matter."""
    n = len(known.entities)
    named = f"; the texts state nothing of the {n:,} known entities" if n else ""
    said = f"no document states a fact, so that a model learns no lookup from them{named}"
    stderr_console().print(printable_line(said), soft_wrap=True)


def _remarks(reading: SourceReading) -> None:
    """Say on standard error what was left out of the texts, and the first of it."""
    console = stderr_console()
    for reason, number in reading.left_out.items():
        said = f"left out, {reason}: {number:,}; the first: {reading.first_reason}"
        console.print(printable_line(said), soft_wrap=True)
    if reading.n_malformed:
        shown = "; ".join(reading.malformed[:_MOST_NAMED])
        said = f"calls that could not be read: {reading.n_malformed:,}, such as {shown}"
        console.print(printable_line(said), soft_wrap=True)
