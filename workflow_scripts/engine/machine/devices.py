"""The device that a command computes on, set up to give the same bits every time."""

import contextlib
import ctypes
import os
import warnings

import torch

from workflow_scripts.engine.commands import UserError
from workflow_scripts.engine.configuration import config, flags
from workflow_scripts.engine.machine import gpus

M_MMAP_MAX, M_TRIM_THRESHOLD = -4, -1  # of glibc's malloc.h
# how PyTorch begins to warn of updates without a graph; the first ones are, on purpose
CAPTURABLE = "This instance was constructed with capturable=True"


def add_flags(parser):
    """Add the flags that `computing` reads to a command's parser."""
    flags.add(parser, config.Running, "device", "gpu_share")


@contextlib.contextmanager
def computing(running, threads):
    """The `torch.device` that a `config.Running` asks for; a GPU is held until the end of the context."""
    held = contextlib.nullcontext() if running.device == "cpu" else gpus.taken(share=running.gpu_share)
    with held:
        yield choose_device(running.device, threads)


def choose_device(name, threads):
    """The `torch.device` for "auto", "cpu" or "cuda", with PyTorch set to compute the same bits every time.

    Raises UserError where there is no GPU for "cuda", or where the driver lists GPUs for "auto" that PyTorch cannot
    use: a study that took the CPU instead would take days, and say so in no log that is read.
    """
    on_gpu = name != "cpu" and torch.cuda.is_available()
    if name == "cuda" and not on_gpu:
        raise UserError("device is 'cuda', but PyTorch finds no GPU; set device to 'cpu' or 'auto'")
    if name == "auto" and not on_gpu and gpus.present() and (names := gpus.known_to_the_driver()):
        built = f"built for CUDA {torch.version.cuda}" if torch.version.cuda else "built without CUDA"
        raise UserError(
            f"device is 'auto', but PyTorch, {built}, cannot use the GPU {names[0]} of `nvidia-smi`: its driver may be "
            "too old (the tool shows for which CUDA it is); set device to 'cpu' to compute without GPUs"
        )
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS is deterministic only with this
    torch.set_deterministic_debug_mode("error")  # like use_deterministic_algorithms(True), without importing Inductor
    torch.utils.deterministic.fill_uninitialized_memory = False
    torch.backends.cudnn.benchmark = False  # it may choose a different algorithm in each run
    torch.backends.cudnn.allow_tf32 = False  # fp32 means float32, on every device
    torch.backends.cuda.matmul.allow_tf32 = False  # likewise, whatever the environment says (NVIDIA's containers do)
    warnings.filterwarnings("ignore", CAPTURABLE)
    torch.set_num_threads(threads)
    device = torch.device("cuda" if on_gpu else "cpu")
    if device.type == "cpu":
        _keep_freed_memory()
    return device


def _keep_freed_memory():
    """Make glibc's `free` keep memory for the next `malloc`; without glibc, do nothing.

    By default it returns the blocks of activations to the kernel, which fills new ones with zeros at every step: a
    quarter of the processor time of VGG_08 in float32.
    """
    with contextlib.suppress(AttributeError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(M_MMAP_MAX, 0)
        mallopt(M_TRIM_THRESHOLD, -1)
