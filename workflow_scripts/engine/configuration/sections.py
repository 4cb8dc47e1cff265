"""Which keys may stand where: read from the models of the configuration, for messages about keys that may not."""

import typing
from types import NoneType
from typing import Annotated, Any

from pydantic import BaseModel

from workflow_scripts.engine.configuration.record import Range

ENTRY = ".<name>"  # what the place of an entry of a section ends in, such as that of a study


def at(kind, path):
    """The model to which the path of a pydantic error leads within `kind`; None if it leads to something else."""
    for part in path:
        kind = _within(_bare(kind), part)
    kind = _bare(kind)
    return kind if _is_model(kind) else None


def places(kind, path=""):
    """(its place, model) of all that has keys within a model: (`studies.<name>.landscape`, `Landscape`) and others."""
    yield path, kind
    for key, field in kind.model_fields.items():
        suffix, model = _entry(field.annotation)
        if model:
            yield from places(model, f"{path}.{key}{suffix}".lstrip("."))


def _entry(annotation):
    """(what a place has after the key, model) for a value of this type; None for values without keys."""
    kind = _bare(annotation)
    if _is_model(kind):
        return "", kind
    if typing.get_origin(kind) not in (list, dict):
        return "", None
    suffix, model = _entry(typing.get_args(kind)[-1])
    return (ENTRY if typing.get_origin(kind) is dict else "") + suffix, model


def _within(kind, part):
    """The type of what a model has at a key, a mapping under a name or a list at an index."""
    if _is_model(kind):
        field = kind.model_fields.get(part)
        return field and field.annotation
    if kind is Any:  # a key of `Space`
        return Range if part == "range" else None
    return typing.get_args(kind)[-1] if typing.get_origin(kind) in (list, dict) else None


def _bare(kind):
    """A type without `| None` and `Annotated`."""
    while typing.get_origin(kind) is Annotated or NoneType in typing.get_args(kind):
        kind = next(part for part in typing.get_args(kind) if part is not NoneType)
    return kind


def _is_model(kind):
    return isinstance(kind, type) and issubclass(kind, BaseModel)
