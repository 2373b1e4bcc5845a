import codecs
import re
from itertools import chain
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import examples
from imdb_sentiment.config import DataConfig
from imdb_sentiment.data.file_sources import read_file
from imdb_sentiment.data.formats import text
from imdb_sentiment.data.formats.opening import open_table
from imdb_sentiment.data.formats.text import TextFile, UndecodableError, lines_by_block
from imdb_sentiment.errors import ConfigError, DataError
from written_files import pairs

TEXT = "text,label\ncaf\u00e9 \U0001f600,pos\n\u0424\u0438\u043b\u044c\u043c,neg\n"

UNKNOWN = "encoding='NAME', the encoding it was written in; or save it again as UTF-8"

ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-be", "utf-7", "gb18030"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("text_files")


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text, "_BLOCK", 5)


def written(folder: Path, content: bytes, name: str = "reviews.csv") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_any_encoding_that_is_named_is_read(encoding: str, tmp_path: Path, small_blocks: None) -> None:
    path = written(tmp_path, TEXT.encode(encoding))
    assert list(TextFile(path, encoding).lines()) == TEXT.splitlines(keepends=True)


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1", "ISO-8859-15", "mac_roman", "shift_jis", "big5hkscs"])
def test_an_old_encoding_that_is_named_is_read(encoding: str, tmp_path: Path, small_blocks: None) -> None:
    text = "text,label\nna\u00efve,pos\n" if "is" not in encoding.lower()[:5] else "text,label\nso,pos\n"
    text = text if encoding not in ("shift_jis", "big5hkscs") else "text,label\n\u6620\u753b,pos\n"
    path = written(tmp_path, text.encode(encoding))
    assert list(TextFile(path, encoding).lines()) == text.splitlines(keepends=True)


@pytest.mark.parametrize(
    ("mark", "encoding", "said"),
    [
        (codecs.BOM_UTF8, "utf-8", "UTF-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le", "UTF-16"),
        (codecs.BOM_UTF16_BE, "utf-16-be", "UTF-16"),
        (codecs.BOM_UTF32_LE, "utf-32-le", "UTF-32"),
        (codecs.BOM_UTF32_BE, "utf-32-be", "UTF-32"),
    ],
)
@pytest.mark.parametrize("named", [False, True])
def test_a_mark_tells_the_encoding(mark: bytes, encoding: str, said: str, named: bool, tmp_path: Path) -> None:
    path = written(tmp_path, mark + TEXT.encode(encoding))
    file = TextFile(path, encoding if named else None)
    assert "".join(file.blocks()) == TEXT
    assert file.notes == (f"reviews.csv: begins with a {said} mark and is read as such",)


def test_a_mark_is_left_out_once(tmp_path: Path) -> None:
    path = written(tmp_path, codecs.BOM_UTF8 * 2 + b"text")
    assert "".join(TextFile(path, None).blocks()) == "\ufefftext"


def test_a_mark_of_another_encoding_than_the_named_one_is_text(tmp_path: Path) -> None:
    path = written(tmp_path, codecs.BOM_UTF8 + b"text")
    file = TextFile(path, "cp1252")
    assert "".join(file.blocks()) == "\u00ef\u00bb\u00bftext"
    assert file.notes == ()


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
@pytest.mark.parametrize("name", ["reviews.csv", "reviews.jsonl"])
def test_utf16_without_its_mark_is_refused_and_named(encoding: str, name: str, tmp_path: Path) -> None:
    path = written(tmp_path, '{"text": "fine", "label": 1}\n'.encode(encoding), name)
    with pytest.raises(DataError, match=r"reviews\.\w+ seems to be UTF-\d\d without a byte order mark") as caught:
        read_file(path, DataConfig())
    assert caught.value.hint == f"encoding={encoding!r}"


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
def test_so_it_is_where_no_letter_is_english(encoding: str, tmp_path: Path) -> None:
    path = written(tmp_path, "\u597d\u770b,1\n\u4e0d\u597d,0\n".encode(encoding))
    with pytest.raises(DataError, match=r"without a byte order mark") as caught:
        read_file(path, DataConfig(header=False, text_column="1", label_column="2"))
    assert caught.value.hint == f"encoding='{encoding}'"


