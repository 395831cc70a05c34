//! One run of one scenario: its server, its users, its clock, its report. A scenario asks the run for what it needs
//! and says when the figures begin and end; everything that all scenarios share is here.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, bail};
use frontrow_crowd::claims::Claims;
use frontrow_crowd::crew::{Crew, Worker};
use frontrow_crowd::door::Door;
use frontrow_crowd::figures;
use frontrow_crowd::record::{Board, Counter, Op};
use frontrow_crowd::shop::Venue;
use frontrow_crowd::tokens::Tokens;
use frontrow_protocol::layout::Layout;
use frontrow_protocol::result::Concerts;

use crate::common::Common;
use crate::database_counts::DatabaseCounts;
use crate::file_limit;
use crate::report::{Check, Figure, Machine, ProcessUse, Report, cores, progress_line, summary};
use crate::server::{Server, SpawnOptions, Usage, usage_of};

/// The interval at which a condition is looked at: well below what is measured, and next to nothing of a processor.
const POLL: Duration = Duration::from_millis(2);
/// The time that fans may take to come to their end when a run is over.
const END_PATIENCE: Duration = Duration::from_secs(60);

/// The needs of a scenario before it can begin.
#[derive(Clone, Debug)]
pub struct Needs {
    /// Users, and connections at a time.
    pub users: usize,
    pub connections: usize,
    /// The seats of each schedule.
    pub seats: usize,
    pub schedules: usize,
    /// Fans admitted at a time.
    pub capacity: u32,
    pub open: bool,
    /// hall, arena or stadium.
    pub shape: &'static str,
}

/// Settings of a server that is started here: what protects a server from one client would stop a load test, which is
/// all clients at once; and no deadline ends what a scenario does not want ended.
const SETTINGS: &[&str] = &[
    "limits.requests_per_second=1000000",
    "limits.requests_burst=1000000",
    "limits.requests_in_flight=1024",
    "limits.connections_per_user=100",
    "sale.hold_ttl=2h",
    "sale.admission_ttl=4h",
    "sale.idle_ttl=4h",
    "sale.away_ttl=4h",
    "log.level=warn",
];

pub struct Run {
    pub common: Common,
    pub board: Arc<Board>,
    pub server: Server,
    pub venue: Venue,
    pub tokens: Arc<Tokens>,
    pub claims: Arc<Claims>,
    settings: Vec<(String, String)>,
    figures: Vec<Figure>,
    checks: Vec<Check>,
    /// Shown while it runs.
    shown: &'static [Op],
    usage_before: Option<Usages>,
    server_use: Option<ProcessUse>,
    client_use: Option<ProcessUse>,
    database_use: Option<ProcessUse>,
    /// What the database counted in the window, and how often the server waited for it.
    database_work: Option<DatabaseCounts>,
    round_trips: Option<u64>,
    /// Batches that had waited for the tables when the figures began.
    waited_before: Option<u64>,
    /// Seats that were sold before this run.
    sold_before: u64,
    /// The server's use at the last tick.
    last_tick: (Instant, Option<Usage>),
    /// The use of each of several servers when the figures began.
    each_before: Vec<(String, Usage)>,
}

