"""How a step is captured: what PyTorch is asked for, in which order, and what is left behind where it fails.

Here CUDA's functions are fakes that write down what is asked of them; on a GPU, `test_captured_on_a_gpu.py` captures.
"""

import contextlib
from unittest import mock

import pytest
import torch

from workflow_scripts.engine.training import captured


@pytest.mark.parametrize("fails", [False, True])
def test_a_graph_is_captured_as_pytorch_asks(monkeypatch, fails):
    """Warm-up and capture run on a stream that waits and is waited for, and that is left even if the capture fails.

    A failed capture is followed by an empty one, which ends it for PyTorch's generator too.
    """
    said = []
    monkeypatch.setattr(captured, "FAILED", [])

    class Stream:
        def __init__(self, name="side"):
            self.name = name

        def wait_stream(self, other):
            said.append(f"{self.name} waits for {other.name}")

    @contextlib.contextmanager
    def within(name):
        said.append(f"into {name}")
        try:
            yield
        finally:
            said.append(f"out of {name}")

    def step():
        said.append("step")
        if fails and said[-2] == "into graph":
            raise RuntimeError
        return "loss"

    asked = mock.create_autospec(torch.cuda.graph, side_effect=lambda *_, **__: within("graph"))
    monkeypatch.setattr(captured, "_stream", Stream)
    fakes = {"stream": lambda stream: within(stream.name), "CUDAGraph": mock.Mock, "graph": asked}
    for name, fake in {**fakes, "current_stream": lambda: Stream("main")}.items():
        monkeypatch.setattr(torch.cuda, name, fake)
    with pytest.raises(RuntimeError) if fails else contextlib.nullcontext():
        replay, loss = captured.cuda_graph(step)
        assert (replay, loss) == (asked.call_args.args[0].replay, "loss")
    graphs, streams = zip(*((call.args[0], call.kwargs["stream"].name) for call in asked.call_args_list), strict=True)
    assert set(streams) == {"side"} and len(set(graphs)) == len(graphs) == 1 + fails
    assert [*graphs[:1]] * fails == captured.FAILED
    steps = ["step"] * captured.WARM_UP
    inside_graph = ["into graph", "step", "out of graph", *["into graph", "out of graph"] * fails]
    assert said == ["side waits for main", "into side", *steps, *inside_graph, "out of side", "main waits for side"]


def test_a_capture_that_fails_twice_says_why_it_failed_first(monkeypatch):
    error = RuntimeError("operation not permitted when stream is capturing")
    monkeypatch.setattr(captured, "FAILED", [])
    for name in ("Stream", "stream", "CUDAGraph", "current_stream"):
        monkeypatch.setattr(torch.cuda, name, mock.MagicMock())
    ended = RuntimeError("operation failed due to a previous error during capture")
    monkeypatch.setattr(torch.cuda, "graph", mock.Mock(side_effect=[error, ended]))
    with pytest.raises(RuntimeError) as caught:
        captured.cuda_graph(lambda: None)
    assert caught.value is error


def test_the_captures_of_a_process_share_a_stream(monkeypatch):
    """For each stream, PyTorch keeps memory until the process ends; a bundle captures twice for every cell."""
    captured._stream.cache_clear()
    monkeypatch.setattr(torch.cuda, "Stream", object)
    try:
        assert captured._stream() is captured._stream()
    finally:
        captured._stream.cache_clear()
