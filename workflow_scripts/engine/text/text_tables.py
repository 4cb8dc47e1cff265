"""Tables of strings, a data frame with a row per line, laid out for a terminal, for LaTeX and for a browser."""

import math
import re

from workflow_scripts.engine import whole_files
from workflow_scripts.engine.commands import UserError
from workflow_scripts.engine.text import html_tables, latex

SCIENTIFIC = re.compile(r"-?\d\.\d+e[+-]\d+")  # as Python writes it
EXPLODED = 1e6  # from here on, more digits would only widen a column
TYPESET = {" ± ": r"\,$\pm$\,", "–": "--", "−": "$-$", "†": r"\textsuperscript{\dag}"}


def plain(table, left):
    """The lines of a table for a terminal; the columns named in `left` are left-aligned, the others right-aligned."""
    widths = {name: max(len(name), table[name].str.len().max()) for name in table}
    lines = []
    for cells in [list(table), *table.to_numpy().tolist()]:
        padded = (
            cell.ljust(width) if name in left else cell.rjust(width)
            for cell, (name, width) in zip(cells, widths.items(), strict=True)
        )
        lines.append("  ".join(padded).rstrip())
    return [lines[0], "-" * max(map(len, lines)), *lines[1:]]


def tabular(table, left, bold=(), ruled=(0,)):
    """A LaTeX `tabular` for the package booktabs; `bold` and `ruled` are indices of rows in bold or below a rule."""
    alignment = "".join("l" if name in left else "r" for name in table)
    lines = [rf"\begin{{tabular}}{{@{{}}{alignment}@{{}}}}", r"\toprule", _row(table)]
    for place, cells in enumerate(table.to_numpy().tolist()):
        if place in ruled:
            lines.append(r"\midrule")
        lines.append(_row(cells, r"\textbf{%s}" if place in bold else "%s"))
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}"]) + "\n"


def measure(mean, std, digits=2):
    """`1.23 ± 0.04`; only the mean where there is no deviation, a dash where there is no mean.

    Exploded values are in scientific notation: `1.23e+12 ± 4.00e+10`.
    """
    if math.isnan(mean):
        return "–"
    kind = "e" if abs(mean) >= EXPLODED else "f"
    return f"{mean:.{digits}{kind}}" if math.isnan(std) else f"{mean:.{digits}{kind}} ± {std:.{digits}{kind}}"


def measures(rows, metric, factor=1, digits=2):
    """`measure` of a metric and its deviation `<metric>_std` for each row of a data frame, both times `factor`."""
    return [
        measure(factor * mean, factor * std, digits)
        for mean, std in zip(rows[metric], rows[f"{metric}_std"], strict=True)
    ]


def notes(rows):
    """For each row of `summary.over_seeds`, how many of its seeds diverged; "" where none did."""
    return [f"{row.diverged} of {row.seeds} diverged" if row.diverged else "" for row in rows.itertuples()]


def write(path, numbers, shown, lines, note, tex=None):
    """Write one table in all its formats: the data frame `numbers` to the CSV file `path`, the others beside it.

    `lines` are those of the table for a terminal (.txt); `shown`, a data frame of strings, becomes HTML (.html); both
    have the `note` below. `tex` is its LaTeX (.tex), if there is any. Raises UserError where `path` is not a .csv.
    """
    if path.suffix != ".csv":
        raise UserError(f"{path}: expected a name that ends in .csv")
    texts = {
        ".csv": numbers.to_csv(index=False, lineterminator="\n"),
        ".txt": "\n".join([*lines, "", note]) + "\n",
        ".html": html_tables.page(shown, path.stem, note),
    }
    for suffix, content in (texts | ({".tex": tex} if tex else {})).items():
        whole_files.write(path.with_suffix(suffix), content)


def _row(cells, look="%s"):
    text = " & ".join(look % latex.escape(cell) for cell in cells)
    for character, command in TYPESET.items():
        text = text.replace(character, command)
    return SCIENTIFIC.sub(lambda found: f"${latex.power(found[0])}$", text) + r" \\"
