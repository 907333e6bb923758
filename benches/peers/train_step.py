"""The networks of ../train.rs in PyTorch, on the CPU: python train_step.py [threads]. Images a second, best of seven steps."""

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


def conv_strix():
    def conv(a, b):
        return [nn.Conv2d(a, b, 3, padding=1), nn.ReLU()]

    layers = conv(1, 32) + [nn.BatchNorm2d(32), nn.MaxPool2d(2)]
    layers += conv(32, 64) + [nn.BatchNorm2d(64), nn.MaxPool2d(2)] + conv(64, 96)
    head = [nn.Flatten(), nn.Linear(96 * 7 * 7, 256), nn.ReLU(), nn.Dropout(0.4), nn.Linear(256, 10)]
    return nn.Sequential(*layers, *head)


def conv_norm(a, b):
    return nn.Sequential(nn.Conv2d(a, b, 3, padding=1, bias=False), nn.BatchNorm2d(b))


class Stage(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.widen, self.first, self.second = conv_norm(width // 2, width), conv_norm(width, width), conv_norm(width, width)

    def forward(self, x):
        x = self.widen(x).relu()
        return (x + self.second(self.first(x).relu())).relu()


class Greatest(nn.Module):
    def forward(self, x):
        return x.amax((2, 3))


def strix_net():
    stem = [conv_norm(1, 32), nn.ReLU(), nn.MaxPool2d(2)]
    return nn.Sequential(*stem, Stage(64), nn.MaxPool2d(2), Stage(128), Greatest(), nn.Linear(128, 10))


def rate(network, channels_last):
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
for name, made in [("four convolutions", network), ("ConvStrix", conv_strix), ("StrixNet", strix_net)]:
    print(f"  {name:<18} {rate(made, False):8.0f} eager {rate(made, True):8.0f} channels last")
