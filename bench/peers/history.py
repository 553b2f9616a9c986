"""The questions of the row `history`, answered by polars or DuckDB raw on the files of the series store.

A plan (JSON) in, one JSON line per question out. What is measured ends with the rows in memory, as a table of the
program asked; the sums that prove the answers equal are made afterwards.
"""

import argparse
import json
import resource
import time
from datetime import datetime, timezone
from pathlib import Path

POINT = [
    "indicator", "area", "window_start", "window_end", "value", "value_scale", "value_exact", "numerator",
    "denominator", "k", "m", "state", "revision", "known_offset", "known_at", "origin", "level",
]
SERIES = ["indicator", "area", "window_start"]


def moment(nanoseconds):
    return datetime.fromtimestamp(nanoseconds // 1_000_000_000, timezone.utc)


class Polars:
    def __init__(self, files):
        import polars

        self.pl = polars
        self.files = files
        self.version = f"polars {polars.__version__}"

    def ask(self, question):
        pl = self.pl
        rows = pl.scan_parquet(self.files)
        start = pl.col("window_start")
        rows = rows.filter(start >= pl.lit(moment(question["from"])), start < pl.lit(moment(question["to"])))
        if question["indicator"] is not None:
            rows = rows.filter(pl.col("indicator") == question["indicator"])
        if question["areas"]:
            rows = rows.filter(pl.col("area").is_in(question["areas"]))
        grouped = question["kind"] == "group"
        columns = POINT if not grouped else SERIES + ["numerator", "denominator", "revision", "known_offset"]
        rows = rows.select(columns).sort(SERIES + ["known_offset", "revision"])
        rows = rows.unique(subset=SERIES, keep="last", maintain_order=True)
        if question["kind"] == "latest":
            rows = rows.unique(subset=SERIES[:2], keep="last", maintain_order=True)
        if grouped:
            rows = self.sums(rows)
        return rows.collect()

    def sums(self, rows):
        pl = self.pl
        return rows.group_by("area").agg(
            pl.len().alias("count"), pl.col("numerator").sum(), pl.col("denominator").sum(),
            pl.col("revision").sum(), pl.col("known_offset").sum(),
        )

    def answer(self, question, table):
        if question["kind"] != "group":
            table = self.sums(table.lazy()).collect()
        return [[row[0], *(str(int(number)) for number in row[1:])] for row in table.sort("area").iter_rows()]


class DuckDb:
    def __init__(self, files):
        import duckdb

        self.connection = duckdb.connect()
        self.connection.execute("SET enable_progress_bar = false")
        self.files = files
        self.version = f"DuckDB {duckdb.__version__}"

    def ask(self, question):
        where = [f"window_start >= {self.time(question['from'])}", f"window_start < {self.time(question['to'])}"]
        if question["indicator"] is not None:
            where.append(f"indicator = '{question['indicator']}'")
        if question["areas"]:
            where.append("area IN (" + ", ".join(f"'{area}'" for area in question["areas"]) + ")")
        series = SERIES[:2] if question["kind"] == "latest" else SERIES
        grouped = question["kind"] == "group"
        columns = POINT if not grouped else SERIES + ["numerator", "denominator", "revision", "known_offset"]
        rows = f"""SELECT {", ".join(columns)} FROM read_parquet({self.files}) WHERE {" AND ".join(where)}
            QUALIFY row_number() OVER (
                PARTITION BY {", ".join(series)} ORDER BY window_start DESC, known_offset DESC, revision DESC) = 1"""
        if grouped:
            rows = self.sums(f"({rows})")
        self.connection.execute(f"CREATE OR REPLACE TEMP TABLE answer AS {rows}")

    def time(self, nanoseconds):
        return f"TIMESTAMPTZ '{moment(nanoseconds).strftime('%Y-%m-%d %H:%M:%S+00')}'"

    def sums(self, rows):
        return f"""SELECT area, count(*) AS count, sum(numerator) AS numerator, sum(denominator) AS denominator,
            sum(revision) AS revision, sum(known_offset) AS known_offset FROM {rows} GROUP BY area"""

    def answer(self, question, _):
        rows = "SELECT * FROM answer" if question["kind"] == "group" else self.sums("answer")
        found = self.connection.execute(f"SELECT * FROM ({rows}) ORDER BY area").fetchall()
        return [[row[0], *(str(int(number)) for number in row[1:])] for row in found]

    def native(self, directory, rows_max):
        """Bytes per row of DuckDB's own file, of the first rows of the first file."""
        path = Path(directory) / "native.duckdb"
        self.connection.execute(f"ATTACH '{path}' AS native")
        source = f"SELECT * FROM read_parquet({self.files[:1]}) LIMIT {rows_max}"
        self.connection.execute(f"CREATE TABLE native.rows AS {source}")
        rows = self.connection.execute("SELECT count(*) FROM native.rows").fetchone()[0]
        self.connection.execute("CHECKPOINT native")
        self.connection.execute("DETACH native")
        return path.stat().st_size / rows


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("engine", choices=["polars", "duckdb"])
    arguments.add_argument("plan", type=Path)
    given = arguments.parse_args()
    plan = json.loads(given.plan.read_text("utf-8"))
    engine = {"polars": Polars, "duckdb": DuckDb}[given.engine](plan["files"])
    for question in plan["questions"]:
        taken = []
        for _ in range(question["peer_runs"]):
            began = time.perf_counter()
            table = engine.ask(question)
            taken.append((time.perf_counter() - began) * 1_000)
        line = {"question": question["name"], "ms": taken, "answer": engine.answer(question, table)}
        print(json.dumps(line), flush=True)
    rss_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1_024
    end = {"version": engine.version, "rss_mib": rss_mib}
    if given.engine == "duckdb":
        end["native_bytes_per_row"] = engine.native(plan["work"], plan["native_rows"])
    print(json.dumps(end), flush=True)


if __name__ == "__main__":
    main()
