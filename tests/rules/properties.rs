//! Invariants that must hold whatever happens: random commands at random times, in batches that are committed or
//! taken back, with restarts in between.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use frontrow::domain::actor::Actor;
use frontrow::domain::command::{Answer, Caller, Command, Inputs, Needs, Rejection};
use frontrow::domain::concert::TextsPatch;
use frontrow::domain::event::{Event, HoldEnd, HouseSeats, RefundWhy, Refunded, SeatMoved, SoldAtDesk};
use frontrow::domain::ids::{
    AddressBlock, ConcertId, ConnectionId, EntryNo, IdSource, ReservationId, ScheduleId, SeatId, UserId,
};
use frontrow::domain::record::{
    ExpiryReason, LedgerEntry, LedgerKind, PaymentSource, Reservation, ReservationStatus, SaleState,
    TokenRecord, TokenStatus,
};
use frontrow::domain::rules::{GuestSeats, OwnRules, OwnRulesPatch, SalePatch, SaleRules, SaleSettings};
use frontrow::domain::sale::{self, Sale};
use frontrow::domain::seat_map::SeatState;
use frontrow::domain::time::{Now, Timestamp};
use proptest::prelude::*;
use proptest::test_runner::Config;

use crate::house::{FLOOR, Performance, VIP};
use crate::stored::{self, Stored};

const CONCERT: ConcertId = ConcertId(3);
const START: Timestamp = Timestamp::from_millis(1_800_000_000_000);
const USERS: u64 = 6;
const GUEST_SEATS: GuestSeats = GuestSeats { at_least: 3, percent: 0 };

const SEATS_PER_USER_MAX: u32 = 4;
const HOLD_AGAIN_AFTER: Duration = Duration::from_secs(5);

/// Half of the users are guests of one address.
fn guest_of(user: UserId) -> Option<AddressBlock> {
    (user.0 <= USERS / 2).then_some(AddressBlock(1))
}

/// One thing that a fan or an operator may do. Numbers name things loosely: the n-th seat, the n-th reservation so
/// far, and so on, so that most commands mean something.
#[derive(Clone, Debug)]
enum Wish {
    Join {
        connection: Option<u64>,
    },
    Hello {
        token: usize,
        connection: Option<u64>,
    },
    Get {
        polled: bool,
    },
    Extend,
    Leave,
    Touch,
    Disconnect {
        connection: u64,
    },
    Hold {
        schedule: u64,
        seats: Vec<u32>,
    },
    Best {
        schedule: u64,
        count: u32,
        category: Option<bool>,
        max_price: Option<i64>,
        except: Vec<u32>,
        request: Option<u8>,
    },
    Release {
        reservation: usize,
        seats: Option<Vec<u32>>,
    },
    Pay {
        reservation: usize,
    },
    Cancel {
        reservation: usize,
    },
    Charge {
        amount: i64,
        request: u8,
    },
    Restrict {
        schedule: u64,
        seats: Vec<u32>,
    },
    Unrestrict {
        schedule: u64,
        seats: Vec<u32>,
    },
    Reprice {
        schedules: Vec<u64>,
        vip: bool,
        price: i64,
        was: Option<i64>,
    },
    Describe {
        title: u8,
        was: Option<u8>,
    },
    Postpone {
        schedule: u64,
        /// Seconds after the beginning.
        starts: u64,
    },
    CallOff {
        schedule: u64,
    },
    /// `off`: as what follows from a performance that was called off.
    Refund {
        reservations: Vec<usize>,
        off: bool,
    },
    RefundSeats {
        reservation: usize,
        seats: Vec<u32>,
    },
    /// Each request has a user of its own.
    SellAtDesk {
        schedule: u64,
        seats: Vec<u32>,
        source: PaymentSource,
        seen: Option<i64>,
        request: u64,
    },
    MoveSeat {
        reservation: usize,
        from: u32,
        to: u32,
        keep: bool,
    },
    Configure {
        state: Option<SaleState>,
        capacity: Option<u32>,
        idle: Option<u64>,
        away: Option<u64>,
    },
}

#[derive(Clone, Debug)]
struct Step {
    /// Milliseconds since the step before.
    after: u64,
    user: u64,
    /// The one of the user's tokens that the session carries, if any.
    carried: Option<usize>,
    wish: Wish,
}

fn desk_user(request: u64) -> UserId {
    UserId(100 + request)
}

#[derive(Clone, Debug)]
enum End {
    Commit,
    /// The batch is taken back and its commands are gone.
    Undo,
    /// It is taken back, decided again, and committed.
    Retry,
    /// It is committed, and the sale is built anew from what was stored.
    Restart,
    /// The second half is decided while the first is committed, as far as nothing has to be read, and then committed or
    /// taken back.
    Ahead {
        undone: bool,
    },
}

