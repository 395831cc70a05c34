//! The names of things. Each is a type of its own, so that swapped ids do not compile.
//! Concerts, schedules and users are integers given by the store; tokens and reservations are UUIDv8 whose
//! first 32 bits name the concert, so that any node can route them; payments, tickets and ledger entries are v7.
//! What is stored under a key of its own ascends with time; queue tokens are credentials, and follow from a secret
//! (`token_secret`).

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::fmt;
use uuid::Uuid;

use super::time::Timestamp;

macro_rules! integer_id {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub $inner);
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

integer_id!(
    /// A concert, and with it its one sale.
    ConcertId(u32)
);
integer_id!(
    /// One performance of a concert.
    ScheduleId(u64)
);
integer_id!(
    /// A person who buys.
    UserId(u64)
);
integer_id!(
    /// A person who runs sales.
    OperatorId(u64)
);
integer_id!(
    /// A seat: its number in its schedule, in the order of the plan's file.
    SeatId(u32)
);
integer_id!(
    /// A token's ordinal in its sale: dense, and in the order of joining.
    EntryNo(u64)
);
integer_id!(
    /// One life of a server, among all that ever used the same database. Counted from 1, and less than `NodeNo::END`.
    NodeNo(u32)
);
integer_id!(
    /// One connection of a user: the node that it leads to, and a number that this node gave it. Never stored.
    ConnectionId(u64)
);

/// The bits of a connection's number, below those of its node.
const CONNECTION_BITS: u32 = 40;

impl NodeNo {
    /// A node's number has 24 bits, where it stands in front of others.
    pub const END: u32 = 1 << 24;
}

impl ConnectionId {
    /// The connection with this number at a node. Two nodes number from one each, and must not meet.
    pub const fn of(node: NodeNo, number: u64) -> Self {
        Self((node.0 as u64) << CONNECTION_BITS | number & ((1 << CONNECTION_BITS) - 1))
    }

    pub const fn node(self) -> NodeNo {
        NodeNo((self.0 >> CONNECTION_BITS) as u32)
    }
}

/// The part of an address that belongs to one household, office or carrier, as the desk tells them apart. To the
/// domain it is only the same or another. Never stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AddressBlock(pub u128);

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub Uuid);
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }
    };
}

uuid_id!(
    /// A user's place in one sale. Whoever has it acts as its user, so it is never logged.
    QueueToken
);
uuid_id!(
    /// Seats of one schedule held together.
    ReservationId
);
uuid_id!(
    /// The paying of one reservation.
    PaymentId
);
uuid_id!(
    /// A sold seat's ticket.
    TicketId
);
uuid_id!(
    /// One entry of a wallet's ledger.
    HistoryId
);

impl QueueToken {
    /// The sale that this token belongs to, or `None` for a UUID that was never one of ours.
    pub fn concert(self) -> Option<ConcertId> {
        routed_concert(self.0)
    }
}

impl ReservationId {
    /// What a seat of this sale names instead of a reservation while the house keeps it. No reservation has this id, as
    /// each has its time in it.
    pub fn house(concert: ConcertId) -> Self {
        Self(routed(concert, 0))
    }

    pub fn is_house(self) -> bool {
        self.concert().is_some_and(|concert| Self::house(concert) == self)
    }

    /// The sale that this reservation belongs to, or `None` for a UUID that was never one of ours.
    pub fn concert(self) -> Option<ConcertId> {
        routed_concert(self.0)
    }
}

fn routed_concert(id: Uuid) -> Option<ConcertId> {
    (id.get_version_num() == 8).then(|| ConcertId((id.as_u128() >> 96) as u32))
}

/// A UUIDv8 of a concert; `rest` are the 96 bits behind it, without those of the version and the variant.
pub(super) fn routed(concert: ConcertId, rest: u128) -> Uuid {
    uuid::Builder::from_custom_bytes((u128::from(concert.0) << 96 | rest).to_be_bytes()).into_uuid()
}

/// The source of new ids, and of all randomness in the domain: a generator that is handed in with its seed, so that a
/// simulation replays to the letter.
pub struct IdSource {
    rng: StdRng,
    /// The last millisecond that a timed id was made in, and how many were: ids of one source ascend.
    timed: (i64, u16),
}

impl IdSource {
    /// The same seed gives the same ids.
    pub fn seeded(seed: [u8; 32]) -> Self {
        Self { rng: StdRng::from_seed(seed), timed: (0, 0) }
    }

    /// Seeded by the operating system: the codes of tickets are credentials.
    pub fn from_os() -> Self {
        Self { rng: rand::make_rng(), timed: (0, 0) }
    }

    /// Another source, as unpredictable as this one, for when this one may not come back.
    pub fn spare(&mut self) -> Self {
        let mut seed = [0; 32];
        self.rng.fill_bytes(&mut seed);
        Self { rng: StdRng::from_seed(seed), timed: self.timed }
    }

    /// The time stands behind the concert. A reservation's id is no secret, and rows that are written together lie
    /// together: with random ids each new row is a page of its own in every commit.
    pub fn reservation(&mut self, concert: ConcertId, at: Timestamp) -> ReservationId {
        let (millis, counter) = self.tick(at);
        let (millis, counter) = (millis as u128 & ((1 << 48) - 1), u128::from(counter));
        // Around the version and the variant, which are the same in all: 16, 12 and 20 bits of the time.
        let time = (millis >> 32) << 80 | (millis >> 20 & 0xFFF) << 64 | (millis & 0xF_FFFF) << 42;
        let random = self.random_u128() & ((1 << 30) - 1);
        ReservationId(routed(concert, time | counter << 30 | random))
    }

