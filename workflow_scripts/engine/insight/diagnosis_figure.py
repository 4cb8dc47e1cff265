"""The figure of a diagnosis: the variance of the activations, the gradients and the dead units against the depth."""

import numpy as np

from workflow_scripts.engine.figures import lettering, style
from workflow_scripts.engine.figures.grad_flow import decades, draw_layers, mark_zeros, name_sections
from workflow_scripts.engine.tables.labels import label

PANELS = {  # column of the layers' table: label of its axis
    "activation_variance": "activation variance",
    "mean_abs_gradient": "mean |gradient|",
    "dead": "dead units (%)",
}


def draw(found, cell):
    """The figure, a column wide: variance of the activations, mean |gradient|, and dead units against the depth."""
    layers = found.layers
    said = f"{label(cell.model_dump())} at initialisation: {found.verdict}"
    with style.look():
        said = lettering.wrapped(said, style.COLUMN - 0.1)
        figure = style.figure(style.COLUMN, 3.6 + lettering.more_lines(said))
        panels = figure.subplots(len(PANELS), 1, sharex=True, height_ratios=(3, 3, 2))
        for axes, (column, title) in zip(panels, PANELS.items(), strict=True):
            values = layers[column]
            if column != "dead":
                axes.set(yscale="log", ylim=decades(values))
                style.powers_of_ten(axes.yaxis, 7)
                mark_zeros(axes, layers["depth"][values == 0])
                values = values.where(values > 0, np.nan)
            look = {"color": style.colour(cell.block), "marker": "o", "markersize": 2}
            draw_layers(axes, layers["depth"], values, layers["layer"], **look)
            axes.set_ylabel(title)
        panels[-1].yaxis.set_major_formatter(style.Percent())
        panels[-1].set(xlabel="depth of the layer", ylim=(-0.05, 1.05), xlim=(-0.5, len(layers) - 0.5))
        panels[-1].xaxis.set_major_locator(style.counts(8))
        figure.suptitle(said, fontsize=lettering.LARGE, **lettering.CLOSE)
        name_sections(panels, list(layers["layer"]))
    return figure
