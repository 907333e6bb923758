"""Files larger than memory: python benches/large_files.py STRIX [GIGABYTES]. Prints time and peak memory.

Writes a .npy of f32 and a .csv of that size into a temporary directory, reduces each, and removes them. The CSV is one
block of rows over and over, which changes nothing for a reader that streams.
"""

import os
import struct
import subprocess
import sys
import tempfile
import time

STRIX = os.path.abspath(sys.argv[1])
GIGABYTES = float(sys.argv[2]) if len(sys.argv) > 2 else 5.0


def repeated(path, head, block):
    """Writes `head`, then `block` until the file is large enough; how many blocks there are."""
    blocks = int(GIGABYTES * 1e9) // len(block)
    with open(path, "wb") as file:
        file.write(head(blocks))
        for _ in range(blocks):
            file.write(block)


def npy_head(items):
    text = f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({items},), }}"
    text += " " * (-(len(text) + 11) % 64) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode()


def reduced(name, *args):
    started = time.perf_counter()
    process = subprocess.Popen([STRIX, "reduce", *args], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    assert status == 0, f"{name} ended with status {status}"
    size = os.path.getsize(args[0])
    print(f"{name}: {size / 1e9:.1f} GB in {seconds:.1f} s, peak memory {usage.ru_maxrss / 1024:.0f} MiB")


with tempfile.TemporaryDirectory() as place:
    file = os.path.join(place, "large.npy")
    floats = struct.pack("<65536f", *(100 + (i * 40503 % 65536) / 65536 for i in range(65536)))
    repeated(file, lambda blocks: npy_head(blocks * 65536), floats)
    for accuracy in ([], ["--exact"]):
        stats = "count,mean,sample_variance,min,max"
        reduced(f"npy, five statistics {' '.join(accuracy)}", file, "--engine", "cpu", "--stats", stats, *accuracy)
    os.remove(file)

    file = os.path.join(place, "large.csv")
    rows = (f"{'north south east west'.split()[i % 4]},{i % 28},{i * 40503 % 65536 / 100},u{i % 5000}\n" for i in range(100_000))
    repeated(file, lambda _: b"region,day,price,user\n", "".join(rows).encode())
    stats = "count,mean(price),sd(price),p99(price),distinct(user)"
    reduced("csv, by two keys", file, "--by", "region,day", "--stats", stats)
