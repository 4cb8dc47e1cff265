"""What the rules read: the cells and parts of a configuration, the jobs that train them, and the flags of commands."""

import shlex
from pathlib import Path

import pytest

from workflow_scripts.engine.commands import UserError
from workflow_scripts.engine.configuration import cells, config
from workflow_scripts.engine.workflow import comparison, flags, targets
from workflow_scripts.engine.workflow.plan import Plan

CONFIG = {
    "datasets": {
        "digits": {"source": "digits", "title": "Small"},
        "folder": {"source": "folder", "path": "images", "image_size": 16},
        "official": {"source": "cifar10", "path": "a.tar.gz", "mirrors": ["https://a.org", "https://b.org"]},
        "unused": {"source": "digits"},
    },
    "studies": {
        "deep": {
            "base": {"dataset": "digits", "lr": [1e-3, 1e-2]},
            "grids": [{"model": "vgg08"}, {"model": "vgg38", "block": ["plain", "bn"]}],
            "compare": {
                "shallow": {"model": "vgg08", "lr": 1e-3},
                "deep": {"model": "vgg38", "block": "plain", "lr": 1e-3},
            },
            "measure": {"lags": [1]},
        },
        "net": {
            "base": {"model": "cifar_net", "dataset": "folder"},
            "ablations": {"data": {"dataset": "official"}},
            "grids": [{"seed": [0, 1]}],
            "surface": {"cells": [{"seed": 1}, {"dataset": "folder", "seed": 1}]},
        },
    },
    "external_runs": {"handed_out": {"folder": "theirs", "joins": "deep"}},
    "beras": {"dataset": "digits", "seeds": 3, "epochs": 2},
}


def planned(**changes):
    return Plan(config.load({**CONFIG, **changes}))


def test_a_plan_knows_what_each_study_has():
    plan = planned()
    assert list(plan.studies["deep"])[:2] == ["vgg08-plain-digits-lr0.001-seed0", "vgg08-plain-digits-lr0.01-seed0"]
    assert plan.datasets == {"digits", "folder", "official"}
    assert planned(beras={"dataset": "unused"}).datasets == {"digits", "folder", "official", "unused"}
    assert (list(plan.compared), list(plan.ablations), plan.chosen, plan.landscapes) == (["deep"], ["net"], [], {})
    assert plan.surfaces == {"net": ["cifar_net-plain-folder-lr0.001-seed1"]}
    assert list(plan.external_runs("deep")) == ["handed_out"] and not plan.external_runs("net")
    assert plan.beras_run("simple-seed3") == ("simple", 3)
    assert Plan(config.load({key: CONFIG[key] for key in ("datasets", "studies")})).beras_runs == {}


def test_a_cell_is_represented_by_its_record_or_by_the_manifest_of_its_bundle():
    names = list(planned().studies["deep"])
    assert planned().trained("deep", names[:2]) == [f"results/deep/{name}/cell.json" for name in names[:2]]
    everything = [f"results/deep/{names[0]}/{file}" for file in cells.FILES]
    assert Plan(config.load(CONFIG), whole=True).trained("deep", names[:1]) == everything
    plan = planned(cells_per_job=4)
    assert plan.bundle("deep", names[4]) == names[4:]
    assert plan.trained("deep", names) == [f"results/deep/bundles/{name}.txt" for name in (names[0], names[4])]
    order = plan.order("deep", names[4])
    assert order.out == Path("results/deep", names[4]) and order.measured == {"lags": [1]} and order.test
    assert plan.bundle_code("deep", names[0]) == sorted({plan.cell_code("deep", name) for name in names[:4]})


UNKNOWN = {
    "cell": lambda plan: plan.cell("net", "cifar_net-plain-folder-lr0.001-seed9"),
    "bundle": lambda plan: plan.bundle("net", "cifar_net-plain-folder-lr0.001-seed1"),
    "run of Beras": lambda plan: plan.beras_run("simple-seed4"),
    "data set": lambda plan: flags.samples(plan, "net", "digits"),
}


@pytest.mark.parametrize("ask", UNKNOWN.values(), ids=UNKNOWN)
def test_an_unknown_name_is_an_error_that_says_which_there_are(ask):
    with pytest.raises(UserError, match=r"^study (net|beras) has no .*(the nearest: |only )"):
        ask(planned(cells_per_job=2))


def test_a_plan_gives_the_flags_that_train_a_cell():
    plan = planned()
    words = shlex.split(flags.training(plan, "deep", "vgg38-bn-digits-lr0.01-seed0"))
    given = dict(zip(words[::2], words[1::2], strict=True))
    assert given.pop("--checkpoint").startswith("results/.checkpoints/deep-")
    assert given == {
        **{"--model": "vgg38", "--block": "bn", "--dataset": "digits", "--lr": "0.01", "--seed": "0"},
        "--measure": '{"lags": [1]}',
    }
    assert flags.beras_training(plan, "simple-seed3") == "--variant simple --seed 3 --epochs 2 --batch-size 100"


