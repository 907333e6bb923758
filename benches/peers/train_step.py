"""The network of ../train.rs in PyTorch, on the CPU: python train_step.py [threads]. Images a second, best of seven steps."""

import sys
import time

import torch
from torch import nn

torch.set_num_threads(int(sys.argv[1]) if len(sys.argv) > 1 else 2)
BATCH, ROUNDS = 128, 7


def network():
    layers, channels = [], 1
    for index, filters in enumerate([32, 32, 64, 64]):
        layers += [nn.Conv2d(channels, filters, 3, padding=1, bias=False), nn.BatchNorm2d(filters), nn.ReLU()]
        layers += [nn.MaxPool2d(2)] if index % 2 else []
        channels = filters
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(64 * 7 * 7, 10))


def rate(channels_last):
    model, images = network(), torch.randn(BATCH, 1, 28, 28)
    if channels_last:
        model, images = model.to(memory_format=torch.channels_last), images.to(memory_format=torch.channels_last)
    labels = torch.zeros(BATCH, dtype=torch.long)
    adam = torch.optim.Adam(model.parameters(), lr=1e-3)
    best = float("inf")
    for _ in range(ROUNDS):
        start = time.perf_counter()
        adam.zero_grad()
        nn.functional.cross_entropy(model(images), labels).backward()
        adam.step()
        best = min(best, time.perf_counter() - start)
    return BATCH / best


print(f"PyTorch {torch.__version__}, {torch.get_num_threads()} threads, training steps of {BATCH} images, images/s")
print(f"  eager                {rate(False):8.0f}")
print(f"  eager, channels last {rate(True):8.0f}")
