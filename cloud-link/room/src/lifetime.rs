//! How long a certificate lasts, so that the room asks for the next one in time.

use conclave_link_protocol::message::CertificateChain;
use conclave_types::UnixTime;
use x509_parser::prelude::{FromDer, X509Certificate};

/// From when until when a certificate is valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lifetime {
    /// The first second.
    pub from: UnixTime,
    /// The last second.
    pub to: UnixTime,
}

/// The lifetime of the room's certificate in its chain; `None` when it cannot be read.
pub fn certificate_lifetime(chain: &CertificateChain) -> Option<Lifetime> {
    let der = chain.to_der().ok()?.into_iter().next()?;
    let (_, certificate) = X509Certificate::from_der(&der).ok()?;
    let validity = certificate.validity();
    let second = |seconds: i64| u64::try_from(seconds).ok().map(UnixTime);
    Some(Lifetime {
        from: second(validity.not_before.timestamp())?,
        to: second(validity.not_after.timestamp())?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_certificate_has_no_lifetime() {
        assert_eq!(certificate_lifetime(&CertificateChain(vec![])), None);
        assert_eq!(certificate_lifetime(&CertificateChain(vec!["MA==".to_owned()])), None);
        assert_eq!(certificate_lifetime(&CertificateChain(vec!["?".to_owned()])), None);
    }

    #[test]
    fn a_lifetime_is_read_from_the_first_certificate() {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut params = rcgen::CertificateParams::new(Vec::<String>::new()).unwrap();
        params.not_before = rcgen::date_time_ymd(2026, 1, 1);
        params.not_after = rcgen::date_time_ymd(2026, 4, 1);
        let certificate = params.self_signed(&key).unwrap();
        let chain = CertificateChain::from_der(&[certificate.der()]);
        let lifetime = certificate_lifetime(&chain).unwrap();
        assert_eq!(lifetime.from, UnixTime(1_767_225_600));
        assert_eq!(lifetime.to.0 - lifetime.from.0, 90 * 24 * 3600);
    }
}
