//! From the id of a session to a mark of 64 bits that means nothing outside this process. Cheap rather than strong: who
//! does not know the secret cannot foretell a mark, and nobody ever sees a whole one.

/// Turns ids into marks that mean nothing outside this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Salt([u64; 2]);

impl Default for Salt {
    /// For tests: everybody knows it.
    fn default() -> Self {
        Self::new([0, 0])
    }
}

impl Salt {
    /// Of two numbers that nobody can guess.
    pub fn new([start, other]: [u64; 2]) -> Self {
        // Factors of few bits would not mix.
        Self([start ^ 0x082e_fa98_ec4e_6c89, other ^ 0x4528_21e6_38d0_1377])
    }

    /// The mark of an id: 64 bits, even over all ids (each eight bytes are folded into it by a multiplication of 128
    /// bits, both factors of which depend on the secret).
    #[expect(clippy::cast_possible_truncation, reason = "the two halves are folded into one")]
    pub(super) fn of(self, id: &[u8]) -> u64 {
        let Self([start, other]) = self;
        let fold = |a: u64, b: u64| {
            let product = u128::from(a) * u128::from(b);
            (product ^ (product >> 64)) as u64
        };
        let mut mark = start ^ id.len() as u64;
        let (whole, rest) = id.as_chunks::<8>();
        for eight in whole {
            mark = fold(mark ^ u64::from_le_bytes(*eight), other);
        }
        let mut last = [0; 8];
        for (to, from) in last.iter_mut().zip(rest) {
            *to = *from;
        }
        mark = fold(mark ^ u64::from_le_bytes(last), other ^ 0xa409_3822_299f_31d1);
        fold(mark, start | 1) ^ mark
    }
}
