//! The dialects by name and version. A new one is a line here, an arm of [`decode`](super::decode) and a file.

use super::sparkplug_b;

/// How the bytes of a topic are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// Nhịp's own JSON (docs/mqtt.md).
    NativeJson,
    /// Nhịp's own protobuf (proto/schema/reading.proto).
    NativeProtobuf,
    /// Eclipse Sparkplug B 3.0.0.
    SparkplugB,
}

impl Dialect {
    /// All of them.
    pub const ALL: &'static [Self] = &[Self::NativeJson, Self::NativeProtobuf, Self::SparkplugB];

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
        }
    }

    /// Whether a topic of these levels can carry data of this dialect (a Sparkplug STATE or command does
    /// not).
    #[must_use]
    pub fn carries(self, levels: &[&str]) -> bool {
        self != Self::SparkplugB || sparkplug_b::kind(levels).is_some()
    }
}