def test_a_data_set_is_made_again_for_no_flag_that_changes_no_image():
    datasets = planned().settings.datasets
    assert flags.dataset(datasets["folder"]) == shlex.split(
        "--source folder --path images --image-size 16 --channels 3"
    )
    assert flags.dataset(datasets["folder"], unseen=True) == []
    assert flags.dataset(datasets["official"]) == shlex.split("--source cifar10 --channels 3")
    unseen = "--path a.tar.gz --mirror https://a.org --mirror https://b.org"
    assert flags.dataset(datasets["official"], unseen=True) == shlex.split(unseen)
    assert flags.titles(planned().settings, ["folder", "digits"]) == ["--titles", '{"digits": "Small"}']


def test_a_figure_of_a_comparison_selects_what_it_is_said_to_show():
    plan = planned()
    figures, compare = comparison.FIGURES, plan.compared["deep"]
    assert comparison.command_flags(figures["curves_best"], compare, ["handed_out"]) == (
        "--select model=vgg38 block=plain lr=0.001 --best --external handed_out"
    )
    assert comparison.command_flags(figures["grad_flow_shallow"], compare, ["x"]) == "--select model=vgg08 lr=0.001"
    assert comparison.command_flags(figures["gradient_heatmap"], compare, ["x"]) == "--select model=vgg38 lr=0.001"
    shown = comparison.shown(figures["curves_best"], plan, "deep")
    assert shown == ["vgg38-plain-digits-lr0.001-seed0", "best"]
    assert len(comparison.shown(figures["gradient_heatmap"], plan, "deep")) == 4  # a block may be shown at any rate


def test_flags_that_change_no_result_are_those_of_the_configuration():
    settings = planned(device="cpu", gpu_share=2, tensorboard=True, cuda_graphs=False).settings
    assert flags.computing(settings) == "--device cpu --gpu-share 2"
    assert flags.reporting(settings) == "--checkpoint-seconds 60 --tensorboard --no-cuda-graphs --keep-checkpoint"


MEANT = {
    "results/deep/vgg38-bn-digits-lr0.01-seed0": "ask for a file of it, such as results/deep/vgg38-bn-digits",
    "results/deep/vgg38-bn-digits-lr0.01-seed0/histroy.csv": "lr0.01-seed0/history.csv",
    "results/deep/vgg38-bn-lr0.01-seed0": "the study deep has no such cell; the nearest: vgg38-bn-digits-lr0.01-seed0",
    "results/depe/tables/table1.txt": "there is no study depe; there are deep, net",
    "results/net/figures/curves_best.pdf": "the study net has no `compare`, which that figure needs",
    "results/net/figures/tsne.pdf": "the study net has no `test: chosen`, which that figure needs",
    "results/deep/figures/walks.pdf": "the study deep has no `landscape`",
    "results/deep/figures/pareto.pdf": "the study deep has no `ablations`",
    "results/net/figures/search.pdf": "the study net has no `search`",
    "results/beras/simple-seed9/run.json": "the nearest: results/beras/simple-seed3/run.json",
    "resutls/depe/tables/table1.txt": "the nearest: results/deep/tables/table1.txt",
    "results/deep/tables/tabel1.txt": "the nearest: results/deep/tables/table1.txt",
    "results/net/": "everything of that study is made by the target study_net",
    "report/project2.pdf": "needs studies `cifar_net` (`ablations`, `test: chosen`) and `bn_landscape` (`landscape`)",
    "report/beras": "the nearest: report/beras.pdf",
}


@pytest.mark.parametrize(("target", "sentence"), MEANT.items())
def test_a_target_that_nothing_makes_is_explained(target, sentence):
    known = [
        "all",
        "study_net",
        "report/beras.pdf",
        "results/beras/simple-seed3/run.json",
        *(f"results/{study}/tables/table1.txt" for study in ("deep", "net")),
    ]
    assert sentence in targets.meant(target, planned(), known)


def test_a_whole_path_is_taken_as_seen_from_the_folder():
    for target, seen in {"/a/b/all": "all", "/a/bc/all": "/a/bc/all", "all": "all", "/a/b": "/a/b"}.items():
        assert targets.from_here(target, Path("/a/b")) == seen


def test_a_target_that_is_like_nothing_is_left_to_snakemake():
    assert targets.meant("xyz", planned(), ["all"]) is None
