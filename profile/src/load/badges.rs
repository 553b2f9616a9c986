//! `[[badge]]`: which named formulas give the four words of a class, with the profile's version of the choice.

use super::Loading;
use crate::read::Section;
use crate::{BadgeRules, Class, DuFormula, DungFormula, SachFormula, SongFormula};

pub(super) const CLASSES: [(&str, Class); 4] = [
    ("machine", Class::Machine),
    ("case", Class::Case),
    ("statistic", Class::Statistic),
    ("typed", Class::Typed),
];

pub(super) fn read(sections: Vec<Section<'_>>, loading: &mut Loading<'_>) {
    for section in sections {
        if let Some(rules) = read_one(&section)
            && loading.profile.badges.insert(rules.class, rules).is_some()
        {
            let reason = format!("\"{}\" is declared twice", rules.class.as_str());
            section.mistake("class", reason, "each class once");
        }
        section.finish();
    }
}

fn read_one(section: &Section<'_>) -> Option<BadgeRules> {
    let class = section.choice("class", &CLASSES);
    let version = section.whole("version", u8::MAX);
    let standard = BadgeRules::standard(class.unwrap_or_default());
    let dung = formula(section, "dung", &DungFormula::NAMES, standard.dung);
    let du = formula(section, "du", &DuFormula::NAMES, standard.du);
    let sach = formula(section, "sach", &SachFormula::NAMES, standard.sach);
    let song = formula(section, "song", &SongFormula::NAMES, standard.song);
    Some(BadgeRules {
        class: class?,
        version: u32::from(version?),
        dung: dung?,
        du: du?,
        sach: sach?,
        song: song?,
    })
}

fn formula<T: Copy>(
    section: &Section<'_>,
    key: &'static str,
    names: &[(&'static str, T)],
    standard: T,
) -> Option<T> {
    if section.has(key) { section.choice(key, names) } else { Some(standard) }
}
