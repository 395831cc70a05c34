//! Ends of places in line and of holds: the last that a sale's rows have to be told of each, as what is paid goes on as an order.

use std::sync::Arc;

use crate::domain::event::Event;
use crate::domain::ids::{EntryNo, ReservationId};

/// An event that ends a place in line or a hold.
#[derive(Clone, Debug)]
pub struct End {
    events: Arc<Vec<Event>>,
    nr: usize,
}

/// What events are about until it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ends {
    Token(EntryNo),
    /// It is given back, runs out or is paid.
    Hold(ReservationId),
}

impl End {
    /// The ends that a row of the journal tells of.
    pub fn all_of(events: &Arc<Vec<Event>>) -> impl Iterator<Item = (Ends, Self)> {
        let end = |(nr, event)| Some((Ends::by(event)?, Self { events: events.clone(), nr }));
        events.iter().enumerate().filter_map(end)
    }

    pub fn event(&self) -> &Event {
        &self.events[self.nr]
    }
}

impl Ends {
    /// What this event ends.
    pub fn by(event: &Event) -> Option<Self> {
        match event {
            Event::TokenEnded(token) => Some(Self::Token(token.entry)),
            Event::ReservationEnded { reservation, .. } | Event::Paid { reservation, .. } => {
                Some(Self::Hold(reservation.id))
            }
            _ => None,
        }
    }

    /// What this event is about, if that had not ended before.
    pub fn of(event: &Event) -> Option<Self> {
        match event {
            Event::Joined(token) | Event::Admitted(token) | Event::TokenEnded(token) => {
                Some(Self::Token(token.entry))
            }
            Event::SeatsHeld { reservation, .. }
            | Event::SeatsReleased { reservation, .. }
            | Event::ReservationEnded { reservation, .. }
            | Event::Paid { reservation, .. } => Some(Self::Hold(reservation.id)),
            Event::SoldAtDesk(_)
            | Event::Refunded(_)
            | Event::SeatMoved(_)
            | Event::SeatsRestricted(_)
            | Event::SeatsUnrestricted(_)
            | Event::Described(_)
            | Event::Repriced(_)
            | Event::ScheduleAdded(_)
            | Event::Rescheduled(_)
            | Event::CalledOff(_)
            | Event::Archived(_)
            | Event::SettingsChanged { .. } => None,
        }
    }
}
