//! Reads a table of what happens to one sale and proves it, row by row.
//!
//! Columns are parted by two spaces or more: the time since the beginning, who, the command, what happens. What
//! happens is complete: the answer or the refusal, then everything else that changed. Whatever comes due without
//! anybody asking has a row of its own, `tick`, at its exact time; a table that leaves one out fails. Lines before
//! the first row that begin with `given` set the scene.
//!
//! ```text
//! given capacity 1
//! 0s    alice  join       t1 PROGRESS until 600s, idle at 300s
//! 0s    bob    join       t2 WAITING 1/1
//! 300s  tick              alice EXPIRED idle; bob PROGRESS
//! ```
//!
//! Tokens are named t1, t2, … in the order of joining, reservations r1, r2, … in the order of their first hold.
//! A command that ends with `, unswept` is judged before anybody came to do what is due and need not be done first.
//! `alice@phone` is another device of alice; a device called `http` has no connection. Every table is run twice:
//! with what ended lately in memory, and with nothing of it, so that it has to be read.

use std::collections::BTreeMap;
use std::time::Duration;

use frontrow::domain::actor::Actor;
use frontrow::domain::command::{Answer, Caller, Command, Needs, Place, Rejection, Seen};
use frontrow::domain::concert::{Texts, TextsPatch};
use frontrow::domain::event::{By, Event, HouseSeats, RefundWhy, Refunded, SeatMoved, SoldAtDesk};
use frontrow::domain::ids::{
    AddressBlock, ConcertId, ConnectionId, IdSource, QueueToken, ReservationId, ScheduleId, SeatId, UserId,
};
use frontrow::domain::record::{
    ExpiryReason, PaymentSource, Reservation, ReservationStatus, SaleState, TokenRecord, TokenStatus,
};
use frontrow::domain::rules::{GuestSeats, OwnRules, OwnRulesPatch, SalePatch, SaleRules, SaleSettings};
use frontrow::domain::sale::{Sale, Step};
use frontrow::domain::seat_map::SeatState;
use frontrow::domain::time::{Now, Timestamp};

use crate::house::Performance;
use crate::stored::{self, Stored};

const CONCERT: ConcertId = ConcertId(7);
const START: Timestamp = Timestamp::from_millis(1_767_225_600_000);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Proves a table.
///
/// # Panics
/// Names every row that came out otherwise.
#[track_caller]
pub fn check(table: &str) {
    prove(table, usize::MAX);
    prove(table, 0);
}

/// Like `check`, for a rule that rests on what ended lately being in memory.
#[track_caller]
pub fn check_lately(table: &str) {
    prove(table, usize::MAX);
}

#[track_caller]
fn prove(table: &str, ended_kept: usize) {
    let mut scene = Scene::default();
    let mut stage = None;
    let mut wrong = Vec::new();
    for line in table.lines().map(str::trim).filter(|line| !line.is_empty()) {
        if let Some(given) = line.strip_prefix("given ") {
            assert!(stage.is_none(), "`{line}` comes too late");
            scene.given(given);
            continue;
        }
        let stage = stage.get_or_insert_with(|| scene.stage(ended_kept));
        let (time, row) = line.split_once(' ').unwrap_or((line, ""));
        let columns: Vec<&str> = row.split("  ").map(str::trim).filter(|column| !column.is_empty()).collect();
        let (happened, expected) = match columns[..] {
            [what, expected] => (stage.nobody_asks(duration(time), what), expected),
            [who, what, expected] => (stage.asks(duration(time), who, what), expected),
            _ => panic!("`{line}` has neither three columns nor four"),
        };
        if happened != expected {
            wrong.push(format!("{line}\n  instead  {happened}"));
        }
    }
    assert!(stage.is_some(), "a table has rows");
    assert!(wrong.is_empty(), "with {ended_kept} ended facts kept:\n{}", wrong.join("\n"));
}

/// The scene that `given` lines set.
struct Scene {
    rules: SaleRules,
    settings: SaleSettings,
    performances: BTreeMap<String, (Vec<String>, Duration)>,
    balances: Vec<(String, i64)>,
    /// Guests, one list an address.
    guests: Vec<Vec<String>>,
    /// Its prices are in another currency than wallets are.
    is_foreign: bool,
}

impl Default for Scene {
    fn default() -> Self {
        let seats = ["A1", "A2", "A3", "A4", "B1", "B2", "B3", "B4"];
        let show = (seats.map(str::to_owned).to_vec(), 3 * DAY);
        Self {
            // Most tables are about other rules.
            rules: SaleRules { hold_again_after: Duration::ZERO, ..SaleRules::default() },
            settings: SaleSettings {
                state: SaleState::Open,
                opens_at: None,
                message: None,
                own: OwnRules::default(),
            },
            performances: BTreeMap::from([("show".to_owned(), show)]),
            balances: Vec::new(),
            guests: Vec::new(),
            is_foreign: false,
        }
    }
}

impl Scene {
    fn given(&mut self, line: &str) {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words[..] {
            ["capacity", n] => self.rules.capacity = number(n),
            ["seats_per_reservation_max", n] => self.rules.seats_per_reservation_max = number(n),
            ["seats_per_user_max", n] => self.rules.seats_per_user_max = number(n),
            ["guest_seats", at_least, percent] => {
                self.rules.guest_seats = GuestSeats { at_least: number(at_least), percent: number(percent) };
            }
            ["guests", ref names @ ..] => {
                self.guests.push(names.iter().map(|name| (*name).to_owned()).collect());
            }
            ["hold_ttl", time] => self.rules.hold_ttl = duration(time),
            ["admission_ttl", time] => self.rules.admission_ttl = duration(time),
            ["idle_ttl", time] => self.rules.idle_ttl = duration(time),
            ["away_ttl", time] => self.rules.away_ttl = duration(time),
            ["hold_again_after", time] => self.rules.hold_again_after = duration(time),
            ["cancel_before_start", time] => self.rules.cancel_before_start = duration(time),
            ["another", "currency"] => self.is_foreign = true,
            ["scheduled"] => self.settings.state = SaleState::Scheduled,
            ["opens_at", time] => {
                self.settings.state = SaleState::Scheduled;
                self.settings.opens_at = Some(START + duration(time));
            }
            [user, "has", balance] => self.balances.push((user.to_owned(), number(balance))),
            [name, "starts", time] => self.performance(name).1 = duration(time),
            [name, "seats", ref seats @ ..] => {
                self.performance(name).0 = seats.iter().map(|seat| (*seat).to_owned()).collect();
            }
            _ => panic!("what is `given {line}`?"),
        }
    }

