//! The journal read from its first row: what it makes of a sale, and where it contradicts itself.

use std::collections::BTreeSet;

use super::again::HeldAgain;
use super::log::{Place, Told};
use super::per_user::SeatsPerUser;
use super::{Findings, sale_name};
use crate::domain::ids::ConcertId;
use crate::domain::time::Timestamp;
use crate::domain::token_secret::TokenSecret;
use crate::store::fold::FoldedSale;
use crate::store::journal::{self, Entry};

pub struct Replay {
    concert: ConcertId,
    next_seq: u64,
    sale: FoldedSale,
    again: HeldAgain,
    pub per_user: SeatsPerUser,
    pub told: Told,
    /// Events that the tables do not have, by an operator's word.
    left_out: BTreeSet<Place>,
}

impl Replay {
    pub fn new(concert: ConcertId, token_secret: Option<TokenSecret>) -> Self {
        Self {
            concert,
            next_seq: 0,
            sale: FoldedSale::new(concert, token_secret),
            again: HeldAgain::default(),
            per_user: SeatsPerUser::default(),
            told: Told::default(),
            left_out: BTreeSet::new(),
        }
    }

    /// The tables do not have this event, which is not read yet.
    pub fn leave_out(&mut self, place: Place) {
        self.left_out.insert(place);
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
                for (nr, entry) in (0..).zip(entries) {
                    self.told.event((seq, nr), at, &entry);
                    if self.left_out.contains(&(seq, nr)) {
                        self.sale.leave_out(&entry);
                        continue;
                    }
                    if let Err(why) = self.play(seq, at, &entry) {
                        findings.fault(format!("{sale}: journal row {seq}: {why}"));
                    }
                }
            }
            Err(error) => findings.fault(format!("{sale}: journal row {seq}: {error}")),
        }
    }

    fn play(&mut self, seq: u64, at: Timestamp, entry: &Entry) -> Result<(), String> {
        match entry {
            Entry::New { .. } if seq > 0 => {
                return Err("the concert begins in the middle of its journal".to_owned());
            }
            Entry::Set { before, after, .. } => {
                self.again.set(before, after);
                self.per_user.set(before, after);
            }
            Entry::Seats(change) => {
                self.again.change(at, change);
                self.per_user.change(seq, at, change);
            }
            _ => {}
        }
        self.sale.add(at, entry)
    }

    /// The sale as the journal makes it.
    pub fn sale(&self) -> &FoldedSale {
        &self.sale
    }

    pub fn again(&self) -> &HeldAgain {
        &self.again
    }

    pub fn rows(&self) -> u64 {
        self.next_seq
    }
}