impl Run {
    /// Starts or finds the server, imports a venue, makes users.
    pub async fn prepare(common: &Common, needs: &Needs, shown: &'static [Op]) -> anyhow::Result<Self> {
        file_limit::make_room(needs.connections)?;
        let (server, venue, tokens) = match &*common.server {
            [] => spawn(common, needs).await?,
            servers => {
                let tls = common.tls()?;
                let doors = servers.iter().map(|address| Door::new(*address, tls)).collect();
                let server = Server::attach(doors, common.pid.clone(), common.operator_token.clone()).await?;
                let venue = find_venue(&server, common.concert).await?;
                let path = common.tokens.as_ref().context("--tokens is needed with --server")?;
                let text = std::fs::read_to_string(path)
                    .with_context(|| format!("could not read {}", path.display()))?;
                (server, venue, Tokens::parse(text)?)
            }
        };
        tokens.need(needs.users)?;
        let claims = Arc::new(Claims::new(&venue.schedules, venue.seats));
        let sold_before = match server.can_operate() {
            true => server.figures(venue.concert).await?.sold,
            false => 0,
        };
        eprintln!(
            "concert {}: {} schedules of {} seats, {} users, at {}",
            venue.concert,
            venue.schedules.len(),
            venue.seats,
            tokens.len(),
            named(server.doors())
        );
        Ok(Self {
            common: common.clone(),
            board: Board::new(),
            server,
            venue,
            tokens: Arc::new(tokens),
            claims,
            settings: Vec::new(),
            figures: Vec::new(),
            checks: Vec::new(),
            shown,
            usage_before: None,
            server_use: None,
            client_use: None,
            database_use: None,
            database_work: None,
            round_trips: None,
            waited_before: None,
            sold_before,
            last_tick: (Instant::now(), None),
            each_before: Vec::new(),
        })
    }

    /// Threads that play fans.
    pub fn threads(&self) -> usize {
        threads(&self.common)
    }

    pub fn crew<R, F>(&self, role: R) -> anyhow::Result<Crew>
    where
        R: Fn(std::rc::Rc<Worker>) -> F + Clone + Send + 'static,
        F: Future<Output = anyhow::Result<()>> + 'static,
    {
        Ok(Crew::start(self.threads(), self.server.doors(), None, &self.board, role)?)
    }

    /// Waits until `condition` holds, showing a line every second. An error when the crew ends first, or after
    /// `patience`.
    pub async fn until(
        &mut self,
        crew: &Crew,
        what: &str,
        patience: Duration,
        mut condition: impl FnMut() -> bool,
    ) -> anyhow::Result<()> {
        let began = Instant::now();
        while !condition() {
            if crew.is_finished() && !condition() {
                bail!("the fans ended before {what}");
            }
            if began.elapsed() > patience {
                bail!("not {what} within {} s", patience.as_secs());
            }
            self.pause().await;
        }
        Ok(())
    }

    /// Lets time pass, showing a line every second. Less if the crew ends.
    pub async fn pass(&mut self, crew: &Crew, time: Duration) {
        let began = Instant::now();
        while began.elapsed() < time && !crew.is_finished() {
            self.pause().await;
        }
    }

    /// Lets things come to rest, so that what is read next is not still falling or growing.
    pub async fn settle_down(&mut self, crew: &Crew, time: Duration) {
        eprintln!("settling for {:.0} s", time.as_secs_f64());
        self.pass(crew, time).await;
    }

    async fn pause(&mut self) {
        tokio::time::sleep(POLL).await;
        if self.last_tick.0.elapsed() >= Duration::from_secs(1) {
            self.tick();
        }
    }

    fn tick(&mut self) {
        let (last, used) = self.last_tick;
        let now = Instant::now();
        let usage = self.server.usage();
        let server = usage.map(|usage| {
            let before = used.unwrap_or(usage);
            let cpu = usage.cpu.saturating_sub(before.cpu);
            (100.0 * cpu.as_secs_f64() / (now - last).as_secs_f64(), usage.rss_bytes)
        });
        self.last_tick = (now, usage);
        let second = self.board.tick(server);
        eprintln!("{}", progress_line(&second, self.shown));
    }

    /// Begins the figures.
    pub fn begin(&mut self) {
        self.usage_before = self.usages();
        self.each_before = self.server.usage_of_each();
        self.board.begin_window();
    }

    /// The same for a scenario that ends its figures with `end_even`.
    pub async fn begin_even(&mut self) -> anyhow::Result<()> {
        self.waited_before = self.server.lag().await?.map(|lag| lag.batches_waited);
        self.begin();
        Ok(())
    }

