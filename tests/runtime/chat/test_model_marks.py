"""Prompts and marks of model families, as llama.cpp treats their tokens once a file is loaded."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from lamlam.errors import BadModelFile
from lamlam.runtime.chat.prompt import ChatFormat
from lamlam.runtime.decoding.token_masks import TokenMasks
from lamlam.runtime.decoding.vocabulary import Vocabulary
from lamlam.runtime.llama.context import LlamaModel, open_model
from lamlam.runtime.llama.model_file import check_file
from lamlam.runtime.sync import SyncEngine
from tests.tiny_model import CONTROL, NORMAL, USER_DEFINED, write_tiny_model

HARMONY = ["<|start|>", "<|channel|>", "<|message|>", "<|constrain|>", "<|end|>"]
HARMONY_ENDS = ["<|return|>", "<|call|>"]
HARMONY_TEMPLATE = (
    "{% for m in messages %}<|start|>{{ m.role }}<|message|>{{ m.content }}<|end|>{% endfor %}"
    "<|start|>assistant"
)
PHI = ["<unk>", "<s>", "</s>", "<|system|>", "<|user|>", "<|assistant|>", "<|end|>"]
PHI_TEMPLATE = (
    "{% for m in messages %}{{ '<|' ~ m.role ~ '|>\n' ~ m.content ~ '<|end|>\n' }}{% endfor %}"
    "{{ '<|assistant|>\n' }}"
)
CHATML_TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "<|im_start|>assistant\n"
)
HEADER_TEMPLATE = (
    "{% for m in messages %}<|start_header_id|>{{ m.role }}<|end_header_id|>\n\n"
    "{{ m.content | trim }}<|eot_id|>{% endfor %}<|start_header_id|>assistant<|end_header_id|>\n\n"
)
INST_TEMPLATE = (
    "{{ bos_token }}{% for m in messages %}{% if m.role == 'user' %}[INST] {{ m.content }} [/INST]"
    "{% else %}{{ m.content }}</s>{% endif %}{% endfor %}"
)
TURN_TEMPLATE = (
    "{% for m in messages %}<start_of_turn>{{ 'model' if m.role == 'assistant' else m.role }}\n"
    "{{ m.content | trim }}<end_of_turn>\n{% endfor %}<start_of_turn>model\n"
)
FAMILIES: dict[str, tuple[str, list[str], str]] = {
    "harmony": (HARMONY_TEMPLATE, HARMONY + HARMONY_ENDS, "oss"),
    "phi-3": (PHI_TEMPLATE, PHI, "Phi-3 tiny"),
    "chatml": (CHATML_TEMPLATE, ["<|im_start|>", "<|im_end|>"], "tiny"),
    "headers": (
        HEADER_TEMPLATE,
        ["<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"],
        "tiny",
    ),
    "inst": (INST_TEMPLATE, ["[INST]", "[/INST]", "<s>", "</s>"], "tiny"),
    "turns": (TURN_TEMPLATE, ["<start_of_turn>", "<end_of_turn>"], "tiny"),
}
TALKS = [
    [{"role": "user", "content": "Hi"}],
    [{"role": "user", "content": "\n\n  x = 1\n"}, {"role": "assistant", "content": " ok "}],
    [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Hello.\n"},
        {"role": "user", "content": "\u2026\u00e9\U0001f642"},
    ],
]


@contextmanager
def loaded(
    path: Path, template: str, marks: list[tuple[str, int]], name: str = "tiny", **more: Any
) -> Iterator[tuple[LlamaModel, Vocabulary, ChatFormat]]:
    """A tiny model with these marks, loaded."""
    metadata: dict[str, Any] = {"general.name": name, "tokenizer.chat_template": template, **more}
    write_tiny_model(path, with_lookup_tokens=False, n_layers=1, marks=marks, metadata=metadata)
    file = check_file(path)
    with open_model(file) as model:
        vocabulary = Vocabulary(model, suppressed=file.suppressed_tokens)
        yield model, vocabulary, ChatFormat(file, vocabulary.eog_tokens, vocabulary)


@pytest.mark.parametrize("family", FAMILIES)
def test_prompts_have_the_tokens_that_llama_cpp_gives_the_rendered_text(
    family: str, tmp_path: Path
) -> None:
    """White space that marks take with them included."""
    template, marks, name = FAMILIES[family]
    typed = [(mark, CONTROL) for mark in marks]
    with loaded(tmp_path / "m.gguf", template, typed, name) as (model, vocabulary, form):
        for talk in TALKS:
            rendered = form._render(talk, None)
            expected = model.tokenize(rendered.encode(), special=True)
            got = vocabulary.prompt_tokens(form.prompt(talk))
            assert (
                got[got[:1] == [vocabulary.bos] :] == expected[expected[:1] == [vocabulary.bos] :]
            )


def test_marks_of_phi_3_take_the_newline_behind_them(tmp_path: Path) -> None:
    typed = [(mark, CONTROL) for mark in PHI]
    with loaded(tmp_path / "m.gguf", PHI_TEMPLATE, typed, "Phi-3 tiny") as (_, vocabulary, form):
        tokens = vocabulary.prompt_tokens(form.prompt(TALKS[0]))
        pieces = [vocabulary.piece(token) for token in tokens]
    assert [piece for piece in pieces if piece] == [b"H", b"i"]


@pytest.mark.parametrize("kind", [CONTROL, USER_DEFINED, NORMAL])
def test_no_message_yields_a_mark_of_a_channel(kind: int, tmp_path: Path) -> None:
    """Whatever the file says of them, llama.cpp finds these marks inside plain text."""
    typed = [*((mark, kind) for mark in HARMONY), *((mark, CONTROL) for mark in HARMONY_ENDS)]
    said = "a" + "b".join(HARMONY + HARMONY_ENDS) + "".join(HARMONY)
    with loaded(tmp_path / "m.gguf", HARMONY_TEMPLATE, typed) as (model, vocabulary, form):
        assert len(model.tokenize(b"<|channel|>", special=False)) == 1, "else nothing is to guard"
        first = vocabulary.n_tokens - len(typed)

        def marks_of(content: str) -> list[int]:
            prompt = form.prompt([{"role": "user", "content": content}])
            return [token for token in vocabulary.prompt_tokens(prompt) if token >= first]

        assert marks_of(said) == marks_of("a")
        text = vocabulary.text_of(
            vocabulary.prompt_tokens(form.prompt([{"role": "user", "content": said}]))
        )
        assert said in text or kind == CONTROL, "the words themselves are kept"


def test_a_mark_that_the_file_does_not_hide_is_guarded_in_messages(tmp_path: Path) -> None:
    """Also where the template does not write it; tags of HTML stay as they are."""
    typed = [("<|fim|>", USER_DEFINED), ("</s>", USER_DEFINED), ("<b>", USER_DEFINED)]
    with loaded(tmp_path / "m.gguf", CHATML_TEMPLATE, typed) as (_, vocabulary, form):
        tokens = vocabulary.prompt_tokens(
            form.prompt([{"role": "user", "content": "<|fim|></s><b>"}])
        )
    n = vocabulary.n_tokens
    assert [token - n for token in tokens if token >= n - 3] == [-1]


@pytest.mark.parametrize(
    "mark",
    [*HARMONY[:-1], "[THINK]", "[/THINK]", "[TOOL_CALLS]", "<|python_tag|>", "<|START_THINKING|>"],
)
def test_a_plain_model_may_write_its_own_marks(mark: str, tmp_path: Path) -> None:
    """And they are seen in its text, as thoughts and calls are known by them."""
    typed = [(mark, CONTROL), ("<|im_start|>", CONTROL)]
    with loaded(tmp_path / "m.gguf", CHATML_TEMPLATE, typed) as (_, vocabulary, _form):
        token = vocabulary.n_tokens - 2
        masks = TokenMasks(vocabulary)
        assert token not in masks.text and token + 1 in masks.text
        assert vocabulary.piece(token) == mark.encode() and not vocabulary.piece(token + 1)


def test_suppressed_tokens_are_never_written(tmp_path: Path) -> None:
    """In no state, and the one that ends a text neither."""
    path = tmp_path / "m.gguf"
    letters = [1 + n for n in range(90)]
    more: dict[str, Any] = {"tokenizer.ggml.suppress_tokens": [0, *letters]}
    with loaded(path, CHATML_TEMPLATE, [], **more) as (_, vocabulary, _form):
        masks = TokenMasks(vocabulary)
        for name in ("text", "text_no_lookup", "text_no_end", "key"):
            assert {0, *letters} <= set(getattr(masks, name).tolist())
    with SyncEngine(path, None) as engine:
        done = engine.generate("Hi", max_tokens=40, temperature=2.0, seed=1, logprobs=0)
    assert done.logprobs is not None and len(done.logprobs) == 40
    assert not {one.token for one in done.logprobs} & {0, *letters}


@pytest.mark.parametrize("suppressed", [[10**6], "x", 5])
def test_suppressed_tokens_that_are_none_are_refused(suppressed: Any, tmp_path: Path) -> None:
    write: Callable[..., Path] = write_tiny_model
    path = write(tmp_path / "m.gguf", metadata={"tokenizer.ggml.suppress_tokens": suppressed})
    with pytest.raises(BadModelFile, match="suppress_tokens"):
        check_file(path)
