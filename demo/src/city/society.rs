//! What registers and statistics of society, economy and government tell: counts whose parts never exceed their whole.
//! The numbers are of a likely size for one sender, and nobody's.

use super::model::{Behaviour, FLAT, Gauge, Milli, gauge, level};

/// One unit in thousandths.
const ONE: Milli = 1_000;

/// A count: so much usually, all of it.
const fn whole(usual: i64) -> Gauge {
    part(usual, 1_000, 0)
}

/// A part of a count, per mille, wandering.
const fn part(usual: i64, share: i64, spread: i64) -> Gauge {
    gauge(Behaviour::Part { whole: usual * ONE, share, spread }, "", 0)
}

/// A running sum of the civil year, of what the year should bring, by its pace per mille.
const fn to_date(year: i64, pace: i64) -> Gauge {
    gauge(Behaviour::YearToDate { whole: year * ONE, pace }, "", 1)
}

/// An index or score in thousandths that moves a little.
const fn score(usual: Milli, digits: u8) -> Gauge {
    gauge(level(&FLAT, usual, (10, 4), (0, usual * 2)), "", digits)
}

/// The gauge of a quantity; none: it is not of society.
pub(super) fn gauge_of(name: &str) -> Option<Gauge> {
    people(name).or_else(|| office(name)).or_else(|| procedures(name)).or_else(|| economy(name))
}

fn people(name: &str) -> Option<Gauge> {
    Some(match name {
        "beds" => whole(420),
        "beds_occupied" => part(420, 860, 90),
        "er_patients" => whole(14),
        "er_wait" => gauge(level(&FLAT, 19 * ONE, (200, 300), (ONE, 180 * ONE)), "", 1),
        "notifiable_cases" => gauge(Behaviour::Rare { percent: 70, most: 6 }, "", 0),
        "guests" => whole(1_900),
        "guests_foreign" => part(1_900, 60, 25),
        "rooms" => whole(640),
        "rooms_used" => part(640, 540, 180),
        "tourism_revenue" => whole(2_100),
        "pupils" => whole(38_000),
        "pupils_absent" => part(38_000, 21, 9),
        "schools" => whole(62),
        "schools_connected" => part(62, 965, 20),
        "culture_events" => whole(34),
        "culture_visitors" => whole(21_000),
        "jobs_created" => whole(900),
        "households" => whole(14_500),
        "households_poor" => part(14_500, 9, 3),
        "households_cultural" => part(14_500, 930, 20),
        "residents" => whole(260_000),
        "residents_insured" => part(260_000, 947, 8),
        _ => return None,
    })
}

fn office(name: &str) -> Option<Gauge> {
    Some(match name {
        "documents" => whole(310),
        "documents_online" => part(310, 990, 8),
        "documents_out" => whole(120),
        "documents_signed" => part(120, 965, 25),
        "documents_committee" => whole(26),
        "documents_committee_electronic" => part(26, 995, 5),
        "documents_outside" => whole(38),
        "documents_outside_electronic" => part(38, 880, 60),
        "workfiles" => whole(95),
        "workfiles_online" => part(95, 900, 60),
        "staff" => whole(2_450),
        "mailboxes" => part(2_450, 985, 10),
        "certificates" => part(2_450, 760, 20),
        "reports_due" => whole(9),
        "reports_on_time" => part(9, 960, 40),
        "tasks_open" => whole(120),
        "tasks_overdue" => part(120, 25, 20),
        "goals" => whole(18),
        "goals_on_track" => part(18, 860, 60),
        "figures_shown" => whole(52),
        "figures_typed" => part(52, 300, 60),
        "platform_reached" => gauge(Behaviour::Rare { percent: 30, most: 1 }, "", 0),
        _ => return None,
    })
}

