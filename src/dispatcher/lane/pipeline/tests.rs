//! The rules of the pipeline as tables, and random lives of it beside a plain model. A line of a table is what is done,
//! the step that comes next, and who receives what by it.

use std::collections::BTreeMap;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use tokio::sync::oneshot;
use uuid::Uuid;

use super::*;
use crate::dispatcher::mailbox::Work;
use crate::domain::command::{Answer, Command};
use crate::domain::ids::{ConnectionId, HistoryId};
use crate::domain::record::LedgerKind;
use crate::store::WriterId;

const START: Timestamp = Timestamp::from_millis(1_800_000_000_000);
const SALES: [ConcertId; 2] = [ConcertId(1), ConcertId(2)];

/// A command by a name of one letter; presence, which is never refused, by a capital one.
fn envelope(name: char, arrived: Timestamp) -> (Envelope, oneshot::Receiver<Reply>) {
    let user = UserId(name as u64);
    let work = match name.is_uppercase() {
        true => {
            let command = Command::Disconnect { user, connection: ConnectionId(1) };
            Work::Sale { concert: SALES[0], command }
        }
        false => Work::Charge { user, amount: 1, request_id: name.to_string().into() },
    };
    let (sender, replied) = oneshot::channel();
    (Envelope { arrived, work, reply: ReplyTo::Once(sender) }, replied)
}

fn name(envelope: &Envelope) -> char {
    let user = match &envelope.work {
        Work::Charge { user, .. } | Work::Sale { command: Command::Disconnect { user, .. }, .. } => user,
        Work::Sale { command, .. } => panic!("{command:?} is made by no test"),
    };
    char::from_u32(user.0 as u32).unwrap()
}

fn names<'e>(envelopes: impl IntoIterator<Item = &'e Envelope>) -> String {
    envelopes.into_iter().map(name).collect()
}

/// A batch as the store keeps it; often there is nothing to write.
fn batch(writes: bool) -> Batch {
    let entry = || LedgerEntry {
        id: HistoryId(Uuid::nil()),
        user: UserId(1),
        kind: LedgerKind::Charge,
        amount_change: 1,
        balance: 1,
        at: START,
        payment: None,
        request_id: None,
    };
    Batch {
        id: Uuid::nil(),
        writer: WriterId(Uuid::nil()),
        at: START,
        sales: Vec::new(),
        charges: if writes { vec![entry()] } else { Vec::new() },
    }
}

fn decide(pipeline: &mut Pipeline, count: usize) {
    let (waiting, decided) = pipeline.deciding();
    for _ in 0..count {
        // Each verdict says whose it is.
        let charged = waiting.front().map(|envelope| UserId(name(envelope) as u64));
        decided.push(waiting, Verdict { reply: Ok(Answer::Done), events: None, charged });
    }
}

#[derive(Default)]
struct Table {
    pipeline: Pipeline,
    held: Option<Batch>,
    passed: Duration,
}

