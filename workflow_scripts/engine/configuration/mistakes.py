"""What is wrong with a configuration, in plain words: a line per key, with what was expected and what was found."""

import difflib

from pydantic import BaseModel

from workflow_scripts.engine.configuration.fields import PATTERNS
from workflow_scripts.engine.configuration.record import Cell, Grid

PLAIN = {  # what pydantic says of a kind of mistake, in the words of YAML
    "string_type": "expected text",
    "dict_type": "expected `key: value` pairs",
    "model_type": "expected `key: value` pairs",
    "list_type": "expected a list: [...], or lines that begin with `- `",
}
MOST = 8  # lines of a message
SHOWN = 200  # most characters of a wrong value that a message shows


def explained(error, keys, called):
    """A line for each wrong key of a pydantic `ValidationError`, at most `MOST`; `keys` are all that exist.

    `called` is {key: what it is called where it was given}, for those with other names there.
    """
    problems = error.errors()
    lines = [f"  {_where(problem['loc'], called)}{_what(problem, keys)}" for problem in problems[:MOST]]
    if len(problems) > MOST:
        lines.append(f"  ... and {len(problems) - MOST} more")
    return "\n".join(lines)


def _where(path, called):
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{_key(part)}" for part in path).lstrip(".")
    given = f" ({called[text]})" if text in called else ""
    return f"{text}{given}: " if text else ""


def _key(part):
    """A key as it stands in the file, if it can be shown on one line."""
    return part if part.isprintable() and len(part) <= SHOWN else _shown(part)


def _shown(value):
    text = repr(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


def _what(problem, keys):
    given, message = problem["input"], problem["msg"].removeprefix("Value error, ")
    if problem["type"] == "extra_forbidden" and problem["loc"][-1] in Cell.model_fields:
        return "a key of cells, which belongs in a grid or a base"
    if problem["type"] == "extra_forbidden":
        near = difflib.get_close_matches(str(problem["loc"][-1]), keys, n=1)
        return f"unknown key; did you mean {near[0]!r}?" if near else "unknown key; config.schema.json lists all"
    if problem["type"] == "missing":
        return "missing"
    if problem["type"] == "too_short" and not given:
        return f"expected at least one {'character' if isinstance(given, str) else 'value'}"
    message = PLAIN.get(problem["type"], message)
    if problem["type"] == "model_type" and problem["ctx"]["class_name"] == Grid.__name__:
        message += ", such as {lr: [0.1, 0.01]}"
    if problem["type"] == "string_pattern_mismatch":
        message = f"expected {PATTERNS[problem['ctx']['pattern']]}"
    return message if isinstance(given, (dict, list, BaseModel)) else f"{_shown(given)}: {message}"