fn procedures(name: &str) -> Option<Gauge> {
    Some(match name {
        "procedures" => whole(480),
        "procedures_full" => part(480, 610, 20),
        "procedures_part" => part(480, 230, 20),
        "procedures_devices" => part(480, 780, 20),
        "procedures_base" => whole(520),
        "procedures_cut" => part(520, 170, 20),
        "procedures_fee" => whole(210),
        "procedures_payable" => part(210, 860, 20),
        "results_returned" => whole(140),
        "results_by_post" => part(140, 130, 50),
        "lookups" => whole(420),
        "transactions" => whole(900),
        "transactions_authenticated" => part(900, 985, 12),
        "people_target" => whole(61_000),
        "people_joined" => part(61_000, 720, 15),
        "people_identified" => part(61_000, 560, 15),
        "firms_target" => whole(1_300),
        "firms_joined" => part(1_300, 690, 20),
        "firms_identified" => part(1_300, 510, 20),
        _ => return None,
    })
}

fn economy(name: &str) -> Option<Gauge> {
    Some(match name {
        "revenue_ytd" => to_date(26_000, 1_040),
        "revenue_expected" => to_date(26_000, 1_000),
        "revenue_estimate" => to_size(26_000),
        "disbursed_ytd" => to_date(4_200, 900),
        "disburse_expected" => to_date(4_200, 950),
        "disburse_plan" => to_size(4_200),
        "grdp_real" => whole(54_000),
        "grdp_real_before" => part(54_000, 912, 4),
        "iip_index" => score(113_400, 2),
        "cpi_index" => score(103_200, 2),
        "retail" => whole(21_500),
        "retail_before" => part(21_500, 865, 10),
        "exports" => whole(820),
        "imports" => part(820, 440, 40),
        "fdi_registered" => whole(34),
        "fdi_projects" => gauge(Behaviour::Rare { percent: 95, most: 9 }, "", 0),
        "firms_new" => whole(11),
        "firms_dissolved" => part(11, 250, 150),
        "capital_new" => whole(70),
        "taxpayers" => whole(5_200),
        "taxpayers_filing" => part(5_200, 994, 4),
        "taxpayers_paying" => part(5_200, 989, 6),
        "rice_area" => whole(31_000),
        "rice_output" => part(31_000 * 6, 990, 15),
        "crop_area" => whole(46_000),
        "crop_area_coded" => part(46_000, 240, 20),
        "firms_surveyed" => whole(600),
        "firms_selling_online" => part(600, 390, 30),
        "firms_digital" => part(600, 90, 15),
        "dti_score" | "pci_score" | "par_score" => score(67_500, 2),
        "ict_index_score" => score(520, 3),
        "dti_rank" | "pci_rank" | "par_rank" | "ict_index_rank" => score(19_000, 0),
        _ => return None,
    })
}

/// What a year should bring, as large for its sender as what has come together of it.
const fn to_size(year: i64) -> Gauge {
    gauge(Behaviour::YearSize { whole: year * ONE }, "", 1)
}

#[cfg(test)]
mod tests {
    use super::super::dice::Dice;
    use super::super::model::Moment;
    use super::*;

    fn value(name: &str, seconds: i64, purpose: u64) -> i64 {
        let dice = Dice::of(3, "tn-eof-01");
        let moment = Moment { dice: &dice, seconds, civil_s: 0, purpose, minutes: 1_440, year: 750 };
        gauge_of(name).expect("a gauge").milli(&moment)
    }

    #[test]
    fn a_part_is_never_more_than_its_whole() {
        for day in 0..400 {
            for (part, whole) in [
                ("documents_signed", "documents_out"),
                ("schools_connected", "schools"),
                ("reports_on_time", "reports_due"),
                ("taxpayers_filing", "taxpayers"),
            ] {
                let (part, whole) = (value(part, day * 86_400, 2), value(whole, day * 86_400, 1));
                assert!((0..=whole).contains(&part) && whole > 0, "{part} of {whole}");
                assert_eq!(part % ONE, 0, "things are whole");
            }
        }
    }

    #[test]
    fn what_comes_together_follows_the_year() {
        let (done, year) = (value("revenue_ytd", 5, 1), value("revenue_estimate", 5, 2));
        assert_eq!(done, year * 750 / 1_000 * 1_040 / 1_000);
    }
}
