"""What can go wrong while the workflow runs: a registry of disturbances.

A disturbance takes a `workflow.Workflow` and a `random.Random`, starts a run, disturbs it, and yields once the folder
is in the state that the next run will find. After the next run it is resumed, to check what only it knows and to clean
up.
"""

import contextlib
import os
import re
import signal
import subprocess
import time
from pathlib import Path

from models.registry import Registry
from tests.conftest import ROOT

DISTURBANCES = Registry("disturbance")
register_disturbance = DISTURBANCES.register

SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
TRAINING = "workflow_scripts.train_cell"
COMMANDS = re.compile(r"workflow_scripts\.(?!train_cell)|latex")
OURS = re.compile(rf'File "{re.escape(str(ROOT))}/(?!\.venv)')  # a traceback through the project's own code
AN_HOUR = 3600
PUT_RIGHT = "find results -newermt now -exec touch -d @$(date +%s) {} +"  # as the README has it


class Missed(Exception):
    """The run was over before it could be disturbed."""


class Impossible(Exception):
    """This machine does not allow such a disturbance; the message says why."""


def snakemake(workflow, run, random):
    """Snakemake itself, at any moment of its run."""
    time.sleep(random.uniform(0, workflow.seconds))
    return run.pid


def group(workflow, run, random):
    """All processes of the run, as with Ctrl-C; their group id is the id of the first."""
    return -snakemake(workflow, run, random)


def training(workflow, run, random):
    """A training process, at any moment of its life."""
    return _one_of(workflow, run, random, lambda line: TRAINING in line)


def command(workflow, run, random):
    """A process that fetches, gathers, draws or typesets, at any moment of its life."""
    return _one_of(workflow, run, random, COMMANDS.search, among=2)


VICTIMS = {"Snakemake": snakemake, "all its processes": group, "a training": training, "another command": command}


def _one_of(workflow, run, random, wanted, among=1):
    """The id of a process whose command line is `wanted`, some time after up to `among` of them were seen."""

    def living():
        return [pid for pid, line in workflow.processes().items() if "bash -c" not in line and wanted(line)]

    seen, first = set(), random.randint(1, among)
    while run.poll() is None:
        seen.update(living())
        if len(seen) >= first:
            time.sleep(random.uniform(0, 3))
            if found := living():
                return random.choice(found)
        time.sleep(0.05)
    raise Missed


def _kill(number, victim):
    def disturbance(workflow, random):
        run = workflow.start()
        target = VICTIMS[victim](workflow, run, random)
        if run.poll() is not None:
            raise Missed
        try:
            (os.killpg if target < 0 else os.kill)(abs(target), number)
        except ProcessLookupError:
            run.wait()
            raise Missed from None
        run.wait()
        yield

    return disturbance


for _number in SIGNALS:
    for _victim in VICTIMS:
        register_disturbance(f"{_number.name} to {_victim}")(_kill(_number, _victim))

KILLS = tuple(DISTURBANCES)


@register_disturbance("the disk full")
def disk_full(workflow, random):
    """`results/` is a separate file system, which fills up during training and is enlarged afterwards."""
    with _disk(workflow, spare=2**24) as resize:
        filler = workflow.folder / "results/filler"
        run = _training(workflow)
        time.sleep(random.uniform(0, 1))
        with _halted(workflow, run) as said, contextlib.suppress(OSError), open(filler, "wb", buffering=0) as file:
            while True:
                file.write(bytes(4096))
        _refused(workflow, run, said, "No space left on device")
        resize(2**26)
        filler.unlink()
        yield


@register_disturbance("results/ read-only")
def read_only(workflow, random):
    """`results/` becomes read-only during training, stays so for a second run, and then becomes writable again."""
    results = workflow.folder / "results"
    run = _training(workflow)
    time.sleep(random.uniform(0, 1))
    with contextlib.ExitStack() as mounted:
        with _halted(workflow, run) as said:
            _mount("--bind", results, results)
            mounted.callback(_unmount, workflow, results)
            _mount("-o", "remount,ro,bind", results)
        _refused(workflow, run, said, "Read-only file system")
        status, said = workflow.run()
        assert status and f"{results}: cannot be written to" in said and "Traceback" not in said, said
    yield


