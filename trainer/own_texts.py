"""``python -m lamlam.trainer.own_texts MODEL OUT.jsonl``: chats that a model writes by itself.

What a chat model must not forget while it learns to look facts up is best shown by its own texts: it
writes a user's message after its template's opening, then the answer. The file is for ``data.replay``.

Source: Xu et al. 2024 (arXiv 2406.08464), messages of users from the model itself.
"""

from __future__ import annotations

import argparse
import inspect
import json
import logging
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from torch import Tensor
from transformers import PreTrainedModel

from lamlam.errors import BadSettings, LamLamError
from lamlam.trainer.chats import ChatWriter
from lamlam.trainer.devices import is_on_gpu
from lamlam.trainer.lookup_format import ControlToken, PlainText
from lamlam.trainer.pretrained import PretrainedModel
from lamlam.trainer.tokenizer import LmlmTokenizer

log = logging.getLogger(__name__)

EXAMPLE = """example:
  python -m lamlam.trainer.own_texts SmolLM2-135M-Instruct.gguf corpus/own.jsonl -n 6000
"""
_QUESTION, _ANSWER = "\ue000", "\ue001"
_MOST_ASKED, _MOST_ANSWERED = 64, 180
"""Tokens of a message; a longer one is not finished, and its chat is left out."""
_FEWEST = 3
"""Tokens of a user's message."""
_BEST, _SHARE = 60, 0.95
"""Tokens are drawn from so many of the likeliest, and from those that make up this share."""
_WARM, _COOL = 1.0, 0.7
"""Temperatures: of what is asked, and of what is answered."""


class OwnChats:
    """Draws chats from a model."""

    def __init__(self, model: PreTrainedModel, tokenizer: LmlmTokenizer) -> None:
        """Find what the template writes around a user's message and its answer.

        Raises:
            BadSettings: the model has no chat template, or one that names no end of a message.
        """
        self._model, self._tokenizer = model, tokenizer
        # Newer releases of transformers warn of the older name.
        parameters = inspect.signature(type(model).forward).parameters
        self._cache = "cache" if "cache" in parameters else "past_key_values"
        writer: ChatWriter = tokenizer.chats
        pieces = list(writer.pieces((("user", _QUESTION), ("assistant", _ANSWER))))
        texts = [piece.text if isinstance(piece, PlainText) else "" for piece in pieces]
        try:
            asked, answered = texts.index(_QUESTION), texts.index(_ANSWER)
            ends = [pieces[asked + 1], pieces[answered + 1]]
        except (ValueError, IndexError):
            raise _no_ends() from None
        if not all(isinstance(end, ControlToken) for end in ends):
            raise _no_ends()
        encoded = [
            [tokenizer.control_id(piece.text)]
            if isinstance(piece, ControlToken)
            else tokenizer.encode([piece.text])[0]
            for piece in pieces
            if isinstance(piece, ControlToken | PlainText)
        ]
        self._opening = [number for ids in encoded[:asked] for number in ids]
        self._between = [number for ids in encoded[asked + 1 : answered] for number in ids]
        self._ends = [ids[0] for ids in (encoded[asked + 1], encoded[answered + 1])]

    def draw(self, n: int) -> Iterator[dict[str, list[dict[str, str]]]]:
        """Yield the finished ones of ``n`` chats that are begun together."""
        begun = self._written([self._opening] * n, _MOST_ASKED, self._ends[0], _WARM)
        asked = {tuple(ids): ids for ids in begun if ids is not None and len(ids) >= _FEWEST}
        prompts = [self._opening + ids + self._between for ids in asked.values()]
        if not prompts:
            return
        answers = self._written(prompts, _MOST_ANSWERED, self._ends[1], _COOL)
        for ids, answer in zip(asked.values(), answers, strict=True):
            if answer:
                texts = [self._tokenizer.decode(part).strip() for part in (ids, answer)]
                if all(texts):
                    roles = ("user", "assistant")
                    yield {
                        "messages": [
                            {"role": role, "content": text}
                            for role, text in zip(roles, texts, strict=True)
                        ]
                    }

    @torch.inference_mode()
    def _written(
        self, prompts: Sequence[list[int]], most: int, end: int, temperature: float
    ) -> list[list[int] | None]:
        """Return what comes behind each prompt up to an end; None where it does not come."""
        device = next(self._model.parameters()).device
        width = max(map(len, prompts))
        inputs = torch.zeros(len(prompts), width, dtype=torch.long, device=device)
        seen = torch.zeros(len(prompts), width + most, dtype=torch.long, device=device)
        for row, prompt in enumerate(prompts):
            inputs[row, width - len(prompt) :] = torch.tensor(prompt, device=device)
            seen[row, width - len(prompt) :] = 1
        positions = (seen[:, :width].cumsum(1) - 1).clamp(min=0)
        out = self._model(
            input_ids=inputs,
            attention_mask=seen[:, :width],
            position_ids=positions,
            use_cache=True,
            logits_to_keep=1,
        )
        place = positions[:, -1:] + 1
        drawn: list[Tensor] = []
        is_over = torch.zeros(len(prompts), dtype=torch.bool, device=device)
        for step in range(most):
            token = _draw(out.logits[:, -1].float() / temperature)
            drawn.append(token)
            is_over |= token[:, 0] == end
            if bool(is_over.all()):
                break
            out = self._model(
                input_ids=token,
                attention_mask=seen[:, : width + step + 1],
                position_ids=place,
                use_cache=True,
                **{self._cache: getattr(out, self._cache)},
            )
            place = place + 1
        rows: list[list[int]] = torch.cat(drawn, dim=1).tolist()
        return [row[: row.index(end)] if end in row else None for row in rows]


