"""Folders of images by class, and zips of them, good and bad."""

import os
import re
import shutil
import stat
import struct
import zipfile

import numpy as np
import pytest
from PIL import Image, PngImagePlugin
from PIL.PngImagePlugin import PngInfo

from tests.made_image_folders import CLASSES, encoded, picture, read, tree, write_folder, write_zip
from workflow_scripts.engine.commands import UserError
from workflow_scripts.engine.configuration import config
from workflow_scripts.engine.data import datasets
from workflow_scripts.engine.sources.prepare import prepare


@pytest.fixture(params=["folder", "folder with a top folder", "zip", "zip with a top folder"])
def written(request, tmp_path):
    """A function that writes {path: bytes} as a folder or a zip and returns its path."""

    def write(files):
        top = "mine/" if "top" in request.param else ""
        files = {top + name: content for name, content in files.items()}
        if request.param.startswith("folder"):
            return write_folder(tmp_path / "mine", files)
        return write_zip(tmp_path / "mine.zip", files)

    return write


@pytest.mark.parametrize("kind", ["PNG", "WebP"])
def test_ten_images_per_class(written, tmp_path, kind):
    description = config.Dataset(source="folder", path=written(tree(kind=kind)))
    prepare("mine", description, tmp_path / "mine.npz", tmp_path)
    data = datasets.load(tmp_path / "mine.npz")
    assert data.image_shape == (3, 8, 8) and list(data.class_names) == list(CLASSES)
    assert list(data.train_labels) == [0] * 10 + [1] * 10 and list(data.test_labels) == [0, 0, 1, 1]
    assert (data.train_images[13] == np.asarray(picture(seed=103))).all()
    assert (data.test_images[1] == np.asarray(picture(seed=1))).all()
    assert data.meta["title"] == "mine" and not data.meta["embedded"]
    assert len(datasets.split_indices(data.train_labels, "stratified", 0.05)[1]) == 1


def test_clutter_and_other_splits_are_left_alone(written):
    files = {"train/.DS_Store": b"", "train/cat/Thumbs.db": b"", "README.md": b"hello", "val/cat/x.txt": b""}
    files |= {"train/notes.txt": b"", "__MACOSX/train/cat/._00.png": b"", "test/dog/desktop.ini": b""}
    assert len(read(written(tree() | files)).train_images) == 20


def test_a_name_may_have_a_colon(written):
    assert len(read(written(tree() | {"train/cat/at 12:30.png": WHOLE})).train_images) == 21


def test_a_link_that_leads_round_in_a_circle(tmp_path):
    path = write_folder(tmp_path / "mine", tree())
    (path / "all").symlink_to(path)
    assert len(read(path).train_images) == 20


def test_a_zip_as_macos_makes_it(tmp_path):
    """Folders are entries too, and there is a second tree next to the first; here there is also a file."""
    beside = {
        "./": b"",
        "README.md": b"",
        "mine/": b"",
        "__MACOSX/": b"",
        "__MACOSX/mine/": b"",
        "__MACOSX/mine/._train": b"",
    }
    files = {f"mine/{name}": content for name, content in tree().items()}
    assert len(read(write_zip(tmp_path / "mine.zip", beside | files)).train_images) == 20


def test_suffixes_in_any_case_and_photographs(tmp_path):
    upright = picture(size=(8, 8), seed=5)
    photograph = Image.new("RGB", (12, 8), "red")
    photograph.paste("blue", (6, 0, 12, 8))
    orientation = Image.Exif()
    orientation[0x0112] = 6  # the camera was rotated: 12x8 in the file is 8x12 upright, with the left side on top
    files = tree(2) | {
        "train/cat/a.JPEG": encoded(photograph, "JPEG", exif=orientation, quality=100, subsampling=0),
        "train/cat/b.Png": encoded(upright),
    }
    decoded = read(write_folder(tmp_path, files), image_size=8)
    assert (decoded.train_images[3] == np.asarray(upright)).all()
    for half, colour in ((decoded.train_images[2][:4], [254, 0, 0]), (decoded.train_images[2][4:], [0, 0, 254])):
        assert abs(half.astype(int) - colour).max() < 10


