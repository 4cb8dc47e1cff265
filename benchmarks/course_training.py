"""The course's way of training, from its public description: the baseline of `data_path`, `train_step`, `gpu_epoch`.

Images become PIL images, are augmented one by one in four worker processes, and arrive as contiguous float32
batches; every step moves its batch to the device and reads back loss and accuracy. Written from scratch for this
comparison.
"""

import warnings

import torch
from PIL import Image
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

from models.registry import build_model
from workflow_scripts.engine.data.batches import COURSE_MEAN, COURSE_STD

BATCH_SIZE, WORKERS = 100, 4


class AugmentedImages(Dataset):
    """uint8 images (n, h, w, 3) and labels (n,), served one by one: cropped, flipped, normalised; float32 (3, h, w)."""

    def __init__(self, images, labels):
        self.images, self.labels = images, labels
        self.transform = transforms.Compose(
            [
                transforms.RandomCrop(images.shape[1], padding=images.shape[1] // 8),  # 32 and 4 for CIFAR
                transforms.RandomHorizontalFlip(),
                transforms.ToTensor(),
                transforms.Normalize(COURSE_MEAN, COURSE_STD),
            ]
        )

    def __len__(self):
        return len(self.images)

    def __getitem__(self, index):
        return self.transform(Image.fromarray(self.images[index])), int(self.labels[index])


def batches(images, labels):
    """Iterable over the augmented batches of an epoch, in a new random order for each epoch."""
    warnings.filterwarnings("ignore", message="This DataLoader will create")  # more workers than cores is intended
    return DataLoader(AugmentedImages(images, labels), BATCH_SIZE, shuffle=True, drop_last=True, num_workers=WORKERS)


class CourseTraining:
    """A network for 100 classes, trained with Adam 1e-3 in float32 and PyTorch's own memory format."""

    def __init__(self, device, model="vgg38", block="bn_rc"):
        torch.manual_seed(0)
        self.device = device
        self.model = build_model(model, block, num_classes=100, image_shape=(3, 32, 32)).to(device)
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=1e-3)

    def step(self, images, labels):
        """Train on one batch from the loader; returns (loss, accuracy) as Python numbers."""
        self.model.train()
        images, labels = images.to(self.device), labels.to(self.device)
        logits = self.model(images)
        loss = F.cross_entropy(logits, labels)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss.item(), (logits.argmax(1) == labels).float().mean().item()
