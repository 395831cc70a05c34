//! Seats that the house keeps from sale: from what an operator selects to the commands of the sale.

use std::collections::HashMap;

use frontrow_protocol::ErrorObject;
use frontrow_protocol::ops::seats::{LeftSeat, RestrictSeats, RestrictedSeats, SeatSelection, Yes};

use crate::desk::{Context, translate};
use crate::domain::actor::Actor;
use crate::domain::command::{Answer, Command};
use crate::domain::ids::{ScheduleId, SeatId};
use crate::fanout::public_state;
use crate::limits;
use crate::venue::VenueLayout;

impl Context {
    /// Keeps the selected seats from sale, or gives them back to it, some at a time so that fans have their turn in between.
    pub async fn restrict_seats(
        &self,
        schedule: ScheduleId,
        change: &RestrictSeats,
        by: &Actor,
    ) -> Result<RestrictedSeats, ErrorObject> {
        let view = self.woken_sale_of_schedule(schedule).await?;
        let topic = view.topic(schedule).ok_or_else(ErrorObject::schedule_not_found)?;
        let layout = topic.layout();
        let selected = selected(layout, &change.select)?;
        let concert = view.id();
        let mut done =
            RestrictedSeats { schedule_id: schedule.0, changed: 0, left: 0, left_seats: Vec::new() };
        for seats in selected.chunks(limits::SEATS_PER_CHANGE_MAX) {
            let (seats, note, by) = (seats.to_vec(), change.note.as_deref().map(Box::from), by.clone());
            let command = match change.restrict {
                true => Command::Restrict { schedule, seats, note, by },
                false => Command::Unrestrict { schedule, seats, note, by },
            };
            match self.submit_and_wait(concert, command).await {
                Ok(Answer::Restricted { changed, left }) => {
                    done.changed += changed.len() as u32;
                    done.left += left.len() as u32;
                    let room = limits::LEFT_SEATS_LISTED_MAX - done.left_seats.len();
                    done.left_seats.extend(left.iter().take(room).map(|(seat, state)| LeftSeat {
                        seat: seat.0,
                        label: layout.seats.label[seat.0 as usize].clone(),
                        state: public_state(*state),
                    }));
                }
                Ok(_) => return Err(ErrorObject::internal()),
                Err(refusal) => return Err(came_so_far(translate::refusal(&refusal), done.changed)),
            }
        }
        Ok(done)
    }
}

/// What was changed before a refusal stays changed.
fn came_so_far(mut refusal: ErrorObject, changed: u32) -> ErrorObject {
    if changed > 0 {
        refusal.message = format!("{}; {changed} seats were changed before that", refusal.message).into();
    }
    refusal
}

/// The seats in ascending order, each once.
fn selected(layout: &VenueLayout, select: &SeatSelection) -> Result<Vec<SeatId>, ErrorObject> {
    let columns = &layout.seats;
    let those = |is: &dyn Fn(usize) -> bool| {
        (0..layout.seat_count()).filter(|seat| is(*seat)).map(|seat| SeatId(seat as u32)).collect()
    };
    let mut seats: Vec<SeatId> = match select {
        SeatSelection::Seats(seats) => seats.iter().copied().map(SeatId).collect(),
        SeatSelection::Labels(labels) => {
            let known: HashMap<&str, u32> = (0..).zip(&columns.label).map(|(n, l)| (l.as_str(), n)).collect();
            let find = |label: &String| {
                let seat = known.get(label.as_str()).copied().map(SeatId);
                seat.ok_or_else(|| unknown("labels", &format!("no seat is called {label:?}")))
            };
            labels.iter().map(find).collect::<Result<_, _>>()?
        }
        SeatSelection::Rows(rows) => {
            within("rows", rows, layout.rows.len())?;
            those(&|seat| rows.contains(&columns.row[seat]))
        }
        SeatSelection::Zones(zones) => {
            within("zones", zones, layout.zones.len())?;
            those(&|seat| zones.contains(&layout.rows[columns.row[seat] as usize].zone))
        }
        SeatSelection::Categories(names) => {
            let find = |name: &String| {
                let index = layout.categories.iter().position(|category| category.name == *name);
                index.ok_or_else(|| unknown("categories", &format!("there is no category {name:?}")))
            };
            let found = names.iter().map(find).collect::<Result<Vec<_>, _>>()?;
            those(&|seat| found.contains(&usize::from(columns.category[seat])))
        }
        SeatSelection::All(Yes) => those(&|_| true),
    };
    seats.sort_unstable();
    seats.dedup();
    match seats.is_empty() {
        true => Err(unknown("select", "no seat is selected")),
        false => Ok(seats),
    }
}

fn within(name: &str, indexes: &[u32], count: usize) -> Result<(), ErrorObject> {
    match indexes.iter().find(|index| **index as usize >= count) {
        Some(index) => Err(unknown(name, &format!("the layout has {count} {name}, and none is {index}"))),
        None => Ok(()),
    }
}

fn unknown(field: &str, problem: &str) -> ErrorObject {
    ErrorObject::invalid_params(Some(field), problem)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::venue::{self, ImportOptions, Shape};

    fn hall() -> VenueLayout {
        let hall = venue::generate(300, Shape::Hall).unwrap();
        let prices = venue::suggested_prices(&hall);
        venue::import(hall.to_string().as_bytes(), &prices, ImportOptions::default()).unwrap().layout
    }

    fn seats(layout: &VenueLayout, select: SeatSelection) -> Vec<u32> {
        selected(layout, &select).unwrap().into_iter().map(|seat| seat.0).collect()
    }

    #[test]
    fn each_way_of_selecting_gives_its_seats_once_and_in_their_order() {
        let layout = hall();
        let all = layout.seat_count() as u32;
        assert_eq!(seats(&layout, SeatSelection::Seats(vec![4, 2, 4])), [2, 4]);
        let labels = [7, 1].map(|seat: usize| layout.seats.label[seat].clone()).to_vec();
        assert_eq!(seats(&layout, SeatSelection::Labels(labels)), [1, 7]);
        let row = seats(&layout, SeatSelection::Rows(vec![1]));
        assert!(row.iter().all(|seat| layout.seats.row[*seat as usize] == 1) && !row.is_empty());
        assert_eq!(row.len(), layout.seats.row.iter().filter(|row| **row == 1).count());
        let zones = (0..layout.zones.len() as u32).collect();
        assert!(seats(&layout, SeatSelection::Zones(zones)).into_iter().eq(0..all));
        let names = layout.categories.iter().map(|category| category.name.clone()).collect();
        assert!(seats(&layout, SeatSelection::Categories(names)).into_iter().eq(0..all));
        assert!(seats(&layout, SeatSelection::All(Yes)).into_iter().eq(0..all));
    }

    #[test]
    fn what_the_layout_does_not_have_is_named() {
        let layout = hall();
        for (select, field) in [
            (SeatSelection::Labels(vec!["Z-999".into()]), "labels"),
            (SeatSelection::Rows(vec![0, layout.rows.len() as u32]), "rows"),
            (SeatSelection::Zones(vec![layout.zones.len() as u32]), "zones"),
            (SeatSelection::Categories(vec!["Royal".into()]), "categories"),
            (SeatSelection::Seats(Vec::new()), "select"),
        ] {
            let refused = selected(&layout, &select).unwrap_err();
            assert_eq!(refused.data.field.as_deref(), Some(field), "{refused}");
        }
    }
}
