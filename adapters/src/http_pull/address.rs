//! An `http` or `https` address, as far as this link needs one.

/// Bytes of an address at most; a server may not lead further.
const ADDRESS_BYTES_MAX: usize = 4_096;

/// Where a request goes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Address {
    pub(super) secure: bool,
    pub(super) host: String,
    pub(super) port: u16,
    /// Path and query, beginning with `/`.
    pub(super) target: String,
}

impl Address {
    /// Reads `http(s)://host[:port][/…]`; no user, no fragment.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (secure, rest) = match (text.strip_prefix("https://"), text.strip_prefix("http://")) {
            (Some(rest), _) => (true, rest),
            (None, Some(rest)) => (false, rest),
            (None, None) => return None,
        };
        let rest = rest.split('#').next().unwrap_or_default();
        let split = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, target) = rest.split_at_checked(split)?;
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, port.parse().ok()?),
            _ => (authority, if secure { 443 } else { 80 }),
        };
        let plain = !host.is_empty() && !host.contains(['@', ' ']) && is_target(target);
        let slash = if target.starts_with('/') { "" } else { "/" };
        let fits = plain && text.len() <= ADDRESS_BYTES_MAX;
        fits.then(|| Self { secure, host: host.to_owned(), port, target: format!("{slash}{target}") })
    }

    /// The address a page names: whole, or from the root of this server. None if it leads to another server: tokens
    /// and requests stay where the operator sent them.
    pub(super) fn join(&self, link: &str) -> Option<Self> {
        let next = if link.starts_with('/') && !link.starts_with("//") {
            let fits = is_target(link) && link.len() <= ADDRESS_BYTES_MAX;
            fits.then(|| Self { target: link.to_owned(), ..self.clone() })?
        } else if link.starts_with('?') {
            let path = self.target.split('?').next().unwrap_or_default();
            Self::parse(&format!("{}{path}{link}", self.origin()))?
        } else {
            Self::parse(link)?
        };
        (next.origin() == self.origin()).then_some(next)
    }

    /// With a parameter set in the query.
    pub(super) fn with_parameter(&self, name: &str, value: u64) -> Self {
        let (path, query) = self.target.split_once('?').unwrap_or((&self.target, ""));
        let own = format!("{name}=");
        let mut parts: Vec<&str> =
            query.split('&').filter(|part| !part.is_empty() && !part.starts_with(&own)).collect();
        let set = format!("{own}{value}");
        parts.push(&set);
        Self { target: format!("{path}?{}", parts.join("&")), ..self.clone() }
    }

    pub(super) fn origin(&self) -> String {
        format!("{}://{}:{}", if self.secure { "https" } else { "http" }, self.host, self.port)
    }

    /// The `Host` header.
    pub(super) fn authority(&self) -> String {
        let usual = if self.secure { 443 } else { 80 };
        if self.port == usual { self.host.clone() } else { format!("{}:{}", self.host, self.port) }
    }
}

/// Printable ASCII without blanks: nothing that ends a request line.
fn is_target(target: &str) -> bool {
    target.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Option<String> {
        Address::parse(text).map(|one| format!("{} {}", one.origin(), one.target))
    }

    #[test]
    fn addresses_are_read_and_joined() {
        assert_eq!(shown("https://a.vn").as_deref(), Some("https://a.vn:443 /"));
        assert_eq!(shown("http://a.vn:81/b?c=1#d").as_deref(), Some("http://a.vn:81 /b?c=1"));
        assert_eq!(shown("http://[::1]:81?x").as_deref(), Some("http://[::1]:81 /?x"));
        for text in
            ["", "ftp://a", "http://", "http://u@a/", "http://a/b c", "http://a:99999/", "http://a/\r\nX: y"]
        {
            assert_eq!(shown(text), None, "{text:?}");
        }
        let here = Address::parse("http://a:81/v1/list?page=2&limit=5").expect("an address");
        let joined = |link: &str| here.join(link).map(|next| next.target);
        assert_eq!(joined("/v1/list?page=3").as_deref(), Some("/v1/list?page=3"));
        assert_eq!(joined("?page=3").as_deref(), Some("/v1/list?page=3"));
        assert_eq!(joined("http://a:81/x").as_deref(), Some("/x"));
        for elsewhere in ["http://b:81/x", "https://a:81/x", "http://a/x", "//b/x", "x", "/a\r\nb"] {
            assert_eq!(joined(elsewhere), None, "{elsewhere:?}");
        }
        assert_eq!(here.with_parameter("page", 3).target, "/v1/list?limit=5&page=3");
    }
}
