"""A training run: from the plan, by one of the methods, to the calibrated model."""

import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from imdb_sentiment.config import SettledConfig
from imdb_sentiment.data.labels import Labelled, LabelNames
from imdb_sentiment.errors import TrainingInterruptedError
from imdb_sentiment.evaluation.baseline import TFIDF
from imdb_sentiment.evaluation.calibration import OVERCONFIDENT
from imdb_sentiment.evaluation.confident_learning import average_of, rank_label_issues, reason_not_to_tell
from imdb_sentiment.evaluation.held_out import HeldOutRows
from imdb_sentiment.evaluation.report import full_report
from imdb_sentiment.inference.cascade import log_odds_of
from imdb_sentiment.inference.measured_rows import held_out_scores, measured_rows
from imdb_sentiment.inference.scorer import softmax
from imdb_sentiment.inference.torch_backend import score_texts
from imdb_sentiment.models.device import usable_device
from imdb_sentiment.models.head import scale_outputs
from imdb_sentiment.models.pretrained import load_model
from imdb_sentiment.models.tokenization import TextEncoder, labelled_texts
from imdb_sentiment.models.trainable import restrict_training
from imdb_sentiment.results.training import Calibration, EpochRecord, FineTuneResult
from imdb_sentiment.runtime.distributed import run_on_all_ranks, run_on_main, world_size
from imdb_sentiment.runtime.process_wide import ReentrantLock
from imdb_sentiment.training.batching import TrainingRows
from imdb_sentiment.training.best_epoch import choose_metric
from imdb_sentiment.training.checkpoints import Keep, newest_checkpoint, prepare_folder, recorded_precision
from imdb_sentiment.training.decisions import Combined, calibrate, combine_with_tfidf
from imdb_sentiment.training.few_rows import train_on_few_rows
from imdb_sentiment.training.fine_tuning import fine_tune
from imdb_sentiment.training.fold_trainer import FewRows
from imdb_sentiment.training.hooks import NO_HOOKS, Hooks
from imdb_sentiment.training.linear_probe import fit_head
from imdb_sentiment.training.plan import Plan
from imdb_sentiment.training.recipe import FINE_TUNE, Recipe, resolve
from imdb_sentiment.training.setup import read_history
from imdb_sentiment.training.unlabelled import PseudoLabelled
from imdb_sentiment.training.watching import Watch

if TYPE_CHECKING:
    from transformers import PreTrainedModel, TrainerState

    from imdb_sentiment.data.data_like import DataSplits
    from imdb_sentiment.evaluation.baseline import HeldOutBaselines
    from imdb_sentiment.inference.cascade import Cascade
    from imdb_sentiment.inference.scorer import Scores
    from imdb_sentiment.models.pretrained import Encoder

__all__ = ["Fitted", "train"]

_TRAINING = ReentrantLock()


class Fitted(NamedTuple):
    """A trained and calibrated model."""

    model: "PreTrainedModel"
    encoder: TextEncoder
    result: FineTuneResult
    held_out_rows: HeldOutRows
    """Validation rows, or those held out in turn, in the words of the calibrated model."""

    cascade: "Cascade | None" = None
    held_out: "Scores | None" = None
    """Out-of-fold scores of the training rows, in their order; None if there are no folds."""

    baselines: "HeldOutBaselines | None" = None
    """Out-of-fold baselines on the same rows."""

    with_tfidf: NDArray[np.float64] | None = None
    """Out-of-fold probability of the positive label by the model and TF-IDF together, shape (n,), for label issues."""


