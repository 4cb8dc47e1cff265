"""The study of Beras: its commands on real digits, its runs, summary and table, and what it refuses."""

import json
import re
import shutil

import numpy as np
import pandas as pd
import pytest

from tests.conftest import command
from workflow_scripts.engine.beras import check, findings, initializers, names, runs, summary, variants
from workflow_scripts.engine.commands import UserError


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
