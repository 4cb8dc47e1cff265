"""What is chosen by validation accuracy alone, and its test accuracy: from closed forms, and a real tiny study."""

import io
import json

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch.nn import functional as F

from models.registry import build_model
from tests.conftest import call
from tests.made_ablations import names
from tests.made_cells import write_study
from workflow_scripts import choose, make_ablation_tables, plot_ablations, summarise, train_cell
from workflow_scripts.engine.ablation import ablations, choice
from workflow_scripts.engine.commands import UserError
from workflow_scripts.engine.configuration import cells, grids
from workflow_scripts.engine.configuration.studies import Study

MADE = Study(
    base={"model": "vgg08", "dataset": "digits", "seed": [0, 1]},
    ablations={"width": {"width": [0.5, 1, 2]}},
    grids=[{"block": "bn", "lr": 0.1}],
)


def level(folder, study, accuracy, diverged=(), candidates=None):
    """The width and block of what is chosen among made-up cells."""
    found = ablations.load(write_study(folder, study, accuracy, diverged))
    row = choice.choose(found, list(grids.expand("s", study)) if candidates is None else candidates)
    return row["width"], row["block"]


# The rule


def test_the_highest_mean_over_the_seeds_is_chosen(tmp_path):
    values = {(0.5, 0): 0.9, (0.5, 1): 0.5, (1, 0): 0.6, (1, 1): 0.6, (2, 0): 0.7, (2, 1): 0.72}
    assert level(tmp_path, MADE, lambda c: 0.1 if c.block == "bn" else values[c.width, c.seed]) == (2, "plain")


def test_of_equals_the_smaller_is_chosen(tmp_path):
    assert level(tmp_path, MADE, lambda cell: 0.5) == (0.5, "plain")


def test_what_diverged_is_not_chosen(tmp_path):
    broken = names(MADE, width=2, seed=1)
    assert level(tmp_path / "one", MADE, lambda cell: cell.width / 4, broken)[0] == 1
    broken = [name for width in (0.5, 1, 2) for name in names(MADE, width=width, seed=1)]
    assert level(tmp_path / "each", MADE, lambda cell: cell.width / 4, broken) == (2, "plain")
    with pytest.raises(UserError, match="only diverged ones"):
        level(tmp_path / "all", MADE, lambda cell: 0.5, names(MADE))


def test_only_candidates_are_chosen(tmp_path):
    assert level(tmp_path, MADE, lambda cell: cell.width / 4, candidates=names(MADE, width=1))[0] == 1
    found = ablations.load(tmp_path / "summary")
    with pytest.raises(UserError, match="expected the cell elsewhere-seed0, found none"):
        choice.choose(found, ["elsewhere-seed0"])


def test_seeds_that_are_no_candidates_play_no_part(tmp_path):
    write_study(tmp_path, MADE, lambda cell: cell.width / 4 if cell.seed else 1 - cell.width / 4)
    found = ablations.load(tmp_path / "summary")
    row = choice.choose(found, names(MADE, seed=1))
    assert row["width"] == 2 and row["finished"] == names(MADE, seed=1, width=2)
    assert row["best_val_acc"] == 0.5


def test_accuracies_on_several_data_sets_are_not_compared(tmp_path):
    study = Study(base={"dataset": ["digits", "mnist"]}, ablations={"width": {"width": 2}})
    with pytest.raises(UserError, match="expected cells of one data set to choose from, found several: digits, mnist"):
        level(tmp_path, study, lambda cell: 0.5)


def test_one_seed_has_no_deviation(tmp_path):
    study = MADE.model_copy(update={"base": MADE.base.model_copy(update={"seed": [3]}), "grids": []})
    found = ablations.load(write_study(tmp_path, study, lambda cell: cell.width / 4))
    row = choice.choose(found, list(grids.expand("s", study)))
    (name,) = row["finished"]
    facts = choice.chosen(found, row, {name: (1.5, 0.25)})
    assert facts["test_acc"] == {"mean": 0.25, "std": None, "values": [0.25]}
    assert facts["best_val_acc"] == {"mean": 0.5, "std": None, "values": [0.5]}
    assert (facts["cells"], facts["best_cell"], facts["seeds"]) == ([name], name, [3])
    assert facts["record"]["width"] == 2 and "seed" not in facts["record"]
    json.dumps(facts, allow_nan=False)


