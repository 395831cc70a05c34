//! Everything that fans receive, and the proof that it is true: durable, no older than what they received before, and
//! for a refusal, right at some time since they asked.

use std::time::Duration;

use frontrow::dispatcher::{Refusal, Reply};
use frontrow::domain::command::{Answer, Command, Place, Rejection};
use frontrow::domain::ids::{ConcertId, QueueToken, ScheduleId, SeatId, UserId};
use frontrow::domain::record::{Reservation, ReservationStatus, TokenStatus};
use frontrow::fanout::Delivery;
use frontrow::limits::{RESERVATIONS_LISTED_MAX, TABLES_PATIENCE};
use frontrow::store::Reads;
use frontrow_protocol::push::SeatsUpdate;
use tokio::sync::oneshot;

use crate::device::{Asked, Device, What, seat_now, was};
use crate::fans::guest_of;
use crate::model::{Deed, SaleModel, SeatNow};
use crate::world::World;

/// A commit that a process left open at its end is done or not within this time.
const OPEN_COMMIT_MAX: Duration = Duration::from_secs(10);

impl World {
    pub fn listen(&mut self) {
        for index in 0..self.devices.len() {
            if self.devices[index].polls {
                self.listen_to_polls(index);
                continue;
            }
            let Some(connection) = &self.devices[index].connection else { continue };
            if !self.nodes[connection.node].answers() {
                continue;
            }
            let mut delivery = Delivery::default();
            connection.subscriber.take(&mut delivery);
            self.receive(index, delivery);
        }
    }

    /// Whoever was told of a reservation lists theirs, and does not find less.
    fn read_at_door(&mut self, device: usize, told: &Reservation) {
        let Some(connection) = &self.devices[device].connection else { return };
        let node = &self.nodes[connection.node];
        let Some(dispatcher) = node.dispatcher().cloned() else { return };
        let (store, told, less) = (node.store.handle(), told.clone(), self.read_less.clone());
        self.reads += 1;
        tokio::spawn(async move {
            let unapplied = tokio::time::timeout(TABLES_PATIENCE, dispatcher.unapplied_of(told.user));
            let Ok(Ok(unapplied)) = unapplied.await else { return };
            let Ok(rows) = store.reservations(told.user).await else { return };
            let rows = unapplied.over_reservations(rows, RESERVATIONS_LISTED_MAX as usize);
            let is_held = |row: &Reservation| row.status == ReservationStatus::TempReserved;
            let read = rows.iter().find(|row| row.id == told.id);
            if read.is_none_or(|read| is_held(read) && !is_held(&told)) {
                less.lock().push(format!("{} was told of {told:?} and read {read:?}", told.user));
            }
        });
    }

    fn listen_to_polls(&mut self, index: usize) {
        let device = &mut self.devices[index];
        let received: Vec<(u32, Reply)> = device
            .asked
            .iter_mut()
            .filter_map(|(tag, asked)| match asked.reply.as_mut()?.try_recv() {
                Ok(reply) => Some((*tag, reply)),
                Err(oneshot::error::TryRecvError::Empty) => None,
                Err(oneshot::error::TryRecvError::Closed) => Some((*tag, Err(Refusal::OutcomeUnknown))),
            })
            .collect();
        for (tag, reply) in received {
            self.answered(index, tag, reply);
        }
    }

    fn receive(&mut self, index: usize, mut delivery: Delivery) {
        // Registers of different things come in no order.
        delivery.reservations.sort_by_key(|reservation| reservation.id);
        let Device { user, concert, .. } = self.devices[index];
        for (tag, reply) in delivery.answers {
            let is_unknown = matches!(reply, Err(Refusal::OutcomeUnknown));
            self.answered(index, tag, reply);
            if is_unknown {
                // A session closes its connection then, and everything else on it is lost.
                return self.disconnect(index);
            }
        }
        for place in delivery.places {
            let at = self.devices[index].connection.as_ref().map(|connection| connection.id.to_string());
            self.note(|| format!("{user} receives {place:?} by {}", at.unwrap_or_default()));
            if place.record.concert == concert {
                self.received_place(index, &place, None);
            }
        }
        for reservation in delivery.reservations {
            self.note(|| format!("{user} receives {reservation:?}"));
            self.read_at_door(index, &reservation);
            let model = &self.models[&reservation.concert];
            if let Some(connection) = &mut self.devices[index].connection {
                connection.received_reservation(model, &reservation);
            }
        }
        for text in delivery.seats {
            self.note(|| format!("{user} sees {text:?}"));
            let mut push: serde_json::Value = serde_json::from_slice(&text).expect("a push is JSON");
            let update: SeatsUpdate =
                serde_json::from_value(push["params"].take()).expect("a push of seats has its params");
            self.saw(index, &update);
        }
        if delivery.superseded {
            self.disconnect(index);
        }
    }

