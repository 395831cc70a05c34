//! `frontrow history`: who held a seat, when, and why it was lost, and who changed a sale, in words, from the journal alone.

use std::collections::{BTreeSet, HashMap};

use anyhow::{Context, bail};
use clap::Args;
use frontrow::domain::actor::{Actor, Who};
use frontrow::domain::event::{
    By, CalledOff, HouseSeats, PriceChange, RefundWhy, Rescheduled, ScheduleAdded,
};
use frontrow::domain::ids::{ConcertId, EntryNo, OperatorId, ReservationId, ScheduleId, SeatId, UserId};
use frontrow::domain::record::PaymentSource;
use frontrow::domain::time::Timestamp;
use frontrow::store::archive::Archive;
use frontrow::store::journal::{Entry, SeatsChange, SeatsEntry};
use frontrow::store::{JournalRow, Reads, Store};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{DataArgs, open_store, print_json, print_text};

#[derive(Args)]
#[group(id = "subject", required = true, multiple = false, args = ["seat", "user", "reservation", "sale"])]
pub struct History {
    /// A seat, by its performance and its number there.
    #[arg(long, value_name = "SCHEDULE:SEAT", value_parser = seat)]
    seat: Option<(u64, u32)>,
    /// Everything that a user did and lost, in every sale.
    #[arg(long, value_name = "ID")]
    user: Option<u64>,
    #[arg(long, value_name = "ID")]
    reservation: Option<Uuid>,
    /// Show what was changed in a sale, and by whom.
    #[arg(long, value_name = "CONCERT")]
    sale: Option<u32>,
    /// A list of `{concert_id, seq, at, what}` instead of lines for people.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    data: DataArgs,
}

/// The seat, the user or the reservation that is queried.
#[derive(Clone, Copy)]
enum Subject {
    Seat(ScheduleId, SeatId),
    User(UserId),
    Reservation(ReservationId),
    Sale(ConcertId),
}

impl History {
    pub async fn run(self) -> anyhow::Result<()> {
        let subject = self.subject()?;
        let config = self.data.config()?;
        let store = open_store(&config, &self.data).await?;
        let archive = Archive::new(config.journal_archive());
        let sales = sales_of(&*store, subject).await?;
        let names = names_of_operators(&*store).await?;
        let mut lines = Vec::new();
        for concert in sales {
            let mut take = |row: JournalRow| {
                let happened = row.events.iter().filter_map(|entry| sentence(subject, entry, &names));
                lines.extend(happened.map(|what| (concert, row.seq, row.at, what)));
            };
            archive.journal(&*store, concert, &mut take).await.context("could not read the journal")?;
        }
        lines.sort_by_key(|(concert, seq, at, _)| (*at, *concert, *seq));
        if self.json {
            let list: Vec<_> = lines
                .iter()
                .map(|(concert, seq, at, what)| {
                    json!({"concert_id": concert.0, "seq": seq, "at": time(*at), "what": what})
                })
                .collect();
            return print_json(&json!(list));
        }
        if let Subject::Seat(schedule, seat) = subject {
            let concert = store.concert_of_schedule(schedule).await?.context("no such performance")?;
            let label = store.seat_label(concert, schedule, seat).await?.context("no such seat")?;
            print_text(&format!("seat {seat} of performance {schedule}: {label}\n"))?;
        }
        if lines.is_empty() {
            return print_text("nothing has happened\n");
        }
        for (concert, seq, at, what) in lines {
            print_text(&format!("{}  sale {concert}, row {seq}: {what}\n", time(at)))?;
        }
        Ok(())
    }

    fn subject(&self) -> anyhow::Result<Subject> {
        Ok(match (self.seat, self.user, self.reservation, self.sale) {
            (Some((schedule, seat)), ..) => Subject::Seat(ScheduleId(schedule), SeatId(seat)),
            (_, Some(user), ..) => Subject::User(UserId(user)),
            (_, _, Some(id), _) => Subject::Reservation(ReservationId(id)),
            (.., Some(concert)) => Subject::Sale(ConcertId(concert)),
            _ => bail!("name a seat, a user, a reservation or a sale"),
        })
    }
}

/// The operators of today by their ids: the journal has no name that may be changed, or that somebody may want forgotten.
type Names = HashMap<OperatorId, String>;

