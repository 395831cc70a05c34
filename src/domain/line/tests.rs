//! Orders that a sale may have, in lines of all lengths.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng, rngs::StdRng};
use uuid::Uuid;

use super::*;
use crate::domain::ids::{ConcertId, QueueToken, UserId};

const START: Timestamp = Timestamp::from_millis(1_800_000_000_000);
const NOW: Now = Now { utc: START, sale: START };

fn waiting(entry: u64) -> TokenRecord {
    TokenRecord {
        concert: ConcertId(1),
        entry: EntryNo(entry),
        token: QueueToken(Uuid::from_u128(u128::from(entry))),
        user: UserId(entry + 1),
        status: TokenStatus::Waiting,
        entered_at: START,
        admitted_at: None,
        expires_at: None,
        ended_at: None,
    }
}

/// Every third user is of each class.
fn thirds(token: &TokenRecord) -> Class {
    Class((token.user.0 % 3) as u8)
}

fn shuffled(count: u32, seed: u64) -> Arc<Draw> {
    let mut drawn: Vec<u32> = (0..count).collect();
    drawn.shuffle(&mut StdRng::seed_from_u64(seed));
    Arc::new(Draw::new(drawn).expect("shuffling makes a permutation"))
}

/// The key by which an entry is let in, said as plainly as can be.
fn rank_of(entry: u64, draw: Option<&Draw>) -> (Class, u64) {
    let drawn = draw.and_then(|draw| draw.drawn.get(entry as usize));
    (thirds(&waiting(entry)), drawn.map_or(entry, |drawn| u64::from(*drawn)))
}

/// Everybody in the line, by popping the first until nobody is left.
fn emptied(mut line: Line) -> Vec<u64> {
    let mut order = Vec::new();
    while let Some(first) = line.first() {
        assert_eq!(line.position(first), Some(1));
        line.leave(first);
        order.push(first.0);
    }
    order
}

#[test]
fn by_default_who_came_first_is_first() {
    let mut line = Line::new(Order::default(), EntryNo(70));
    (70..75).for_each(|entry| line.join(&waiting(entry)));
    line.leave(EntryNo(72));
    assert_eq!(line.position(EntryNo(74)), Some(4));
    assert_eq!((line.position(EntryNo(72)), line.contains(EntryNo(72))), (None, false));
    assert_eq!(emptied(line), [70, 71, 73, 74]);
}

#[test]
fn a_class_is_before_another_whoever_came_first() {
    let mut line = Line::new(Order::default().by_class(thirds), EntryNo(0));
    // Users 1 to 6: of the classes 1, 2, 0, 1, 2 and 0.
    (0..6).for_each(|entry| line.join(&waiting(entry)));
    assert_eq!(line.position(EntryNo(0)), Some(3), "behind both of the first class");
    line.join(&waiting(8));
    assert_eq!(line.position(EntryNo(0)), Some(4), "and behind one who came later");
    assert_eq!(emptied(line), [2, 5, 8, 0, 3, 1, 4]);
}

#[test]
fn who_is_part_of_a_draw_stands_as_drawn_and_others_behind_as_they_came() {
    let draw = Draw::new(vec![2, 0, 3, 1]).unwrap();
    let mut line = Line::new(Order::default().by_draw(Arc::new(draw)), EntryNo(0));
    // Entry 2 left before the draw: its place is passed over.
    [5, 0, 1, 3, 4].into_iter().for_each(|entry| line.join(&waiting(entry)));
    assert_eq!(line.position(EntryNo(0)), Some(3));
    assert_eq!(emptied(line), [1, 3, 0, 4, 5]);
}

#[test]
fn what_is_no_permutation_is_no_draw() {
    assert!(Draw::new(vec![0, 0]).is_none());
    assert!(Draw::new(vec![0, 2]).is_none());
    assert!(Draw::new(Vec::new()).is_some());
}

#[test]
fn a_line_that_was_restored_is_the_same_as_before() {
    let order = || Order::default().by_class(thirds).by_draw(shuffled(200, 3));
    let mut line = Line::new(order(), EntryNo(0));
    let tokens: Vec<_> = (0..260).map(waiting).collect();
    tokens.iter().for_each(|token| line.join(token));
    let mut left: Vec<_> = tokens.into_iter().filter(|token| token.entry.0 % 7 > 2).collect();
    (0..260).filter(|entry| entry % 7 <= 2).for_each(|entry| line.leave(EntryNo(entry)));
    // One is admitted: live, but not in line.
    line.leave(left[0].entry);
    left[0].status = TokenStatus::Progress;
    let restored = Line::restored(order(), EntryNo(260), &left);
    assert_eq!(restored.len(), line.len());
    assert_eq!(emptied(restored), emptied(line));
}

proptest! {
    #[test]
    fn a_line_agrees_with_a_sorted_list(
        drawn in 0_u32..300,
        first in 0_u64..200,
        steps in prop::collection::vec((any::<bool>(), 0_u64..400), 1..200),
    ) {
        let draw = (drawn > 0).then(|| shuffled(drawn, u64::from(drawn)));
        let order = Order::default().by_class(thirds);
        let order = draw.iter().fold(order, |order, draw| order.by_draw(draw.clone()));
        let first = first.max(u64::from(drawn));
        // All who were drawn came before; who joins comes after.
        let came: Vec<_> = (0..u64::from(drawn)).map(waiting).collect();
        let mut line = Line::restored(order, EntryNo(first), &came);
        let mut model: BTreeSet<_> = (0..u64::from(drawn)).map(|e| (rank_of(e, draw.as_deref()), e)).collect();
        let mut next = first;
        for (joins, number) in steps {
            let entry = if joins { next } else { number };
            let ranked = (rank_of(entry, draw.as_deref()), entry);
            if joins {
                line.join(&waiting(entry));
                model.insert(ranked);
                next += 1;
            } else {
                line.leave(EntryNo(entry));
                model.remove(&ranked);
            }
            prop_assert_eq!(line.len(), model.len() as u64);
            prop_assert_eq!(line.is_empty(), model.is_empty());
            prop_assert_eq!(line.first().map(|entry| entry.0), model.first().map(|(_, entry)| *entry));
            for probe in [entry, number, first, next - 1] {
                let probed = (rank_of(probe, draw.as_deref()), probe);
                let ahead = model.contains(&probed).then(|| model.range(..probed).count() as u64 + 1);
                prop_assert_eq!(line.position(EntryNo(probe)), ahead);
            }
        }
    }
}

