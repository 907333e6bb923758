"""The answers of strix beside those of DuckDB and Polars, on random tables.

    pip install duckdb==2.0.1 polars==2.1.0 pyarrow==26.0.1 numpy
    cargo build --release && python benches/peers/agree.py --strix target/release/strix [--tables 30] [--seed 1]

Each table has a random number of rows (none, one and many among them), columns of ten types with a random share of missing cells,
and keys of one to three columns; it is written as Parquet, and without dates and times as CSV too. Counts, missing cells, sums of
integers and decimals, extremes and the keys themselves have to be equal; means, standard deviations and sums of floats to 1e-9;
numbers of different values to a tenth above 1000 and equal below. Ends with 1 and the first differences where they are not.
"""

import argparse
import csv
import io
import math
import subprocess
import sys
import tempfile
from pathlib import Path

import duckdb
import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

TEXTS = ["", "a", "b b", "ü,ö", "x\"y", "NaN?", "line", "Zürich", "07", "-"]


def columns(random, rows):
    """Columns by name, without missing cells, and whether each is a number."""
    few = int(random.integers(1, 40))
    many = int(random.integers(1, 10**9))
    return {
        "i8": (pa.array(random.integers(-128, 128, rows).astype(np.int8)), True),
        "i32": (pa.array(random.integers(-few, few + 1, rows).astype(np.int32)), True),
        "i64": (pa.array(random.integers(-many, many, rows)), True),
        "u16": (pa.array(random.integers(0, 65536, rows).astype(np.uint16)), True),
        "f32": (pa.array(random.standard_normal(rows).astype(np.float32)), True),
        "f64": (pa.array(np.round(random.lognormal(3, 2, rows), 3)), True),
        "decimal": (pa.array(random.integers(-10**6, 10**6, rows)).cast(pa.decimal128(21, 2)), True),
        "truth": (pa.array(random.random(rows) < 0.5), False),
        "text": (pa.array([TEXTS[at] for at in random.integers(1, len(TEXTS), rows)], pa.string()), False),
        "date": (pa.array(random.integers(0, 20000, rows).astype(np.int32)).cast(pa.date32()), False),
    }


def table(random):
    rows = int(random.choice([0, 1, 2, 7, 1000, 70_000, 200_000], p=[0.05, 0.05, 0.05, 0.1, 0.35, 0.3, 0.1]))
    arrays = {}
    for name, (array, _) in columns(random, rows).items():
        share = random.choice([0, 0, 0.02, 0.3, 0.9])
        missing = pa.array(random.random(rows) < share)
        arrays[name] = pa.compute.if_else(missing, pa.scalar(None, array.type), array)
    return pa.table(arrays)


def questions(random, by):
    """Statistics as strix, SQL and Polars have them, and how near they have to be."""
    asked = [("count", "count(*)", pl.len().cast(pl.Int64), 0)]
    for name in ["i8", "i32", "i64", "u16"]:
        column = pl.col(name)
        asked += [
            (f"sum({name})", f'sum("{name}")', column.cast(pl.Int64).sum(), 0),
            (f"min({name})", f'min("{name}")', column.min(), 0),
            (f"max({name})", f'max("{name}")', column.max(), 0),
            (f"mean({name})", f'avg("{name}")', column.cast(pl.Float64).mean(), 1e-9),
            (f"sample_sd({name})", f'stddev_samp("{name}")', column.cast(pl.Float64).std(), 1e-9),
        ]
    for name in ["f32", "f64"]:
        column = pl.col(name).cast(pl.Float64)
        asked += [
            (f"mean({name})", f'avg("{name}"::DOUBLE)', column.mean(), 1e-9),
            (f"sample_sd({name})", f'stddev_samp("{name}"::DOUBLE)', column.std(), 1e-9),
            (f"min({name})", f'min("{name}"::DOUBLE)', column.min(), 0),
            (f"max({name})", f'max("{name}"::DOUBLE)', column.max(), 0),
        ]
    for name in ["decimal", "text", "date"]:
        asked += [
            (f"count({name})", f'count("{name}")', pl.col(name).count().cast(pl.Int64), 0),
            (f"missing({name})", f'count(*) - count("{name}")', pl.col(name).null_count().cast(pl.Int64), 0),
            (f"min({name})", f'min("{name}")', pl.col(name).min(), 0),
            (f"max({name})", f'max("{name}")', pl.col(name).max(), 0),
            (f"distinct({name})", f'count(DISTINCT "{name}")', pl.col(name).drop_nulls().n_unique().cast(pl.Int64), None),
        ]
    asked.append(("sum(decimal)", 'sum("decimal")', pl.col("decimal").sum(), 0))
    picked = random.permutation(len(asked))[: int(random.integers(3, 12))]
    return [asked[at] for at in picked]


