//! One change to many: watchers of a hall, and a steady rate of holds. Compared, in the same run, with a bare loop that
//! writes as many bytes to as many sockets.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::ensure;
use clap::Args;
use frontrow_crowd::crew::Worker;
use frontrow_crowd::fan::{Event, Fan, Reservation, Trouble, hold_request, release_request};
use frontrow_crowd::record::{Counter, Op};
use frontrow_crowd::seats::SeatModel;
use frontrow_crowd::shop::Shop;
use frontrow_crowd::tokens::Tokens;
use frontrow_protocol::SeatState;

use super::bare_loop::{self, Bare};
use super::{READY_PATIENCE, open_and_join, play};
use crate::common::{Common, duration};
use crate::consoles::Consoles;
use crate::run::{Needs, Run};

const ABOUT: &str = "fans watch a hall in which seats are held and given back at a steady rate.";
/// Fans who hold; each has one seat at a time and changes it in turn.
const HOLDERS: usize = 20;
/// Watchers with a model of their own, compared seat by seat at the end; the others compare versions.
const WATCHERS_COMPARED: usize = 50;
/// Watchers who receive nothing for this long after the last hold have received it all.
const SILENCE: Duration = Duration::from_secs(2);

/// One change to many watchers: time from commit to receipt, and the server's CPU for a frame.
#[derive(Args)]
pub struct Fanout {
    /// Watchers, each on a websocket of its own.
    #[arg(long, default_value_t = 10_000)]
    watchers: usize,
    /// Holds a second; each gives the holder's former seat back, which is a change too.
    #[arg(long, default_value_t = 50)]
    rate: u32,
    /// More than there are fans, because nobody is admitted for whom there is no free seat.
    #[arg(long, default_value_t = 12_000)]
    seats: usize,
    /// Operators' consoles, each of which watches every sale, and this one with its details.
    #[arg(long, default_value_t = 0)]
    consoles: usize,
    /// The time for which figures are taken.
    #[arg(long, default_value = "20s", value_parser = duration)]
    duration: Duration,
    /// The time for which the bare loop is measured afterwards; 0s for not at all.
    #[arg(long, default_value = "10s", value_parser = duration)]
    bare: Duration,
}

/// The state that all fans share.
struct Hall {
    tokens: Arc<Tokens>,
    concert: u32,
    schedule: u64,
    watchers: usize,
    rate: u32,
    /// All times are in microseconds since this.
    epoch: Instant,
    /// Each seat's last hold and last release.
    held: Vec<Times>,
    freed: Vec<Times>,
    /// No more holds will come.
    quiet: AtomicBool,
    /// The version that each watcher ended with.
    versions: Mutex<Vec<u64>>,
    /// The seats of those watchers who had a model of their own.
    compared: Mutex<Vec<Vec<SeatState>>>,
}

/// The two moments between which a change was committed.
#[derive(Default)]
struct Times {
    /// The time before the request was sent.
    asked: AtomicU64,
    /// The time at which the answer was received, which left after the commit; `NOT_YET` before.
    answered: AtomicU64,
}

const NOT_YET: u64 = u64::MAX;

impl Times {
    fn ask(&self, now: u64) {
        self.answered.store(NOT_YET, Ordering::Relaxed);
        self.asked.store(now, Ordering::Relaxed);
    }

    fn answer(&self, now: u64) {
        self.answered.store(now, Ordering::Relaxed);
    }
}

impl Hall {
    fn now(&self) -> u64 {
        self.epoch.elapsed().as_micros() as u64
    }
}

impl Fanout {
    pub async fn run(self, common: &Common) -> anyhow::Result<bool> {
        let watchers = self.watchers;
        let fans = watchers + HOLDERS;
        // One more fan comes at the end, and each holder may have two seats at a time.
        let seats_min = fans + 1 + 2 * HOLDERS;
        ensure!(
            self.seats >= seats_min,
            "--seats {} lets not all fans in: {watchers} watchers need {seats_min}",
            self.seats
        );
        let needs = Needs {
            users: fans + 1,
            connections: fans + 1,
            seats: self.seats,
            schedules: 1,
            capacity: fans as u32 + 1,
            open: true,
            shape: "arena",
        };
        let mut run = Run::prepare(common, &needs, &[Op::Hold, Op::Delta]).await?;
        run.setting("watchers", watchers);
        run.setting("holds a second", self.rate);
        run.setting("seats", self.seats);
        run.setting("consoles", self.consoles);
        let times = || (0..run.venue.seats).map(|_| Times::default()).collect();
        let hall = Arc::new(Hall {
            tokens: run.tokens.clone(),
            concert: run.venue.concert,
            schedule: run.venue.schedules[0],
            watchers,
            rate: self.rate,
            epoch: Instant::now(),
            held: times(),
            freed: times(),
            quiet: AtomicBool::new(false),
            versions: Mutex::default(),
            compared: Mutex::default(),
        });
        let (all, venue, claims) = (hall.clone(), run.venue.clone(), run.claims.clone());
        let stage = move || (all.clone(), Shop::new(&venue, &claims));
        let fan = async |worker: &Rc<Worker>, (hall, shop): &(Arc<Hall>, Rc<Shop>), number| match number
            < hall.watchers
        {
            true => watch(worker, hall, shop, number).await,
            false => change(worker, hall, shop, number).await,
        };
        let crew = play(&run, fans, stage, fan)?;
        run.until(&crew, "all fans watch", READY_PATIENCE, || crew.ready() >= fans as u64).await?;
        crew.go();
        let consoles = Consoles::open(&run.server, self.consoles, hall.concert).await?;
        run.pass(&crew, Duration::from_secs(2)).await;
        run.begin();
        consoles.begin();
        let lanes_before = run.server.lanes_cpu();
        run.pass(&crew, self.duration).await;
        let lanes = run.server.lanes_cpu().zip(lanes_before).map(|(after, before)| after - before);
        run.end();
        let looked = consoles.end()?;
        hall.quiet.store(true, Ordering::Relaxed);
        run.pass(&crew, SILENCE).await;
        let truth = newest(&run, &hall, fans).await?;
        run.finish(crew).await?;
        self.figures(&mut run);
        if let Some(lanes) = lanes {
            let part = 100.0 * lanes.as_secs_f64() / run.board.window().as_secs_f64();
            run.figure("lanes_cpu", part, "%", "of a core, for the lanes");
        }
        self.check_consoles(&mut run, looked);
        check_all_newest(&mut run, &hall, &truth);
        if !self.bare.is_zero() {
            self.compare_with_bare(&mut run, common).await?;
        }
        run.report("fanout", ABOUT)
    }

