"""What the oracle needs of a profile, read from its own text: TOML and CSV, no code of the product."""

import csv
import functools
import re
import tomllib
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

from mapping import Route, routes

NANOSECONDS = {"ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9, "d": 86400 * 10**9}

# Exact: value in the base unit = value × factor + offset (SI brochure, international yard and pound).
UNITS = {
    "µg/m³": ("concentration", Fraction(1), 0),
    "mg/m³": ("concentration", Fraction(1000), 0),
    "°C": ("temperature", Fraction(1), Fraction(27315, 100)),
    "K": ("temperature", Fraction(1), 0),
    "°F": ("temperature", Fraction(5, 9), Fraction(45967, 180)),
    "m/s": ("speed", Fraction(1), 0),
    "km/h": ("speed", Fraction(10, 36), 0),
    "mph": ("speed", Fraction(44704, 100000), 0),
    "%": ("share", Fraction(1, 100), 0),
    "1": ("share", Fraction(1), 0),
    "Pa": ("pressure", Fraction(1), 0),
    "hPa": ("pressure", Fraction(100), 0),
    "mm": ("length", Fraction(1, 1000), 0),
    "m": ("length", Fraction(1), 0),
    "µS/cm": ("conductivity", Fraction(1), 0),
    "m³/s": ("flow", Fraction(1), 0),
}
SPELLINGS = {
    "ug/m3": "µg/m³",
    "µg/m3": "µg/m³",
    "μg/m³": "µg/m³",
    "mg/m3": "mg/m³",
    "mi/h": "mph",
    "kmh": "km/h",
}


@functools.cache
def span(text: str) -> int:
    digits = len(text) - len(text.lstrip("0123456789"))
    return int(text[:digits]) * NANOSECONDS[text[digits:]]


@dataclass
class Quantity:
    unit: str
    scale: int
    least: Decimal
    greatest: Decimal


@dataclass
class Stream:
    id: str
    identity: str
    lateness: int
    horizon: int
    staleness: int
    skew: int
    open: bool
    stamp_is_start: bool
    cadence: int
    quantities: dict[str, str]
    states: dict[str, list[str]]


@dataclass
class Source:
    id: str
    stream: str
    area: str
    lateness: int | None


@dataclass
class Indicator:
    id: str
    stream: str
    scale: int
    window: str
    table: dict = field(repr=False)

    @property
    def is_derived(self) -> bool:
        return any(key in self.table for key in ("formula", "calculator", "over_time"))


@dataclass
class Profile:
    id: str
    zone: str
    quantities: dict[str, Quantity]
    streams: dict[str, Stream]
    sources: dict[str, Source]
    parents: dict[str, str | None]
    indicators: list[Indicator]
    routes: list[Route]
    # Sources due by stream and area, as they were asked for.
    asked: dict[tuple[str, str], set[str]] = field(default_factory=dict, repr=False)

    def areas_of(self, source: str) -> list[str]:
        """The area of a source and everything it lies in; what nobody listed counts for the province too."""
        if source not in self.sources:
            province = next(code for code, parent in self.parents.items() if not parent)
            return ["unassigned", province]
        return self.chain(self.sources[source].area)

    def chain(self, area: str) -> list[str]:
        """An area and everything it lies in."""
        chain = []
        while area:
            chain.append(area)
            area = self.parents.get(area)
        return chain

    def lowest_areas(self) -> set[str]:
        return self.parents.keys() - set(self.parents.values())

    def due(self, stream: str, area: str) -> set[str]:
        if (stream, area) not in self.asked:
            listed = (source for source in self.sources.values() if source.stream == stream)
            found = {source.id for source in listed if area in self.areas_of(source.id)}
            self.asked[(stream, area)] = found
        return self.asked[(stream, area)]


def convert(value: Decimal, unit: str, to: str) -> Fraction | None:
    """The exact value in another unit; None if there is no way."""
    unit, to = SPELLINGS.get(unit, unit), SPELLINGS.get(to, to)
    if unit == to:
        return Fraction(value)
    if unit not in UNITS or to not in UNITS or UNITS[unit][0] != UNITS[to][0]:
        return None
    (_, factor, offset), (_, to_factor, to_offset) = UNITS[unit], UNITS[to]
    return (Fraction(value) * factor + offset - to_offset) / to_factor


def half_even(value: Fraction, scale: int) -> int:
    """The mantissa at a scale, rounded half to even."""
    return round(value * 10**scale)


def decimal_text(mantissa: int, scale: int) -> str:
    digits = str(abs(mantissa)).rjust(scale + 1, "0")
    whole, fraction = digits[: len(digits) - scale], digits[len(digits) - scale :]
    return ("-" if mantissa < 0 else "") + whole + (f".{fraction}" if scale else "")


def load(directory: Path) -> Profile:
    tables: dict[str, list[dict]] = {}
    head = {}
    for path in sorted(directory.glob("*.toml")):
        for key, value in tomllib.loads(path.read_text("utf-8"), parse_float=Decimal).items():
            if key == "profile":
                head = value
            else:
                tables.setdefault(key, []).extend(value)
    areas = rows(directory, "areas")
    return Profile(
        id=head["id"],
        zone=head["zone"],
        quantities={table["name"]: quantity(table) for table in tables.get("quantity", [])},
        streams={table["id"]: stream(table) for table in tables.get("stream", [])},
        sources={row["id"]: source(row) for row in rows(directory, "sources")},
        parents={row["code"]: row.get("parent") or None for row in areas},
        indicators=streams_of_derived([indicator(table) for table in tables.get("indicator", [])]),
        routes=routes(tables),
    )


def quantity(table) -> Quantity:
    return Quantity(table["unit"], table["scale"], Decimal(table["min"]), Decimal(table["max"]))


def stream(table) -> Stream:
    cadence = span(table["cadence"])
    states = table.get("states", {})
    return Stream(
        id=table["id"],
        identity=table["identity"],
        lateness=span(table.get("lateness", "1h")),
        horizon=span(table.get("horizon", "72h")),
        staleness=span(table["staleness"]) if "staleness" in table else 3 * cadence,
        skew=span(table.get("skew", "5m")),
        open=table.get("open", False),
        stamp_is_start=table.get("stamp", "end") == "start",
        cadence=cadence,
        quantities=dict(table.get("quantities", {})),
        states={name: words if isinstance(words, list) else [words] for name, words in states.items()},
    )


def source(row) -> Source:
    lateness = span(row["lateness"]) if row.get("lateness") else None
    return Source(row["id"], row["stream"], row["area"], lateness)


def indicator(table) -> Indicator:
    return Indicator(table["id"], table.get("stream", ""), table["scale"], table["window"], table)


def streams_of_derived(indicators: list[Indicator]) -> list[Indicator]:
    """A derived indicator stands on the stream of its first input, through as many as it takes."""
    by_id = {indicator.id: indicator for indicator in indicators}
    for indicator in indicators:
        first = indicator
        while not first.stream:
            first = by_id[first_input(first.table)]
        indicator.stream = first.stream
    return indicators


def first_input(table: dict) -> str:
    if "formula" in table:
        return re.search(r"[a-z][a-z0-9_]*\.[a-z0-9_.]+", table["formula"])[0]
    if "calculator" in table:
        return next(iter(table["calculator"]["inputs"].values()))
    return table["over_time"]["of"]


def rows(directory: Path, stem: str) -> list[dict]:
    found = []
    for path in sorted(directory.glob("*.csv")):
        if path.name == f"{stem}.csv" or path.name.startswith(f"{stem}-"):
            lines = [
                line for line in path.read_text("utf-8").splitlines() if line and not line.startswith("#")
            ]
            found.extend(csv.DictReader(lines))
    return found