    fn performance(&mut self, name: &str) -> &mut (Vec<String>, Duration) {
        self.performances.entry(name.to_owned()).or_insert((Vec::new(), 3 * DAY))
    }

    fn stage(&self, ended_kept: usize) -> Stage {
        let performances: Vec<_> = (1..)
            .zip(&self.performances)
            .map(|(id, (name, (seats, starts)))| {
                let seats: Vec<&str> = seats.iter().map(String::as_str).collect();
                Performance::new(name, ScheduleId(id), START + *starts, &seats)
            })
            .collect();
        let stored = Stored::default();
        let free = performances.iter().map(Performance::all_free).collect();
        let mut snapshot = stored.snapshot(CONCERT, self.settings.clone(), free);
        snapshot.sells = !self.is_foreign;
        let mut stage = Stage {
            sale: Sale::restored(snapshot, self.rules.clone(), START),
            defaults: self.rules.clone(),
            settings: self.settings.clone(),
            stored,
            ids: Some(IdSource::seeded([9; 32])),
            now: START,
            outages: Duration::ZERO,
            performances,
            users: Vec::new(),
            guests: self.guests.clone(),
            devices: BTreeMap::new(),
            connections: 0,
            tokens: Vec::new(),
            reservations: Vec::new(),
            ended_kept,
        };
        for (user, balance) in &self.balances {
            stage.charge(&format!("{user}@bank"), *balance, "given");
        }
        stage
    }
}

#[derive(Clone, Default)]
struct Device {
    connection: Option<ConnectionId>,
    /// The token that the device remembers, also while it is not connected.
    token: Option<QueueToken>,
}

struct Stage {
    sale: Sale,
    defaults: SaleRules,
    settings: SaleSettings,
    stored: Stored,
    ids: Option<IdSource>,
    /// UTC.
    now: Timestamp,
    outages: Duration,
    performances: Vec<Performance>,
    users: Vec<String>,
    guests: Vec<Vec<String>>,
    devices: BTreeMap<String, Device>,
    connections: u64,
    tokens: Vec<QueueToken>,
    reservations: Vec<ReservationId>,
    ended_kept: usize,
}

impl Stage {
    /// A row without a person: time passes, or did not pass for us.
    fn nobody_asks(&mut self, time: Duration, what: &str) -> String {
        let at = START + time;
        let words: Vec<&str> = what.split_whitespace().collect();
        match words[..] {
            ["tick"] => {
                let events = self.pass_time(at);
                self.show(&events, None)
            }
            // It ends here, and nothing was due before it began.
            ["outage", length] => {
                let length = duration(length);
                let due = self.pass_time(at - length);
                assert_eq!(due, [], "something was due before the outage; it needs its own row");
                self.now = at;
                self.outages += length;
                "nothing".to_owned()
            }
            // A sale learns when it is loaded whether the wallets are in its currency.
            ["restart", ref with @ ..] => {
                let sells = match with {
                    [] => true,
                    ["another", "currency"] => false,
                    _ => panic!("what is `{what}`?"),
                };
                let due = self.pass_time(at);
                assert_eq!(due, [], "something was due before the restart; it needs its own row");
                let free = self.performances.iter().map(Performance::all_free).collect();
                let mut snapshot = self.stored.snapshot(CONCERT, self.settings.clone(), free);
                snapshot.sells = sells;
                self.sale = Sale::restored(snapshot, self.defaults.clone(), self.now().sale);
                self.sale.check();
                self.devices.values_mut().for_each(|device| device.connection = None);
                "nothing".to_owned()
            }
            _ => panic!("what is `{what}`?"),
        }
    }

