"""The typed configuration: every key, its default, its range and a line that says what it is. Defaults live here only.

`load(mapping)` turns what YAML gave into a `Config`, or raises a `UserError` that lists each wrong key. `schema()` is
the same as a JSON Schema, from which editors complete `config.yaml`.
"""

import difflib
import typing
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, create_model, model_validator
from pydantic_core import core_schema

from workflow_scripts.engine import code
from workflow_scripts.engine.commands import UserError


class Registered:
    """`Annotated[str, Registered("block")]`: a name that some `@register_block` in the source carries."""

    def __init__(self, kind):
        self.kind = kind

    def check(self, name):
        names = code.registered(self.kind)
        if name not in names:
            raise ValueError(f"unknown {self.kind}; known: {', '.join(names)}")
        return name

    def __get_pydantic_core_schema__(self, source, handler):
        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(self, schema, handler):
        return {"type": "string", "enum": list(code.registered(self.kind))}


class Augmentation(Registered):
    """Registered augmentations joined by `+`, or `none`."""

    def __init__(self):
        super().__init__("augmentation")

    def check(self, names):
        for name in [] if names == "none" else names.split("+"):
            super().check(name)
        return names

    def __get_pydantic_json_schema__(self, schema, handler):
        known = "|".join(code.registered(self.kind))
        return {"type": "string", "pattern": rf"^(none|({known})(\+({known}))*)$"}


class OneOrMany:
    """A list of at least one value, or a single value that stands for a list of one."""

    def __get_pydantic_core_schema__(self, source, handler):
        return core_schema.no_info_before_validator_function(
            lambda value: value if isinstance(value, list) else [value], handler(source)
        )

    def __get_pydantic_json_schema__(self, schema, handler):
        many = handler(schema)
        return {"anyOf": [many["items"], many]}


def _not_a_bool(value):
    if isinstance(value, bool):  # Python counts True as 1; a person who writes `lr: true` does not
        raise ValueError("expected a number")
    return value


Number = Annotated[float, BeforeValidator(_not_a_bool), Field(allow_inf_nan=False)]
Count = Annotated[int, BeforeValidator(_not_a_bool)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_]*$")]


class Strict(BaseModel):
    """Unknown keys are refused, and nothing changes after it was read."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=False)


def label(text, default, description, **limits):
    """A key of a cell; `text` stands before its value in the cell's name."""
    return Field(default, description=description, json_schema_extra={"label": text}, **limits)


def option(text, default, description, **limits):
    """A key of a cell that the network's constructor takes where it differs from its default."""
    field = label(text, default, description, **limits)
    field.json_schema_extra["option"] = True
    return field


