"""How the cells of a study were trained, in words for the report's section on the experiments.

A registered name that is not known here is printed as it is, in typewriter type, so that the text stays true whatever
somebody adds.
"""

from types import SimpleNamespace

import pandas as pd

from workflow_scripts.engine.tables import labels, summary
from workflow_scripts.engine.text.latex import Tex, count, escape, listed, number
from workflow_scripts.engine.text.wording import duration

PHRASES = {
    "normalize": {
        "course": r"with the constants of the course, mean $(0.4914, 0.4822, 0.4465)$ and deviation "
        r"$(0.2023, 0.1994, 0.2010)$",
        "dataset": r"with the mean and deviation of the training images",
    },
    "augmentation": {
        "crop": r"random crops after zero padding by an eighth of the size",
        "flip": r"horizontal flips",
        "erase": r"random erasing \citep{zhong2020}",
        "color_jitter": r"colour jitter",
        "trivial": r"TrivialAugment \citep{mueller2021}",
        "cutout": r"a grey square over a part of each image \citep[cutout,][]{devries2017}",
        "none": r"none",
    },
    "loss": {
        "cross_entropy": r"cross-entropy",
        "label_smoothing": r"cross-entropy with labels smoothed by 0.1 \citep{szegedy2016}",
        "mse": r"squared error to the one-hot label",
        "focal": r"focal loss \citep{lin2017}",
    },
    "optimizer": {
        "adam": r"Adam \citep{kingma2015}",
        "adamw": r"AdamW \citep{loshchilov2019}",
        "sgd": r"stochastic gradient descent",
        "momentum": r"stochastic gradient descent with momentum 0.9",
        "nesterov": r"stochastic gradient descent with Nesterov momentum 0.9",
        "rmsprop": r"RMSprop \citep{tieleman2012}",
        "muon": r"Muon \citep{jordan2024muon}",
        "own_sgd": r"our own stochastic gradient descent with momentum 0.9",
        "own_adam": r"our own Adam \citep{kingma2015}",
    },
    "schedule": {
        "constant": r"constant",
        "linear": r"a straight line to ~ over the whole run, changed at every step",
        "cosine": r"cosine annealing to ~ over the whole run, changed once per epoch \citep{loshchilov2017}",
        "cosine_course_2023": r"a cosine between the initial rate and ~ that is stepped once per batch with its period "
        r"counted in epochs, and so swings down and up throughout the run \citep[after][]{loshchilov2017}",
    },
    "init": {
        "own": r"PyTorch's default \citep{paszke2019}",
        "kaiming": r"normal with the variance of \citet{he2015}",
        "xavier": r"uniform with the variance of \citet{glorot2010}",
        "orthogonal": r"orthogonal \citep{saxe2014}",
        "lsuv": r"orthogonal with each layer scaled to outputs of unit variance \citep[LSUV,][]{mishkin2016}",
        "zero_residual": r"PyTorch's default with residual branches that start at 0",
    },
    "split": {"course": r"at random, with a fixed seed", "stratified": r"at random, class by class, with a fixed seed"},
    "precision": {"fp32": r"single precision", "bf16": r"bfloat16 with single-precision weights"},
}
# a sentence about each key that most studies leave at null or 0, for those that set it, with ~ for its values
ALSO = {
    "activation": "The activation function in place of the network's own is ~",
    "dropout": "Dropout has probability ~",
    "supervision": "The losses of companion classifiers are added with a weight of ~ that falls to 0",
    "tta": "Validation and test images are classified by the mean of the logits of each and its mirror image",
    "l1": "The sum of the weights' absolute values times ~ is added to the loss",
    "l2": "Half the sum of the weights' squares times ~ is added to the loss",
    "clip": "The norm of the whole gradient is limited to ~",
    "warmup_epochs": "A warm-up multiplies the learning rate by a factor that rises linearly from 0 to 1 (epochs: ~)",
}
DEVICES = {"cpu": "a CPU", "cuda": "a GPU"}
COUNTS = ("batch_size", "epochs")
NUMBERS = ("lr", "weight_decay", "width")


def words(cells):
    """LaTeX for the values that occur in `cells`, by the name of their key in the record; also `devices` and `time`.

    `also` holds a sentence, without its full stop, for each key of `ALSO` that a cell sets.
    """
    values = {key: sorted(cells[key].dropna().unique()) for key in summary.RECORD}
    values["devices"] = sorted(cells["device"].astype(str).unique())
    said = {key: listed(_phrase(key, value) for value in values[key]) for key in PHRASES}
    said["devices"] = listed(DEVICES.get(device, device) for device in values["devices"])
    said |= {key: listed(count(value) for value in values[key]) for key in COUNTS}
    said |= {key: listed(number(value) for value in values[key]) for key in NUMBERS}
    final = listed(number(value) for value in values["final_lr"])
    said["schedule"] = Tex(said["schedule"].replace("~", final))
    also = [_also(cells[key], text) for key, text in ALSO.items() if _is_set(cells[key]).any()]
    return SimpleNamespace(**said, also=also, time=duration(pd.to_numeric(cells["seconds"]).sum()))


def _is_set(values):
    """Whether each value of an option is other than null and 0."""
    return values.notna() & (values != 0)


def _also(values, text):
    found = values[_is_set(values)]
    said = listed(labels.readable(one) if isinstance(one, str) else number(one) for one in sorted(found.unique()))
    return Tex(text.replace("~", said) + ("" if len(found) == len(values) else " in some of the runs"))


def _phrase(key, value):
    known = {name: Tex(text) for name, text in PHRASES[key].items()}
    names = value.split("+") if key == "augmentation" else [value]
    return listed(known.get(name, Tex(rf"\texttt{{{escape(name)}}}")) for name in names)