    fn asks(&mut self, time: Duration, who: &str, what: &str) -> String {
        let (what, unswept) = match what.strip_suffix(", unswept") {
            Some(what) => (what, true),
            None => (what, false),
        };
        if unswept {
            self.now = START + time;
            assert!(!self.sale.must_expire_first(self.now()), "all that must be done first was done");
        } else {
            let due = self.pass_time(START + time);
            if !due.is_empty() {
                return format!("before this, without a row: {}", self.show(&due, None));
            }
        }
        let words: Vec<&str> = what.split_whitespace().collect();
        if who == "operator" {
            let by = Actor::UNNAMED;
            return match words[..] {
                ["figures"] => self.command(who, &Command::Figures),
                // With its seats, those of the show; and after `planned` those that the plan keeps, if that is known.
                ["adds", name, "at", time, ref prices @ ..] => {
                    let show = self.performance("show").clone();
                    let (number, starts_at) = (self.performances.len() as u64 + 1, START + duration(time));
                    let known = self.performances.iter().find(|of| of.name == name).map(|of| of.id);
                    let schedule = known.unwrap_or(ScheduleId(number));
                    let (prices, of_plan) = match prices.iter().position(|word| *word == "planned") {
                        None => (prices, None),
                        Some(at) => (&prices[..at], Some(self.seats(&prices[at + 1..]).1)),
                    };
                    let prices = self::prices(prices);
                    let command = Command::AddSchedule { schedule, starts_at, prices, of_plan, by };
                    if known.is_none() {
                        self.performances.push(Performance {
                            name: name.to_owned(),
                            id: schedule,
                            starts_at,
                            ..show
                        });
                    }
                    let answer = self.command(who, &command);
                    if self.sale.seats_of(schedule).is_none() {
                        self.performances.retain(|of| of.id != schedule);
                    }
                    answer
                }
                ["moves", name, "to", time, ref seen @ ..] => {
                    let was = match seen {
                        ["seen", "at", was] => Some(START + duration(was)),
                        _ => None,
                    };
                    let schedule = self.seats(&[name]).0;
                    let (starts_at, reason) = (START + duration(time), None);
                    self.command(who, &Command::Postpone { schedule, starts_at, was, reason, by })
                }
                ["archives"] => self.command(who, &Command::Archive { by }),
                ["calls", "off", name] => {
                    let schedule = self.seats(&[name]).0;
                    self.command(who, &Command::CallOff { schedule, reason: "ill".into(), by })
                }
                ["gives", order, to, "for", from, ref words @ ..] => {
                    let [(order, _)] = self.orders(&[order])[..] else { panic!("one order") };
                    let seats = [self.seats(&[from]).1[0], self.seats(&[to]).1[0]];
                    let ([from, to], keep) = (seats, words.first() == Some(&"keeping"));
                    self.command(who, &Command::MoveSeat { order, from, to, keep, note: None, by })
                }
                // `sells anna cash A1 A2 seen 200`, `sells anna gift matinee A1`: anna is the user of this one order.
                ["sells", buyer, how, ref words @ ..] => {
                    let (words, amount) = match words.iter().position(|word| *word == "seen") {
                        Some(at) => (&words[..at], Some(number(words[at + 1]))),
                        None => (words, None),
                    };
                    let (user, (schedule, seats)) = (self.user(buyer), self.seats(words));
                    let source = match how {
                        "cash" => PaymentSource::Cash,
                        "card" => PaymentSource::Card,
                        "gift" => PaymentSource::Gift,
                        "wallet" => PaymentSource::Wallet,
                        how => panic!("what is `{how}`?"),
                    };
                    let note = None;
                    let sells = Command::SellAtDesk { user, schedule, seats, source, amount, note, by };
                    self.command(who, &sells)
                }
                ["gives", "back", order, ref seats @ ..] => {
                    let why = RefundWhy::Operator { reason: "broken".into(), by };
                    let [(order, user)] = self.orders(&[order])[..] else { panic!("one order") };
                    let seats = if seats.is_empty() { Vec::new() } else { self.seats(seats).1 };
                    self.command(who, &Command::RefundSeats { order, user, seats, why })
                }
                ["refunds", ref orders @ ..] => {
                    let why = RefundWhy::Operator { reason: "asked".into(), by };
                    let orders = self.orders(orders);
                    self.command(who, &Command::Refund { orders, why })
                }
                ["keeps", ref seats @ ..] => {
                    let (schedule, seats) = self.seats(seats);
                    self.command(who, &Command::Restrict { schedule, seats, note: None, by })
                }
                ["describes", ref words @ ..] => self.describes(words, by),
                ["reprices", ref words @ ..] => self.reprices(words, by),
                ["returns", ref seats @ ..] => {
                    let (schedule, seats) = self.seats(seats);
                    self.command(who, &Command::Unrestrict { schedule, seats, note: None, by })
                }
                _ => {
                    let happened = {
                        let (words, was) = match words.iter().position(|word| *word == "where") {
                            Some(at) => (&words[..at], Some(self.seen(&words[..at], words[at + 1]))),
                            None => (&words[..], None),
                        };
                        let command = Command::Configure {
                            patch: self.patch(words).into(),
                            was: was.map(Box::new),
                            by,
                        };
                        self.command(who, &command)
                    };
                    // The figures that come back are not what such a row is about.
                    let others = happened.split_once("; ").filter(|_| !happened.starts_with("refused"));
                    match others {
                        Some((_, others)) => format!("ok; {others}"),
                        None if happened.starts_with("refused") => happened,
                        None => "ok".to_owned(),
                    }
                }
            };
        }
        // What follows from a performance that was called off.
        if let ("house", ["refunds", orders @ ..]) = (who, &words[..]) {
            let orders = self.orders(orders);
            return self.command(who, &Command::Refund { orders, why: RefundWhy::CalledOff });
        }
        let (user, caller) = (self.user(who), self.caller(who));
        let command = match words[..] {
            ["join"] => Command::Join { user, connection: self.connect(who) },
            ["hello"] => {
                let token = self.device(who).token.or_else(|| self.last_token(user));
                let token = token.unwrap_or_else(|| stored::unknown_token(CONCERT));
                Command::Resume { token, connection: self.connect(who) }
            }
            ["get" | "eta"] => Command::Get { caller, polled: who.ends_with("@http") },
            ["extend"] => Command::Extend { caller },
            ["leave"] => Command::Leave { caller },
            ["looks", "around"] => Command::Touch { user },
            // Somewhere else: by who they are, and not for this sale.
            ["connects"] => {
                let connection = self.connect(who).expect("by a connection");
                Command::Connect { user, connection }
            }
            ["disconnects"] => {
                let connection = self.device(who).connection.take();
                let connection = connection.expect("only who is connected disconnects");
                Command::Disconnect { user, connection }
            }
            ["hold", ref seats @ ..] => {
                let (schedule, seats) = self.seats(seats);
                Command::Hold { caller, schedule, seats }
            }
            ["best", count, ref more @ ..] => self.best(caller, number(count), more),
            ["release", reservation, ref seats @ ..] => {
                let reservation = self.reservation(reservation);
                let seats = (!seats.is_empty()).then(|| self.seats(seats).1);
                Command::Release { caller, reservation, seats }
            }
            ["pay", reservation] => Command::Pay { caller, reservation: self.reservation(reservation) },
            ["cancel", reservation] => Command::Cancel { caller, reservation: self.reservation(reservation) },
            ["charge", amount, "as", request] => return self.charge(who, number(amount), request),
            _ => panic!("what is `{what}`?"),
        };
        let happened = self.command(who, &command);
        match words[..] {
            ["eta"] => format!("{happened}, {}", self.eta(who)),
            _ => happened,
        }
    }

