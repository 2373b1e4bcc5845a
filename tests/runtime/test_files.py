"""A file or folder is written whole or not at all, whatever stands in its place, links or full disks."""

import multiprocessing
import os
import signal
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from imdb_sentiment.errors import DiskFullError, OutputExistsError
from imdb_sentiment.runtime import files
from imdb_sentiment.runtime.files import (
    METADATA_FILE,
    check_new_file,
    check_output,
    make_folder,
    new_folder,
    write_text,
)
from small_disk import leave_room, make_small_disk


def make_model(folder: Path, content: str = "old") -> None:
    folder.mkdir()
    (folder / METADATA_FILE).write_text(content, encoding="utf-8")
    (folder / "weights").write_text(content, encoding="utf-8")


def write_model(folder: Path, content: str, *, overwrite: bool = False) -> None:
    with new_folder(folder, overwrite=overwrite) as partial:
        (partial / METADATA_FILE).write_text(content, encoding="utf-8")
        (partial / "nested").mkdir()
        (partial / "nested" / "file").write_text(content, encoding="utf-8")


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_new_folder_holds_what_was_written(tmp_path: Path) -> None:
    write_model(tmp_path / "model", "new")
    assert (tmp_path / "model" / "nested" / "file").read_text(encoding="utf-8") == "new"
    assert names(tmp_path) == ["model"]


def test_missing_parents_are_made(tmp_path: Path) -> None:
    write_model(tmp_path / "a" / "b" / "model", "new")
    assert (tmp_path / "a" / "b" / "model" / METADATA_FILE).is_file()


def test_an_empty_folder_is_filled(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    write_model(tmp_path / "model", "new")
    assert names(tmp_path / "model") == [METADATA_FILE, "nested"]


def test_a_relative_folder_is_found_again_after_a_change_of_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "elsewhere").mkdir()
    with new_folder(Path("model"), overwrite=False) as partial:
        (partial / METADATA_FILE).write_text("{}", encoding="utf-8")
        monkeypatch.chdir(tmp_path / "elsewhere")
    assert names(tmp_path) == ["elsewhere", "model"]
    assert names(tmp_path / "elsewhere") == []


def test_nothing_shows_under_the_name_before_everything_is_written(tmp_path: Path) -> None:
    with new_folder(tmp_path / "model", overwrite=False) as partial:
        (partial / METADATA_FILE).write_text("{}", encoding="utf-8")
        assert not (tmp_path / "model").exists()
        assert partial.name.startswith(".")
        assert partial.parent == tmp_path  # the same file system, so that the rename is atomic


def test_a_folder_in_use_is_left_as_it_is(tmp_path: Path) -> None:
    make_model(tmp_path / "model")
    with pytest.raises(OutputExistsError, match="is not empty and was not changed") as caught:
        write_model(tmp_path / "model", "new")
    assert caught.value.found == f"{METADATA_FILE} and 1 more"
    assert "overwrite" in str(caught.value.hint)
    assert (tmp_path / "model" / "weights").read_text(encoding="utf-8") == "old"
    assert names(tmp_path) == ["model"]


def test_overwriting_a_model_leaves_nothing_of_the_old_one(tmp_path: Path) -> None:
    make_model(tmp_path / "model")
    write_model(tmp_path / "model", "new", overwrite=True)
    assert names(tmp_path / "model") == [METADATA_FILE, "nested"]
    assert (tmp_path / "model" / METADATA_FILE).read_text(encoding="utf-8") == "new"
    assert names(tmp_path) == ["model"]


def test_a_folder_that_is_no_model_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat.jpg").write_bytes(b"meow")
    with pytest.raises(OutputExistsError, match="not a model of this library and was not changed") as caught:
        write_model(tmp_path / "photos", "new", overwrite=True)
    assert METADATA_FILE in str(caught.value.expected)
    assert (tmp_path / "photos" / "cat.jpg").read_bytes() == b"meow"


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_file_is_never_overwritten(tmp_path: Path, overwrite: bool) -> None:
    (tmp_path / "model").write_text("precious", encoding="utf-8")
    with pytest.raises(OutputExistsError, match="is a file"):
        write_model(tmp_path / "model", "new", overwrite=overwrite)
    assert (tmp_path / "model").read_text(encoding="utf-8") == "precious"


def test_a_dangling_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "model").symlink_to(tmp_path / "real")
    write_model(tmp_path / "model", "new")
    assert names(tmp_path / "real") == [METADATA_FILE, "nested"]
    (tmp_path / "page").symlink_to("written")
    write_text(tmp_path / "page", "new", overwrite=False)
    assert (tmp_path / "written").read_text() == "new"
    assert [(tmp_path / name).is_symlink() for name in ("model", "page")] == [True, True]
    assert names(tmp_path) == ["model", "page", "real", "written"]


