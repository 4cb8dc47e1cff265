"""Configurations that nobody should write: each loads, or gives one clear message."""

import copy
import re

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from snakemake.utils import update_config

from tests.conftest import ROOT
from tests.workflow_runs import TINY, snakemake
from workflow_scripts.engine.commands import UserError
from workflow_scripts.engine.configuration import config, grids, syntax

FULL, DEMO = (yaml.safe_load((ROOT / path).read_text()) for path in ("config.yaml", "profiles/demo/study.yaml"))
REAL = [FULL, copy.deepcopy(FULL)]
update_config(REAL[1], DEMO)  # as Snakemake merges them


def nested(depth, kind):
    value = "x"
    for _ in range(depth):
        value = [value] if kind is list else {"x": value}
    return value


NUMBERS = st.sampled_from([0, -1, 1e-300, 1e308, -0.0, 10**400, 2**31, 2**63, *map(float, ("nan", "inf", "-inf"))])
WORDS = st.sampled_from(
    ["", " ", "null", "a; rm -rf x", "../../x", "/etc/passwd", "$(touch x)", "`id`", "a\nb", "\0", "\ud800", "ключ",
     "'", '"', "{wildcards.cell}", "{", "x" * 10_000, "-", "--out", "1e-3", "1_000", "0x10", "٣", ".", "seed", "nan"]
)  # fmt: skip
NESTED = st.builds(nested, st.sampled_from([1, 5, 50, 3_000]), st.sampled_from([list, dict]))
LEAVES = st.one_of(st.none(), st.booleans(), NUMBERS, WORDS, NESTED, st.binary(max_size=3), st.dates(), st.text())
KEYS = st.one_of(WORDS, st.none(), st.integers(), st.booleans(), st.floats(), st.text(max_size=5))
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3), max_leaves=6
)


def places(node, path=()):
    """The paths of everything in a configuration."""
    yield path
    children = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, child in children:
        yield from places(child, (*path, key))


PLACES = [list(places(real)) for real in REAL]


@st.composite
def hostile(draw):
    """A real configuration with one to three values replaced, removed, added, renamed or duplicated."""
    which = draw(st.sampled_from(range(len(REAL))))
    mapping = copy.deepcopy(REAL[which])
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from(PLACES[which]))
        if not path:
            return draw(VALUES)
        node = mapping
        try:
            for key in path[:-1]:
                node = node[key]
            change = draw(st.sampled_from(["replace", "remove", "rename", "add", "twice"]))
            if change == "remove":
                del node[path[-1]]
            elif change == "rename" and isinstance(node, dict):
                node[draw(KEYS)] = node.pop(path[-1])
            elif change == "add" and isinstance(node[path[-1]], dict):
                node[path[-1]][draw(KEYS)] = draw(VALUES)
            elif change == "twice":
                node[path[-1]] = [node[path[-1]]] * 2
            else:
                node[path[-1]] = draw(VALUES)
        except (KeyError, IndexError, TypeError):  # an earlier change removed this place
            continue
    return mapping


@settings(max_examples=200, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(hostile())
def test_a_configuration_loads_or_is_one_clear_message(mapping):
    try:
        loaded = config.load(mapping)
        for name, study in loaded.studies.items():
            names = grids.expand(name, study)
            assert all(name.isascii() and "/" not in name and not name.startswith((".", "-")) for name in names)
            grids.ablations(study)
    except UserError as error:
        message = str(error)
        assert len(message.splitlines()) <= 12 and all(len(line) < 1_000 for line in message.splitlines()), message
        message.encode()  # it can be printed


def test_more_cells_than_can_be_planned():
    grid = {"model": "vgg08", "dataset": "digits", "lr": [1 / n for n in range(1, 1001)], "seed": list(range(1000))}
    loaded = config.load({**TINY, "studies": {"s": {"grids": [grid]}}})
    with pytest.raises(
        UserError, match=r"studies\.s: expected at most 100,000 cells, found 1,000,000: a grid is a prod"
    ):
        grids.expand("s", loaded.studies["s"])


PATHS = {
    "braces": ("/data/{cell}", "expected a path without braces"),
    "a line break": ("/data/a\nb", "expected one line of printable characters"),
    "a zero byte": ("/data/\0", "expected one line of printable characters"),
    "a name that is too long": ("/data/" + "x" * 300, "expected a path whose parts have at most 255 bytes"),
}


@pytest.mark.parametrize(("path", "message"), PATHS.values(), ids=PATHS)
def test_a_path_that_is_none(path, message):
    with pytest.raises(UserError) as error:
        config.load({**TINY, "datasets": {"digits": {"source": "folder", "path": path}}})
    assert "datasets.digits.path: " in str(error.value) and message in str(error.value)


BOMB = "a: &a [x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join(9 * [f'*{before}'])}]\n" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)
NAMED = "datasets: {{digits: {{source: digits}}}}\nstudies:\n  {}: {{grids: [{{dataset: digits}}]}}\n"
REFUSED_BY = {
    "the look at its syntax": (
        "studies\n  cw2: {}\n",
        "error: config.yaml, line 2, column 6: mapping values are not allowed",
    ),
    "Snakemake": ("studies: !!python/object/apply:os.system ['touch x']\n", "Config file is not valid JSON or YAML"),
    "the look at its values": (NAMED.format('"a; rm -rf x"'), "studies.a; rm -rf x"),
}
INVALID = {
    "a path as a name": (NAMED.format('"../../x"'), "studies.../../x"),
    "a billion laughs": (BOMB.replace("i: &i", "studies: &i"), "studies: expected `key: value` pairs"),
}
MARRED = {
    "nothing": (b"", "expected keys at its top level"),
    "a tab": (b"studies:\n\tcw2: {}\n", "line 2, column 1: while scanning for the next token, found character"),
    "an open quote": (b'a: "b\nc: d\n', "line 3, column 1: while scanning a quoted scalar"),
    "Latin 1": (
        "a: b # über\n".encode("latin-1"),
        "expected text in UTF-8, found another character (invalid start byte)",
    ),
    "a zero byte": (b"a: b\0\n", "expected text in UTF-8, found another character (special"),
    "a list": (b"- a\n", "expected keys at its top level, as `studies:`, found none"),
    "a section twice": (b"a: {b: 1}\nc: 2\na: {d: 3}\n", "line 3, column 1: the key `a` is already in line 1"),
    "a key twice in a line": (b"a: [{b: 1, b: 2}]\n", "line 1, column 12: the key `b` is already in line 1"),
}


