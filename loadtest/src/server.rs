//! The server under test: one that this tool starts with a fresh data folder, or one that runs already.
//!
//! Always: a server that was started here ends with its `Server`, and so does its data folder. Its memory and CPU are
//! read from /proc, as the system sees them.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use frontrow_crowd::door::{Door, Tls};
use frontrow_crowd::shop::Venue;
use frontrow_crowd::tokens::Tokens;
use frontrow_protocol::admin::{SaleFigures, Sales};
use frontrow_protocol::ops::schedule::ScheduleInfo;
use hyper::Method;
use hyper::body::Bytes;
use rustix::process::{Pid, Signal, kill_process};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::authority::lay_certificate;
use crate::far_database::FarDatabase;
use crate::http::HttpClient;

/// The time that a server may take to become ready, a line of a million tokens included.
const READY_PATIENCE: Duration = Duration::from_secs(120);
const READY_POLL: Duration = Duration::from_millis(20);
/// The time that a server may take to stop when it is asked to.
const STOP_PATIENCE: Duration = Duration::from_secs(30);

/// The time that its tables may take to have what is in its journal, once nothing comes anew.
const EVEN_PATIENCE: Duration = Duration::from_secs(60);

/// The price of every seat, in minor units: one price makes balances easy to check.
pub const PRICE: i64 = 1_000;

/// What `frontrow audit` says.
#[derive(Debug, Deserialize)]
pub struct Audit {
    pub faults: Vec<String>,
    /// The number of rows of each kind.
    seen: BTreeMap<String, u64>,
}

impl Audit {
    /// The rows of the journal, and those of them that the other tables do not have yet.
    pub fn journal(&self) -> (u64, u64) {
        let seen = |what: &str| self.seen.get(what).copied().unwrap_or_default();
        (seen("journal rows"), seen("journal rows to follow"))
    }
}

/// The way to start a server.
#[derive(Clone, Debug)]
pub struct SpawnOptions {
    pub binary: PathBuf,
    /// `None`: the embedded database.
    pub database_url: Option<String>,
    /// The time that each packet takes between the server and its database.
    pub database_delay: Option<Duration>,
    /// `name=value`, as `frontrow serve --set` takes them; later ones win.
    pub settings: Vec<String>,
    /// `None`: a folder of its own under `data_parent`, removed at the end.
    pub data: Option<PathBuf>,
    pub data_parent: PathBuf,
    /// Runs it with TLS and the certificate of the tests.
    pub tls: Option<&'static Tls>,
}

/// The part of the machine that a process has used.
#[derive(Clone, Copy, Debug, Default)]
pub struct Usage {
    /// CPU since it started, on all cores.
    pub cpu: Duration,
    /// Resident now.
    pub rss_bytes: u64,
}

/// How far a server's tables are behind its journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lag {
    pub events: u64,
    /// Batches that waited for the tables since the server began.
    pub batches_waited: u64,
}

/// The server under test, or the servers of one cluster.
pub struct Server {
    /// Of the first of them.
    pub door: Door,
    doors: Vec<Door>,
    spawned: Option<Spawned>,
    /// The processes of those that run on this machine.
    pids: Vec<u32>,
    operator_token: Option<String>,
}

struct Spawned {
    options: SpawnOptions,
    /// What delays the packets, if they are delayed.
    far: Option<FarDatabase>,
    child: Child,
    data: PathBuf,
    remove_data: bool,
}

impl Server {
    /// Makes the data folder, and starts a server on it with a free port.
    pub async fn spawn(mut options: SpawnOptions) -> anyhow::Result<Self> {
        if !options.binary.is_file() {
            bail!(
                "there is no server at {}; build it with `cargo build --release`, or name one with --server-binary",
                options.binary.display()
            );
        }
        let (data, remove_data) = match options.data.take() {
            Some(data) => (data, false),
            None => {
                let name = format!("frontrow-loadtest-{}", std::process::id());
                (options.data_parent.join(name), true)
            }
        };
        std::fs::create_dir_all(&data).with_context(|| format!("could not make {}", data.display()))?;
        let far = match (&options.database_url, options.database_delay) {
            (Some(url), Some(delay)) => Some(FarDatabase::before(url, delay)?),
            _ => None,
        };
        let (child, address) = start(&options, far.as_ref(), &data, "127.0.0.1:0")?;
        let door = Door::new(address, options.tls);
        let pids = vec![child.id()];
        let spawned = Spawned { options, far, child, data, remove_data };
        let (doors, spawned) = (vec![door], Some(spawned));
        let mut server = Self { door, doors, spawned, pids, operator_token: None };
        server.wait_ready().await?;
        let operator = server.run_command(&["token", "--operator"])?;
        server.operator_token = Some(Tokens::parse(operator)?.get(0).to_owned());
        Ok(server)
    }

