//! docs/coverage.md tells the truth: it is written from docs/coverage.toml and the profile, names only what exists,
//! and every row fed by the demo shows a figure that leads back to its messages.

#[path = "coverage/live.rs"]
mod live;
#[path = "coverage/plan.rs"]
mod plan;
#[path = "coverage/table.rs"]
mod table;

use std::path::PathBuf;

use plan::Plan;

/// Where the table stands, from the root of the tree.
const PAGE: &str = "docs/coverage.md";

#[test]
fn the_page_is_what_the_generator_writes() {
    let plan = Plan::read();
    let written = table::write(&plan);
    let page = root().join(PAGE);
    if asked_to_write() {
        std::fs::write(&page, &written).expect("the page is written");
    }
    let stands = std::fs::read_to_string(&page).unwrap_or_default();
    assert!(stands == written, "{PAGE} is stale: run `cargo xtask coverage`");
}

#[test]
fn the_page_names_only_what_exists() {
    let mistakes = Plan::read().mistakes();
    assert!(mistakes.is_empty(), "docs/coverage.toml:\n{}", mistakes.join("\n"));
}

#[test]
fn every_domain_takes_its_turn_on_the_wall() {
    let plan = Plan::read();
    let absent = plan.domains_on_no_screen();
    assert!(absent.is_empty(), "domains with indicators and without a tile or page: {absent:?}");
}

#[test]
fn every_row_the_demo_feeds_shows_a_figure_that_leads_to_its_messages() {
    live::judge(&Plan::read());
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Set by `cargo xtask coverage`.
#[expect(clippy::disallowed_methods, reason = "the generator is asked by the environment")]
fn asked_to_write() -> bool {
    std::env::var("NHIP_WRITE_COVERAGE").is_ok()
}
