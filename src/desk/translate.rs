//! Translation between the words of the domain and those of the wire, by exhaustive match, so that a rename on one
//! side never leaks to the other. Deadlines are sale time in there and UTC out here; labels, categories and prices of
//! seats come from the committed copies.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use frontrow_protocol::result as wire;
use frontrow_protocol::{ErrorObject, Reason, Timestamp as WireTime, encode_push, push};

use crate::dispatcher::Refusal;
use crate::domain::actor::Who;
use crate::domain::command::{NotOver, Place, Rejection, SaleFigures, Seen};
use crate::domain::concert::Texts;
use crate::domain::event::By;
use crate::domain::ids::{PaymentId, ScheduleId, SeatId};
use crate::domain::record::{
    ExpiryReason, LedgerEntry, LedgerKind, Payment, PaymentSource, PaymentStatus, Reservation,
    ReservationStatus, SaleState, ScheduleState, TokenStatus,
};
use crate::domain::rules::{OwnRules, OwnRulesPatch, SalePatch, SaleRules, SaleSettings};
use crate::domain::seat_plan::{Money, SeatPlan};
use crate::domain::time::Timestamp;
use crate::fanout::{Fanout, SaleNews, SaleView, SeatSnapshot, SeatTopic, Standing};
use crate::limits;
use crate::store::StoredTicket;
use frontrow_protocol::about::{About, ConcertPage, PageCategory, PageSchedule};
use frontrow_protocol::admin;
use frontrow_protocol::error::ChangedBy;
use frontrow_protocol::ops::orders::PaymentSource as PaidBy;
use frontrow_protocol::ops::{life, orders, who};
use serde_json::{Map, Value, json as value};

use super::outcome::Outcome;

/// The result of a method, in JSON.
pub fn result(fanout: &Fanout, now: Timestamp, outcome: &Outcome) -> Result<String, ErrorObject> {
    Ok(match outcome {
        Outcome::Welcome { user, operator, resumed } => json(&wire::Welcome {
            user_id: user.map(|user| user.0),
            operator: operator.map(|operator| who::Operator {
                operator_id: operator.id.map(|id| id.0),
                name: None,
                roles: operator.roles,
            }),
            server_time: time(now),
            server: concat!("frontrow/", env!("CARGO_PKG_VERSION")).to_owned(),
            queue: resumed.as_ref().map(|(place, _)| queue_update(fanout, place)),
            reservations: resumed
                .as_ref()
                .map(|(_, reservations)| reservations.iter().map(|r| reservation(fanout, r)).collect()),
        }),
        Outcome::Place { place, .. } => json(&queue_update(fanout, place)),
        Outcome::Concerts => json(&concerts(fanout, now)),
        Outcome::Schedules(concert) => match fanout.any_sale(*concert) {
            Some(view) => json(&schedules(&view, now)),
            None => return Err(ErrorObject::concert_not_found()),
        },
        Outcome::Snapshot { schedule, seats } => json(&snapshot(*schedule, seats)),
        Outcome::Reservation(one) => json(&reservation(fanout, one)),
        Outcome::Reservations(all) => {
            json(&wire::Reservations { reservations: all.iter().map(|r| reservation(fanout, r)).collect() })
        }
        Outcome::Balance(balance) => json(&wallet(fanout, *balance)),
        Outcome::Charged(entry) => {
            let wire::Balance { balance, currency } = wallet(fanout, entry.balance);
            json(&wire::Charged { balance, currency, history_id: entry.id.0 })
        }
        Outcome::History(entries, about) => json(&wire::History {
            currency: fanout.currency().map(str::to_owned),
            entries: entries.iter().map(|entry| history_entry(entry, about)).collect(),
        }),
        Outcome::Paid { payment, balance } => json(&paid(fanout, payment, *balance)),
        Outcome::Cancelled { reservation: of, balance } => {
            json(&wire::Cancelled { reservation: reservation(fanout, of), balance: *balance })
        }
        Outcome::Tickets(valid, cancelled) => json(&tickets(fanout, valid, cancelled)),
        Outcome::Watched(state) => json(state),
        Outcome::Pong => json(&wire::Pong { server_time: time(now) }),
        Outcome::Done => json(&wire::Done {}),
    })
}

fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).expect("wire types have string keys and write to memory: nothing can fail")
}

pub fn time(at: Timestamp) -> WireTime {
    WireTime::from_millis(at.as_millis())
}

pub fn queue_update(fanout: &Fanout, place: &Place) -> wire::QueueUpdate {
    let record = &place.record;
    let ahead = fanout.any_sale(record.concert).map(|view| view.ahead()).unwrap_or_default();
    let (status, reason) = match record.status {
        TokenStatus::Waiting => (wire::QueueStatus::Waiting, None),
        TokenStatus::Progress => (wire::QueueStatus::Progress, None),
        TokenStatus::Done => (wire::QueueStatus::Done, None),
        TokenStatus::Expired(reason) => (wire::QueueStatus::Expired, Some(end_reason(reason))),
    };
    let admitted = record.status == TokenStatus::Progress;
    wire::QueueUpdate {
        token: record.token.0,
        concert_id: record.concert.0,
        status,
        position: place.line.map(|line| line.position),
        ahead: place.line.map(|line| line.position - 1),
        waiting: place.waiting,
        eta_seconds: place.line.and_then(|line| line.eta_seconds),
        sold_out: place.sold_out,
        entered_at: time(record.entered_at),
        admitted_at: record.admitted_at.map(time),
        expires_at: record.expires_at.filter(|_| admitted).map(|at| time(at.shifted(ahead))),
        idle_at: place.idle_at.filter(|_| admitted).map(|at| time(at.shifted(ahead))),
        reason,
    }
}

fn end_reason(reason: ExpiryReason) -> wire::EndReason {
    match reason {
        ExpiryReason::Left => wire::EndReason::Left,
        ExpiryReason::Away => wire::EndReason::Away,
        ExpiryReason::Idle => wire::EndReason::Idle,
        ExpiryReason::Time => wire::EndReason::Time,
        ExpiryReason::Closed => wire::EndReason::Closed,
    }
}

pub fn queue_status(status: TokenStatus) -> wire::QueueStatus {
    match status {
        TokenStatus::Waiting => wire::QueueStatus::Waiting,
        TokenStatus::Progress => wire::QueueStatus::Progress,
        TokenStatus::Done => wire::QueueStatus::Done,
        TokenStatus::Expired(_) => wire::QueueStatus::Expired,
    }
}

pub fn reservation_status(status: ReservationStatus) -> wire::ReservationStatus {
    match status {
        ReservationStatus::TempReserved => wire::ReservationStatus::TempReserved,
        ReservationStatus::Reserved => wire::ReservationStatus::Reserved,
        ReservationStatus::Expired => wire::ReservationStatus::Expired,
        ReservationStatus::Cancelled => wire::ReservationStatus::Cancelled,
    }
}

pub fn sale_state(state: SaleState) -> wire::SaleState {
    match state {
        SaleState::Scheduled => wire::SaleState::Scheduled,
        SaleState::Open => wire::SaleState::Open,
        SaleState::Paused => wire::SaleState::Paused,
        SaleState::Closed => wire::SaleState::Closed,
    }
}

pub fn schedule_state(state: ScheduleState) -> wire::ScheduleState {
    match state {
        ScheduleState::Planned => wire::ScheduleState::Planned,
        ScheduleState::CalledOff => wire::ScheduleState::CalledOff,
    }
}

/// A performance as it is now.
pub fn schedule_life(topic: &SeatTopic) -> life::ScheduleLife {
    let (schedule, reason) = (topic.schedule(), topic.reason());
    life::ScheduleLife {
        schedule_id: schedule.id.0,
        concert_id: topic.concert().0,
        starts_at: time(schedule.starts_at),
        state: schedule_state(schedule.state),
        reason: reason.as_deref().map(str::to_owned),
    }
}

/// A paid order, as operators see it. `None`: it was never paid.
pub fn order(fanout: &Fanout, of: &Reservation) -> Option<orders::Order> {
    let (payment, shown) = (of.payment.as_ref()?, reservation(fanout, of));
    Some(orders::Order {
        reservation_id: of.id.0,
        concert_id: of.concert.0,
        schedule_id: of.schedule.0,
        user_id: of.user.0,
        status: shown.status,
        source: payment_source(payment.source),
        amount: payment.amount,
        refunded: payment.refunded,
        paid_at: time(payment.at),
        ended_at: of.ended_at.filter(|_| of.status == ReservationStatus::Cancelled).map(time),
        reason: payment.refund_reason.as_deref().map(str::to_owned),
        seats: shown.seats,
    })
}

