//! Fans and operators: they connect, ask, poll, lose their connection. Loosely at random, so that most of it means
//! something and some of it does not.

use std::collections::BTreeMap;
use std::time::Duration;

use frontrow::dispatcher::{Refusal, ReplyTo};
use frontrow::domain::actor::Actor;
use frontrow::domain::command::{Caller, Command, Rejection};
use frontrow::domain::concert::TextsPatch;
use frontrow::domain::event::RefundWhy;
use frontrow::domain::ids::{AddressBlock, ConcertId, ReservationId, ScheduleId, SeatId, UserId};
use frontrow::domain::record::{PaymentSource, SaleState, TokenStatus};
use frontrow::domain::rules::{OwnRulesPatch, SalePatch};
use frontrow::domain::time::Timestamp;
use frontrow::fanout::Subscriber;
use rand::RngExt;
use rand::rngs::StdRng;
use tokio::sync::oneshot;

use crate::device::{Asked, Connection, Device, What};
use crate::model::SeatNow;
use crate::processes::Node;
use crate::world::World;

/// The users who are made for orders of the box office begin behind all fans.
const DESK_USERS: u64 = 1_000_000;
const CONNECTIONS_PER_USER_MAX: usize = 5;
const REQUESTS_IN_FLIGHT_MAX: usize = 3;

/// The state that all devices of a user share.
#[derive(Default)]
pub struct Fan {
    /// Requests made so far, and those under way.
    pub requests: u64,
    pub under_way: u64,
    pub ghosts: Vec<Ghost>,
    /// The last request that the server answered and that counts as activity: when it was sent.
    pub active_at: BTreeMap<ConcertId, Timestamp>,
    pub charges: Vec<Charge>,
    pub reservations: Vec<ReservationId>,
    pub best_requests: u32,
}

/// A request that nobody waits for any more, and that may still be done.
pub struct Ghost {
    node: usize,
    lane: Option<ConcertId>,
    /// The state as of the last request before it was given up.
    number: u64,
}

impl Fan {
    /// A later request to the lane was answered by it: the ghosts before are done or will never be.
    pub fn lay_ghosts(&mut self, asked: &Asked, lane: Option<ConcertId>) {
        self.ghosts
            .retain(|ghost| (ghost.node, ghost.lane) != (asked.node, lane) || ghost.number >= asked.number);
    }

    /// Nobody knows what became of this request.
    pub fn haunt(&mut self, asked: &Asked, lane: Option<ConcertId>) {
        self.ghosts.push(Ghost { node: asked.node, lane, number: self.requests });
    }

    /// Does a ghost of this lane go about in one of those processes?
    pub fn is_haunted(&self, lane: Option<ConcertId>, walks: impl Fn(usize) -> bool) -> bool {
        self.ghosts.iter().any(|ghost| ghost.lane == lane && walks(ghost.node))
    }
}

pub struct Charge {
    pub request: Box<str>,
    pub amount: i64,
    pub tries: u32,
}

/// Every other fan is a guest, and all guests are of one address.
pub fn guest_of(user: UserId) -> Option<AddressBlock> {
    user.0.is_multiple_of(2).then_some(AddressBlock(1))
}

impl World {
    pub fn act(&mut self, index: usize) {
        if self.devices[index].polls {
            return self.poll(index);
        }
        if self.devices[index].connection.is_none() {
            if self.rng.random_bool(0.6) {
                self.connect(index);
            }
            return;
        }
        if self.rng.random_bool(0.05) {
            return self.disconnect(index);
        }
        self.request(index);
    }

    pub fn connect(&mut self, index: usize) {
        let up: Vec<usize> =
            (0..self.nodes.len()).filter(|n| self.nodes[*n].dispatcher().is_some()).collect();
        if up.is_empty() {
            return;
        }
        let node = up[self.rng.random_range(0..up.len())];
        let id = self.nodes[node].next_connection();
        let subscriber = Subscriber::new(id);
        let Device { user, concert, token, .. } = self.devices[index];
        let fanout = self.nodes[node].fanout.clone();
        if let Some(oldest) = fanout.connect(user, &subscriber, CONNECTIONS_PER_USER_MAX) {
            oldest.supersede();
        }
        if let Some(dispatcher) = self.nodes[node].dispatcher() {
            for other in fanout.visited_sales().into_iter().filter(|other| *other != concert) {
                dispatcher.connect(other, user, &subscriber);
            }
        }
        self.devices[index].connection = Some(Connection::new(id, node, subscriber));
        let command = match token {
            Some(token) if self.rng.random_bool(0.8) => Command::Resume { token, connection: Some(id) },
            _ => Command::Join { user, connection: Some(id) },
        };
        self.ask(index, What::Sale(command));
    }