fn wish() -> impl Strategy<Value = Wish> {
    let connection = || prop::option::weighted(0.8, 0_u64..3);
    let seats = |most| prop::collection::vec(0_u32..9, 1..most);
    let state = prop_oneof![
        6 => Just(SaleState::Open),
        1 => Just(SaleState::Paused),
        1 => Just(SaleState::Closed),
        1 => Just(SaleState::Scheduled),
    ];
    prop_oneof![
        8 => connection().prop_map(|connection| Wish::Join { connection }),
        3 => (0_usize..20, connection()).prop_map(|(token, connection)| Wish::Hello { token, connection }),
        2 => any::<bool>().prop_map(|polled| Wish::Get { polled }),
        1 => Just(Wish::Extend),
        1 => Just(Wish::Leave),
        1 => Just(Wish::Touch),
        3 => (0_u64..3).prop_map(|connection| Wish::Disconnect { connection }),
        10 => (1_u64..4, seats(4)).prop_map(|(schedule, seats)| Wish::Hold { schedule, seats }),
        4 => (
            (1_u64..3, 0_u32..4, prop::option::of(any::<bool>()), prop::option::of(0_u8..4)),
            prop::option::weighted(0.2, 0_i64..120),
            prop_oneof![3 => Just(Vec::new()), 1 => seats(3)],
        )
            .prop_map(|((schedule, count, category, request), max_price, except)| Wish::Best {
                schedule,
                count,
                category,
                max_price,
                except,
                request,
            }),
        4 => (0_usize..6, prop::option::of(seats(3)))
            .prop_map(|(reservation, seats)| Wish::Release { reservation, seats }),
        8 => (0_usize..6).prop_map(|reservation| Wish::Pay { reservation }),
        4 => (0_usize..6).prop_map(|reservation| Wish::Cancel { reservation }),
        4 => (-1_i64..200, 0_u8..6).prop_map(|(amount, request)| Wish::Charge { amount, request }),
        2 => (1_u64..4, seats(4)).prop_map(|(schedule, seats)| Wish::Restrict { schedule, seats }),
        2 => (1_u64..4, seats(4)).prop_map(|(schedule, seats)| Wish::Unrestrict { schedule, seats }),
        2 => (prop::collection::vec(1_u64..4, 1..3), any::<bool>(), some_price(), prop::option::weighted(0.2, some_price()))
            .prop_map(|(schedules, vip, price, was)| Wish::Reprice { schedules, vip, price, was }),
        1 => (0_u8..3, prop::option::weighted(0.3, 0_u8..3)).prop_map(|(title, was)| Wish::Describe { title, was }),
        1 => (1_u64..4, 1_u64..900).prop_map(|(schedule, starts)| Wish::Postpone { schedule, starts }),
        1 => (1_u64..30).prop_map(|schedule| Wish::CallOff { schedule }),
        2 => (prop::collection::vec(0_usize..6, 1..4), any::<bool>())
            .prop_map(|(reservations, off)| Wish::Refund { reservations, off }),
        2 => (0_usize..6, prop::collection::vec(0_u32..6, 0..3))
            .prop_map(|(reservation, seats)| Wish::RefundSeats { reservation, seats }),
        4 => (1_u64..4, seats(4), source(), prop::option::weighted(0.1, 0_i64..200), 0_u64..6)
            .prop_map(|(schedule, seats, source, seen, request)| Wish::SellAtDesk { schedule, seats, source, seen, request }),
        2 => (0_usize..6, 0_u32..6, 0_u32..6, any::<bool>())
            .prop_map(|(reservation, from, to, keep)| Wish::MoveSeat { reservation, from, to, keep }),
        2 => (prop::option::of(state), prop::option::of(0_u32..4), prop::option::of(5_u64..30), prop::option::of(3_u64..20))
            .prop_map(|(state, capacity, idle, away)| Wish::Configure { state, capacity, idle, away }),
    ]
}

/// A way in which the box office is paid.
fn source() -> impl Strategy<Value = PaymentSource> {
    prop_oneof![Just(PaymentSource::Cash), Just(PaymentSource::Card), Just(PaymentSource::Gift)]
}

/// Often what a category was imported with.
fn some_price() -> impl Strategy<Value = i64> {
    prop_oneof![Just(VIP), Just(FLOOR), 0_i64..150]
}

fn batches() -> impl Strategy<Value = Vec<(Vec<Step>, End)>> {
    let after = prop_oneof![4 => Just(0_u64), 4 => 0_u64..2_000, 1 => 0_u64..12_000];
    let step = (after, 1..=USERS, prop::option::of(0_usize..3), wish())
        .prop_map(|(after, user, carried, wish)| Step { after, user, carried, wish });
    let end = prop_oneof![
        6 => Just(End::Commit),
        2 => Just(End::Undo),
        2 => Just(End::Retry),
        1 => Just(End::Restart),
        3 => any::<bool>().prop_map(|undone| End::Ahead { undone }),
    ];
    prop::collection::vec((prop::collection::vec(step, 0..8), end), 1..30)
}

proptest! {
    #![proptest_config(Config { cases: 200, failure_persistence: None, ..Config::default() })]

    #[test]
    fn the_invariants_hold_whatever_happens(
        batches in batches(),
        capacity in 0_u32..4,
        outage in 0_u64..100_000,
        remembers in any::<bool>(),
    ) {
        let mut life = Life::new(capacity, Duration::from_millis(outage), remembers);
        for (steps, end) in batches {
            life.batch(&steps, &end);
        }
    }
}

struct Life {
    sale: Sale,
    /// The state that was committed.
    stored: Stored,
    /// The state that was committed, with what the current batch adds.
    model: Model,
    committed: Model,
    performances: Vec<Performance>,
    defaults: SaleRules,
    settings: SaleSettings,
    utc: Timestamp,
    outages: Duration,
    ended_kept: usize,
    seed: u8,
}

/// The rules' own view of what happened, kept as plainly as can be.
#[derive(Clone, Default)]
struct Model {
    written: Stored,
    /// Users with a live token whose hold ran out.
    ran_out: BTreeSet<UserId>,
    /// Reservations of guests.
    of_guests: BTreeSet<ReservationId>,
    tokens: Vec<TokenRecord>,
    reservations: Vec<ReservationId>,
    /// What each seat of an order cost when it was taken.
    taken_for: BTreeMap<(ReservationId, SeatId), i64>,
}