    fn saw(&mut self, index: usize, update: &SeatsUpdate) {
        let model = &self.models[&self.devices[index].concert];
        let schedule = ScheduleId(update.schedule_id);
        for change in &update.changes {
            let so = |now: SeatNow| now == seat_now(change.state);
            assert!(
                model.was_seat(schedule, SeatId(change.seat), 0, so),
                "{change:?} of {schedule} never was"
            );
        }
        let Some(connection) = &mut self.devices[index].connection else { return };
        if connection.apply(update) {
            self.watch(index, schedule);
        }
    }

    pub fn answered(&mut self, index: usize, tag: u32, reply: Reply) {
        let Device { user, concert, .. } = self.devices[index];
        let at = self.devices[index].connection.as_ref().map(|connection| connection.id.to_string());
        self.note(|| format!("{user} is answered {tag}: {reply:?} by {}", at.unwrap_or_default()));
        let asked = self.devices[index].asked.remove(&tag).expect("every request is answered once");
        let fan = self.fans.get_mut(&user).expect("every device has its fan");
        fan.under_way -= 1;
        let lane = asked.lane(concert);
        if matches!(reply, Ok(_) | Err(Refusal::Rejected(_))) {
            fan.lay_ghosts(&asked, lane);
        }
        let walks =
            |node: usize| self.nodes[node].gone_at.is_none_or(|gone| asked.sent_at < gone + OPEN_COMMIT_MAX);
        let alone =
            asked.alone && asked.number == fan.requests && fan.under_way == 0 && !fan.is_haunted(lane, walks);
        if let What::Sale(command) = &asked.what
            && matches!(reply, Ok(_) | Err(Refusal::Rejected(_)))
            && is_activity(command)
        {
            let active_at = fan.active_at.entry(concert).or_insert(asked.sent_at);
            *active_at = asked.sent_at.max(*active_at);
        }
        match reply {
            Ok(answer) => self.accepted(index, &asked, &answer),
            Err(Refusal::Rejected(rejection)) => self.refused(index, &asked, &rejection),
            Err(Refusal::Unavailable { .. } | Refusal::Overloaded { .. }) => {
                if alone {
                    self.prove_undone(user, concert, &asked);
                }
            }
            Err(Refusal::RateLimited { .. }) => panic!("only the doors count what is too fast"),
            Err(Refusal::OutcomeUnknown) => {
                let fan = self.fans.get_mut(&user).expect("every device has its fan");
                fan.haunt(&asked, lane);
                self.unknown += 1;
            }
            Err(Refusal::Internal) => {
                assert!(self.refused > 0, "an invariant broke in the server");
                if alone {
                    self.prove_undone(user, concert, &asked);
                }
            }
        }
    }

    fn accepted(&mut self, index: usize, asked: &Asked, answer: &Answer) {
        let Device { user, concert, .. } = self.devices[index];
        let now = self.clock.utc();
        let model = &self.models[&concert];
        let fan = self.fans.get_mut(&user).expect("every device has its fan");
        let device = &mut self.devices[index];
        match answer {
            Answer::Queue { place, .. } => {
                device.token = Some(place.record.token);
                self.received_place(index, place, Some(asked));
            }
            Answer::Resumed { place, reservations } => {
                for reservation in reservations {
                    device.received_reservation(model, reservation);
                }
                self.received_place(index, place, Some(asked));
            }
            Answer::Reservation(reservation) => {
                if !fan.reservations.contains(&reservation.id) {
                    fan.reservations.push(reservation.id);
                }
                if let What::Sale(Command::Hold { seats, .. }) = &asked.what {
                    assert!(seats.iter().all(|seat| reservation.seats.contains(seat)), "all or none");
                }
                device.received_reservation(model, reservation);
            }
            Answer::Paid { payment, balance } => {
                assert!(model.was_paid(payment), "{payment:?} never was");
                self.received_balance(user, *balance);
            }
            Answer::Cancelled { reservation, balance } => {
                device.received_reservation(model, reservation);
                self.received_balance(user, *balance);
            }
            Answer::Charged(entry) => {
                let What::Charge { amount, request } = &asked.what else {
                    panic!("{:?} charged", asked.what)
                };
                assert_eq!((entry.amount_change, entry.request_id.as_ref()), (*amount, Some(request)));
                assert!(self.database.ledger(user).contains(entry), "received {entry:?}, which is not kept");
            }
            Answer::Figures(_)
            | Answer::Restricted { .. }
            | Answer::Refunded { .. }
            | Answer::SoldAtDesk { .. }
            | Answer::Moved(_)
            | Answer::Done => {}
        }
        let Device { connection, .. } = &mut self.devices[index];
        if let Some(connection) = connection
            && let What::Sale(
                Command::Join { connection: Some(_), .. } | Command::Resume { connection: Some(_), .. },
            ) = &asked.what
        {
            connection.known_since.get_or_insert(now);
        }
    }

