"""The study of Beras: its configuration, and its commands on real digits from the first run to the hand-in."""

import json
import re
import shutil
import subprocess
import sys
import zipfile

import numpy as np
import pandas as pd
import pytest
import yaml

from tests.conftest import ROOT, command, pdf_text
from workflow_scripts.engine import code, config, datasets, latex, notebooks, style
from workflow_scripts.engine.beras import (
    check,
    figures,
    findings,
    initializers,
    names,
    runs,
    submission,
    summary,
    variants,
)
from workflow_scripts.engine.commands import UserError

GOOD = {
    "datasets": {"digits28": {"source": "digits", "image_size": 28, "channels": 1}, "cifar10": {"source": "cifar10"}},
    "studies": {"cw2": {"grids": [{"dataset": "cifar10"}]}},
    "beras": {"dataset": "digits28"},
}


def test_the_default_is_the_brief():
    beras = config.load(yaml.safe_load((ROOT / "config.yaml").read_text())).beras
    assert beras == config.Beras()
    assert (beras.dataset, beras.epochs, beras.batch_size) == ("mnist", 10, 100)
    assert len(names.runs(beras)) == 3 * 13


def test_a_configuration_without_the_study_has_none():
    assert config.load({**GOOD, "beras": None}).beras is None
    assert config.load({key: value for key, value in GOOD.items() if key != "beras"}).beras is None


def test_what_is_compared_with_is_always_trained():
    beras = config.Beras(seeds=4, optimizers=["basic"], extras=[])
    assert list(names.runs(beras)) == [
        f"{variant}-seed4" for variant in ("simple", "simple_mean", "advanced", "optimizer-adam", "optimizer-basic")
    ]


BAD = {
    "unknown data set": ({"dataset": "mnsit"}, "beras.dataset is 'mnsit', which `datasets` does not define"),
    "unknown optimiser": ({"optimizers": ["lion"]}, "optimizers[0]: 'lion': unknown beras_optimizer; known: basic"),
    "unknown extra": ({"extras": ["magic"]}, "beras.extras[0]: 'magic': unknown beras_extra; known: dropout"),
    "no epochs": ({"epochs": 0}, "beras.epochs: 0: Input should be greater than or equal to 1"),
    "no batch": ({"batch_size": 0}, "beras.batch_size: 0: Input should be greater than or equal to 1"),
    "no seeds": ({"seeds": []}, "beras.seeds: expected at least one value"),
    "negative seed": ({"seeds": [0, -1]}, "beras.seeds[1]: -1: Input should be greater than or equal to 0"),
    "misspelt key": ({"optimisers": ["adam"]}, "beras.optimisers: unknown key; did you mean 'optimizers'?"),
    "true as a number": ({"epochs": True}, "beras.epochs: True: expected a number"),
    "flag": ({"flag_2470": "perhaps"}, "beras.flag_2470: 'perhaps'"),
}


@pytest.mark.parametrize(("section", "message"), BAD.values(), ids=BAD)
def test_a_mistake_in_the_section_is_one_clear_message(section, message):
    with pytest.raises(UserError) as error:
        config.load({**GOOD, "beras": {**GOOD["beras"], **section}})
    assert message in str(error.value) and len(str(error.value).splitlines()) == 2


def test_no_other_study_takes_its_folder():
    with pytest.raises(UserError, match=r"studies\.beras: results/beras belongs to"):
        config.load({**GOOD, "studies": {"beras": GOOD["studies"]["cw2"]}})


@pytest.fixture(scope="module")
def data_file(tmp_path_factory):
    """The digits as the study takes them: 28 x 28 grey levels."""
    path = tmp_path_factory.mktemp("data") / "digits28.npz"
    described = ["--name", "digits28", "--source", "digits", "--image-size", 28, "--channels", 1]
    command("fetch_data", *described, "--out", path)
    return path


@pytest.fixture(scope="module")
def data(data_file):
    return datasets.load(data_file)


