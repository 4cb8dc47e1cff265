"""What the typed configuration is made of: kinds of values, each with its range and its error message."""

import os
import re
import typing
from pathlib import Path
from types import NoneType
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import core_schema

from workflow_scripts.engine import code
from workflow_scripts.engine.configuration import letters


class Registered:
    """`Annotated[str, Registered("block")]`: a name that some `@register_block` in the source registers."""

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


def _whole(value):
    if isinstance(value, str) and not re.fullmatch(r"\s*[-+]?\d+\s*", value):  # pydantic takes `0-4` for -4
        raise ValueError("expected a whole number; several are a list, such as [0, 1, 2]")
    return value


def _one_line(text):
    if not str(text).isprintable():
        raise ValueError("expected one line of printable characters")
    return text


def _latin(text):
    if not letters.latin(text):
        raise ValueError("expected Latin letters, the only ones that the typeface of the reports has")
    return text


def _latin_or_chinese(text):
    letters.typeface(text)
    if not letters.latin(letters.CHINESE.sub("", text)):
        raise ValueError("expected Latin or Chinese letters, the only ones that the typefaces of the reports have")
    return text


def _an_address(text):
    if not re.fullmatch(r"https?://[!-~]+", text) or set('\\"<>^`{|}') & set(text):  # RFC 3986 allows none of these
        raise ValueError("expected an address that begins with https:// or http://, without spaces")
    return text


def _nameable(path):
    if any(len(os.fsencode(part)) > 255 for part in path.parts):
        raise ValueError("expected a path whose parts have at most 255 bytes")
    if set("{}") & set(str(path)):
        raise ValueError("expected a path without braces, which Snakemake takes for wildcards")
    return path


def at_home(path):
    """The path with a leading ~ replaced by the home folder, as a shell would do."""
    return Path(os.path.expanduser(path))


NAME, COLOUR, STUDENT_NUMBER = r"^[A-Za-z0-9][A-Za-z0-9_]*$", r"^#[0-9A-Fa-f]{6}$", r"^s\d{7}$"
PATTERNS = {  # in words, for those who do not read regular expressions
    NAME: "letters, digits and underscores, a letter or a digit first",
    COLOUR: "a colour as #rrggbb",
    STUDENT_NUMBER: "an s and seven digits",
}

Number = Annotated[float, BeforeValidator(_not_a_bool), Field(allow_inf_nan=False)]
Count = Annotated[int, BeforeValidator(_not_a_bool), BeforeValidator(_whole)]
Name = Annotated[str, Field(pattern=NAME)]
Question = Annotated[str | None, Field(description="what the study asks, for the first page of the HTML report")]
Line = Annotated[str, AfterValidator(_one_line)]
# a number is text here: who gives a student number as the author, or a year as a title, writes no quotes
_Text = Annotated[str, Field(min_length=1, coerce_numbers_to_str=True)]
Author = Annotated[_Text, AfterValidator(_one_line), AfterValidator(_latin_or_chinese)]
LatinLine = Annotated[_Text, AfterValidator(_one_line), AfterValidator(_latin)]
Link = Annotated[str, AfterValidator(_an_address)]
Steps = Annotated[Count, Field(ge=1)]
Lags = Annotated[list[Steps], Field(min_length=1)]
StepSizes = Annotated[list[Annotated[Number, Field(gt=0)]], Field(min_length=1)]
FilePath = Annotated[Path, AfterValidator(_one_line), AfterValidator(_nameable), AfterValidator(at_home)]


class Strict(BaseModel):
    """Unknown keys are refused, and nothing changes once it has been read."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=False)


def label(text, default, *, help, **limits):
    """A key of a cell; `text` stands before its value in the cell's name."""
    return Field(default, description=help, json_schema_extra={"label": text}, **limits)


def option(text, default, *, help, **limits):
    """A key of a cell that the network's constructor takes where it differs from its default."""
    field = label(text, default, help=help, **limits)
    field.json_schema_extra["option"] = True
    return field


def bare(field):
    """(type, marks) of a pydantic field: its type without `| None` and `Annotated`, and what is said about values.

    Pydantic keeps the marks of `Annotated[...]` with the field, but those of `Annotated[...] | None` in the annotation.
    """
    kind, marks = field.annotation, list(field.metadata)
    parts = typing.get_args(kind)
    if NoneType in parts:
        kind = typing.Union[tuple(part for part in parts if part is not NoneType)]  # noqa: UP007
    if typing.get_origin(kind) is Annotated:
        kind, *inner = typing.get_args(kind)
        marks = inner + marks
    return kind, marks