impl Life {
    fn new(capacity: u32, outages: Duration, remembers: bool) -> Self {
        let defaults = SaleRules {
            capacity,
            hold_ttl: Duration::from_secs(10),
            admission_ttl: Duration::from_secs(30),
            idle_ttl: Duration::from_secs(15),
            away_ttl: Duration::from_secs(8),
            seats_per_reservation_max: 3,
            seats_per_user_max: SEATS_PER_USER_MAX,
            cancel_before_start: Duration::from_secs(20),
            guest_seats: GUEST_SEATS,
            hold_again_after: HOLD_AGAIN_AFTER,
        };
        let performances = vec![
            Performance::new(
                "show",
                ScheduleId(1),
                START + Duration::from_secs(900),
                &["A1", "A2", "A3", "B1", "B2", "B3"],
            ),
            Performance::new("matinee", ScheduleId(2), START + Duration::from_secs(60), &["A1", "A2", "B1"]),
        ];
        let settings = SaleSettings {
            state: SaleState::Scheduled,
            opens_at: Some(START + Duration::from_secs(1)),
            message: None,
            own: OwnRules::default(),
        };
        let stored = Stored::default();
        let free = performances.iter().map(Performance::all_free).collect();
        let snapshot = stored.snapshot(CONCERT, settings.clone(), free);
        Self {
            sale: Sale::restored(snapshot, defaults.clone(), START - outages),
            stored,
            model: Model::default(),
            committed: Model::default(),
            performances,
            defaults,
            settings,
            utc: START,
            outages,
            ended_kept: if remembers { 1_000 } else { 0 },
            seed: 0,
        }
    }

    fn batch(&mut self, steps: &[Step], end: &End) {
        let before = self.sale.clone();
        let mut arrived = self.utc;
        let commands: Vec<_> = steps
            .iter()
            .map(|step| {
                arrived = arrived + Duration::from_millis(step.after);
                (arrived, step.clone())
            })
            .collect();
        // Half of a batch that was forgotten at once could not be taken back.
        if let (End::Ahead { undone }, true) = (end, self.ended_kept > 0) {
            self.ahead(&commands, *undone);
            self.utc = arrived;
            return;
        }
        let decided = self.decide(&commands);
        match end {
            End::Commit | End::Ahead { .. } => self.commit(&decided),
            End::Undo => self.undo(&before),
            End::Retry => {
                self.undo(&before);
                let again = self.decide(&commands);
                self.commit(&again);
            }
            End::Restart => {
                self.commit(&decided);
                self.restart();
            }
        }
        self.utc = arrived;
    }

    fn ahead(&mut self, commands: &[(Timestamp, Step)], undone: bool) {
        let (front, rest) = commands.split_at(commands.len().div_ceil(2));
        let first = self.decide(front);
        let (mut alone, model) = (self.sale.clone(), self.model.clone());
        self.utc = front.last().map_or(self.utc, |(at, _)| *at);
        self.sale.seal();
        let is_ready = |(_, step): &&(Timestamp, Step)| match self.command(step) {
            Work::Sale(command) => {
                let mut needs = Needs::default();
                self.sale.needs(&command, &mut needs);
                needs.is_empty()
            }
            Work::Charge { .. } => false,
        };
        let rest: Vec<_> = rest.iter().take_while(is_ready).cloned().collect();
        let second = self.decide(&rest);
        let model = std::mem::replace(&mut self.model, model);
        self.commit(&first);
        alone.commit(self.ended_kept);
        if undone {
            self.undo(&alone);
        } else {
            self.model = model;
            self.commit(&second);
        }
    }

    /// Everything that a batch adds to what is stored.
    fn decide(&mut self, commands: &[(Timestamp, Step)]) -> Decided {
        let mut decided = Decided::default();
        let commands: Vec<_> = commands.iter().map(|(at, step)| (*at, self.command(step))).collect();
        let mut needs = Needs::default();
        for (_, command) in &commands {
            match command {
                Work::Sale(command) => self.sale.needs(command, &mut needs),
                Work::Charge { user, request, .. } => {
                    needs.wallets.push(*user);
                    needs.charges.push((*user, request.clone()));
                }
            }
        }
        let everything = self.everything();
        self.seed = self.seed.wrapping_add(1);
        let ids = || IdSource::seeded([self.seed; 32]);
        let mut inputs = self.stored.read(CONCERT, &needs, ids());
        let mut all = self.stored.read(CONCERT, &everything, ids());
        for (at, work) in &commands {
            let now = Now::new(*at, self.outages);
            self.expire(now, &mut inputs, &mut decided);
            match work {
                Work::Sale(command) => self.obey(now, command, &mut inputs, &mut all, &mut decided),
                Work::Charge { user, amount, request } => {
                    let charged = inputs.wallets.charge(*user, *amount, request, *at, &mut inputs.ids);
                    assert_eq!(charged, all.wallets.charge(*user, *amount, request, *at, &mut all.ids));
                    if let Ok((entry, true)) = charged {
                        self.model.entry(&entry);
                        decided.charges.push(entry);
                    }
                }
            }
        }
        let last = commands.last().map_or(self.utc, |(at, _)| *at);
        self.expire(Now::new(last, self.outages), &mut inputs, &mut decided);
        decided
    }