@pytest.fixture(scope="module")
def results(tmp_path_factory, data_file, data):
    """results/beras with every variant, two seeds and two epochs, and what table and report need."""
    folder = tmp_path_factory.mktemp("results") / "beras"
    planned = names.runs(config.Beras(seeds=[0, 1]))
    for name, (variant, seed) in planned.items():
        runs.write(runs.train(variant, data, epochs=2, batch_size=50, seed=seed), folder / name)
    summary.gather([folder / name for name in planned], folder / "summary")
    measured = folder / "initializers.csv", folder / "check.json"
    command("probe_initializers", "--data", data_file, "--images", 300, "--seeds", 0, 1, "--out", measured[0])
    command("check_beras", "--data", data_file, "--steps", 3, "--out", measured[1])
    for name, draw in figures.FIGURES.items():
        drawing, table = draw(folder, data)
        style.save(drawing, folder / f"figures/{name}.pdf", table)
    return folder


def test_a_run_holds_what_it_says(results, data):
    folder = results / "extra-dropout-seed1"
    assert {path.name for path in folder.iterdir()} == set(names.RUN)
    facts = json.loads((folder / "run.json").read_text())
    assert (facts["variant"], facts["seed"], facts["epochs"], facts["parameters"]) == ("extra-dropout", 1, 2, 203_530)
    history = pd.read_csv(folder / "history.csv")
    assert list(history) == ["epoch", "train_loss", "train_acc", "test_loss", "test_acc"]
    assert history["test_acc"].iloc[-1] == facts["test_acc"]
    with np.load(folder / "steps.npz") as steps, np.load(folder / "predictions.npz") as predictions:
        assert len(steps["train_loss"]) == len(steps["train_acc"]) == 2 * 30
        assert history["train_loss"][1] == pytest.approx(steps["train_loss"][30:].mean())
        predicted, probability = predictions["predicted"], predictions["probability"]
    model = variants.build("extra-dropout", variants.Plan(2, 50, 1500))
    model.load_weights(folder / "weights.npz")
    for part, (inputs, labels) in zip(("train", "test"), runs.samples(data), strict=True):
        outputs = model(inputs)
        assert facts[f"{part}_images"] == len(outputs) and (inputs.min(), inputs.max()) == (0, 1)
        assert facts[f"{part}_acc"] == pytest.approx((outputs.argmax(1) == labels.argmax(1)).mean())
    np.testing.assert_array_equal(predicted, outputs.argmax(1))
    np.testing.assert_allclose(probability, outputs.max(1), rtol=1e-5)


def test_the_same_variant_gives_the_same_bits(results, data_file, tmp_path):
    flags = ["--variant", "extra-dropout", "--seed", 1, "--epochs", 2, "--batch-size", 50]
    command("train_beras", "--data", data_file, *flags, "--out", tmp_path / "again")
    for name in names.RUN[1:]:  # run.json has the seconds
        assert (tmp_path / "again" / name).read_bytes() == (results / "extra-dropout-seed1" / name).read_bytes()


def test_variants_are_what_they_are_called():
    plan = variants.Plan(epochs=2, batch_size=50, samples=120)
    optimizers = {name: variants.build(name, plan).optimizer for name in names.known()}
    assert [name for name, optimizer in optimizers.items() if getattr(optimizer, "amsgrad", False)] == [
        "optimizer-amsgrad"
    ]
    assert optimizers["simple_mean"].learning_rate == pytest.approx(optimizers["simple"].learning_rate / 10)
    for name in ("advanced", "extra-cosine"):  # six steps, of which the short last batches are two
        rate = optimizers[name].learning_rate
        assert rate(5) > rate(6) == 0


def test_optimisers_and_extras_start_from_the_same_weights(data):
    first = [
        runs.train(variant, data, epochs=1, batch_size=1500, seed=3).steps["train_loss"][0]
        for variant in ("optimizer-basic", "optimizer-rmsprop", "optimizer-adam", "extra-cosine", "extra-batch_norm")
    ]
    assert len(set(first[:4])) == 1 and first[4] != first[0]


def test_the_summary_has_every_run(results):
    study = summary.load(results / "summary")
    assert len(study.runs) == 2 * 13 and len(study.history) == 2 * 2 * 13
    rows = summary.over_seeds(study.runs).set_index("variant")
    assert list(rows.index) == names.known()
    alone = study.runs[study.runs["variant"] == "advanced"]["test_acc"]
    assert rows.loc["advanced", "test_acc"] == pytest.approx(alone.mean())
    assert rows.loc["advanced", "test_acc_std"] == pytest.approx(alone.std())
    curve = study.losses[study.losses["run"] == "simple-seed0"]
    assert curve["step"].is_monotonic_increasing and len(curve) <= summary.POINTS
    with np.load(results / "simple-seed0/steps.npz") as steps:
        assert curve["train_loss"].iloc[0] == pytest.approx(steps["train_loss"][0])


