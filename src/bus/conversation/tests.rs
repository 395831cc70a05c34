//! Both halves over a carrier that loses, doubles and delays: everything is taken once, in order, and answered.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::*;
use crate::domain::time::Timestamp;

const SALES: u32 = 3;

fn at(ms: i64) -> Timestamp {
    Timestamp::from_millis(1_800_000_000_000 + ms)
}

fn command(number: u64) -> Bytes {
    Bytes::from(format!("command {number}"))
}

/// What is under way, each with the time at which it arrives.
struct Way<M> {
    under_way: Vec<(i64, M)>,
    loses: f64,
    late_max: i64,
}

impl<M: Clone> Way<M> {
    fn send(&mut self, rng: &mut StdRng, now: i64, message: &M) {
        for _ in 0..rng.random_range(1..=2) {
            if !rng.random_bool(self.loses) {
                self.under_way.push((now + rng.random_range(0..=self.late_max), message.clone()));
            }
        }
    }

    fn arrived(&mut self, now: i64) -> Vec<M> {
        let (arrived, later) =
            std::mem::take(&mut self.under_way).into_iter().partition(|(at, _)| *at <= now);
        self.under_way = later;
        let arrived: Vec<(i64, M)> = arrived;
        arrived.into_iter().map(|(_, message)| message).collect()
    }
}

#[test]
fn whatever_is_lost_doubled_or_late_each_command_is_taken_once_in_order_and_answered() {
    for seed in 0..300 {
        let rng = &mut StdRng::seed_from_u64(seed);
        let (loses, late_max) = (rng.random_range(0.0..0.6), rng.random_range(0..400));
        let mut there = Way { under_way: Vec::new(), loses, late_max };
        let mut back = Way { under_way: Vec::new(), loses, late_max };
        let (mut asking, mut answering) = (Asking::new(1), Answering::new(1));
        let (mut asked, mut taken, mut handed) = ([0u64; 3], [0u64; 3], [0u64; 3]);
        let mut undecided: Vec<(ConcertId, u64)> = Vec::new();
        let most = rng.random_range(1..60);
        for ms in 0..120_000 {
            let now = at(ms);
            let sale = rng.random_range(0..SALES);
            let (concert, index) = (ConcertId(sale), sale as usize);
            if asked[index] < most && rng.random_bool(0.1) {
                asking.ask(concert, 7, command(asked[index]), asked[index], now);
                asked[index] += 1;
            }
            while let Some(message) = asking.speak(now) {
                there.send(rng, ms, &message);
            }
            for message in there.arrived(ms) {
                for one in answering.hear(message, now) {
                    let index = one.concert.0 as usize;
                    assert_eq!(
                        (one.number, &one.command),
                        (taken[index], &command(taken[index])),
                        "seed {seed}"
                    );
                    taken[index] += 1;
                    undecided.push((one.concert, one.number));
                }
            }
            // What is decided together is answered in any order.
            if !undecided.is_empty() && rng.random_bool(0.3) {
                let (concert, number) = undecided.swap_remove(rng.random_range(0..undecided.len()));
                answering.answer(concert, number, Bytes::from(format!("answer {number}")), now);
            }
            while let Some(message) = answering.speak(now) {
                back.send(rng, ms, &message);
            }
            for message in back.arrived(ms) {
                for (concert, of, answer) in asking.hear(message, now) {
                    let index = concert.0 as usize;
                    assert_eq!(of, handed[index], "seed {seed}: handed on in order");
                    assert_eq!(answer, format!("answer {of}"), "seed {seed}");
                    handed[index] += 1;
                }
            }
            if rng.random_bool(0.001) {
                asking.may_be_lost();
                answering.may_be_lost();
            }
            let is_quiet = asking.next_due().is_none() && answering.next_due().is_none();
            if handed.iter().all(|handed| *handed == most) && is_quiet && there.under_way.is_empty() {
                break;
            }
        }
        assert_eq!((asked, taken, handed), ([most; 3], [most; 3], [most; 3]), "seed {seed}");
        assert!(
            asking.next_due().is_none() && answering.next_due().is_none(),
            "seed {seed}: it becomes quiet"
        );
        assert!(!asking.is_over(at(1_000_000)) && !answering.is_over(at(1_000_000)), "all is confirmed");
        assert!(asking.end().is_empty());
    }
}

