//! Both parts of forwarding without a bus: what is said is handed from one to the other.

use std::time::Duration;

use tokio::sync::oneshot;

use super::gateway::Gateway;
use super::owner::{Asker, Heard, Owned};
use super::*;
use crate::bus::conversation::Taken;
use crate::bus::message::Forwarded;
use crate::dispatcher::told::Told;
use crate::domain::command::{Answer, Caller};
use crate::domain::ids::{QueueToken, UserId};
use crate::fanout::Fanout;
use crate::limits::{self, FORWARDED_PATIENCE};
use uuid::Uuid;

const CONCERT: ConcertId = ConcertId(1);
const FIRST: NodeNo = NodeNo(2);
const SECOND: NodeNo = NodeNo(3);

fn at(ms: u64) -> Timestamp {
    Timestamp::from_millis(1_800_000_000_000) + Duration::from_millis(ms)
}

/// A gateway, and what its fans hear.
struct House {
    gateway: Gateway,
    now: Timestamp,
    fans: Vec<oneshot::Receiver<Reply>>,
}

impl House {
    fn new() -> Self {
        let mut gateway = Gateway::new(NodeNo(1));
        gateway.learn(CONCERT, Owner { node: FIRST, epoch: 5 });
        Self { gateway, now: at(0), fans: Vec::new() }
    }

    fn asks(&mut self, command: Command) -> Result<(), Refusal> {
        let (reply, heard) = oneshot::channel();
        self.gateway.forward(CONCERT, command, ReplyTo::Once(reply), self.now)?;
        self.fans.push(heard);
        Ok(())
    }

    fn pump(&mut self) -> usize {
        self.pump_with(100, false)
    }

    fn pump_with(&mut self, credits: usize, runs_here: bool) -> usize {
        self.gateway.pump(self.now, credits, |_| runs_here, |_| false).len()
    }

    /// What the owner hears now.
    fn heard_by(&mut self, node: NodeNo, owned: &mut Owned) -> Vec<(Asker, Command)> {
        self.pump();
        let mut heard = Vec::new();
        for (to, asks) in self.gateway.speak(self.now) {
            if to != node {
                continue;
            }
            let conversation = asks.conversation;
            match owned.hear(NodeNo(1), asks, self.now) {
                Heard::Over => panic!("it is not over"),
                Heard::Commands(commands) => heard.extend(commands.into_iter().map(|(taken, stream)| {
                    let Taken { concert, number, epoch, attempt, command } = taken;
                    let forwarded: Forwarded = wire::decode(&command).unwrap();
                    let gateway = NodeNo(1);
                    (
                        Asker { gateway, conversation, concert, epoch, number, attempt, stream },
                        forwarded.command,
                    )
                })),
            }
        }
        heard
    }

    /// The gateway hears what an owner answered.
    fn hears(&mut self, node: NodeNo, owned: &mut Owned) {
        for (_, answers) in owned.speak(self.now) {
            let told = self.gateway.hear(node, answers, self.now);
            tell(told);
        }
    }

    fn heard(&mut self, fan: usize) -> Option<Reply> {
        self.fans[fan].try_recv().ok()
    }
}

fn tell(told: Vec<Told>) {
    for Told { to, reply, .. } in told {
        Fanout::default().answer(to, reply);
    }
}

fn join(user: u64) -> Command {
    Command::Join { user: UserId(user), connection: None }
}

fn user_of(command: &Command) -> u64 {
    match command {
        Command::Join { user, .. } => user.0,
        other => panic!("{other:?}"),
    }
}

fn done() -> Verdict {
    Verdict::Reply { at: (0, 0), reply: Ok(Answer::Done) }
}

