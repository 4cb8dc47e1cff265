"""The search for a recipe: which candidates there are, and which rungs of successive halving train them.

A candidate depends only on its place in the order of the samples, so that a larger `max_cells` renames and retrains
none that exist.
"""

import functools
import hashlib
import itertools
import math
import random
from dataclasses import dataclass

from models.registry import Registry
from workflow_scripts.engine.configuration.record import Cell, Range

DIGITS = 3  # significant digits of a number drawn from a range, so that names stay readable
PATIENCE = 1000  # draws without a new candidate after which a space of few points is taken to be exhausted

SAMPLERS = Registry("sampler")
register_sampler = SAMPLERS.register


@register_sampler("grid")
def grid(space, seed):
    """Every point of a space of lists, once, in random order, so that a budget does not cut off a corner of it."""
    points = [dict(zip(space, point, strict=True)) for point in itertools.product(*space.values())]
    return iter(sorted(points, key=lambda point: hashlib.sha256(f"{seed}/{point}".encode()).digest()))


@register_sampler("random")
def uniform(space, seed):
    """Endless independent draws; those for a key do not depend on which other keys are searched."""
    for index in itertools.count():
        yield {key: _value(values, random.Random(f"{seed}/{key}/{index}").random()) for key, values in space.items()}


@register_sampler("halton")
def halton(space, seed):
    """The scrambled Halton sequence (scipy), endless: it fills the space more evenly than independent draws."""
    from scipy.stats import qmc  # takes a second to import, and only this needs it

    sequence = qmc.Halton(len(space), rng=seed)
    while True:
        for point in sequence.random(64).tolist():
            yield {key: _value(values, share) for (key, values), share in zip(space.items(), point, strict=True)}


def _value(values, share):
    """The value at `share` (0..1) of a list or a `Range`; from a range, a whole number or one of `DIGITS` digits."""
    if not isinstance(values, Range):
        return values[int(share * len(values))]
    whole = isinstance(values.low, int)
    reach = 0.5 if whole else 0  # include what rounds to either end, so that the ends are drawn as often as the others
    low, high = (math.log(end) if values.log else end for end in (values.low - reach, values.high + reach))
    value = low + share * (high - low)
    value = math.exp(value) if values.log else value
    value = round(value) if whole else float(f"{value:.{DIGITS}g}")
    return min(max(value, values.low), values.high)


def samples(search):
    """The first `max_cells` different {key: value} from the sampler of a `studies.Search`; fewer if it runs out."""
    found, misses = {}, 0
    for sample in SAMPLERS[search.sampler](search.keys, search.seed):
        before = len(found)
        found.setdefault(tuple(sample.values()), sample)
        misses = 0 if len(found) > before else misses + 1
        if len(found) == search.max_cells or misses == PATIENCE:
            break
    return list(found.values())


@dataclass(frozen=True)
class Candidates:
    """What a search may train. A recipe is a `Cell` whose epochs and seed do not count.

    `epochs` and `sizes` say for each rung how long its cells are trained, and how many there are at most.
    """

    recipes: tuple
    epochs: tuple
    sizes: tuple
    final_epochs: int
    seeds: tuple

    def rung(self, index, recipes):
        """The cells that train these recipes in rung `index`."""
        return [_trained(recipe, self.epochs[index], self.seeds[0]) for recipe in recipes]

    def final(self, recipe):
        """The cells that train the chosen recipe to the end, one for each seed."""
        return [_trained(recipe, self.final_epochs, seed) for seed in self.seeds]

    def kept(self, index):
        """How many recipes are kept after rung `index`."""
        return (*self.sizes, 1)[index + 1]

    def cells(self):
        """All cells that might be trained; which of them will be is known only rung by rung."""
        rungs = (self.rung(index, self.recipes) for index in range(len(self.epochs)))
        return [*itertools.chain(*rungs), *itertools.chain(*map(self.final, self.recipes))]

    def place(self, cell):
        """The place in `recipes` of the recipe that a cell of the search trains; None for any other cell."""
        return self._places.get(_trained(cell, self.final_epochs, self.seeds[0]))

    @functools.cached_property
    def _places(self):
        return {recipe: place for place, recipe in enumerate(self.recipes)}


def candidates(search, base):
    """The `Candidates` of a `studies.Search` around the `Cell` that is the study's base."""
    first = base.model_copy(update={"seed": search.seeds[0]})
    recipes = [Cell(**first.model_dump() | sample) for sample in samples(search)]
    epochs = search.halving.epochs if search.halving else [base.epochs]
    sizes = [len(recipes)]
    for _ in epochs[1:]:
        sizes.append(max(1, math.floor(sizes[-1] * search.halving.keep + 1e-9)))
    return Candidates(tuple(recipes), tuple(epochs), tuple(sizes), base.epochs, tuple(search.seeds))


def _trained(recipe, epochs, seed):
    return recipe.model_copy(update={"epochs": epochs, "seed": seed})
