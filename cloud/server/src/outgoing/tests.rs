//! Against servers that lie, on this machine.

use super::*;
use std::io::Write;
use std::sync::atomic::{AtomicUsize, Ordering};
use tempfile::NamedTempFile;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// Answers every connection with these octets, again and again where it is to be endless.
struct Liar {
    port: u16,
    roots: NamedTempFile,
    connections: Arc<AtomicUsize>,
    task: tokio::task::JoinHandle<()>,
}

#[derive(Clone, Copy)]
enum Says {
    Once(&'static str),
    /// The head, then the rest for ever.
    Endlessly(&'static str, &'static str),
    /// The head, then nothing, and the connection stays.
    Nothing(&'static str),
}

impl Liar {
    async fn start(says: Says) -> Liar {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let mut roots = NamedTempFile::new().unwrap();
        roots.write_all(made.cert.pem().as_bytes()).unwrap();
        let key = rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der());
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key.unwrap())
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let connections = Arc::new(AtomicUsize::new(0));
        let count = connections.clone();
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                count.fetch_add(1, Ordering::SeqCst);
                // Whoever does not trust it leaves.
                let Ok(mut stream) = acceptor.accept(stream).await else { continue };
                let mut asked = Vec::new();
                while !asked.windows(4).any(|window| window == b"\r\n\r\n") {
                    let mut octets = [0; 1024];
                    let Ok(1..) = stream.read(&mut octets).await.inspect(|read| {
                        asked.extend_from_slice(&octets[..*read]);
                    }) else {
                        break;
                    };
                }
                match says {
                    Says::Once(text) => {
                        let _ = stream.write_all(text.as_bytes()).await;
                        let _ = stream.shutdown().await;
                    }
                    Says::Endlessly(head, rest) => {
                        let mut going = stream.write_all(head.as_bytes()).await;
                        while going.is_ok() {
                            going = stream.write_all(rest.as_bytes()).await;
                        }
                    }
                    Says::Nothing(head) => {
                        let _ = stream.write_all(head.as_bytes()).await;
                        let _ = stream.flush().await;
                        // Until the other end has enough.
                        let _ = stream.read(&mut [0; 1]).await;
                    }
                }
            }
        });
        Liar { port, roots, connections, task }
    }

    fn config(&self) -> OutgoingConfig {
        let roots = Some(self.roots.path().to_owned());
        OutgoingConfig { loopback: true, roots, ..OutgoingConfig::default() }
    }

    async fn asked(&self, config: &OutgoingConfig) -> Result<Answer, Trouble> {
        self.asked_for(config, "localhost", Duration::from_secs(20)).await
    }

    async fn asked_for(
        &self,
        config: &OutgoingConfig,
        host: &str,
        patience: Duration,
    ) -> Result<Answer, Trouble> {
        let to = format!("https://{host}:{}/room.ics", self.port).parse().unwrap();
        let outgoing = Outgoing::new(config, "outgoing.roots").unwrap();
        let (method, headers, body) = (Method::GET, HeaderMap::new(), Bytes::new());
        outgoing.ask(Request { method, to, headers, body, longest: 1000, patience }).await
    }
}

