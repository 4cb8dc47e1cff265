"""The official formats, fetched from a local server that also serves faulty files."""

import gzip
import hashlib
import io
import tarfile
import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from workflow_scripts.engine.commands import UserError
from workflow_scripts.engine.configuration import config
from workflow_scripts.engine.sources import archives, cifar, downloads, idx
from workflow_scripts.engine.sources.downloads import Official, OfficialFile

COARSE, FINE = 7, 1  # how the records of the small CIFAR-100 begin


class Server(ThreadingHTTPServer):
    """Serves `files`: name -> bytes, an HTTP status, or a list of these, one per request."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.files, self.asked = {}, []

    @property
    def address(self):
        return f"http://127.0.0.1:{self.server_port}/"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        name = self.path.removeprefix("/")
        self.server.asked.append(name)
        answer = self.server.files.get(name, 404)
        if isinstance(answer, list):
            answer = answer.pop(0)
        if isinstance(answer, int):
            self.send_error(answer)
            return
        content, length = answer if isinstance(answer, tuple) else (answer, len(answer))
        self.send_response(200)
        self.send_header("Content-Length", str(length))
        if "gzip" in self.headers["Accept-Encoding"]:  # as servers do that mistake a .gz for a compressed page
            self.send_header("Content-Encoding", "gzip")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *arguments):
        pass


@pytest.fixture
def server():
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def tar_gz(files, *odd):
    """The bytes of a tar.gz with {path: bytes} and further `TarInfo`s."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as tar:
        for path, content in files.items():
            member = tarfile.TarInfo(path)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
        for member in odd:
            tar.addfile(member)
    return stream.getvalue()


def odd(path, kind, target=""):
    member = tarfile.TarInfo(path)
    member.type, member.linkname = kind, target
    return member


def records(images, labels, before=()):
    """CIFAR's records for images (n, 32, 32, 3)."""
    return b"".join(
        bytes([*before, label]) + image.transpose(2, 0, 1).tobytes()
        for image, label in zip(images, labels, strict=True)
    )


def idx_file(array, magic=None):
    sizes = b"".join(size.to_bytes(4, "big") for size in array.shape)
    return (magic or bytes([0, 0, 8, array.ndim])) + sizes + array.tobytes()


def pixels(count, *shape):
    return np.random.default_rng(count).integers(0, 256, (count, *shape), dtype=np.uint8)


CIFAR10_FILES = {
    **{f"cifar-10-batches-bin/data_batch_{n}.bin": records(pixels(n, 32, 32, 3), [n % 2] * n) for n in range(1, 6)},
    "cifar-10-batches-bin/test_batch.bin": records(pixels(3, 32, 32, 3), [0, 1, 0]),
    "cifar-10-batches-bin/batches.meta.txt": b"airplane\nautomobile\n\n",
}
CIFAR100_FILES = {
    "cifar-100-binary/train.bin": records(pixels(4, 32, 32, 3), [FINE, 0, 0, 1], [COARSE]),
    "cifar-100-binary/test.bin": records(pixels(3, 32, 32, 3), [0, 1, 0], [COARSE]),
    "cifar-100-binary/fine_label_names.txt": b"apple\naquarium_fish\n",
    "cifar-100-binary/coarse_label_names.txt": b"aquatic_mammals\nfish\n",
}
MNIST_FILES = {
    "train-images-idx3-ubyte.gz": idx_file(pixels(5, 28, 28)),
    "train-labels-idx1-ubyte.gz": idx_file(np.array([5, 0, 4, 1, 9], np.uint8)),
    "t10k-images-idx3-ubyte.gz": idx_file(pixels(2, 28, 28)),
    "t10k-labels-idx1-ubyte.gz": idx_file(np.array([7, 2], np.uint8)),
}


def official(server, files, retries=0):
    """Serve `files` ({name: bytes}) as if their authors had published them on the local server."""
    server.files |= files
    table = (OfficialFile(name, hashlib.sha256(content).hexdigest()) for name, content in files.items())
    return Official(server.address, tuple(table), retries)


