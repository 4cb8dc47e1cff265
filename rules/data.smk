# Fetch, verify and decode: one file of arrays per data set.

from workflow_scripts.engine.sources import listing


rule fetch_data:
    input:
        followed,
    output:
        "results/data/{dataset}.npz",
    log:
        "results/logs/data/{dataset}.log",
    wildcard_constraints:
        dataset=one_of(SETTINGS.datasets),
    localrule: True
    conda:
        "../envs/data.yaml"
    resources:
        # as params they would cause everything to be remade when they change
        unseen=lambda wildcards: shlex.join(flags.dataset(SETTINGS.datasets[wildcards.dataset], unseen=True)),
    params:
        flags=lambda wildcards: flags.dataset(SETTINGS.datasets[wildcards.dataset]),
        listing=lambda wildcards: listing.listing_now(
            SETTINGS.datasets[wildcards.dataset], f"results/data/{wildcards.dataset}.npz"
        ),
        code=lambda wildcards: digest("fetch_data", source=SETTINGS.datasets[wildcards.dataset].source),
    message:
        "Fetching and decoding the data set {wildcards.dataset}"
    shell:
        "python -P -m workflow_scripts.fetch_data --name {wildcards.dataset} {params.flags:q} {resources.unseen} --out {output}"
        " 2> >(tee {log} >&2)"
