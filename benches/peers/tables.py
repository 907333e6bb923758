"""Statistics of files, as whole processes: strix beside DuckDB, Polars and ClickHouse (chdb).

    pip install duckdb==2.0.1 polars==2.1.0 pyarrow==26.0.1 numpy chdb==4.4.0
    cargo build --release && python benches/peers/tables.py --strix target/release/strix --data FOLDER [--rows 20] [--only WORD]

Makes the files once (seeded), runs every question by each program, the best of three, and prints the seconds with the ratio of
strix to the best peer. All programs may use --threads threads, and --scaling 1,2,4 times strix alone at several. The answers are
compared as well: to 1e-9, numbers of different values, which all of them estimate, to a tenth, and quantiles with Polars, which is
asked for the same definition, to a twentieth (of more than 4096 items, strix has their rank to 0.13 %); DuckDB and ClickHouse estimate them, and the most
frequent values are listed in other forms.
"""

import argparse
import csv
import io
import json
import math
import os
import subprocess
import sys
import time
from pathlib import Path

REGIONS = ["east", "north", "south", "west", "centre"]


def make(folder, millions):
    """The files: `rows` of region, day, user, price and qty, and others of the same rows."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.csv
    import pyarrow.parquet as pq

    folder.mkdir(parents=True, exist_ok=True)
    rows = int(millions * 1_000_000)
    random = np.random.default_rng(1)
    table = pa.table({
        "region": pa.array(REGIONS).take(pa.array(random.integers(0, 5, rows))),
        "day": pa.array(random.integers(0, 365, rows).astype(np.int32)),
        "user": pa.array(random.integers(0, 100_000, rows)),
        "price": pa.array(np.round(random.lognormal(3, 1, rows), 2)),
        "qty": pa.array(random.integers(1, 10, rows).astype(np.int32)),
    })

    def write(name, how):
        path = folder / name
        if not path.exists():
            how(path)

    half, tenth = table.slice(0, rows // 2), table.slice(0, rows // 10)
    write("sales.parquet", lambda path: pq.write_table(table, path))
    write("sales.csv", lambda path: pa.csv.write_csv(half, path, pa.csv.WriteOptions(quoting_style="needed")))
    write("quoted.csv", lambda path: pa.csv.write_csv(tenth, path, pa.csv.WriteOptions(quoting_style="all_valid")))

    def lines(path):
        with open(path, "w") as file:
            for row in tenth.to_pylist():
                file.write(json.dumps(row, separators=(",", ":")) + "\n")

    def wide(path):
        columns = {f"c{index}": tenth["price" if index % 2 else "qty"] for index in range(50)}
        pa.csv.write_csv(pa.table(columns), path)

    def parts(path):
        path.mkdir()
        size = rows // 10 // 200
        for part in range(200):
            pq.write_table(tenth.slice(part * size, size), path / f"{part:03}.parquet")

    def keys(path):
        many = pa.table({"key": pa.array(random.permutation(rows // 2)), "price": half["price"]})
        pq.write_table(many, path)

    write("sales.jsonl", lines)
    write("wide.csv", wide)
    write("parts", parts)
    def texts(path):
        cities = pa.array([f"city {city}" for city in range(200)])
        city = cities.take(pa.array(random.integers(0, 200, len(tenth))))
        pa.csv.write_csv(tenth.append_column("city", city), path, pa.csv.WriteOptions(quoting_style="needed"))

    write("keys.parquet", keys)
    write("texts.csv", texts)
    write("values.npy", lambda path: np.save(path, random.standard_normal(rows * 12, dtype=np.float32)))
    for name, command in [("tenth.csv.gz", "gzip -c"), ("tenth.csv.zst", "zstd -qc")]:
        def pack(path, command=command):
            plain = folder / "tenth.csv"
            pa.csv.write_csv(tenth, plain, pa.csv.WriteOptions(quoting_style="needed"))
            with open(path, "wb") as file:
                subprocess.run([*command.split(), str(plain)], stdout=file, check=True)
            plain.unlink()

        write(name, pack)


# The question, its file, the keys, and the statistics as strix, SQL and Polars have them.
MEAN = ("mean(price)", "avg(price)", "pl.col('price').mean()")
SPREAD = ("sd(price)", "stddev_samp(price)", "pl.col('price').std()")
COUNT = ("count", "count(*)", "pl.len().cast(pl.Int64)")
P99 = ("p99(price)", "approx_quantile(price, 0.99)", "pl.col('price').quantile(0.99, interpolation='linear')")
USERS = ("distinct(user)", "approx_count_distinct(\"user\")", "pl.col('user').approx_n_unique().cast(pl.Int64)")
LEAST = ("min(price)", "min(price)", "pl.col('price').min()")
MOST = ("max(price)", "max(price)", "pl.col('price').max()")
SUM = ("sum(price)", "sum(price)", "pl.col('price').sum()")
TOP = ("top(user, 10)", "approx_top_k(\"user\", 10)", "pl.col('user').value_counts(sort=True).head(10).struct.field('count').min()")
QUESTIONS = [
    ("CSV: mean", "sales.csv", [], [MEAN]),
    ("CSV by region, day: count, mean, sd, p99, distinct", "sales.csv", ["region", "day"], [COUNT, MEAN, SPREAD, P99, USERS]),
    ("CSV of 50 columns: mean of one", "wide.csv", [], [("mean(c7)", "avg(c7)", "pl.col('c7').mean()")]),
    ("CSV, quoted, by region: mean", "quoted.csv", ["region"], [MEAN]),
    ("CSV by two texts: count, mean", "texts.csv", ["region", "city"], [COUNT, MEAN]),
    ("CSV.gz by region: mean", "tenth.csv.gz", ["region"], [MEAN]),
    ("CSV.zst by region: mean", "tenth.csv.zst", ["region"], [MEAN]),
    ("Parquet: mean, sd, min, max", "sales.parquet", [], [MEAN, SPREAD, LEAST, MOST]),
    ("Parquet by region: count, mean, sd", "sales.parquet", ["region"], [COUNT, MEAN, SPREAD]),
    ("Parquet by region, day: mean", "sales.parquet", ["region", "day"], [MEAN]),
    ("Parquet by user: count, mean", "sales.parquet", ["user"], [COUNT, MEAN]),
    ("Parquet by user: p99, distinct(day)", "sales.parquet", ["user"],
     [P99, ("distinct(day)", "approx_count_distinct(\"day\")", "pl.col('day').approx_n_unique().cast(pl.Int64)")]),
    ("Parquet, as many groups as rows: sum", "keys.parquet", ["key"], [SUM]),
    ("Parquet: the 10 most frequent users", "sales.parquet", [], [TOP]),
    ("Parquet, 200 files, by region: mean", "parts", ["region"], [MEAN]),
    ("JSON Lines by region: mean", "sales.jsonl", ["region"], [MEAN]),
    ("npy: mean, min, max", "values.npy", None, [("mean", "", ""), ("min", "", ""), ("max", "", "")]),
]


def strix_command(program, path, keys, statistics):
    files = sorted(str(part) for part in path.iterdir()) if path.is_dir() else [str(path)]
    by = ["--by", ",".join(keys)] if keys else []
    return [program, "reduce", *files, *by, "--stats", ", ".join(s[0] for s in statistics), "--csv"]


def duckdb_source(path, threads):
    where = str(path / "*.parquet") if path.is_dir() else str(path)
    kind = {".parquet": "read_parquet", ".jsonl": "read_json"}.get(path.suffix if not path.is_dir() else ".parquet", "read_csv")
    keys_and = f"""