@pytest.mark.parametrize(("content", "message"), MARRED.values(), ids=MARRED)
def test_a_file_that_is_no_yaml_is_named_with_the_line(tmp_path, content, message):
    path = tmp_path / "config.yaml"
    path.write_bytes(content)
    with pytest.raises(UserError) as error:
        syntax.check(path)
    assert str(error.value).startswith(str(path)) and message in str(error.value)


LOOKALIKES = {  # (what stands in the file, what the message says of it): the line is that of the mistake
    "a full-width colon": ("a:\n  b： c\n  d: 1\n", "line 2, column 4, write `:` and a space for the full-width `：`"),
    "one before the end": ("a:\n  d: 1\n  b：c\n", "line 3, column 4, write `:` and a space for the full-width `：`"),
    "one before empty lines": ("a:\n  b： c\n\n  # d\n  d: 1\n", "line 2, column 4, write `:` and a space"),
    "one before a text": ("a: 1\nb： |\n  c\n  d\ne: 2\n", "line 2, column 2, write `:` and a space"),
    "no space": ("a:\n  d: 1\n  b:c\n  e: 2\n", "line 3, column 4, write a space after `b:`"),
    "no space in an address": ("a: http://b.org\nc:d\ne: 1\n", "line 2, column 2, write a space after `c:`"),
    "full-width spaces": (
        "a:\n\u3000\u3000b: 1\n  c: 2\n",
        "line 2, column 1, write ordinary spaces for full-width ones",
    ),
    "no-break spaces": (
        "a:\n\xa0\xa0b: 1\n  c: 2\n",
        "line 2, column 1, write ordinary spaces for no-break ones (U+00A0)",
    ),
    "full-width braces": (
        "a: ｛b: 1｝\n",
        "line 1, column 4, write `{` for the full-width `｛`, `}` for the full-width `｝`",
    ),
    "a full-width comma": ("a: {b: 1， c: 2}\n", "line 1, column 9, write `,` for the full-width `，`"),
    "a full-width bracket": ("a: [1, 2］\nb: 3\n", "line 1, column 9, write `]` for the full-width `］`"),
    "curly quotes": ("a: “b: c”\n", 'line 1, column 4, write `"` for `“`, `"` for `”`'),
}


@pytest.mark.parametrize(("text", "message"), LOOKALIKES.values(), ids=LOOKALIKES)
def test_characters_that_look_like_those_of_yaml_are_named(tmp_path, text, message):
    (tmp_path / "config.yaml").write_text(text)
    with pytest.raises(UserError) as error:
        syntax.check(tmp_path / "config.yaml")
    assert f"; in {message}" in str(error.value)


@pytest.mark.parametrize("text", ['a: "b：c"\nd\n', "a: b # c：d:e\nf\n"])
def test_characters_in_quotes_and_comments_are_no_mistake(tmp_path, text):
    (tmp_path / "config.yaml").write_text(text)
    with pytest.raises(UserError) as error:
        syntax.check(tmp_path / "config.yaml")
    assert "write" not in str(error.value)


@pytest.mark.parametrize("text", ["a: &x {b: 1}\nc: *x\n", "a: &x [*x]\n", BOMB])
def test_aliases_are_no_keys_that_stand_twice(tmp_path, text):
    (tmp_path / "config.yaml").write_text(text)
    syntax.check(tmp_path / "config.yaml")


@pytest.mark.parametrize(("text", "message"), INVALID.values(), ids=INVALID)
def test_a_file_that_is_no_configuration(text, message):
    with pytest.raises(UserError, match=re.escape(message)):
        config.load(yaml.safe_load(text))


@pytest.mark.parametrize(("text", "message"), REFUSED_BY.values(), ids=REFUSED_BY)
def test_the_workflow_refuses_it(tmp_path, text, message):
    (tmp_path / "config.yaml").write_text(text)
    status, said = snakemake(tmp_path, "-n", check=False)
    assert status == 1 and message in said and "Traceback" not in said and len(said.splitlines()) < 15
    assert [path.name for path in tmp_path.iterdir() if path.name != ".snakemake"] == ["config.yaml"]


@pytest.mark.parametrize("cell", ["$(touch x); touch y-seed0", "../../../x-seed0"])
def test_the_name_of_a_cell_on_the_command_line(tmp_path, cell):
    """Such a name belongs to no cell, and reaches no shell."""
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(TINY))
    status, said = snakemake(tmp_path, f"results/cw2/{cell}/history.csv", check=False)
    assert status == 1 and "Traceback" not in said and ("No rule to produce" in said or "MissingRule" in said)
    assert [path.name for path in tmp_path.iterdir() if path.name != ".snakemake"] == ["config.yaml"]
