//! Sparkplug B through the whole engine: births, aliases, gaps, deaths; and what the ledger says of it.

use nhip_proto::{Item, ItemFlags, ItemName, ItemReason, MINUTE, SECOND, Session, SessionKind};

use crate::line::Line;
use crate::world::{number, state};

fn session(kind: SessionKind, sequence: Option<u8>, birth: Option<u64>) -> Session {
    Session { kind, sequence, birth, node: "g/n".to_owned() }
}

fn birth() -> Vec<Item> {
    let mut item = state("status", "online");
    item.binds_alias = Some(7);
    vec![item]
}

fn data(alias: u64, to: &str) -> Vec<Item> {
    let mut item = state("status", to);
    item.name = ItemName::Alias(alias);
    vec![item]
}

#[test]
fn an_alias_means_what_its_birth_bound() {
    let mut line = Line::new(str::to_owned);
    line.session("camera-0", session(SessionKind::DeviceData, Some(3), None), data(7, "online"));
    assert_eq!(line.applied("camera-0"), (0, 1), "nobody bound it");
    assert_eq!(line.effects.rebirths.len(), 1);
    line.session("camera-1", session(SessionKind::NodeBirth, Some(0), Some(1)), Vec::new());
    line.session("camera-0", session(SessionKind::DeviceBirth, Some(1), None), birth());
    line.session("camera-0", session(SessionKind::DeviceData, Some(2), None), data(7, "degraded"));
    assert_eq!(line.applied("camera-0"), (2, 1));
    assert_eq!(line.effects.rebirths.len(), 1, "all is well");
    line.session("camera-0", session(SessionKind::DeviceData, Some(4), None), data(7, "online"));
    assert_eq!(line.applied("camera-0"), (3, 1), "a gap loses nothing that came");
    assert_eq!(line.effects.rebirths.len(), 2, "but the node is asked");
    let reasons = line.engine.rejections(10);
    assert_eq!(reasons.len(), 1);
    assert_eq!(reasons[0].reason, Err(ItemReason::Undeclared));
}

#[test]
fn a_death_takes_its_sources_offline_unless_it_is_stale() {
    let share = |line: &Line| {
        let figures = line.engine.figures(None, None, None, None);
        let figure = figures.into_iter().find(|figure| {
            figure.row.key.indicator.as_str() == "traffic.online_10m" && figure.row.key.area.as_str() == "A"
        });
        figure.map(|figure| (figure.row.numerator, figure.row.denominator))
    };
    let live = |dies_with: u64| {
        let mut line = Line::new(str::to_owned);
        line.session("camera-0", session(SessionKind::NodeBirth, Some(0), Some(5)), birth());
        line.session("camera-0", session(SessionKind::NodeDeath, None, Some(dies_with)), Vec::new());
        line.now += 15 * MINUTE;
        line.tick(MINUTE);
        line.tick(MINUTE);
        share(&line)
    };
    let second = i128::from(SECOND);
    assert_eq!(live(5), Some((second, second * 181)), "online for a second, then offline until stale");
    assert_eq!(live(4), Some((second * 180, second * 180)), "an old will changes nothing");
}

/// A birth of the temperature under alias 9.
fn typed(value: i64, width: ItemFlags) -> Vec<Item> {
    let mut item = number("temp", value, 0);
    item.binds_alias = Some(9);
    item.flags = width;
    vec![item]
}

/// A temperature whose message repeats no type.
fn untyped(name: ItemName, raw: i64) -> Vec<Item> {
    let mut item = number("temp", raw, 0);
    item.name = name;
    item.flags = ItemFlags::INTEGER_RAW;
    vec![item]
}

#[test]
fn an_untyped_integer_is_read_as_its_birth_says() {
    let names = [ItemName::Alias(9), ItemName::Text("temp".to_owned())];
    for (name, (width, raw)) in names.iter().flat_map(|name| {
        let widths = [(ItemFlags::SIGNED_8, 251), (ItemFlags::SIGNED_16, 65_531)];
        let wide = [(ItemFlags::SIGNED_32, 4_294_967_291), (ItemFlags::default(), 5)];
        widths.into_iter().chain(wide).map(move |width| (name.clone(), width))
    }) {
        let mut line = Line::new(str::to_owned);
        line.session("air-0", session(SessionKind::NodeBirth, Some(0), Some(1)), Vec::new());
        line.session("air-0", session(SessionKind::DeviceBirth, Some(1), None), typed(20, width));
        line.engine = nhip_engine::Engine::restore(&line.engine.snapshot(), crate::world::settings(1))
            .expect("its own snapshot");
        line.session("air-0", session(SessionKind::DeviceData, Some(2), None), untyped(name.clone(), raw));
        assert_eq!(line.applied("air-0"), (2, 0), "{name:?} {width:?}");
        let wanted = if width == ItemFlags::default() { 50 } else { -50 };
        assert_eq!(line.amounts("env.temp_last", "A"), Some((wanted, 1, 1)), "{name:?} {width:?}");
    }
}

#[test]
fn a_birth_speaks_for_its_own_device_until_the_next() {
    let mut line = Line::new(str::to_owned);
    let temp = || untyped(ItemName::Text("temp".to_owned()), 251);
    line.session("air-0", session(SessionKind::NodeBirth, Some(0), Some(1)), Vec::new());
    line.session("air-0", session(SessionKind::DeviceBirth, Some(1), None), typed(20, ItemFlags::SIGNED_8));
    line.session("air-1", session(SessionKind::DeviceData, Some(2), None), temp());
    assert_eq!(line.applied("air-1"), (0, 1), "251 °C is out of range");
    line.session("air-0", session(SessionKind::DeviceBirth, Some(3), None), typed(20, ItemFlags::default()));
    line.session("air-0", session(SessionKind::DeviceData, Some(4), None), temp());
    assert_eq!(line.applied("air-0"), (2, 1), "unsigned now");
}
