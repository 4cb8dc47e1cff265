# Fetch, verify and decode: one rule and one file of arrays per data set.

from workflow_scripts.engine.sources import listing


def dataset_flags(dataset, **keys):
    """The flags of fetch_data for a `datasets` entry of the configuration; `keys`: include={...} or exclude={...}."""
    values = dataset.model_dump(mode="json", exclude_none=True, **keys)
    mirrors = [word for mirror in values.pop("mirrors", []) for word in ("--mirror", mirror)]
    return [word for key, value in values.items() for word in (f"--{key.replace('_', '-')}", str(value))] + mirrors


def idle_keys(dataset):
    """Keys of a `datasets` entry that change no image: official files have a known SHA-256, wherever they are from."""
    return {"title", "mirrors"} | ({"path"} if dataset.source != "folder" else set())


def followed(name, dataset):
    """The original, as a list, of a data set that is remade when it changes; if it is gone, the data set stays.

    For a folder, the listing says more than its time, which may change when somebody only looks into it.
    """
    path, made = dataset.path, f"results/data/{name}.npz"
    if dataset.source != "folder" or not path or not (path.exists() or os.path.exists(made)):
        return []
    return [ancient(path)] if path.is_dir() else [path]


def titles(names):
    """The flag with the titles of the data sets of these names, as a list of words."""
    called = {name: SETTINGS.datasets[name].title for name in sorted(names)}
    return ["--titles", json.dumps({name: title for name, title in called.items() if title})]


# The data sets that are used; the configuration may list others.
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
            # as params they would cause everything to be remade when they change
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
