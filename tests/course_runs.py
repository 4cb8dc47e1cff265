"""What the course hands out: the arguments of its script, and experiment folders."""

from workflow_scripts.engine.course import folders

SCRIPT = (  # run_vgg_08_default.sh of the course, without its first word
    "--batch_size 100 --seed 0 --num_filters 32 --num_stages 3 --num_blocks_per_stage 0 "
    "--experiment_name VGG_08_experiment --use_gpu True --num_classes 100 --block_type 'conv_block' "
    "--continue_from_epoch -1"
)
SMALL = {"image_height": 8, "image_width": 8, "num_classes": 10, "num_filters": 8, "num_epochs": 2, "use_gpu": False}
DIGITS = [word for key, value in SMALL.items() for word in (f"--{key}", str(value))]
HEADERS = {folders.SUMMARY: "train_acc,train_loss,val_acc,val_loss", folders.TEST_SUMMARY: "test_acc,test_loss"}


def handed_out(folder, epochs=((0.1, 4.5, 0.1, 4.4), (0.3, 3.0, 0.25, 3.2)), test=(0.24, 3.3), header=None, end="\r\n"):
    """An experiment folder as the course's framework writes it, with these metrics."""
    for name, rows in {folders.SUMMARY: epochs, folders.TEST_SUMMARY: [test] if test else []}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        first = header if header and name == folders.SUMMARY else HEADERS[name]
        (folder / name).write_text(end.join([first, *(",".join(map(str, row)) for row in rows), ""]), newline="")
    return folder
