//! The dialects by name and version. A new one is a line here, an arm of [`decode`](super::decode) and a
//! file.

use super::{
    chirpstack, frigate, onvif_event, onvif_metadata, sparkplug_b, tasmota, things_stack, zigbee2mqtt,
};

/// How the bytes of a topic are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// Nhịp's own JSON (docs/mqtt.md).
    NativeJson,
    /// Nhịp's own protobuf (proto/schema/reading.proto).
    NativeProtobuf,
    /// Eclipse Sparkplug B 3.0.0.
    SparkplugB,
    /// ONVIF events as JSON (Profile M).
    OnvifEvent,
    /// ONVIF analytics metadata as JSON: counts and sensor values.
    OnvifMetadata,
    /// The Frigate video recorder.
    Frigate,
    /// Axis cameras' MQTT event bridge.
    AxisEvent,
    /// Hikvision ISAPI event notifications in XML.
    HikvisionAlert,
    /// Dahua devices through a bridge.
    DahuaEvent,
    /// ChirpStack v4 in JSON.
    ChirpstackV4,
    /// The Things Stack v3.
    TtsV3,
    /// FIWARE Smart Data Models in NGSI-v2 or NGSI-LD.
    Ngsi,
    /// OGC SensorThings observations.
    SensorThings,
    /// Open311 GeoReport v2 requests.
    Open311,
    /// Zigbee2MQTT.
    Zigbee2Mqtt,
    /// Tasmota telemetry.
    Tasmota,
    /// Station files of Circular 10/2021/TT-BTNMT.
    Circular10,
    /// Any JSON by a mapping of the profile.
    JsonMap,
}

impl Dialect {
    /// All of them.
    pub const ALL: &'static [Self] = &[
        Self::NativeJson,
        Self::NativeProtobuf,
        Self::SparkplugB,
        Self::OnvifEvent,
        Self::OnvifMetadata,
        Self::Frigate,
        Self::AxisEvent,
        Self::HikvisionAlert,
        Self::DahuaEvent,
        Self::ChirpstackV4,
        Self::TtsV3,
        Self::Ngsi,
        Self::SensorThings,
        Self::Open311,
        Self::Zigbee2Mqtt,
        Self::Tasmota,
        Self::Circular10,
        Self::JsonMap,
    ];

    /// The dialect a route of the profile names.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|dialect| dialect.name() == name)
    }

    /// The dialect of a record's `name@version`, for reading stored bytes again.
    #[must_use]
    pub fn of_id(id: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|dialect| dialect.id() == id)
    }

    /// As routes name it.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.id().split_once('@').map_or("", |(name, _)| name)
    }

    /// `name@version`, as records carry it.
    #[must_use]
    pub fn id(self) -> &'static str {
        match self {
            Self::NativeJson => "native-json@1",
            Self::NativeProtobuf => "native-protobuf@1",
            Self::SparkplugB => "sparkplug-b@1",
            Self::OnvifEvent => "onvif-event@1",
            Self::OnvifMetadata => "onvif-metadata@1",
            Self::Frigate => "frigate@1",
            Self::AxisEvent => "axis-event@1",
            Self::HikvisionAlert => "hikvision-alert@1",
            Self::DahuaEvent => "dahua-event@1",
            Self::ChirpstackV4 => "chirpstack-v4@1",
            Self::TtsV3 => "tts-v3@1",
            Self::Ngsi => "ngsi@1",
            Self::SensorThings => "sensorthings@1",
            Self::Open311 => "open311@1",
            Self::Zigbee2Mqtt => "zigbee2mqtt@1",
            Self::Tasmota => "tasmota@1",
            Self::Circular10 => "circular-10@1",
            Self::JsonMap => "json-map@1",
        }
    }

    /// Whether a topic of these levels can carry data of this dialect: a Sparkplug STATE, a picture or a
    /// command does not.
    #[must_use]
    pub fn carries(self, levels: &[&str]) -> bool {
        match self {
            Self::SparkplugB => sparkplug_b::kind(levels).is_some(),
            Self::OnvifEvent => onvif_event::carries(levels),
            Self::OnvifMetadata => onvif_metadata::carries(levels),
            Self::Frigate => frigate::carries(levels),
            Self::ChirpstackV4 => chirpstack::carries(levels),
            Self::TtsV3 => things_stack::carries(levels),
            Self::Zigbee2Mqtt => zigbee2mqtt::carries(levels),
            Self::Tasmota => tasmota::carries(levels),
            _ => true,
        }
    }
}