pub fn payment_source(source: PaymentSource) -> PaidBy {
    match source {
        PaymentSource::Wallet => PaidBy::Wallet,
        PaymentSource::Cash => PaidBy::Cash,
        PaymentSource::Card => PaidBy::Card,
        PaymentSource::Gift => PaidBy::Gift,
    }
}

/// The same as a word of lists.
pub fn source_word(source: PaymentSource) -> &'static str {
    match source {
        PaymentSource::Wallet => "wallet",
        PaymentSource::Cash => "cash",
        PaymentSource::Card => "card",
        PaymentSource::Gift => "gift",
    }
}

pub fn reservation(fanout: &Fanout, of: &Reservation) -> wire::Reservation {
    let view = fanout.any_sale_of_schedule(of.schedule);
    let plan = view.as_ref().and_then(|view| view.plan(of.schedule));
    let ahead = view.as_ref().map(|view| view.ahead()).unwrap_or_default();
    let held = of.status == ReservationStatus::TempReserved;
    let starts_at =
        view.as_ref().and_then(|view| view.topic(of.schedule)).map(|topic| topic.schedule().starts_at);
    // The performance's start ends every hold.
    let until = |at: Timestamp| starts_at.map_or(at, |starts_at| at.min(starts_at));
    wire::Reservation {
        reservation_id: of.id.0,
        concert_id: of.concert.0,
        schedule_id: of.schedule.0,
        status: reservation_status(of.status),
        amount: of.amount,
        expires_at: held.then(|| time(until(of.expires_at.shifted(ahead)))),
        seats: of.seats.iter().map(|&seat| reserved_seat(plan.as_deref(), seat, of.price(seat))).collect(),
    }
}

/// A seat of an order, and what it costs there where that is not what it was imported with. Its number, and perhaps its price,
/// is all that is known of one whose performance is no longer played here.
pub fn reserved_seat(plan: Option<&SeatPlan>, seat: SeatId, price: Option<Money>) -> wire::ReservedSeat {
    let planned = plan.and_then(|plan| Some((plan, plan.seats.get(seat.0 as usize)?)));
    match planned {
        Some((plan, planned)) => {
            let category = &plan.categories[usize::from(planned.category)];
            wire::ReservedSeat {
                seat: seat.0,
                label: planned.label.to_string(),
                category: category.name.to_string(),
                price: price.unwrap_or(category.price),
            }
        }
        None => wire::ReservedSeat {
            seat: seat.0,
            label: format!("#{}", seat.0),
            category: String::new(),
            price: price.unwrap_or_default(),
        },
    }
}

fn wallet(fanout: &Fanout, balance: Money) -> wire::Balance {
    wire::Balance { balance, currency: fanout.currency().map(str::to_owned) }
}

fn history_entry(entry: &LedgerEntry, about: &[StoredTicket]) -> wire::HistoryEntry {
    wire::HistoryEntry {
        history_id: entry.id.0,
        kind: match entry.kind {
            LedgerKind::Charge => wire::HistoryKind::Charge,
            LedgerKind::Payment => wire::HistoryKind::Payment,
            LedgerKind::Refund => wire::HistoryKind::Refund,
        },
        amount_change: entry.amount_change,
        balance: entry.balance,
        at: time(entry.at),
        payment_id: entry.payment.map(|payment| payment.0),
        purchase: entry.payment.and_then(|payment| purchase(payment, about)),
    }
}

/// The purchase that a payment made, by its tickets.
fn purchase(payment: PaymentId, about: &[StoredTicket]) -> Option<wire::Purchase> {
    let mut bought = about.iter().filter(|of| of.payment == payment);
    let first = bought.next()?;
    Some(wire::Purchase {
        reservation_id: first.reservation.0,
        concert_id: first.concert.0,
        title: first.title.clone(),
        starts_at: time(first.starts_at),
        time_zone: first.time_zone.clone(),
        seats: 1 + u32::try_from(bought.count()).unwrap_or(u32::MAX - 1),
    })
}

