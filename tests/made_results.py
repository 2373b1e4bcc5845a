"""Small results of each kind."""

from imdb_sentiment.results import (
    Calibration,
    Comparison,
    Difference,
    EpochRecord,
    EvaluationReport,
    FineTuneResult,
    Interval,
    LeftOut,
    SplitSummary,
)


def make_report(
    *, f1: float = 0.75, roc_auc: float | None = 0.9, average_precision: float | None = 0.85, rows: int = 1234
) -> EvaluationReport:
    return EvaluationReport(
        labels=("ham", "spam"),
        rows=rows,
        accuracy=0.8,
        balanced_accuracy=0.65,
        precision=0.7,
        recall=0.6,
        f1=f1,
        matthews_correlation=0.55,
        roc_auc=roc_auc,
        average_precision=average_precision,
        log_loss=0.4567891,
        brier_score=0.1234567,
        expected_calibration_error=0.0345678,
        confusion_matrix=((600, 17), (200, 417)),
    )


def make_summary() -> SplitSummary:
    return SplitSummary(
        rows={
            "train": {"ham": 1600, "spam": 1400},
            "validation": {"ham": 160, "spam": 140},
            "test": {"ham": 5, "spam": 7},
        },
        left_out=(LeftOut(split="train", reason="text is blank", rows=1234),),
        test_overlap_rows=2,
        notes=("read as it stands",),
        fingerprint="0" * 64,
    )


def make_calibration(*, threshold: float = 0.5, goal: str = "0.5", reached: bool = True) -> Calibration:
    return Calibration(
        temperature=1.234,
        threshold=threshold,
        goal=goal,
        reached=reached,
        before=make_report(),
        after=make_report(f1=0.9),
    )


def make_comparison(difference: float, p_value: float) -> Comparison:
    differences = {"accuracy": Difference(difference, Interval(difference - 0.01, difference + 0.01))}
    return Comparison(
        rows=1234, differences=differences, only_first_correct=20, only_second_correct=40, p_value=p_value
    )


def make_result(*, kept_epoch: float = 2, notes: tuple[str, ...] = ("the head is new",)) -> FineTuneResult:
    return FineTuneResult(
        history=tuple(
            EpochRecord(epoch=epoch, train_loss=0.6 / epoch, validation=make_report(f1=f1), calibrated_log_loss=loss)
            for epoch, f1, loss in ((1, 0.5, None), (2, 0.875, 0.41), (3, 0.625, 0.43))
        ),
        kept_epoch=kept_epoch,
        kept_because="best f1 on validation",
        calibration=make_calibration(),
        seconds=61.4,
        splits=make_summary(),
        notes=notes,
    )
