# Fetch, verify and decode: one rule per data set, one array file each.


def dataset_flags(dataset):
    """The flags of fetch_data for a `datasets` entry of the configuration."""
    values = dataset.model_dump(mode="json", exclude_none=True)
    mirrors = [word for mirror in values.pop("mirrors") for word in ("--mirror", mirror)]
    return [word for key, value in values.items() for word in (f"--{key.replace('_', '-')}", str(value))] + mirrors


for dataset_name, dataset in SETTINGS.datasets.items():

    rule:
        name:
            f"data_{dataset_name}"
        input:
            [dataset.path] if dataset.path and dataset.path.exists() else [],
        output:
            f"results/data/{dataset_name}.npz",
        log:
            f"results/logs/data/{dataset_name}.log",
        localrule: True
        conda:
            "../envs/data.yaml"
        params:
            name=dataset_name,
            flags=dataset_flags(dataset),
            code=digest("fetch_data", source=dataset.source),
        message:
            f"Fetching and decoding the data set {dataset_name}"
        shell:
            "python -m workflow_scripts.fetch_data --name {params.name} {params.flags:q} --out {output} 2> >(tee {log} >&2)"
