//! One finding: how bad, about what, where, what is allowed, what to do.

use std::fmt;

use serde::Serialize;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Grade {
    Fine,
    /// To be known; nothing to do.
    Note,
    /// It runs, and one day it hurts.
    Warning,
    /// It does not start, or a promise does not hold.
    Error,
}

/// One thing that was looked at.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Finding {
    pub(crate) grade: Grade,
    /// What kind of thing: `disk`, `clock`, …
    pub(crate) check: &'static str,
    /// Where.
    pub(crate) place: String,
    /// What was found.
    pub(crate) what: String,
    /// What is allowed; empty if it is fine.
    pub(crate) allowed: String,
    /// What to do; empty if nothing.
    pub(crate) advice: String,
}

impl Finding {
    /// As it should be.
    pub(crate) fn fine(check: &'static str, place: impl fmt::Display, what: impl Into<String>) -> Self {
        Self::of(Grade::Fine, check, place, what.into(), "", "")
    }

    /// To be known.
    pub(crate) fn note(check: &'static str, place: impl fmt::Display, what: impl Into<String>) -> Self {
        Self::of(Grade::Note, check, place, what.into(), "", "")
    }

    /// Not good.
    pub(crate) fn warning(
        check: &'static str,
        place: impl fmt::Display,
        what: impl Into<String>,
        allowed: &str,
        advice: &str,
    ) -> Self {
        Self::of(Grade::Warning, check, place, what.into(), allowed, advice)
    }

    /// Bad.
    pub(crate) fn error(
        check: &'static str,
        place: impl fmt::Display,
        what: impl Into<String>,
        allowed: &str,
        advice: &str,
    ) -> Self {
        Self::of(Grade::Error, check, place, what.into(), allowed, advice)
    }

    fn of(
        grade: Grade,
        check: &'static str,
        place: impl fmt::Display,
        what: String,
        allowed: &str,
        advice: &str,
    ) -> Self {
        let (allowed, advice) = (allowed.to_owned(), advice.to_owned());
        Self { grade, check, place: place.to_string(), what, allowed, advice }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let grade = match self.grade {
            Grade::Fine => "fine",
            Grade::Note => "note",
            Grade::Warning => "WARNING",
            Grade::Error => "ERROR",
        };
        write!(f, "{grade:8}{:9}{}: {}", self.check, self.place, self.what)?;
        if !self.allowed.is_empty() {
            write!(f, "\n{:17}allowed: {}", "", self.allowed)?;
        }
        if !self.advice.is_empty() {
            write!(f, "\n{:17}do: {}", "", self.advice)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_says_what_where_what_is_allowed_and_what_to_do() {
        let finding = Finding::error("keys", "/k", "mode 755", "700", "chmod 700 /k");
        let text =
            "ERROR   keys     /k: mode 755\n                 allowed: 700\n                 do: chmod 700 /k";
        assert_eq!(finding.to_string(), text);
        assert_eq!(Finding::fine("disk", "/d", "ext4").to_string(), "fine    disk     /d: ext4");
    }
}
