# Train one cell of a study: everything about it comes from its record.

# flags that change no result, as those of COMPUTING
REPORTING = f"--checkpoint-seconds {SETTINGS.checkpoint_seconds} --{'' if SETTINGS.tensorboard else 'no-'}tensorboard"


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
    resources:
        gpu=GPUS_PER_CELL,
        computing=f"{COMPUTING} {REPORTING}",
    params:
        flags=train_flags,
        code=lambda wildcards: cells.code_digest(the_cell(wildcards), measured(wildcards)),
    message:
        "Training {wildcards.cell} ({wildcards.study})"
    shell:
        "python -m workflow_scripts.train_cell --data {input.data} --out results/{wildcards.study}/{wildcards.cell}"
        " {resources.computing} {params.flags} 2> {log}"