    /// Time passes up to `now`: everything happens at its own time, and nothing happens before it is due.
    fn expire(&mut self, now: Now, inputs: &mut Inputs, decided: &mut Decided) {
        let mut then = Now::new(self.utc.min(now.utc), self.outages);
        while let Some(due) = self.sale.next_due(then).filter(|due| *due <= now.utc) {
            let early = due.max(then.utc) - Duration::from_millis(1);
            if early >= then.utc {
                let mut idler = self.sale.clone();
                let now = Now::new(early, self.outages);
                let done = idler.expire_due(sale::Step { now, inputs, events: &mut Vec::new() }, 1);
                assert_eq!(done, 0, "something was due at {early:?}, before {due:?}");
            }
            then = Now::new(due.max(then.utc), self.outages);
            let mut events = Vec::new();
            let step = sale::Step { now: then, inputs, events: &mut events };
            let done = self.sale.expire_due(step, usize::MAX);
            self.witness(then, &events);
            assert!(done > 0 || self.sale.next_due(then).is_none_or(|next| next > then.utc), "stuck");
            decided.events.append(&mut events);
        }
        assert!(!self.sale.must_expire_first(now));
    }

    fn obey(
        &mut self,
        now: Now,
        command: &Command,
        inputs: &mut Inputs,
        all: &mut Inputs,
        decided: &mut Decided,
    ) {
        let mut twin = self.sale.clone();
        let (mut events, mut twin_events) = (Vec::new(), Vec::new());
        let reply = self.sale.decide(sale::Step { now, inputs, events: &mut events }, command);
        let twin_reply = twin.decide(sale::Step { now, inputs: all, events: &mut twin_events }, command);
        assert_eq!(
            (&reply, &events),
            (&twin_reply, &twin_events),
            "{command:?} lacked something that was stored"
        );
        if reply.is_err() {
            let own = |event: &Event| matches!(event, Event::TokenEnded(r) if matches!(r.status, TokenStatus::Expired(ExpiryReason::Away | ExpiryReason::Closed)));
            assert!(events.len() <= 1 && events.iter().all(own), "refused, but {events:?}");
        }
        self.witness(now, &events);
        self.judge(command, &reply);
        decided.events.append(&mut events);
    }

    /// Checks that what an answer says is so.
    fn judge(&self, command: &Command, reply: &Result<Answer, Rejection>) {
        let stored = &self.model.written;
        match reply {
            Ok(Answer::Queue { place, .. } | Answer::Resumed { place, .. }) => {
                assert_eq!(stored.tokens.get(&place.record.entry), Some(&place.record));
                let waiting = stored.tokens.values().filter(|t| t.status == TokenStatus::Waiting);
                if place.record.status == TokenStatus::Waiting {
                    let ahead = waiting.clone().filter(|t| t.entry < place.record.entry).count() as u64;
                    assert_eq!(place.line.map(|line| line.position), Some(ahead + 1));
                } else {
                    assert_eq!(place.line, None);
                }
            }
            Ok(Answer::Reservation(answered)) => {
                assert_eq!(stored.reservations.get(&answered.id), Some(answered));
                if let Command::Hold { seats, .. } = command {
                    assert!(
                        seats.iter().all(|seat| answered.seats.contains(seat)),
                        "all of {seats:?} or none"
                    );
                }
            }
            Ok(Answer::Paid { payment, balance }) => {
                let paid = &stored.reservations[&payment.reservation];
                assert_eq!(
                    (paid.status, paid.payment.as_ref()),
                    (ReservationStatus::Reserved, Some(payment))
                );
                assert_eq!(*balance, stored.balance(payment.user));
                let debits = stored.ledger.iter().filter(|entry| entry.payment == Some(payment.id)).count();
                assert_eq!(debits, 1, "one debit a payment");
            }
            Ok(Answer::Cancelled { reservation, balance }) => {
                assert_eq!(stored.reservations.get(&reservation.id), Some(reservation));
                assert_eq!(*balance, stored.balance(reservation.user));
            }
            Err(Rejection::SeatTaken { seats }) => {
                let (caller, schedule) = match command {
                    Command::Hold { caller, schedule, .. } => (Some(caller.user), *schedule),
                    Command::SellAtDesk { schedule, .. } => (None, *schedule),
                    Command::MoveSeat { order, .. } => (None, stored.reservations[order].schedule),
                    _ => panic!("{command:?}"),
                };
                for seat in seats {
                    let holder = stored.holder(schedule, *seat).map(|r| r.user);
                    let own_paid = stored
                        .holder(schedule, *seat)
                        .is_some_and(|r| r.status == ReservationStatus::Reserved);
                    let is_others = holder.is_some_and(|holder| Some(holder) != caller);
                    assert!(is_others || own_paid, "{seat} is free");
                }
            }
            Err(Rejection::SeatRestricted { seats }) => {
                let Command::Hold { schedule, .. } = command else { panic!("{command:?}") };
                assert!(seats.iter().all(|seat| stored.restricted.contains(&(*schedule, *seat))));
            }
            Ok(Answer::Restricted { changed, left }) => {
                let (schedule, kept) = match command {
                    Command::Restrict { schedule, .. } => (schedule, true),
                    Command::Unrestrict { schedule, .. } => (schedule, false),
                    _ => panic!("{command:?}"),
                };
                for seat in changed {
                    assert_eq!(stored.restricted.contains(&(*schedule, *seat)), kept, "{seat}");
                }
                for (seat, _) in left {
                    assert!(kept && stored.holder(*schedule, *seat).is_some(), "{seat} is left");
                }
            }
            Ok(Answer::Refunded { done, left }) => {
                match command {
                    Command::Refund { orders, .. } => {
                        assert_eq!(done.len() + left.len(), orders.len(), "each is given back or left");
                        for (order, _) in done {
                            let payment = order.payment.as_ref().expect("what was paid has a payment");
                            assert_eq!(payment.refunded, payment.amount);
                        }
                    }
                    Command::RefundSeats { order, .. } => {
                        assert!(done.len() == 1 && done[0].0.id == *order && left.is_empty());
                        let balance = stored.balance(done[0].0.user);
                        assert!(done[0].1.is_none_or(|after| after == balance));
                    }
                    _ => panic!("{command:?}"),
                }
                for (order, balance) in done {
                    assert_eq!(stored.reservations.get(&order.id), Some(order));
                    let payment = order.payment.as_ref().expect("what was paid has a payment");
                    let refunds = stored.ledger.iter().filter(|entry| {
                        entry.payment == Some(payment.id) && entry.kind == LedgerKind::Refund
                    });
                    let sum: i64 = refunds.map(|entry| entry.amount_change).sum();
                    match payment.source {
                        PaymentSource::Wallet => {
                            assert_eq!(payment.refunded, sum, "each seat comes back once");
                            assert!(balance.is_some());
                        }
                        _ => assert_eq!(
                            (sum, *balance),
                            (0, None),
                            "what was paid at the desk is in no wallet"
                        ),
                    }
                }
            }
            Ok(Answer::SoldAtDesk { order, .. }) => {
                let Command::SellAtDesk { user, schedule, source, .. } = command else {
                    panic!("{command:?}")
                };
                assert_eq!(stored.reservations.get(&order.id), Some(order));
                let payment = order.payment.as_ref().expect("what was sold has a payment");
                assert_eq!((order.user, order.schedule, payment.source), (*user, *schedule, *source));
                let of_user = stored.reservations.values().filter(|r| r.user == *user).count();
                assert_eq!(of_user, 1, "a request sells once");
            }
            Ok(Answer::Moved(order)) => {
                assert_eq!(stored.reservations.get(&order.id), Some(order));
            }
            Ok(Answer::Charged(_) | Answer::Figures(_) | Answer::Done) | Err(_) => {}
        }
    }

