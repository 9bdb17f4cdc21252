"""What a run learns from: documents, token files, or several of both with weights."""

from __future__ import annotations

import dataclasses
import hashlib
import logging
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

from lamlam.errors import BadTokenFiles, NothingToLearn
from lamlam.trainer.documents import Document, name_of, read_documents
from lamlam.trainer.endings import mark_cut
from lamlam.trainer.epoch_draws import DocumentSource
from lamlam.trainer.paused_collection import paused_collection
from lamlam.trainer.replay import read_plain_texts, read_replay
from lamlam.trainer.settings import DataConfig, Settings
from lamlam.trainer.split import is_held_out, log_split, split_documents
from lamlam.trainer.token_files.token_folder import TokenFolder
from lamlam.trainer.token_files.token_source import TokenFileSource
from lamlam.trainer.tokenizer import LmlmTokenizer, train_tokenizer

log = logging.getLogger(__name__)

_END = 256 << 20
"""Bytes at each end of a file of which its mark is made."""
MADE = (
    "held_out", "invented", "worded", "worded_text", "replay_share", "rows", "plain",
    "skip_invalid", "variation",
)  # fmt: skip
"""Settings of ``data`` that decide what is drawn of documents."""


@dataclass(frozen=True, slots=True)
class TrainingData:
    """All sources of a run."""

    settings: Settings
    """Of the run; where token files are all that it reads, with the settings that made them."""
    documents: tuple[DocumentSource, ...] = ()
    tokens: tuple[TokenFileSource, ...] = ()
    replay: Sequence[Document] = field(default=(), repr=False)
    """Of ``data.replay``."""
    held_out: Sequence[Document] = field(default=(), repr=False)
    """Documents that none of the sources trains on, to evaluate a model with."""

    @property
    def n_documents(self) -> int:
        """Documents of all sources, each counted once."""
        return sum(len(source.documents) for source in self.documents) + sum(
            source.folder.counts.documents // source.folder.n_epochs for source in self.tokens
        )

    def tokenizer(self, own: LmlmTokenizer | None = None) -> LmlmTokenizer:
        """Return the tokenizer of the run.

        Args:
            own: that of a model that is gone on from.

        Raises:
            BadSettings: ``data.tokenizer`` cannot be read.
            BadTokenFiles: token files were made with another one.
        """
        data = self.settings.data
        if own is not None:
            found, whose = own, "the model"
        elif data.tokenizer:
            found, whose = LmlmTokenizer.load(Path(data.tokenizer)), "data.tokenizer"
        elif self.tokens:
            first = self.tokens[0]
            found, whose = first.folder.tokenizer(), first.name
        else:
            return train_tokenizer(self._texts(), data.vocabulary)
        for source in self.tokens:
            source.folder.check_tokenizer(found, whose)
        return found

    def _texts(self) -> Iterator[str]:
        for source in self.documents:
            # Where there is nothing else, a vocabulary of ordinary text is better than none.
            if not source.is_replay or all(one.is_replay for one in self.documents):
                yield from (document.text for document in source.documents)

    def content(self) -> dict[str, str]:
        """Return a hash of what each source has, by the name of its setting."""
        found: dict[str, str] = {}
        for documents in self.documents:
            found[f"the content of {setting_of(documents.name)}"] = _hash_of(documents.documents)
        for tokens in self.tokens:
            made = f"{tokens.folder.n_epochs} epochs, {tokens.folder.hash}"
            found[f"the content of {setting_of(tokens.name)}"] = made
        facts = self.settings.data.worded_text.facts
        if self.documents and self.settings.data.worded and facts:
            found["the content of data.worded_text.facts"] = file_hash(Path(facts))
        if self.documents and self.settings.data.replay:
            found["the content of data.replay"] = file_hash(Path(self.settings.data.replay))
        return found


def _hash_of(documents: Sequence[Document]) -> str:
    seen = hashlib.blake2b(digest_size=8)
    for document in documents:
        # One hash for each, so that no text can look like the border between two.
        for text in (document.title, document.text, _written_marks(document)):
            seen.update(
                hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=8).digest()
            )
    return f"{len(documents)} documents, {seen.hexdigest()}"


def _written_marks(document: Document) -> str:
    """Return what ``repr`` writes for the facts and the end of a document, in a third of its time."""
    facts = [
        f"StatedFact(entity={fact.entity!r}, relation={fact.relation!r}, value={fact.value!r},"
        f" at={fact.at!r}, is_structured={fact.is_structured!r})"
        for fact in document.facts
    ]
    written = f"({', '.join(facts)}{',' if len(facts) == 1 else ''})"
    marks = f"{written}, {document.is_cut!r}"
    # Documents without these have the hash that they had before there were any.
    if document.told is None and not document.unanswered:
        return f"({marks})"
    return f"({marks}, {document.told!r}, {document.unanswered!r})"


