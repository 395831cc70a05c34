use std::time::Duration;

use tokio::sync::oneshot;

use super::*;
use crate::domain::command::Answer;
use crate::domain::ids::{EntryNo, QueueToken};
use crate::domain::line::Order;
use crate::domain::record::{SaleState, Takings, TokenStatus};
use crate::domain::rules::{OwnRules, SaleRules, SaleSettings};
use crate::fanout::{Begun, Reply, ReplyTo};
use crate::store::ConcertRecord;
use uuid::Uuid;

const CONCERT: ConcertId = ConcertId(1);
const OWNER: NodeNo = NodeNo(2);

fn at(ms: u64) -> Timestamp {
    Timestamp::from_millis(1_800_000_000_000) + Duration::from_millis(ms)
}

fn view(seq: u64) -> Arc<SaleView> {
    let concert = ConcertRecord {
        id: CONCERT,
        title: "Anna".to_owned(),
        about: None,
        venue: "Hall".to_owned(),
        currency: "EUR".to_owned(),
        time_zone: None,
        rehearsal_of: None,
    };
    let settings =
        SaleSettings { state: SaleState::Open, opens_at: None, message: None, own: OwnRules::default() };
    let begun = Begun {
        settings: &settings,
        sells: true,
        order: Order::default(),
        next_entry: EntryNo(0),
        tokens: &[],
    };
    let (rules, outages) = (SaleRules::default(), Duration::ZERO);
    SaleView::copied(concert, (seq, seq), begun, rules, outages, Takings::default(), Vec::new())
}

fn token(user: u64) -> TokenRecord {
    TokenRecord {
        concert: CONCERT,
        entry: EntryNo(user),
        token: QueueToken(Uuid::from_u128(user.into())),
        user: UserId(user),
        status: TokenStatus::Waiting,
        entered_at: at(0),
        admitted_at: None,
        expires_at: None,
        ended_at: None,
    }
}

fn rows(applied: u64, places: &[TokenRecord]) -> LoadedRows {
    LoadedRows { applied, places: places.to_vec(), reservations: Vec::new() }
}

/// A copy that was read and has this row.
fn copies(seq: u64) -> Copies {
    let mut copies = Copies::default();
    copies.begin(vec![(CONCERT, None)], at(0));
    assert_eq!(copies.begin_reads(at(0)), [(CONCERT, None)]);
    assert!(matches!(copies.loaded(CONCERT, &view(seq), rows(seq, &[]), at(0)), Loaded::Show(..)));
    copies
}

fn committed(seq: u64, user: u64) -> Committed {
    let events = vec![Bytes::from(wire::encode(&Event::Joined(token(user))))];
    Committed { concert: CONCERT, seq, part: 0, is_last: true, events, time: SaleTime::default() }
}

/// The rows that are taken in now.
fn taken(copies: &mut Copies, now: Timestamp) -> Vec<u64> {
    std::iter::from_fn(|| copies.next(CONCERT, now).map(|taken| taken.seq)).collect()
}

fn answer(at: (u64, u32)) -> (Told, oneshot::Receiver<Reply>) {
    let (to, heard) = oneshot::channel();
    let (to, reply) = (ReplyTo::Once(to), Ok(Answer::Done));
    (Told { concert: CONCERT, holds: None, at, to, reply }, heard)
}

#[test]
fn rows_are_taken_in_once_and_in_their_order() {
    let mut copies = copies(5);
    copies.hear(committed(7, 7), at(1));
    assert!(taken(&mut copies, at(1)).is_empty());
    copies.hear(committed(6, 6), at(2));
    assert_eq!(taken(&mut copies, at(2)), [6, 7]);
    for again in [6, 7, 8, 8] {
        copies.hear(committed(again, again), at(3));
    }
    assert_eq!(taken(&mut copies, at(3)), [8]);
    assert_eq!(copies.sales[&CONCERT].view.as_ref().unwrap().waiting(), 3);
    assert_eq!(copies.sales[&CONCERT].ahead_bytes, 0);
}

#[test]
fn a_row_is_taken_in_when_all_of_its_parts_came_in_their_order() {
    let mut copies = copies(5);
    let part = |part, is_last| Committed { part, is_last, ..committed(6, u64::from(part)) };
    copies.hear(part(1, true), at(1));
    assert!(taken(&mut copies, at(1)).is_empty());
    copies.hear(part(0, false), at(2));
    assert!(taken(&mut copies, at(2)).is_empty());
    copies.hear(part(1, true), at(3));
    assert_eq!(taken(&mut copies, at(3)), [6]);
    assert_eq!(copies.sales[&CONCERT].view.as_ref().unwrap().waiting(), 2);
}

