//! Kills the server, or its database, again and again while fans buy, and compares what was confirmed to each fan with what is
//! there afterwards.

mod book;
mod buyer;
mod database;

use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::bail;
use buyer::{Buyer, PURCHASES_MAX, SEATS_MAX, Tally};
use clap::{Args, ValueEnum};
use database::Database;
use frontrow_crowd::crew::Worker;
use frontrow_crowd::record::Op;
use frontrow_crowd::shop::rng_of;
use rand::RngExt;

use super::READY_PATIENCE;
use crate::common::{Common, duration};
use crate::http::HttpClient;
use crate::run::{Needs, Run};

/// A server that begins has taken over its sales by then, on the machines that this is run on.
const RECOVERY_TIME: Duration = Duration::from_millis(120);

const ABOUT: &str = "the server or its database is killed under load, and what was confirmed to each fan is compared with what is there.";
/// Kills under load: nothing that was confirmed may be lost, nothing may happen twice.
#[derive(Args)]
pub struct Crash {
    #[arg(long, default_value_t = 50)]
    kills: usize,
    /// The most times that what a killed server left is audited before the next one begins; spread over the kills.
    #[arg(long, default_value_t = 50)]
    audits: usize,
    /// Fans who buy all the time.
    #[arg(long, default_value_t = 300)]
    fans: usize,
    #[arg(long, value_enum, default_value_t = Victim::Server)]
    victim: Victim,
    /// The longest time of load before a kill; each takes a random share of it.
    #[arg(long, default_value = "2s", value_parser = duration)]
    every: Duration,
    /// The longest time that a killed database stays away.
    #[arg(long, default_value = "1s", value_parser = duration)]
    away: Duration,
    /// A line for the shell that starts the database of --database-url and stays in the foreground; needed to kill it.
    #[arg(long, value_name = "COMMAND", requires = "database_url")]
    database_command: Option<String>,
}

/// The victim of a kill.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Victim {
    Server,
    Database,
    /// One or the other, or both.
    Either,
}

impl Crash {
    pub async fn run(self, common: &Common) -> anyhow::Result<bool> {
        let mut database = match (&self.database_command, &common.database_url) {
            (Some(command), Some(url)) => Some(Database::start(command, url).await?),
            _ if self.victim == Victim::Server => None,
            _ => bail!("--database-command is needed to kill the database"),
        };
        let fans = self.fans;
        let needs = Needs {
            users: fans,
            connections: fans,
            seats: (fans * PURCHASES_MAX * SEATS_MAX * 2).max(100),
            schedules: 1,
            // Two thirds wait, so that there are places to be lost.
            capacity: fans.div_ceil(3) as u32,
            open: true,
            shape: "arena",
        };
        let mut run = Run::prepare(common, &needs, &[Op::Hold, Op::Pay, Op::Resume]).await?;
        run.setting("fans", fans);
        run.setting("kills", self.kills);
        run.setting("victim", format!("{:?}", self.victim).to_lowercase());
        let (tokens, venue, claims) = (run.tokens.clone(), run.venue.clone(), run.claims.clone());
        let tally = Arc::new(Tally::default());
        let (seed, confirmed) = (common.seed, tally.clone());
        let crew = run.crew(move |worker| {
            let (tokens, venue, claims, tally) =
                (tokens.clone(), venue.clone(), claims.clone(), confirmed.clone());
            async move {
                let play = |worker: Rc<Worker>, number| {
                    let (tokens, venue, claims, tally) =
                        (tokens.clone(), venue.clone(), claims.clone(), tally.clone());
                    Buyer::new(worker, number, tokens, venue, claims, tally, seed).play()
                };
                worker.play(worker.share(fans), play).await;
                Ok(())
            }
        })?;
        run.until(&crew, "all fans are there", READY_PATIENCE, || crew.ready() >= fans as u64).await?;
        run.begin();
        crew.go();
        let mut rng = rng_of(common.seed, usize::MAX);
        let mut recoveries = Vec::with_capacity(self.kills);
        let mut not_ready = 0_u64;
        let mut killed = 0;
        let mut left = Left::new(self.kills, self.audits);
        while killed < self.kills {
            run.pass(&crew, self.every.mul_f64(rng.random_range(0.1..1.0))).await;
            if crew.is_finished() {
                bail!("the fans ended before the last kill");
            }
            let (server, of_database) = match self.victim {
                Victim::Server => (true, false),
                Victim::Database => (false, true),
                Victim::Either => [(true, false), (false, true), (true, true)][rng.random_range(0..3)],
            };
            if of_database && let Some(database) = &mut database {
                database.kill()?;
                killed += 1;
                run.pass(&crew, self.away.mul_f64(rng.random_range(0.0..1.0))).await;
                not_ready += u64::from(!server && !is_ready(&run).await);
            }
            if server {
                run.server.kill()?;
                killed += usize::from(!of_database);
            }
            let began = Instant::now();
            if of_database && let Some(database) = &mut database {
                database.start_again().await?;
            }
            if server {
                left.look(&run, killed, false)?;
                // Sometimes it dies again while it recovers, or soon after.
                while killed < self.kills && rng.random_bool(0.3) {
                    let longest = if rng.random_bool(0.7) { RECOVERY_TIME } else { 5 * RECOVERY_TIME };
                    run.server.start_and_kill(longest.mul_f64(rng.random_range(0.0..1.0))).await?;
                    killed += 1;
                    left.look(&run, killed, true)?;
                }
                run.server.start_again()?;
            }
            run.server.wait_ready().await?;
            recoveries.push(began.elapsed().as_secs_f64());
        }
        // The requests that the last kill interrupted are settled under load, too.
        run.pass(&crew, self.every.max(Duration::from_secs(2))).await;
        run.end();
        run.finish(crew).await?;
        let value = |counter: &AtomicU64| counter.load(Ordering::Relaxed) as f64;
        run.figure("kills", killed as f64, "", "of the server or its database");
        recoveries.sort_by(f64::total_cmp);
        if let Some(longest) = recoveries.last() {
            let median = recoveries[recoveries.len() / 2];
            run.figure("recovery_median_seconds", median, "s", "from the start until ready");
            run.figure("recovery_longest_seconds", *longest, "s", "from the start until ready");
        }
        left.report(&mut run);
        run.figure(
            "comparisons",
            value(&tally.compared),
            "",
            "of all that a fan knew with all that is there",
        );
        run.figure(
            "unanswered_happened",
            value(&tally.happened),
            "",
            "requests whose answer was lost, and that had happened",
        );
        run.figure(
            "unanswered_did_not",
            value(&tally.did_not),
            "",
            "requests whose answer was lost, and that had not happened",
        );
        run.figure("told_later", value(&tally.later), "", "answers that said: try again");
        run.figure(
            "told_later_slowest_ms",
            value(&tally.slowest_later_us) / 1e3,
            "ms",
            "until such an answer came",
        );
        let lost = tally.lost.load(Ordering::Relaxed);
        run.check(
            "nothing confirmed was lost",
            lost == 0,
            format!("{lost} fans lack what was confirmed to them"),
        );
        if self.victim == Victim::Database {
            let detail = format!("{not_ready} of {} times", recoveries.len());
            run.check("readiness says when the database is away", not_ready > 0, detail);
        }
        run.check_sale().await?;
        let ok = run.report("crash", ABOUT);
        drop(database); // After the audit, which needs it.
        ok
    }
}

