//! Single rules at their edges: late, horizon, idle, gaps, strangers, periods, never heard.

use nhip_proto::{
    AreaCode, ArrivalTime, EventTime, Gap, GapCause, IndicatorId, Item, ItemFlags, ItemReason, ItemValue,
    MINUTE, Record, RowState, SECOND, Share,
};

use crate::line::Line;
use crate::world::{HOUR, START, number, state};

fn at(mut item: Item, time: i64) -> Vec<Item> {
    item.event_time = Some(EventTime(time));
    vec![item]
}

fn pm25(time: i64, tenths: i64) -> Vec<Item> {
    at(number("pm25", tenths, 1), time)
}

fn counts(line: &Line, source: &str) -> nhip_proto::LedgerCounts {
    line.engine.ledger().into_iter().find(|row| row.source.as_str() == source).expect("a source").counts
}

#[test]
fn lateness_is_measured_against_the_source_alone() {
    let mut line = Line::new(str::to_owned);
    line.now = START + 2 * HOUR;
    line.say("air-0", "air", pm25(START + 2 * HOUR, 400));
    line.say("air-0", "air", pm25(START + HOUR, 401));
    line.say("air-0", "air", pm25(START + HOUR - 1, 402));
    line.say("air-1", "air", pm25(START + HOUR - 1, 403));
    let (first, second) = (counts(&line, "air-0"), counts(&line, "air-1"));
    assert_eq!((first.applied, first.late), (2, 1));
    assert_eq!((second.applied, second.late), (1, 0));
}

#[test]
fn a_window_beyond_the_horizon_is_settled_and_forgotten() {
    let mut line = Line::new(str::to_owned);
    line.now = START + MINUTE;
    line.say("air-0", "air", pm25(START, 400));
    line.tick(80 * HOUR);
    let finals = line.rows().filter(|row| row.state == RowState::Final).count();
    assert!(finals > 0, "no window leaves without its final row");
    let (indicator, area) = (IndicatorId::new("env.pm25_10m"), AreaCode::new("A"));
    assert!(line.engine.explain(&indicator, &area, "", Some(EventTime(START))).is_none());
    line.say("air-1", "air", pm25(START, 400));
    assert_eq!(counts(&line, "air-1").late, 1, "every window is beyond the horizon");
    line.say("air-1", "air", at(number("temp", 200, 1), line.now));
    assert_eq!(counts(&line, "air-1").applied, 1);
}

#[test]
fn a_source_never_heard_holds_figures_back_only_until_it_is_idle() {
    let mut line = Line::new(str::to_owned);
    line.now = START + MINUTE;
    line.say("air-0", "air", pm25(START - 30 * MINUTE, 300));
    line.say("air-0", "air", pm25(START, 400));
    let closed =
        |line: &Line| line.rows().any(|row| row.state == RowState::Final && row.key.area.as_str() == "P");
    line.tick(MINUTE);
    assert!(!closed(&line), "air-1 may still speak");
    assert!(
        line.rows().any(|row| row.state == RowState::Final && row.key.area.as_str() == "A"),
        "A has one source"
    );
    line.tick(MINUTE + 1);
    assert!(closed(&line), "silent for three cadences since the profile named it");
}

#[test]
fn after_a_gap_silence_is_judged_later() {
    let live = |gap: bool| {
        let mut line = Line::new(str::to_owned);
        line.now = START + MINUTE;
        line.say("air-0", "air", pm25(START + MINUTE, 400));
        line.tick(SECOND);
        line.now = START + 10 * MINUTE;
        let (from, to) = (ArrivalTime(START + MINUTE), ArrivalTime(line.now));
        if gap {
            let cause = GapCause::Downtime;
            line.put(Record::Gap(Gap { at: to, cause, from, to, principal: String::new(), lost: 0 }));
        }
        line.tick(SECOND);
        let badge = |line: &Line| line.row("env.pm25_10m", "A").and_then(|row| row.badge.song);
        let first = badge(&line);
        line.tick(2 * MINUTE);
        (first, badge(&line))
    };
    assert_eq!(live(false), (Share::of(0, 1), Share::of(0, 1)));
    assert_eq!(live(true), (Share::of(1, 1), Share::of(0, 1)));
}

#[test]
fn strangers_count_in_an_open_stream_only() {
    let mut line = Line::new(str::to_owned);
    line.now = START + MINUTE;
    line.say("who", "air", pm25(START, 400));
    assert_eq!(counts(&line, "who").item_rejected, 1);
    let mut line =
        Line::new(|text| text.replacen("identity = \"time\"", "identity = \"time\"\nopen = true", 1));
    line.now = START + MINUTE;
    line.say("who", "air", pm25(START, 400));
    line.say("air-0", "air", pm25(START, 300));
    line.tick(SECOND);
    assert_eq!(line.amounts("env.pm25_10m", "unassigned"), Some((400, 1, 1)));
    assert_eq!(line.amounts("env.pm25_10m", "P"), Some((700, 2, 3)), "one of the two due, and one stranger");
    assert_eq!(line.amounts("env.pm25_10m", "A"), Some((300, 1, 1)));
}