    /// `title One about Two where title Three`: new texts, and what the operator saw; `nothing` takes one away.
    fn describes(&mut self, words: &[&str], by: Actor) -> String {
        let texts = |words: &[&str]| {
            let mut patch = TextsPatch::default();
            for told in words.chunks(2) {
                match told {
                    ["title", title] => patch.title = Some((*title).into()),
                    ["about", "nothing"] => patch.about = Some(None),
                    ["about", about] => patch.about = Some(Some((*about).into())),
                    _ => panic!("what is `{told:?}`?"),
                }
            }
            patch
        };
        let (patch, was) = match words.iter().position(|word| *word == "where") {
            Some(at) => (texts(&words[..at]), texts(&words[at + 1..])),
            None => (texts(words), TextsPatch::default()),
        };
        self.command("operator", &Command::Describe { patch: patch.into(), was: was.into(), by })
    }

    /// `show VIP 120 Floor 60 where VIP 100`: new prices, and what the operator saw; without a name, of `show`; of several
    /// performances, with commas. A category that is none is called X.
    fn reprices(&mut self, words: &[&str], by: Actor) -> String {
        let (named, words) = match words {
            [name, words @ ..] if name.starts_with(char::is_lowercase) => (name.split(',').collect(), words),
            words => (vec!["show"], words),
        };
        let schedule = |name: &str| match name {
            "nowhere" => ScheduleId(99),
            name => self.performance(name).id,
        };
        let schedules = named.into_iter().map(schedule).collect();
        let (now, was) = match words.iter().position(|word| *word == "where") {
            Some(at) => (prices(&words[..at]), prices(&words[at + 1..])),
            None => (prices(words), Vec::new()),
        };
        self.command("operator", &Command::Reprice { schedules, prices: now, was, by })
    }

    fn command(&mut self, who: &str, command: &Command) -> String {
        let now = self.now();
        let mut needs = Needs::default();
        self.sale.needs(command, &mut needs);
        let ids = self.ids.take().expect("ids are put back after each command");
        let mut inputs = self.stored.read(CONCERT, &needs, ids);
        let mut events = Vec::new();
        let step = Step { now, inputs: &mut inputs, events: &mut events };
        let reply = self.sale.decide(step, command);
        self.ids = Some(inputs.ids);
        self.commit(&events);
        match &reply {
            Ok(answer) => {
                self.remember(who, answer);
                let answer_shown = self.answer(answer);
                match self.others(&events, Some(answer)) {
                    more if more.is_empty() => answer_shown,
                    more => format!("{answer_shown}; {more}"),
                }
            }
            Err(rejection) => match self.others(&events, None) {
                more if more.is_empty() => format!("refused {}", self.refusal(rejection)),
                more => format!("refused {}; {more}", self.refusal(rejection)),
            },
        }
    }

    fn charge(&mut self, who: &str, amount: i64, request: &str) -> String {
        let user = self.user(who);
        let needs = Needs { wallets: vec![user], charges: vec![(user, request.into())], ..Needs::default() };
        let ids = self.ids.take().expect("ids are put back after each command");
        let mut inputs = self.stored.read(CONCERT, &needs, ids);
        let charged = inputs.wallets.charge(user, amount, request, self.now, &mut inputs.ids);
        self.ids = Some(inputs.ids);
        match charged {
            Ok((entry, new)) => {
                if new {
                    self.stored.ledger.push(entry.clone());
                }
                format!("balance {}", entry.balance)
            }
            Err(rejection) => format!("refused {}", self.refusal(&rejection)),
        }
    }

    /// Does what comes due until `at`, each at its time. Whatever happens must happen at `at` itself.
    fn pass_time(&mut self, at: Timestamp) -> Vec<Event> {
        assert!(at >= self.now, "time goes on");
        let mut happened = Vec::new();
        while let Some(due) = self.sale.next_due(self.now()).filter(|due| *due <= at) {
            self.now = self.now.max(due);
            let now = self.now();
            let mut events = Vec::new();
            let ids = self.ids.take().expect("ids are put back after each command");
            let mut inputs = self.stored.read(CONCERT, &Needs::default(), ids);
            let step = Step { now, inputs: &mut inputs, events: &mut events };
            let done = self.sale.expire_due(step, usize::MAX);
            self.ids = Some(inputs.ids);
            if done == 0 {
                let next = self.sale.next_due(now);
                assert!(
                    next.is_none_or(|next| next > self.now),
                    "due at {next:?}, but nothing is to be done"
                );
            }
            assert!(
                events.is_empty() || self.now == at,
                "a row is missing:  {}  tick  {}",
                self.time(self.now),
                self.show(&events, None)
            );
            self.commit(&events);
            happened.append(&mut events);
        }
        self.now = at;
        assert!(!self.sale.must_expire_first(self.now()), "all that is due was done");
        happened
    }

    fn commit(&mut self, events: &[Event]) {
        self.sale.check();
        self.stored.write(events);
        for event in events {
            match event {
                Event::Joined(record) => self.tokens.push(record.token),
                Event::SeatsHeld { reservation, opened: true, .. }
                | Event::SoldAtDesk(SoldAtDesk { reservation, .. }) => self.reservations.push(reservation.id),
                _ => {}
            }
        }
        self.sale.commit(self.ended_kept);
        self.sale.check();
    }

    fn now(&self) -> Now {
        Now::new(self.now, self.outages)
    }

    fn remember(&mut self, who: &str, answer: &Answer) {
        if let Answer::Queue { place, created } = answer {
            let is_newest = self.tokens.last() == Some(&place.record.token);
            assert!(!created || is_newest && place.record.entered_at == self.now, "a new token was made now");
            self.device(who).token = Some(place.record.token);
        }
        if let Answer::Resumed { place, .. } = answer {
            self.device(who).token = Some(place.record.token);
        }
        if let Answer::Paid { payment, .. } = answer {
            let paid = &self.stored.reservations[&payment.reservation];
            assert_eq!(paid.payment.as_ref(), Some(payment), "the payment shown is the one kept");
            let seats: Vec<_> = payment.tickets.iter().map(|ticket| ticket.seat).collect();
            assert_eq!(seats, paid.seats, "a ticket for each seat");
            assert_eq!(payment.amount, paid.amount, "what it cost is what was paid");
        }
    }