    /// Sees each event happen, and that it might.
    fn witness(&mut self, now: Now, events: &[Event]) {
        for event in events {
            if let Event::Admitted(record) = event {
                self.may_admit(now, record);
            }
            if let Event::SeatsHeld { reservation, seats, prices, .. } = event {
                let now = seats.iter().map(|seat| self.price(reservation.schedule, *seat));
                assert!(prices.iter().copied().eq(now), "seats cost what they cost now");
            }
            self.model.see(event);
        }
        self.sale.check();
        self.compare();
    }

    /// What a free seat costs by what happened.
    fn price(&self, schedule: ScheduleId, seat: SeatId) -> i64 {
        let plan = &self.performances.iter().find(|of| of.id == schedule).expect("its performance").plan;
        let category = plan.seats[seat.0 as usize].category;
        let own = self.model.written.prices.get(&schedule).into_iter().flatten();
        let own = own.filter(|(of, _)| *of == category).map(|(_, price)| *price).next();
        own.unwrap_or(plan.categories[usize::from(category)].price)
    }

    fn may_admit(&self, now: Now, record: &TokenRecord) {
        let stored = &self.model.written;
        assert_eq!(self.sale.settings().state, SaleState::Open, "only an open sale admits");
        let first = stored.tokens.values().find(|token| token.status == TokenStatus::Waiting);
        assert_eq!(first.map(|first| first.entry), Some(record.entry), "first come, first served");
        let admitted: Vec<_> =
            stored.tokens.values().filter(|token| token.status == TokenStatus::Progress).collect();
        assert!((admitted.len() as u32) < self.sale.rules().capacity, "a place is free");
        let holds = |user| stored.held().any(|r| r.user == user);
        let unserved =
            admitted.iter().filter(|t| !holds(t.user) && !self.model.ran_out.contains(&t.user)).count();
        let free: usize = self
            .performances
            .iter()
            .filter(|p| stored.starts.get(&p.id).copied().unwrap_or(p.starts_at) > now.utc)
            .filter(|p| !stored.called_off.contains(&p.id))
            .map(|p| {
                let seats = (0..p.plan.seats.len() as u32).map(SeatId);
                let is_free = |seat: &SeatId| {
                    stored.holder(p.id, *seat).is_none() && !stored.restricted.contains(&(p.id, *seat))
                };
                seats.filter(is_free).count()
            })
            .sum();
        assert!(unserved < free, "the house has a seat for everyone");
    }

    /// The sale's memory is what its events say.
    fn compare(&self) {
        let stored = &self.model.written;
        let live: Vec<_> = stored.tokens.values().filter(|t| t.status.is_live()).cloned().collect();
        assert_eq!(self.sale.live_tokens_from(EntryNo(0)).collect::<Vec<_>>(), live);
        let mut held: Vec<_> = self.sale.held_reservations().cloned().collect();
        held.sort_by_key(|reservation| reservation.id);
        assert_eq!(held, stored.held().cloned().collect::<Vec<_>>());
        for (id, seats) in self.sale.schedules() {
            for seat in 0..seats.len() as u32 {
                let expected = match stored.holder(id, SeatId(seat)) {
                    None if stored.restricted.contains(&(id, SeatId(seat))) => SeatState::Restricted,
                    None => SeatState::Available,
                    Some(r) if r.status == ReservationStatus::Reserved => SeatState::Sold(r.id),
                    Some(r) => SeatState::Held(r.id),
                };
                assert_eq!(seats.get(SeatId(seat)), Some(expected), "seat {seat} of {id}");
                assert_eq!(seats.price(SeatId(seat)), self.price(id, SeatId(seat)), "seat {seat} of {id}");
            }
        }
    }

