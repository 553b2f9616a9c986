"""From admitted values to figures: polars groups columns of exact integers by indicator, area and window."""

from fractions import Fraction

import polars

from admission import Value, driving_names, term_name
from derived import derive
from profile_text import Indicator, Profile, decimal_text, half_even
from windows import label, window_of, windows_of

# Sums stay below this by far, or the exact Python way is taken.
INT64_SAFE = 2**62
SIMPLE = ("count", "sum", "mean", "min", "max")
KEYS = ["area", "start", "end"]
# What only derived figures look at.
INNER = ("exact", "weight", "sources")


def figures(profile: Profile, values: list[Value]):
    """Rows in key order, as plain dictionaries."""
    by_name: dict[tuple[str, str], list[Value]] = {}
    for value in values:
        by_name.setdefault((value.stream, value.name), []).append(value)
    found = []
    for indicator in profile.indicators:
        if indicator.is_derived:
            continue
        names = sorted(driving_names(indicator.table))
        driving = [value for name in names for value in by_name.get((indicator.stream, name), [])]
        found.extend(of_indicator(profile, indicator, driving))
    found.extend(derive(profile, found))
    found.sort(key=lambda row: (row["indicator"], row["area"], row["window_start_ns"]))
    return [{name: value for name, value in row.items() if name not in INNER} for row in found]


def of_indicator(profile: Profile, indicator: Indicator, values: list[Value]):
    table = indicator.table
    values = [value for value in values if passes(profile, table.get("where", {}), value.values)]
    if "share_of_time" in table:
        contributions = shares_of_time(profile, indicator, values)
    else:
        contributions = [one for value in values for one in contribution(profile, indicator, value)]
    if not contributions:
        return []
    combine = lasts if "last" in table else totals
    rows = []
    for area, start, end, above, below, sources, readings in combine(profile, indicator, contributions):
        due = profile.due(indicator.stream, area)
        strangers = len([source for source in sources if source not in profile.sources])
        above = above if below else 0
        few = too_few(profile, indicator, (start, end), len(due), readings)
        exact = None if few else unrounded(profile, indicator, above, below)
        rows.append(
            {
                "indicator": indicator.id,
                "area": area,
                "group": "",
                "period": label(indicator.window),
                "window_start_ns": start,
                "window_end_ns": end,
                "numerator": str(above),
                "denominator": str(below),
                "value": shown(indicator, exact),
                "k": len(sources),
                "m": max(len(due) + strangers, len(sources)),
                "exact": exact,
                "weight": below,
                "sources": set(sources),
            }
        )
    return rows


def too_few(profile: Profile, indicator: Indicator, window, due: int, readings: int) -> bool:
    """Whether the window got less than the share of its readings that its definition asks for."""
    if "readings_min" not in indicator.table:
        return False
    expected = (window[1] - window[0]) * due // profile.streams[indicator.stream].cadence
    return readings < Fraction(indicator.table["readings_min"]) * expected


def passes(profile: Profile, conditions: dict, values: dict) -> bool:
    for name, condition in conditions.items():
        value = values.get(name)
        if isinstance(condition, dict):
            quantity = profile.quantities[name]
            least = half_even(Fraction(condition.get("min", quantity.least)), quantity.scale)
            greatest = half_even(Fraction(condition.get("max", quantity.greatest)), quantity.scale)
            if not isinstance(value, int) or not least <= value <= greatest:
                return False
        elif value is None or value not in (condition if isinstance(condition, list) else [condition]):
            return False
    return True


def contribution(profile: Profile, indicator: Indicator, value: Value):
    """What one value adds above and below, in each window it lies in."""
    table = indicator.table
    if "ratio" in table:
        ratio = table["ratio"]
        above = amount(profile, ratio["numerator"], value)
        below = amount(profile, ratio["denominator"], value)
        if above is None and below is None:
            return
        above, below = above or 0, below or 0
    else:
        above, below = (1 if "count" in table else value.number), 1
    for start, end in windows_of(indicator.window, profile.zone, value.instant):
        yield value, start, end, above, below


def amount(profile: Profile, term: dict, value: Value):
    if term_name(term) != value.name:
        return None
    if "count" in term:
        return 1 if passes(profile, term.get("where", {}), value.values) else None
    if "product" in term:
        other = value.values.get(term["product"][1])
        return value.number * other if isinstance(other, int) else None
    return value.number


