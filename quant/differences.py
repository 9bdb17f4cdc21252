"""What a checkpoint has learnt beyond the model that it went on from, tensor by tensor."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from lamlam.errors import BadCheckpoint, MissingExtra
from lamlam.lookup_tokens import LOOKUP_TOKENS
from lamlam.quant.architectures import Architecture, TensorRule, Weights
from lamlam.quant.delta_names import DELTA_FILE, LOW_RANK_A, LOW_RANK_B, ROWS
from lamlam.quant.gguf_checkpoint import GgufCheckpoint
from lamlam.quant.hf_checkpoint import HfWeights
from lamlam.quant.low_rank_factors import LowRankFactors, balanced_factors, factors_of


class Difference(Protocol):
    """A difference to another model; names and rows are those of Hugging Face."""

    ancestor: str
    """Name of the model's file."""
    sha256: str
    """Of that file; empty where it is not known."""
    tokens: dict[int, str]
    """Tokens whose rows and texts are new, by number."""

    def parts(
        self, architecture: Architecture, rank: int
    ) -> Iterator[tuple[TensorRule, LowRankFactors | Weights, Weights | None]]:
        """Yield for each tensor that differs what is added to a matrix, or a whole vector.

        The third is new rows of a matrix: those of ``tokens``.

        Args:
            rank: of the differences at most; 0: as they are.
        """


def read_difference(hf_dir: Path, ancestor: Path | None, rank: int) -> Difference:
    """Return what a checkpoint has learnt.

    Args:
        ancestor: the GGUF file that the run went on from. Needed where the run has trained all
            weights: their difference is then cut to ``rank``.

    Raises:
        BadCheckpoint: it has no difference of low rank, or one to another file.
    """
    if (hf_dir / DELTA_FILE).is_file():
        return LearntDifference(hf_dir, ancestor)
    if ancestor is None:
        raise BadCheckpoint(
            f"{hf_dir} has no {DELTA_FILE}: the run has trained all weights",
            hint="train with --set model.low_rank=64, or cut the difference to a file that the run "
            "went on from: --ancestor FILE.gguf --delta-rank 64",
        )
    if not rank:
        raise BadCheckpoint(
            f"{hf_dir} has no {DELTA_FILE}: the difference to {ancestor} has to be cut to a rank",
            hint="name it: --delta-rank 64",
        )
    return ComparedDifference(hf_dir, ancestor)


class LearntDifference:
    """What a run with ``model.low_rank`` has written beside its checkpoint."""

    def __init__(self, hf_dir: Path, ancestor: Path | None) -> None:
        """Read all of it; ``ancestor`` is compared by its hash."""
        self._path = hf_dir / DELTA_FILE
        self._tensors, about = _read_safetensors(self._path)
        try:
            said = json.loads(about["lamlam"])
            self._alpha, self._rank = float(said["alpha"]), int(said["rank"])
            self.ancestor, self.sha256 = str(said["ancestor"]), str(said.get("ancestor_sha256", ""))
            self.tokens = {
                int(number): str(text)
                for number, text in zip(said["token_ids"], said["tokens"], strict=True)
            }
        except (KeyError, TypeError, ValueError):
            raise BadCheckpoint(
                f"{self._path} does not say what it is", hint="let lamlam train write it again"
            ) from None
        if ancestor is not None:
            given = file_sha256(ancestor)
            if self.sha256 and given != self.sha256:
                raise BadCheckpoint(f"{hf_dir} went on from another file than {ancestor}")
            self.ancestor, self.sha256 = ancestor.name, given

    def parts(
        self, architecture: Architecture, rank: int
    ) -> Iterator[tuple[TensorRule, LowRankFactors | Weights, Weights | None]]:
        """Yield what was learnt; see `Difference`."""
        left = dict(self._tensors)
        for rule in architecture.rules:
            if rule.source in left:
                yield rule, self._whole(left.pop(rule.source), rule.shape), None
            a, b = (left.pop(rule.source + end, None) for end in (LOW_RANK_A, LOW_RANK_B))
            rows = left.pop(rule.source + ROWS, None)
            if rows is not None:
                rows = self._whole(rows, (len(self.tokens), rule.shape[-1]))
            if a is not None and b is not None:
                a = self._whole(a, (self._rank, rule.shape[-1]))
                b = self._whole(b, (rule.shape[0], self._rank))
                yield rule, balanced_factors(b * (self._alpha / self._rank), a, rank), rows
            elif rows is not None:
                yield rule, _nothing(rule), rows
        if left:
            raise BadCheckpoint(
                f"{self._path} has a tensor that the model has no place for: {min(left)}"
            )

    def _whole(self, values: Weights, shape: tuple[int, ...]) -> Weights:
        if values.shape != shape or not np.isfinite(values).all():
            raise BadCheckpoint(
                f"{self._path} does not fit config.json, or has values that are no finite numbers",
                hint="let lamlam train write both again",
            )
        return values


