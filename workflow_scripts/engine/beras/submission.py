"""The hand-in: Beras and its assignment in the brief's tree, hw2/code/..., as a zip with the same bytes every time."""

from workflow_scripts.engine.beras import ASSIGNMENT, MODELS
from workflow_scripts.engine.packing import zipped
from workflow_scripts.engine.text import wording

COMMANDS = ("assignment.py", "preprocess.py", "visualize.py")
README = """\
# HW2: Beras

`code/Beras` is a mimic of Keras in NumPy; `code/assignment.py` trains and tests its simple and its advanced model.

    cd code
    python assignment.py        # MNIST's four IDX files in ../data, or: --data FOLDER

Needs NumPy, and Matplotlib for pictures (`--figures FOLDER`).

## Test accuracy

Measured on {title}{remark},
with {train_images:,} images to train and {test_images:,} to test: {seeds}.
This command, once for each seed, gives these numbers from the same data. (Another kind of processor adds up in another
order: its rounding can change what is predicted for a few of the images.)

{commands}

| model | parameters | test accuracy |
|---|---|---|
{rows}

## Known bugs

None known. What differs from the stencil on purpose, and why, is explained at its place in the code:

- `MeanSquaredError` reports the sum over the outputs (a mean over the batch), whose exact gradient is 2 (p - t);
  divide by 10 for the number that Keras shows.
- `CategoricalCrossentropy` is the loss of Keras and PyTorch, not the stencil's binary one over all outputs.
- A layer object can be used once per tape: it remembers only one input.
- `fit` takes the batches in the order of the data and does not shuffle.
"""


def readme(rows, seeds, dataset):
    """The README's text from the rows of `summary.over_seeds`, the seeds of the runs and the data set's `Data.meta`.

    Its commands train as `runs.train` did.
    """
    plan = rows.iloc[0]
    decimals = wording.decimals(plan["test_images"])
    command = f"    python assignment.py --epochs {plan['epochs']} --batch-size {plan['batch_size']} --seed"
    lines = []
    for row in rows[rows["variant"].isin(("simple", "advanced"))].itertuples():
        deviation = f" ± {row.test_acc_std:.{decimals}%}" if len(seeds) > 1 else ""
        lines.append(f"| {row.label} | {row.parameters:,} | {row.test_acc:.{decimals}%}{deviation} |")
    return README.format(
        title=dataset["title"],
        remark=" (the small data that comes with the workflow, not MNIST)" if dataset["embedded"] else "",
        train_images=plan["train_images"],
        test_images=plan["test_images"],
        seeds=wording.spread([len(seeds)]) or "one seed",
        commands="\n".join(f"{command} {seed}" for seed in seeds),
        rows="\n".join(lines),
    )


def sources():
    """{path in the archive: file in the project}."""
    files = {f"hw2/code/{name}": ASSIGNMENT / name for name in COMMANDS}
    return files | {f"hw2/code/Beras/{path.name}": path for path in sorted((MODELS / "Beras").glob("*.py"))}


def packed(readme, flag_2470):
    """The bytes of the zip; `flag_2470` adds the empty file 2470student."""
    files = {"hw2/README.md": readme.encode()} | {name: path.read_bytes() for name, path in sources().items()}
    if flag_2470:
        files["hw2/code/2470student"] = b""
    return zipped(files)