impl Table {
    /// Does what a line says, and returns who receives what.
    fn act(&mut self, what: &str) -> String {
        let now = START + self.passed;
        let (verb, rest) = what.split_once(' ').unwrap_or((what, ""));
        let pipeline = &mut self.pipeline;
        let step = match verb {
            "begin" => Some(Step::Begin),
            "read" => Some(Step::Read),
            "decide" => Some(Step::Decide),
            "commit" => Some(Step::Commit),
            "settle" => Some(Step::Settle),
            "confirm" => Some(Step::Confirm),
            "undo" => Some(Step::Undo),
            "rollback" => Some(Step::RollBack),
            "breakdown" => Some(Step::BreakDown),
            "want" => Some(Step::Rest),
            _ => None,
        };
        if let Some(step) = step {
            assert_eq!(pipeline.next(), step, "before {what}");
        }
        match (verb, rest) {
            ("arrive", _) => {
                let arriving = rest.chars().filter(|name| name.is_alphabetic());
                pipeline.arrivals().1.extend(arriving.map(|name| envelope(name, now).0));
            }
            ("want", "") => pipeline.want(),
            ("begin", _) => pipeline.begin(rest == "late", rest == "reads"),
            ("read", "") => pipeline.read(),
            ("decide", "breaks") => pipeline.broke(),
            ("decide", _) => {
                let room = pipeline.room();
                let taken: String = names(pipeline.waiting().iter().take(room));
                let count = if rest.starts_with('1') { 1 } else { taken.len() };
                decide(pipeline, count);
                pipeline.deciding().1.is_full = rest.ends_with("full");
                let dues = match pipeline.dues() {
                    Dues::None => String::new(),
                    Dues::All => " and dues".to_owned(),
                    Dues::Of(sale) => format!("dues of {sale}"),
                };
                pipeline.decided(batch(rest != "idle"));
                return taken[..count].to_owned() + &dues;
            }
            ("commit" | "settle", "") => self.held = Some(pipeline.give_to_store()),
            ("kept", "") => pipeline.kept(self.held.take().unwrap()),
            ("unknown", "") => pipeline.unknown(self.held.take().unwrap()),
            ("fails:", _) => pipeline.failed(match rest {
                "rolled back" => Failure::RolledBack,
                "refused" => Failure::Refused("no".into()),
                "out" => Failure::Out,
                "stepped down" => Failure::SteppedDown(SALES[0]),
                _ => panic!("{what}"),
            }),
            ("ahead", "breaks") => pipeline.went_ahead(true),
            ("ahead", "stops") => pipeline.stop_ahead(),
            ("ahead", _) => {
                let count = pipeline.waiting().len().min(pipeline.room_ahead());
                let taken = names(pipeline.waiting().iter().take(count));
                decide(pipeline, count);
                pipeline.went_ahead(false);
                return taken;
            }
            ("confirm", "") => {
                let batch = pipeline.confirm();
                pipeline.confirmed(batch);
            }
            ("publish", _) => {
                let committed = pipeline.committed();
                let Some(Committed { answers, .. }) = committed else { return "nobody".to_owned() };
                let count = if rest == "1" { 1 } else { usize::MAX };
                let published: Vec<_> = answers.by_ref().take(count).collect();
                if answers.len() == 0 {
                    *committed = None;
                }
                return names(published.iter().map(|(envelope, _)| envelope));
            }
            ("undo", "") => {
                return match pipeline.undone(SALES.into_iter()) {
                    Consequence::None => String::new(),
                    Consequence::StepDown(sale) => format!("step down from {sale}"),
                    Consequence::GiveUp(commands) => format!("unavailable {}", names(&commands)),
                    Consequence::Refuse(command, _) => format!("refused {}", name(&command)),
                    Consequence::PutAway(sale, _) => format!("put away {sale}"),
                };
            }
            ("rollback", "") => pipeline.rolled_back(),
            ("breakdown", "") => return format!("internal {}", names(&pipeline.broken_down())),
            ("refuse", "all") => return format!("unavailable {}", names(&pipeline.take_waiting())),
            ("wait", _) => {
                self.passed += Duration::from_secs(rest.trim_end_matches('s').parse().unwrap());
                let given_up = pipeline.give_up(START + self.passed);
                let count = |is: fn(&Refusal) -> bool| given_up.iter().filter(|(_, why)| is(why)).count();
                let overloaded = count(|why| matches!(why, Refusal::Overloaded { .. }));
                let unknown = count(|why| *why == Refusal::OutcomeUnknown);
                assert_eq!(overloaded + unknown, given_up.len());
                return match (overloaded, unknown) {
                    (0, 0) => String::new(),
                    (overloaded, 0) => format!("{overloaded} overloaded"),
                    (0, unknown) => format!("{unknown} unknown"),
                    (overloaded, unknown) => format!("{overloaded} overloaded, {unknown} unknown"),
                };
            }
            ("forget", "") => return format!("{} unknown", pipeline.forget().count()),
            _ => panic!("{what}: nothing that can be done"),
        }
        String::new()
    }
}

