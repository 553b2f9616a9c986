//! Readings in the dialects of the city's systems, as their makers document them (docs/dialects.md).

use std::fmt::Write as _;

use bytes::Bytes;
use nhip_proto::{Decimal, EventTime, MILLISECOND, SECOND};

use crate::reading::{Measure, MeasureValue, Reading};

/// How a foreign system writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Foreign {
    /// LoRaWAN through ChirpStack v4.
    ChirpStack,
    /// LoRaWAN through The Things Stack v3.
    ThingsStack,
    /// Station files of Circular 10/2021/TT-BTNMT.
    Circular10,
    /// FIWARE NGSI, CrowdFlowObserved in key-values.
    Ngsi,
    /// ISAPI alerts.
    Hikvision,
    /// The event bridge, crossing counters.
    Axis,
    /// Video recorder events.
    Frigate,
    /// GeoReport v2.
    Open311,
    /// The violation system of the demonstration, read by a mapping of the profile.
    Violations,
}

/// Where and how one source writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Dialect {
    pub(crate) foreign: Foreign,
    pub(crate) topic: String,
}

impl Dialect {
    /// By the route that makes the source's id; none: the simulation does not speak its dialect.
    pub(crate) fn of(route: &nhip_profile::Route, source: &str) -> Option<Self> {
        let foreign = match route.dialect.as_str() {
            "chirpstack-v4" => Foreign::ChirpStack,
            "tts-v3" => Foreign::ThingsStack,
            "circular-10" => Foreign::Circular10,
            "ngsi" => Foreign::Ngsi,
            "hikvision-alert" => Foreign::Hikvision,
            "axis-event" => Foreign::Axis,
            "frigate" => Foreign::Frigate,
            "open311" => Foreign::Open311,
            "json-map" => Foreign::Violations,
            _ => return None,
        };
        Some(Self { foreign, topic: topic(&route.filter, &route.source, source)? })
    }

    /// The bytes of one reading.
    pub(crate) fn write(&self, source: &str, reading: &Reading) -> Bytes {
        let text = match self.foreign {
            Foreign::ChirpStack => chirpstack(source, reading),
            Foreign::ThingsStack => things_stack(source, reading),
            Foreign::Circular10 => circular(reading),
            Foreign::Ngsi => crowd(source, reading),
            Foreign::Hikvision => alert(source, reading),
            Foreign::Axis => crossings(reading),
            Foreign::Frigate => object(source, reading),
            Foreign::Open311 => requests(source, reading),
            Foreign::Violations => violation(reading),
        };
        Bytes::from(text)
    }
}

/// The filter with the source in the level its template names; other open levels hold a 1.
fn topic(filter: &str, template: &str, source: &str) -> Option<String> {
    let level: usize = template.strip_prefix('{')?.strip_suffix('}')?.parse().ok()?;
    let filled = filter.split('/').enumerate().map(|(at, text)| match text {
        "+" | "#" if at == level => source,
        "+" => "1",
        "#" => "CameraApplicationPlatform",
        text => text,
    });
    Some(filled.collect::<Vec<_>>().join("/"))
}

fn chirpstack(source: &str, reading: &Reading) -> String {
    let count = reading.sequence.unwrap_or(0);
    format!(
        concat!(
            r#"{{"deduplicationId":"{source}-{count}","time":"{time}","deviceInfo":{{"tenantName":"demo","#,
            r#""applicationName":"noise","deviceName":"{source}","devEui":"{source}"}},"devAddr":"00bb8501","#,
            r#""adr":true,"dr":5,"fCnt":{count},"fPort":2,"confirmed":false,"object":{object},"#,
            r#""rxInfo":[{{"gatewayId":"0016c001f153a14c","uplinkId":{count},"rssi":-87,"snr":7.5}}]}}"#
        ),
        source = source,
        count = count,
        time = universal(reading.time),
        object = object_of(reading),
    )
}

fn things_stack(source: &str, reading: &Reading) -> String {
    format!(
        concat!(
            r#"{{"end_device_ids":{{"device_id":"{source}","application_ids":{{"application_id":"demo"}},"#,
            r#""dev_addr":"260B1234"}},"received_at":"{time}","uplink_message":{{"f_port":2,"f_cnt":{count},"#,
            r#""decoded_payload":{object},"rx_metadata":[{{"rssi":-92,"snr":6.2}}],"received_at":"{time}"}}}}"#
        ),
        source = source,
        count = reading.sequence.unwrap_or(0),
        time = universal(reading.time),
        object = object_of(reading),
    )
}

