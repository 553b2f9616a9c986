"""Figures from figures: formulas, calculators and windows inside longer windows, over rows already reckoned."""

from fractions import Fraction

import formula
import vn_aqi
from profile_text import Indicator, Profile, decimal_text, half_even
from windows import label, neighbour, window_of

# How many windows each calculator looks back at, itself included.
HOURS = {"vn_aqi_hour": 12, "nowcast": 12, "mean_hours": 24}


class Figures:
    """Rows by (indicator, area, group, start), exact."""

    def __init__(self, profile: Profile, rows: list[dict]):
        self.profile = profile
        self.rows: dict[tuple, dict] = {}
        self.starts: dict[tuple, list[int]] = {}
        for row in rows:
            self.add(row)

    def add(self, row: dict):
        place = (row["indicator"], row["area"], row["group"])
        self.rows[(*place, row["window_start_ns"])] = row
        self.starts.setdefault(place, []).append(row["window_start_ns"])

    def exact(self, indicator: str, area: str, group: str, start: int) -> Fraction | None:
        row = self.rows.get((indicator, area, group, start))
        return row["exact"] if row else None


def derive(profile: Profile, rows: list[dict]) -> list[dict]:
    """The rows of all derived indicators, each after its inputs."""
    figures = Figures(profile, rows)
    waiting = [indicator for indicator in profile.indicators if indicator.is_derived]
    found = []
    while waiting:
        names = {indicator.id for indicator in waiting}
        ready = [indicator for indicator in waiting if not names & read_by(indicator).keys()]
        if not ready:
            raise ValueError("formulas in a circle")
        for indicator in ready:
            made = of_indicator(figures, indicator)
            for row in made:
                figures.add(row)
            found.extend(made)
        waiting = [indicator for indicator in waiting if indicator not in ready]
    return found


def read_by(indicator: Indicator) -> dict[str, set[int]]:
    """What it reads, with how many windows back."""
    table = indicator.table
    if "formula" in table:
        return formula.inputs(formula.read(table["formula"]))
    if "calculator" in table:
        calculator = table["calculator"]
        backs = set(range(HOURS.get(calculator["name"], 1)))
        return {name: backs for name in calculator["inputs"].values()}
    return {table["over_time"]["of"]: {0}}


def of_indicator(figures: Figures, indicator: Indicator) -> list[dict]:
    lowest = figures.profile.lowest_areas()
    rollup = indicator.table.get("rollup_area")
    groups = grouped(figures, indicator)
    if "over_time" in indicator.table:
        return over_time(figures, indicator)
    rows, reads = [], read_by(indicator)
    for place, starts in places(figures, indicator).items():
        area, group = place
        if rollup and (not group if groups else area not in lowest):
            continue
        made = (at_place(figures, indicator, reads, (area, group), start) for start in sorted(starts))
        # What stands on no record at all is no figure.
        rows.extend(row for row in made if row["sources"])
    if rollup and rollup != "none":
        rows.extend(rolled_up(figures, indicator, rows, groups))
    return rows


def grouped(figures: Figures, indicator: Indicator) -> bool:
    return all(any(key[0] == name and key[2] for key in figures.rows) for name in read_by(indicator))


def places(figures: Figures, indicator: Indicator) -> dict[tuple, set[int]]:
    """Where and when at least one input has the window itself."""
    found: dict[tuple, set[int]] = {}
    reads = read_by(indicator)
    for (name, area, group), starts in figures.starts.items():
        if name in reads:
            found.setdefault((area, group), set()).update(starts)
    return found


def at_place(figures: Figures, indicator: Indicator, reads: dict, place: tuple, start: int) -> dict:
    zone, (area, group) = figures.profile.zone, place
    starts = [start]
    for _ in range(max(back for backs in reads.values() for back in backs)):
        starts.append(neighbour(indicator.window, zone, starts[-1]))

    def look(name: str, back: int = 0):
        return figures.exact(name, area, group, starts[back])

    table = indicator.table
    if "formula" in table:
        exact = formula.value(formula.read(table["formula"]), look)
    else:
        exact = calculate(indicator, table["calculator"], look, len(starts))
    there = [figures.rows.get((name, area, group, start)) for name in reads]
    worst = min((row for row in there if row), key=lambda row: Fraction(row["k"], row["m"]))
    end = window_of(indicator.window, zone, start)[1]
    sources = set()
    for name, backs in reads.items():
        for back in backs:
            sources |= figures.rows.get((name, area, group, starts[back]), {}).get("sources", set())
    return row_of(indicator, (area, group), (start, end), exact, (worst["k"], worst["m"]), sources)