    fn commit(&mut self, decided: &Decided) {
        self.stored.write(&decided.events);
        self.stored.ledger.extend(decided.charges.iter().cloned());
        // The entries in the order they were made.
        self.stored.ledger.sort_by_key(|entry| entry.id);
        self.sale.commit(self.ended_kept);
        self.sale.check();
        self.committed = self.model.clone();
        for user in (1..=USERS).map(UserId) {
            let mut balance = 0;
            for entry in self.model.written.ledger.iter().filter(|entry| entry.user == user) {
                balance += entry.amount_change;
                assert!(balance >= 0 && entry.balance == balance, "the balance is the ledger's sum");
            }
        }
    }

    fn undo(&mut self, before: &Sale) {
        self.sale.undo();
        self.sale.check();
        assert!(self.sale.facts(START) == before.facts(START), "undone, but not as before");
        self.model = self.committed.clone();
    }

    fn restart(&mut self) {
        let free = self.performances.iter().map(Performance::all_free).collect();
        let snapshot = self.stored.snapshot(CONCERT, self.settings.clone(), free);
        self.sale = Sale::restored(snapshot, self.defaults.clone(), self.utc - self.outages);
        self.sale.check();
        self.model.ran_out.clear();
        self.committed = self.model.clone();
        self.compare();
    }

    fn everything(&self) -> Needs {
        let stored = &self.stored;
        let users = || (1..=USERS).map(UserId);
        Needs {
            wallets: users().collect(),
            charges: users().flat_map(|u| (0_u8..6).map(move |r| (u, format!("c{r}").into()))).collect(),
            reservations: stored.reservations.keys().copied().collect(),
            tokens: stored.tokens.values().map(|token| token.token).collect(),
            last_tokens: users().map(|user| (CONCERT, user)).collect(),
            desk_orders: (0..6).map(|request| (CONCERT, desk_user(request))).collect(),
            ..Needs::default()
        }
    }

    fn command(&self, step: &Step) -> Work {
        let user = UserId(step.user);
        let own: Vec<_> = self.model.tokens.iter().filter(|token| token.user == user).collect();
        let token = step.carried.and_then(|n| own.iter().rev().nth(n)).map(|record| record.token);
        let caller = Caller { user, token, guest_of: guest_of(user) };
        let connection = |n: u64| ConnectionId(step.user * 10 + n);
        let reservation = |n: usize| {
            let known = self.model.reservations.iter().rev().nth(n).copied();
            known.unwrap_or_else(|| IdSource::seeded([200; 32]).reservation(CONCERT, START))
        };
        let seats = |seats: &[u32]| seats.iter().map(|seat| SeatId(*seat)).collect::<Vec<_>>();
        Work::Sale(match &step.wish {
            Wish::Join { connection: n } => Command::Join { user, connection: n.map(connection) },
            Wish::Hello { token, connection: n } => {
                let known = self.model.tokens.get(*token).filter(|record| record.user == user);
                let token = known.map(|record| record.token);
                let token = token.unwrap_or_else(|| stored::unknown_token(CONCERT));
                Command::Resume { token, connection: n.map(connection) }
            }
            Wish::Get { polled } => Command::Get { caller, polled: *polled },
            Wish::Extend => Command::Extend { caller },
            Wish::Leave => Command::Leave { caller },
            Wish::Touch => Command::Touch { user },
            Wish::Disconnect { connection: n } => Command::Disconnect { user, connection: connection(*n) },
            Wish::Hold { schedule, seats: named } => {
                Command::Hold { caller, schedule: ScheduleId(*schedule), seats: seats(named) }
            }
            Wish::Best { schedule, count, category, max_price, except, request } => Command::HoldBest {
                caller,
                schedule: ScheduleId(*schedule),
                count: *count,
                category: category.map(|vip| if vip { "VIP".into() } else { "Floor".into() }),
                max_price: *max_price,
                except: seats(except),
                request_id: request.map(|request| format!("q{request}").into()),
            },
            Wish::Release { reservation: n, seats: named } => {
                Command::Release { caller, reservation: reservation(*n), seats: named.as_deref().map(seats) }
            }
            Wish::Pay { reservation: n } => Command::Pay { caller, reservation: reservation(*n) },
            Wish::Cancel { reservation: n } => Command::Cancel { caller, reservation: reservation(*n) },
            Wish::Charge { amount, request } => {
                return Work::Charge { user, amount: *amount, request: format!("c{request}").into() };
            }
            Wish::Restrict { schedule, seats: named } => Command::Restrict {
                schedule: ScheduleId(*schedule),
                seats: seats(named),
                note: None,
                by: Actor::UNNAMED,
            },
            Wish::Unrestrict { schedule, seats: named } => Command::Unrestrict {
                schedule: ScheduleId(*schedule),
                seats: seats(named),
                note: None,
                by: Actor::UNNAMED,
            },
            Wish::Reprice { schedules, vip, price, was } => Command::Reprice {
                schedules: schedules.iter().copied().map(ScheduleId).collect(),
                prices: vec![(u16::from(!vip), *price)],
                was: was.iter().map(|was| (u16::from(!vip), *was)).collect(),
                by: Actor::UNNAMED,
            },
            Wish::Describe { title, was } => Command::Describe {
                patch: Box::new(TextsPatch { title: Some(title.to_string().into()), about: None }),
                was: Box::new(TextsPatch { title: was.map(|was| was.to_string().into()), about: None }),
                by: Actor::UNNAMED,
            },
            Wish::Postpone { schedule, starts } => Command::Postpone {
                schedule: ScheduleId(*schedule),
                starts_at: START + Duration::from_secs(*starts),
                was: None,
                reason: None,
                by: Actor::UNNAMED,
            },
            Wish::CallOff { schedule } => {
                Command::CallOff { schedule: ScheduleId(*schedule), reason: "ill".into(), by: Actor::UNNAMED }
            }
            Wish::Refund { reservations, off } => {
                let order = |n: &usize| {
                    let id = reservation(*n);
                    let known = self.model.written.reservations.get(&id);
                    (id, known.map_or(user, |known| known.user))
                };
                let why = match off {
                    true => RefundWhy::CalledOff,
                    false => RefundWhy::Operator { reason: "asked".into(), by: Actor::UNNAMED },
                };
                Command::Refund { orders: reservations.iter().map(order).collect(), why }
            }
            Wish::RefundSeats { reservation: n, seats } => {
                let order = reservation(*n);
                let known = self.model.written.reservations.get(&order);
                Command::RefundSeats {
                    order,
                    user: known.map_or(user, |known| known.user),
                    seats: seats.iter().map(|seat| SeatId(*seat)).collect(),
                    why: RefundWhy::Operator { reason: "broken".into(), by: Actor::UNNAMED },
                }
            }
            Wish::SellAtDesk { schedule, seats: named, source, seen, request } => Command::SellAtDesk {
                user: desk_user(*request),
                schedule: ScheduleId(*schedule),
                seats: seats(named),
                source: *source,
                amount: *seen,
                note: None,
                by: Actor::UNNAMED,
            },
            Wish::MoveSeat { reservation: n, from, to, keep } => Command::MoveSeat {
                order: reservation(*n),
                from: SeatId(*from),
                to: SeatId(*to),
                keep: *keep,
                note: None,
                by: Actor::UNNAMED,
            },
            Wish::Configure { state, capacity, idle, away } => Command::Configure {
                patch: Box::new(SalePatch {
                    state: *state,
                    own: OwnRulesPatch {
                        capacity: capacity.map(Some),
                        idle_ttl: idle.map(|seconds| Some(Duration::from_secs(seconds))),
                        away_ttl: away.map(|seconds| Some(Duration::from_secs(seconds))),
                        ..OwnRulesPatch::default()
                    },
                    ..SalePatch::default()
                }),
                was: None,
                by: Actor::UNNAMED,
            },
        })
    }
}

