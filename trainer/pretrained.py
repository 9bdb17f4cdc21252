"""Go on from a model that others trained: its weights and tokenizer, and four more tokens."""

from __future__ import annotations

import copy
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from tokenizers import Tokenizer
from torch import Tensor
from transformers import (
    AutoConfig,
    GPT2LMHeadModel,
    LlamaForCausalLM,
    PreTrainedModel,
    Qwen3ForCausalLM,
)
from transformers.utils import logging as transformers_logging

from lamlam.errors import BadCheckpoint, BadSettings
from lamlam.lookup_tokens import END_OF_TEXT, LOOKUP_TOKENS
from lamlam.quant.architectures import read_architecture
from lamlam.quant.checkpoint_settings import read_json, read_settings
from lamlam.quant.gguf_checkpoint import GgufCheckpoint
from lamlam.quant.hf_checkpoint import HfWeights
from lamlam.quant.vocabularies import check_splitting
from lamlam.trainer.low_rank import learn_low_rank
from lamlam.trainer.model import is_tied, output_weight, prepare_for_training
from lamlam.trainer.settings import ModelConfig
from lamlam.trainer.tokenizer import LmlmTokenizer

log = logging.getLogger(__name__)
_CLASSES: dict[str, Any] = {
    "llama": LlamaForCausalLM,
    "qwen3": Qwen3ForCausalLM,
    "gpt2": GPT2LMHeadModel,
}
_SPREAD = 0.1
"""Standard deviation of a new row around the mean of the others, as a share of theirs."""


BUNDLED = Path("bundled")
"""Names the model of lamlam, where no folder or file has this name."""


