"""What is wrong with a configuration, in plain words: a line per key, with what was expected and what was found."""

import difflib

from pydantic import BaseModel

from workflow_scripts.engine.configuration import lookalikes, sections
from workflow_scripts.engine.configuration.fields import PATTERNS
from workflow_scripts.engine.configuration.record import Cell, Grid
from workflow_scripts.engine.configuration.sections import ENTRY

PLAIN = {  # what pydantic says of a kind of mistake, in the words of YAML
    "string_type": "expected text",
    "dict_type": "expected `key: value` pairs",
    "model_type": "expected `key: value` pairs",
    "list_type": "expected a list: [...], or lines that begin with `- `",
}
USUAL = {  # what a key, or a key and its value, is called elsewhere: here it is called
    "act": "activation",
    "arch": "model",
    "architecture": "model",
    "batch": "batch_size",
    "batch_norm": "block: bn",
    "channels": "width",
    "criterion": "loss",
    "data": "dataset",
    "decay": "weight_decay",
    "eta_min": "final_lr",
    "filters": "width",
    "grad_clip": "clip",
    "learning_rate": "lr",
    "lr_scheduler": "schedule",
    "min_lr": "final_lr",
    "momentum": "optimizer: momentum",
    "n_items": "train_items",
    "net": "model",
    "network": "model",
    "nonlinearity": "activation",
    "num_items": "train_items",
    "random_seed": "seed",
    "warmup": "warmup_epochs",
    "wd": "weight_decay",
}
NEAR, VERY_NEAR = 0.6, 0.85  # how alike (0 to 1) a key is that may be meant; the latter for keys of other sections
FEW = 12  # keys that a message lists
MOST = 8  # lines of a message
SHOWN = 200  # most characters of a wrong value that a message shows


def explained(error, kind, called):
    """A line for each wrong key of a pydantic `ValidationError` of something of this `kind`, at most `MOST`.

    `called` is {key: what it is called where it was given}, for those with other names there.
    """
    problems = error.errors()
    lines = [f"  {_where(problem['loc'], called)}{_what(problem, kind)}" for problem in problems[:MOST]]
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


def _what(problem, kind):
    """What is wrong, with what to write instead of characters that only look like those of YAML."""
    given, unknown = problem["input"], problem["type"] == "extra_forbidden"
    text = str(problem["loc"][-1]) if unknown else given if isinstance(given, str) else ""
    message = _unknown(problem, kind) if unknown else _wrong(problem, given)
    hint = lookalikes.found(text) or (unknown and lookalikes.together(text))
    return f"{message}; {hint}" if hint else message


def _wrong(problem, given):
    message = problem["msg"].removeprefix("Value error, ")
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


def _unknown(problem, kind):
    """What may have been meant by a key that may not stand where it does: one that may, or another place."""
    *path, key = problem["loc"]
    here = sections.at(kind, path)
    known = list(here.model_fields) if here else []
    everywhere = list(sections.places(kind)) if here else []
    elsewhere = [f"`{place}`" for place, model in everywhere if place and key in model.model_fields]
    usual = USUAL.get(str(key).lower(), "")
    near = difflib.get_close_matches(str(key), known, n=1, cutoff=VERY_NEAR if elsewhere else NEAR)
    if usual.partition(":")[0] in known:
        return f"unknown key; did you mean {usual!r}?"
    if near:
        return f"unknown key; did you mean {near[0]!r}?"
    if key in Cell.model_fields:
        return "a key of cells, which belongs in a grid or a base"
    if elsewhere:
        return f"unknown key here, but one of {' and of '.join(elsewhere)}"
    if _has_keys_of(Cell, problem["input"]):
        return "unknown key; it has keys of cells, which belong in the `base`, `grids` or `ablations` of a study"
    for place, model in everywhere:
        if place.endswith(ENTRY) and _has_keys_of(model, problem["input"]):
            return f"unknown key; it has the keys of an entry of `{place.removesuffix(ENTRY)}`: is it indented as one?"
    listed = f"known: {', '.join(known)}" if 0 < len(known) <= FEW else "config.schema.json lists all"
    return f"unknown key; {listed}"


def _has_keys_of(model, given):
    return isinstance(given, dict) and bool(given) and given.keys() <= model.model_fields.keys()
