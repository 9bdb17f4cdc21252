"""Train a language model that looks facts up, on a CPU, in about a minute.

    python examples/train_a_tiny_lmlm.py [FOLDER]

The corpus is tiny_corpus.jsonl beside this file: 400 short documents about people,
towns and firms that do not exist (make_tiny_corpus.py wrote it). The model has half a
million weights, so it learns when to ask and what to ask for, and little more: it cannot copy
a name letter by letter yet, so the engine is told to take names that the text has and
memory knows. Then it meets a person it has never seen. Needs `pip install
'lamlam[train]'`. FOLDER keeps the checkpoint and tiny.gguf. Prints the progress of
training, then something like:

    Zelda Quorn was born in Lowmere. ...
        asked: birth place of Zelda Quorn: Lowmere
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import lamlam
from lamlam.quant.export import export_gguf
from lamlam.runtime.decoding.key_constraint import Constraint

SETTINGS = """
verbalise = "copy"
lookup_bias = 3.0

[data]
documents = {documents!r}
vocabulary = 1000
held_out = 0.0

[model]
width = 96
layers = 3
heads = 4
kv_heads = 2
feed_forward = 256
context = 256

[optimiser]
name = "muon"
learning_rate = 5e-3
matrix_learning_rate = 1e-2
batch_rows = 8

[run]
output = {output!r}
steps = 160
device = "cpu"
"""
FACTS = (
    lamlam.Fact(entity="Zelda Quorn", relation="birth place", value="Lowmere"),
    lamlam.Fact(entity="Zelda Quorn", relation="birth date", value="3 May 1871"),
    lamlam.Fact(entity="Quorn Bellows", relation="founded", value="1899"),
)
PROMPTS = (
    "Zelda Quorn was born in",
    "Zelda Quorn (born",
    "Quorn Bellows is a company founded in",
)


def train(folder: Path) -> Path:
    """Return the checkpoint of a training run in this folder."""
    settings = folder / "tiny.toml"
    corpus = Path(__file__).with_name("tiny_corpus.jsonl")
    checkpoint = folder / "tiny"
    settings.write_text(
        SETTINGS.format(documents=corpus.as_posix(), output=checkpoint.as_posix()),
        encoding="utf-8",
    )
    done = subprocess.run([sys.executable, "-m", "lamlam.trainer", str(settings)], check=False)
    if done.returncode:
        sys.exit(done.returncode)  # the trainer has said why
    return checkpoint


def main(folder: Path) -> None:
    """A model has been trained, exported and asked."""
    model = export_gguf(train(folder), folder / "tiny.gguf")
    url = f"sqlite:///{folder / 'facts.db'}"
    with lamlam.SyncFactStore(url) as store:
        store.apply([lamlam.Replace(fact) for fact in FACTS])
    # At 0 a name or relation that memory knows wins however unlikely the model thinks it.
    known_only = Constraint(entity_floor=0.0, relation_floor=0.0)
    with lamlam.SyncEngine(model=str(model), memory=url, constrain=known_only) as engine:
        for prompt in PROMPTS:
            completion = engine.generate(prompt, max_tokens=16)
            print(completion.text)
            for lookup in completion.lookups:
                print(f"    asked: {lookup.relation} of {lookup.entity}: {lookup.value}")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        try:
            Path(sys.argv[1]).mkdir(parents=True, exist_ok=True)
        except OSError as problem:
            sys.exit(f"error: {sys.argv[1]}: {problem.strerror}")
        main(Path(sys.argv[1]))
    else:
        with tempfile.TemporaryDirectory() as scratch:
            main(Path(scratch))