async fn names_of_operators(store: &dyn Store) -> anyhow::Result<Names> {
    let Some(operators) = store.operators() else { return Ok(Names::new()) };
    let operators = operators.operators().await.context("could not list the operators")?;
    Ok(operators.into_iter().map(|operator| (operator.id, operator.name)).collect())
}

/// The sales whose journals may mention it.
async fn sales_of(store: &dyn Reads, subject: Subject) -> anyhow::Result<Vec<ConcertId>> {
    Ok(match subject {
        Subject::Seat(schedule, seat) => {
            let concert = store.concert_of_schedule(schedule).await?;
            let concert = concert.with_context(|| format!("there is no performance {schedule}"))?;
            if store.seat_label(concert, schedule, seat).await?.is_none() {
                bail!("performance {schedule} has no seat {seat}");
            }
            vec![concert]
        }
        Subject::User(user) => {
            if store.user(user).await?.is_none() {
                bail!("there is no user {user}");
            }
            store.concerts().await?
        }
        Subject::Reservation(id) => {
            let concert = id.concert().with_context(|| format!("{id} is no reservation's id"))?;
            if !store.concerts().await?.contains(&concert) {
                bail!("{id} belongs to concert {concert}, which does not exist");
            }
            vec![concert]
        }
        Subject::Sale(concert) => {
            if !store.concerts().await?.contains(&concert) {
                bail!("there is no concert {concert}");
            }
            vec![concert]
        }
    })
}

/// The event in words, if the subject has a part in it.
fn sentence(subject: Subject, entry: &Entry, names: &Names) -> Option<String> {
    match (subject, entry) {
        (Subject::User(user), Entry::Join { entry, user: by, .. }) if *by == user => {
            Some(format!("joined the line as number {}", ordinal(*entry)))
        }
        (Subject::User(user), Entry::Admit { user: by, .. }) if *by == user => {
            Some("was admitted".to_owned())
        }
        (Subject::User(user), Entry::End { user: by, why, .. }) if *by == user => {
            Some(format!("{}; the place in line is over", end_in_words(why)))
        }
        (Subject::User(user), Entry::Seats(seats)) if seats.user == user => {
            Some(format!("{} of performance {}", change_in_words(seats), seats.schedule))
        }
        (Subject::Seat(schedule, _), Entry::Perform(of)) if of.schedule == schedule => {
            Some(added_in_words(of, names))
        }
        (Subject::Seat(schedule, _), Entry::Postpone(of)) if of.schedule == schedule => {
            Some(postponed_in_words(of, names))
        }
        (Subject::Seat(schedule, _), Entry::CallOff(of)) if of.schedule == schedule => {
            Some(called_off_in_words(of, names))
        }
        (Subject::Sale(_), Entry::Perform(of)) => Some(added_in_words(of, names)),
        (Subject::Sale(_), Entry::Postpone(of)) => Some(postponed_in_words(of, names)),
        (Subject::Sale(_), Entry::Archive { by, .. }) => {
            Some(format!("{} archived the concert", actor_in_words(by, names)))
        }
        (Subject::Sale(_), Entry::Repair { row, events, reason, by }) => Some(format!(
            "{} left {} of row {row} out of the tables, which refused it: {reason}",
            actor_in_words(by, names),
            events_in_words(events)
        )),
        (Subject::Sale(_), Entry::CallOff(of)) => Some(called_off_in_words(of, names)),
        (Subject::Sale(_), Entry::Seats(seats)) => match &seats.change {
            SeatsChange::Refund { amount, why: RefundWhy::Operator { reason, by }, is_all, .. } => {
                let some = match (is_all, seats.seats.len()) {
                    (true, _) => String::new(),
                    (false, 1) => " for a seat".to_owned(),
                    (false, count) => format!(" for {count} seats"),
                };
                Some(format!(
                    "{} refunded {amount}{some} of reservation {} to user {}: {reason}",
                    actor_in_words(by, names),
                    seats.reservation,
                    seats.user
                ))
            }
            SeatsChange::Sell { by, .. } => Some(format!(
                "{} sold at the desk: user {} {}",
                actor_in_words(by, names),
                seats.user,
                change_in_words(seats)
            )),
            SeatsChange::Move { note, by, .. } => Some(format!(
                "{} gave user {} seat {} in the place of seat {}, of reservation {}{}",
                actor_in_words(by, names),
                seats.user,
                seats.seats[1],
                seats.seats[0],
                seats.reservation,
                note.as_ref().map_or(String::new(), |note| format!(": {note}"))
            )),
            _ => None,
        },
        (Subject::Seat(schedule, seat), Entry::Seats(seats))
            if seats.schedule == schedule && seats.seats.contains(&seat) =>
        {
            Some(format!("user {} {}", seats.user, change_in_words(seats)))
        }
        (Subject::Seat(schedule, seat), Entry::Restrict(of))
            if of.schedule == schedule && of.seats.contains(&seat) =>
        {
            Some(format!("{} kept it from sale{}", by_in_words(of.by.as_ref(), names), note_in_words(of)))
        }
        (Subject::Seat(schedule, seat), Entry::Unrestrict(of))
            if of.schedule == schedule && of.seats.contains(&seat) =>
        {
            Some(format!(
                "{} gave it back to the sale{}",
                by_in_words(of.by.as_ref(), names),
                note_in_words(of)
            ))
        }
        (Subject::Seat(_, seat), Entry::New { restricted, .. }) if restricted.contains(&seat) => {
            Some("was kept from sale from the beginning".to_owned())
        }
        (Subject::Sale(_), Entry::Restrict(of)) => Some(format!(
            "{} kept {} of performance {} from sale{}",
            by_in_words(of.by.as_ref(), names),
            count_in_words(of),
            of.schedule,
            note_in_words(of)
        )),
        (Subject::Sale(_), Entry::Unrestrict(of)) => Some(format!(
            "{} gave {} of performance {} back to the sale{}",
            by_in_words(of.by.as_ref(), names),
            count_in_words(of),
            of.schedule,
            note_in_words(of)
        )),
        (Subject::Sale(_), Entry::Describe { after, by, .. }) => {
            let title = after.title.as_ref().map(|title| format!("the title, which is {title:?} now"));
            let about = after.about.as_ref().map(|_| "what its page says".to_owned());
            let changed: Vec<_> = title.into_iter().chain(about).collect();
            Some(format!("{} changed {}", actor_in_words(by, names), changed.join(", and ")))
        }
        (Subject::Sale(_), Entry::Price { schedule, changed, by }) => Some(format!(
            "{} changed prices of performance {schedule}: {}",
            actor_in_words(by, names),
            prices_in_words(changed)
        )),
        (Subject::Reservation(id), Entry::Seats(seats)) if seats.reservation == id => {
            Some(format!("user {} {}", seats.user, change_in_words(seats)))
        }
        (Subject::Sale(_), Entry::Set { before, after, by }) => {
            Some(format!("{} {}", changer_in_words(by.as_ref(), names), settings_in_words(before, after)))
        }
        (Subject::User(user), Entry::Set { before, after, by: Some(By::Actor(by)) })
            if by.who == Who::User(user) =>
        {
            Some(settings_in_words(before, after))
        }
        _ => None,
    }
}