    // The commands, from their words.

    fn device(&mut self, who: &str) -> &mut Device {
        self.devices.entry(who.to_owned()).or_default()
    }

    fn user(&mut self, who: &str) -> UserId {
        let name = who.split('@').next().unwrap_or(who);
        let index = self.users.iter().position(|user| user == name).unwrap_or_else(|| {
            self.users.push(name.to_owned());
            self.users.len() - 1
        });
        UserId(index as u64 + 1)
    }

    fn guest_of(&self, who: &str) -> Option<AddressBlock> {
        let name = who.split('@').next().unwrap_or(who);
        let place = self.guests.iter().position(|guests| guests.iter().any(|guest| guest == name))?;
        Some(AddressBlock(place as u128))
    }

    fn caller(&mut self, who: &str) -> Caller {
        Caller { user: self.user(who), token: self.device(who).token, guest_of: self.guest_of(who) }
    }

    fn connect(&mut self, who: &str) -> Option<ConnectionId> {
        if who.ends_with("@http") {
            return None;
        }
        self.connections += 1;
        let fresh = ConnectionId(self.connections);
        Some(*self.device(who).connection.get_or_insert(fresh))
    }

    fn last_token(&self, user: UserId) -> Option<QueueToken> {
        let mut tokens = self.stored.tokens.values().filter(|record| record.user == user);
        tokens.next_back().map(|record| record.token)
    }

    fn ids_mut(&mut self) -> &mut IdSource {
        self.ids.as_mut().expect("ids are put back after each command")
    }

    fn seats(&self, words: &[&str]) -> (ScheduleId, Vec<SeatId>) {
        let named = words.first().and_then(|name| self.performances.iter().find(|p| p.name == **name));
        let (performance, labels) = match named {
            Some(performance) => (performance, &words[1..]),
            None if words.first() == Some(&"nowhere") => return (ScheduleId(99), vec![SeatId(0)]),
            None => (self.performance("show"), words),
        };
        (performance.id, labels.iter().map(|label| performance.seat(label)).collect())
    }

    fn performance(&self, name: &str) -> &Performance {
        self.performances.iter().find(|p| p.name == name).expect("a performance of the table")
    }

    fn best(&self, caller: Caller, count: u32, mut words: &[&str]) -> Command {
        let (mut schedule, mut category, mut request_id) = (self.performance("show").id, None, None);
        let (mut max_price, mut except) = (None, Vec::new());
        while let [key, value, more @ ..] = words {
            match *key {
                "of" => category = Some((*value).into()),
                "as" => request_id = Some((*value).into()),
                "in" => schedule = self.performance(value).id,
                "upto" => max_price = Some(number(value)),
                "without" => {
                    except = value.split(',').map(|label| self.performance("show").seat(label)).collect();
                }
                _ => panic!("what is `{key}`?"),
            }
            words = more;
        }
        Command::HoldBest { caller, schedule, count, category, max_price, except, request_id }
    }

    /// A name that the table did not come to yet is a reservation that never was.
    fn reservation(&mut self, name: &str) -> ReservationId {
        let number: usize = number(name.strip_prefix('r').expect("reservations are r1, r2, …"));
        let known = self.reservations.get(number - 1).copied();
        known.unwrap_or_else(|| self.ids_mut().reservation(CONCERT, START))
    }

    /// Orders with their users; `r1/bob` names another one than whose it is.
    fn orders(&mut self, words: &[&str]) -> Vec<(ReservationId, UserId)> {
        let mut orders = Vec::new();
        for word in words {
            let (name, user) = word.split_once('/').map_or((*word, None), |(name, user)| (name, Some(user)));
            let id = self.reservation(name);
            let owner = self.stored.reservations.get(&id).map(|order| order.user);
            let user = user.map(|user| self.user(user)).or(owner).unwrap_or(UserId(99));
            orders.push((id, user));
        }
        orders
    }

    /// What an operator saw of what they set: another value, or the default.
    fn seen(&self, words: &[&str], value: &str) -> SalePatch {
        match (words, value) {
            ([_, name, _], "default") => self.patch(&["puts", name, "back"]),
            ([verb, name, _], value) => self.patch(&[verb, name, value]),
            (["opens" | "pauses" | "closes" | "schedules"], value) => self.patch(&[value]),
            _ => panic!("what is `where {value}`?"),
        }
    }

    fn patch(&self, words: &[&str]) -> SalePatch {
        let (mut patch, mut own) = (SalePatch::default(), OwnRulesPatch::default());
        match words {
            ["opens"] => patch.state = Some(SaleState::Open),
            ["pauses"] => patch.state = Some(SaleState::Paused),
            ["closes"] => patch.state = Some(SaleState::Closed),
            ["schedules"] => patch.state = Some(SaleState::Scheduled),
            ["sets", "opens_at", time] => patch.opens_at = Some(Some(START + duration(time))),
            ["sets", "message", text] => patch.message = Some(Some((*text).into())),
            ["puts", "capacity", "back"] => own.capacity = Some(None),
            ["puts", "hold_ttl", "back"] => own.hold_ttl = Some(None),
            ["sets", "capacity", n] => own.capacity = Some(Some(number(n))),
            ["sets", "seats_per_reservation_max", n] => own.seats_per_reservation_max = Some(Some(number(n))),
            ["sets", "seats_per_user_max", n] => own.seats_per_user_max = Some(Some(number(n))),
            ["sets", "hold_ttl", time] => own.hold_ttl = Some(Some(duration(time))),
            ["sets", "admission_ttl", time] => own.admission_ttl = Some(Some(duration(time))),
            ["sets", "idle_ttl", time] => own.idle_ttl = Some(Some(duration(time))),
            ["sets", "away_ttl", time] => own.away_ttl = Some(Some(duration(time))),
            ["sets", "hold_again_after", time] => own.hold_again_after = Some(Some(duration(time))),
            ["sets", "cancel_before_start", time] => own.cancel_before_start = Some(Some(duration(time))),
            _ => panic!("what is `operator {}`?", words.join(" ")),
        }
        SalePatch { own, ..patch }
    }

