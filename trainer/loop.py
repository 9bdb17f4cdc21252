"""The training loop: one function, read from top to bottom."""

from __future__ import annotations

import gc
import logging
import math
import os
import signal
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

from lamlam.errors import BadSettings, GpuMemoryFull, MissingExtra, TrainingStopped

try:
    import torch
except ModuleNotFoundError:
    raise MissingExtra("train", "torch") from None

from lamlam.quant.delta_names import DELTA_FILE
from lamlam.trainer.checkpoint import save_checkpoint
from lamlam.trainer.data_loader import BatchLoader, choose_workers
from lamlam.trainer.delta import save_delta
from lamlam.trainer.device_feed import DeviceFeed
from lamlam.trainer.devices import is_on_gpu
from lamlam.trainer.gpu_memory import naming_device_errors
from lamlam.trainer.held_out_evaluation import HeldOutEvaluation
from lamlam.trainer.model import build_model
from lamlam.trainer.optimiser import build_optimisers, lr_scale
from lamlam.trainer.pretrained import PretrainedModel
from lamlam.trainer.progress import Progress, RunClock, device_name
from lamlam.trainer.ranks import Ranks, joined_ranks
from lamlam.trainer.run_health import RunHealth
from lamlam.trainer.run_records.own import own_watchers
from lamlam.trainer.run_records.reports import RunReports
from lamlam.trainer.run_records.watcher import RunPlan, RunWatcher, Watchers
from lamlam.trainer.settings import Settings
from lamlam.trainer.sharding import ShardedLoss, clip_gradients, whole_weights
from lamlam.trainer.shared_rows import SharedRows
from lamlam.trainer.step_loss import StepLoss, is_compiled, working_dtype
from lamlam.trainer.stop_request import StopRequest
from lamlam.trainer.training_data import read_training_data
from lamlam.trainer.training_state import Position, TrainingState

log = logging.getLogger(__name__)