def test_the_middle_of_an_image_that_is_not_square(tmp_path, monkeypatch):
    monkeypatch.delattr(os, "sched_getaffinity")  # exists only on Linux
    wide = np.zeros((8, 16, 3), np.uint8)
    wide[:, 4:12] = 200
    files = tree(1) | {"train/cat/00.png": encoded(Image.fromarray(wide))}
    assert (read(write_folder(tmp_path, files), image_size=8).train_images[0] == 200).all()


@pytest.mark.parametrize(
    ("mode", "channels", "expected"),
    [("L", 3, "RGB"), ("L", 1, "L"), ("RGB", 1, "L"), ("1", 3, "RGB")],
)
def test_grey_and_colour(tmp_path, mode, channels, expected):
    image = picture("L").convert(mode) if mode == "1" else picture(mode)
    files = dict.fromkeys(tree(2), encoded(image))
    images = read(write_folder(tmp_path, files), channels).train_images
    assert images.shape == (4, 8, 8, channels)
    assert (images[0].squeeze() == np.asarray(image.convert(expected))).all()


@pytest.mark.parametrize(("channels", "said"), [(1, False), (3, True)])
def test_grey_among_colours_is_repeated_and_counted(tmp_path, capsys, channels, said):
    files = tree(2) | {"train/cat/01.png": encoded(picture("L"))}
    cat, grey = read(write_folder(tmp_path, files), channels).train_images[:2]
    assert (grey == np.asarray(picture("L"))[..., None]).all()
    assert (cat == np.asarray(picture().convert({1: "L", 3: "RGB"}[channels])).reshape(8, 8, channels)).all()
    assert (
        f"1 of 8 images are grey, and are repeated to RGB; the first: {tmp_path}" in capsys.readouterr().err
    ) == said


def test_grey_with_opaque_alpha_and_black_and_white_are_grey(tmp_path):
    grey = picture("L")
    files = dict.fromkeys(tree(2), encoded(grey))
    files |= {f"train/cat/0{index}.png": encoded(grey.convert(mode)) for index, mode in enumerate(("LA", "1"))}
    images = read(write_folder(tmp_path, files)).train_images
    assert (images[0] == np.asarray(grey)[..., None]).all() and set(np.unique(images[1])) == {0, 255}


def test_palettes_and_opaque_alpha_are_colours(tmp_path):
    palette = picture().quantize(16)
    opaque = picture()
    opaque.putalpha(255)
    files = tree(2) | {"train/cat/00.png": encoded(palette), "train/cat/01.png": encoded(opaque)}
    images = read(write_folder(tmp_path, files)).train_images
    assert (images[0] == np.asarray(palette.convert("RGB"))).all()
    assert (images[1] == np.asarray(picture())).all()


CLEAR = picture("RGBA")
NEARLY = picture()
NEARLY.putalpha(254)
LONG = PngInfo()
LONG.add_text("Comment", "x" * (PngImagePlugin.MAX_TEXT_CHUNK + 1), zip=True)
WHOLE = encoded(picture())


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "expected a PNG, JPEG or WebP image, cannot read it .it is none of them"),
        (b"no image", "it is none of them"),
        (WHOLE[:60], "cannot read it"),
        (encoded(picture(), "GIF"), "it is none of them"),
        (encoded(picture(), "JPEG")[:200], "cannot read it"),
        (encoded(picture(), "JPEG")[:-30], "cannot read it"),
        (encoded(picture(), "WEBP")[:50], "it is none of them|cannot read it"),
        (encoded(picture(size=(9, 8))), "expected 8x8 pixels as in .*train/cat/00.png, found 9x8; set .*`image_size`"),
        (encoded(picture(size=(8, 9))), "expected 8x8 pixels as in .*train/cat/00.png, found 8x9"),
        (encoded(picture(), exif=b"Exif\0\0no TIFF"), "cannot read it"),
        (encoded(picture(), pnginfo=LONG), "cannot read it"),
        (encoded(NEARLY), "expected an opaque image, found transparent pixels"),
        (encoded(CLEAR), "expected an opaque image, found transparent pixels"),
        (encoded(picture().quantize(4), transparency=0), "expected an opaque image, found transparent pixels"),
        (encoded(picture("LA")), "expected an opaque image, found transparent pixels"),
        (encoded(Image.fromarray(np.full((8, 8), 40_000, np.uint16))), "expected 8-bit grey or RGB, found I;16"),
        (encoded(Image.new("CMYK", (8, 8)), "JPEG"), "expected 8-bit grey or RGB, found CMYK"),
    ],
)
def test_an_image_that_does_not_belong(written, content, message):
    with pytest.raises(UserError, match=f"train/dog/03.png: .*({message})"):
        read(written(tree() | {"train/dog/03.png": content}))