    fn figures(&self, run: &mut Run) {
        let frames = run.board.counter(Counter::Deltas);
        let window = run.board.window().as_secs_f64();
        run.figure("frames_per_second", frames as f64 / window, "/s", "deltas received");
        run.figure(
            "rounds_per_second",
            frames as f64 / self.watchers as f64 / window,
            "/s",
            "rounds, each one delta for every watcher",
        );
        run.percentile_figure(
            Op::Delta,
            50.0,
            "delta_p50",
            "half of the changes, from before the hold was sent",
        );
        run.percentile_figure(
            Op::Delta,
            99.0,
            "delta_p99",
            "99 of 100 changes, from before the hold was sent",
        );
        for (percent, name, about) in [
            (50.0, "delta_after_answer_p50", "half of the changes, from the receipt of the answer"),
            (99.0, "delta_after_answer_p99", "99 of 100 changes, from the receipt of the answer"),
        ] {
            run.percentile_figure(Op::DeltaAfterAnswer, percent, name, about);
        }
        run.percentile_figure(Op::Hold, 99.0, "hold_p99", "99 of 100 answers to a hold, at most");
        run.cpu_figure(frames, "server_cpu_per_frame", "of the server's CPU for a delta");
    }

    fn check_consoles(&self, run: &mut Run, (updates, gaps, behind): (u64, u64, Duration)) {
        if self.consoles == 0 {
            return;
        }
        let behind = behind.as_secs_f64();
        run.figure("console_updates", updates as f64, "", "updates that consoles received");
        run.figure("console_behind", behind, "s", "the longest that a console did not know of something");
        run.check(
            "consoles are never more than two seconds behind",
            behind <= 2.0 && gaps == 0 && updates > 0,
            format!("{updates} updates, {gaps} gaps, {behind:.2} s at most"),
        );
    }

    async fn compare_with_bare(&self, run: &mut Run, common: &Common) -> anyhow::Result<()> {
        let frames = run.board.counter(Counter::Deltas);
        let Some(used) = run.server_use().filter(|_| frames > 0) else { return Ok(()) };
        let window = run.board.window().as_secs_f64();
        let bare = Bare {
            connections: self.watchers,
            // The header of a frame this long has four bytes, of a short one two.
            bytes: (run.board.counter(Counter::DeltaBytes) / frames) as usize + 4,
            rounds_per_second: frames as f64 / self.watchers as f64 / window,
        };
        let micros = bare_loop::measure(common, bare, self.bare).await?;
        let ours = 1e6 * used.cpu_seconds / frames as f64;
        run.figure("bare_cpu_per_frame", micros, "µs", "of a bare loop's CPU for as many bytes");
        run.figure("cpu_over_bare", ours / micros, "×", "of the bare loop's CPU for a frame");
        Ok(())
    }
}

/// The version and the seats as a fan gets them who comes now.
async fn newest(run: &Run, hall: &Hall, user: usize) -> anyhow::Result<(u64, Vec<SeatState>)> {
    let (tokens, door) = (run.tokens.clone(), run.server.door);
    let (board, concert, schedule) = (run.board.clone(), hall.concert, hall.schedule);
    let asked = tokio::task::spawn_blocking(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let stats = frontrow_crowd::record::Stats::new(board);
            let target = frontrow_crowd::ws::Target::plain(door);
            let credential = frontrow_crowd::fan::Credential::Access(tokens.get(user).into());
            let mut fan = Fan::connect(&target, &credential, &stats, Op::Connect, Instant::now()).await?;
            fan.join(concert, Instant::now()).await?;
            fan.admitted().await?;
            let model = Rc::new(RefCell::new(SeatModel::new(schedule)));
            fan.watch(schedule, &model).await?;
            fan.close().await;
            let model = model.borrow();
            anyhow::Ok((model.version(), model.states().to_vec()))
        })
    });
    asked.await?
}

