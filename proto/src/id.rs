//! Names of things: sources, streams, areas, indicators. Cheap to copy around, compared as text.

use std::fmt;
use std::sync::Arc;

use unicode_normalization::UnicodeNormalization;

macro_rules! name_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Takes the text in Unicode NFC, so that two spellings of one name are one name.
            #[must_use]
            pub fn new(text: &str) -> Self {
                if text.is_ascii() { Self(Arc::from(text)) } else { Self(text.nfc().collect::<String>().into()) }
            }

            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    };
}

name_type! {
    /// One sender: a station, a detector, a camera, an edge node's device.
    SourceId
}
name_type! {
    /// A kind of data with one identity rule, one lateness and one staleness (`air`, `traffic`, `camera`).
    StreamId
}
name_type! {
    /// The official code of a commune or province, or `unassigned`.
    AreaCode
}
name_type! {
    /// The id of an indicator (`env.pm25_1h`).
    IndicatorId
}

impl AreaCode {
    /// The area of a source whose place is unknown; totals say how many there are.
    #[must_use]
    pub fn unassigned() -> Self {
        Self::new("unassigned")
    }
}
