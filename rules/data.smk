# Fetch, verify and decode: one rule per data set, one array file each.

from workflow_scripts.engine.sources import listing


def dataset_flags(dataset, **keys):
    """The flags of fetch_data for a `datasets` entry of the configuration; `keys`: include={...} or exclude={...}."""
    values = dataset.model_dump(mode="json", exclude_none=True, **keys)
    mirrors = [word for mirror in values.pop("mirrors", []) for word in ("--mirror", mirror)]
    return [word for key, value in values.items() for word in (f"--{key.replace('_', '-')}", str(value))] + mirrors


def idle_keys(dataset):
    """Keys of a `datasets` entry that change no image: official files have their SHA-256, wherever they come from."""
    return {"title", "mirrors"} | ({"path"} if dataset.source != "folder" else set())


def followed(name, dataset):
    """The original of a data set that is made again when that changes, as a list; what was made of one that has gone stays.

    Of a folder the listing says more than its time, which changes when somebody looks into it.
    """
    path, made = dataset.path, f"results/data/{name}.npz"
    if dataset.source != "folder" or not path or not (path.exists() or os.path.exists(made)):
        return []
    return [ancient(path)] if path.is_dir() else [path]


def titles(names):
    """The flag that says what data sets of these names are called, as a list of words."""
    called = {name: SETTINGS.datasets[name].title for name in sorted(names)}
    return ["--titles", json.dumps({name: title for name, title in called.items() if title})]


# Those that are used: others may be listed.
DATASETS = {cell.dataset for grid in STUDIES.values() for cell in grid.values()} | ({BERAS.dataset} if BERAS else set())


for dataset_name, dataset in SETTINGS.datasets.items():

    rule:
        name:
            f"data_{dataset_name}"
        input:
            followed(dataset_name, dataset),
        output:
            f"results/data/{dataset_name}.npz",
        log:
            f"results/logs/data/{dataset_name}.log",
        localrule: True
        conda:
            "../envs/data.yaml"
        resources:
            # as params they would make everything again when they change
            idle=shlex.join(dataset_flags(dataset, include=idle_keys(dataset))),
        params:
            name=dataset_name,
            flags=dataset_flags(dataset, exclude=idle_keys(dataset)),
            listing=listing.listing_now(dataset, f"results/data/{dataset_name}.npz"),
            code=digest("fetch_data", source=dataset.source),
        message:
            f"Fetching and decoding the data set {dataset_name}"
        shell:
            "python -P -m workflow_scripts.fetch_data --name {params.name} {params.flags:q} {resources.idle} --out {output}"
            " 2> >(tee {log} >&2)"