    /// Up to when the server's tables have all that was confirmed: what it does for that is part of the price. Before, the
    /// fans come to rest, if there are as many as that who go on and on. A server that writes its tables at once, and so says
    /// nothing of them, is measured up to here, as it is.
    pub async fn end_even(&mut self, crew: &Crew, resting: Option<u64>) -> anyhow::Result<()> {
        let Some(waited_before) = self.waited_before else {
            self.end();
            return Ok(());
        };
        if let Some(fans) = resting {
            crew.rest();
            self.until(crew, "all fans rest", END_PATIENCE, || crew.done() >= fans).await?;
        }
        let began = Instant::now();
        let even = self.server.wait_even().await?;
        self.end();
        let about = "from the last answer until the tables had all that was confirmed; counted in";
        self.figure("tables_even_after", began.elapsed().as_secs_f64() * 1e3, "ms", about);
        let waited = even.map_or(0, |lag| lag.batches_waited.saturating_sub(waited_before));
        self.figure("batches_waited", waited as f64, "", "batches that waited for the tables");
        Ok(())
    }

    /// Up to here.
    pub fn end(&mut self) {
        self.board.end_window();
        let window = self.board.window().as_secs_f64();
        if let (Some(before), Some(after)) = (self.usage_before.take(), self.usages()) {
            let used = |before: Usage, after: Usage| {
                let cpu_seconds = after.cpu.saturating_sub(before.cpu).as_secs_f64();
                ProcessUse {
                    cpu_seconds,
                    cpu_percent: 100.0 * cpu_seconds / window,
                    rss_before_bytes: before.rss_bytes,
                    rss_after_bytes: after.rss_bytes,
                }
            };
            let both = |before: Option<Usage>, after: Option<Usage>| Some(used(before?, after?));
            self.server_use = both(before.server, after.server);
            self.database_use = both(before.database, after.database);
            self.client_use = Some(used(before.client, after.client));
            let counts = before.counts.zip(after.counts);
            self.database_work = counts.map(|(before, after)| after.since(before));
            self.round_trips =
                before.round_trips.zip(after.round_trips).map(|(before, after)| after - before);
        }
        let each = self.server.usage_of_each();
        if each.len() < 2 {
            return;
        }
        for (name, after) in each {
            let before = self.each_before.iter().find(|(before, _)| *before == name);
            let cpu = after.cpu.saturating_sub(before.map(|(_, before)| before.cpu).unwrap_or_default());
            let percent = 100.0 * cpu.as_secs_f64() / window;
            let mebibytes = after.rss_bytes >> 20;
            self.setting(&name, format!("{percent:.0} % of a core, {mebibytes} MiB resident"));
        }
    }

    fn usages(&self) -> Option<Usages> {
        Some(Usages {
            server: self.server.usage(),
            client: usage_of(std::process::id())?,
            database: self.common.database_pid.and_then(usage_of),
            counts: self.server.database_url().and_then(counts_of),
            round_trips: self.server.round_trips(),
        })
    }

    /// The server's usage in the window; `None` for one on another machine.
    pub fn server_use(&self) -> Option<ProcessUse> {
        self.server_use
    }

    /// Ends the run: every fan comes to its end.
    pub async fn finish(&mut self, crew: Crew) -> anyhow::Result<()> {
        crew.stop();
        let began = Instant::now();
        while !crew.is_finished() {
            if began.elapsed() > END_PATIENCE {
                self.board.fault(format!("fans still wait for an answer after {} s", END_PATIENCE.as_secs()));
                break;
            }
            self.pause().await;
        }
        crew.collect().map_err(|error| anyhow!(error))
    }

    /// An option of the scenario, for the report.
    pub fn setting(&mut self, name: &str, value: impl ToString) {
        self.settings.push((name.to_owned(), value.to_string()));
    }

    pub fn figure(&mut self, name: &'static str, value: f64, unit: &'static str, about: &'static str) {
        self.add_figure(Figure { name, value, unit, about });
    }

    pub fn add_figure(&mut self, figure: Figure) {
        self.figures.push(figure);
    }

    /// Operations of a kind in a second of the window.
    pub fn rate_figure(&mut self, op: Op, name: &'static str, about: &'static str) {
        self.add_figure(figures::rate(&self.board, op, name, about));
    }

