"""The study of Beras: its commands on real digits, from the first run to the report and the hand-in."""

import json
import re
import shutil
import subprocess
import sys
import zipfile

import numpy as np
import pandas as pd
import pytest
from matplotlib import colors

from tests.beras_scenarios import CONCLUSIONS, SENTENCES, rewritten
from tests.conftest import ROOT, command, pdf_text
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
from workflow_scripts.engine.configuration import config
from workflow_scripts.engine.data import datasets
from workflow_scripts.engine.figures import style
from workflow_scripts.engine.text import latex


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
    """results/beras with every variant, three seeds and two epochs, and everything table and report need."""
    folder = tmp_path_factory.mktemp("results") / "beras"
    planned = names.runs(config.Beras(seeds=[0, 1, 2]))
    for name, (variant, seed) in planned.items():
        runs.write(runs.train(variant, data, epochs=2, batch_size=50, seed=seed), folder / name)
    summary.gather([folder / name for name in planned], folder / "summary")
    measured = folder / "initializers.csv", folder / "check.json"
    command("probe_initializers", "--data", data_file, "--images", 300, "--seeds", 0, 1, 2, "--out", measured[0])
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
    for name in names.RUN[1:]:  # run.json contains seconds
        assert (tmp_path / "again" / name).read_bytes() == (results / "extra-dropout-seed1" / name).read_bytes()


def test_variants_are_what_they_are_called():
    plan = variants.Plan(epochs=2, batch_size=50, samples=120)
    optimizers = {name: variants.build(name, plan).optimizer for name in names.known()}
    assert [name for name, optimizer in optimizers.items() if getattr(optimizer, "amsgrad", False)] == [
        "optimizer-amsgrad"
    ]
    assert optimizers["simple_mean"].learning_rate == pytest.approx(optimizers["simple"].learning_rate / 10)
    for name in ("advanced", "extra-cosine"):  # six steps, two of which are the short last batches
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
    assert len(study.runs) == 3 * 13 and len(study.history) == 3 * 2 * 13
    rows = summary.over_seeds(study.runs).set_index("variant")
    assert list(rows.index) == names.known()
    curve = study.losses[study.losses["run"] == "simple-seed0"]
    assert curve["step"].is_monotonic_increasing and len(curve) <= summary.POINTS
    with np.load(results / "simple-seed0/steps.npz") as steps:
        assert curve["train_loss"].iloc[0] == pytest.approx(steps["train_loss"][0])
        first, last = (int(curve[end].iloc[-1]) for end in ("first", "last"))
        assert curve["train_loss"].iloc[-1] == pytest.approx(steps["train_loss"][first - 1 :].mean())
    assert last == 2 * 30 and (curve["first"].iloc[1:].to_numpy() == curve["last"].iloc[:-1] + 1).all()


def test_a_row_is_the_mean_and_the_deviation_of_its_seeds():
    values = [0.5, 0.6, 0.9]
    facts = dict.fromkeys(summary.RECORD, 1) | {"variant": "simple"} | dict.fromkeys(summary.METRICS, values)
    (row,) = summary.over_seeds(pd.DataFrame({"run": [*"abc"], "seed": range(3), **facts})).to_dict("records")
    assert row["finished"] == ["a", "b", "c"]
    for metric in summary.METRICS:
        assert (row[metric], row[f"{metric}_std"]) == pytest.approx((np.mean(values), np.std(values, ddof=1)))


def test_the_losses_told_are_the_last_points_of_the_figure(results):
    points = pd.read_csv(results / "figures/optimizers.csv").drop_duplicates("variant", keep="last")
    told = {row.variant: row.end_loss for row in findings.context(results)["optimizers"]}
    assert len(told) == 4
    for point in points.itertuples():
        assert told[point.variant] == pytest.approx((point.train_loss, point.train_loss_std))


def test_the_table_names_every_variant(results, tmp_path):
    command("make_beras_table", "--summary", results / "summary", "--out", tmp_path / "table1.csv")
    text = (tmp_path / "table1.txt").read_text()
    for word in ("advanced", "RMSProp", "skip connection", "digits (scikit-learn), after 2 epochs", "over 3 seeds"):
        assert word in text
    assert len(pd.read_csv(tmp_path / "table1.csv")) == 13
    (line,) = (line for line in text.splitlines() if line.startswith("advanced"))
    means = (
        pd.read_csv(results / "summary/runs.csv").groupby("variant")[["train_acc", "test_acc"]].mean().loc["advanced"]
    )
    assert re.findall(r"([\d.]+) ± ", line)[:2] == [f"{100 * mean:.1f}" for mean in means]


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
    assert set(models["epoch"]) == {0, 1}, "the first epoch is 0, as in the figures of every study"
    right = predictions["label"] == predictions["predicted"]
    assert right.tolist() == [True] * figures.SHOWN + [False] * (len(right) - figures.SHOWN)