@pytest.mark.parametrize("encoding", ["utf-16", "UTF_32"])
def test_an_encoding_without_a_byte_order_needs_a_mark(encoding: str, tmp_path: Path) -> None:
    path = written(tmp_path, TEXT.encode("utf-16-le"))
    with pytest.raises(DataError, match="does not begin with a byte order mark") as caught:
        TextFile(path, encoding)
    assert str(caught.value.hint).endswith("-le'")


def test_nul_characters_do_not_make_utf16(tmp_path: Path) -> None:
    path = written(tmp_path, b"text,label\n" + b"a\0" * 100 + b",pos\n")
    assert read_file(path, DataConfig()).table["text"].to_pylist() == ["a\0" * 100]


def test_only_a_line_feed_ends_a_line(tmp_path: Path, small_blocks: None) -> None:
    text = "a\rb\x0bc\x0cd\x1ce\x85f\u2028g\r\nh\n\n\ni"
    path = written(tmp_path, text.encode())
    assert list(TextFile(path, None).lines()) == ["a\rb\x0bc\x0cd\x1ce\x85f\u2028g\r\n", "h\n", "\n", "\n", "i"]


@given(blocks=st.lists(st.text(st.sampled_from("a\n"))))
def test_lines_do_not_depend_on_the_blocks(blocks: list[str]) -> None:
    text = "".join(blocks)
    assert list(chain.from_iterable(lines_by_block(blocks))) == text.splitlines(keepends=True)


@pytest.mark.parametrize(
    ("rows", "content", "place", "found"),
    [
        ("row 1", b"text,label\ncaf\xe9,pos\n", 2, "byte 0xe9 at offset 14"),
        ("row 3", b'text,label\n"two\nlines",pos\n\nfine,neg\nso,"\nso \x93what\x94"', 7, "byte 0x93 at offset 45"),
        ("its header", b"text,l\xe4bel\ngut,pos\n", 1, "byte 0xe4 at offset 6"),
        (
            "row 30,000",
            b"text,label\n" + b"fine,pos\n" * 29_999 + b"\xe9t\xe9,neg",
            30_001,
            "byte 0xe9 at offset 270002",
        ),
    ],
)
def test_what_is_not_utf8_is_told_by_row_line_and_byte(
    rows: str, content: bytes, place: int, found: str, tmp_path: Path
) -> None:
    path = written(tmp_path, content)
    with pytest.raises(DataError) as caught:
        read_file(path, DataConfig())
    assert caught.value.summary == f"{path} is not UTF-8 in {rows} (line {place:,})"
    assert caught.value.found is not None
    assert caught.value.found.replace(",", "") == found
    assert caught.value.expected == "text encoded as UTF-8"
    assert caught.value.hint == "encoding='cp1252', if the file was written on Windows"


