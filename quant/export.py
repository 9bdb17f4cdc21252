"""Export: a Hugging Face checkpoint to a GGUF file."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from lamlam.errors import BadCheckpoint, MissingExtra, UnknownOption

try:
    import numpy as np
except ModuleNotFoundError:
    raise MissingExtra("train", "numpy") from None

from lamlam.lookup_tokens import LOOKUP_TOKENS
from lamlam.quant.architectures import Architecture, TensorRule, Weights, read_architecture
from lamlam.quant.checkpoint_settings import CheckpointSettings, read_json, read_settings
from lamlam.quant.generation_settings import GenerationSettings, generation_settings
from lamlam.quant.hf_checkpoint import HfWeights
from lamlam.quant.unplaced import check_placed
from lamlam.quant.vocabularies import GgufVocabulary, read_vocabulary
from lamlam.quant.written_file import Progress, written_beside
from lamlam.runtime.llama.checksum import PLACEHOLDERS, seal
from lamlam.runtime.llama.model_file import is_phi3_name

log = logging.getLogger(__name__)

FORMAT_VERSION = 1
DType = Literal["f16", "bf16", "f32"]
# The format's numbers for "mostly this type".
_FILE_TYPES: dict[DType, int] = {"f32": 0, "f16": 1, "bf16": 32}
_LARGEST_F16 = 65504.0
_MODEL_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._+-]{0,95}")


def export_gguf(
    hf_dir: Path,
    out: Path,
    *,
    dtype: DType = "f16",
    leave_out: Collection[str] = (),
    progress: Progress | None = None,
) -> Path:
    """Write the checkpoint as one sealed GGUF file and return its path.

    Names, shapes and settings are checked before anything is written; the file grows
    beside the target and takes its name when it is whole. Chat templates, further ends
    of generation, suppressed tokens and defaults of sampling are written, too.

    Args:
        hf_dir: folder with ``config.json``, ``model.safetensors`` (or its index
            and parts), ``tokenizer.json`` and, where lamlam trained it, ``lamlam.json``.
        out: the file to write; replaced if it exists.
        dtype: type of the matrices; vectors are always float32.
        leave_out: keys of ``config.json``, ``generation_config.json`` and
            ``tokenizer_config.json`` (also ``chat_template``) that the file may lack.

    Raises:
        BadCheckpoint: something is missing, unknown, or of another shape than expected, or
            the file has no place for a setting that changes what the model writes.
        MissingExtra: the packages of ``lamlam[train]`` are not installed.
        UnknownOption: a ``dtype`` that does not exist, or a setting to leave out that nobody made.
    """
    hf_dir, out = Path(hf_dir), Path(out)
    if dtype not in _FILE_TYPES:
        raise UnknownOption(
            f"unknown number type {dtype!r}", hint=f"one of: {', '.join(get_args(DType))}"
        )
    if not hf_dir.is_dir():
        raise BadCheckpoint(f"{hf_dir} is not a folder with a checkpoint")
    said = read_settings(hf_dir, leave_out)
    architecture = read_architecture(said.config)
    check_placed(said, architecture.name)
    vocabulary = read_vocabulary(hf_dir, said.config, architecture.n_rows, said.tokenizer)
    settings = lamlam_settings(hf_dir, said.config, vocabulary)
    settings["name"] = model_name(settings.get("name"), said.config, architecture.name)
    weights = HfWeights(hf_dir)
    rules = _match(architecture, weights.shapes())
    text = text_settings(said, vocabulary)
    with written_beside(out) as unfinished:
        writer = _writer(unfinished, architecture, text, settings, dtype)
        try:
            _write_tensors(writer, rules, architecture.constants, weights, dtype, progress)
        finally:
            writer.close()
        seal(unfinished)
    return out


def _match(
    architecture: Architecture, shapes: dict[str, tuple[int, ...]]
) -> list[tuple[str, TensorRule]]:
    """Return each rule with the name of its tensor in the files; all names and shapes fit."""
    prefix = architecture.optional_prefix
    full_names = {
        name if name.startswith(prefix) or name == "lm_head.weight" else prefix + name: name
        for name in shapes
    }
    matched: list[tuple[str, TensorRule]] = []
    for rule in architecture.rules:
        if rule.source not in full_names:
            raise BadCheckpoint(f"the checkpoint has no tensor {rule.source}")
        name = full_names.pop(rule.source)
        if shapes[name] != rule.shape:
            raise BadCheckpoint(
                f"{name} has the shape {_times(shapes[name])}, config.json asks for "
                f"{_times(rule.shape)}"
            )
        matched.append((name, rule))
    unknown = sorted(full_names.keys() - architecture.ignored)
    if unknown:
        raise BadCheckpoint(
            f"{len(unknown)} of the checkpoint's {len(shapes)} tensors have no place in a "
            f"{architecture.name} file, the first: {unknown[0]}"
        )
    return matched


def _times(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape)) or "()"


def model_name(ours: Any, config: dict[str, Any], architecture: str) -> str:
    """Return the name of the model: what the checkpoint calls it, else its architecture.

    Never the name of a file: llama.cpp reads some models otherwise because of their name.
    """
    published = str(config.get("_name_or_path") or "").rstrip("/").rpartition("/")[2]
    name = ours if isinstance(ours, str) else published
    if not _MODEL_NAME.fullmatch(name) or is_phi3_name(name):
        return architecture
    return name


def lamlam_settings(
    hf_dir: Path, config: dict[str, Any], vocabulary: GgufVocabulary
) -> dict[str, Any]:
    """Return what ``lamlam.json`` and ``lamlam`` in ``config.json`` say, checked.

    ``is_ours`` is added: whether there is one of them. The file is the more complete one, and
    wins; the setting is kept where other programs copy or save a checkpoint.
    """
    path = hf_dir / "lamlam.json"
    beside = config.get("lamlam")
    if beside is not None and not isinstance(beside, dict):
        raise BadCheckpoint(
            f"{hf_dir / 'config.json'}: lamlam must be an object, got a {type(beside).__name__}",
            hint="correct it, or export without it: --leave-out lamlam",
        )
    found = read_json(path) if path.is_file() else None
    is_ours = found is not None or beside is not None
    for place, said in ((hf_dir / "config.json: lamlam", beside or {}), (path, found or {})):
        _check_lamlam_settings(place, said)
    if not is_ours and not vocabulary.adds_bos and set(LOOKUP_TOKENS) <= set(vocabulary.tokens):
        log.warning(
            "%s has the lookup tokens, but neither lamlam.json nor lamlam in config.json: no text "
            "will begin with %s, lookup_bias is 0 and verbalise is copy. If lamlam trained it, "
            "put its lamlam.json there and export it again.",
            hf_dir,
            vocabulary.tokens[vocabulary.bos_id],
        )
    return {**(beside or {}), **(found or {}), "is_ours": is_ours}


def _check_lamlam_settings(place: Path, settings: dict[str, Any]) -> None:
    verbalise = settings.get("verbalise", "copy")
    if verbalise not in ("copy", "model"):
        raise BadCheckpoint(f"{place}: verbalise must be 'copy' or 'model', got {verbalise!r}")
    bias = settings.get("lookup_bias", 0.0)
    if isinstance(bias, bool) or not isinstance(bias, int | float):
        raise BadCheckpoint(f"{place}: lookup_bias must be a number, got {bias!r}")


@dataclass(frozen=True, slots=True)
class ExportedText:
    """All that a file says about text."""

    vocabulary: GgufVocabulary
    generation: GenerationSettings
    chat_templates: dict[str, str]


def text_settings(said: CheckpointSettings, vocabulary: GgufVocabulary) -> ExportedText:
    """Return vocabulary, settings of generation and chat templates of a checkpoint.

    Raises:
        BadCheckpoint: llama.cpp would not end where the checkpoint does.
    """

    def write_alone(path: Path, ends: dict[str, int]) -> None:
        writer = new_writer(path, "llama")
        _add_vocabulary(writer, vocabulary)
        _add_special_tokens(writer, vocabulary)
        for key, token in ends.items():
            writer.add_uint32(key, token)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_ti_data_to_file()
        writer.close()

    generation = generation_settings(said, vocabulary, write_alone)
    return ExportedText(vocabulary, generation, said.chat_templates)


def new_writer(path: Path, architecture: str) -> Any:  # Any: gguf publishes no types
    """Return gguf's writer of a file.

    Raises:
        MissingExtra: gguf is not installed.
    """
    try:
        from gguf import GGUFWriter
    except ImportError:
        raise MissingExtra("train", "gguf") from None
    return GGUFWriter(path, architecture)


def _writer(
    path: Path,
    architecture: Architecture,
    text: ExportedText,
    settings: dict[str, Any],
    dtype: DType,
) -> Any:
    writer = new_writer(path, architecture.name)
    writer.add_name(str(settings["name"]))
    writer.add_type("model")
    if settings.get("license"):
        writer.add_license(str(settings["license"]))
    writer.add_file_type(_FILE_TYPES[dtype])
    for key, value in architecture.hyperparameters.items():
        if isinstance(value, float):
            writer.add_float32(f"{architecture.name}.{key}", value)
        else:
            writer.add_uint32(f"{architecture.name}.{key}", value)
    _add_vocabulary(writer, text.vocabulary)
    add_text_settings(writer, text)
    add_lamlam_settings(writer, settings)
    return writer


def add_lamlam_settings(writer: Any, settings: dict[str, Any]) -> None:
    """Write what `lamlam_settings` returned, and room for the checksums."""
    if settings["is_ours"]:  # the runtime then puts BOS in front of every text
        writer.add_uint32("lamlam.format_version", FORMAT_VERSION)
    if "verbalise" in settings:
        writer.add_string("lamlam.verbalise", settings["verbalise"])
    if "lookup_bias" in settings:
        writer.add_float32("lamlam.lookup_bias", float(settings["lookup_bias"]))
    if "training" in settings:
        training = json.dumps(settings["training"], ensure_ascii=False, sort_keys=True)
        writer.add_string("lamlam.training", training)
    for key, zeros in PLACEHOLDERS.items():
        writer.add_string(key, zeros)


def _add_vocabulary(writer: Any, vocabulary: GgufVocabulary) -> None:
    writer.add_tokenizer_model(vocabulary.model)
    writer.add_tokenizer_pre(vocabulary.pre)
    writer.add_token_list(list(vocabulary.tokens))
    writer.add_token_types([int(kind) for kind in vocabulary.types])
    if vocabulary.model == "llama":
        writer.add_token_scores(list(vocabulary.scores))
    else:
        writer.add_token_merges(list(vocabulary.merges))


def add_text_settings(writer: Any, text: ExportedText) -> None:
    """Write all that a file says about text but the vocabulary itself."""
    _add_special_tokens(writer, text.vocabulary)
    _add_generation(writer, text.generation)
    _add_chat_templates(writer, text.chat_templates)


def _add_special_tokens(writer: Any, vocabulary: GgufVocabulary) -> None:
    writer.add_bos_token_id(vocabulary.bos_id)
    writer.add_eos_token_id(vocabulary.eos_id)
    if "unk" in vocabulary.others:
        writer.add_unk_token_id(vocabulary.others["unk"])
    if "pad" in vocabulary.others:
        writer.add_pad_token_id(vocabulary.others["pad"])
    writer.add_add_bos_token(vocabulary.adds_bos)
    writer.add_add_eos_token(vocabulary.adds_eos)
    writer.add_add_space_prefix(vocabulary.adds_space)
    if vocabulary.normalizer:
        writer.add_string("lamlam.normalizer", vocabulary.normalizer)
    if vocabulary.text_start:
        writer.add_string("lamlam.text_start", vocabulary.text_start)


def _add_generation(writer: Any, generation: GenerationSettings) -> None:
    for key, token in generation.ends.items():
        writer.add_uint32(key, token)
    if generation.suppressed:
        writer.add_array("tokenizer.ggml.suppress_tokens", list(generation.suppressed))
    for key, value in generation.sampling.items():
        if isinstance(value, float):
            writer.add_float32(key, value)
        else:
            writer.add_int32(key, value)


def _add_chat_templates(writer: Any, templates: dict[str, str]) -> None:
    for name, template in sorted(templates.items()):
        key = "tokenizer.chat_template"
        writer.add_string(key if name == "default" else f"{key}.{name}", template)
    others = sorted(templates.keys() - {"default"})
    if others:
        writer.add_array("tokenizer.chat_templates", others)


def _write_tensors(
    writer: Any,
    rules: list[tuple[str, TensorRule]],
    constants: Mapping[str, Weights],
    weights: HfWeights,
    dtype: DType,
    progress: Progress | None,
) -> None:
    """Write header and tensors, holding one tensor in memory at a time."""
    import gguf

    kinds = gguf.GGMLQuantizationType
    matrix_kind = {"f32": kinds.F32, "f16": kinds.F16, "bf16": kinds.BF16}[dtype]
    for _, rule in rules:
        kind = matrix_kind if len(rule.shape) > 1 else kinds.F32
        shape = _target_shape(rule)
        n_bytes = int(np.prod(shape)) * (4 if kind == kinds.F32 else 2)
        writer.add_tensor_info(rule.target, shape, np.dtype(np.float32), n_bytes, raw_dtype=kind)
    for name, constant in constants.items():
        writer.add_tensor_info(
            name, constant.shape, constant.dtype, constant.nbytes, raw_dtype=kinds.F32
        )
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    for done, (name, rule) in enumerate(rules, start=1):
        values: Weights = weights.read(name)
        if rule.change is not None:
            values = rule.change(values)
        kind = matrix_kind if values.ndim > 1 else kinds.F32
        largest = max(float(values.max()), -float(values.min()))
        if kind == kinds.F16 and largest > _LARGEST_F16:
            raise BadCheckpoint(
                f"{name} has the value {largest:g}, f16 ends at {_LARGEST_F16:g}",
                hint="export as bf16 or f32",
            )
        writer.write_tensor_data(gguf.quantize(np.ascontiguousarray(values), kind))
        if progress is not None:
            progress(done, len(rules))
    for constant in constants.values():
        writer.write_tensor_data(constant)


def _target_shape(rule: TensorRule) -> tuple[int, ...]:
    return tuple(reversed(rule.shape)) if rule.change is np.transpose else rule.shape
