r"""LaTeX from Jinja2 templates: the delimiters, the escaping and the look of every number, in one place.

A template writes `\VAR{value|filter}`, `\BLOCK{if ...}` within a line, `%> if ...` on a line of its own and
`\#{...}` for a comment; LaTeX itself never uses these. What a template prints must be text (which is escaped), a
whole number, or what a filter made: a bare float is refused, so that no number escapes the formatting here.
"""

import math
from pathlib import Path

import jinja2

from workflow_scripts.engine.commands import UserError

SPECIAL = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    **{character: f"\\{character}" for character in "&%$#_"},
}


class Tex(str):
    """A string that is LaTeX already."""


def escape(text):
    """`text` as LaTeX that prints it character by character."""
    return Tex("".join(SPECIAL.get(character, character) for character in text))


def fixed(value, digits=2):
    r"""1.234 as `1.23`; a measure over seeds as `1.23\,$\pm$\,0.04`; what is not there as a dash."""
    mean, std = _mean_std(value)
    if not math.isfinite(mean):
        return Tex("--")
    spread = rf"\,$\pm$\,{std:.{digits}f}" if math.isfinite(std) else ""
    return Tex(f"${mean:.{digits}f}$" + spread)


def percent(value, digits=1):
    r"""A fraction 0..1, or a measure of one over seeds, as `12.3\,$\pm$\,0.4\,\%`."""
    mean, std = _mean_std(value)
    return Tex(fixed((100 * mean, 100 * std), digits) + (r"\,\%" if math.isfinite(mean) else ""))


def points(value):
    """A difference of two fractions in percentage points, without its sign."""
    return Tex(f"{100 * abs(value):.1f}")


def scientific(value, digits=1):
    r"""3.14e-19 as `$3.1\times10^{-19}$`, a power of ten without its 1, zero as `$0$`."""
    if not math.isfinite(value):
        return Tex("--")
    if value == 0:
        return Tex("$0$")
    mantissa, exponent = f"{value:.{digits}e}".split("e")
    power = f"10^{{{int(exponent)}}}"
    return Tex(f"${power}$" if float(mantissa) == 1 else rf"${mantissa}\times{power}$")


def count(value):
    """59716 as `59,716`."""
    return Tex(f"{int(value):,}")


def listed(values, conjunction="and"):
    """`a, b and c`, each escaped unless it is LaTeX already."""
    *head, last = [value if isinstance(value, Tex) else escape(str(value)) for value in values]
    return Tex(f"{', '.join(head)} {conjunction} {last}" if head else last)


def number(value):
    """A number of the configuration as a person would write it: 0.001 as a power of ten, 100 and 0.05 as they are."""
    value = float(value)
    return Tex(f"{value:g}") if value == 0 or 0.01 < abs(value) < 1e6 else scientific(value, 3 if value % 1 else 1)


def render(path, context):
    """The LaTeX that the template at `path` gives; an unknown name or a mistake in it is a `UserError` with its line."""
    path = Path(path)
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(path.parent),
        undefined=jinja2.StrictUndefined,
        finalize=_finalize,
        variable_start_string=r"\VAR{",
        variable_end_string="}",
        block_start_string=r"\BLOCK{",
        block_end_string="}",
        comment_start_string=r"\#{",
        comment_end_string="}",
        line_statement_prefix="%>",
        trim_blocks=False,
        autoescape=False,
        keep_trailing_newline=True,
    )
    filters = (fixed, percent, points, scientific, count, listed, number)
    environment.filters.update({function.__name__: function for function in filters}, tex=Tex)
    try:
        return environment.get_template(path.name).render(context)
    except jinja2.TemplateSyntaxError as error:
        raise UserError(f"{error.filename or path}, line {error.lineno}: {error.message}") from None
    except jinja2.UndefinedError as error:
        raise UserError(f"{path}, line {_line(error, path)}: {error.message}") from None
    except jinja2.TemplateNotFound:
        raise UserError(f"{path}: no such template") from None


def _finalize(value):
    if isinstance(value, Tex):
        return value
    if isinstance(value, (str, int)):
        return escape(str(value))
    raise UserError(f"a template prints {value!r}: give it a filter (fixed, percent, scientific, ...)")


def _mean_std(value):
    return value if isinstance(value, tuple) else (value, math.nan)


def _line(error, path):
    """The last line of the template that the traceback of `error` passes through."""
    lines, traceback = [], error.__traceback__
    while traceback:
        if Path(traceback.tb_frame.f_code.co_filename).name == path.name:
            lines.append(traceback.tb_lineno)
        traceback = traceback.tb_next
    return lines[-1] if lines else "?"
