import gzip
import tempfile
from pathlib import Path

import pytest

from imdb_sentiment.config import DataConfig
from imdb_sentiment.data.file_sources import read_file
from imdb_sentiment.data.formats.compression import open_bytes, plain_suffix, whole_file
from imdb_sentiment.errors import DataError
from written_files import COMPRESSORS, ROWS, WRITERS, pairs, write

DATA = DataConfig()


@pytest.mark.parametrize(
    ("name", "suffix"),
    [
        ("a.csv", ".csv"),
        ("a.CSV.GZ", ".csv"),
        ("a.b.parquet.zstd", ".parquet"),
        ("a.gz", ""),
        (".gz", ""),
        ("a.gz.csv", ".csv"),
        ("a", ""),
    ],
)
def test_the_suffix_of_the_compression_does_not_count(name: str, suffix: str) -> None:
    assert plain_suffix(Path("x.csv") / name) == suffix


@pytest.mark.parametrize("compression", COMPRESSORS)
@pytest.mark.parametrize("suffix", WRITERS)
def test_a_compressed_file_of_each_format_is_read_the_same(suffix: str, compression: str, tmp_path: Path) -> None:
    path = write(tmp_path / f"reviews{suffix}{compression.upper()}", ROWS)
    rows = read_file(path, DATA)
    assert pairs(rows) == ROWS
    assert (rows.origin, rows.notes) == (str(path), ())


@pytest.mark.parametrize("compression", [".gz", ".zst"])
def test_parts_that_were_compressed_one_by_one_are_read_as_one(compression: str, tmp_path: Path) -> None:
    path = tmp_path / f"reviews.csv{compression}"
    path.write_bytes(b"".join(map(COMPRESSORS[compression], (b"text,label\n", b"fine,", b"pos\ndull,neg\n"))))
    assert pairs(read_file(path, DATA)) == [("fine", "pos"), ("dull", "neg")]


@pytest.mark.parametrize("suffix", WRITERS)
@pytest.mark.parametrize("compression", [".gz", ".zst"])
@pytest.mark.parametrize("damage", ["cut short", "other bytes", "more bytes"])
def test_a_damaged_file_is_named(suffix: str, compression: str, damage: str, tmp_path: Path) -> None:
    path = write(tmp_path / f"reviews{suffix}{compression}", [(f"text {i} {i**9}", "pos") for i in range(5000)])
    content = path.read_bytes()
    damaged = {"cut short": content[:-9], "other bytes": b"\0text,label\n" * 20, "more bytes": content + b"more"}
    path.write_bytes(damaged[damage])
    with pytest.raises(DataError) as caught:
        read_file(path, DATA)
    assert caught.value.summary == f"{path} is damaged or truncated"
    assert caught.value.found
    assert caught.value.expected == f"a whole {'gzip' if compression == '.gz' else 'Zstandard'} file"


@pytest.mark.parametrize("compression", [".gz", ".zst"])
def test_a_compressed_file_of_no_bytes_is_empty(compression: str, tmp_path: Path) -> None:
    path = tmp_path / f"reviews.csv{compression}"
    path.write_bytes(b"")
    with pytest.raises(DataError, match="is empty"):
        read_file(path, DATA)


def test_what_is_not_utf8_is_told_by_its_place_in_the_text(tmp_path: Path) -> None:
    path = tmp_path / "reviews.csv.gz"
    path.write_bytes(gzip.compress(b"text,label\ncaf\xe9,pos\n"))
    with pytest.raises(DataError, match=r"reviews\.csv\.gz is not UTF-8 in row 1 \(line 2\)") as caught:
        read_file(path, DATA)
    assert caught.value.found == "byte 0xe9 at offset 14"


def test_only_a_compressed_file_is_copied_and_the_copy_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    plain = write(tmp_path / "a.parquet", ROWS)
    with whole_file(plain) as whole:
        assert whole == plain
    packed = write(tmp_path / "b.parquet.zst", ROWS)
    with whole_file(packed) as whole:
        assert whole.is_relative_to(temporary)
        assert whole.read_bytes() == plain.read_bytes()
    assert list(temporary.iterdir()) == []
    temporary.rmdir()
    with pytest.raises(DataError, match="cannot be written to a temporary file"):
        read_file(packed, DATA)


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "a.csv.zst"])
def test_a_file_may_be_opened_many_times(name: str, tmp_path: Path) -> None:
    path = write(tmp_path / name, ROWS)
    contents = []
    for _ in range(2):
        with open_bytes(path) as file:
            contents.append(file.read(5) + file.read())
    assert contents[0] == contents[1]
    assert contents[0].startswith(b"text,label")


@pytest.mark.parametrize("name", ["a.csv.gz", "a.csv.zst", "a.parquet.zst"])
def test_a_missing_compressed_file_is_no_damaged_one(name: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no file or folder"):
        read_file(tmp_path / name, DATA)
    with pytest.raises(FileNotFoundError):
        open_bytes(tmp_path / name)