/// Each line: what is done | the next step | who receives what. Without a step: the store has the batch.
fn check(table: &str) {
    let mut at = Table::default();
    for line in table.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let mut columns = line.split('|').map(str::trim);
        let (what, step) = (columns.next().unwrap(), columns.next().unwrap());
        let received = at.act(what);
        let expected = columns.next().unwrap_or_default();
        assert_eq!(received.trim(), expected, "who receives what by {what:?}, in {table}");
        if !step.is_empty() {
            assert_eq!(format!("{:?}", at.pipeline.next()), step, "after {what:?}, in {table}");
        }
    }
}

#[test]
fn a_verdict_is_published_once_its_batch_is_kept_and_memory_agrees() {
    check(
        "arrive a b | Rest
         publish    | Rest     | nobody
         want       | Begin
         begin      | Decide
         publish    | Decide   | nobody
         decide     | Commit   | ab and dues
         publish    | Commit   | nobody
         commit     |
         publish    |          | nobody
         kept       | Confirm
         publish    | Confirm  | nobody
         confirm    | Publish
         publish    | Rest     | ab",
    );
}

#[test]
fn one_batch_is_decided_while_the_store_has_another_and_published_while_it_has_the_next() {
    check(
        "arrive a     | Rest
         want         | Begin
         begin        | Decide
         decide       | Commit   | a and dues
         commit       |
         arrive b     |
         ahead        |          | b
         arrive c     |
         kept         | Confirm
         confirm      | Begin
         begin        | Decide
         decide       | Commit   | c and dues
         commit       |
         publish 1    |          | a
         kept         | Confirm
         confirm      | Publish
         publish      | Rest     | bc",
    );
}

#[test]
fn what_was_committed_is_published_before_anything_that_is_not_begun_ahead() {
    // It is published before memory takes over the next batch.
    let begun = "arrive ab    | Rest
         want         | Begin
         begin        | Decide
         decide       | Commit   | ab and dues
         commit       |
         arrive c     |
         ahead        |          | c
         kept         | Confirm
         confirm      | Begin\n";
    let check_after = |rest: &str| check(&(begun.to_owned() + rest));
    check_after(
        "begin        | Decide
         decide       | Commit   | and dues
         commit       |
         publish 1    |          | a
         kept         | Publish
         publish      | Confirm  | b
         confirm      | Publish
         publish      | Rest     | c",
    );
    // It is published before something is read.
    check_after(
        "arrive d     | Begin
         begin reads  | Publish
         publish      | Read     | ab
         read         | Decide
         decide       | Commit   | d and dues",
    );
    // It is published before a request that changes nothing is answered.
    check_after(
        "begin        | Decide
         decide idle  | Publish  | and dues
         publish      | Confirm  | ab
         confirm      | Publish
         publish      | Rest     | c",
    );
    // It is published before memory is taken back.
    check_after(
        "begin        | Decide
         decide       | Commit   | and dues
         commit       |
         fails: rolled back | Publish
         publish      | Undo     | ab
         undo         | Begin
         begin        | Decide
         decide       | Commit   | c and dues",
    );
    // It is published before the sale is given up.
    check_after(
        "begin        | Decide
         decide breaks | Publish
         publish      | BreakDown | ab
         breakdown    | Rest     | internal c",
    );
    // It is published before the store is queried again.
    check_after(
        "begin        | Decide
         decide       | Commit   | and dues
         commit       |
         unknown      | Publish
         publish      | Settle   | ab",
    );
}

#[test]
fn a_heartbeat_that_is_due_voids_what_was_decided_ahead() {
    check(
        "arrive a     | Rest
         want         | Begin
         begin        | Decide
         decide       | Commit   | a and dues
         commit       |
         arrive b     |
         ahead        |          | b
         kept         | Confirm
         confirm      | Begin
         begin late   | Publish
         publish      | Undo     | a
         undo         | Rest
         want         | Begin
         begin late   | Decide
         decide       | Commit   | b and dues",
    );
}

