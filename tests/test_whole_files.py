"""Files are written completely or not at all, by one process at a time, even if processes are killed."""

import os
import platform
import signal
import subprocess
import sys
import threading
import time

import pytest
from filelock import FileLock

from tests.conftest import ROOT
from workflow_scripts.engine import locks, whole_files
from workflow_scripts.engine.commands import UserError
from workflow_scripts.engine.whole_files import written

WRITES = """
import sys, time
from pathlib import Path
from workflow_scripts.engine.whole_files import written
with written(Path(sys.argv[1])) as path:
    path.write_text("half")
    print("ready", flush=True)
    time.sleep(600)
"""
HOLDS = """
import sys
from pathlib import Path
from workflow_scripts.engine import locks
with locks.alone(Path(sys.argv[1])):
    print("ready", flush=True)
    sys.stdin.readline()
    Path(sys.argv[1]).with_name("made").touch()
"""


def started(code, *arguments):
    """A process that runs `code`, once it has said that it is ready."""
    command = [sys.executable, "-c", code, *map(str, arguments)]
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    process = subprocess.Popen(command, cwd=ROOT, text=True, **pipes)
    assert process.stdout.readline() == "ready\n"
    return process


def killed(process):
    process.send_signal(signal.SIGKILL)
    process.communicate()


def test_what_a_killed_process_left_is_removed_and_what_a_living_one_writes_is_not(tmp_path):
    path = tmp_path / "history.csv"
    killed(started(WRITES, path))
    left = {file.name for file in tmp_path.iterdir()}
    assert len(left) == 1 and not path.exists()
    living = started(WRITES, path)
    writing = {file.name for file in tmp_path.iterdir()}
    assert len(writing) == 1 and writing != left
    with written(path) as temporary:
        temporary.write_text("whole")
    assert {file.name for file in tmp_path.iterdir()} == {path.name} | writing
    killed(living)
    assert path.read_text() == "whole"


def test_what_was_left_of_a_file_with_an_odd_name_is_removed(tmp_path):
    path = tmp_path / "lr[1].csv"
    (tmp_path / ".lr[1]-abcdefgh.csv").write_text("half")
    with written(path) as temporary:
        temporary.write_text("whole")
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_a_file_that_was_taken_for_abandoned_before_it_was_locked_is_made_anew(tmp_path, monkeypatch):
    lock, lost = whole_files._lock, []

    def late(handle):
        if not lost:  # another process gets there first
            lost.extend(tmp_path.iterdir())
            lost[0].unlink()
        return lock(handle)

    monkeypatch.setattr(whole_files, "_lock", late)
    with written(tmp_path / "history.csv") as temporary:
        temporary.write_text("whole")
    assert len(lost) == 1 and lost[0] != temporary
    assert [file.name for file in tmp_path.iterdir()] == ["history.csv"]


def test_nothing_is_left_of_a_file_that_was_interrupted(tmp_path):
    with pytest.raises(KeyboardInterrupt), written(tmp_path / "history.csv") as temporary:
        temporary.write_text("half")
        raise KeyboardInterrupt
    assert not list(tmp_path.iterdir())


INTERRUPTED = """
import signal, sys
sys.argv = ["-m"]
import workflow_scripts
before = signal.getsignal(signal.SIGINT)
from workflow_scripts.engine import commands
commands.run(lambda: print(before is signal.SIG_DFL, signal.getsignal(signal.SIGINT) is signal.default_int_handler))
commands.run(lambda: signal.raise_signal(signal.SIGINT))
"""


@pytest.mark.parametrize("ignored", [False, True])
def test_an_interrupt_is_a_line_and_none_while_a_command_is_imported(ignored):
    """Unless the shell has told the process to ignore interrupts."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN if ignored else signal.SIG_DFL)  # the process inherits it
    try:
        done = subprocess.run([sys.executable, "-c", INTERRUPTED], cwd=ROOT, capture_output=True, text=True)
    finally:
        signal.signal(signal.SIGINT, before)
    expected = (0, "False False\n", "") if ignored else (1, "True True\n", "interrupted\n")
    assert (done.returncode, done.stdout, done.stderr) == expected


@pytest.mark.parametrize("below", ["figure.pdf", "figures/figure.pdf"])
def test_a_file_in_the_place_of_its_folder_is_told_of(tmp_path, below):
    (tmp_path / "mine").touch()
    with (
        pytest.raises(UserError, match=f"mine/{below}: expected a folder .* found a file"),
        written(tmp_path / "mine" / below),
    ):
        pass


def test_a_file_may_be_read_by_whom_any_other_may(tmp_path):
    (tmp_path / "any").touch()
    with written(tmp_path / "mine") as temporary:
        temporary.touch()
    assert (tmp_path / "mine").stat().st_mode == (tmp_path / "any").stat().st_mode


def waited_for(take, capsys, release):
    """What `take` says while it waits for a lock in a thread; it is released once that has been said."""
    said, waiting = "", threading.Thread(target=take)
    waiting.start()
    while waiting.is_alive() and "\n" not in said:
        said += capsys.readouterr().err
        time.sleep(0.01)
    release()
    waiting.join()
    return said + capsys.readouterr().err


def test_a_lock_is_waited_for_and_a_killed_process_holds_none(tmp_path, capsys):
    path = tmp_path / "cell.lock"
    holder = started(HOLDS, path)

    def take():
        with locks.alone(path):
            (tmp_path / "made").unlink()  # by now the other process is done

    said = waited_for(take, capsys, lambda: holder.communicate("go on\n"))
    assert said == f"waiting for process {holder.pid} on {platform.node()}, which makes the same files (lock: {path})\n"
    assert not (tmp_path / "made").exists()
    killed(started(HOLDS, path))
    assert path.exists()
    with locks.alone(path):
        pass
    assert not list(tmp_path.iterdir()) and not capsys.readouterr().err
    with locks.alone(path):
        path.unlink()  # as somebody tidying up might
    with locks.alone(path):
        assert path.read_text() == f"process {os.getpid()} on {platform.node()}"


def test_who_holds_a_lock_may_not_have_said_so_yet(tmp_path, capsys):
    path = tmp_path / "cell.lock"

    def take():
        with locks.alone(path):
            pass

    holder = FileLock(path)
    holder.acquire()
    said = waited_for(take, capsys, holder.release)
    assert said == f"waiting for another process, which makes the same files (lock: {path})\n"


def test_a_message_that_its_log_has_no_room_for_goes_to_standard_output(tmp_path):
    command = [sys.executable, "-m", "workflow_scripts.make_table", "--summary", tmp_path, "--out", tmp_path / "a.csv"]
    with open("/dev/full", "w") as full:
        done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=full, text=True)
    assert done.returncode == 1 and done.stdout.startswith(f"error: {tmp_path}")