fn paid(fanout: &Fanout, of: &Payment, balance: Money) -> wire::Paid {
    // Of a payment that was made long ago, some seats may have been given back.
    let tickets = of.tickets.iter().filter(|ticket| ticket.is_valid()).map(|ticket| {
        let view = fanout.any_sale_of_schedule(ticket.schedule);
        let plan = view.as_ref().and_then(|view| view.plan(ticket.schedule));
        let wire::ReservedSeat { seat, label, category, price } =
            reserved_seat(plan.as_deref(), ticket.seat, ticket.price);
        wire::Ticket {
            ticket_id: ticket.id.0,
            reservation_id: of.reservation.0,
            // A reservation's id begins with its concert; ours always has one.
            concert_id: of.reservation.concert().map_or(0, |concert| concert.0),
            schedule_id: ticket.schedule.0,
            seat,
            label,
            category,
            price,
            code: ticket.code.to_string(),
            title: None,
            venue: None,
            starts_at: None,
            time_zone: None,
            cancel_until: None,
            cancelled_at: None,
            called_off: false,
            reason: None,
            moved_from: None,
        }
    });
    wire::Paid {
        payment: wire::Payment {
            payment_id: of.id.0,
            reservation_id: of.reservation.0,
            amount: of.amount,
            status: match of.status {
                PaymentStatus::Done => wire::PaymentStatus::Done,
                PaymentStatus::Cancelled => wire::PaymentStatus::Cancelled,
            },
            at: time(of.at),
        },
        balance,
        tickets: tickets.collect(),
    }
}

/// The next performance first, and of the cancelled ones the last one cancelled.
fn tickets(fanout: &Fanout, valid: &[StoredTicket], cancelled: &[StoredTicket]) -> wire::Tickets {
    let mut tickets: Vec<_> = valid.iter().map(|of| ticket(fanout, of)).collect();
    tickets.sort_by_key(|ticket| ticket.starts_at);
    let mut cancelled: Vec<_> = cancelled.iter().map(|of| ticket(fanout, of)).collect();
    cancelled.sort_by_key(|ticket| std::cmp::Reverse(ticket.cancelled_at));
    wire::Tickets { tickets, cancelled }
}

fn ticket(fanout: &Fanout, of: &StoredTicket) -> wire::Ticket {
    let rules = fanout.any_sale(of.concert).map(|view| view.rules());
    wire::Ticket {
        ticket_id: of.ticket.id.0,
        reservation_id: of.reservation.0,
        concert_id: of.concert.0,
        schedule_id: of.ticket.schedule.0,
        seat: of.ticket.seat.0,
        label: of.label.clone(),
        category: of.category.clone(),
        price: of.price,
        code: of.ticket.code.to_string(),
        title: Some(of.title.clone()),
        venue: Some(of.venue.clone()),
        starts_at: Some(time(of.starts_at)),
        time_zone: of.time_zone.clone(),
        cancel_until: rules.map(|rules| time(of.starts_at - rules.cancel_before_start)),
        cancelled_at: of.ticket.cancelled_at.map(time),
        called_off: of.state == ScheduleState::CalledOff,
        reason: of.reason.clone(),
        moved_from: of.moved_from.clone(),
    }
}

/// Concerts with a performance that has not started.
fn concerts(fanout: &Fanout, now: Timestamp) -> wire::Concerts {
    let sales = fanout.sales();
    let concerts =
        sales.iter().map(|view| concert(view, now)).filter(|concert| !concert.schedules.is_empty());
    wire::Concerts { concerts: concerts.collect() }
}

fn concert(view: &SaleView, now: Timestamp) -> wire::Concert {
    let (settings, record) = (view.settings(), view.concert());
    wire::Concert {
        concert_id: view.id().0,
        title: record.title.clone(),
        venue: record.venue.clone(),
        currency: Some(record.currency.clone()),
        time_zone: record.time_zone.clone(),
        seats_per_reservation_max: view.rules().seats_per_reservation_max,
        seats_per_user_max: view.rules().seats_per_user_max,
        sale: wire::Sale {
            // A sale in another currency than the wallets' sells nothing, whatever was decided about it before.
            state: if view.sells() { sale_state(settings.state) } else { wire::SaleState::Closed },
            opens_at: settings.opens_at.map(time),
            message: settings.message.map(String::from),
        },
        schedules: view
            .listing(now)
            .iter()
            .map(|listed| wire::ConcertSchedule {
                schedule_id: listed.schedule.id.0,
                starts_at: time(listed.schedule.starts_at),
                sold_out: listed.sold_out,
                state: schedule_state(listed.schedule.state),
                reason: listed.reason.as_deref().map(str::to_owned),
            })
            .collect(),
    }
}