def file_hash(path: Path) -> str:
    """Return a hash of a file as it lies on disk."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=8)).hexdigest()


def file_mark(path: Path) -> str:
    """Return what tells a file from others: size and hash, of a huge one that of its two ends."""
    size = path.stat().st_size
    found = hashlib.blake2b(digest_size=8)
    with path.open("rb") as file:
        found.update(file.read(_END))
        file.seek(max(file.tell(), size - _END))
        found.update(file.read(_END))
    return f"{size} bytes, {found.hexdigest()}"


def setting_of(name: str) -> str:
    """Return the setting in a source's name, without its file."""
    return name.partition(" = ")[0]


def read_training_data(settings: Settings) -> TrainingData:
    """Return the sources that the settings name.

    Raises:
        BadDocument: a file of documents or of text cannot be read.
        BadTokenFiles: a folder of token files cannot be used, or not with these settings.
        NothingToLearn: no document is left.
    """
    with paused_collection():
        return _read(settings)


def _read(settings: Settings) -> TrainingData:
    data = settings.data
    if data.mixture:
        return _read_mixture(settings)
    if data.tokens:
        folder = TokenFolder(Path(data.tokens))
        settings = _as_made(settings, folder)
        folder.check_rows(settings)
        tokens = TokenFileSource(f"data.tokens = {data.tokens}", folder)
        kept = folder.held_out() if settings.run.evaluate_documents else ()
        return TrainingData(settings, tokens=(tokens,), held_out=kept)
    documents, held_out = _read_documents(settings, skip_invalid=data.skip_invalid)
    source = DocumentSource(f"data.documents = {data.documents}", documents)
    return TrainingData(settings, documents=(source,), replay=read_replay(data), held_out=held_out)


def _as_made(settings: Settings, folder: TokenFolder) -> Settings:
    """Return the settings with those that made the tokens, so that the record of a run is true.

    Raises:
        BadTokenFiles: the settings contradict the tokens.
    """
    made = folder.manifest.settings
    values: dict[str, Any] = {}

    def take(part: Any, standard: Any, where: str) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for one in dataclasses.fields(part):
            given, usual = getattr(part, one.name), getattr(standard, one.name)
            name = where + one.name
            if dataclasses.is_dataclass(given):
                found[one.name] = dataclasses.replace(given, **take(given, usual, f"{name}."))  # type: ignore[type-var]  # an instance, as asked
                continue
            if name not in made:
                continue
            value = made[name]
            if given not in (usual, value):
                raise BadTokenFiles(
                    f"{folder.path} was made with {name} = {value!r}, and the settings say "
                    f"{given!r}",
                    hint=f"leave {name} out, or prepare the tokens again with these settings",
                )
            if type(value) is not type(usual) and not (type(value), type(usual)) == (int, float):
                raise BadTokenFiles(
                    f"the manifest of {folder.path} is damaged: {name} is {value!r}",
                    hint="remove the folder and run lamlam prepare again",
                )
            found[one.name] = type(usual)(value)
        return found

    values = take(settings.data, DataConfig(), "data.")
    _check_files(settings.data, folder)
    return dataclasses.replace(settings, data=dataclasses.replace(settings.data, **values))


def _check_files(data: DataConfig, folder: TokenFolder) -> None:
    """Raise if a file that the settings name beside the tokens is not the one that made them."""
    for name in ("documents", "replay"):
        path = Path(getattr(data, name))
        if not getattr(data, name) or not path.is_file():
            continue  # tokens are all that a machine needs which trains
        was, now = folder.manifest.files.get(f"data.{name}"), file_mark(path)
        if was != now:
            raise BadTokenFiles(
                f"{path} (data.{name}) is not the file that {data.tokens} was made of",
                hint=f"prepare the tokens again, or leave data.{name} out to train on them as they are",
            )


