//! One sale's rows against each other: seats, places in line, reservations, payments, tickets and the journal.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::log::{Line, Place};
use super::per_user::TooMany;
use super::replay::Replay;
use super::wallets::Wallets;
use super::{Findings, Rules, sale_name, seat_name};
use crate::domain::concert::Texts;
use crate::domain::ids::{
    ConcertId, EntryNo, PaymentId, QueueToken, ReservationId, ScheduleId, SeatId, UserId,
};
use crate::domain::record::{
    Payment, PaymentSource, PaymentStatus, Reservation, ReservationStatus, ScheduleState, Ticket,
    TokenRecord, TokenStatus,
};
use crate::domain::rules::OwnRules;
use crate::domain::seat_plan::Money;
use crate::domain::time::Timestamp;
use crate::domain::token_secret::TokenSecret;
use crate::store::fold::{Folded, state_in_words};
use crate::store::rows::SeatRow;
use crate::store::{SeatStatus, words};
use crate::venue::VenueLayout;

pub struct SaleAudit {
    concert: ConcertId,
    /// Label, category and price of each seat, by the drawing.
    drawn: Vec<(String, String, Money)>,
    schedules: BTreeMap<ScheduleId, StoredSchedule>,
    /// The number of seats of each schedule.
    seat_counts: BTreeMap<ScheduleId, u32>,
    /// The rules that the sale's operator set.
    own: OwnRules,
    texts: Texts,
    /// Since when everything is over.
    archived: Option<Timestamp>,
    /// Seats that are not free.
    taken: BTreeMap<(ScheduleId, SeatId), (SeatStatus, ReservationId)>,
    /// The seats that link to a held reservation, ascending.
    held_by: HashMap<ReservationId, Vec<(ScheduleId, SeatId)>>,
    tokens: Tokens,
    reservations: BTreeMap<ReservationId, Reservation>,
    /// The seats of each reservation, as `reservation_seat` has them.
    seats_of: HashMap<ReservationId, Vec<(ScheduleId, SeatId)>>,
    payments: BTreeMap<PaymentId, Payment>,
    payment_of: HashMap<ReservationId, PaymentId>,
    tickets: HashMap<PaymentId, Vec<SoldTicket>>,
    replay: Replay,
}

/// What may change of a performance, as it is stored.
pub struct StoredSchedule {
    /// UTC.
    pub starts_at: Timestamp,
    pub state: ScheduleState,
    pub reason: Option<Box<str>>,
    /// The prices of categories that do not cost what they were imported with.
    pub prices: Vec<(u16, Money)>,
}

#[derive(Default)]
struct Tokens {
    /// The users by entry number; a hole shortens the list, and is a fault already.
    users: Vec<UserId>,
    next_entry: u64,
    ids: HashSet<QueueToken>,
    live: HashMap<UserId, TokenStatus>,
    done: HashMap<UserId, u32>,
}

struct SoldTicket {
    seat: (ScheduleId, SeatId),
    reservation: ReservationId,
    user: UserId,
    valid: bool,
}

impl SaleAudit {
    pub fn new(
        concert: ConcertId,
        token_secret: Option<TokenSecret>,
        layout: &VenueLayout,
        seats: usize,
        findings: &mut Findings,
    ) -> Self {
        let drawn: Vec<_> = (0..layout.seat_count())
            .map(|seat| {
                let category = &layout.categories[usize::from(layout.seats.category[seat])];
                (layout.seats.label[seat].clone(), category.name.clone(), category.price)
            })
            .collect();
        findings.check(drawn.len() == seats, || {
            let drawn = drawn.len();
            format!("{}: the layout is said to have {seats} seats and draws {drawn}", sale_name(concert))
        });
        Self {
            concert,
            drawn,
            schedules: BTreeMap::new(),
            seat_counts: BTreeMap::new(),
            own: OwnRules::default(),
            texts: Texts::default(),
            archived: None,
            taken: BTreeMap::new(),
            held_by: HashMap::new(),
            tokens: Tokens::default(),
            reservations: BTreeMap::new(),
            seats_of: HashMap::new(),
            payments: BTreeMap::new(),
            payment_of: HashMap::new(),
            tickets: HashMap::new(),
            replay: Replay::new(concert, token_secret),
        }
    }

    pub fn texts(&mut self, texts: Texts) {
        self.texts = texts;
    }