    /// A server that runs already, or several, which are one cluster.
    pub async fn attach(
        doors: Vec<Door>,
        pids: Vec<u32>,
        operator_token: Option<String>,
    ) -> anyhow::Result<Self> {
        let door = *doors.first().context("which server?")?;
        let server = Self { door, doors, spawned: None, pids, operator_token };
        server.wait_ready().await?;
        Ok(server)
    }

    pub fn doors(&self) -> &[Door] {
        &self.doors
    }

    /// A connection to the first server that answers.
    pub async fn client(&self) -> anyhow::Result<HttpClient> {
        let mut unreached = Vec::new();
        for door in &self.doors {
            match HttpClient::connect(*door, None).await {
                Ok(client) => return Ok(client),
                Err(error) => unreached.push(format!("{error:#}")),
            }
        }
        bail!("no server answers: {}", unreached.join("; "))
    }

    pub fn is_spawned(&self) -> bool {
        self.spawned.is_some()
    }

    /// Waits until `/readyz` of each server says that everything can be served. Gives how long that took.
    pub async fn wait_ready(&self) -> anyhow::Result<Duration> {
        let began = Instant::now();
        for door in &self.doors {
            self.wait_ready_at(*door, began).await?;
        }
        Ok(began.elapsed())
    }

    async fn wait_ready_at(&self, door: Door, began: Instant) -> anyhow::Result<()> {
        loop {
            let answer = match HttpClient::connect(door, None).await {
                Ok(mut client) => client.get("/readyz", None).await,
                Err(error) => Err(error),
            };
            match answer {
                Ok(answer) if answer.status == 200 => return Ok(()),
                _ if began.elapsed() < READY_PATIENCE => tokio::time::sleep(READY_POLL).await,
                Ok(answer) => bail!("{door} is not ready: {}", String::from_utf8_lossy(&answer.body)),
                Err(error) => return Err(error.context(format!("{door} is not ready"))),
            }
        }
    }

    /// Imports a generated venue and opens its sale. `capacity`: fans admitted at a time.
    pub async fn import(
        &self,
        seats: usize,
        shape: &str,
        schedules: usize,
        capacity: u32,
        open: bool,
    ) -> anyhow::Result<Venue> {
        #[derive(Deserialize)]
        struct Plan {
            categories: Vec<Category>,
        }
        #[derive(Deserialize)]
        struct Category {
            name: String,
        }
        let spawned = self.spawned()?;
        let path = spawned.data.join("plan.json");
        let file = path.to_str().context("the data folder's name is not UTF-8")?;
        run(
            &spawned.options.binary,
            &["venue", "generate", "--seats", &seats.to_string(), "--shape", shape, "--output", file],
        )?;
        let plan: Plan = serde_json::from_slice(&std::fs::read(&path)?).context("the generated plan")?;
        let mut arguments: Vec<String> =
            ["import", file, "--title", "Load test", "--capacity", &capacity.to_string()]
                .map(str::to_owned)
                .into();
        if open {
            arguments.push("--open".to_owned());
        }
        for day in 0..schedules {
            // Far in the future, so that no run ever meets its own performance.
            arguments.extend(["--starts-at".to_owned(), format!("{}-01-01T19:00:00Z", 2100 + day)]);
        }
        for category in plan.categories {
            arguments.extend(["--price".to_owned(), format!("{}={PRICE}", category.name)]);
        }
        let venue: Venue = serde_json::from_str(&self.run_command(&arguments)?)?;
        // A running server sees a new concert within two seconds.
        let mut client = self.client().await?;
        let began = Instant::now();
        // The sale may be known and not be there yet at the moment when the server comes up.
        loop {
            let seen = self.figures_through(&mut client).await;
            match seen {
                Ok(sales) if sales.iter().any(|sale| sale.concert_id == venue.concert) => return Ok(venue),
                Ok(_) if began.elapsed() > READY_PATIENCE => {
                    bail!("the server does not see concert {}", venue.concert);
                }
                Err(error) if began.elapsed() > READY_PATIENCE => {
                    return Err(error.context("the server does not say which sales it has"));
                }
                Ok(_) | Err(_) => tokio::time::sleep(READY_POLL).await,
            }
        }
    }

