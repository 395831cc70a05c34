//! A sale whose line is ordered by class and by draw admits fans in that order, and shows them their places in it.

use std::sync::Arc;
use std::time::Duration;

use frontrow::domain::command::{Answer, Caller, Command, Inputs, Needs};
use frontrow::domain::event::Event;
use frontrow::domain::ids::{ConcertId, IdSource, ScheduleId, UserId};
use frontrow::domain::line::{Class, Draw, Order};
use frontrow::domain::record::{SaleState, TokenRecord};
use frontrow::domain::rules::{OwnRules, SaleRules, SaleSettings};
use frontrow::domain::sale::{Sale, Step};
use frontrow::domain::time::{Now, Timestamp};

use crate::house::Performance;
use crate::stored::Stored;

const CONCERT: ConcertId = ConcertId(3);
const START: Timestamp = Timestamp::from_millis(1_800_000_000_000);
const MINUTE: Duration = Duration::from_secs(60);

/// Users with an odd number are in the first class, all others in the second.
fn odd_before_even(token: &TokenRecord) -> Class {
    Class(u8::from(token.user.0.is_multiple_of(2)))
}

struct Stage {
    sale: Sale,
    inputs: Inputs,
    now: Now,
}

impl Stage {
    fn new(order: Order) -> Self {
        let performance = Performance::new("show", ScheduleId(1), START + 100 * MINUTE, &["A1", "A2"]);
        let settings = SaleSettings {
            state: SaleState::Scheduled,
            opens_at: Some(START + MINUTE),
            message: None,
            own: OwnRules::default(),
        };
        let stored = Stored::default();
        let mut snapshot = stored.snapshot(CONCERT, settings, vec![performance.all_free()]);
        snapshot.order = order;
        let rules = SaleRules { capacity: 1, ..SaleRules::default() };
        Self {
            sale: Sale::restored(snapshot, rules, START),
            inputs: stored.read(CONCERT, &Needs::default(), IdSource::seeded([5; 32])),
            now: Now::new(START, Duration::ZERO),
        }
    }

    /// The place that a user is shown, and who is let in by it.
    fn ask(&mut self, command: &Command) -> (Answer, Vec<UserId>) {
        let mut events = Vec::new();
        let step = Step { now: self.now, inputs: &mut self.inputs, events: &mut events };
        let answer = self.sale.decide(step, command).expect("the rules allow it");
        (answer, self.admitted(&events))
    }

    fn open(&mut self) -> Vec<UserId> {
        self.now = Now::new(START + MINUTE, Duration::ZERO);
        let mut events = Vec::new();
        let step = Step { now: self.now, inputs: &mut self.inputs, events: &mut events };
        self.sale.expire_due(step, usize::MAX);
        self.admitted(&events)
    }

    fn admitted(&mut self, events: &[Event]) -> Vec<UserId> {
        self.sale.commit(100);
        self.sale.check();
        let admitted = events.iter().filter_map(|event| match event {
            Event::Admitted(record) => Some(record.user),
            _ => None,
        });
        admitted.collect()
    }

    fn position(&mut self, user: u64) -> Option<u64> {
        let caller = Caller { user: UserId(user), token: None, guest_of: None };
        match self.ask(&Command::Get { caller, polled: false }).0 {
            Answer::Queue { place, .. } => place.line.map(|line| line.position),
            other => panic!("{other:?} is no place"),
        }
    }
}

#[test]
fn fans_are_let_in_by_class_and_within_it_as_drawn_and_then_as_they_came() {
    // The draw of the first four to join: the first drew the last place, and so on.
    let draw = Draw::new(vec![3, 1, 2, 0]).expect("each place is drawn once");
    let mut stage = Stage::new(Order::default().by_class(odd_before_even).by_draw(Arc::new(draw)));
    for user in 1..=6 {
        let (answer, admitted) = stage.ask(&Command::Join { user: UserId(user), connection: None });
        assert!(matches!(answer, Answer::Queue { created: true, .. }));
        assert_eq!(admitted, [], "nobody is let in before the opening");
    }
    let order = [3, 1, 5, 4, 2, 6];
    assert_eq!(order.map(|user| stage.position(user)), [1, 2, 3, 4, 5, 6].map(Some));

    let mut admitted = stage.open();
    for (place, user) in order.into_iter().enumerate() {
        assert_eq!(admitted, [UserId(user)]);
        let behind = order[place + 1..].iter().map(|user| stage.position(*user)).collect::<Vec<_>>();
        assert_eq!(behind, (1..=behind.len() as u64).map(Some).collect::<Vec<_>>());
        let caller = Caller { user: UserId(user), token: None, guest_of: None };
        admitted = stage.ask(&Command::Leave { caller }).1;
    }
    assert_eq!(admitted, [], "nobody is left");
}

#[test]
fn who_leaves_a_drawn_line_is_passed_over_and_stands_behind_when_they_come_again() {
    let draw = Draw::new(vec![1, 0, 2]).expect("each place is drawn once");
    let mut stage = Stage::new(Order::default().by_draw(Arc::new(draw)));
    for user in 1..=3 {
        stage.ask(&Command::Join { user: UserId(user), connection: None });
    }
    let caller = Caller { user: UserId(2), token: None, guest_of: None };
    stage.ask(&Command::Leave { caller });
    stage.ask(&Command::Join { user: UserId(2), connection: None });
    assert_eq!([1, 3, 2].map(|user| stage.position(user)), [Some(1), Some(2), Some(3)]);
}
