# Train the cells of the studies; everything about a cell comes from its record.


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
    params:
        flags=train_flags,
        code=lambda wildcards: cells.code_digest(the_cell(wildcards), measured(wildcards.study, the_cell(wildcards))),
    message:
        "Training {wildcards.cell} ({wildcards.study})"
    shell:
        "python -P -m workflow_scripts.train_cell --data {input.data} --out results/{wildcards.study}/{wildcards.cell}"
        " $GRADSCAPE_COMPUTING $GRADSCAPE_REPORTING {params.flags} 2> {log}"


rule train_bundle:
    input:
        data=lambda wildcards: f"results/data/{the_cell(wildcards).dataset}.npz",
    output:
        manifests.path_of("{study}", "{cell}"),
    log:
        "results/logs/{study}/bundles/{cell}.log",
    benchmark:
        "results/benchmarks/{study}/bundles/{cell}.tsv"
    conda:
        "../envs/train.yaml"
    threads: lambda wildcards: the_cell(wildcards).threads
    resources:
        gpu=GPUS_PER_CELL,
    params:
        orders=lambda wildcards: list(orders(wildcards)),
        test=lambda wildcards: test_flags(wildcards.study),
        code=bundle_code,
    message:
        f"Training up to {SETTINGS.cells_per_job} cells from {{wildcards.cell}} on ({{wildcards.study}})"
    shell:
        "printf '%s\\n' {params.orders:q} | python -P -m workflow_scripts.train_bundle --data {input.data} --out {output}"
        " --logs results/logs/{wildcards.study} $GRADSCAPE_COMPUTING $GRADSCAPE_REPORTING {params.test} 2> {log}"


# {rule that trains: which cells of the study in the wildcards}, by the rules' names in the workflow that uses this one
# as a module, if there is one.
TRAINED_BY = {
    rules.train_cell.rule.name: lambda wildcards: [wildcards.cell],
    rules.train_bundle.rule.name: lambda wildcards: BUNDLES[wildcards.study][wildcards.cell],
}