#[test]
fn a_period_belongs_to_the_window_of_its_last_instant() {
    let mut line = Line::new(str::to_owned);
    line.now = START + HOUR;
    let mut items = pm25(START + 10 * MINUTE, 400);
    items[0].period = Some((EventTime(START), EventTime(START + 10 * MINUTE)));
    line.say("air-0", "air", items);
    let row = line.row("env.pm25_10m", "A").expect("a figure");
    assert_eq!(row.key.window_start.0, START);
    assert_eq!(row.event_time, Some(EventTime(START + 10 * MINUTE)));
}

#[test]
fn the_first_of_conflicting_readings_stands() {
    let mut line = Line::new(str::to_owned);
    line.now = START + MINUTE;
    for tenths in [400, 400, 999] {
        line.say("air-0", "air", pm25(START, tenths));
    }
    let counts = counts(&line, "air-0");
    assert_eq!((counts.applied, counts.duplicate, counts.conflicting), (1, 2, 1));
    line.tick(SECOND);
    assert_eq!(line.amounts("env.pm25_10m", "A"), Some((400, 1, 1)));
    assert_eq!(line.row("env.pm25_10m", "A").and_then(|row| row.badge.sach), Share::of(2, 3));
}

#[test]
fn what_was_never_heard_is_on_the_board_without_a_value() {
    let line = Line::new(str::to_owned);
    let board = line.engine.board();
    let figure = board.figures.iter().find(|figure| {
        figure.row.key.indicator.as_str() == "env.pm25_10m" && figure.row.key.area.as_str() == "P"
    });
    let row = &figure.expect("the province").row;
    assert_eq!((row.value, row.k, row.m, row.event_time), (None, 0, 2, None));
    let nothing = |figure: &&std::sync::Arc<nhip_proto::Figure>| figure.row.key.area.as_str() == "C";
    assert!(!board.figures.iter().any(|figure| nothing(&figure)), "nobody is due in C");
}

#[test]
fn explain_names_who_is_missing() {
    let mut line = Line::new(str::to_owned);
    line.now = START + MINUTE;
    line.say("air-0", "air", pm25(START, 400));
    let explained = line.engine.explain(&IndicatorId::new("env.pm25_10m"), &AreaCode::new("P"), "", None);
    let explained = explained.expect("a figure");
    let names = |ids: &[nhip_proto::SourceId]| ids.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(names(&explained.due), ["air-0", "air-1"]);
    assert_eq!(names(&explained.missing), ["air-1"]);
    assert_eq!(names(&explained.figure.row.provenance.sources), ["air-0"]);
    assert_eq!(explained.figure.row.provenance.samples.len(), 1);
    assert!(explained.definition.contains("pm25"));
}

#[test]
fn an_update_tells_what_changed_and_nothing_else() {
    let mut line = Line::new(str::to_owned);
    assert!(line.engine.update().profile_changed);
    line.now = START + MINUTE;
    line.say("air-0", "air", pm25(START, 400));
    let update = line.engine.update();
    assert!(!update.profile_changed);
    let keys: Vec<String> = update
        .figures
        .iter()
        .map(|figure| format!("{} {}", figure.row.key.indicator, figure.row.key.area))
        .collect();
    assert_eq!(keys, ["env.pm25_10m A", "env.pm25_10m P", "env.pm25_1d A", "env.pm25_1d P"]);
    assert_eq!(update.sources.len(), 1);
    assert!(line.engine.update().figures.is_empty());
}

#[test]
fn a_state_the_profile_does_not_know_is_invalid_and_not_missing() {
    let mut line = Line::new(str::to_owned);
    line.now = START + MINUTE;
    for flags in [ItemFlags::UNDECLARED_VALUE, ItemFlags::default()] {
        let mut item = state("class", "car");
        (item.value, item.flags) = (ItemValue::Missing, flags);
        line.say("traffic-0", "traffic", vec![item]);
    }
    let reasons: Vec<_> = line.engine.rejections(10).into_iter().map(|line| line.reason).collect();
    assert_eq!(reasons, [Err(ItemReason::Missing), Err(ItemReason::ValueInvalid)]);
    let counts = counts(&line, "traffic-0");
    assert_eq!(counts.item_reasons[ItemReason::Missing.code() as usize - 1], 1);
    assert_eq!(counts.item_reasons[ItemReason::ValueInvalid.code() as usize - 1], 1);
}

#[test]
fn a_name_that_comes_again_begins_another_reading() {
    let every = |text: &str| text.replacen("identity = \"sequence\"", "identity = \"none\"", 1);
    let count = |number_of: i64| number("count", number_of, 0);
    let class = |text: &str| state("class", text);
    let missing = || Item { value: ItemValue::Missing, ..class("car") };
    let trucks = |items: Vec<Item>| {
        let mut line = Line::new(every);
        line.now = START + MINUTE;
        line.say("traffic-0", "traffic", items);
        line.row("traffic.trucks_5m", "A").map(|row| row.numerator)
    };
    assert_eq!(trucks(vec![count(5), class("car"), count(7), class("truck")]), Some(7));
    assert_eq!(trucks(vec![count(5), class("truck"), count(7), class("car")]), Some(5));
    assert_eq!(trucks(vec![count(5), class("truck"), count(7)]), Some(5), "the second names no class");
    assert_eq!(trucks(vec![count(5), missing(), class("truck"), count(7)]), Some(7), "nor does the first");
    assert_eq!(trucks(vec![class("truck"), count(5), count(7)]), Some(5));
}
