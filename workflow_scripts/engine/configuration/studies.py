"""A study: its grids, and what is to be compared, measured, searched and tested among its cells."""

import math
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from workflow_scripts.engine.configuration.fields import (
    Count,
    Lags,
    Name,
    Number,
    OneOrMany,
    Question,
    Registered,
    Steps,
    StepSizes,
    Strict,
)
from workflow_scripts.engine.configuration.record import Cell, Grid, Range, Selection, Space, check_warmup

MOST_POINTS = 100_000  # of a grid that is searched, all of which are generated, to put them in a random order


class Compare(Strict):
    """Two networks that a study sets against each other."""

    shallow: Selection = Field(description="the network that trains")
    deep: Selection = Field(description="the same network, deeper, that does not")


class Landscape(Strict):
    """What is measured along the way of a study's cells. It changes nothing of how they are trained."""

    rates: Selection = Field(description="cells that differ in their learning rates: the protocol of the brief")
    walk: Selection = Field(description="cells probed along their gradients: the protocol of Santurkar et al. 2018")
    lags: Lags = Field(
        [1, 2, 5, 10], description="gradients of step i and step i - k are compared, for each of these k"
    )
    step_sizes: StepSizes = Field(
        [0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4],
        description="how far to walk along the gradient, in multiples of the learning rate",
    )
    every: Steps = Field(20, description="steps from one walk to the next; the first is at step 0")


class Interval(Strict):
    """Settings of an observer that measures at every so many steps."""

    every: Steps = Field(description="steps from one measurement to the next; the first is at step 0")


class Walks(Interval):
    """Settings of the walk along the gradient."""

    step_sizes: StepSizes = Field(
        description="how far to walk along the gradient, in multiples of the current learning rate"
    )


class Measure(BaseModel):
    """Observers of every cell of a study and their settings; one that is not here checks its own when it begins."""

    model_config = ConfigDict(extra="allow", frozen=True)

    lags: Lags = Field(None, description="gradients of step i and step i - k are compared, for each of these k")
    walk: Walks = Field(None, description="losses and gradients along the gradient of a step")
    covariate_shift: Interval = Field(None, description="internal covariate shift of the update that a step makes")

    @model_validator(mode="after")
    def _are_registered(self):
        for name in self.model_extra:
            try:
                Registered("observer").check(name)
            except ValueError as error:
                raise ValueError(f"{name}: {error}") from None
        return self

    @property
    def settings(self):
        """{observer: settings}, as plain data."""
        return self.model_dump(exclude_unset=True)


class Sampling(Strict):
    """Where a loss surface is measured, and over what."""

    points: Count = Field(25, description="points along each direction", ge=2, le=1001)
    extent: Number = Field(1.0, description="the surface reaches from -extent to extent, in norms of the filters", gt=0)
    images: Count = Field(1000, description="training images over which the loss is averaged", ge=1)
    seed: Count = Field(0, description="seed of the random directions", ge=0, lt=2**31)


class Surface(Sampling):
    """Loss surfaces around trained weights (Li et al. 2018)."""

    cells: Annotated[list[Selection], Field(min_length=1)] = Field(description="networks to compare, one cell each")


class Halving(Strict):
    """Successive halving (Jamieson & Talwalkar 2016): a rung trains, for more epochs, what the one before it kept."""

    epochs: Annotated[list[Annotated[Count, Field(ge=1)]], Field(min_length=1)] = Field(
        description="epochs of each rung, rising; the chosen recipe is then trained as long as the study's base says"
    )
    keep: Number = Field(
        0.5, description="fraction of a rung that goes on to the next rung; from the last rung, one goes on", gt=0, lt=1
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
    max_cells: Count = Field(
        16, description="largest number of candidates; raising it keeps the first ones as they are", ge=1, le=10_000
    )
    seed: Count = Field(0, description="seed of the sampler", ge=0, lt=2**31)
    halving: Halving | None = Field(None, description="null: every candidate is trained to the end")
    seeds: Annotated[list[Annotated[Count, Field(ge=0, lt=2**31)]], Field(min_length=1), OneOrMany()] = Field(
        [0, 1, 2], description="seeds of the chosen recipe's cells; candidates are trained with the first of them"
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
        if self.sampler == "grid" and (points := math.prod(map(len, self.keys.values()))) > MOST_POINTS:
            raise ValueError(
                f"space: a grid of {points:,} points, expected at most {MOST_POINTS:,}; choose another sampler"
            )
        return self


class Study(Strict):
    """A set of cells: the union of its grids, of its ablations' grids and of what its search may train."""

    question: Question = None
    base: Grid = Field(Grid(), description="values of the keys that a grid of this study leaves out")
    grids: list[Grid] = Field([], description="grids of cells; a cell that is in two grids is trained once")
    ablations: dict[Name, Annotated[list[Grid], OneOrMany()] | None] = Field(
        {}, description="grids around the base, by factor; the base is one of their cells; null: none"
    )
    compare: Compare | None = Field(
        None, description="two networks that the study's figures compare; with this key, cw2 has a report"
    )
    landscape: Landscape | None = Field(None, description="what is measured along the way")
    measure: Measure = Field(
        Measure(),
        description="observers of every cell, with their settings; what they measure is in steps.npz. For the cells of "
        "`landscape`, its settings hold",
    )
    surface: Surface | None = Field(None, description="loss surfaces around the trained networks")
    search: Search | None = Field(None, description="candidates around the base, from which one is chosen; null: none")
    test: Literal["every", "chosen"] = Field(
        "every", description="which cells are tested: every one, or only the one with the best validation accuracy"
    )

    def located_grids(self):
        """(its path, grid) of every grid: the base of ablations, the study's own, its ablations', its search's data."""
        if any(self.ablations.values()):
            yield "base", Grid()  # the base is a cell itself, and says all that this grid leaves out
        yield from ((f"grids[{index}]", grid) for index, grid in enumerate(self.grids))
        for factor, grids in self.ablations.items():
            yield from ((f"ablations.{factor}[{index}]", grid) for index, grid in enumerate(grids or []))
        if self.search:
            yield "search.space", Grid(**{key: found for key, found in self.search.keys.items() if key == "dataset"})

    def values(self, key, grid):
        """The values of a key of cells in a grid: its own, or else the base's, or else the default."""
        return getattr(grid, key) or getattr(self.base, key) or [Cell.model_fields[key].default]

    @model_validator(mode="after")
    def _warms_up_in_time(self):
        for path, grid in self.located_grids():
            check_warmup(max(self.values("warmup_epochs", grid)), min(self.values("epochs", grid)), f"{path}: ")
        if self.search:
            searched = self.search.keys.get("warmup_epochs", self.values("warmup_epochs", Grid()))
            longest = searched.high if isinstance(searched, Range) else max(searched)
            if self.search.halving:  # its first rung trains for the fewest epochs
                check_warmup(longest, self.search.halving.epochs[0], "search.halving.epochs[0]: ")
            else:
                check_warmup(longest, min(self.values("epochs", Grid())), "search.space: ")
        return self

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
        (epochs,) = self.values("epochs", Grid())
        longest = self.search.halving.epochs[-1] if self.search.halving else 0
        if longest > epochs:
            raise ValueError(f"search.halving.epochs: expected at most the {epochs} of the base, found {longest}")
        return self
