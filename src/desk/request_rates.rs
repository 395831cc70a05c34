//! The rate of requests that somebody may send over HTTP. It counts for the user once known, wherever and on however many
//! connections they send on; for the address before, with room for the thousands of phones that may share one.
//!
//! Always: a token that was good lately is looked at even if its address has used up everything, and one whose bearer has
//! used up everything is not looked at, which is the dearer part. The tables are bounded. Not here: websockets, whose
//! sessions count for themselves.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use super::address_limits::AddressLimiter;
use super::rate::{Meter, Rate};
use super::remembered::Remembered;
use crate::clock::SteadyTime;
use crate::config::ClientLimits;
use crate::domain::ids::UserId;
use crate::limits;

/// The one for whom a request is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asker {
    /// Nobody who is known.
    Address(IpAddr),
    /// A client that checks whether the server is ready: a crowd behind the same address must not make it look dead.
    Prober(IpAddr),
    Known(Bearer),
}

/// Somebody whose token was found good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Bearer {
    User(UserId),
    /// An operator, whom no user stands for: by a hash of the token.
    Operator(u64),
}

pub struct RequestRates {
    addresses: Arc<AddressLimiter>,
    rate: Rate,
    time: SteadyTime,
    hashing: RandomState,
    /// The bearers by a hash of their token. One that is forgotten is looked up again, on account of their address.
    bearers: Remembered<u64, Bearer>,
    meters: Mutex<Meters>,
}

struct Meters {
    of: HashMap<Bearer, Meter>,
    /// The number of askers at which those that can be forgotten are.
    swept_at: usize,
}

impl RequestRates {
    pub fn new(limits: &ClientLimits, addresses: Arc<AddressLimiter>, time: SteadyTime) -> Self {
        Self {
            addresses,
            rate: Rate::new(limits.requests_per_second, limits.requests_burst),
            time,
            hashing: RandomState::new(),
            bearers: Remembered::new(limits::BEARERS_REMEMBERED_MAX),
            meters: Mutex::new(Meters { of: HashMap::new(), swept_at: limits::BEARERS_REMEMBERED_MAX }),
        }
    }

    /// The owner of this token when it was looked at last. It may have ended since.
    pub fn bearer_of(&self, token: &str) -> Option<Bearer> {
        self.bearers.get(&self.hashing.hash_one(token))
    }

    /// The token was found good.
    pub fn remember(&self, token: &str, user: Option<UserId>) -> Bearer {
        let hash = self.hashing.hash_one(token);
        let bearer = user.map_or(Bearer::Operator(hash), Bearer::User);
        self.bearers.insert(hash, bearer);
        bearer
    }

    /// Counts a request that is worth `weight` of the smallest, or says how long to wait.
    pub fn take(&self, asker: Asker, weight: u32) -> Result<(), Duration> {
        match asker {
            Asker::Address(address) => self.addresses.request(address, weight),
            Asker::Prober(address) => self.addresses.probe(address),
            Asker::Known(bearer) => self.with(bearer, |meter, rate, now| {
                meter.take(now, rate)?;
                // The rest is owed: a large one is let in when a small one would be.
                let _ = meter.charge(now, rate, weight.saturating_sub(1));
                Ok(())
            }),
        }
    }

    /// Counts what was done for a request on top of its weight.
    pub fn charge(&self, asker: Asker, weight: u32) {
        match asker {
            Asker::Address(address) => self.addresses.charge(address, weight),
            Asker::Prober(_) => {}
            Asker::Known(bearer) => {
                let _ = self.with(bearer, |meter, rate, now| meter.charge(now, rate, weight));
            }
        }
    }

    fn with<T>(
        &self,
        bearer: Bearer,
        use_up: impl FnOnce(&mut Meter, Rate, crate::domain::time::Timestamp) -> T,
    ) -> T {
        let now = self.time.now();
        let mut meters = self.meters.lock();
        if meters.of.len() >= meters.swept_at {
            meters.of.retain(|_, meter| !meter.is_paid_back(now));
            // Those who are left sent a request within a burst's time: they are as many as the server can answer.
            meters.swept_at = limits::BEARERS_REMEMBERED_MAX.max(2 * meters.of.len());
        }
        use_up(meters.of.entry(bearer).or_default(), self.rate, now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::config::AddressLimits;
    use crate::domain::time::Timestamp;

    fn rates() -> (RequestRates, Clock) {
        let clock = Clock::manual(Timestamp::from_millis(1_000_000_000));
        let of_addresses =
            AddressLimits { requests_per_second: 5, requests_burst: 10, ..AddressLimits::default() };
        let addresses = AddressLimiter::new(of_addresses, SteadyTime::new(clock.clone()));
        let limits = ClientLimits { requests_per_second: 2, requests_burst: 4, ..ClientLimits::default() };
        (RequestRates::new(&limits, Arc::new(addresses), SteadyTime::new(clock.clone())), clock)
    }

    fn taken(rates: &RequestRates, asker: Asker, weight: u32) -> usize {
        (0..100).filter(|_| rates.take(asker, weight).is_ok()).count()
    }

    #[test]
    fn users_have_their_own_wherever_they_are_and_addresses_theirs() {
        let (rates, clock) = rates();
        let here: IpAddr = "203.0.113.7".parse().unwrap();
        let user = |id| Asker::Known(Bearer::User(UserId(id)));
        assert_eq!(taken(&rates, Asker::Address(here), 1), 10);
        assert_eq!((taken(&rates, user(1), 1), taken(&rates, user(2), 1)), (4, 4));
        assert!(rates.take(Asker::Prober(here), 1).is_ok(), "whoever looks after the server still may");
        clock.advance(Duration::from_secs(1));
        assert_eq!((taken(&rates, user(1), 1), taken(&rates, Asker::Address(here), 1)), (2, 5));
    }

    #[test]
    fn what_is_large_is_let_in_and_paid_for_afterwards() {
        let (rates, clock) = rates();
        let user = Asker::Known(Bearer::User(UserId(1)));
        assert_eq!(taken(&rates, user, 8), 1);
        assert_eq!(rates.take(user, 1), Err(Duration::from_millis(2_500)));
        clock.advance(Duration::from_millis(2_500));
        assert!(rates.take(user, 1).is_ok());
        clock.advance(Duration::from_secs(60));
        rates.charge(user, 4);
        assert!(rates.take(user, 1).is_err());
    }

    #[test]
    fn a_token_is_known_by_its_bearer_and_the_tables_are_bounded() {
        let (rates, clock) = rates();
        assert_eq!(rates.bearer_of("a"), None);
        assert_eq!(rates.remember("a", Some(UserId(7))), Bearer::User(UserId(7)));
        assert_eq!(rates.bearer_of("a"), Some(Bearer::User(UserId(7))));
        assert!(matches!(rates.remember("b", None), Bearer::Operator(_)));
        for id in 0..3 * limits::BEARERS_REMEMBERED_MAX as u64 {
            let _ = rates.take(Asker::Known(Bearer::User(UserId(id))), 1);
            if id % 1_000 == 0 {
                clock.advance(Duration::from_secs(1));
            }
        }
        assert!(rates.meters.lock().of.len() <= limits::BEARERS_REMEMBERED_MAX);
    }
}
