//! Queue tokens, as each sale makes them: of its secret, the place in line, the user and the moment of joining. Whoever
//! has the secret and the journal has the tokens, so the journal need not hold what acts as a user.
//!
//! Always: another user or another moment gives another token, also under the same number. Numbers are given again
//! after a backup was restored, and a token of before must act as nobody then.

use std::fmt;

use ring::hmac;

use super::ids::{ConcertId, EntryNo, QueueToken, UserId, routed};
use super::time::Timestamp;

/// The key that a sale's tokens are made with. It is as good as all of them, so it is never logged.
#[derive(Clone)]
pub struct TokenSecret {
    bytes: [u8; Self::BYTES],
    /// Made once, as a line of many joins uses it for each.
    key: hmac::Key,
}

impl TokenSecret {
    /// As many as the hash gives, which is what a key of it should have.
    pub const BYTES: usize = 32;

    pub fn new(bytes: [u8; Self::BYTES]) -> Self {
        Self { bytes, key: hmac::Key::new(hmac::HMAC_SHA256, &bytes) }
    }

    pub fn bytes(&self) -> &[u8; Self::BYTES] {
        &self.bytes
    }

    /// The token of a place in line: the concert, and behind it the first 96 bits of an HMAC-SHA-256, without those of
    /// a UUID's version and variant.
    pub fn token(
        &self,
        concert: ConcertId,
        entry: EntryNo,
        user: UserId,
        entered_at: Timestamp,
    ) -> QueueToken {
        let mut place = [0; 28];
        place[..4].copy_from_slice(&concert.0.to_be_bytes());
        place[4..12].copy_from_slice(&entry.0.to_be_bytes());
        place[12..20].copy_from_slice(&user.0.to_be_bytes());
        place[20..].copy_from_slice(&entered_at.as_millis().to_be_bytes());
        let tag = hmac::sign(&self.key, &place);
        let first = tag.as_ref().iter().take(12);
        QueueToken(routed(concert, first.fold(0, |bits, byte| bits << 8 | u128::from(*byte))))
    }
}

impl PartialEq for TokenSecret {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl fmt::Debug for TokenSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenSecret(..)")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    const AT: Timestamp = Timestamp::from_millis(1_800_000_000_000);

    #[test]
    fn a_token_names_its_concert() {
        let concert = ConcertId(0xDEAD_BEEF);
        let token = TokenSecret::new([7; 32]).token(concert, EntryNo(0), UserId(1), AT);
        assert_eq!((token.concert(), token.0.get_version_num()), (Some(concert), 8));
    }

    #[test]
    fn each_part_of_a_place_makes_another_token_and_the_same_place_the_same() {
        let secret = TokenSecret::new([7; 32]);
        let (concert, entry, user) = (ConcertId(1), EntryNo(5), UserId(9));
        let token = secret.token(concert, entry, user, AT);
        assert_eq!(TokenSecret::new(*secret.bytes()).token(concert, entry, user, AT), token);
        let later = Timestamp::from_millis(AT.as_millis() + 1);
        let others = [
            secret.token(ConcertId(2), entry, user, AT),
            secret.token(concert, EntryNo(6), user, AT),
            secret.token(concert, entry, UserId(10), AT),
            secret.token(concert, entry, user, later),
            secret.token(concert, EntryNo(9), UserId(5), AT),
            TokenSecret::new([8; 32]).token(concert, entry, user, AT),
        ];
        let all: HashSet<_> = others.into_iter().chain([token]).collect();
        assert_eq!(all.len(), 7);
    }

    /// Goal: tokens of a journal stay what fans have, whatever becomes of this code. Method: the value by another
    /// implementation (Python's `hmac`, and version and variant set by hand).
    #[test]
    fn a_token_is_what_others_make_of_the_same_secret() {
        let token = TokenSecret::new([7; 32]).token(ConcertId(1), EntryNo(5), UserId(9), AT);
        assert_eq!(token.0.simple().to_string(), "0000000104f98c7db0f9c61fbad7a03d");
    }

    #[test]
    fn a_secret_is_not_printed() {
        assert_eq!(format!("{:?}", TokenSecret::new([7; 32])), "TokenSecret(..)");
    }
}
