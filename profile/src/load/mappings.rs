//! `[[mapping]]`: how foreign JSON becomes quantities and states, with its own tests.

use std::collections::{BTreeMap, BTreeSet};

use nhip_proto::{Decimal, RejectionReason};

use super::Loading;
use crate::access::zone_names;
use crate::read::Section;
use crate::unit::all_units;
use crate::{
    Absent, Expected, MappedCondition, MappedPlace, MappedState, MappedTime, MappedValue, Mapping,
    MappingTest, Path, TimeFormat, Vn2000Zone, canonical_unit, convertible, named_zone,
};

const ABSENT: [(&str, Absent); 3] =
    [("missing", Absent::Missing), ("zero", Absent::Zero), ("skip", Absent::Skip)];
const FORMATS: &str = "rfc3339, epoch_s, epoch_ms, local, or a pattern such as %d/%m/%Y %H:%M:%S";
const PATH: &str = "a.b[0].c, list[key=value].v, [\"a.b\"], /a/b/0, $.a";
/// What a test expects of a message that is taken without an item.
const NOTHING: &str = "nothing";
/// Coordinates of a place: whether they are plane ones, metres of VN-2000.
const SYSTEMS: [(&str, bool); 2] = [("wgs84", false), ("vn2000", true)];
/// Digits behind the point of a central meridian, in degrees: 105°45′ is 105.75.
const MERIDIAN_SCALE: u8 = 4;
/// Central meridians of the country, in 10⁻⁴ degrees.
const MERIDIANS_E4: std::ops::RangeInclusive<i128> = 1_010_000..=1_110_000;
/// Digits behind the point a factor may have.
const FACTOR_SCALE: u8 = 12;

pub(super) fn read(sections: Vec<Section<'_>>, loading: &mut Loading<'_>) {
    for section in sections {
        if let Some(mapping) = read_mapping(&section, loading) {
            loading.profile.mappings.insert(mapping.id.clone(), mapping);
        }
        section.finish();
    }
}

fn read_mapping(section: &Section<'_>, loading: &mut Loading<'_>) -> Option<Mapping> {
    let id = section.text("id");
    if let Some(id) = &id
        && !loading.declared.mappings.insert(id.clone())
    {
        section.mistake("id", format!("\"{id}\" is declared twice"), "each mapping once");
    }
    let each = optional_path(section, "each");
    let time = section.has("time").then(|| section.section("time")).flatten().and_then(read_time);
    let id_path = optional_path(section, "id_path");
    let sequence = optional_path(section, "sequence");
    let place = section.has("place").then(|| section.section("place")).flatten().and_then(read_place);
    let mut names = BTreeSet::new();
    let mut values = Vec::new();
    for inner in section.sections("values") {
        values.extend(read_value(&inner, &mut names, loading));
        inner.finish();
    }
    let mut states = Vec::new();
    for inner in section.sections("states") {
        states.extend(read_state(&inner, &mut names, loading));
        inner.finish();
    }
    if names.is_empty() && !section.has("values") && !section.has("states") {
        section.here("maps nothing", "values = [{ name = \"pm25\", path = \"a.b\" }]");
    }
    let when = section.sections("when").into_iter().filter_map(read_condition).collect();
    let fault = section.has("fault").then(|| section.section("fault")).flatten().and_then(read_condition);
    let told_apart = time.is_some() || id_path.is_some() || sequence.is_some();
    let retained = if section.has("retained") { section.flag("retained") } else { told_apart };
    let tests = section.sections("test").into_iter().filter_map(read_test).collect();
    Some(Mapping {
        id: id?,
        each,
        time,
        id_path,
        sequence,
        place,
        values,
        states,
        when,
        fault,
        retained,
        tests,
    })
}

fn path(section: &Section<'_>, key: &'static str) -> Option<Path> {
    let text = section.text(key)?;
    let path = Path::parse(&text);
    if path.is_none() {
        section.mistake(key, format!("\"{text}\" is no path"), PATH);
    }
    path
}

