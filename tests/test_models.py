"""Every registered network and block: counts, gradients, and a forward pass written out by hand."""

import pytest
import torch
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from models.course_vgg import ConvolutionalNetwork
from models.registry import BLOCKS, build_model, list_blocks, list_models
from workflow_scripts.engine.insight.grad_cam import last_map
from workflow_scripts.engine.runs.results import forward_flops
from workflow_scripts.engine.training.initializations import INITS

COUNTS = {
    ("vgg08", "plain"): 59_716,
    ("vgg38", "plain"): 336_196,
    ("vgg38", "rc"): 336_196,
    ("vgg38", "bn"): 338_500,
    ("vgg38", "bn_rc"): 338_500,
}


@pytest.mark.parametrize(("model", "block"), COUNTS)
def test_parameters_as_in_the_brief(model, block):
    network = build_model(model, block, num_classes=100, image_shape=(3, 32, 32))
    assert sum(parameter.numel() for parameter in network.parameters()) == COUNTS[model, block]


@pytest.mark.parametrize(("width", "filters"), [(0.3, 10), (0.29, 9), (0.001, 1), (2, 64)])
def test_a_width_is_rounded_to_filters(width, filters):
    assert build_model("vgg08", width=width).num_filters == filters


@pytest.mark.parametrize("model", list_models())
@pytest.mark.parametrize("block", list_blocks())
def test_operations_are_counted_as_pytorch_counts_them(model, block):
    with torch.device("meta"):
        try:
            network = build_model(model, block, num_classes=7, image_shape=(3, 32, 32)).eval()
        except ValueError:
            return  # this network does not take the block
        with FlopCounterMode(display=False) as counter:
            network(torch.zeros(1, 3, 32, 32))
        assert forward_flops(network, (3, 32, 32)) == counter.get_total_flops() > 0


def test_companions_which_only_training_needs_are_not_counted():
    without, supervised = (build_model("vgg08", "bn", supervision=weight).train() for weight in (0, 0.3))
    assert forward_flops(supervised, (3, 32, 32)) == forward_flops(without, (3, 32, 32))


LOOKS = {
    "the count of operations": lambda network: forward_flops(network, (1, 8, 8)),
    "the search for the last map": lambda network: last_map(network, torch.zeros(1, 1, 8, 8)),
    "lsuv": lambda network: INITS["lsuv"](network, torch.zeros(2, 1, 8, 8)),
}


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)
def test_no_hook_stays_where_the_forward_pass_fails(look):
    network = build_model("vgg08", "bn", num_classes=7, image_shape=(3, 8, 8), width=0.25)
    with pytest.raises(RuntimeError, match="channels"):
        look(network)
    assert not any(module._forward_hooks for module in network.modules())


@pytest.mark.parametrize("model", ["vgg08", "vgg38"])
@pytest.mark.parametrize("block", list_blocks())
def test_gradient_reaches_every_parameter(model, block):
    torch.manual_seed(0)
    # float64, because the gradient of a plain deep network's first layers underflows in float32
    network = build_model(model, block, num_classes=7, image_shape=(3, 16, 16), width=0.25).double()
    for name, parameter in network.named_parameters():
        if name.endswith("gain"):  # SkipInit starts with closed gates
            torch.nn.init.ones_(parameter)
    logits = network(torch.randn(4, 3, 16, 16, dtype=torch.float64))
    assert logits.shape == (4, 7)
    F.cross_entropy(logits, torch.tensor([0, 1, 2, 3])).backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().sum() > 0, name