def test_a_dangling_link_into_a_folder_that_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "page").symlink_to(tmp_path / "absent" / "page")
    with pytest.raises(OutputExistsError, match=f"there is no folder {tmp_path / 'absent'}"):
        write_text(tmp_path / "page", "new", overwrite=True)


def test_a_link_to_a_file_stays_and_the_file_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "page").write_text("old")
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere" / "page")
    (tmp_path / "page").symlink_to("link")
    with pytest.raises(OutputExistsError, match="already exists"):
        write_text(tmp_path / "page", "new", overwrite=False)
    write_text(tmp_path / "page", "new", overwrite=True)
    assert (tmp_path / "elsewhere" / "page").read_text() == "new"
    assert names(tmp_path) == ["elsewhere", "link", "page"]
    assert names(tmp_path / "elsewhere") == ["page"]


def test_links_in_a_circle_are_refused(tmp_path: Path) -> None:
    (tmp_path / "page").symlink_to("model")
    (tmp_path / "model").symlink_to("page")
    for check in (check_new_file, check_output):
        with pytest.raises(OutputExistsError, match="circular symbolic link"):
            check(tmp_path / "page", overwrite=True)


@pytest.mark.parametrize("linked", [False, True])
@pytest.mark.parametrize("overwrite", [False, True])
def test_what_is_no_regular_file_is_never_replaced(tmp_path: Path, overwrite: bool, linked: bool) -> None:
    os.mkfifo(tmp_path / "pipe")
    places = [tmp_path / "pipe", Path("/dev/null"), Path("/dev/full")]
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "socket"))
        for i, place in enumerate([*places, tmp_path / "socket"]):
            before = place.lstat()
            (tmp_path / f"link-{i}").symlink_to(place)
            named = tmp_path / f"link-{i}" if linked else place
            with pytest.raises(OutputExistsError, match="is a device, a pipe or a socket"):
                write_text(named, "new", overwrite=overwrite)
            with pytest.raises(OutputExistsError):
                check_output(named, overwrite=overwrite)
            assert (place.lstat().st_ino, place.lstat().st_mode) == (before.st_ino, before.st_mode)


def test_checking_changes_nothing(tmp_path: Path) -> None:
    check_output(tmp_path / "a" / "model", overwrite=False)
    assert names(tmp_path) == []


def write_half_a_model_and_fail(folder: Path, error: BaseException) -> None:
    with new_folder(folder, overwrite=True) as partial:
        (partial / METADATA_FILE).write_text("half", encoding="utf-8")
        raise error


@pytest.mark.parametrize("error", [RuntimeError("disk full"), KeyboardInterrupt()])
def test_a_failure_while_writing_leaves_the_old_model_and_no_rest(tmp_path: Path, error: BaseException) -> None:
    make_model(tmp_path / "model")
    with pytest.raises(type(error)):
        write_half_a_model_and_fail(tmp_path / "model", error)
    assert (tmp_path / "model" / "weights").read_text(encoding="utf-8") == "old"
    assert names(tmp_path) == ["model"]


def write_half_a_model_and_die(folder: Path) -> None:
    with new_folder(folder, overwrite=True) as partial:
        (partial / "half").write_text("half", encoding="utf-8")
        os.kill(os.getpid(), signal.SIGKILL)


def test_a_killed_process_leaves_the_old_model_and_the_next_one_cleans_up(tmp_path: Path) -> None:
    make_model(tmp_path / "model")
    process = multiprocessing.get_context("spawn").Process(
        target=write_half_a_model_and_die, args=(tmp_path / "model",)
    )
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL
    assert (tmp_path / "model" / "weights").read_text(encoding="utf-8") == "old"
    assert names(tmp_path) == [".model.lock", ".model.partial", "model"]
    write_model(tmp_path / "model", "new", overwrite=True)
    assert names(tmp_path) == ["model"]
    assert names(tmp_path / "model") == [METADATA_FILE, "nested"]


def test_overwriting_works_where_folders_cannot_be_exchanged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "_RENAME_EXCHANGE", 0x4000_0000)  # a flag the kernel refuses, as other systems do
    make_model(tmp_path / "model")
    write_model(tmp_path / "model", "new", overwrite=True)
    assert names(tmp_path) == ["model"]
    assert names(tmp_path / "model") == [METADATA_FILE, "nested"]


def test_a_linked_folder_is_overwritten_as_often_as_one_likes(tmp_path: Path) -> None:
    make_model(tmp_path / "real")
    (tmp_path / "model").symlink_to(tmp_path / "real", target_is_directory=True)
    for content in ("first", "second"):
        write_model(tmp_path / "model", content, overwrite=True)
        assert (tmp_path / "model" / METADATA_FILE).read_text(encoding="utf-8") == content
        assert names(tmp_path) == ["model", "real"]


