"""The settings of a training run, read from one TOML file.

Dataclasses, not pydantic: a training machine is often bare.
"""

from __future__ import annotations

import dataclasses
import math
import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

from lamlam.errors import BadSettings
from lamlam.trainer.augmentation import Augmentation
from lamlam.trainer.head_sizes import check_heads
from lamlam.trainer.presets import expand_preset
from lamlam.trainer.setting_changes import apply_change
from lamlam.trainer.synthetic.worded.worded import WordedText


@dataclass(frozen=True, slots=True)
class MixtureSource:
    """One source of a mixture, an entry of ``[[data.mixture]]``; it names one file or folder."""

    documents: str = ""
    """File of documents, as ``data.documents``."""
    tokens: str = ""
    """Folder of token files, as ``data.tokens``."""
    replay: str = ""
    """File of ordinary text or chats, as ``data.replay``; texts are learnt without lookups."""
    weight: float = 1.0
    """How often an epoch sees the source: 2 is twice, 0.5 one half and the other in the next."""

    @property
    def kind(self) -> str:
        """Which of the three it names."""
        return next(name for name in ("documents", "tokens", "replay") if getattr(self, name))


@dataclass(frozen=True, slots=True)
class DataConfig:
    """The documents, their tokenizer, and how rows are made of them."""

    documents: str = ""
    """File of documents, one JSON object a line (``.jsonl``, ``.gz``, ``.xz``, ``.bz2``)."""
    tokens: str = ""
    """Folder of token files that ``lamlam prepare`` made, instead of ``documents``."""
    mixture: tuple[MixtureSource, ...] = ()
    """Several sources with weights, instead of one of the above."""
    tokenizer: str = ""
    """A ``tokenizer.json`` to use; learnt from the documents when empty."""
    vocabulary: int = 16_384
    """Tokens of a vocabulary that is learnt, lookup tokens included."""
    skip_invalid: bool = False
    """Leave out lines that are not documents, and count them in the log."""
    held_out: float = 0.01
    """Share of the titles that are held out of training."""
    invented: float = 0.0
    """Share of extra documents about invented entities, written from templates."""
    worded: float = 0.0
    """Share of extra documents that ask for facts in anyone's words (`worded_text` says how)."""
    worded_text: WordedText = field(default_factory=WordedText)
    replay: str = ""
    """File of ordinary text against forgetting: a text a line, or JSON lines with ``text``, or with
    the ``messages`` of a chat, which the model's chat template writes."""
    replay_share: float = 0.1
    """Share of the tokens that ``replay`` makes up; texts of it have no lookups, chats may."""
    rows: Literal["documents", "stream"] = "documents"
    """Packing: whole documents in a row, or the paper's stream, cut at row ends."""
    within_documents: bool = True
    """Document mask: a token attends to its own document, not to its neighbours in the row."""
    plain: bool = False
    """Leave the lookups out: the no-lookup baseline."""
    variation: Augmentation = field(default_factory=Augmentation)
    """Augmentation: other titles, plain beginnings, unknown answers, other names of relations."""
    workers: int = -1
    """Processes that prepare rows; 0 does it in this one. -1: beside a GPU as many as there are
    processors to spare, on a CPU none."""


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """Shape of the model; a file may name one of `presets.PRESETS` as ``model.preset``."""

    init: str = ""
    """A Hugging Face folder or a GGUF file to go on from, or ``bundled``, the model of lamlam; it
    has its own shape and tokenizer."""
    low_rank: int = 0
    """Learn a difference of this rank beside each frozen matrix of ``init``, instead of all weights;
    ``lamlam export --delta`` writes it as a small file. 0: all weights."""
    low_rank_alpha: float = 0.0
    """The differences count ``low_rank_alpha / low_rank`` times; 0: twice."""
    family: Literal["llama", "gpt2", "qwen3"] = "llama"
    """Architecture; GPT-2 has learnt positions and a key head for each head."""
    width: int = 512
    """Hidden size."""
    layers: int = 8
    """Blocks of attention and MLP."""
    heads: int = 8
    """Heads of attention in each."""
    kv_heads: int = 4
    """Key and value heads; GPT-2 has ``heads`` of them whatever this says."""
    head_dim: int = 0
    """Width of a head; ``width / heads`` when 0."""
    feed_forward: int = 1280
    """Intermediate size of the MLP."""
    tied: bool = True
    """The output matrix is the embedding."""
    context: int = 1024
    """Sequence length (positions); also the length of a row."""
    rope_theta: float = 10_000.0
    """Base of the rotary positions."""