    pub fn archived(&mut self, at: Option<Timestamp>) {
        self.archived = at;
    }

    pub fn own_rules(&mut self, own: OwnRules) {
        self.own = own;
    }

    /// Notes the time before which servers ran that did not know how many seats one user may have.
    pub fn users_limited_since(&mut self, since: Option<Timestamp>) {
        self.replay.per_user.known_since(since);
    }

    pub fn schedule(&mut self, schedule: ScheduleId, stored: StoredSchedule) {
        self.schedules.insert(schedule, stored);
    }

    /// Seats come by schedule and number.
    pub fn seat(&mut self, row: SeatRow, label: &str, category: &str, price: Money, findings: &mut Findings) {
        let key = (row.schedule, row.seat);
        let (sale, name) = (sale_name(self.concert), seat_name(key));
        let count = self.seat_counts.entry(row.schedule).or_default();
        findings.check(row.seat.0 == *count, || format!("{sale}: {name} comes where {count} is next"));
        *count = row.seat.0 + 1;
        match self.drawn.get(row.seat.0 as usize) {
            Some((drawn_label, drawn_category, drawn_price)) => {
                let same = label == drawn_label && category == drawn_category && price == *drawn_price;
                findings.check(same, || {
                    format!(
                        "{sale}: {name} is {label:?} in {category:?} for {price}, the layout has \
                         {drawn_label:?} in {drawn_category:?} for {drawn_price}"
                    )
                });
            }
            None => findings.fault(format!("{sale}: {name} is not in the layout")),
        }
        match (row.status, row.reservation) {
            (SeatStatus::Available, None) => {}
            (status @ (SeatStatus::TempReserved | SeatStatus::Reserved), Some(reservation)) => {
                self.taken.insert(key, (status, reservation));
                if status == SeatStatus::TempReserved {
                    self.held_by.entry(reservation).or_default().push(key);
                }
            }
            (status, reservation) => {
                let whose = reservation.map_or("no reservation".to_owned(), |id| format!("reservation {id}"));
                findings.fault(format!("{sale}: {name} is {} and has {whose}", words::seat_status(status)));
            }
        }
    }

    /// Tokens come by entry number.
    pub fn token(&mut self, token: TokenRecord, findings: &mut Findings) {
        let (sale, tokens) = (sale_name(self.concert), &mut self.tokens);
        let TokenRecord { entry, user, status, .. } = token;
        let mut missing = tokens.next_entry..entry.0;
        let is_next = entry.0 >= tokens.next_entry
            && missing.all(|entry| self.replay.sale().is_left_out(EntryNo(entry)));
        findings.check(is_next, || {
            format!("{sale}: the line has entry {entry} where {} is next", tokens.next_entry)
        });
        tokens.next_entry = entry.0 + 1;
        let fits = match status {
            TokenStatus::Waiting => token.admitted_at.is_none() && token.ended_at.is_none(),
            TokenStatus::Progress => token.admitted_at.is_some() && token.ended_at.is_none(),
            TokenStatus::Done => token.admitted_at.is_some() && token.ended_at.is_some(),
            TokenStatus::Expired(_) => token.ended_at.is_some(),
        };
        let word = words::token_status(status).0;
        findings.check(fits && token.admitted_at.is_some() == token.expires_at.is_some(), || {
            format!("{sale}: entry {entry} of user {user} is {word}, its times say otherwise")
        });
        findings.check(token.token.concert() == Some(self.concert), || {
            format!("{sale}: the token of entry {entry} names another sale")
        });
        findings.check(tokens.ids.insert(token.token), || {
            format!("{sale}: the token of entry {entry} was given before")
        });
        if status.is_live() && tokens.live.insert(user, status).is_some() {
            findings.fault(format!("{sale}: user {user} has two live places in line, one of them {entry}"));
        }
        if status == TokenStatus::Done {
            *tokens.done.entry(user).or_default() += 1;
        }
        tokens.users.push(user);
        match self.replay.sale().token(entry) {
            Some(Folded { row: folded, .. }) if (folded.user, folded.status) != (user, status) => {
                let (of, folded) = (folded.user, words::token_status(folded.status).0);
                findings.fault(format!(
                    "{sale}: entry {entry} is {word} of user {user}, the journal has it as {folded} of user {of}"
                ));
            }
            Some(Folded { row: folded, is_whole: true }) => differing(
                findings,
                &sale,
                &format!("entry {entry}"),
                &[
                    // Random ones, of before, the journal does not have.
                    ("token", folded.token.0.is_nil() || token.token == folded.token),
                    ("entered_at", token.entered_at == folded.entered_at),
                    ("admitted_at", token.admitted_at == folded.admitted_at),
                    ("expires_at", token.expires_at == folded.expires_at),
                    ("ended_at", token.ended_at == folded.ended_at),
                ],
            ),
            Some(_) => {}
            None => findings.fault(format!("{sale}: entry {entry} is in no journal")),
        }
    }