def test_results_are_means_and_deviations_over_the_seeds(tmp_path):
    study = MADE.model_copy(update={"base": MADE.base.model_copy(update={"seed": [0, 1, 2]}), "grids": []})
    wobble, right = np.array([0.0, 0.01, 0.05]), np.array([0.4, 0.1, 0.3])
    found = ablations.load(write_study(tmp_path, study, lambda cell: cell.width / 4 + wobble[cell.seed]))
    row = choice.choose(found, list(grids.expand("s", study)))
    facts = choice.chosen(found, row, dict(zip(row["finished"], zip(2 - right, right, strict=True), strict=True)))
    for metric, values in (("best_val_acc", 0.5 + wobble), ("test_acc", right), ("test_loss", 2 - right)):
        assert facts[metric]["values"] == pytest.approx(values.tolist())
        assert (facts[metric]["mean"], facts[metric]["std"]) == pytest.approx((np.mean(values), np.std(values, ddof=1)))
    assert facts["seeds"] == [0, 1, 2] and facts["best_cell"] == row["finished"][2]


# A real study

REAL = Study(
    base={
        "model": "vgg08", "block": "bn", "width": 0.1, "dataset": "digits", "augmentation": "none", "epochs": 2,
        "val_fraction": 0.2, "seed": [0, 1], "lr": 0.01,
    },
    ablations={"width": {"width": [0.1, 0.2]}},
    test="chosen",
)  # fmt: skip


def lines(paths):
    return "\n".join(map(str, paths))


@pytest.fixture(scope="module")
def study(digits_file, tmp_path_factory):
    """The folder of a study that was trained without using the test images, and summarised."""
    folder = tmp_path_factory.mktemp("study")
    for name, cell in grids.expand("s", REAL).items():
        flags = ["--data", digits_file, "--device", "cpu", "--no-test", "--out", folder / name]
        call(train_cell, *flags, *cells.flags(cell))
    call(summarise, "--out", folder / "summary", stdin=lines(folder / name for name in grids.expand("s", REAL)))
    return folder


@pytest.fixture(scope="module")
def made_choice(study, digits_file):
    """What `choose` writes, given a data file, as JSON."""

    def made_choice(data, out):
        flags = ["--summary", study / "summary", "--data", data, "--device", "cpu", "--out", out]
        call(choose, *flags, stdin=lines(sorted(study.glob("*-seed*"))))
        return json.loads(out.read_text())

    return made_choice


@pytest.fixture(scope="module")
def chosen(study, digits_file, made_choice):
    return made_choice(digits_file, study / "chosen.json")


def test_no_cell_was_tested(study):
    tested = [json.loads(path.read_text()) for path in study.glob("*-seed*/test.json")]
    assert len(tested) == 4
    assert all(test["test_acc"] is None and test["test_loss"] is None for test in tested)


def test_the_choice_is_that_of_the_validation_accuracies(study, chosen):
    best = {}
    for name, cell in grids.expand("s", REAL).items():
        accuracies = [float(line.split(",")[5]) for line in (study / name / "history.csv").read_text().split()[1:]]
        best.setdefault(cell.width, {})[name] = max(accuracies)
    width = max(best, key=lambda width: np.mean(list(best[width].values())))
    assert chosen["record"]["width"] == width
    assert chosen["cells"] == list(best[width]) and chosen["seeds"] == [0, 1]
    assert chosen["best_val_acc"]["values"] == list(best[width].values())
    assert chosen["best_cell"] == max(best[width], key=best[width].get)
    assert chosen["best_val_acc"]["std"] == pytest.approx(np.std(list(best[width].values()), ddof=1))