fn added_in_words(of: &ScheduleAdded, names: &Names) -> String {
    let (by, starts_at) = (actor_in_words(&of.by, names), time(of.starts_at));
    format!("{by} added performance {} at {starts_at}", of.schedule)
}

fn postponed_in_words(of: &Rescheduled, names: &Names) -> String {
    let reason = of.reason.as_ref().map_or(String::new(), |reason| format!(": {reason}"));
    let (by, before, after) = (actor_in_words(&of.by, names), time(of.before), time(of.after));
    format!("{by} moved performance {} from {before} to {after}{reason}", of.schedule)
}

fn called_off_in_words(of: &CalledOff, names: &Names) -> String {
    format!("{} called performance {} off: {}", actor_in_words(&of.by, names), of.schedule, of.reason)
}

fn by_in_words(by: Option<&Actor>, names: &Names) -> String {
    by.map_or("the house".to_owned(), |actor| actor_in_words(actor, names))
}

fn count_in_words(of: &HouseSeats) -> String {
    match of.seats[..] {
        [seat] => format!("seat {seat}"),
        ref seats => format!("{} seats", seats.len()),
    }
}

fn events_in_words(events: &[u32]) -> String {
    let list: Vec<_> = events.iter().map(ToString::to_string).collect();
    format!("{} {}", if list.len() == 1 { "event" } else { "events" }, list.join(", "))
}

fn prices_in_words(changed: &[PriceChange]) -> String {
    let one = |of: &PriceChange| format!("{} from {} to {}", of.name, of.before, of.after);
    changed.iter().map(one).collect::<Vec<_>>().join(", ")
}

