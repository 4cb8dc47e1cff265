"""Run a notebook that is kept as text, and write it with its outputs as LaTeX.

    python -m workflow_scripts.export_notebook notebooks/beras_exploration.py --template report/notebook.tex.j2 \\
        --out results/report/beras-exploration/notebook.tex

The notebook can import Beras and its assignment. A cell that fails stops the command, which says which one and why.
`compile_report` typesets what this writes.
"""

from pathlib import Path

from workflow_scripts.engine import commands, whole_files
from workflow_scripts.engine.beras import ASSIGNMENT, MODELS
from workflow_scripts.engine.text import latex, notebooks


def main():
    """Run, write."""
    parser = commands.parser("export_notebook", __doc__)
    parser.add_argument("source", type=Path, help="the notebook in jupytext's percent format (.py)")
    parser.add_argument("--template", type=Path, required=True, help="template of the LaTeX around it (.tex.j2)")
    parser.add_argument(
        "--out", type=Path, required=True, help="the LaTeX to write (.tex); its pictures are written beside it"
    )
    arguments = parser.parse_args()
    if not arguments.source.is_file():
        raise commands.UserError(f"{arguments.source}: expected a notebook, found none")
    facts, pictures = notebooks.context(notebooks.executed(arguments.source, [MODELS, ASSIGNMENT]))
    files = {arguments.out.name: latex.render(arguments.template, facts).encode(), **pictures}
    for name, content in files.items():
        whole_files.write(arguments.out.parent / name, content)


if __name__ == "__main__":
    commands.run(main)