def cifar100(server, files=CIFAR100_FILES, extra=(), **keys):
    return official(server, {"cifar-100-binary.tar.gz": tar_gz(files, *extra)}, **keys)


def dataset(source="cifar100", **keys):
    return config.Dataset(source=source, **keys)


def test_cifar10(server, tmp_path):
    decoded = cifar.cifar10(dataset(), tmp_path, official(server, {"cifar-10-binary.tar.gz": tar_gz(CIFAR10_FILES)}))
    assert (decoded.train_images == np.concatenate([pixels(n, 32, 32, 3) for n in range(1, 6)])).all()
    assert list(decoded.train_labels) == [1, 0, 0, 1, 1, 1, 0, 0, 0, 0, 1, 1, 1, 1, 1]
    assert (decoded.test_images == pixels(3, 32, 32, 3)).all()
    assert list(decoded.test_labels) == [0, 1, 0]
    assert decoded.class_names == ["airplane", "automobile"] and decoded.title == "CIFAR-10"


def test_cifar100_has_the_fine_labels(server, tmp_path):
    folder = odd("cifar-100-binary", tarfile.DIRTYPE)  # the real archive has it too
    decoded = cifar.cifar100(dataset(), tmp_path, cifar100(server, extra=[folder]))
    assert (decoded.train_images == pixels(4, 32, 32, 3)).all()
    assert list(decoded.train_labels) == [FINE, 0, 0, 1]
    assert list(decoded.test_labels) == [0, 1, 0]
    assert decoded.class_names == ["apple", "aquarium_fish"] and decoded.title == "CIFAR-100"


def test_mnist(server, tmp_path):
    table = official(server, {name: gzip.compress(content) for name, content in MNIST_FILES.items()})
    decoded = idx.mnist(dataset("mnist"), tmp_path, table)
    assert (decoded.train_images == pixels(5, 28, 28)[..., None]).all()
    assert (decoded.test_images == pixels(2, 28, 28)[..., None]).all()
    assert list(decoded.train_labels) == [5, 0, 4, 1, 9] and list(decoded.test_labels) == [7, 2]
    assert decoded.class_names == [*"0123456789"] and decoded.title == "MNIST"


def test_a_download_is_made_once(server, tmp_path, capsys):
    table = cifar100(server)
    for _ in range(2):
        cifar.cifar100(dataset(), tmp_path, table)
    assert server.asked == ["cifar-100-binary.tar.gz"] and not capsys.readouterr().err  # a bar would fill a log


def test_a_large_download_says_how_far_it_is(server, tmp_path, capsys):
    content = gzip.compress(np.random.default_rng(0).bytes(2 * downloads.LARGE), 0)
    (found,) = downloads.contents(official(server, {"large.gz": content}), dataset(), tmp_path).values()
    assert len(found) == 2 * downloads.LARGE
    parts = [f"large.gz: {part} % of 20 MB" for part in (20, 40, 60, 80, 100)]
    assert capsys.readouterr().err.splitlines() == parts


def test_mirrors_come_first_and_the_next_one_helps(server, tmp_path):
    table = cifar100(server)
    mirrors = [
        f"{server.address}{place}" for place in ("lost/", "my-cifar-100-binary.tar.gz", "copy/cifar-100-binary.tar.gz")
    ]
    server.files["copy/cifar-100-binary.tar.gz"] = b"another file"
    cifar.cifar100(dataset(mirrors=mirrors), tmp_path, table)
    assert server.asked == [
        "lost/cifar-100-binary.tar.gz",
        "my-cifar-100-binary.tar.gz/cifar-100-binary.tar.gz",
        "copy/cifar-100-binary.tar.gz",
        "cifar-100-binary.tar.gz",
    ]


@pytest.mark.parametrize("status", [408, 429, 500, 503])
def test_a_busy_server_is_asked_again(server, tmp_path, status):
    table = cifar100(server, retries=1)
    server.files["cifar-100-binary.tar.gz"] = [status, server.files["cifar-100-binary.tar.gz"]]
    cifar.cifar100(dataset(), tmp_path, table)
    assert len(server.asked) == 2


