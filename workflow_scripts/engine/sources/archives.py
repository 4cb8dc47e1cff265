"""Reading archives and folders in memory: nothing is unpacked, so nothing can escape its folder.

Entries that would escape, links, devices and sizes that no data set has are refused all the same: an archive with one
is not what it claims to be.
"""

import gzip
import io
import lzma
import stat
import tarfile
import zipfile
import zlib
from functools import partial
from pathlib import PurePosixPath

from workflow_scripts.engine.commands import UserError

MOST_UNPACKED = 2**30  # bytes of one official file without its gzip layer; CIFAR-100 has 0.19e9
MOST_IMAGE = 2**26  # bytes of one image file
DEPTH = 4  # top folder, split, class, file
# what zipfile raises for a bad zip
DAMAGED = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, RuntimeError, OSError, ValueError)


def gunzip(path, most=MOST_UNPACKED):
    """The bytes in the gzip file `path`; raises UserError if it is truncated, not gzip, or holds more than `most`."""
    try:
        with gzip.open(path) as file:
            content = file.read(most + 1)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise UserError(f"{path}: expected a whole gzip file, found a truncated or damaged one ({error})") from None
    if len(content) > most:
        raise UserError(f"{path}: unpacks to more than {most:,} bytes, which no data set of this format has")
    return content


def tar_files(content, archive):
    """{path: bytes} of the files in a tar archive, given as bytes; `archive` is its name in error messages."""
    files = {}
    try:
        with tarfile.open(fileobj=io.BytesIO(content), mode="r:") as tar:
            for member in tar:
                path = "/".join(inside(member.name, archive))
                if member.issparse() or not (member.isreg() or member.isdir()):
                    raise UserError(f"{archive}: expected files and folders only, found a link or device: {path}")
                if member.isreg():
                    files[path] = tar.extractfile(member).read()  # raises if it ends early
    except tarfile.TarError as error:
        raise UserError(f"{archive}: expected a whole tar archive, found a damaged one ({error})") from None
    return files


def inside(name, archive):
    """The parts of an archive entry's name; raises UserError if it would lie outside the archive's folder."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\\" in name or ":" in name.partition("/")[0]:
        raise UserError(f"{archive}: the entry {name!r} would leave its folder; do not use this archive")
    return path.parts


def open_tree(path):
    """({parts: read}, {parts}): the files of a folder or zip, each with a function that returns its bytes; its folders.

    `parts` is the path as a tuple. Hidden files and those that operating systems leave behind are left out.
    Raises UserError where there is neither, or an archive is damaged or unsafe.
    """
    if path.is_dir():
        return _folder(path)
    if path.exists():
        return _zip(path)
    raise UserError(f"{path.absolute()}: no such folder or zip; correct the data set's `path`")


def walk(root, parts=()):
    """(parts, path) of the files and folders under the folder `root`, as `open_tree` sees them; follows links."""
    for path in root.iterdir():
        here = (*parts, path.name)
        if _is_clutter(here):
            continue
        if not path.is_dir():
            yield here, path
        elif len(here) <= DEPTH:  # otherwise a link to a folder above it would be followed for ever
            yield here, path
            yield from walk(path, here)


def _folder(root):
    files, folders = {}, set()
    for parts, path in walk(root):
        if path.is_dir():
            folders.add(parts)
        else:
            files[parts] = partial(_read_file, path)
    return files, folders


def _zip(path):
    files, folders = {}, set()
    try:
        archive = zipfile.ZipFile(path)
    except DAMAGED as error:
        raise UserError(f"{path}: expected a folder or a whole zip file, found something else ({error})") from None
    for entry in archive.infolist():
        parts = inside(entry.filename, path)
        kind = stat.S_IFMT(entry.external_attr >> 16)
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise UserError(f"{path}: expected files and folders only, found a link or device: {entry.filename}")
        if not parts or _is_clutter(parts):
            continue
        folders |= {parts[:depth] for depth in range(1, len(parts))}
        if entry.is_dir():
            folders.add(parts)
        else:
            files[parts] = partial(_read_entry, path, archive, entry)
    return files, folders


def _is_clutter(parts):
    return any(part.startswith(".") or part in ("__MACOSX", "Thumbs.db", "desktop.ini") for part in parts)


def _read_file(path):
    if not path.is_file():
        raise UserError(f"{path}: expected a regular file, found a broken link or a device")
    _check_size(path, path.stat().st_size)
    return path.read_bytes()


def _read_entry(path, archive, entry):
    _check_size(f"{path}: {entry.filename}", entry.file_size)
    try:
        return archive.read(entry)
    except DAMAGED as error:
        raise UserError(f"{path}: {entry.filename}: cannot be unpacked ({error}); copy the zip again") from None


def _check_size(name, size):
    if size > MOST_IMAGE:
        raise UserError(f"{name}: {size:,} bytes are more than an image file may have ({MOST_IMAGE:,})")
