//! A sale's life: fans and operators who ask for anything, several at a time, and scenes for what seldom comes about by
//! chance.

use std::time::Duration;

use frontrow::dispatcher::{Refusal, Reply, ReplyTo};
use frontrow::domain::actor::{Actor, Who};
use frontrow::domain::command::{Answer, Caller, Command, Rejection};
use frontrow::domain::concert::TextsPatch;
use frontrow::domain::event::RefundWhy;
use frontrow::domain::ids::{AddressBlock, OperatorId, ReservationId, ScheduleId, SeatId, UserId};
use frontrow::domain::record::{PaymentSource, Reservation, SaleState};
use frontrow::domain::rules::{OwnRulesPatch, SalePatch};
use frontrow::store::archive::Archive;
use frontrow::store::{NewConcert, StoreError};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio::sync::oneshot;

use crate::harness::{House, in_time};

/// An order, and whose it is.
type Order = (ReservationId, UserId);

/// The seats of each performance.
pub const SEATS: u32 = 60;
const FANS: usize = 14;
const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

pub struct Life {
    pub house: House,
    rng: StdRng,
    /// The first of them ask for anything.
    fans: Vec<Caller>,
    operator: UserId,
    /// Those that were answered with, the newest last.
    reservations: Vec<(Caller, ReservationId)>,
}

impl Life {
    pub async fn begin(house: House, seed: u64) -> Self {
        let mut fans = Vec::new();
        for n in 0..FANS {
            let user = house.user(2_000_000).await;
            // Some are guests, of two addresses.
            let guest_of = (n % 3 == 0).then(|| AddressBlock(n as u128 % 2 + 1));
            fans.push(Caller { user, token: None, guest_of });
        }
        let operator = house.user(0).await;
        Self { house, rng: StdRng::seed_from_u64(seed), fans, operator, reservations: Vec::new() }
    }

    /// Several ask, one soon after the other, before any of them is answered; then some time passes.
    pub async fn some_ask(&mut self) {
        let mut replies = Vec::new();
        for _ in 0..self.rng.random_range(1..8) {
            self.house.clock.advance(Duration::from_millis(self.rng.random_range(0..400)));
            let caller = self.fans[self.rng.random_range(0..FANS)];
            replies.push((caller, self.something(caller)));
        }
        self.house.clock.advance(Duration::from_millis(self.rng.random_range(0..50)));
        for (caller, reply) in replies {
            let _ = self.answered(caller, reply).await;
        }
        let pause = self.rng.random_range(0..20_u64);
        self.house.advance(if pause == 0 { 200 } else { pause });
    }

    fn something(&mut self, caller: Caller) -> oneshot::Receiver<Reply> {
        let rng = &mut self.rng;
        let schedule = ScheduleId(self.house.schedules[rng.random_range(0..2)]);
        let own: Vec<_> =
            self.reservations.iter().filter(|(by, _)| *by == caller).map(|(_, id)| *id).collect();
        let reservation = match own.len() {
            0 => self.reservations.last().map(|(_, id)| *id),
            count => Some(own[count - 1 - rng.random_range(0..count.min(3))]),
        };
        let seats = |rng: &mut StdRng| -> Vec<SeatId> {
            (0..rng.random_range(1..4)).map(|_| SeatId(rng.random_range(0..SEATS))).collect()
        };
        let by = Actor::of(Who::Operator(OperatorId(7)));
        let command = match (rng.random_range(0..28), reservation) {
            (0..6, _) => Command::Join { user: caller.user, connection: None },
            (6..9, _) => Command::Hold { caller, schedule, seats: seats(rng) },
            (9..12, _) => Command::HoldBest {
                caller,
                schedule,
                count: rng.random_range(1..4),
                category: rng.random_bool(0.3).then(|| "VIP".into()),
                max_price: rng.random_bool(0.3).then_some(150_000),
                except: if rng.random_bool(0.3) { seats(rng) } else { Vec::new() },
                request_id: rng.random_bool(0.8).then(|| format!("r{}", rng.random_range(0..4)).into()),
            },
            (12..14, Some(reservation)) => Command::Release { caller, reservation, seats: Some(seats(rng)) },
            (14, Some(reservation)) => Command::Release { caller, reservation, seats: None },
            (15..17, Some(reservation)) => Command::Pay { caller, reservation },
            (17, Some(reservation)) => Command::Cancel { caller, reservation },
            (18..20, _) => Command::Extend { caller },
            (20, _) => Command::Leave { caller },
            (21, _) => return self.charge(caller),
            (22, _) => return self.configure(),
            (23, _) => Command::Restrict { schedule, seats: seats(rng), note: Some("cameras".into()), by },
            (24, _) => Command::Unrestrict { schedule, seats: seats(rng), note: None, by },
            (25..27, _) => Command::Reprice {
                schedules: vec![schedule],
                prices: vec![(0, rng.random_range(1..4) * 50_000)],
                was: if rng.random_bool(0.2) { vec![(0, 100_000)] } else { Vec::new() },
                by,
            },
            _ => Command::Get { caller, polled: true },
        };
        self.post(command)
    }