class PretrainedModel:
    """A model on disk: its tokenizer at once, its weights by `build`."""

    def __init__(self, path: Path) -> None:
        """Read the tokenizer and the configuration of a Hugging Face folder or a GGUF file.

        Raises:
            BadSettings: nothing there, or a model or tokenizer that cannot be trained here.
        """
        if path == BUNDLED and not path.exists():
            path = _bundled_model()
        self.path = path
        self._gguf: GgufCheckpoint | None = None
        try:
            if path.is_dir():
                config = read_json(path / "config.json")
                end, state = self._folder_tokenizer(config)
            elif path.is_file():
                self._gguf = GgufCheckpoint(path)
                config, end = self._gguf.config, self._gguf.end_of_text
                state = self._gguf.tokenizer()
            else:
                raise BadSettings(
                    f"model.init: there is no folder or file {path}",
                    hint="name a Hugging Face folder, a .gguf file, or bundled",
                )
            if config.get("model_type") not in _CLASSES:
                raise BadCheckpoint(
                    f"{path} is a model of type {config.get('model_type')!r}",
                    hint=f"these can be trained: {', '.join(_CLASSES)}",
                )
            biased = [key for key in ("attention_bias", "mlp_bias") if config.get(key)]
            if biased:  # better said now than by the export at the end
                raise BadCheckpoint(f"{path} has {biased[0]}, for which a GGUF file has no place")
            self.n_rows = read_architecture(config).n_rows
            check_splitting(state, path)
            if self._gguf is None:
                HfWeights(path)  # which names the file where one is missing or cut
            self.config = config
            self._is_new = not _has(state, LOOKUP_TOKENS[0])
            end = END_OF_TEXT if _has(state, END_OF_TEXT) else end
            self.tokenizer = _with_lookups(state, end, self._chat_template())
        except BadCheckpoint as problem:
            raise BadSettings(f"model.init: {problem}", hint=problem.hint) from None
        except ValueError as problem:
            raise BadSettings(f"model.init: cannot read {path}: {problem}") from None

    def _folder_tokenizer(self, config: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        file = self.path / "tokenizer.json"
        if not file.is_file():
            raise BadCheckpoint(
                f"{self.path} has no tokenizer.json",
                hint="write one: AutoTokenizer.from_pretrained(FOLDER).save_pretrained(FOLDER)",
            )
        state = read_json(file)
        beside = self.path / "tokenizer_config.json"
        end = (read_json(beside) if beside.is_file() else {}).get("eos_token")
        if isinstance(end, dict):
            end = end.get("content")
        if not isinstance(end, str):
            numbers = config.get("eos_token_id")
            number = numbers[0] if isinstance(numbers, list) and numbers else numbers
            words = {**state["model"]["vocab"]}
            words |= {token["content"]: token["id"] for token in state.get("added_tokens") or []}
            end = next((word for word, n in words.items() if n == number), END_OF_TEXT)
        return end, state

    def build_as(
        self, shape: ModelConfig, seed: int, device: torch.device | str = "cpu"
    ) -> PreTrainedModel:
        """Return the model as the settings ask for it: all of it to train, or a difference.

        Raises:
            BadSettings: as `build`, or differences that this model cannot have.
        """
        model = self.build(shape.context, seed, device)
        if shape.low_rank:
            learn_low_rank(model, self.tokenizer.ids, shape.low_rank, shape.low_rank_alpha, seed)
        return model

    def _chat_template(self) -> str | None:
        if self._gguf is not None:
            return self._gguf.chat_template
        try:
            return read_settings(self.path).chat_templates.get("default")
        except BadCheckpoint as problem:  # which the export of such a folder would say
            log.warning("%s; the checkpoint will have no chat template", problem)
            return None

    def build(self, context: int, seed: int, device: torch.device | str = "cpu") -> PreTrainedModel:
        """Return the model with its weights in float32, ready to train.

        Args:
            context: positions of the longest row.
            seed: for the rows of tokens that are new.

        Raises:
            BadSettings: weights are missing or do not fit, or the context is too long for it.
        """
        limit = self.config.get("max_position_embeddings", self.config.get("n_positions"))
        if isinstance(limit, int) and context > limit:
            raise BadSettings(
                f"model.context is {context}, but the model in {self.path} has {limit} positions",
                hint=f"set model.context = {limit}, or less",
            )
        try:
            with _quiet_transformers():
                model = self._from_gguf() if self._gguf is not None else self._from_folder()
            _check_finite(model)
        except (BadCheckpoint, OSError, RuntimeError, ValueError, SafetensorError) as problem:
            hint = problem.hint if isinstance(problem, BadCheckpoint) else None
            raise BadSettings(
                f"model.init: cannot read {self.path}: {problem}", hint=hint
            ) from None
        self._add_rows(model, seed)
        ids = self.tokenizer.ids
        config = model.config
        config.bos_token_id = config.eos_token_id = ids.end_of_text
        config.pad_token_id, config.use_cache = None, False
        config.tie_word_embeddings = is_tied(model)
        embedding: Any = model.get_input_embeddings()
        embedding.padding_idx = None  # of a row whose gradient would be thrown away
        for name in ("resid_pdrop", "embd_pdrop", "attn_pdrop", "attention_dropout"):
            if hasattr(config, name):
                setattr(config, name, 0.0)
        for part in model.modules():
            if isinstance(part, torch.nn.Dropout):
                part.p = 0.0
        prepare_for_training(model, context)
        torch.nn.Module.to(model, device)
        return model

    def _from_folder(self) -> PreTrainedModel:
        kind = _CLASSES[self.config["model_type"]]
        model, found = kind.from_pretrained(
            self.path,
            dtype=torch.float32,
            use_safetensors=True,
            local_files_only=True,
            output_loading_info=True,
        )
        lost = sorted(found["missing_keys"]) + sorted(map(str, found["mismatched_keys"]))
        if lost:  # transformers draws them at random
            raise BadCheckpoint(f"{len(lost)} tensors are missing there, the first: {lost[0]}")
        loaded: PreTrainedModel = model
        return loaded

    def _from_gguf(self) -> PreTrainedModel:
        assert self._gguf is not None
        kind = self.config["model_type"]
        rest = {key: value for key, value in self.config.items() if key != "model_type"}
        with torch.device("meta"):
            model: PreTrainedModel = _CLASSES[kind](AutoConfig.for_model(kind, **rest))
        weights = {name: torch.from_numpy(values.copy()) for name, values in self._gguf.weights()}
        if self.config["tie_word_embeddings"]:
            name = "transformer.wte.weight" if kind == "gpt2" else "model.embed_tokens.weight"
            weights["lm_head.weight"] = weights[name]
        model.load_state_dict(weights, strict=True, assign=True)
        model.tie_weights()
        # Not in the file, as it follows from the settings.
        if kind != "gpt2":
            body: Any = model.base_model
            body.rotary_emb = type(body.rotary_emb)(model.config)
        for part in model.modules():  # the masks that GPT-2 has in some releases of transformers
            for name, mask in part.named_buffers(recurse=False):
                if mask.is_meta and mask.dtype == torch.bool:
                    setattr(part, name, torch.ones(mask.shape, dtype=torch.bool).tril())
        for weight in model.parameters():
            weight.requires_grad_(True)
        return model

    def _add_rows(self, model: PreTrainedModel, seed: int) -> None:
        """Give each new token a row near the mean of the others, where it has none yet."""
        ids = self.tokenizer.ids
        new = [ids.entity, ids.relationship, ids.return_, ids.end] if self._is_new else []
        n_rows = max(self.n_rows, self.tokenizer.size)
        matrices = _matrices(model)
        n_old = min([self.tokenizer.size, *(n for n in new if n >= self.n_rows), self.n_rows])
        drawn = [_drawn(matrix.detach()[:n_old], len(new), seed) for matrix in matrices]
        if n_rows > self.n_rows:
            model.resize_token_embeddings(n_rows, mean_resizing=False)
        with torch.no_grad():
            for matrix, rows in zip(_matrices(model), drawn, strict=True):
                matrix[new] = rows.to(matrix.dtype)


def _bundled_model() -> Path:
    # Found by its place: the module of that folder reads facts and imports the trainer.
    found = (Path(str(files("lamlam"))) / "bundled").glob("*.gguf")
    return next(found, BUNDLED)


def _matrices(model: PreTrainedModel) -> list[Tensor]:
    """Return the embedding and, where it is another one, the output matrix."""
    embedding: Any = model.get_input_embeddings()
    return [embedding.weight] if is_tied(model) else [embedding.weight, output_weight(model)]


@contextmanager
def _quiet_transformers() -> Iterator[None]:
    """Keep transformers from writing progress and reports: errors are raised here."""
    said: Any = transformers_logging  # half of it is annotated
    before = said.get_verbosity()
    said.set_verbosity_error()
    said.disable_progress_bar()
    try:
        yield
    finally:
        said.enable_progress_bar()
        said.set_verbosity(before)


def _drawn(old: Tensor, n: int, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(n, old.shape[1], generator=generator)
    return old.mean(0) + _SPREAD * old.std(0) * noise


def _has(state: dict[str, Any], token: str) -> bool:
    added = [one["content"] for one in state.get("added_tokens") or []]
    return token in state["model"]["vocab"] or token in added


_NEVER_USED = (
    ("<gh_stars>", "<issue_start>", "<issue_comment>", "<issue_closed>"),  # SmolLM2
    tuple(f"<|reserved_special_token_{n}|>" for n in (244, 245, 246, 247)),  # Llama 3
)
"""Special tokens of published models that their chats and texts never use."""


def _with_lookups(
    state: dict[str, Any], end_of_text: str, chat_template: str | None
) -> LmlmTokenizer:
    """Return the tokenizer with the lookup tokens, which it is given if it has none of them.

    They take the place of special tokens that the model never uses, where such are known: the
    vocabulary keeps its size. Otherwise they come behind its last one.
    """
    known = [token for token in LOOKUP_TOKENS if _has(state, token)]
    if known and len(known) < len(LOOKUP_TOKENS):
        raise BadCheckpoint(
            f"its tokenizer has {', '.join(known)}, but not all of the four lookup tokens"
        )
    if not _has(state, end_of_text):
        raise BadCheckpoint(f"its tokenizer lacks the end-of-text token {end_of_text!r}")
    changed = copy.deepcopy(state)
    added: list[dict[str, Any]] = changed.setdefault("added_tokens", [])
    unused = next((texts for texts in _NEVER_USED if all(_has(state, t) for t in texts)), None)
    if not known and unused is not None and not any(t in (chat_template or "") for t in unused):
        _rename(changed, dict(zip(unused, LOOKUP_TOKENS, strict=True)))
    elif not known:
        numbers = [*changed["model"]["vocab"].values(), *(token["id"] for token in added)]
        added += [
            {
                "id": max(numbers) + 1 + place,
                "content": token,
                "single_word": False,
                "lstrip": False,
                "rstrip": False,
                "normalized": False,
                "special": True,
            }
            for place, token in enumerate(LOOKUP_TOKENS)
        ]
    # Documents bring their own end-of-text token: what else is put around a text is not for them.
    changed["post_processor"] = None
    changed["truncation"] = changed["padding"] = None
    return LmlmTokenizer(Tokenizer.from_str(json.dumps(changed)), end_of_text, chat_template)


def _rename(state: dict[str, Any], texts: dict[str, str]) -> None:
    """Give tokens other texts, in place."""
    for token in state["added_tokens"]:
        token["content"] = texts.get(token["content"], token["content"])
    vocabulary = state["model"]["vocab"]
    state["model"]["vocab"] = {texts.get(text, text): n for text, n in vocabulary.items()}


def _check_finite(model: PreTrainedModel) -> None:
    for name, weight in model.named_parameters():
        if not weight.isfinite().all():
            raise BadCheckpoint(
                f"{name} has values that are infinite or not a number",
                hint="the run that wrote it diverged; take an earlier checkpoint",
            )
