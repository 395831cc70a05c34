//! Connections that this process makes to itself: the buyers of a rehearsal come by the listener that fans come by, over the
//! whole way, and the limits of addresses are not for them.
//!
//! Always: one is known by the address and port that its own socket is bound to before it connects, which nobody else can
//! have at that time, and is expected once. No address, header or token lets anybody else in here.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;

#[derive(Default)]
pub struct Callers {
    /// Is anybody expected at all? Asked for each connection that comes in.
    any: AtomicBool,
    expected: Mutex<HashSet<SocketAddr>>,
}

impl frontrow_crowd::door::Callers for Callers {
    /// A socket of ours that is bound here is about to connect.
    fn expect(&self, from: SocketAddr) {
        let mut expected = self.expected.lock();
        expected.insert(canonical(from));
        self.any.store(true, Ordering::Release);
    }

    fn expect_no_more(&self, from: SocketAddr) {
        self.take(from);
    }
}

impl Callers {
    /// Is this connection one of ours? Asked once, when it comes in.
    pub fn take(&self, from: SocketAddr) -> bool {
        if !self.any.load(Ordering::Acquire) {
            return false;
        }
        let mut expected = self.expected.lock();
        let is_ours = expected.remove(&canonical(from));
        self.any.store(!expected.is_empty(), Ordering::Release);
        is_ours
    }
}

/// A listener for both versions of IP sees an address of the older one in the words of the newer.
fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

#[cfg(test)]
mod tests {
    use frontrow_crowd::door::Callers as _;

    use super::*;

    #[test]
    fn one_is_expected_once_and_by_its_port() {
        let callers = Callers::default();
        let address = |text: &str| text.parse::<SocketAddr>().unwrap();
        assert!(!callers.take(address("127.0.0.1:7")));
        callers.expect(address("127.0.0.1:7"));
        callers.expect(address("127.0.0.1:9"));
        assert!(!callers.take(address("127.0.0.1:8")) && !callers.take(address("127.0.0.2:7")));
        assert!(callers.take(address("[::ffff:127.0.0.1]:7")));
        assert!(!callers.take(address("127.0.0.1:7")), "once");
        callers.expect_no_more(address("127.0.0.1:9"));
        assert!(!callers.take(address("127.0.0.1:9")));
    }
}
