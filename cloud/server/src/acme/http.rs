//! The way to the authority.

use crate::config::OutgoingConfig;
use crate::outgoing::{Outgoing, Request, WebAddress};
use http_body_util::BodyExt;
use hyper::Response;
use hyper::body::Bytes;
use instant_acme::{BodyWrapper, BytesResponse, Error, HttpClient};
use std::path::PathBuf;
use std::pin::Pin;
use std::time::Duration;

/// The most octets of an answer. A chain of certificates has some 6 kB.
const LONGEST_ANSWER: usize = 256 * 1024;

/// For one request, from the name's look-up to the answer's last octet.
const PATIENCE: Duration = Duration::from_secs(30);

/// The way to an authority.
#[derive(Clone)]
pub(super) struct Authority(Outgoing);

impl Authority {
    /// Knows whom the system knows, and who shows a certificate of this file's. The operator names it, so it may be anywhere.
    pub(super) fn new(roots: Option<PathBuf>) -> anyhow::Result<Authority> {
        let anywhere = OutgoingConfig { private: true, loopback: true, roots };
        Outgoing::new(&anywhere, "acme.roots").map(Authority)
    }

    async fn ask(
        &self,
        request: hyper::Request<BodyWrapper<Bytes>>,
    ) -> anyhow::Result<Response<Bytes>> {
        let (parts, body) = request.into_parts();
        let to: WebAddress = parts.uri.to_string().parse()?;
        let Ok(body) = body.collect().await;
        let request = Request {
            method: parts.method,
            to,
            headers: parts.headers,
            body: body.to_bytes(),
            longest: LONGEST_ANSWER,
            patience: PATIENCE,
        };
        let answer = self.0.ask(request).await?;
        let mut response = Response::new(answer.body);
        *response.status_mut() = answer.status;
        *response.headers_mut() = answer.headers;
        Ok(response)
    }
}

impl HttpClient for Authority {
    fn request(
        &self,
        request: hyper::Request<BodyWrapper<Bytes>>,
    ) -> Pin<Box<dyn Future<Output = Result<BytesResponse, Error>> + Send>> {
        let way = self.clone();
        Box::pin(async move {
            let answer = way.ask(request).await.map_err(|error| Error::Other(error.into()))?;
            let (parts, body) = answer.into_parts();
            Ok(BytesResponse { parts, body: Box::new(body) })
        })
    }
}
