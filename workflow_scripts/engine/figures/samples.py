"""A picture of a data set: the first images of every class, and a description of the arrays that hold them."""

import numpy as np
import pandas as pd

from workflow_scripts.engine.data.batches import Batches, channel_statistics
from workflow_scripts.engine.figures import style
from workflow_scripts.engine.text.wording import class_names

ACROSS, MOST, CLASSES = 10, 4, 100  # classes side by side; most images of a class; most classes shown
GAP = 2  # pixels between images
NAME, TEXT = 0.14, 0.13  # inches: the height of a class's name, and of a line of text


def chosen(data):
    """Which images are shown: a data frame `label`, `class`, `place` (0, 1, ...), `image` (index into training).

    They are the first of each class, in the data set's own order: nobody has picked them. The more classes there are,
    the fewer images of each, down to one for each of the first `CLASSES` classes.
    """
    count = int(np.clip(4 * ACROSS // data.num_classes, 1, MOST))
    found = [
        (label, str(data.class_names[label]), place, int(image))
        for label in range(min(data.num_classes, CLASSES))
        for place, image in enumerate(np.flatnonzero(data.train_labels == label)[:count])
    ]
    return pd.DataFrame(found, columns=["label", "class", "place", "image"])


def facts(data, normalize, batch_size):
    """What the arrays are, as lines of text: those of the file, and the first batch as the network receives it."""
    images, labels = data.train_images, data.train_labels
    colours = {1: "grey", 3: "RGB"}.get(images.shape[-1], f"{images.shape[-1]} channels")
    mean, std = channel_statistics(images, normalize)
    batch, _ = next(Batches(images[:batch_size], labels[:batch_size], mean, std, "cpu").in_order(batch_size))
    return [
        f"{data.meta['title']}: {len(images):,} training and {len(data.test_images):,} test images "
        f"in {data.num_classes} classes; the first of each class in the data set's order",
        f"file: {images.dtype} {images.shape} = (image, row, column, channel), {colours}, "
        f"{images.min()} to {images.max()}; labels {labels.dtype} {labels.shape}, "
        f"{labels.min()} to {labels.max()}",
        f"batch: {str(batch.dtype).removeprefix('torch.')} {tuple(batch.shape)} = (image, channel, row, column), "
        f"channels last in memory, normalised: {batch.min():.2f} to {batch.max():.2f}".replace("-", "−"),
    ]


def draw(data, table, lines):
    """The figure, as wide as the page: the images of `table`, from `chosen`, above the `lines` of text."""
    names = class_names(data.class_names[:CLASSES])
    across, most = min(ACROSS, len(names)), table["place"].max() + 1
    rows, columns, _ = data.train_images.shape[1:]
    right, down = columns + GAP, rows + GAP
    heading = round(NAME * ACROSS * right / style.PAGE)  # pixels of a name above its class
    band = heading + most * down
    mosaic = np.full((-(-len(names) // across) * band, across * right, 3), 255, np.uint8)
    for image in table.itertuples():
        top = image.label // across * band + heading + image.place * down
        left = image.label % across * right + GAP // 2
        mosaic[top : top + rows, left : left + columns] = data.train_images[image.image]
    with style.look():
        height = len(mosaic) / (ACROSS * right) * style.PAGE
        figure = style.figure(style.PAGE, height + TEXT * len(lines) + 0.1)
        axes = figure.subplots()
        axes.imshow(mosaic, interpolation="none")
        axes.set_axis_off()
        for label, name in enumerate(style.literal(names)):  # one class may be called $5, another 10$
            at = label % across * right + right / 2 - 0.5, label // across * band + heading - 1
            axes.text(*at, name, ha="center", va="bottom", fontsize=style.SMALL)
        said = "\n".join(style.literal(lines))
        figure.supxlabel(said, fontsize=style.SMALL, x=0.01, ha="left", multialignment="left")
    return figure
