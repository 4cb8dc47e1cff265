"""vgg_a and cifar_net: counts, a forward pass of plain PyTorch layers, options, and a step of every variant."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from models.registry import BLOCKS, build_model, list_blocks, list_models
from models.shapes import CIFAR_NET
from models.vgg_a import VGG_A, VGG_A_BatchNorm, VGG_BatchNorm
from workflow_scripts.engine.commands import UserError
from workflow_scripts.engine.configuration import config
from workflow_scripts.engine.configuration.record import Cell
from workflow_scripts.engine.training.optimizers import OPTIMIZERS

OURS = ("plain", "bn", "rc", "bn_rc")


def parameters(network):
    return sum(parameter.numel() for parameter in network.parameters())


@pytest.mark.parametrize(("block", "kind", "count"), [("plain", VGG_A, 9_750_922), ("bn", VGG_BatchNorm, 9_756_426)])
def test_vgg_has_the_parameters_of_the_brief(block, kind, count):
    network = build_model("vgg_a", block, num_classes=10)
    assert type(network) is kind
    assert parameters(network) == parameters(kind()) == count


def test_vgg_has_the_names_of_the_brief():
    assert VGG_A_BatchNorm is VGG_BatchNorm
    network = VGG_A(1, 7)  # inp_ch, num_classes
    assert network.classifier[4] is network.classifier[-1]  # the layer whose gradient the brief records
    assert network.classifier[4].weight.shape == (7, 512) and network.features[0].weight.shape == (64, 1, 3, 3)


def of_plain_layers(normalized, dropout=None):
    """VGG-A as described in the literature, from PyTorch's layers alone."""
    layers, channels = [], 3
    for filters in (64, "M", 128, "M", 256, 256, "M", 512, 512, "M", 512, 512, "M"):
        if filters == "M":
            layers.append(nn.MaxPool2d(2, 2))
        else:
            norm = [nn.BatchNorm2d(filters)] if normalized else []
            layers += [nn.Conv2d(channels, filters, 3, padding=1), *norm, nn.ReLU()]
            channels = filters
    drop = [] if dropout is None else [nn.Dropout(dropout)]
    hidden = [*drop, nn.Linear(512, 512), nn.ReLU(), *drop, nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 10)]
    return nn.Sequential(*layers, nn.Flatten(), *hidden)


@pytest.mark.parametrize(("block", "dropout"), [("plain", None), ("bn", None), ("plain", 0.3)])
def test_vgg_computes_what_plain_layers_do(block, dropout):
    network = build_model("vgg_a", block, 10, **({"dropout": dropout} if dropout else {}))
    plain = of_plain_layers(block == "bn", dropout)
    for other, parameter in zip(plain.parameters(), network.parameters(), strict=True):
        assert other.shape == parameter.shape
        other.data.copy_(parameter.data)
    images, outputs = torch.randn(2, 3, 32, 32), []
    for one in (network, plain):
        torch.manual_seed(1)
        outputs.append(one.train()(images))
        outputs[-1].sum().backward()
    torch.testing.assert_close(*outputs, rtol=0, atol=0)
    torch.testing.assert_close(next(network.parameters()).grad, next(plain.parameters()).grad)


def test_vgg_starts_xavier_normal():
    torch.manual_seed(0)
    network = VGG_BatchNorm()
    for module in network.modules():
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            fans = module.weight[0].numel() + module.weight[:, 0].numel()
            weights = module.weight.detach().flatten()
            assert weights.std().item() == pytest.approx((2 / fans) ** 0.5, rel=6 / len(weights) ** 0.5)
            assert weights.abs().max() > 2.2 * weights.std()  # a uniform distribution ends at 1.7 deviations
            assert not module.bias.any()


def test_cifar_net_starts_as_he_says():
    torch.manual_seed(0)
    network = build_model("cifar_net", "bn_rc", 10)
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            weights = module.weight.detach().flatten()
            expected = (2 / module.weight[0].numel()) ** 0.5  # of variance 2 / fan_in
            assert weights.std().item() == pytest.approx(expected, rel=6 / len(weights) ** 0.5)
            assert weights.abs().max() > 2.2 * weights.std()


