//! The cost of one decision, in a sale with a short and with a very long line, and with few and with many seats. A
//! decision includes its `commit`, which forgets how to take it back; nothing is stored.

use std::sync::Arc;
use std::time::Duration;

use divan::{Bencher, black_box};
use frontrow::domain::command::{Answer, Caller, Command, EndedFacts, Inputs};
use frontrow::domain::concert::Texts;
use frontrow::domain::event::Event;
use frontrow::domain::ids::{ConcertId, EntryNo, IdSource, ReservationId, ScheduleId, SeatId, UserId};
use frontrow::domain::line::{Class, Draw, Line, Order, Stock};
use frontrow::domain::record::{SaleState, TokenRecord, TokenStatus};
use frontrow::domain::rules::{OwnRules, SaleRules, SaleSettings};
use frontrow::domain::sale::{Sale, SaleSnapshot, ScheduleSnapshot, Step};
use frontrow::domain::seat_plan::{PlannedCategory, PlannedRow, PlannedSeat, SeatPlan};
use frontrow::domain::time::{Now, Timestamp};
use frontrow::domain::token_secret::TokenSecret;
use frontrow::domain::wallet::Wallets;
use frontrow::limits::ENDED_KEPT_MAX;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};

const CONCERT: ConcertId = ConcertId(1);
const SCHEDULE: ScheduleId = ScheduleId(1);
const LINES: [usize; 2] = [1_000, 1_000_000];
const HALLS: [usize; 2] = [1_000, 100_000];
const SEATS_PER_ROW: u32 = 50;
const START: Timestamp = Timestamp::from_millis(1_800_000_000_000);
const LONG: Duration = Duration::from_secs(1_000_000);

fn main() {
    divan::main();
}

/// A sale, its clock, and what a lane brings along.
struct Stage {
    sale: Sale,
    now: Now,
    inputs: Inputs,
    events: Vec<Event>,
}

impl Stage {
    /// `waiting` fans in line, users 1, 2, 3 … in this order, and one place for an admitted one.
    fn new(waiting: usize, seats: usize) -> Self {
        let ids = IdSource::seeded([7; 32]);
        let rules = SaleRules {
            capacity: 1,
            admission_ttl: LONG,
            idle_ttl: LONG,
            away_ttl: LONG,
            ..SaleRules::default()
        };
        let snapshot = SaleSnapshot {
            sells: true,
            token_secret: TokenSecret::new([7; 32]),
            concert: CONCERT,
            settings: SaleSettings {
                state: SaleState::Open,
                opens_at: None,
                message: None,
                own: OwnRules::default(),
            },
            texts: Texts::default(),
            archived: None,
            order: Order::default(),
            next_entry: EntryNo(waiting as u64),
            tokens: (0..waiting).map(token).collect(),
            reservations: Vec::new(),
            lapsed: Vec::new(),
            bought: Vec::new(),
            schedules: vec![ScheduleSnapshot {
                id: SCHEDULE,
                starts_at: START + 2 * LONG,
                state: Default::default(),
                plan: Arc::new(hall(seats)),
                prices: Vec::new(),
                taken: Vec::new(),
            }],
        };
        let inputs = Inputs { wallets: Wallets::default(), ended: EndedFacts::default(), ids };
        let sale = Sale::restored(snapshot, rules, START);
        let mut stage = Self { sale, now: Now::new(START, Duration::ZERO), inputs, events: Vec::new() };
        stage.expire();
        stage
    }

    fn decide(&mut self, command: &Command) -> Answer {
        let step = Step { now: self.now, inputs: &mut self.inputs, events: &mut self.events };
        let answer = self.sale.decide(step, command);
        self.sale.commit(ENDED_KEPT_MAX);
        self.events.clear();
        answer.expect("the rules allow it")
    }

    fn expire(&mut self) -> usize {
        let step = Step { now: self.now, inputs: &mut self.inputs, events: &mut self.events };
        let done = self.sale.expire_due(step, usize::MAX);
        self.sale.commit(ENDED_KEPT_MAX);
        self.events.clear();
        done
    }

    fn advance(&mut self, time: Duration) {
        self.now = Now::new(self.now.utc + time, Duration::ZERO);
    }

    fn hold(&mut self, caller: Caller, seat: usize) -> ReservationId {
        let seats = vec![SeatId(seat as u32)];
        match self.decide(&Command::Hold { caller, schedule: SCHEDULE, seats }) {
            Answer::Reservation(reservation) => reservation.id,
            other => panic!("{other:?} is no reservation"),
        }
    }
}

fn token(entry: usize) -> TokenRecord {
    let (entry, user) = (EntryNo(entry as u64), UserId(entry as u64 + 1));
    TokenRecord {
        concert: CONCERT,
        entry,
        token: TokenSecret::new([7; 32]).token(CONCERT, entry, user, START),
        user,
        status: TokenStatus::Waiting,
        entered_at: START,
        admitted_at: None,
        expires_at: None,
        ended_at: None,
    }
}

