"""A real Slurm in one folder, on loopback, of two nodes with a GPU each (a /dev/null file): started, and stopped."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch")
NODES = ("n1", "n2")
MARK = "TEST_SLURM_FOLDER"  # in the environment of everything that runs in the tests' Slurm

CONFIGURATION = """
ClusterName=gradscape
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={port}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket,cred_expire=20
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
GresTypes=gpu
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SwitchType=switch/none
SlurmdParameters=config_overrides
ReturnToService=2
SlurmdTimeout=10
SlurmctldTimeout=10
KillWait=2
MinJobAge=3600
SchedulerParameters=sched_interval=1,batch_sched_delay=0,bf_interval=1
{nodes}
PartitionName=gpu Nodes=ALL Default=YES MaxTime=INFINITE State=UP OverSubscribe=NO
"""
NODE = "NodeName={name} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs=2 RealMemory=100000 Gres=gpu:1"


class Slurm:
    """`start()` it, use `environment` for its clients (sbatch, squeue, ...), `stop()` it."""

    def __init__(self, folder):
        self.folder = folder
        self.host = socket.gethostname().split(".")[0]
        self.environment = {
            **os.environ,
            MARK: str(folder),
            "SLURM_CONF": str(folder / "slurm.conf"),
            "PATH": f"{folder / 'bin'}:{os.environ['PATH']}:/usr/sbin:/sbin",
        }
        self.processes = {}

    def start(self, timeout=60):
        """Start munge, the controller and both nodes; raises RuntimeError, with their log, if they do not come up."""
        for name in ("state", *(f"spool-{node}" for node in NODES)):
            (self.folder / name).mkdir()
        ports = _free_ports(1 + len(NODES))
        (self.folder / "gres.conf").write_text("".join(f"NodeName={n} Name=gpu File=/dev/null\n" for n in NODES))
        lines = [NODE.format(name=node, host=self.host, port=port) for node, port in zip(NODES, ports[1:], strict=True)]
        (self.folder / "slurm.conf").write_text(
            CONFIGURATION.format(host=self.host, port=ports[0], folder=self.folder, nodes="\n".join(lines))
        )
        # Snakemake's job step drops SLURM_CONF before it calls srun
        srun = self.folder / "bin/srun"
        srun.parent.mkdir()
        srun.write_text(f'#!/bin/sh\nSLURM_CONF={self.folder}/slurm.conf exec {shutil.which("srun")} "$@"\n')
        srun.chmod(0o755)
        key = self.folder / "munge.key"
        key.write_bytes(os.urandom(128))
        key.chmod(0o400)
        files = {"key-file": "munge.key", "socket": "munge.socket", "pid-file": "munged.pid", "log-file": "munged.log"}
        files["seed-file"] = "munge.seed"
        self._run(
            "munged", "munged", "--foreground", "--force", *(f"--{flag}={self.folder / f}" for flag, f in files.items())
        )
        self._wait(lambda: (self.folder / "munge.socket").exists(), timeout, "munged.log")
        self._run("slurmctld", "slurmctld", "-D")
        for node in NODES:
            self.start_node(node)
        self._wait(lambda: self.states() == dict.fromkeys(NODES, "idle"), timeout, "slurmctld.log")

    def start_node(self, node):
        """Start the daemon of a node, also one that was lost before."""
        self._run(node, "slurmd", "-D", "-N", node)

    def lose_node(self, node):
        """Kill the daemon of a node and everything that runs there at once, as in a power failure."""
        self.processes[node].kill()
        jobs = processes(**{MARK: str(self.folder), "SLURMD_NODENAME": node})
        for pid in (*{_parent(pid) for pid in jobs} - {*jobs, None}, *jobs):  # Slurm's step daemons are the parents
            _kill(pid)
        self.processes.pop(node).wait()

    def jobs(self):
        """[{scontrol's key: value}] for all jobs of this Slurm, including those that have ended."""
        lines = self.client("scontrol", "show", "job", "--oneliner").splitlines()
        return [dict(word.split("=", 1) for word in line.split() if "=" in word) for line in lines]

    def states(self):
        """{node: its state in sinfo's words}."""
        output = self.client("sinfo", "-h", "-N", "-o", "%N %t")
        return dict(line.split() for line in output.splitlines())

    def client(self, *command):
        """What a client of this Slurm prints; mostly "" if it fails, for instance before the controller is up."""
        return subprocess.run(command, env=self.environment, capture_output=True, text=True).stdout

    def stop(self):
        """End every process that was started here."""
        self.client("scancel", "--user=root")
        for process in reversed(list(self.processes.values())):
            process.terminate()
        for process in self.processes.values():
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
        self.processes.clear()
        self._kill_jobs()

    def _kill_jobs(self):
        for pid in processes(**{MARK: str(self.folder)}):
            _kill(pid)

    def _run(self, name, *command):
        program = shutil.which(command[0], path=self.environment["PATH"])
        with open(self.folder / f"{name}.err", "wb") as said:
            self.processes[name] = subprocess.Popen(
                [program, *command[1:]], env=self.environment, stdout=said, stderr=said, start_new_session=True
            )

    def _wait(self, ready, timeout, log):
        end = time.monotonic() + timeout
        while not ready():
            if time.monotonic() > end:
                path = self.folder / log
                raise RuntimeError(path.read_text()[-2000:] if path.exists() else f"no {log}")
            time.sleep(0.2)


def missing():
    """What this machine lacks to run Slurm, as a reason to skip; "" if nothing."""
    absent = [name for name in PROGRAMS if not shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin:/sbin")]
    if absent:
        return f"{', '.join(absent)} not found: apt-get install slurm-wlm munge"
    return "" if os.geteuid() == 0 else "slurmd must run as root"


def _free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def processes(**environment):
    """Ids of the processes on this machine that have these variables in their environment."""
    wanted = {f"{name}={value}" for name, value in environment.items()}
    return [pid for pid in map(int, filter(str.isdigit, os.listdir("/proc"))) if wanted <= set(words(pid, "environ"))]


def words(pid, kind):
    """The words of a process's command line (kind "cmdline") or environment ("environ"); [] if it has ended."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/{kind}").read_text(errors="replace").split("\0")
    return []


def _parent(pid):
    with contextlib.suppress(OSError):
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def _kill(pid):
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