    // The words of answers and events.

    fn answer(&self, answer: &Answer) -> String {
        match answer {
            Answer::Queue { place, .. } => self.place(place),
            Answer::Resumed { place, reservations } => {
                let held = reservations.iter().map(|r| self.shown(r));
                [self.place(place)].into_iter().chain(held).collect::<Vec<_>>().join("; ")
            }
            Answer::Reservation(reservation) => self.shown(reservation),
            Answer::Paid { payment, balance } => {
                format!("{} paid {}, balance {balance}", self.name(payment.reservation), payment.amount)
            }
            Answer::Cancelled { reservation, balance } => {
                format!("{}, balance {balance}", self.shown(reservation))
            }
            Answer::Charged(entry) => format!("balance {}", entry.balance),
            Answer::Figures(f) => format!(
                "{} with capacity {}: {} waiting, {} admitted, {} done, {} expired, {} seats, {} free, {} held, {} sold{}",
                state(f.settings.state),
                f.rules.capacity,
                f.waiting,
                f.progress,
                f.done,
                f.expired,
                f.seats,
                f.available,
                f.held,
                f.sold,
                if f.restricted > 0 { format!(", {} kept", f.restricted) } else { String::new() }
            ),
            Answer::Restricted { changed, left } => {
                let show = self.performance("show");
                let changed: Vec<_> = changed.iter().map(|seat| show.label(*seat)).collect();
                let left = left.iter().map(|(seat, state)| match state {
                    SeatState::Held(by) => format!("{} held by {}", show.label(*seat), self.name(*by)),
                    SeatState::Sold(by) => format!("{} sold to {}", show.label(*seat), self.name(*by)),
                    SeatState::Available | SeatState::Restricted => panic!("{seat} is left as {state:?}"),
                });
                let changed = if changed.is_empty() { vec!["nothing".to_owned()] } else { changed };
                [changed.join(" ")].into_iter().chain(left).collect::<Vec<_>>().join(", not ")
            }
            Answer::Refunded { done, left } => {
                let done = done.iter().map(|(order, balance)| match balance {
                    Some(balance) => format!("{}, balance {balance}", self.shown(order)),
                    None => format!("{}, at the desk", self.shown(order)),
                });
                let left = left.iter().map(|(id, why)| {
                    let known = self.reservations.iter().any(|known| known == id);
                    let name = if known { self.name(*id) } else { "r?".to_owned() };
                    format!("not {name} {}", self.refusal(why))
                });
                done.chain(left).collect::<Vec<_>>().join("; ")
            }
            Answer::SoldAtDesk { order, created } => {
                let payment = order.payment.as_ref().expect("what was sold has a payment");
                let how = match payment.source {
                    PaymentSource::Wallet => panic!("nobody pays at the desk from a wallet"),
                    PaymentSource::Cash => "cash",
                    PaymentSource::Card => "card",
                    PaymentSource::Gift => "gift",
                };
                let again = if *created { "" } else { ", as before" };
                format!("{} {how} {}{again}", self.shown(order), payment.amount)
            }
            Answer::Moved(order) => self.shown(order),
            Answer::Done => "done".to_owned(),
        }
    }

    fn place(&self, place: &Place) -> String {
        let token = self.tokens.iter().position(|token| *token == place.record.token);
        let token = token.expect("a token that was given") + 1;
        let standing = match (place.record.status, place.line) {
            (TokenStatus::Waiting, Some(line)) => format!("WAITING {}/{}", line.position, place.waiting),
            (TokenStatus::Progress, None) => {
                let (until, idle) = (place.record.expires_at, place.idle_at);
                let until = until.expect("an admission has its end");
                let idle = idle.expect("an admission has its idle clock");
                format!("PROGRESS until {}, idle at {}", self.sale_time(until), self.sale_time(idle))
            }
            (status @ (TokenStatus::Done | TokenStatus::Expired(_)), None) => token_status(status),
            (status, line) => panic!("{status:?} with {line:?} in line"),
        };
        let sold_out = if place.sold_out { ", sold out" } else { "" };
        format!("t{token} {standing}{sold_out}")
    }

    fn eta(&mut self, who: &str) -> String {
        let command = Command::Get { caller: self.caller(who), polled: false };
        let mut inputs =
            self.stored.read(CONCERT, &Needs::default(), self.ids.take().expect("ids are put back"));
        let step = Step { now: self.now(), inputs: &mut inputs, events: &mut Vec::new() };
        let reply = self.sale.decide(step, &command);
        self.ids = Some(inputs.ids);
        match reply {
            Ok(Answer::Queue { place, .. }) => match place.line.and_then(|line| line.eta_seconds) {
                Some(seconds) => format!("eta {seconds}s"),
                None => "eta unknown".to_owned(),
            },
            other => panic!("{other:?}"),
        }
    }

    fn shown(&self, reservation: &Reservation) -> String {
        let performance = self.performances.iter().find(|p| p.id == reservation.schedule);
        let performance = performance.expect("a schedule of the sale");
        let mut words = vec![self.name(reservation.id), status(reservation.status).to_owned()];
        if performance.name != "show" {
            words.push(performance.name.clone());
        }
        words.extend(reservation.seats.iter().map(|seat| performance.label(*seat)));
        let shown = words.join(" ");
        match reservation.status {
            ReservationStatus::TempReserved => {
                format!("{shown} for {} until {}", reservation.amount, self.sale_time(reservation.expires_at))
            }
            ReservationStatus::Reserved | ReservationStatus::Expired | ReservationStatus::Cancelled => shown,
        }
    }