    pub fn reservation(&mut self, reservation: Reservation, findings: &mut Findings) {
        let (sale, id) = (sale_name(self.concert), reservation.id);
        findings.check(id.concert() == Some(self.concert), || {
            format!("{sale}: reservation {id} names another sale")
        });
        findings.check(self.schedules.contains_key(&reservation.schedule), || {
            format!("{sale}: reservation {id} is for schedule {}, which is not here", reservation.schedule)
        });
        let fits = match reservation.status {
            ReservationStatus::TempReserved => reservation.ended_at.is_none(),
            ReservationStatus::Reserved => true,
            ReservationStatus::Expired | ReservationStatus::Cancelled => reservation.ended_at.is_some(),
        };
        let word = words::reservation_status(reservation.status);
        findings.check(fits, || format!("{sale}: reservation {id} is {word}, its times say otherwise"));
        let may_have_address = reservation.status == ReservationStatus::TempReserved;
        findings.check(may_have_address || reservation.guest_of.is_none(), || {
            format!("{sale}: reservation {id} is {word}, and still says where its guest came from")
        });
        match self.replay.sale().reservation(id) {
            Some(Folded { row: folded, is_whole }) => {
                let is_whole = *is_whole;
                differing(
                    findings,
                    &sale,
                    &format!("reservation {id}"),
                    &[
                        ("schedule_id", reservation.schedule == folded.schedule),
                        ("user_id", reservation.user == folded.user),
                        ("status", reservation.status == folded.status),
                        ("seats", reservation.seats == folded.seats),
                        ("expires_at", reservation.expires_at == folded.expires_at),
                        ("prices", !is_whole || reservation.prices == folded.prices),
                        ("amount", !is_whole || reservation.amount == folded.amount),
                        ("opened_at", !is_whole || reservation.opened_at == folded.opened_at),
                        ("ended_at", !is_whole || reservation.ended_at == folded.ended_at),
                        ("best_requests", !is_whole || reservation.best_requests == folded.best_requests),
                    ],
                );
            }
            None => findings.fault(format!("{sale}: reservation {id} is in no journal")),
        }
        self.reservations.insert(id, reservation);
    }

    pub fn reservation_seat(
        &mut self,
        id: ReservationId,
        schedule: ScheduleId,
        seat: SeatId,
        findings: &mut Findings,
    ) {
        let of = self.reservations.get(&id);
        findings.check(of.is_some_and(|of| of.schedule == schedule), || {
            let (sale, seat) = (sale_name(self.concert), seat_name((schedule, seat)));
            format!("{sale}: {seat} is written to reservation {id}, which is not one of that schedule")
        });
        self.seats_of.entry(id).or_default().push((schedule, seat));
    }

    pub fn payment(&mut self, payment: Payment, has_cancel_time: bool, findings: &mut Findings) {
        let (sale, id) = (sale_name(self.concert), payment.id);
        findings.check(has_cancel_time == (payment.status == PaymentStatus::Cancelled), || {
            format!(
                "{sale}: payment {id} is {}, its times say otherwise",
                words::payment_status(payment.status)
            )
        });
        if let Some(other) = self.payment_of.insert(payment.reservation, id) {
            findings
                .fault(format!("{sale}: reservation {} has payments {other} and {id}", payment.reservation));
        }
        let folded = self.replay.sale().reservation(payment.reservation).filter(|folded| folded.is_whole);
        if let Some(folded) = folded.and_then(|folded| folded.row.payment.as_ref()) {
            differing(
                findings,
                &sale,
                &format!("payment {id}"),
                &[
                    ("payment_id", id == folded.id),
                    ("source", payment.source == folded.source),
                    ("amount", payment.amount == folded.amount),
                    ("at", payment.at == folded.at),
                    ("refunded", payment.refunded == folded.refunded),
                    ("refund_reason", payment.refund_reason == folded.refund_reason),
                ],
            );
        }
        self.payments.insert(id, payment);
    }

