"""Convert weights between the course's framework and this workflow.

    python -m workflow_scripts.convert_weights --to ours VGG_38_experiment/saved_models/train_model_99 model.safetensors
    python -m workflow_scripts.convert_weights --to course results/cw2/<cell>/model.safetensors train_model_0

No code in a checkpoint is run. Both networks give the same outputs. Residual connections have no weights of their own,
so the weights do not show whether a network has them.
"""

from pathlib import Path

from workflow_scripts.engine import commands
from workflow_scripts.engine.course import weights

WAYS = {
    "ours": (weights.load_course, weights.to_ours, weights.save_ours),
    "course": (weights.load_ours, weights.to_course, weights.save_course),
}
BLOCKS = {"plain": "plain or rc", "bn": "bn or bn_rc"}  # the weights do not tell which


def main():
    """Read, rename, write."""
    parser = commands.parser("convert_weights", __doc__)
    parser.add_argument("--to", choices=WAYS, required=True, help="framework whose names and file format to write")
    parser.add_argument("source", type=Path, metavar="IN", help="a checkpoint of the framework, or a model.safetensors")
    parser.add_argument("out", type=Path, metavar="OUT", help="the file to write, in the other format")
    arguments = parser.parse_args()
    load, convert, save = WAYS[arguments.to]
    if arguments.source.is_dir():
        raise commands.UserError(f"{arguments.source}: expected a file, found a folder")
    state = load(arguments.source)
    try:
        converted = convert(state)
    except commands.UserError as error:
        raise commands.UserError(f"{arguments.source}: {error}") from None
    found = weights.describe(converted if arguments.to == "ours" else state)
    save(converted, arguments.out)
    print(f"{arguments.out}: {found.model} ({BLOCKS[found.block]}), {found.filters} filters, {found.classes} classes")


if __name__ == "__main__":
    commands.run(main)