class Cell(Strict):
    """One point of a study's grid: all that decides the bits of a training run. Every value is a scalar."""

    model: Annotated[str, Registered("model")] = label("", "vgg38", "network, as registered in models/")
    block: Annotated[str, Registered("block")] = label("", "plain", "block that the network is built of")
    width: Number = option("width", 1.0, "factor on the number of filters", gt=0, le=64)
    activation: Annotated[str, Registered("activation")] | None = option("", None, "null: the network's own")
    dropout: Number = option("dropout", 0.0, "probability with which a feature is dropped in training", ge=0, lt=1)
    growth_rate: Count | None = option("growth", None, "filters that a dense layer adds; null: the block's own", ge=1)
    supervision: Number = option(
        "supervision", 0.0, "weight of the companion classifiers' losses at the start; it falls to 0", ge=0, le=10
    )
    init: Annotated[str, Registered("init")] = label("init_", "own", "how the first weights are drawn")
    dataset: Name = label("", "cifar100", "a key of `datasets`")
    train_items: Count | None = label("items", None, "use only so many training images; null: all", ge=1)
    split: Annotated[str, Registered("split")] = label("", "course", "how validation images are chosen")
    val_fraction: Number = label("val", 0.05, "part of the training images kept for validation", gt=0, lt=1)
    normalize: Literal["course", "dataset"] = label(
        "norm", "course", "mean and deviation: the course's constants, or those of this data set's training images"
    )
    augmentation: Annotated[str, Augmentation()] = label("aug", "crop+flip", "augmentations joined by +, or none")
    loss: Annotated[str, Registered("loss")] = label("", "cross_entropy", "what is minimised")
    l1: Number = label("l1_", 0.0, "factor of the weights' absolute values in what is minimised", ge=0, le=10)
    l2: Number = label("l2_", 0.0, "factor of half the weights' squares in what is minimised", ge=0, le=10)
    optimizer: Annotated[str, Registered("optimizer")] = label("", "adam", "how it is minimised")
    lr: Number = label("lr", 1e-3, "learning rate at the start", gt=0, le=1000)
    weight_decay: Number = label("wd", 0.0, "the optimiser's weight decay", ge=0, le=10)
    clip: Number | None = label("clip", None, "largest l2 norm of the whole gradient; null: no limit", gt=0)
    schedule: Annotated[str, Registered("schedule")] = label("", "cosine", "how the learning rate changes")
    final_lr: Number = label("final", 2e-5, "learning rate at the end of the schedule", ge=0, le=1000)
    warmup_epochs: Number = label("warmup", 0.0, "epochs in which the learning rate rises linearly from 0", ge=0)
    batch_size: Count = label("batch", 100, "images per step", ge=1)
    epochs: Count = label("epochs", 100, "passes over the training images", ge=1, le=100_000)
    precision: Literal["fp32", "bf16"] = label("", "fp32", "arithmetic of the forward pass; weights stay float32")
    threads: Count = label(
        "threads", 1, "CPU threads; a part of the record because the bits depend on it", ge=1, le=256
    )
    seed: Count = label("seed", 0, "of the initial weights, the order and the augmentation", ge=0, lt=2**31)


def _only(annotation, field, **extra):
    """The limits and description of `field` for the derived type `annotation`."""
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

    low: Number
    high: Number
    log: bool = Field(False, description="evenly on a logarithmic scale")

    @model_validator(mode="after")
    def _is_one(self):
        if self.low >= self.high:
            raise ValueError(f"expected low below high, found {self.low:g} and {self.high:g}")
        if self.log and self.low <= 0:
            raise ValueError(f"expected low above 0 on a logarithmic scale, found {self.low:g}")
        return self


class Searched:
    """`Annotated[Any, Searched(field)]`: values of a key of `Cell` or, of a number, a `Range`; None: not searched."""

    def __init__(self, field):
        self.field = field

    def __get_pydantic_core_schema__(self, source, handler):
        values = Annotated[_only(list[_typed(self.field)], self.field, min_length=1), OneOrMany()]
        kinds = {"values": handler.generate_schema(values)}
        if number := _number(self.field):
            limits = {"low": (number, ...), "high": (number, ...)}
            kinds["range"] = handler.generate_schema(create_model("Range", __base__=Range, **limits))
        return core_schema.nullable_schema(
            core_schema.tagged_union_schema(
                kinds, lambda value: "range" if isinstance(value, (dict, Range)) and "range" in kinds else "values"
            )
        )


def _number(field):
    """The type of a number's key, without None; None for a key that is no number."""
    kinds = [kind for kind in typing.get_args(field.annotation) if kind is not type(None)] or [_typed(field)]
    return kinds[0] if (typing.get_args(kinds[0]) or kinds)[0] in (int, float) else None


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


class Compare(Strict):
    """The two networks that the cw2 report sets against each other."""

    shallow: Selection = Field(description="the network that trains")
    deep: Selection = Field(description="the same network, deeper, that does not")


class Landscape(Strict):
    """What is measured along the way of a study's cells. It changes nothing of how they are trained."""

    rates: Selection = Field(description="cells that differ in their learning rates: the protocol of the brief")
    walk: Selection = Field(description="cells probed along their gradients: the protocol of Santurkar et al. 2018")
    lags: Annotated[list[Annotated[Count, Field(ge=1)]], Field(min_length=1)] = Field(
        [1, 2, 5, 10], description="gradients of step i and step i - k are compared, for each of these k"
    )
    step_sizes: Annotated[list[Annotated[Number, Field(gt=0)]], Field(min_length=1)] = Field(
        [0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4], description="how far to walk along the gradient, in learning rates"
    )
    every: Count = Field(20, description="walk from every so many-th step", ge=1)


