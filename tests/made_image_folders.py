"""Folders of images by class, and zips of them, for tests."""

import io
import zipfile

import numpy as np
from PIL import Image

from workflow_scripts.engine.configuration import config
from workflow_scripts.engine.sources.folders import folder

CLASSES = ("cat", "dog")


def picture(mode="RGB", size=(8, 8), seed=0):
    channels = len(Image.new(mode, (1, 1)).getbands())
    values = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], channels), dtype=np.uint8)
    return Image.fromarray(values.squeeze() if channels == 1 else values)


def encoded(image, kind="PNG", **options):
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def tree(count=10, mode="RGB", kind="PNG"):
    """{path: bytes} of two classes with `count` training images and two test images each."""
    return {
        f"{split}/{name}/{index:02}.{kind.lower()}": encoded(
            picture(mode, seed=100 * label + index), kind, lossless=True
        )
        for split, images in (("train", count), ("test", 2))
        for label, name in enumerate(CLASSES)
        for index in range(images)
    }


def write_folder(path, files):
    for name, content in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(content)
    return path


def write_zip(path, files):
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def read(path, channels=3, image_size=None):
    """The images of such a folder or zip, as the project reads them."""
    return folder(config.Dataset(source="folder", path=path, channels=channels, image_size=image_size), None)
