//! A client's first words in TLS: whose it is, by the protocols that it names (ALPN, RFC 7301). Nothing is read or answered here.

use conclave_link_protocol::ALPN;
use rustls::server::Acceptor;

/// The most octets of a ClientHello: one record of TLS. A room's has some 1,500 with its ticket, a browser's 2,000. More is
/// memory for everybody who connects.
pub(crate) const LONGEST_HELLO: usize = 16 * 1024 + 5;

/// Whose a connection is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Whose {
    /// It speaks the link's protocol.
    Rooms,
    /// It does not.
    Others,
}

/// Why nobody's connection it is.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotHeard {
    /// It is no TLS; what it may be answered.
    #[error("it begins with no hello of TLS")]
    NoHello {
        /// The alert, ready for the wire; empty when there is none.
        alert: Vec<u8>,
        /// What rustls says.
        #[source]
        source: rustls::Error,
    },
    /// It goes on for too long.
    #[error("its hello is longer than {LONGEST_HELLO} octets")]
    TooLong,
    /// It went away.
    #[error("it ended within its hello")]
    Cut(#[from] std::io::Error),
}

/// Hears a hello, in whatever pieces it comes.
#[derive(Default)]
pub(crate) struct Hearing {
    acceptor: Acceptor,
    said: Vec<u8>,
}

impl Hearing {
    /// Takes more octets. Says whose they are as soon as the hello is whole.
    pub(crate) fn hear(&mut self, mut octets: &[u8]) -> Result<Option<Whose>, NotHeard> {
        if self.said.len() + octets.len() > LONGEST_HELLO {
            return Err(NotHeard::TooLong);
        }
        self.said.extend_from_slice(octets);
        while !octets.is_empty() {
            if self.acceptor.read_tls(&mut octets)? == 0 {
                return Err(NotHeard::TooLong);
            }
            match self.acceptor.accept() {
                Ok(None) => {}
                Ok(Some(accepted)) => {
                    let hello = accepted.client_hello();
                    let ours = hello.alpn().is_some_and(|mut each| each.any(|one| one == ALPN));
                    return Ok(Some(if ours { Whose::Rooms } else { Whose::Others }));
                }
                Err((source, mut pending)) => {
                    let mut alert = Vec::new();
                    pending.write_all(&mut alert)?;
                    return Err(NotHeard::NoHello { alert, source });
                }
            }
        }
        Ok(None)
    }

    /// All that was heard.
    pub(crate) fn said(self) -> Vec<u8> {
        self.said
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustls::pki_types::ServerName;
    use rustls::{ClientConfig, ClientConnection, RootCertStore};
    use std::sync::Arc;

    /// The first octets of a client that speaks these protocols.
    fn hello(protocols: &[&[u8]]) -> Vec<u8> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .unwrap()
            .with_root_certificates(RootCertStore::empty())
            .with_no_client_auth();
        config.alpn_protocols = protocols.iter().map(|each| each.to_vec()).collect();
        let name = ServerName::try_from("cloud.example.org").unwrap();
        let mut client = ClientConnection::new(Arc::new(config), name).unwrap();
        let mut octets = Vec::new();
        client.write_tls(&mut octets).unwrap();
        octets
    }

    #[test]
    fn whose_a_hello_is_says_its_alpn() {
        for (protocols, whose) in [
            (&[ALPN][..], Whose::Rooms),
            (&[b"h2", ALPN], Whose::Rooms),
            (&[b"h2", b"http/1.1"], Whose::Others),
            (&[b"acme-tls/1"], Whose::Others),
            (&[b"conclave-link/2"], Whose::Others),
            (&[b"conclave-link/1x"], Whose::Others),
            (&[], Whose::Others),
        ] {
            let heard = Hearing::default().hear(&hello(protocols)).unwrap();
            assert_eq!(heard, Some(whose), "{protocols:?}");
        }
    }

    #[test]
    fn a_hello_is_heard_in_whatever_pieces_it_comes_and_kept_whole() {
        let octets = hello(&[b"h2"]);
        for length in [1, 2, 7, 100, octets.len()] {
            let mut hearing = Hearing::default();
            let mut heard = None;
            for piece in octets.chunks(length) {
                assert_eq!(heard, None, "before it was whole");
                heard = hearing.hear(piece).unwrap();
            }
            assert_eq!((heard, &hearing.said), (Some(Whose::Others), &octets));
        }
    }

    #[test]
    fn what_comes_behind_a_hello_is_kept_too() {
        let mut octets = hello(&[ALPN]);
        octets.extend_from_slice(&[0x17, 3, 3, 0, 1, 9]);
        let mut hearing = Hearing::default();
        assert_eq!(hearing.hear(&octets).unwrap(), Some(Whose::Rooms));
        assert_eq!(hearing.said, octets);
    }

    #[test]
    fn what_is_no_hello_is_answered_with_an_alert_and_one_without_end_is_not_kept() {
        let Err(NotHeard::NoHello { alert, .. }) =
            Hearing::default().hear(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        else {
            panic!("that is no hello")
        };
        // A record of type 21, alert (RFC 8446, 5.1).
        assert!(alert.is_empty() || alert.first() == Some(&21), "{alert:?}");

        // A handshake message that says it has 65,000 octets, in records of 1,000.
        let mut record = vec![0x16, 3, 1, 0x03, 0xe8];
        record.extend_from_slice(&[0; 1000]);
        let mut first = record.clone();
        first[5..9].copy_from_slice(&[1, 0, 0xfd, 0xe8]);
        let mut hearing = Hearing::default();
        assert!(matches!(hearing.hear(&first), Ok(None)));
        let error = (0..100).find_map(|_| hearing.hear(&record).err()).unwrap();
        assert!(matches!(error, NotHeard::TooLong | NotHeard::NoHello { .. }), "{error}");
        assert!(hearing.said.len() <= LONGEST_HELLO);
    }

    #[test]
    fn a_damaged_hello_is_an_error_or_somebodys_and_never_more() {
        let whole = hello(&[ALPN, b"h2"]);
        for at in 0..whole.len() {
            for bit in [1, 0x80] {
                let mut damaged = whole.clone();
                damaged[at] ^= bit;
                let _ = Hearing::default().hear(&damaged);
            }
            assert!(matches!(Hearing::default().hear(&whole[..at]), Ok(None)), "cut at {at}");
        }
    }
}
