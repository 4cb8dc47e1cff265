"""Whether a configuration file is YAML, and if not, where it stops being so: Snakemake names neither file nor line.

A key that occurs twice is refused too: YAML forbids it, but PyYAML silently drops the first one and all that is in it.
"""

import yaml

from workflow_scripts.engine.commands import UserError
from workflow_scripts.engine.configuration import lookalikes


def check(path):
    """Raise UserError, with the line and what is wrong there, if the file at `path` is not YAML with keys."""
    try:
        with open(path, encoding="utf-8") as file:
            root = yaml.compose(file, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        said = ", ".join(filter(None, (error.context, error.problem)))
        raise UserError(f"{_place(path, mark)}: {said}{_cause(path, error, mark)}") from None
    except (yaml.reader.ReaderError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: expected text in UTF-8, found another character ({error.reason})") from None
    if not isinstance(root, yaml.MappingNode):
        raise UserError(f"{path}: expected keys at its top level, as `studies:`, found none")
    _check_keys(path, root, set())


def _cause(path, error, mark):
    """A likely cause of a syntax error, from the line at which it was noticed and those that led to it; or ""."""
    with open(path, encoding="utf-8") as file:
        lines = file.read().splitlines()
    before = [number for number, line in enumerate(lines[: mark.line]) if line.strip() and line.lstrip()[0] != "#"]
    start = [error.context_mark.line] if error.context_mark else []
    for number in (mark.line, *before[-1:], *start):
        if cause := lookalikes.in_line("".join(lines[number : number + 1])):
            return f"; in line {number + 1}, column {cause[0] + 1}, {cause[1]}"
    return ""


def _check_keys(path, node, seen):
    """Refuse a key that occurs twice in a mapping; `seen` are nodes already visited, since an alias repeats them."""
    if id(node) in seen or isinstance(node, yaml.ScalarNode):
        return
    seen.add(id(node))
    if isinstance(node, yaml.SequenceNode):
        children = node.value
    else:
        known, children = {}, [value for _, value in node.value]
        for key, _ in node.value:
            first = known.setdefault(str(key.value), key)
            if first is not key:
                line = first.start_mark.line + 1
                raise UserError(f"{_place(path, key.start_mark)}: the key `{key.value}` is already in line {line}")
    for child in children:
        _check_keys(path, child, seen)


def _place(path, mark):
    return f"{path}, line {mark.line + 1}, column {mark.column + 1}"
