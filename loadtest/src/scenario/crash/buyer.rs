//! One fan of the crash test: buys, gives back, loses the connection, comes back, and compares.
//!
//! Always: a request is in the book before it is sent. Only a broken connection and a retryable refusal are accidents;
//! everything else that does not fit is a fault.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use frontrow_crowd::claims::Claims;
use frontrow_crowd::crew::Worker;
use frontrow_crowd::fan::{
    Balance, Credential, Fan, Place, Reservation, Seat, Trouble, hold_request, release_request,
};
use frontrow_crowd::record::{Counter, FanState, Op, Outcome};
use frontrow_crowd::shop::{Venue, rng_of};
use frontrow_crowd::tokens::Tokens;
use frontrow_protocol::request::{Charge, NoParams, QueueJoin, ReservationRef};
use frontrow_protocol::result::{QueueStatus, ReservationStatus};
use frontrow_protocol::{IdempotencyKey, Reason, Request};
use rand::RngExt;
use rand::rngs::StdRng;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::book::{Action, Book, Bought, Held, Seen, Settled, Standing, cost};

/// A client that could not connect, or was refused with a time to wait, tries again after this.
const RETRY_AFTER: Duration = Duration::from_millis(100);
/// The time for which a fan tries to get back. Far more than any recovery takes.
const PATIENCE: Duration = Duration::from_secs(120);
/// Fans keep so many purchases, then give the oldest back: the house is not to sell out in the middle.
pub const PURCHASES_MAX: usize = 3;
/// Seats that a fan holds at a time, at most.
pub const SEATS_MAX: usize = 3;
/// The longest pause between a fan's requests.
const PAUSE_MAX: Duration = Duration::from_millis(40);

/// The sums that all fans of a run add to.
#[derive(Default)]
pub struct Tally {
    /// Requests without an answer, by what became of them.
    pub happened: AtomicU64,
    pub did_not: AtomicU64,
    /// Confirmed things that were not there.
    pub lost: AtomicU64,
    /// Everything a fan knows, compared with everything the server says.
    pub compared: AtomicU64,
    /// Answers that said "later".
    pub later: AtomicU64,
    pub slowest_later_us: AtomicU64,
}

/// One fan, who remembers everything.
pub struct Buyer {
    worker: Rc<Worker>,
    number: usize,
    tokens: Arc<Tokens>,
    venue: Venue,
    claims: Arc<Claims>,
    tally: Arc<Tally>,
    rng: StdRng,
    book: Book,
    charges: u64,
    /// The last confirmed charge, and the balance that it gave.
    last_charge: Option<(Action, i64)>,
}

#[derive(Deserialize)]
struct PaymentTold {
    payment: PaymentId,
    balance: i64,
    tickets: Vec<Seat>,
}

#[derive(Deserialize)]
struct PaymentId {
    payment_id: Uuid,
}

#[derive(Deserialize)]
struct CancelledTold {
    balance: i64,
}

#[derive(Deserialize)]
struct ReservationsTold {
    reservations: Vec<Reservation>,
}

#[derive(Deserialize)]
struct TicketsTold {
    tickets: Vec<TicketTold>,
}

#[derive(Deserialize)]
struct TicketTold {
    reservation_id: Uuid,
    seat: u32,
}

/// Why a fan's turn ended.
enum Interrupted {
    /// Come back later: the connection is gone, or the server cannot just now.
    Later,
    /// The message was wrong; there is no going on.
    Wrong(String),
}

impl From<Trouble> for Interrupted {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Connection { .. } => Self::Later,
            Trouble::Refused(error) if error.reason().retryable() => Self::Later,
            other => Self::Wrong(other.to_string()),
        }
    }
}

impl Buyer {
    /// A fan who knows nothing yet. `seed` is the run's.
    pub fn new(
        worker: Rc<Worker>,
        number: usize,
        tokens: Arc<Tokens>,
        venue: Venue,
        claims: Arc<Claims>,
        tally: Arc<Tally>,
        seed: u64,
    ) -> Self {
        let (rng, book) = (rng_of(seed, number), Book::default());
        Self { worker, number, tokens, venue, claims, tally, rng, book, charges: 0, last_charge: None }
    }

