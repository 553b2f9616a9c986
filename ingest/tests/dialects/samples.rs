//! The published samples of `../shared/data/samples`, where they are present: what the makers of a dialect
//! print must be read, and what they print broken must be refused.

use std::path::{Path, PathBuf};

use nhip_ingest::Dialect;

use crate::corpus::{read, shown, stream};

/// The samples' folder; without it the test says so and is done.
#[expect(clippy::print_stdout, reason = "cargo xtask test lists what was skipped")]
fn samples(test: &str) -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/samples");
    if !folder.is_dir() {
        println!("SKIPPED {test}: no ../shared/data/samples");
        return None;
    }
    Some(folder)
}

/// Reads one sample by a stream that declares these lines.
struct Reader {
    folder: PathBuf,
    dialect: Dialect,
    declared: &'static str,
}

impl Reader {
    fn says(&self, topic: &str, file: &str, want: &[&str]) {
        let payload = std::fs::read(self.folder.join(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
        let said = shown(&read(self.dialect, &stream(self.declared), topic, &payload).body);
        assert_eq!(said, want, "{file}");
    }
}

#[test]
fn onvif() {
    let Some(folder) = samples("onvif") else { return };
    let declared = "quantity Value °C\nquantity Threshold °C\nquantity ObjectId 1\nquantity Humidity %";
    let events = Reader { folder: folder.clone(), dialect: Dialect::OnvifEvent, declared };
    let topic = "MyDevice/onvif-ej/RuleEngine/LineDetector/Crossed/&1/2/MyImportantFence1";
    events.says(topic, "onvif/ej_01.json", &["ObjectId=15 @2008-10-10T12:24:57.321Z"]);
    // The specification's own misprints: a text that does not end, no brace and two names in a row.
    events.says(topic, "onvif/ej_02_invalid_as_printed.json", &["rejected syntax  41"]);
    events.says(topic, "onvif/ej_03_invalid_as_printed.json", &["rejected syntax  10"]);
    events.says(
        "MyDevice/onvif-ej/Device/Sensor",
        "onvif/ej_04.json",
        &["Value=28.65 @2025-07-15T14:30:00Z", "Threshold=25.15 @2025-07-15T14:30:00Z"],
    );
    events.says(
        "MyDevice/onvif-ej/Device/Sensor",
        "onvif/ej_05.json",
        &["Value=65.2 @2025-07-15T14:30:00Z", "Threshold=60 @2025-07-15T14:30:00Z"],
    );
    events.says(
        "MyDevice/onvif-ej/Device/Sensor",
        "onvif/ej_06.json",
        &["Value=10 @2025-07-15T14:30:00Z", "Threshold=8 @2025-07-15T14:30:00Z"],
    );
    let declared =
        "quantity objects 1\nquantity objects.Human people\nquantity objects.Car vehicles\nquantity Value K";
    let metadata = Reader { folder, dialect: Dialect::OnvifMetadata, declared };
    metadata.says(
        "MyDevice/onvif-mj/VideoAnalytics/Profile/Module",
        "onvif/mj_01_frame.json",
        &[
            "objects=1 @2021-10-05T15:13:27.321Z",
            "objects.Car=0 @2021-10-05T15:13:27.321Z",
            "objects.Human=1 @2021-10-05T15:13:27.321Z",
        ],
    );
    // The same sensor as in the event, in kelvin: the unit is the profile's to know.
    metadata.says(
        "MyDevice/onvif-mj/SensorData/Temperature",
        "onvif/mj_02_sensordata.json",
        &["Value=298.65 @2025-07-15T14:30:00Z"],
    );
    for file in ["onvif/mj_03_sensordata.json", "onvif/mj_04_sensordata.json"] {
        let value = if file.contains("03") { "65.2" } else { "10" };
        let want = format!("Value={value} @2025-07-15T14:30:00Z");
        metadata.says("MyDevice/onvif-mj/SensorData/RelativeHumidity", file, &[&want]);
    }
}

#[test]
fn frigate() {
    let Some(folder) = samples("frigate") else { return };
    let declared = "state label person car\nstate zone yard driveway\nstate zone_label person\n\
                    state severity detection alert\nquantity person people\nquantity person_active people\n\
                    quantity all 1\nquantity car vehicles\nquantity audio_dBFS dB\n\
                    state available online offline stopped\nstate motion ON OFF\nstate detect ON OFF\n\
                    state status_detect online offline";
    let reader = Reader { folder: folder.clone(), dialect: Dialect::Frigate, declared };
    // 1607123955.475377 s = 2020-12-04T23:19:15.475377Z (date -u -d @1607123955).
    reader.says(
        "frigate/events",
        "frigate/01_events.json",
        &[
            "label=person @2020-12-04T23:19:15.475377Z",
            "zone=yard @2020-12-04T23:19:15.475377Z",
            "zone_label=person @2020-12-04T23:19:15.475377Z",
            "zone=driveway @2020-12-04T23:19:15.475377Z",
            "zone_label=person @2020-12-04T23:19:15.475377Z",
        ],
    );
    reader.says(
        "frigate/reviews",
        "frigate/07_reviews.json",
        &["severity=alert @2024-06-21T16:25:29.308396Z"],
    );
    let topics = std::fs::read_to_string(folder.join("frigate/topics.txt")).expect("the list of topics");
    let said: Vec<String> = topics
        .lines()
        .filter_map(|line| line.split_once(' '))
        .flat_map(|(topic, word)| {
            shown(&read(Dialect::Frigate, &stream(declared), topic, word.as_bytes()).body)
        })
        .collect();
    let want = [
        "available=online",
        "available=offline",
        "available=stopped",
        "person=2",
        "all=3",
        "person_active=1",
        "car=1",
        "motion=ON",
        "motion=OFF",
        "detect=ON",
        "status_detect=online",
        "status_detect=offline",
        "audio_dBFS=-32.5",
    ];
    assert_eq!(said, want);
}

#[test]
fn makers_of_cameras() {
    let Some(folder) = samples("makers_of_cameras") else { return };
    let declared = "quantity passages 1\nquantity passages.human people\nquantity occupancy 1\n\
                    quantity occupancy.human people\nstate active 0 1\nstate reason human";
    let axis = Reader { folder: folder.clone(), dialect: Dialect::AxisEvent, declared };
    let at = "@2022-02-22T22:22:22.222Z";
    axis.says(
        "axis/event",
        "axis/aoa_crossline.json",
        &[&format!("reason=human {at}"), &format!("passages=3 {at}"), &format!("passages.human=3 {at}")],
    );
    axis.says("axis/event", "axis/aoa_object_in_area.json", &[&format!("active=1 {at}")]);
    axis.says(
        "axis/event",
        "axis/aoa_occupancy.json",
        &[&format!("occupancy=5 {at}"), &format!("occupancy.human=5 {at}")],
    );
    axis.says("axis/event", "axis/acap_publisher_direction.json", &["rejected field_missing data 1"]);
    let declared = "state VMD active inactive\nstate VMD.1 active inactive\nquantity activePostCount 1";
    let hikvision = Reader { folder: folder.clone(), dialect: Dialect::HikvisionAlert, declared };
    for (file, state) in [("event_vmd_hikvision_ns", "active"), ("event_vmd_inactive_isapi_ns", "inactive")] {
        let at = "@2026-06-08T12:00:00Z";
        let want =
            [format!("VMD={state} {at}"), format!("VMD.1={state} {at}"), format!("activePostCount=1 {at}")];
        hikvision.says("nvr", &format!("hikvision/{file}.xml"), &want.each_ref().map(String::as_str));
    }
    let declared = "state AccessControl Pulse\nstate AlarmLocal Start Stop\nstate VideoMotion Start Stop";
    let dahua = Reader { folder, dialect: Dialect::DahuaEvent, declared };
    // date -u -d @1583173448 and so on.
    let cases = [
        ("AccessControl", "access_control_pulse", "AccessControl=Pulse @2020-03-02T18:24:08Z"),
        ("AlarmLocal", "alarm_local_stop", "AlarmLocal=Stop @2020-03-02T18:11:16Z"),
        ("VideoMotion", "video_motion_start", "VideoMotion=Start @2020-03-02T18:44:28Z"),
    ];
    for (event, file, want) in cases {
        dahua.says(&format!("DahuaVTO/{event}/Event"), &format!("dahua/{file}.json"), &[want]);
    }
}

#[test]
fn lorawan_servers() {
    let Some(folder) = samples("lorawan_servers") else { return };
    let declared = "quantity rssi dBm\nquantity snr dB\nquantity margin dB\nquantity batteryLevel %\n\
                    state event up join status log location\nstate level ERROR\nstate code UPLINK_MIC";
    let chirpstack = Reader { folder: folder.clone(), dialect: Dialect::ChirpstackV4, declared };
    let at = "@2022-07-18T09:34:15.775023242Z seq 0 boot 1610816";
    let topic = |kind: &str| format!("application/17c8/device/0101010101010101/event/{kind}");
    chirpstack.says(
        &topic("up"),
        "chirpstack_v4/up.json",
        &[&format!("event=up {at}"), &format!("rssi=-36 dBm {at}"), &format!("snr=10.5 dB {at}")],
    );
    let at = "@2022-07-18T09:35:06.927172638Z";
    chirpstack.says(
        &topic("status"),
        "chirpstack_v4/status.json",
        &[&format!("event=status {at}"), &format!("margin=10 dB {at}"), &format!("batteryLevel=88.3 % {at}")],
    );
    chirpstack.says(
        &topic("join"),
        "chirpstack_v4/join.json",
        &["event=join @2022-07-18T09:33:28.823500726Z"],
    );
    let at = "@2022-07-18T09:39:57.311414029Z";
    chirpstack.says(
        &topic("log"),
        "chirpstack_v4/log.json",
        &[&format!("event=log {at}"), &format!("level=ERROR {at}"), &format!("code=UPLINK_MIC {at}")],
    );
    chirpstack.says(
        &topic("location"),
        "chirpstack_v4/location.json",
        &["event=location @2022-07-18T09:55:11.059481003Z (-88393750,373442140)"],
    );
    let declared = "quantity temperature °C\nquantity luminosity 1\nquantity airtime s\nstate event up join";
    let things = Reader { folder, dialect: Dialect::TtsV3, declared };
    let at = "@2020-02-12T15:15:45.789585559Z seq 1 boot 12368169";
    things.says(
        "v3/app1@t/devices/dev1/up",
        "the_things_stack_v3/up.json",
        &[
            &format!("event=up {at}"),
            &format!("temperature=1 {at}"),
            &format!("luminosity=0.64 {at}"),
            &format!("airtime=0.056576 s {at}"),
        ],
    );
    things.says(
        "v3/app1@t/devices/dev1/join",
        "the_things_stack_v3/join.json",
        &["event=join @2020-02-17T07:49:09.935284891Z"],
    );
}

#[test]
fn observed_models() {
    let Some(folder) = samples("observed_models") else { return };
    let declared = "quantity co mg/m³\nquantity no µg/m³\nquantity relativeHumidity %\nquantity temperature °C\n\
                    state airQualityLevel moderate";
    let air = Reader { folder: folder.clone(), dialect: Dialect::Ngsi, declared };
    // 11:00 without a zone is 11:00 in Vietnam.
    let at = "@2016-03-15T04:00:00Z (-37122472,404238528)";
    let want = |names: [(&str, &str); 5]| names.map(|(name, value)| format!("{name}={value} {at}"));
    let cases = [
        (
            "example.json",
            want([
                ("relativeHumidity", "0.54 1"),
                ("temperature", "12.2"),
                ("airQualityLevel", "moderate"),
                ("co", "500"),
                ("no", "45"),
            ]),
        ),
        (
            "example-normalized.json",
            want([
                ("airQualityLevel", "moderate"),
                ("co", "500 mg/m³"),
                ("temperature", "12.2"),
                ("no", "45 µg/m³"),
                ("relativeHumidity", "0.54 1"),
            ]),
        ),
        (
            "example-normalized.jsonld",
            want([
                ("co", "500 mg/m³"),
                ("no", "45 µg/m³"),
                ("airQualityLevel", "moderate"),
                ("relativeHumidity", "0.54 1"),
                ("temperature", "12.2"),
            ]),
        ),
    ];
    for (file, want) in cases {
        air.says("ngsi", &format!("fiware/AirQualityObserved.{file}"), &want.each_ref().map(String::as_str));
    }
}

#[test]
fn other_observed_models() {
    let Some(folder) = samples("other_observed_models") else { return };
    let declared = "quantity intensity vehicles\nquantity occupancy %\nquantity averageVehicleSpeed km/h\n\
                    state congested true false\nstate reversedLane true false\nquantity LAeq dBA\n\
                    quantity peopleCount people\nquantity currentLevel m\nquantity height m\nquantity NO3 mg/L\n\
                    quantity atmosphericPressure hPa\nquantity relativeHumidity %\nstate severity high\n\
                    state subCategory trafficJam";
    let ngsi = Reader { folder, dialect: Dialect::Ngsi, declared };
    let at = "@2016-12-07T11:15:00Z [2016-12-07T11:10:00Z,2016-12-07T11:15:00Z)";
    let traffic = [
        "averageVehicleSpeed=52.6 km/h",
        "intensity=197",
        "occupancy=0.76 1",
        "reversedLane=false",
        "congested=false",
    ]
    .map(|item| format!("{item} {at}"));
    let file = "fiware/TrafficFlowObserved.example-normalized.jsonld";
    ngsi.says("ngsi", file, &traffic.each_ref().map(String::as_str));
    let at = "@2016-12-28T12:00:00Z [2016-12-28T11:00:00Z,2016-12-28T12:00:00Z) (-26980000,428491000)";
    for encoding in ["example.json", "example-normalized.json", "example-normalized.jsonld"] {
        let file = format!("fiware/NoiseLevelObserved.{encoding}");
        ngsi.says("ngsi", &file, &[&format!("LAeq=67.8 dBA {at}")]);
    }
    let at = "@2018-08-07T11:15:00Z [2018-08-07T11:10:00Z,2018-08-07T11:15:00Z)";
    let crowd = [format!("peopleCount=100 {at}"), format!("congested=false {at}")];
    ngsi.says("ngsi", "fiware/CrowdFlowObserved.example.json", &crowd.each_ref().map(String::as_str));
    let at = "@2020-09-16T08:00:00Z";
    ngsi.says("ngsi", "fiware/FloodMonitoring.example.json", &[&format!("currentLevel=0.98 {at}")]);
    let linked = "fiware/FloodMonitoring.example-normalized.jsonld";
    ngsi.says("ngsi", linked, &[&format!("currentLevel=1.98 m {at}")]);
    // The published example has latitude and longitude swapped: nobody can see that from the numbers.
    let at = "@2020-03-17T08:45:00.209Z (436648100,71965450)";
    for encoding in ["example.json", "example-normalized.json", "example-normalized.jsonld"] {
        ngsi.says("ngsi", &format!("fiware/WaterObserved.{encoding}"), &[&format!("height=3.52 {at}")]);
    }
    let at = "@2017-01-31T06:45:00Z (-59933070,373628820)";
    ngsi.says("ngsi", "fiware/WaterQualityObserved.example.json", &[&format!("NO3=0.01 {at}")]);
    let at = "@2016-11-30T07:00:00Z (-47544444,416408333)";
    let weather = [format!("atmosphericPressure=938.9 hPa {at}"), format!("relativeHumidity=1 1 {at}")];
    ngsi.says("ngsi", "fiware/WeatherObserved.example.json", &weather.each_ref().map(String::as_str));
    let at = "@2017-01-02T09:25:55Z (-37122472,404238528)";
    let alert = [format!("subCategory=trafficJam {at}"), format!("severity=high {at}")];
    ngsi.says("ngsi", "fiware/Alert.example.json", &alert.each_ref().map(String::as_str));
}

#[test]
fn observations_and_requests() {
    let Some(folder) = samples("observations_and_requests") else { return };
    let things =
        Reader { folder: folder.clone(), dialect: Dialect::SensorThings, declared: "quantity result °C" };
    let topic = "v1.1/Datastreams(19)/Observations";
    things.says(topic, "sensorthings/observation_create.json", &["result=4.6 @2020-04-10T16:00:00Z"]);
    things.says(topic, "sensorthings/observation_received.json", &["result=10 @2016-06-22T13:21:31.144Z"]);
    things.says(topic, "sensorthings/datastream.json", &["rejected field_missing result 1"]);
    let declared = "state status open closed\nquantity resolution_time h\n\
                    state service_code 4ffa9cad6018277d4000007b 4fd3bd72e750846c530000cd 4fd3b656e750846c53000004";
    let requests = Reader { folder, dialect: Dialect::Open311, declared };
    requests.says(
        "open311/requests",
        "open311/chicago_requests.json",
        &[
            "service_code=4ffa9cad6018277d4000007b @2014-07-12T15:58:43Z (-876647515,418587248)",
            "status=open @2014-07-12T16:08:21Z (-876647515,418587248)",
            "service_code=4fd3bd72e750846c530000cd @2014-07-12T15:48:56Z (-876369602,417597121)",
            "status=open @2014-07-12T16:08:20Z (-876369602,417597121)",
        ],
    );
    // From 2014-05-09T19:02:21-05:00 to 2015-10-10T10:15:40-05:00 are 44,809,999 s (GNU date).
    requests.says(
        "open311/requests",
        "open311/chicago_request_extended.json",
        &[
            "service_code=4fd3b656e750846c53000004 @2014-05-10T00:02:21Z (-876536402,417468576)",
            "status=closed @2015-10-10T15:15:40Z (-876536402,417468576)",
            "resolution_time=44809999.000000000 s @2015-10-10T15:15:40Z (-876536402,417468576)",
        ],
    );
    // The specification's own list of services begins with 001.
    requests.says(
        "open311/requests",
        "open311/spec_services_invalid_leading_zero.json",
        &["rejected syntax  27"],
    );
    requests.says("open311/requests", "open311/spec_token.json", &["rejected field_missing status 1"]);
}

#[test]
fn small_devices() {
    let Some(folder) = samples("small_devices") else { return };
    let declared = "quantity temperature °C\nquantity humidity %\nstate occupancy true false";
    let zigbee = Reader { folder: folder.clone(), dialect: Dialect::Zigbee2Mqtt, declared };
    zigbee.says(
        "zigbee2mqtt/a",
        "zigbee2mqtt/sensor_wsdcgq01lm.json",
        &["temperature=27.34", "humidity=44.72"],
    );
    zigbee.says("zigbee2mqtt/b", "zigbee2mqtt/motion_rtcgq01lm.json", &["occupancy=true"]);
    let declared = "state POWER ON OFF\nquantity UptimeSec s\nquantity Signal dBm";
    let tasmota = Reader { folder: folder.clone(), dialect: Dialect::Tasmota, declared };
    let at = "@2020-03-31T11:00:21Z";
    let state = [format!("UptimeSec=2958947 {at}"), format!("POWER=OFF {at}"), format!("Signal=-53 {at}")];
    for file in ["tasmota/state_1.json", "tasmota/state_2.json"] {
        tasmota.says("sonoff/tele/lamp/STATE", file, &state.each_ref().map(String::as_str));
    }
    let at = "@2024-02-24T15:20:38Z";
    let state = [format!("UptimeSec=611 {at}"), format!("POWER=OFF {at}"), format!("Signal=-78 {at}")];
    tasmota.says("tele/lamp/STATE", "tasmota/state_esp8266_2024.json", &state.each_ref().map(String::as_str));
}

/// A dust sensor's post that arrived damaged, as it was recorded: no dialect of JSON takes it for a message.
#[test]
fn a_damaged_post() {
    let Some(folder) = samples("a_damaged_post") else { return };
    let payload =
        std::fs::read(folder.join("sensor_community/airrohr_push_corrupted.bin")).expect("the sample");
    let broken_at = payload.iter().position(|byte| !byte.is_ascii()).expect("bytes that are no text") + 1;
    let json = [
        (Dialect::NativeJson, "nhip/v1/t/s/x"),
        (Dialect::OnvifEvent, "a/onvif-ej/b"),
        (Dialect::AxisEvent, "a"),
        (Dialect::ChirpstackV4, "application/a/device/b/event/up"),
        (Dialect::Ngsi, "a"),
        (Dialect::SensorThings, "a"),
        (Dialect::Open311, "a"),
        (Dialect::Tasmota, "tele/a/SENSOR"),
    ];
    for (dialect, topic) in json {
        let said = shown(&read(dialect, &stream("quantity SDS_P1 µg/m³"), topic, &payload).body);
        assert_eq!(said, [format!("rejected syntax  {broken_at}")], "{}", dialect.name());
    }
}