#[test]
fn commands_go_to_the_owner_and_answers_come_back() {
    let (mut house, mut owned) = (House::new(), Owned::default());
    (0..3).for_each(|user| house.asks(join(user)).unwrap());
    let heard = house.heard_by(FIRST, &mut owned);
    assert_eq!(heard.iter().map(|(_, command)| user_of(command)).collect::<Vec<_>>(), [0, 1, 2]);
    assert!(heard.iter().all(|(asker, _)| asker.epoch == 5));
    for (asker, _) in &heard {
        owned.answer(asker, done(), house.now);
    }
    house.hears(FIRST, &mut owned);
    assert!((0..3).all(|fan| house.heard(fan) == Some(Ok(Answer::Done))));
    house.pump();
    assert_eq!(house.gateway.sales_at_work(), 0, "nothing is on its way any more");
}

#[test]
fn what_came_back_goes_to_the_next_owner_before_what_was_held_back() {
    let (mut house, mut first, mut second) = (House::new(), Owned::default(), Owned::default());
    (0..2).for_each(|user| house.asks(join(user)).unwrap());
    let heard = house.heard_by(FIRST, &mut first);
    first.answer(&heard[0].0, Verdict::NotMine, house.now);
    // It is ours again, but what follows the one that came back would overtake it.
    first.answer(&heard[1].0, done(), house.now);
    assert!(heard[1].0.stream.is_void(heard[1].0.attempt));
    house.asks(join(2)).unwrap();
    house.gateway.learn(CONCERT, Owner { node: SECOND, epoch: 9 });
    assert_eq!(house.heard_by(SECOND, &mut second).len(), 0, "what was asked before is not answered");
    house.hears(FIRST, &mut first);
    house.now = house.now + limits::ASKED_AGAIN_AFTER;
    house.pump();
    house.now = house.now + limits::ASKED_AGAIN_AFTER;
    let heard = house.heard_by(SECOND, &mut second);
    assert_eq!(heard.iter().map(|(_, command)| user_of(command)).collect::<Vec<_>>(), [0, 1, 2]);
    assert!(heard.iter().all(|(asker, _)| asker.epoch == 9));
    assert!(house.heard(1).is_none(), "its answer rests on nothing");
}

#[test]
fn a_refused_owner_is_asked_again_if_nobody_else_is_known() {
    let (mut house, mut owned) = (House::new(), Owned::default());
    house.asks(join(0)).unwrap();
    let heard = house.heard_by(FIRST, &mut owned);
    owned.answer(&heard[0].0, Verdict::NotMine, house.now);
    house.hears(FIRST, &mut owned);
    assert_eq!(house.heard_by(FIRST, &mut owned).len(), 0, "not at once");
    house.now = house.now + limits::ASKED_AGAIN_AFTER;
    let heard = house.heard_by(FIRST, &mut owned);
    assert_eq!(heard.len(), 1);
    assert!(!heard[0].0.stream.is_void(heard[0].0.attempt), "another attempt");
}

#[test]
fn a_dead_owner_s_commands_are_asked_anew_and_who_may_have_been_served_is_told_nothing_untrue() {
    let (mut house, mut first, mut second) = (House::new(), Owned::default(), Owned::default());
    let caller = |token| Caller { user: UserId(7), token, guest_of: None };
    house.asks(join(0)).unwrap();
    house.asks(Command::Leave { caller: caller(None) }).unwrap();
    house.asks(Command::Leave { caller: caller(Some(QueueToken(Uuid::from_u128(1)))) }).unwrap();
    assert_eq!(house.heard_by(FIRST, &mut first).len(), 3);
    house.asks(join(1)).unwrap();
    tell(house.gateway.end(FIRST));
    house.gateway.learn(CONCERT, Owner { node: SECOND, epoch: 9 });
    assert_eq!(house.heard(1), Some(Err(Refusal::OutcomeUnknown)), "a later visit could be meant by then");
    let heard = house.heard_by(SECOND, &mut second);
    assert_eq!(heard.len(), 3);
    let retry_after = Duration::from_secs(1);
    for (asker, _) in &heard {
        second.answer(
            asker,
            Verdict::Reply { at: (0, 0), reply: Err(Refusal::Unavailable { retry_after }) },
            house.now,
        );
    }
    house.hears(SECOND, &mut second);
    assert_eq!(house.heard(0), Some(Err(Refusal::OutcomeUnknown)), "the first may have done it");
    assert_eq!(house.heard(2), Some(Err(Refusal::OutcomeUnknown)));
    assert_eq!(house.heard(3), Some(Err(Refusal::Unavailable { retry_after })), "nobody else was asked");
}