    pub fn ticket(
        &mut self,
        ticket: &Ticket,
        payment: PaymentId,
        reservation: ReservationId,
        user: UserId,
        findings: &mut Findings,
    ) {
        if !self.payments.contains_key(&payment) {
            let (sale, id) = (sale_name(self.concert), ticket.id);
            findings.fault(format!("{sale}: ticket {id} is for payment {payment}, which does not exist"));
        }
        let folded = self.replay.sale().reservation(reservation).filter(|folded| folded.is_whole);
        if let Some(folded) = folded.and_then(|folded| folded.row.payment.as_ref()) {
            // Of its code the journal knows nothing.
            let same = |folded: &Ticket| *ticket == Ticket { code: ticket.code.clone(), ..folded.clone() };
            findings.check(folded.tickets.iter().any(same), || {
                let (sale, id) = (sale_name(self.concert), ticket.id);
                format!("{sale}: ticket {id} is in no journal as it is")
            });
        }
        let (seat, valid) = ((ticket.schedule, ticket.seat), ticket.is_valid());
        self.tickets.entry(payment).or_default().push(SoldTicket { seat, reservation, user, valid });
    }

    /// An event that the tables do not have, by an operator's word. Before the journal.
    pub fn leave_out(&mut self, place: Place) {
        self.replay.leave_out(place);
    }

    /// Rows come in the order of their numbers.
    pub fn journal(&mut self, seq: u64, at: Timestamp, events: &str, findings: &mut Findings) {
        self.replay.row(seq, at, events, findings);
    }

    /// A line of the operators' log, which comes after the journal.
    pub fn log(&mut self, id: u64, place: Place, line: &Line, findings: &mut Findings) {
        if let Some(why) = self.replay.told.line(id, place, line) {
            findings.fault(format!("{}: {why}", sale_name(self.concert)));
        }
    }

    /// Compares, after the last row, what rows of different tables say of each other. What came about before a rule was
    /// obeyed is no fault.
    pub fn conclude(&self, rules: Rules, wallets: &mut Wallets, findings: &mut Findings) {
        self.conclude_seats(findings);
        let mut held = HashSet::new();
        for reservation in self.reservations.values() {
            self.conclude_reservation(reservation, &mut held, wallets, findings);
        }
        for payment in self.payments.values() {
            self.conclude_payment(payment, rules.starts_end_since, wallets, findings);
        }
        self.conclude_tokens(wallets, findings);
        self.conclude_journal(findings);
        self.conclude_again(findings);
        self.conclude_per_user(findings);
        self.replay.told.conclude(self.concert, rules.logged_since, findings);
    }

    fn conclude_seats(&self, findings: &mut Findings) {
        let sale = sale_name(self.concert);
        for schedule in self.schedules.keys().chain(self.seat_counts.keys()).collect::<BTreeSet<_>>() {
            let counted = self.seat_counts.get(schedule).copied().unwrap_or_default();
            let drawn = self.drawn.len();
            findings.check(counted as usize == drawn && self.schedules.contains_key(schedule), || {
                format!("{sale}: schedule {schedule} has {counted} seats, the layout has {drawn}")
            });
        }
        for (&seat, &(status, id)) in &self.taken {
            if (status, id) == (SeatStatus::Reserved, ReservationId::house(self.concert)) {
                continue;
            }
            let name = seat_name(seat);
            let Some(reservation) = self.reservations.get(&id) else {
                findings.fault(format!("{sale}: {name} is taken by reservation {id}, which does not exist"));
                continue;
            };
            let fits = match status {
                SeatStatus::Reserved => reservation.status == ReservationStatus::Reserved,
                SeatStatus::TempReserved | SeatStatus::Available => {
                    reservation.status == ReservationStatus::TempReserved
                }
            };
            findings.check(fits && reservation.schedule == seat.0, || {
                let (seat, reservation_word) =
                    (words::seat_status(status), words::reservation_status(reservation.status));
                let schedule = reservation.schedule;
                format!("{sale}: {name} is {seat} by reservation {id}, which is {reservation_word} in schedule {schedule}")
            });
            if status == SeatStatus::Reserved {
                let written = self.seats_of.get(&id).is_some_and(|seats| seats.contains(&seat));
                findings.check(written, || {
                    format!("{sale}: {name} is sold to reservation {id}, whose seats are others")
                });
                let tickets = self.payment_of.get(&id).and_then(|payment| self.tickets.get(payment));
                let valid = tickets.map_or(0, |tickets| {
                    tickets.iter().filter(|ticket| ticket.valid && ticket.seat == seat).count()
                });
                findings
                    .check(valid == 1, || format!("{sale}: {name} is sold and has {valid} valid tickets"));
            }
        }
    }

