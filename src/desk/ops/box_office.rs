//! The box office's own sales: from an operator's call to the order and its tickets.
//!
//! Always: each call has a user of its own, made for its request, so that it may be sent again. Not here: whether the seats may be
//! sold, which the sale decides.

use frontrow_protocol::ops::box_office::{DeskOrder, DeskSource, DeskTicket, SellSeats};
use frontrow_protocol::{ErrorObject, SeatState, decode_seats};

use crate::desk::{Context, translate};
use crate::dispatcher::Refusal;
use crate::domain::actor::Actor;
use crate::domain::command::{Answer, Command, Rejection};
use crate::domain::ids::{ScheduleId, SeatId};
use crate::domain::record::{PaymentSource, Reservation};
use crate::fanout::SeatTopic;
use crate::limits::DESK_REQUEST_BYTES_MAX;
use crate::venue::VenueLayout;

impl Context {
    /// Sells seats to somebody at the desk, or gives them away.
    pub async fn sell_seats(
        &self,
        schedule: ScheduleId,
        asked: SellSeats,
        by: Actor,
    ) -> Result<DeskOrder, ErrorObject> {
        let view = self.woken_sale_of_schedule(schedule).await?;
        let topic = view.topic(schedule).ok_or_else(ErrorObject::schedule_not_found)?;
        let count = topic.layout().seat_count();
        // Nobody is made for seats that there are not.
        let unknown: Vec<u32> = asked.seats.iter().copied().filter(|seat| *seat as usize >= count).collect();
        if !unknown.is_empty() {
            return Err(ErrorObject::seat_not_found(unknown));
        }
        let (concert, name) = (view.id(), asked.name.as_deref().unwrap_or_default().trim());
        let request = asked.request_id.as_str();
        if request.len() > DESK_REQUEST_BYTES_MAX {
            let problem = format!("`request_id` has more than {DESK_REQUEST_BYTES_MAX} bytes");
            return Err(ErrorObject::invalid_params(Some("request_id"), &problem));
        }
        let user = self.store.user_at_desk(concert, request, name, self.clock.utc());
        let user = self.change(user).await?;
        let command = Command::SellAtDesk {
            user,
            schedule,
            seats: asked.seats.iter().copied().map(SeatId).collect(),
            source: match asked.source {
                DeskSource::Cash => PaymentSource::Cash,
                DeskSource::Card => PaymentSource::Card,
                DeskSource::Gift => PaymentSource::Gift,
            },
            amount: asked.amount,
            note: asked.note.map(String::into_boxed_str),
            by,
        };
        let (order, created) = match self.submit_and_wait(concert, command).await {
            Ok(Answer::SoldAtDesk { order, created }) => (order, created),
            Ok(_) => return Err(ErrorObject::internal()),
            Err(refusal) => {
                let error = translate::refusal(&refusal);
                return Err(match refusal {
                    Refusal::Rejected(Rejection::SeatTaken { seats }) => whose(error, &topic, &seats),
                    _ => error,
                });
            }
        };
        // A call that is sent again does not rename anybody.
        let name = self.read(self.store.user(user)).await?.map_or_else(String::new, |user| user.name);
        let (record, start) = (view.concert(), topic.schedule().starts_at);
        Ok(DeskOrder {
            tickets: tickets(topic.layout(), &order),
            order: translate::order(&self.fanout, &order).ok_or_else(ErrorObject::internal)?,
            created,
            name,
            title: record.title.clone(),
            venue: record.venue.clone(),
            starts_at: translate::time(start),
            time_zone: record.time_zone.clone(),
            currency: record.currency.clone(),
        })
    }
}

/// Adds who has each of the seats, as far as operators are told: a fan who has yet to pay, or somebody who bought it.
fn whose(mut error: ErrorObject, topic: &SeatTopic, seats: &[SeatId]) -> ErrorObject {
    let (labels, snapshot) = (&topic.layout().seats.label, topic.snapshot());
    let states = decode_seats(&snapshot.seats, snapshot.count).unwrap_or_default();
    let told = seats.iter().map(|seat| {
        let label = labels.get(seat.0 as usize).map_or("", String::as_str);
        match states.get(seat.0 as usize) {
            Some(SeatState::TempReserved) => format!("{label} is held by a fan"),
            Some(SeatState::Reserved) => format!("{label} is sold"),
            _ => format!("{label} was somebody's a moment ago"),
        }
    });
    error.message = told.collect::<Vec<_>>().join("; ").into();
    error
}

/// The valid ones, by seat.
fn tickets(layout: &VenueLayout, order: &Reservation) -> Vec<DeskTicket> {
    let valid = order.payment.iter().flat_map(|payment| &payment.tickets).filter(|ticket| ticket.is_valid());
    let mut tickets: Vec<_> = valid
        .map(|ticket| {
            let seat = ticket.seat.0 as usize;
            let category = &layout.categories[usize::from(layout.seats.category[seat])];
            DeskTicket {
                ticket_id: ticket.id.0,
                seat: ticket.seat.0,
                label: layout.seats.label[seat].clone(),
                category: category.name.clone(),
                price: ticket.price.unwrap_or(category.price),
                code: ticket.code.to_string(),
            }
        })
        .collect();
    tickets.sort_unstable_by_key(|ticket| ticket.seat);
    tickets
}
