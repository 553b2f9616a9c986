//! Station files of Circular 10/2021/TT-BTNMT.

use nhip_ingest::{DecodeContext, Dialect, decode};
use nhip_profile::{Stream, named_zone};
use nhip_proto::ArrivalTime;
use proptest::prelude::*;

use crate::stage::{MIDNIGHT, shown};

fn read(file: &[u8]) -> Vec<String> {
    let stream = Stream::minutely(
        "station",
        &[
            ("pm25", "µg/m³"),
            ("Temp", "°C"),
            ("flow", "m³/h"),
            ("pH", "pH"),
            ("COD", "mg/L"),
            ("CO", "mg/m³"),
        ],
    );
    let zone = named_zone("Asia/Ho_Chi_Minh");
    let context =
        DecodeContext { zone: zone.as_ref(), ..DecodeContext::of(&stream, ArrivalTime(MIDNIGHT), &[]) };
    shown(&decode(Dialect::Circular10, file, &context).body)
}

#[test]
fn a_file_is_read_line_by_line() {
    let file = "PM2.5\t35.2\tug/m3\t20261121070000\t00\nTEMP\t31\toC\t20261121070000\t00\n\
                Flow\t1200\tm3/h\t20261121070000\t00\nXYZ\t1\tmg/l\t20261121070000\t00\n";
    let want =
        ["pm25=35.2 ug/m3 @0", "Temp=31 °C @0", "flow=1200 m3/h @0", "undeclared 3=missing @0 flags 4"];
    assert_eq!(read(file.as_bytes()), want);
}

/// 01 and 02, and whatever a station invents, are kept with the device's own mark: flag 1, never in a figure.
#[test]
fn what_is_no_measurement_is_marked() {
    let line = |status: &str| read(format!("pH\t7.1\tpH\t20261121070000\t{status}").as_bytes());
    assert_eq!(line("00"), ["pH=7.1 pH @0"]);
    for status in ["01", "02", "03", "X"] {
        assert_eq!(line(status), ["pH=7.1 pH @0 flags 1"], "{status}");
    }
}

#[test]
fn files_as_stations_really_write_them() {
    let cases: [(&str, &[&str]); 9] = [
        ("\u{feff}pH\t7.1\tpH\t20261121070000\t00\r\n\r\n", &["pH=7.1 pH @0"]),
        ("pH 7,10 pH 20261121070000 00", &["pH=7.1 pH @0"]),
        (" pH \t 7.1 \t pH \t 20261121070000 \t 00 \u{1a}", &["pH=7.1 pH @0"]),
        ("COD\t1.234,5\tmg/l\t20261121070000\t00", &["COD=1234.5 mg/l @0"]),
        ("COD\t1,234.5\tmg/l\t20261121070000\t00", &["COD=1234.5 mg/l @0"]),
        ("COD\t1,234,567\tmg/l\t20261121070000\t00", &["COD=1234567 mg/l @0"]),
        ("CO\t-\tmg/Nm3\t20261121070000\t02", &["CO=missing mg/m³ @0 flags 1"]),
        ("CO\t?!\tmg/Nm3\t20261121070000\t00", &["CO=missing mg/m³ @0 flags 4"]),
        ("pm25\t1\tparsec\t20261121070000\t00", &["pm25=1 ? @0"]),
    ];
    for (file, want) in cases {
        assert_eq!(read(file.as_bytes()), want, "{file:?}");
    }
}

#[test]
fn a_file_that_cannot_be_read_says_at_which_line() {
    let cases = [
        ("", "empty  0"),
        ("\n \n", "empty  0"),
        ("pH\t7.1\tpH\t20261121070000\t00\npH\t7.1", "syntax  2"),
        ("pH\t7.1\tpH\t20261121070000\t00\textra", "syntax  1"),
        ("pH\t7.1\tpH\t20261321070000\t00", "time_invalid time 1"),
        ("pH\t7.1\tpH\t2026112107000\t00", "time_invalid time 1"),
    ];
    for (file, want) in cases {
        assert_eq!(read(file.as_bytes()), [want], "{file:?}");
    }
    assert_eq!(read(b"pH\t7.1\tpH\t20261121070000\t00\xff"), ["syntax  28"]);
}

proptest! {
    #[test]
    fn no_bytes_break_it(file in proptest::collection::vec(any::<u8>(), 0..200), lines in "[pHC\t\n .,0-9-]{0,120}") {
        prop_assert_eq!(read(&file), read(&file));
        prop_assert_eq!(read(lines.as_bytes()), read(lines.as_bytes()));
    }
}
