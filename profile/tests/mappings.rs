//! What `check` says of mappings and of the routes that look into payloads.

use nhip_profile::{Mistake, load};

const PROFILE: &str = r#"
[profile]
id = "test"
name = { vi = "Thử", en = "Test" }
zone = "Asia/Ho_Chi_Minh"

[[quantity]]
name = "pm25"
label = { vi = "Bụi mịn", en = "PM2.5" }
unit = "µg/m³"
scale = 1
min = 0
max = 1000

[[stream]]
id = "air"
name = { vi = "Không khí", en = "Air" }
identity = "time"
cadence = "60s"
[stream.quantities]
pm25 = "µg/m³"
[stream.states]
power = ["on", "off"]

[[mapping]]
id = "station"
each = "readings"
time = { path = "t", format = "local", zone = "Asia/Bangkok" }
id_path = "id"
sequence = "n"
place = { lon = "x", lat = "y" }
values = [{ name = "pm25", path = "v", unit = "mg/m3", factor = 0.001, sentinel = [-999, "NA"], absent = "zero" }]
states = [{ name = "power", path = "p", words = { "ON" = "on" }, absent = "off" }]
when = [{ path = "type", is = "data" }]
fault = { path = "ok", is = [false, 0] }

[[mapping.test]]
name = "one"
payload = '{"readings":[]}'
expect = "nothing"

[[route]]
filter = "agency/+"
dialect = "json-map"
mapping = "station"
stream = "air"
source = "{1}-{payload:/station}"
each = "/items"
"#;

fn said(from: &str, to: &str) -> Vec<String> {
    assert!(PROFILE.contains(from), "{from}");
    let areas = "code,name,name_en,kind,parent\n80,Tây Ninh,Tay Ninh,province,\n";
    let files = [
        ("p.toml", PROFILE.replacen(from, to, 1)),
        ("areas.csv", areas.to_owned()),
        ("sources.csv", "id,stream,area,name,name_en,owner\n".to_owned()),
    ];
    let result = load(&files.map(|(path, text)| (path.to_owned(), text)));
    let mistakes = result.err().unwrap_or_default();
    mistakes
        .iter()
        .map(Mistake::to_string)
        .map(|line| line.trim_start_matches("p.toml:").to_owned())
        .collect()
}

#[test]
fn a_good_mapping_has_no_mistake() {
    assert_eq!(said("id = \"test\"", "id = \"test\""), Vec::<String>::new());
}

#[test]
fn mistakes_of_places_and_times_are_told_where_they_stand() {
    let paths = "(allowed: a.b[0].c, list[key=value].v, [\"a.b\"], /a/b/0, $.a)";
    let forms = "(allowed: rfc3339, epoch_s, epoch_ms, local, or a pattern such as %d/%m/%Y %H:%M:%S)";
    all_are_told(&[
        ("each = \"readings\"", "each = \"a..b\"", format!("27:8: mapping.each: \"a..b\" is no path {paths}")),
        ("path = \"v\"", "path = \"a[\"", format!("32:35: mapping.values.path: \"a[\" is no path {paths}")),
        (
            "format = \"local\"",
            "format = \"unix\"",
            format!("28:31: mapping.time.format: \"unix\" is no form of a time {forms}"),
        ),
        (
            "format = \"local\"",
            "format = \"%d/%m/%Y\"",
            format!("28:31: mapping.time.format: \"%d/%m/%Y\" is no form of a time {forms}"),
        ),
        (
            "values = [{ name = \"pm25\"",
            "values = [{ name = \"pm24\"",
            "32:20: mapping.values.name: unknown quantity \"pm24\", did you mean \"pm25\"? (allowed: pm25)\n\
             45:11: route.mapping: mapping \"station\" reads \"pm24\", which the stream does not carry (allowed: \
             quantities of the stream)"
                .to_owned(),
        ),
        (
            "unit = \"mg/m3\"",
            "unit = \"K\"",
            "32:47: mapping.values.unit: K does not convert into µg/m³ (allowed: a unit of the same kind)".to_owned(),
        ),
        (
            "factor = 0.001",
            "factor = 0.0000000000001",
            "32:65: mapping.values.factor: cannot be kept exactly (allowed: a number with at most 12 digits behind \
             the point)"
                .to_owned(),
        ),
        (
            "absent = \"zero\"",
            "absent = \"nil\"",
            "32:106: mapping.values.absent: unknown word \"nil\" (allowed: missing, zero, skip)".to_owned(),
        ),
    ]);
}

#[test]
fn mistakes_of_names_and_words_are_told_where_they_stand() {
    all_are_told(&[
        (
            "states = [{ name = \"power\"",
            "states = [{ name = \"pm25\"",
            "33:20: mapping.states.name: \"pm25\" is mapped twice (allowed: each name once)\n\
             45:11: route.mapping: mapping \"station\" reads \"pm25\", which the stream does not carry (allowed: \
             states of the stream)"
                .to_owned(),
        ),
        (
            "\"ON\" = \"on\"",
            "\"ON\" = \"an\"",
            "45:11: route.mapping: mapping \"station\" says \"an\", no word of \"power\" (allowed: on, off)".to_owned(),
        ),
        (
            "fault = { path = \"ok\", is = [false, 0] }",
            "fault = { path = \"ok\", is = [[1]] }",
            "35:29: mapping.fault.is: is no list of plain values (allowed: a text, number or truth, or a list of them)"
                .to_owned(),
        ),
        (
            "mapping = \"station\"",
            "mapping = \"statoin\"",
            "45:11: route.mapping: unknown mapping \"statoin\", did you mean \"station\"? (allowed: station)"
                .to_owned(),
        ),
        (
            "dialect = \"json-map\"\nmapping = \"station\"",
            "dialect = \"native-json\"\nmapping = \"station\"",
            "45:11: route.mapping: is read by the dialect json-map only (allowed: dialect = \"json-map\")".to_owned(),
        ),
        (
            "each = \"/items\"",
            "each = \"items[a=b]\"",
            "48:8: route.each: \"items[a=b]\" names no array of the payload (allowed: /a/b, a.b, or . for the \
             payload itself)"
                .to_owned(),
        ),
        (
            "{payload:/station}",
            "{payload:a..b}",
            "47:10: route.source: \"a..b\" is no path (allowed: {payload:/a/b})".to_owned(),
        ),
        (
            "expect = \"nothing\"",
            "reject = \"syntaks\"",
            "40:10: mapping.test.reject: unknown word \"syntaks\", did you mean \"syntax\"? (allowed: no_route, \
             too_large, \
             syntax, field_missing, field_invalid, time_invalid, too_many_items, empty, unknown_source, bounds)"
                .to_owned(),
        ),
        (
            "zone = \"Asia/Bangkok\"",
            "zon = \"Asia/Bangkok\"",
            "28:40: mapping.time.zon: unknown key \"zon\", did you mean \"zone\"? (allowed: path, format, zone, \
             optional)"
                .to_owned(),
        ),
    ]);
}

/// Tries each change of a good mapping; says of all that are told otherwise at once.
fn all_are_told(cases: &[(&str, &str, String)]) {
    let mut wrong = Vec::new();
    for (from, to, want) in cases {
        let said = said(from, to).join("\n");
        if said != *want {
            wrong.push(format!("{from} → {to}\n  says    {said}\n  instead {want}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
