"""Runs of five words of other people's sentences, so that no frame for training repeats one.

The sets that check a model have halves that share every pattern, so text that is written from one
half gives away the other. Names are taken out of their sentences, and of what is left the runs of
five words, and whole sentences that are shorter, are kept as hashes: the sets themselves are not
part of the repository.

``python -m tests.trainer.synthetic.word_runs FOLDER`` reads the sets (``benchmarks/`` and
``audit/`` in that folder) and names every frame that repeats a run of them; ``--write`` makes the
file of hashes again.
"""

from __future__ import annotations

import argparse
import gzip
import json
import lzma
import re
import sys
from collections.abc import Collection, Iterable, Iterator
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lamlam.trainer.synthetic.worded.frames import (
    FOLDER,
    Frame,
    FrameFamily,
    read_families,
    read_general_frames,
)
from lamlam.word_lists import read_sections

HASHES = Path(__file__).with_name("runs_of_other_sets.xz")
LENGTH = 5
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")
_PLACE = re.compile(r"\{[^{}]*\}|\[[XYZ]\]|\[MASK\]")
_NAMES = (
    "entity", "value", "subject", "gold_object", "answers", "answer_aliases", "subject_aliases",
    "object_aliases",
)  # fmt: skip
"""Fields of a line whose values are names."""
_SENTENCES = ("question", "answer", "prompt_text", "text", "pattern", "patterns", "prompts")
_RUNNING_TEXT = ("masked_sentence",)
"""Sentences of an encyclopedia, too many for the file of hashes and shared by nothing: they are
looked at where the sets are at hand."""


def words_of(text: str) -> list[str]:
    """Return the words of a text in small letters, places of names taken out."""
    return [word.replace("’", "'") for word in _WORD.findall(_PLACE.sub(" ", text).lower())]


def runs_of(text: str) -> Iterator[str]:
    """Yield the runs of five words; of a shorter sentence of two words or more the whole.

    >>> list(runs_of("Who wrote {E}?")), list(runs_of("In {E} they speak, one and all, {V}."))
    (['= who wrote'], ['in they speak one and', 'they speak one and all'])
    """
    words = words_of(text)
    if 2 <= len(words) < LENGTH:
        yield "= " + " ".join(words)
    for start in range(len(words) - LENGTH + 1):
        yield " ".join(words[start : start + LENGTH])


def without_names(text: str, names: Iterable[str]) -> str:
    """Return the text with the names taken out, the longest first."""
    for name in sorted({name for name in names if name}, key=lambda name: (-len(name), name)):
        text = text.replace(name, " ")
    return text


def runs_of_line(fields: dict[str, Any], wanted: Collection[str] = _SENTENCES) -> Iterator[str]:
    """Yield the runs of all sentences of one line of a set."""
    names = [name for field in _NAMES for name in _listed(fields.get(field))]
    for fact in (*(fields.get("facts") or ()), *(fields.get("other_facts") or ())):
        names += [fact[0], fact[2]]
    is_asked_of_names = "question" in fields and "set" in fields  # TOFU's answers are sentences
    for field in wanted:
        for text in _listed(fields.get(field)):
            yield from runs_of(without_names(text, [] if is_asked_of_names else names))


def _listed(value: object) -> list[str]:
    if value is None:
        return []
    return [str(one) for one in value] if isinstance(value, list) else [str(value)]


def lines_of_sets(folder: Path) -> Iterator[dict[str, Any]]:
    """Yield the lines of all sets in a folder, those of ``benchmarks`` and those of ``audit``."""
    for path in sorted(folder.glob("benchmarks/*.jsonl.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            yield from map(json.loads, lines)
    for path in sorted(folder.glob("audit/**/*.jsonl")):
        with path.open(encoding="utf-8") as lines:
            yield from map(json.loads, lines)


def hashed(runs: Iterable[str]) -> NDArray[np.uint32]:
    """Return the hashes of runs, each once, in order."""
    numbers = {int.from_bytes(blake2b(run.encode(), digest_size=4).digest(), "big") for run in runs}
    return np.array(sorted(numbers), dtype=np.uint32)


def write_hashes(runs: Iterable[str], path: Path = HASHES) -> None:
    """Write the steps from one hash to the next, their bytes of one place together."""
    steps = np.diff(hashed(runs), prepend=np.uint32(0)).astype("<u4")
    path.write_bytes(lzma.compress(steps.view(np.uint8).reshape(-1, 4).T.tobytes(), preset=9))


def load_hashes(path: Path = HASHES) -> NDArray[np.uint32]:
    """Return what `write_hashes` wrote."""
    content = np.frombuffer(lzma.decompress(path.read_bytes()), dtype=np.uint8)
    steps = np.ascontiguousarray(content.reshape(4, -1).T).view("<u4").ravel()
    return np.cumsum(steps, dtype=np.uint32)


def all_frames(families: Iterable[FrameFamily] | None = None) -> Iterator[tuple[str, str]]:
    """Yield each frame with its family, all choices made: those for training by default."""
    for family in families or (*read_families(), read_general_frames()):
        for variants in (*family.questions, *family.statements, *family.reversed):
            for frame in variants:
                yield family.name, _text_of(frame)


def connecting_words() -> Iterator[tuple[str, str]]:
    """Yield each sentence that stands between facts, with the name of its list."""
    sections = read_sections(FOLDER / "connecting_words.txt")
    return ((name, line) for name, lines in sections.items() for line in lines)


def inverse_words() -> Iterator[tuple[str, str]]:
    """Yield what stands between a value and the entity behind it, with the family."""
    return ((f.name, f"{verb} {{E}}.") for f in read_families() for verb in f.inverse_verbs)


def training_sentences() -> Iterator[tuple[str, str]]:
    """Yield all sentences that training documents are made of."""
    yield from all_frames()
    yield from connecting_words()
    yield from inverse_words()


def _text_of(frame: Frame) -> str:
    return "".join(frame.tokens)


def repeated(frames: Iterable[tuple[str, str]], known: Collection[str]) -> list[str]:
    """Return a line for each run that a frame shares with known ones."""
    return [
        f"[{family}] {text!r} repeats {run!r}"
        for family, text in frames
        for run in runs_of(text)
        if run in known
    ]


def main() -> int:
    """Compare frames with the sets themselves."""
    parser = argparse.ArgumentParser(description="Compare frames with sets that check a model.")
    parser.add_argument("folder", type=Path, help="with benchmarks/ and audit/")
    parser.add_argument("--write", action="store_true", help="make the file of hashes again")
    chosen = parser.parse_args()
    lines = list(lines_of_sets(chosen.folder))
    sentences = {run for line in lines for run in runs_of_line(line)}
    running = {run for line in lines for run in runs_of_line(line, _RUNNING_TEXT)}
    if chosen.write:
        write_hashes(sentences)
    found = repeated(training_sentences(), sentences | running)
    sys.stdout.write("".join(line + "\n" for line in found))
    sys.stdout.write(
        f"{len(lines)} lines, {len(sentences)} runs of their sentences and {len(running)} of "
        f"running text; {sum(1 for _ in training_sentences())} frames, {len(found)} repeat one\n"
    )
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main())
