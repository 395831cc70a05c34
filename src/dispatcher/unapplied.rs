//! What was committed about somebody and is not in the tables yet, to be laid over what is read of them: nobody reads less than they
//! were told, and nobody waits for the tables.
//!
//! Always: what is laid over rows is later than they are, or the same. Not here: where it is kept until the tables have it.

use std::cmp::Reverse;

use super::tables::Targets;
use crate::domain::event::Event;
use crate::domain::ids::ConcertId;
use crate::domain::record::{Reservation, TokenRecord};

/// Events about one user that the tables may not have, each with its sale and its row there: of each sale in their order.
#[derive(Debug, Default)]
pub struct Unapplied {
    events: Vec<(ConcertId, u64, Event)>,
}

impl Unapplied {
    pub(super) fn add(&mut self, concert: ConcertId, events: Vec<(u64, Event)>) {
        self.events.extend(events.into_iter().map(|(seq, event)| (concert, seq, event)));
    }

    /// Was something committed since, up to these rows?
    pub(super) fn lacks(&self, targets: &Targets) -> bool {
        let has = |(concert, seq): &(ConcertId, u64)| {
            self.events.iter().any(|(of, known, _)| of == concert && known >= seq)
        };
        !targets.iter().all(has)
    }

    /// A user's reservations, newest first, as they are with all of this.
    pub fn over_reservations(&self, mut rows: Vec<Reservation>, max: usize) -> Vec<Reservation> {
        for reservation in self.events.iter().filter_map(|(_, _, event)| event.reservation()) {
            match rows.iter_mut().find(|row| row.id == reservation.id) {
                Some(row) => row.clone_from(reservation),
                None => rows.push(reservation.clone()),
            }
        }
        if !self.events.is_empty() {
            rows.sort_by_key(|row| Reverse((row.opened_at, row.id)));
            rows.truncate(max);
        }
        rows
    }

    /// A user's last token of each sale, newest first, as they are with all of this.
    pub fn over_last_tokens(&self, mut rows: Vec<TokenRecord>, max: usize) -> Vec<TokenRecord> {
        for token in self.events.iter().filter_map(|(_, _, event)| event.token()) {
            match rows.iter_mut().find(|row| row.concert == token.concert) {
                Some(row) if row.entry <= token.entry => row.clone_from(token),
                Some(_) => {}
                None => rows.push(token.clone()),
            }
        }
        if !self.events.is_empty() {
            rows.sort_by_key(|row| Reverse((row.entered_at, row.concert)));
            rows.truncate(max);
        }
        rows
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use uuid::Uuid;

    use super::*;
    use crate::domain::event::HoldEnd;
    use crate::domain::ids::{EntryNo, QueueToken, ReservationId, ScheduleId, UserId};
    use crate::domain::record::{ReservationStatus, TokenStatus};
    use crate::domain::time::Timestamp;

    fn at(second: u64) -> Timestamp {
        Timestamp::from_millis(1_800_000_000_000) + Duration::from_secs(second)
    }

    fn reservation(id: u128, status: ReservationStatus) -> Reservation {
        Reservation {
            id: ReservationId(Uuid::from_u128(id)),
            concert: ConcertId(1),
            schedule: ScheduleId(1),
            user: UserId(1),
            status,
            seats: Vec::new(),
            prices: Vec::new(),
            amount: 0,
            opened_at: at(id as u64),
            expires_at: at(900),
            ended_at: None,
            best_requests: Vec::new(),
            guest_of: None,
            payment: None,
        }
    }

    fn token(concert: u32, entry: u64, status: TokenStatus) -> TokenRecord {
        TokenRecord {
            concert: ConcertId(concert),
            entry: EntryNo(entry),
            token: QueueToken(Uuid::from_u128(entry.into())),
            user: UserId(1),
            status,
            entered_at: at(entry),
            admitted_at: None,
            expires_at: None,
            ended_at: None,
        }
    }

    fn held(id: u128) -> Event {
        let reservation = reservation(id, ReservationStatus::TempReserved);
        Event::SeatsHeld { reservation, seats: Vec::new(), prices: Vec::new(), opened: true, request: None }
    }

    fn released(id: u128) -> Event {
        let reservation = reservation(id, ReservationStatus::Cancelled);
        Event::ReservationEnded { reservation, why: HoldEnd::Released }
    }

    #[test]
    fn reservations_are_the_rows_and_what_came_after_them() {
        use ReservationStatus::{Cancelled, Reserved, TempReserved};
        let rows = vec![reservation(5, Reserved), reservation(2, TempReserved)];
        let mut unapplied = Unapplied::default();
        assert_eq!(unapplied.over_reservations(rows.clone(), 9), rows);
        unapplied.add(ConcertId(1), vec![(7, held(2)), (7, held(9)), (8, released(2)), (9, held(3))]);
        let shown = |rows: Vec<Reservation>, max| {
            let rows = unapplied.over_reservations(rows, max);
            rows.into_iter().map(|row| (row.id.0.as_u128(), row.status)).collect::<Vec<_>>()
        };
        let all = [(9, TempReserved), (5, Reserved), (3, TempReserved), (2, Cancelled)];
        assert_eq!(shown(rows.clone(), 9), all);
        assert_eq!(shown(rows, 3), all[..3]);
        // Rows that have some of it already stay as they are.
        assert_eq!(shown(vec![reservation(2, Cancelled)], 9), [all[0], all[2], all[3]]);
        assert!(!unapplied.lacks(&vec![(ConcertId(1), 9)]) && unapplied.lacks(&vec![(ConcertId(1), 10)]));
        assert!(unapplied.lacks(&vec![(ConcertId(2), 1)]));
    }

    #[test]
    fn the_last_token_of_each_sale_is_the_newest_that_is_known() {
        use TokenStatus::{Done, Waiting};
        let rows = vec![token(1, 8, Done), token(2, 4, Waiting)];
        let mut unapplied = Unapplied::default();
        assert_eq!(unapplied.over_last_tokens(rows.clone(), 9), rows);
        unapplied.add(ConcertId(1), vec![(1, Event::TokenEnded(token(1, 3, Done)))]);
        unapplied.add(ConcertId(2), vec![(5, Event::TokenEnded(token(2, 4, Done)))]);
        unapplied.add(ConcertId(2), vec![(6, Event::Joined(token(2, 9, Waiting)))]);
        unapplied.add(ConcertId(3), vec![(2, Event::Joined(token(3, 1, Waiting)))]);
        let all = [token(2, 9, Waiting), token(1, 8, Done), token(3, 1, Waiting)];
        assert_eq!(unapplied.over_last_tokens(rows.clone(), 9), all);
        assert_eq!(unapplied.over_last_tokens(rows, 2), all[..2]);
    }
}