def train(
    settings: Settings,
    *,
    resume: bool = False,
    report: Callable[[Progress], None] | None = None,
    watchers: Sequence[RunWatcher] = (),
    enter: Callable[[str], None] = lambda phase: None,
) -> Path:
    """Train one model and write its checkpoint; returns the checkpoint's folder.

    Args:
        resume: go on from the state in ``run.output``.
        report: called every ``run.log_every`` steps.
        watchers: are told how the run goes, beside the logs that it writes itself.
        enter: is told each part of the run as it begins, in every process.

    Raises:
        BadSettings, BadDocument, NothingToLearn: before the first step.
        TrainingDiverged: a loss or a gradient is no finite number; the last saved state is kept.
        GpuMemoryFull: says which part of a batch fits; the state is saved.
        SavingFailed: the disk is full at the end; while training, a warning says so.
        ProcessLost: another process of the run ended.
        TrainingStopped: a signal asked the run to end; its state is saved.
    """
    run, optim = settings.run, settings.optimiser
    on_gpu = is_on_gpu(run.device)
    torch.manual_seed(run.seed)
    torch.set_float32_matmul_precision("high")
    torch.use_deterministic_algorithms(run.deterministic)
    if run.deterministic and on_gpu:
        # cuBLAS needs a fixed workspace before its first call.
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    enter("join")
    with ExitStack() as stack:
        ranks = stack.enter_context(joined_ranks(on_gpu=on_gpu))
        if ranks.world > 1 and not run.steps:
            raise BadSettings(
                "run.steps must be set where several processes train: their clocks differ"
            )
        stack.enter_context(naming_device_errors())
        share = ranks.share_of(optim.batch_rows, optim.accumulate or 1)
        device = torch.device(run.device or (f"cuda:{ranks.local}" if on_gpu else "cpu"))

        # 1) Data and tokenizer.
        enter("data")
        data = read_training_data(settings)
        gc.freeze()  # the documents stay: no search for cycles need look at them again
        stack.callback(gc.unfreeze)
        settings = data.settings
        pretrained = PretrainedModel(Path(settings.model.init)) if settings.model.init else None
        tokenizer = data.tokenizer(None if pretrained is None else pretrained.tokenizer)
        log.info("%d documents, vocabulary %d", data.n_documents, tokenizer.size)
        workers = choose_workers(settings.data.workers, on_gpu=on_gpu, processes=ranks.world)
        shared = None
        if ranks.world > 1:
            shared = stack.enter_context(SharedRows(Path(run.output) / "rows", ranks))
        loader = stack.enter_context(
            BatchLoader(settings, data, tokenizer, workers=workers, shared=shared)
        )
        gc.freeze()  # and what is known of them
        if not resume:  # else the state says which epoch comes first
            loader.begin(0)

        # 2) Model and optimisers; the matrix products run in bf16, the weights stay in float32.
        enter("model")
        shape = settings.model
        is_sharded = ranks.world > 1 and run.sharding == "full"
        first_device = torch.device("cpu") if is_sharded else device
        model = (
            build_model(shape, tokenizer.size, tokenizer.ids.end_of_text, first_device)
            if pretrained is None
            else pretrained.build_as(shape, run.seed, first_device)
        )
        model.train()
        sharded = (
            ShardedLoss(
                model,
                device,
                ranks.world,
                working_dtype(settings, device),
                compiled=is_compiled(settings, device),
            )  # fmt: skip
            if is_sharded
            else None
        )
        optimisers = build_optimisers(model, optim)
        n_parameters = sum(weight.numel() for weight in model.parameters())
        state = TrainingState(Path(run.output), settings, data, tokenizer, model, optimisers, ranks)
        position = state.load() if resume else Position()
        enter("micro-batch")
        step_loss = StepLoss(model, settings, tokenizer.ids.end_of_text, device, ranks, sharded)
        log.info(
            "%.1fM parameters on %d x %s, %d workers each, from step %d",
            n_parameters / 1e6, ranks.world, device.type, workers, position.step,
        )  # fmt: skip

        clock = RunClock(steps=run.steps, minutes=run.minutes, spent_s=position.seconds)
        health = RunHealth(position.step)
        watching = stack.enter_context(
            Watchers([*own_watchers(settings), *watchers] if ranks.is_first else ())
        )
        reports = RunReports(
            clock, health, optimisers, watching,
            HeldOutEvaluation(
                data.held_out, tokenizer, settings, model, device, ranks,
                parts=step_loss.parts, dtype=step_loss.dtype, sharded=sharded,
            ),
            n_parameters=n_parameters, device=device, processes=ranks.world,
            step_tokens=optim.batch_rows * shape.context, report=report,
        )  # fmt: skip
        watching.begin(
            RunPlan(
                output=Path(run.output),
                steps=run.steps,
                first_step=position.step,
                is_resumed=resume,
                parameters=n_parameters,
                device=device_name(device),
                processes=ranks.world,
                workers=workers,
                rows_at_once=optim.batch_rows // ranks.world // step_loss.parts,
            )
        )
        n_tokens = 0
        enter("first step")
        stop = stack.enter_context(StopRequest(is_alone=ranks.world == 1))
        feed = stack.enter_context(
            DeviceFeed(
                loader.batches(position.epoch, position.batch), device, share, tokenizer.ids.entity
            )
        )
        if is_compiled(settings, device):
            step_loss.warm_up()  # a minute in which the first rows are drawn
        while not (ending := _agreed_end(ranks, stop, clock.is_over(position.step))):
            # 3) The learning rate follows the steps where they are set, the clock otherwise.
            rate = lr_scale(clock.share_done(position.step), optim)
            for optimiser in optimisers:
                for group in optimiser.param_groups:
                    group["lr"] = group["initial_lr"] * rate

            # 4) One step: the loss is a mean over what is learnt in the whole batch.
            with clock.waiting():
                batch = next(feed)
            try:
                loss = ranks.sum(step_loss(batch))
            except GpuMemoryFull:  # no weight has moved: what was learnt before is kept
                if n_tokens and sharded is None:
                    state.try_save(position)
                raise
            if sharded is None:
                ranks.sum_gradients(model.parameters())
            norm = clip_gradients(model, optim.clip)
            for optimiser in optimisers:
                optimiser.step()
                optimiser.zero_grad(set_to_none=True)
            health.saw(loss, norm)
            n_batch = batch.inputs.numel() * ranks.world
            if n_tokens == 0:
                # Compiling takes a minute that belongs to no step: the clock starts after it.
                log.info("first loss %.4f after %.0f s", float(loss), clock.seconds)
                enter("steps")
                clock.restart()
            clock.count(n_batch, batch.n_learnt, batch.n_lookups, is_timed=n_tokens > 0)
            n_tokens += n_batch
            watching.step(position.step + 1)
            position = Position(
                position.step + 1, batch.batch.epoch, batch.batch.number + 1, clock.seconds
            )

            # 5) Report progress, evaluate, save the state.
            if position.step % run.log_every == 0 or position.step == run.steps:
                reports.make(position.step, position.epoch)
            if run.evaluate_every and position.step % run.evaluate_every == 0:
                reports.evaluate(position.step)
            if run.save_every and position.step % run.save_every == 0:
                health.check()
                with clock.paused():
                    is_saved = state.try_save(position) is None
                if is_saved:
                    watching.saved(position.step, state.place)

        # 6) Write a state to resume from, and a checkpoint to export.
        if health.is_pending:  # a run that its clock ends stops between two reports
            reports.make(position.step, position.epoch)
        unsaved = state.try_save(position) if n_tokens else None
        if n_tokens and unsaved is None:
            watching.saved(position.step, state.place)
        if ending > _OVER:
            if unsaved is not None:
                raise unsaved
            number = signal.Signals(ending - _OVER)
            raise TrainingStopped(
                f"stopped by {number.name} after step {position.step};"
                f" its state is in {run.output}",
                hint="continue with --resume",
                number=number,
            )
        reports.evaluate(position.step)
        record = {
            "steps": position.step,
            "tokens_this_session": n_tokens,
            "parameters": n_parameters,
            "documents": data.n_documents,
            "last_loss": None if math.isnan(reports.last_loss) else reports.last_loss,
            "seconds": round(clock.seconds, 1),
            "device": device_name(device),
            "processes": ranks.world,
            "sharding": run.sharding if is_sharded else "none",
            "evaluation": reports.last_evaluation,
            "torch": torch.__version__,
        }
        weights = whole_weights(model, keep=ranks.is_first)
        if ranks.is_first:
            (Path(run.output) / DELTA_FILE).unlink(missing_ok=True)  # of another checkpoint
            save_checkpoint(Path(run.output), model, tokenizer, settings, record, weights)
            if shape.low_rank and pretrained is not None:
                save_delta(Path(run.output), model, tokenizer, settings, pretrained.path)
        ranks.wait()
        if unsaved is not None:  # the checkpoint is smaller, and may have found room
            raise unsaved
    return Path(run.output)


_OVER = 1
"""How a run ends that no signal ends; a signal is this much more than its number."""


def _agreed_end(ranks: Ranks, stop: StopRequest, is_over: bool) -> int:
    """Return 0 to go on; else how the run ends, alike in all processes."""
    asked = 0 if stop.signal is None else _OVER + stop.signal
    return ranks.largest(max(asked, _OVER if is_over else 0))
