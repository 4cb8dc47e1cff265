"""The literature's remedies: blocks and options beyond the brief's, against closed forms and hand-written forwards."""

import pytest
import torch
from torch.nn import functional as F

from models.registry import BLOCKS, build_model, list_blocks
from workflow_scripts.engine.configuration import cells, config, grids
from workflow_scripts.engine.configuration.record import Cell
from workflow_scripts.engine.configuration.studies import Study
from workflow_scripts.engine.tables.labels import BLOCK_LABELS, block_label
from workflow_scripts.engine.training.objectives import added_terms, companions_weight
from workflow_scripts.engine.training.trainer import Training

FIRST_FOUR = ("plain", "bn", "rc", "bn_rc")
NEW = [block for block in BLOCK_LABELS if block not in FIRST_FOUR]  # a user's own block has no closed form here
SHAPE, FILTERS = (8, 4, 4), 8  # of a single block


def parameters(model, *arguments, **options):
    return sum(parameter.numel() for parameter in build_model(model, *arguments, **options).parameters())


# Counts


def dense(k, filters=32, classes=100):
    """Parameters of VGG_38 dense by its layers: in each of three stages ten that add k, a transition, a convolution."""
    grown = sum(9 * (filters + i * k) * k for i in range(10))
    reduction = (filters + 10 * k + 1) * filters + (9 * filters + 1) * filters
    return (3 * 9 + 2) * filters + 3 * (grown + reduction) + (filters + 1) * classes


PLAIN, BN = 336_196, 338_500
COUNTS = {
    "dense": dense(12),
    "bn_dense": dense(12) + 3 * 2 * (10 * 12 + 2 * 32),
    "bn_dense_pre": dense(12) + 3 * 2 * (sum(32 + 12 * i for i in range(11)) + 2 * 32),
    "rc_pool": PLAIN,
    "bn_rc_pool": BN,
    "rc_proj": PLAIN + 3 * 32 * 32,
    "bn_rc_proj": BN + 3 * (32 * 32 + 2 * 32),
    "preact_rc": PLAIN,
    "bn_preact_rc": BN + 3 * 2 * 32,
    "skipinit_rc": PLAIN + 15,
    "gn": BN,
    "gn_rc": BN,
    "ln": BN,
    "ln_rc": BN,
}


def test_parameters_by_closed_form():
    assert {block: parameters("vgg38", block) for block in NEW} == COUNTS


def test_dense_has_the_budget_of_vgg38_and_its_depth():
    assert dense(12) == 325_300 == 1215 * 12**2 + 9600 * 12 + 35_140
    for block in ("dense", "bn_dense", "bn_dense_pre"):
        assert abs(parameters("vgg38", block) / PLAIN - 1) < 0.05
        network = build_model("vgg38", block, growth_rate=1)
        assert sum(isinstance(layer, (torch.nn.Conv2d, torch.nn.Linear)) for layer in network.modules()) == 38
    assert parameters("vgg38", "dense", growth_rate=7) == dense(7)
    assert parameters("vgg38", "dense", width=0.5) == dense(6, 16)
    assert parameters("vgg38", "dense", width=0.3) == dense(4, 10)  # 3.75, rounded
    assert parameters("vgg38", "dense", width=1 / 32) == dense(1, 1)


def test_without_processing_blocks_dense_and_preactivation_leave_the_reductions():
    assert parameters("vgg08", "dense") == parameters("vgg08") == 59_716
    assert parameters("vgg08", "bn_dense") == parameters("vgg08", "bn")


# Forwards by hand, of single blocks


def block_of(name, kind="processing", **options):
    torch.manual_seed(2)
    processing = BLOCKS[name]
    if kind == "processing":
        block = processing(SHAPE, FILTERS, **options)
    else:
        block = processing.reduction_block_type(SHAPE, FILTERS, bias=True, **options)
    block = block.double()
    for parameter in block.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return block, torch.randn(3, *SHAPE, dtype=torch.float64)


def act(x):
    return torch.where(x > 0, x, 0.01 * x)


