"""The progress of a run, from the logs and records its cells write, with a clock that the test sets."""

import json
import os
import re
import signal
import subprocess
import sys

import pytest

from tests.conftest import ROOT, inside
from workflow_scripts import watch
from workflow_scripts.engine.runs import orders, reporting
from workflow_scripts.engine.workflow import progress

START = 1_800_000_000.0  # when the run started, in seconds since 1970


def log(results, name, epochs, of, written, first=0, seconds=2.0):
    """Write the log of a cell after `epochs` epochs, as training does."""
    path = results / "logs" / f"{name}.log"
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [f"going on from epoch {first + 1}, step 0"] if first else []
    for epoch in range(first + 1, epochs + 1):
        lines.append(
            reporting.LINE.format(2.5 / epoch, 0.1, 2.75, 0.075 * epoch, epoch=epoch, epochs=of, seconds=seconds)
        )
    path.write_text("".join(f"{line}\n" for line in lines))
    os.utime(path, (written, written))


def record(results, name, written, **facts):
    """Write the record of a finished cell."""
    folder = results / name
    folder.mkdir(parents=True)
    (folder / "test.json").write_text(json.dumps({"epoch": 1, "test_loss": 1.0, "test_acc": 0.608}))
    (folder / "history.csv").write_text("epoch,val_acc\n0,0.1\n1,0.612\n2,0.5\n")
    facts = {"status": "finished", "diverged_step": None, "epochs_run": 10, "seconds": 20.0, **facts}
    (folder / "cell.json").write_text(json.dumps(facts))
    os.utime(folder / "cell.json", (written, written))


@pytest.fixture
def run(tmp_path):
    """A run 40 seconds in, of four cells of ten epochs: one done, one training, one resumed, one waiting."""
    cells = {f"cw2/{name}": ("vgg38", 10) for name in ("done", "works", "went-on", "waits")}
    run = progress.Run(tmp_path, cells, START)
    run.write()
    log(tmp_path, "cw2/done", 10, 10, START + 20)
    record(tmp_path, "cw2/done", START + 20)
    log(tmp_path, "cw2/works", 4, 10, START + 38)
    log(tmp_path, "cw2/went-on", 8, 10, START + 39, first=6)
    return run


def test_the_time_left_is_that_of_the_work_left(run, tmp_path):
    run.look(now=START + 40)
    assert set(run.finished) == {"cw2/done"} and set(run.running) == {"cw2/works", "cw2/went-on"}
    # 10 + 4 + 2 epochs in 40 seconds, and 6 + 2 + 10 to go; the 6 done before the run do not count
    assert run.left(now=START + 40) == pytest.approx(40 * 18 / 16)
    assert run.tally(run.left(now=START + 60)) == "1 of 4 cells done, 68 seconds left"
    log(tmp_path, "cw2/went-on", 10, 10, START + 41, first=6)
    record(tmp_path, "cw2/went-on", START + 41)
    run.look(now=START + 42)
    assert set(run.running) == {"cw2/works"}
    assert run.left(now=START + 42) == pytest.approx(42 * 16 / 18)
    run.finished = dict.fromkeys(run.cells)  # they finished after `left` was computed
    assert run.tally(60) == "4 of 4 cells done"


def test_cells_of_another_kind_count_by_what_their_epochs_take(tmp_path):
    kinds = {"a/fast": ("vgg08", 10), "a/slow": ("vgg38", 10), "a/slower": ("vgg38", 10), "a/none": ("vgg_a", 2)}
    run = progress.Run(tmp_path, kinds, START)
    run.look(now=START + 1)
    assert run.left(now=START + 1) is None and run.tally(None) == "0 of 4 cells done"
    log(tmp_path, "a/fast", 10, 10, START + 10, seconds=1.0)
    record(tmp_path, "a/fast", START + 10, seconds=10.0)
    log(tmp_path, "a/slow", 1, 10, START + 20, seconds=8.0)
    log(tmp_path, "a/slower", 1, 10, START + 20, seconds=12.0)
    run.look(now=START + 20)
    # an epoch of one kind takes 1 s, of the other (8 + 12) / 2 s, and of what is not known their mean
    assert run.left(now=START + 20) == pytest.approx(20 * (9 * 10 + 9 * 10 + 2 * 5.5) / (10 * 1 + 10 + 10))