def test_the_table_names_every_variant(results, tmp_path):
    command("make_beras_table", "--summary", results / "summary", "--out", tmp_path / "table1.csv")
    text = (tmp_path / "table1.txt").read_text()
    for word in ("advanced", "RMSProp", "skip connection", "digits (scikit-learn), after 2 epochs", "over 2 seeds"):
        assert word in text
    assert len(pd.read_csv(tmp_path / "table1.csv")) == 13
    (line,) = (line for line in text.splitlines() if line.startswith("advanced"))
    means = (
        pd.read_csv(results / "summary/runs.csv").groupby("variant")[["train_acc", "test_acc"]].mean().loc["advanced"]
    )
    assert re.findall(r"([\d.]+) ± ", line)[:2] == [f"{100 * mean:.2f}" for mean in means]


FIGURES = {
    "initializers": {"initializer", "depth", "variance", "predicted"},
    "optimizers": {"variant", "step", "train_loss", "train_loss_std"},
    "models": {"variant", "epoch", "test_acc", "train_acc", "test_acc_std", "train_acc_std"},
    "ablation": {"variant", "seed", "test_acc"},
    "predictions": {"image", "label", "predicted", "probability"},
}


@pytest.mark.parametrize(("figure", "columns"), FIGURES.items(), ids=FIGURES)
def test_a_figure_is_drawn_with_its_data(results, figure, columns):
    assert (results / f"figures/{figure}.pdf").read_bytes().startswith(b"%PDF")
    assert set(pd.read_csv(results / f"figures/{figure}.csv")) == columns


def test_figures_show_what_came_after_each_epoch_and_first_what_is_right(results):
    models, predictions = (pd.read_csv(results / f"figures/{name}.csv") for name in ("models", "predictions"))
    assert set(models["epoch"]) == {1, 2}
    right = predictions["label"] == predictions["predicted"]
    assert right.tolist() == [True] * figures.SHOWN + [False] * (len(right) - figures.SHOWN)


def test_optimisers_that_go_alike_can_be_told_apart(results, data):
    figure, _ = figures.optimizers(results, data)
    adam, amsgrad = figure.axes[0].lines[-2:]  # whose losses hardly differ
    assert adam.get_linestyle() != amsgrad.get_linestyle()


def test_figures_are_drawn_by_their_command(results, data_file, tmp_path):
    flags = ["--results", results, "--data", data_file, "--out", tmp_path / "predictions.pdf"]
    command("plot_beras", "--figure", "predictions", *flags)
    assert (tmp_path / "predictions.pdf").read_bytes() == (results / "figures/predictions.pdf").read_bytes()


def test_initialisers_do_what_is_predicted(data):
    (inputs, _), _ = runs.samples(data)
    table = pd.DataFrame(initializers.probe(inputs[:300], range(5), depth=10), columns=initializers.COLUMNS)
    last = table[table["depth"] == 10].groupby("initializer")[["variance", "predicted"]].mean()
    assert last.loc["zero", "variance"] == 0
    for name in ("normal", "xavier", "kaiming"):
        assert 0.3 < last.loc[name, "variance"] / last.loc[name, "predicted"] < 3
    assert initializers.factor("kaiming", 256) == pytest.approx(1)
    assert initializers.factor("xavier", 256) == pytest.approx(1 / 2)
    assert initializers.factor("normal", 256) == 128


def test_beras_agrees_with_pytorch(results):
    found = json.loads((results / "check.json").read_text())
    assert set(found["models"]) == set(check.MODELS)
    for model in found["models"].values():
        assert model["loss"] < 1e-12
        assert all(max(weight["gradient"], weight["weight"]) < 1e-10 for weight in model["weights"])
    walk = found["models"]["advanced"]["shapes"]
    assert [step["layer"] for step in walk] == [
        *("CategoricalCrossentropy", "Softmax", "Dense", "Dropout", "LeakyReLU", "Dense")
    ]
    assert walk[-1] == {"layer": "Dense", "J": [100, 256], "jacobian": [784, 256], "grads": [[784, 256], [256]]}