    /// Makes users, and tokens to act as them.
    pub fn add_users(&self, count: usize) -> anyhow::Result<Tokens> {
        let count = count.to_string();
        Ok(Tokens::parse(self.run_command(&["user", "add", "--name", "Load test", "--count", &count])?)?)
    }

    /// Operators' figures of one sale.
    pub async fn figures(&self, concert: u32) -> anyhow::Result<SaleFigures> {
        let mut client = self.client().await?;
        let figures = self.figures_through(&mut client).await?;
        figures.into_iter().find(|sale| sale.concert_id == concert).context("the sale is not there")
    }

    async fn figures_through(&self, client: &mut HttpClient) -> anyhow::Result<Vec<SaleFigures>> {
        let token = self.operator_token.as_deref();
        Ok(client.get("/api/v1/admin/sales", token).await?.json::<Sales>()?.sales)
    }

    /// The categories of a performance.
    pub async fn prices(&self, client: &mut HttpClient, schedule: u64) -> anyhow::Result<Vec<String>> {
        Ok(self.patch_schedule(client, schedule, "{}".to_owned()).await?.prices.into_keys().collect())
    }

    /// Changes what free seats of a category cost.
    pub async fn reprice(
        &self,
        client: &mut HttpClient,
        schedule: u64,
        category: &str,
        price: i64,
    ) -> anyhow::Result<()> {
        let patch = json!({"prices": {category: price}}).to_string();
        self.patch_schedule(client, schedule, patch).await.map(drop)
    }

    async fn patch_schedule(
        &self,
        client: &mut HttpClient,
        schedule: u64,
        patch: String,
    ) -> anyhow::Result<ScheduleInfo> {
        let path = format!("/api/v1/admin/schedules/{schedule}");
        let token = self.operator_token.as_deref();
        client.call(Method::PATCH, &path, token, patch.into()).await?.json()
    }

    pub fn operator_token(&self) -> Option<&str> {
        self.operator_token.as_deref()
    }

    /// What the servers' lanes have used of the CPU so far; `None` for others than on this machine.
    pub fn lanes_cpu(&self) -> Option<Duration> {
        if self.pids.is_empty() {
            return None;
        }
        self.pids.iter().map(|pid| lanes_cpu_of(*pid)).sum()
    }

    /// An operator's call.
    pub async fn operate<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> anyhow::Result<T> {
        let mut client = self.client().await?;
        let body = Bytes::from(body.map(Value::to_string).unwrap_or_default());
        client.call(method, path, self.operator_token.as_deref(), body).await?.json()
    }

    pub fn can_operate(&self) -> bool {
        self.operator_token.is_some()
    }

    /// The faults that `frontrow audit` finds; `None` without the database.
    pub fn audit(&self) -> anyhow::Result<Option<Vec<String>>> {
        Ok(self.audited()?.map(|audit| audit.faults))
    }

    /// What `frontrow audit` says; `None` without the database.
    pub fn audited(&self) -> anyhow::Result<Option<Audit>> {
        let Some(spawned) = &self.spawned else { return Ok(None) };
        let mut command = spawned.command(&["audit", "--json"]);
        let output = command.output().context("could not run `frontrow audit`")?;
        let audit = serde_json::from_slice(&output.stdout)
            .with_context(|| format!("`frontrow audit` said: {}", String::from_utf8_lossy(&output.stderr)))?;
        Ok(Some(audit))
    }