/// One line per parameter: name, value, unit, local time, status (00 measuring, 02 device error).
fn circular(reading: &Reading) -> String {
    let mut text = String::new();
    let stamp = local(reading.time, "%Y%m%d%H%M%S");
    for measure in &reading.measures {
        // A dead sensor's line says so by its status.
        let number = match &measure.value {
            MeasureValue::Number(number) => *number,
            _ => Decimal::new(0, 0),
        };
        let dead = matches!(measure.value, MeasureValue::Missing);
        let (name, unit) = match measure.name.as_str() {
            "cod" => ("COD", "mg/L"),
            "tss" => ("TSS", "mg/L"),
            "ph" => ("pH", "pH"),
            other => (other, "-"),
        };
        let status = if measure.fault || dead { "02" } else { "00" };
        push(&mut text, format_args!("{name}\t{number}\t{unit}\t{stamp}\t{status}\r\n"));
    }
    text
}

fn crowd(source: &str, reading: &Reading) -> String {
    let people =
        number(reading, "peopleCount").map_or_else(|| "null".to_owned(), |number| number.to_string());
    format!(
        concat!(
            r#"{{"id":"urn:ngsi-ld:CrowdFlowObserved:{source}","type":"CrowdFlowObserved","#,
            r#""dateObserved":"{time}","peopleCount":{people}}}"#
        ),
        source = source,
        time = universal(reading.time),
        people = people,
    )
}

fn alert(source: &str, reading: &Reading) -> String {
    let state = state(reading, "fielddetection").unwrap_or("inactive");
    format!(
        concat!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n",
            "<EventNotificationAlert version=\"2.0\" xmlns=\"http://www.isapi.org/ver20/XMLSchema\">\n",
            "<deviceID>{source}</deviceID>\n<channelID>1</channelID>\n<dateTime>{time}</dateTime>\n",
            "<activePostCount>1</activePostCount>\n<eventType>fielddetection</eventType>\n",
            "<eventState>{state}</eventState>\n<eventDescription>fielddetection alarm</eventDescription>\n",
            "</EventNotificationAlert>\n"
        ),
        source = source,
        time = local(reading.time, "%Y-%m-%dT%H:%M:%S+07:00"),
        state = state,
    )
}

fn crossings(reading: &Reading) -> String {
    let total = number(reading, "passages").map_or_else(String::new, |number| number.to_string());
    format!(
        concat!(
            r#"{{"topic":"axis:CameraApplicationPlatform/ObjectAnalytics/Device1Scenario1","timestamp":{time},"#,
            r#""message":{{"source":{{}},"key":{{}},"data":{{"scenario":"passageCounts","reason":"human","#,
            r#""total":"{total}","totalHuman":"{total}"}}}}}}"#
        ),
        time = reading.time.0.div_euclid(MILLISECOND),
        total = total,
    )
}

