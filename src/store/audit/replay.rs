//! The journal played from its first row: what every seat and every place in line must be, if it tells the truth.

use std::collections::HashMap;

use super::again::HeldAgain;
use super::per_user::SeatsPerUser;
use super::{Findings, sale_name, seat_name};
use crate::domain::ids::{ConcertId, ReservationId, ScheduleId, SeatId, UserId};
use crate::domain::time::Timestamp;
use crate::store::SeatStatus;
use crate::store::journal::{self, Entry, SeatsChange, SeatsEntry};

pub struct Replay {
    concert: ConcertId,
    next_seq: u64,
    /// Seats that are not free.
    taken: HashMap<(ScheduleId, SeatId), (SeatStatus, ReservationId)>,
    /// By entry number: the user and the last thing that is told of them.
    line: Vec<(UserId, Standing)>,
    schedules: HashMap<ScheduleId, u32>,
    again: HeldAgain,
    pub per_user: SeatsPerUser,
}

/// A place in line as the journal tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    Waiting,
    Progress,
    /// "done", or the reason of an expiry.
    Ended(String),
}

impl Replay {
    pub fn new(concert: ConcertId) -> Self {
        Self {
            concert,
            next_seq: 0,
            taken: HashMap::new(),
            line: Vec::new(),
            schedules: HashMap::new(),
            again: HeldAgain::default(),
            per_user: SeatsPerUser::default(),
        }
    }

    /// Rows come in the order of their numbers.
    pub fn row(&mut self, seq: u64, at: Timestamp, events: &str, findings: &mut Findings) {
        let sale = sale_name(self.concert);
        findings.check(seq == self.next_seq, || {
            format!("{sale}: the journal has row {seq} where row {} should be", self.next_seq)
        });
        self.next_seq = seq + 1;
        match journal::decode(events) {
            Ok(entries) => {
                for entry in entries {
                    if let Err(why) = self.play(seq, at, entry) {
                        findings.fault(format!("{sale}: journal row {seq}: {why}"));
                    }
                }
            }
            Err(error) => findings.fault(format!("{sale}: journal row {seq}: {error}")),
        }
    }

    fn play(&mut self, seq: u64, at: Timestamp, entry: Entry) -> Result<(), String> {
        match entry {
            Entry::New { schedules } if seq == 0 => self.schedules = schedules.into_iter().collect(),
            Entry::New { .. } => return Err("the concert begins in the middle of its journal".to_owned()),
            Entry::Claim { .. } | Entry::Void => {}
            Entry::Set { before, after } => {
                self.again.set(&before, &after);
                self.per_user.set(&before, &after);
            }
            Entry::Join { entry, user } => {
                let next = self.line.len() as u64;
                self.line.push((user, Standing::Waiting));
                if entry.0 != next {
                    return Err(format!("entry {entry} joins where {next} is next"));
                }
            }
            Entry::Admit { entry, user, .. } => {
                self.step(entry.0, user, &[Standing::Waiting], Standing::Progress)?;
            }
            Entry::End { entry, user, why } => {
                self.step(entry.0, user, &[Standing::Waiting, Standing::Progress], Standing::Ended(why))?;
            }
            Entry::Seats(change) => {
                self.again.change(at, &change);
                self.per_user.change(seq, at, &change);
                return self.change(&change);
            }
        }
        Ok(())
    }

    fn step(&mut self, entry: u64, user: UserId, from: &[Standing], to: Standing) -> Result<(), String> {
        let place = usize::try_from(entry).ok().and_then(|entry| self.line.get_mut(entry));
        let Some(place) = place else { return Err(format!("entry {entry} was never told to have joined")) };
        let fits = place.0 == user && from.contains(&place.1);
        let before = std::mem::replace(&mut place.1, to);
        if fits { Ok(()) } else { Err(format!("entry {entry} of user {} was {before:?} before", place.0)) }
    }

    fn change(&mut self, change: &SeatsEntry) -> Result<(), String> {
        let id = change.reservation;
        let held = Some((SeatStatus::TempReserved, id));
        let sold = Some((SeatStatus::Reserved, id));
        let (from, to) = match change.change {
            SeatsChange::Hold { .. } | SeatsChange::Add => (None, held),
            SeatsChange::Release | SeatsChange::Lapse { .. } => (held, None),
            SeatsChange::Pay { .. } => (held, sold),
            SeatsChange::Refund { .. } => (sold, None),
        };
        let mut wrong = None;
        for &seat in &change.seats {
            let key = (change.schedule, seat);
            if self.schedules.get(&change.schedule).is_none_or(|&seats| seat.0 >= seats) {
                wrong = Some(format!("{} does not exist", seat_name(key)));
            }
            let before = match to {
                Some(state) => self.taken.insert(key, state),
                None => self.taken.remove(&key),
            };
            if before != from {
                let expected = told(from);
                wrong = Some(format!("{} was {} instead of {expected}", seat_name(key), told(before)));
            }
        }
        wrong.map_or(Ok(()), Err)
    }

    /// What became of a seat.
    pub fn seat(&self, seat: (ScheduleId, SeatId)) -> Option<(SeatStatus, ReservationId)> {
        self.taken.get(&seat).copied()
    }

    pub fn place(&self, entry: u64) -> Option<&(UserId, Standing)> {
        self.line.get(usize::try_from(entry).ok()?)
    }

    /// How many places in line were given.
    pub fn places(&self) -> u64 {
        self.line.len() as u64
    }

    pub fn again(&self) -> &HeldAgain {
        &self.again
    }

    pub fn rows(&self) -> u64 {
        self.next_seq
    }

    pub fn schedules(&self) -> &HashMap<ScheduleId, u32> {
        &self.schedules
    }
}

/// A seat's state in words.
pub fn told(state: Option<(SeatStatus, ReservationId)>) -> String {
    match state {
        None | Some((SeatStatus::Available, _)) => "free".to_owned(),
        Some((SeatStatus::TempReserved, id)) => format!("held by reservation {id}"),
        Some((SeatStatus::Reserved, id)) => format!("sold to reservation {id}"),
    }
}
