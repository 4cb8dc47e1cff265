"""The hand-in: Beras and its assignment as the brief's tree, hw2/code/..., in a zip that is the same bytes every time."""

import io
import zipfile

from workflow_scripts.engine.beras import ASSIGNMENT, MODELS

FILES = ("assignment.py", "preprocess.py", "visualize.py")
EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time that a zip can hold, for every entry
README = """\
# HW2: Beras

`code/Beras` is a mimic of Keras in NumPy; `code/assignment.py` trains and tests its simple and its advanced model.

    cd code
    python assignment.py        # MNIST's four IDX files in ../data, or: --data FOLDER

Needs NumPy, and Matplotlib for pictures (`--figures FOLDER`).

## Test accuracy

Measured on {title}{remark}: {epochs} epochs, batches of {batch_size}, {seeds}.

| model | parameters | test accuracy |
|---|---|---|
{rows}

## Known bugs

None known. What differs from the stencil on purpose, and why, stands at the place in the code:

- `MeanSquaredError` reports the sum over the outputs (a mean over the batch), of which 2 (p - t) is the exact gradient;
  divide by 10 for the number that Keras shows.
- `CategoricalCrossentropy` is that of Keras and PyTorch, not the stencil's binary one over all outputs.
- A layer object can be used once per tape: it remembers one input.
- `fit` takes the batches in the order of the data and does not shuffle.
"""


def readme(rows, dataset):
    """The README's text from the rows of `summary.over_seeds` and the data set's `Data.meta`."""
    plan = rows.iloc[0]
    lines = [
        f"| {row.label} | {row.parameters:,} | {row.test_acc:.2%}{f' ± {row.test_acc_std:.2%}' if len(row.finished) > 1 else ''} |"
        for row in rows[rows["variant"].isin(("simple", "advanced"))].itertuples()
    ]
    seeds = len(plan["finished"])
    return README.format(
        title=dataset["title"],
        remark=" (the small data that comes with the workflow, not MNIST)" if dataset["embedded"] else "",
        epochs=plan["epochs"],
        batch_size=plan["batch_size"],
        seeds=f"mean ± standard deviation over {seeds} seeds" if seeds > 1 else "one seed",
        rows="\n".join(lines),
    )


def contents(readme, flag_2470):
    """{path in the archive: bytes}; `flag_2470` adds the empty file 2470student."""
    files = {"hw2/README.md": readme.encode()}
    files |= {f"hw2/code/{name}": (ASSIGNMENT / name).read_bytes() for name in FILES}
    files |= {f"hw2/code/Beras/{path.name}": path.read_bytes() for path in (MODELS / "Beras").glob("*.py")}
    if flag_2470:
        files["hw2/code/2470student"] = b""
    return files


def packed(files):
    """The bytes of a zip with these files, in the order of their names."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in sorted(files.items()):
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.external_attr = 0o100644 << 16  # a regular file that everyone may read
            archive.writestr(entry, content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()