    fn name(&self, reservation: ReservationId) -> String {
        let index = self.reservations.iter().position(|id| *id == reservation);
        format!("r{}", index.expect("a reservation of the table") + 1)
    }

    fn show(&self, events: &[Event], answer: Option<&Answer>) -> String {
        match self.others(events, answer) {
            shown if shown.is_empty() => "nothing".to_owned(),
            shown => shown,
        }
    }

    /// Everything that happened but what the answer says already.
    fn others(&self, events: &[Event], answer: Option<&Answer>) -> String {
        let says_token = |record: &TokenRecord| match answer {
            Some(Answer::Queue { place, .. } | Answer::Resumed { place, .. }) => place.record == *record,
            _ => false,
        };
        let says_reservation = |reservation: &Reservation| match answer {
            Some(Answer::Reservation(shown) | Answer::Cancelled { reservation: shown, .. }) => {
                shown == reservation
            }
            Some(Answer::Paid { payment, .. }) => reservation.payment.as_ref() == Some(payment),
            Some(Answer::Moved(shown) | Answer::SoldAtDesk { order: shown, .. }) => shown == reservation,
            Some(Answer::Refunded { done, .. }) => done.iter().any(|(shown, _)| shown == reservation),
            _ => false,
        };
        let shown = events.iter().filter_map(|event| match event {
            Event::Joined(record) => {
                let answered =
                    matches!(answer, Some(Answer::Queue { place, .. }) if place.record.entry == record.entry);
                assert!(answered, "who joins is answered");
                None
            }
            Event::Admitted(record) | Event::TokenEnded(record) => {
                let user = &self.users[record.user.0 as usize - 1];
                (!says_token(record)).then(|| format!("{user} {}", token_status(record.status)))
            }
            Event::SeatsHeld { reservation, .. }
            | Event::SeatsReleased { reservation, .. }
            | Event::ReservationEnded { reservation, .. }
            | Event::Paid { reservation, .. }
            | Event::SeatMoved(SeatMoved { reservation, .. })
            | Event::SoldAtDesk(SoldAtDesk { reservation, .. })
            | Event::Refunded(Refunded { reservation, .. }) => {
                (!says_reservation(reservation)).then(|| self.shown(reservation))
            }
            Event::SeatsRestricted(HouseSeats { schedule, seats, by: None, .. }) => {
                let performance = self.performances.iter().find(|p| p.id == *schedule);
                let performance = performance.expect("a schedule of the sale");
                let labels = seats.iter().map(|seat| performance.label(*seat));
                Some(format!("{} kept", labels.collect::<Vec<_>>().join(" ")))
            }
            Event::SeatsRestricted(HouseSeats { seats, .. })
            | Event::SeatsUnrestricted(HouseSeats { seats, .. }) => {
                let of_move = matches!(answer, Some(Answer::Moved(_) | Answer::SoldAtDesk { .. }));
                let answered = matches!(answer, Some(Answer::Restricted { changed, .. }) if changed == seats);
                assert!(answered || of_move, "the operator is answered with what changed");
                None
            }
            Event::Described(of) => Some(texts(&of.after)),
            Event::Repriced(of) => {
                let changed =
                    of.changed.iter().map(|of| format!("{} {} to {}", of.name, of.before, of.after));
                let name =
                    &self.performances.iter().find(|p| p.id == of.schedule).expect("its schedule").name;
                Some(format!("{name}: {}", changed.collect::<Vec<_>>().join(", ")))
            }
            Event::ScheduleAdded(added) => Some(format!("another at {}", self.time(added.starts_at))),
            Event::Rescheduled(moved) => Some(format!("starts at {}", self.time(moved.after))),
            Event::Archived(_) => Some("archived".to_owned()),
            Event::CalledOff(_) => Some("called off".to_owned()),
            Event::SettingsChanged { after, .. } => match answer {
                Some(Answer::Figures(figures)) if figures.settings == **after => None,
                _ => Some(format!("sale {}", state(after.state))),
            },
        });
        shown.collect::<Vec<_>>().join("; ")
    }

