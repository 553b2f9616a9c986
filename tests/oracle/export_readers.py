"""Reads a node's exports with readers of others and compares them with what it says as JSON.

export_readers.py DIRECTORY: holds series.json (/api/v1/series) and the same as export.csv, .xlsx, .parquet, .geojson.
"""

import csv
import io
import json
import sys
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import openpyxl
import polars

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def told(directory):
    """Points of the series: start and end as instants, exact value or None, revision, k, m."""
    series = json.loads((directory / "series.json").read_text(), parse_float=Decimal, parse_int=Decimal)
    points = [
        (
            datetime.fromisoformat(point["window"]["start"]),
            datetime.fromisoformat(point["window"]["end"]),
            point["value"],
            int(point["revision"]),
            int(point["k"]),
            int(point["m"]),
            point["state"],
        )
        for point in series["items"]
    ]
    return series, points


def of_lines(lines, texts_of_numbers):
    """What stands above the header by name, and the points below it."""
    width = {len(line) for line in lines}
    assert len(width) == 1, f"records of {width} fields"
    head = next(at for at, line in enumerate(lines) if line[:2] == ["indicator", "area"])
    about = {line[0]: line[1] for line in lines[:head]}
    points = []
    for line in lines[head + 1 :]:
        cells = dict(zip(lines[head], line))
        value = cells["value"]
        if texts_of_numbers:
            value = Decimal(value) if value else None
        else:
            assert value is None or isinstance(value, (int, float)), f"{value!r} is no number and not empty"
            # The shortest decimal of the double is what was written, up to 15 digits.
            value = None if value is None else Decimal(repr(value))
        points.append(
            (
                datetime.fromisoformat(cells["window_start"]),
                datetime.fromisoformat(cells["window_end"]),
                value,
                int(cells["revision"]),
                int(cells["k"]),
                int(cells["m"]),
                cells["state"],
            )
        )
    return about, points


def check_about(what, about, series, points):
    for name in ("unit", "zone", "definition version", "basis", "owner", "origin of the data", "missing"):
        assert about.get(name), f"{what}: says nothing of {name}"
    assert about["unit"] == series["unit"], what
    assert about["zone"] == series["zone"], what
    assert int(about["points"]) == len(points), what
    assert int(about["points with a value"]) == sum(point[2] is not None for point in points), what
    k, m = (sum(point[at] for point in points) for at in (4, 5))
    assert about["completeness k of m"] == f"{k} of {m}", what


def check_csv(directory, series, points):
    raw = (directory / "export.csv").read_bytes()
    text = raw.decode("utf-8")
    assert text.endswith("\r\n") and "\n" not in text.replace("\r\n", ""), "RFC 4180: a record ends in CRLF"
    lines = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    about, found = of_lines(lines, True)
    assert found == points, f"csv: {found}\n{points}"
    check_about("csv", about, series, points)
    numbers = {"value", "revision", "k", "m"}
    header = next(line for line in lines if line[:2] == ["indicator", "area"])
    for line in lines:
        for name, cell in zip(header, line):
            assert name in numbers or not cell.startswith(FORMULA), f"a spreadsheet would run {cell!r}"
    return lines


def check_xlsx(directory, series, points):
    book = openpyxl.load_workbook(directory / "export.xlsx")
    sheet = book.active
    lines = [[cell.value for cell in row] for row in sheet.iter_rows()]
    assert not any(cell.data_type == "f" for row in sheet.iter_rows() for cell in row), "a formula"
    about, found = of_lines(lines, False)
    assert found == points, f"xlsx: {found}\n{points}"
    check_about("xlsx", about, series, points)
    return lines


def check_parquet(directory, series, points):
    frame = polars.read_parquet(directory / "export.parquet").sort("window_start")
    assert frame.height == len(points), f"parquet: {frame.height} rows, {len(points)} points"
    for row, point in zip(frame.iter_rows(named=True), points):
        start, _, value, revision, k, m, _ = point
        at = row["window_start"]
        at = at.timestamp() if isinstance(at, datetime) and at.tzinfo else at.replace(tzinfo=start.tzinfo.utc).timestamp()
        assert at == start.timestamp(), f"{row['window_start']} is not {start}"
        assert (row["value"] is None) == (value is None), f"parquet: {row['value']} for {value}"
        assert value is None or Decimal(repr(row["value"])) == value, f"parquet: {row['value']} for {value}"
        assert (row["revision"], row["k"], row["m"]) == (revision, k, m), row
    about = polars.read_parquet_metadata(directory / "export.parquet")
    for name in ("unit", "zone", "definition version", "basis", "owner"):
        assert about.get(f"nhip.{name}"), f"parquet: its metadata says nothing of {name}: {about}"
    assert about["nhip.unit"] == series["unit"] and about["nhip.zone"] == series["zone"]


def check_geojson(directory, series, points):
    """RFC 7946: what a FeatureCollection and a Feature must have; geometry is null or a closed, right-handed ring."""
    told = json.loads((directory / "export.geojson").read_text(), parse_float=Decimal, parse_int=Decimal)
    assert told["type"] == "FeatureCollection" and isinstance(told["features"], list)
    assert "crs" not in told, "RFC 7946 has no crs"
    assert told["nhip"]["unit"] == series["unit"] and told["nhip"]["zone"] == series["zone"]
    for feature in told["features"]:
        assert feature["type"] == "Feature" and "geometry" in feature
        assert isinstance(feature["properties"], dict) and isinstance(feature["id"], str)
        # No boundaries without an operator's file: null, and it says so.
        assert feature["geometry"] is None and "no boundaries" in feature["properties"]["note"]
    area = [feature for feature in told["features"] if feature["id"] == series["area"]]
    assert len(area) == 1, "one feature for the area"
    found = [(datetime.fromisoformat(p["start"]), p["value"]) for p in area[0]["properties"]["points"]]
    assert found == [(point[0], point[2]) for point in points], found


def main():
    directory = Path(sys.argv[1])
    series, points = told(directory)
    assert points and any(point[2] is None for point in points), "a missing value is among them"
    lines = check_csv(directory, series, points)
    cells = check_xlsx(directory, series, points)
    name = next(line for line in lines if line[0] == series["indicator"])[2]
    assert name.startswith("'="), f"the area's name was to be a formula: {name!r}"
    assert next(line for line in cells if line[0] == series["indicator"])[2] == name[1:], "a text in a sheet is one"
    check_parquet(directory, series, points)
    check_geojson(directory, series, points)
    print(f"{len(points)} points read alike by csv, openpyxl {openpyxl.__version__}, polars {polars.__version__}")


if __name__ == "__main__":
    main()
