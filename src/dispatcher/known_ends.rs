//! How places in line and holds ended of which the tables do not have everything yet, for the table writer, which writes each as
//! it ended, and once.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::domain::event::Event;
use crate::store::{End, Ends};

#[derive(Default)]
pub(super) struct KnownEnds {
    of: HashMap<Ends, KnownEnd>,
    /// Holds that got other seats after they were opened. Somebody else may have had those meanwhile that they are paid with.
    changed: HashSet<Ends>,
}

struct KnownEnd {
    /// The journal's row that tells of it.
    seq: u64,
    end: End,
    /// It was given to the table writer, before its turn.
    is_given: bool,
}

impl KnownEnds {
    pub fn add(&mut self, seq: u64, events: &Arc<Vec<Event>>) {
        let is_change = |event: &&Event| {
            matches!(event, Event::SeatsHeld { opened: false, .. } | Event::SeatsReleased { .. })
        };
        self.changed.extend(events.iter().filter(is_change).filter_map(Ends::of));
        let known = |(of, end)| (of, KnownEnd { seq, end, is_given: false });
        self.of.extend(End::all_of(events).map(known));
    }

    /// The tables have all of a row of the journal.
    pub fn forget(&mut self, events: &[Event]) {
        for of in events.iter().filter_map(Ends::by) {
            self.of.remove(&of);
            self.changed.remove(&of);
        }
    }

    pub fn clear(&mut self) {
        self.of.clear();
        self.changed.clear();
    }

    /// Which events of the rows up to `to` are passed over, and the ends that are written in their place. What is given here is
    /// written with these rows, or the sale is lost.
    pub fn give(&mut self, rows: &[Arc<Vec<Event>>], to: u64) -> (Vec<bool>, Vec<End>) {
        let (mut passed, mut ends) = (Vec::new(), Vec::new());
        for event in rows.iter().flat_map(|events| events.iter()) {
            let known = Ends::of(event).and_then(|of| Some((of, self.of.get_mut(&of)?)));
            let is_passed = known.is_some_and(|(of, known)| {
                let may_be_given = known.seq > to
                    && match event {
                        Event::Joined(_) | Event::Admitted(_) => true,
                        Event::SeatsHeld { opened, .. } => {
                            let is_paid = matches!(known.end.event(), Event::Paid { .. });
                            *opened && !(is_paid && self.changed.contains(&of))
                        }
                        _ => false,
                    };
                if may_be_given && !known.is_given {
                    known.is_given = true;
                    ends.push(known.end.clone());
                }
                known.is_given
            });
            passed.push(is_passed);
        }
        (passed, ends)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::domain::event::HoldEnd;
    use crate::domain::ids::{ConcertId, EntryNo, QueueToken, ReservationId, ScheduleId, SeatId, UserId};
    use crate::domain::record::{
        LedgerEntry, LedgerKind, Reservation, ReservationStatus, TokenRecord, TokenStatus,
    };
    use crate::domain::time::Timestamp;
    use crate::store::rows::Rows;
    use crate::store::{Following, SeatStatus, WriterId};

    const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);
    const CONCERT: ConcertId = ConcertId(1);

    fn hold(id: u128, seats: &[u32]) -> Reservation {
        Reservation {
            id: ReservationId(Uuid::from_u128(id)),
            concert: CONCERT,
            schedule: ScheduleId(1),
            user: UserId(1),
            status: ReservationStatus::TempReserved,
            seats: seats.iter().copied().map(SeatId).collect(),
            prices: Vec::new(),
            amount: 0,
            opened_at: NOW,
            expires_at: NOW,
            ended_at: None,
            best_requests: Vec::new(),
            guest_of: None,
            payment: None,
        }
    }

    fn held(reservation: &Reservation, opened: bool) -> Event {
        let (reservation, seats) = (reservation.clone(), reservation.seats.clone());
        Event::SeatsHeld { reservation, seats, prices: Vec::new(), opened, request: None }
    }

    fn given_back(of: &Reservation) -> Event {
        let reservation = of.clone().ended(ReservationStatus::Cancelled, NOW);
        Event::ReservationEnded { reservation, why: HoldEnd::Released }
    }

    fn paid(of: &Reservation) -> Event {
        let ledger = LedgerEntry {
            id: crate::domain::ids::HistoryId(Uuid::nil()),
            user: of.user,
            kind: LedgerKind::Payment,
            amount_change: 0,
            balance: 0,
            at: NOW,
            payment: None,
            request_id: None,
        };
        Event::Paid { reservation: of.clone().ended(ReservationStatus::Reserved, NOW), ledger }
    }

    fn token(status: TokenStatus) -> TokenRecord {
        TokenRecord {
            concert: CONCERT,
            entry: EntryNo(0),
            token: QueueToken(Uuid::nil()),
            user: UserId(1),
            status,
            entered_at: NOW,
            admitted_at: None,
            expires_at: None,
            ended_at: None,
        }
    }

