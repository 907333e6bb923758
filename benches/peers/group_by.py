"""The race of ../group_by.rs in Polars: python group_by.py [threads]. Prints the best of seven, after a warm-up."""

import os
import sys
import time

os.environ["POLARS_MAX_THREADS"] = sys.argv[1] if len(sys.argv) > 1 else "2"

import numpy as np
import polars as pl

ROWS = 10_000_000

random = np.random.default_rng(1)
value = pl.col("value")
RACES = {
    "count+mean+min+max": [pl.len(), value.mean().alias("mean"), value.min().alias("min"), value.max().alias("max")],
    "mean": [value.mean().alias("mean")],
}
print(f"Polars {pl.__version__}, {pl.thread_pool_size()} threads, {ROWS} rows")
for keys in [1000, 100_000]:
    frame = pl.DataFrame({"key": random.integers(0, keys, ROWS).astype(np.uint32), "value": random.random(ROWS)})
    for name, aggregates in RACES.items():
        times = []
        for _ in range(8):
            start = time.perf_counter()
            groups = frame.group_by("key").agg(aggregates)
            times.append(time.perf_counter() - start)
            assert groups.height == keys
        best = min(times[1:])
        print(f"{name} by {keys} keys: {best * 1e3:.1f} ms, {ROWS / best / 1e6:.1f} M rows/s")