def normalized(block, name, x):
    """Batch normalization in training, from its definition; the identity if the block has none."""
    weights = dict(block.named_parameters())
    if f"{name}.weight" not in weights:
        return x
    mean, var = x.mean((0, 2, 3), keepdim=True), x.var((0, 2, 3), keepdim=True, correction=0)
    scale, shift = (weights[f"{name}.{part}"][:, None, None] for part in ("weight", "bias"))
    return (x - mean) / (var + 1e-5).sqrt() * scale + shift


def conv(block, name, x):
    weights = dict(block.named_parameters())
    weight = weights[f"{name}.weight"]
    return F.conv2d(x, weight, weights.get(f"{name}.bias"), padding=weight.shape[-1] // 2)


def pool(x):
    b, c, h, w = x.shape
    return x.reshape(b, c, h // 2, 2, w // 2, 2).mean((3, 5))


def reduced(block, x):
    """A reduction block without its last activation."""
    out = act(normalized(block, "norm0", conv(block, "conv0", x)))
    return normalized(block, "norm1", conv(block, "conv1", pool(out)))


@pytest.mark.parametrize("name", ["dense", "bn_dense"])
def test_dense_block_equals_one_written_out(name):
    block, x = block_of(name, growth_rate=3)
    first = act(normalized(block, "norm0", conv(block, "conv0", x)))
    second = act(normalized(block, "norm1", conv(block, "conv1", torch.cat([x, first], 1))))
    out = block(x)
    assert out.shape == (3, block.output_channels, 4, 4) and block.output_channels == 8 + 2 * 3
    torch.testing.assert_close(out, torch.cat([x, first, second], 1))


def test_preactivated_dense_block_equals_one_written_out():
    block, x = block_of("bn_dense_pre", growth_rate=3)
    first = conv(block, "conv0", act(normalized(block, "norm0", x)))
    read = torch.cat([x, first], 1)
    second = conv(block, "conv1", act(normalized(block, "norm1", read)))
    torch.testing.assert_close(block(x), torch.cat([read, second], 1))


@pytest.mark.parametrize("name", ["dense", "bn_dense", "bn_dense_pre"])
def test_transition_compresses_and_reduces(name):
    torch.manual_seed(2)
    block = BLOCKS[name].reduction_block_type((14, 4, 4), FILTERS, bias=True).double()
    x = torch.randn(3, 14, 4, 4, dtype=torch.float64)
    assert block.conv0.weight.shape == (8, 14, 1, 1) and block.conv1.weight.shape == (8, 8, 3, 3)
    read = act(normalized(block, "norm", x)) if name.endswith("pre") else x
    torch.testing.assert_close(block(x), act(reduced(block, read)))


@pytest.mark.parametrize("name", ["rc_pool", "bn_rc_pool", "rc_proj", "bn_rc_proj"])
def test_shortcut_across_a_reduction_equals_one_written_out(name):
    block, x = block_of(name, "reduction")
    shortcut = pool(x)
    if "proj" in name:
        shortcut = torch.einsum("bchw,fc->bfhw", shortcut, block.projection.weight[:, :, 0, 0])
        shortcut = normalized(block, "projection_norm", shortcut)
    torch.testing.assert_close(block(x), act(reduced(block, x) + shortcut))


@pytest.mark.parametrize("name", ["preact_rc", "bn_preact_rc", "skipinit_rc"])
def test_preactivated_blocks_equal_ones_written_out(name):
    block, x = block_of(name)
    out = conv(block, "conv0", act(normalized(block, "norm0", x)))
    out = conv(block, "conv1", act(normalized(block, "norm1", out)))
    torch.testing.assert_close(block(x), x + (block.gain if name == "skipinit_rc" else 1) * out)
    block, x = block_of(name, "reduction")
    torch.testing.assert_close(block(x), act(reduced(block, act(normalized(block, "norm", x)))))


def test_skipinit_is_the_identity_at_first():
    block = BLOCKS["skipinit_rc"](SHAPE, FILTERS)
    x = torch.randn(2, *SHAPE)
    assert torch.equal(block(x), x)
    block(x).sum().backward()
    assert block.gain.grad != 0


@pytest.mark.parametrize(("name", "groups"), [("gn", 2), ("ln", 1), ("gn_rc", 2), ("ln_rc", 1)])
def test_normalizations_per_image_equal_their_definition(name, groups):
    block = BLOCKS[name]((16, 4, 4), 16).double()
    x = torch.randn(3, 16, 4, 4, dtype=torch.float64)
    grouped = conv(block, "conv0", x).reshape(3, groups, -1)
    mean, var = grouped.mean(2, keepdim=True), grouped.var(2, keepdim=True, correction=0)
    scale, shift = (parameter[:, None, None] for parameter in (block.norm0.weight, block.norm0.bias))
    expected = ((grouped - mean) / (var + 1e-5).sqrt()).reshape(3, 16, 4, 4) * scale + shift
    torch.testing.assert_close(block.norm0(block.conv0(x)), expected)
    torch.testing.assert_close(block(x[:1]), block(x)[:1])  # no image depends on the others in its batch


@pytest.mark.parametrize(("channels", "groups"), [(1, 1), (4, 1), (12, 1), (20, 2), (28, 1), (32, 4)])
def test_a_group_has_8_filters_or_more_where_those_do_not_divide(channels, groups):
    processing = BLOCKS["gn"]
    for block in (processing, processing.reduction_block_type):
        assert block((channels, 4, 4), channels).norm0.num_groups == groups


@pytest.mark.parametrize("name", NEW)
@pytest.mark.parametrize("kind", ["processing", "reduction"])
def test_gradients_by_finite_differences(name, kind):
    torch.manual_seed(0)
    block = BLOCKS[name]((2, 2, 2), 2) if kind == "processing" else BLOCKS[name].reduction_block_type((2, 2, 2), 2)
    block = block.double()
    names, values = zip(*block.named_parameters(), strict=True)
    values = [torch.randn_like(value, requires_grad=True) for value in values]

    def forward(x, *values):
        return torch.func.functional_call(block, dict(zip(names, values, strict=True)), (x,))

    x = torch.randn(3, 2, 2, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(forward, (x, *values))


# Options


@pytest.mark.parametrize("block", ["plain", "bn_rc", "dense"])
def test_companions_stand_after_the_stages_and_only_in_training(block):
    torch.manual_seed(0)
    network = build_model("vgg38", block, 10, (3, 16, 16), width=0.25, supervision=0.3).double()
    torch.manual_seed(0)
    without = build_model("vgg38", block, 10, (3, 16, 16), width=0.25).double()
    extra = set(network.state_dict()) - set(without.state_dict())
    assert extra == {f"stages.{stage}.companion.{part}" for stage in (0, 1) for part in ("weight", "bias")}
    for name, value in without.state_dict().items():
        assert torch.equal(network.state_dict()[name], value), name
    x = torch.randn(4, 3, 16, 16, dtype=torch.float64)
    logits, *companions = network(x)
    torch.testing.assert_close(logits, without(x))
    features = network.entry(x)
    for stage, found in zip(network.stages[:2], companions, strict=True):
        features = stage(features)
        torch.testing.assert_close(found, F.linear(features.mean((2, 3)), *stage.companion.parameters()))
    without.load_state_dict({name: value for name, value in network.state_dict().items() if name not in extra})
    network.eval()
    without.eval()
    torch.testing.assert_close(network(x), without(x))


def test_companions_losses_are_added_with_a_weight_that_falls():
    torch.manual_seed(0)
    cell = Cell(supervision=0.3, epochs=10)
    companions, labels = [*torch.randn(2, 5, 7)], torch.tensor([0, 1, 2, 3, 4])
    by_hand = sum(-logits.log_softmax(1)[range(5), labels].mean() for logits in companions)
    for epoch, share in ((0, 0.3), (5, 0.15), (9, 0.03)):
        assert companions_weight(cell, epoch) == pytest.approx(share)
        torch.testing.assert_close(added_terms(cell, None, companions, labels, share), share * by_hand)


def test_an_activation_takes_the_place_of_every_leaky_relu():
    network = build_model("vgg38", "bn_rc_proj", 10, (3, 16, 16), width=0.25, activation="tanh")
    before = {name: value.clone() for name, value in network.named_parameters()}
    seen = set()

    class Seen(torch.overrides.TorchFunctionMode):
        def __torch_function__(self, function, types, args=(), kwargs=None):
            seen.add(function)
            return function(*args, **(kwargs or {}))

    with Seen():
        network(torch.randn(2, 3, 16, 16))
    assert torch.tanh in seen and F.leaky_relu not in seen
    assert before.keys() == dict(build_model("vgg38", "bn_rc_proj", width=0.25).named_parameters()).keys()


def test_dropout_is_before_the_classifier_in_training():
    network = build_model("vgg08", "bn", 10, (3, 8, 8), dropout=0.5)
    x = torch.randn(4, 3, 8, 8)
    assert not torch.equal(network(x), network(x))
    network.eval()
    assert torch.equal(network(x), network(x))


REFUSED = {
    "no growth": ({"block": "dense", "growth_rate": 0}, "growth_rate is 0: expected at least 1"),
    "nothing to grow": ({"block": "bn", "growth_rate": 12}, "growth_rate is an option of dense blocks"),
    "unknown activation": ({"activation": "rely"}, "unknown activation 'rely'; known: elu"),
    "negative supervision": ({"supervision": -0.1}, "supervision is -0.1: expected a weight of at least 0"),
    "not a probability": ({"dropout": 1.5}, "dropout probability has to be between 0 and 1, but got 1.5"),
    "unknown option": ({"growth": 1}, "the network vgg08 has no option 'growth'; it has: width, activation, dropout"),
}


@pytest.mark.parametrize(("options", "message"), REFUSED.values(), ids=REFUSED)
def test_wrong_options_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        build_model("vgg08", **options)


@pytest.mark.parametrize(("key", "value"), [("growth_rate", 0), ("supervision", -0.1), ("dropout", 1)])
def test_the_configuration_refuses_them_too(refused, digits_file, tmp_path, key, value):
    flag = f"--{key.replace('_', '-')}"
    message = refused("train_cell", "--data", digits_file, "--out", tmp_path, "--block", "dense", flag, value)
    assert f"{key}: " in message


def test_a_growth_rate_that_does_not_fit_the_block_is_one_line(refused, digits_file, tmp_path):
    message = refused("train_cell", "--data", digits_file, "--out", tmp_path / "c", "--growth-rate", 12)
    assert "vgg38-plain-growth12-digits-lr0.001-seed0: growth_rate is an option of dense blocks" in message


# Through the house


@pytest.mark.parametrize("supervision", [0, 0.3])
@pytest.mark.parametrize("block", list_blocks())
@pytest.mark.parametrize("model", ["vgg08", "vgg38"])
def test_trains_a_step_and_records_every_layer_in_forward_order(digits, model, block, supervision):
    cell = Cell(model=model, block=block, width=0.125, supervision=supervision, batch_size=50, train_items=50)
    training = Training(cell, digits, torch.device("cpu"))
    order = []
    for name, module in training.model.named_modules():
        if isinstance(module, (torch.nn.Conv2d, torch.nn.Linear)):
            module.register_forward_hook(lambda *_, name=name: order.append(name))
    before = {name: value.clone() for name, value in training.model.named_parameters()}
    images, labels = next(training.train_batches.epoch(0, 0, 50))
    training._step(images, labels)
    assert training.gradients.layers == order
    if block in BLOCK_LABELS:
        assert len(order) == {"vgg08": 8, "vgg38": 38}[model] + 3 * ("proj" in block) + 2 * bool(supervision)
    assert (training.gradients.sums[0] >= 0).all() and training.gradients.sums[0][[0, -1]].gt(0).all()
    moved = [name for name, value in training.model.named_parameters() if not torch.equal(value, before[name])]
    assert "classifier.weight" in moved


def test_a_study_of_all_blocks_has_names_and_labels():
    every = list_blocks()
    study = {"grids": [{"block": every, "dataset": "digits"}, {"block": "bn", "supervision": 0.3, "dataset": "digits"}]}
    found = grids.expand("s", config.parse(Study, study, "study"))
    assert list(found)[: len(every)] == [f"vgg38-{block}-digits-lr0.001-seed0" for block in every]
    assert list(found)[-1] == "vgg38-bn-supervision0.3-digits-lr0.001-seed0"
    assert set(BLOCK_LABELS) <= set(every)  # no block has a label that no longer exists
    assert len({block_label(block) for block in every}) == len(every)
    digests = [cells.code_digest(Cell(block=block)) for block in every]
    assert len(set(digests)) == len(every)