    fn received_place(&mut self, index: usize, place: &Place, asked: Option<&Asked>) {
        let device = &mut self.devices[index];
        let model = &self.models[&device.concert];
        let entry = place.record.entry;
        match &mut device.connection {
            Some(connection) => {
                // The seats are shown to who is admitted by this token; another one has to watch anew.
                if connection.is_new(entry) || matches!(place.record.status, TokenStatus::Expired(_)) {
                    connection.watched.clear();
                }
                connection.received_token(model, &place.record);
            }
            None => assert!(
                model.token_version(&place.record).is_some(),
                "received what never was: {:?}",
                place.record
            ),
        }
        assert_eq!(place.line.is_some(), place.record.status == TokenStatus::Waiting);
        let Some(line) = place.line else { return };
        let best = model.position(entry);
        let before = asked.and_then(|asked| asked.position).filter(|(of, _)| *of == entry);
        let worst = before.map_or(u64::MAX, |(_, position)| position);
        assert!(
            (best..=worst.max(best)).contains(&line.position),
            "{line:?} is not within {best} and {worst}"
        );
        if let Some(connection) = &mut device.connection {
            connection.received_position(entry, line.position);
        }
    }

    fn received_balance(&self, user: UserId, balance: i64) {
        let was = self.database.ledger(user).iter().any(|entry| entry.balance == balance) || balance == 0;
        assert!(was, "{user} never had {balance}");
    }

