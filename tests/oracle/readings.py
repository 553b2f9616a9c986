"""The native wire formats, read from their documentation: bytes to readings, or a rejection."""

import datetime
import json
import re
from dataclasses import dataclass, field
from decimal import Decimal

READINGS_MAX = 1_000
ID_BYTES_MAX = 256
PERIOD_MAX_S = 366 * 86_400
ITEMS_MAX = 10_000
DIGITS_MAX = 28
MILLISECOND = 1_000_000
SECOND = 1_000_000_000


class Rejected(Exception):
    """The whole message cannot be read."""


class Missing:
    """The sender says that it has no value."""


MISSING = Missing()


@dataclass
class Item:
    name: str
    value: object  # Decimal, str (a state) or MISSING
    unit: str = ""
    fault: bool = False
    time_ns: int | None = None


@dataclass
class Reading:
    time_ns: int | None = None
    identity: str | None = None
    sequence: int | None = None
    boot: int | None = None
    period_ns: int | None = None
    items: list[Item] = field(default_factory=list)


# --- JSON


class Number(str):
    """The text of a JSON number, so that no digit passes through a float."""


def decode_json(payload: bytes) -> list[Reading]:
    def unique(pairs):
        names = [name for name, _ in pairs]
        if len(set(names)) != len(names):
            raise Rejected("a name twice")
        return dict(pairs)

    def no_constant(_):
        raise Rejected("NaN or Infinity")

    try:
        text = payload.decode("utf-8-sig")
        tree = json.loads(
            text, parse_int=Number, parse_float=Number, parse_constant=no_constant, object_pairs_hook=unique
        )
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise Rejected("syntax") from error
    objects = tree if isinstance(tree, list) else [tree]
    if len(objects) > READINGS_MAX:
        raise Rejected("too many readings")
    return some_items([json_reading(one) for one in objects])


def some_items(readings: list[Reading]) -> list[Reading]:
    count = sum(len(reading.items) for reading in readings)
    if count == 0 or count > ITEMS_MAX:
        raise Rejected("no item or too many")
    return readings


def json_reading(tree) -> Reading:
    if not isinstance(tree, dict):
        raise Rejected("a reading is no object")
    reading = Reading(
        time_ns=json_time(tree.get("time")),
        identity=json_id(tree.get("id")),
        sequence=json_whole(tree.get("sequence")),
        boot=json_whole(tree.get("boot")),
    )
    if tree.get("period_s") is not None:
        reading.period_ns = period(int(json_number(tree["period_s"]) * SECOND))
    for name, value in members(tree, "values"):
        reading.items.append(json_item(name, value))
    for name, value in members(tree, "states"):
        if not (value is None or isinstance(value, str)) or isinstance(value, Number):
            raise Rejected("a state is no text")
        reading.items.append(Item(name, MISSING if value is None else value))
    return reading


def members(tree, key):
    group = tree.get(key)
    if group is None:
        return {}.items()
    if not isinstance(group, dict):
        raise Rejected(f"{key} is no object")
    return group.items()


def json_item(name, value) -> Item:
    if not isinstance(value, dict):
        return Item(name, MISSING if value is None else json_number(value))
    inner, unit, fault = value.get("value"), value.get("unit"), value.get("fault")
    if not isinstance(unit or "", str) or isinstance(unit, Number) or not isinstance(fault or False, bool):
        raise Rejected("unit or fault")
    return Item(
        name,
        MISSING if inner is None else json_number(inner),
        unit=unit or "",
        fault=fault or False,
        time_ns=json_time(value.get("time")),
    )


def json_id(value) -> str | None:
    if value is None:
        return None
    if (
        not isinstance(value, str)
        or isinstance(value, Number)
        or not 1 <= len(value.encode()) <= ID_BYTES_MAX
    ):
        raise Rejected("no id")
    return value


def period(length_ns: int) -> int:
    if not 0 < length_ns <= PERIOD_MAX_S * SECOND:
        raise Rejected("period")
    return length_ns


def json_number(value) -> Decimal:
    if not isinstance(value, Number):
        raise Rejected("no number")
    number = Decimal(value)
    if len(number.as_tuple().digits) > DIGITS_MAX:
        raise Rejected("too many digits")
    return number


def json_whole(value) -> int | None:
    if value is None:
        return None
    if not isinstance(value, Number) or not re.fullmatch(r"\d{1,20}", value):
        raise Rejected("no whole number")
    return int(value)


RFC3339 = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?:([Zz])|([+-])(\d\d):(\d\d))"
)


