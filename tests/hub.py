"""A loopback stand-in for the Hugging Face hub, and tiny repositories to serve from it.

The client libraries read their environment once, when they are imported. So start a subprocess with
``HF_ENDPOINT`` set to :attr:`LoopbackHub.url` and ``HF_HOME`` set to a fresh folder, or better with
:meth:`LoopbackHub.environment`, which also keeps them from asking other hosts: ``from_pretrained``,
``snapshot_download`` and ``load_dataset`` then take everything from 127.0.0.1.
"""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import random
import re
import shutil
import socketserver
import string
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import Any, NamedTuple, Self
from urllib.parse import parse_qs, unquote, urlsplit

CHEERFUL = ("wonderful", "charming", "delightful", "funny", "brilliant", "moving", "superb", "joyful")
"""Words of the texts labelled ``pos``; none of those labelled ``neg`` has one."""

GLOOMY = ("dreadful", "boring", "clumsy", "dull", "awful", "tedious", "hollow", "miserable")
"""Words of the texts labelled ``neg``; none of those labelled ``pos`` has one."""

_SUBJECTS = ("The plot", "The cast", "This film", "The music", "The ending", "Every scene", "The dialogue")
_SETTINGS = ("in the cinema", "at home", "on a long flight", "with my family", "late at night")

_REPO = r"(?P<repo>[^/]+(?:/[^/]+)??)"
_ROUTES = tuple(
    re.compile(pattern)
    for pattern in (
        rf"/api/(?P<kind>models|datasets)/{_REPO}(?:/revision/(?P<revision>[^/]+))?",
        rf"/api/(?P<kind>models|datasets)/{_REPO}/(?P<tree>tree)/(?P<revision>[^/]+)(?:/(?P<path>.+))?",
        rf"/(?:(?P<kind>datasets)/)?{_REPO}/(?P<resolve>resolve)/(?P<revision>[^/]+)/(?P<path>.+)",
    )
)
_UPLOAD_ROUTES = tuple(
    re.compile(pattern)
    for pattern in (
        r"/api/(?P<create>repos/create)",
        r"/api/(?P<card>validate-yaml)",
        rf"/api/models/{_REPO}/(?P<preupload>preupload)/main",
        rf"/{_REPO}\.git/info/lfs/objects/(?P<batch>batch)",
        r"/(?P<large>large)/(?P<oid>[0-9a-f]{64})",
        rf"/api/models/{_REPO}/(?P<commit>commit)/main",
    )
)
_LARGE = (".safetensors", ".npz")


class _Commit(NamedTuple):
    """One state of a repository, frozen when it was added."""

    sha: str
    folder: Path
    blobs: dict[str, str]  # path inside the repository -> git blob id


