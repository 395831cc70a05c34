//! The end of a run: the world heals, and then everything has to be whole again, and still be there after a restart.

use std::time::Duration;

use frontrow::domain::command::Command;
use frontrow::domain::ids::{ConcertId, SeatId};
use frontrow::domain::membership::CLOCK_OFF_MAX;
use frontrow::domain::record::{ScheduleState, TokenStatus};
use frontrow::fanout::SeatCounts;
use frontrow::limits::FORWARDED_PATIENCE;
use frontrow_testing::net;
use frontrow_testing::simulated::Weather;

use crate::device::{What, seat_now};
use crate::model::SeatNow;
use crate::processes::Phase;
use crate::world::{START, World};

/// The time that a healed world has to become whole: some backoffs, leases and hung calls.
const HEALING: Duration = Duration::from_secs(30);
/// The time in which a healthy process finds and mends what differs: until a deadline counts as missed, the pause
/// between two sweeps, and some more.
const SWEEPING: Duration = Duration::from_secs(25);
/// Deadlines fire within this time of theirs.
const LATE_MAX: Duration = Duration::from_millis(100);

impl World {
    /// Nothing new happens, but what has begun goes on.
    pub async fn heal(&mut self) {
        self.database.set_weather(Weather::CALM);
        self.net.set_weather(net::Weather::CALM);
        self.net.mend();
        self.note(|| "the weather clears up".to_owned());
        self.is_healed = true;
        for node in &mut self.nodes {
            // Somebody has set the clocks that were much too wrong.
            let off = node.clock.machine().as_millis() - self.clock.utc().as_millis();
            if off.unsigned_abs() > u64::try_from(CLOCK_OFF_MAX.as_millis()).unwrap_or(u64::MAX) {
                node.clock.set_by(-off);
            }
            if let Phase::Standing { until, .. } = &mut node.phase {
                *until = START;
            }
        }
        for index in 0..self.nodes.len() {
            self.let_tables_stand(index, None);
        }
        for node in self.nodes.iter().filter_map(|node| node.dispatcher()) {
            self.database.wish_drain(node.cluster().node(), false);
        }
        self.recover(HEALING).await;
        // A sweep finds in time whatever is wrong with the rows now.
        self.plant();
        self.recover(SWEEPING).await;
    }

    async fn recover(&mut self, time: Duration) {
        let end = self.clock.utc() + time;
        while self.clock.utc() < end {
            self.go_on().await;
            self.pass(Duration::from_millis(1_000)).await;
        }
    }

    /// Everything that was asked is answered, every copy shows what is kept, and nobody is stuck.
    pub fn prove_whole(&self) {
        for node in &self.nodes {
            assert!(!matches!(node.phase, Phase::Starting(_) | Phase::Stopping { .. }), "a process hangs");
        }
        for (concert, model) in &self.models {
            let up: Vec<_> = self.nodes.iter().filter(|node| node.dispatcher().is_some()).collect();
            let mut running = 0;
            for node in &up {
                let dispatcher = node.dispatcher().expect("it is up");
                assert_eq!(dispatcher.missing(), Vec::<String>::new());
                let view = node.fanout.sale(*concert).expect("each process shows each sale");
                running += usize::from(!view.is_copy());
                assert_eq!(view.seq() as usize + 1, model.rows, "the place of a copy in the journal");
                assert_eq!(view.waiting(), model.waiting());
                assert_eq!(view.settings(), model.settings);
                for topic in view.topics() {
                    let schedule = topic.schedule().id;
                    let mut counts = SeatCounts::default();
                    for (_, now) in model.seats_of(schedule) {
                        match now {
                            SeatNow::Free => counts.available += 1,
                            SeatNow::Held => counts.held += 1,
                            SeatNow::Sold => counts.sold += 1,
                            SeatNow::Restricted => counts.restricted += 1,
                        }
                    }
                    assert_eq!(topic.counts(), counts, "seats of {schedule}");
                }
                for token in model.tokens.values().filter(|token| token.status == TokenStatus::Waiting) {
                    assert!(view.is_waiting(token.entry), "{token:?} waits");
                }
            }
            assert_eq!(running, 1, "one process runs sale {concert}");
            self.prove_kept(*concert);
            let utc = self.clock.utc();
            assert!(!model.may_admit(utc, true), "somebody should be let in to sale {concert}");
            let late = utc - self.database.outages(*concert) - LATE_MAX;
            for held in model.held() {
                assert!(held.expires_at > late, "{held:?} is overdue");
                let begun = utc - LATE_MAX;
                assert!(
                    model.starts_at(held.schedule) > begun,
                    "{held:?} is of a performance that has begun"
                );
                assert!(
                    !model.is_called_off(held.schedule),
                    "{held:?} is of a performance that is called off"
                );
            }
            for visitor in model.visitors() {
                assert!(visitor.expires_at > Some(late), "{visitor:?} is overdue");
            }
        }
        self.prove_answered();
        for device in &self.devices {
            let Some(connection) = &device.connection else { continue };
            let model = &self.models[&device.concert];
            if self.nodes[connection.node].dispatcher().is_none() {
                continue;
            }
            for (schedule, watched) in &connection.watched {
                for (seat, state) in (0..).zip(&watched.seats) {
                    let now = model.seat(*schedule, SeatId(seat));
                    assert_eq!(seat_now(*state), now, "{} sees seat {seat} of {schedule}", device.user);
                }
            }
        }
    }

