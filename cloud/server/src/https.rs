//! Asks others over HTTPS: one connection for each request, no redirect followed, and no answer without a bound.

use anyhow::{Context, bail};
use axum::body::to_bytes;
use hyper::body::{Body, Bytes};
use hyper::client::conn::http1;
use hyper::header::{HOST, HeaderValue};
use hyper::{Request, Response, Uri};
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use std::error::Error;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpStream, lookup_host};
use tokio_rustls::TlsConnector;

/// How long a request may take, from the name's look-up to the answer's last octet.
const PATIENCE: Duration = Duration::from_secs(30);

/// Port of HTTPS when an address names none.
const HTTPS: u16 = 443;

/// Who may be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Everybody: the operator names whom.
    Everybody,
    /// Who is on the internet, and nobody in the network around this machine: people name whom.
    Internet,
}

/// The way to others.
#[derive(Clone)]
pub(crate) struct Https {
    tls: TlsConnector,
    reach: Reach,
}

impl Https {
    /// Knows whom the system knows; with a file of certificates in PEM, whom that says, and `setting` is what the file is called in
    /// the configuration.
    pub(crate) fn new(roots: Option<&Path>, setting: &str, reach: Reach) -> anyhow::Result<Https> {
        let mut known = RootCertStore::empty();
        match roots {
            Some(file) => {
                let unreadable =
                    || format!("{setting}, {}, has no certificate in PEM", file.display());
                for certificate in CertificateDer::pem_file_iter(file).with_context(unreadable)? {
                    known.add(certificate.with_context(unreadable)?).with_context(unreadable)?;
                }
                if known.is_empty() {
                    bail!(unreadable());
                }
            }
            None => {
                let found = rustls_native_certs::load_native_certs();
                known.add_parsable_certificates(found.certs);
                if known.is_empty() {
                    tracing::warn!(
                        "this system knows no certificate authorities, so that nobody can be asked over HTTPS: install its \
                         package of them (ca-certificates)"
                    );
                }
            }
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])?
            .with_root_certificates(known)
            .with_no_client_auth();
        Ok(Https { tls: TlsConnector::from(Arc::new(config)), reach })
    }

    /// Asks, and reads an answer of at most so many octets.
    pub(crate) async fn ask<B>(
        &self,
        request: Request<B>,
        most: usize,
    ) -> anyhow::Result<Response<Bytes>>
    where
        B: Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        match tokio::time::timeout(PATIENCE, self.exchange(request, most)).await {
            Ok(answer) => answer,
            Err(_) => bail!("no whole answer within {} seconds", PATIENCE.as_secs()),
        }
    }

    async fn exchange<B>(&self, request: Request<B>, most: usize) -> anyhow::Result<Response<Bytes>>
    where
        B: Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let (mut parts, body) = request.into_parts();
        let uri = std::mem::take(&mut parts.uri);
        let Some(authority) = uri.authority().filter(|_| uri.scheme_str() == Some("https")) else {
            bail!("an address that does not begin with https:// is not asked");
        };
        // An address of version 6 stands in brackets there, and nowhere else.
        let host = authority.host().trim_matches(['[', ']']).to_owned();
        let tcp = self.connect(&host, authority.port_u16().unwrap_or(HTTPS)).await?;
        let name = ServerName::try_from(host.clone()).context("that is no name of a server")?;
        let tls = self.tls.connect(name, tcp).await.with_context(|| {
            format!("{host} shows a certificate that this machine does not trust, or none")
        })?;
        let (mut sender, connection) =
            http1::handshake(TokioIo::new(tls)).await.context("it speaks no HTTP/1.1")?;
        parts.headers.insert(HOST, HeaderValue::from_str(authority.as_str())?);
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        parts.uri = path.parse::<Uri>()?;
        let asking = async move {
            let response = sender.send_request(Request::from_parts(parts, body)).await?;
            let (parts, body) = response.into_parts();
            let octets = to_bytes(axum::body::Body::new(body), most)
                .await
                .context("its answer broke off, or is longer than any of its kind")?;
            anyhow::Ok(Response::from_parts(parts, octets))
        };
        // The connection carries the request, and ends with it.
        let (mut asking, mut connection) = (std::pin::pin!(asking), std::pin::pin!(connection));
        tokio::select! {
            biased;
            answer = &mut asking => answer,
            ended = &mut connection => {
                ended?;
                asking.await
            }
        }
    }

    /// To the first address of the name that answers. What is looked up is what is connected to: nothing is looked up twice.
    async fn connect(&self, host: &str, port: u16) -> anyhow::Result<TcpStream> {
        let found =
            lookup_host((host, port)).await.with_context(|| format!("{host} is not known"))?;
        let all: Vec<SocketAddr> = found.collect();
        let may = |address: &&SocketAddr| self.reach == Reach::Everybody || public(address.ip());
        let allowed: Vec<SocketAddr> = all.iter().filter(may).copied().collect();
        if allowed.is_empty() && !all.is_empty() {
            bail!(
                "{host} is in the network of the cloud's own machine, which nobody is asked in from here: whoever runs the \
                 cloud can allow it with 'inside' in [webhooks]"
            );
        }
        TcpStream::connect(&allowed[..]).await.with_context(|| {
            format!("nothing answers at {host}, port {port}: look whether this machine may call out there")
        })
    }
}