def train(
    plan: Plan,
    encoder: "Encoder",
    splits: "Callable[[], DataSplits]",
    hooks: Hooks = NO_HOOKS,
    *,
    watch: Watch | None = None,
) -> Fitted:
    """Train and calibrate, in every process.

    Args:
        plan: What to do.
        encoder: The pretrained encoder.
        splits: Returns the splits; called on rank 0 only, which has read them.
        hooks: The user's metrics, callbacks and loss.
        watch: Called after each evaluation of `fine_tune`; an error that it raises ends the run. Few rows are trained
            on without evaluations.

    Raises:
        ConfigError: A metric or the loss of the user fails.
        OutputExistsError: The folder holds checkpoints of another program.
        DiskFullError: The checkpoints do not fit on the disk.
        TrainingDivergedError: A loss or a gradient is NaN or infinite.
        TrainingInterruptedError: A signal ended the run.
    """
    encoder = encoder._replace(text_encoder=encoder.text_encoder.reading(plan.long_texts))
    with _isolated_random_state():
        if isinstance(plan.rows, FewRows):
            fitted = _train_on_few_rows(plan, plan.rows, encoder, hooks)
        else:
            fitted = _fine_tune(plan, plan.rows, encoder, splits, hooks, watch)
    scale_outputs(fitted.model, 1 / fitted.result.calibration.temperature)  # so it is calibrated in any program
    return fitted


@contextmanager
def _isolated_random_state() -> Iterator[None]:
    """Restore the global random state afterwards, and let one run of this process train at a time.

    A run seeds the generators of Python, NumPy and PyTorch, which all threads share. A run in another thread waits.
    """
    import torch

    gpus = range(torch.cuda.device_count() if torch.cuda.is_initialized() else 0)
    with _TRAINING, torch.random.fork_rng(gpus):
        python, numpy = random.getstate(), np.random.get_state()
        try:
            yield
        finally:
            random.setstate(python)
            np.random.set_state(numpy)


def _train_on_few_rows(plan: Plan, rows: FewRows, encoder: "Encoder", hooks: Hooks) -> Fitted:
    """Compare methods on rows held out in turn, and train by the best."""
    import torch

    config = plan.config
    device = torch.device(usable_device())

    heads: list[str] = []

    def load() -> "PreTrainedModel":
        model, head_is_new, head_note = load_model(encoder, config, plan.names)
        heads.append(head_note if head_is_new else "the head of the checkpoint was fitted anew to these rows")
        _set_dropout(model, config.dropout)
        model.to(device)  # type: ignore[arg-type]
        return model

    started = time.perf_counter()
    before = recorded_precision(plan.resume_point) if plan.resume_point else None
    recipe = resolve(config, load(), device, before=before)
    trained = train_on_few_rows(
        load,
        encoder.text_encoder,
        config,
        rows=rows,
        recipe=recipe,
        folder=plan.folder,
        run={**plan.run, "precision_used": recipe.precision},
        hooks=hooks,
    )
    labels = rows.encoded.labels[rows.fold_of >= 0].tolist()
    calibration = calibrate(trained.logits, labels, config, plan.names, hooks.metrics, prior=OVERCONFIDENT)
    held_out = with_tfidf = label_issues = None
    if trained.cross_fitted is not None:
        held_out = held_out_scores(trained.cross_fitted, encoder.text_encoder, rows.texts)
        calibration = _cross_validated(calibration, held_out, rows, plan.names, hooks)
        with_tfidf = average_of(softmax(trained.cross_fitted)[:, 1], trained.baselines.positive[TFIDF], labels)
        suspected = len(rank_label_issues(with_tfidf, labels))
        label_issues = None if reason_not_to_tell(with_tfidf, labels, suspected=suspected) else suspected
    calibrated = trained.logits / calibration.temperature if trained.cross_fitted is None else trained.cross_fitted
    combined = None
    if config.cascade or plan.unlabelled:
        labelled: Any = Labelled(rows.texts, rows.encoded.labels.tolist())
        odds, more = log_odds_of(calibrated), _pseudo_labelled(plan, trained.unlabelled, calibration)
        cleans = config.clean_text
        combined = combine_with_tfidf(labelled, rows.fold_of, odds, calibration, cleans=cleans, unlabelled=more)
    notes = [heads[0], *filter(None, [trained.restricted, *_plan_notes(plan)]), f"{recipe.precision} on {device.type}"]
    if config.report_to:
        trackers = ", ".join(config.report_to)
        notes.append(f"{trackers} got nothing, as no epoch was validated; method='fine_tune' validates each")
    in_epochs = trained.method == FINE_TUNE
    result = FineTuneResult(
        calibration=calibration,
        history=(),
        kept_epoch=float(config.num_train_epochs) if in_epochs else 0.0,
        kept_because="the last, as no rows are set aside to choose by" if in_epochs else "trained without epochs",
        method=trained.method,
        cascade=combined.cascade_choice if combined else None,
        ensemble=combined.ensemble_choice if combined else None,
        loss=hooks.loss_name,
        compared=trained.compared,
        label_issues=label_issues,
        seconds=time.perf_counter() - started,
        splits=plan.summary,
        audit=plan.audit,
        training_precision=recipe.precision,
        settled={name: value for name, value in plan.settled.items() if in_epochs or name == "learning_rate"},
        notes=tuple(notes),
    )
    return Fitted(
        trained.model,
        encoder.text_encoder,
        result,
        HeldOutRows.of(calibrated, labels),
        combined and combined.cascade,
        held_out=held_out,
        baselines=trained.baselines if held_out else None,
        with_tfidf=with_tfidf,
    )


