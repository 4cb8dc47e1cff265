# Train one cell of a study: everything about it comes from its record.


def has_gpu():
    """Whether training jobs of this machine run on a GPU; decided without importing PyTorch."""
    return SETTINGS.device == "cuda" or (SETTINGS.device == "auto" and os.path.exists("/proc/driver/nvidia/gpus"))


# Not a param: none of these changes a result, so changing one must not train anything again.
RUN_FLAGS = f"--device {SETTINGS.device} --checkpoint-seconds {SETTINGS.checkpoint_seconds:g}"
if SETTINGS.tensorboard:
    RUN_FLAGS += " --tensorboard"


rule train_cell:
    input:
        data=lambda wildcards: f"results/data/{the_cell(wildcards).dataset}.npz",
    output:
        [f"results/{{study}}/{{cell}}/{name}" for name in cells.FILES],
    params:
        flags=lambda wildcards: cells.flags(the_cell(wildcards)),
        record=lambda wildcards: the_cell(wildcards).model_dump_json(),
        code=lambda wildcards: cells.code_digest(the_cell(wildcards)),
        checkpoint=lambda wildcards: f"results/.checkpoints/{wildcards.study}-{cells.record_digest(the_cell(wildcards))[:16]}",
    threads: lambda wildcards: the_cell(wildcards).threads
    resources:
        gpu=1 if has_gpu() else 0,
    log:
        "results/logs/{study}/{cell}.log",
    benchmark:
        "results/benchmarks/{study}/{cell}.tsv"
    conda:
        "../envs/train.yaml"
    message:
        "Training {wildcards.cell} ({wildcards.study})"
    shell:
        "python -m workflow_scripts.train_cell --data {input.data} --out results/{wildcards.study}/{wildcards.cell}"
        " --checkpoint {params.checkpoint} {RUN_FLAGS} {params.flags:q} 2> {log}"