def test_the_test_accuracy_is_that_of_plain_pytorch(study, chosen, digits):
    mean, std = torch.tensor((0.4914, 0.4822, 0.4465)), torch.tensor((0.2023, 0.1994, 0.2010))
    images = ((torch.from_numpy(digits.test_images) / 255 - mean) / std).permute(0, 3, 1, 2)
    labels = torch.from_numpy(digits.test_labels)
    for place, name in enumerate(chosen["cells"]):
        model = build_model("vgg08", "bn", 10, (3, 8, 8), width=chosen["record"]["width"])
        model.load_state_dict(load_file(study / name / "model.safetensors"))
        with torch.no_grad():
            logits = model.eval()(images)
        assert chosen["test_acc"]["values"][place] == (logits.argmax(1) == labels).double().mean().item()
        assert chosen["test_loss"]["values"][place] == pytest.approx(F.cross_entropy(logits, labels).item(), rel=1e-5)
    assert chosen["parameters"] == sum(parameter.numel() for parameter in model.parameters())


def test_the_test_accuracy_is_that_of_training_with_a_test(study, chosen, digits_file, tmp_path):
    name = chosen["cells"][0]
    flags = ["--data", digits_file, "--device", "cpu", "--out", tmp_path / name]
    call(train_cell, *flags, *cells.flags(grids.expand("s", REAL)[name]))
    test = json.loads((tmp_path / name / "test.json").read_text())
    assert test["test_acc"] == chosen["test_acc"]["values"][0]
    assert test["test_loss"] == chosen["test_loss"]["values"][0]


def test_test_labels_change_no_choice(chosen, digits_file, tmp_path, made_choice):
    with np.load(digits_file) as file:
        arrays = dict(file)
    arrays["test_labels"] = (arrays["test_labels"] + 1) % 10
    np.savez(tmp_path / "digits.npz", **arrays)
    other = made_choice(tmp_path / "digits.npz", tmp_path / "chosen.json")
    tested = ("test_acc", "test_loss")
    assert all(other[key] == value for key, value in chosen.items() if key not in tested)
    assert other["test_acc"] != chosen["test_acc"]


def test_tables_and_figures_of_the_real_study(study):
    design = REAL.model_dump_json(exclude_unset=True)
    for module in (make_ablation_tables, plot_ablations):
        call(module, "--summary", study / "summary", "--study", design, "--out", study / "ablations")
    assert {path.name for path in (study / "ablations").iterdir()} == {
        "width.csv", "width.html", "width.tex", "width.txt", "width.pdf", "width-drawn.csv",
    }  # fmt: skip


def test_other_data_is_refused(study, digits_file, tmp_path, refused, monkeypatch):
    with np.load(digits_file) as file:
        arrays = dict(file)
    meta = json.loads(str(arrays["meta"]))
    np.savez(tmp_path / "digits.npz", **{**arrays, "meta": json.dumps({**meta, "sha256": "other"})})
    monkeypatch.setattr("sys.stdin", io.StringIO(lines(study.glob("*-seed*"))))
    flags = ["--summary", study / "summary", "--data", tmp_path / "digits.npz", "--out", tmp_path / "chosen.json"]
    assert "with other images" in refused("choose", *flags)
    monkeypatch.setattr("sys.stdin", io.StringIO(lines(study.glob("*-seed*"))))
    assert "expected digits.npz among a.npz, b.npz" in refused(
        "choose", *flags[:2], "--data", "a.npz", "b.npz", *flags[4:]
    )
    assert not (tmp_path / "chosen.json").exists()


def test_no_candidates_are_one_message(study, digits_file, tmp_path, refused, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    flags = ["--summary", study / "summary", "--data", digits_file, "--out", tmp_path / "chosen.json"]
    assert "no cells were named on standard input" in refused("choose", *flags)