    /// Plays until the run is over, or something was wrong.
    pub async fn play(mut self) {
        let mut came_once = false;
        let mut since = Instant::now();
        loop {
            let interrupted = match self.visit(&mut came_once, &mut since).await {
                Ok(()) => return,
                Err(interrupted) => interrupted,
            };
            match interrupted {
                Interrupted::Wrong(fault) => {
                    self.worker.stats.fault(format!("fan {}: {fault}", self.number));
                    return;
                }
                Interrupted::Later if since.elapsed() > PATIENCE => {
                    let fault = format!("fan {} could not come back for {PATIENCE:?}", self.number);
                    return self.worker.stats.fault(fault);
                }
                Interrupted::Later => tokio::time::sleep(RETRY_AFTER).await,
            }
        }
    }

    /// A visit from connecting to the loss of the connection, or to the end of the run.
    async fn visit(&mut self, came_once: &mut bool, since: &mut Instant) -> Result<(), Interrupted> {
        let access = Credential::Access(self.tokens.get(self.number).into());
        let token = self.book.confirmed.place.and_then(|place| place.token);
        // Both ways must lead back.
        let by_token = token.filter(|_| self.number.is_multiple_of(2)).map(Credential::Queue);
        let connecting = self.worker.connecting.acquire().await;
        let first = by_token.as_ref().unwrap_or(&access);
        let mut fan = Fan::try_connect(&self.worker.target(), first, &self.worker.stats).await?;
        if by_token.is_some() {
            // A queue token that has ended moves no money and joins nothing: its owner says who they are as well.
            fan.hello(&access).await?;
        }
        drop(connecting);
        if *came_once {
            self.compare(&mut fan).await?;
            self.repeat(&mut fan).await?;
            self.worker.stats.ok(Op::Resume, *since);
            self.worker.stats.count(Counter::Reconnects, 1);
        } else {
            *came_once = true;
            self.worker.ready().await;
        }
        let played = self.shop(&mut fan).await;
        *since = Instant::now();
        if let Some(place) = fan.notes.place
            && self.book.confirmed.place.and_then(|confirmed| confirmed.token) == Some(place.token)
        {
            // Notifications were confirmed, too.
            self.book.confirmed.note_place(place);
        }
        played?;
        self.compare(&mut fan).await?;
        fan.close().await;
        Ok(())
    }

    /// Buys and gives back until the run is over.
    async fn shop(&mut self, fan: &mut Fan) -> Result<(), Interrupted> {
        if let Some(pending) = self.book.pending.clone() {
            self.carry_out(fan, pending).await?;
        }
        while !self.worker.stopping() {
            let pause = PAUSE_MAX.mul_f64(self.rng.random_range(0.0..1.0));
            tokio::time::sleep(pause).await;
            if let Some(place) = fan.notes.place {
                self.book.confirmed.note_place(place);
            }
            let action = match self.book.confirmed.place.map(|place| place.standing) {
                None | Some(Standing::Ended) => Action::Join,
                Some(Standing::Waiting { .. }) => {
                    tokio::select! {
                        event = fan.next() => { event?; }
                        () = self.worker.stopped() => {}
                    }
                    continue;
                }
                Some(Standing::Admitted) => self.choose(),
            };
            self.carry_out(fan, action).await?;
        }
        Ok(())
    }

    /// The next action of an admitted fan.
    fn choose(&mut self) -> Action {
        let confirmed = &self.book.confirmed;
        if confirmed.bought.len() >= PURCHASES_MAX {
            return Action::Cancel(confirmed.bought[0].reservation);
        }
        let reservation = confirmed.held.as_ref().and_then(|held| held.reservation);
        let (Some(reservation), Some(held)) = (reservation, &confirmed.held) else {
            if self.rng.random_bool(0.1) {
                return Action::Leave;
            }
            let count = self.rng.random_range(1..=SEATS_MAX);
            let first = self.rng.random_range(0..=self.venue.seats - count);
            return Action::Hold((first..first + count).map(|seat| seat as u32).collect());
        };
        let missing = cost(&held.seats) - confirmed.balance;
        match self.rng.random_range(0..10) {
            0..2 => Action::Release(reservation),
            2 => Action::Leave,
            _ if missing > 0 => {
                self.charges += 1;
                Action::Charge { amount: missing, request_id: format!("{}-{}", self.number, self.charges) }
            }
            _ => Action::Pay(reservation),
        }
    }