@dataclass(frozen=True, slots=True)
class OptimiserConfig:
    """The optimiser, its learning rates and the batch size."""

    name: Literal["adamw", "muon"] = "adamw"
    """``muon`` orthogonalises the updates of the inner matrices; the rest stays on AdamW."""
    learning_rate: float = 1.5e-3
    """Of AdamW, at its highest."""
    matrix_learning_rate: float = 4e-3
    """Of the inner matrices under ``muon``."""
    weight_decay: float = 0.1
    """Of matrices and embeddings."""
    warm_up: float = 0.02
    """Warm-up: fraction of the steps in which the learning rate rises."""
    final: float = 0.0
    """Fraction of the learning rate that is left at the end; cosine decay in between."""
    clip: float = 1.0
    """Max gradient norm."""
    batch_rows: int = 128
    """Batch size in rows a step, over all accumulated parts."""
    accumulate: int = 1
    """Gradient accumulation steps, when memory is too small for a whole batch. 0: on a GPU as few
    as its memory allows, found by trying before the first step; on a CPU 1."""


@dataclass(frozen=True, slots=True)
class RunConfig:
    """Where the run writes, how long it takes, and when it saves."""

    output: str = "runs/lmlm"
    """Folder of the log, the state and the checkpoint."""
    steps: int = 0
    """Steps of the run; 0 lets ``minutes`` decide."""
    minutes: float = 0.0
    """Stop by then; with ``steps = 0`` the learning rate falls over this time."""
    seed: int = 0
    """Of the weights, the order of documents and all that is drawn."""
    device: str = ""
    """``cuda`` or ``cpu``; the best one present when empty."""
    precision: Literal["auto", "bf16", "float32"] = "auto"
    """Of matrix products; weights stay in float32. ``auto`` is bf16 on a GPU and float32 on a CPU;
    ``bf16`` on a CPU is float32 where the processor does not multiply bf16 itself."""
    sharding: Literal["none", "full"] = "none"
    """Of several processes: each has the whole model, or weights, gradients and optimiser states
    are spread over them (``full``), for models that one card has no room for."""
    compile: bool = True
    """Compile the model (on a GPU only)."""
    deterministic: bool = False
    """Ask torch for deterministic kernels: a resumed GPU run is then exact."""
    save_every: int = 500
    """Steps between saved states; 0 saves at the end, and when the run is stopped, only."""
    log_every: int = 20
    """Steps between reports: lines of the log and of ``metrics.jsonl``."""
    evaluate_every: int = 500
    """Steps between evaluations on held-out documents; 0 evaluates at the end only."""
    evaluate_documents: int = 200
    """Held-out documents of an evaluation at most; 0 leaves evaluations out."""
    tensorboard: Literal["auto", True, False] = "auto"
    """Write figures for TensorBoard too; "auto" does so where it is installed."""


