"""PyTorch's reductions over the data of ../gpu.rs: python device_sum.py [elements]. On CUDA where there is one, else the CPU.

Best of nine rounds of eight repetitions, beside the device's own copy in the same run: GB/s (1e9 bytes; a copy reads and
writes) and the ratio to the copy.
"""

import sys
import time

import torch

ROUNDS, REPEATS = 9, 8

device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
if len(sys.argv) > 1:
    sizes = [int(sys.argv[1])]
else:
    sizes = [2**28, 2**29, 2**30] if device.type == "cuda" else [2**24]


def wait():
    if device.type == "cuda":
        torch.cuda.synchronize()


def seconds(work):
    best = float("inf")
    for _ in range(ROUNDS):
        wait()
        start = time.perf_counter()
        for _ in range(REPEATS):
            work()
        wait()
        best = min(best, (time.perf_counter() - start) / REPEATS)
    return best


name = torch.cuda.get_device_name() if device.type == "cuda" else f"CPU, {torch.get_num_threads()} threads"
print(f"PyTorch {torch.__version__}, {name}: GB/s")
for n in sizes:
    items = torch.rand(n, device=device) - 0.5
    copy = torch.empty_like(items)
    copied = seconds(lambda: copy.copy_(items))
    print(f"{n} f32\n  copy (read + write)       {8e-9 * n / copied:8.1f}")
    races = {
        "torch.sum": lambda: items.sum(),
        "torch.var_mean": lambda: torch.var_mean(items, correction=0),
        "five, in four calls": lambda: (torch.var_mean(items, correction=0), items.min(), items.max(), items.sum()),
    }
    for race, work in races.items():
        took = seconds(work)
        print(f"  {race:<25} {4e-9 * n / took:8.1f}  {copied / 2 / took:.2f} of copy")