WRONG = {
    "unknown variant": (["--variant", "extra-magic"], "unknown variant 'extra-magic'; known: simple, "),
    "batch larger than the data": (
        ["--variant", "simple", "--batch-size", "1501"],
        "batch_size is 1501, but there are only 1500 training images",
    ),
    "no epochs": (["--variant", "simple", "--epochs", "0"], "epochs: 0: Input should be greater than or equal to 1"),
}


@pytest.mark.parametrize(("flags", "message"), WRONG.values(), ids=WRONG)
def test_a_run_that_cannot_be_is_refused(refused, data_file, tmp_path, flags, message):
    assert message in refused("train_beras", "--data", data_file, "--out", tmp_path / "run", *flags)
    assert not (tmp_path / "run").exists()


def test_images_of_another_size_are_refused(refused, digits_file, tmp_path):
    message = refused("train_beras", "--data", digits_file, "--variant", "simple", "--out", tmp_path)
    assert "images of 3 x 8 x 8" in message and "set the data set's image_size to 28 and its channels to 1" in message


def test_a_damaged_run_is_named(refused, results, tmp_path, monkeypatch):
    shutil.copytree(results / "simple-seed0", tmp_path / "simple-seed0")
    (tmp_path / "simple-seed0/run.json").write_text('{"variant"')
    with pytest.raises(UserError, match=r"simple-seed0/run\.json is damaged"):
        summary.gather([tmp_path / "simple-seed0"], tmp_path / "summary")
    assert "runs.csv: expected a file that summarise_beras writes" in refused(
        "make_beras_table", "--summary", tmp_path, "--out", tmp_path / "table1.csv"
    )


def test_pictures_need_the_data(refused, results, tmp_path):
    flags = ["--figure", "predictions", "--results", results, "--out", tmp_path / "predictions.pdf"]
    assert "--data: expected the data set whose images" in refused("plot_beras", *flags)


def rewritten(results, folder, **changes):
    """A copy of the study's tables in which each function of `changes` has been at the table or file of its name."""
    parts = ("summary", "figures", "initializers.csv", "check.json")
    for part in parts:
        copy = shutil.copytree if (results / part).is_dir() else shutil.copy
        copy(results / part, folder / part)
    places = {"runs": "summary/runs.csv", "dataset": "summary/dataset.json", "check": "check.json"}
    places["predictions"] = "figures/predictions.csv"
    for name, change in changes.items():
        path = folder / places[name]
        if path.suffix == ".csv":
            change(pd.read_csv(path)).to_csv(path, index=False)
        else:
            path.write_text(json.dumps(change(json.loads(path.read_text()))))
    return folder


def accurate(**accuracies):
    """A change of the runs: these test accuracies by variant, about 0.01 apart between the two seeds."""

    def change(table):
        for place, (variant, accuracy) in enumerate(accuracies.items()):
            rows = table["variant"] == variant.replace("__", "-")
            table.loc[rows, "test_acc"] = accuracy + (0.01 + 0.0001 * place) * table.loc[rows, "seed"]
        return table

    return change


def on_mnist(meta):
    return {**meta, "source": "mnist", "title": "MNIST", "embedded": False}


def far_apart(found):
    found["models"]["simple"]["weights"][0]["gradient"] = 1e-3
    return found


def the_same(shift):
    """Extras all alike but for dropout, which is `shift` above the network without."""
    extras = {f"extra__{name}": 0.5 for name in ("l1", "l2", "cosine", "batch_norm", "skip")}
    return accurate(optimizer__adam=0.5, extra__dropout=0.5 + shift, **extras)


