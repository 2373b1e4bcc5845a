"""Hidden run folder next to the output, kept as long as the run can be resumed."""

import shlex
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from imdb_sentiment.errors import OutputExistsError, TrainingInterruptedError
from imdb_sentiment.runtime.distributed import world_size
from imdb_sentiment.runtime.files import LOCK_FILE, make_folder

__all__ = ["locked_run", "resume_command", "run_folder", "sibling"]


def sibling(output: Path, pattern: str) -> Path:
    """Return a sibling of `output`, whose name replaces `{}` in a pattern."""
    named = output if output.name.strip(".") else output.resolve()  # for "." and ".."
    return named.with_name(pattern.format(named.name))


def run_folder(output: Path) -> Path:
    """Return the hidden folder that holds the checkpoints until the model is saved."""
    return sibling(output, ".{}.run")


@contextmanager
def locked_run(run: Path, *, resume: bool = False, discard: bool = False, keep: bool = True) -> Iterator[Path | None]:
    """Lock a run folder until the model is saved.

    The folder is removed at the end, unless an error or a signal ends a run that can be resumed.

    Args:
        run: The folder.
        resume: Resume an interrupted run, if there is one.
        discard: Remove an interrupted run, unless it is resumed.
        keep: Keep the checkpoints of an interrupted run.

    Yields:
        The checkpoint, or the last finished fold, to resume from.

    Raises:
        OutputExistsError: Another run is writing to the folder, or it holds an interrupted run and neither `resume` nor
            `discard` is set.
        TrainingInterruptedError: A signal ended the run, and it can be resumed.
    """
    from imdb_sentiment.training.checkpoints import describe_resume_point, locked, resume_point

    missing = [folder for folder in run.absolute().parents if not folder.exists()]
    make_folder(run)
    try:
        with locked(run):
            checkpoint = resume_point(run)
            if checkpoint and not (resume or discard):
                raise OutputExistsError(
                    f"{run} holds an interrupted run; nothing was changed",
                    found=describe_resume_point(checkpoint),
                    hint="train --resume to resume it, or train --overwrite to discard it",
                )
            try:
                if not (resume and checkpoint):
                    _clear(run)
                yield checkpoint if resume else None
            except BaseException as error:
                point = resume_point(run) if keep else None
                if point is None:
                    shutil.rmtree(run, ignore_errors=True)
                if isinstance(error, KeyboardInterrupt | TrainingInterruptedError):
                    raise _interrupted(error, point) from None
                raise
            shutil.rmtree(run, ignore_errors=True)
    finally:
        for folder in missing:
            with suppress(OSError):  # not empty
                folder.rmdir()


def resume_command() -> str:
    """Return the shell command that resumes the current one."""
    if world_size() > 1:
        return "the same command with --resume"  # the launcher's arguments are unknown
    program, *arguments = sys.argv
    if Path(program).name == "__main__.py":
        words = list(sys.orig_argv)  # python -m imdb_sentiment
    else:
        name = Path(program).name
        words = [name if shutil.which(name) == program else program, *arguments]
    return shlex.join(words if "--resume" in words else [*words, "--resume"])


def _interrupted(error: BaseException, point: Path | None) -> BaseException:
    """Return the error of an interrupted run, with the command to resume it."""
    from imdb_sentiment.training.checkpoints import describe_resume_point

    if point is None:
        return KeyboardInterrupt()
    summary = error.summary if isinstance(error, TrainingInterruptedError) else "interrupted"
    return TrainingInterruptedError(summary, found=describe_resume_point(point), hint=resume_command())


def _clear(run: Path) -> None:
    for path in run.iterdir():
        if path.name == LOCK_FILE:
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