/// A concert's own page.
pub fn concert_page(view: &SaleView, about: About, now: Timestamp) -> ConcertPage {
    let schedule = |listed: &crate::fanout::ScheduleView| {
        let topic = view.topic(listed.schedule.id);
        let categories = topic.iter().flat_map(|topic| &topic.layout().categories);
        let left = topic.iter().flat_map(|topic| topic.left());
        let prices = topic.iter().flat_map(|topic| topic.prices().to_vec());
        PageSchedule {
            schedule_id: listed.schedule.id.0,
            starts_at: time(listed.schedule.starts_at),
            sold_out: listed.sold_out,
            categories: categories
                .zip(prices)
                .zip(left)
                .map(|((category, price), left)| PageCategory { name: category.name.clone(), price, left })
                .collect(),
        }
    };
    ConcertPage {
        concert: concert(view, now),
        about,
        schedules: view.played(now).iter().map(schedule).collect(),
        cancel_before_start_ms: view.rules().cancel_before_start.as_millis() as u64,
    }
}

pub fn schedules(view: &SaleView, now: Timestamp) -> wire::Schedules {
    let SaleRules { seats_per_reservation_max, seats_per_user_max, .. } = view.rules();
    let schedule = |listed: &crate::fanout::ScheduleView| {
        let topic = view.topic(listed.schedule.id);
        let categories = || topic.iter().flat_map(|topic| &topic.layout().categories);
        let left = topic.iter().flat_map(|topic| topic.left());
        let prices = topic.iter().flat_map(|topic| topic.prices().to_vec());
        let left: BTreeMap<_, _> = categories().map(|category| category.name.clone()).zip(left).collect();
        wire::Schedule {
            schedule_id: listed.schedule.id.0,
            starts_at: time(listed.schedule.starts_at),
            time_zone: view.concert().time_zone.clone(),
            seats_per_reservation_max,
            seats_per_user_max,
            seats: count(listed.seats),
            // The sum of what is left: two looks at a house that sells might differ.
            available: left.values().sum(),
            restricted: count(listed.restricted),
            sold_out: listed.sold_out,
            prices: categories().map(|category| category.name.clone()).zip(prices).collect(),
            left,
            reason: listed.reason.as_deref().map(str::to_owned),
        }
    };
    // Read before the rest is: news that is as old is told again.
    let revision = view.revision();
    wire::Schedules { revision, schedules: view.played(now).iter().map(schedule).collect() }
}

/// Seats of one schedule are numbered in 32 bits, so their counts fit.
fn count(seats: u64) -> u32 {
    u32::try_from(seats).unwrap_or(u32::MAX)
}

fn snapshot(schedule: ScheduleId, seats: &SeatSnapshot) -> wire::Snapshot {
    wire::Snapshot {
        schedule_id: schedule.0,
        version: seats.version,
        seats: seats.seats.clone(),
        count: seats.count,
        available: seats.available,
    }
}

/// The whole text of a `queue.update`.
pub fn push_place(fanout: &Fanout, place: &Place) -> String {
    encode_push(&push::Push::QueueUpdate(queue_update(fanout, place)))
}

/// The whole text of a `reservation.update`.
pub fn push_reservation(fanout: &Fanout, of: &Reservation) -> String {
    encode_push(&push::Push::ReservationUpdate(reservation(fanout, of)))
}

/// The whole text of a `balance.update`.
pub fn push_balance(fanout: &Fanout, balance: Money) -> String {
    encode_push(&push::Push::BalanceUpdate(wallet(fanout, balance)))
}

/// The whole text of a `sale.update`.
pub fn push_sale(news: &SaleNews) -> String {
    encode_push(&push::Push::SaleUpdate(push::SaleUpdate {
        concert_id: news.concert.0,
        state: sale_state(news.state),
        opens_at: news.opens_at.map(time),
        message: news.message.as_ref().map(ToString::to_string),
        revision: news.revision,
    }))
}

