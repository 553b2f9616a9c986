//! Cases: things that live through steps, how fast each step is promised, and what indicators can read of them.

use std::collections::BTreeMap;

use nhip_proto::{Span, StreamId};

use super::{Stream, Validity, WorkingSpan};

/// `[[case]]`: how the readings of a stream tell the life of a case.
#[derive(Clone, Debug, PartialEq)]
pub struct CaseRules {
    /// The stream.
    pub stream: StreamId,
    /// The thing that names the case.
    pub case: String,
    /// The state that says what happened.
    pub step: String,
    /// What each word of that state means; words that are absent mean nothing here.
    pub steps: BTreeMap<String, CaseStep>,
    /// The working calendar of its clocks; none: they run by the clock.
    pub calendar: Option<String>,
    /// The quantity in which the sender states by when the case is due, seconds since 1970.
    pub due: Option<String>,
    /// The state service levels call category.
    pub category: Option<String>,
    /// The state service levels call severity.
    pub severity: Option<String>,
    /// The state that says how satisfied the reporter is.
    pub rating: Option<String>,
    /// How long after its end a case may be opened again; then it is forgotten.
    pub reopen: Span,
    /// How long before it is due a case is due soon.
    pub due_soon: Span,
    /// What is promised, in the order of the files.
    pub levels: Vec<ServiceLevel>,
    /// What an indicator over cases reads: the stream's names and the facts of a case.
    pub facts: Stream,
}

/// `[[service_level]]`: what is promised for cases of a category and severity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceLevel {
    /// Only this category; none: any.
    pub category: Option<String>,
    /// Only this severity; none: any.
    pub severity: Option<String>,
    /// From receipt to the first assignment.
    pub assign: Option<WorkingSpan>,
    /// From receipt to the first answer.
    pub respond: Option<WorkingSpan>,
    /// From receipt to the end of handling.
    pub resolve: Option<WorkingSpan>,
    /// The issuing document.
    pub document: String,
    /// Its article, or empty where it is not known.
    pub article: String,
    /// Cases received on these days.
    pub valid: Validity,
}

/// What may happen to a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CaseStep {
    /// It arrived (*mới tiếp nhận*).
    Received,
    /// It is refused, with a reason (*từ chối tiếp nhận*).
    Rejected,
    /// The reporter is asked for more; the clock stands still (*chờ bổ sung*).
    Waiting,
    /// The reporter gave it (*đã bổ sung*).
    Supplied,
    /// It repeats another case (*trùng*).
    Duplicate,
    /// Somebody has to handle it (*đã phân công*).
    Assigned,
    /// Given back as outside one's competence (*trả lại do sai thẩm quyền*).
    Returned,
    /// Being handled (*đang xử lý*).
    InProgress,
    /// More time is asked for (*xin gia hạn*).
    ExtensionAsked,
    /// More time is given (*được gia hạn*).
    Extended,
    /// No more time is given (*không được gia hạn*).
    ExtensionRefused,
    /// Handled (*đã xử lý*).
    Resolved,
    /// Handled, to be made public (*chờ công khai*).
    AwaitingPublication,
    /// Handled and public (*đã công khai*).
    Published,
    /// The reporter said how satisfied he is (*đánh giá*).
    Rated,
    /// Opened again (*mở lại*).
    Reopened,
    /// The reporter took it back (*rút*).
    Withdrawn,
}

/// The instant of a case that chooses its window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CaseInstant {
    /// Its receipt.
    Received,
    /// The first assignment.
    Assigned,
    /// The first answer to the reporter.
    Responded,
    /// The end of handling.
    Resolved,
    /// The end in whatever way: handled, refused, a duplicate, taken back.
    Ended,
    /// The newest rating.
    Rated,
    /// The newest opening after an end.
    Reopened,
}

/// How a case may stand at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// Not ended.
    Open,
    /// Open, its clock running, beyond its due time (extended if it was).
    Overdue,
    /// Open, its clock running, its due time less than `due_soon` ahead.
    DueSoon,
    /// Open, waiting for the reporter.
    Waiting,
}

/// A fact of a case an indicator may read: name, label, unit, digits behind the point.
pub type FactQuantity = (&'static str, (&'static str, &'static str), &'static str, u8);