fn note_in_words(of: &HouseSeats) -> String {
    of.note.as_ref().map_or(String::new(), |note| format!(": {note}"))
}

fn changer_in_words(by: Option<&By>, names: &Names) -> String {
    match by {
        Some(By::OpensAt) => "the time of opening".to_owned(),
        Some(By::Actor(actor)) => actor_in_words(actor, names),
        None => "somebody".to_owned(),
    }
}

fn actor_in_words(Actor { who, from }: &Actor, names: &Names) -> String {
    let who = match who {
        Who::Operator(operator) => match names.get(operator) {
            Some(name) => format!("{name} (operator {operator})"),
            None => format!("operator {operator}"),
        },
        Who::User(user) => format!("operator {user} (a user)"),
        Who::Unnamed => "an operator".to_owned(),
    };
    match from {
        Some(from) => format!("{who} from {from}"),
        None => who,
    }
}

/// Every setting that became another one.
fn settings_in_words(before: &Value, after: &Value) -> String {
    let none = Map::new();
    let (before, after) = (before.as_object().unwrap_or(&none), after.as_object().unwrap_or(&none));
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let of = |settings: &Map<String, Value>, name| match settings.get(name) {
        None | Some(Value::Null) => "unset".to_owned(),
        Some(Value::String(text)) if name != "message" => text.clone(),
        Some(value) => value.to_string(),
    };
    let changes = names.into_iter().filter_map(|name| {
        let (before, after) = (of(before, name), of(after, name));
        (before != after).then(|| format!("{name} from {before} to {after}"))
    });
    format!("set {}", changes.collect::<Vec<_>>().join(", "))
}

fn change_in_words(of: &SeatsEntry) -> String {
    let list: Vec<_> = of.seats.iter().map(ToString::to_string).collect();
    let seats = format!("{} {}", if list.len() == 1 { "seat" } else { "seats" }, list.join(", "));
    let id = of.reservation;
    match &of.change {
        SeatsChange::Hold { .. } => format!("held {seats} by reservation {id}"),
        SeatsChange::Add { .. } => format!("held {seats} too, by reservation {id}"),
        SeatsChange::Release { .. } => format!("gave {seats} back, of reservation {id}"),
        SeatsChange::Lapse { why, .. } => format!("lost {seats} of reservation {id}: {}", loss_in_words(why)),
        SeatsChange::Pay { amount, .. } => format!("bought {seats} for {amount} by reservation {id}"),
        SeatsChange::Sell { prices, source, note, .. } => {
            let (amount, note) = (prices.iter().sum::<i64>(), in_brackets(note.as_deref()));
            let how = match source {
                PaymentSource::Gift => "was given",
                PaymentSource::Cash => "bought with cash, at the desk,",
                PaymentSource::Card => "bought by card, at the desk,",
                PaymentSource::Wallet => "bought",
            };
            match source {
                PaymentSource::Gift => format!("{how} {seats} by reservation {id}{note}"),
                _ => format!("{how} {seats} for {amount} by reservation {id}{note}"),
            }
        }
        SeatsChange::Move { .. } => {
            format!("got seat {} in the place of seat {}, of reservation {id}", of.seats[1], of.seats[0])
        }
        SeatsChange::Refund { amount, why, .. } => match why {
            RefundWhy::Cancelled => {
                format!("gave the bought {seats} of reservation {id} back, and was refunded {amount}")
            }
            RefundWhy::CalledOff => {
                format!(
                    "was refunded {amount} for {seats} of reservation {id}, as the performance was called off"
                )
            }
            RefundWhy::Operator { reason, .. } => {
                format!("was refunded {amount} for {seats} of reservation {id} by an operator: {reason}")
            }
        },
    }
}

fn in_brackets(note: Option<&str>) -> String {
    note.map_or(String::new(), |note| format!(" ({note})"))
}

fn loss_in_words(why: &str) -> &str {
    match why {
        "released" => "released by the holder",
        "left" => "the holder left the sale",
        "bought_another" => "the holder bought another reservation, which ends the visit",
        "hold_time" => "not paid in time",
        "started" => "not paid before the performance began",
        "called_off" => "the performance was called off",
        "idle" => "the holder did nothing for too long",
        other => other,
    }
}

