//! How the past is thinned so that it goes through in seconds. Per stream, a reading each:
//!
//! - counters (traffic): 5 minutes in the last 4 hours, 15 before; one reading adds up what the device
//!   counted, so hours and days hold every vehicle;
//! - stations with numbers (air): 5 minutes throughout;
//! - states (cameras): 5 minutes in the last hour, 50 before, device after device, so that every minute hears
//!   of some;
//! - devices behind a gateway: 10 minutes in the last 2 hours, 30 before;
//!
//! never denser than the cadence, and twice as sparse until the whole fits the bound.

use nhip_proto::{MINUTE, Span};

use super::device::{Device, Format};

/// Messages of the backlog at most.
pub const MESSAGES_MAX: usize = 40_000;
/// Births of a device behind a gateway beside its data.
const BIRTHS: usize = 4;
/// Doublings after which the thinning gives up.
const DOUBLINGS_MAX: u32 = 12;

/// The steps of one device's past.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Steps {
    /// How long ago the dense part starts.
    pub(crate) recent: Span,
    /// Slots between two readings in it.
    pub(crate) dense: i64,
    /// Slots between two readings before it.
    pub(crate) sparse: i64,
}

/// The steps of each device, so that all together stay within the bound.
pub(crate) fn fit(devices: &[Device], backlog: Span, messages_max: usize) -> Vec<Steps> {
    let mut steps = Vec::new();
    for doublings in 0..DOUBLINGS_MAX {
        steps = devices.iter().map(|device| usual(device, 1 << doublings)).collect::<Vec<_>>();
        let of = |(device, steps): (&Device, &Steps)| messages(device, *steps, backlog);
        let total: usize = devices.iter().zip(&steps).map(of).sum();
        if total <= messages_max {
            break;
        }
    }
    steps
}

fn usual(device: &Device, sparser: i64) -> Steps {
    let (recent, dense, sparse) = match device.format {
        Format::Sparkplug(_) => (120, 10, 30),
        _ if device.counts() => (240, 5, 15),
        _ if device.has_numbers() => (0, 5, 5),
        _ => (60, 5, 50),
    };
    let slots = |minutes: i64| (minutes * MINUTE / device.cadence).max(1).saturating_mul(sparser);
    let bound = if device.counts() { device.slots_max() } else { i64::MAX };
    Steps { recent: recent * MINUTE, dense: slots(dense).min(bound), sparse: slots(sparse).min(bound) }
}

/// What the past of one device comes to, not less than it will be.
fn messages(device: &Device, steps: Steps, backlog: Span) -> usize {
    let births = if device.node().is_some() { BIRTHS } else { 0 };
    let told = device.period.map_or(0, |period| usize::try_from(period.told()).unwrap_or(0));
    let recent = steps.recent.min(backlog);
    let steps_in = |span: Span, slots: i64| span / device.cadence.saturating_mul(slots).max(1);
    // Each part may begin and end with a reading, and the last slot is always told.
    let all = steps_in(recent, steps.dense) + 2 + steps_in(backlog - recent, steps.sparse) + 1;
    usize::try_from(all).unwrap_or(usize::MAX).saturating_add(births + told)
}