/// The facts that are numbers.
pub const FACT_QUANTITIES: [FactQuantity; 10] = [
    ("resolve_time", ("Thời gian xử lý", "Handling time"), "h", 3),
    (
        "resolve_elapsed",
        ("Thời gian từ tiếp nhận đến xử lý xong", "Time from receipt to the end of handling"),
        "h",
        3,
    ),
    ("assign_time", ("Thời gian phân công", "Time to assignment"), "h", 3),
    ("respond_time", ("Thời gian phản hồi đầu tiên", "Time to the first answer"), "h", 3),
    ("waiting_time", ("Thời gian chờ bổ sung", "Time waiting for the reporter"), "h", 3),
    ("supplements", ("Số lần yêu cầu bổ sung", "Requests for more"), "1", 0),
    ("returns", ("Số lần trả lại", "Times given back"), "1", 0),
    ("extensions", ("Số lần gia hạn", "Extensions"), "1", 0),
    ("reopens", ("Số lần mở lại", "Times opened again"), "1", 0),
    ("irregular", ("Số bước trái quy trình", "Steps against the rules"), "1", 0),
];

/// Whether a quantity is one every profile with cases has.
pub(crate) fn is_case_fact(name: &str) -> bool {
    FACT_QUANTITIES.iter().any(|(fact, ..)| *fact == name)
}

/// The facts that are words.
pub const FACT_STATES: [(&str, &[&str]); 3] = [
    ("on_time", &["original", "extended", "late"]),
    ("assigned_on_time", &["yes", "no"]),
    ("responded_on_time", &["yes", "no"]),
];

impl CaseStep {
    /// All steps with their words.
    pub const ALL: [(&'static str, Self); 17] = [
        ("received", Self::Received),
        ("rejected", Self::Rejected),
        ("waiting", Self::Waiting),
        ("supplied", Self::Supplied),
        ("duplicate", Self::Duplicate),
        ("assigned", Self::Assigned),
        ("returned", Self::Returned),
        ("in_progress", Self::InProgress),
        ("extension_asked", Self::ExtensionAsked),
        ("extended", Self::Extended),
        ("extension_refused", Self::ExtensionRefused),
        ("resolved", Self::Resolved),
        ("awaiting_publication", Self::AwaitingPublication),
        ("published", Self::Published),
        ("rated", Self::Rated),
        ("reopened", Self::Reopened),
        ("withdrawn", Self::Withdrawn),
    ];

    /// The step of a word.
    #[must_use]
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == word).map(|(_, step)| *step)
    }

    /// On screens, Vietnamese.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Received => "Mới tiếp nhận",
            Self::Rejected => "Từ chối tiếp nhận",
            Self::Waiting => "Chờ bổ sung",
            Self::Supplied => "Đã bổ sung",
            Self::Duplicate => "Trùng",
            Self::Assigned => "Đã phân công",
            Self::Returned => "Trả lại do sai thẩm quyền",
            Self::InProgress => "Đang xử lý",
            Self::ExtensionAsked => "Xin gia hạn",
            Self::Extended => "Được gia hạn",
            Self::ExtensionRefused => "Không được gia hạn",
            Self::Resolved => "Đã xử lý",
            Self::AwaitingPublication => "Chờ công khai",
            Self::Published => "Đã công khai",
            Self::Rated => "Đã đánh giá",
            Self::Reopened => "Mở lại",
            Self::Withdrawn => "Đã rút",
        }
    }
}

impl CaseInstant {
    /// All instants with their words.
    pub const ALL: [(&'static str, Self); 7] = [
        ("received", Self::Received),
        ("assigned", Self::Assigned),
        ("responded", Self::Responded),
        ("resolved", Self::Resolved),
        ("ended", Self::Ended),
        ("rated", Self::Rated),
        ("reopened", Self::Reopened),
    ];

    /// Its word.
    #[must_use]
    pub fn word(self) -> &'static str {
        Self::ALL.iter().find(|(_, known)| *known == self).map_or("", |(word, _)| word)
    }
}

impl Standing {
    /// All of them with their words.
    pub const ALL: [(&'static str, Self); 4] = [
        ("open", Self::Open),
        ("overdue", Self::Overdue),
        ("due_soon", Self::DueSoon),
        ("waiting", Self::Waiting),
    ];

    /// Its word.
    #[must_use]
    pub fn word(self) -> &'static str {
        Self::ALL.iter().find(|(_, known)| *known == self).map_or("", |(word, _)| word)
    }
}