@dataclass(frozen=True, slots=True)
class Settings:
    """A whole training run."""

    data: DataConfig = field(default_factory=DataConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    optimiser: OptimiserConfig = field(default_factory=OptimiserConfig)
    run: RunConfig = field(default_factory=RunConfig)
    verbalise: Literal["copy", "model"] = "copy"
    """How the runtime should write values; goes into the exported file."""
    lookup_bias: float = 0.0
    """What the runtime should add to the score of opening a lookup."""

    def __post_init__(self) -> None:
        for name, value in (
            ("model.width", self.model.width),
            ("model.layers", self.model.layers),
            ("model.heads", self.model.heads),
            ("model.kv_heads", self.model.kv_heads),
            ("model.feed_forward", self.model.feed_forward),
            ("model.rope_theta", self.model.rope_theta),
            ("optimiser.batch_rows", self.optimiser.batch_rows),
            ("optimiser.learning_rate", self.optimiser.learning_rate),
            ("optimiser.matrix_learning_rate", self.optimiser.matrix_learning_rate),
            ("optimiser.clip", self.optimiser.clip),
            ("run.log_every", self.run.log_every),
        ):
            if not value > 0:
                raise BadSettings(f"{name} must be above 0, got {value}")
            if math.isinf(value) and name != "optimiser.clip":  # which may clip nothing
                raise BadSettings(f"{name} must be above 0 and finite, got {value}")
        if self.data.vocabulary < 261:
            raise BadSettings(
                f"data.vocabulary must be 261 or more, got {self.data.vocabulary}",
                hint="256 bytes, the end of a text and four lookup tokens",
            )
        if self.model.context < 2:
            raise BadSettings(f"model.context must be above 1, got {self.model.context}")
        if self.optimiser.accumulate < 0:
            raise BadSettings(
                f"optimiser.accumulate must be 0 or more, got {self.optimiser.accumulate}",
                hint="0 lets the memory of the GPU decide",
            )
        variation = self.data.variation
        for name, share in (
            ("data.held_out", self.data.held_out),
            ("data.invented", self.data.invented),
            ("data.worded_text.invented", self.data.worded_text.invented),
            ("data.worded_text.absent", self.data.worded_text.absent),
            ("data.worded_text.other_case", self.data.worded_text.other_case),
            ("data.variation.other_title", variation.other_title),
            ("data.variation.plain_beginning", variation.plain_beginning),
            ("data.variation.unknown", variation.unknown),
            ("data.variation.other_relation", variation.other_relation),
            ("data.variation.learnt_text", variation.learnt_text),
            ("optimiser.warm_up", self.optimiser.warm_up),
            ("optimiser.final", self.optimiser.final),
        ):
            if not 0 <= share <= 1:
                raise BadSettings(f"{name} must be between 0 and 1, got {share}")
        for name, number in (
            ("optimiser.weight_decay", self.optimiser.weight_decay),
            ("run.steps", self.run.steps),
            ("run.minutes", self.run.minutes),
            ("run.seed", self.run.seed),
            ("run.save_every", self.run.save_every),
            ("run.evaluate_every", self.run.evaluate_every),
            ("run.evaluate_documents", self.run.evaluate_documents),
        ):
            if not 0 <= number < _MOST:
                raise BadSettings(f"{name} must be 0 or more, and below 2^63, got {number}")
        self._check_worded()
        self._check_run()
        if not 0 < self.data.replay_share < 1:
            raise BadSettings(
                f"data.replay_share must be between 0 and 1, got {self.data.replay_share}",
                hint="leave data.replay out to replay nothing",
            )
        if self.run.steps <= 0 and self.run.minutes <= 0:
            raise BadSettings(
                "run.steps or run.minutes must be above 0, got 0 for both: the run would never end"
            )
        self._check_low_rank()
        if self.model.init:
            check_init(_changed(self.model, "model."), _changed(self.data, "data."))
        else:
            model = self.model
            check_heads(model.family, model.width, model.heads, model.kv_heads, model.head_dim)
        if self.optimiser.batch_rows % (self.optimiser.accumulate or 1):
            raise BadSettings("optimiser.batch_rows must be a multiple of optimiser.accumulate")
        _check_sources(self.data)

    def _check_low_rank(self) -> None:
        rank, alpha = self.model.low_rank, self.model.low_rank_alpha
        if rank < 0 or not 0 <= alpha < math.inf:
            raise BadSettings(
                f"model.low_rank and model.low_rank_alpha must be 0 or more, got {rank} and {alpha}"
            )
        for wrong, why in (
            (not self.model.init, "model.init: there is nothing that a difference could be to"),
            (self.optimiser.name != "adamw", "optimiser.name = 'adamw'"),
            (self.run.sharding != "none", "run.sharding = 'none'"),
        ):
            if rank and wrong:
                raise BadSettings(f"model.low_rank needs {why}")

    def _check_run(self) -> None:
        if not self.run.output:
            raise BadSettings("run.output must name a folder, got an empty text")
        if not re.fullmatch(r"(cpu|cuda(:\d+)?)?", self.run.device):
            raise BadSettings(
                f"run.device must be cpu or cuda, got {self.run.device!r}",
                hint="leave it out to use the best one present",
            )
        if not math.isfinite(self.lookup_bias):
            raise BadSettings(f"lookup_bias must be a finite number, got {self.lookup_bias}")
        if self.data.workers < -1:
            raise BadSettings(
                f"data.workers must be 0 or more, or -1 to decide itself, got {self.data.workers}"
            )

    def _check_worded(self) -> None:
        if not 0 <= self.data.worded <= 10:
            raise BadSettings(
                f"data.worded must be between 0 and 10, got {self.data.worded}",
                hint="0.3 adds three such documents to every ten of the file",
            )
        weights = dataclasses.asdict(self.data.worded_text.shapes)
        for name, weight in weights.items():
            if not 0 <= weight < float("inf"):
                raise BadSettings(
                    f"data.worded_text.shapes.{name} must be 0 or above, got {weight}"
                )
        if not any(weights.values()):
            raise BadSettings("data.worded_text.shapes has no shape above 0")


def _check_sources(data: DataConfig) -> None:
    if not (data.documents or data.tokens or data.mixture):
        raise BadSettings(
            "data.documents must name a file, got an empty text",
            hint="or set data.tokens to a folder that lamlam prepare made, or [[data.mixture]]",
        )
    beside = [name for name in ("documents", "tokens", "replay") if getattr(data, name)]
    if data.mixture and beside:
        raise BadSettings(
            f"data.mixture and data.{beside[0]} are both given",
            hint="give each source an entry of its own: [[data.mixture]]",
        )
    for number, source in enumerate(data.mixture, 1):
        where = f"[[data.mixture]] number {number}"
        named = [name for name in ("documents", "tokens", "replay") if getattr(source, name)]
        if len(named) != 1:
            raise BadSettings(
                f"{where} must name one of documents, tokens and replay, "
                f"got {' and '.join(named) or 'none'}"
            )
        if not 0 < source.weight < _MOST_OFTEN:
            raise BadSettings(
                f"the weight of {where} must be above 0 and below {_MOST_OFTEN:,}, "
                f"got {source.weight}",
                hint="leave the entry out to see nothing of it",
            )


_MOST_OFTEN = 10_000
_MOST = 1 << 63


def _changed(part: Any, where: str) -> list[str]:
    """Return the names of the fields that are not as they are by default."""
    standard = type(part)()
    names = [one.name for one in dataclasses.fields(part)]
    return [where + name for name in names if getattr(part, name) != getattr(standard, name)]


def check_init(*given: list[str]) -> None:
    """Raise if a setting contradicts ``model.init``: the model that is read brings its own.

    Args:
        given: names of settings that were given.

    Raises:
        BadSettings: some have to do with the shape or the tokenizer.
    """
    own = {"model.init", "model.context", "model.low_rank", "model.low_rank_alpha"}
    names = [
        name
        for part in given
        for name in part
        if (name.startswith("model.") and name not in own)
        or name in ("data.tokenizer", "data.vocabulary")
    ]
    if names:
        raise BadSettings(
            f"model.init and {', '.join(names)} are both given: a model that is read has its own "
            "shape and tokenizer",
            hint="of these, leave out all but model.init",
        )


_ALSO = {"model.": {"preset"}}
"""Names that a file may use and that stand for others."""
_STANDARD = Settings(data=DataConfig(documents="-"), run=RunConfig(steps=1))
"""Any valid settings: a file must have the types of their fields."""


def load_settings(path: Path, changes: list[str] | None = None) -> Settings:
    """Return the settings of a TOML file.

    Args:
        changes: ``section.key=value`` strings that win over the file; the value is TOML, or text.

    Raises:
        BadSettings: an unknown key, a wrong type, or settings that contradict each other.
    """
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as problem:
        raise BadSettings(f"cannot read {path}: {problem.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
        raise BadSettings(f"cannot read the settings of {path}: {problem}") from None
    for change in changes or []:
        apply_change(raw, change)
    raw = expand_preset(raw)
    model, data = raw.get("model"), raw.get("data", {})
    if isinstance(model, dict) and isinstance(data, dict) and model.get("init"):
        # Given as they are by default they are refused, too.
        check_init([f"model.{key}" for key in model], [f"data.{key}" for key in data])
    settings: Settings = _build(Settings, raw, "")
    return settings


def _build(kind: Any, raw: Any, where: str) -> Any:  # Any: one builder for all the classes above
    if not isinstance(raw, dict):
        raise BadSettings(f"{where.rstrip('.')} must be a table, got {type(raw).__name__}")
    standard = kind() if kind is not Settings else _STANDARD
    fields = {f.name for f in dataclasses.fields(kind)}
    types = get_type_hints(kind)
    values: dict[str, Any] = {}
    for key, value in raw.items():
        if key not in fields:
            raise BadSettings(
                f"unknown setting {where}{key}",
                hint=f"known there: {', '.join(sorted(fields | _ALSO.get(where, set())))}",
            )
        default = getattr(standard, key)
        if isinstance(default, tuple):
            values[key] = _build_list(MixtureSource, value, f"{where}{key}")
        elif dataclasses.is_dataclass(default):
            values[key] = _build(type(default), value, f"{where}{key}.")
        elif isinstance(default, float) and type(value) is int:
            values[key] = float(value)
        elif type(value) not in {type(default), *map(type, get_args(types[key]))}:
            raise BadSettings(
                f"{where}{key} must be {type(default).__name__}, got {type(value).__name__}"
            )
        elif get_origin(types[key]) is Literal and value not in get_args(types[key]):
            known = ", ".join(str(one).lower() for one in get_args(types[key]))
            raise BadSettings(f"{where}{key} must be one of {known}, got {value!r}")
        else:
            values[key] = value
    return kind(**values)


def _build_list(kind: Any, raw: Any, where: str) -> tuple[Any, ...]:
    if not isinstance(raw, list):
        raise BadSettings(
            f"{where} must be a list of tables, got {type(raw).__name__}",
            hint=f"write [[{where}]] above each",
        )
    return tuple(_build(kind, value, f"{where}.") for value in raw)
