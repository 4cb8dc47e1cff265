"""The typed configuration: every key, its default, its range and a line that says what it is. Defaults live here only.

`load(mapping)` turns parsed YAML into a `Config`, or raises a `UserError` that lists each wrong key. `schema()` is
the same as a JSON Schema, from which editors complete `config.yaml`.
"""

import json
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, TypeAdapter, ValidationError, model_validator

from workflow_scripts.engine.commands import UserError
from workflow_scripts.engine.configuration import mistakes
from workflow_scripts.engine.configuration.fields import (
    COLOUR,
    STUDENT_NUMBER,
    Author,
    Count,
    FilePath,
    LatinLine,
    Line,
    Link,
    Name,
    Number,
    OneOrMany,
    Question,
    Registered,
    Strict,
)
from workflow_scripts.engine.configuration.studies import Study

# The folders of results/ that are no study's, and what they belong to.
_FOLDERS = {
    "data": "the data sets",
    "logs": "the logs",
    "benchmarks": "the benchmarks of jobs",
    "report": "the sources of reports",
}


def _number(value):
    """The number that a text stands for, as on a command line: a `Literal` of numbers accepts no text."""
    return int(value) if isinstance(value, str) and value.isdecimal() else value


class Dataset(Strict):
    """Where a data set comes from. It is decoded once, to `results/data/<name>.npz`."""

    source: Annotated[str, Registered("source")] = Field(description="reader of its format")
    path: FilePath | None = Field(
        None, description="local archive (mnist: folder of its four files), folder or zip; null: the official address"
    )
    title: LatinLine | None = Field(None, description="what reports call it; null: the source's own name")
    mirrors: list[Line] = Field(
        [], description="other addresses of the same official files, tried before the official one"
    )
    image_size: Count | None = Field(None, description="rows and columns to resize images to", ge=4, le=1024)
    channels: Annotated[Literal[1, 3], BeforeValidator(_number)] = Field(
        3, description="grey (1) or RGB (3); grey sources are repeated to RGB"
    )


class Beras(Strict):
    """The study of Beras, the Keras mimic in NumPy. Its simple and advanced models are always trained."""

    question: Question = None
    dataset: Name = Field("mnist", description="a key of `datasets`, of grey images of 28 x 28 pixels in 10 classes")
    epochs: Count = Field(10, description="passes over the training images, for every model", ge=1, le=10_000)
    batch_size: Count = Field(100, description="images per step, for every model", ge=1)
    seeds: Annotated[list[Annotated[Count, Field(ge=0, lt=2**31)]], Field(min_length=1), OneOrMany()] = Field(
        [0, 1, 2], description="seeds of the initial weights and of dropout; every model is trained once with each"
    )
    optimizers: list[Annotated[str, Registered("beras_optimizer")]] = Field(
        ["basic", "rmsprop", "adam", "amsgrad"],
        description="optimisers compared from the same initial weights; adam is always among them",
    )
    extras: list[Annotated[str, Registered("beras_extra")]] = Field(
        ["dropout", "l1", "l2", "cosine", "batch_norm", "skip"],
        description="each one added to the same network by itself",
    )
    flag_2470: bool = Field(False, description="put the empty file 2470student into submission/hw2.zip")


class CourseRun(Strict):
    """A run made elsewhere with the course's framework, and how figures show it."""

    folder: Annotated[list[FilePath], Field(min_length=1), OneOrMany()] = Field(
        description="experiment folder, with result_outputs/summary.csv; several folders are seeds of one run"
    )
    label: LatinLine | None = Field(None, description="label in figures and table; null: its name")
    colour: Annotated[str, Field(pattern=COLOUR)] = Field("#000000", description="colour of its lines: #rrggbb")
    num_classes: Count = Field(
        100, description="number of classes in its data, whose chance level the curves show", ge=2
    )


class ExternalRun(CourseRun):
    """A run made elsewhere with the course's framework, which joins the learning curves and the table of a study."""

    joins: Name = Field(description="the study whose figures and table it joins")