import duckdb, sys, csv
db = duckdb.connect()
db.execute("SET threads = {threads}")
db.execute("SET enable_progress_bar = false")
rows = db.execute(sys.argv[1].replace("$SOURCE", "{kind}('{where}')")).fetchall()
csv.writer(sys.stdout).writerows(rows)
"""
    return keys_and


# What DuckDB calls otherwise.
CLICKHOUSE = [("approx_quantile(price, 0.99)", "quantile(0.99)(price)"), ("approx_count_distinct(", "uniq("),
              ("approx_top_k(\"user\", 10)", "topK(10)(user)")]


def clickhouse_source(path, threads):
    where = str(path / "*.parquet") if path.is_dir() else str(path)
    kind = {".parquet": "Parquet", ".jsonl": "JSONEachRow"}.get(path.suffix if not path.is_dir() else ".parquet", "CSVWithNames")
    return f"""
import chdb, sys
sql = sys.argv[1].replace("$SOURCE", "file('{where}', {kind})") + " SETTINGS max_threads = {threads}"
sys.stdout.write(chdb.query(sql, "CSV").data())
"""


def polars_source(path):
    if path.is_dir():
        return f"pl.scan_parquet('{path}/*.parquet')"
    kind = {".parquet": "scan_parquet", ".jsonl": "scan_ndjson"}.get(path.suffix, "scan_csv")
    return f"pl.{kind}('{path}')"


NUMPY = """
import numpy as np, sys
values = np.load(sys.argv[1])
print(f"{values.mean(dtype=np.float64)},{values.min()},{values.max()}")
"""


def commands(args, path, keys, statistics):
    """The command of each program; none of it where it cannot read the file."""
    yield "strix", strix_command(args.strix, path, keys, statistics)
    if keys is None:
        yield "NumPy", [sys.executable, "-c", NUMPY, str(path)]
        return
    quoted = [f'"{key}"' for key in keys]
    sql = f"SELECT {', '.join(quoted + [s[1] for s in statistics])} FROM $SOURCE"
    sql += f" GROUP BY {', '.join(quoted)} ORDER BY {', '.join(quoted)}" if keys else ""
    yield "DuckDB", [sys.executable, "-c", duckdb_source(path, args.threads), sql]
    for theirs, other in CLICKHOUSE:
        sql = sql.replace(theirs, other)
    yield "ClickHouse", [sys.executable, "-c", clickhouse_source(path, args.threads), sql]
    expressions = ", ".join(f"({s[2]}).alias('{at}')" for at, s in enumerate(statistics))
    grouped = f".group_by({keys!r}).agg({expressions}).sort({keys!r})" if keys else f".select({expressions})"
    # With no header, to be compared.
    script = f"import polars as pl, sys\nframe = {polars_source(path)}{grouped}.collect(engine='streaming')\n"
    script += "sys.stdout.write(frame.write_csv(include_header=False))\n"
    yield "Polars", [sys.executable, "-c", script]


def run(command, threads):
    environment = dict(os.environ, RAYON_NUM_THREADS=str(threads), POLARS_MAX_THREADS=str(threads), OMP_NUM_THREADS=str(threads))
    started = time.perf_counter()
    done = subprocess.run(command, capture_output=True, env=environment)
    seconds = time.perf_counter() - started
    if done.returncode != 0:
        raise RuntimeError(done.stderr.decode().strip().split("\n")[-1])
    return seconds, done.stdout.decode()


def differ(program, statistics, ours, theirs, keys):
    """What differs between two answers, if something does."""
    ours = list(csv.reader(io.StringIO(ours, newline="")))[1:]
    theirs = list(csv.reader(io.StringIO(theirs, newline="")))
    if len(ours) != len(theirs):
        return f"{len(ours)} and {len(theirs)} groups"
    for mine, other in zip(ours, theirs):
        if [key.strip() for key in mine[:keys]] != other[:keys]:
            return f"groups {mine[:keys]} and {other[:keys]}"
        for statistic, a, b in zip(statistics, mine[keys:], other[keys:]):
            if statistic[0].startswith("top") or (statistic[0].startswith("p99") and program != "Polars"):
                continue
            a, b = float(a), float(b)
            within = 0.1 if statistic[0].startswith("distinct") else 0.05 if statistic[0].startswith("p99") else 1e-9
            if not math.isclose(a, b, rel_tol=within, abs_tol=1e-12):
                return f"{statistic[0]} of {mine[:keys]}: {a} and {b}"
    return None


def versions():
    """What is compared."""
    import importlib.metadata

    return ", ".join(f"{name} {importlib.metadata.version(name)}" for name in ["duckdb", "polars", "chdb-core", "numpy"])


def best_of(command, threads, runs):
    """The least seconds, and the answer."""
    done = [run(command, threads) for _ in range(runs)]
    return min(seconds for seconds, _ in done), done[0][1]


def race(args, name, file, keys, statistics):
    """One line of the table."""
    path = args.data / file
    best, answers = {}, {}
    for program, command in commands(args, path, keys, statistics):
        try:
            best[program], answers[program] = best_of(command, args.threads, args.runs)
        except RuntimeError as error:
            print(f"{name}: {program}: {error}", file=sys.stderr)
    ours = best.pop("strix")
    wrong = [f"{program}: {what}" for program in best
             if keys is not None and (what := differ(program, statistics, answers["strix"], answers[program], len(keys)))]
    peers = ", ".join(f"{program} {seconds:.2f}" for program, seconds in best.items())
    print(f"| {name} | {ours:.2f} | {peers} | {ours / min(best.values()):.2f} | {'; '.join(wrong) or 'equal'} |", flush=True)


def scale(args, name, file, keys, statistics):
    """Seconds of strix alone, at several numbers of threads."""
    command = strix_command(args.strix, args.data / file, keys, statistics)
    seconds = [best_of(command, threads, args.runs)[0] for threads in args.scaling]
    print(f"| {name} | {' | '.join(f'{each:.2f}' for each in seconds)} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--strix", required=True)
    parser.add_argument("--data", required=True, type=Path)
    parser.add_argument("--rows", type=float, default=20, help="millions of rows")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--only", default="", help="questions with this word in their name")
    parser.add_argument("--scaling", type=lambda text: [int(each) for each in text.split(",")], default=[])
    args = parser.parse_args()
    make(args.data, args.rows)
    print(f"{versions()}; {args.threads} threads")
    columns = [f"{threads} threads" for threads in args.scaling] or ["strix s", "peers s", "strix / best", "answers"]
    print(f"| question | {' | '.join(columns)} |\n| --- |{' --- |' * len(columns)}")
    for question in QUESTIONS:
        if args.only in question[0]:
            (scale if args.scaling else race)(args, *question)


if __name__ == "__main__":
    main()