    async fn carry_out(&mut self, fan: &mut Fan, action: Action) -> Result<(), Interrupted> {
        let schedule = self.venue.schedules[0];
        // The seats may be somebody else's from here on.
        let given_up: Vec<u32> = match &action {
            Action::Release(_) | Action::Leave => {
                self.book.confirmed.held.iter().flat_map(|held| held.seats.clone()).collect()
            }
            Action::Cancel(reservation) => {
                let bought =
                    self.book.confirmed.bought.iter().find(|bought| bought.reservation == *reservation);
                bought.map(|bought| bought.seats.clone()).unwrap_or_default()
            }
            _ => Vec::new(),
        };
        for seat in given_up {
            self.claims.let_go(schedule, seat, self.number);
        }
        self.book.pending = Some(action.clone());
        let mut confirmed = self.book.confirmed.after(&action);
        match &action {
            Action::Join => {
                let request = Request::QueueJoin(QueueJoin { concert_id: self.venue.concert });
                let place: Place = self.ask(fan, Op::Join, &request).await?;
                confirmed.note_place(place);
                fan.notes.place = Some(place);
            }
            Action::Hold(seats) => {
                let answer: Result<Reservation, _> =
                    self.ask(fan, Op::Hold, &hold_request(schedule, seats)).await;
                let held = match answer {
                    Err(Trouble::Refused(error)) if error.reason() == Reason::SeatTaken => {
                        self.book.pending = None;
                        return Ok(());
                    }
                    held => held?,
                };
                let mut got: Vec<u32> = held.seats.iter().map(|seat| seat.seat).collect();
                got.sort_unstable();
                if got != *seats || held.status != ReservationStatus::TempReserved {
                    return Err(Interrupted::Wrong(format!("held {seats:?} and got {held:?}")));
                }
                for seat in seats {
                    let claim = self.claims.hold(schedule, *seat, self.number);
                    claim.unwrap_or_else(|fault| self.worker.stats.fault(fault));
                }
                self.worker.stats.count(Counter::SeatsHeld, seats.len() as u64);
                confirmed.held = Some(Held { reservation: Some(held.reservation_id), seats: got });
                fan.notes.state.set(FanState::Holding);
            }
            Action::Release(reservation) => {
                let released: Reservation =
                    self.ask(fan, Op::Release, &release_request(*reservation)).await?;
                if released.status != ReservationStatus::Cancelled {
                    return Err(Interrupted::Wrong(format!("released all and got {released:?}")));
                }
            }
            Action::Charge { amount, request_id } => {
                let charged: Balance = self.ask(fan, Op::Charge, &charge(*amount, request_id)).await?;
                self.same_balance("a charge", charged.balance, confirmed.balance)?;
                self.last_charge = Some((action.clone(), confirmed.balance));
            }
            Action::Pay(reservation) => {
                let paid = self.pay(fan, *reservation).await?;
                self.same_balance("a payment", paid.balance, confirmed.balance)?;
                if let Some(bought) = confirmed.bought.last_mut() {
                    bought.payment = Some(paid.payment.payment_id);
                    let mut seats: Vec<u32> = paid.tickets.iter().map(|ticket| ticket.seat).collect();
                    seats.sort_unstable();
                    if seats != bought.seats {
                        return Err(Interrupted::Wrong(format!("{bought:?} and tickets for {seats:?}")));
                    }
                    for seat in seats {
                        let claim = self.claims.sell(schedule, seat, self.number);
                        claim.unwrap_or_else(|fault| self.worker.stats.fault(fault));
                    }
                }
            }
            Action::Cancel(reservation) => {
                let request = Request::Cancel(ReservationRef { reservation_id: *reservation });
                let cancelled: CancelledTold = self.ask(fan, Op::Cancel, &request).await?;
                self.same_balance("a refund", cancelled.balance, confirmed.balance)?;
            }
            Action::Leave => {
                let place: Place = self.ask(fan, Op::Leave, &Request::QueueLeave(NoParams {})).await?;
                confirmed.note_place(place);
                fan.notes.place = Some(place);
            }
        }
        if let Some(place) = fan.notes.place.filter(|_| matches!(action, Action::Pay(_))) {
            // The push that says DONE may come behind the answer.
            fan.notes.place = Some(Place { status: QueueStatus::Done, ..place });
        }
        self.book.confirmed = confirmed;
        self.book.pending = None;
        Ok(())
    }

    fn same_balance(&self, after: &str, balance: i64, confirmed: i64) -> Result<(), Interrupted> {
        if balance == confirmed {
            return Ok(());
        }
        Err(Interrupted::Wrong(format!("{balance} in the wallet after {after}, not {confirmed}")))
    }

    async fn pay(&self, fan: &mut Fan, reservation: Uuid) -> Result<PaymentTold, Trouble> {
        self.ask(fan, Op::Pay, &Request::Pay(ReservationRef { reservation_id: reservation })).await
    }