fn optional_path(section: &Section<'_>, key: &'static str) -> Option<Path> {
    if section.has(key) { path(section, key) } else { None }
}

fn read_time(section: Section<'_>) -> Option<MappedTime> {
    let path = path(&section, "path");
    let text = section.text_or("format", "rfc3339");
    let format = match text.as_str() {
        "rfc3339" => Some(TimeFormat::Rfc3339),
        "epoch_s" => Some(TimeFormat::EpochSeconds),
        "epoch_ms" => Some(TimeFormat::EpochMilliseconds),
        "local" => Some(TimeFormat::Local),
        pattern if is_pattern(pattern) => Some(TimeFormat::Pattern(pattern.to_owned())),
        _ => None,
    };
    if format.is_none() && !text.is_empty() {
        section.mistake("format", format!("\"{text}\" is no form of a time"), FORMATS);
    }
    let zone = if section.has("zone") { section.text("zone") } else { None };
    if let Some(zone) = zone.as_deref().filter(|zone| named_zone(zone).is_none()) {
        section.unknown("zone", "time zone", zone, zone_names());
    }
    let optional = section.flag("optional");
    section.finish();
    Some(MappedTime { path: path?, format: format?, zone, optional })
}

/// A pattern must hold a whole date and time, the seconds left out at most: what it writes of a moment, it reads back
/// as that moment.
fn is_pattern(pattern: &str) -> bool {
    let reads_back = |second: i8| {
        let sample = jiff::civil::datetime(2026, 11, 21, 17, 4, second, 0);
        let Ok(zoned) = sample.to_zoned(jiff::tz::TimeZone::UTC) else { return false };
        let text = jiff::fmt::strtime::format(pattern, &zoned);
        let read = text.and_then(|text| jiff::fmt::strtime::parse(pattern, &text));
        read.and_then(|parts| parts.to_datetime()).is_ok_and(|read| read == sample)
    };
    pattern.contains('%') && (reads_back(5) || reads_back(0))
}

fn read_place(section: Section<'_>) -> Option<MappedPlace> {
    let plane = section.has("system") && section.choice("system", &SYSTEMS)?;
    let keys = if plane { ("easting", "northing") } else { ("lon", "lat") };
    let (east, north) = (path(&section, keys.0), path(&section, keys.1));
    let zone = plane.then(|| read_zone(&section));
    section.finish();
    // A zone with a mistake makes no place, least of all one in degrees.
    let zone = zone.map_or(Some(None), |zone| zone.map(Some))?;
    Some(MappedPlace { east: east?, north: north?, zone })
}

fn read_zone(section: &Section<'_>) -> Option<Vn2000Zone> {
    let meridian = section.number("meridian", MERIDIAN_SCALE);
    if meridian.is_some_and(|meridian| !MERIDIANS_E4.contains(&meridian)) {
        section.mistake("meridian", "is no central meridian of the country", "101 to 111 degrees east");
    }
    let width = if section.has("zone_width") { section.whole("zone_width", 6)? } else { 3 };
    if !matches!(width, 3 | 6) {
        section.mistake("zone_width", format!("{width} degrees are no zone"), "3 or 6");
    }
    Some(Vn2000Zone { meridian_e4: i32::try_from(meridian?).ok()?, width_degrees: width })
}

