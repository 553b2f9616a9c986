//! In front of every route: who may ask, and what every answer says of itself.

use std::sync::Arc;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::Node;
use super::problem::Problem;

/// Longest host name repeated in the policy.
const HOST_BYTES_MAX: usize = 255;

/// Checks Host and Origin, counts, and sets the security headers.
pub(crate) async fn guard(State(node): State<Arc<Node>>, request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().map_or("other", MatchedPath::as_str).to_owned();
    let host = host_of(request.headers()).map(str::to_owned);
    let upgrade = request.headers().contains_key(header::UPGRADE);
    let checked = check(&node, request.method(), upgrade, request.headers(), host.as_deref());
    let mut response = match checked {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    };
    let status = response.status().as_str().to_owned();
    metrics::counter!("nhip_dashboard_requests_total", "route" => route, "status" => status).increment(1);
    secure(response.headers_mut(), host.as_deref());
    response
}

fn check(
    node: &Node,
    method: &Method,
    upgrade: bool,
    headers: &HeaderMap,
    host: Option<&str>,
) -> Result<(), Problem> {
    // Against DNS rebinding: a foreign name that resolves to loopback is not us.
    if node.local.ip().is_loopback() && !host.is_some_and(is_loopback_name) {
        return Err(Problem::misdirected());
    }
    let acts = upgrade || !(method == Method::GET || method == Method::HEAD);
    match headers.get(header::ORIGIN) {
        Some(origin) if acts && !own_origin(origin, host, &node.config.origins) => {
            metrics::counter!("nhip_dashboard_origins_refused_total").increment(1);
            Err(Problem::forbidden("a page of another origin may not do this"))
        }
        // No Origin: no browser.
        _ => Ok(()),
    }
}

fn own_origin(origin: &HeaderValue, host: Option<&str>, allowed: &[String]) -> bool {
    let Ok(origin) = origin.to_str() else { return false };
    let bare = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
    let same = bare.zip(host).is_some_and(|(bare, host)| bare.eq_ignore_ascii_case(host));
    same || allowed.iter().any(|other| other.eq_ignore_ascii_case(origin))
}

fn host_of(headers: &HeaderMap) -> Option<&str> {
    let host = headers.get(header::HOST)?.to_str().ok()?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte);
    (host.len() <= HOST_BYTES_MAX && !host.is_empty() && host.bytes().all(plain)).then_some(host)
}

fn is_loopback_name(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split_once(']').map_or(rest, |(name, _)| name),
        None => host.split_once(':').map_or(host, |(name, _)| name),
    };
    name.eq_ignore_ascii_case("localhost")
        || name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn secure(headers: &mut HeaderMap, host: Option<&str>) {
    // 'self' covers ws: in today's browsers only, so the page's own socket is named.
    let sockets = host.map_or_else(String::new, |host| format!(" ws://{host} wss://{host}"));
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self' data:; \
         connect-src 'self'{sockets}; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
    );
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    let fixed: [(HeaderName, &'static str); 5] = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (HeaderName::from_static("permissions-policy"), "camera=(), microphone=(), geolocation=()"),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_names_are_loopback() {
        for name in ["localhost", "localhost:8080", "127.0.0.1:80", "[::1]:8080", "[::1]", "127.8.9.1"] {
            assert!(is_loopback_name(name), "{name}");
        }
        for name in ["evil.example", "localhost.evil.example", "10.0.0.1:8080", "[fe80::1]", ""] {
            assert!(!is_loopback_name(name), "{name}");
        }
    }

    #[test]
    fn an_origin_must_be_the_host_or_listed() {
        let allowed = ["https://ioc.example".to_owned()];
        let ok = |origin: &'static str| {
            own_origin(&HeaderValue::from_static(origin), Some("127.0.0.1:8080"), &allowed)
        };
        assert!(ok("http://127.0.0.1:8080"));
        assert!(ok("https://ioc.example"));
        for origin in
            ["http://127.0.0.1:8081", "null", "http://evil.example", "http://127.0.0.1:8080.evil.example", ""]
        {
            assert!(!ok(origin), "{origin}");
        }
    }
}