/// Whether an address is one on the internet, by IANA's registries of special-purpose addresses (RFC 6890).
fn public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => {
            let [a, b, c, _] = v4.octets();
            let shared = a == 100 && (64..128).contains(&b);
            let protocols = (a, b, c) == (192, 0, 0);
            let benchmarks = a == 198 && (18..20).contains(&b);
            !(a == 0
                || a >= 240
                || shared
                || protocols
                || benchmarks
                || v4.is_private()
                || v4.is_loopback()
                || v4.is_link_local()
                || v4.is_multicast()
                || v4.is_documentation()
                || v4 == Ipv4Addr::BROADCAST)
        }
        IpAddr::V6(v6) => {
            let [first, second, ..] = v6.segments();
            // Global unicast is 2000::/3; in it stand documentation, Teredo and 6to4, which lead elsewhere.
            let global = first & 0xe000 == 0x2000;
            let elsewhere =
                first == 0x2002 || (first == 0x2001 && (second < 0x200 || second == 0xdb8));
            global && !elsewhere
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustls::pki_types::PrivatePkcs8KeyDer;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;
    use tokio_rustls::TlsAcceptor;

    /// A server that answers each request with this head, and then with one piece after the other, until nobody reads.
    async fn answering(head: &'static str) -> (Https, u16) {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key.into())
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            while let Ok((tcp, _)) = listener.accept().await {
                let Ok(mut tls) = acceptor.accept(tcp).await else { continue };
                let _ = tls.read(&mut [0; 4096]).await;
                let _ = tls.write_all(head.as_bytes()).await;
                while tls.write_all(&[b'x'; 4096]).await.is_ok() {}
            }
        });
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ca.pem");
        std::fs::write(&file, made.cert.pem()).unwrap();
        (Https::new(Some(&file), "roots", Reach::Everybody).unwrap(), port)
    }

    async fn asked(https: &Https, url: &str) -> String {
        let request = Request::builder().uri(url).body(axum::body::Body::empty()).unwrap();
        match https.ask(request, 100_000).await {
            Ok(_) => "answered".to_owned(),
            Err(error) => format!("{error:#}"),
        }
    }

    #[tokio::test]
    async fn an_answer_without_end_is_not_kept() {
        let (https, port) = answering("HTTP/1.1 200 OK\r\n\r\n").await;
        let said = asked(&https, &format!("https://localhost:{port}/dir")).await;
        assert!(said.contains("longer than any of its kind"), "{said}");
        let (https, port) = answering("HTTP/1.1 200 OK\r\nx: ").await;
        assert_ne!(asked(&https, &format!("https://localhost:{port}/dir")).await, "answered");
    }

    #[tokio::test]
    async fn whom_nobody_vouches_for_and_who_speaks_in_the_clear_is_not_asked() {
        let (_, port) = answering("HTTP/1.1 200 OK\r\n\r\n").await;
        let (other, _) = answering("HTTP/1.1 200 OK\r\n\r\n").await;
        let said = asked(&other, &format!("https://localhost:{port}/dir")).await;
        assert!(said.contains("does not trust"), "{said}");
        let said = asked(&other, &format!("http://localhost:{port}/dir")).await;
        assert!(said.contains("does not begin with https://"), "{said}");
    }

    #[tokio::test]
    async fn nobody_around_this_machine_is_asked_for_people() {
        let (https, port) = answering("HTTP/1.1 200 OK\r\n\r\n").await;
        let https = Https { reach: Reach::Internet, ..https };
        for host in
            ["localhost", "127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "169.254.169.254"]
        {
            let said = asked(&https, &format!("https://{host}:{port}/")).await;
            assert!(said.contains("the network of the cloud's own machine"), "{host}: {said}");
        }
    }

    #[test]
    fn only_the_internets_addresses_are_public() {
        for yes in ["1.1.1.1", "193.0.6.139", "100.63.0.1", "2001:67c:2e8::1", "2606:4700::1"] {
            assert!(public(yes.parse().unwrap()), "{yes}");
        }
        for no in [
            "0.0.0.0",
            "10.0.0.1",
            "100.64.0.1",
            "127.9.9.9",
            "169.254.169.254",
            "172.16.0.1",
            "192.0.0.8",
            "192.0.2.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:10.0.0.1",
            "64:ff9b::a00:1",
            "fe80::1",
            "fc00::1",
            "fd00::1",
            "ff02::1",
            "2001:db8::1",
            "2001::1",
            "2002:a00:1::1",
        ] {
            assert!(!public(no.parse().unwrap()), "{no}");
        }
    }

    #[test]
    fn a_file_without_certificates_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ca.pem");
        std::fs::write(&file, "nothing").unwrap();
        let error =
            Https::new(Some(&file), "acme.roots", Reach::Everybody).err().unwrap().to_string();
        assert!(
            error.starts_with("acme.roots, ") && error.contains("has no certificate"),
            "{error}"
        );
        let none = folder.path().join("none.pem");
        assert!(Https::new(Some(&none), "acme.roots", Reach::Everybody).is_err());
    }
}