    fn charge(&mut self, caller: Caller) -> oneshot::Receiver<Reply> {
        let (sender, reply) = oneshot::channel();
        let request = format!("c{}", self.rng.random_range(0..3));
        let amount = self.rng.random_range(1..3) * 100_000;
        self.house
            .context()
            .dispatcher
            .charge(caller.user, amount, &request, ReplyTo::Once(sender))
            .expect("there is room");
        reply
    }

    /// An operator changes something that does not end the sale.
    fn configure(&mut self) -> oneshot::Receiver<Reply> {
        let rng = &mut self.rng;
        let (mut patch, mut own) = (SalePatch::default(), OwnRulesPatch::default());
        match rng.random_range(0..6) {
            0 => patch.state = Some(SaleState::Paused),
            1..4 => patch.state = Some(SaleState::Open),
            4 => {
                patch.message = Some(rng.random_bool(0.7).then(|| "Back at noon \u{2014} \"정오에\"".into()));
            }
            _ => own.capacity = Some(rng.random_bool(0.7).then(|| rng.random_range(4..9))),
        }
        let from = rng.random_bool(0.5).then(|| "2001:db8::7".into());
        let who = match rng.random_range(0..3) {
            0 => Who::Operator(OperatorId(7)),
            1 => Who::User(self.operator),
            _ => Who::Unnamed,
        };
        self.post(Command::Configure {
            patch: Box::new(SalePatch { own, ..patch }),
            was: None,
            by: Actor { who, from },
        })
    }

    fn post(&self, command: Command) -> oneshot::Receiver<Reply> {
        let (sender, reply) = oneshot::channel();
        let dispatcher = &self.house.context().dispatcher;
        dispatcher.submit(self.house.concert, command, ReplyTo::Once(sender)).expect("the sale runs");
        reply
    }

    async fn answered(&mut self, caller: Caller, reply: oneshot::Receiver<Reply>) -> Reply {
        let reply = in_time("an answer", reply).await.expect("everybody is answered");
        match &reply {
            Ok(Answer::Reservation(Reservation { id, .. }))
                if !self.reservations.iter().any(|(_, known)| known == id) =>
            {
                self.reservations.push((caller, *id));
            }
            Ok(_) | Err(Refusal::Rejected(_)) => {}
            Err(other) => panic!("{other:?}"),
        }
        reply
    }

    async fn ask(&mut self, caller: Caller, command: Command) -> Reply {
        let reply = self.post(command);
        self.answered(caller, reply).await
    }

    async fn set(&mut self, patch: SalePatch) {
        let set =
            Command::Configure { patch: patch.into(), was: None, by: Actor::of(Who::User(self.operator)) };
        assert!(matches!(self.ask(self.fans[0], set).await, Ok(Answer::Figures(_))));
    }

    async fn state(&mut self, state: SaleState) {
        self.set(SalePatch { state: Some(state), ..SalePatch::default() }).await;
    }

