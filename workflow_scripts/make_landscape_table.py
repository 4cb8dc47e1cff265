"""Make the table of a landscape study: both protocols' medians and quantiles over the steps, for every network.

    python -m workflow_scripts.make_landscape_table --summary results/bn_landscape/summary --study JSON \\
        --out results/bn_landscape/tables/landscape_table.csv

Beside the CSV file, which has every number unrounded, the table is written as LaTeX (.tex) and as plain text (.txt).
"""

from workflow_scripts.engine import commands, landscape_protocols, landscape_runs, selections


def main():
    """Read the tables, write the table three times."""
    parser = selections.parser(
        "make_landscape_table", __doc__, "the table: a .csv; .tex and .txt are written beside it"
    )
    selections.add_study(parser)
    arguments = parser.parse_args()
    if arguments.out.suffix != ".csv":
        raise commands.UserError(f"--out {arguments.out}: expected a name that ends in .csv")
    landscape = landscape_runs.load(arguments.summary, arguments.study)
    table = landscape_protocols.quantiles(landscape_runs.per_step(landscape))
    labels = table["network"].map(landscape.networks["label"])
    texts = {
        ".csv": table.assign(network=labels).to_csv(index=False, lineterminator="\n"),
        ".tex": landscape_protocols.tabular(table, landscape.networks),
        ".txt": landscape_protocols.plain_text(table, landscape.networks),
    }
    for suffix, text in texts.items():
        with commands.written_whole(arguments.out.with_suffix(suffix)) as path:
            path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    commands.run(main)