/// The whole text of a `hello.again`.
pub fn push_hello_again(within: Duration) -> String {
    encode_push(&push::Push::HelloAgain(push::HelloAgain { within_ms: within.as_millis() as u64 }))
}

/// The reason why nothing was done, as the client gets it.
pub fn refusal(refusal: &Refusal) -> ErrorObject {
    match refusal {
        Refusal::Rejected(rejection) => self::rejection(rejection),
        Refusal::RateLimited { retry_after, message } => rate_limited(*retry_after, message.clone()),
        Refusal::Overloaded { retry_after } => ErrorObject::overloaded(retry_after.as_millis() as u64),
        Refusal::Unavailable { retry_after } => ErrorObject::unavailable(retry_after.as_millis() as u64),
        Refusal::OutcomeUnknown => ErrorObject::outcome_unknown(),
        Refusal::Internal => ErrorObject::internal(),
    }
}

pub fn rejection(rejection: &Rejection) -> ErrorObject {
    let numbers = |seats: &[SeatId]| seats.iter().map(|seat| seat.0).collect();
    match rejection {
        Rejection::UserNotFound => ErrorObject::user_not_found(),
        Rejection::NotInQueue => ErrorObject::not_in_queue(),
        Rejection::Waiting => ErrorObject::not_admitted(wire::QueueStatus::Waiting),
        Rejection::TokenExpired(Some(_)) => ErrorObject::not_admitted(wire::QueueStatus::Expired),
        Rejection::TokenExpired(None) => ErrorObject::not_admitted(wire::QueueStatus::Progress),
        Rejection::TokenDone => ErrorObject::not_admitted(wire::QueueStatus::Done),
        Rejection::SaleNotOpen { opens_at } => ErrorObject::sale_not_open(opens_at.map(time)),
        Rejection::SalePaused => ErrorObject::sale_paused(),
        Rejection::SaleClosed => ErrorObject::sale_closed(),
        Rejection::OtherCurrency => ErrorObject::other_currency(),
        Rejection::ConcertNotFound => ErrorObject::concert_not_found(),
        Rejection::ScheduleNotFound => ErrorObject::schedule_not_found(),
        Rejection::SeatNotFound { seats } => ErrorObject::seat_not_found(numbers(seats)),
        Rejection::ReservationNotFound => ErrorObject::reservation_not_found(),
        Rejection::SeatTaken { seats } => ErrorObject::seat_taken(numbers(seats)),
        Rejection::SeatRestricted { seats } => ErrorObject::seat_restricted(numbers(seats)),
        Rejection::NoSeatsAvailable => ErrorObject::no_seats_available(),
        Rejection::UnknownCategory => {
            ErrorObject::invalid_params(Some("category"), "there is no such category")
        }
        Rejection::HoldLimit { max } => ErrorObject::hold_limit(*max),
        Rejection::PurchaseLimit { max } => ErrorObject::purchase_limit(*max),
        Rejection::GuestSeats { .. } => rate_limited(
            limits::GUEST_SEATS_RETRY_AFTER,
            "guests of this address hold as many unpaid seats as they may together".into(),
        ),
        Rejection::LedgerFull { max, .. } => {
            let text = format!("at most {max} charges and payments are possible in a day");
            let mut error = ErrorObject::new(Reason::Forbidden, text);
            error.data.max = Some(*max);
            error
        }
        Rejection::HoldAgainLater { seats, retry_at } => {
            ErrorObject::hold_again_later(numbers(seats), time(*retry_at))
        }
        Rejection::ReservationInvalid { status } => {
            let message = match status {
                ReservationStatus::TempReserved => "this reservation is not paid",
                ReservationStatus::Reserved => "this reservation is paid",
                ReservationStatus::Expired => "this reservation has expired",
                ReservationStatus::Cancelled => "this reservation was given back",
            };
            ErrorObject::reservation_invalid(Some(reservation_status(*status)), message)
        }
        Rejection::InvalidAmount => {
            ErrorObject::invalid_amount("an amount must be above zero, and no wallet holds more than 2^53-1")
        }
        Rejection::InsufficientBalance { balance, required } => {
            ErrorObject::insufficient_balance(*balance, *required)
        }
        Rejection::RequestIdReused => ErrorObject::request_id_reused(),
        Rejection::ChangedMeanwhile { is, changed } => changed_meanwhile(is, changed.as_ref()),
        Rejection::PerformanceBegun => ErrorObject::performance_begun(),
        Rejection::PerformanceCalledOff => ErrorObject::performance_called_off(),
        Rejection::NotOver(what) => ErrorObject::not_over(match what {
            NotOver::Sale => "the sale is not closed".to_owned(),
            NotOver::Fans(fans) => format!("{fans} fans are still in line, or may still buy"),
            NotOver::Performance(id) => format!("performance {id} is still to come"),
            NotOver::Refunds(id) => {
                format!("not all that was paid for performance {id}, which is called off, is given back")
            }
        }),
        Rejection::Archived => ErrorObject::archived(),
        Rejection::SameStart => ErrorObject::invalid_params(
            Some("starts_at"),
            "a performance of this concert begins at `starts_at` already",
        ),
        Rejection::TooManyPerformances => {
            let text = format!("a concert has at most {} performances", limits::PERFORMANCES_MAX);
            let mut error = ErrorObject::new(Reason::Forbidden, text);
            error.data.max = u32::try_from(limits::PERFORMANCES_MAX).ok();
            error
        }
        Rejection::SeatCheaper => ErrorObject::invalid_params(
            Some("to"),
            "`to` costs less than the seat in whose place it would be",
        ),
        Rejection::StartPassed => ErrorObject::invalid_params(Some("starts_at"), "`starts_at` lies behind"),
        Rejection::AlreadyRefunded { at, seats } => ErrorObject::already_refunded(time(*at), numbers(seats)),
        Rejection::CancelTooLate => ErrorObject::cancel_too_late(),
        Rejection::WalletFull { balance, refund: _ } => ErrorObject::wallet_full(*balance),
    }
}