def by_hand(weights, x, blocks_per_stage, bn, rc):
    """The course network from its brief, on a plain dictionary of weights, in evaluation mode."""

    def norm(name, x):
        mean, var = weights[f"{name}.running_mean"], weights[f"{name}.running_var"]
        scale = weights[f"{name}.weight"] / (var + 1e-5).sqrt()
        return (x - mean[:, None, None]) * scale[:, None, None] + weights[f"{name}.bias"][:, None, None]

    def conv(prefix, index, x):
        x = F.conv2d(x, weights[f"{prefix}.conv{index}.weight"], weights.get(f"{prefix}.conv{index}.bias"), padding=1)
        return norm(f"{prefix}.norm{index}", x) if bn else x

    def act(x):
        return torch.where(x > 0, x, 0.01 * x)

    x = act(norm("entry.norm", F.conv2d(x, weights["entry.conv.weight"], padding=1)))
    for stage in range(3):
        for block in range(blocks_per_stage):
            name = f"stages.{stage}.blocks.{block}"
            out = conv(name, 1, act(conv(name, 0, x)))
            x = act(out + x if rc else out)
        name = f"stages.{stage}.reduction"
        x = act(conv(name, 0, x))
        b, c, h, w = x.shape
        x = act(conv(name, 1, x.reshape(b, c, h // 2, 2, w // 2, 2).mean((3, 5))))
    return x.mean((2, 3)) @ weights["classifier.weight"].T + weights["classifier.bias"]


@pytest.mark.parametrize(("model", "blocks_per_stage"), [("vgg08", 0), ("vgg38", 5)])
@pytest.mark.parametrize(
    ("block", "bn", "rc"), [("plain", 0, 0), ("bn", 1, 0), ("rc", 0, 1), ("bn_rc", 1, 1)], ids=lambda value: str(value)
)
def test_forward_equals_the_one_written_out(model, blocks_per_stage, block, bn, rc):
    torch.manual_seed(1)
    network = build_model(model, block, num_classes=10, image_shape=(3, 16, 24)).double()
    for parameter in network.parameters():  # large enough that every layer affects the output
        torch.nn.init.normal_(parameter, std=0.15)
    x = torch.randn(3, 3, 16, 24, dtype=torch.float64)
    network.train()
    network(x)  # gives the running statistics values other than 0 and 1
    network.eval()
    expected = by_hand(network.state_dict(), x, blocks_per_stage, bn, rc)
    torch.testing.assert_close(network(x), expected, rtol=1e-10, atol=1e-10)


def test_parameters_stand_in_the_order_of_the_forward_pass():
    network = build_model("vgg38", "bn_rc", width=0.25, image_shape=(3, 16, 16))
    order = []
    for name, module in network.named_modules():
        if not list(module.children()) and list(module.parameters()):
            module.register_forward_hook(lambda *_, name=name: order.append(name))
    network(torch.zeros(2, 3, 16, 16))
    registered = list(dict.fromkeys(name.rpartition(".")[0] for name, _ in network.named_parameters()))
    assert registered == order


def test_names_and_arguments_of_the_brief():
    block = BLOCKS["bn"]
    network = ConvolutionalNetwork(
        input_shape=(100, 3, 32, 32),
        num_output_classes=100,
        num_filters=32,
        num_blocks_per_stage=5,
        num_stages=3,
        processing_block_type=block,
        dimensionality_reduction_block_type=block.reduction_block_type,
    )
    assert sum(parameter.numel() for parameter in network.parameters()) == 338_500
    assert network.dropout.p == network.supervision == 0  # which the brief does not have


@pytest.mark.parametrize("name", ["plain", "bn", "bn_rc"])
def test_a_block_is_made_as_the_courses_network_makes_it(name):
    arguments = {"num_filters": 8, "kernel_size": 5, "padding": 2, "bias": True, "dilation": 1}
    block = BLOCKS[name](input_shape=(2, 8, 16, 16), **arguments)
    assert block.conv0.weight.shape == (8, 8, 5, 5) and block.conv1.bias is not None
    assert block(torch.zeros(2, 8, 16, 16)).shape == (2, 8, 16, 16)
    wide = BLOCKS[name].reduction_block_type(input_shape=(2, 8, 16, 16), **arguments | {"padding": 4, "dilation": 2})
    assert wide.conv1.dilation == (2, 2) and wide(torch.zeros(2, 8, 16, 16)).shape == (2, 8, 8, 8)


def test_an_image_too_small_is_refused():
    with pytest.raises(ValueError, match="images of 4x4 are too small for 3 halvings: 8 needed"):
        build_model("vgg08", image_shape=(3, 4, 4))


@pytest.mark.parametrize("options", [{"model": "vgg39"}, {"model": "vgg38", "block": "bm"}])
def test_an_unknown_name_lists_the_known_ones(options):
    build_model("vgg08", image_shape=(3, 8, 8))
    with pytest.raises(ValueError, match="known: .*(vgg08|plain)"):
        build_model(**options)