def test_all_images_that_do_not_belong_are_told_of_at_once(tmp_path):
    wrong = [f"train/dog/0{number}.png" for number in range(3, 10)]
    with pytest.raises(UserError) as raised:
        read(write_folder(tmp_path, tree() | dict.fromkeys(wrong, b"no image")))
    *lines, last = str(raised.value).split("\n")
    assert [re.search(r"train/\S+png", line)[0] for line in lines] == wrong[:5] and last == "  ... and 2 more"


def test_a_first_image_that_is_not_square(tmp_path):
    files = dict.fromkeys(tree(), encoded(picture(size=(9, 8))))
    with pytest.raises(UserError, match=r"00.png: expected a square image, found 9x8 pixels; set .*`image_size`"):
        read(write_folder(tmp_path, files))


def without(start):
    return {name: content for name, content in tree().items() if not name.startswith(start)}


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (without("test/dog"), r"the class folder test/dog is missing \(there is train/dog\)"),
        (without("train/cat"), r"the class folder train/cat is missing \(there is test/cat\)"),
        (without("test"), "found no test, but train"),
        (without("train") | {"val/cat/x.png": b""}, "found no train, but test, val"),
        ({"a/cat/x.png": b"", "b/cat/x.png": b""}, "expected <split>/<class>.*found no train, but a, b"),
        ({"train/x.png": b"", "test/x.png": b""}, "found no class folder in train"),
        (tree() | {"train/dog/notes.txt": b""}, "in class folders, found train/dog/notes.txt"),
        (tree() | {"train/dog/more/x.png": b""}, "in class folders, found train/dog/more/x.png"),
        (
            without("train/dog") | {"train/dog/.hidden": b""},
            "expected images in train/dog, found an empty folder|missing",
        ),
    ],
)
def test_folders_that_do_not_belong(written, files, message):
    with pytest.raises(UserError, match=message):
        read(written(files))


def test_an_empty_folder(tmp_path):
    path = write_folder(tmp_path / "mine", without("train/dog"))
    (path / "train" / "dog").mkdir()
    with pytest.raises(UserError, match="expected images in train/dog, found an empty folder"):
        read(path)
    packed = shutil.make_archive(tmp_path / "mine", "zip", path)
    with pytest.raises(UserError, match="expected images in train/dog, found an empty folder"):
        read(type(path)(packed))
    (tmp_path / "nothing").mkdir()
    with pytest.raises(UserError, match="found no train, but no folder"):
        read(tmp_path / "nothing")


@pytest.mark.parametrize("kind", ["pipe", "broken link"])
def test_something_else_than_a_file(tmp_path, kind):
    path = write_folder(tmp_path / "mine", tree())
    odd = path / "train" / "dog" / "zz.png"
    if kind == "pipe":
        os.mkfifo(odd)
    else:
        odd.symlink_to("nowhere")
    with pytest.raises(UserError, match=r"zz.png: expected a regular file, found a broken link or a device"):
        read(path)


