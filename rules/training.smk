# Train the cells of the studies, alone or in bundles; everything about a cell comes from its record.

from workflow_scripts.engine.configuration import cells
from workflow_scripts.engine.runs import manifests


rule train_cell:
    input:
        data=data_of,
    output:
        # not deleted before the job: it trains nothing if they are of the same record, code and data
        [lasting(f"results/{{study}}/{{cell}}/{name}") for name in cells.FILES],
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
        flags=lambda wildcards: flags.training(PLAN, wildcards.study, wildcards.cell),
        code=lambda wildcards: PLAN.cell_code(wildcards.study, wildcards.cell),
    message:
        "Training {wildcards.cell} ({wildcards.study})"
    shell:
        "python -P -m workflow_scripts.train_cell --data {input.data} --out results/{wildcards.study}/{wildcards.cell}"
        " $GRADSCAPE_COMPUTING $GRADSCAPE_REPORTING {params.flags} 2> {log}"


rule train_bundle:
    input:
        data=data_of,
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
        orders=lambda wildcards: [PLAN.order(wildcards.study, name).to_json() for name in the_bundle(wildcards)],
        code=lambda wildcards: PLAN.bundle_code(wildcards.study, wildcards.cell),
    message:
        f"Training up to {SETTINGS.cells_per_job} cells from {{wildcards.cell}} on ({{wildcards.study}})"
    shell:
        "printf '%s\\n' {params.orders:q} | python -P -m workflow_scripts.train_bundle --data {input.data} --out {output}"
        " --logs results/logs/{wildcards.study} $GRADSCAPE_COMPUTING $GRADSCAPE_REPORTING 2> {log}"


# {rule that trains: which cells of the study in the wildcards}, by the rules' names in the workflow that uses this one
# as a module, if there is one.
TRAINED_BY = {
    rules.train_cell.rule.name: lambda wildcards: [wildcards.cell],
    rules.train_bundle.rule.name: the_bundle,
}