def _cross_validated(
    calibration: Calibration, held_out: "Scores", rows: FewRows, names: LabelNames, hooks: Hooks
) -> Calibration:
    """Replace the metrics after calibration by those of the cross-fitted scores."""
    measured = measured_rows(held_out, rows.texts, rows.encoded.labels.tolist(), calibration, hooks.metrics)
    after = full_report(measured, names=names)
    return replace(calibration, after=replace(after, cross_validated=True, numeric_precision="fp32"))


def _fine_tune(
    plan: Plan,
    rows: TrainingRows,
    encoder: "Encoder",
    splits: "Callable[[], DataSplits]",
    hooks: Hooks,
    watch: Watch | None,
) -> Fitted:
    """Train encoder and head together, and keep the best epoch."""
    import torch

    config, checkpoint, text_encoder = plan.config, plan.resume_point, encoder.text_encoder
    model, head_is_new, head_note = run_on_all_ranks(lambda: load_model(encoder, config, plan.names))
    started = time.perf_counter()
    _set_dropout(model, config.dropout)
    restriction = restrict_training(model, config)
    before = recorded_precision(checkpoint) if checkpoint else None
    processes = len(list(checkpoint.glob("rng_state*.pth"))) if checkpoint else 0  # one file per process
    device = torch.device(usable_device())
    recipe = run_on_main(lambda: resolve(config, model, device, before=before))
    keep = Keep(config.save_total_limit, best=config.load_best_model_at_end)
    run_on_main(lambda: prepare_folder(plan.folder, model, keep))
    if checkpoint is None and head_is_new and config.linear_probe:
        balanced, smoothing = config.class_weight == "balanced", config.label_smoothing
        model.to(device)  # type: ignore[arg-type]
        head = run_on_main(
            lambda: fit_head(
                model, text_encoder, rows.epochs[0], balanced=balanced, label_smoothing=smoothing, seed=config.seed
            )
        )
        head.write_to(model)
    restricted = restriction.note
    trained, trainer, interrupted = fine_tune(
        restriction,
        text_encoder,
        config,
        rows=rows,
        recipe=recipe,
        folder=plan.folder,
        run={**plan.run, "precision_used": recipe.precision},
        resume_from=checkpoint,
        hooks=hooks,
        watch=watch,
    )
    state = trainer.state
    if interrupted:
        raise TrainingInterruptedError(
            f"training was interrupted after step {state.global_step} of {state.max_steps}",
            found=f"a complete checkpoint in {newest_checkpoint(plan.folder)}",
            hint="fit(resume=True) to resume it",
        )
    history = read_history(state.log_history, plan.names, precision=recipe.precision, metrics=hooks.metrics)
    epoch, reason = _kept_epoch(history, state, config)
    seconds = time.perf_counter() - started

    calibration, held_out, combined = run_on_main(lambda: _decide(trained, text_encoder, plan, splits(), hooks))
    after = replace(calibration.after, kept_epoch=epoch, kept_because=reason)
    result = FineTuneResult(
        calibration=replace(calibration, after=after),
        cascade=combined.cascade_choice if combined else None,
        ensemble=combined.ensemble_choice if combined else None,
        history=history,
        kept_epoch=epoch,
        kept_because=reason,
        seconds=seconds,
        splits=plan.summary,
        audit=plan.audit,
        training_precision=recipe.precision,
        loss=hooks.loss_name,
        settled=plan.settled,
        notes=(
            head_note,
            *filter(None, [restricted, *_plan_notes(plan)]),
            _precision_note(recipe, trainer.args.device.type),
            *_resume_notes(checkpoint, processes, state),
        ),
    )
    # times and devices differ between processes
    return Fitted(trained, text_encoder, run_on_main(lambda: result), held_out, combined and combined.cascade)


