"""Make a model of own texts: from a folder of notes to a GGUF file that looks their facts up.

    python examples/train_on_own_texts.py [FOLDER]

The notes are in own_texts/ beside this file: letters, a guide, a catalogue and a daybook of an
archipelago that does not exist, and facts.csv with what their writer knows about it, under
relations of his own ("cruising range", "colour of the dome"). The four commands of
docs/training.md go on from the bundled model; then the new model is asked for 50 facts at
openings that stand in no note (own_texts_openings.csv), about half of them of things that
only facts.csv knows. A fact counts if it is the first that the model states. Beside it stand
the model without memory, and the bundled model. At last a fact is changed, and erased.

Needs the extra `train`, and some minutes on two cores. FOLDER receives the documents, the
checkpoint and own.gguf. With --short it trains for two steps and asks for five facts, to see
that everything runs. Prints what docs/training.md shows.
"""

from __future__ import annotations

import argparse
import csv
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import lamlam

HERE = Path(__file__).parent
TEXTS = HERE / "own_texts"
FACTS = TEXTS / "facts.csv"
OPENINGS = HERE / "own_texts_openings.csv"
SETTINGS = HERE / "own_texts.toml"
# Only names in the text and the relations that memory has of them. The words of the prompt
# alone decide nothing: the model was trained to know what its own relations are called.
OWN_RELATIONS = lamlam.Constraint(strict=True, only_named=True, by_words=False)
TOKENS = 12
CHANGED = ("Silver Loon", "captain", "Ottokar Bly")


@dataclass(frozen=True, slots=True)
class Opening:
    """The beginning of a sentence, and the fact that is due behind it."""

    text: str
    entity: str
    relation: str
    value: str


@contextmanager
def step(title: str) -> Iterator[None]:
    """Print the title of a step, and at its end how long it took."""
    began = time.perf_counter()
    print(f"== {title}", flush=True)
    yield
    print(f"   {time.perf_counter() - began:.0f} s\n", flush=True)


def run(*arguments: object) -> None:
    """Run ``lamlam ARGUMENT …``; end the example where it fails."""
    shown = " ".join(str(one) for one in arguments).replace(f"{HERE}/", "")
    print(f"   $ lamlam {shown}", flush=True)
    done = subprocess.run([sys.executable, "-m", "lamlam", *map(str, arguments)], check=False)
    if done.returncode:
        sys.exit(done.returncode)  # the command has printed the reason


def read_openings() -> list[Opening]:
    """Return the openings, with the values of facts.csv."""
    with FACTS.open(encoding="utf-8", newline="") as file:
        values = {(row["entity"], row["relation"]): row["value"] for row in csv.DictReader(file)}
    with OPENINGS.open(encoding="utf-8", newline="") as file:
        return [
            Opening(row["opening"], row["entity"], row["relation"], values[key])
            for row in csv.DictReader(file)
            if (key := (row["entity"], row["relation"]))
        ]


def ask(model: str, memory: str | None, openings: list[Opening], *, shown: int = 0) -> str:
    """Continue each opening; returns how many facts were stated, as a line.

    Args:
        model: a file, or "bundled".
        memory: None is off.
        shown: completions to print.
    """
    n_right = n_lookups = n_misses = 0
    constrain = OWN_RELATIONS if memory else True
    with lamlam.SyncEngine(model=model, memory=memory, constrain=constrain) as engine:
        for opening in openings:
            completion = engine.generate(opening.text, max_tokens=TOKENS)
            stated = [one.value for one in completion.lookups if one.status == "hit"]
            text = completion.text[len(opening.text) :]
            # Without memory a value would have to come from the weights: anywhere in the text.
            n_right += stated[:1] == [opening.value] if memory else opening.value in text
            n_lookups += len(completion.lookups)
            n_misses += sum(one.status != "hit" for one in completion.lookups)
            if shown > 0:
                shown -= 1
                print("  ", completion.text)
    return f"{n_right} of {len(openings)} facts, {n_lookups} lookups, {n_misses} of them misses"


def change_and_erase(model: Path, memory: str) -> None:
    """Print a completion before and after its fact is changed, and after it is erased."""
    entity, relation, value = CHANGED
    prompt = f"If you fly with the {entity}, you will obey"
    with (
        lamlam.SyncFactStore(memory) as store,
        lamlam.SyncEngine(model=str(model), memory=memory, constrain=OWN_RELATIONS) as engine,
    ):
        print("   known:  ", engine.generate(prompt, max_tokens=TOKENS).text)
        store.apply([lamlam.Replace(lamlam.Fact(entity=entity, relation=relation, value=value))])
        print("   changed:", engine.generate(prompt, max_tokens=TOKENS).text)
        store.erase(entity, relation, reason="an example")
        print("   erased: ", engine.generate(prompt, max_tokens=TOKENS).text)


def main(folder: Path, *, is_short: bool) -> None:
    """Annotate, train, export, quantise, and ask."""
    documents, checkpoint = folder / "documents.jsonl", folder / "checkpoint"
    full, model = folder / "own-f16.gguf", folder / "own.gguf"
    memory = f"sqlite:///{folder / 'facts.db'}"
    changes = ["--set", "run.steps=2"] if is_short else []
    with step("documents: which facts the notes state, and where"):
        run("facts", "import", FACTS, "--memory", memory)
        run("annotate", TEXTS, "--facts", memory, "--out", documents)
    with step("training, from the bundled model on"):
        run(
            "train", SETTINGS, "--set", f"data.documents='{documents.as_posix()}'",
            "--set", f"run.output='{checkpoint.as_posix()}'", *changes,
        )  # fmt: skip
    with step("export and quantisation"):
        run("export", checkpoint, full)
        run("quantise", full, model, "--type", "Q8_0")
    openings = read_openings()[: 5 if is_short else None]
    with step("asking at openings that stand in no note"):
        print("   own model:      ", ask(str(model), memory, openings, shown=3))
        print("   without memory: ", ask(str(model), None, openings))
        print("   bundled model:  ", ask("bundled", memory, openings))
    with step("a fact is changed, then erased"):
        change_and_erase(model, memory)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Make a model of own texts.")
    parser.add_argument("folder", nargs="?", type=Path, metavar="FOLDER")
    parser.add_argument("--short", action="store_true", help="two steps, to see that all runs")
    chosen = parser.parse_args()
    if chosen.folder is None:
        with tempfile.TemporaryDirectory() as scratch:
            main(Path(scratch), is_short=chosen.short)
    else:
        try:
            chosen.folder.mkdir(parents=True, exist_ok=True)
        except OSError as problem:
            sys.exit(f"error: {chosen.folder}: {problem.strerror}")
        main(chosen.folder, is_short=chosen.short)
