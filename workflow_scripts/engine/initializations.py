"""How the first weights are drawn, by name: functions that redraw a network's weights in place.

Each is called with the network and with the first images of the first epoch, which only a data-dependent one reads.
"""

from models.registry import Registry

INITS = Registry("init")
register_init = INITS.register


@register_init("own")
def own(model, images):
    """The network's own: PyTorch's defaults unless its class says otherwise."""