def _kept_epoch(history: Sequence[EpochRecord], state: "TrainerState", config: SettledConfig) -> tuple[float, str]:
    """Return the epoch of the final weights, and why it was kept."""
    if config.load_best_model_at_end and state.best_model_checkpoint and state.best_global_step:
        best = state.best_global_step * config.num_train_epochs / state.max_steps
        kept = min(history, key=lambda record: abs(record.epoch - best))
        return kept.epoch, choose_metric(config.metric_for_best_model).reason
    return history[-1].epoch, "the last"


def _decide(
    model: "PreTrainedModel", encoder: TextEncoder, plan: Plan, splits: "DataSplits", hooks: Hooks
) -> tuple[Calibration, HeldOutRows, Combined | None]:
    """Choose temperature, threshold and cascade on the validation split; return its rows too."""
    config = plan.config
    validation = labelled_texts(splits.validation)
    logits = score_texts(model, encoder, validation.texts).logits
    calibration = calibrate(logits, validation.labels, config, plan.names, hooks.metrics)
    held_out = HeldOutRows.of(logits / calibration.temperature, validation.labels)
    if not config.cascade and not plan.unlabelled:
        return calibration, held_out, None
    odds = log_odds_of(logits) / calibration.temperature
    train = labelled_texts(splits.train)
    rows: Any = Labelled([*train.texts, *validation.texts], [*train.labels, *validation.labels])
    fold_of = np.repeat((-1, 0), (len(train.labels), len(validation.labels)))
    scored = [score_texts(model, encoder, plan.unlabelled.texts).logits] if plan.unlabelled else []
    more = _pseudo_labelled(plan, scored, calibration)
    combined = combine_with_tfidf(rows, fold_of, odds, calibration, cleans=config.clean_text, unlabelled=more)
    return calibration, held_out, combined


def _pseudo_labelled(
    plan: Plan, logits: Sequence[NDArray[np.float64]], calibration: Calibration
) -> PseudoLabelled | None:
    if plan.unlabelled is None:
        return None
    return PseudoLabelled(plan.unlabelled.texts, [log_odds_of(each) / calibration.temperature for each in logits])


def _set_dropout(model: "PreTrainedModel", dropout: float | None) -> None:
    """Set dropout for training only; the model's configuration, which is saved, does not change."""
    import torch

    if dropout is not None:
        for module in model.modules():
            if isinstance(module, torch.nn.Dropout):
                module.p = dropout


def _plan_notes(plan: Plan) -> Iterator[str]:
    if plan.long_texts == "windows":
        yield f"texts above {plan.config.max_length:,} tokens are scored whole, in overlapping windows"
    if plan.unlabelled:
        yield plan.unlabelled.describe()


def _precision_note(recipe: Recipe, device: str) -> str:
    processes = world_size()
    note = f"{recipe.precision} on {device}"
    if processes > 1:
        note += f", {processes} processes"
    return note if recipe.precision == "fp32" else f"{note}; final metrics are computed in fp32"


def _resume_notes(checkpoint: Path | None, processes: int, state: "TrainerState") -> list[str]:
    if checkpoint is None:
        return []
    step = int(checkpoint.name.rpartition("-")[2])
    note = f"resumed from {checkpoint}, the newest complete checkpoint, after step {step} of {state.max_steps}"
    return [note] if processes == world_size() else [note, f"number of processes before: {processes}"]