@pytest.mark.parametrize("content", [b"text,label\n\xe9\0,pos\n", b"text,label\n\xe9\x81,pos\n"])
def test_what_windows_did_not_write_gets_no_such_hint(content: bytes, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is not UTF-8 in row 1") as caught:
        read_file(written(tmp_path, content), DataConfig())
    assert caught.value.hint == UNKNOWN


WRITTEN = {
    "gb18030": "这部电影很好看。演员都很出色",
    "gbk": "很好",
    "big5": "這部電影很好看",
    "shift_jis": "とても良い映画でした。また見たい",
    "euc_jp": "とても良い映画でした",
    "euc_kr": "정말 재미있는 영화였다",
    "cp949": "재미",
    "cp1251": "Очень хороший фильм! Всем советую",
    "koi8-r": "Очень хороший фильм",
    "cp866": "Очень хороший фильм",
    "cp1253": "Πολύ καλή ταινία",
    "cp1255": "סרט טוב מאוד",
    "cp1256": "فيلم جيد جدا",
    "cp874": "หนังดีมาก",
    "cp1250": "Skvělý film. Už příště",
    "iso8859-2": "To był świetny film. Się podobał",
    "cp1254": "Çok güzel bir filmdi. Beğendim",
    "cp1257": "Labai geras filmas. Žiūrėsiu",
    "mac_roman": "un café très agréable",
    "cp850": "un café très agréable. Größer",
    "cp437": "un café très agréable",
    "utf-16-le": "这部电影很好看",
}


@pytest.mark.parametrize("encoding", WRITTEN)
def test_no_encoding_is_proposed_that_would_decode_to_something_else(encoding: str, tmp_path: Path) -> None:
    text = WRITTEN[encoding]
    content = (f"text,label\n{text},1\nfine,0\n").encode(encoding)
    with pytest.raises(DataError) as caught:
        read_file(written(tmp_path, content), DataConfig())
    proposed = re.search(r"encoding='([\w-]+)'", str(caught.value.hint))
    assert proposed
    assert proposed[1] == "NAME" or content.decode(proposed[1]) == content.decode(encoding)


@settings(deadline=None, max_examples=examples(200))
@given(
    text=st.text(st.characters(codec="cp1252", exclude_characters='",\r\n\0'), min_size=1, max_size=20),
    page=st.sampled_from(["cp1250", "cp1254", "iso8859-2", "iso8859-15", "latin-1"]),
)
def test_what_is_proposed_is_right_in_each_code_page_it_may_be(folder: Path, text: str, page: str) -> None:
    content = f"text,label\nSo {text} so,1\nfine,0\n".encode(page, "ignore")
    try:
        read_file(written(folder, content), DataConfig())
    except DataError as error:
        proposed = re.search(r"encoding='([\w-]+)'", str(error.hint))
        if proposed and proposed[1] != "NAME" and not re.search(rb"[\x80-\x9f]", content):
            assert content.decode(proposed[1]) == content.decode(page)


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_lines_end_as_the_first_ones_do(newline: str, tmp_path: Path, small_blocks: None) -> None:
    path = written(tmp_path, newline.join(['text,"la', 'bel"', "fine\x85\u2028\x0b\x0c\x1c,pos", ""]).encode())
    lines = list(TextFile(path, None).lines())
    assert [line.rstrip("\r\n") for line in lines] == ['text,"la', 'bel"', "fine\x85\u2028\x0b\x0c\x1c,pos"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("reviews.csv", b'text,label\rfine,pos\r"two\nlines",neg\r'),
        ("reviews.csv", b'text,label\r\r"fine",pos\r"two\nlines",neg'),
        ("reviews.tsv", b'text\tlabel\rfine\tpos\r"two\nlines"\tneg\r'),
        ("reviews.jsonl", b'{"text": "fine", "label": "pos"}\r{"text": "two\\nlines", "label": "neg"}\r'),
        ("reviews.csv", b'sep=;\r\ntext;label\r\nfine;pos\r\n"two\nlines";neg\r\n'),
        ("reviews.csv", b'\xef\xbb\xbfSEP=|\ntext|label\nfine|pos\n"two\nlines"|neg\n'),
        ("reviews.csv", b'sep=\t\rtext\tlabel\rfine\tpos\r"two\nlines"\tneg\r'),
        ("reviews.csv", b'"sep=^"\ntext^label\nfine^pos\n"two\nlines"^neg\n'),
        ("reviews.jsonl", b'\xef\xbb\xbf{"text": "fine", "label": "pos"}\n{"text": "two\\nlines", "label": "neg"}'),
    ],
)
def test_files_as_people_have_them_are_read(name: str, content: bytes, tmp_path: Path) -> None:
    path = written(tmp_path, content, name)
    assert pairs(read_file(path, DataConfig())) == [("fine", "pos"), ("two\nlines", "neg")]
    with open_table(path, ["text"]) as table:
        assert (table.columns, table.rows) == (("text", "label"), 2)