#[test]
fn what_is_missing_is_asked_for_again_and_again_and_read_when_it_is_not_kept() {
    let mut copies = copies(5);
    copies.learn(CONCERT, Owner { node: OWNER, epoch: 3 }, at(0));
    copies.hear(committed(7, 7), at(0));
    assert!(taken(&mut copies, at(0)).is_empty());
    let asked = |copies: &mut Copies, ms| copies.look(at(ms)).0;
    assert_eq!(asked(&mut copies, 0), []);
    let due = copies.next_due().unwrap();
    assert_eq!(due, at(0) + limits::MISSED_AFTER);
    let ask = || Ask { owner: OWNER, concert: CONCERT, from: 6 };
    assert_eq!(asked(&mut copies, 50), [ask()]);
    assert_eq!(asked(&mut copies, 100), []);
    assert_eq!(asked(&mut copies, 300), [ask()]);
    copies.not_kept(CONCERT, 5, at(310));
    assert_eq!(copies.begin_reads(at(310)), [], "that was asked of an older row");
    copies.not_kept(CONCERT, 6, at(310));
    assert_eq!(copies.begin_reads(at(310)), [(CONCERT, Some(5))]);
    assert_eq!(asked(&mut copies, 600), [], "it is being read");
    assert!(matches!(copies.loaded(CONCERT, &view(6), rows(6, &[]), at(600)), Loaded::Show(..)));
    assert_eq!(taken(&mut copies, at(600)), [7]);
}

#[test]
fn a_claim_is_a_row_in_which_nothing_happened() {
    let mut copies = copies(5);
    copies.learn(CONCERT, Owner { node: OWNER, epoch: 6 }, at(1));
    copies.hear(committed(7, 7), at(1));
    assert_eq!(taken(&mut copies, at(1)), [7]);
    assert_eq!(copies.new_owners(), [CONCERT]);
    assert_eq!(copies.new_owners(), []);
    // What the owner before committed last did not come.
    copies.learn(CONCERT, Owner { node: OWNER, epoch: 9 }, at(2));
    assert_eq!(copies.begin_reads(at(300)), [(CONCERT, Some(7))]);
}

#[test]
fn a_copy_does_not_go_back_and_tells_nobody_what_is_older() {
    let mut copies = copies(5);
    copies.learn(CONCERT, Owner { node: OWNER, epoch: 3 }, at(0));
    let moved = SaleTime { outages: Duration::from_secs(4), step: 0 };
    copies.hear(Committed { time: moved, ..committed(6, 6) }, at(1));
    assert_eq!(taken(&mut copies, at(1)), [6]);
    // Time moved, and those who have deadlines are to know.
    assert_eq!(copies.begin_reads(at(300)), [(CONCERT, Some(6))]);
    let read = copies.loaded(CONCERT, &view(5), rows(5, &[token(1), token(6)]), at(310));
    let Loaded::Tell(known, news) = read else { panic!("the copy is further") };
    assert_eq!((known.seq(), known.time()), (6, (moved.outages, 0)));
    assert_eq!(news.places, [token(1)]);
}

#[test]
fn an_answer_waits_for_what_it_rests_on_and_not_for_ever() {
    let mut copies = copies(5);
    let (told, _) = answer((5, 1));
    assert!(copies.keep_back(told, at(0)).is_some());
    for row in [7, 6] {
        let (told, _) = answer((row, 0));
        assert!(copies.keep_back(told, at(0)).is_none());
    }
    copies.hear(committed(6, 6), at(1));
    assert_eq!(taken(&mut copies, at(1)), [6]);
    assert_eq!(copies.ripe(CONCERT).len(), 0, "answers keep their order");
    copies.hear(committed(7, 7), at(2));
    assert_eq!(taken(&mut copies, at(2)), [7]);
    assert_eq!(copies.ripe(CONCERT).len(), 2);

    let (told, _) = answer((8, 0));
    assert!(copies.keep_back(told, at(10)).is_none());
    assert!(copies.look(at(2_009)).1.is_empty());
    let late = copies.look(at(2_010)).1;
    assert_eq!(late[0].reply, Err(Refusal::OutcomeUnknown));
    assert_eq!(copies.kept_back(CONCERT), 0);
}