def test_vgg_of_larger_images_averages_what_is_left():
    network = build_model("vgg_a", "plain", 10, (3, 64, 96), width=1 / 16)
    images = torch.randn(2, 3, 64, 96)
    assert network(images).shape == (2, 10)
    expected = network.classifier(network.features(images).mean((2, 3)))
    torch.testing.assert_close(network(images), expected)


COUNTS = {"plain": 926_314, "bn": 927_370, "rc": 926_314, "bn_rc": 927_370}


@pytest.mark.parametrize("block", COUNTS)
def test_cifar_net_is_small(block):
    assert parameters(build_model("cifar_net", block, 10)) == COUNTS[block] <= 1_000_000


@pytest.mark.parametrize("width", [0.25, 0.45, 0.5, 2.0])
def test_cifar_net_is_as_wide_as_asked_in_multiples_of_8(width):
    network = build_model("cifar_net", "bn_rc", 10, width=width)
    widths = [stage.entry.conv.out_channels for stage in network.stages]
    assert all(
        abs(found - width * filters) <= 4 and found % 8 == 0
        for found, (filters, _) in zip(widths, CIFAR_NET, strict=True)
    )


def test_cifar_net_has_8_filters_at_least():
    network = build_model("cifar_net", "bn_rc", 10, width=0.01)
    assert {stage.entry.conv.out_channels for stage in network.stages} == {8}


