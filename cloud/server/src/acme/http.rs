//! The way to the authority.

use crate::https::{Https, Reach};
use hyper::Request;
use hyper::body::Bytes;
use instant_acme::{BodyWrapper, BytesResponse, Error, HttpClient};
use std::path::Path;
use std::pin::Pin;

/// The most octets of an answer. A chain of certificates has some 6 kB.
const LONGEST_ANSWER: usize = 256 * 1024;

/// The way to an authority.
#[derive(Clone)]
pub(super) struct Authority(Https);

impl Authority {
    /// Knows whom the system knows, or who shows a certificate of this file's.
    pub(super) fn new(roots: Option<&Path>) -> anyhow::Result<Authority> {
        Https::new(roots, "acme.roots", Reach::Everybody).map(Authority)
    }
}

impl HttpClient for Authority {
    fn request(
        &self,
        request: Request<BodyWrapper<Bytes>>,
    ) -> Pin<Box<dyn Future<Output = Result<BytesResponse, Error>> + Send>> {
        let https = self.0.clone();
        Box::pin(async move {
            let answer = https.ask(request, LONGEST_ANSWER).await;
            let (parts, body) = answer.map_err(|error| Error::Other(error.into()))?.into_parts();
            Ok(BytesResponse { parts, body: Box::new(body) })
        })
    }
}
