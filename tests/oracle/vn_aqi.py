"""VN_AQI from the text of QĐ 1459/QĐ-TCMT (12/11/2019), written again from the decision, in exact fractions."""

import datetime
import math
from fractions import Fraction

IN_FORCE_FROM = datetime.date(2019, 11, 12)
INDEX = (0, 50, 100, 150, 200, 300, 400, 500)
# Bảng 2, one row of the decision per level i; None: "-".
TABLE = {
    "o3": (0, 160, 200, 300, 400, 800, 1000, 1200),
    "o3_8h": (0, 100, 120, 170, 210, 400, None, None),
    "co": (0, 10000, 30000, 45000, 60000, 90000, 120000, 150000),
    "so2": (0, 125, 350, 550, 800, 1600, 2100, 2630),
    "no2": (0, 100, 200, 700, 1200, 2350, 3100, 3850),
    "pm10": (0, 50, 150, 250, 350, 420, 500, 600),
    "pm25": (0, 25, 50, 80, 150, 250, 350, 500),
}
DUST = ("pm10", "pm25")


def half_up(value: Fraction) -> int:
    return math.floor(value + Fraction(1, 2))


def sub_index(pollutant: str, concentration: Fraction) -> int:
    """Formula 1; from level 8 on, 500."""
    levels = [(point, index) for point, index in zip(TABLE[pollutant], INDEX) if point is not None]
    for (below, low), (above, high) in zip(levels, levels[1:]):
        if concentration <= above:
            return half_up(Fraction(high - low, above - below) * (concentration - below) + low)
    return levels[-1][1]


def nowcast(hours: list[Fraction | None]) -> Fraction | None:
    """c1 … c12, newest first; with the weights of the hours there are."""
    hours = (hours + [None] * 12)[:12]
    if sum(hour is not None for hour in hours[:3]) < 2:
        return None
    known = [(power, hour) for power, hour in enumerate(hours) if hour is not None]
    values = [hour for _, hour in known]
    ratio = min(values) / max(values) if max(values) else Fraction(1)
    above, below = max(Fraction(1, 2), ratio).as_integer_ratio()
    # Weights as whole numbers over one denominator: the same, and faster than fractions.
    weights = [above**power * below ** (11 - power) for power, _ in known]
    unit = math.lcm(*(value.denominator for value in values))
    total = sum(weight * int(value * unit) for weight, value in zip(weights, values))
    return Fraction(total, sum(weights) * unit)


def highest(indices: dict[str, int | None]) -> int | None:
    """AQI of the station: needs PM10 or PM2.5."""
    known = {name: index for name, index in indices.items() if index is not None}
    return max(known.values()) if any(name in known for name in DUST) else None


def of_hour(inputs: dict[str, list[Fraction | None]]) -> int | None:
    indices = {}
    for pollutant, hours in inputs.items():
        value = nowcast(hours) if pollutant in DUST else hours[0]
        indices[pollutant] = None if value is None else sub_index(pollutant, value)
    return highest(indices)


def of_day(inputs: dict[str, list[Fraction | None]]) -> int | None:
    indices = {}
    for pollutant, (value, *_) in inputs.items():
        if value is not None and not (pollutant == "o3_8h" and value > 400):
            indices[pollutant] = sub_index(pollutant, value)
    return highest(indices)


def mean_of_hours(hours: list[Fraction | None], count: int, least: int | None) -> Fraction | None:
    """2.2.2 a; how many must be there is the profile's choice, else three quarters."""
    known = [hour for hour in hours[:count] if hour is not None]
    needed = least if least is not None else math.ceil(count * Fraction(3, 4))
    return sum(known) / len(known) if known and len(known) >= needed else None
