//! Where the reservations of a user are found.
//!
//! An index by user alone puts each new row on a page of its own, anywhere among those of all reservations that ever were: of
//! what the embedded database had to do for a hold that is given back, that was a third, and more with each one. So a sale's
//! rows are written in segments, one after the other, and the index begins with the segment: what is written together lies
//! together, and whoever asks for a user's looks into each segment of each sale that the user was in.
//!
//! Always: `applied` counts a sale's rows, in the transaction that writes them, and so says which segments there are.

/// So deep may a query look into itself on each engine. What is beyond goes into the last one.
#[cfg(test)]
pub const SEGMENTS_MAX: i64 = 1_000;
/// Of some 16,384 rows each.
pub const COUNT: &str =
    "UPDATE applied SET reservations = reservations + ? WHERE concert_id = ? AND reservations < 16000000";
pub const SEGMENT: &str = "SELECT reservations >> 14 AS segment FROM applied WHERE concert_id = ?";

/// Every text above, for a test of their plans.
#[cfg(test)]
pub const QUESTIONS: &[&str] = &[COUNT, SEGMENT];

/// Begins a query with `theirs (sale, reservation)`: the reservations of a user, who is given four times. They are looked up in
/// every segment of every sale that the user was in line for or has tickets of. SQLite takes CROSS JOIN as the order to do it in,
/// and an index by itself for cheaper than a key that is wider.
macro_rules! reservations_of_user {
    () => {
        "WITH RECURSIVE places (sale, part) AS ( \
           SELECT a.concert_id, a.reservations >> 14 FROM ( \
             SELECT concert_id FROM queue WHERE user_id = ? \
             UNION SELECT concert_id FROM ticket WHERE user_id = ? AND cancelled_at IS NULL \
             UNION SELECT concert_id FROM ticket WHERE user_id = ? AND cancelled_at IS NOT NULL) s \
           CROSS JOIN applied a ON a.concert_id = s.concert_id \
           UNION ALL SELECT sale, part - 1 FROM places WHERE part > 0), \
         theirs (sale, reservation) AS ( \
           SELECT i.concert_id, i.reservation_id FROM places \
           CROSS JOIN reservation i ON i.concert_id = sale AND i.segment = part AND i.user_id = ?) "
    };
}
pub(super) use reservations_of_user;
