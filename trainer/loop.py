"""The training loop: one function, read from top to bottom."""

from __future__ import annotations

import logging
import math
import os
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from lamlam.trainer.checkpoint import load_state, save_checkpoint, save_state
from lamlam.trainer.data_loader import BatchLoader, training_documents
from lamlam.trainer.model import build_model, count_loss_tokens, next_token_loss
from lamlam.trainer.optimiser import build_optimisers, lr_scale
from lamlam.trainer.settings import Settings
from lamlam.trainer.tokenizer import LmlmTokenizer, train_tokenizer

log = logging.getLogger(__name__)

# Dense bf16 peak of cards whose model FLOP utilisation is shown, in FLOP/s.
PEAK_FLOPS = {"H100": 989e12, "H200": 989e12, "A100": 312e12, "L4": 121e12, "4090": 165e12}


@dataclass(frozen=True, slots=True)
class Progress:
    """The progress of a run, as it is reported."""

    step: int
    steps: int
    """Planned steps; 0 while only the time is set."""
    epoch: int
    loss: float
    """Mean over the steps since the last report, in nats per learnt token."""
    tokens_per_s: float
    mfu: float | None
    """Model FLOP utilisation: 6 x parameters x tokens/s over the card's peak; None if unknown."""
    seconds: float
    seconds_left: float


def train(
    settings: Settings,
    *,
    resume: bool = False,
    report: Callable[[Progress], None] | None = None,
) -> Path:
    """Train one model and write its checkpoint; returns the checkpoint's folder.

    Args:
        resume: go on from the state in ``run.output``.
        report: called every ``run.log_every`` steps.

    Raises:
        BadSettings, BadDocument, NothingToLearn: before the first step.
    """
    run, optim = settings.run, settings.optimiser
    folder = Path(run.output)
    device = torch.device(run.device or ("cuda" if torch.cuda.is_available() else "cpu"))
    on_gpu = device.type == "cuda"
    torch.manual_seed(run.seed)
    torch.set_float32_matmul_precision("high")
    torch.use_deterministic_algorithms(run.deterministic)
    if run.deterministic and on_gpu:
        # cuBLAS needs a fixed workspace before its first call.
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")

    # 1) Data and tokenizer.
    documents = training_documents(settings)
    if settings.data.tokenizer:
        tokenizer = LmlmTokenizer.load(Path(settings.data.tokenizer))
    else:
        tokenizer = train_tokenizer((d.text for d in documents), settings.data.vocabulary)
    log.info("%d documents, vocabulary %d", len(documents), tokenizer.size)

    # 2) Model and optimisers; the matrix products run in bf16, the weights stay in float32.
    model = build_model(settings.model, tokenizer.size, tokenizer.ids.end_of_text, device)
    model.train()
    optimisers = build_optimisers(model, optim)
    n_parameters = sum(weight.numel() for weight in model.parameters())
    step, spent = load_state(folder, model, optimisers) if resume else (0, 0.0)
    loss_of = torch.compile(next_token_loss) if on_gpu and run.compile else next_token_loss
    autocast: Any = torch.autocast("cuda", torch.bfloat16) if on_gpu else nullcontext()
    log.info("%.1fM parameters on %s, from step %d", n_parameters / 1e6, device, step)

    started = time.monotonic() - spent
    losses: list[torch.Tensor] = []
    window_started, window_tokens, n_tokens = time.monotonic(), 0, 0
    last_loss = math.nan
    with BatchLoader(settings, documents, tokenizer) as loader:
        batches = loader.batches(skip=step)
        while True:
            # 3) Progress: by steps where they are set, by the clock otherwise.
            seconds = time.monotonic() - started
            by_time = seconds / (60 * run.minutes) if run.minutes else 0.0
            progress = step / run.steps if run.steps else by_time
            if progress >= 1 or by_time >= 1:
                break
            rate = lr_scale(progress, optim)
            for optimiser in optimisers:
                for group in optimiser.param_groups:
                    group["lr"] = group["initial_lr"] * rate

            # 4) One step: the loss is a mean over what is learnt in the whole batch.
            epoch, rows = next(batches)
            inputs = torch.from_numpy(rows.inputs).to(device, torch.long, non_blocking=True)
            labels = torch.from_numpy(rows.labels).to(device, torch.long, non_blocking=True)
            n_learnt = count_loss_tokens(torch.from_numpy(rows.labels))
            total = torch.zeros((), device=device)
            for part, targets in zip(
                inputs.chunk(optim.accumulate), labels.chunk(optim.accumulate), strict=True
            ):
                with autocast:
                    loss = loss_of(model, part, targets) / n_learnt
                loss.backward()  # type: ignore[no-untyped-call]  # torch annotates it half
                total += loss.detach()
            torch.nn.utils.clip_grad_norm_(model.parameters(), optim.clip)
            for optimiser in optimisers:
                optimiser.step()
                optimiser.zero_grad(set_to_none=True)
            window_tokens += inputs.numel()
            if n_tokens == 0:
                # Compiling takes a minute that belongs to no step: the clock starts after it.
                first_loss = float(total)  # waits for the GPU
                log.info("first loss %.4f after %.0f s", first_loss, time.monotonic() - started)
                started, window_started = time.monotonic() - spent, time.monotonic()
                window_tokens = 0
            step += 1
            losses.append(total)  # read later: reading now would wait for the GPU
            n_tokens += inputs.numel()

            # 5) Report progress, save the state.
            if step % run.log_every == 0 or step == run.steps:
                last_loss = float(torch.stack(losses).mean())
                now = time.monotonic()
                speed = window_tokens / (now - window_started)
                seconds = now - started
                done = max(step / run.steps if run.steps else seconds / (60 * run.minutes), 1e-9)
                state = Progress(
                    step=step,
                    steps=run.steps,
                    epoch=epoch,
                    loss=last_loss,
                    tokens_per_s=speed,
                    mfu=_mfu(device, n_parameters, speed),
                    seconds=seconds,
                    seconds_left=max(0.0, seconds / done - seconds),
                )
                share = state.mfu
                log.info(
                    "step %d epoch %d loss %.4f %.0f tokens/s%s %.0f s, %.0f s left",
                    step, epoch, last_loss, speed,
                    "" if share is None else f" (MFU {share:.0%})",
                    seconds, state.seconds_left,
                )  # fmt: skip
                if report is not None:
                    report(state)
                losses.clear()
                window_started, window_tokens = now, 0
            if run.save_every and step % run.save_every == 0:
                save_state(folder, model, optimisers, step, time.monotonic() - started)

    if losses:  # a run that its clock ends stops between two reports
        last_loss = float(torch.stack(losses).mean())

    # 6) Write a checkpoint to export and a state to resume from.
    record = {
        "steps": step,
        "tokens_this_session": n_tokens,
        "parameters": n_parameters,
        "documents": len(documents),
        "last_loss": None if math.isnan(last_loss) else last_loss,
        "seconds": round(time.monotonic() - started, 1),
        "device": torch.cuda.get_device_name(device) if on_gpu else "cpu",
        "torch": torch.__version__,
    }
    save_checkpoint(folder, model, tokenizer, settings, record)
    save_state(folder, model, optimisers, step, time.monotonic() - started)
    return folder


def _mfu(device: torch.device, n_parameters: int, tokens_per_s: float) -> float | None:
    """Return the model FLOP utilisation; None on a CPU or an unknown card."""
    if device.type != "cuda":
        return None
    name = torch.cuda.get_device_name(device)
    for card, peak in PEAK_FLOPS.items():
        if card in name:
            return 6 * n_parameters * tokens_per_s / peak
    return None