    /// Nobody is in line any more, and the sale is open to a new fan, who is let in.
    async fn admitted_alone(&mut self) -> Caller {
        self.state(SaleState::Open).await;
        for fan in self.fans.clone() {
            let _ = self.ask(fan, Command::Leave { caller: fan }).await;
        }
        let own = OwnRulesPatch {
            capacity: Some(Some(2)),
            hold_ttl: Some(Some(20 * MINUTE)),
            seats_per_reservation_max: Some(Some(6)),
            ..OwnRulesPatch::default()
        };
        self.set(SalePatch { own, ..SalePatch::default() }).await;
        self.joined(None).await
    }

    /// A new fan who took a place in line.
    async fn joined(&mut self, guest_of: Option<AddressBlock>) -> Caller {
        let user = self.house.user(5_000_000).await;
        let caller = Caller { user, token: None, guest_of };
        self.fans.push(caller);
        let joined = self.ask(caller, Command::Join { user, connection: None }).await;
        assert!(matches!(joined, Ok(Answer::Queue { created: true, .. })), "{joined:?}");
        caller
    }

    async fn hold(&mut self, caller: Caller, of: usize) -> ReservationId {
        self.hold_in(caller, of, None).await
    }

    async fn hold_in(&mut self, caller: Caller, of: usize, category: Option<&str>) -> ReservationId {
        let schedule = ScheduleId(self.house.schedules[of]);
        let hold = Command::HoldBest {
            caller,
            schedule,
            count: 1,
            category: category.map(Box::from),
            max_price: None,
            except: Vec::new(),
            request_id: None,
        };
        match self.ask(caller, hold).await {
            Ok(Answer::Reservation(held)) => held.id,
            other => panic!("{other:?}"),
        }
    }

    /// More requests than a reservation remembers.
    pub async fn one_remembers_many_requests(&mut self) {
        let caller = self.admitted_alone().await;
        let reservation = self.hold(caller, 1).await;
        for n in 0..20 {
            let best = Command::HoldBest {
                caller,
                schedule: ScheduleId(self.house.schedules[1]),
                count: 1,
                category: None,
                max_price: None,
                except: Vec::new(),
                request_id: Some(format!("many{n}").into()),
            };
            let Ok(Answer::Reservation(held)) = self.ask(caller, best).await else { panic!("not held") };
            assert_eq!((held.id, held.seats.len()), (reservation, 2));
            let release = Command::Release { caller, reservation, seats: Some(vec![held.seats[n % 2]]) };
            assert!(matches!(self.ask(caller, release).await, Ok(Answer::Reservation(_))));
        }
    }

    /// Holds end by idleness; an admission ends though its fan is busy; who waits is away.
    pub async fn one_is_silent_and_one_runs_out_of_time(&mut self) {
        let silent = self.admitted_alone().await;
        self.hold(silent, 0).await;
        let (busy, away) = (self.joined(None).await, self.joined(None).await);
        for _ in 0..4 {
            self.house.clock.advance(3 * MINUTE);
            let _ = self.ask(busy, Command::Extend { caller: busy }).await;
        }
        let get = self.ask(away, Command::Get { caller: away, polled: false }).await;
        assert!(matches!(get, Ok(Answer::Queue { .. })), "{get:?}");
    }

    pub async fn one_buys_with_another_hold_and_gives_it_back(&mut self) {
        let caller = self.admitted_alone().await;
        let (first, _) = (self.hold(caller, 0).await, self.hold(caller, 1).await);
        let paid = self.ask(caller, Command::Pay { caller, reservation: first }).await;
        assert!(matches!(paid, Ok(Answer::Paid { .. })), "{paid:?}");
        let cancelled = self.ask(caller, Command::Cancel { caller, reservation: first }).await;
        assert!(matches!(cancelled, Ok(Answer::Cancelled { .. })), "{cancelled:?}");
        // Another one leaves with what they hold, and one pays and keeps.
        let caller = self.admitted_alone().await;
        self.hold(caller, 0).await;
        let left = self.ask(caller, Command::Leave { caller }).await;
        assert!(matches!(left, Ok(Answer::Queue { .. })), "{left:?}");
    }