def _read_mixture(settings: Settings) -> TrainingData:
    data = settings.data
    tokens: list[TokenFileSource] = []
    plain: list[tuple[int, DocumentSource]] = []
    read: list[tuple[int, list[Document]]] = []
    given: list[Document] = []
    for number, source in enumerate(data.mixture, 1):
        path = getattr(source, source.kind)
        name = f"data.mixture.{number}.{source.kind} = {path}"
        if source.kind == "tokens":
            folder = TokenFolder(Path(path))
            folder.check_rows(settings)
            tokens.append(TokenFileSource(name, folder, source.weight))
            given += folder.held_out()
        elif source.kind == "replay":
            texts = read_plain_texts(path, setting_of(name), data.held_out)
            plain.append((number, DocumentSource(name, texts, source.weight, is_replay=True)))
        else:
            read.append((number, list(read_documents(path, skip_invalid=data.skip_invalid))))
    # Split together: what one source holds out must not be learnt from another. Token files were
    # split when they were made.
    given = [document for document in given if is_held_out(document.title, data.held_out)]
    owners = {id(document): number for number, documents in read for document in documents}
    kept: dict[int, list[Document]] = {number: [] for number, _ in read}
    held_out: Sequence[Document] = given
    if read:
        every = chain(given, *(documents for _, documents in read))
        split = split_documents(every, data.held_out)
        log_split(split)
        held_out = split.held_out
        for document in split.training:
            kept[owners[id(document)]].append(document)
    sources = dict(plain)
    for number, documents in kept.items():
        source = data.mixture[number - 1]
        name = f"data.mixture.{number}.documents = {source.documents}"
        if not any(number == owner for owner, found in read if found):
            raise NothingToLearn(
                f"{source.documents} ({setting_of(name)}) has no documents", hint=_MAKE_DOCUMENTS
            )
        if not documents:
            raise NothingToLearn(
                f"{source.documents} ({setting_of(name)}) has no document that is not held out",
                hint="set data.held_out = 0 where documents are few",
            )
        documents = mark_cut(documents)
        _warn_without_facts(documents, data)
        sources[number] = DocumentSource(name, documents, source.weight)
    ordered = tuple(source for _, source in sorted(sources.items()))
    return TrainingData(settings, documents=ordered, tokens=tuple(tokens), held_out=held_out)


def training_documents(settings: Settings, *, skip_invalid: bool = False) -> list[Document]:
    """Return the documents to train on, each marked as cut or not.

    Without those that are held out, and without what would give those away.

    Args:
        skip_invalid: leave out lines that are not documents; the log counts them.

    Raises:
        BadDocument: the file cannot be read, or a line is not a document.
        NothingToLearn: no document is left.
    """
    return _read_documents(settings, skip_invalid=skip_invalid)[0]


def _read_documents(
    settings: Settings, *, skip_invalid: bool
) -> tuple[list[Document], Sequence[Document]]:
    """Return the documents to train on, and those that are held out."""
    data = settings.data
    split = split_documents(
        read_documents(data.documents, skip_invalid=skip_invalid), data.held_out
    )
    log_split(split)
    if not split.training and split.held_out:
        raise NothingToLearn(
            "every document is held out, or much the same as one that is",
            hint="set data.held_out = 0 where documents are few",
        )
    if not split.training:
        raise NothingToLearn(
            f"{name_of(data.documents)} has no documents",
            hint=_MAKE_DOCUMENTS,
        )
    documents = mark_cut(split.training)
    _warn_without_facts(documents, data)
    return documents, split.held_out


def _warn_without_facts(documents: Sequence[Document], data: DataConfig) -> None:
    if data.plain:
        return
    _warn_of_unnamed(documents)
    n_without = sum(not document.facts for document in documents)
    if n_without:
        log.warning(
            "%d of %d documents state no fact: their text is learnt by heart, with no lookup%s",
            n_without, len(documents),
            ", and the model will never ask memory" if n_without == len(documents) else "",
        )  # fmt: skip


def _warn_of_unnamed(documents: Sequence[Document]) -> None:
    """Warn of facts whose entity a model would have to invent where it should copy a name."""
    n_facts = n_unnamed = 0
    example = ("", "")
    for document in documents:
        named = f"{document.title}\n{document.text}".casefold()
        is_named: dict[str, bool] = {}
        for fact in document.facts:
            n_facts += 1
            if fact.entity not in is_named:
                entity = fact.entity.casefold()
                words = _WORD.findall(entity) or [entity]
                is_named[fact.entity] = any(word in named for word in words)
            if not is_named[fact.entity]:
                n_unnamed += 1
                example = example if n_unnamed > 1 else (fact.entity, document.title)
    if n_unnamed:
        log.warning(
            "%d of %d facts are about an entity that their document does not name, the first: %r in "
            "%r; the model cannot copy such a name: leave these facts out, or correct the entity",
            n_unnamed, n_facts, *example,
        )  # fmt: skip


_MAKE_DOCUMENTS = "documents are lines of JSON; lamlam annotate makes them of texts"
_WORD = re.compile(r"\w{3,}")