def test_a_link_to_an_empty_folder_is_filled(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "model").symlink_to(tmp_path / "real", target_is_directory=True)
    write_model(tmp_path / "model", "new")
    assert (tmp_path / "model" / METADATA_FILE).read_text(encoding="utf-8") == "new"
    assert names(tmp_path) == ["model", "real"]


def test_a_folder_that_the_system_does_not_let_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(OutputExistsError, match="cannot be created") as caught:
        make_folder(tmp_path / "file" / "below")
    assert caught.value.found == "Not a directory"
    make_folder(tmp_path / "a" / "b")
    make_folder(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").is_dir()


def test_a_folder_in_one_that_may_not_be_written_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.access", lambda path, mode: path != tmp_path)  # root may write anywhere
    with pytest.raises(OutputExistsError, match="is not writable") as caught:
        check_output(tmp_path / "new" / "model", overwrite=False)
    assert str(tmp_path) in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def write_plain(path: Path) -> None:
    path.write_text("x" * ROOM)


def write_arrays(path: Path) -> None:
    import numpy as np

    np.savez(path, rows=np.zeros(ROOM, dtype=np.uint8))


def write_tensors(path: Path) -> None:
    import numpy as np
    from safetensors.numpy import save_file

    save_file({"weights": np.zeros(ROOM, dtype=np.uint8)}, path)


def write_tokenizer(path: Path) -> None:
    from tokenizers import Tokenizer, models

    Tokenizer(models.WordLevel({f"word {i}": i for i in range(ROOM // 10)})).save(str(path))


def write_tensors_of_torch(path: Path) -> None:
    import torch

    torch.save(torch.zeros(ROOM, dtype=torch.uint8), path)


def write_parquet(path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"text": [os.urandom(ROOM)]}), path)


WRITERS = (write_plain, write_arrays, write_tensors, write_tokenizer, write_tensors_of_torch, write_parquet)
ROOM = 200_000


def fill_the_disk(disk: Path) -> None:
    """Write with too little room by each of these writers; nothing but what was there before may be left."""
    make_small_disk(disk, 1_000_000)
    make_model(disk / "model")
    (disk / "page").write_text("old")
    for write in WRITERS:
        leave_room(disk / "ballast", ROOM // 2)
        with (
            pytest.raises(DiskFullError, match=f"no space left to write {disk / 'model'}") as caught,
            new_folder(disk / "model", overwrite=True) as partial,
        ):
            write(partial / "file")
        assert "free space" in str(caught.value.hint)
        assert (disk / "model" / "weights").read_text() == "old"
        assert names(disk) == ["ballast", "model", "page"], write
    with pytest.raises(DiskFullError, match=f"no space left to write {disk / 'page'}"):
        write_text(disk / "page", "x" * ROOM, overwrite=True)
    (disk / "ballast").unlink()
    leave_room(disk / "ballast", 0)
    with pytest.raises(DiskFullError):
        write_model(disk / "model", "new", overwrite=True)
    with pytest.raises(DiskFullError):
        write_text(disk / "page", "new", overwrite=True)
    assert (disk / "page").read_text() == "old"
    assert names(disk) == ["ballast", "model", "page"]
    (disk / "ballast").unlink()
    write_model(disk / "model", "new", overwrite=True)
    assert (disk / "model" / METADATA_FILE).read_text() == "new"


@pytest.mark.integration
def test_a_full_disk_is_told_and_leaves_what_was_there(tmp_path: Path) -> None:
    process = multiprocessing.get_context("spawn").Process(target=fill_the_disk, args=(tmp_path,))
    process.start()
    process.join()
    assert process.exitcode == 0


def test_other_errors_while_writing_are_not_taken_for_a_full_disk(tmp_path: Path) -> None:
    writers: list[Callable[[Path], object]] = [
        lambda path: (path / "absent" / "file").write_text(""),
        lambda path: path.write_text(""),
    ]
    for write in writers:
        with pytest.raises(OSError) as caught, new_folder(tmp_path / "model", overwrite=False) as partial:  # noqa: PT011
            write(partial)
        assert not isinstance(caught.value, DiskFullError)
        assert names(tmp_path) == []


@pytest.mark.parametrize("write", [write_model, lambda path, text: write_text(path, text, overwrite=False)])
def test_a_name_is_refused_that_leaves_no_room_for_a_hidden_one(
    tmp_path: Path, write: Callable[[Path, str], None]
) -> None:
    with pytest.raises(OutputExistsError, match="is too long for a name"):
        write(tmp_path / ("é" * 123 + "e"), "new")
    assert names(tmp_path) == []
    write(tmp_path / ("é" * 123), "new")
    assert names(tmp_path) == ["é" * 123]