/// What killed servers left behind, as the audit finds it before the next one begins.
#[derive(Default)]
struct Left {
    /// Kills between two audits, so that there are not too many.
    every: usize,
    next: usize,
    audits: u64,
    faults: Vec<String>,
    /// Rows of the journal, as the last audit saw them; `None`: something happened since.
    journal: Option<u64>,
    /// Kills with rows of the journal that the tables did not have, and the most that there were.
    behind: u64,
    most_behind: u64,
    /// Of those the ones that came between a claim and the end of its catching up.
    in_catch_up: u64,
}

impl Left {
    fn new(kills: usize, audits: usize) -> Self {
        Self { every: kills.div_ceil(audits.max(1)), ..Self::default() }
    }

    /// Looks at what is there after a kill, if it is time. `again`: nobody did anything since the last look but a server that
    /// was started and killed.
    fn look(&mut self, run: &Run, killed: usize, again: bool) -> anyhow::Result<()> {
        let before = self.journal.take().filter(|_| again);
        if killed < self.next && before.is_none() {
            return Ok(());
        }
        self.next = killed + self.every;
        let Some(audit) = run.server.audited()? else { return Ok(()) };
        let (rows, to_follow) = audit.journal();
        self.audits += 1;
        self.faults.extend(audit.faults.into_iter().map(|fault| format!("after kill {killed}: {fault}")));
        self.behind += u64::from(to_follow > 0);
        self.most_behind = self.most_behind.max(to_follow);
        // A claim has added a row, and what it found is not in the tables yet.
        self.in_catch_up += u64::from(to_follow > 0 && before.is_some_and(|before| rows > before));
        self.journal = Some(rows);
        Ok(())
    }

    fn report(&self, run: &mut Run) {
        let mut figure = |name, value: u64, about| run.figure(name, value as f64, "", about);
        figure(
            "audits_of_killed",
            self.audits,
            "audits of what a killed server left, before the next one began",
        );
        figure("killed_behind", self.behind, "of them with rows of the journal that the tables did not have");
        figure("most_behind", self.most_behind, "rows of the journal that the tables did not have, at most");
        figure(
            "killed_in_catch_up",
            self.in_catch_up,
            "kills between a claim and the end of its catching up",
        );
        let detail = match self.faults.first() {
            None => format!("{} audits", self.audits),
            Some(first) => format!("{} faults, the first: {first}", self.faults.len()),
        };
        run.check("what killed servers left fits", self.faults.is_empty(), detail);
    }
}

async fn is_ready(run: &Run) -> bool {
    let Ok(mut client) = HttpClient::connect(run.server.door, None).await else { return false };
    client.get("/readyz", None).await.is_ok_and(|answer| answer.status == 200)
}