def test_optimisers_that_go_alike_can_be_told_apart(results, data):
    figure, _ = figures.optimizers(results, data)
    adam, amsgrad = figure.axes[0].lines[-2:]  # their losses hardly differ
    assert adam.get_linestyle() != amsgrad.get_linestyle()
    brightness = [np.mean(colors.to_rgb(line.get_color())) for line in (adam, amsgrad)]
    assert abs(brightness[0] - brightness[1]) > 0.4


def test_the_legend_of_initialisers_has_only_what_is_drawn(results, data):
    figure, _ = figures.initializers(results, data)
    (legend,) = figure.legends
    told = {text.get_text().partition(" ")[0] for text in legend.get_texts()}
    assert told == {"normal", "xavier", "kaiming", "predicted"}


def test_a_mean_over_seeds_is_not_one_over_those_that_did_not_diverge(results, data, tmp_path):
    shutil.copytree(results / "summary", tmp_path / "summary")
    for table in ("losses", "runs"):
        path = tmp_path / f"summary/{table}.csv"
        frame = pd.read_csv(path)
        late = frame["step"] > 10 if table == "losses" else True
        frame.loc[(frame["run"] == "optimizer-adam-seed1") & late, "train_loss"] = np.nan
        frame.to_csv(path, index=False)
    _, shown = figures.optimizers(tmp_path, data)
    adam = shown[shown["variant"] == "optimizer-adam"]
    assert (adam["train_loss"].isna() == (adam["step"] > 10)).all()
    rows = summary.over_seeds(summary.load(tmp_path / "summary").runs).set_index("variant")
    assert rows["train_loss"].isna().sum() == 1 and np.isnan(rows.loc["optimizer-adam", "train_loss"])


def test_of_a_single_epoch_there_are_points(results, data, tmp_path):
    shutil.copytree(results / "summary", tmp_path / "summary")
    path = tmp_path / "summary/history.csv"
    pd.read_csv(path).query("epoch == 0").to_csv(path, index=False)
    figure, _ = figures.models(tmp_path, data)
    filled, hollow = ("o", False), ("o", True)
    assert [(line.get_marker(), line.get_markerfacecolor() == "white") for line in figure.axes[0].lines] == [
        *(filled, filled, filled, hollow, hollow, hollow),  # test and training accuracy of the three models
        *(filled, hollow),  # and the legend entries for both
    ]


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


def test_a_variance_told_follows_from_the_first_and_the_factor(results):
    told = {item.name: item for item in findings.context(results)["initializers"]}
    assert told["zero"].measured is None and told["zero"].last == 0
    for name, factor in (("normal", 128), ("xavier", 1 / 2), ("kaiming", 1)):
        item = told[name]
        assert item.predicted == pytest.approx(factor) and item.measured == pytest.approx(factor, rel=0.2)
        assert item.first * item.measured ** (item.depth - 1) == pytest.approx(item.last)


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


def test_the_rate_falls_over_the_steps_that_are_compared(data, monkeypatch):
    """Not over an epoch: with few images that ends earlier, and the other steps, at rate zero, compare nothing."""
    built = []
    monkeypatch.setattr(variants, "build", lambda *given, build=variants.build: built.append(build(*given)) or built[0])
    check.compare("advanced", [part[:100] for part in runs.samples(data)[0]], batch_size=50, steps=4, seed=0)
    rate = built[0].optimizer.learning_rate
    assert rate(3) > rate(4) == 0


WRONG = {
    "unknown variant": (["--variant", "extra-magic"], "unknown variant 'extra-magic'; known: simple, "),
    "batch larger than the data": (
        ["--variant", "simple", "--batch-size", "1501"],
        "batch_size is 1501, but there are only 1500 training images",
    ),
    "no epochs": (["--variant", "simple", "--epochs", "0"], "epochs: '0': Input should be greater than or equal to 1"),
}


@pytest.mark.parametrize(("flags", "message"), WRONG.values(), ids=WRONG)
def test_a_run_that_cannot_be_is_refused(refused, data_file, tmp_path, flags, message):
    assert message in refused("train_beras", "--data", data_file, "--out", tmp_path / "run", *flags)
    assert not (tmp_path / "run").exists()


def test_images_of_another_size_are_refused(refused, digits_file, tmp_path):
    message = refused("train_beras", "--data", digits_file, "--variant", "simple", "--out", tmp_path)
    assert "images of 3 x 8 x 8" in message and "set the data set's image_size to 28 and its channels to 1" in message


