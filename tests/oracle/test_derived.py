"""Derived figures of the oracle against what was worked out by hand, and VN_AQI against its decision."""

import tempfile
import unittest
from fractions import Fraction
from pathlib import Path

import formula
import profile_text
import vn_aqi
from admission import Admission
from figures import figures
from test_oracle import HOUR, START, ns
from windows import label, neighbour, windows_of

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

[[stream]]
id = "air"
identity = "time"
cadence = "1h"
lateness = "7d"
horizon = "7d"
[stream.quantities]
pm25 = "ug/m3"

[[indicator]]
id = "e.pm"
stream = "air"
mean = "pm25"
window = "1h"
scale = 1
"""


def f(text: str) -> Fraction:
    return Fraction(text)


class Decision(unittest.TestCase):
    def test_nowcast(self):
        hours = "26.9 24.7 20.5 23.5 19.5 16.5 19.0 16.5 20.3 22.4 19.6 20.6".split()
        newest_first = [f(hour) for hour in reversed(hours)]
        self.assertAlmostEqual(float(vn_aqi.nowcast(newest_first)), 20.266, places=3)
        steep = [f("100"), None] + [f("10")] * 10
        self.assertAlmostEqual(float(vn_aqi.nowcast(steep)), 70.020, places=3)
        self.assertIsNone(vn_aqi.nowcast([f("100"), None, None, f("10")]))
        self.assertEqual(vn_aqi.nowcast([f("0"), f("0")]), 0)

    def test_indices(self):
        vectors = {"25": 50, "25.1": 50, "50": 100, "55.7": 110, "80": 150, "150": 200, "700": 500}
        for concentration, index in vectors.items():
            self.assertEqual(vn_aqi.sub_index("pm25", f(concentration)), index)
        # The decision prints 60; its formula gives 59.35.
        self.assertEqual(vn_aqi.sub_index("no2", f("118.7")), 59)
        self.assertEqual(vn_aqi.sub_index("o3_8h", f("400")), 300)

    def test_a_day_needs_dust_and_leaves_out_ozone_beyond_its_table(self):
        self.assertIsNone(vn_aqi.of_day({"o3": [f("300")], "pm25": [None]}))
        day = {"pm10": [f("50")], "o3": [f("300")], "o3_8h": [f("401")]}
        self.assertEqual(vn_aqi.of_day(day), 150)
        self.assertEqual(vn_aqi.of_day(day | {"o3_8h": [f("400")]}), 300)

    def test_a_mean_of_hours_needs_three_quarters_of_them(self):
        six = [f("1"), None, f("2"), f("3"), f("4"), None, f("5"), f("6")]
        self.assertEqual(vn_aqi.mean_of_hours(six, 8, None), Fraction(21, 6))
        self.assertIsNone(vn_aqi.mean_of_hours([None] + six[1:], 8, None))


class Formulas(unittest.TestCase):
    def value(self, text: str, **inputs):
        known = {name.replace("_", "."): number for name, number in inputs.items()}
        return formula.value(formula.read(text), lambda name, back: known.get(name + "'" * back))

    def test_signs_and_brackets(self):
        self.assertEqual(self.value("1 + 2 * 3 - 4 / 8"), Fraction(13, 2))
        self.assertEqual(self.value("-(1 - 3) × 2"), 4)
        self.assertEqual(self.value("5[km/h] + 1"), 6)

    def test_missing_goes_through_all_but_coalesce_and_defined(self):
        self.assertIsNone(self.value("a.b + 1"))
        self.assertIsNone(self.value("ratio(1, 0)"))
        self.assertEqual(self.value("coalesce(a.b, 7)"), 7)
        self.assertEqual(self.value("if(defined(a.b), 1, 2)"), 2)
        self.assertIsNone(self.value("if(a.b > 1, 1, 2)"))
        self.assertEqual(self.value("if(a.b > 1 or 1 < 2, 1, 2)"), 1)
        self.assertEqual(self.value("max(a.b, 3) - min(a.b, 3)", a_b=Fraction(5)), 2)

    def test_what_a_formula_reads(self):
        tree = formula.read("ratio(a.b - a.b[-4], max(c.d, a.b[-2])) * 100")
        self.assertEqual(formula.inputs(tree), {"a.b": {0, 4, 2}, "c.d": {0}})
        for wrong in ("1 +", "(1", "a.b c.d", "?"):
            with self.assertRaises(ValueError, msg=wrong):
                formula.read(wrong)


class Rows(unittest.TestCase):
    def rows(self, text: str, sent: dict[tuple[str, int], int]) -> dict:
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "profile.toml").write_text(PROFILE + text, "utf-8")
            Path(folder, "areas.csv").write_text("code,parent\nP,\nA,P\nB,P\n", "utf-8")
            Path(folder, "sources.csv").write_text("id,stream,area\ns1,air,A\ns2,air,B\n", "utf-8")
            admission = Admission(profile_text.load(Path(folder)))
        for (source, hour), number in sent.items():
            body = f'{{"time":{(START + hour * HOUR) // 10**6},"values":{{"pm25":{number}}}}}'
            admission.take(f"nhip/v1/t/air/{source}", body.encode(), START + hour * HOUR)
        found = figures(admission.profile, admission.values)
        return {
            (row["indicator"], row["area"], (row["window_start_ns"] - START) // HOUR): (
                row["numerator"],
                row["denominator"],
                row["value"],
                row["k"],
                row["m"],
            )
            for row in found
        }

    def test_a_formula_looks_back_and_every_area_has_its_own(self):
        text = '[[indicator]]\nid = "e.d"\nformula = "e.pm - e.pm[-1]"\nwindow = "1h"\nscale = 1\n'
        rows = self.rows(text, {("s1", 0): 10, ("s1", 1): 14, ("s2", 1): 31})
        self.assertEqual(rows[("e.d", "A", 1)], ("4", "1", "4.0", 1, 1))
        # The province had 10, then (14 + 31) / 2.
        self.assertEqual(rows[("e.d", "P", 1)], ("25", "2", "12.5", 2, 2))
        self.assertEqual(rows[("e.d", "A", 0)], ("0", "0", None, 1, 1))
        self.assertNotIn(("e.d", "A", 2), rows)

    def test_the_index_of_the_province_is_its_worst_station(self):
        text = """
            [[indicator]]
            id = "e.aqi"
            calculator = { name = "vn_aqi_hour", inputs = { pm25 = "e.pm" } }
            rollup_area = "max"
            window = "1h"
            scale = 0
        """
        sent = {("s1", 0): 25, ("s1", 1): 25, ("s2", 0): 80, ("s2", 1): 80, ("s2", 3): 80}
        rows = self.rows(text, sent)
        self.assertEqual(rows[("e.aqi", "A", 1)], ("50", "1", "50", 1, 1))
        self.assertEqual(rows[("e.aqi", "P", 1)], ("150", "1", "150", 2, 2))
        self.assertEqual(rows[("e.aqi", "P", 0)], ("0", "0", None, 0, 2))
        # Two of the newest three hours: 1 and 3.
        self.assertEqual(rows[("e.aqi", "B", 3)], ("150", "1", "150", 1, 1))
        self.assertNotIn(("e.aqi", "B", 2), rows)

    def test_windows_inside_a_longer_one(self):
        text = "".join(
            f'[[indicator]]\nid = "e.{by}"\nover_time = {{ of = "e.pm", by = "{by}" }}\nwindow = "1d"\nscale = 1\n'
            for by in ("mean", "max", "count", "last")
        )
        rows = self.rows(text, {("s1", hour): 10 + hour for hour in range(7, 10)})
        # START is 07:00; three hours 17, 18, 19 of one day.
        start = (ns("2026-11-21T00:00:00+07:00") - START) // HOUR
        day = {by: rows[(f"e.{by}", "A", start)][2] for by in ("mean", "max", "count", "last")}
        self.assertEqual(day, {"mean": "18.0", "max": "19.0", "count": "3.0", "last": "19.0"})

    def test_too_few_readings_are_no_figure(self):
        text = '[[indicator]]\nid = "e.n"\nstream = "air"\nsum = "pm25"\nwindow = "4h"\nscale = 1\n'
        few = self.rows(text + "readings_min = 0.75\n", {("s1", hour): 1 for hour in range(2)})
        enough = self.rows(text + "readings_min = 0.75\n", {("s1", hour): 1 for hour in range(3)})
        self.assertEqual({row[2] for key, row in few.items() if key[:2] == ("e.n", "A")}, {None})
        self.assertEqual({row[2] for key, row in enough.items() if key[:2] == ("e.n", "A")}, {"3.0"})

    def test_windows_that_hop(self):
        self.assertEqual(
            windows_of("3h every 1h", "UTC", 10 * HOUR + 1),
            [(10 * HOUR, 13 * HOUR), (9 * HOUR, 12 * HOUR), (8 * HOUR, 11 * HOUR)],
        )
        self.assertEqual(neighbour("3h every 1h", "UTC", 10 * HOUR), 9 * HOUR)
        self.assertEqual(label("24h every 60m"), "24h/1h")
        text = '[[indicator]]\nid = "e.h"\nstream = "air"\nsum = "pm25"\nwindow = "3h every 1h"\nscale = 1\n'
        rows = self.rows(text, {("s1", 0): 1, ("s1", 1): 2, ("s1", 2): 4})
        sums = {hour: row[2] for (name, area, hour), row in rows.items() if (name, area) == ("e.h", "A")}
        self.assertEqual(sums, {-2: "1.0", -1: "3.0", 0: "7.0", 1: "6.0", 2: "4.0"})


if __name__ == "__main__":
    unittest.main()