fn end_in_words(why: &str) -> &str {
    match why {
        "done" => "bought",
        "left" => "left",
        "away" => "was away for too long",
        "idle" => "did nothing for too long",
        "time" => "ran out of time",
        "closed" => "was sent home when the sale closed",
        other => other,
    }
}

/// People count from one.
fn ordinal(entry: EntryNo) -> u64 {
    entry.0 + 1
}

fn time(at: Timestamp) -> String {
    frontrow_protocol::Timestamp::from_millis(at.as_millis()).to_string()
}

fn seat(text: &str) -> Result<(u64, u32), String> {
    let parsed =
        text.split_once(':').and_then(|(schedule, seat)| Some((schedule.parse().ok()?, seat.parse().ok()?)));
    parsed.ok_or_else(|| format!("`{text}` is not SCHEDULE:SEAT, such as 7:1234"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seats_story_leaves_out_everybody_elses() {
        let id = ReservationId(Uuid::nil());
        let held = |seats: &[u32], change| {
            let seats = seats.iter().map(|seat| SeatId(*seat)).collect();
            Entry::Seats(SeatsEntry {
                change,
                reservation: id,
                schedule: ScheduleId(7),
                user: UserId(3),
                seats,
            })
        };
        let lost = held(&[4, 5], SeatsChange::Lapse { why: "hold_time".to_owned(), late: None });
        let seat = Subject::Seat(ScheduleId(7), SeatId(5));
        let lines = sentence(seat, &lost, &Names::new()).unwrap();
        assert_eq!(lines, format!("user 3 lost seats 4, 5 of reservation {id}: not paid in time"));
        assert_eq!(sentence(Subject::Seat(ScheduleId(7), SeatId(6)), &lost, &Names::new()), None);
        assert_eq!(sentence(Subject::Seat(ScheduleId(8), SeatId(5)), &lost, &Names::new()), None);
        assert_eq!(sentence(Subject::User(UserId(4)), &lost, &Names::new()), None);
        let joined = Entry::Join { entry: EntryNo(0), user: UserId(3), late: None, is_made: false };
        assert_eq!(
            sentence(Subject::User(UserId(3)), &joined, &Names::new()).unwrap(),
            "joined the line as number 1"
        );
        assert_eq!(sentence(seat, &joined, &Names::new()), None);
    }

    #[test]
    fn who_changed_a_sale_is_shown_with_what_became_of_it() {
        let (before, after) =
            (json!({"state": "OPEN", "message": null}), json!({"state": "PAUSED", "message": "a"}));
        let names = Names::from([(OperatorId(7), "Min".to_owned())]);
        let set = |by| Entry::Set { before: before.clone(), after: after.clone(), by };
        let lines = |subject, by| sentence(subject, &set(by), &names);
        let (sale, by) = (Subject::Sale(ConcertId(1)), |who| Some(By::Actor(Actor::of(who))));
        let ada = by(Who::User(UserId(3)));
        let what = "set message from unset to \"a\", state from OPEN to PAUSED";
        assert_eq!(lines(sale, ada.clone()).unwrap(), format!("operator 3 (a user) {what}"));
        assert_eq!(lines(sale, by(Who::Unnamed)).unwrap(), format!("an operator {what}"));
        let min = Actor { who: Who::Operator(OperatorId(7)), from: Some("::1".into()) };
        let of_min = lines(sale, Some(By::Actor(min))).unwrap();
        assert_eq!(of_min, format!("Min (operator 7) from ::1 {what}"));
        assert_eq!(lines(sale, by(Who::Operator(OperatorId(8)))).unwrap(), format!("operator 8 {what}"));
        assert_eq!(lines(sale, Some(By::OpensAt)).unwrap(), format!("the time of opening {what}"));
        assert_eq!(lines(sale, None).unwrap(), format!("somebody {what}"));
        assert_eq!(lines(Subject::User(UserId(3)), ada.clone()).unwrap(), what);
        assert_eq!(lines(Subject::User(UserId(4)), ada), None);
        assert_eq!(lines(Subject::User(UserId(3)), None), None);
    }

    #[test]
    fn a_seat_is_named_by_two_numbers() {
        assert_eq!(super::seat("7:12"), Ok((7, 12)));
        for wrong in ["7", "7:", ":1", "7:-1", "a:b", "7:1:2"] {
            assert!(super::seat(wrong).is_err(), "{wrong}");
        }
    }
}