#[test]
fn what_is_not_answered_at_the_end_is_the_end_of_what_was_asked() {
    let (concert, now) = (ConcertId(1), at(0));
    let (mut asking, mut answering) = (Asking::new(1), Answering::new(1));
    (0..4).for_each(|number| asking.ask(concert, 7, command(number), number, now));
    let taken = answering.hear(asking.speak(now).expect("there is something to say"), now);
    assert_eq!(taken.len(), 4);
    // The second one is decided last: until then nobody hears of the others behind it.
    for number in [0, 2, 3] {
        answering.answer(concert, number, Bytes::from_static(b"yes"), now);
    }
    let handed = asking.hear(answering.speak(now).expect("there is something to say"), now);
    assert_eq!(handed.into_iter().map(|(_, of, _)| of).collect::<Vec<_>>(), [0]);
    assert!(asking.is_asked(concert));
    asking.ask(concert, 7, command(4), 4, now);
    let open: Vec<_> = asking.end().into_iter().map(|(_, of, was_sent)| (of, was_sent)).collect();
    assert_eq!(open, [(1, true), (2, true), (3, true), (4, false)]);
}

#[test]
fn a_conversation_is_over_when_nothing_is_confirmed_for_long_or_too_much_is_not() {
    let concert = ConcertId(1);
    let mut asking = Asking::new(1);
    asking.ask(concert, 7, command(0), (), at(0));
    assert!(asking.speak(at(0)).is_some());
    assert!(!asking.is_over(at(0) + UNCONFIRMED_MAX));
    assert!(asking.is_over(at(1) + UNCONFIRMED_MAX));

    let mut asking = Asking::new(1);
    for _ in 0..17 {
        assert!(!asking.is_over(at(0)));
        asking.ask(concert, 7, Bytes::from(vec![0; 1 << 20]), (), at(0));
    }
    assert!(asking.is_over(at(0)));

    let mut answering = Answering::new(1);
    let first =
        AsksOfSale { concert, epoch: 7, attempt: 0, answered: 0, first: 0, commands: vec![command(0)] };
    let taken = answering.hear(Asks { conversation: 1, sales: vec![first] }, at(0));
    assert_eq!(taken.len(), 1);
    assert!(!answering.is_over(at(0) + 2 * UNCONFIRMED_MAX), "the answer is not there yet");
    answering.answer(concert, 0, Bytes::from_static(b"yes"), at(0));
    assert!(answering.is_over(at(1) + UNCONFIRMED_MAX));
}

#[test]
fn what_follows_a_refused_command_is_refused_until_the_gateway_begins_anew() {
    let concert = ConcertId(1);
    let mut answering = Answering::new(1);
    answering.refuse(concert, 3);
    assert!(answering.is_refused(concert, 3));
    assert!(!answering.is_refused(concert, 4) && !answering.is_refused(ConcertId(2), 3));
}

#[test]
fn large_commands_go_alone_and_many_small_ones_together() {
    let concert = ConcertId(1);
    let mut asking = Asking::new(1);
    asking.ask(concert, 7, command(0), (), at(0));
    asking.ask(concert, 7, Bytes::from(vec![0; 100_000]), (), at(0));
    (2..60).for_each(|number| asking.ask(concert, 7, command(number), (), at(0)));
    let mut lengths = Vec::new();
    while let Some(message) = asking.speak(at(0)) {
        lengths.push(message.sales.iter().map(|sale| sale.commands.len()).sum::<usize>());
    }
    assert_eq!(lengths, [1, 1, 58]);
    // No more is sent until some of it has arrived.
    let mut asking = Asking::new(1);
    (0..100).for_each(|_| asking.ask(concert, 7, Bytes::from(vec![0; 10_000]), (), at(0)));
    let mut sent = 0;
    while let Some(message) = asking.speak(at(0)) {
        sent += message.sales.iter().map(|sale| sale.commands.len()).sum::<usize>();
    }
    assert_eq!(sent, IN_FLIGHT_BYTES_MAX / 10_000);
}