    pub fn disconnect(&mut self, index: usize) {
        let Device { user, concert, .. } = self.devices[index];
        let Some(connection) = self.devices[index].connection.take() else { return };
        self.note(|| format!("{user} disconnects {}", connection.id));
        self.forget_asked(index, connection.node);
        let node = &self.nodes[connection.node];
        connection.subscriber.close();
        node.fanout.disconnect(user, connection.id);
        if let Some(dispatcher) = node.dispatcher() {
            let mut sales = node.fanout.visited_sales();
            sales.push(concert);
            sales.sort_unstable();
            sales.dedup();
            sales.into_iter().for_each(|sale| dispatcher.disconnect(sale, user, connection.id));
        }
    }

    fn poll(&mut self, index: usize) {
        let Device { user, token, .. } = self.devices[index];
        let command = match token {
            None => Command::Join { user, connection: None },
            Some(_) if self.rng.random_bool(0.1) => Command::Join { user, connection: None },
            Some(_) if self.rng.random_bool(0.5) => return self.request(index),
            Some(_) => {
                Command::Get { caller: Caller { user, token, guest_of: guest_of(user) }, polled: true }
            }
        };
        self.ask(index, What::Sale(command));
    }

    fn request(&mut self, index: usize) {
        let Device { user, concert, token, ref connection, .. } = self.devices[index];
        let connection = connection.as_ref().map(|connection| connection.id);
        let rng = &mut self.rng;
        let caller = Caller { user, token, guest_of: guest_of(user) };
        let schedules: Vec<_> = self.models[&concert].schedules().collect();
        let (schedule, seats) = schedules[rng.random_range(0..schedules.len())];
        let fan = self.fans.get_mut(&user).expect("every device has its fan");
        let known = |rng: &mut StdRng, fan: &Fan| {
            // The last ones are the likeliest to be still held.
            let back = rng.random_range(0..3);
            let here: Vec<_> = fan.reservations.iter().filter(|id| id.concert() == Some(concert)).collect();
            here.iter().rev().nth(back).or(here.last()).map(|id| **id)
        };
        let what = match rng.random_range(0..100) {
            0..10 => What::Sale(Command::Join { user, connection }),
            10..16 => What::Sale(Command::Get { caller, polled: connection.is_none() }),
            16..20 => What::Sale(Command::Extend { caller }),
            20..23 => What::Sale(Command::Leave { caller }),
            23..50 => {
                let mut wanted: Vec<_> = (0..rng.random_range(1..4))
                    .map(|_| SeatId(rng.random_range(0..seats as u32).min(rng.random_range(0..seats as u32))))
                    .collect();
                wanted.dedup();
                What::Sale(Command::Hold { caller, schedule, seats: wanted })
            }
            50..58 => {
                fan.best_requests += u32::from(rng.random_bool(0.7));
                let request_id = Some(format!("b{}", fan.best_requests).into());
                let count = rng.random_range(1..4);
                // The same for the same request, as when it is sent again.
                let except = (0..fan.best_requests % 3).map(SeatId).collect();
                let max_price = None;
                What::Sale(Command::HoldBest {
                    caller,
                    schedule,
                    count,
                    category: None,
                    max_price,
                    except,
                    request_id,
                })
            }
            58..64 => match known(rng, fan) {
                Some(reservation) => {
                    // One of its seats, as far as it is known, or all.
                    let known = self.models[&concert].reservations.get(&reservation);
                    let some = known.filter(|_| rng.random_bool(0.4));
                    let seats = some.map(|known| known.seats.iter().copied().take(1).collect());
                    What::Sale(Command::Release { caller, reservation, seats })
                }
                None => return,
            },
            64..80 => match known(rng, fan) {
                Some(reservation) => What::Sale(Command::Pay { caller, reservation }),
                None => return,
            },
            80..86 => match known(rng, fan) {
                Some(reservation) => What::Sale(Command::Cancel { caller, reservation }),
                None => return,
            },
            86..95 => {
                // A charge whose answer was lost is sent again, some others too.
                if fan.charges.is_empty() || rng.random_bool(0.5) {
                    let request = format!("c{}", fan.charges.len()).into();
                    fan.charges.push(Charge { request, amount: rng.random_range(1..300), tries: 0 });
                }
                let charge = fan.charges.last_mut().expect("there is one by now");
                charge.tries += 1;
                let (amount, request) = (charge.amount, charge.request.clone());
                What::Charge { amount, request }
            }
            _ => return self.watch(index, schedule),
        };
        self.ask(index, what);
    }

