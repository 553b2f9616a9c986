//! The built pages inside the binary; without them, a page that says so.

use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Redirect, Response};
use rust_embed::{EmbeddedFile, RustEmbed};
use serde::Deserialize;

use super::Node;
use super::catalog::hex;
use super::lists::Asked;
use super::live::takes_gzip;
use super::problem::Problem;
use crate::scope::Scope;

/// What `cargo xtask web` built.
#[derive(RustEmbed)]
#[folder = "../web/dist"]
#[allow_missing = true]
struct Built;

const NOT_BUILT: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Nhịp</title>\
<p>web files were not built: run cargo xtask web</p></html>\n";
/// Shortest run of letters and digits in a file name taken for a content hash.
const HASH_CHARACTERS_MIN: usize = 8;

/// `GET /`
pub(crate) async fn root() -> Redirect {
    Redirect::temporary("/wall/main")
}

/// What of the address of a wall the server looks at; language and replay are the page's own.
#[derive(Debug, Deserialize)]
pub(crate) struct WallAsked {
    area: Option<String>,
}

/// `GET /wall/{view}?area=`
pub(crate) async fn wall(
    State(node): State<Arc<Node>>,
    view: Result<Path<String>, PathRejection>,
    Asked(asked): Asked<WallAsked>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let unknown = Problem::not_found("the profile has no such view");
    let Path(view) = view.map_err(|_| unknown)?;
    let profile = node.profile();
    if !profile.views.contains_key(&view) {
        return Err(unknown);
    }
    if !Scope::asked(&view, asked.area.as_deref()).is_of(&profile) {
        return Err(Problem::not_found("the profile has no such area"));
    }
    let page = ["wall.html", "index.html"].into_iter().find_map(|name| Some((name, Built::get(name)?)));
    match page {
        Some((name, file)) => Ok(file_response(name, &file, &headers)),
        None => {
            let kind = (header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
            Ok(([kind], NOT_BUILT).into_response())
        }
    }
}

/// Every other address: a built file, or 404.
pub(crate) async fn asset(method: Method, uri: Uri, headers: HeaderMap) -> Result<Response, Problem> {
    if method != Method::GET && method != Method::HEAD {
        return Err(Problem::not_found("there is nothing at this address"));
    }
    let name = uri.path().trim_start_matches('/');
    // Outside release builds files are read from the directory, and a name must not leave it.
    let inside =
        !name.split('/').any(|part| part.is_empty() || part.starts_with('.')) && !name.contains('\\');
    let file = if inside { Built::get(name) } else { None };
    let file = file.ok_or(Problem::not_found("there is nothing at this address"))?;
    Ok(file_response(name, &file, &headers))
}

fn file_response(name: &str, file: &EmbeddedFile, headers: &HeaderMap) -> Response {
    let hash = file.metadata.sha256_hash();
    let tag = format!("\"{}\"", hex(hash.get(..16).unwrap_or(&hash)));
    let cache = if is_hashed(name) { "public, max-age=31536000, immutable" } else { "no-cache" };
    let mut response = if headers.get(header::IF_NONE_MATCH).is_some_and(|known| *known == tag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        body(name, file, headers)
    };
    let own = response.headers_mut();
    own.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        own.insert(header::ETAG, tag);
    }
    response
}

/// The file, or the copy the build compressed beside it.
fn body(name: &str, file: &EmbeddedFile, headers: &HeaderMap) -> Response {
    let kind = (header::CONTENT_TYPE, HeaderValue::from_static(content_type(name)));
    let vary = (header::VARY, HeaderValue::from_static("accept-encoding"));
    let packed = if takes_gzip(headers) { Built::get(&format!("{name}.gz")) } else { None };
    match packed {
        Some(packed) => {
            let encoding = (header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            ([kind, vary, encoding], packed.data.into_owned()).into_response()
        }
        None => ([kind, vary], file.data.clone().into_owned()).into_response(),
    }
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map_or("", |(_, extension)| extension) {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" | "map" => "application/json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "txt" => "text/plain; charset=utf-8",
        "webmanifest" => "application/manifest+json",
        _ => "application/octet-stream",
    }
}

/// Whether the name carries a content hash (`wall-K3J5H2QX.js`), so that it may be kept for ever.
fn is_hashed(name: &str) -> bool {
    let file = name.rsplit('/').next().unwrap_or(name);
    let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
    let last = stem.rsplit(['-', '.']).next().unwrap_or("");
    let hash_like = last.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase())
        || last.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    last.len() < stem.len() && last.len() >= HASH_CHARACTERS_MIN && hash_like
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_hashed_names_are_kept_for_ever() {
        for name in ["wall-K3J5H2QX.js", "assets/inter.0a1b2c3d4e.woff2"] {
            assert!(is_hashed(name), "{name}");
        }
        for name in ["wall.html", "index.html", "assets/inter-variable.woff2", "K3J5H2QX.js"] {
            assert!(!is_hashed(name), "{name}");
        }
    }
}