fn object(source: &str, reading: &Reading) -> String {
    let start = reading.time.0 as f64 / SECOND as f64;
    let after = format!(
        concat!(
            r#"{{"id":"{id}","camera":"{source}-cam","frame_time":{start:.3},"label":"{label}","#,
            r#""sub_label":null,"top_score":0.9,"false_positive":false,"start_time":{start:.3},"#,
            r#""end_time":null,"score":0.8,"entered_zones":[],"current_zones":[],"stationary":false}}"#
        ),
        id = reading.id.as_deref().unwrap_or("0"),
        source = source,
        start = start,
        label = state(reading, "label").unwrap_or("car"),
    );
    format!(r#"{{"type":"new","before":{after},"after":{after}}}"#)
}

/// A new request, and an older one that is closed now.
fn requests(source: &str, reading: &Reading) -> String {
    let id = reading.id.as_deref().unwrap_or(source);
    let code = state(reading, "service_code").unwrap_or("road");
    let now = universal(reading.time);
    let hours = number(reading, "resolution_time").map_or(20, |number| number.mantissa / 3_600);
    let hours = i64::try_from(hours).unwrap_or(20).clamp(1, 400);
    let before = reading.time.plus(-hours * 3_600 * SECOND);
    let on_time = state(reading, "on_time") != Some("false");
    let promised = if on_time { hours + 5 } else { (hours - 1).max(0) };
    format!(
        concat!(
            r#"[{{"service_request_id":"{id}","status":"open","service_code":"{code}","#,
            r#""requested_datetime":"{now}","updated_datetime":"{now}","lat":11.31,"long":106.1}},"#,
            r#"{{"service_request_id":"{id}-before","status":"closed","service_code":"{code}","#,
            r#""requested_datetime":"{before}","updated_datetime":"{now}","expected_datetime":"{due}"}}]"#
        ),
        id = id,
        code = code,
        now = now,
        before = universal(before),
        due = universal(before.plus(promised * 3_600 * SECOND)),
    )
}

fn violation(reading: &Reading) -> String {
    let kind = match state(reading, "kind").unwrap_or("speeding") {
        "wrong_way" => "NGUOC_CHIEU",
        "red_light" => "DEN_DO",
        "no_helmet" => "MU_BH",
        "wrong_lane" => "SAI_LAN",
        "illegal_stop" => "DUNG_DO",
        _ => "TOC_DO",
    };
    let verified = if state(reading, "verified") == Some("yes") { "co" } else { "chua" };
    format!(
        r#"{{"ma_vu":"{}","thoi_gian":"{}","loi":"{kind}","xac_minh":"{verified}"}}"#,
        reading.id.as_deref().unwrap_or("0"),
        local(reading.time, "%d/%m/%Y %H:%M:%S"),
    )
}

/// All numbers as one JSON object; a missing one is null.
fn object_of(reading: &Reading) -> String {
    let mut text = String::from("{");
    for measure in &reading.measures {
        let comma = if text.len() > 1 { "," } else { "" };
        let number = numbered(measure).map_or_else(|| "null".to_owned(), |(_, number)| number.to_string());
        push(&mut text, format_args!("{comma}\"{}\":{number}", measure.name));
    }
    text.push('}');
    text
}

fn numbered(measure: &Measure) -> Option<(&str, Decimal)> {
    match &measure.value {
        MeasureValue::Number(number) => Some((&measure.name, *number)),
        _ => None,
    }
}

fn number(reading: &Reading, name: &str) -> Option<Decimal> {
    reading.measures.iter().filter_map(numbered).find(|(own, _)| *own == name).map(|(_, number)| number)
}

fn state<'r>(reading: &'r Reading, name: &str) -> Option<&'r str> {
    reading.measures.iter().find(|measure| measure.name == name).and_then(|measure| match &measure.value {
        MeasureValue::State(state) => Some(state.as_str()),
        _ => None,
    })
}

fn universal(time: EventTime) -> String {
    let stamp = jiff::Timestamp::from_millisecond(time.0.div_euclid(MILLISECOND)).unwrap_or_default();
    stamp.strftime("%Y-%m-%dT%H:%M:%S%.fZ").to_string()
}

fn local(time: EventTime, pattern: &str) -> String {
    let stamp = jiff::Timestamp::from_millisecond(time.0.div_euclid(MILLISECOND)).unwrap_or_default();
    jiff::tz::offset(7).to_datetime(stamp).strftime(pattern).to_string()
}

fn push(out: &mut String, arguments: std::fmt::Arguments<'_>) {
    out.write_fmt(arguments).expect("a String takes every text");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_topic_holds_the_source_where_the_route_looks_for_it() {
        let topic = |filter, template| topic(filter, template, "tn-01");
        assert_eq!(
            topic("application/+/device/+/event/up", "{3}").as_deref(),
            Some("application/1/device/tn-01/event/up")
        );
        assert_eq!(
            topic("gate/+/event/#", "{1}").as_deref(),
            Some("gate/tn-01/event/CameraApplicationPlatform")
        );
        assert_eq!(topic("a/+", "x-{1}"), None);
    }

    #[test]
    fn station_files_are_lines_of_five_fields_in_local_time() {
        let measures = vec![
            Measure::number("cod", Decimal::new(605, 1)),
            Measure { fault: true, ..Measure::number("ph", Decimal::new(712, 2)) },
            Measure::missing("tss"),
        ];
        let reading = Reading::at(EventTime(1_795_244_700 * SECOND), measures);
        let expected = concat!(
            "COD\t60.5\tmg/L\t20261121140500\t00\r\n",
            "pH\t7.12\tpH\t20261121140500\t02\r\n",
            "TSS\t0\tmg/L\t20261121140500\t02\r\n",
        );
        assert_eq!(circular(&reading), expected);
    }
}