    fn refusal(&self, rejection: &Rejection) -> String {
        let seats = |seats: &[SeatId]| {
            let labels = seats.iter().map(|seat| self.performance("show").label(*seat));
            labels.map(|label| format!(" {label}")).collect::<String>()
        };
        match rejection {
            Rejection::UserNotFound => "USER_NOT_FOUND".to_owned(),
            Rejection::NotInQueue => "NOT_IN_QUEUE".to_owned(),
            Rejection::Waiting => "WAITING".to_owned(),
            Rejection::TokenExpired(None) => "TOKEN_EXPIRED".to_owned(),
            Rejection::TokenExpired(Some(reason)) => format!("TOKEN_EXPIRED {}", expiry(*reason)),
            Rejection::TokenDone => "TOKEN_DONE".to_owned(),
            Rejection::SaleNotOpen { opens_at: None } => "SALE_NOT_OPEN".to_owned(),
            Rejection::SaleNotOpen { opens_at: Some(at) } => {
                format!("SALE_NOT_OPEN before {}", self.time(*at))
            }
            Rejection::SalePaused => "SALE_PAUSED".to_owned(),
            Rejection::SaleClosed => "SALE_CLOSED".to_owned(),
            Rejection::OtherCurrency => "SALE_CLOSED other currency".to_owned(),
            Rejection::ConcertNotFound => "CONCERT_NOT_FOUND".to_owned(),
            Rejection::ScheduleNotFound => "SCHEDULE_NOT_FOUND".to_owned(),
            Rejection::SeatNotFound { seats: unknown } => format!("SEAT_NOT_FOUND{}", seats(unknown)),
            Rejection::ReservationNotFound => "RESERVATION_NOT_FOUND".to_owned(),
            Rejection::SeatTaken { seats: taken } => format!("SEAT_TAKEN{}", seats(taken)),
            Rejection::SeatRestricted { seats: kept } => format!("SEAT_RESTRICTED{}", seats(kept)),
            Rejection::NoSeatsAvailable => "NO_SEATS_AVAILABLE".to_owned(),
            Rejection::UnknownCategory => "an unknown category".to_owned(),
            Rejection::HoldLimit { max } => format!("HOLD_LIMIT {max}"),
            Rejection::PurchaseLimit { max } => format!("PURCHASE_LIMIT {max}"),
            Rejection::GuestSeats { max } => format!("RATE_LIMITED, guests hold {max}"),
            Rejection::HoldAgainLater { seats: early, retry_at } => {
                format!("HOLD_AGAIN_LATER{} at {}", seats(early), self.time(*retry_at))
            }
            Rejection::ReservationInvalid { status: s } => format!("RESERVATION_INVALID {}", status(*s)),
            Rejection::InvalidAmount => "INVALID_AMOUNT".to_owned(),
            Rejection::LedgerFull { max, .. } => format!("FORBIDDEN, {max} entries a day"),
            Rejection::InsufficientBalance { balance, required } => {
                format!("INSUFFICIENT_BALANCE {balance} of {required}")
            }
            Rejection::ChangedMeanwhile { is, changed } => {
                let by = match changed {
                    Some((By::Actor(_), at)) => format!("an operator at {}", self.time(*at)),
                    Some((By::OpensAt, at)) => format!("its opening at {}", self.time(*at)),
                    None => "nobody knows whom".to_owned(),
                };
                let is = match &**is {
                    Seen::Settings(is) => {
                        let capacity = is.own.capacity.map_or("default".to_owned(), |n| n.to_string());
                        format!("{}, capacity {capacity}", state(is.state))
                    }
                    Seen::Texts(is) => texts(is),
                    Seen::Prices(_, is) => {
                        let is = is.iter().map(|(name, price)| format!("{name} {price}"));
                        is.collect::<Vec<_>>().join(", ")
                    }
                    Seen::Start(_, starts_at) => format!("starts at {}", self.time(*starts_at)),
                };
                format!("CHANGED_MEANWHILE by {by}: {is}")
            }
            Rejection::PerformanceBegun => "PERFORMANCE_BEGUN".to_owned(),
            Rejection::PerformanceCalledOff => "PERFORMANCE_CALLED_OFF".to_owned(),
            Rejection::SeatCheaper => "a seat that costs less".to_owned(),
            Rejection::NotOver(what) => format!("NOT_OVER {what:?}"),
            Rejection::Archived => "CONCERT_NOT_FOUND archived".to_owned(),
            Rejection::SameStart => "the start of another one".to_owned(),
            Rejection::TooManyPerformances => "too many performances".to_owned(),
            Rejection::StartPassed => "a start that lies behind".to_owned(),
            Rejection::AlreadyRefunded { at, seats: given } => {
                format!("ALREADY_REFUNDED{} at {}", seats(given), self.time(*at))
            }
            Rejection::RequestIdReused => "REQUEST_ID_REUSED".to_owned(),
            Rejection::CancelTooLate => "CANCEL_TOO_LATE".to_owned(),
            Rejection::WalletFull { balance, refund } => format!("WALLET_FULL {balance} and {refund}"),
        }
    }

    /// A deadline as clients see it: in UTC.
    fn sale_time(&self, deadline: Timestamp) -> String {
        self.time(deadline + self.outages)
    }

    fn time(&self, utc: Timestamp) -> String {
        let millis = utc.as_millis() - START.as_millis();
        match millis % 1000 {
            0 => format!("{}s", millis / 1000),
            _ => format!("{millis}ms"),
        }
    }
}

/// Prices of categories, from their words.
fn prices(words: &[&str]) -> Vec<(u16, i64)> {
    let category = |name: &str| ["VIP", "Floor", "X"].iter().position(|of| *of == name).unwrap() as u16;
    words.chunks(2).map(|of| (category(of[0]), number(of[1]))).collect()
}

fn texts(of: &Texts) -> String {
    format!("{:?} about {}", of.title, of.about.as_deref().unwrap_or("nothing"))
}

fn token_status(status: TokenStatus) -> String {
    match status {
        TokenStatus::Waiting => "WAITING".to_owned(),
        TokenStatus::Progress => "PROGRESS".to_owned(),
        TokenStatus::Done => "DONE".to_owned(),
        TokenStatus::Expired(reason) => format!("EXPIRED {}", expiry(reason)),
    }
}

fn expiry(reason: ExpiryReason) -> &'static str {
    match reason {
        ExpiryReason::Left => "left",
        ExpiryReason::Away => "away",
        ExpiryReason::Idle => "idle",
        ExpiryReason::Time => "time",
        ExpiryReason::Closed => "closed",
    }
}

fn status(status: ReservationStatus) -> &'static str {
    match status {
        ReservationStatus::TempReserved => "held",
        ReservationStatus::Reserved => "RESERVED",
        ReservationStatus::Expired => "EXPIRED",
        ReservationStatus::Cancelled => "CANCELLED",
    }
}

fn state(state: SaleState) -> &'static str {
    match state {
        SaleState::Scheduled => "SCHEDULED",
        SaleState::Open => "OPEN",
        SaleState::Paused => "PAUSED",
        SaleState::Closed => "CLOSED",
    }
}

fn duration(word: &str) -> Duration {
    let digits = word.trim_end_matches(char::is_alphabetic);
    let amount: u64 = number(digits);
    match &word[digits.len()..] {
        "ms" => Duration::from_millis(amount),
        "s" => Duration::from_secs(amount),
        "m" => Duration::from_secs(60 * amount),
        "h" => Duration::from_secs(60 * 60 * amount),
        "d" => Duration::from_secs(24 * 60 * 60 * amount),
        unit => panic!("what is a `{unit}`?"),
    }
}

fn number<N: std::str::FromStr>(word: &str) -> N {
    word.parse().unwrap_or_else(|_| panic!("`{word}` is not a number"))
}