@pytest.mark.parametrize(("status", "message"), [(404, "HTTP 404 Not Found"), (403, "HTTP 403 Forbidden")])
def test_a_server_that_does_not_have_the_file_is_not_asked_again(server, tmp_path, status, message):
    table = cifar100(server, retries=1)
    server.files = dict.fromkeys(server.files, status)
    with pytest.raises(UserError, match=message):
        cifar.cifar100(dataset(), tmp_path, table)
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (404, "HTTP 404 Not Found"),
        (500, "HTTP 500 Internal Server Error"),
        (b"another file", "expected sha256:[0-9a-f]{64} but got [0-9a-f]{64}"),
        ((b"the first bytes", 10_000), "the connection broke off"),
    ],
)
def test_a_download_that_fails(server, tmp_path, answer, message):
    table = cifar100(server)
    server.files["cifar-100-binary.tar.gz"] = answer
    with pytest.raises(
        UserError, match=rf"cifar-100-binary.tar.gz: cannot be fetched; .*: {message}\. Name .*`mirrors`.*`path`"
    ):
        cifar.cifar100(dataset(), tmp_path, table)
    assert not list(tmp_path.iterdir())


def test_an_address_that_is_none(server, tmp_path):
    table = replace(cifar100(server), address="http://127.0.0.1:9/")
    with pytest.raises(UserError, match=r"Invalid URL 'mirror/.*; http://127.0.0.1:9/.*: no connection"):
        cifar.cifar100(dataset(mirrors=["mirror"]), tmp_path, table)


def test_a_cache_that_is_a_file(server, tmp_path):
    (tmp_path / "cache").write_text("")
    with pytest.raises(UserError, match=r"cache: the download cannot be stored .*--cache or GRADSCAPE_CACHE"):
        cifar.cifar100(dataset(), tmp_path / "cache", cifar100(server))


@pytest.mark.parametrize("where", ["file", "folder"])
def test_a_local_copy(server, tmp_path, where):
    table = cifar100(server)
    path = tmp_path / "cifar-100-binary.tar.gz"
    path.write_bytes(server.files[path.name])
    given = path if where == "file" else tmp_path
    assert len(cifar.cifar100(dataset(path=given), tmp_path, table).train_images) == 4
    assert server.asked == []
    path.write_bytes(b"another file")
    with pytest.raises(
        UserError, match=r"not the official file: expected SHA-256 [0-9a-f]{64}; found SHA-256 [0-9a-f]{64}"
    ):
        cifar.cifar100(dataset(path=given), tmp_path, table)
    path.unlink()
    for _ in ("nothing", "a folder"):
        with pytest.raises(UserError, match="no such file"):
            cifar.cifar100(dataset(path=given), tmp_path, table)
        path.mkdir(exist_ok=True)


def test_a_local_copy_that_was_compressed_anew(tmp_path):
    table = Official(
        "http://127.0.0.1:9/",
        tuple(OfficialFile(name, "0" * 64, hashlib.md5(content).hexdigest()) for name, content in MNIST_FILES.items()),
    )
    for name, content in MNIST_FILES.items():
        (tmp_path / name).write_bytes(gzip.compress(content, 1))
    assert len(idx.mnist(dataset("mnist", path=tmp_path), tmp_path, table).train_images) == 5
    (tmp_path / "t10k-labels-idx1-ubyte.gz").write_bytes(gzip.compress(b"other content"))
    with pytest.raises(UserError, match=r"t10k-labels.* expected SHA-256 0{64}, or MD5 .*; found SHA-256 .* and MD5"):
        idx.mnist(dataset("mnist", path=tmp_path), tmp_path, table)