#[test]
fn what_reads_and_changes_nothing_ends_its_transaction() {
    check(
        "arrive a     | Rest
         want         | Begin
         begin reads  | Read
         read         | Decide
         decide idle  | RollBack | a and dues
         rollback     | Confirm
         confirm      | Publish
         publish      | Rest     | a",
    );
}

#[test]
fn what_does_not_fit_is_left_to_the_next_batch_and_what_is_due_comes_last() {
    check(
        "arrive ab    | Rest
         want         | Begin
         begin        | Decide
         decide 1 full | Commit  | a
         commit       |
         kept         | Confirm
         confirm      | Publish
         publish      | Rest     | a
         want         | Begin
         begin        | Decide
         decide       | Commit   | b and dues",
    );
}

#[test]
fn what_needs_something_read_stops_what_is_decided_ahead() {
    check(
        "arrive a     | Rest
         want         | Begin
         begin        | Decide
         decide       | Commit   | a and dues
         commit       |
         arrive b     |
         ahead stops  |
         ahead        |
         kept         | Confirm
         confirm      | Publish
         publish      | Rest     | a
         want         | Begin
         begin reads  | Read",
    );
}

#[test]
fn a_batch_that_is_rolled_back_is_decided_again_and_in_the_end_given_up() {
    let mut table = "arrive ab | Rest\n want | Begin\n".to_owned();
    for attempt in 1..=limits::BATCH_ATTEMPTS_MAX {
        table += "begin | Decide
                  decide | Commit | ab and dues
                  commit |
                  fails: rolled back | Undo\n";
        table += match attempt == limits::BATCH_ATTEMPTS_MAX {
            true => "undo | Rest | unavailable ab\n",
            false => "undo | Begin\n",
        };
    }
    check(&table);
}

#[test]
fn those_of_a_lost_batch_and_those_decided_on_top_of_it_wait_in_their_order() {
    check(
        "arrive ab    | Rest
         want         | Begin
         begin        | Decide
         decide       | Commit   | ab and dues
         commit       |
         arrive c     |
         ahead        |          | c
         arrive d     |
         fails: out   | Undo
         undo         | Rest
         refuse all   | Rest     | unavailable abcd",
    );
}

#[test]
fn nobody_is_answered_while_it_is_unknown_whether_their_batch_was_kept() {
    let unknown = "arrive a     | Rest
         want         | Begin
         begin        | Decide
         decide       | Commit   | a and dues
         commit       |
         arrive b     |
         ahead        |          | b
         unknown      | Settle
         publish      | Settle   | nobody
         settle       |
         unknown      | Settle
         settle       |\n";
    check(&(unknown.to_owned() + "kept | Confirm\n confirm | Begin\n publish | Begin | a"));
    check(
        &(unknown.to_owned()
            + "fails: rolled back | Undo\n undo | Begin\n begin | Decide\n decide | Commit | ab and dues"),
    );
}

#[test]
fn who_steps_down_from_one_sale_goes_on_with_the_others() {
    check(
        "arrive a     | Rest
         want         | Begin
         begin        | Decide
         decide       | Commit   | a and dues
         commit       |
         fails: stepped down | Undo
         undo         | Begin    | step down from 1
         begin        | Decide
         decide       | Commit   | a and dues",
    );
}

#[test]
fn who_was_decided_by_a_fault_of_ours_is_refused_after_what_was_kept() {
    check(
        "arrive a     | Rest
         want         | Begin
         begin        | Decide
         decide       | Commit   | a and dues
         commit       |
         arrive bc    |
         ahead breaks |
         kept         | Confirm
         confirm      | Publish
         publish      | BreakDown | a
         breakdown    | Rest     | internal bc",
    );
    check(
        "arrive a     | Rest
         want         | Begin
         begin        | Decide
         decide       | Commit   | a and dues
         commit       |
         arrive b     |
         ahead breaks |
         fails: stepped down | BreakDown
         breakdown    | Undo     | internal ab
         undo         | Begin    | step down from 1",
    );
    check(
        "arrive a     | Rest
         want         | Begin
         begin reads  | Read
         read         | Decide
         decide breaks | BreakDown
         breakdown    | RollBack | internal a
         rollback     | Rest",
    );
}