    fn conclude_reservation(
        &self,
        reservation: &Reservation,
        held: &mut HashSet<(UserId, ScheduleId)>,
        wallets: &Wallets,
        findings: &mut Findings,
    ) {
        let sale = sale_name(self.concert);
        let Reservation { id, user, schedule, amount, status, .. } = *reservation;
        findings.check(wallets.knows(user), || {
            format!("{sale}: reservation {id} is of user {user}, who does not exist")
        });
        let written = self.seats_of.get(&id).map_or(&[][..], Vec::as_slice);
        let payment = self.payment_of.get(&id).and_then(|payment| self.payments.get(payment));
        let seats = self.seats(reservation);
        match status {
            ReservationStatus::TempReserved => {
                findings.check(held.insert((user, schedule)), || {
                    format!("{sale}: user {user} has two held reservations in schedule {schedule}, one of them {id}")
                });
                let admitted = self.tokens.live.get(&user) == Some(&TokenStatus::Progress);
                findings.check(admitted, || {
                    format!("{sale}: reservation {id} is held by user {user}, who is not admitted")
                });
            }
            ReservationStatus::Reserved => {
                for seat in reservation.seats.iter().map(|seat| (schedule, *seat)) {
                    let state = self.taken.get(&seat).copied();
                    findings.check(state == Some((SeatStatus::Reserved, id)), || {
                        let seat = seat_name(seat);
                        format!(
                            "{sale}: reservation {id} is paid for {seat}, which is {}",
                            state_in_words(state)
                        )
                    });
                }
            }
            ReservationStatus::Expired | ReservationStatus::Cancelled => {}
        }
        findings.check(written.is_empty() || payment.is_some(), || {
            format!("{sale}: reservation {id} has no payment, and its seats are written as if it had one")
        });
        let right_payment = match status {
            ReservationStatus::Reserved => payment.is_some_and(|p| p.status == PaymentStatus::Done),
            ReservationStatus::Cancelled => payment.is_none_or(|p| p.status == PaymentStatus::Cancelled),
            ReservationStatus::TempReserved | ReservationStatus::Expired => payment.is_none(),
        };
        findings.check(right_payment, || {
            let word = words::reservation_status(status);
            let payment = payment.map_or("no payment".to_owned(), |payment| {
                format!("payment {}, which is {}", payment.id, words::payment_status(payment.status))
            });
            format!("{sale}: reservation {id} is {word} and has {payment}")
        });
        findings.check(!seats.is_empty(), || format!("{sale}: reservation {id} has no seats"));
        let named = reservation.seats.iter().map(|seat| (schedule, *seat));
        findings.check(named.eq(seats.iter().copied()), || {
            let names =
                |seats: &[(ScheduleId, SeatId)]| seats.iter().map(|(_, seat)| seat.0).collect::<Vec<_>>();
            let (named, seats) = (&reservation.seats, names(&seats));
            let named: Vec<_> = named.iter().map(|seat| seat.0).collect();
            format!("{sale}: reservation {id} names the seats {named:?}, its seats are {seats:?}")
        });
        let priced = &reservation.prices;
        findings.check(priced.is_empty() || priced.len() == seats.len(), || {
            format!("{sale}: reservation {id} has {} seats and {} prices", seats.len(), priced.len())
        });
        let price = if priced.is_empty() { self.price(&seats) } else { priced.iter().sum() };
        findings.check(price == amount, || {
            format!("{sale}: reservation {id} costs {amount}, its seats cost {price}")
        });
    }

