//! The use that each address has made of its limits: connections, and how fast it makes connections, guests and places
//! in line.
//!
//! Always: what an address holds open is known for as long as it is open; what it did lately is forgotten once it
//! would not change an answer, and the table is bounded. Not here: whose address it is (`crate::address`), seats, of
//! which the sale itself keeps count.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use frontrow_protocol::ErrorObject;
use parking_lot::Mutex;

use super::rate::{Meter, Rate};
use crate::address::block_of;
use crate::clock::SteadyTime;
use crate::config::AddressLimits;
use crate::domain::ids::AddressBlock;
use crate::domain::time::Timestamp;
use crate::limits;

/// Looks at how the server is: a load balancer's, a monitor's, and some by hand.
const PROBES: Rate = Rate::new(20, 200);
/// Links that strangers sign in with. Nobody finds one of 2^256 by trying, but each try asks the store.
const SIGN_INS: Rate = Rate::per_minute(10, 20);
/// Refusals over a rate that are answered over HTTP. A client that waits as `Retry-After` says gets one.
const REFUSALS: Rate = Rate::new(200, 500);

/// The limit that was passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    Connections,
    Handshakes,
    Guests,
    Joins,
    Requests,
    SignIns,
}

impl Limit {
    /// Its name in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Connections => "address_connections",
            Self::Handshakes => "address_handshakes",
            Self::Guests => "address_guests",
            Self::Joins => "address_joins",
            Self::Requests => "address_requests",
            Self::SignIns => "address_sign_ins",
        }
    }
}

/// An address has to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooMany {
    pub limit: Limit,
    pub retry_after: Duration,
}

impl TooMany {
    pub fn message(self) -> &'static str {
        match self.limit {
            Limit::Connections => "this address has as many connections as it may",
            Limit::Handshakes => "this address makes connections too fast",
            Limit::Guests => "this address makes guests too fast",
            Limit::Joins => "guests of this address join too fast",
            Limit::Requests => "this address sends requests too fast",
            Limit::SignIns => "this address signs in too fast",
        }
    }

    pub fn error(self) -> ErrorObject {
        let mut error = ErrorObject::rate_limited(self.retry_after.as_millis().max(1) as u64);
        error.message = self.message().into();
        error
    }
}

pub struct AddressLimiter {
    limits: AddressLimits,
    handshakes: Rate,
    guests: Rate,
    joins: Rate,
    requests: Rate,
    time: SteadyTime,
    table: Mutex<Table>,
}

struct Table {
    blocks: HashMap<AddressBlock, Block>,
    /// The number of blocks at which those that can be forgotten are.
    swept_at: usize,
}

/// The use that one block has made of its limits.
#[derive(Default)]
struct Block {
    connections: u32,
    handshakes: Meter,
    guests: Meter,
    joins: Meter,
    requests: Meter,
    probes: Meter,
    refusals: Meter,
    sign_ins: Meter,
}

impl Block {
    /// Would a new one give the same answers?
    fn is_like_new(&self, now: Timestamp) -> bool {
        self.connections == 0
            && [
                self.handshakes,
                self.guests,
                self.joins,
                self.requests,
                self.probes,
                self.refusals,
                self.sign_ins,
            ]
            .iter()
            .all(|meter| meter.is_paid_back(now))
    }
}

/// A connection's place among those of its address, given back when it is dropped.
pub struct AddressPermit {
    limiter: Arc<AddressLimiter>,
    block: AddressBlock,
}

impl Drop for AddressPermit {
    fn drop(&mut self) {
        if let Some(block) = self.limiter.table.lock().blocks.get_mut(&self.block) {
            block.connections = block.connections.saturating_sub(1);
        }
    }
}

impl AddressLimiter {
    pub fn new(limits: AddressLimits, time: SteadyTime) -> Self {
        Self {
            handshakes: Rate::new(limits.handshakes_per_second, limits.handshakes_burst),
            guests: Rate::new(limits.guests_per_second, limits.guests_burst),
            joins: Rate::new(limits.joins_per_second, limits.joins_burst),
            requests: Rate::new(limits.requests_per_second, limits.requests_burst),
            limits,
            time,
            table: Mutex::new(Table { blocks: HashMap::new(), swept_at: limits::ADDRESSES_REMEMBERED_MAX }),
        }
    }

