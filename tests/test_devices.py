"""The device, as the commands configure it."""

import json
import os
import platform
import subprocess
import sys

import pytest

from tests.conftest import ROOT

STEPS = """
import hashlib, json, os, resource, sys
import torch
from workflow_scripts.engine.machine import devices

if sys.argv[1] == "plain":
    devices._keep_freed_memory = lambda: None
torch.set_num_threads(2)
devices.choose_device("cpu", 1)
torch.manual_seed(0)
model = torch.nn.Sequential(torch.nn.Conv2d(3, 64, 3), torch.nn.ReLU(), torch.nn.Conv2d(64, 8, 3))
images = torch.rand(20, 3, 64, 64)  # of which an activation is 20 MB

def step():
    model(images).square().mean().backward()

for _ in range(5):  # until there is memory for all that a step needs at once
    step()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(5):
    step()
faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
bits = b"".join(parameter.grad.numpy().tobytes() for parameter in model.parameters())
settings = [
    torch.get_deterministic_debug_mode() == 2,  # an error
    torch.get_num_threads(),
    torch.utils.deterministic.fill_uninitialized_memory,
    torch.backends.cudnn.benchmark,
    torch.backends.cudnn.allow_tf32 or torch.backends.cuda.matmul.allow_tf32,
    os.environ["CUBLAS_WORKSPACE_CONFIG"],
]
print(json.dumps([faults, hashlib.sha256(bits).hexdigest(), settings]))
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="there is no glibc")
def test_steps_find_the_memory_of_the_step_before_and_the_bits_are_the_same():
    found = {}
    for way in ("plain", "kept"):
        command = [sys.executable, "-c", STEPS, way]
        environment = {**os.environ, "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE": "1"}
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
        found[way] = json.loads(done.stdout)
    (plain, bits, settings), (kept, same_bits, _) = found.values()
    assert settings == [True, 1, False, False, False, ":4096:8"]
    assert bits == same_bits and kept < plain / 4  # not 0, because block addresses differ from run to run
