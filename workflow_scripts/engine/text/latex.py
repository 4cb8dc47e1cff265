r"""LaTeX from Jinja2 templates: the delimiters, the escaping and the format of every number, in one place.

A template writes `\VAR{value|filter}`, `\BLOCK{if ...}` within a line, `%> if ...` on a line of its own and
`\#{...}` for a comment; LaTeX itself never uses these. What a template prints must be text (which is escaped), a
whole number, or the output of a filter: a bare float is refused, so that no number escapes the formatting here.
"""

import functools
import math
from pathlib import Path

import jinja2

from workflow_scripts.engine.commands import UserError
from workflow_scripts.engine.text.wording import counted

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
    """`text` as LaTeX that prints it literally."""
    return Tex("".join(SPECIAL.get(character, character) for character in text))


def fixed(value, digits=2):
    r"""1.234 as `1.23`; a measure over seeds as `1.23\,$\pm$\,0.04`; a missing or infinite value as a dash."""
    mean, std = _mean_std(value)
    if not math.isfinite(mean):
        return Tex("--")
    spread = rf"\,$\pm$\,{std:.{digits}f}" if math.isfinite(std) else ""
    shown = f"{mean:.{digits}f}"
    return Tex(f"${shown.removeprefix('-') if float(shown) == 0 else shown}$" + spread)


def percent(value, digits=1):
    r"""A fraction 0..1, or a measure of one over seeds, as `12.3\,$\pm$\,0.4\,\%`."""
    mean, std = _mean_std(value)
    return Tex(fixed((100 * mean, 100 * std), digits) + (r"\,\%" if math.isfinite(mean) else ""))


def points(value):
    """A difference of two fractions in percentage points, without the sign."""
    return Tex(f"{100 * abs(value):.1f}")


def scientific(value, digits=1):
    r"""3.14e-19 as `$3.1{\times}10^{-19}$`, which does not break over lines; zero as `$0$`."""
    if not math.isfinite(value):
        return Tex("--")
    return Tex(f"${power(f'{value:.{digits}e}')}$" if value else "$0$")


def digits(value, many=3):
    """0.01234 in `many` significant digits, 1234.5 as 1234; very large or small values in scientific notation."""
    if math.isnan(value):
        return Tex("--")
    if math.isinf(value):
        return Tex(r"$\infty$")
    if value and not 1e-3 <= abs(value) < 1e4:
        return scientific(value, many - 1)
    return Tex(f"${significant(value, many)}$")


def significant(value, many=3):
    """At least `many` significant digits as plain text, for tables in all formats.

    >>> significant(1.3), significant(29), significant(999.9), significant(1959), significant(0)
    ('1.30', '29.0', '1000', '1959', '0')
    """
    exponent = int(f"{value:.{many - 1}e}".partition("e")[2])
    return f"{value:.{max(0, many - 1 - exponent)}f}" if value else "0"


def count(value):
    """59716 as `59,716`; a range, (100, 59716), as `100 to 59,716`."""
    return Tex(" to ".join(f"{int(one):,}" for one in (value if isinstance(value, tuple) else (value,))))


def listed(values, conjunction="and"):
    """`a, b and c`, each escaped unless it is LaTeX already; `a, b; c; and d` where there are commas within.

    Raises ValueError where there are none: what a sentence says of nothing is not true.
    """
    values = [value if isinstance(value, Tex) else escape(str(value)) for value in values]
    if not values:
        raise ValueError("expected something to list, found nothing: ask for it with `if` first")
    *head, last = values
    separator, before_last = ("; ", "; ") if any(", " in value for value in [*head, last]) else (", ", " ")
    return Tex(f"{separator.join(head)}{before_last}{conjunction} {last}" if head else last)


def math_mode(text):
    """The output of a filter for use within a formula: without its dollar signs."""
    return Tex(text.replace("$", ""))


def number(value):
    """A number of the configuration as a person would write it: 0.001 as a power of ten, 100 and 0.05 as they are."""
    value = float(value)
    return Tex(f"{value:g}" if value == 0 or 0.01 < abs(value) < 1e6 else f"${power(f'{value:e}')}$")


def power(text):
    """`2.000000e-05` in a formula; a mantissa of 1 and trailing zeros of a long one are left out."""
    mantissa, exponent = text.split("e")
    power = f"10^{{{int(exponent)}}}"
    if float(mantissa) == 1:
        return power
    return rf"{mantissa.rstrip('0').rstrip('.') if len(mantissa.lstrip('-')) > 4 else mantissa}{{\times}}{power}"


def _stripped(text):
    """The output of a template's macro, which is LaTeX, without the line breaks around it."""
    return Tex(text.strip())


@functools.cache
def _environment(folder):
    """The templates of a folder, each compiled once, and again when its file has changed."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder, encoding="utf-8-sig"),  # some editors save a byte order mark
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
    filters = (fixed, percent, points, scientific, digits, count, counted, listed, number)
    environment.filters.update({function.__name__: function for function in filters}, math=math_mode, tex=_stripped)
    return environment


def render(path, context):
    """The LaTeX from the template at `path`; raises UserError with the line of a mistake or an unknown name."""
    path = Path(path)
    try:
        return _environment(path.parent).get_template(path.name).render(context)
    except jinja2.TemplateSyntaxError as error:
        raise UserError(f"{error.filename or path}, line {error.lineno}: {error.message}") from None
    except UnicodeDecodeError as error:
        line = 1 + error.object[: error.start].count(b"\n")
        raise UserError(f"{path}, line {line}: expected UTF-8, found the byte {error.object[error.start]:#x}") from None
    except (jinja2.UndefinedError, TypeError, ValueError) as error:
        raise UserError(f"{path}, line {_line(error, path)}: {error}") from None
    except jinja2.TemplateNotFound:
        raise UserError(f"{path}: no such template") from None


def _finalize(value):
    if isinstance(value, Tex):
        return value
    if isinstance(value, (str, int, jinja2.Undefined)):  # str of an Undefined raises the right error
        return escape(str(value))
    raise TypeError(f"{value!r} is printed as it is: give it a filter (fixed, percent, scientific, ...)")


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