fn hall(seats: usize) -> SeatPlan {
    let seat = |seat: usize| {
        let (row, place) = (seat as u32 / SEATS_PER_ROW, seat as u32 % SEATS_PER_ROW);
        let (x, y) = (place as f32, row as f32);
        PlannedSeat {
            label: format!("{row}-{place}").into(),
            category: 0,
            row,
            place,
            x,
            y,
            stage_distance: y,
        }
    };
    let rows = seats.div_ceil(SEATS_PER_ROW as usize);
    SeatPlan {
        seats: (0..seats).map(seat).collect(),
        categories: vec![PlannedCategory { name: "All".into(), price: 1_000 }],
        rows: (0..rows).map(|row| PlannedRow { zone: 0, label: format!("{row}").into() }).collect(),
    }
}

fn caller(user: u64) -> Caller {
    Caller { user: UserId(user), token: None, guest_of: None }
}

/// A new place at the end of the line.
#[divan::bench(args = LINES)]
fn join(bencher: Bencher<'_, '_>, waiting: usize) {
    let mut stage = Stage::new(waiting, 1_000);
    let mut user = waiting as u64;
    bencher.bench_local(|| {
        user += 1;
        black_box(stage.decide(&Command::Join { user: UserId(user), connection: None }));
    });
}

/// The place of a fan in the middle of the line.
#[divan::bench(args = LINES)]
fn position(bencher: Bencher<'_, '_>, waiting: usize) {
    let mut stage = Stage::new(waiting, 1_000);
    let asked = Command::Get { caller: caller(waiting as u64 / 2), polled: false };
    bencher.bench_local(|| black_box(stage.decide(&asked)));
}

/// The same in a line of three classes, each in an order that was drawn, from which one in three has left.
#[divan::bench(args = LINES)]
fn place_in_drawn_classes(bencher: Bencher<'_, '_>, waiting: usize) {
    let mut rng = StdRng::seed_from_u64(7);
    let mut drawn: Vec<u32> = (0..waiting as u32).collect();
    drawn.shuffle(&mut rng);
    let draw = Draw::new(drawn).expect("shuffling makes a permutation");
    let order = Order::default().by_class(|token| Class((token.user.0 % 3) as u8)).by_draw(Arc::new(draw));
    let mut tokens: Vec<_> = (0..waiting).map(token).collect();
    tokens.retain(|_| rng.random_range(0..3) > 0);
    let line = Line::restored(order, EntryNo(waiting as u64), &tokens);
    let (rules, now) = (SaleRules::default(), Now::new(START, Duration::ZERO));
    let stock = Stock { available: 1_000, sold_out: false };
    let mut turn = 0;
    bencher.bench_local(|| {
        turn = (turn + 7_919) % tokens.len();
        black_box(line.place(tokens[turn].clone(), None, stock, &rules, now))
    });
}

/// An admitted fan leaves, and the next one is in. Each joins again at the end, so that the line stays as it is.
#[divan::bench(args = LINES)]
fn leave_and_admit(bencher: Bencher<'_, '_>, waiting: usize) {
    let mut stage = Stage::new(waiting, 1_000);
    let mut turn = 0;
    bencher.bench_local(|| {
        let user = turn % waiting as u64 + 1;
        turn += 1;
        stage.decide(&Command::Leave { caller: caller(user) });
        black_box(stage.decide(&Command::Join { user: UserId(user), connection: None }));
    });
}

/// A seat held and given back.
#[divan::bench(args = HALLS)]
fn hold_and_release(bencher: Bencher<'_, '_>, seats: usize) {
    let mut stage = Stage::new(1_000, seats);
    let mut turn = 0;
    bencher.bench_local(|| {
        turn += 1;
        let reservation = stage.hold(caller(1), turn % seats);
        black_box(stage.decide(&Command::Release { caller: caller(1), reservation, seats: None }));
    });
}

/// The best four seats that are together, held and given back, in a house that is empty.
#[divan::bench(args = HALLS)]
fn hold_best_and_release(bencher: Bencher<'_, '_>, seats: usize) {
    let mut stage = Stage::new(1_000, seats);
    let best = Command::HoldBest {
        caller: caller(1),
        schedule: SCHEDULE,
        count: 4,
        category: None,
        max_price: None,
        except: Vec::new(),
        request_id: None,
    };
    bencher.bench_local(|| {
        let Answer::Reservation(held) = stage.decide(&best) else { panic!("seats are free") };
        black_box(stage.decide(&Command::Release { caller: caller(1), reservation: held.id, seats: None }));
    });
}

/// A seat held, and taken back when its time is over, while many wait.
#[divan::bench(args = LINES)]
fn hold_and_expire(bencher: Bencher<'_, '_>, waiting: usize) {
    let mut stage = Stage::new(waiting, 1_000);
    let hold_ttl = stage.sale.rules().hold_ttl;
    let mut turn = 0;
    bencher.bench_local(|| {
        turn += 1;
        stage.hold(caller(1), turn % 1_000);
        stage.advance(hold_ttl);
        assert_eq!(black_box(stage.expire()), 1);
    });
}

/// A whole line comes back after a restart.
#[divan::bench(args = LINES, sample_count = 3)]
fn restore(bencher: Bencher<'_, '_>, waiting: usize) {
    bencher.bench_local(|| black_box(Stage::new(waiting, 1_000)));
}