    /// A confirmed request is sent once more: the answer must be the same, and nothing may happen.
    async fn repeat(&mut self, fan: &mut Fan) -> Result<(), Interrupted> {
        if self.book.pending.is_some() {
            return Ok(()); // That one is repeated anyway.
        }
        if let Some((Action::Charge { amount, request_id }, balance)) = self.last_charge.clone() {
            let again: Balance = self.ask(fan, Op::Charge, &charge(amount, &request_id)).await?;
            self.same_balance("a repeated charge", again.balance, balance)?;
        }
        if let Some(Bought { reservation, payment: Some(payment), .. }) =
            self.book.confirmed.bought.last().cloned()
        {
            let again = self.pay(fan, reservation).await?;
            if again.payment.payment_id != payment {
                let fault =
                    format!("paid {reservation} as {payment} and again as {}", again.payment.payment_id);
                return Err(Interrupted::Wrong(fault));
            }
        }
        self.compare(fan).await
    }

    /// Compares everything that was confirmed with everything that is there.
    async fn compare(&mut self, fan: &mut Fan) -> Result<(), Interrupted> {
        let seen = self.see(fan).await?;
        self.tally.compared.fetch_add(1, Ordering::Relaxed);
        match self.book.judge(&seen) {
            Ok(None) => {}
            Ok(Some(Settled::Happened)) => {
                self.tally.happened.fetch_add(1, Ordering::Relaxed);
            }
            Ok(Some(Settled::DidNot)) => {
                self.tally.did_not.fetch_add(1, Ordering::Relaxed);
            }
            Err(fault) => {
                self.tally.lost.fetch_add(1, Ordering::Relaxed);
                return Err(Interrupted::Wrong(fault));
            }
        }
        if let Some(place) = seen.place
            && self.book.confirmed.place.and_then(|confirmed| confirmed.token) == Some(place.token)
        {
            self.book.confirmed.note_place(place);
        }
        Ok(())
    }

    async fn see(&self, fan: &mut Fan) -> Result<Seen, Trouble> {
        let place = match self.ask::<Place>(fan, Op::Get, &Request::QueueGet(NoParams {})).await {
            Ok(place) => {
                fan.notes.place = Some(place);
                Some(place)
            }
            Err(Trouble::Refused(error)) if error.reason() == Reason::NotInQueue => None,
            Err(trouble) => return Err(trouble),
        };
        let open: ReservationsTold = self.ask(fan, Op::Get, &Request::Reservations(NoParams {})).await?;
        let tickets: TicketsTold = self.ask(fan, Op::Get, &Request::Tickets(NoParams {})).await?;
        let wallet: Balance = self.ask(fan, Op::Balance, &Request::Balance(NoParams {})).await?;
        let mut seen = Seen { place, balance: wallet.balance, ..Seen::default() };
        for held in open.reservations {
            if held.status == ReservationStatus::TempReserved {
                let mut seats: Vec<u32> = held.seats.iter().map(|seat| seat.seat).collect();
                seats.sort_unstable();
                seen.held.insert(held.reservation_id, seats);
            }
        }
        let mut by_reservation: BTreeMap<Uuid, Vec<u32>> = BTreeMap::new();
        for ticket in tickets.tickets {
            by_reservation.entry(ticket.reservation_id).or_default().push(ticket.seat);
        }
        by_reservation.values_mut().for_each(|seats| seats.sort_unstable());
        seen.tickets = by_reservation;
        Ok(seen)
    }

    /// Asks, and records what is no accident: a broken connection is what this scenario is about.
    async fn ask<T: DeserializeOwned>(&self, fan: &mut Fan, op: Op, request: &Request) -> Result<T, Trouble> {
        let began = Instant::now();
        let id = fan.push(request);
        fan.flush().await?;
        let answer = fan.answer(id).await;
        match &answer {
            Ok(_) => self.worker.stats.ok(op, began),
            Err(Trouble::Refused(error)) => {
                if error.reason().retryable() {
                    let micros = began.elapsed().as_micros() as u64;
                    self.tally.later.fetch_add(1, Ordering::Relaxed);
                    self.tally.slowest_later_us.fetch_max(micros, Ordering::Relaxed);
                }
                self.worker.stats.record(op, began.elapsed(), &Outcome::Refused(error.reason()));
            }
            Err(_) => {}
        }
        answer
    }
}

fn charge(amount: i64, request_id: &str) -> Request {
    let request_id = IdempotencyKey::try_from(request_id).expect("the load test's keys are short");
    Request::Charge(Charge { amount, request_id })
}
