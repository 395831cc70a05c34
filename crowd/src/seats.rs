//! The seats of a schedule as the fans of one worker see them: a snapshot, then deltas. The fans share a model, because
//! all of them get the same frames; each keeps the version that it has itself, and so notices a gap of its own.

use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use frontrow_protocol::push::SeatsUpdate;
use frontrow_protocol::{SeatChange, SeatState};
use rand::{Rng, RngExt};

/// A model that deltas keep fresh needs no snapshot; one that received nothing for this long takes the next one.
const FRESH_FOR: Duration = Duration::from_millis(50);

pub struct SeatModel {
    schedule: u64,
    version: u64,
    states: Vec<SeatState>,
    /// The free seats in no order, and where each seat is among them.
    free: Vec<u32>,
    place_in_free: Vec<u32>,
    changed: Instant,
    /// The delta that was read last: many fans bring the same one.
    last_text: Vec<u8>,
    last: SeatsUpdate,
}

/// The meaning of a delta to one fan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Applied {
    pub from: u64,
    pub version: u64,
}

const NOT_FREE: u32 = u32::MAX;

impl SeatModel {
    pub fn new(schedule: u64) -> Self {
        let last = SeatsUpdate { schedule_id: 0, from: 0, version: 0, changes: Vec::new(), available: 0 };
        Self {
            schedule,
            version: 0,
            states: Vec::new(),
            free: Vec::new(),
            place_in_free: Vec::new(),
            changed: Instant::now(),
            last_text: Vec::new(),
            last,
        }
    }

    /// Takes over a snapshot, unless deltas keep the model fresh. `packed`: two bits a seat, base64.
    pub fn take_snapshot(&mut self, version: u64, packed: &str, count: usize) -> Result<(), String> {
        if !self.states.is_empty() && self.changed.elapsed() < FRESH_FOR {
            return Ok(());
        }
        self.renew(version, packed, count)
    }

    /// Takes over a snapshot that is newer: deltas that a fan missed may have gone by.
    pub fn renew(&mut self, version: u64, packed: &str, count: usize) -> Result<(), String> {
        if !self.states.is_empty() && version <= self.version {
            return Ok(());
        }
        let bytes =
            STANDARD.decode(packed).map_err(|error| format!("a snapshot that is no base64: {error}"))?;
        if bytes.len() != count.div_ceil(4) {
            return Err(format!("a snapshot of {count} seats in {} bytes", bytes.len()));
        }
        let state = |seat: usize| SeatState::from_number(bytes[seat / 4] >> (2 * (seat % 4)) & 3);
        let states: Option<Vec<_>> = (0..count).map(state).collect();
        self.states = states.ok_or("a snapshot with a state that does not exist")?;
        self.place_in_free = vec![NOT_FREE; count];
        self.free.clear();
        for seat in 0..count {
            if self.states[seat] == SeatState::Available {
                self.place_in_free[seat] = self.free.len() as u32;
                self.free.push(seat as u32);
            }
        }
        self.version = version;
        self.changed = Instant::now();
        Ok(())
    }

    /// Reads the params of a `seats.update`; applies it if it leads on from what the model has.
    pub fn take_delta(&mut self, params: &[u8]) -> Result<Applied, serde_json::Error> {
        if self.last_text != params {
            self.last = serde_json::from_slice(params)?;
            self.last_text.clear();
            self.last_text.extend_from_slice(params);
            let leads_on = self.last.from <= self.version && self.version < self.last.version;
            if leads_on && self.last.schedule_id == self.schedule {
                self.version = self.last.version;
                self.changed = Instant::now();
                let changes = std::mem::take(&mut self.last.changes);
                changes.iter().for_each(|change| self.set(*change));
                self.last.changes = changes;
            }
        }
        Ok(Applied { from: self.last.from, version: self.last.version })
    }

    /// The changes of the delta that was read last.
    pub fn last_changes(&self) -> &[SeatChange] {
        &self.last.changes
    }

    pub fn schedule_of_last(&self) -> u64 {
        self.last.schedule_id
    }

    pub fn version(&self) -> u64 {
        self.version
    }

    pub fn states(&self) -> &[SeatState] {
        &self.states
    }

