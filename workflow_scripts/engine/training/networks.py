"""The network of a cell, as its record says."""

import inspect

from models.registry import build_model, default_options
from workflow_scripts.engine.configuration.cells import OPTIONS, options


def build(cell, num_classes, image_shape):
    """A new network with the options of `cell`; arguments, result and errors as for `registry.build_model`.

    An option at its default is not passed, so that a new one changes no cell (see `cells.OPTIONS`). One that is null is
    the network's own. Otherwise raises ValueError if the network has another default, which no record would tell.
    """
    for key, default in default_options(cell.model).items():
        missing = default is inspect.Parameter.empty
        if key in OPTIONS and (missing or OPTIONS[key] not in (None, default)):
            raise ValueError(
                f"the network {cell.model}, its option {key}: expected the default {OPTIONS[key]!r}, which cells have "
                f"that leave it out, found {'no default' if missing else repr(default)}"
            )
    return build_model(cell.model, cell.block, num_classes, image_shape, **options(cell))
