"""The oracle's own tests: figures worked out by hand. Run: python -m unittest discover -s tests/oracle"""

import datetime
import tempfile
import unittest
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import compare
import profile_text
import readings
from admission import Admission
from figures import decimal_text, figures
from windows import label, window_of

SECOND = 10**9
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
UTC = datetime.timezone.utc


def ns(text: str) -> int:
    return int(datetime.datetime.fromisoformat(text).timestamp()) * SECOND


PROFILE = """
[profile]
id = "t"
zone = "Asia/Ho_Chi_Minh"

[[quantity]]
name = "pm25"
unit = "µg/m³"
scale = 1
min = 0
max = 999.9

[[quantity]]
name = "count"
unit = "vehicles"
scale = 0
min = 0
max = 1000

[[quantity]]
name = "speed"
unit = "km/h"
scale = 1
min = 0
max = 250

[[stream]]
id = "air"
identity = "time"
cadence = "60s"
[stream.quantities]
pm25 = "ug/m3"
[stream.states]
status = ["online", "offline"]

[[stream]]
id = "road"
identity = "sequence"
cadence = "60s"
[stream.quantities]
count = "vehicles"
speed = "km/h"
"""

INDICATOR = """
[[indicator]]
id = "{id}"
stream = "{stream}"
scale = {scale}
window = "{window}"
{what}
"""

AREAS = "# test\ncode,name,name_en,kind,parent\nP,P,P,province,\nA,A,A,xa,P\nB,B,B,xa,P\n"
SOURCES = (
    "id,stream,area,name,name_en,owner\ns1,air,A,x,x,x\ns2,air,A,x,x,x\ns3,air,B,x,x,x\nr1,road,A,x,x,x\n"
)
START = ns("2026-11-21T07:00:00+07:00")