@pytest.mark.parametrize(
    "name", ["../evil.png", "train/cat/../../../evil.png", "/evil.png", "C:/evil.png", "..\\evil.png"]
)
def test_a_zip_entry_that_would_leave_its_folder(tmp_path, name):
    with pytest.raises(UserError, match=r"mine.zip: the entry '.*evil.png' would leave its folder"):
        read(write_zip(tmp_path / "mine.zip", tree() | {name: WHOLE}))


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFIFO])
def test_a_zip_entry_that_is_no_file(tmp_path, kind):
    entry = zipfile.ZipInfo("train/cat/link.png")
    entry.external_attr = (kind | 0o644) << 16
    write_zip(tmp_path / "mine.zip", tree() | {})
    with zipfile.ZipFile(tmp_path / "mine.zip", "a") as archive:
        archive.writestr(entry, "/etc/passwd")
    with pytest.raises(UserError, match=r"found a link or device: train/cat/link\.png"):
        read(tmp_path / "mine.zip")


def test_a_zip_that_swells(tmp_path):
    with zipfile.ZipFile(write_zip(tmp_path / "mine.zip", tree()), "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("train/dog/bomb.png", bytes(2**26 + 1))
    with pytest.raises(UserError, match=r"train/dog/bomb.png: 67,108,865 bytes are more than an image file may have"):
        read(tmp_path / "mine.zip")


@pytest.mark.parametrize(
    ("size", "message"), [(2**26 + 1, "67,108,865 bytes are more than an image file may have"), (2**26, "none of them")]
)
def test_a_file_that_is_too_large_for_an_image(tmp_path, size, message):
    path = write_folder(tmp_path, tree()) / "train/dog/03.png"
    path.write_bytes(b"")
    os.truncate(path, size)  # longer, by zeros that use no disk
    with pytest.raises(UserError, match=rf"train/dog/03.png: .*{message}"):
        read(tmp_path)


def test_a_zip_that_is_damaged(tmp_path):
    path = write_zip(tmp_path / "mine.zip", tree())
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UserError, match="expected a folder or a whole zip file, found something else"):
        read(path)
    damaged = bytearray(whole)
    damaged[whole.index(tree()["train/dog/03.png"]) + 50] ^= 1
    path.write_bytes(damaged)
    with pytest.raises(UserError, match=r"train/dog/03.png: cannot be unpacked .*CRC"):
        read(path)


HARM = {  # compression, bytes from the start of the entry's own header, and from that of its header in the zip's list
    "deflated data": (zipfile.ZIP_DEFLATED, {46: b"\xff"}, {}),
    "LZMA data": (zipfile.ZIP_LZMA, {55: b"\xff"}, {}),
    "a password": (zipfile.ZIP_STORED, {6: b"\1"}, {8: b"\1"}),
    "an unknown compression": (zipfile.ZIP_STORED, {8: b"\x63"}, {10: b"\x63"}),
    "longer than the file": (zipfile.ZIP_STORED, {}, {20: struct.pack("<II", 99_999, 99_999)}),
    "a name in no encoding": (zipfile.ZIP_STORED, {30: b"\xff"}, {8: b"\0\x08"}),
    "such a name in the list": (zipfile.ZIP_STORED, {}, {8: b"\0\x08", 46: b"\xff"}),
}


@pytest.mark.parametrize(("compression", "own", "listed"), HARM.values(), ids=HARM)
def test_a_zip_entry_that_is_damaged(tmp_path, compression, own, listed):
    path, name = tmp_path / "mine.zip", "train/dog/03.png"
    with zipfile.ZipFile(write_zip(path, without(name)), "a", compression) as archive:
        archive.writestr(name, WHOLE)
    content = bytearray(path.read_bytes())
    starts = content.index(name.encode()) - 30, content.rindex(name.encode()) - 46
    for start, changes in zip(starts, (own, listed), strict=True):
        for place, changed in changes.items():
            content[start + place : start + place + len(changed)] = changed
    path.write_bytes(content)
    in_list = r"expected a folder or a whole zip file, found something else" if 46 in listed else ""
    with pytest.raises(
        UserError, match=rf"mine\.zip: ({in_list or f'{name}: cannot be unpacked .*; copy the zip again'})"
    ):
        read(path)