@pytest.mark.parametrize("text", ['{"variant"', "{}", "[]"])
def test_a_damaged_run_is_named(refused, results, tmp_path, text):
    run = tmp_path / "simple-seed0"
    shutil.copytree(results / "simple-seed0", run)
    (run / "run.json").write_text(text)
    with pytest.raises(UserError, match=f"{run}.* is damaged .*; delete {run}/run.json and run the workflow again"):
        summary.gather([run], tmp_path / "summary")
    assert "runs.csv: expected a file that `python -m workflow_scripts.summarise_beras` writes" in refused(
        "make_beras_table", "--summary", tmp_path, "--out", tmp_path / "table1.csv"
    )


def test_pictures_need_the_data(refused, results, tmp_path):
    flags = ["--figure", "predictions", "--results", results, "--out", tmp_path / "predictions.pdf"]
    assert "--data: expected the data set whose images" in refused("plot_beras", *flags)


@pytest.mark.parametrize(("changes", "said", "unsaid"), SENTENCES.values(), ids=SENTENCES)
def test_the_report_says_what_the_run_shows(results, tmp_path, changes, said, unsaid):
    facts = findings.context(rewritten(results, tmp_path, **changes)) | config.Report().model_dump()
    rendered = latex.render(ROOT / "report/beras-template.tex.j2", facts)
    assert not re.search(r"\n\s*\nTest accuracies", rendered), "they end a paragraph and are none of their own"
    text = " ".join(rendered.split())
    for sentence in said:
        assert sentence in text
    for sentence in unsaid:
        assert sentence not in text


@pytest.mark.parametrize(("changes", "said"), CONCLUSIONS.values(), ids=CONCLUSIONS)
def test_the_conclusion_is_the_runs(results, tmp_path, changes, said):
    facts = findings.context(rewritten(results, tmp_path, **changes)) | config.Report().model_dump()
    text = " ".join(latex.render(ROOT / "report/beras-template.tex.j2", facts).split())
    conclusion = text.partition(r"\section{Conclusion}")[2]
    for sentence in said:
        assert sentence in conclusion


def test_a_study_without_a_model_is_refused(results, tmp_path):
    folder = rewritten(results, tmp_path, runs=lambda table: table[table["variant"] != "advanced"])
    with pytest.raises(UserError, match="expected runs of advanced, found none"):
        findings.context(folder)


@pytest.mark.skipif(not shutil.which("latexmk"), reason="latexmk is not installed")
def test_the_report_is_typeset(results, tmp_path):
    template = ROOT / "report/beras-template.tex.j2"
    flags = ["--results", results, "--template", template, "--out", tmp_path / "latex"]
    command("fill_beras_report", *flags, "--author", "Li Hua, 22307130001")
    done = command("compile_report", tmp_path / "latex/beras-template.tex", "--out", tmp_path / "beras.pdf")
    assert (tmp_path / "beras.pdf").read_bytes().startswith(b"%PDF") and "overfull" not in done.stderr
    assert "Li Hua, 22307130001" in pdf_text(tmp_path / "beras.pdf")
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
        assert re.search(rf"\| {model} \| [\d,]+ \| {accuracies[model]:.1%} ±", readme)
    assert "not MNIST" in readme and "Known bugs" in readme
    assert "gives these numbers from the same data. (Another kind of processor" in readme, "promised for one kind only"
    assert "1,500 images to train and 297 to test: mean ± standard deviation over 3 seeds" in " ".join(readme.split())


def test_the_commands_of_the_hand_in_give_its_accuracies(results, data, tmp_path):
    archive = tmp_path / "hw2.zip"
    command("pack_beras", "--summary", results / "summary", "--out", archive)
    with zipfile.ZipFile(archive) as packed:
        packed.extractall(tmp_path)
    (tmp_path / "hw2/data").mkdir()
    for prefix, images, labels in (
        ("train", data.train_images, data.train_labels),
        ("t10k", data.test_images, data.test_labels),
    ):
        for ending, array in (("images-idx3-ubyte", images[..., 0]), ("labels-idx1-ubyte", labels.astype(np.uint8))):
            header = np.array([0x800 + array.ndim, *array.shape], ">i4")  # 0x800: of bytes
            (tmp_path / f"hw2/data/{prefix}-{ending}").write_bytes(header.tobytes() + array.tobytes())
    measured = pd.read_csv(results / "summary/runs.csv").set_index("run")["test_acc"]
    told = re.findall(
        r"^    python (assignment\.py --epochs .*)$", (tmp_path / "hw2/README.md").read_text(), re.MULTILINE
    )
    assert len(told) == 3
    for seed, flags in enumerate(told):
        run = [sys.executable, *flags.split()]
        done = subprocess.run(run, cwd=tmp_path / "hw2/code", capture_output=True, text=True, check=True)
        for model in ("simple", "advanced"):
            assert f"{model} model: test accuracy {measured[f'{model}-seed{seed}']:.2%}" in done.stdout
