"""Templates, flags, ends and samplers are read back by llama.cpp, or stop the export."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import typer

from lamlam.cli import export as commands
from lamlam.errors import BadCheckpoint, UnknownOption
from lamlam.quant.export import export_gguf
from lamlam.quant.inspect import inspect_model
from lamlam.runtime.llama.gguf_file import read_header
from tests.checkpoints import VOCABULARY, Loader

FIRST = VOCABULARY - 4  # of the four lookup tokens
BOS = {"SpecialToken": {"id": "<|endoftext|>", "type_id": 0}}
TEXT = {"Sequence": {"id": "A", "type_id": 0}}


@pytest.fixture
def checkpoint(narrow_checkpoint: Path, tmp_path: Path) -> Path:
    """A copy that the test may change."""
    return Path(shutil.copytree(narrow_checkpoint, tmp_path / "hf"))


def change(folder: Path, name: str, **changes: Any) -> None:
    path = folder / name
    before = json.loads(path.read_text()) if path.is_file() else {}
    path.write_text(json.dumps({**before, **changes}))


def rename_tokens(folder: Path, **new: str) -> None:
    """Add tokens under the ids behind the last ones of the BPE, in place of ordinary ones."""
    path = folder / "tokenizer.json"
    state = json.loads(path.read_text())
    vocab: dict[str, int] = state["model"]["vocab"]
    for number, text in ((int(key[1:]), text) for key, text in new.items()):
        old = next(token for token, place in vocab.items() if place == number)
        del vocab[old]
        state["model"]["merges"] = [
            pair for pair in state["model"]["merges"] if "".join(pair) != old and old not in pair
        ]
        state["added_tokens"].append({"id": number, "content": text, "special": True})
    path.write_text(json.dumps(state))


def template_of(model: Any, name: str | None = None) -> str | None:
    found = model.api.llama_model_chat_template(model.model, name.encode() if name else None)
    return None if found is None else found.decode()


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"chat_template.jinja": "{{ bos_token }}Ä\n"}, {None: "{{ bos_token }}Ä\n"}),
        ({"chat_template.json": '{"chat_template": "J"}'}, {None: "J"}),
        ({"tokenizer_config.json": '{"chat_template": "T"}'}, {None: "T"}),
        (
            {"tokenizer_config.json": '{"chat_template": "T"}', "chat_template.jinja": "F"},
            {None: "F"},
        ),
        (
            {
                "tokenizer_config.json": json.dumps(
                    {
                        "chat_template": [
                            {"name": "default", "template": "D"},
                            {"name": "tool_use", "template": "U"},
                        ]
                    }
                )
            },
            {None: "D", "tool_use": "U"},
        ),
        (
            {"chat_template.jinja": "D", "additional_chat_templates/rag.jinja": "R"},
            {None: "D", "rag": "R"},
        ),
    ],
)
def test_chat_templates_of_every_place(
    files: dict[str, str], expected: dict[str | None, str], checkpoint: Path, load: Loader
) -> None:
    for name, text in files.items():
        (checkpoint / name).parent.mkdir(exist_ok=True)
        (checkpoint / name).write_bytes(text.encode())
    path = export_gguf(checkpoint, checkpoint.parent / "m.gguf")
    model = load(path)
    assert {name: template_of(model, name) for name in expected} == expected
    assert inspect_model(path)["chat_templates"] == [name or "default" for name in expected]


@pytest.mark.parametrize(
    "template", [7, [7], [{"name": "default"}], [{"name": "a b", "template": "x"}],
                 [{"name": "tools", "template": "x"}]],
)  # fmt: skip
def test_chat_templates_without_a_place_stop_the_export(template: Any, checkpoint: Path) -> None:
    change(checkpoint, "tokenizer_config.json", chat_template=template)
    out = checkpoint.parent / "m.gguf"
    with pytest.raises(BadCheckpoint, match="template") as caught:
        export_gguf(checkpoint, out)
    assert "--leave-out chat_template" in str(caught.value.hint)
    assert not out.exists()
    path = export_gguf(checkpoint, out, leave_out=["chat_template"])
    assert inspect_model(path)["chat_templates"] == []


@pytest.mark.parametrize(
    ("processor", "flags", "expected"),
    [
        (None, {}, (False, False)),
        (None, {"add_bos_token": True}, (True, False)),
        (None, {"add_bos_token": True, "add_eos_token": True}, (True, True)),
        ({"type": "ByteLevel"}, {"add_bos_token": False}, (False, False)),
        ({"type": "TemplateProcessing", "single": [BOS, TEXT]}, {}, (True, False)),
        ({"type": "TemplateProcessing", "single": [BOS, TEXT, BOS]}, {}, (True, True)),
        (
            {
                "type": "Sequence",
                "processors": [
                    {"type": "ByteLevel"},
                    {"type": "TemplateProcessing", "single": [BOS, TEXT]},
                ],
            },
            {"add_bos_token": True},
            (True, False),
        ),
    ],
)
def test_tokens_around_a_text(
    processor: Any, flags: dict[str, bool], expected: tuple[bool, bool], checkpoint: Path,
    load: Loader,
) -> None:  # fmt: skip
    change(checkpoint, "tokenizer.json", post_processor=processor)
    change(checkpoint, "tokenizer_config.json", **flags)
    path = export_gguf(checkpoint, checkpoint.parent / "m.gguf")
    model = load(path)
    api = model.api
    found = (api.llama_vocab_get_add_bos(model.vocab), api.llama_vocab_get_add_eos(model.vocab))
    assert found == expected
    shown = inspect_model(path)["vocabulary"]
    assert (shown["adds_bos"], shown["adds_eos"]) == expected


ENDS: list[tuple[dict[str, str], Any, set[int]]] = [
    ({}, 0, {0}),
    ({}, None, {0}),
    ({}, [0], {0}),
    ({}, [700], {0, 700}),
    ({}, [0, 700, 701], {0, 700, 701}),
    # Two are known by their text, so that two others still have places.
    (
        {"t700": "<|im_end|>", "t701": "<|eot_id|>", "t702": "<x>", "t703": "<y>"},
        [700, 701, 702, 703],
        {0, 700, 701, 702, 703},
    ),
]


@pytest.mark.parametrize(("tokens", "ends", "expected"), ENDS)
def test_every_end_of_a_generation(
    tokens: dict[str, str], ends: Any, expected: set[int], checkpoint: Path, load: Loader
) -> None:
    rename_tokens(checkpoint, **tokens)
    change(checkpoint, "generation_config.json", eos_token_id=ends)
    model = load(export_gguf(checkpoint, checkpoint.parent / "m.gguf"))
    found = {n for n in range(model.size) if model.api.llama_vocab_is_eog(model.vocab, n)}
    assert found == expected


def test_ends_in_an_older_config(checkpoint: Path, load: Loader) -> None:
    (checkpoint / "generation_config.json").unlink()
    change(checkpoint, "config.json", eos_token_id=[0, 700])
    path = export_gguf(checkpoint, checkpoint.parent / "m.gguf")
    model = load(path)
    assert model.api.llama_vocab_is_eog(model.vocab, 700)
    assert inspect_model(path)["vocabulary"]["more_ends"] == [700]


def test_samplers_and_suppressed_tokens(checkpoint: Path, load: Loader) -> None:
    change(
        checkpoint, "generation_config.json", do_sample=True, temperature=0.5, top_k=20,
        top_p=0.75, repetition_penalty=1.25, suppress_tokens=[5, 6], max_new_tokens=9,
    )  # fmt: skip
    change(checkpoint, "tokenizer_config.json", pad_token="<|endoftext|>", unk_token=None)
    path = export_gguf(checkpoint, checkpoint.parent / "m.gguf")
    load(path)
    values = read_header(path).metadata
    assert values["tokenizer.ggml.suppress_tokens"] == [5, 6]
    assert values["tokenizer.ggml.padding_token_id"] == 0
    assert "tokenizer.ggml.unknown_token_id" not in values
    prefix = "general.sampling."
    sampling = {key.removeprefix(prefix): values[key] for key in values if key.startswith(prefix)}
    assert sampling == {
        "temp": 0.5, "top_k": 20, "top_p": 0.75, "penalty_repeat": 1.25, "penalty_last_n": -1,
    }  # fmt: skip


STOPS: list[tuple[str, dict[str, Any], str]] = [
    ("config.json", {"sliding_window": 4096}, "sliding_window is 4096"),
    ("config.json", {"attention_bias": True}, "attention_bias is True"),
    ("config.json", {"mlp_bias": True}, "mlp_bias"),
    ("config.json", {"logit_scale": 0.5}, "logit_scale"),
    ("config.json", {"final_logit_softcapping": 30.0}, "final_logit_softcapping"),
    ("config.json", {"partial_rotary_factor": 0.5}, "partial_rotary_factor"),
    ("config.json", {"quantization_config": {"bits": 4}}, "quantization_config"),
    ("config.json", {"a_later_setting": "x"}, "a_later_setting is 'x'"),
    ("generation_config.json", {"no_repeat_ngram_size": 3}, "no_repeat_ngram_size"),
    ("generation_config.json", {"bad_words_ids": [[5]]}, "bad_words_ids"),
    ("generation_config.json", {"begin_suppress_tokens": [5]}, "begin_suppress_tokens"),
    ("generation_config.json", {"num_beams": 4}, "num_beams"),
    ("generation_config.json", {"stop_strings": ["x"]}, "stop_strings"),
    ("generation_config.json", {"suppress_tokens": [-1]}, "suppress_tokens: -1"),
    ("generation_config.json", {"do_sample": True, "top_p": "high"}, "top_p must be a number"),
    ("tokenizer_config.json", {"do_lower_case": True}, "do_lower_case"),
    ("tokenizer_config.json", {"add_prefix_space": True}, "add_prefix_space"),
]


@pytest.mark.parametrize(("file", "changes", "message"), STOPS)
def test_what_has_no_place_stops_the_export_unless_it_is_left_out(
    file: str, changes: dict[str, Any], message: str, checkpoint: Path
) -> None:
    change(checkpoint, file, **changes)
    out = checkpoint.parent / "m.gguf"
    with pytest.raises(BadCheckpoint, match=message) as caught:
        export_gguf(checkpoint, out)
    name = list(changes)[-1]
    assert f"--leave-out {name}" in str(caught.value.hint)
    assert not out.exists()
    export_gguf(checkpoint, out, leave_out=[name])


UNTOUCHABLE: list[tuple[str, dict[str, Any], str]] = [
    ("generation_config.json", {"eos_token_id": [700, 701, 702]}, "none is left for .*702"),
    ("generation_config.json", {"eos_token_id": [VOCABULARY]}, "768 is not a token"),
    ("config.json", {"rope_scaling": {"type": "linear", "factor": 2}}, "type linear"),
    ("config.json", {"rope_parameters": {"full": {"rope_theta": 1}}}, "rope_parameters has full"),
    (
        "config.json",
        {"rope_theta": 1e4, "rope_parameters": {"rope_type": "default", "rope_theta": 5e5}},
        r"several rotary bases \(rope_theta\): 10000.0, 500000.0",
    ),
    ("config.json", {"rope_parameters": {"rope_theta": 0}}, "must be a number above 0, got 0"),
    ("config.json", {"model_type": "mistral"}, "model_type is 'mistral'"),
    ("config.json", {"tie_word_embeddings": "false"}, "tie_word_embeddings must be"),
    ("tokenizer.json", {"post_processor": {"type": "RobertaProcessing"}}, "RobertaProcessing"),
    (
        "tokenizer.json",
        {"post_processor": {"type": "TemplateProcessing", "single": [BOS, BOS, TEXT]}},
        "a place for the bos token alone",
    ),
    (
        "tokenizer.json",
        {"added_tokens": [{"id": 0, "content": "<|endoftext|>", "rstrip": True}]},
        "has rstrip",
    ),
    ("tokenizer.json", {"decoder": {"type": "Metaspace"}}, "the decoder Metaspace"),
    (
        "tokenizer_config.json",
        {"added_tokens_decoder": {"767": {"content": "<new>"}}},
        "lacks the added token '<new>'",
    ),
    ("tokenizer_config.json", {"pad_token": "[PAD]"}, "pad token"),
    ("tokenizer_config.json", {"added_tokens_decoder": [7]}, "does not have the usual form"),
    ("tokenizer.json", {"post_processor": 7}, "does not have the usual form"),
    ("config.json", {"rope_scaling": "linear"}, "rope_scaling must be an object"),
    ("tokenizer_config.json", {"chat_template": [{"name": [1], "template": "x"}]}, "must be a"),
]


@pytest.mark.parametrize(("file", "changes", "message"), UNTOUCHABLE)
def test_what_cannot_be_exported_at_all(
    file: str, changes: dict[str, Any], message: str, checkpoint: Path
) -> None:
    change(checkpoint, file, **changes)
    with pytest.raises(BadCheckpoint, match=message) as caught:
        export_gguf(checkpoint, checkpoint.parent / "m.gguf")
    assert "\n" not in str(caught.value)


def test_flags_that_contradict_the_tokenizer(checkpoint: Path) -> None:
    processor = {"type": "TemplateProcessing", "single": [BOS, TEXT]}
    change(checkpoint, "tokenizer.json", post_processor=processor)
    change(checkpoint, "tokenizer_config.json", add_bos_token=False)
    out = checkpoint.parent / "m.gguf"
    with pytest.raises(BadCheckpoint, match="add_bos_token is false, but"):
        export_gguf(checkpoint, out)
    path = export_gguf(checkpoint, out, leave_out=["add_bos_token"])
    assert inspect_model(path)["vocabulary"]["adds_bos"] is True


def test_everyday_settings_do_not_stop_the_export(checkpoint: Path) -> None:
    """Defaults that transformers writes out, and settings about training or speed."""
    change(
        checkpoint, "config.json", attention_bias=False, mlp_bias=False, pretraining_tp=1,
        rope_scaling=None, attention_dropout=0.1, torch_dtype="bfloat16", sliding_window=None,
        num_beams=1, temperature=1.0, pad_token_id=-1, _num_labels=1, task_specific_params={"x": {"y": 1}},
    )  # fmt: skip
    change(checkpoint, "generation_config.json", do_sample=False, temperature=0.6, num_beams=1)
    values = read_header(export_gguf(checkpoint, checkpoint.parent / "m.gguf")).metadata
    assert not any(key.startswith("general.sampling.") for key in values)


@pytest.mark.parametrize(
    ("published", "name"),
    [
        ("org/Small-LM 1.5", "Small-LM 1.5"),
        ("/home/ada/checkpoints/last/", "last"),
        ("microsoft/Phi-3-mini", "llama"),
        ("org/" + "x" * 200, "llama"),
        ("a\nb", "llama"),
        (7, "7"),
        (None, "llama"),
    ],
)
def test_the_name_is_the_checkpoints_and_not_the_files(
    published: object, name: str, checkpoint: Path, load: Loader
) -> None:
    """A name with "phi3" makes llama.cpp read the vocabulary as that of a Phi-3, and fail."""
    change(checkpoint, "config.json", _name_or_path=published)
    path = export_gguf(checkpoint, checkpoint.parent / "my-phi3-phi-3.gguf")
    assert read_header(path).metadata["general.name"] == name
    load(path)


def test_padding_with_a_number_that_has_no_row_is_left_out(checkpoint: Path, load: Loader) -> None:
    """The number after the last token stands for padding in many checkpoints."""
    change(checkpoint, "config.json", pad_token_id=VOCABULARY, unk_token_id=VOCABULARY + 1)
    change(checkpoint, "tokenizer_config.json", pad_token=None, unk_token=None)
    path = export_gguf(checkpoint, checkpoint.parent / "m.gguf")
    load(path)
    assert not {"tokenizer.ggml.padding_token_id", "tokenizer.ggml.unknown_token_id"} & set(
        read_header(path).metadata
    )


def test_a_setting_to_leave_out_must_exist(checkpoint: Path) -> None:
    with pytest.raises(UnknownOption, match="slidingwindow"):
        export_gguf(checkpoint, checkpoint.parent / "m.gguf", leave_out=["slidingwindow"])


def test_the_command_leaves_out_what_it_is_told(checkpoint: Path) -> None:
    change(checkpoint, "config.json", sliding_window=7, logit_scale=3)
    app = typer.Typer()
    commands.register(app)
    out = checkpoint.parent / "m.gguf"
    line = ["export", str(checkpoint), str(out), "--leave-out", "sliding_window", "--json"]
    command = typer.main.get_command(app)
    with pytest.raises(BadCheckpoint, match="logit_scale"):
        command.main(line, standalone_mode=False)
    command.main([*line, "--leave-out", "logit_scale"], standalone_mode=False)
    assert out.is_file()


def test_only_models_with_lookups_settings_are_called_ours(checkpoint: Path) -> None:
    """The runtime puts BOS in front for a file of ours, which others have to ask for."""
    (checkpoint / "lamlam.json").unlink()
    values = read_header(export_gguf(checkpoint, checkpoint.parent / "m.gguf")).metadata
    assert "lamlam.format_version" not in values
    assert values["tokenizer.ggml.add_bos_token"] is False


def test_a_lost_file_of_settings_is_missed_aloud(
    checkpoint: Path, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    """Only where nothing else says what it said, and the model has lookups."""
    out = checkpoint.parent / "m.gguf"
    export_gguf(checkpoint, out)
    (checkpoint / "lamlam.json").unlink()
    change(checkpoint, "tokenizer_config.json", add_bos_token=True)
    export_gguf(checkpoint, out)
    assert not caplog.records
    change(checkpoint, "tokenizer_config.json", add_bos_token=None)
    app = typer.Typer()
    commands.register(app)
    command = typer.main.get_command(app)
    command.main(["export", str(checkpoint), str(out)], standalone_mode=False)
    said = " ".join(capsys.readouterr().err.split())
    assert "warning: " in said and "no text will begin with <|endoftext|>" in said
    assert "put its lamlam.json there and export it again" in said
    assert len(caplog.records) == 1


def test_the_configuration_can_say_what_the_file_of_settings_says(checkpoint: Path) -> None:
    (checkpoint / "lamlam.json").unlink()
    change(checkpoint, "config.json", lamlam={"verbalise": "model", "lookup_bias": 2})
    out = checkpoint.parent / "m.gguf"
    values = read_header(export_gguf(checkpoint, out)).metadata
    assert values["lamlam.format_version"] == 1
    assert (values["lamlam.verbalise"], values["lamlam.lookup_bias"]) == ("model", 2.0)
    values = read_header(export_gguf(checkpoint, out, leave_out=["lamlam"])).metadata
    assert "lamlam.format_version" not in values
    (checkpoint / "lamlam.json").write_text('{"lookup_bias": 3.0}')  # wins
    values = read_header(export_gguf(checkpoint, out)).metadata
    assert (values["lamlam.verbalise"], values["lamlam.lookup_bias"]) == ("model", 3.0)
