//! The fuzzer's input, cut into numbers and pieces by the input itself; and the way back, by which
//! seeds are written. At the end of the input numbers are 0 and pieces are empty.

/// What is left of an input.
#[derive(Debug, Clone, Copy)]
pub struct Pieces<'a>(pub &'a [u8]);

impl<'a> Pieces<'a> {
    /// Whether all of it was taken.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// One octet.
    pub fn octet(&mut self) -> u8 {
        self.most(1).first().copied().unwrap_or(0)
    }

    /// Two octets, big endian.
    pub fn two(&mut self) -> u16 {
        u16::from(self.octet()) << 8 | u16::from(self.octet())
    }

    /// Four octets, big endian.
    pub fn four(&mut self) -> u32 {
        u32::from(self.two()) << 16 | u32::from(self.two())
    }

    /// A length of two octets, then that many, or as many as there are.
    pub fn piece(&mut self) -> &'a [u8] {
        let length = self.two();
        self.most(usize::from(length))
    }

    fn most(&mut self, length: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(length.min(self.0.len()));
        self.0 = rest;
        taken
    }
}

/// An input that is being written.
#[derive(Debug, Clone, Default)]
pub struct Script(pub Vec<u8>);

impl Script {
    /// Nothing written yet.
    pub fn new() -> Script {
        Script::default()
    }

    /// For [`Pieces::octet`].
    pub fn octet(mut self, octet: u8) -> Script {
        self.0.push(octet);
        self
    }

    /// For [`Pieces::two`].
    pub fn two(mut self, number: u16) -> Script {
        self.0.extend(number.to_be_bytes());
        self
    }

    /// For [`Pieces::four`].
    pub fn four(mut self, number: u32) -> Script {
        self.0.extend(number.to_be_bytes());
        self
    }

    /// For [`Pieces::piece`]; at most 65535 octets of it.
    pub fn piece(self, piece: &[u8]) -> Script {
        let length = u16::try_from(piece.len()).unwrap_or(u16::MAX);
        let mut longer = self.two(length);
        longer.0.extend(&piece[..usize::from(length)]);
        longer
    }
}
