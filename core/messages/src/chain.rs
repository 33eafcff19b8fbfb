//! Certificate chains between their two forms: DER, and DER in base64 as the link carries them.

use crate::CertificateChain;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Certificates in a chain at most: the room's, the CA's, and room for one between them.
const MOST_CERTIFICATES: usize = 3;

/// Why a chain cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ChainError {
    /// It holds no certificate, or more than ever stand in one.
    #[error("a chain of {found} certificates, 1 to {MOST_CERTIFICATES} are allowed")]
    Length {
        /// How many.
        found: usize,
    },
    /// A certificate is not in base64.
    #[error("certificate {position} of the chain is not base64")]
    Base64 {
        /// Which, from 0.
        position: usize,
    },
}

impl CertificateChain {
    /// The chain of these certificates, the holder's first.
    pub fn from_der<B: AsRef<[u8]>>(certificates: &[B]) -> CertificateChain {
        CertificateChain(certificates.iter().map(|der| STANDARD.encode(der)).collect())
    }

    /// The certificates in DER, the holder's first. Whether they are certificates is not looked at.
    pub fn to_der(&self) -> Result<Vec<Vec<u8>>, ChainError> {
        if self.0.is_empty() || self.0.len() > MOST_CERTIFICATES {
            return Err(ChainError::Length { found: self.0.len() });
        }
        let decode = |(position, text)| {
            STANDARD.decode::<&String>(text).map_err(|_| ChainError::Base64 { position })
        };
        self.0.iter().enumerate().map(decode).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_survives_being_sent() {
        let chain = CertificateChain::from_der(&[vec![0x30, 0x82], vec![0x30]]);
        assert_eq!(chain.0, ["MII=", "MA=="]);
        assert_eq!(chain.to_der(), Ok(vec![vec![0x30, 0x82], vec![0x30]]));
    }

    #[test]
    fn what_is_no_chain_is_refused() {
        let chain =
            |texts: &[&str]| CertificateChain(texts.iter().map(|t| (*t).to_owned()).collect());
        assert_eq!(chain(&[]).to_der(), Err(ChainError::Length { found: 0 }));
        assert_eq!(chain(&["MA=="; 4]).to_der(), Err(ChainError::Length { found: 4 }));
        assert_eq!(chain(&["MA==", "?"]).to_der(), Err(ChainError::Base64 { position: 1 }));
    }
}