enum Work {
    Sale(Command),
    Charge { user: UserId, amount: i64, request: Box<str> },
}

#[derive(Default)]
struct Decided {
    events: Vec<Event>,
    charges: Vec<LedgerEntry>,
}

impl Model {
    fn see(&mut self, event: &Event) {
        match event {
            Event::Joined(record) => {
                let live = |token: &&TokenRecord| token.user == record.user && token.status.is_live();
                assert_eq!(self.written.tokens.values().find(live), None, "one live token a user");
                assert_eq!(record.entry.0, self.written.tokens.len() as u64, "entries are dense");
                self.tokens.push(record.clone());
            }
            Event::TokenEnded(record) => {
                self.ran_out.remove(&record.user);
                assert!(!self.written.held().any(|r| r.user == record.user), "who has ended holds nothing");
            }
            Event::SeatsHeld { reservation, seats, prices, opened, .. } => {
                let off = self.written.called_off.contains(&reservation.schedule);
                assert!(!off, "{} is called off", reservation.schedule);
                for (seat, price) in seats.iter().zip(prices) {
                    self.taken_for.insert((reservation.id, *seat), *price);
                    assert!(
                        self.written.holder(reservation.schedule, *seat).is_none(),
                        "{seat} has a holder"
                    );
                    let kept = self.written.restricted.contains(&(reservation.schedule, *seat));
                    assert!(!kept, "the house keeps {seat}");
                }
                if *opened {
                    self.reservations.push(reservation.id);
                    let lapsed = |r: &&Reservation| {
                        r.status == ReservationStatus::Expired
                            && (r.user, r.schedule) == (reservation.user, reservation.schedule)
                            && r.seats.iter().any(|seat| seats.contains(seat))
                            && r.ended_at.is_some_and(|at| at + HOLD_AGAIN_AFTER > reservation.opened_at)
                    };
                    let again = self.written.reservations.values().find(lapsed);
                    assert_eq!(again, None, "held again too early");
                }
            }
            Event::Paid { reservation, ledger } => {
                assert!(!self.written.called_off.contains(&reservation.schedule));
                let costs = |seat: &SeatId| self.taken_for[&(reservation.id, *seat)];
                let sum: i64 = reservation.seats.iter().map(costs).sum();
                assert_eq!((reservation.amount, ledger.amount_change), (sum, -sum), "it costs what it did");
                let tickets = reservation.payment.iter().flat_map(|payment| &payment.tickets);
                for ticket in tickets {
                    assert!(ticket.price.is_none_or(|price| price == costs(&ticket.seat)), "{ticket:?}");
                }
            }
            Event::ReservationEnded { reservation, why: HoldEnd::HoldTime } => {
                self.ran_out.insert(reservation.user);
            }
            Event::ReservationEnded { reservation, why: HoldEnd::CalledOff } => {
                assert!(self.written.called_off.contains(&reservation.schedule));
            }
            Event::SoldAtDesk(SoldAtDesk { reservation, .. }) => {
                let Reservation { id, schedule, .. } = *reservation;
                let payment = reservation.payment.as_ref().expect("what was sold has a payment");
                assert!(!self.written.called_off.contains(&schedule));
                for (seat, price) in reservation.seats.iter().zip(&reservation.prices) {
                    self.taken_for.insert((id, *seat), *price);
                    assert!(self.written.holder(schedule, *seat).is_none(), "{seat} has a holder");
                    assert!(!self.written.restricted.contains(&(schedule, *seat)), "{seat} is kept");
                }
                let sum: i64 = reservation.prices.iter().sum();
                assert_eq!((reservation.amount, payment.amount), (sum, sum));
                assert!(payment.source != PaymentSource::Gift || sum == 0, "a gift costs nothing");
                let tickets: Vec<_> = payment.tickets.iter().map(|ticket| ticket.seat).collect();
                assert_eq!(tickets, reservation.seats, "a ticket for each seat");
                self.reservations.push(id);
            }
            Event::Refunded(Refunded { reservation, seats, amount, ledger, why, .. }) => {
                let paid = &self.written.reservations[&reservation.id];
                assert_eq!(paid.status, ReservationStatus::Reserved, "only what is paid is given back");
                assert!(!seats.is_empty() && seats.iter().all(|seat| paid.seats.contains(seat)));
                let cost: i64 = seats.iter().map(|seat| self.taken_for[&(reservation.id, *seat)]).sum();
                assert_eq!(*amount, cost, "a seat comes back for what it cost");
                let source = paid.payment.as_ref().expect("what is paid has a payment").source;
                let entry = ledger.as_ref().map(|entry| (entry.user, entry.amount_change));
                assert_eq!(entry, (source == PaymentSource::Wallet).then_some((paid.user, cost)));
                assert!(why.by().is_some() || !source.is_taken_at_desk(), "nobody stands at the desk");
                let off = self.written.called_off.contains(&reservation.schedule);
                assert!(off || *why != RefundWhy::CalledOff);
            }
            Event::SeatMoved(SeatMoved { reservation, from, to, .. }) => {
                let paid = &self.written.reservations[&reservation.id];
                assert_eq!(paid.status, ReservationStatus::Reserved, "only what is paid is moved");
                assert!(paid.seats.contains(from));
                assert!(self.written.holder(reservation.schedule, *to).is_none(), "{to} has a holder");
                assert!(!self.written.restricted.contains(&(reservation.schedule, *to)), "{to} is kept");
                let cost = self.taken_for[&(reservation.id, *from)];
                self.taken_for.insert((reservation.id, *to), cost);
            }
            Event::ScheduleAdded(_) | Event::Archived(_) => panic!("{event:?} was wished for by nobody"),
            Event::Rescheduled(moved) => {
                assert!(!self.written.called_off.contains(&moved.schedule) && moved.before != moved.after);
            }
            Event::CalledOff(off) => assert!(!self.written.called_off.contains(&off.schedule)),
            Event::SeatsRestricted(HouseSeats { schedule, seats, .. }) => {
                for seat in seats {
                    assert!(self.written.holder(*schedule, *seat).is_none(), "{seat} has a holder");
                    assert!(!self.written.restricted.contains(&(*schedule, *seat)), "{seat} is kept");
                }
            }
            Event::SeatsUnrestricted(HouseSeats { schedule, seats, .. }) => {
                for seat in seats {
                    assert!(self.written.restricted.contains(&(*schedule, *seat)), "{seat} is not kept");
                }
            }
            Event::Admitted(_)
            | Event::SeatsReleased { .. }
            | Event::ReservationEnded { .. }
            | Event::Described(_)
            | Event::Repriced(_)
            | Event::SettingsChanged { .. } => {}
        }
        self.written.write(std::slice::from_ref(event));
        if let Event::SeatsHeld { reservation, .. } = event {
            let seats = self.written.seats_of(reservation.user);
            assert!(seats <= SEATS_PER_USER_MAX as usize, "user {} has {seats} seats", reservation.user);
        }
        if let Event::SeatsHeld { reservation, .. } = event
            && guest_of(reservation.user).is_some()
        {
            self.of_guests.insert(reservation.id);
            let together =
                |r: &&Reservation| r.schedule == reservation.schedule && self.of_guests.contains(&r.id);
            let seats: usize = self.written.held().filter(together).map(|r| r.seats.len()).sum();
            assert!(seats <= GUEST_SEATS.at_least as usize, "guests of one address hold {seats} seats");
        }
    }

    fn entry(&mut self, entry: &LedgerEntry) {
        self.written.ledger.push(entry.clone());
    }
}

impl Stored {
    fn held(&self) -> impl Iterator<Item = &Reservation> {
        self.reservations.values().filter(|r| r.status == ReservationStatus::TempReserved)
    }

    /// The number of seats that a user has, held or bought.
    fn seats_of(&self, user: UserId) -> usize {
        let has = |r: &&Reservation| {
            r.user == user
                && matches!(r.status, ReservationStatus::TempReserved | ReservationStatus::Reserved)
        };
        self.reservations.values().filter(has).map(|r| r.seats.len()).sum()
    }

    /// The reservation that has this seat, held or sold.
    fn holder(&self, schedule: ScheduleId, seat: SeatId) -> Option<&Reservation> {
        self.reservations.values().find(|r| {
            matches!(r.status, ReservationStatus::TempReserved | ReservationStatus::Reserved)
                && r.schedule == schedule
                && r.seats.contains(&seat)
        })
    }
}