    pub fn percentile_figure(&mut self, op: Op, percentile: f64, name: &'static str, about: &'static str) {
        self.figures.extend(figures::percentile(&self.board, op, percentile, name, about));
    }

    /// The server's CPU for each of `count` operations.
    pub fn cpu_figure(&mut self, count: u64, name: &'static str, about: &'static str) {
        if let Some(used) = self.server_use
            && count > 0
        {
            self.figure(name, 1e6 * used.cpu_seconds / count as f64, "µs", about);
        }
        if let Some(used) = self.database_use
            && count > 0
        {
            let micros = 1e6 * used.cpu_seconds / count as f64;
            self.figure("database_cpu_per_operation", micros, "µs", "of the database's CPU for the same");
        }
        if count == 0 {
            return;
        }
        let each = |all: u64| all as f64 / count as f64;
        if let Some(work) = self.database_work {
            let about = "statements that the database was sent for the same, by its own count";
            self.figure("database_statements_per_operation", each(work.statements), "", about);
            let about = "rows that it wrote for the same, by its own count";
            self.figure("database_rows_per_operation", each(work.rows), "", about);
        }
        if let Some(round_trips) = self.round_trips {
            let about = "times that the server waited for its database's answer, for the same";
            self.figure("round_trips_per_operation", each(round_trips), "", about);
        }
    }

    pub fn check(&mut self, name: &'static str, ok: bool, detail: impl Into<String>) {
        self.checks.push(Check { name, ok, detail: detail.into() });
    }

    /// The checks from the outside that every selling scenario ends with. To be called when all fans have ended.
    pub async fn check_sale(&mut self) -> anyhow::Result<()> {
        let doubled = self.claims.doubled();
        self.check("each seat confirmed to one fan only", doubled == 0, format!("{doubled} given twice"));
        if self.server.can_operate() {
            let figures = self.server.figures(self.venue.concert).await?;
            let (sold, confirmed) = (figures.sold - self.sold_before, self.claims.sold());
            self.check(
                "seats sold as confirmed to the buyers",
                sold == confirmed,
                format!("{sold} sold, {confirmed} confirmed"),
            );
            if self.server.is_spawned() {
                // Those who went away with seats in their hands let go of them long before the server does.
                let (held, confirmed) = (figures.held, self.claims.held());
                self.check(
                    "every confirmed hold is there",
                    held >= confirmed,
                    format!("{held} held, {confirmed} confirmed"),
                );
            }
            let sum = figures.available + figures.held + figures.sold;
            self.check(
                "free + held + sold = seats",
                sum == figures.seats,
                format!("{} + {} + {} of {}", figures.available, figures.held, figures.sold, figures.seats),
            );
        }
        Ok(())
    }

    /// Ends the run with the last checks; writes what was asked for. Gives whether all is well.
    pub fn report(mut self, scenario: &'static str, about: &'static str) -> anyhow::Result<bool> {
        self.board.settle();
        let (faults, first_faults) = self.board.faults();
        self.check("every answer matched, nothing failed", faults == 0, format!("{faults} faults"));
        if let Some(found) = self.server.audit()? {
            let detail = match found.first() {
                None => "everything fits".to_owned(),
                Some(first) => format!("{} faults, the first: {first}", found.len()),
            };
            self.check("frontrow audit", found.is_empty(), detail);
        }
        if self.server.doors().len() > 1 {
            let (back, failed) =
                (self.board.counter(Counter::Reconnects), self.board.counter(Counter::FansFailed));
            self.figure("reconnects", back as f64, "", "times that a fan came back to another server");
            let repeats = self.board.counter(Counter::Repeats);
            self.figure(
                "repeats",
                repeats as f64,
                "",
                "requests asked again that were refused for the moment",
            );
            self.figure("fans_failed", failed as f64, "", "fans who did not come to their end");
        }
        let mut settings = std::mem::take(&mut self.settings);
        settings.push(("servers".to_owned(), named(self.server.doors())));
        settings.push(("threads".to_owned(), self.threads().to_string()));
        if self.server.is_spawned() {
            let store = self.server.database_url().map_or("SQLite", |_| "MySQL-compatible");
            settings.push(("store".to_owned(), store.to_owned()));
            if let Some(delay) = self.common.database_delay {
                settings.push((
                    "database".to_owned(),
                    format!("{} ms away, each way", delay.as_secs_f64() * 1e3),
                ));
            }
        }
        let expectations: Vec<_> =
            self.common.expect.iter().map(|expectation| expectation.check(&self.figures)).collect();
        let ok = self.checks.iter().all(|check| check.ok) && expectations.iter().all(|expected| expected.ok);
        let report = Report {
            scenario,
            about,
            settings,
            machine: Machine::here(),
            window_seconds: self.board.window().as_secs_f64(),
            figures: self.figures,
            operations: self.board.summary(),
            server: self.server_use,
            client: self.client_use,
            database: self.database_use,
            checks: self.checks,
            expectations,
            faults,
            first_faults,
            ok,
            seconds: self.board.seconds(),
        };
        println!("{}", summary(&report));
        crate::report::write(&report, self.common.json.as_deref(), self.common.html.as_deref())?;
        Ok(report.ok)
    }
}