    pub fn payment(&mut self, at: Timestamp) -> PaymentId {
        PaymentId(self.timed(at))
    }

    pub fn ticket(&mut self, at: Timestamp) -> TicketId {
        TicketId(self.timed(at))
    }

    pub fn history(&mut self, at: Timestamp) -> HistoryId {
        HistoryId(self.timed(at))
    }

    /// 16 characters of Crockford's base 32: 80 random bits, what a ticket's QR code carries.
    pub fn ticket_code(&mut self) -> String {
        const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
        let bits = self.random_u128();
        (0..16).map(|i| ALPHABET[(bits >> (5 * i)) as usize & 31] as char).collect()
    }

    fn timed(&mut self, at: Timestamp) -> Uuid {
        let (millis, counter) = self.tick(at);
        let mut random = [0; 10];
        self.rng.fill_bytes(&mut random);
        // The 12 bits behind the version are a counter, so that a ledger sorted by id is in the order it was written.
        random[..2].copy_from_slice(&counter.to_be_bytes());
        uuid::Builder::from_unix_timestamp_millis(millis as u64, &random).into_uuid()
    }

    /// A moment that no id of this source was made in: a millisecond, and a counter of 12 bits within it.
    fn tick(&mut self, at: Timestamp) -> (i64, u16) {
        const COUNTER_MAX: u16 = 0xFFF;
        let millis = at.as_millis().max(0);
        self.timed = match self.timed {
            (last, COUNTER_MAX) if millis <= last => (last + 1, 0),
            (last, counter) if millis <= last => (last, counter + 1),
            _ => (millis, 0),
        };
        self.timed
    }

    fn random_u128(&mut self) -> u128 {
        let mut bytes = [0; 16];
        self.rng.fill_bytes(&mut bytes);
        u128::from_be_bytes(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reservation_names_its_concert_and_a_foreign_uuid_names_none() {
        let mut ids = IdSource::seeded([7; 32]);
        let now = Timestamp::from_millis(i64::MAX);
        let concert = ConcertId(0xDEAD_BEEF);
        assert_eq!(ids.reservation(concert, now).concert(), Some(concert));
        assert_eq!(QueueToken(Uuid::nil()).concert(), None);
    }

    #[test]
    fn connections_of_two_nodes_never_meet_and_each_names_its_node() {
        let (first, last) = (NodeNo(1), NodeNo(NodeNo::END - 1));
        assert_ne!(ConnectionId::of(first, 1), ConnectionId::of(last, 1));
        assert_eq!(ConnectionId::of(first, 7).node(), first);
        // More connections than a node ever has still name it.
        assert_eq!(ConnectionId::of(last, u64::MAX).node(), last);
        assert_eq!(ConnectionId::of(last, u64::MAX).0, u64::MAX);
    }

    #[test]
    fn the_house_of_a_sale_is_no_reservation() {
        let house = ReservationId::house(ConcertId(7));
        assert!(house.is_house());
        assert_eq!(house.concert(), Some(ConcertId(7)));
        assert_eq!(house.0.simple().to_string(), "00000007000080008000000000000000");
        let mut ids = IdSource::seeded([7; 32]);
        assert!(!ids.reservation(ConcertId(7), Timestamp::from_millis(1)).is_house());
        assert!(!ReservationId(Uuid::nil()).is_house());
    }

    #[test]
    fn the_same_seed_gives_the_same_ids_and_another_call_another_id() {
        let (mut one, mut two) = (IdSource::seeded([7; 32]), IdSource::seeded([7; 32]));
        let first = one.ticket_code();
        assert_eq!(first, two.ticket_code());
        assert_ne!(first, one.ticket_code());
    }

    #[test]
    fn a_spare_source_makes_other_ids_that_still_ascend() {
        let mut ids = IdSource::seeded([7; 32]);
        let before = ids.history(Timestamp::from_millis(9));
        let mut spare = ids.spare();
        assert_ne!(spare.ticket_code(), ids.ticket_code());
        assert!(spare.history(Timestamp::from_millis(3)) > before);
    }

    #[test]
    fn timed_ids_ascend_even_within_a_millisecond_and_when_the_clock_steps_back() {
        let mut ids = IdSource::seeded([7; 32]);
        let times = std::iter::repeat_n(5, 5_000).chain([4, 3, 9]);
        let times: Vec<_> = times.map(Timestamp::from_millis).collect();
        let made: Vec<_> = times.iter().map(|at| ids.history(*at)).collect();
        assert!(made.is_sorted_by(|a, b| a < b));
        assert!(made.iter().all(|id| id.0.get_version_num() == 7));
        let later = [1_i64 << 20, 1 << 32, 1_800_000_000_000, (1 << 48) - 1].map(Timestamp::from_millis);
        let made: Vec<_> = times.iter().chain(&later).map(|at| ids.reservation(ConcertId(1), *at)).collect();
        assert!(made.is_sorted_by(|a, b| a < b));
        assert!(made.iter().all(|id| id.0.get_version_num() == 8));
    }
}