    /// A refusal was right at some time since it was asked for.
    fn refused(&self, index: usize, asked: &Asked, rejection: &Rejection) {
        let Device { user, concert, .. } = self.devices[index];
        let (model, since) = (&self.models[&concert], asked.sent);
        // The record of the user's newest token, or of the one that the session carries.
        let carried = match &asked.what {
            What::Sale(command) => carried_by(command).and_then(|token| model.token(token)),
            What::Charge { .. } => None,
        };
        let was = |so: &dyn Fn(Option<TokenStatus>) -> bool| {
            model.was_token(user, since, so) || carried.is_some_and(|token| so(Some(token.status)))
        };
        let right = match (rejection, &asked.what) {
            (Rejection::SeatTaken { seats }, What::Sale(Command::Hold { schedule, .. })) => {
                let is_taken = |now| matches!(now, SeatNow::Held | SeatNow::Sold);
                seats.iter().all(|seat| model.was_seat(*schedule, *seat, since, is_taken))
            }
            (Rejection::SeatRestricted { seats }, What::Sale(Command::Hold { schedule, .. })) => {
                let is_kept = |now| now == SeatNow::Restricted;
                seats.iter().all(|seat| model.was_seat(*schedule, *seat, since, is_kept))
            }
            (Rejection::Waiting, _) => was(&|status| status == Some(TokenStatus::Waiting)),
            (Rejection::TokenDone, _) => was(&|status| status == Some(TokenStatus::Done)),
            (Rejection::TokenExpired(Some(reason)), _) => {
                was(&|status| status == Some(TokenStatus::Expired(*reason)))
            }
            (Rejection::TokenExpired(None), _) => was(&|status| status == Some(TokenStatus::Progress)),
            (Rejection::NotInQueue, _) => was(&|status| status.is_none()),
            (Rejection::SaleNotOpen { .. } | Rejection::SalePaused | Rejection::SaleClosed, _) => true,
            // Every house of a simulation is in the wallets' currency.
            (Rejection::OtherCurrency, _) => false,
            (Rejection::NoSeatsAvailable | Rejection::ScheduleNotFound | Rejection::CancelTooLate, _) => true,
            (Rejection::HoldAgainLater { seats, retry_at }, What::Sale(command)) => {
                *retry_at > asked.sent_at && model.has_let_run_out(user, seats, command)
            }
            (
                Rejection::PerformanceCalledOff,
                What::Sale(Command::Hold { schedule, .. } | Command::HoldBest { schedule, .. }),
            ) => model.is_called_off(*schedule),
            (
                Rejection::PerformanceCalledOff,
                What::Sale(Command::Pay { reservation, .. } | Command::Cancel { reservation, .. }),
            ) => model.is_called_off(model.reservations[reservation].schedule),
            (Rejection::GuestSeats { .. }, _) => guest_of(user).is_some(),
            (Rejection::PurchaseLimit { max }, What::Sale(Command::Hold { seats, .. })) => {
                model.was_at_limit(user, since, seats.len(), *max)
            }
            (Rejection::PurchaseLimit { max }, What::Sale(Command::HoldBest { count, .. })) => {
                model.was_at_limit(user, since, *count as usize, *max)
            }
            (Rejection::LedgerFull { max, until }, What::Charge { .. } | What::Sale(Command::Pay { .. })) => {
                let day = *until - Duration::from_secs(24 * 60 * 60);
                let today = self.database.ledger(user).iter().filter(|entry| entry.at >= day).count();
                *max == self.ledger_max && today as u64 >= u64::from(*max)
            }
            (
                Rejection::HoldLimit { .. }
                | Rejection::ReservationInvalid { .. }
                | Rejection::RequestIdReused,
                _,
            ) => true,
            (Rejection::InsufficientBalance { balance, required }, What::Sale(Command::Pay { .. })) => {
                self.received_balance(user, *balance);
                balance < required
            }
            _ => false,
        };
        assert!(right, "{:?} was refused with {rejection:?}", asked.what);
    }

    /// A command that was answered with `UNAVAILABLE` has not happened.
    fn prove_undone(&self, user: UserId, concert: ConcertId, asked: &Asked) {
        let (model, since) = (&self.models[&concert], asked.sent);
        let done = match &asked.what {
            What::Charge { request, .. } => {
                // One that was tried before may have been kept then.
                let charge = self.fans[&user].charges.iter().find(|charge| charge.request == *request);
                let ledger = self.database.ledger(user);
                let kept = || ledger.iter().any(|entry| entry.request_id.as_ref() == Some(request));
                charge.is_some_and(|charge| charge.tries == 1) && kept()
            }
            What::Sale(command) => match command {
                Command::Join { .. } => model.did(user, since, Deed::Joined),
                Command::Leave { .. } => model.did(user, since, Deed::Left),
                Command::Hold { .. } | Command::HoldBest { .. } => model.did(user, since, Deed::Held),
                Command::Release { .. } => model.did(user, since, Deed::Released),
                Command::Pay { .. } => model.did(user, since, Deed::Paid),
                Command::Cancel { .. } => model.did(user, since, Deed::Refunded),
                _ => false,
            },
        };
        assert!(!done, "{:?} was answered as if it had not happened", asked.what);
    }
}

impl Device {
    fn received_reservation(&mut self, model: &SaleModel, reservation: &Reservation) {
        match &mut self.connection {
            Some(connection) => connection.received_reservation(model, reservation),
            None => assert!(was(model, reservation), "received what never was: {reservation:?}"),
        }
    }
}

fn carried_by(command: &Command) -> Option<QueueToken> {
    match command {
        Command::Get { caller, .. }
        | Command::Extend { caller }
        | Command::Leave { caller }
        | Command::Hold { caller, .. }
        | Command::HoldBest { caller, .. }
        | Command::Release { caller, .. }
        | Command::Pay { caller, .. }
        | Command::Cancel { caller, .. } => caller.token,
        _ => None,
    }
}

fn is_activity(command: &Command) -> bool {
    matches!(
        command,
        Command::Join { .. }
            | Command::Extend { .. }
            | Command::Hold { .. }
            | Command::HoldBest { .. }
            | Command::Release { .. }
            | Command::Pay { .. }
            | Command::Cancel { .. }
    )
}
