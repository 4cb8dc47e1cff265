"""Images of one size and one number of channels: from files, and from the arrays of the fixed formats.

Resizing is bicubic with antialiasing; an image that is not square is cropped to its middle. For one channel, colours
become their luma (ITU-R 601); for three, grey is repeated.
"""

import io
import struct
import sys
import zlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from PIL import Image, ImageOps
from tqdm import tqdm

from workflow_scripts.engine.commands import UserError

FORMATS = ("PNG", "JPEG", "WEBP")
KINDS = {"1": "L", "L": "L", "LA": "L", "P": "RGB", "RGB": "RGB", "RGBA": "RGB"}  # Pillow's mode -> grey or colour
MODES = {1: "L", 3: "RGB"}
BLOCK = 256  # images that a thread takes at once
NAMED = 4  # images besides the first of those that cannot be taken
UNREADABLE = (OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error, Image.DecompressionBombError)


def decode(files, size, channels):
    """uint8 (n, size, size, channels) of `files`, a list of (name, function that returns the bytes).

    Without a `size` all must be square and as large as the first. Grey images among coloured ones are counted on the
    standard error. Raises UserError for an image that cannot be read, has another size, or is transparent.
    """
    first = _open(*files[0])
    if size is None and first.width != first.height:
        raise UserError(
            f"{files[0][0]}: expected a square image, found {first.width}x{first.height} pixels; "
            "set the data set's `image_size`"
        )
    images = _empty(len(files), size or first.width, channels)
    grey = np.empty(len(files), bool)

    def fill(index):
        name, read = files[index]
        image = _open(name, read)
        grey[index] = image.mode == "L"
        if size is None and image.size != first.size:
            raise UserError(
                f"{name}: expected {first.width}x{first.height} pixels as in {files[0][0]}, "
                f"found {image.width}x{image.height}; set the data set's `image_size`"
            )
        images[index] = _fitted(image, images.shape[1], channels)

    _for_all(len(files), fill, "decoding")
    if channels == 3 and grey.any() and not grey.all():
        print(
            f"{grey.sum():,} of {len(files):,} images are grey, and are repeated to RGB; the first: "
            f"{files[grey.argmax()][0]}",
            file=sys.stderr,
        )
    return images


def conform(images, size, channels):
    """uint8 (n, size, size, channels) of uint8 images (n, rows, columns, 1 or 3); their own size if `size` is None."""
    if images.shape[1:] == (size or images.shape[1], size or images.shape[2], channels):
        return images
    source = images[..., 0] if images.shape[3] == 1 else images
    result = _empty(len(images), size or images.shape[1], channels)

    def fill(index):
        result[index] = _fitted(Image.fromarray(source[index]), result.shape[1], channels)

    _for_all(len(images), fill, "resizing")
    return result


def _open(name, read):
    """The upright image in the bytes that `read()` returns, as grey ("L") or colour ("RGB")."""
    content = read()
    try:
        image = Image.open(io.BytesIO(content), formats=FORMATS)
        ImageOps.exif_transpose(image, in_place=True)
        image.load()
    except UNREADABLE as error:
        reason = "it is none of them" if isinstance(error, Image.UnidentifiedImageError) else error
        raise UserError(f"{name}: expected a PNG, JPEG or WebP image, cannot read it ({reason})") from None
    if image.mode not in KINDS:
        raise UserError(f"{name}: expected 8-bit grey or RGB, found {image.mode}; convert it")
    kind = KINDS[image.mode]
    if image.has_transparency_data:
        image = image.convert("RGBA")
        if image.getchannel("A").getextrema()[0] < 255:
            raise UserError(f"{name}: expected an opaque image, found transparent pixels; put it on a background")
    return image.convert(kind)


def _fitted(image, size, channels):
    """An image as uint8 (size, size, channels)."""
    image = image.convert(MODES[channels])
    if image.size != (size, size):
        image = ImageOps.fit(image, (size, size), Image.Resampling.BICUBIC)
    return np.asarray(image).reshape(size, size, channels)


def _empty(count, size, channels):
    try:
        return np.empty((count, size, size, channels), np.uint8)
    except MemoryError:
        raise UserError(
            f"{count:,} images of {size}x{size}x{channels} do not fit into memory; set a smaller `image_size`"
        ) from None


def _for_all(count, fill, what):
    """Call `fill(index)` for every index, in threads (Pillow releases the GIL).

    Raises one UserError at the end for all that failed: being told of one image at a time, people would have to try
    again and again.
    """
    failed = {}

    def block(start):
        for index in range(start, min(start + BLOCK, count)):
            try:
                fill(index)
            except UserError as error:
                failed[index] = str(error)

    with ThreadPoolExecutor() as pool:
        work = [pool.submit(block, start) for start in range(0, count, BLOCK)]
        try:
            with tqdm(total=count, desc=what, unit="image", file=sys.stderr, disable=None) as bar:
                for start, future in zip(range(0, count, BLOCK), work, strict=True):
                    future.result()
                    bar.update(min(BLOCK, count - start))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    if failed:
        first, *others = (failed[index] for index in sorted(failed))
        more = [f"  ... and {len(others) - NAMED:,} more"] if len(others) > NAMED else []
        raise UserError("\n".join([first, *(f"  {message}" for message in others[:NAMED]), *more]))
