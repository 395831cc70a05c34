//! The permits of a connection for as long as it is open: one of all connections, and one of its address's.

use tokio::sync::OwnedSemaphorePermit;

use crate::desk::address_limits::AddressPermit;

pub struct Permit {
    _of_all: OwnedSemaphorePermit,
    /// Among the connections of its address, once that is known.
    of_address: Option<AddressPermit>,
}

impl Permit {
    pub fn new(of_all: OwnedSemaphorePermit, of_address: Option<AddressPermit>) -> Self {
        Self { _of_all: of_all, of_address }
    }

    /// The connection is somebody else's than its other end: a proxy said whose.
    pub fn count_for(&mut self, of_address: Option<AddressPermit>) {
        self.of_address = of_address;
    }
}