def totals(profile: Profile, indicator: Indicator, contributions):
    """Sums (or extremes) per area and window."""
    columns = {"area": [], "start": [], "end": [], "source": [], "above": [], "below": []}
    for value, start, end, above, below in contributions:
        for area in profile.areas_of(value.source):
            for column, entry in zip(columns.values(), (area, start, end, value.source, above, below)):
                column.append(entry)
    greatest = max(map(abs, columns["above"] + columns["below"])) * len(columns["above"])
    if greatest >= INT64_SAFE:
        raise OverflowError(f"{indicator.id}: sums may leave 64 bits; the oracle would not be exact")
    frame = polars.DataFrame(columns, schema_overrides={"above": polars.Int64, "below": polars.Int64})
    table = indicator.table
    above = polars.col("above")
    above = above.min() if "min" in table else above.max() if "max" in table else above.sum()
    counts = [polars.col("below").sum(), polars.col("source").unique(), polars.len().alias("readings")]
    grouped = frame.group_by(KEYS).agg(above, *counts)
    counted = any(key in table for key in ("count", "sum", "min", "max"))
    for row in grouped.iter_rows(named=True):
        below = 1 if counted else row["below"]
        yield row["area"], row["start"], row["end"], row["above"], below, row["source"], row["readings"]


def lasts(profile: Profile, indicator: Indicator, contributions):
    """The last of each source by (event time, sequence, value), then the areas' roll-up."""
    last: dict[tuple, tuple] = {}
    readings: dict[tuple, int] = {}
    for value, start, end, above, _ in contributions:
        for area in profile.areas_of(value.source):
            readings[(area, start, end)] = readings.get((area, start, end), 0) + 1
        key = (value.source, start, end)
        rank = (value.time, value.sequence, above)
        last[key] = max(last.get(key, rank), rank)
    groups: dict[tuple, dict[str, int]] = {}
    for (source, start, end), (_, _, number) in last.items():
        for area in profile.areas_of(source):
            groups.setdefault((area, start, end), {})[source] = number
    roll = {"sum": sum, "mean": sum, "min": min, "max": max}[indicator.table["rollup"]]
    for (area, start, end), numbers in groups.items():
        below = len(numbers) if indicator.table["rollup"] == "mean" else 1
        many = readings[(area, start, end)]
        yield area, start, end, roll(numbers.values()), below, list(numbers), many


def shares_of_time(profile: Profile, indicator: Indicator, values: list[Value]):
    """A state holds until the next of its source, at most for the staleness limit; split at window borders."""
    wanted = indicator.table["share_of_time"]["in"]
    staleness = profile.streams[indicator.stream].staleness
    by_source: dict[str, list[Value]] = {}
    for value in values:
        by_source.setdefault(value.source, []).append(value)
    found = []
    for samples in by_source.values():
        samples.sort(key=lambda value: (value.time, value.sequence))
        nexts = [value.time for value in samples[1:]] + [None]
        for value, following in zip(samples, nexts):
            end = value.time + staleness
            end = end if following is None else min(end, following)
            at = value.time
            while at < end:
                start, stop = window_of(indicator.window, profile.zone, at)
                held = min(stop, end) - at
                found.append((value, start, stop, held if value.number in wanted else 0, held))
                at = stop
    return found


def unrounded(profile: Profile, indicator: Indicator, above: int, below: int) -> Fraction | None:
    """The exact quotient in the unit shown."""
    if below == 0:
        return None
    up, down = scales(profile, indicator.table)
    ratio = indicator.table.get("ratio") or indicator.table.get("share_of_time") or {}
    factor = 100 if ratio.get("percent") else 1
    return Fraction(above * factor * 10**down, below * 10**up)


def shown(indicator: Indicator, exact: Fraction | None) -> str | None:
    """Rounded once, half to even, with the indicator's digits."""
    return None if exact is None else decimal_text(half_even(exact, indicator.scale), indicator.scale)


def scales(profile: Profile, table: dict) -> tuple[int, int]:
    """Digits behind the point of numerator and denominator."""
    for key in ("sum", "mean", "min", "max", "last"):
        if key in table:
            return profile.quantities[table[key]].scale, 0
    if "ratio" in table:
        return term_scale(profile, table["ratio"]["numerator"]), term_scale(
            profile, table["ratio"]["denominator"]
        )
    return 0, 0


def term_scale(profile: Profile, term: dict) -> int:
    if "product" in term:
        return sum(profile.quantities[name].scale for name in term["product"])
    return profile.quantities[term["sum"]].scale if "sum" in term else 0