    pub fn watch(&mut self, index: usize, schedule: ScheduleId) {
        let Device { user, concert, ref mut connection, .. } = self.devices[index];
        let Some(connection) = connection else { return };
        // Seats are shown to the admitted alone.
        let token = self.models[&concert].live_token(user);
        if token.is_none_or(|token| token.status != TokenStatus::Progress) {
            return;
        }
        let view = self.nodes[connection.node].fanout.sale_of_schedule(schedule);
        let Some(topic) = view.and_then(|view| view.topic(schedule)) else { return };
        let snapshot = topic.watch(&connection.subscriber);
        connection.watch(schedule, &snapshot);
        self.note(|| format!("{user} watches {schedule} from {}", snapshot.version));
    }

    pub fn ask(&mut self, index: usize, what: What) {
        let device = &self.devices[index];
        if device.asked.len() >= REQUESTS_IN_FLIGHT_MAX {
            return;
        }
        let node = match &device.connection {
            Some(connection) => Some(connection.node),
            None => {
                let up: Vec<_> =
                    (0..self.nodes.len()).filter(|n| self.nodes[*n].dispatcher().is_some()).collect();
                (!up.is_empty()).then(|| up[self.rng.random_range(0..up.len())])
            }
        };
        let Some(node) = node else { return };
        let Some(dispatcher) = self.nodes[node].dispatcher().cloned() else { return };
        let Device { user, concert, .. } = self.devices[index];
        let model = &self.models[&concert];
        let fan = self.fans.get_mut(&user).expect("every device has its fan");
        fan.requests += 1;
        fan.under_way += 1;
        let waiting = model.live_token(user).filter(|token| token.status == TokenStatus::Waiting);
        let mut asked = Asked {
            what: what.clone(),
            node,
            sent: model.moment(),
            sent_at: self.clock.utc(),
            position: waiting.map(|token| (token.entry, model.position(token.entry))),
            number: fan.requests,
            alone: fan.under_way == 1,
            reply: None,
        };
        let device = &mut self.devices[index];
        device.tags += 1;
        let tag = device.tags;
        let to = match &device.connection {
            Some(connection) => ReplyTo::Session { subscriber: connection.subscriber.clone(), tag },
            None => {
                let (sender, receiver) = oneshot::channel();
                asked.reply = Some(receiver);
                ReplyTo::Once(sender)
            }
        };
        device.asked.insert(tag, asked);
        self.note(|| format!("{user} asks {tag}: {what:?}"));
        let posted = match what {
            What::Sale(command) => dispatcher.submit(concert, command, to),
            What::Charge { amount, request } => {
                dispatcher.touch(concert, user);
                dispatcher.charge(user, amount, &request, to)
            }
        };
        match posted {
            Ok(()) => {}
            // A process whose sales are not known yet cannot say that there is none.
            Err(Refusal::Rejected(Rejection::ConcertNotFound)) if !dispatcher.missing().is_empty() => {
                let retry_after = Duration::from_secs(1);
                self.answered(index, tag, Err(Refusal::Unavailable { retry_after }));
            }
            Err(refusal) => self.answered(index, tag, Err(refusal)),
        }
    }

    /// The open requests will not be answered any more; nobody knows what became of them.
    pub fn forget_asked(&mut self, device: usize, node: usize) {
        let Device { user, concert, asked, .. } = &mut self.devices[device];
        let fan = self.fans.get_mut(user).expect("every device has its fan");
        for (_, lost) in asked.extract_if(.., |_, asked| asked.node == node) {
            fan.under_way -= 1;
            fan.ghosts.push(Ghost { node, lane: lost.lane(*concert), number: fan.requests });
        }
    }