def by_hand(weights, x, bn, rc):
    """cifar_net on a plain dictionary of weights, in evaluation mode."""

    def conv(name, x, halves=False):
        x = F.conv2d(x, weights[f"{name}.conv.weight"], weights.get(f"{name}.conv.bias"), padding=1)
        if halves:
            b, c, h, w = x.shape
            x = x.reshape(b, c, h // 2, 2, w // 2, 2).amax((3, 5))
        if bn:
            mean, var, scale, shift = (
                weights[f"{name}.norm.{key}"][:, None, None]
                for key in ("running_mean", "running_var", "weight", "bias")
            )
            x = (x - mean) / (var + 1e-5).sqrt() * scale + shift
        return x

    for stage, (_, pairs) in enumerate(CIFAR_NET):
        x = conv(f"stages.{stage}.entry", x, halves=stage > 0).relu()
        for pair in range(pairs):
            name = f"stages.{stage}.pairs.{pair}.convolutions"
            out = conv(f"{name}.1", conv(f"{name}.0", x).relu())
            x = (out + x if rc else out).relu()
    return x.mean((2, 3)) @ weights["classifier.weight"].T + weights["classifier.bias"]


@pytest.mark.parametrize(("block", "bn", "rc"), [("plain", 0, 0), ("bn", 1, 0), ("rc", 0, 1), ("bn_rc", 1, 1)])
def test_cifar_net_equals_the_one_written_out(block, bn, rc):
    torch.manual_seed(1)
    network = build_model("cifar_net", block, 5, (3, 16, 24), width=0.25).double()
    for parameter in network.parameters():
        nn.init.normal_(parameter, std=0.15)
    x = torch.randn(3, 3, 16, 24, dtype=torch.float64)
    network.train()(x)  # gives the running statistics values other than 0 and 1
    expected = by_hand(network.state_dict(), x, bn, rc)
    torch.testing.assert_close(network.eval()(x), expected, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("block", OURS)
def test_a_residual_branch_can_be_closed(block):
    """The initialisation `zero_residual` relies on this."""
    network = build_model("cifar_net", block, 10, (3, 8, 8), width=0.125).eval()
    ends = [pair.branch_end() for stage in network.stages for pair in stage.pairs]
    assert len(ends) == sum(pairs for _, pairs in CIFAR_NET) and all(
        (end is None) == ("rc" not in block) for end in ends
    )
    for stage in network.stages if "rc" in block else []:
        for pair in stage.pairs:
            for parameter in pair.branch_end().parameters():
                nn.init.zeros_(parameter)
            x = torch.rand(2, stage.entry.conv.out_channels, 4, 4)
            torch.testing.assert_close(pair(x), x)


def test_dropout_is_there_in_training_alone():
    for model in ("cifar_net", "vgg_a"):
        network = build_model(model, "plain", 10, width=0.125, dropout=0.5)
        images = torch.randn(2, 3, 32, 32)
        assert not torch.equal(network(images), network(images))
        network.eval()
        assert torch.equal(network(images), network(images))


@pytest.mark.parametrize("model", ["vgg08", "cifar_net"])
def test_as_many_features_are_dropped_as_asked_for(model):
    torch.manual_seed(0)
    network, shares = build_model(model, "bn", 10, width=0.25, dropout=0.2), []
    network.classifier.register_forward_pre_hook(lambda _, inputs: shares.append((inputs[0] == 0).double().mean()))
    network(torch.randn(64, 3, 32, 32))
    assert shares == [pytest.approx(0.2, abs=0.04)]


@pytest.mark.parametrize("model", ["cifar_net", "vgg_a"])
@pytest.mark.parametrize("block", ["plain", "bn"])
def test_parameters_stand_in_the_order_of_the_forward_pass(model, block):
    network = build_model(model, block, width=0.125)
    order = []
    for name, module in network.named_modules():
        if not list(module.children()) and list(module.parameters()):
            module.register_forward_hook(lambda *_, name=name: order.append(name))
    network(torch.zeros(2, 3, 32, 32))
    assert list(dict.fromkeys(name.rpartition(".")[0] for name, _ in network.named_parameters())) == order


def fitting(model):
    """The blocks that a network takes; for the others, checks that the error message says which it takes."""
    found = []
    for block in list_blocks():
        try:
            build_model(model, block, 10, width=0.125)
        except ValueError as error:
            assert str(error).startswith(f"the network {model} takes the blocks plain, bn"), error
            assert str(error).endswith(f"not {BLOCKS[block].__name__}")
        else:
            found.append(block)
    return found


def test_blocks_that_fit():
    assert set(OURS) <= set(fitting("cifar_net")) <= {*OURS, "gn", "gn_rc", "ln", "ln_rc"}
    assert fitting("vgg_a") == ["bn", "plain"]


def test_a_block_with_an_activation_of_its_own_is_refused(monkeypatch):
    tanh = type("TanhBlock", (BLOCKS["bn"],), {"activation": staticmethod(torch.tanh)})
    monkeypatch.setitem(BLOCKS, "bn_tanh", tanh)
    with pytest.raises(ValueError, match="takes the blocks plain, bn.*, not TanhBlock"):
        build_model("cifar_net", "bn_tanh", 10)


@pytest.mark.parametrize(("classes", "channels"), [(10, 3), (7, 1)])
@pytest.mark.parametrize("model", list_models())
def test_every_network_of_fitting_blocks_trains_a_step(model, classes, channels):
    shape = (channels, 32, 40) if model == "vgg_a" else (channels, 16, 8)
    for block in fitting(model):
        torch.manual_seed(0)
        network = build_model(model, block, classes, shape, width=0.125).to(memory_format=torch.channels_last)
        before = [parameter.detach().clone() for parameter in network.parameters()]
        optimizer = OPTIMIZERS["nesterov"](network.parameters(), 0.01, 5e-4)
        loss = F.cross_entropy(network(torch.randn(4, *shape)), torch.arange(4))
        loss.backward()
        assert loss.isfinite() and all(p.grad.isfinite().all() for p in network.parameters()), block
        optimizer.step()
        moved = [not torch.equal(old, new) for old, new in zip(before, network.parameters(), strict=True)]
        assert any(moved) and all(p.isfinite().all() for p in network.parameters()), block


@pytest.mark.parametrize(("rows", "columns"), [(8, 8), (9, 12), (28, 28)])
def test_cifar_net_takes_small_images(rows, columns):
    network = build_model("cifar_net", "bn_rc", 10, (1, rows, columns), width=0.125)
    assert network(torch.randn(2, 1, rows, columns)).shape == (2, 10)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("cifar_net", "images of 7x40 are too small for 3 halvings: 8 needed"),
        ("vgg_a", "images of 7x40 are too small for 5 halvings: 32 needed; `image_size: 32` of the data set enlarges"),
    ],
)
def test_an_image_too_small_is_refused(model, message):
    with pytest.raises(ValueError, match=message):
        build_model(model, "bn", 10, (3, 7, 40))


def test_an_unknown_network_lists_the_known():
    with pytest.raises(UserError, match="model: 'vgg_b': unknown model; known: .*cifar_net.*vgg_a"):
        config.parse(Cell, {"model": "vgg_b"}, "the cell's record")