SENTENCES = {
    # scenario: (changes, what must be said, what must not)
    "demonstration": (
        {},
        ["Demonstration run", r"\citep{kaynak1998,pedregosa2011}", "2 epochs, 2 seeds", "This is rounding"],
        ["The brief asks for", "more than rounding"],
    ),
    "MNIST, both bars met": (
        {"dataset": on_mnist, "runs": accurate(simple=0.9, advanced=0.98)},
        ["The brief asks for", "both are met", r"\citep{lecun1998}", "points higher than that of the simple model"],
        ["Demonstration run", "neither is met"],
    ),
    "MNIST, a bar missed": (
        {"dataset": on_mnist, "runs": accurate(simple=0.8, advanced=0.96)},
        ["the second is met, the first is not"],
        ["both are met"],
    ),
    "the simple model is better": (
        {"runs": accurate(simple=0.9, advanced=0.6)},
        ["points lower than that of the simple model"],
        ["points higher than that of the simple model"],
    ),
    "an extra helps": (
        {"runs": the_same(0.2)},
        ["It is higher than without an extra with dropout.", "not to be told from it with L1 penalty, L2 penalty"],
        ["lower than without an extra"],
    ),
    "an extra harms": ({"runs": the_same(-0.2)}, ["It is lower than without an extra with dropout."], ["It is higher"]),
    "no extra matters": ({"runs": the_same(0)}, ["not to be told from it with dropout"], ["It is "]),
    "one seed": (
        {"runs": lambda table: the_same(-0.2)(table)[lambda table: table["seed"] == 0]},
        ["the spread between repetitions is unknown", "With dropout it ended 20.0 points below that of the network"],
        [r"\,$\pm$\,", "standard errors", "It is lower"],
    ),
    "a tie of one seed": (
        {"runs": lambda table: the_same(0)(table)[lambda table: table["seed"] == 0]},
        ["With dropout it ended level with that of the network without"],
        ["ended 0.0 points"],
    ),
    "no extras": (
        {"runs": lambda table: table[~table["variant"].str.startswith("extra")]},
        ["This run added none"],
        [r"\gradfigure{ablation}", "tab:extras"],
    ),
    "PyTorch disagrees": ({"check": far_apart}, ["This is more than rounding"], ["This is rounding"]),
    "no mistake": (
        {"predictions": lambda table: table.assign(predicted=table["label"])},
        ["it makes no mistake"],
        ["some that it gets wrong"],
    ),
}


@pytest.mark.parametrize(("changes", "said", "unsaid"), SENTENCES.values(), ids=SENTENCES)
def test_the_report_says_what_the_run_shows(results, tmp_path, changes, said, unsaid):
    facts = findings.context(rewritten(results, tmp_path, **changes)) | {"student_number": "s1234567"}
    text = " ".join(latex.render(ROOT / "report/beras-template.tex.j2", facts).split())
    for sentence in said:
        assert sentence in text
    for sentence in unsaid:
        assert sentence not in text


def test_a_study_without_a_model_is_refused(results, tmp_path):
    folder = rewritten(results, tmp_path, runs=lambda table: table[table["variant"] != "advanced"])
    with pytest.raises(UserError, match="expected runs of advanced, found none"):
        findings.context(folder)


needs_latex = pytest.mark.skipif(not shutil.which("latexmk"), reason="latexmk is not installed")


@needs_latex
def test_the_report_is_typeset(results, tmp_path):
    template = ROOT / "report/beras-template.tex.j2"
    command("fill_beras_report", "--results", results, "--template", template, "--out", tmp_path / "latex")
    done = command("compile_report", tmp_path / "latex/beras-template.tex", "--out", tmp_path / "beras.pdf")
    assert (tmp_path / "beras.pdf").read_bytes().startswith(b"%PDF") and "overfull" not in done.stderr
    for page in pdf_text(tmp_path / "beras.pdf", "-bbox").split("<page ")[1:]:
        lines = [float(y) for y in re.findall(r'yMax="([\d.]+)"', page)]
        assert sum(y > max(lines) - 10 for y in lines) == 1, "the page's number stands alone below the text"


def test_the_hand_in_is_the_briefs_tree_and_the_same_bits(results, tmp_path):
    archives = [tmp_path / name for name in ("first.zip", "second.zip", "flag.zip")]
    for archive in archives:
        flags = ["--flag-2470"] if archive.stem == "flag" else []
        command("pack_beras", "--summary", results / "summary", *flags, "--out", archive)
    assert archives[0].read_bytes() == archives[1].read_bytes()
    with zipfile.ZipFile(archives[0]) as plain, zipfile.ZipFile(archives[2]) as flagged:
        found = set(plain.namelist())
        readme = plain.read("hw2/README.md").decode()
        assert set(flagged.namelist()) - found == {"hw2/code/2470student"}
        assert flagged.read("hw2/code/2470student") == b""
    beras = {f"hw2/code/Beras/{path.name}" for path in (ROOT / "models/Beras").glob("*.py")}
    assert found == beras | {f"hw2/code/{name}" for name in submission.COMMANDS} | {"hw2/README.md"}
    accuracies = pd.read_csv(results / "summary/runs.csv").groupby("variant")["test_acc"].mean()
    for model in ("simple", "advanced"):
        assert re.search(rf"\| {model} \| [\d,]+ \| {accuracies[model]:.2%} ±", readme)
    assert "not MNIST" in readme and "Known bugs" in readme


