"""Compares the oracle's rows with the node's, digit by digit; exits with 1 if there is a difference."""

import argparse
import json
import sys
from pathlib import Path

KEY = ("indicator", "area", "group", "period", "window_start_ns")
EXACT = ("window_end_ns", "numerator", "denominator", "value", "k", "m")
SHOWN_MAX = 50


def read(path: Path) -> dict[tuple, dict]:
    with path.open(encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines if line.strip()]
    found = {}
    for row in rows:
        key = tuple(row.get(name, "") for name in KEY)
        older = found.get(key)
        if older is None or row.get("revision", 0) >= older.get("revision", 0):
            found[key] = row
    return found


def differences(expected: dict, actual: dict, until_ns: int | None = None) -> list[str]:
    """One line for each figure that is missing, too many, not final or different."""
    lines = []
    for key in sorted(expected.keys() | actual.keys()):
        name = " ".join(map(str, key))
        want, got = expected.get(key), actual.get(key)
        if until_ns is not None and (want or got)["window_end_ns"] > until_ns:
            continue
        if got is None:
            lines.append(f"{name}: missing; expected {brief(want)}")
        elif want is None:
            lines.append(f"{name}: unexpected {brief(got)}")
        elif got.get("state", "final") == "provisional":
            lines.append(f"{name}: is still provisional")
        else:
            wrong = [field for field in EXACT if field in got and got[field] != want[field]]
            lines.extend(f"{name}: {field} is {got[field]}, expected {want[field]}" for field in wrong)
    return lines


def brief(row: dict) -> str:
    return f"{row['numerator']}/{row['denominator']} = {row['value']}, k {row['k']} of {row['m']}"


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("expected", type=Path)
    arguments.add_argument("actual", type=Path)
    arguments.add_argument(
        "--until-ns", type=int, help="compare only windows that end at or before this time"
    )
    arguments.add_argument("--indicator", action="append", help="compare only these indicators")
    given = arguments.parse_args()
    expected, actual = read(given.expected), read(given.actual)
    if given.indicator:
        expected, actual = (
            {key: row for key, row in rows.items() if key[0] in given.indicator}
            for rows in (expected, actual)
        )
    if not expected:
        sys.exit("nothing is expected: the comparison would show nothing")
    lines = differences(expected, actual, given.until_ns)
    for line in lines[:SHOWN_MAX]:
        print(line)
    if len(lines) > SHOWN_MAX:
        print(f"… and {len(lines) - SHOWN_MAX} more")
    print(f"{len(expected)} expected, {len(actual)} actual, {len(lines)} differences")
    sys.exit(1 if lines else 0)


if __name__ == "__main__":
    main()
