"""A table of strings as one self-contained HTML page, for the HTML report."""

import html
import re

from workflow_scripts.engine import whole_files

# A column whose values occur at least twice on average gets a list of them in its heading; only rows that match the
# choice in every list are shown.
PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>
body {{ font: 15px/1.4 system-ui, sans-serif; margin: 1.5em; }}
div {{ overflow-x: auto; }}
table {{ border-collapse: collapse; font-variant-numeric: tabular-nums; }}
th, td {{ padding: 0.25em 0.8em; text-align: left; white-space: nowrap; }}
th {{ border-bottom: 1px solid; vertical-align: top; }}
{numbers} {{ text-align: right; }}
tbody tr:nth-child(even of :not([hidden])) {{ background: #f3f4f6; }}
select {{ display: block; max-width: 14em; }}
</style>
<div>{table}</div>
<p>{note}</p>
<script>
const rows = [...document.querySelectorAll("tbody tr")];
const lists = new Map();
const show = () => rows.forEach(row => {{
  row.hidden = [...lists].some(([column, list]) => list.value && row.cells[column].textContent != list.value);
}});
document.querySelectorAll("thead th").forEach((heading, column) => {{
  const values = [...new Set(rows.map(row => row.cells[column].textContent))];
  if (values.length < 2 || 2 * values.length > rows.length) return;
  const list = document.createElement("select");
  list.ariaLabel = heading.textContent;
  list.add(new Option("all", ""));
  values.filter(value => value).sort((a, b) => a - b).forEach(value => list.add(new Option(value, value)));
  list.onchange = show;
  heading.append(list);
  lists.set(column, list);
}});
</script>
</html>
"""


NUMBER = re.compile(r"[+−]?[\d.,]+(e[+-]\d+)?( ± [\d.,]+(e[+-]\d+)?)?†?|[–∞]|")


def page(table, title, note=""):
    """The page for a data frame of strings; `note` is the text below the table, whose line breaks are kept.

    Columns of numbers are right-aligned. A table that is wider than the window scrolls; its note does not.
    """
    body = table.to_html(index=False, border=0)
    places = [place for place, name in enumerate(table, 1) if all(map(NUMBER.fullmatch, table[name]))]
    numbers = f":is({', '.join(f':nth-child({place})' for place in places)}):is(th, td)"
    note = html.escape(note.strip()).replace("\n", "<br>")
    return PAGE.format(title=html.escape(title), numbers=numbers, table=body, note=note)


def write(path, table):
    """Write the page for a data frame of strings to `path`."""
    whole_files.write(path, page(table, path.stem))
