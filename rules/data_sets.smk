# The data sets: which are used, how each is fetched, what it is called.

from workflow_scripts.engine.sources import listing


def dataset_flags(name, idle=False):
    """The flags of fetch_data for a data set; with `idle`, those that change no image, otherwise the others.

    Official files have a known SHA-256, wherever they are from.
    """
    dataset = SETTINGS.datasets[name]
    idle_keys = {"title", "mirrors"} | ({"path"} if dataset.source != "folder" else set())
    values = dataset.model_dump(mode="json", exclude_none=True, **{"include" if idle else "exclude": idle_keys})
    mirrors = [word for mirror in values.pop("mirrors", []) for word in ("--mirror", mirror)]
    return [word for key, value in values.items() for word in (f"--{key.replace('_', '-')}", str(value))] + mirrors


def followed(name):
    """The original, as a list, of a data set that is remade when it changes; if it is gone, the data set stays.

    For a folder, the listing says more than its time, which may change when somebody only looks into it.
    """
    dataset = SETTINGS.datasets[name]
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
