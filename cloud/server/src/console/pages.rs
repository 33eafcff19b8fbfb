//! The pages: files that are inside the program, and what a browser may do with them.

use axum::body::Body;
use axum::http::{HeaderValue, Method, Uri, header};
use axum::response::{IntoResponse, Response};

use super::reply::Trouble;

/// The pages' own scripts, styles, pictures and typeface, and the API; nothing from elsewhere, nothing in line.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; \
    connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/// A year: what carries its content's hash in its name never changes.
const FOR_EVER: &str = "public, max-age=31536000, immutable";

pub(super) async fn page(method: Method, uri: Uri) -> Response {
    if !matches!(method, Method::GET | Method::HEAD) || uri.path().starts_with("/api/") {
        return Trouble::NotFound.into();
    }
    let page = conclave_console::page(uri.path());
    let mut response = Body::from(page.octets).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(page.media_type));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    if page.for_ever {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(FOR_EVER));
    }
    response
}