@pytest.mark.parametrize(
    ("member", "message"),
    [
        (odd("../evil", tarfile.REGTYPE), r"the entry '\.\./evil' would leave its folder"),
        (odd("cifar-100-binary/../../evil", tarfile.REGTYPE), "would leave its folder"),
        (odd("/etc/evil", tarfile.REGTYPE), "'/etc/evil' would leave its folder"),
        (odd("cifar-100-binary/link", tarfile.SYMTYPE, "/etc/passwd"), "found a link or device: cifar-100-binary/link"),
        (odd("cifar-100-binary/link", tarfile.LNKTYPE, "../evil"), "found a link or device"),
        (odd("cifar-100-binary/device", tarfile.CHRTYPE), "found a link or device"),
        (odd("cifar-100-binary/pipe", tarfile.FIFOTYPE), "found a link or device"),
        (odd("cifar-100-binary/holes", tarfile.GNUTYPE_SPARSE), "found a link or device"),
    ],
)
def test_a_tar_entry_that_does_not_belong(server, tmp_path, member, message):
    with pytest.raises(UserError, match=message):
        cifar.cifar100(dataset(), tmp_path, cifar100(server, extra=[member]))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"cifar-100-binary/test.bin": None}, "expected cifar-100-binary/test.bin in it, found cifar-100-binary/train"),
        ({"cifar-100-binary/test.bin": b"x" * 3073}, "test.bin: expected records of 3,074 bytes, found 3,073 in all"),
        ({"cifar-100-binary/fine_label_names.txt": None}, "expected cifar-100-binary/fine_label_names.txt"),
    ],
)
def test_a_cifar_archive_with_other_content(server, tmp_path, changes, message):
    files = {path: content for path, content in (CIFAR100_FILES | changes).items() if content is not None}
    with pytest.raises(UserError, match=message):
        cifar.cifar100(dataset(), tmp_path, cifar100(server, files))


WHOLE = tar_gz(CIFAR100_FILES)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (WHOLE[: len(WHOLE) // 2], "expected a whole gzip file, found a truncated"),
        (b"no gzip file", "expected a whole gzip file"),
        (WHOLE[:10] + b"\xff" + WHOLE[11:], "expected a whole gzip file, found a truncated or damaged one"),
        (gzip.compress(gzip.decompress(WHOLE)[:15_000]), "expected a whole tar archive"),
        (gzip.compress(b"no tar archive" * 1000), "expected a whole tar archive"),
    ],
    # not the bytes, which contain the time of day
    ids=["cut in half", "no gzip file", "another byte", "a cut archive", "no archive"],
)
def test_an_archive_that_is_published_damaged(server, tmp_path, content, message):
    with pytest.raises(UserError, match=message):
        cifar.cifar100(dataset(), tmp_path, official(server, {"cifar-100-binary.tar.gz": content}))


def test_a_gzip_file_that_swells(tmp_path):
    (tmp_path / "bomb.gz").write_bytes(gzip.compress(bytes(10_000)))
    assert len(archives.gunzip(tmp_path / "bomb.gz", most=10_000)) == 10_000
    with pytest.raises(UserError, match=r"bomb.gz: unpacks to more than 9,999 bytes"):
        archives.gunzip(tmp_path / "bomb.gz", most=9_999)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (idx_file(pixels(2, 28, 28), b"\0\0\x0d\3"), "images: expected the magic number 00000803, found 00000d03"),
        (idx_file(pixels(2)), "expected the magic number 00000803, found 00000801"),
        (b"", "expected the magic number 00000803, found nothing"),
        (idx_file(pixels(2, 28, 28))[:-1], "expected 1,584 bytes for 2 x 28 x 28 values, found 1,583"),
        (idx_file(pixels(2, 28, 28)) + b"x", "expected 1,584 bytes for 2 x 28 x 28 values, found 1,585"),
        (bytes([0, 0, 8, 3, 0, 0]), "found 6"),
    ],
    ids=["another type", "another rank", "empty", "a byte short", "a byte too many", "no sizes"],
)
def test_an_idx_file_that_is_another(content, message):
    with pytest.raises(UserError, match=message):
        idx.parse(content, 3, "images")