def test_a_faulty_row_below_a_separator_line_is_told_by_its_place(tmp_path: Path) -> None:
    path = written(tmp_path, b'sep=;\ntext;label\nfine;pos\n"bad"x;neg\n')
    with pytest.raises(DataError, match=r"is not well-formed in row 2 \(line 4\)"):
        read_file(path, DataConfig())


@pytest.mark.parametrize("content", [b"text,label\na\rb,pos\n", b"text,label\ra\nb,pos\r"])
def test_the_other_line_end_outside_of_quotes_is_no_guess(content: bytes, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"is not well-formed in (row|its header)") as caught:
        read_file(written(tmp_path, content), DataConfig())
    assert "outside of quotes" in str(caught.value.found)


def test_what_does_not_fit_the_named_encoding_is_told(tmp_path: Path) -> None:
    path = written(tmp_path, b"text,label\nfine,pos\n\x81,neg\n")
    with pytest.raises(DataError, match=r"is not cp1252 in row 2 \(line 3\)") as caught:
        read_file(path, DataConfig(encoding="cp1252"))
    assert caught.value.hint == UNKNOWN


def test_a_text_cut_in_the_middle_of_a_character_is_told(tmp_path: Path) -> None:
    path = written(tmp_path, "text,label\nfine,pos\ncaf\u00e9".encode()[:-1])
    with pytest.raises(DataError, match=r"is not UTF-8 in row 2 \(line 3\)") as caught:
        read_file(path, DataConfig())
    assert caught.value.found == "byte 0xc3 at offset 23"


def test_the_same_holds_in_jsonl(tmp_path: Path) -> None:
    path = written(tmp_path, b'{"text": "a", "label": 1}\n\n{"text": "\xe9", "label": 0}\n', "reviews.jsonl")
    with pytest.raises(DataError, match=r"reviews\.jsonl is not UTF-8 in row 2 \(line 3\)") as caught:
        read_file(path, DataConfig())
    assert (caught.value.rows, caught.value.found) == ((2,), "byte 0xe9 at offset 37")
    assert read_file(path, DataConfig(encoding="cp1252")).table["text"].to_pylist() == ["a", "\u00e9"]


@settings(deadline=None, max_examples=examples(100))
@given(content=st.binary(max_size=12), encoding=st.sampled_from([*ENCODINGS, "cp1252", "euc_jp", "iso2022_jp", "hz"]))
def test_any_bytes_are_decoded_up_to_the_first_that_cannot_be(folder: Path, content: bytes, encoding: str) -> None:
    path = written(folder, content)
    try:
        file = TextFile(path, encoding)
    except DataError:
        assert encoding in ("utf-16", "utf-32")
        return
    decoded, place = "", len(content)
    monkeypatch = pytest.MonkeyPatch()
    with monkeypatch.context() as patched:
        patched.setattr(text, "_BLOCK", 2)
        try:
            for block in file.blocks():
                decoded += block
        except UndecodableError as error:
            place = error.offset
    assert 0 <= place <= len(content)
    assert decoded == content[:place].decode(encoding, errors="ignore").removeprefix("\ufeff" if file.notes else "")


@pytest.mark.parametrize(("name", "hint"), [("cp125", "'cp125"), ("utf9", "'utf"), ("zzzz", "expected one such as")])
@pytest.mark.parametrize("upper", [False, True])
def test_an_unknown_encoding_is_refused(name: str, hint: str, upper: bool) -> None:
    with pytest.raises(ConfigError, match="is not a text encoding that Python knows") as caught:
        DataConfig(encoding=name.upper() if upper else name)
    assert hint in str(caught.value)


@pytest.mark.parametrize("name", ["hex", "base64", "rot13", "zip", "idna", "punycode", "undefined", "", "a\0b"])
def test_a_codec_that_is_no_encoding_of_files_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="is not a text encoding"):
        DataConfig(encoding=name)