    fn conclude_payment(
        &self,
        payment: &Payment,
        starts_end_since: Option<Timestamp>,
        wallets: &mut Wallets,
        findings: &mut Findings,
    ) {
        let sale = sale_name(self.concert);
        let Payment { id, user, amount, status, .. } = *payment;
        let done = status == PaymentStatus::Done;
        wallets.payment(payment, findings);
        let Some(reservation) = self.reservations.get(&payment.reservation) else {
            findings.fault(format!(
                "{sale}: payment {id} is for reservation {}, which does not exist",
                payment.reservation
            ));
            return;
        };
        // What was given back at last is what the reservation still names.
        let rest = if done { amount - payment.refunded } else { reservation.amount.min(amount) };
        findings.check(reservation.user == user && reservation.amount == rest, || {
            format!(
                "{sale}: payment {id} is {amount} by user {user}, of which {} came back, its reservation is {} of user {}",
                payment.refunded, reservation.amount, reservation.user
            )
        });
        let starts_at = self.schedules.get(&reservation.schedule);
        let is_old = starts_end_since.is_some_and(|since| payment.at < since);
        findings.check(is_old || starts_at.is_none_or(|of| payment.at < of.starts_at), || {
            format!("{sale}: payment {id} was made after its performance had begun")
        });
        let tickets = self.tickets.get(&id).map_or(&[][..], Vec::as_slice);
        let ticketed: BTreeSet<_> = tickets.iter().map(|ticket| ticket.seat).collect();
        let written = self.seats_of.get(&payment.reservation).into_iter().flatten();
        let named = reservation.seats.iter().map(|seat| (reservation.schedule, *seat));
        findings
            .check(ticketed.iter().eq(written) && named.clone().all(|seat| ticketed.contains(&seat)), || {
                format!("{sale}: the tickets of payment {id} are not for the seats of its reservation")
            });
        for ticket in tickets {
            let seat = seat_name(ticket.seat);
            findings.check(ticket.user == user && ticket.reservation == payment.reservation, || {
                format!("{sale}: the ticket for {seat} names another user or reservation than payment {id}")
            });
            let is_its = named.clone().any(|seat| seat == ticket.seat);
            let is_due = done && is_its;
            // A seat that it got back has the void ticket of before, too.
            let is_again = |other: &SoldTicket| other.valid && other.seat == ticket.seat;
            findings.check(ticket.valid == is_due || !ticket.valid && tickets.iter().any(is_again), || {
                let validity = if ticket.valid { "valid" } else { "void" };
                format!(
                    "{sale}: the ticket for {seat} is {validity}, payment {id} is {}",
                    words::payment_status(status)
                )
            });
        }
    }

    fn conclude_tokens(&self, wallets: &Wallets, findings: &mut Findings) {
        let sale = sale_name(self.concert);
        let mut paid: BTreeMap<UserId, u32> = BTreeMap::new();
        // Who bought at the desk had no place in line.
        let by_fans = self.payments.values().filter(|payment| payment.source == PaymentSource::Wallet);
        for payment in by_fans {
            *paid.entry(payment.user).or_default() += 1;
        }
        let users: BTreeSet<_> = paid.keys().chain(self.tokens.done.keys()).collect();
        for user in users {
            let bought = self.tokens.done.get(user).copied().unwrap_or_default();
            let paid = paid.get(user).copied().unwrap_or_default();
            findings.check(bought == paid, || {
                format!(
                    "{sale}: user {user} paid {paid} times, and {bought} of their places in line are DONE"
                )
            });
        }
        for (entry, user) in self.tokens.users.iter().enumerate() {
            findings.check(wallets.knows(*user), || {
                format!("{sale}: entry {entry} is of user {user}, who does not exist")
            });
        }
    }