fn check_all_newest(run: &mut Run, hall: &Hall, truth: &(u64, Vec<SeatState>)) {
    let versions = hall.versions.lock().unwrap_or_else(PoisonError::into_inner);
    let behind = versions.iter().filter(|version| **version != truth.0).count();
    run.check(
        "the newest state delivered to all",
        behind == 0 && versions.len() == hall.watchers,
        format!("{} watchers at the end, {behind} of them behind", versions.len()),
    );
    let compared = hall.compared.lock().unwrap_or_else(PoisonError::into_inner);
    let wrong = compared.iter().filter(|states| **states != truth.1).count();
    run.check(
        "seats as a fresh snapshot says",
        wrong == 0 && !compared.is_empty(),
        format!("{} watchers compared seat by seat, {wrong} differ", compared.len()),
    );
}

async fn watch(worker: &Rc<Worker>, hall: &Hall, shop: &Shop, number: usize) -> Result<(), Trouble> {
    let mut fan = open_and_join(worker, &hall.tokens, number, hall.concert).await?;
    fan.admitted().await?;
    let own = number < WATCHERS_COMPARED;
    let model = match own {
        true => Rc::new(RefCell::new(SeatModel::new(hall.schedule))),
        false => shop.model(hall.schedule),
    };
    fan.watch(hall.schedule, &model).await?;
    worker.ready().await;
    let mut stopped = std::pin::pin!(worker.stopped());
    loop {
        let event = tokio::select! {
            () = &mut stopped => break,
            event = fan.next() => event?,
        };
        if let Event::Seats(_) | Event::Back = event {
            note_changes(worker, hall, &model.borrow());
        }
    }
    let version = fan.seats_version().unwrap_or_default();
    hall.versions.lock().unwrap_or_else(PoisonError::into_inner).push(version);
    if own {
        let states = model.borrow().states().to_vec();
        hall.compared.lock().unwrap_or_else(PoisonError::into_inner).push(states);
    }
    fan.close().await;
    Ok(())
}

/// The time that each change of the last delta was on its way since its commit, which nobody here can see: from
/// before its request was sent, which is never less than that, and from the receipt of the answer, which is never
/// more.
fn note_changes(worker: &Worker, hall: &Hall, model: &SeatModel) {
    let now = hall.now();
    for change in model.last_changes() {
        let times = if change.state == SeatState::Available { &hall.freed } else { &hall.held };
        let Some(times) = times.get(change.seat as usize) else { continue };
        for (op, since) in [(Op::Delta, &times.asked), (Op::DeltaAfterAnswer, &times.answered)] {
            let elapsed = now.saturating_sub(since.load(Ordering::Relaxed));
            worker.stats.ok_many(op, Duration::from_micros(elapsed), 1);
        }
    }
}

/// Holds a new seat and gives the former one back, at this holder's turns of the common rate.
async fn change(worker: &Rc<Worker>, hall: &Hall, shop: &Shop, number: usize) -> Result<(), Trouble> {
    let mut fan = open_and_join(worker, &hall.tokens, number, hall.concert).await?;
    fan.admitted().await?;
    let began = worker.ready().await;
    let mut held: Option<Reservation> = None;
    for turn in (number - hall.watchers..).step_by(HOLDERS) {
        let due = began + Duration::from_secs_f64(turn as f64 / f64::from(hall.rate));
        tokio::time::sleep_until(due.into()).await;
        if worker.stopping() || hall.quiet.load(Ordering::Relaxed) {
            break;
        }
        // Round and round: by the time that a seat is held again, everybody has long received the last time.
        let seat = (turn % hall.held.len()) as u32;
        let release = held.take().map(|former| {
            for seat in &former.seats {
                shop.claims.let_go(hall.schedule, seat.seat, number);
                hall.freed[seat.seat as usize].ask(hall.now());
            }
            (fan.push(&release_request(former.reservation_id)), former.seats)
        });
        hall.held[seat as usize].ask(hall.now());
        let hold = fan.push(&hold_request(hall.schedule, &[seat]));
        fan.flush().await?;
        if let Some((release, seats)) = release {
            let answer: Result<Reservation, _> = fan.answer(release).await;
            seats.iter().for_each(|seat| hall.freed[seat.seat as usize].answer(hall.now()));
            fan.note_outcome(Op::Release, due, &answer);
            answer?;
        }
        // Open loop: the time runs from when it should have been sent.
        let answer: Result<Reservation, _> = fan.answer(hold).await;
        hall.held[seat as usize].answer(hall.now());
        fan.note_outcome(Op::Hold, due, &answer);
        held = Some(answer?);
        shop.claims.hold(hall.schedule, seat, number).unwrap_or_else(|fault| worker.stats.fault(fault));
        worker.stats.count(Counter::SeatsHeld, 1);
    }
    worker.stopped().await;
    fan.close().await;
    Ok(())
}