class Surface(Strict):
    """Loss surfaces around trained weights (Li et al. 2018)."""

    cells: Annotated[list[Selection], Field(min_length=1)] = Field(description="networks to compare, one cell each")
    points: Count = Field(25, description="points along each direction", ge=2, le=1001)
    extent: Number = Field(1.0, description="from -extent to extent, in norms of the filters", gt=0)
    images: Count = Field(1000, description="training images over which the loss is averaged", ge=1)
    seed: Count = Field(0, description="of the random directions", ge=0, lt=2**31)


class Halving(Strict):
    """Successive halving (Jamieson & Talwalkar 2016): a rung trains, for more epochs, what the one before it kept."""

    epochs: Annotated[list[Annotated[Count, Field(ge=1)]], Field(min_length=1)] = Field(
        description="of each rung, rising; the chosen recipe is then trained as long as the study's base says"
    )
    keep: Number = Field(
        0.5, description="part of a rung that goes on to the next; one goes on from the last", gt=0, lt=1
    )

    @model_validator(mode="after")
    def _rises(self):
        if any(later <= earlier for earlier, later in zip(self.epochs, self.epochs[1:], strict=False)):
            raise ValueError(f"expected epochs that rise from rung to rung, found {self.epochs}")
        return self


class Search(Strict):
    """A search for the best recipe around a study's base, on validation images alone."""

    space: Space = Field(description="what is varied")
    sampler: Annotated[str, Registered("sampler")] = Field("random", description="how candidates are drawn from it")
    max_cells: Count = Field(16, description="most candidates; more of them leave the first ones as they are", ge=1)
    seed: Count = Field(0, description="of the sampler", ge=0, lt=2**31)
    halving: Halving | None = Field(None, description="null: every candidate is trained to the end")
    seeds: Annotated[list[Annotated[Count, Field(ge=0, lt=2**31)]], Field(min_length=1), OneOrMany()] = Field(
        [0, 1, 2], description="of the chosen recipe's cells; candidates are trained with the first of them"
    )

    @property
    def keys(self):
        """{key: list of values or `Range`} of what is searched, in the order of the record."""
        return {key: found for key in Cell.model_fields if (found := getattr(self.space, key)) is not None}

    @model_validator(mode="after")
    def _can_be_sampled(self):
        if not self.keys:
            raise ValueError("space: expected at least one key with values, found none")
        for key, instead in {"seed": "seeds", "epochs": "halving"}.items():
            if key in self.keys:
                raise ValueError(f"space.{key}: cannot be searched; see `{instead}`")
        ranges = [key for key, values in self.keys.items() if isinstance(values, Range)]
        if ranges and self.sampler == "grid":
            raise ValueError(f"space.{ranges[0]}: a grid takes lists of values, no range; or choose another sampler")
        return self


