//! What a screen looks at: a view of the whole installation, or the same view limited to one area.

use nhip_profile::Profile;
use nhip_proto::{AreaCode, SourceId};

/// A view and the area it is limited to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Scope {
    /// The view's id.
    pub(crate) view: String,
    /// Only this area and what lies inside it; none: everything the view shows.
    pub(crate) area: Option<AreaCode>,
}

impl Scope {
    /// A view of the whole installation.
    #[must_use]
    pub(crate) fn whole(view: &str) -> Self {
        Self { view: view.to_owned(), area: None }
    }

    /// A view as a client asks for it: by its id and perhaps an area's code.
    #[must_use]
    pub(crate) fn asked(view: &str, area: Option<&str>) -> Self {
        Self { view: view.to_owned(), area: area.map(AreaCode::new) }
    }

    /// Whether a profile has the view and the area.
    #[must_use]
    pub(crate) fn is_of(&self, profile: &Profile) -> bool {
        let known = self.area.as_ref().is_none_or(|area| profile.areas.contains_key(area));
        known && profile.views.contains_key(&self.view)
    }

    /// Whether a source may be named on such a screen: a screen of one area hears of that area's sources only.
    #[must_use]
    pub(crate) fn concerns(&self, profile: &Profile, source: &SourceId) -> bool {
        self.area.as_ref().is_none_or(|area| profile.ancestry(&profile.source_area(source)).contains(area))
    }
}