class _Reply(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes


class LoopbackHub:
    """An HTTP server on 127.0.0.1 that serves folders as hub repositories.

    It answers what the clients ask for when they read a public repository: repository information, file
    listings and files, for the revision ``main`` and for commit hashes. Files are served whole and never from
    LFS or Xet storage. Adding a repository again moves its ``main``; the commits from before stay available,
    as on the hub. It also takes commits to ``main`` of models below :attr:`OWNER` from who has :attr:`TOKEN`.

    Args:
        root: Folder where the hub keeps a copy of every commit. Created when missing.

    Attributes:
        url: Address of the server, the value for ``HF_ENDPOINT``.
        requests: Method and path (without the query) of every request so far, in order of arrival.
        OWNER: The one user who may write.
        TOKEN: What that user writes with.
    """

    OWNER = "someone"
    TOKEN = "hf_loopback"  # noqa: S105

    def __init__(self, root: Path) -> None:
        self.requests: list[tuple[str, str]] = []
        self._root = root
        self._large: dict[str, bytes] = {}
        self._revisions: dict[str, dict[str, _Commit]] = {}
        self._server = _Server(self._answer)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def add_model(self, repo_id: str, folder: Path) -> str:
        """Publish a folder as a model repository.

        Args:
            repo_id: Name of the repository, such as ``google-bert/bert-base-uncased``.
            folder: Folder to publish as it is now; later changes to it are not served.

        Returns:
            The commit hash, which depends on the name and the content only.
        """
        return self._add(f"models/{repo_id}", folder)

    def add_dataset(self, repo_id: str, folder: Path) -> str:
        """Publish a folder as a data set repository.

        Args:
            repo_id: Name of the repository, such as ``stanfordnlp/imdb``.
            folder: Folder to publish as it is now; later changes to it are not served.

        Returns:
            The commit hash, which depends on the name and the content only.
        """
        return self._add(f"datasets/{repo_id}", folder)

    def environment(self, home: Path) -> dict[str, str]:
        """Return variables that keep a subprocess on this hub, to merge into its environment.

        With ``HF_ENDPOINT`` and ``HF_HOME`` alone, ``load_dataset`` also tries to reach two other hosts.

        Args:
            home: Folder for the caches of the client libraries; an empty one makes them download anew.

        Returns:
            Names and values of the variables.
        """
        return {
            # To ask for exported data, datasets puts "datasets-server." in front of the host. Where a user
            # name stands there, the prefix becomes part of that name and the host stays the same.
            "HF_ENDPOINT": self.url.replace("://", "://user@"),
            "HF_HOME": str(home),
            # Otherwise datasets reports every load to a counter on another host.
            "HF_UPDATE_DOWNLOAD_COUNTS": "0",
            # This hub has no Xet storage, which clients take for granted when they upload.
            "HF_HUB_DISABLE_XET": "1",
            "no_proxy": "127.0.0.1",
        }

    def close(self) -> None:
        """Stop the server; its address refuses connections from then on."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _add(self, key: str, folder: Path) -> str:
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        blobs = {path.relative_to(folder).as_posix(): _blob_id(path.read_bytes()) for path in files}
        sha = hashlib.sha1(json.dumps([key, blobs]).encode(), usedforsecurity=False).hexdigest()
        commit = _Commit(sha, self._root / sha, blobs)
        shutil.copytree(folder, commit.folder, dirs_exist_ok=True)
        self._revisions.setdefault(key, {}).update({"main": commit, sha: commit})
        return sha

    def files(self, repo_id: str) -> dict[str, bytes]:
        """Return the files of a model repository as they are now."""
        commit = self._revisions[f"models/{repo_id}"]["main"]
        return {name: (commit.folder / name).read_bytes() for name in commit.blobs}

    def _answer(self, method: str, target: str, token: str | None, body: bytes) -> _Reply:
        url = urlsplit(target)
        self.requests.append((method, url.path))
        if method in ("POST", "PUT"):
            return self._take(url.path, token, body)
        match = next(filter(None, (route.fullmatch(url.path) for route in _ROUTES)), None)
        if match is None:
            return _Reply(404, {}, b"")
        part = {name: unquote(value) for name, value in match.groupdict(default="").items()}
        revisions = self._revisions.get(f"{part['kind'] or 'models'}/{part['repo']}")
        if revisions is None:
            return _missing("RepoNotFound", "Repository not found")
        commit = revisions.get(part["revision"] or "main")
        if commit is None:
            return _missing("RevisionNotFound", f"Invalid rev id: {part['revision']}")
        path = part.get("path", "")
        if "resolve" in part:
            # Clients remember that a commit lacks a file, so a 404 names the commit too.
            headers = {"X-Repo-Commit": commit.sha}
            if path not in commit.blobs:
                return _missing("EntryNotFound", "Entry not found", headers)
            headers["ETag"] = f'"{commit.blobs[path]}"'
            return _Reply(200, headers, (commit.folder / path).read_bytes())
        if "tree" in part:
            recursive = parse_qs(url.query).get("recursive") == ["true"]
            entries = _tree(commit, PurePosixPath(path), recursive=recursive)
            return _json(entries) if entries or not path else _missing("EntryNotFound", "Entry not found")
        siblings = [{"rfilename": name} for name in commit.blobs]
        return _json({"id": part["repo"], "sha": commit.sha, "private": False, "siblings": siblings})

    def _take(self, path: str, token: str | None, body: bytes) -> _Reply:
        """Answer a request that uploads."""
        match = next(filter(None, (route.fullmatch(path) for route in _UPLOAD_ROUTES)), None)
        if match is None:
            return _Reply(404, {}, b"")
        part = {name: unquote(value) for name, value in match.groupdict(default="").items()}
        if "large" in part:  # its address is secret enough on the hub too
            self._large[part["oid"]] = body
            return _json({})
        if token != f"Bearer {self.TOKEN}":
            return _Reply(401, {"X-Error-Message": "Invalid username or password."}, b"")
        if "commit" in part:
            return self._commit(part["repo"], [json.loads(line) for line in body.splitlines()])
        asked = json.loads(body)
        if "create" in part:
            owner = asked["organization"] or self.OWNER
            repo = f"{owner}/{asked['name']}"
            if owner != self.OWNER:
                return _Reply(
                    403, {"X-Error-Message": f"You don't have the rights to create a model under {owner}"}, b""
                )
            if f"models/{repo}" in self._revisions:
                return _Reply(409, {}, json.dumps({"url": f"{self.url}/{repo}"}).encode())
            with tempfile.TemporaryDirectory() as empty:
                self.add_model(repo, Path(empty))
            return _json({"url": f"{self.url}/{repo}"})
        if "card" in part:
            return _json({"errors": [], "warnings": []})
        if "preupload" in part:
            modes = {file["path"]: "lfs" if file["path"].endswith(_LARGE) else "regular" for file in asked["files"]}
            return _json(
                {"files": [{"path": name, "uploadMode": mode, "shouldIgnore": False} for name, mode in modes.items()]}
            )
        objects = [
            file | {"actions": {"upload": {"href": f"{self.url}/large/{file['oid']}"}}} for file in asked["objects"]
        ]
        return _json({"transfer": "basic", "objects": objects})

    def _commit(self, repo: str, lines: list[dict[str, Any]]) -> _Reply:
        with tempfile.TemporaryDirectory() as place:
            for name, content in self.files(repo).items():
                _write(Path(place, name), content)
            for line in lines[1:]:
                file = Path(place, line["value"]["path"])
                if line["key"] == "deletedFile":
                    file.unlink()
                elif line["key"] == "lfsFile":
                    _write(file, self._large[line["value"]["oid"]])
                else:
                    _write(file, base64.b64decode(line["value"]["content"]))
            sha = self.add_model(repo, Path(place))
        return _json({"commitUrl": f"{self.url}/{repo}/commit/{sha}", "commitOid": sha})


def _write(file: Path, content: bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)


class _Handler(BaseHTTPRequestHandler):
    # The default, HTTP/1.0, matters: no connection outlives its reply, so a closed hub is gone at once.

    server: _Server

    def do_GET(self) -> None:
        """Answer a request; the reply to HEAD leaves out the body."""
        if self.headers.get("Transfer-Encoding") == "chunked":
            body = b"".join(self._chunks())
        else:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        reply = self.server.answer(self.command, self.path, self.headers.get("Authorization"), body)
        self.send_response(reply.status)
        for name, value in (reply.headers | {"Content-Length": str(len(reply.body))}).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(reply.body)

    do_POST = do_PUT = do_GET  # noqa: N815

    def _chunks(self) -> Iterator[bytes]:
        while size := int(self.rfile.readline(), 16):
            yield self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()

    def do_HEAD(self) -> None:
        """Answer like GET, as HTTP asks for."""
        self.do_GET()

    def log_message(self, *args: object) -> None:
        """Keep stderr clean; ``LoopbackHub.requests`` is the log."""


# Not http.server.HTTPServer, which looks up the host name of its address and may ask a name server for it.
class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, answer: Callable[[str, str, str | None, bytes], _Reply]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answer = answer


def _blob_id(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


def _json(value: object) -> _Reply:
    return _Reply(200, {"Content-Type": "application/json"}, json.dumps(value).encode())


def _missing(code: str, message: str, headers: dict[str, str] | None = None) -> _Reply:
    return _Reply(404, (headers or {}) | {"X-Error-Code": code, "X-Error-Message": message}, b"")


def _tree(commit: _Commit, top: PurePosixPath, *, recursive: bool) -> list[dict[str, str | int]]:
    """List the files and folders below a folder of a repository; empty when there is no such folder."""
    entries: dict[PurePosixPath, dict[str, str | int]] = {}
    for name, blob in commit.blobs.items():
        file = PurePosixPath(name)
        for folder in file.parents:
            entries[folder] = {"type": "directory", "path": str(folder), "oid": _blob_id(bytes(folder))}
        size = (commit.folder / name).stat().st_size
        entries[file] = {"type": "file", "path": name, "oid": blob, "size": size}
    return [
        entry for path, entry in sorted(entries.items()) if top in (path.parents if recursive else path.parents[:1])
    ]


def write_tiny_imdb(folder: Path) -> None:
    """Write a tiny data set with the layout and the features of ``stanfordnlp/imdb`` on the hub.

    It has 60 rows to train on and 30 to test on, half of them ``neg`` and half ``pos``, and 10 unsupervised
    rows with the label -1. As on the hub, all ``neg`` rows of a split come before its ``pos`` rows. All texts
    are distinct, and the same in every run.

    Args:
        folder: Folder to write to. Created when missing.
    """
    from datasets import ClassLabel, Dataset, Features, Value

    rng = random.Random(0)
    gloomy, cheerful = (_sentences(words, 50, rng) for words in (GLOOMY, CHEERFUL))
    rows = {
        "train": (gloomy[:30] + cheerful[:30], [0] * 30 + [1] * 30),
        "test": (gloomy[30:45] + cheerful[30:45], [0] * 15 + [1] * 15),
        "unsupervised": (gloomy[45:] + cheerful[45:], [-1] * 10),
    }
    features = Features({"text": Value("string"), "label": ClassLabel(names=["neg", "pos"])})
    (folder / "plain_text").mkdir(parents=True, exist_ok=True)
    splits, data_files, dataset_size, download_size = "", "", 0, 0
    for split, (texts, labels) in rows.items():
        dataset = Dataset.from_dict({"text": texts, "label": labels}, features=features)
        file = folder / "plain_text" / f"{split}-00000-of-00001.parquet"
        dataset.to_parquet(file)
        splits += f"  - name: {split}\n    num_bytes: {dataset.data.nbytes}\n    num_examples: {len(texts)}\n"
        data_files += f"  - split: {split}\n    path: plain_text/{split}-*\n"
        dataset_size += dataset.data.nbytes
        download_size += file.stat().st_size
    card = f"""\
---
pretty_name: IMDB
dataset_info:
  config_name: plain_text
  features:
  - name: text
    dtype: string
  - name: label
    dtype:
      class_label:
        names:
          '0': neg
          '1': pos
  splits:
{splits}\
  download_size: {download_size}
  dataset_size: {dataset_size}
configs:
- config_name: plain_text
  data_files:
{data_files}\
  default: true
---
"""
    (folder / "README.md").write_text(card, encoding="utf-8")


def _sentences(words: tuple[str, ...], count: int, rng: random.Random) -> list[str]:
    choices = list(itertools.product(_SUBJECTS, itertools.permutations(words, 2), _SETTINGS))
    chosen = rng.sample(choices, count)
    return [f"{subject} was {first} and {second} {setting}." for subject, (first, second), setting in chosen]


def write_tiny_bert(folder: Path, texts: Iterable[str], *, max_position_embeddings: int = 128, layers: int = 2) -> None:
    """Write a tiny BERT with random weights, and a tokenizer that knows the words of some texts.

    The folder gets a ``BertModel`` in the safetensors format and an uncased WordPiece tokenizer, which splits
    words that are not in the texts into letters. The same arguments give the same files.

    Args:
        folder: Folder to write to. Created when missing.
        texts: Texts whose words become the vocabulary.
        max_position_embeddings: Number of positions of the model, also the tokenizer's ``model_max_length``.
        layers: Number of layers.
    """
    import torch
    from transformers import BertConfig, BertModel, BertTokenizer

    splitter = BertTokenizer().backend_tokenizer
    words = {
        word
        for text in texts
        for word, _ in splitter.pre_tokenizer.pre_tokenize_str(splitter.normalizer.normalize_str(text))
    }
    letters = sorted(set(string.ascii_lowercase + string.digits + string.punctuation).union(*words))
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    pieces = dict.fromkeys([*special, *letters, *(f"##{letter}" for letter in letters), *sorted(words)])
    vocab = {piece: index for index, piece in enumerate(pieces)}
    tokenizer = BertTokenizer(vocab=vocab, do_lower_case=True, model_max_length=max_position_embeddings)
    tokenizer.save_pretrained(folder)

    config = BertConfig(
        vocab_size=len(vocab),
        hidden_size=32,
        num_hidden_layers=layers,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=max_position_embeddings,
        pad_token_id=vocab["[PAD]"],
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = BertModel(config)
    model.save_pretrained(folder)