    /// One order has seats of two prices, of which one is that of before; free seats of one performance cost what they did
    /// when they were imported, and those of the other do not.
    pub async fn one_buys_while_prices_change(&mut self) {
        let caller = self.admitted_alone().await;
        self.reprice(1, 70_000).await;
        let order = self.hold_in(caller, 1, Some("VIP")).await;
        self.reprice(1, 90_000).await;
        assert_eq!(self.hold_in(caller, 1, Some("VIP")).await, order);
        let pay = Command::Pay { caller, reservation: order };
        let Ok(Answer::Paid { payment, .. }) = self.ask(caller, pay).await else { panic!("not paid") };
        let prices: Vec<_> = payment.tickets.iter().map(|ticket| ticket.price.unwrap()).collect();
        assert_eq!((payment.amount, prices.iter().sum::<i64>(), prices.len()), (160_000, 160_000, 2));
        let caller = self.admitted_alone().await;
        self.hold(caller, 1).await;
        let store = self.house.store().clone();
        self.house.rows_follow().await;
        let loaded = store.load_sale(self.house.concert, self.house.clock.utc()).await.unwrap();
        let imported = loaded.schedules[0].layout.categories[0].price;
        self.reprice(0, imported).await;
    }

    pub async fn the_concert_is_told_of_otherwise(&mut self) {
        for (title, about) in [("One \"night\"", Some(None)), ("밤", Some(Some(r#"{"texts":{"age":"12"}}"#)))]
        {
            let about = about.map(|about| about.map(Box::from));
            let describe = Command::Describe {
                patch: Box::new(TextsPatch { title: Some(title.into()), about }),
                was: Box::default(),
                by: Actor::of(Who::Operator(OperatorId(7))),
            };
            assert_eq!(self.ask(self.fans[0], describe).await, Ok(Answer::Done));
        }
    }

    async fn reprice(&mut self, of: usize, price: i64) {
        let reprice = Command::Reprice {
            schedules: vec![ScheduleId(self.house.schedules[of])],
            prices: vec![(0, price)],
            was: Vec::new(),
            by: Actor::of(Who::Operator(OperatorId(7))),
        };
        assert_eq!(self.ask(self.fans[0], reprice).await, Ok(Answer::Done));
    }

    /// Closed with a line, scheduled again for a time that comes.
    pub async fn the_line_is_dissolved_and_the_sale_opens_by_itself(&mut self) {
        self.admitted_alone().await;
        for _ in 0..3 {
            self.joined(None).await;
        }
        self.state(SaleState::Closed).await;
        let at = self.house.clock.utc() + MINUTE;
        let patch =
            SalePatch { state: Some(SaleState::Scheduled), opens_at: Some(Some(at)), ..SalePatch::default() };
        self.set(patch).await;
        self.house.clock.advance(2 * MINUTE);
        let late = self.joined(None).await;
        let get = self.ask(late, Command::Figures).await;
        let Ok(Answer::Figures(figures)) = get else { panic!("{get:?}") };
        assert_eq!(figures.settings.state, SaleState::Open);
    }

    /// No concert in another currency is stored; and when wallets change theirs, this one is sold no more.
    pub async fn wallets_are_in_another_currency(&mut self) {
        let caller = self.admitted_alone().await;
        let held = self.hold(caller, 0).await;
        let store = self.house.store().clone();
        self.house.rows_follow().await;
        let loaded = store.load_sale(self.house.concert, self.house.clock.utc()).await.unwrap();
        let foreign = NewConcert {
            title: "Premier soir".into(),
            currency: "EUR".into(),
            time_zone: None,
            layout: (*loaded.schedules[0].layout).clone(),
            starts_at: vec![self.house.clock.utc() + 30 * DAY],
            restricted: Vec::new(),
            about: None,
            again: true,
            settings: loaded.settings,
            at: self.house.clock.utc(),
        };
        let refused = store.add_concert(foreign).await;
        assert!(matches!(refused, Err(StoreError::OtherCurrency { .. })), "{refused:?}");
        self.wallets_in("EUR").await;
        let pay = Command::Pay { caller, reservation: held };
        assert_eq!(self.ask(caller, pay).await, Err(Refusal::Rejected(Rejection::OtherCurrency)));
        let open = SalePatch { state: Some(SaleState::Open), ..SalePatch::default() };
        let open = Command::Configure { patch: open.into(), was: None, by: Actor::UNNAMED };
        assert_eq!(self.ask(caller, open).await, Err(Refusal::Rejected(Rejection::OtherCurrency)));
        let release = Command::Release { caller, reservation: held, seats: None };
        assert!(matches!(self.ask(caller, release).await, Ok(Answer::Reservation(_))));
        self.wallets_in("KRW").await;
    }

    async fn wallets_in(&mut self, currency: &str) {
        self.house.store().decide_currency(currency, self.house.clock.utc()).await.unwrap();
        self.house.stop().await;
        self.house.start().await;
    }

    /// Money back by an operator; then the third performance is moved, and called off with seats held and sold.
    pub async fn orders_are_refunded_and_a_performance_is_moved_and_called_off(&mut self) {
        let by = Actor { who: Who::Operator(OperatorId(7)), from: Some("::1".into()) };
        let mut bought = Vec::new();
        for of in [2, 2] {
            let caller = self.admitted_alone().await;
            let order = self.hold(caller, of).await;
            let paid = self.ask(caller, Command::Pay { caller, reservation: order }).await;
            assert!(matches!(paid, Ok(Answer::Paid { .. })), "{paid:?}");
            bought.push((order, caller.user));
        }
        self.some_seats_come_back(by.clone()).await;
        let (at_desk, gift) = self.the_box_office_sells(by.clone()).await;
        self.another_performance(by.clone()).await;
        let fan = self.admitted_alone().await;
        self.hold(fan, 2).await;
        let why = RefundWhy::Operator { reason: "Bought \"twice\"".into(), by: by.clone() };
        let refund = Command::Refund { orders: bought[..1].to_vec(), why };
        let refunded = self.ask(fan, refund).await;
        let one = |reply: &Reply| matches!(reply, Ok(Answer::Refunded { done, .. }) if done.len() == 1);
        assert!(one(&refunded), "{refunded:?}");
        let schedule = ScheduleId(self.house.schedules[2]);
        let starts_at = self.house.clock.utc() + 60 * DAY;
        let reason = Some("Rain \u{2014} \"비\"".into());
        let move_it = Command::Postpone { schedule, starts_at, was: None, reason, by: by.clone() };
        assert_eq!(self.ask(fan, move_it).await, Ok(Answer::Done));
        let late = by.clone();
        let off = Command::CallOff { schedule, reason: "The singer is ill".into(), by };
        assert_eq!(self.ask(fan, off).await, Ok(Answer::Done));
        // The refunds of a server that runs may be faster.
        let orders = vec![bought[1], gift];
        let refund = Command::Refund { orders, why: RefundWhy::CalledOff };
        let refunded = self.ask(fan, refund).await;
        assert!(matches!(refunded, Ok(Answer::Refunded { .. })), "{refunded:?}");
        // What is left of the desk's order is handed out there.
        let why = RefundWhy::Operator { reason: "Came for it".into(), by: late };
        let refunded = self.ask(fan, Command::Refund { orders: vec![at_desk], why }).await;
        assert!(one(&refunded), "{refunded:?}");
    }

    /// A seat of an order with prices of its own, which is sold again, and the last of another one.
    async fn some_seats_come_back(&mut self, by: Actor) {
        let why = RefundWhy::Operator { reason: "Broken".into(), by };
        self.reprice(2, 65_000).await;
        let caller = self.admitted_alone().await;
        let order = self.hold_in(caller, 2, Some("VIP")).await;
        assert_eq!(self.hold_in(caller, 2, None).await, order);
        let pay = Command::Pay { caller, reservation: order };
        let Ok(Answer::Paid { payment, .. }) = self.ask(caller, pay).await else { panic!("not paid") };
        let seats: Vec<_> = payment.tickets.iter().map(|ticket| ticket.seat).collect();
        assert!(seats.len() > 1, "{seats:?}");
        for seat in &seats[1..] {
            let user = caller.user;
            let refund = Command::RefundSeats { order, user, seats: vec![*seat], why: why.clone() };
            let refunded = self.ask(caller, refund).await;
            assert!(matches!(refunded, Ok(Answer::Refunded { .. })), "{refunded:?}");
        }
        // The seat that is left becomes another one, and comes back to what it was.
        let (schedule, order_by) = (payment.tickets[0].schedule, why.by().cloned().unwrap());
        let free = self.free_seat(schedule).await;
        for (from, to, keep) in [(seats[0], free, true), (free, seats[0], false)] {
            let (note, by) = (Some("Broken".into()), order_by.clone());
            let moved = self.ask(caller, Command::MoveSeat { order, from, to, keep, note, by }).await;
            assert!(matches!(moved, Ok(Answer::Moved(_))), "{moved:?}");
        }
        let next = self.admitted_alone().await;
        let hold =
            Command::Hold { caller: next, schedule: payment.tickets[0].schedule, seats: vec![seats[1]] };
        let Ok(Answer::Reservation(held)) = self.ask(next, hold).await else { panic!("not held") };
        let paid = self.ask(next, Command::Pay { caller: next, reservation: held.id }).await;
        assert!(matches!(paid, Ok(Answer::Paid { .. })), "{paid:?}");
        let refund = Command::RefundSeats { order: held.id, user: next.user, seats: vec![seats[1]], why };
        let refunded = self.ask(next, refund).await;
        assert!(matches!(refunded, Ok(Answer::Refunded { .. })), "{refunded:?}");
    }

    /// In each way, of free seats and of kept ones; one of them comes back whole, and a seat of another one, which is given back.
    async fn the_box_office_sells(&mut self, by: Actor) -> (Order, Order) {
        let (caller, schedule) = (self.admitted_alone().await, ScheduleId(self.house.schedules[2]));
        let mut orders = Vec::new();
        for (n, source) in (0..).zip([PaymentSource::Cash, PaymentSource::Card, PaymentSource::Gift]) {
            let seats = self.free_seats(schedule, 2).await;
            if source == PaymentSource::Card {
                let (seats, note, by) = (seats[..1].to_vec(), None, by.clone());
                let kept = self.ask(caller, Command::Restrict { schedule, seats, note, by }).await;
                assert!(matches!(kept, Ok(Answer::Restricted { .. })), "{kept:?}");
            }
            let (store, now) = (self.house.store().clone(), self.house.clock.utc());
            let request = format!("request {n}");
            let user = store.user_at_desk(self.house.concert, &request, "Walk-in", now).await.unwrap();
            let (note, by) = (Some("Row \"3\"".into()), by.clone());
            let sell = Command::SellAtDesk { user, schedule, seats, source, amount: None, note, by };
            let Ok(Answer::SoldAtDesk { order, created: true }) = self.ask(caller, sell.clone()).await else {
                panic!("not sold")
            };
            let again = self.ask(caller, sell).await;
            assert_eq!(again, Ok(Answer::SoldAtDesk { order: order.clone(), created: false }));
            orders.push(order);
        }
        let why = RefundWhy::Operator { reason: "Broken".into(), by };
        let (cash, card) = (&orders[0], &orders[1]);
        let whole = Command::Refund { orders: vec![(cash.id, cash.user)], why: why.clone() };
        let (order, user, seats) = (card.id, card.user, vec![card.seats[0]]);
        for back in [whole, Command::RefundSeats { order, user, seats, why }] {
            let refunded = self.ask(caller, back).await;
            let is_handed_out = matches!(&refunded, Ok(Answer::Refunded { done, .. }) if done[0].1.is_none());
            assert!(is_handed_out, "{refunded:?}");
        }
        ((card.id, card.user), (orders[2].id, orders[2].user))
    }

    /// One is added, with a price of its own, and sold.
    async fn another_performance(&mut self, by: Actor) {
        let starts_at = self.house.clock.utc() + 80 * DAY;
        let store = self.house.store().clone();
        let prepared = store.prepare_schedule(self.house.concert, starts_at, usize::MAX).await.unwrap();
        let schedule = prepared.schedule;
        let add = Command::AddSchedule {
            schedule,
            starts_at,
            prices: vec![(0, 77_000)],
            of_plan: Some(vec![SeatId(1)]),
            by,
        };
        let caller = self.admitted_alone().await;
        assert_eq!(self.ask(caller, add).await, Ok(Answer::Done));
        self.house.schedules.push(schedule.0);
        let order = self.hold_in(caller, self.house.schedules.len() - 1, Some("VIP")).await;
        let paid = self.ask(caller, Command::Pay { caller, reservation: order }).await;
        assert!(matches!(paid, Ok(Answer::Paid { .. })), "{paid:?}");
    }

    /// The first free seat of the dearest category.
    async fn free_seat(&self, schedule: ScheduleId) -> SeatId {
        self.free_seats(schedule, 1).await[0]
    }

    async fn free_seats(&self, schedule: ScheduleId, count: usize) -> Vec<SeatId> {
        let (store, now) = (self.house.store().clone(), self.house.clock.utc());
        self.house.rows_follow().await;
        let loaded = store.load_sale(self.house.concert, now).await.unwrap();
        let of = loaded.schedules.iter().find(|of| of.schedule.id == schedule).unwrap();
        let is_free = |seat: &u32| {
            of.layout.seats.category[*seat as usize] == 0
                && of.taken.iter().all(|(taken, ..)| taken.0 != *seat)
        };
        let free: Vec<_> =
            (0..of.layout.seat_count() as u32).filter(is_free).map(SeatId).take(count).collect();
        assert_eq!(free.len(), count, "so many are free");
        free
    }

    /// Rows that are in files by now are of the journal all the same.
    pub async fn old_rows_are_archived(&mut self) {
        let archive = Archive::new(self.house.journal_archive());
        self.house.rows_follow().await;
        let moved = archive.run(&**self.house.store(), self.house.clock.utc(), 50).await.unwrap();
        assert!(moved.rows > 0, "{moved:?}");
    }

    /// Every performance has begun, nobody is there, and the concert is archived.
    pub async fn everything_is_over(&mut self) {
        self.state(SaleState::Closed).await;
        self.house.clock.advance(90 * DAY);
        for fan in self.fans.clone() {
            let _ = self.ask(fan, Command::Leave { caller: fan }).await;
        }
        let by = Actor::of(Who::Operator(OperatorId(7)));
        assert_eq!(self.ask(self.fans[0], Command::Archive { by }).await, Ok(Answer::Done));
    }

    /// Holds end when their performance begins; other fans still wait, are admitted, hold and have bought.
    pub async fn performances_begin(&mut self) {
        let caller = self.admitted_alone().await;
        let own = OwnRulesPatch {
            hold_ttl: Some(Some(60 * DAY)),
            admission_ttl: Some(Some(60 * DAY)),
            idle_ttl: Some(Some(60 * DAY)),
            away_ttl: Some(Some(60 * DAY)),
            ..OwnRulesPatch::default()
        };
        self.set(SalePatch { own, ..SalePatch::default() }).await;
        let bought = self.hold(caller, 1).await;
        let paid = self.ask(caller, Command::Pay { caller, reservation: bought }).await;
        assert!(matches!(paid, Ok(Answer::Paid { .. })), "{paid:?}");
        let (loser, guest) = (self.joined(None).await, self.joined(Some(AddressBlock(7))).await);
        // No place is left for another one.
        self.joined(None).await;
        self.hold(loser, 0).await;
        self.hold(guest, 1).await;
        let begin = frontrow::domain::time::Timestamp::from_millis(1_800_000_000_000) + 30 * DAY;
        self.house.clock.advance(begin.since(self.house.clock.utc()) + MINUTE);
        let get = self.ask(loser, Command::Get { caller: loser, polled: false }).await;
        assert!(matches!(get, Ok(Answer::Queue { .. })), "{get:?}");
    }
}