#[test]
fn what_happens_to_who_waits_for_an_answer_comes_before_or_behind_it() {
    let mut copies = copies(5);
    let user = UserId(1);
    for place in [(6, 1), (6, 2), (7, 1)] {
        copies.hold(CONCERT, user, place, News::Happened(Event::Joined(token(1))));
    }
    assert_eq!(copies.held_until(CONCERT, user, (6, 1)).len(), 1);
    assert_eq!(copies.held_until(CONCERT, user, (6, u32::MAX)).len(), 1);
    assert_eq!(copies.held_until(CONCERT, UserId(2), (9, 0)).len(), 0);
    assert_eq!(copies.all_held(CONCERT).len(), 1);
    for number in 0..=limits::NEWS_HELD_MAX as u32 {
        assert_eq!(copies.overdue(CONCERT), []);
        copies.hold(CONCERT, user, (8, number), News::Happened(Event::Joined(token(1))));
    }
    assert_eq!(copies.overdue(CONCERT), [user]);
}

#[test]
fn a_user_is_read_when_the_tables_have_what_is_about_them() {
    let mut copies = copies(5);
    assert_eq!(copies.last_of(CONCERT, UserId(6), 6), Err(Behind));
    copies.hear(committed(6, 6), at(1));
    assert_eq!(taken(&mut copies, at(1)), [6]);
    assert_eq!(copies.last_of(CONCERT, UserId(6), 6), Ok(Some(6)));
    assert_eq!(copies.last_of(CONCERT, UserId(1), 6), Ok(None));
    let running = Running { concert: CONCERT, epoch: 3, seq: 6, applied: 6, time: SaleTime::default() };
    copies.stands(OWNER, &running, at(2));
    assert_eq!(copies.last_of(CONCERT, UserId(6), 6), Ok(None));

    // Of a sale that ran here until now it is not known whom its last rows are about.
    let mut lent = Copies::default();
    lent.begin(vec![(CONCERT, Some(view(8)))], at(0));
    assert_eq!(lent.last_of(CONCERT, UserId(1), 8), Ok(Some(8)));
    lent.stands(OWNER, &Running { applied: 8, seq: 8, ..running }, at(1));
    assert_eq!(lent.last_of(CONCERT, UserId(1), 8), Ok(None));
}

#[test]
fn what_the_tables_lack_of_a_user_is_known_until_they_have_it() {
    let mut copies = copies(5);
    (6..=8).for_each(|seq| copies.hear(committed(seq, seq), at(1)));
    assert_eq!(taken(&mut copies, at(1)), [6, 7, 8]);
    let seqs = |copies: &Copies, user: u64, applied: u64, end: u64| {
        let found = copies.unapplied_of(CONCERT, UserId(user), (applied, end));
        found.map(|events| events.into_iter().map(|(seq, _)| seq).collect::<Vec<_>>())
    };
    assert_eq!(seqs(&copies, 7, 5, 8), Ok(vec![7]));
    assert_eq!(seqs(&copies, 7, 7, 8), Ok(vec![]));
    assert_eq!(seqs(&copies, 1, 5, 8), Ok(vec![]));
    // The copy is not so far, or does not have what comes behind the tables' rows.
    assert_eq!(seqs(&copies, 7, 5, 9), Err(Behind));
    assert_eq!(seqs(&copies, 7, 4, 8), Err(Behind));
    let running = Running { concert: CONCERT, epoch: 3, seq: 8, applied: 7, time: SaleTime::default() };
    copies.stands(OWNER, &running, at(2));
    assert_eq!(copies.sales[&CONCERT].unapplied.len(), 1);
    assert_eq!(seqs(&copies, 8, 7, 8), Ok(vec![8]));

    // More than is kept is not known any more, and the tables have to have it.
    let of = copies.sales.get_mut(&CONCERT).unwrap();
    let many = vec![Event::Joined(token(1)); limits::COPY_UNAPPLIED_EVENTS_MAX];
    of.keep_unapplied(9, &Arc::new(many));
    assert_eq!((of.known_from, of.unapplied.len()), (8, 1));
    assert_eq!(seqs(&copies, 8, 7, 8), Err(Behind));
}

#[test]
fn more_than_may_wait_is_read_instead() {
    let mut copies = copies(5);
    let large =
        Committed { events: vec![Bytes::from(vec![0; limits::COPY_AHEAD_BYTES_MAX])], ..committed(8, 8) };
    copies.hear(committed(7, 7), at(1));
    copies.hear(large, at(1));
    assert_eq!(copies.sales[&CONCERT].ahead_bytes, 0);
    assert_eq!(copies.begin_reads(at(300)), [(CONCERT, Some(5))]);
}