def calculate(indicator: Indicator, calculator: dict, look, windows: int) -> Fraction | None:
    inputs = {
        name: [look(figure, back) for back in range(windows)]
        for name, figure in calculator["inputs"].items()
    }
    name, parameters, digits = calculator["name"], calculator.get("parameters", {}), 10**indicator.scale
    if name == "vn_aqi_hour":
        value = vn_aqi.of_hour(inputs)
    elif name == "vn_aqi_day":
        value = vn_aqi.of_day(inputs)
    elif name == "mean_hours":
        value = vn_aqi.mean_of_hours(inputs["of"], int(parameters["hours"]), parameters.get("hours_min"))
        value = None if value is None else Fraction(half_even(value, indicator.scale), digits)
    else:
        value = simple(name, {key: values[0] for key, values in inputs.items()}, parameters)
        value = None if value is None else Fraction(half_away(value * digits), digits)
    return None if value is None else Fraction(value)


def simple(name: str, inputs: dict[str, Fraction | None], parameters: dict) -> Fraction | None:
    """Calculators that look at one window only."""
    if None in inputs.values():
        return None
    if name == "change":
        return inputs["now"] - inputs["before"]
    if name == "change_percent":
        return 100 * (inputs["now"] / inputs["before"] - 1) if inputs["before"] else None
    level, alarms = inputs["level"], [Fraction(parameters[f"alarm_{number}"]) for number in (1, 2, 3)]
    if name == "water_alarm":
        return Fraction(sum(level >= alarm for alarm in alarms))
    if name == "water_alarm_distance":
        return min((level - alarm for alarm in alarms), key=abs)
    raise NotImplementedError(name)


def half_away(value: Fraction) -> int:
    """Half away from zero."""
    size = int(abs(value) + Fraction(1, 2))
    return size if value >= 0 else -size


def rolled_up(figures: Figures, indicator: Indicator, rows: list[dict], groups: bool) -> list[dict]:
    """Areas above combine the values of groups, or of lowest areas."""
    together: dict[tuple, list[dict]] = {}
    for row in rows:
        for area in figures.profile.chain(row["area"])[0 if groups else 1 :]:
            together.setdefault((area, row["window_start_ns"], row["window_end_ns"]), []).append(row)
    found = []
    for (area, start, end), parts in together.items():
        values = [part["exact"] for part in parts if part["exact"] is not None]
        rollup = indicator.table["rollup_area"]
        exact = None
        if values:
            exact = {"sum": sum, "mean": sum, "min": min, "max": max}[rollup](values)
            exact = exact / len(values) if rollup == "mean" else exact
        k = sum(part["k"] for part in parts if part["exact"] is not None)
        around = [figures.rows.get((name, area, "", start)) for name in read_by(indicator)]
        m = min((row for row in around if row), key=lambda row: Fraction(row["k"], row["m"]))["m"]
        sources = set().union(*(part["sources"] for part in parts))
        found.append(row_of(indicator, (area, ""), (start, end), exact, (k, max(k, m)), sources))
    return found


def over_time(figures: Figures, indicator: Indicator) -> list[dict]:
    """Windows whose last instant lies in a longer one."""
    profile, table = figures.profile, indicator.table["over_time"]
    inner = next(one for one in profile.indicators if one.id == table["of"])
    together: dict[tuple, list[dict]] = {}
    for (name, area, group, _), row in figures.rows.items():
        if name == inner.id:
            around = window_of(indicator.window, profile.zone, row["window_end_ns"] - 1)
            together.setdefault((area, group, *around), []).append(row)
    rows = []
    for (area, group, start, end), parts in together.items():
        parts.sort(key=lambda row: row["window_start_ns"])
        known = [part for part in parts if part["exact"] is not None]
        values = [part["exact"] for part in known]
        exact = reduced(table["by"], values, known)
        sources = {source for part in parts for source in part["sources"]}
        m = max(len(profile.due(indicator.stream, area)), len(sources))
        rows.append(row_of(indicator, (area, group), (start, end), exact, (len(sources), m), sources))
    return rows


def reduced(by: str, values: list[Fraction], known: list[dict]) -> Fraction | None:
    if by == "count":
        return Fraction(len(values))
    if not values:
        return None
    if by == "mean" and all("weight" in row for row in known):
        return sum(row["exact"] * row["weight"] for row in known) / sum(row["weight"] for row in known)
    if by == "mean":
        return sum(values) / len(values)
    return {"sum": sum, "min": min, "max": max, "last": lambda numbers: numbers[-1]}[by](values)


def row_of(indicator: Indicator, place, window, exact: Fraction | None, known, sources: set) -> dict:
    from figures import decimal_text

    mantissa = None if exact is None else half_even(exact, indicator.scale)
    return {
        "indicator": indicator.id,
        "area": place[0],
        "group": place[1],
        "period": label(indicator.window),
        "window_start_ns": window[0],
        "window_end_ns": window[1],
        "numerator": "0" if exact is None else str(exact.numerator),
        "denominator": "0" if exact is None else str(exact.denominator),
        "value": None if mantissa is None else decimal_text(mantissa, indicator.scale),
        "k": known[0],
        "m": known[1],
        "exact": exact,
        "sources": sources,
    }
