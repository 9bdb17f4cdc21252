"""The part of ``lamlam annotate`` that lets a language model annotate."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lamlam.cli.output import printable_line, stderr_console

if TYPE_CHECKING:
    from lamlam.trainer.annotation.chat_endpoint import ChatEndpoint
    from lamlam.trainer.annotation.model_annotator import ModelAnnotator
    from lamlam.trainer.documents import Document

_KEYS = ("LAMLAM_ANNOTATOR_KEY", "OPENAI_API_KEY")


@dataclass(slots=True)
class Asking:
    """A model that annotates, or none."""

    annotator: ModelAnnotator | None = None
    prices: tuple[float, float] | None = None

    @property
    def is_on(self) -> bool:
        """Whether a model annotates."""
        return self.annotator is not None

    def annotated(
        self, documents: Iterable[Document], originals: deque[Document]
    ) -> Iterator[Document]:
        """Yield the documents with the model's facts; as they were go into ``originals``."""
        if self.annotator is None:
            yield from documents
            return
        for before, after in self.annotator.annotate(documents):
            originals.append(before)
            yield after

    def shown(self) -> str:
        """Return what the progress bar shows of the model."""
        if self.annotator is None:
            return ""
        figures = self.annotator.figures
        said = f"  {figures.prompt_tokens + figures.reply_tokens:,} tokens"
        said += f"  {figures.tokens_per_s:,.0f} tokens/s"
        return f"{said}  cost {figures.cost(*self.prices):,.4f}" if self.prices else said

    def figures(self) -> dict[str, Any]:
        """Return what the model took, for the command's figures."""
        if self.annotator is None:
            return {}
        figures = self.annotator.figures
        found: dict[str, Any] = {
            "model": self.annotator.name,
            "requests": figures.requests,
            "reused_replies": figures.reused,
            "failed_documents": figures.failed,
            "failed_requests": dict(getattr(self.annotator.model, "failures", {})),
            "dropped_calls": dict(figures.dropped),
            "prompt_tokens": figures.prompt_tokens,
            "reply_tokens": figures.reply_tokens,
            "tokens_per_s": round(figures.tokens_per_s, 1),
        }
        if self.prices:
            found["cost"] = round(figures.cost(*self.prices), 6)
        return found

    def remark(self) -> None:
        """Say on standard error which documents got no reply, and how to try again."""
        if self.annotator is None or not self.annotator.figures.failed:
            return
        said = (
            f"left out, no usable reply: {self.annotator.figures.failed:,} documents; the same"
            f" command tries them again, the others are kept in {self.annotator.work.path}"
        )
        stderr_console().print(printable_line(said), soft_wrap=True)


@contextmanager
def asking_of(
    out: Path,
    endpoint: str | None,
    model_name: str | None,
    concurrency: int,
    timeout_s: float,
    *,
    has_grammar: bool,
    prices: str | None,
    model_file: Path | None = None,
) -> Iterator[Asking]:
    """Yield what asks the model; its replies stay on disk unless all is written at the end.

    Raises:
        UsageError: options contradict each other.
    """
    from lamlam.errors import UsageError
    from lamlam.trainer.annotation.local_model import LocalModel
    from lamlam.trainer.annotation.model_annotator import ModelAnnotator
    from lamlam.trainer.annotation.work_file import WorkFile

    if model_file is not None and endpoint is not None:
        raise UsageError("--model and --endpoint are two annotators", hint="choose one")
    if model_file is not None:
        has_grammar, concurrency, model_name = True, 1, model_name or str(model_file)
    elif endpoint is None:
        if model_name or has_grammar or prices:
            raise UsageError("--model-name, --grammar and --prices are of --endpoint")
        yield Asking()
        return
    elif not model_name:
        raise UsageError("--endpoint needs the model's name", hint="name it with --model-name")
    price = _prices(prices)
    model: ChatEndpoint | LocalModel
    if model_file is not None:
        model = LocalModel(model_file)
    else:
        model = _endpoint(str(endpoint), str(model_name), timeout_s)
    work = WorkFile(out.with_name(f"{out.name}.work"))
    annotator = ModelAnnotator(model, str(model_name), work, concurrency, has_grammar)
    try:
        yield Asking(annotator, price)
    except BaseException as error:
        if len(work):
            error.add_note(
                f"{len(work):,} replies are kept in {work.path}; the same command goes on from there"
            )
        if not len(work):
            work.remove()
        raise
    if not annotator.figures.failed:
        work.remove()


def _endpoint(url: str, name: str, timeout_s: float) -> ChatEndpoint:
    from lamlam.trainer.annotation.chat_endpoint import ChatEndpoint

    key = next((os.environ[one].strip() for one in _KEYS if os.environ.get(one)), "")
    return ChatEndpoint(url, name, key, timeout_s)


def _prices(text: str | None) -> tuple[float, float] | None:
    from lamlam.errors import UsageError

    if text is None:
        return None
    try:
        price_in, price_out = map(float, text.split(","))
    except ValueError:
        price_in = price_out = -1.0
    if not (price_in >= 0 and price_out >= 0):
        raise UsageError(f"--prices must be two numbers, got {text!r}", hint="such as 0.15,0.6")
    return price_in, price_out