    /// The tables follow a journal of these rows in one part after the other, each up to the row that it ends with, while all of
    /// it is known. Gives what is written with each part.
    fn follow(journal: Vec<Vec<Event>>, parts: &[u64]) -> Vec<Following> {
        let rows: Vec<_> = journal.into_iter().map(Arc::new).collect();
        let mut ends = KnownEnds::default();
        (1..).zip(&rows).for_each(|(seq, events)| ends.add(seq, events));
        let mut from = 0;
        let mut part = |to: u64| {
            let events = rows[from as usize..to as usize].to_vec();
            let (passed, given) = ends.give(&events, to);
            events.iter().for_each(|events| ends.forget(events));
            let writer = WriterId(Uuid::nil());
            let part = Following { concert: CONCERT, writer, from, to, events, passed, ends: given };
            from = to;
            part
        };
        parts.iter().map(|to| part(*to)).collect()
    }

    fn reservations(rows: &Rows<'_>) -> Vec<(u128, ReservationStatus)> {
        let all = rows.reservations.iter().chain(&rows.ended_reservations);
        all.map(|row| (row.id.0.as_u128(), row.status)).collect()
    }

    fn seats(rows: &Rows<'_>) -> Vec<(u32, SeatStatus, Option<u128>)> {
        let seat = |of: &crate::store::rows::SeatChange| {
            (of.row.seat.0, of.row.status, of.row.reservation.map(|by| by.0.as_u128()))
        };
        rows.seats.iter().map(seat).collect()
    }

    #[test]
    fn a_hold_that_comes_back_is_written_once_and_its_seats_not_at_all() {
        let (first, second) = (hold(1, &[4]), hold(2, &[4]));
        let journal = vec![
            vec![held(&first, true)],
            vec![given_back(&first), held(&second, true)],
            vec![given_back(&second)],
        ];
        let parts = follow(journal, &[1, 2, 3]);
        let cancelled = |id| vec![(id, ReservationStatus::Cancelled)];
        let written: Vec<_> = parts.iter().map(|part| reservations(&part.rows())).collect();
        assert_eq!(written, [cancelled(1), cancelled(2), Vec::new()]);
        assert!(parts.iter().all(|part| part.rows().seats.is_empty()));
    }

    #[test]
    fn what_is_paid_is_sold_at_once_unless_others_may_have_had_its_seats() {
        let (bought, changed) = (hold(1, &[4]), hold(2, &[5]));
        let more = Reservation { seats: vec![SeatId(5), SeatId(6)], ..changed.clone() };
        let journal = vec![
            vec![held(&bought, true), held(&changed, true)],
            vec![paid(&bought), held(&more, false)],
            vec![paid(&more)],
        ];
        let parts = follow(journal, &[1, 3]);
        let (held, sold) = (ReservationStatus::TempReserved, ReservationStatus::Reserved);
        assert_eq!(reservations(&parts[0].rows()), [(1, sold), (2, held)]);
        let (taken, gone) = (SeatStatus::TempReserved, SeatStatus::Reserved);
        assert_eq!(seats(&parts[0].rows()), [(4, gone, Some(1)), (5, taken, Some(2))]);
        assert_eq!(reservations(&parts[1].rows()), [(2, sold)]);
        assert_eq!(seats(&parts[1].rows()), [(5, gone, Some(2)), (6, gone, Some(2))]);
    }

    #[test]
    fn a_hold_that_the_tables_have_ends_in_its_turn() {
        let first = hold(1, &[4]);
        let mut ends = KnownEnds::default();
        let rows =
            [vec![held(&first, true)], vec![held(&first, false)], vec![given_back(&first)]].map(Arc::new);
        assert_eq!(ends.give(&rows[..1], 1).0, [false], "nothing is known of its end yet");
        (1..).zip(&rows).for_each(|(seq, events)| ends.add(seq, events));
        let (passed, given) = ends.give(&rows[1..2], 2);
        assert_eq!((passed, given.len()), (vec![false], 0));
        let (passed, given) = ends.give(&rows[2..], 3);
        assert_eq!((passed, given.len()), (vec![false], 0));
    }

    #[test]
    fn a_place_in_line_is_written_as_it_ended() {
        let is_over = [TokenStatus::Waiting, TokenStatus::Progress, TokenStatus::Done].map(token);
        let [joined, admitted, ended] = is_over;
        let journal = vec![
            vec![Event::Joined(joined)],
            vec![Event::Admitted(admitted)],
            vec![Event::TokenEnded(ended)],
        ];
        let parts = follow(journal, &[1, 2, 3]);
        let written: Vec<Vec<_>> =
            parts.iter().map(|part| part.rows().tokens.iter().map(|token| token.status).collect()).collect();
        assert_eq!(written, [vec![TokenStatus::Done], vec![], vec![]]);
    }
}
