"""Draw the learning curves of the course framework's experiment folders: Figure 1 from the metrics handed out.

    python -m workflow_scripts.plot_course VGG_08=VGG_08_experiment VGG_38=VGG_38_experiment --out figure1.pdf

Needs no cell and no configuration. To draw such runs beside cells, name them in `external_runs` of config.yaml. A CSV
file beside the figure holds its data.
"""

from workflow_scripts.engine import commands
from workflow_scripts.engine.configuration import config
from workflow_scripts.engine.course import external
from workflow_scripts.engine.figures import curves, style


def read(words):
    """{label: [folder]} from words like `VGG_08=folder`; repeating a label adds another seed of it."""
    folders = {}
    for word in words:
        label, equals, folder = word.partition("=")
        if not (label and equals and folder):
            raise commands.UserError(f"expected LABEL=FOLDER, for example VGG_08=VGG_08_experiment, but found {word!r}")
        folders.setdefault(label, []).append(folder)
    return folders


def main():
    """Read the folders, draw them."""
    parser = commands.parser("plot_course", __doc__)
    parser.add_argument("runs", nargs="+", metavar="LABEL=FOLDER", help="a run; the same label again: another seed")
    parser.add_argument(
        "--num-classes",
        type=int,
        default=100,
        help="classes of the data, whose level of chance is drawn (default: %(default)s)",
    )
    commands.add_figure(parser)
    arguments = parser.parse_args()
    runs = {
        label: config.parse(
            config.CourseRun,
            {
                "folder": folders,
                "colour": style.COLOURS[index % len(style.COLOURS)],
                "num_classes": arguments.num_classes,
            },
            f"the run {label}",
        )
        for index, (label, folders) in enumerate(read(arguments.runs).items())
    }
    found = external.collect(runs)
    rows = external.rows(found)
    table = curves.learning_curves(found, rows)
    style.save(curves.draw(table, rows), arguments.out, table)


if __name__ == "__main__":
    commands.run(main)