/// The usage of each process at one time.
#[derive(Clone, Copy)]
struct Usages {
    server: Option<Usage>,
    client: Usage,
    database: Option<Usage>,
    counts: Option<DatabaseCounts>,
    round_trips: Option<u64>,
}

fn named(doors: &[Door]) -> String {
    let doors: Vec<String> = doors.iter().map(Door::to_string).collect();
    doors.join(", ")
}

/// A database that does not say what it counts is measured without.
fn counts_of(url: &str) -> Option<DatabaseCounts> {
    DatabaseCounts::of(url).inspect_err(|error| eprintln!("{error:#}")).ok()
}

/// Threads that play fans.
pub fn threads(common: &Common) -> usize {
    common.threads.map_or_else(|| (cores() / 2).max(1), usize::from)
}

/// The server beside this tool, or the one that was named.
fn server_binary(common: &Common) -> anyhow::Result<PathBuf> {
    match &common.server_binary {
        Some(path) => Ok(path.clone()),
        None => Ok(std::env::current_exe()?.with_file_name("frontrow")),
    }
}

async fn spawn(common: &Common, needs: &Needs) -> anyhow::Result<(Server, Venue, Tokens)> {
    let mut settings: Vec<String> = SETTINGS.iter().map(|setting| (*setting).to_owned()).collect();
    settings.extend(common.set.iter().cloned());
    let options = SpawnOptions {
        binary: server_binary(common)?,
        database_url: common.database_url.clone(),
        database_delay: common.database_delay,
        settings,
        data: None,
        data_parent: common.data_parent.clone(),
        tls: common.tls()?,
    };
    let server = Server::spawn(options).await?;
    let venue = server.import(needs.seats, needs.shape, needs.schedules, needs.capacity, needs.open).await?;
    let tokens = server.add_users(needs.users)?;
    Ok((server, venue, tokens))
}

async fn find_venue(server: &Server, concert: Option<u32>) -> anyhow::Result<Venue> {
    let mut client = server.client().await?;
    let concerts: Concerts = client.get("/api/v1/concerts", None).await?.json()?;
    let known: BTreeMap<u32, _> = concerts.concerts.iter().map(|known| (known.concert_id, known)).collect();
    let concert = match (concert, known.len()) {
        (Some(id), _) => known.get(&id).with_context(|| format!("the server has no concert {id}"))?,
        (None, 1) => known.values().next().context("one is there")?,
        (None, count) => bail!("the server has {count} concerts: say which with --concert"),
    };
    let schedules: Vec<u64> = concert.schedules.iter().map(|schedule| schedule.schedule_id).collect();
    let first = schedules.first().context("every performance of the concert has started")?;
    let layout: Layout = client.get(&format!("/api/v1/schedules/{first}/layout"), None).await?.json()?;
    Ok(Venue { concert: concert.concert_id, seats: layout.seats.x.len(), schedules })
}