def parsed(text):
    return None if text in (None, "") else text


def same(a, b, within):
    """Whether a cell of strix is that of a peer."""
    if a is None or b is None:
        # Sums of nothing: NULL to SQL and strix, 0 to Polars.
        return (a is None and b is None) or (a is None and str(b) in ("0", "0.0", "0.00"))
    a, b = str(a), str(b)
    if a == b:
        return True
    try:
        x, y = float(a), float(b)
    except ValueError:
        return a.lower() == b.lower()
    if within is None:
        return x == y if y < 1000 else math.isclose(x, y, rel_tol=0.1)
    return math.isclose(x, y, rel_tol=within, abs_tol=within)


def compare(args, path, frame, by, asked):
    """Differences between the answers, as text."""
    command = [args.strix, "reduce", str(path), "--stats", ", ".join(q[0] for q in asked), "--csv"]
    command += ["--by", ",".join(by)] if by else []
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        return [f"{' '.join(command)}\n{done.stderr}"]
    ours = [[parsed(cell) for cell in row] for row in csv.reader(io.StringIO(done.stdout, newline=""))][1:]
    keys = ", ".join(f'"{key}"' for key in by)
    order = ", ".join(f'"{key}" NULLS FIRST' for key in by)
    sql = f"SELECT {keys + ', ' if by else ''}{', '.join(q[1] for q in asked)} FROM frame"
    sql += f" GROUP BY {keys} ORDER BY {order}" if by else ""
    peers = {"DuckDB": duckdb.sql(sql).fetchall()}
    lazy = pl.from_arrow(frame).lazy()
    expressions = [q[2].alias(f"#{at}") for at, q in enumerate(asked)]
    if by:
        peers["Polars"] = lazy.group_by(by).agg(expressions).sort(by, nulls_last=False).collect().rows()
    else:
        peers["Polars"] = lazy.select(expressions).collect().rows()
    found = []
    for name, theirs in peers.items():
        if len(theirs) != len(ours):
            found.append(f"{name}: {len(ours)} and {len(theirs)} groups")
            continue
        for mine, other in zip(ours, theirs):
            for at, (a, b) in enumerate(zip(mine, other)):
                within = 0 if at < len(by) else asked[at - len(by)][3]
                what = by[at] if at < len(by) else asked[at - len(by)][0]
                if not same(a, b, within):
                    found.append(f"{name}: {what} of {mine[:len(by)]}: {a} and {b}")
    return [f"{path.name} by {by}: {what}" for what in found[:5]]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--strix", required=True)
    parser.add_argument("--tables", type=int, default=30)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    random = np.random.default_rng(args.seed)
    differences, answers = [], 0
    with tempfile.TemporaryDirectory() as folder:
        for number in range(args.tables):
            frame = table(random)
            for ending in ["parquet", "csv"]:
                path = Path(folder) / f"{number}.{ending}"
                # In CSV, dates are text and floats of 32 bits are numbers of 64.
                held = frame if ending == "parquet" else frame.drop_columns(["f32", "decimal"])
                if ending == "parquet":
                    pq.write_table(held, path, row_group_size=int(random.integers(100, 100_000)))
                elif held.num_rows < 7:
                    # Of so few rows a CSV says too little of its types.
                    continue
                else:
                    pa.csv.write_csv(held, path, pa.csv.WriteOptions(quoting_style="needed"))
                for _ in range(3):
                    possible = ["i8", "i32", "u16", "truth", "text", "date"]
                    by = list(random.permutation(possible)[: int(random.integers(0, 4))])
                    asked = questions(random, by)
                    if ending == "csv":
                        asked = [q for q in asked if "f32" not in q[0] and "decimal" not in q[0]]
                    if not asked:
                        continue
                    answers += 1
                    differences += compare(args, path, held, by, asked)
    for difference in differences[:20]:
        print(difference)
    print(f"{args.tables} tables, {answers} questions, {len(differences)} differences")
    sys.exit(1 if differences else 0)


if __name__ == "__main__":
    main()