#[test]
fn a_row_that_the_store_refuses_is_narrowed_down_to_whoever_asked_for_it() {
    check(
        "arrive abcd  | Rest
         want         | Begin
         begin        | Decide
         decide       | Commit   | abcd and dues
         commit       |
         fails: refused | Undo
         undo         | Begin
         begin        | Decide
         decide       | Commit   | ab
         commit       |
         kept         | Confirm
         confirm      | Begin
         begin        | Decide
         decide       | Commit   | cd
         commit       |
         publish      |          | ab
         fails: refused | Undo
         undo         | Begin
         begin        | Decide
         decide       | Commit   | c
         commit       |
         arrive e     |
         ahead        |
         fails: refused | Undo
         undo         | Begin    | refused c
         begin        | Decide
         decide       | Commit   | de and dues",
    );
}

#[test]
fn what_is_due_and_refused_is_looked_for_sale_by_sale() {
    check(
        "arrive a     | Rest
         want         | Begin
         begin        | Decide
         decide       | Commit   | a and dues
         commit       |
         fails: refused | Undo
         undo         | Begin
         begin        | Decide
         decide       | Commit   | a
         commit       |
         kept         | Confirm
         confirm      | Publish
         publish      | Rest     | a
         want         | Begin
         begin        | Decide
         decide       | Commit   | and dues
         commit       |
         fails: refused | Undo
         undo         | Begin
         begin        | Decide
         decide       | Commit   | dues of 1
         commit       |
         fails: refused | Undo
         undo         | Begin    | put away 1
         begin        | Decide
         decide idle  | Confirm  | dues of 2
         confirm      | Publish
         publish      | Rest",
    );
}

#[test]
fn who_waits_too_long_is_refused_unless_they_may_be_kept() {
    // They wait in the batch; on top of it, which is void then; and behind it. Presence is never lost.
    check(
        "arrive a     | Rest
         want         | Begin
         begin        | Decide
         decide       | Commit   | a and dues
         commit       |
         arrive bB    |
         ahead        |          | bB
         wait 5s      |
         arrive cC    |
         wait 1s      |          | 1 overloaded
         ahead        |
         wait 5s      |          | 1 overloaded, 1 unknown
         wait 9s      |
         kept         | Confirm
         confirm      | Publish
         publish      | Undo     | a
         undo         | Rest
         want         | Begin
         begin        | Decide
         decide       | Commit   | BC and dues",
    );
    // While something is read for it, nothing of a batch was tried.
    check(
        "arrive a     | Rest
         want         | Begin
         begin        | Decide
         decide       | Commit   | a and dues
         commit       |
         arrive b     |
         ahead        |          | b
         arrive c     |
         kept         | Confirm
         confirm      | Begin
         begin reads  | Publish
         publish      | Read     | a
         wait 6s      | Read     | 2 overloaded
         arrive d     | Read
         read         | Undo
         undo         | RollBack
         rollback     | Rest
         want         | Begin
         begin        | Decide
         decide       | Commit   | d and dues",
    );
    // While a transaction that wrote nothing does not end, nobody leaves it, so that everybody keeps their own answer.
    check(
        "arrive a     | Rest
         wait 4s      | Rest
         arrive b     | Rest
         want         | Begin
         begin reads  | Read
         read         | Decide
         decide idle  | RollBack | ab and dues
         arrive c     | RollBack
         wait 2s      | RollBack
         wait 5s      | RollBack | 1 overloaded, 1 unknown
         rollback     | Confirm
         confirm      | Publish
         publish      | Rest     | ab",
    );
}

#[test]
fn after_a_panic_everybody_is_answered_once() {
    check(
        "arrive a     | Rest
         want         | Begin
         begin        | Decide
         decide       | Commit   | a and dues
         commit       |
         arrive b     |
         ahead        |          | b
         kept         | Confirm
         confirm      | Begin
         begin        | Decide
         arrive c     | Decide
         forget       | Rest     | 3 unknown",
    );
}

