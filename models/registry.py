"""Networks by name: `@register_model("vgg38")` and `@register_block("bn")` add them, `build_model` builds them.

A registered name is a plain string literal on a top-level definition, so that the workflow can list the names
without importing PyTorch (see `workflow_scripts/engine/code.py`).
"""

import importlib
import inspect
import pkgutil

import models


class Registry(dict):
    """Objects by name; `register(name)` is the decorator. An unknown name raises ValueError listing the known ones."""

    def __init__(self, kind):
        super().__init__()
        self.kind = kind

    def register(self, name):
        def add(thing):
            if name in self:
                raise ValueError(f"two {self.kind}s are registered as {name!r}")
            self[name] = thing
            return thing

        return add

    def __missing__(self, name):
        raise ValueError(f"unknown {self.kind} {name!r}; known: {', '.join(sorted(self))}")


ALL_TAKE = ("block", "num_classes", "image_shape")  # what every network's constructor takes

MODELS = Registry("model")
BLOCKS = Registry("block")
register_model = MODELS.register
register_block = BLOCKS.register


def _import_all():
    for module in pkgutil.iter_modules(models.__path__):
        if not module.ispkg:
            importlib.import_module(f"models.{module.name}")


def list_models():
    """Names of the registered models, sorted."""
    _import_all()
    return sorted(MODELS)


def list_blocks():
    """Names of the registered blocks, sorted."""
    _import_all()
    return sorted(BLOCKS)


def default_options(model):
    """{option of a network's constructor: its default}; raises ValueError for an unknown network."""
    _import_all()
    parameters = inspect.signature(MODELS[model]).parameters
    return {key: parameter.default for key, parameter in parameters.items() if key not in ALL_TAKE}


def check_size(image_shape, halvings):
    """Raise ValueError if images (channels, rows, columns) are smaller than a pixel after this many halvings."""
    _, rows, columns = image_shape
    smallest = 2**halvings
    if min(rows, columns) < smallest:
        raise ValueError(
            f"images of {rows}x{columns} are too small for {halvings} halvings: {smallest} needed; "
            f"`image_size: {smallest}` of the data set enlarges them"
        )


def _is_module(thing):
    """Whether this is an `nn.Module`, not a class of such; without importing PyTorch, which planning does not."""
    return hasattr(type(thing), "named_parameters")


def _out_of_sight(network):
    """Attributes of plain lists, tuples and dicts that hold layers with weights, which PyTorch does not see there."""
    seen = set(network.modules())
    for path, module in network.named_modules():
        for name, value in vars(module).items():
            parts = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ()
            layers = [part for part in parts if _is_module(part) and part not in seen]
            if any(weight.requires_grad for layer in layers for weight in layer.parameters()):
                yield f"{path}.{name}".lstrip(".")


def build_model(model, block="plain", num_classes=100, image_shape=(3, 32, 32), **options):
    """A new network with freshly drawn weights (from PyTorch's global random state), in float32 on the CPU.

    `image_shape` is (channels, rows, columns); the network maps images (batch, *image_shape) to logits
    (batch, num_classes). `options` go to the model's constructor, for example `width=0.5`.
    Raises ValueError for an unknown name or option, or a shape that the network cannot take.
    """
    taken = default_options(model)
    for key in options:
        if key not in taken:
            raise ValueError(f"the network {model} has no option {key!r}; it has: {', '.join(taken) or 'none'}")
    network = MODELS[model](block=BLOCKS[block], num_classes=num_classes, image_shape=tuple(image_shape), **options)
    if not _is_module(network):
        raise ValueError(
            f"the network {model} is {network!r}, expected a torch.nn.Module; does its function return one?"
        )
    if attribute := next(_out_of_sight(network), None):
        raise ValueError(
            f"the network {model} keeps layers in a plain list, tuple or dict, {attribute}, where they would not be "
            "trained; expected an nn.ModuleList or nn.ModuleDict"
        )
    return network
