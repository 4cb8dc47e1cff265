"""Grad-CAM: a closed form, and the gradients of the whole network."""

import pytest
import torch
from torch import nn

from models.registry import build_model, list_models
from workflow_scripts.engine.insight import insight
from workflow_scripts.engine.insight.grad_cam import grad_cam, last_map


class Pooled(nn.Module):
    """A network that ends in global average pooling and a linear layer."""

    def __init__(self, channels=3, classes=5):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(channels, 8, 3), nn.Tanh(), nn.Conv2d(8, 6, 3))
        self.classifier = nn.Linear(6, classes)

    def forward(self, x):
        return self.classifier(self.features(x).mean((2, 3)))


@pytest.mark.parametrize("channels, side", [(3, 12), (1, 9)])
def test_with_global_average_pooling_it_is_the_class_activation_map(channels, side):
    torch.manual_seed(0)
    model, images, classes = Pooled(channels).eval(), torch.randn(4, channels, side, side), torch.tensor([0, 3, 4, 1])
    maps = grad_cam(model, "features", images, classes)
    with torch.no_grad():
        features = model.features(images)
        expected = torch.einsum("bk,bkij->bij", model.classifier.weight[classes], features).relu() / (side - 4) ** 2
    torch.testing.assert_close(maps, expected)
    assert (maps > 0).any() and (maps == 0).any()


def test_the_last_map_is_the_outermost_of_those_that_are_fine_enough():
    images = torch.randn(2, 3, 12, 12)
    pooled = Pooled().eval()
    assert last_map(pooled, images) == "features"
    body = nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.ReLU(), nn.MaxPool2d(2), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(16, 2)
    )
    assert last_map(body, images) == "2"  # 5 x 5; the next one's 2 x 2 would say little about where
    assert last_map(body[:4], torch.randn(2, 3, 14, 14)) == "2"  # 6 x 6; so would the next one's 3 x 3
    assert last_map(body[:4], images[..., :10, :10]) == "2"  # 4 x 4
    assert last_map(body[:4], images[..., :6]) == "1"  # 10 x 4; the next one's 5 x 2 is as coarse as its shorter side
    assert last_map(body[2:5], images[..., :6, :6]) == "2"  # 3 x 3, as there is none of 4 x 4
    with pytest.raises(insight.UserError, match="no feature map of more than one position"):
        last_map(nn.Sequential(nn.Flatten(), nn.Linear(432, 2)), images)


@pytest.mark.parametrize("name", list_models())
@pytest.mark.parametrize("channels, classes", [(3, 10), (1, 7)])
def test_it_is_what_pytorchs_gradients_give_for_every_network(name, channels, classes):
    torch.manual_seed(0)
    model = build_model(name, num_classes=classes, image_shape=(channels, 32, 32), width=0.25).eval()
    images, chosen = torch.randn(3, channels, 32, 32), torch.tensor([0, 2, 6])
    layer, kept = last_map(model, images), {}
    maps = grad_cam(model, layer, images, chosen)

    def keep(module, inputs, output):
        output.retain_grad()
        kept["map"] = output

    handle = model.get_submodule(layer).register_forward_hook(keep)
    for place, label in enumerate(chosen):  # one image at a time, with the gradient of the whole network
        model(images[place : place + 1])[0, label].backward()
        weights = kept["map"].grad.mean((2, 3), keepdim=True)
        expected = (weights * kept["map"]).sum(1).relu()[0]
        torch.testing.assert_close(
            maps[place], expected.detach(), rtol=1e-3, atol=1e-7 + 1e-4 * float(expected.detach().max())
        )
    handle.remove()
    assert maps.shape[1] >= 2 and not any(module._forward_hooks for module in model.modules())
