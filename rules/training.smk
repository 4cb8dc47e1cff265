# Train one cell of a study: everything about it comes from its record.


rule train_cell:
    input:
        data=lambda wildcards: f"results/data/{the_cell(wildcards).dataset}.npz",
    output:
        [f"results/{{study}}/{{cell}}/{name}" for name in cells.FILES],
    log:
        "results/logs/{study}/{cell}.log",
    benchmark:
        "results/benchmarks/{study}/{cell}.tsv"
    conda:
        "../envs/train.yaml"
    threads: lambda wildcards: the_cell(wildcards).threads
    # `device` and what follows change no result: as params they would train everything again when they change
    resources:
        gpu=GPUS_PER_CELL,
        device=SETTINGS.device,
        gpu_share=SETTINGS.gpu_share,
        checkpoint_seconds=SETTINGS.checkpoint_seconds,
        tensorboard="tensorboard" if SETTINGS.tensorboard else "no-tensorboard",
    params:
        flags=train_flags,
        record=lambda wildcards: the_cell(wildcards).model_dump_json(),
        code=lambda wildcards: cells.code_digest(the_cell(wildcards), measured(wildcards)),
        checkpoint=lambda wildcards: f"results/.checkpoints/{wildcards.study}-{cells.record_digest(the_cell(wildcards))[:16]}",
    message:
        "Training {wildcards.cell} ({wildcards.study})"
    shell:
        "python -m workflow_scripts.train_cell --data {input.data} --out results/{wildcards.study}/{wildcards.cell}"
        " --checkpoint {params.checkpoint} --checkpoint-seconds {resources.checkpoint_seconds}"
        " --device {resources.device} --gpu-share {resources.gpu_share} --{resources.tensorboard} {params.flags:q} 2> {log}"