/// The plain model, without a pipeline: what has to be so whatever happens.
#[derive(Default)]
struct Model {
    /// Decided and not confirmed, as memory has it: the batch, and what is on top of it.
    memory: Vec<char>,
    /// The commands that memory was confirmed to have, and how many of them are published.
    confirmed: Vec<char>,
    published: usize,
    has_transaction: bool,
    /// Everybody who ever requested something, with what they wait for.
    requests: BTreeMap<char, oneshot::Receiver<Reply>>,
}

impl Model {
    fn everybody_knows(&self) -> bool {
        self.published == self.confirmed.len()
    }

    /// Publishes what the pipeline has for it.
    fn publish(&mut self, pipeline: &mut Pipeline, count: usize) {
        let committed = pipeline.committed();
        let Some(Committed { answers, .. }) = committed else { return };
        for (envelope, verdict) in answers.by_ref().take(count) {
            let name = name(&envelope);
            assert_eq!(self.confirmed.get(self.published), Some(&name), "only what was kept, in its order");
            assert_eq!(verdict.charged, Some(UserId(name as u64)), "everybody gets their own verdict");
            self.published += 1;
            envelope.reply.send(verdict.reply);
        }
        if answers.len() == 0 {
            *committed = None;
        }
    }
}

fn refuse(commands: impl IntoIterator<Item = Envelope>) {
    commands.into_iter().for_each(|envelope| envelope.reply.send(Err(Refusal::Internal)));
}

/// Goal: whatever the store says and however long it takes, everybody is answered once, what was kept in its order, and
/// each step finds what it rests on. Method: random lives, in which the step that comes next is done and judged.
#[test]
fn every_step_finds_what_it_rests_on_whatever_happens() {
    let mut seen = BTreeMap::<String, u32>::new();
    for seed in 0..2_000 {
        let life = std::panic::AssertUnwindSafe(|| live(seed, &mut seen));
        if let Err(panic) = std::panic::catch_unwind(life) {
            eprintln!("in the life of seed {seed}");
            std::panic::resume_unwind(panic);
        }
    }
    assert_eq!(seen.len(), 11, "every step was done: {seen:?}");
    assert!(seen.values().all(|count| *count > 500), "and often: {seen:?}");
}