    /// How far the tables are behind the journal, by all servers that answer; `None`: they write both at once, or do not let
    /// us see.
    pub async fn lag(&self) -> anyhow::Result<Option<Lag>> {
        let mut lags = Vec::new();
        for door in &self.doors {
            match HttpClient::connect(*door, None).await {
                Ok(mut client) => lags.extend(self.lag_through(&mut client).await?),
                // What a server that is gone left behind is up to the others.
                Err(_) if self.doors.len() > 1 => {}
                Err(error) => return Err(error),
            }
        }
        let sum = |one: Lag, other: Lag| Lag {
            events: one.events + other.events,
            batches_waited: one.batches_waited + other.batches_waited,
        };
        Ok(lags.into_iter().reduce(sum))
    }

    async fn lag_through(&self, client: &mut HttpClient) -> anyhow::Result<Option<Lag>> {
        let answer = client.get("/metrics", self.operator_token()).await?;
        Ok(match answer.status {
            200 => read_lag(std::str::from_utf8(&answer.body).context("metrics are UTF-8")?),
            _ => None,
        })
    }

    /// Waits until its tables have all of its journal. Gives how far they were when that was so.
    pub async fn wait_even(&self) -> anyhow::Result<Option<Lag>> {
        let began = Instant::now();
        loop {
            match self.lag().await? {
                Some(lag) if lag.events > 0 => {
                    if began.elapsed() > EVEN_PATIENCE {
                        bail!("the server's tables still lack {} events", lag.events);
                    }
                    tokio::time::sleep(READY_POLL).await;
                }
                even => return Ok(even),
            }
        }
    }

    /// What the servers on this machine use, together; `None`: there is none.
    pub fn usage(&self) -> Option<Usage> {
        let all = self.pids.iter().filter_map(|pid| usage_of(*pid));
        all.reduce(|sum, more| Usage { cpu: sum.cpu + more.cpu, rss_bytes: sum.rss_bytes + more.rss_bytes })
    }

    /// What each of several servers used so far, by its address where it is known which is which.
    pub fn usage_of_each(&self) -> Vec<(String, Usage)> {
        let name = |index: usize| match self.pids.len() == self.doors.len() {
            true => format!("server {}", self.doors[index]),
            false => format!("process {}", self.pids[index]),
        };
        let each = self.pids.iter().enumerate();
        each.filter_map(|(index, pid)| Some((name(index), usage_of(*pid)?))).collect()
    }

    /// The folder with the database; `None` for a server that was not started here.
    pub fn data(&self) -> Option<&Path> {
        self.spawned.as_ref().map(|spawned| spawned.data.as_path())
    }

    /// How often the server has waited for its database so far; `None` unless packets are delayed.
    pub fn round_trips(&self) -> Option<u64> {
        Some(self.spawned.as_ref()?.far.as_ref()?.round_trips())
    }

    pub fn database_url(&self) -> Option<&str> {
        self.spawned.as_ref()?.options.database_url.as_deref()
    }

    /// Stops the server (`gently`, or as a power cut would) and starts it again on the same data and port. Gives how
    /// long it took from the start to being ready.
    pub async fn restart(&mut self, gently: bool) -> anyhow::Result<Duration> {
        self.own()?.stop(gently)?;
        let began = Instant::now();
        self.start_again()?;
        self.wait_ready().await?;
        Ok(began.elapsed())
    }

    /// Ends the server as a power cut would.
    pub fn kill(&mut self) -> anyhow::Result<()> {
        self.own()?.stop(false)
    }

    /// Starts a server that was stopped, on the same data and port; it listens then, and may not be ready yet.
    pub fn start_again(&mut self) -> anyhow::Result<()> {
        let address = self.door.address.to_string();
        let spawned = self.own()?;
        let (child, _) = start(&spawned.options, spawned.far.as_ref(), &spawned.data, &address)?;
        let pid = child.id();
        spawned.child = child;
        self.pids = vec![pid];
        Ok(())
    }

