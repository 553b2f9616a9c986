"""From a journal to admitted values: route, decode, unit, range, clock, lateness, identity; with a ledger."""

import base64
import json
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import mapping
import readings
from profile_text import Profile, Source, convert, half_even
from windows import window_of

CLOCK_MIN = 946_684_800 * 10**9


@dataclass
class Value:
    """One admitted value."""

    source: str
    stream: str
    name: str
    number: int | str  # mantissa at the quantity's scale, or a state
    time: int
    instant: int
    sequence: int
    values: dict  # all valid values of its reading, by name: filters and products look at them


@dataclass
class Admission:
    """Takes messages in the order of the log."""

    profile: Profile
    values: list[Value] = field(default_factory=list)
    ledger: dict[str, Counter] = field(default_factory=lambda: defaultdict(Counter))
    greatest: dict[str, int] = field(default_factory=dict)
    seen: dict = field(default_factory=dict)

    def take(self, topic: str, payload: bytes, arrival: int):
        levels = topic.split("/")
        route = mapping.route_of(self.profile.routes, topic)
        if route:
            self.take_mapped(route, topic, payload, arrival)
            return
        if levels[0] != "nhip":
            self.ledger[""]["foreign"] += 1
            return
        protobuf = len(levels) == 6 and levels[5] == "pb"
        native = levels[:2] == ["nhip", "v1"] and (len(levels) == 5 or protobuf)
        if not native or levels[2] != self.profile.id or levels[3] not in self.profile.streams:
            self.ledger[""].update(received=1, rejected=1)
            return
        stream, source = self.profile.streams[levels[3]], levels[4]
        listed = self.profile.sources.get(source)
        if not (listed and listed.stream == stream.id) and not stream.open:
            self.ledger[""].update(received=1, rejected=1)
            return
        counts = self.ledger[source]
        counts["received"] += 1
        try:
            decode = readings.decode_protobuf if protobuf else readings.decode_json
            found = decode(payload)
        except readings.Rejected:
            counts["rejected"] += 1
            return
        counts["decoded"] += 1
        for reading in found:
            self.reading(stream, source, listed, reading, arrival)

    def take_mapped(self, route, topic: str, payload: bytes, arrival: int):
        """A delivery of several messages, each of the source it names itself."""
        stream = self.profile.streams[route.stream]
        for source, reading in mapping.elements(route, topic, payload):
            listed = self.profile.sources.get(source)
            if not (listed and listed.stream == stream.id) and not stream.open:
                self.ledger[""].update(received=1, rejected=1)
                continue
            self.ledger[source].update(received=1, decoded=1)
            self.reading(stream, source, listed, reading, arrival)

    def reading(self, stream, source: str, listed: Source | None, reading, arrival: int):
        # Items with a time of their own are readings of their own.
        for own_time in dict.fromkeys(item.time_ns for item in reading.items):
            items = [item for item in reading.items if item.time_ns == own_time]
            stamp = own_time if own_time is not None else reading.time_ns
            judged = [(item, self.judge(stream, item)) for item in items]
            values = {}
            for item, number in judged:
                if number is not None:
                    values.setdefault(item.name, number)
            for item, number in judged:
                counts = self.ledger[source]
                counts["items"] += 1
                if number is None:
                    counts["item_rejected"] += 1
                else:
                    outcome = self.admit(
                        stream, source, listed, reading, stamp, item.name, number, values, arrival
                    )
                    counts.update(outcome)

    def judge(self, stream, item):
        """The value in the profile's terms, or None."""
        if item.fault or item.value is readings.MISSING:
            return None
        if item.name in stream.states:
            known = isinstance(item.value, str) and item.value in stream.states[item.name]
            return item.value if known else None
        if item.name not in stream.quantities or isinstance(item.value, str):
            return None
        quantity = self.profile.quantities[item.name]
        exact = convert(item.value, item.unit or stream.quantities[item.name], quantity.unit)
        if exact is None:
            return None
        number = half_even(exact, quantity.scale)
        least, greatest = (
            half_even(bound, quantity.scale) for bound in (quantity.least, quantity.greatest)
        )
        return number if least <= number <= greatest else None

    def admit(self, stream, source, listed, reading, stamp, name, number, values, arrival) -> list[str]:
        stamp = arrival if stamp is None else stamp
        time = instant = stamp
        if reading.period_ns is not None:
            time = stamp + reading.period_ns if stream.stamp_is_start else stamp
            instant = time - 1
        skewed = stamp > arrival + stream.skew or min(stamp, time) < CLOCK_MIN
        if skewed or time > arrival + stream.skew + (reading.period_ns or 0):
            return ["item_rejected"]
        lateness = listed.lateness if listed and listed.lateness is not None else stream.lateness
        if time < self.greatest.get(source, time) - lateness:
            return ["late"]
        if self.beyond_horizon(stream, name, time, instant, arrival):
            return ["late"]
        key = self.identity(stream, reading, time, number)
        content = (number, time, reading.period_ns)
        if key is not None:
            first = self.seen.setdefault((source, name, key), content)
            if first is not content:
                return ["duplicate"] if first == content else ["duplicate", "conflicting"]
        self.greatest[source] = max(self.greatest.get(source, time), time)
        sequence = reading.sequence or 0
        self.values.append(Value(source, stream.id, name, number, time, instant, sequence, values))
        return ["applied"]

    def beyond_horizon(self, stream, name, time, instant, arrival) -> bool:
        """Whether every window the value could enter ended longer than the horizon ago."""
        if time + stream.horizon >= arrival:
            return False
        ends = []
        for indicator in self.profile.indicators:
            if indicator.is_derived or indicator.stream != stream.id:
                continue
            if name in driving_names(indicator.table):
                if "share_of_time" in indicator.table:
                    ends.append(time + stream.staleness)
                else:
                    ends.append(window_of(indicator.window, self.profile.zone, instant)[1])
        return bool(ends) and all(end + stream.horizon < arrival for end in ends)

    @staticmethod
    def identity(stream, reading, time, number):
        if stream.identity == "id" and reading.identity is not None:
            return ("id", reading.identity)
        if stream.identity == "sequence" and reading.sequence is not None:
            return ("sequence", reading.boot or 0, reading.sequence)
        if stream.identity == "time_content":
            return ("content", time, number)
        return None if stream.identity == "none" else ("time", time)


def driving_names(table: dict) -> set[str]:
    """The names whose values make a figure move."""
    for key in ("count", "sum", "mean", "min", "max", "last"):
        if key in table:
            return {table[key]}
    if "share_of_time" in table:
        return {table["share_of_time"]["state"]}
    return {term_name(table["ratio"][side]) for side in ("numerator", "denominator")}


def term_name(term: dict) -> str:
    return term["product"][0] if "product" in term else term.get("sum", term.get("count"))


def read_journal(path: Path, admission: Admission):
    """Messages of a publisher's journal, in the order they were sent."""
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            entry = json.loads(line)
            if "sent" in entry:
                admission.take(entry["topic"], base64.b64decode(entry["payload"]), entry["at_ns"])