class ComparedDifference:
    """The difference between a checkpoint and a GGUF file, matrix by matrix."""

    def __init__(self, hf_dir: Path, ancestor: Path) -> None:
        """Read the headers."""
        self._weights, self._old = HfWeights(hf_dir), GgufCheckpoint(ancestor)
        self.ancestor, self.sha256 = ancestor.name, file_sha256(ancestor)
        self._path = hf_dir
        new, old = _vocabulary(hf_dir), self._old.tokenizer()["model"]["vocab"]
        self.tokens = {
            new[text]: text for text in LOOKUP_TOKENS if text in new and old.get(text) != new[text]
        }

    def parts(
        self, architecture: Architecture, rank: int
    ) -> Iterator[tuple[TensorRule, LowRankFactors | Weights, Weights | None]]:
        """Yield the differences, cut to the rank; see `Difference`."""
        olds = self._old.weights()
        shapes = self._weights.shapes()
        for rule in architecture.rules:
            name, old = next(olds, ("", np.empty(0, np.float32)))
            if name != rule.source or shapes.get(name) != old.shape:
                raise BadCheckpoint(
                    f"{self._path} and {self.ancestor} are not of one shape: "
                    f"{rule.source} is {shapes.get(rule.source)} and {old.shape}",
                    hint="name the GGUF file that the run went on from",
                )
            new = self._weights.read(name)
            rows = None
            if name in _TOKEN_MATRICES and self.tokens:
                numbers = list(self.tokens)
                rows = new[numbers]
                old[numbers] = rows
            if new.ndim < 2:
                if not np.array_equal(new, old):
                    yield rule, new, None
                continue
            # A checkpoint is in bf16: what is less than its rounding was not learnt.
            difference = new - old
            is_new = float(np.abs(difference).max()) > 2.0**-9 * float(np.abs(old).max())
            if is_new or rows is not None:
                yield rule, factors_of(difference, rank) if is_new else _nothing(rule), rows


_TOKEN_MATRICES = ("model.embed_tokens.weight", "lm_head.weight")


def file_sha256(path: Path) -> str:
    """Return the hash of a file.

    Raises:
        BadCheckpoint: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as problem:
        raise BadCheckpoint(f"cannot read {path}: {problem.strerror}") from None


def _nothing(rule: TensorRule) -> LowRankFactors:
    rows, columns = rule.shape
    return LowRankFactors(np.empty((rows, 0), np.float32), np.empty((0, columns), np.float32))


def _vocabulary(hf_dir: Path) -> dict[str, int]:
    from lamlam.quant.checkpoint_settings import read_json

    state = read_json(hf_dir / "tokenizer.json")
    added = {token["content"]: token["id"] for token in state.get("added_tokens") or []}
    return {**((state.get("model") or {}).get("vocab") or {}), **added}


def _read_safetensors(path: Path) -> tuple[dict[str, Weights], dict[str, Any]]:
    try:
        from safetensors import SafetensorError, safe_open
    except ImportError:
        raise MissingExtra("train", "safetensors") from None
    try:
        with safe_open(path, framework="np") as file:
            about = file.metadata() or {}
            return {name: file.get_tensor(name) for name in file.keys()}, about
    except (OSError, SafetensorError) as problem:
        raise BadCheckpoint(
            f"cannot read {path}: {problem}", hint="let lamlam train write it again"
        ) from None