    /// The block that an address's limits are counted in; `None` if none hold for it.
    pub fn block(&self, address: IpAddr) -> Option<AddressBlock> {
        let exempt = self.limits.exempt.iter().any(|network| network.contains(address));
        (!exempt).then(|| block_of(address))
    }

    /// Counts a new connection, until the permit is dropped. None is given, or needed, where no limits hold.
    pub fn connect(self: &Arc<Self>, address: IpAddr) -> Result<Option<AddressPermit>, TooMany> {
        let Some(block) = self.block(address) else { return Ok(None) };
        self.with(block, |used, now| {
            // A connection that is refused for their number is none that was made.
            if used.connections >= self.limits.connections {
                let retry_after = limits::FULL_RETRY_AFTER;
                return Err(TooMany { limit: Limit::Connections, retry_after });
            }
            take(&mut used.handshakes, now, self.handshakes, Limit::Handshakes)?;
            used.connections += 1;
            Ok(())
        })?;
        Ok(Some(AddressPermit { limiter: self.clone(), block }))
    }

    /// Counts a new guest.
    pub fn make_guest(&self, address: IpAddr) -> Result<(), TooMany> {
        let Some(block) = self.block(address) else { return Ok(()) };
        self.with(block, |used, now| take(&mut used.guests, now, self.guests, Limit::Guests))
    }

    /// Counts an operator's try to sign in.
    pub fn sign_in(&self, address: IpAddr) -> Result<(), TooMany> {
        let Some(block) = self.block(address) else { return Ok(()) };
        self.with(block, |used, now| take(&mut used.sign_ins, now, SIGN_INS, Limit::SignIns))
    }

    /// Counts a guest's join.
    pub fn join(&self, block: AddressBlock) -> Result<(), TooMany> {
        self.with(block, |used, now| take(&mut used.joins, now, self.joins, Limit::Joins))
    }

    /// Counts a request that is worth `weight` of the smallest. A large one is let in when a small one would be; the
    /// rest of it is owed.
    pub fn request(&self, address: IpAddr, weight: u32) -> Result<(), Duration> {
        let Some(block) = self.block(address) else { return Ok(()) };
        self.with(block, |used, now| {
            used.requests.take(now, self.requests)?;
            let _ = used.requests.charge(now, self.requests, weight.saturating_sub(1));
            Ok(())
        })
    }

    /// Counts what was done for a request on top of its weight.
    pub fn charge(&self, address: IpAddr, weight: u32) {
        if let Some(block) = self.block(address) {
            let _ = self.with(block, |used, now| used.requests.charge(now, self.requests, weight));
        }
    }

    /// Counts a look at how the server is.
    pub fn probe(&self, address: IpAddr) -> Result<(), Duration> {
        let Some(block) = self.block(address) else { return Ok(()) };
        self.with(block, |used, now| used.probes.take(now, PROBES))
    }

    /// The time for which a refusal over a rate is held back: whoever goes on all the same is refused at a pace that
    /// costs others nothing.
    pub fn refuse(&self, address: IpAddr) -> Duration {
        let Some(block) = self.block(address) else { return Duration::ZERO };
        let wait = self.with(block, |used, now| used.refusals.charge(now, REFUSALS, 1));
        wait.err().unwrap_or_default().min(limits::REFUSAL_DELAY_MAX)
    }

    fn with<T>(&self, block: AddressBlock, use_up: impl FnOnce(&mut Block, Timestamp) -> T) -> T {
        let now = self.time.now();
        let mut table = self.table.lock();
        if table.blocks.len() >= table.swept_at {
            table.forget(now);
        }
        use_up(table.blocks.entry(block).or_default(), now)
    }
}

