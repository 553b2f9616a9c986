"""Boston's 311 requests straight from the table: by reason and month what the figures must be, beside the program's."""

import argparse
import csv
import gzip
import json
from collections import Counter, defaultdict
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("America/New_York")
FALLBACK = ("42.3594", "-71.0587")
# A percentile is within this share of itself.
SHARE = 0.01


def stamp(text):
    return datetime.strptime(text, "%m/%d/%Y %I:%M:%S %p").replace(tzinfo=ZONE) if text else None


def slug(text):
    words = "".join(sign if sign.isalnum() else " " for sign in text.lower()).split()
    return "_".join(words)


def month(moment):
    return moment.year, moment.month


def start_ns(key):
    return int(datetime(key[0], key[1], 1, tzinfo=ZONE).timestamp()) * 1_000_000_000


def elapsed_h(opened, closed):
    return (closed.timestamp() - opened.timestamp()) / 3600


class Figures:
    """Per (indicator, group, month): counts, shares as pairs, lists of hours."""

    def __init__(self, rows):
        self.received, self.resolved = Counter(), Counter()
        self.kept, self.due = Counter(), Counter()
        self.hours = defaultdict(list)
        self.contradicting, self.unlocated = Counter(), Counter()
        self.lives = []
        for row in rows:
            self.take(row)

    def take(self, row):
        opened, closed, due = (stamp(row[name]) for name in ("OPEN_DT", "CLOSED_DT", "TARGET_DT"))
        groups = (slug(row["REASON"]), "")
        self.lives.append((opened.timestamp(), closed.timestamp() if closed else None, groups[0]))
        for group in groups:
            self.received[group, month(opened)] += 1
        if (row["LATITUDE"], row["LONGITUDE"]) == FALLBACK:
            self.unlocated["", month(opened)] += 1
        if closed is None:
            return
        if closed < opened:
            self.contradicting["", month(closed)] += 1
        for group in groups:
            key = group, month(closed)
            self.resolved[key] += 1
            if closed >= opened:
                self.hours[key].append(elapsed_h(opened, closed))
                if due:
                    self.due[key] += 1
                    self.kept[key] += closed <= due

    def open_at(self, group, moment):
        seconds = moment.timestamp()
        return sum(
            1
            for opened, closed, reason in self.lives
            if group in ("", reason) and opened < seconds and (closed is None or closed >= seconds)
        )


def compare(figures, rows):
    """Every difference as a line, and how many figures were compared."""
    wrong, compared, seen = [], Counter(), defaultdict(set)
    months = {start_ns(key): key for key in ((y, m) for y in (2015, 2016) for m in range(1, 13))}
    counts = {
        "b311.received_1mo": figures.received,
        "b311.resolved_1mo": figures.resolved,
        "b311.contradicting_1mo": figures.contradicting,
        "b311.unlocated_1mo": figures.unlocated,
    }
    for row in rows:
        name, group = row["indicator"], row["group"]
        key = group, months[row["window_start_ns"]]
        value = None if row["value"] is None else float(row["value"])
        seen[name].add(key)
        if name in counts:
            wanted, fits = counts[name].get(key), lambda a, b: a == b
        elif name == "b311.on_time_1mo":
            share = figures.due.get(key)
            wanted = 100 * figures.kept[key] / share if share else None
            fits = lambda a, b: abs(a - b) < 0.006
        elif name == "b311.resolve_median_1mo":
            wanted, fits = median_bounds(figures.hours.get(key)), lambda a, b: b[0] <= a <= b[1]
        elif name == "b311.open_1mo":
            year, number = key[1]
            end = datetime(year + number // 12, number % 12 + 1, 1, tzinfo=ZONE)
            wanted, fits = figures.open_at(group, end), lambda a, b: a == b
        else:
            continue
        compared[name] += 1
        if (value is None) != (wanted is None) and not (value is None and wanted == 0):
            wrong.append(f"{name} {key}: {value}, must be {wanted}")
        elif value is not None and not fits(value, wanted):
            wrong.append(f"{name} {key}: {value}, must be {wanted}")
    for name, wanted in counts.items():
        for key in set(wanted) - seen[name]:
            wrong.append(f"{name} {key}: no row, must be {wanted[key]}")
    return wrong, compared


def median_bounds(hours):
    """Between which values the median may lie: the neighbours of the middle, one per cent around them."""
    if not hours:
        return None
    ordered = sorted(hours)
    middle = (len(ordered) - 1) / 2
    low, high = ordered[int(middle)], ordered[int(middle + 0.5)]
    return low * (1 - SHARE) - 0.05, high * (1 + SHARE) + 0.05


def newest(lines):
    """The last revision of each figure."""
    found = {}
    for line in lines:
        row = json.loads(line)
        found[row["indicator"], row["group"], row["window_start_ns"]] = row
    return found.values()


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--table", type=Path, required=True)
    arguments.add_argument("--rows", type=Path, required=True)
    given = arguments.parse_args()
    with gzip.open(given.table, "rt", encoding="utf-8") as table:
        figures = Figures(csv.DictReader(table))
    with given.rows.open(encoding="utf-8") as lines:
        wrong, compared = compare(figures, newest(lines))
    print("\n".join(wrong[:50]))
    print(dict(compared), "differences:", len(wrong))
    enough = all(compared[name] >= 3 for name in ("b311.received_1mo", "b311.open_1mo", "b311.resolve_median_1mo"))
    raise SystemExit(1 if wrong or not enough else 0)


if __name__ == "__main__":
    main()