@register_disturbance("a checkpoint cut in half")
def checkpoint_cut(workflow, random):
    yield from _checkpoint(workflow, random, lambda content: content[: len(content) // 2])


@register_disturbance("a checkpoint with a flipped bit")
def checkpoint_flipped(workflow, random):
    def flip(content):
        place = random.randrange(len(content))
        return content[:place] + bytes([content[place] ^ 1 << random.randrange(8)]) + content[place + 1 :]

    yield from _checkpoint(workflow, random, flip)


def _checkpoint(workflow, random, harm):
    run = _training(workflow)
    time.sleep(random.uniform(0, 1))
    with _halted(workflow, run):
        os.killpg(run.pid, signal.SIGKILL)
    run.wait()
    checkpoints = _checkpoints(workflow)
    for path in checkpoints:
        path.write_bytes(harm(path.read_bytes()))
    yield
    logs = [path.read_text() for path in workflow.folder.glob("results/logs/*/*.log")]
    notes = sum("is damaged: starting from the first epoch" in log for log in logs)
    assert notes == len(checkpoints), f"{notes} notes for {len(checkpoints)} damaged checkpoints"


@register_disturbance("the clock set back")
def clock_set_back(workflow, random):
    """The clock, an hour fast at first, is corrected during training: all files so far are from the future.

    If libfaketime is installed, the processes read such a clock; otherwise only the files show it. Snakemake may refuse
    outputs that are older than their inputs; the user then does what the README says.
    """
    clock = workflow.folder / "clock"
    clock.write_text(f"+{AN_HOUR}s")
    library = next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)
    fast = {"LD_PRELOAD": str(library), "FAKETIME_TIMESTAMP_FILE": str(clock), "FAKETIME_CACHE_DURATION": "1"}
    fast |= {"FAKETIME_DONT_FAKE_MONOTONIC": "1", "NO_FAKE_STAT": "1"}
    run = _training(workflow, **(fast if library else {}))
    clock.write_text("+0s")
    for path in workflow.folder.rglob("*"):
        with contextlib.suppress(FileNotFoundError):  # a temporary file has gone
            times = path.stat()
            os.utime(path, (times.st_atime + AN_HOUR, times.st_mtime + AN_HOUR))
    if run.wait():
        said = workflow.said()
        assert "has older modification time" in said and not OURS.search(said), said
        subprocess.run(PUT_RIGHT, shell=True, cwd=workflow.folder, check=True)
    yield


def meanwhile(*names):
    """A disturbance in which these things happen during training, and the run is not affected."""

    def disturbance(workflow, random):
        run = _training(workflow)
        with _halted(workflow, run):
            for name in names:
                MEANWHILE[name](workflow)
        assert run.wait() == 0, workflow.said()[-3000:]
        yield

    return disturbance


MEANWHILE = Registry("happening")


@MEANWHILE.register("two Snakemakes in one folder")
def two_snakemakes(workflow):
    """The second is refused by Snakemake's lock."""
    status, said = workflow.run()
    assert status and "Directory cannot be locked" in said, said


@MEANWHILE.register("config.yaml edited")
def config_edited(workflow):
    """One more cell is requested, which the next run trains, but not this one."""
    workflow.configure(workflow.other)


for _name in MEANWHILE:
    register_disturbance(_name)(meanwhile(_name))


def _training(workflow, **environment):
    """Start a run, and return it once there is a checkpoint, so at least one step was trained."""
    run = workflow.start(**environment)
    workflow.wait_for(lambda: _checkpoints(workflow) or run.poll() is not None)
    if run.poll() is not None:
        raise Missed
    return run


def _checkpoints(workflow):
    found = []
    for path in (workflow.folder / "results/.checkpoints").glob("[!.]*"):
        with contextlib.suppress(FileNotFoundError):  # the training has just ended
            if path.suffix != ".lock" and path.stat().st_size:
                found.append(path)
    return found


@contextlib.contextmanager
def _halted(workflow, run):
    """The run stands still in the middle of a training until the end of the context; yields what it has said so far.

    So it cannot be over before it is disturbed, however slowly that happens.
    """
    try:
        os.killpg(run.pid, signal.SIGSTOP)
        workflow.wait_for(workflow.stands_still)
        if not _in_training(workflow):
            raise Missed
        yield workflow.said()
    except ProcessLookupError:
        raise Missed from None
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(run.pid, signal.SIGCONT)


def _in_training(workflow):
    """Whether a cell is being trained whose files are not yet there."""
    lines = [line for line in workflow.processes().values() if TRAINING in line and "bash -c" not in line]
    cells = [workflow.folder / re.search(r"--out (\S+)", line)[1] for line in lines]
    return any(not (cell / "cell.json").exists() for cell in cells)


def _refused(workflow, run, before, reason):
    """The run must end with a one-line error that names a file and the `reason`, and no traceback of ours."""
    assert run.wait(), f"the run succeeded in spite of: {reason}"
    said = workflow.said().removeprefix(before)
    assert re.search(rf"results/\S+: {reason}", said) and not OURS.search(said), f"no clear message: {said[-3000:]}"


@contextlib.contextmanager
def _disk(workflow, spare):
    """Move `results/` to a separate file system with `spare` free bytes; yields a function that sets the free bytes."""
    folder = workflow.folder / "results"
    aside = folder.with_name(f"{folder.name}-aside")
    folder.rename(aside)
    folder.mkdir()
    used = int(subprocess.run(["du", "-s", "-B1", aside], capture_output=True, text=True, check=True).stdout.split()[0])
    _mount("-t", "tmpfs", "-o", f"size={used + spare}", "tmpfs", folder)
    try:
        subprocess.run(["cp", "-a", f"{aside}/.", folder], check=True)
        yield lambda spare: _mount("-o", f"remount,size={used + spare}", folder)
    finally:
        _unmount(workflow, folder)


def _mount(*arguments):
    done = subprocess.run(["mount", *map(str, arguments)], capture_output=True, text=True)
    if done.returncode:
        raise Impossible(f"mounting needs root: {done.stderr.strip()}")


def _unmount(workflow, folder):
    workflow.end()  # a process that a failed assertion left behind may have files open there
    subprocess.run(["umount", folder], check=True)