def test_a_run_is_read_again_with_what_is_known_of_its_cells_and_a_newer_one_without(run, tmp_path):
    run.look(now=START + 40)
    progress.Run(tmp_path, run.cells | {"cw2/added": ("vgg38", 10)}, START).write()
    again = run.read_again()
    assert list(again.cells)[-1] == "cw2/added" and (again.finished, again.running) == (run.finished, run.running)
    newer = progress.Run(tmp_path, {"cw2/done": ("vgg38", 10)})
    assert newer.started != START
    newer.write()
    again = run.read_again()
    assert (again.cells, again.started, again.finished) == ({"cw2/done": ["vgg38", 10]}, newer.started, {})


def test_the_cells_of_bundles_are_followed_one_by_one(tmp_path, monkeypatch):
    names = [f"a/{name}" for name in ("done", "failed", "next", "waits", "last", "other", "alone")]
    run = progress.Run(tmp_path, dict.fromkeys(names, ("vgg08", 10)), START)
    run.begin([names[:5]])
    run.begin([names[5:6]])
    run.begin([names[6:]])
    for name in ("done", "next", "alone"):
        log(tmp_path, f"a/{name}", 10, 10, START + 1)
        record(tmp_path, f"a/{name}", START + 1)
    log(tmp_path, "a/failed", 1, 10, START + 1)
    looks, look = [], run.look
    monkeypatch.setattr(run, "look", lambda names, now: looks.extend(names) or look(names, now))
    run.follow(START + 2)
    assert set(run.finished) == {"a/done", "a/next"} and looks == names[:4]
    looks.clear()
    run.follow(START + 2)
    assert looks == ["a/failed", "a/waits"]
    run.begin([[names[5]], [], [names[6]]])  # a group
    run.follow(START + 2)
    assert set(run.finished) == {"a/done", "a/next", "a/alone"}


def test_what_an_earlier_run_left_is_not_taken_for_this_one(run, tmp_path):
    run.cells["cw2/old"] = ("vgg38", 10)
    log(tmp_path, "cw2/old", 10, 10, START - 10)
    record(tmp_path, "cw2/old", START - 10)
    run.look(now=START + 40)
    assert "cw2/old" not in run.finished | run.running


def test_a_cell_that_was_there_is_no_work_of_this_run(run, tmp_path):
    log(tmp_path, "cw2/waits", 0, 10, START)
    (tmp_path / "logs/cw2/waits.log").write_text(f"{orders.MADE}: results/cw2/waits\n")
    os.utime(tmp_path / "logs/cw2/waits.log", (START + 1, START + 1))
    for name in ("waits", "works"):
        record(tmp_path, f"cw2/{name}", START - 10)  # the second is being trained again
    run.look(now=START + 40)
    assert set(run.finished) == {"cw2/done", "cw2/waits"} and set(run.running) == {"cw2/works", "cw2/went-on"}
    assert run.finished["cw2/waits"].said() == "10 epochs in 20 s, val acc 61.2%, test acc 60.8%, made before"
    assert run.left(now=START + 40) == pytest.approx(40 * 8 / 16)


def test_a_cell_whose_training_outlived_its_run_is_work_of_this_run_since_its_start(run, tmp_path):
    log(tmp_path, "cw2/waits", 0, 10, START + 15)
    (tmp_path / "logs/cw2/waits.log").write_text(f"waiting for process 7\n{orders.MADE}: results/cw2/waits\n")
    os.utime(tmp_path / "logs/cw2/waits.log", (START + 15, START + 15))
    record(tmp_path, "cw2/waits", START + 15)  # 15 of its 20 seconds
    run.look(now=START + 40)
    assert run.left(now=START + 40) == pytest.approx(40 * 8 / (16 + 7.5))


def test_what_came_of_a_cell(tmp_path):
    record(tmp_path, "done", START)
    record(tmp_path, "lost", START, status="diverged", diverged_step=7)
    assert progress.finished(tmp_path / "done") == progress.Finished(10, 20.0, "val acc 61.2%, test acc 60.8%")
    assert progress.finished(tmp_path / "lost").words == "diverged in step 7, val acc 61.2%, test acc 60.8%"
    assert progress.finished(tmp_path / "none") is None


def test_watch_shows_the_cells_that_are_training(run, tmp_path, capsys):
    run.look(now=START + 40)
    table = "\n".join(watch.lines(run))
    assert [line.split()[:4] for line in table.splitlines()[4:]] == [
        ["cw2/went-on", "8/10", "0.3125", "60.0%"],
        ["cw2/works", "4/10", "0.6250", "30.0%"],
    ]
    inside("watch", "--results", tmp_path)
    assert capsys.readouterr().out.startswith("Gradscape: 1 of 4 cells done")


