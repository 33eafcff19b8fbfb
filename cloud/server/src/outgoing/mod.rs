//! The one way on which the cloud asks others over HTTPS: calendars, webhooks, an authority for certificates.
//!
//! Whom it asks was named by somebody, and may lie, be slow, or lead back into the operator's own network:
//!
//! - HTTPS alone, with the system's certificates and those of the operator ([`OutgoingConfig`]). Servers of others may be old:
//!   TLS 1.2 is spoken too, in the forms that rustls has, all of them authenticated and with forward secrecy.
//! - A host's addresses are looked up once, looked at (`reach`), and that very one is connected to: a name that leads elsewhere
//!   the next moment (DNS rebinding) leads nowhere.
//! - Nothing is followed: an answer that says "elsewhere" (RFC 9110, 15.4) is told as such.
//! - Head and body of an answer have a bound, and all of it together a time. Nothing is unpacked; nobody is told that it could be.
//!
//! Each request has a connection of its own. Nothing is kept: no cookies, no connections, no names.

mod address;
mod reach;

pub use address::{NoWebAddress, WebAddress};
pub use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
pub use hyper::body::Bytes;

use crate::config::OutgoingConfig;
use anyhow::Context;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use reach::Reach;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// The most octets of an answer's head, and of what is read at once. Servers' heads have one or two KiB.
const LONGEST_HEAD: usize = 32 * 1024;

/// The most lines of it.
const MOST_HEADERS: usize = 100;

/// The most addresses of one host that are tried.
const MOST_ADDRESSES: usize = 4;

/// For each of them, to be connected to: a host that one way does not lead to is reached by another one.
const CONNECTING: Duration = Duration::from_secs(5);

/// The most characters of somebody else's words that are told.
const LONGEST_WHY: usize = 200;

/// What is asked.
#[derive(Clone)]
pub struct Request {
    /// How.
    pub method: Method,
    /// Whom.
    pub to: WebAddress,
    /// What is said besides; `Host` is said by itself. Mark what is secret as sensitive.
    pub headers: HeaderMap,
    /// What is sent.
    pub body: Bytes,
    /// The most octets of the answer's body.
    pub longest: usize,
    /// How long all of it may take.
    pub patience: Duration,
}

/// What was answered, whatever its status says.
#[derive(Clone)]
pub struct Answer {
    /// What came of it.
    pub status: StatusCode,
    /// What is said besides.
    pub headers: HeaderMap,
    /// All of it.
    pub body: Bytes,
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} with {} octets", self.status, self.body.len())
    }
}

/// Why there is no answer. None of these is final: what was asked may be asked again later.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// Nobody knows the host.
    #[error("the name of the host is not known")]
    NoHost,
    /// The host is where the operator lets nobody be sent.
    #[error(
        "the host has an address that this cloud does not call on: whoever runs the cloud can allow it in [outgoing]"
    )]
    NotAllowed,
    /// It does not take connections.
    #[error("no connection")]
    NoConnection,
    /// It does not show that it is who it was named.
    #[error("the certificate is not trusted: {why}")]
    Certificate {
        /// What was wrong with it.
        why: String,
    },
    /// It speaks no HTTP over TLS that we understand.
    #[error("no answer that can be understood: {why}")]
    NoHttp {
        /// What went wrong.
        why: String,
    },
    /// It took too long.
    #[error("no whole answer within {} s", .after.as_secs())]
    Slow {
        /// How long was waited.
        after: Duration,
    },
    /// It says more than is taken.
    #[error("the answer is longer than {most} octets")]
    Long {
        /// The most that is taken.
        most: usize,
    },
}

/// The way to others. To be had once; its copies are the same.
#[derive(Clone)]
pub struct Outgoing {
    tls: TlsConnector,
    reach: Reach,
}