def _draw(scores: Tensor) -> Tensor:
    """Return a token for each row, (rows, 1)."""
    best, tokens = scores.topk(min(_BEST, scores.shape[1]))
    shares = best.softmax(dim=1)
    shares[shares.cumsum(dim=1) - shares > _SHARE] = 0
    return tokens.gather(1, torch.multinomial(shares, 1))


def _no_ends() -> BadSettings:
    return BadSettings(
        "the model's chat template ends messages with no token of their own",
        hint="write chats for data.replay by other means",
    )


def main(arguments: list[str] | None = None) -> int:
    """Write chats, a JSON object a line; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m lamlam.trainer.own_texts",
        description="Write chats that a chat model makes up by itself, for data.replay.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("model", type=Path, help="a GGUF file or a Hugging Face folder")
    parser.add_argument("out", type=Path, help="file to write, JSON lines")
    parser.add_argument("-n", type=int, default=6000, help="how many chats (6000)")
    parser.add_argument("--batch", type=int, default=1024, help="chats at a time (1024)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="", help="cuda or cpu; the best one present by default")
    chosen = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        device = torch.device(chosen.device or ("cuda" if is_on_gpu("") else "cpu"))
        read = PretrainedModel(chosen.model)
        limit = read.config.get("max_position_embeddings", read.config.get("n_positions", 1024))
        model = read.build(min(limit, 1024), 0, device)
        model.config._attn_implementation = "sdpa"  # that of training keeps no cache
        model.config.use_cache = True
        if device.type == "cuda":
            torch.nn.Module.to(model, torch.bfloat16)
        _write(OwnChats(model.train(False), read.tokenizer), chosen)
    except LamLamError as problem:
        sys.stderr.write(f"error: {problem}\n")
        return 2
    except OSError as problem:
        sys.stderr.write(f"error: cannot write {chosen.out}: {problem.strerror}\n")
        return 2
    return 0


def _write(chats: OwnChats, chosen: argparse.Namespace) -> None:
    torch.manual_seed(chosen.seed)
    n = vain = 0
    with chosen.out.open("w", encoding="utf-8") as file:
        while n < chosen.n:
            before = n
            for chat in chats.draw(min(chosen.batch, 4 * chosen.n)):
                if n < chosen.n:
                    file.write(json.dumps(chat, ensure_ascii=False) + "\n")
                    n += 1
            log.info("%d of %d chats", n, chosen.n)
            vain = 0 if n > before else vain + 1
            if vain == 3:
                raise BadSettings(
                    f"the model finishes no chat within {_MOST_ASKED} and {_MOST_ANSWERED} tokens",
                    hint="is it a chat model? its template must be that of its training",
                )


if __name__ == "__main__":
    raise SystemExit(main())