    /// The rows say what the journal says.
    fn prove_kept(&self, concert: ConcertId) {
        let model = &self.models[&concert];
        let kept = self.database.sale(concert).expect("the sale is kept");
        let live: Vec<_> = model.tokens.values().filter(|token| token.status.is_live()).cloned().collect();
        assert_eq!(kept.tokens, live);
        assert_eq!(kept.settings, model.settings);
        assert_eq!(kept.next_entry.0, model.tokens.len() as u64);
        assert!(kept.reservations.iter().eq(model.held()));
        for schedule in &kept.schedules {
            let of = schedule.schedule;
            assert_eq!(of.starts_at, model.starts_at(of.id), "{}", of.id);
            assert_eq!(of.state == ScheduleState::CalledOff, model.is_called_off(of.id), "{}", of.id);
            let taken = model.seats_of(schedule.schedule.id).filter(|(_, now)| *now != SeatNow::Free);
            assert!(schedule.taken.iter().map(|(seat, ..)| *seat).eq(taken.map(|(seat, _)| seat)));
        }
    }

    fn prove_answered(&self) {
        for device in &self.devices {
            assert!(device.asked.is_empty(), "{} still waits for {:?}", device.user, device.asked.keys());
        }
    }

    /// Stopped in good order and started again, the server has everything, and every fan goes on.
    pub async fn prove_restart(&mut self) {
        for index in 0..self.nodes.len() {
            if self.nodes[index].dispatcher().is_some() {
                self.stop(index);
            }
        }
        self.pass(Duration::from_secs(2)).await;
        assert_eq!(self.database.behind(), [], "nothing is behind once a healthy process has stopped");
        for node in &self.nodes {
            let hangs = matches!(&node.phase, Phase::Stopping { done, .. } if !done.is_finished());
            assert!(!hangs, "a healthy process stops at once");
        }
        for _ in 0..3 {
            self.go_on().await;
            self.pass(Duration::from_secs(1)).await;
        }
        for index in 0..self.devices.len() {
            let (Some(token), false) = (self.devices[index].token, self.devices[index].polls) else {
                continue;
            };
            self.connect(index);
            let connection = self.devices[index].connection.as_ref().expect("a process is up").id;
            self.ask(index, What::Sale(Command::Resume { token, connection: Some(connection) }));
        }
        // Who asks for a sale that nobody runs yet waits for it.
        self.pass(FORWARDED_PATIENCE + Duration::from_secs(1)).await;
        self.prove_answered();
        for concert in self.models.keys() {
            self.prove_kept(*concert);
        }
    }
}
