"""The files of a data set as its authors publish them: fetched or local, and verified before anything is decoded."""

import hashlib
import sys
from dataclasses import dataclass

import pooch
import requests

from workflow_scripts.engine.commands import UserError
from workflow_scripts.engine.sources.archives import gunzip

LARGE = 10_000_000  # bytes
BUSY = (requests.codes.request_timeout, requests.codes.too_many_requests)  # the 4xx statuses that pass with time


@dataclass(frozen=True)
class OfficialFile:
    """A gzip file, identified by its SHA-256.

    `content_md5` is the MD5 of what it holds, by which a local copy that was compressed again is recognised.
    """

    name: str
    sha256: str
    content_md5: str | None = None


@dataclass(frozen=True)
class Official:
    """Files under an address; a download that fails is retried `retries` times before the next mirror is tried."""

    address: str
    files: tuple[OfficialFile, ...]
    retries: int = 2


def contents(official, dataset, cache):
    """{file name: its bytes without the gzip layer}, from `dataset.path`, `cache` or the network.

    The mirrors come before the official address, since whoever names one has a reason to. Raises UserError if a file
    cannot be obtained or is not the official one.
    """
    if dataset.path is None:
        return {file.name: gunzip(_download(official, file, dataset.mirrors, cache)) for file in official.files}
    return {file.name: _local(official, file, dataset.path) for file in official.files}


def _local(official, file, path):
    if path.is_dir() or len(official.files) > 1:
        path = path / file.name
    if not path.is_file():
        raise UserError(
            f"{path}: no such file; let the data set's `path` lead to a copy of {file.name} from {official.address}"
        )
    with path.open("rb") as opened:
        found = hashlib.file_digest(opened, "sha256").hexdigest()
    if found == file.sha256:
        return gunzip(path)
    expected = f"SHA-256 {file.sha256}"
    if file.content_md5:
        content = gunzip(path)
        md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
        if md5 == file.content_md5:
            return content
        expected += f", or MD5 {file.content_md5} of what it holds"
        found += f" and MD5 {md5}"
    raise UserError(
        f"{path}: not the official file: expected {expected}; found SHA-256 {found}; copy it again, or use "
        "`source: folder` if it is a zip of images"
    )


def _download(official, file, mirrors, cache):
    """Path of the verified file in `cache`, fetched if it is not there yet."""
    failures = []
    for address in (*mirrors, official.address):
        url = address if address.endswith(f"/{file.name}") else f"{address.rstrip('/')}/{file.name}"
        store = pooch.create(
            cache,
            base_url="",
            urls={file.name: url},
            registry={file.name: f"sha256:{file.sha256}"},
            retry_if_failed=official.retries,
        )
        try:
            return store.fetch(file.name, downloader=_stream)
        except (requests.RequestException, _Absent, ValueError) as error:
            failures.append(f"{url}: {_reason(error)}")
        except OSError as error:
            raise UserError(
                f"{cache}: the download cannot be stored ({error.strerror or error}); "
                "choose another folder with --cache or GRADSCAPE_CACHE"
            ) from None
    raise UserError(
        f"{file.name}: cannot be fetched; {'; '.join(failures)}. "
        "Name another address in the data set's `mirrors`, or a local copy in its `path`"
    )


class _Lines:
    """The progress of a large download when there is no terminal, for `pooch`: a line for each fifth of it."""

    total = 0  # bytes; pooch sets it to what the server says, or to 0

    def __init__(self, name):
        self.name, self.done, self.said = name, 0, 0

    def update(self, size):
        self.done += size
        fifths = min(5 * self.done // self.total, 5) if self.total >= LARGE else 0
        if fifths > self.said:
            print(f"{self.name}: {20 * fifths} % of {self.total / 1e6:,.0f} MB", file=sys.stderr, flush=True)
            self.said = fifths

    def reset(self):
        self.done = 0

    def close(self):
        pass


class _Absent(Exception):
    """The server says that it does not have the file: asking again is pointless."""


def _stream(url, output, store):
    stream = pooch.HTTPDownloader(
        progressbar=sys.stderr.isatty() or _Lines(url.rpartition("/")[2]),
        chunk_size=2**16,
        headers={"Accept-Encoding": "identity"},  # the files are gzip files: they must not be unpacked on the way
    )
    try:
        stream(url, output, store)
    except requests.HTTPError as error:
        if 400 <= error.response.status_code < 500 and error.response.status_code not in BUSY:
            raise _Absent(f"HTTP {error.response.status_code} {error.response.reason}") from None
        raise


def _reason(error):
    """What went wrong, in a few words: requests' own messages span several lines."""
    if isinstance(error, requests.HTTPError):
        return f"HTTP {error.response.status_code} {error.response.reason}"
    for kind, reason in (
        (requests.Timeout, "no answer in time"),
        (requests.exceptions.ChunkedEncodingError, "the connection broke off"),
        (requests.ConnectionError, "no connection"),
    ):
        if isinstance(error, kind):
            return reason
    return str(error).split(". ")[0]  # pooch: "SHA256 hash of ... expected ... but got ..."