fn read_value(
    section: &Section<'_>,
    names: &mut BTreeSet<String>,
    loading: &Loading<'_>,
) -> Option<MappedValue> {
    let name = section.text("name");
    if let Some(name) = &name {
        if !loading.declared.quantities.contains(name) {
            let known = loading.declared.quantities.iter().map(String::as_str);
            section.unknown("name", "quantity", name, known);
        }
        read_once(section, name, names);
    }
    let path = path(section, "path");
    let unit = if section.has("unit") { section.text("unit") } else { None };
    let unit = unit.and_then(|unit| read_unit(section, &unit, name.as_deref(), loading));
    let unit_path = optional_path(section, "unit_path");
    let factor = section.has("factor").then(|| section.number("factor", FACTOR_SCALE)).flatten();
    let choice = |key, default| if section.has(key) { section.choice(key, &ABSENT) } else { Some(default) };
    let (absent, null) = (choice("absent", Absent::Skip), choice("null", Absent::Missing));
    let sentinels = if section.has("sentinel") { section.scalars("sentinel") } else { Some(Vec::new()) };
    let decimal_comma = section.flag("decimal_comma");
    Some(MappedValue {
        name: name?,
        path: path?,
        unit,
        unit_path,
        factor: factor.map(|digits| Decimal::new(digits, FACTOR_SCALE)).map(shortest),
        absent: absent?,
        null: null?,
        sentinels: sentinels?,
        decimal_comma,
    })
}

/// The same number without zeros at its end.
fn shortest(number: Decimal) -> Decimal {
    Decimal::parse(&number.to_string()).unwrap_or(number)
}

fn read_once(section: &Section<'_>, name: &str, names: &mut BTreeSet<String>) {
    if !names.insert(name.to_owned()) {
        section.mistake("name", format!("\"{name}\" is mapped twice"), "each name once");
    }
}

fn read_unit(section: &Section<'_>, unit: &str, name: Option<&str>, loading: &Loading<'_>) -> Option<String> {
    let Some(known) = canonical_unit(unit) else {
        section.unknown("unit", "unit", unit, all_units());
        return None;
    };
    if let Some(quantity) = name.and_then(|name| loading.profile.quantities.get(name))
        && !convertible(known, &quantity.unit)
    {
        let reason = format!("{known} does not convert into {}", quantity.unit);
        section.mistake("unit", reason, "a unit of the same kind");
    }
    Some(known.to_owned())
}

fn read_state(
    section: &Section<'_>,
    names: &mut BTreeSet<String>,
    loading: &Loading<'_>,
) -> Option<MappedState> {
    let name = section.text("name");
    if let Some(name) = &name {
        read_once(section, name, names);
    }
    let path = path(section, "path");
    let mut words = BTreeMap::new();
    for (at, from, to) in section.free_words("words") {
        if let [(_, to)] = to.as_slice() {
            words.insert(from, to.clone());
        } else {
            let key = format!("{}.{from}", section.full("words"));
            loading.found.add(at, &key, "is no single word", "\"ON\" = \"on\"");
        }
    }
    let absent = if section.has("absent") { section.text("absent") } else { None };
    Some(MappedState { name: name?, path: path?, words, absent })
}

fn read_condition(section: Section<'_>) -> Option<MappedCondition> {
    let path = path(&section, "path");
    let none_of = section.has("not");
    let words = if none_of { section.scalars("not") } else { section.scalars("is") };
    section.finish();
    Some(MappedCondition { path: path?, words: words?, none_of })
}

fn read_test(section: Section<'_>) -> Option<MappingTest> {
    let name = section.text("name");
    let payload = section.text("payload");
    let topic = if section.has("topic") { section.text("topic") } else { None };
    let retained = section.flag("retained");
    let expect = if section.has("reject") {
        let choices: Vec<(&str, RejectionReason)> =
            RejectionReason::ALL.iter().map(|reason| (reason.as_str(), *reason)).collect();
        section.choice("reject", &choices).map(Expected::Rejection)
    } else {
        section
            .text("expect")
            .map(|text| if text.trim() == NOTHING { String::new() } else { text })
            .map(Expected::Items)
    };
    let at = section.at();
    let at = format!("{}:{}", at.file.path, at.line_column().0);
    section.finish();
    Some(MappingTest { name: name?, payload: payload?, topic, retained, expect: expect?, at })
}