impl Table {
    /// Forgets what changes no answer; if that leaves too many, everybody without a connection. Those get their bursts
    /// anew, which gives nothing to whom has so many addresses.
    fn forget(&mut self, now: Timestamp) {
        self.blocks.retain(|_, block| !block.is_like_new(now));
        if self.blocks.len() > limits::ADDRESSES_REMEMBERED_MAX / 2 {
            self.blocks.retain(|_, block| block.connections > 0);
        }
        // The blocks are never looked through again before as many came as are kept, however many are connected.
        self.swept_at = limits::ADDRESSES_REMEMBERED_MAX.max(2 * self.blocks.len());
    }
}

fn take(meter: &mut Meter, now: Timestamp, rate: Rate, limit: Limit) -> Result<(), TooMany> {
    meter.take(now, rate).map_err(|retry_after| TooMany { limit, retry_after })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;

    fn limiter(limits: AddressLimits) -> (Arc<AddressLimiter>, Clock) {
        let clock = Clock::manual(Timestamp::from_millis(1_000_000_000));
        (Arc::new(AddressLimiter::new(limits, SteadyTime::new(clock.clone()))), clock)
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn an_address_has_its_connections_and_gets_them_back() {
        let (limiter, _) = limiter(AddressLimits { connections: 2, ..AddressLimits::default() });
        let first = limiter.connect(address("2001:db8::1")).unwrap();
        let second = limiter.connect(address("2001:db8::2")).unwrap();
        let refused = limiter.connect(address("2001:db8::3")).err().unwrap();
        assert_eq!(refused.limit, Limit::Connections);
        assert!(limiter.connect(address("2001:db8:0:1::1")).is_ok(), "a neighbour has their own");
        drop(first);
        assert!(limiter.connect(address("2001:db8::3")).is_ok());
        drop(second);
    }

    #[test]
    fn each_kind_is_a_burst_and_then_a_rate() {
        let (limiter, clock) = limiter(AddressLimits {
            handshakes_burst: 3,
            handshakes_per_second: 2,
            guests_burst: 2,
            joins_burst: 1,
            ..AddressLimits::default()
        });
        let ip = address("203.0.113.7");
        assert_eq!((0..9).filter(|_| limiter.connect(ip).is_ok()).count(), 3);
        let refused = limiter.connect(ip).err().unwrap();
        assert_eq!(refused, TooMany { limit: Limit::Handshakes, retry_after: Duration::from_millis(500) });
        assert_eq!((0..9).filter(|_| limiter.make_guest(ip).is_ok()).count(), 2);
        let block = limiter.block(ip).unwrap();
        assert_eq!((0..9).filter(|_| limiter.join(block).is_ok()).count(), 1);
        assert_eq!(limiter.join(block).unwrap_err().error().data.retry_after_ms, Some(200));
        clock.advance(Duration::from_secs(1));
        assert_eq!((0..9).filter(|_| limiter.connect(ip).is_ok()).count(), 2);
    }

    #[test]
    fn exempt_networks_have_no_limits() {
        let exempt = vec!["10.0.0.0/8".parse().unwrap()];
        let (limiter, _) = limiter(AddressLimits { exempt, guests_burst: 1, ..AddressLimits::default() });
        assert!((0..9).all(|_| limiter.make_guest(address("10.1.2.3")).is_ok()));
        assert!(limiter.connect(address("10.1.2.3")).unwrap().is_none());
        assert_eq!((0..9).filter(|_| limiter.make_guest(address("11.1.2.3")).is_ok()).count(), 1);
    }

    #[test]
    fn the_table_is_bounded_and_forgets_nobody_who_is_connected() {
        let (limiter, _) = limiter(AddressLimits { connections: 1, ..AddressLimits::default() });
        let stays = limiter.connect(address("203.0.113.7")).unwrap();
        for n in 0..3 * limits::ADDRESSES_REMEMBERED_MAX as u32 {
            let _ = limiter.make_guest(IpAddr::from(n.to_be_bytes()));
            assert!(limiter.table.lock().blocks.len() <= limits::ADDRESSES_REMEMBERED_MAX + 1);
        }
        assert!(limiter.connect(address("203.0.113.7")).is_err(), "still connected");
        drop(stays);
        assert!(limiter.connect(address("203.0.113.7")).is_ok());
    }
}