fn live(seed: u64, seen: &mut BTreeMap<String, u32>) {
    const TURNS: u32 = 300;
    const CALM: u32 = 150;
    let mut rng = StdRng::seed_from_u64(seed);
    let (mut pipeline, mut model, mut now) = (Pipeline::default(), Model::default(), START);
    let mut new_names = '\u{4e00}'..;
    for turn in 0..TURNS {
        // Nothing fails in the end, so that nobody waits any more.
        let is_calm = turn >= TURNS - CALM;
        let chance: u32 = if is_calm { 99 } else { rng.random_range(0..60) };
        if !is_calm && rng.random_range(0..3) == 0 {
            let name = new_names.next().unwrap();
            let (envelope, replied) = envelope(name, now);
            model.requests.insert(name, replied);
            pipeline.waiting_mut().push_back(envelope);
        }
        let step = pipeline.next();
        *seen.entry(format!("{step:?}")).or_default() += 1;
        if !matches!(step, Step::Begin | Step::Decide | Step::Commit | Step::Publish) {
            assert!(model.everybody_knows(), "{step:?} before everybody knows what was committed");
        }
        let takes_long = chance.is_multiple_of(7);
        if takes_long {
            now = now + Duration::from_secs(rng.random_range(1..12));
        }
        if takes_long && matches!(step, Step::Read | Step::RollBack | Step::Settle) {
            give_up(&mut pipeline, now);
        }
        let failure = match chance {
            0..6 => Some(Failure::RolledBack),
            6..12 => Some(Failure::Refused("no".into())),
            12..15 => Some(Failure::Out),
            15..18 => Some(Failure::SteppedDown(SALES[0])),
            _ => None,
        };
        match (step, failure) {
            (Step::Rest, _) => {
                assert!(
                    model.memory.is_empty() && !model.has_transaction,
                    "{step:?} with something under way"
                );
                pipeline.want();
            }
            (Step::Begin, _) => {
                let reads = chance.is_multiple_of(3) && pipeline.next_commands().next().is_some();
                pipeline.begin(chance % 5 == 1, reads);
            }
            (Step::Read, None) => {
                model.has_transaction = true;
                pipeline.read();
            }
            (Step::Decide, _) => {
                let begun: Vec<char> =
                    pipeline.in_batch().iter().map(|(envelope, _)| name(envelope)).collect();
                assert_eq!(begun, model.memory, "decided on top of what was committed and decided ahead");
                let room = pipeline.room();
                let count = pipeline.waiting().len().min(room);
                model.memory.extend(pipeline.waiting().iter().take(count).map(name));
                decide(&mut pipeline, count);
                match chance {
                    0..2 => pipeline.broke(),
                    _ => pipeline.decided(batch(!chance.is_multiple_of(4))),
                }
            }
            (Step::Commit | Step::Settle, failure) => {
                let held = pipeline.give_to_store();
                if step == Step::Commit {
                    model.publish(&mut pipeline, rng.random_range(0..3));
                    let count = pipeline.waiting().len().min(pipeline.room_ahead());
                    if count > 0 && chance.is_multiple_of(2) {
                        model.memory.extend(pipeline.waiting().iter().take(count).map(name));
                        decide(&mut pipeline, count);
                        pipeline.went_ahead(chance == 20);
                    }
                    if takes_long {
                        give_up(&mut pipeline, now);
                    }
                }
                match failure {
                    Some(failure) => {
                        model.has_transaction = false;
                        pipeline.failed(failure);
                    }
                    None if chance < 30 => pipeline.unknown(held),
                    None => pipeline.kept(held),
                }
            }
            (Step::Confirm, _) => {
                let held = pipeline.confirm();
                let names: Vec<char> =
                    pipeline.in_batch().iter().map(|(envelope, _)| name(envelope)).collect();
                let kept: Vec<char> = model.memory.drain(..names.len()).collect();
                assert_eq!(names, kept, "memory is made of what was kept");
                model.confirmed.extend(names);
                model.has_transaction = false;
                pipeline.confirmed(held);
            }
            (Step::Publish, _) => model.publish(&mut pipeline, usize::MAX),
            (Step::Undo, _) => {
                model.memory.clear();
                match pipeline.undone(SALES.into_iter()) {
                    Consequence::GiveUp(commands) => refuse(commands),
                    Consequence::Refuse(command, _) => refuse([*command]),
                    Consequence::None | Consequence::StepDown(_) | Consequence::PutAway(..) => {}
                }
            }
            (Step::RollBack, None) => {
                assert!(model.has_transaction, "there is none");
                model.has_transaction = false;
                pipeline.rolled_back();
            }
            (Step::Read | Step::RollBack, Some(failure)) => {
                model.has_transaction = false;
                pipeline.failed(failure);
            }
            (Step::BreakDown, _) => {
                model.memory.clear();
                refuse(pipeline.broken_down());
            }
        }
    }
    for (name, mut replied) in model.requests {
        match replied.try_recv() {
            Ok(Ok(_)) => {
                assert!(model.confirmed.contains(&name), "{name} was confirmed, and it was not kept");
            }
            Ok(Err(refusal)) => assert!(
                !model.confirmed.contains(&name) || refusal == Refusal::OutcomeUnknown,
                "{name} was refused, and it was kept"
            ),
            Err(_) => panic!("{name} was not answered"),
        }
    }
}

fn give_up(pipeline: &mut Pipeline, now: Timestamp) {
    let may_be_kept = pipeline.is_with_store();
    for (reply, refusal) in pipeline.give_up(now) {
        assert!(may_be_kept || refusal != Refusal::OutcomeUnknown, "nothing was tried");
        reply.send(Err(refusal));
    }
}