/// Three classes, a draw of a million, a hundred thousand who came later, and a third of them leave.
#[test]
fn a_million_may_be_drawn_within_classes() {
    const DRAWN: u64 = 1_000_000;
    const ALL: u64 = 1_100_000;
    let draw = shuffled(DRAWN as u32, 7);
    let order = Order::default().by_class(thirds).by_draw(draw.clone());
    let mut line = Line::new(order, EntryNo(0));
    (0..ALL).for_each(|entry| line.join(&waiting(entry)));
    let mut rng = StdRng::seed_from_u64(7);
    let stays: Vec<u64> = (0..ALL).filter(|_| rng.random_range(0..3) > 0).collect();
    let mut staying = stays.iter().copied().peekable();
    for entry in 0..ALL {
        if staying.next_if_eq(&entry).is_none() {
            line.leave(EntryNo(entry));
        }
    }
    let mut ranked: Vec<_> = stays.iter().map(|entry| (rank_of(*entry, Some(&draw)), *entry)).collect();
    ranked.sort_unstable();
    assert_eq!(line.len(), ranked.len() as u64);
    for (position, (_, entry)) in (1..).zip(&ranked) {
        assert_eq!(line.position(EntryNo(*entry)), Some(position));
    }
    for (_, entry) in &ranked[..1_000] {
        assert_eq!(line.first(), Some(EntryNo(*entry)));
        line.leave(EntryNo(*entry));
    }
    // A waiting token costs 246 bytes in the whole server (`frontrow-loadtest line`) and may cost 280.
    let each = (2 * line.heap_bytes() + draw.heap_bytes()) as f64 / ALL as f64;
    assert!(each < 280.0 - 246.0, "{each} bytes a token, for the lane's and the readers' line");
}

impl Line {
    fn heap_bytes(&self) -> usize {
        self.classes.iter().map(Rank::heap_bytes).sum()
    }
}

impl Draw {
    fn heap_bytes(&self) -> usize {
        size_of_val(&*self.drawn) + size_of_val(&*self.entries)
    }
}

#[test]
fn what_is_left_counts_performances_that_have_not_started() {
    let performance = |starts_in: u64, for_sale: u64, available: u64, sold: u64| SeatCounts {
        starts_at: START + Duration::from_secs(starts_in),
        for_sale,
        available,
        sold,
    };
    let stock = |performances: &[SeatCounts]| {
        let Stock { available, sold_out } = Stock::of(performances.iter().copied(), START);
        (available, sold_out)
    };
    assert_eq!(stock(&[]), (0, false), "there is nothing to be sold out");
    assert_eq!(stock(&[performance(0, 9, 9, 0)]), (0, false), "it has started");
    assert_eq!(stock(&[performance(1, 9, 0, 8)]), (0, false), "one is held, and may come back");
    assert_eq!(stock(&[performance(1, 9, 0, 9), performance(0, 9, 9, 0)]), (0, true));
    assert_eq!(stock(&[performance(1, 9, 0, 9), performance(1, 2, 1, 1)]), (1, false));
    assert_eq!(stock(&[performance(1, 0, 0, 0)]), (0, false), "the house keeps all of it");
    assert_eq!(stock(&[performance(1, 0, 0, 0), performance(1, 2, 0, 2)]), (0, true));
}

#[test]
fn a_place_says_what_its_status_calls_for() {
    let rules = SaleRules { idle_ttl: Duration::from_secs(300), ..SaleRules::default() };
    let mut line = Line::new(Order::default(), EntryNo(0));
    let tokens = [0, 1, 2].map(waiting);
    tokens.iter().for_each(|token| line.join(token));
    line.leave(EntryNo(0));
    line.note_admission(START);
    let admitted = TokenRecord { status: TokenStatus::Progress, ..tokens[0].clone() };
    let seats = Stock { available: 3, sold_out: false };

    let place = line.place(tokens[2].clone(), None, seats, &rules, NOW);
    assert_eq!(place.line, Some(LinePosition { position: 2, eta_seconds: Some(20) }));
    assert_eq!((place.waiting, place.sold_out, place.idle_at), (2, false, None));
    let full = Stock { available: 0, sold_out: true };
    let place = line.place(tokens[2].clone(), Some(START), full, &rules, NOW);
    assert_eq!(
        place.line,
        Some(LinePosition { position: 2, eta_seconds: None }),
        "nobody knows in a full house"
    );
    assert_eq!((place.sold_out, place.idle_at), (true, None), "who waits is not idle");
    let place = line.place(admitted.clone(), Some(START), seats, &rules, NOW);
    assert_eq!((place.line, place.idle_at), (None, Some(START + rules.idle_ttl)));
    let done = TokenRecord { status: TokenStatus::Done, ..admitted };
    let place = line.place(done, Some(START), seats, &rules, NOW);
    assert_eq!((place.line, place.idle_at, place.waiting), (None, None, 2));
}