class Case(unittest.TestCase):
    def admission(self, what: str, window="1h", stream="air", scale=1) -> Admission:
        indicator = INDICATOR.format(id="i", stream=stream, scale=scale, window=window, what=what)
        with tempfile.TemporaryDirectory() as name:
            directory = Path(name)
            (directory / "profile.toml").write_text(PROFILE + indicator, "utf-8")
            (directory / "areas.csv").write_text(AREAS, "utf-8")
            (directory / "sources.csv").write_text(SOURCES, "utf-8")
            return Admission(profile_text.load(directory))

    def send(self, admission: Admission, source: str, after: int, body: str, arrival: int | None = None):
        """A reading `after` START, arriving at once."""
        stream = "road" if source.startswith("r") else "air"
        time_ms = (START + after) // 10**6
        payload = '{"time":%d,%s}' % (time_ms, body)
        admission.take(f"nhip/v1/t/{stream}/{source}", payload.encode(), arrival or START + after)

    def rows(self, admission: Admission) -> dict:
        found = figures(admission.profile, admission.values)
        return {(row["area"], (row["window_start_ns"] - START) // HOUR): row for row in found}

    def brief(self, admission: Admission, area="P", hour=0) -> tuple:
        row = self.rows(admission)[(area, hour)]
        return row["numerator"], row["denominator"], row["value"], row["k"], row["m"]

    def test_a_mean_rolls_up_as_sum_and_count(self):
        admission = self.admission('mean = "pm25"')
        self.send(admission, "s1", 0, '"values":{"pm25":10}')
        self.send(admission, "s1", MINUTE, '"values":{"pm25":20.5}')
        self.send(admission, "s3", MINUTE, '"values":{"pm25":60}')
        self.assertEqual(self.brief(admission, "A"), ("305", "2", "15.2", 1, 2))
        self.assertEqual(self.brief(admission, "B"), ("600", "1", "60.0", 1, 1))
        # 90.5 / 3 = 30.1666…; a mean of means would be 37.6.
        self.assertEqual(self.brief(admission), ("905", "3", "30.2", 2, 3))

    def test_duplicates_and_conflicts_change_nothing(self):
        admission = self.admission('sum = "pm25"')
        for value in ("10", "10.0", "99", "10"):
            self.send(admission, "s1", 0, '"values":{"pm25":%s}' % value)
        self.assertEqual(self.brief(admission), ("100", "1", "10.0", 1, 3))
        ledger = admission.ledger["s1"]
        self.assertEqual((ledger["applied"], ledger["duplicate"], ledger["conflicting"]), (1, 3, 1))

    def test_a_sequence_is_an_identity_whatever_the_time(self):
        admission = self.admission('sum = "count"', stream="road", scale=0)
        self.send(admission, "r1", 0, '"boot":1,"sequence":7,"values":{"count":5}')
        self.send(admission, "r1", 0, '"boot":1,"sequence":8,"values":{"count":5}')
        self.send(admission, "r1", 0, '"boot":1,"sequence":7,"values":{"count":5}')
        self.send(admission, "r1", 0, '"boot":2,"sequence":7,"values":{"count":5}')
        self.assertEqual(self.brief(admission), ("15", "1", "15", 1, 1))

    def test_rubbish_is_counted_and_harmless(self):
        admission = self.admission('count = "pm25"', scale=0)
        self.send(admission, "s1", 0, '"values":{"pm25":1}')
        for payload in (
            b"",
            b"{",
            b"[[[[",
            b"\xff\xfe",
            b'{"time":"yesterday"}',
            b'{"values":{}}',
            b"12",
            b"[1]",
        ):
            admission.take("nhip/v1/t/air/s1", payload, START)
        for topic in (
            "nhip/v1/t/air/stranger",
            "nhip/v1/other/air/s1",
            "nhip/v1/t/none/s1",
            "nhip/v1/t/road/s1",
        ):
            admission.take(topic, b'{"values":{"pm25":1}}', START)
        self.assertEqual(self.brief(admission), ("1", "1", "1", 1, 3))
        self.assertEqual((admission.ledger["s1"]["rejected"], admission.ledger[""]["rejected"]), (8, 4))

    def test_missing_faulty_and_impossible_values_are_not_zero(self):
        admission = self.admission('mean = "pm25"')
        bodies = ["null", '{"value":5,"fault":true}', "-0.1", "1000", '{"value":5,"unit":"K"}']
        for number, body in enumerate(bodies):
            self.send(admission, "s1", number * MINUTE, '"values":{"pm25":%s}' % body)
        self.send(admission, "s1", 9 * MINUTE, '"values":{"other":4}')
        self.assertEqual(self.rows(admission), {})
        self.assertEqual(admission.ledger["s1"]["item_rejected"], 6)
        self.send(admission, "s1", 10 * MINUTE, '"values":{"pm25":{"value":0.0625,"unit":"mg/m3"}}')
        self.assertEqual(self.brief(admission), ("625", "1", "62.5", 1, 3))

    def test_a_wrong_clock_moves_nothing(self):
        admission = self.admission('max = "pm25"')
        self.send(admission, "s1", HOUR, '"values":{"pm25":9}', arrival=START)
        self.send(admission, "s1", 5 * MINUTE, '"values":{"pm25":4}', arrival=START)
        admission.take("nhip/v1/t/air/s1", b'{"time":5,"values":{"pm25":8}}', START)
        self.send(admission, "s1", 0, '"values":{"pm25":3}')
        self.assertEqual(self.brief(admission), ("40", "1", "4.0", 1, 3))
        self.assertEqual(admission.ledger["s1"]["item_rejected"], 2)

    def test_late_is_behind_the_own_source_only(self):
        admission = self.admission('min = "pm25"')
        self.send(admission, "s1", 2 * HOUR, '"values":{"pm25":9}')
        self.send(admission, "s1", HOUR, '"values":{"pm25":8}', arrival=START + 2 * HOUR)
        self.send(admission, "s1", HOUR - MINUTE, '"values":{"pm25":1}', arrival=START + 2 * HOUR)
        self.send(admission, "s2", HOUR - MINUTE, '"values":{"pm25":7}', arrival=START + 2 * HOUR)
        self.assertEqual(self.brief(admission, hour=1), ("80", "1", "8.0", 1, 3))
        self.assertEqual(self.brief(admission, hour=0), ("70", "1", "7.0", 1, 3))
        self.assertEqual(admission.ledger["s1"]["late"], 1)

    def test_beyond_the_horizon_is_late(self):
        admission = self.admission('min = "pm25"')
        self.send(admission, "s1", 0, '"values":{"pm25":9}', arrival=START + 73 * HOUR)
        self.send(admission, "s2", 0, '"values":{"pm25":9}', arrival=START + 73 * HOUR + 1)
        self.assertEqual(admission.ledger["s1"]["applied"], 1)
        self.assertEqual(admission.ledger["s2"]["late"], 1)

    def test_days_are_cut_at_the_local_midnight(self):
        admission = self.admission('count = "pm25"', window="1d", scale=0)
        self.send(admission, "s1", 17 * HOUR - SECOND, '"values":{"pm25":1}')
        self.send(admission, "s1", 17 * HOUR, '"values":{"pm25":1}')
        found = figures(admission.profile, admission.values)
        starts = [row["window_start_ns"] for row in found if row["area"] == "P"]
        # A cut at the UTC midnight would put both into one day.
        self.assertEqual(starts, [ns("2026-11-21T00:00:00+07:00"), ns("2026-11-22T00:00:00+07:00")])

    def test_a_period_belongs_where_its_last_instant_is(self):
        admission = self.admission('count = "pm25"', scale=0)
        self.send(admission, "s1", HOUR, '"period_s":3600,"values":{"pm25":1}')
        self.assertEqual(list(self.rows(admission)), [("A", 0), ("P", 0)])

    def test_a_ratio_is_never_averaged(self):
        what = 'ratio = { numerator = { product = ["speed", "count"] }, denominator = { sum = "count" } }'
        admission = self.admission(what, stream="road")
        self.send(admission, "r1", 0, '"sequence":1,"values":{"count":1,"speed":90}')
        self.send(admission, "r1", MINUTE, '"sequence":2,"values":{"count":9,"speed":30.5}')
        self.send(admission, "r1", MINUTE, '"sequence":3,"values":{"count":0}')
        # (90.0 + 9 × 30.5) / 10 = 36.45, half to even 36.4; the mean of speeds would be 60.2.
        self.assertEqual(self.brief(admission), ("3645", "10", "36.4", 1, 1))

    def test_a_filter_looks_at_the_whole_reading(self):
        admission = self.admission('min = "speed"\nwhere.count = { min = 1 }', stream="road")
        self.send(admission, "r1", 0, '"sequence":1,"values":{"count":0,"speed":0}')
        self.send(admission, "r1", MINUTE, '"sequence":2,"values":{"count":2,"speed":30}')
        self.send(admission, "r1", MINUTE, '"sequence":3,"values":{"speed":10}')
        self.assertEqual(self.brief(admission), ("300", "1", "30.0", 1, 1))

    def test_the_last_value_of_each_source_counts(self):
        admission = self.admission('last = "pm25"\nrollup = "mean"')
        self.send(admission, "s1", 2 * MINUTE, '"values":{"pm25":30}')
        self.send(admission, "s1", MINUTE, '"values":{"pm25":90}')
        self.send(admission, "s2", 0, '"values":{"pm25":11}')
        self.assertEqual(self.brief(admission, "A"), ("410", "2", "20.5", 2, 2))

    def test_a_state_holds_until_it_is_stale(self):
        admission = self.admission('share_of_time = { state = "status", in = ["online"], percent = true }')
        self.send(admission, "s1", 0, '"states":{"status":"online"}')
        self.send(admission, "s1", MINUTE, '"states":{"status":"offline"}')
        self.send(admission, "s1", HOUR - MINUTE, '"states":{"status":"online"}')
        # Online 1 min, offline 3 min until stale, unknown, online 1 min of this hour and 2 of the next.
        self.assertEqual(self.brief(admission), (str(2 * MINUTE), str(5 * MINUTE), "40.0", 1, 3))
        self.assertEqual(self.brief(admission, hour=1), (str(2 * MINUTE), str(2 * MINUTE), "100.0", 1, 3))


class Bytes(unittest.TestCase):
    def test_protobuf_by_hand(self):
        # time_ms 5, sequence 300, measures n = -0.3, s = "on".
        payload = bytes(
            [8, 5, 0x20, 0xAC, 2, 0x42, 9, 10, 1, 110, 0x1A, 4, 8, 5, 0x10, 1, 0x42, 7, 10, 1, 115]
        )
        payload += bytes([0x22, 2, 111, 110])
        (reading,) = readings.decode_protobuf(payload)
        self.assertEqual((reading.time_ns, reading.sequence), (5_000_000, 300))
        self.assertEqual(
            [(item.name, item.value) for item in reading.items], [("n", Decimal("-0.3")), ("s", "on")]
        )

    def test_protobuf_cut_anywhere_is_refused_or_shorter(self):
        payload = bytes([8, 5, 0x42, 9, 10, 1, 110, 0x1A, 4, 8, 5, 0x10, 1])
        for size in range(len(payload)):
            with self.assertRaises(readings.Rejected):
                readings.decode_protobuf(payload[:size])
        for payload in (b"\x0f\x0f", b"\xff\xff\xff\xff", b"not what you think", b"\x0d\x01\x02\x03\x04"):
            with self.assertRaises(readings.Rejected):
                readings.decode_protobuf(payload)

    def test_members_may_be_null_but_not_wrong(self):
        (reading,) = readings.decode_json(
            b'{"time":null,"id":null,"period_s":null,"values":{"a":1e1},"states":null}'
        )
        self.assertEqual([(item.name, item.value) for item in reading.items], [("a", Decimal(10))])
        wrong = (
            '"id":5',
            '"id":""',
            '"period_s":0',
            '"sequence":1.5',
            '"boot":"1"',
            '"values":[]',
            '"time":true',
        )
        for member in wrong:
            with self.assertRaises(readings.Rejected, msg=member):
                readings.decode_json(b'{"states":{"s":"x"},' + member.encode() + b"}")
        for value in (b'"5"', b"true", b'{"value":1,"unit":5}', b'{"value":1,"fault":1}', b"NaN"):
            with self.assertRaises(readings.Rejected, msg=value):
                readings.decode_json(b'{"values":{"a":' + value + b"}}")

    def test_times(self):
        time = readings.json_time
        self.assertEqual(time("2026-11-21T07:00:00.5+07:00"), ns("2026-11-21T00:00:00+00:00") + SECOND // 2)
        self.assertEqual(time("2026-11-21T00:00:00Z"), time(readings.Number("1795219200000")))
        for wrong in ("2026-11-21T07:00:00", "2026-13-01T00:00:00Z", "yesterday"):
            with self.assertRaises(readings.Rejected):
                time(wrong)


class Parts(unittest.TestCase):
    def test_windows(self):
        at = ns("2026-03-29T12:00:00+02:00")
        start, end = window_of("1d", "Europe/Berlin", at)
        self.assertEqual((end - start) // HOUR, 23)
        month = window_of("1mo", "Asia/Ho_Chi_Minh", ns("2026-12-31T18:00:00+00:00"))
        self.assertEqual(month, (ns("2027-01-01T00:00:00+07:00"), ns("2027-02-01T00:00:00+07:00")))
        self.assertEqual(window_of("5m", "UTC", 7 * MINUTE), (5 * MINUTE, 10 * MINUTE))
        self.assertEqual(
            [label(text) for text in ("60m", "24h", "1d", "15m", "7d")], ["1h", "24h", "1d", "15m", "7d"]
        )

    def test_units_are_exact(self):
        convert = profile_text.convert
        self.assertEqual(convert(Decimal(60), "mph", "km/h"), Fraction("96.56064"))
        self.assertEqual(convert(Decimal(212), "°F", "°C"), 100)
        self.assertEqual(convert(Decimal("0.06"), "mg/m3", "µg/m³"), 60)
        self.assertIsNone(convert(Decimal(1), "K", "mm"))

    def test_rounding_is_half_to_even(self):
        rounded = [profile_text.half_even(Fraction(text), 1) for text in ("0.25", "0.35", "-0.25", "-0.35")]
        self.assertEqual(rounded, [2, 4, -2, -4])
        self.assertEqual(
            [decimal_text(-5, 1), decimal_text(1234, 2), decimal_text(7, 0)], ["-0.5", "12.34", "7"]
        )

    def test_a_comparison_finds_every_difference(self):
        row = dict(indicator="i", area="P", period="1h", window_start_ns=0, window_end_ns=HOUR)
        row |= dict(numerator="1", denominator="1", value="1.0", k=1, m=2)
        key = ("i", "P", "", "1h", 0)
        final = row | {"state": "final"}
        self.assertEqual(compare.differences({key: row}, {key: final}), [])
        for wrong in ({"numerator": "2"}, {"value": "1"}, {"k": 2}, {"m": 1}, {"state": "provisional"}):
            self.assertEqual(len(compare.differences({key: row}, {key: final | wrong})), 1, wrong)
        self.assertEqual(len(compare.differences({key: row}, {})), 1)
        self.assertEqual(len(compare.differences({}, {key: final})), 1)
        self.assertEqual(compare.differences({key: row}, {}, until_ns=HOUR - 1), [])


if __name__ == "__main__":
    unittest.main()
