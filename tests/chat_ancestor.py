"""A tiny random chat model as a GGUF file, with special tokens that it never uses, to go on from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from tokenizers import AddedToken

from lamlam.quant.export import export_gguf
from lamlam.trainer.model import build_model
from lamlam.trainer.settings import ModelConfig
from tests.tokenizers_of_others import train, write_folder

UNUSED = ("<gh_stars>", "<issue_start>", "<issue_comment>", "<issue_closed>")
TEMPLATE = (
    "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n' + message['content']"
    " + '<|im_end|>' + '\n'}}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)


def write_chat_ancestor(path: Path, *, template: str | None = TEMPLATE) -> Path:
    """Write the model; its matrices fill blocks of 32 values."""
    tokenizer = train("smollm")
    tokenizer.add_special_tokens(
        [AddedToken(token, special=True) for token in ("<|im_start|>", *UNUSED)]
    )
    torch.manual_seed(7)
    shape = ModelConfig(width=32, layers=2, heads=4, kv_heads=2, feed_forward=64, context=96)
    model: Any = build_model(shape, tokenizer.get_vocab_size(), 0)
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(0.1 * torch.randn_like(weight))
    folder = path.with_suffix("")
    model.save_pretrained(folder)
    chat = {} if template is None else {"chat_template": template}
    write_folder(tokenizer, folder, bos_token="<|im_start|>", eos_token="<|im_end|>", **chat)
    return export_gguf(folder, path, dtype="f32")


def write_chats(path: Path) -> Path:
    """Write a file of chats and texts to replay."""
    lines: list[dict[str, Any]] = [{"text": "It rained in Velmora all day."}]
    lines += [
        {
            "messages": [
                {"role": "user", "content": f"When was Quistel {n} founded?"},
                {
                    "role": "assistant",
                    "content": f"In<|db_entity|> Quistel {n}<|db_relationship|> founded"
                    f"<|db_return|> 18{n}<|db_end|> 18{n}.",
                },
            ]
        }
        for n in range(10, 30)
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path