#[test]
fn who_waits_too_long_is_told_that_nothing_was_done_only_if_it_was_never_asked() {
    let mut house = House::new();
    house.asks(join(0)).unwrap();
    assert_eq!(house.pump_with(1, false), 0);
    house.gateway.speak(house.now);
    house.asks(join(1)).unwrap();
    assert_eq!(house.pump_with(1, false), 0);
    house.now = house.now + FORWARDED_PATIENCE;
    assert!(house.gateway.expire(house.now).is_empty(), "not yet");
    house.now = house.now + Duration::from_millis(1);
    tell(house.gateway.expire(house.now));
    assert_eq!(house.heard(0), Some(Err(Refusal::OutcomeUnknown)));
    assert!(matches!(house.heard(1), Some(Err(Refusal::Unavailable { .. }))));
}

#[test]
fn above_its_credits_a_gateway_holds_back_and_then_refuses_all_but_presence() {
    let mut house = House::new();
    for user in 0..limits::HELD_BACK_COMMANDS_MAX as u64 + 10 {
        house.asks(join(user)).unwrap();
        house.pump_with(10, false);
    }
    assert!(matches!(house.asks(join(0)), Err(Refusal::Overloaded { .. })));
    let connection = crate::domain::ids::ConnectionId(1);
    house.asks(Command::Disconnect { user: UserId(1), connection }).unwrap();
}

#[test]
fn what_waits_for_a_sale_that_runs_here_by_now_is_decided_here() {
    let mut house = House::new();
    house.gateway.end(FIRST);
    house.asks(join(0)).unwrap();
    house.asks(join(1)).unwrap();
    assert!(house.gateway.is_at_work_for(CONCERT));
    assert_eq!(house.pump_with(100, true), 2);
    assert!(!house.gateway.is_at_work_for(CONCERT));
}

#[test]
fn a_hold_of_the_best_seats_has_a_name_by_which_it_is_known_again() {
    let (mut house, mut owned) = (House::new(), Owned::default());
    let caller = Caller { user: UserId(7), token: None, guest_of: None };
    let schedule = crate::domain::ids::ScheduleId(1);
    let best = |request_id| Command::HoldBest {
        caller,
        schedule,
        count: 2,
        category: None,
        max_price: None,
        except: Vec::new(),
        request_id,
    };
    house.asks(best(None)).unwrap();
    house.asks(best(None)).unwrap();
    house.asks(best(Some("mine".into()))).unwrap();
    let heard = house.heard_by(FIRST, &mut owned);
    let names = heard.into_iter().map(|(_, command)| match command {
        Command::HoldBest { request_id, .. } => request_id.unwrap(),
        other => panic!("{other:?}"),
    });
    let names: Vec<_> = names.collect();
    assert_ne!(names[0], names[1]);
    assert_eq!(&*names[2], "mine");
}

#[test]
fn a_later_conversation_voids_what_waits_from_the_one_before() {
    let (mut house, mut owned) = (House::new(), Owned::default());
    house.asks(join(0)).unwrap();
    let before = house.heard_by(FIRST, &mut owned);
    tell(house.gateway.end(FIRST));
    let after = house.heard_by(FIRST, &mut owned);
    assert!(before[0].0.stream.is_void(0) && !after[0].0.stream.is_void(0));
    owned.answer(&before[0].0, done(), house.now);
    house.hears(FIRST, &mut owned);
    assert!(house.heard(0).is_none(), "the answer of a conversation that is over");
    owned.answer(&after[0].0, done(), house.now);
    house.hears(FIRST, &mut owned);
    assert_eq!(house.heard(0), Some(Ok(Answer::Done)));
    // And a message of it that comes late is heard as such.
    let asks = crate::bus::conversation::Asks { conversation: 1, sales: Vec::new() };
    assert!(matches!(owned.hear(NodeNo(1), asks, house.now), Heard::Over));
}