fn rate_limited(retry_after: Duration, message: Cow<'static, str>) -> ErrorObject {
    let mut error = ErrorObject::rate_limited(retry_after.as_millis().max(1) as u64);
    error.message = message;
    error
}

/// Every rule that an operator may set, from one side to the other, each as `$carried` says.
macro_rules! rules {
    ($carried:path, $of:expr => $($to:ident)::+ $(, ..$rest:expr)?) => {
        $($to)::+ {
            capacity: $carried($of.capacity),
            hold_ttl: $carried($of.hold_ttl),
            admission_ttl: $carried($of.admission_ttl),
            idle_ttl: $carried($of.idle_ttl),
            away_ttl: $carried($of.away_ttl),
            seats_per_reservation_max: $carried($of.seats_per_reservation_max),
            seats_per_user_max: $carried($of.seats_per_user_max),
            cancel_before_start: $carried($of.cancel_before_start),
            hold_again_after: $carried($of.hold_again_after),
            $(..$rest)?
        }
    };
}

/// The rules that are in force.
pub fn settings(of: &SaleRules) -> admin::SaleSettings {
    rules!(Into::into, of => admin::SaleSettings)
}

/// Those that the operator set.
pub fn settings_own(of: &OwnRules) -> admin::SaleSettingsOwn {
    rules!(set, of => admin::SaleSettingsOwn)
}

/// An operator's view of a sale as it was committed, which answers or not.
pub fn standing(of: &Standing, answers: bool) -> admin::SaleFigures {
    let (counts, tallied) = (of.counts(), &of.tallied);
    let figures = SaleFigures {
        concert: of.concert.id,
        settings: of.settings.clone(),
        rules: of.rules.clone(),
        waiting: of.waiting,
        progress: of.progress,
        done: tallied.done,
        expired: tallied.expired(),
        seats: counts.seats(),
        available: counts.available,
        held: counts.held,
        sold: counts.sold,
        restricted: counts.restricted,
        admissions_last_minute: of.admissions_last_minute,
    };
    admin::SaleFigures { answers, ..self::figures(&of.concert.title, &figures) }
}