class Study(Strict):
    """A set of cells: the union of its grids, of its ablations' grids and of what its search may train."""

    base: Grid = Field(Grid(), description="values of the keys that a grid of this study leaves out")
    grids: list[Grid] = Field([], description="grids of cells; a cell that stands in two is one cell")
    ablations: dict[Name, Annotated[list[Grid], OneOrMany()] | None] = Field(
        {}, description="by factor: grids around the base, which is one of their cells; null: none"
    )
    compare: Compare | None = Field(None, description="which cells Figures 1 to 3 of the cw2 report are about")
    landscape: Landscape | None = Field(None, description="what is measured along the way")
    surface: Surface | None = Field(None, description="loss surfaces around the trained networks")
    search: Search | None = Field(None, description="candidates around the base, from which one is chosen; null: none")
    test: Literal["every", "chosen"] = Field(
        "every", description="which cells are tested: every one, or the one with the best validation accuracy alone"
    )

    def located_grids(self):
        """(where it stands, grid) of every grid, those of the ablations after the others."""
        yield from ((f"grids[{index}]", grid) for index, grid in enumerate(self.grids))
        for factor, grids in self.ablations.items():
            yield from ((f"ablations.{factor}[{index}]", grid) for index, grid in enumerate(grids or []))
        if self.search:
            yield "search.space", Grid(**{key: found for key, found in self.search.keys.items() if key == "dataset"})

    @model_validator(mode="after")
    def _has_cells(self):
        if not self.grids and not any(self.ablations.values()) and not self.search:
            raise ValueError("expected at least one grid in `grids` or `ablations`, or a `search`")
        return self

    @model_validator(mode="after")
    def _searches_around_one_point(self):
        if not self.search:
            return self
        several = [key for key in Cell.model_fields if len(getattr(self.base, key)) > 1]
        if several:
            raise ValueError(f"base.{several[0]}: expected one value, around which `search` searches")
        if self.test != "chosen":
            raise ValueError("test: expected `chosen`, as a search reads the test images once, at its end")
        epochs = (self.base.epochs or [Cell.model_fields["epochs"].default])[0]
        longest = self.search.halving.epochs[-1] if self.search.halving else 0
        if longest > epochs:
            raise ValueError(f"search.halving.epochs: expected at most the {epochs} of the base, found {longest}")
        return self


class Dataset(Strict):
    """Where a data set comes from. It is decoded once, to `results/data/<name>.npz`."""

    source: Annotated[str, Registered("source")] = Field(description="reader of its format")
    path: Path | None = Field(
        None, description="local archive (mnist: folder of its four files), folder or zip; null: the official address"
    )
    title: str | None = Field(None, description="what reports call it; null: the source's own name")
    mirrors: list[str] = Field(
        [], description="other addresses of the same official files, tried before the official one"
    )
    image_size: Count | None = Field(None, description="resize images to so many rows and columns", ge=4, le=1024)
    channels: Literal[1, 3] = Field(3, description="grey (1) or RGB (3); grey sources are repeated to RGB")


class Beras(Strict):
    """The study of Beras, the Keras mimic in NumPy. Its simple and advanced models are always trained."""

    dataset: Name = Field("mnist", description="a key of `datasets`, of grey images of 28 x 28 pixels in 10 classes")
    epochs: Count = Field(10, description="passes over the training images, of every model", ge=1, le=10_000)
    batch_size: Count = Field(100, description="images per step, of every model", ge=1)
    seeds: Annotated[list[Annotated[Count, Field(ge=0, lt=2**31)]], Field(min_length=1), OneOrMany()] = Field(
        [0, 1, 2], description="of the first weights and of dropout; every model is trained once from each"
    )
    optimizers: list[Annotated[str, Registered("beras_optimizer")]] = Field(
        ["basic", "rmsprop", "adam", "amsgrad"], description="compared from the same first weights; adam is always one"
    )
    extras: list[Annotated[str, Registered("beras_extra")]] = Field(
        ["dropout", "l1", "l2", "cosine", "batch_norm", "skip"], description="each added to the same network"
    )
    flag_2470: bool = Field(False, description="put the empty file 2470student into submission/hw2.zip")


class ExternalRun(Strict):
    """A run made elsewhere with the course's framework, which joins the learning curves and the table of a study."""

    folder: Annotated[list[Path], Field(min_length=1), OneOrMany()] = Field(
        description="experiment folder, with result_outputs/summary.csv; several are seeds of the same"
    )
    joins: Name = Field(description="the study whose figures and table it joins")
    label: Annotated[str, Field(min_length=1)] | None = Field(None, description="what they call it; null: its name")
    colour: Annotated[str, Field(pattern=r"^#[0-9A-Fa-f]{6}$")] = Field("#000000", description="of its lines: #rrggbb")
    num_classes: Count = Field(100, description="classes of its data, whose chance level the curves show", ge=2)