def test_the_digest_of_a_folder_sees_code_and_no_comments(tmp_path):
    def digest(text):
        (tmp_path / "module.py").write_text(text)
        code.folder_digest.cache_clear()
        return code.folder_digest(tmp_path)

    assert digest('"""Says."""\nx = 1  # one\n') == digest("x = 1\n") != digest("x = 2\n")


@pytest.fixture(scope="module")
def explored(tmp_path_factory):
    """The LaTeX of the exploration notebook, which has run to get there."""
    out = tmp_path_factory.mktemp("notebook") / "notebook.tex"
    source, template = ROOT / "notebooks/beras_exploration.py", ROOT / "report/notebook.tex.j2"
    command("export_notebook", source, "--template", template, "--out", out)
    return out


def test_the_exploration_notebook_runs_to_its_end(explored):
    text = explored.read_text()
    assert "every piece agrees" in text.split(r"\begin{Output}")[-1]
    assert (explored.parent / "picture0.pdf").read_bytes().startswith(b"%PDF")


def test_the_exploration_notebook_fits_its_page():
    lines = (ROOT / "notebooks/beras_exploration.py").read_text().splitlines()
    assert max(len(line) for line in lines if not line.startswith("#")) <= 112, "verbatim lines are not broken"


@needs_latex
def test_the_exploration_notebook_is_typeset(explored, tmp_path):
    done = command("compile_report", explored, "--out", tmp_path / "exploration.pdf")
    assert (tmp_path / "exploration.pdf").read_bytes().startswith(b"%PDF") and "overfull" not in done.stderr


def test_what_a_cell_prints_is_one_output_whenever_it_came(tmp_path):
    source = tmp_path / "slow.py"
    source.write_text(
        "# %%\nimport time\n\nfor word in 'one', 'two':\n    print(word, flush=True)\n    time.sleep(0.5)\n"
    )
    facts, _ = notebooks.context(notebooks.executed(source, []))
    assert [part.tex for part in facts["parts"] if part.kind == "output"] == ["one\ntwo"]


def test_a_cell_that_fails_is_named(refused, tmp_path):
    (tmp_path / "notebook.py").write_text('# %%\nx = 1\n\n# %%\nassert x == 2, "no 2"\n')
    flags = ["--template", ROOT / "report/notebook.tex.j2", "--out", tmp_path / "notebook.tex"]
    message = refused("export_notebook", tmp_path / "notebook.py", *flags)
    assert message.endswith("the cell that begins with 'assert x == 2, \"no 2\"' failed: AssertionError: no 2")
    assert not (tmp_path / "notebook.tex").exists()


def test_a_notebook_that_is_missing_is_named(refused, tmp_path):
    flags = ["--template", ROOT / "report/notebook.tex.j2", "--out", tmp_path / "notebook.tex"]
    assert "nothing.py: expected a notebook, found none" in refused("export_notebook", tmp_path / "nothing.py", *flags)


def test_the_rules_lead_from_the_data_to_report_notebook_and_hand_in(tmp_path):
    (tmp_path / "config.yaml").write_text(yaml.safe_dump({**GOOD, "beras": {**GOOD["beras"], "flag_2470": True}}))
    targets = ["report/beras.pdf", "report/beras-exploration.pdf", "submission/hw2.zip"]
    arguments = ["-s", ROOT / "Snakefile", "--directory", tmp_path, "--cores", "1", "-n", "-p", *targets]
    done = subprocess.run([sys.executable, "-m", "snakemake", *arguments], cwd=tmp_path, capture_output=True, text=True)
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    jobs = dict(line.split() for line in said.splitlines() if re.fullmatch(r"\w+ +\d+", line))
    assert jobs["train_beras"] == "39"
    assert re.search(r"^  beras +39 cells, +39 to train, +390 epochs, FLOP unknown$", said, re.MULTILINE)
    for rule in ("data_digits28", "check_beras", "predictions_beras", "fill_beras", "explore_beras", "hw2"):
        assert jobs[rule] == "1"
    assert "pack_beras --summary results/beras/summary --flag-2470" in said
    assert "train_cell" not in jobs
