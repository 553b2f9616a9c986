"""Foreign JSON by the profile's routes and mappings, read from docs/profile.md: the part the recordings use."""

import datetime
import json
import re
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from zoneinfo import ZoneInfo

from readings import MISSING, Item, Number, Reading, Rejected, json_time

UTC = datetime.timezone.utc
SECOND = 10**9
PLACEHOLDER = re.compile(r"\{(payload:)?([^}]*)\}")


@dataclass
class Route:
    levels: list[str]
    stream: str
    source: str
    each: str | None
    mapping: dict = field(repr=False)


def routes(tables: dict[str, list[dict]]) -> list[Route]:
    mappings = {table["id"]: table for table in tables.get("mapping", [])}
    return [
        Route(
            levels=table["filter"].split("/"),
            stream=table["stream"],
            source=table["source"],
            each=table.get("each"),
            mapping=mappings[table["mapping"]],
        )
        for table in tables.get("route", [])
        if table["dialect"] == "json-map"
    ]


def route_of(found: list[Route], topic: str) -> Route | None:
    levels = topic.split("/")
    for route in found:
        pairs = zip(route.levels, levels)
        if len(levels) == len(route.levels) and all(want in ("+", level) for want, level in pairs):
            return route
    return None


def elements(route: Route, topic: str, payload: bytes) -> list[tuple[str, Reading]]:
    """Source and reading of each element; texts keep their digits."""
    try:
        tree = json.loads(payload.decode("utf-8"), parse_int=Number, parse_float=Number)
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise Rejected("syntax") from error
    parts = at(tree, route.each) if route.each else [tree]
    if not isinstance(parts, list):
        raise Rejected("no array")
    return [(source_of(route.source, topic, part), reading_of(route.mapping, part)) for part in parts]


def at(tree, path: str):
    """Where a path leads: `a.b`, `/a/b`; None if nowhere."""
    for step in path.strip("/").replace("/", ".").split("."):
        tree = tree.get(step) if isinstance(tree, dict) else None
    return tree


def source_of(template: str, topic: str, part) -> str:
    def fill(found):
        return str(at(part, found[2])) if found[1] else topic.split("/")[int(found[2])]

    return PLACEHOLDER.sub(fill, template)


def reading_of(mapping: dict, part) -> Reading:
    reading = Reading(time_ns=time_of(mapping["time"], at(part, mapping["time"]["path"])))
    if "id_path" in mapping:
        reading.identity = str(at(part, mapping["id_path"]))
    fault = "fault" in mapping and str(at(part, mapping["fault"]["path"])) in mapping["fault"]["is"]
    for value in mapping.get("values", []):
        number = number_of(at(part, value["path"]))
        if number is not MISSING and "factor" in value:
            number *= value["factor"]
        reading.items.append(Item(value["name"], number, unit=value.get("unit", ""), fault=fault))
    for state in mapping.get("states", []):
        word = at(part, state["path"])
        if word is not None:
            reading.items.append(Item(state["name"], state.get("words", {}).get(word, word), fault=fault))
    return reading


def number_of(cell):
    if cell is None:
        return MISSING
    try:
        return Decimal(cell)
    except InvalidOperation as error:
        raise Rejected("no number") from error


def time_of(rule: dict, text: str) -> int:
    form = rule.get("format", "rfc3339")
    if form == "rfc3339":
        return json_time(text)
    try:
        civil = datetime.datetime.fromisoformat(text) if form == "local" else datetime.datetime.strptime(text, form)
    except ValueError as error:
        raise Rejected("no time") from error
    # Of an hour that comes twice the first; a time the clocks leave out moves on by what they leave out.
    seconds = civil.replace(tzinfo=ZoneInfo(rule["zone"]), fold=0).timestamp()
    return int(seconds) * SECOND
