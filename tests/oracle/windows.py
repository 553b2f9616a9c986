"""Which window an instant lies in: fixed spans from 1970, or civil periods of a zone."""

import datetime
import functools
from zoneinfo import ZoneInfo

from profile_text import span

SECOND = 1_000_000_000
UTC = datetime.timezone.utc


def windows_of(window: str, zone: str, instant_ns: int) -> list[tuple[int, int]]:
    """Every window an instant lies in: one, or of "24h every 1h" twenty-four."""
    last = window_of(window, zone, instant_ns)
    if " every " not in window:
        return [last]
    length, hop = map(span, window.split(" every "))
    return [(last[0] - back * hop, last[1] - back * hop) for back in range(length // hop)]


def neighbour(window: str, zone: str, start_ns: int) -> int:
    """The start of the window before."""
    if " every " in window:
        return start_ns - span(window.split(" every ")[1])
    return window_of(window, zone, start_ns - 1)[0]


@functools.lru_cache(maxsize=500_000)
def window_of(window: str, zone: str, instant_ns: int) -> tuple[int, int]:
    """Start (inclusive) and end (exclusive), UTC nanoseconds; of windows that hop the last one."""
    if " every " in window:
        length, hop = map(span, window.split(" every "))
        start = instant_ns // hop * hop
        return start, start + length
    if window in ("1d", "1mo", "1y"):
        seconds = instant_ns // SECOND
        date = datetime.datetime.fromtimestamp(seconds, UTC).astimezone(ZoneInfo(zone)).date()
        return civil(window, zone, date)
    if window == "hour":
        raise NotImplementedError("civil hours are fixed hours in every zone the profiles use: say 1h")
    length = span(window)
    start = instant_ns // length * length
    return start, start + length


@functools.lru_cache(maxsize=100_000)
def civil(window: str, zone: str, date: datetime.date) -> tuple[int, int]:
    if window == "1d":
        first, after = date, date + datetime.timedelta(days=1)
    elif window == "1mo":
        first = date.replace(day=1)
        after = (first + datetime.timedelta(days=31)).replace(day=1)
    else:
        first, after = date.replace(month=1, day=1), date.replace(year=date.year + 1, month=1, day=1)
    return midnight(zone, first), midnight(zone, after)


def midnight(zone: str, date: datetime.date) -> int:
    civil_midnight = datetime.datetime(date.year, date.month, date.day, tzinfo=ZoneInfo(zone))
    return int(civil_midnight.timestamp()) * SECOND


def label(window: str) -> str:
    """The period in rows: the shortest spelling, days only beyond 48 h."""
    if window in ("hour", "1d", "1mo", "1y"):
        return window
    if " every " in window:
        return "/".join(label(part) for part in window.split(" every "))
    length = span(window)
    for unit in ("d", "h", "m", "s", "ms"):
        size = span(f"1{unit}")
        if length % size == 0 and length >= size and (unit != "d" or length > 2 * size):
            return f"{length // size}{unit}"
    raise ValueError(window)