    fn conclude_journal(&self, findings: &mut Findings) {
        let sale = sale_name(self.concert);
        let folded = self.texts.patched(self.replay.sale().texts());
        findings.check(folded == self.texts, || {
            format!("{sale}: it is told of as {:?}, by the journal as {folded:?}", self.texts)
        });
        findings.check(self.replay.sale().archived() == self.archived, || {
            let (stored, folded) = (self.archived, self.replay.sale().archived());
            format!("{sale}: it is archived at {stored:?}, by the journal at {folded:?}")
        });
        let runs = self.tokens.live.len() + self.held_by.len();
        findings.check(self.archived.is_none() || runs == 0, || {
            format!("{sale}: it is archived, and {runs} places in line or holds are not over")
        });
        findings.check(self.replay.rows() > 0, || format!("{sale}: the journal is empty"));
        for (schedule, stored) in &self.schedules {
            let folded = self.replay.sale().schedules().get(schedule);
            findings.check(folded.is_some_and(|of| of.seats as usize == self.drawn.len()), || {
                format!("{sale}: the journal does not begin with schedule {schedule} and its seats")
            });
            let Some(folded) = folded else { continue };
            differing(
                findings,
                &sale,
                &format!("schedule {schedule}"),
                &[
                    ("starts_at", folded.starts_at.is_none_or(|starts_at| starts_at == stored.starts_at)),
                    ("state", folded.state == stored.state),
                    ("reason", folded.reason == stored.reason),
                ],
            );
            let own = self.replay.sale().own_prices(*schedule);
            findings.check(stored.prices == own, || {
                format!(
                    "{sale}: schedule {schedule} has the prices {:?}, by the journal {own:?}",
                    stored.prices
                )
            });
        }
        let (folded, stored) = (self.replay.sale().tokens(), self.tokens.users.len());
        findings.check(folded == stored as u64, || {
            format!("{sale}: the journal gave {folded} places in line, {stored} are stored")
        });
        let (folded, stored) = (self.replay.sale().reservations(), self.reservations.len());
        findings.check(folded == stored as u64, || {
            format!("{sale}: the journal opened {folded} reservations, {stored} are stored")
        });
        for schedule in self.schedules.keys() {
            for number in 0..self.seat_counts.get(schedule).copied().unwrap_or_default() {
                let seat = (*schedule, SeatId(number));
                let (stored, replayed) = (self.taken.get(&seat).copied(), self.replay.sale().seat(seat));
                findings.check(stored == replayed, || {
                    let (stored, replayed) = (state_in_words(stored), state_in_words(replayed));
                    format!("{sale}: {} is {stored}, by the journal it is {replayed}", seat_name(seat))
                });
            }
        }
    }

    fn conclude_again(&self, findings: &mut Findings) {
        let ended_at = |id| self.reservations.get(&id).and_then(|reservation| reservation.ended_at);
        for (again, after) in self.replay.again().too_early(self.own.hold_again_after, ended_at) {
            let (sale, seat) = (sale_name(self.concert), seat_name(again.seat));
            let (user, lapsed, after) = (again.user, again.lapsed, after.as_millis());
            findings.fault(format!(
                "{sale}: user {user} held {seat} again less than {after} ms after reservation {lapsed} ran out"
            ));
        }
    }

    fn conclude_per_user(&self, findings: &mut Findings) {
        for found in self.replay.per_user.too_many(self.own.seats_per_user_max) {
            let (sale, TooMany { user, seats, max, seq }) = (sale_name(self.concert), found);
            findings.fault(format!(
                "{sale}: user {user} took seats in journal row {seq} and had {seats} then, where one may have {max}"
            ));
        }
    }

    /// A reservation's seats, ascending: those that link to it while it is held, those with a valid ticket while it is paid,
    /// those that it names once it has ended.
    fn seats(&self, reservation: &Reservation) -> Vec<(ScheduleId, SeatId)> {
        let Reservation { id, schedule, status, ref seats, .. } = *reservation;
        let written = match status {
            ReservationStatus::TempReserved => self.held_by.get(&id),
            ReservationStatus::Reserved => {
                let tickets = self.payment_of.get(&id).and_then(|payment| self.tickets.get(payment));
                let valid = tickets.into_iter().flatten().filter(|ticket| ticket.valid);
                let mut seats: Vec<_> = valid.map(|ticket| ticket.seat).collect();
                seats.sort_unstable();
                return seats;
            }
            ReservationStatus::Expired | ReservationStatus::Cancelled => {
                return seats.iter().map(|seat| (schedule, *seat)).collect();
            }
        };
        written.cloned().unwrap_or_default()
    }

    fn price(&self, seats: &[(ScheduleId, SeatId)]) -> Money {
        let price = |seat: &(ScheduleId, SeatId)| self.drawn.get(seat.1.0 as usize).map(|drawn| drawn.2);
        seats.iter().filter_map(price).sum()
    }
}

/// Names the columns in which a row is not as in the journal.
fn differing(findings: &mut Findings, sale: &str, what: &str, columns: &[(&str, bool)]) {
    if columns.iter().any(|(_, same)| !same) {
        let names: Vec<_> = columns.iter().filter(|(_, same)| !same).map(|(name, _)| *name).collect();
        findings.fault(format!("{sale}: {what} is not as in the journal: {}", names.join(", ")));
    }
}