    /// Starts a server that was stopped, and kills it after so long, in the middle of whatever it is at: of taking over its
    /// sales, if it was quick.
    pub async fn start_and_kill(&mut self, after: Duration) -> anyhow::Result<()> {
        let address = self.door.address.to_string();
        let spawned = self.own()?;
        let mut command = serving(&spawned.options, spawned.far.as_ref(), &spawned.data, &address)?;
        let mut child = command.stdout(Stdio::null()).spawn()?;
        tokio::time::sleep(after).await;
        child.kill()?;
        child.wait()?;
        Ok(())
    }

    fn own(&mut self) -> anyhow::Result<&mut Spawned> {
        self.spawned.as_mut().context("only a server that was started here can be restarted")
    }

    fn run_command(&self, arguments: &[impl AsRef<OsStr>]) -> anyhow::Result<String> {
        finish(self.spawned()?.command(arguments))
    }

    fn spawned(&self) -> anyhow::Result<&Spawned> {
        self.spawned.as_ref().context("only for a server that was started here")
    }
}

impl Spawned {
    fn command(&self, arguments: &[impl AsRef<OsStr>]) -> Command {
        let mut command = Command::new(&self.options.binary);
        command.args(arguments).arg("--data").arg(&self.data);
        if let Some(url) = &self.options.database_url {
            command.arg("--database-url").arg(url);
        }
        command
    }