/// An operator's view of a sale.
pub fn figures(title: &str, of: &SaleFigures) -> admin::SaleFigures {
    admin::SaleFigures {
        concert_id: of.concert.0,
        title: title.to_owned(),
        state: sale_state(of.settings.state),
        opens_at: of.settings.opens_at.map(time),
        message: of.settings.message.as_ref().map(ToString::to_string),
        settings: settings(&of.rules),
        settings_own: settings_own(&of.settings.own),
        waiting: of.waiting,
        progress: of.progress,
        done: of.done,
        expired: of.expired,
        seats: of.seats,
        available: of.available,
        held: of.held,
        sold: of.sold,
        restricted: of.restricted,
        admissions_per_minute: u32::try_from(of.admissions_last_minute).unwrap_or(u32::MAX),
        answers: true,
    }
}

/// All that an operator may set of a sale, as a patch that would set it.
fn whole_patch(of: &SaleSettings) -> admin::SalePatch {
    let rest = admin::SalePatch {
        state: Some(sale_state(of.state)),
        opens_at: set_or_unset(of.opens_at.map(time)),
        message: set_or_unset(of.message.as_deref()),
        ..admin::SalePatch::default()
    };
    rules!(set_or_unset, of.own => admin::SalePatch, ..rest)
}

/// What somebody changed meanwhile, as it is now: everything that an operator may set there, since the asker knows what they
/// looked at.
fn changed_meanwhile(is: &Seen, changed: Option<&(By, Timestamp)>) -> ErrorObject {
    let by = changed.and_then(|(by, _)| match by {
        By::OpensAt => None,
        By::Actor(actor) => Some(changed_by(actor.who)),
    });
    let is = match is {
        Seen::Settings(settings) => serde_json::to_value(whole_patch(settings)).unwrap_or_default(),
        Seen::Texts(Texts { title, about }) => {
            let about = about.as_deref().and_then(|about| serde_json::from_str::<Value>(about).ok());
            value!({"title": title, "about": about})
        }
        Seen::Prices(schedule, prices) => {
            let prices: BTreeMap<_, _> = prices.iter().map(|(name, price)| (name.as_ref(), *price)).collect();
            value!({"schedule_id": schedule.0, "prices": prices})
        }
        Seen::Start(schedule, starts_at) => {
            value!({"schedule_id": schedule.0, "starts_at": time(*starts_at)})
        }
    };
    let is = if let Value::Object(is) = is { is } else { Map::new() };
    ErrorObject::changed_meanwhile(is).made_so(by, changed.map(|(_, at)| time(*at)))
}

fn changed_by(who: Who) -> ChangedBy {
    match who {
        Who::Operator(operator) => ChangedBy { operator_id: Some(operator.0), user_id: None },
        Who::User(user) => ChangedBy { operator_id: None, user_id: Some(user.0) },
        Who::Unnamed => ChangedBy::default(),
    }
}

fn set_or_unset<T: Into<U>, U>(of: Option<T>) -> admin::Change<U> {
    of.map_or(admin::Change::Unset, |value| admin::Change::Set(value.into()))
}

/// The change that an operator asks for.
pub fn sale_patch(patch: admin::SalePatch) -> SalePatch {
    SalePatch {
        state: patch.state.map(|state| match state {
            wire::SaleState::Scheduled => SaleState::Scheduled,
            wire::SaleState::Open => SaleState::Open,
            wire::SaleState::Paused => SaleState::Paused,
            wire::SaleState::Closed => SaleState::Closed,
        }),
        opens_at: change(patch.opens_at, |at| Timestamp::from_millis(at.as_millis())),
        message: change(patch.message, String::into_boxed_str),
        own: rules!(changed, patch => OwnRulesPatch),
    }
}

/// The rules that an operator sets of a sale that is not there yet.
pub fn own_rules(own: &admin::SaleSettingsOwn) -> OwnRules {
    rules!(set, own => OwnRules)
}

fn change<T, U>(change: admin::Change<T>, to: impl FnOnce(T) -> U) -> Option<Option<U>> {
    match change {
        admin::Change::Keep => None,
        admin::Change::Unset => Some(None),
        admin::Change::Set(value) => Some(Some(to(value))),
    }
}

fn changed<T: Into<U>, U>(of: admin::Change<T>) -> Option<Option<U>> {
    change(of, Into::into)
}

fn set<T: Into<U>, U>(of: Option<T>) -> Option<U> {
    of.map(Into::into)
}