    /// Any free seat.
    pub fn pick_uniform(&self, rng: &mut impl Rng) -> Option<u32> {
        (!self.free.is_empty()).then(|| self.free[rng.random_range(0..self.free.len())])
    }

    /// One of the free seats among the first `popular` of the plan, or any if none of them is.
    pub fn pick_popular(&self, popular: usize, rng: &mut impl Rng) -> Option<u32> {
        let first = popular.min(self.states.len());
        let begin = if first == 0 { 0 } else { rng.random_range(0..first) };
        let order = (begin..first).chain(0..begin);
        let mut free = order.filter(|seat| self.states[*seat] == SeatState::Available);
        free.next().map(|seat| seat as u32).or_else(|| self.pick_uniform(rng))
    }

    fn set(&mut self, change: SeatChange) {
        let seat = change.seat as usize;
        let Some(state) = self.states.get_mut(seat) else { return };
        *state = change.state;
        let place = self.place_in_free[seat];
        match (change.state == SeatState::Available, place != NOT_FREE) {
            (true, false) => {
                self.place_in_free[seat] = self.free.len() as u32;
                self.free.push(change.seat);
            }
            (false, true) => {
                self.free.swap_remove(place as usize);
                if let Some(moved) = self.free.get(place as usize) {
                    self.place_in_free[*moved as usize] = place;
                }
                self.place_in_free[seat] = NOT_FREE;
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use frontrow_protocol::encode_seats;
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    fn model(states: &[SeatState], version: u64) -> SeatModel {
        let mut model = SeatModel::new(7);
        model.take_snapshot(version, &encode_seats(states.iter().copied()), states.len()).unwrap();
        model
    }

    fn delta(from: u64, version: u64, changes: &str) -> Vec<u8> {
        format!(r#"{{"schedule_id":7,"from":{from},"version":{version},"changes":{changes},"available":0}}"#)
            .into_bytes()
    }

    #[test]
    fn deltas_lead_on_from_a_snapshot() {
        use SeatState::{Available, Reserved, TempReserved};
        let mut model = model(&[Available, Available, Reserved, Available, Available], 3);
        model.take_delta(&delta(3, 5, "[[0,1],[2,0],[4,2]]")).unwrap();
        assert_eq!(model.states(), [TempReserved, Available, Available, Available, Reserved]);
        assert_eq!((model.free.len(), model.version()), (3, 5));
        let again = model.take_delta(&delta(3, 5, "[[0,1],[2,0],[4,2]]")).unwrap();
        assert_eq!(again, Applied { from: 3, version: 5 });
        model.take_delta(&delta(6, 7, "[[1,2]]")).unwrap();
        assert_eq!(model.version(), 5, "a delta from the future changes nothing");
        model.take_delta(&delta(4, 5, "[[1,2]]")).unwrap();
        assert_eq!(model.states()[1], Available, "nor does one of the past");
        assert_eq!((model.schedule_of_last(), model.last_changes().len()), (7, 1));
    }

    #[test]
    fn only_free_seats_are_picked() {
        use SeatState::{Available, Reserved};
        let mut states = vec![Reserved; 50];
        states[31] = Available;
        states[44] = Available;
        let mut model = model(&states, 1);
        let mut rng = StdRng::seed_from_u64(1);
        for _ in 0..100 {
            assert!([31, 44].contains(&model.pick_uniform(&mut rng).unwrap()));
            assert_eq!(model.pick_popular(40, &mut rng), Some(31));
            assert!([31, 44].contains(&model.pick_popular(10, &mut rng).unwrap()));
        }
        model.take_delta(&delta(1, 2, "[[31,1],[44,1]]")).unwrap();
        assert_eq!((model.pick_uniform(&mut rng), model.pick_popular(40, &mut rng)), (None, None));
    }

    #[test]
    fn a_snapshot_that_cannot_be_is_refused() {
        let mut model = SeatModel::new(7);
        assert!(model.take_snapshot(1, "AAAA", 13).is_err());
        assert!(model.take_snapshot(1, "A", 4).is_err());
        assert!(model.take_snapshot(1, "AAA=", 4).is_err());
        // Every pair of bits is a state: four seats that the house keeps.
        assert!(model.take_snapshot(1, "/w==", 4).is_ok());
    }
}