    fn stop(&mut self, gently: bool) -> anyhow::Result<()> {
        let pid = Pid::from_child(&self.child);
        // A server that has ended by itself needs no signal.
        let _ = kill_process(pid, if gently { Signal::TERM } else { Signal::KILL });
        let began = Instant::now();
        while self.child.try_wait()?.is_none() {
            if began.elapsed() > STOP_PATIENCE {
                self.child.kill()?;
                self.child.wait()?;
                bail!("the server did not stop within {} s", STOP_PATIENCE.as_secs());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }
}

impl Drop for Spawned {
    fn drop(&mut self) {
        // Nobody is left to read an error here.
        let _ = self.stop(true);
        if self.remove_data {
            let _ = std::fs::remove_dir_all(&self.data);
        }
    }
}

/// The command that serves, with its log in the data folder.
fn serving(
    options: &SpawnOptions,
    far: Option<&FarDatabase>,
    data: &Path,
    listen: &str,
) -> anyhow::Result<Command> {
    let log = std::fs::OpenOptions::new().create(true).append(true).open(log_path(data))?;
    let mut command = Command::new(&options.binary);
    command.args(["serve", "--listen", listen, "--data"]).arg(data);
    // Only the server is far away from it; commands are not what is measured.
    if let Some(url) = far.map(FarDatabase::url).or(options.database_url.as_deref()) {
        command.arg("--database-url").arg(url);
    }
    for setting in &options.settings {
        command.arg("--set").arg(setting);
    }
    // All fans come from this machine. In the environment, where a server that does not know the setting reads past it.
    command.env("FRONTROW_LIMITS_ADDRESS_EXEMPT", "127.0.0.0/8,::1");
    // Its fans buy all day.
    command.env("FRONTROW_LIMITS_LEDGER_ENTRIES_PER_DAY", "4000000000");
    if options.tls.is_some() {
        let (cert, key) = lay_certificate(data)?;
        command.arg("--set").arg(format!("tls.cert={}", cert.display()));
        command.arg("--set").arg(format!("tls.key={}", key.display()));
    }
    command.stdin(Stdio::null()).stderr(log);
    Ok(command)
}

fn log_path(data: &Path) -> PathBuf {
    data.join("server.log")
}

fn start(
    options: &SpawnOptions,
    far: Option<&FarDatabase>,
    data: &Path,
    listen: &str,
) -> anyhow::Result<(Child, SocketAddr)> {
    let mut child = serving(options, far, data, listen)?.stdout(Stdio::piped()).spawn()?;
    let stdout = child.stdout.take().context("stdout was asked for")?;
    let mut lines = BufReader::new(stdout).lines();
    let address = loop {
        let line = match lines.next() {
            Some(line) => line?,
            None => {
                let log = std::fs::read_to_string(log_path(data)).unwrap_or_default();
                // It has closed its stdout, so it is ending; its exit code says no more than the log.
                let _ = child.wait();
                bail!("the server did not start: {}", log.trim_end());
            }
        };
        let url = line.strip_prefix("listening on ").and_then(|url| url.split_once("://"));
        if let Some((_, url)) = url {
            break url.trim().parse().with_context(|| format!("`{url}` is no address"))?;
        }
    };
    // Its further output is of no interest, but must not fill the pipe.
    std::thread::spawn(move || lines.for_each(drop));
    Ok((child, address))
}

fn run(binary: &Path, arguments: &[&str]) -> anyhow::Result<String> {
    let mut command = Command::new(binary);
    command.args(arguments);
    finish(command)
}

fn finish(mut command: Command) -> anyhow::Result<String> {
    let output = command.output().with_context(|| format!("could not run {command:?}"))?;
    if !output.status.success() {
        bail!("{command:?}: {}", String::from_utf8_lossy(&output.stderr).trim_end());
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// The usage of a process on this machine so far; `None` if it is not there.
pub fn usage_of(pid: u32) -> Option<Usage> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let statm = std::fs::read_to_string(format!("/proc/{pid}/statm")).ok()?;
    read_usage(&stat, &statm)
}

fn lanes_cpu_of(pid: u32) -> Option<Duration> {
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).ok()?;
    let of_lane = |task: std::fs::DirEntry| {
        let name = std::fs::read_to_string(task.path().join("comm")).ok()?;
        let stat = std::fs::read_to_string(task.path().join("stat")).ok()?;
        name.starts_with("lane ").then(|| read_usage(&stat, "0 0")).flatten()
    };
    Some(tasks.flatten().filter_map(of_lane).map(|lane| lane.cpu).sum())
}

/// Reads the lines of the server's metrics that say how far its tables are.
fn read_lag(metrics: &str) -> Option<Lag> {
    let value = |name: &str| {
        let of = |line: &str| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok();
        metrics.lines().find_map(of)
    };
    Some(Lag {
        events: value("frontrow_apply_lag_events")?,
        batches_waited: value("frontrow_apply_batches_waited_total")?,
    })
}

fn read_usage(stat: &str, statm: &str) -> Option<Usage> {
    // The name, in parentheses, may itself contain anything.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_ascii_whitespace().skip(11);
    let (user, system): (u64, u64) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    let resident: u64 = statm.split_ascii_whitespace().nth(1)?.parse().ok()?;
    let ticks = (user + system) as f64;
    Some(Usage {
        cpu: Duration::from_secs_f64(ticks / rustix::param::clock_ticks_per_second() as f64),
        rss_bytes: resident * rustix::param::page_size() as u64,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usage_is_read_whatever_the_process_is_called() {
        let stat = "42 (a) b (c) S 1 1 1 0 -1 4194560 100 0 0 0 250 50 0 0 20 0 3 0 100 200 300";
        let usage = read_usage(stat, "1000 25 10 1 0 50 0").unwrap();
        let ticks = rustix::param::clock_ticks_per_second() as f64;
        assert_eq!(usage.cpu, Duration::from_secs_f64(300.0 / ticks));
        assert_eq!(usage.rss_bytes, 25 * rustix::param::page_size() as u64);
        assert!(read_usage("42 (x", "").is_none());
        assert!(usage_of(std::process::id()).is_some_and(|own| own.rss_bytes > 0));
    }

    #[test]
    fn how_far_the_tables_are_is_read_where_it_is_said() {
        let metrics = "# HELP frontrow_apply_lag_events Events that the tables lack.\n\
             frontrow_apply_lag_events 17\nfrontrow_apply_batches_waited_total 2\nfrontrow_apply_lag_seconds 0.25\n";
        assert_eq!(read_lag(metrics), Some(Lag { events: 17, batches_waited: 2 }));
        assert_eq!(read_lag("frontrow_mailbox_depth 0\n"), None);
    }

    #[tokio::test]
    async fn a_server_that_is_not_there_is_said_so() {
        let options = SpawnOptions {
            binary: "/nowhere/frontrow".into(),
            database_url: None,
            database_delay: None,
            settings: Vec::new(),
            data: None,
            data_parent: std::env::temp_dir(),
            tls: None,
        };
        let error = Server::spawn(options).await.err().unwrap();
        assert!(error.to_string().contains("--server-binary"), "{error}");
    }
}