impl Drop for Liar {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[tokio::test]
async fn an_answer_comes_as_it_is_and_nothing_is_followed() {
    let plain = "HTTP/1.1 200 OK\r\nETag: \"1\"\r\nContent-Length: 5\r\n\r\nhello";
    let server = Liar::start(Says::Once(plain)).await;
    let answer = server.asked(&server.config()).await.unwrap();
    assert_eq!((answer.status, &answer.body[..]), (StatusCode::OK, &b"hello"[..]));
    assert_eq!(answer.headers[header::ETAG], "\"1\"");

    let elsewhere =
        "HTTP/1.1 302 Found\r\nLocation: https://localhost/\r\nContent-Length: 0\r\n\r\n";
    let server = Liar::start(Says::Once(elsewhere)).await;
    assert_eq!(server.asked(&server.config()).await.unwrap().status, StatusCode::FOUND);
    assert_eq!(server.connections.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_body_without_an_end_and_one_that_is_too_long_are_given_up() {
    for says in [
        Says::Endlessly("HTTP/1.1 200 OK\r\n\r\n", "BEGIN:VEVENT\r\n"),
        Says::Endlessly("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "4\r\nabcd\r\n"),
        Says::Endlessly("HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n", "x"),
    ] {
        let server = Liar::start(says).await;
        assert_eq!(server.asked(&server.config()).await.unwrap_err(), Trouble::Long { most: 1000 });
    }
}

#[tokio::test]
async fn a_head_without_an_end_and_what_is_no_http_are_given_up() {
    for says in [
        Says::Endlessly("HTTP/1.1 200 OK\r\n", "X: y\r\n"),
        Says::Endlessly("HTTP/1.1 200 OK\r\nX: ", "yyyyyyyyyyyyyyyy"),
        Says::Once("SSH-2.0-OpenSSH_9.2\r\n"),
        Says::Once(""),
        Says::Once("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel"),
    ] {
        let server = Liar::start(says).await;
        let trouble = server.asked(&server.config()).await.unwrap_err();
        assert!(matches!(trouble, Trouble::NoHttp { .. }), "{trouble:?}");
    }
}

#[tokio::test]
async fn silence_is_waited_for_so_long_and_no_longer() {
    let after = Duration::from_millis(300);
    for says in [Says::Nothing(""), Says::Nothing("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe")]
    {
        let server = Liar::start(says).await;
        let answer = server.asked_for(&server.config(), "localhost", after).await;
        assert_eq!(answer.unwrap_err(), Trouble::Slow { after });
    }
}

#[tokio::test]
async fn this_machine_is_not_asked_by_whatever_name_unless_the_operator_says_so() {
    let server = Liar::start(Says::Once("HTTP/1.1 200 OK\r\n\r\n")).await;
    let config = OutgoingConfig { loopback: false, ..server.config() };
    for host in ["localhost", "127.0.0.1", "127.1", "2130706433", "[::1]", "[::ffff:127.0.0.1]"] {
        let answer = server.asked_for(&config, host, Duration::from_secs(20)).await;
        let trouble = answer.unwrap_err();
        assert!(matches!(trouble, Trouble::NotAllowed | Trouble::NoHost), "{host}: {trouble:?}");
    }
    assert_eq!(server.connections.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_certificate_that_nobody_vouches_for_or_of_another_host_is_not_trusted() {
    let server = Liar::start(Says::Once("HTTP/1.1 200 OK\r\n\r\n")).await;
    let strangers = OutgoingConfig { roots: None, ..server.config() };
    for (config, host) in [(strangers, "localhost"), (server.config(), "127.0.0.1")] {
        let answer = server.asked_for(&config, host, Duration::from_secs(20)).await;
        let trouble = answer.unwrap_err();
        assert!(matches!(trouble, Trouble::Certificate { .. }), "{host}: {trouble:?}");
    }
}

#[tokio::test]
async fn a_host_that_takes_no_connection_is_told_as_such() {
    let server = Liar::start(Says::Once("")).await;
    let config = server.config();
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let to = format!("https://localhost:{free}/").parse().unwrap();
    let (method, headers, body) = (Method::GET, HeaderMap::new(), Bytes::new());
    let patience = Duration::from_secs(20);
    let request = Request { method, to, headers, body, longest: 10, patience };
    let answer = Outgoing::new(&config, "outgoing.roots").unwrap().ask(request).await;
    assert_eq!(answer.unwrap_err(), Trouble::NoConnection);
}

#[test]
fn a_file_without_certificates_is_no_file_of_roots() {
    let empty = NamedTempFile::new().unwrap();
    let roots = Some(empty.path().to_owned());
    assert!(
        Outgoing::new(&OutgoingConfig { roots, ..OutgoingConfig::default() }, "outgoing.roots")
            .is_err()
    );
    let roots = Some("/nowhere".into());
    assert!(
        Outgoing::new(&OutgoingConfig { roots, ..OutgoingConfig::default() }, "outgoing.roots")
            .is_err()
    );
}
