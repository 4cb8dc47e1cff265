"""Draw a search, and make the table of its rungs' survivors.

    python -m workflow_scripts.plot_search --summary results/search/summary --out results/search/figures/search.pdf \\
        --table results/search/tables/search.csv --rungs results/search/search/rung0.json ... \\
        --study '{"test": "chosen", "search": {"space": {"lr": [0.01, 0.1]}, "halving": {"epochs": [10, 30]}}}'

The figure shows the validation accuracy of every candidate against each searched key, rung by rung. The table's CSV
file has every cell; its .tex, .txt and .html have only the candidates that went on.
"""

from pathlib import Path

from workflow_scripts.engine import commands
from workflow_scripts.engine.figures import search_figure, style
from workflow_scripts.engine.tables import rungs, search_table, selections


def main():
    """Read the summary, draw it, write the table."""
    parser = selections.figure_parser("plot_search", __doc__)
    selections.add_study(parser)
    parser.add_argument("--table", type=Path, required=True, help="the table: a .csv; its other forms come beside it")
    parser.add_argument(
        "--rungs", type=Path, nargs="+", required=True, help="what `select_rung` wrote of each rung, in their order"
    )
    arguments = parser.parse_args()
    searched = arguments.study.search
    if searched is None:
        raise commands.UserError("--study: expected a study with a `search`, found none")
    kept = rungs.kept(arguments.rungs)
    table = search_table.trained(search_table.load(arguments.summary), arguments.study, kept)
    style.save(search_figure.draw(table, searched.keys), arguments.out, table)
    search_table.write(arguments.table, table, list(searched.keys))


if __name__ == "__main__":
    commands.run(main)
