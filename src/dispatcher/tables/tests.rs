//! What is written when: the clock is the runtime's, and stands still until all wait.

use std::time::Duration;

use uuid::Uuid;

use super::*;
use crate::domain::ids::{EntryNo, NodeNo, QueueToken, ReservationId, ScheduleId};
use crate::domain::record::{Reservation, ReservationStatus, TokenRecord, TokenStatus};
use crate::domain::time::Timestamp;

const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);
const CONCERT: ConcertId = ConcertId(1);

fn joined(entry: u64) -> Event {
    Event::Joined(TokenRecord {
        concert: CONCERT,
        entry: EntryNo(entry),
        token: QueueToken(Uuid::from_u128(entry.into())),
        user: UserId(entry),
        status: TokenStatus::Waiting,
        entered_at: NOW,
        admitted_at: None,
        expires_at: None,
        ended_at: None,
    })
}

fn held(id: u128) -> Event {
    let reservation = Reservation {
        id: ReservationId(Uuid::from_u128(id)),
        concert: CONCERT,
        schedule: ScheduleId(1),
        user: UserId(1),
        status: ReservationStatus::TempReserved,
        seats: Vec::new(),
        prices: Vec::new(),
        amount: 0,
        opened_at: NOW,
        expires_at: NOW,
        ended_at: None,
        best_requests: Vec::new(),
        guest_of: None,
        payment: None,
    };
    let (seats, prices) = (Vec::new(), Vec::new());
    Event::SeatsHeld { reservation, seats, prices, opened: true, request: None }
}

/// Tables of one sale, in whose journal these events are, 100 a row.
fn tables(events: &[Event]) -> Tables {
    let tables = Tables::new(WriterId::of(NodeNo(1)), limits::EVENTS_BEHIND_MAX);
    tables.begin(CONCERT, 0);
    for (seq, row) in (1..).zip(events.chunks(100)) {
        tables.commit(CONCERT, seq, row);
        tables.hand_over(CONCERT, seq, row.to_vec());
    }
    tables
}

/// The last row of what is written next, and the time that it waited.
async fn next(tables: &Tables) -> (u64, Duration) {
    let began = Instant::now();
    let following = tables.next().await;
    (following.to, began.elapsed())
}

/// The runtime's timers are a millisecond apart.
fn is_a_pause(waited: Duration) -> bool {
    (limits::FOLLOW_PAUSE..limits::FOLLOW_PAUSE + Duration::from_millis(2)).contains(&waited)
}

#[tokio::test(start_paused = true)]
async fn a_rush_of_joins_is_written_without_a_pause() {
    let joins: Vec<_> = (0..limits::FOLLOWED_SETTLED_MIN as u64 + 100).map(joined).collect();
    let (to, waited) = next(&tables(&joins)).await;
    assert_eq!((to, waited), (joins.len().div_ceil(100) as u64, Duration::ZERO));
}

#[tokio::test(start_paused = true)]
async fn a_few_joins_wait_for_others_to_be_written_with() {
    let (to, waited) = next(&tables(&(0..150).map(joined).collect::<Vec<_>>())).await;
    assert_eq!(to, 2);
    assert!(is_a_pause(waited), "{waited:?}");
}

#[tokio::test(start_paused = true)]
async fn holds_wait_as_most_of_them_end_soon() {
    let holds: Vec<_> = (0..limits::FOLLOWED_SETTLED_MIN as u128 + 100).map(held).collect();
    let (_, waited) = next(&tables(&holds)).await;
    assert!(is_a_pause(waited), "{waited:?}");
    // Also those behind a rush of joins.
    let joins = (0..limits::FOLLOWED_SETTLED_MIN as u64 + 52).map(joined);
    let both: Vec<_> = joins.chain((0..100).map(held)).collect();
    let (to, waited) = next(&tables(&both)).await;
    assert_eq!((to, waited), (21, Duration::ZERO));
}

/// Goal: what is not in the tables of a user is known, and waited for where it is not. Method: rows that are committed and not handed
/// over, that the tables have, and of a sale that is lost.
#[tokio::test(start_paused = true)]
async fn what_the_tables_lack_of_a_user_is_known() {
    let events: Vec<_> = (0..250).map(joined).collect();
    let tables = tables(&events);
    let of = async |user: u64| {
        let (found, lost) = tables.unapplied_of(UserId(user)).await;
        let seqs = |events: Vec<(u64, Event)>| events.into_iter().map(|(seq, _)| seq).collect::<Vec<_>>();
        (found.into_iter().map(|(_, events)| seqs(events)).collect::<Vec<_>>(), lost)
    };
    assert_eq!(of(150).await, (vec![vec![2]], vec![]));
    assert_eq!(of(900).await, (vec![], vec![]));

    let row = [Event::clone(&events[150]), held(7)];
    tables.commit(CONCERT, 4, &row);
    let asked = of(150);
    let mut asked = std::pin::pin!(asked);
    assert!(tokio::time::timeout(Duration::from_secs(60), &mut asked).await.is_err());
    tables.hand_over(CONCERT, 4, row.to_vec());
    assert_eq!(asked.await, (vec![vec![2, 4]], vec![]));
    tables.applied(CONCERT, 2);
    assert_eq!(of(150).await, (vec![vec![4]], vec![]));
    assert_eq!(of(50).await, (vec![], vec![]));

    // Whoever missed some of it hears it again, unless it is in the tables.
    let rows =
        |from| tables.rows_from(CONCERT, from).map(|rows| rows.iter().map(|row| row.0).collect::<Vec<_>>());
    assert_eq!((rows(2), rows(3), rows(5)), (None, Some(vec![3, 4]), Some(vec![])));

    tables.lose(CONCERT);
    assert_eq!(rows(3), None);
    assert_eq!(of(150).await, (vec![], vec![(CONCERT, 4)]));
    assert_eq!(of(50).await, (vec![], vec![]));
}