def json_time(value) -> int | None:
    """RFC 3339 with an offset, or milliseconds since 1970; UTC nanoseconds."""
    if value is None:
        return None
    if isinstance(value, Number):
        return int(json_number(value) * MILLISECOND)
    found = RFC3339.fullmatch(value) if isinstance(value, str) else None
    if not found:
        raise Rejected("no time")
    year, month, day, hour, minute, second, fraction, zulu, sign, off_hours, off_minutes = found.groups()
    try:
        civil = datetime.datetime(*map(int, (year, month, day, hour, minute, second)))
    except ValueError as error:
        raise Rejected("no time") from error
    seconds = (civil - datetime.datetime(1970, 1, 1)) // datetime.timedelta(seconds=1)
    if not zulu:
        offset = int(off_hours) * 3600 + int(off_minutes) * 60
        seconds -= offset if sign == "+" else -offset
    return seconds * SECOND + int((fraction or "0").ljust(9, "0"))


# --- protobuf, with an own varint reader

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5


def fields(data: bytes):
    """Field number, wire type and raw value, one after the other."""
    at = 0
    while at < len(data):
        key, at = varint(data, at)
        number, kind = key >> 3, key & 7
        if number == 0:
            raise Rejected("field 0")
        if kind == VARINT:
            value, at = varint(data, at)
        elif kind in (FIXED64, FIXED32):
            size = 8 if kind == FIXED64 else 4
            value, at = data[at : at + size], at + size
            if len(value) != size:
                raise Rejected("cut short")
        elif kind == BYTES:
            size, at = varint(data, at)
            value, at = data[at : at + size], at + size
            if len(value) != size:
                raise Rejected("cut short")
        else:
            raise Rejected("wire type")
        yield number, kind, value


def varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(data):
            raise Rejected("cut short")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & 0xFFFF_FFFF_FFFF_FFFF, at
    raise Rejected("varint too long")


def signed(value: int) -> int:
    """int64: two's complement."""
    return value - (1 << 64) if value >> 63 else value


def zigzag(value: int) -> int:
    """sint32, sint64."""
    return (value >> 1) ^ -(value & 1)


def want(kind: int, expected: int):
    if kind != expected:
        raise Rejected("wire type of a known field")


def text(value: bytes) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Rejected("a text is no UTF-8") from error


READING_KINDS = {
    1: VARINT,
    2: FIXED64,
    3: BYTES,
    4: VARINT,
    5: VARINT,
    6: VARINT,
    7: VARINT,
    8: BYTES,
    9: VARINT,
}
MEASURE_KINDS = {1: BYTES, 2: BYTES, 3: BYTES, 4: BYTES, 5: VARINT, 6: VARINT}


def decode_protobuf(payload: bytes) -> list[Reading]:
    reading, exact_ns = Reading(), None
    for number, kind, value in fields(payload):
        if number in READING_KINDS:
            want(kind, READING_KINDS[number])
        if number == 1:
            reading.time_ns = signed(value) * MILLISECOND
        elif number == 2:
            exact_ns = int.from_bytes(value, "little", signed=True)
        elif number == 3:
            reading.identity = text(value) or None
        elif number == 4:
            reading.sequence = value
        elif number == 5:
            reading.boot = value
        elif number == 8:
            reading.items.append(protobuf_measure(value))
        elif number == 9:
            reading.period_ns = period(signed(value) * MILLISECOND)
    if exact_ns is not None:
        reading.time_ns = exact_ns
    return some_items([reading])


def protobuf_measure(payload: bytes) -> Item:
    item = Item("", MISSING)
    for number, kind, value in fields(payload):
        if number in MEASURE_KINDS:
            want(kind, MEASURE_KINDS[number])
        if number == 1:
            item.name = text(value)
        elif number == 2:
            item.unit = text(value)
        elif number == 3:
            item.value = protobuf_decimal(value)
        elif number == 4:
            item.value = text(value)
        elif number == 5:
            item.fault = bool(value)
        elif number == 6:
            item.time_ns = signed(value) * MILLISECOND
    return item


def protobuf_decimal(payload: bytes) -> Decimal:
    mantissa, scale = 0, 0
    for number, kind, value in fields(payload):
        if number in (1, 2):
            want(kind, VARINT)
        if number == 1:
            mantissa = zigzag(value)
        elif number == 2:
            scale = value
    if scale > DIGITS_MAX:
        raise Rejected("scale")
    return Decimal(mantissa).scaleb(-scale)
