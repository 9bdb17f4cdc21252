"""Settings that change what a model writes and that a GGUF file has no place for.

Only settings that are known to be harmless, or that the export writes, pass; a
setting that nobody here has heard of may matter, and stops the export.
"""

from __future__ import annotations

from typing import Any

from lamlam.errors import BadCheckpoint
from lamlam.quant.checkpoint_settings import CheckpointSettings

# About the file, about training, or about how transformers computes: not about the result.
_ABOUT = frozenset(
    "transformers_version architectures model_type _name_or_path name_or_path torch_dtype dtype "
    "use_cache bos_token_id eos_token_id pad_token_id sep_token_id cls_token_id unk_token_id "
    "initializer_range output_attentions output_hidden_states return_dict "
    "chunk_size_feed_forward id2label label2id num_labels _num_labels problem_type task_specific_params "
    "finetuning_task tokenizer_class attn_implementation _attn_implementation "
    "_attn_implementation_autoset _attn_implementation_internal _commit_hash torchscript "
    "use_bfloat16 pruned_heads gradient_checkpointing license unsloth_version unsloth_fixed "
    "is_decoder tf_legacy_loss max_sequence_length model_max_length vocab_size "
    "tie_word_embeddings use_return_dict is_llama_config transformers.js_config lamlam".split()
)
_OF_LLAMA = frozenset(
    "hidden_size num_hidden_layers num_attention_heads num_key_value_heads "
    "intermediate_size head_dim hidden_act max_position_embeddings rms_norm_eps rope_theta "
    "rope_scaling rope_parameters pretraining_tp attention_dropout".split()
)
_OF_MODEL = {
    "llama": _OF_LLAMA,
    # Which layers have a sliding window is checked where the architecture is read.
    "qwen3": _OF_LLAMA | {"layer_types", "max_window_layers"},
    "gpt2": frozenset(
        "n_embd n_layer n_head n_positions n_ctx n_inner activation_function layer_norm_epsilon "
        "scale_attn_weights scale_attn_by_inverse_layer_idx reorder_and_upcast_attn resid_pdrop "
        "embd_pdrop attn_pdrop summary_type summary_use_proj summary_activation "
        "summary_proj_to_labels summary_first_dropout predict_special_tokens".split()
    ),
}
# Written, only about speed or the form of the answer, or a limit that every caller sets.
_OF_GENERATION = frozenset(
    "transformers_version _from_model_config bos_token_id eos_token_id pad_token_id "
    "decoder_start_token_id do_sample temperature top_k top_p min_p repetition_penalty "
    "suppress_tokens max_length max_new_tokens max_time early_stopping length_penalty "
    "num_return_sequences use_cache cache_implementation cache_config max_cache_len "
    "return_dict_in_generate output_attentions output_hidden_states output_scores "
    "output_logits remove_invalid_values low_memory trust_remote_code is_assistant "
    "num_assistant_tokens num_assistant_tokens_schedule assistant_confidence_threshold "
    "assistant_early_exit assistant_lookbehind target_lookbehind assistant_ensemble_weight "
    "prompt_lookup_num_tokens max_matching_ngram_size compile_config disable_compile "
    "continuous_batching_config prefill_chunk_size use_mtp speculation_type".split()
)
# Names that a config.json of older transformers has beside those of the model.
_ALSO_GENERATION = frozenset(
    "min_length min_new_tokens num_beams num_beam_groups typical_p no_repeat_ngram_size "
    "encoder_no_repeat_ngram_size encoder_repetition_penalty bad_words_ids forced_bos_token_id "
    "forced_eos_token_id begin_suppress_tokens exponential_decay_length_penalty "
    "diversity_penalty penalty_alpha epsilon_cutoff eta_cutoff sequence_bias guidance_scale "
    "stop_strings token_healing watermarking_config renormalize_logits dola_layers top_h "
    "constraints force_words_ids".split()
)
_ONE_IS_NOTHING = frozenset(
    "num_beams num_beam_groups typical_p encoder_repetition_penalty guidance_scale "
    "partial_rotary_factor logit_scale logits_scaling residual_multiplier "
    "embedding_multiplier".split()
)
_ZERO_IS_NOTHING = frozenset(
    "min_length min_new_tokens no_repeat_ngram_size encoder_no_repeat_ngram_size "
    "diversity_penalty penalty_alpha epsilon_cutoff eta_cutoff".split()
)
_NOTHING: tuple[Any, ...] = (None, False, "", [], {})


def check_placed(settings: CheckpointSettings, architecture: str) -> None:
    """Raise if a setting changes what the model writes and cannot stand in the file.

    Args:
        architecture: llama.cpp's name of it.

    Raises:
        BadCheckpoint: the first such setting, with its file and its value.
    """
    generation = settings.generation
    of_model = _ABOUT | _OF_MODEL[architecture]
    _check("config.json", settings.config, of_model | _OF_GENERATION | _ALSO_GENERATION)
    if generation is not None:
        _check("generation_config.json", generation, _OF_GENERATION)
    else:
        said = {key: settings.config.get(key) for key in _ALSO_GENERATION}
        _check("config.json", said, _OF_GENERATION)
    for key in ("do_lower_case", "split_special_tokens"):
        if settings.tokenizer.get(key):
            raise unplaced("tokenizer_config.json", key, settings.tokenizer[key])
    described = settings.config.get("model_type")
    if described is not None and described != architecture:
        raise BadCheckpoint(
            f"config.json: model_type is {described!r}, but its architectures name a {architecture}"
        )


def _check(file: str, said: dict[str, Any], placed: frozenset[str]) -> None:
    for key, value in sorted(said.items()):
        if key not in placed and not _is_nothing(key, value):
            raise unplaced(file, key, value)


def _is_nothing(key: str, value: Any) -> bool:
    if any(type(value) is type(nothing) and value == nothing for nothing in _NOTHING):
        return True
    number = type(value) in (int, float)
    return number and (
        (value == 1 and key in _ONE_IS_NOTHING) or (value == 0 and key in _ZERO_IS_NOTHING)
    )


def unplaced(file: str, key: str, value: Any) -> BadCheckpoint:
    """Return the error that names a setting which the GGUF file cannot hold."""
    shown = repr(value) if len(repr(value)) <= 60 else f"{repr(value)[:60]}…"
    return BadCheckpoint(
        f"{file}: {key} is {shown}, for which the GGUF file has no place",
        hint=f"if the model may do without it: --leave-out {key}",
    )