impl Outgoing {
    /// With the certificates that this machine trusts, and those that the operator names; `setting` is what their file is
    /// called in the configuration.
    ///
    /// # Errors
    /// The operator's file cannot be read or holds no certificate.
    pub fn new(config: &OutgoingConfig, setting: &str) -> anyhow::Result<Outgoing> {
        let mut roots = RootCertStore::empty();
        // Some of a system's certificates may be too old to be read; the others count.
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if let Some(file) = &config.roots {
            let unreadable =
                || format!("{setting}, {}, holds no certificate in PEM", file.display());
            let before = roots.len();
            for certificate in CertificateDer::pem_file_iter(file).with_context(unreadable)? {
                roots.add(certificate.with_context(unreadable)?).with_context(unreadable)?;
            }
            anyhow::ensure!(roots.len() > before, unreadable());
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let reach = Reach { private: config.private, loopback: config.loopback };
        Ok(Outgoing { tls: TlsConnector::from(Arc::new(tls)), reach })
    }

    /// Asks once. Whoever drops the future takes the question back.
    ///
    /// # Errors
    /// There is no whole answer.
    pub async fn ask(&self, request: Request) -> Result<Answer, Trouble> {
        let after = request.patience;
        let answer = tokio::time::timeout(after, self.ask_now(request)).await;
        answer.unwrap_or(Err(Trouble::Slow { after }))
    }

    async fn ask_now(&self, request: Request) -> Result<Answer, Trouble> {
        let Request { method, to, headers, body, longest: most, .. } = request;
        let stream = self.connected(&to).await?;
        let name = ServerName::try_from(to.host().to_owned()).map_err(|_| Trouble::NoHost)?;
        let stream = self.tls.connect(name, stream).await.map_err(|error| tls_trouble(&error))?;
        let (mut sender, connection) = http1::Builder::new()
            .max_buf_size(LONGEST_HEAD)
            .max_headers(MOST_HEADERS)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(|error| no_http(&error))?;
        let asked = asked(method, &to, headers, body)?;
        let exchange = async move {
            let answer = sender.send_request(asked).await.map_err(|error| no_http(&error))?;
            let (head, body) = answer.into_parts();
            let body =
                Limited::new(body, most).collect().await.map_err(|error| match error
                    .is::<LengthLimitError>(
                ) {
                    true => Trouble::Long { most },
                    false => no_http(error.as_ref()),
                })?;
            Ok(Answer { status: head.status, headers: head.headers, body: body.to_bytes() })
        };
        let (mut exchange, mut connection) = (pin!(exchange), pin!(connection));
        tokio::select! {
            answer = &mut exchange => answer,
            // What came before the connection ended may not have been read yet.
            _ = &mut connection => exchange.await,
        }
    }

    async fn connected(&self, to: &WebAddress) -> Result<TcpStream, Trouble> {
        let found: Vec<SocketAddr> = match to.host().parse::<IpAddr>() {
            Ok(address) => vec![SocketAddr::new(address, to.port())],
            Err(_) => {
                let found = tokio::net::lookup_host((to.host(), to.port())).await;
                found.map_err(|_| Trouble::NoHost)?.collect()
            }
        };
        if found.is_empty() {
            return Err(Trouble::NoHost);
        }
        let mut trouble = Trouble::NotAllowed;
        let allowed = found.into_iter().filter(|address| self.reach.has(address.ip()));
        for address in allowed.take(MOST_ADDRESSES) {
            match tokio::time::timeout(CONNECTING, TcpStream::connect(address)).await {
                Ok(Ok(stream)) => return Ok(stream),
                _ => trouble = Trouble::NoConnection,
            }
        }
        Err(trouble)
    }
}

fn asked(
    method: Method,
    to: &WebAddress,
    headers: HeaderMap,
    body: Bytes,
) -> Result<hyper::Request<Full<Bytes>>, Trouble> {
    let built = hyper::Request::builder()
        .method(method)
        .uri(to.target())
        .header(header::HOST, to.authority())
        .header(header::USER_AGENT, concat!("Conclave/", env!("CARGO_PKG_VERSION")))
        .header(header::CONNECTION, "close")
        .body(Full::new(body));
    let mut asked = built.map_err(|error| no_http(&error))?;
    asked.headers_mut().extend(headers);
    Ok(asked)
}

fn tls_trouble(error: &std::io::Error) -> Trouble {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match inner {
        Some(rustls::Error::InvalidCertificate(why)) => {
            Trouble::Certificate { why: told(&why.to_string()) }
        }
        _ => no_http(error),
    }
}

fn no_http(error: &dyn std::error::Error) -> Trouble {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        words = format!("{words}: {inner}");
        cause = inner.source();
    }
    Trouble::NoHttp { why: told(&words) }
}

fn told(words: &str) -> String {
    words.chars().filter(|c| !c.is_control()).take(LONGEST_WHY).collect()
}

#[cfg(test)]
mod tests;