def test_watch_says_how_long_each_cell_will_take(run, tmp_path):
    log(tmp_path, "cw2/works", 4, 10, START + 38, seconds=90.0)
    log(tmp_path, "cw2/waits", 0, 10, START + 43)  # by a machine whose clock is ahead
    run.look(now=START + 40)
    waits, went_on, works = (re.split(r"  +", line.strip()) for line in watch.lines(run)[4:])
    assert waits == ["cw2/waits", "0/10", "–", "–", "–", "0 s ago"]
    assert went_on == ["cw2/went-on", "8/10", "0.3125", "60.0%", "3 seconds", "1 s ago"]
    assert works == ["cw2/works", "4/10", "0.6250", "30.0%", "9.0 minutes", "2 s ago"]  # 6 epochs of 90 s, without 2 s
    run.look(now=START + 60)
    assert re.split(r"  +", watch.lines(run)[5].strip())[-2:] == ["0 seconds", "21 s ago"]  # it is late


@pytest.mark.parametrize("last", ["error: vgg38: batch_size is 5000", "Traceback (most recent call last):\n  File"])
def test_watch_says_which_cells_failed(run, tmp_path, last):
    """Until their job is tried again, which begins their log anew."""
    path = tmp_path / "logs/cw2/works.log"
    path.write_text(f"{path.read_text()}{last}\n")
    os.utime(path, (START + 38, START + 38))
    run.look(now=START + 40)
    went_on, works = watch.lines(run)[4:]
    assert works.endswith(" failed") and went_on.endswith(" 1 s ago")


def test_ctrl_c_ends_watch_without_an_error(run, tmp_path):
    terminal, its_end = os.openpty()
    words = [sys.executable, "-m", "workflow_scripts.watch", "--results", tmp_path]

    def listen():  # a shell's background processes ignore SIGINT, and so do their children
        signal.signal(signal.SIGINT, signal.SIG_DFL)

    size = {**os.environ, "COLUMNS": "80", "LINES": "5"}
    options = {"cwd": ROOT, "env": size, "stdout": its_end, "stderr": subprocess.PIPE, "text": True}
    watching, said = subprocess.Popen(words, preexec_fn=listen, **options), b""
    while said.count(watch.CLEAR.encode()) < 2:
        said += os.read(terminal, 10_000)
    _, screen, _ = said.decode(errors="replace").split(watch.CLEAR)
    assert screen.startswith("Gradscape: 1 of 4 cells done") and len(screen.splitlines()) == 4  # and the cursor's
    watching.send_signal(signal.SIGINT)
    assert watching.communicate(timeout=60) == (None, "") and watching.returncode == 0


def test_watch_once_in_a_terminal_ends(run, tmp_path):
    terminal, its_end = os.openpty()
    words = [sys.executable, "-m", "workflow_scripts.watch", "--once", "--results", tmp_path]
    subprocess.run(words, cwd=ROOT, stdout=its_end, check=True, timeout=60)
    assert os.read(terminal, 10_000).startswith(b"Gradscape: 1 of 4 cells done")


def test_watch_ends_when_all_cells_are_done_also_those_added_since(run, tmp_path, capsys, monkeypatch):
    cells, slept = {name: ("vgg38", 10) for name in ("cw2/done", "cw2/works")}, []
    progress.Run(tmp_path, cells, START).write()

    def meanwhile(seconds):
        slept.append(seconds)
        progress.Run(tmp_path, {**cells, "cw2/waits": ("vgg38", 10)}, START).write()
        log(tmp_path, "cw2/waits", 10, 10, START + 41)
        for name in ("works", "waits"):
            record(tmp_path, f"cw2/{name}", START + 41)

    monkeypatch.setattr(watch.time, "sleep", meanwhile)
    watch.watch(tmp_path, again=True)
    assert len(slept) == 1 and capsys.readouterr().out.endswith(f"{watch.CLEAR}Gradscape: 3 of 3 cells done\n")


def test_watch_fits_a_terminal(run):
    run.look(now=START + 40)
    name = "cw2/vgg38-bn_rc-width0.25-digits-val0.2-augnone-batch64-epochs4-lr0.001-seed1"
    for known in (run.cells, run.running, run.before):
        known[name] = known["cw2/works"]
    lines = watch.lines(run, 80)
    assert max(map(len, lines)) == 80 and any(line.startswith("cw2/works ") for line in lines)
    assert any(line.startswith("cw2/vgg3") and "-seed1  " in line for line in lines)
    assert any(line.startswith(name) for line in watch.lines(run))


def test_watch_of_no_run_is_one_message(tmp_path, refused):
    assert "run.json: expected the cells of a run, found none" in refused("watch", "--results", tmp_path)
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs/run.json").write_text('{"started": 1')
    assert "run.json is damaged" in refused("watch", "--results", tmp_path)
