"""A cell's record, and what is derived from its keys: grids of cells, selections among them, spaces to search."""

from typing import Annotated, Any, Literal

from pydantic import Field, create_model, model_validator
from pydantic_core import core_schema

from workflow_scripts.engine.configuration.fields import (
    Augmentation,
    Count,
    Name,
    Number,
    OneOrMany,
    Registered,
    Strict,
    bare,
    label,
    option,
)


class Cell(Strict):
    """One point of a study's grid: all that decides the bits of a training run. Every value is a scalar."""

    model: Annotated[str, Registered("model")] = label("", "vgg38", help="network, as registered in models/")
    block: Annotated[str, Registered("block")] = label("", "plain", help="block that the network is built from")
    width: Number = option("width", 1.0, help="factor on the number of filters", gt=0, le=64)
    activation: Annotated[str, Registered("activation")] | None = option(
        "", None, help="activation function; null: the network's own"
    )
    dropout: Number = option("dropout", 0.0, help="probability of dropping a feature during training", ge=0, lt=1)
    growth_rate: Count | None = option(
        "growth", None, help="filters that a dense layer adds; null: the block's own", ge=1
    )
    supervision: Number = option(
        "supervision", 0.0, help="weight of the companion classifiers' losses at the start; it falls to 0", ge=0, le=10
    )
    init: Annotated[str, Registered("init")] = label("init_", "own", help="how the initial weights are drawn")
    dataset: Name = label("", "cifar100", help="a key of `datasets`")
    train_items: Count | None = label("items", None, help="number of training images to use; null: all", ge=1)
    split: Annotated[str, Registered("split")] = label("", "course", help="how validation images are chosen")
    val_fraction: Number = label("val", 0.05, help="fraction of the training images kept for validation", gt=0, lt=1)
    normalize: Literal["course", "dataset"] = label(
        "norm",
        "course",
        help="mean and standard deviation: the course's constants, or those of this data set's training images",
    )
    augmentation: Annotated[str, Augmentation()] = label("aug", "crop+flip", help="augmentations joined by +, or none")
    tta: Literal["flip"] | None = label(
        "tta",
        None,
        help="test-time augmentation: validation and test images are classified by the mean of the logits of each and "
        "its mirror image; null: as they are",
    )
    loss: Annotated[str, Registered("loss")] = label("", "cross_entropy", help="the loss function")
    l1: Number = label(
        "l1_", 0.0, help="factor on the sum of the weights' absolute values, added to the loss", ge=0, le=10
    )
    l2: Number = label(
        "l2_", 0.0, help="factor on half the sum of the weights' squares, added to the loss", ge=0, le=10
    )
    optimizer: Annotated[str, Registered("optimizer")] = label("", "adam", help="the optimiser")
    lr: Number = label("lr", 1e-3, help="learning rate at the start", gt=0, le=1000)
    weight_decay: Number = label("wd", 0.0, help="the optimiser's weight decay", ge=0, le=10)
    clip: Number | None = label("clip", None, help="largest l2 norm of the whole gradient; null: no limit", gt=0)
    schedule: Annotated[str, Registered("schedule")] = label("", "cosine", help="how the learning rate changes")
    final_lr: Number = label("final", 2e-5, help="learning rate at the end of the schedule", ge=0, le=1000)
    warmup_epochs: Number = label("warmup", 0.0, help="epochs in which the learning rate rises linearly from 0", ge=0)
    batch_size: Count = label("batch", 100, help="images per step", ge=1)
    epochs: Count = label("epochs", 100, help="passes over the training images", ge=1, le=100_000)
    precision: Literal["fp32", "bf16"] = label("", "fp32", help="arithmetic of the forward pass; weights stay float32")
    threads: Count = label(
        "threads", 1, help="CPU threads; a part of the record because the bits depend on it", ge=1, le=256
    )
    seed: Count = label(
        "seed", 0, help="seed of the initial weights, the order of the images and their augmentation", ge=0, lt=2**31
    )

    @model_validator(mode="after")
    def _warms_up_in_time(self):
        check_warmup(self.warmup_epochs, self.epochs)
        return self


def check_warmup(warmup_epochs, epochs, path=""):
    """Raise ValueError, after this `path`, where a run would end before its warm-up does."""
    if warmup_epochs > epochs:
        raise ValueError(f"{path}expected no more warmup_epochs than epochs, found {warmup_epochs:g} and {epochs}")


def _only(annotation, field, **extra):
    """`annotation` with the description of `field` and the limits `extra`; those of `field` come with `_typed`."""
    return Annotated[annotation, Field(description=field.description, **extra)]


def _typed(field):
    return Annotated[(field.annotation, *field.metadata)] if field.metadata else field.annotation


Grid = create_model(
    "Grid",
    __base__=Strict,
    __doc__="Values per key of a cell; the grid is their product. A key left out keeps the default.",
    **{
        key: (
            Annotated[_only(list[_typed(field)], field, min_length=1), OneOrMany()],
            Field(default_factory=list, description=field.description),
        )
        for key, field in Cell.model_fields.items()
    },
)


class Range(Strict):
    """All values between two ends, which are among them."""

    low: Number = Field(description="the least value")
    high: Number = Field(description="the greatest value")
    log: bool = Field(False, description="draw evenly on a logarithmic scale")

    @model_validator(mode="after")
    def _is_one(self):
        if self.low >= self.high:
            raise ValueError(f"expected low below high, found {self.low:g} and {self.high:g}")
        if self.log and self.low <= 0:
            raise ValueError(f"expected low above 0 on a logarithmic scale, found {self.low:g}")
        return self


class Searched:
    """`Annotated[Any, Searched(field)]`: values of a key of `Cell` or, for a number, a `Range`; None: not searched."""

    def __init__(self, field):
        self.field = field

    def __get_pydantic_core_schema__(self, source, handler):
        values = Annotated[_only(list[_typed(self.field)], self.field, min_length=1), OneOrMany()]
        kinds = {"values": handler.generate_schema(values)}
        if number := _number(self.field):
            limits = {end: (number, Field(description=Range.model_fields[end].description)) for end in ("low", "high")}
            kinds["range"] = handler.generate_schema(create_model("Range", __base__=Range, **limits))
        return core_schema.nullable_schema(
            core_schema.tagged_union_schema(
                kinds, lambda value: "range" if isinstance(value, (dict, Range)) and "range" in kinds else "values"
            )
        )


def _number(field):
    """The type of a numeric key with its limits, without None; None for a key that is not numeric."""
    kind, marks = bare(field)
    return Annotated[(kind, *marks)] if kind in (int, float) else None


Space = create_model(
    "Space",
    __base__=Strict,
    __doc__="What is searched, by key of a cell: a list of values, or the range of a number; null: not searched.",
    **{
        key: (Annotated[Any, Searched(field)], Field(None, validate_default=False, description=field.description))
        for key, field in Cell.model_fields.items()
    },
)

Selection = create_model(
    "Selection",
    __base__=Strict,
    __doc__="The cells whose records have these values.",
    **{
        key: (Annotated[_typed(field), Field(description=field.description)], Field(None, validate_default=False))
        for key, field in Cell.model_fields.items()
    },
)