class Report(Strict):
    """What the report says of its author."""

    student_number: Annotated[str, Field(pattern=r"^s\d{7}$")] = Field(
        "s1234567", description="on the title page: an s and seven digits"
    )


class Running(Strict):
    """How cells are run. No result depends on it, so nothing is trained again when it changes."""

    device: Literal["auto", "cpu", "cuda"] = Field("auto", description="auto: a GPU where there is one")
    gpu_share: Count = Field(1, description="so many jobs compute on the same GPU side by side", ge=1)
    checkpoint_seconds: Number = Field(60, description="checkpoint at least so often within a long epoch", gt=0)
    tensorboard: bool = Field(False, description="also write TensorBoard event files beside each cell")


class Config(Running):
    """The whole of `config.yaml`."""

    datasets: dict[Name, Dataset] = Field(description="data sets by name")
    studies: dict[Name, Study] = Field(min_length=1, description="studies by name")
    beras: Beras | None = Field(None, description="the study of Beras and its report; null: none")
    external_runs: dict[Name, ExternalRun] = Field({}, description="runs made with the course's framework, by name")
    report: Report = Report()

    @model_validator(mode="after")
    def _external_runs_join_a_study(self):
        for name, run in self.external_runs.items():
            if run.joins not in self.studies:
                raise ValueError(
                    f"external_runs.{name}.joins is {run.joins!r}, which `studies` does not define; "
                    f"it defines: {', '.join(self.studies)}"
                )
        return self

    @model_validator(mode="after")
    def _datasets_are_known(self):
        for name, study in self.studies.items():
            for path, grid in study.located_grids():
                for dataset in grid.dataset or study.base.dataset or [Cell.model_fields["dataset"].default]:
                    if dataset not in self.datasets:
                        raise ValueError(
                            f"studies.{name}.{path}.dataset is {dataset!r}, "
                            f"which `datasets` does not define; it defines: {', '.join(self.datasets)}"
                        )
        return self

    @model_validator(mode="after")
    def _beras_has_data_and_a_folder_of_its_own(self):
        if self.beras and self.beras.dataset not in self.datasets:
            raise ValueError(
                f"beras.dataset is {self.beras.dataset!r}, which `datasets` does not define; "
                f"it defines: {', '.join(self.datasets)}"
            )
        if self.beras and "beras" in self.studies:
            raise ValueError("studies.beras: results/beras belongs to the section `beras`; choose another name")
        return self


def load(mapping):
    """The `Config` in a mapping as YAML gives it; raises `UserError` with one line per wrong key."""
    return parse(Config, mapping, "config.yaml")


def schema():
    """The JSON Schema of `config.yaml`; `make schema` writes it to config.schema.json."""
    return Config.model_json_schema()


def parse(kind, value, source):
    """`value` as the pydantic model `kind`; `source` is what the error message says was wrong."""
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        raise UserError(f"{source} is not valid:\n{_explain(error)}") from None


def _explain(error, most=8):
    problems = error.errors()
    lines = [f"  {_where(problem['loc'])}{_what(problem)}" for problem in problems[:most]]
    if len(problems) > most:
        lines.append(f"  ... and {len(problems) - most} more")
    return "\n".join(lines)


def _keys():
    # not a list of the models: a new section of the configuration is no change of the code that trains a cell
    return [key for kind in Strict.__subclasses__() + Running.__subclasses__() for key in kind.model_fields]


def _where(path):
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).lstrip(".")
    return f"{text}: " if text else ""


def _what(problem):
    given, message = problem["input"], problem["msg"].removeprefix("Value error, ")
    if problem["type"] == "extra_forbidden":
        near = difflib.get_close_matches(str(problem["loc"][-1]), _keys(), n=1)
        return f"unknown key; did you mean {near[0]!r}?" if near else "unknown key"
    if problem["type"] == "missing":
        return "missing"
    if problem["type"] == "too_short" and not given:
        return "expected at least one value"
    return message if isinstance(given, (dict, list, BaseModel)) else f"{given!r}: {message}"