    pub fn operate(&mut self) {
        let concerts = self.models.len();
        let concert = *self.models.keys().nth(self.rng.random_range(0..concerts)).expect("there is one");
        let rng = &mut self.rng;
        let seconds = |rng: &mut StdRng| Some(Some(Duration::from_secs(rng.random_range(2..30))));
        let (mut patch, mut own) = (SalePatch::default(), OwnRulesPatch::default());
        match rng.random_range(0..10) {
            0 => patch.state = Some(SaleState::Paused),
            1 => patch.state = Some(SaleState::Closed),
            2..5 => patch.state = Some(SaleState::Open),
            5 => own.capacity = Some(Some(rng.random_range(0..8))),
            6 => own.hold_ttl = seconds(rng),
            7 => own.hold_again_after = seconds(rng),
            8 => own.seats_per_user_max = Some(Some(rng.random_range(0..7))),
            _ => own.away_ttl = seconds(rng),
        }
        let by = Actor::UNNAMED;
        let model = &self.models[&concert];
        let (schedule, house) =
            model.schedules().nth(rng.random_range(0..model.schedules().count())).expect("there is one");
        let command = if rng.random_bool(0.25) {
            let orders: Vec<_> = self.models[&concert].orders().collect();
            // Twice, as two operators would, or what follows from a performance that was called off.
            let some = |why: RefundWhy, of: Option<ScheduleId>, most: usize| {
                let orders = orders.iter().filter(|(.., schedule)| of.is_none_or(|of| of == *schedule));
                let orders = orders.map(|(id, user, _)| (*id, *user)).take(most);
                Command::Refund { orders: orders.collect(), why }
            };
            match rng.random_range(0..10) {
                8.. if !orders.is_empty() => {
                    let (order, _, of) = orders[rng.random_range(0..orders.len())];
                    let seats = self.models[&concert].seats_of_order(order);
                    let from = seats[rng.random_range(0..seats.len())];
                    let free =
                        |(_, now): &(SeatId, SeatNow)| matches!(now, SeatNow::Free | SeatNow::Restricted);
                    let all: Vec<_> = self.models[&concert].seats_of(of).collect();
                    let free: Vec<_> = all.iter().filter(|of| free(of)).collect();
                    // Now and then one that somebody has.
                    let among =
                        if free.is_empty() || rng.random_bool(0.1) { all.iter().collect() } else { free };
                    let (to, _) = *among[rng.random_range(0..among.len())];
                    Command::MoveSeat { order, from, to, keep: rng.random_bool(0.3), note: None, by }
                }
                6.. if !orders.is_empty() => {
                    // Some of its seats, or a seat that is not one of it.
                    let (order, user, _) = orders[rng.random_range(0..orders.len())];
                    let of = self.models[&concert].seats_of_order(order);
                    let mut seats: Vec<_> = of.iter().copied().filter(|_| rng.random_bool(0.5)).collect();
                    if rng.random_bool(0.1) || seats.is_empty() {
                        seats.push(SeatId(rng.random_range(0..4)));
                    }
                    Command::RefundSeats {
                        order,
                        user,
                        seats,
                        why: RefundWhy::Operator { reason: "broken".into(), by },
                    }
                }
                0..2 => {
                    let starts_at = self.clock.utc() + Duration::from_secs(rng.random_range(1..600));
                    Command::Postpone { schedule, starts_at, was: None, reason: None, by }
                }
                2 => Command::CallOff { schedule, reason: "ill".into(), by },
                3 => {
                    let off = self.models[&concert]
                        .schedules()
                        .find(|(id, _)| self.models[&concert].is_called_off(*id));
                    some(RefundWhy::CalledOff, Some(off.map_or(schedule, |(id, _)| id)), 4)
                }
                _ => some(RefundWhy::Operator { reason: "asked".into(), by }, None, 2),
            }
        } else if rng.random_bool(0.25) {
            let again = self.sold.iter().rfind(|(of, _)| *of == concert).filter(|_| rng.random_bool(0.2));
            match again {
                // An operator whose answer was lost sends the same again, perhaps to another process.
                Some((_, command)) => command.clone(),
                None => {
                    let all: Vec<_> = model.seats_of(schedule).collect();
                    let free =
                        |(_, now): &&(SeatId, SeatNow)| matches!(now, SeatNow::Free | SeatNow::Restricted);
                    let mut seats: Vec<_> = all.iter().filter(free).map(|(seat, _)| *seat).collect();
                    let count = rng.random_range(1..4);
                    while seats.len() > count {
                        seats.swap_remove(rng.random_range(0..seats.len()));
                    }
                    // Now and then one that somebody has, or none at all.
                    if rng.random_bool(0.1) {
                        seats.push(SeatId(rng.random_range(0..house as u32)));
                    }
                    let ways = [PaymentSource::Cash, PaymentSource::Card, PaymentSource::Gift];
                    let source = ways[rng.random_range(0..ways.len())];
                    // Now and then a request that was used before.
                    let next = self.sold.len() as u64;
                    let user = UserId(DESK_USERS + next.saturating_sub(rng.random_range(0..10) / 9));
                    let price = |seat: &SeatId| model.price_of(schedule, *seat);
                    let sum = if source == PaymentSource::Gift { 0 } else { seats.iter().map(price).sum() };
                    // What an operator saw may be another price than it is by now.
                    let amount = rng.random_bool(0.5).then_some(sum);
                    let command =
                        Command::SellAtDesk { user, schedule, seats, source, amount, note: None, by };
                    self.sold.push((concert, command.clone()));
                    command
                }
            }
        } else if model.schedules().count() < 5 && rng.random_bool(0.05) {
            // Now and then the time at which another one begins.
            let starts_at = match rng.random_bool(0.2) {
                true => model.starts_at(schedule),
                false => self.clock.utc() + Duration::from_secs(rng.random_range(60..6_000)),
            };
            let prices = rng.random_bool(0.5).then(|| (0, rng.random_range(1..200)));
            let added = self.database.prepare_schedule(concert, starts_at).expect("the concert is stored");
            let prices = prices.into_iter().collect();
            Command::AddSchedule { schedule: added, starts_at, prices, of_plan: None, by }
        } else if rng.random_bool(0.1) {
            let was = model.texts.as_ref().filter(|_| rng.random_bool(0.5)).map(|texts| texts.title.clone());
            let title = Some(format!("Night {}", rng.random_range(0..4)).into());
            let about = rng.random_bool(0.5).then(|| rng.random_bool(0.5).then(|| "{}".into()));
            Command::Describe {
                patch: Box::new(TextsPatch { title, about }),
                was: Box::new(TextsPatch { title: was, about: None }),
                by,
            }
        } else if rng.random_bool(0.2) {
            let prices = model.prices(schedule);
            let category = rng.random_range(0..prices.len());
            // What an operator saw may be what was meanwhile changed by another.
            let was = rng.random_bool(0.5).then(|| (category as u16, prices[category]));
            let price = [50, 100, rng.random_range(0..300)][rng.random_range(0..3)];
            let prices = vec![(category as u16, price)];
            let schedules = match rng.random_bool(0.3) {
                true => model.schedules().map(|(id, _)| id).collect(),
                false => vec![schedule],
            };
            Command::Reprice { schedules, prices, was: was.into_iter().collect(), by }
        } else if rng.random_bool(0.3) {
            let mut seats: Vec<_> = (0..house as u32).map(SeatId).collect();
            seats.retain(|_| rng.random_bool(0.3));
            match rng.random_bool(0.5) {
                true => Command::Restrict { schedule, seats, note: None, by },
                false => Command::Unrestrict { schedule, seats, note: None, by },
            }
        } else {
            Command::Configure { patch: Box::new(SalePatch { own, ..patch }), was: None, by }
        };
        // Mostly the one that runs it; or any, which has to know whom to ask.
        let anywhere = rng.random_bool(0.3);
        let is_right = |n: &&Node| (anywhere || n.fanout.sale(concert).is_some()) && n.dispatcher().is_some();
        let node = self.nodes.iter().find(is_right);
        if let Some(dispatcher) = node.and_then(Node::dispatcher) {
            // Refused or lost, it is as if the operator had not come.
            let _ = dispatcher.submit(concert, command.clone(), ReplyTo::Nobody);
            // Two operators think of the same now and then.
            if rng.random_bool(0.3) {
                let _ = dispatcher.submit(concert, command, ReplyTo::Nobody);
            }
        }
    }
}