class Report(Strict):
    """What the report says of its author."""

    student_number: Annotated[str, Field(pattern=STUDENT_NUMBER, coerce_numbers_to_str=True)] = Field(
        "s1234567", description="on the title page: an s and seven digits"
    )
    author: Author | None = Field(
        None, description="name and number as project2.pdf and beras.pdf print them; null: the student number"
    )
    code_url: Link | None = Field(
        None, description="where the code is, for project2.pdf; null: not given, and the report says so"
    )
    data_url: Link | None = Field(None, description="where the data set is, likewise")
    weights_url: Link | None = Field(None, description="where the trained weights are, likewise")


class Running(Strict):
    """How cells are run. No result depends on it, so nothing is trained again when it changes."""

    device: Literal["auto", "cpu", "cuda"] = Field(
        "auto", description="device to compute on; auto: a GPU if there is one"
    )
    gpu_share: Count = Field(1, description="number of jobs that compute on the same GPU side by side", ge=1)
    cells_per_job: Count = Field(
        1, description="number of cells that one job trains in turn; useful for many small cells", ge=1, le=100
    )
    checkpoint_seconds: Number = Field(
        60, description="most seconds from checkpoint to checkpoint within an epoch", gt=0
    )
    tensorboard: bool = Field(False, description="also write TensorBoard event files beside each cell's results")
    cuda_graphs: bool = Field(True, description="on a GPU, capture the training step as a CUDA graph")


class Config(Running):
    """The whole of `config.yaml`."""

    datasets: dict[Name, Dataset] = Field(description="data sets by name")
    studies: dict[Name, Study] = Field({}, description="studies by name; at least one, or else the section `beras`")
    # `snakemake --config beras=null` hands over text
    beras: Annotated[Beras | None, BeforeValidator(lambda value: None if value == "null" else value)] = Field(
        None, description="the study of Beras and its report; null: none"
    )
    external_runs: dict[Name, ExternalRun] = Field({}, description="runs made with the course's framework, by name")
    report: Report = Report()

    @model_validator(mode="after")
    def _there_is_something_to_do(self):
        if not (self.studies or self.beras):
            raise ValueError("studies: expected at least one study, or else the section `beras`; found neither")
        return self

    @model_validator(mode="after")
    def _external_runs_join_a_study(self):
        for name, run in self.external_runs.items():
            if run.joins not in self.studies:
                raise _undefined(f"external_runs.{name}.joins", run.joins, "studies", self.studies)
        return self

    @model_validator(mode="after")
    def _datasets_are_known(self):
        for name, study in self.studies.items():
            for path, grid in study.located_grids():
                for dataset in study.values("dataset", grid):
                    if dataset not in self.datasets:
                        raise _undefined(f"studies.{name}.{path}.dataset", dataset, "datasets", self.datasets)
        return self

    @model_validator(mode="after")
    def _beras_has_data(self):
        if self.beras and self.beras.dataset not in self.datasets:
            raise _undefined("beras.dataset", self.beras.dataset, "datasets", self.datasets)
        return self

    @model_validator(mode="after")
    def _studies_have_folders_of_their_own(self):
        folders = _FOLDERS | ({"beras": "the section `beras`"} if self.beras else {})
        for name in self.studies:
            if name in folders:
                raise ValueError(f"studies.{name}: results/{name} belongs to {folders[name]}; choose another name")
        return self


def _undefined(path, name, section, known):
    return ValueError(
        f"{path} is {name!r}, which `{section}` does not define; it defines: {', '.join(known) or 'nothing'}"
    )


def load(mapping, source="config.yaml"):
    """The `Config` in a mapping parsed from YAML; raises `UserError` with one line per wrong key of this `source`."""
    return parse(Config, mapping, source)


def schema():
    """The JSON Schema of `config.yaml`; `make schema` writes it to config.schema.json."""
    # pydantic leaves the limits of `Count | None` under its own names, which no editor knows
    limits = {"ge": "minimum", "gt": "exclusiveMinimum", "le": "maximum", "lt": "exclusiveMaximum"}
    text = json.dumps(Config.model_json_schema())
    return json.loads(text, object_hook=lambda part: {limits.get(key, key): value for key, value in part.items()})


def parse(kind, value, source, called=None):
    """`value` as the pydantic model or type `kind`; `source` is what the error message calls invalid.

    `called` is {key: what it is called there}, for keys with other names in the source.
    """
    try:
        return TypeAdapter(kind).validate_python(value)
    except ValidationError as error:
        raise UserError(f"{source} is not valid:\n{mistakes.explained(error, kind, called or {})}") from None
