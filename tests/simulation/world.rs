//! One run: processes over a database that fails, fans with devices that come and go, an operator, and a clock that
//! is turned by hand. After every step the journal is read, every rule is proved on it, and whatever a client was
//! told is compared with it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use frontrow::clock::Clock;
use frontrow::domain::command::Command;
use frontrow::domain::event::Event;
use frontrow::domain::ids::{ConcertId, UserId};
use frontrow::domain::record::{ExpiryReason, LedgerKind, SaleState, TokenStatus};
use frontrow::domain::rules::{GuestSeats, OwnRules, SaleRules, SaleSettings};
use frontrow::domain::time::Timestamp;
use frontrow::store::{NewConcert, NewUser, Setup};
use frontrow::venue::{LayoutCategory, LayoutRow, LayoutZone, SeatColumns, VenueLayout};
use frontrow_testing::net::{self, Net};
use frontrow_testing::simulated::{Database, KeptKind, SimulatedStore, Weather};
use parking_lot::Mutex;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::device::Device;
use crate::fans::Fan;
use crate::memory::Memory;
use crate::model::{Performance, SaleModel};
use crate::processes::Node;
use crate::trace::Trace;

pub const START: Timestamp = Timestamp::from_millis(1_800_000_000_000);
/// The hand of the clock moves by a tenth of the time that passes, within these bounds.
const TICK_MIN: Duration = Duration::from_millis(10);
const TICK_MAX: Duration = Duration::from_millis(100);

pub struct World {
    pub rng: StdRng,
    pub clock: Clock,
    pub database: Arc<Database>,
    /// What carries messages between processes.
    pub net: Arc<Net>,
    pub defaults: SaleRules,
    pub nodes: Vec<Node>,
    pub devices: Vec<Device>,
    pub fans: BTreeMap<UserId, Fan>,
    pub models: BTreeMap<ConcertId, SaleModel>,
    /// What operators wished to sell at the desk.
    pub sold: Vec<(ConcertId, Command)>,
    pub seed: u64,
    /// The options of each process.
    pub lanes: usize,
    pub sweep_rows_max: u32,
    /// Entries that a user may add to their ledger in a day, which no run is longer than.
    pub ledger_max: u32,
    /// Events that tables may be behind, so few that batches wait in some lives.
    pub events_behind_max: usize,
    /// What ended and stays in memory, so little that most of it is read from the tables again.
    pub ended_kept_max: usize,
    /// What fans read at doors that was less than they had been told, and the number of times that they read.
    pub read_less: Arc<Mutex<Vec<String>>>,
    pub reads: u64,
    /// Each lane counts for itself: were there ever two, of one process or of several?
    pub counted_apart: bool,
    /// Rows changed behind the servers' backs.
    planted: u64,
    /// Requests whose outcome nobody learnt.
    pub unknown: u64,
    /// The number of times that a seat was made one that the store refuses to hold.
    pub refused: u64,
    /// The number of times that one sale of a process was taken over, and that a process's tables fell behind.
    pub taken_over: u64,
    pub fell_behind: u64,
    /// The number of times that somebody wished a sale to move, or a process to run none.
    pub wished: u64,
    /// The time since which there is only one process.
    pub alone_since: Option<Timestamp>,
    /// Nothing goes wrong any more.
    pub is_healed: bool,
    pub memory: Arc<Memory>,
    trace: Arc<Mutex<Trace>>,
    steps: usize,
}

/// The summary of a run.
pub struct Report {
    pub steps: usize,
    pub batches: usize,
    pub faults: BTreeMap<String, u64>,
    /// Differences that sweeps found.
    pub found: u64,
    /// Commands that were decided on top of a batch in flight.
    pub ahead: u64,
    /// The number of places that were compared, as lanes and as readers have them.
    pub places: u64,
    /// The amount that was traced, and its digest.
    pub digest: (u64, u64),
}

impl World {
    pub async fn new(seed: u64, trace: Arc<Mutex<Trace>>) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let database = Database::new(rng.random());
        let seconds = |rng: &mut StdRng, from: u64, to: u64| Duration::from_secs(rng.random_range(from..to));
        let defaults = SaleRules {
            capacity: rng.random_range(1..7),
            hold_ttl: seconds(&mut rng, 3, 20),
            admission_ttl: seconds(&mut rng, 10, 60),
            idle_ttl: seconds(&mut rng, 5, 30),
            away_ttl: seconds(&mut rng, 5, 30),
            seats_per_reservation_max: rng.random_range(1..5),
            // Mostly there is a limit, and one that fans meet.
            seats_per_user_max: rng.random_range(0..7),
            cancel_before_start: seconds(&mut rng, 0, 60),
            hold_again_after: seconds(&mut rng, 0, 20),
            guest_seats: GuestSeats { at_least: rng.random_range(2..9), percent: 0 },
        };
        let clock = Clock::manual(START);
        let mut world = Self {
            net: Net::new(rng.random(), clock.clone()),
            clock,
            database: database.clone(),
            defaults,
            nodes: Vec::new(),
            devices: Vec::new(),
            fans: BTreeMap::new(),
            models: BTreeMap::new(),
            trace,
            sold: Vec::new(),
            seed,
            lanes: rng.random_range(1..3),
            sweep_rows_max: rng.random_range(2..9),
            ledger_max: [u32::MAX, rng.random_range(2..8)][rng.random_range(0..2)],
            ended_kept_max: [20_480, rng.random_range(0..6)][rng.random_range(0..2)],
            read_less: Arc::default(),
            reads: 0,
            events_behind_max: [usize::MAX, rng.random_range(1..20), rng.random_range(20..100)]
                [rng.random_range(0..3)],
            counted_apart: false,
            planted: 0,
            unknown: 0,
            refused: 0,
            taken_over: 0,
            fell_behind: 0,
            wished: 0,
            alone_since: None,
            is_healed: false,
            memory: Arc::default(),
            steps: rng.random_range(40..120),
            rng,
        };
        database.set_clock(world.clock.clone());
        let store = database.connect();
        for _ in 0..world.rng.random_range(1..4) {
            world.add_concert(&store).await;
        }
        for _ in 0..world.rng.random_range(2..16) {
            world.add_fan(&store).await;
        }
        world.start_node();
        world
    }

    async fn add_concert(&mut self, store: &SimulatedStore) {
        let rng = &mut self.rng;
        let rows: Vec<usize> = (0..rng.random_range(1..4)).map(|_| rng.random_range(1..5)).collect();
        let layout = layout(&rows);
        // The last performance is far away, so that there is always something to run the sale for.
        let early = rng.random_bool(0.5).then(|| START + Duration::from_secs(rng.random_range(20..600)));
        let starts_at: Vec<_> = early.into_iter().chain([START + Duration::from_secs(10_000)]).collect();
        let settings = SaleSettings {
            state: if rng.random_bool(0.7) { SaleState::Open } else { SaleState::Scheduled },
            opens_at: rng.random_bool(0.7).then(|| START + Duration::from_secs(rng.random_range(0..20))),
            message: None,
            own: OwnRules::default(),
        };
        let categories: Vec<_> = layout.seats.category.clone();
        let prices: Vec<_> = layout.categories.iter().map(|category| category.price).collect();
        let new = NewConcert {
            title: "A night".into(),
            currency: "KRW".into(),
            time_zone: Some("Asia/Seoul".into()),
            layout,
            starts_at: starts_at.clone(),
            restricted: Vec::new(),
            about: None,
            again: true,
            settings: settings.clone(),
            at: START,
        };
        let (concert, schedules) = store.add_concert(new).await.expect("a concert can be stored");
        let performance = |starts_at| Performance {
            categories: categories.clone(),
            imported: prices.clone(),
            prices: prices.clone(),
            starts_at,
        };
        let schedules = schedules.into_iter().zip(starts_at).map(|(id, at)| (id, performance(at)));
        let model = SaleModel::new(self.defaults.clone(), settings, schedules.collect());
        self.models.insert(concert, model);
    }

    async fn add_fan(&mut self, store: &SimulatedStore) {
        let balance = [0, 100, 500][self.rng.random_range(0..3)];
        let user = store.add_user(NewUser { name: "fan".into(), balance, guest: false, at: START }).await;
        let user = user.expect("a user can be made");
        self.fans.insert(user, Fan::default());
        for _ in 0..self.rng.random_range(1..4) {
            let concerts = self.models.len();
            let concert = *self.models.keys().nth(self.rng.random_range(0..concerts)).expect("there is one");
            self.devices.push(Device {
                user,
                concert,
                polls: self.rng.random_bool(0.2),
                token: None,
                connection: None,
                asked: BTreeMap::new(),
                tags: 0,
            });
        }
    }

    /// Lives until the end, and then until everything is whole again.
    pub async fn run(mut self) -> Report {
        for step in 0..self.steps {
            self.change_weather(step);
            self.disturb().await;
            for _ in 0..self.rng.random_range(0..12) {
                let device = self.rng.random_range(0..self.devices.len());
                self.act(device);
            }
            if self.rng.random_bool(0.04) {
                self.operate();
            }
            if self.rng.random_bool(0.01) {
                self.plant();
            }
            let pause = match self.rng.random_range(0..20) {
                0 => self.rng.random_range(1_000..8_000),
                1..6 => self.rng.random_range(100..1_000),
                _ => self.rng.random_range(0..100),
            };
            self.pass(Duration::from_millis(pause)).await;
        }
        self.heal().await;
        self.prove_whole();
        assert_eq!(self.database.audit_journals(), Vec::<String>::new());
        self.prove_restart().await;
        self.report()
    }

    /// Every ten steps something else goes wrong, or nothing.
    fn change_weather(&mut self, step: usize) {
        if !step.is_multiple_of(10) {
            return;
        }
        let rng = &mut self.rng;
        let weather = Weather {
            fail_per_mille: [0, 0, 5, 30, 200][rng.random_range(0..5)],
            fail_commit_per_mille: [0, 20, 100, 400][rng.random_range(0..4)],
            hang_per_mille: [0, 0, 3, 20][rng.random_range(0..4)],
            latency_max: Duration::from_millis([0, 1, 30, 200][rng.random_range(0..4)]),
            crashes: true,
        };
        self.database.set_weather(weather);
        let of_net = net::Weather {
            lost_per_mille: [0, 0, 20, 200][rng.random_range(0..4)],
            doubled_per_mille: [0, 50][rng.random_range(0..2)],
            late_max: Duration::from_millis([0, 5, 50, 500][rng.random_range(0..4)]),
        };
        self.net.set_weather(of_net);
        self.net.mend();
        // One way, or both; and who cannot be heard may hear all the same.
        if self.nodes.len() > 1 && self.rng.random_bool(0.2) {
            for _ in 0..self.rng.random_range(1..3) {
                let (from, to) =
                    (self.rng.random_range(0..self.nodes.len()), self.rng.random_range(0..self.nodes.len()));
                self.net.cut(from, to);
            }
        }
        self.note(|| format!("weather: {weather:?}, between processes {of_net:?}"));
    }

    /// Somebody moves the end of a hold or an admission into the past with SQL. The server has to find out: of a hold, if
    /// that past is one that it did not look at yet.
    pub fn plant(&mut self) {
        // Other processes read such a row for their copies before the one that runs the sale finds it.
        if self.alive() > 1 {
            return;
        }
        self.read_journals();
        let concerts = self.models.len();
        let concert = *self.models.keys().nth(self.rng.random_range(0..concerts)).expect("there is one");
        let now = self.clock.utc() - self.database.outages(concert);
        let (just_over, long_ago) = (now - Duration::from_secs(1), now - Duration::from_secs(60));
        let model = self.models.get_mut(&concert).expect("it was just listed");
        let pick = self.rng.random_range(0..3);
        if self.rng.random_bool(0.5) {
            let id = model.held().map(|held| held.id).nth(pick);
            let Some(row) = id.and_then(|id| self.database.plant_reservation(id, just_over)) else { return };
            model.plant_reservation(&row);
        } else {
            let entry = model.visitors().map(|token| token.entry).nth(pick);
            let Some(row) = entry.and_then(|entry| self.database.plant_token(concert, entry, long_ago))
            else {
                return;
            };
            model.plant_token(&row);
        }
        self.planted += 1;
        self.note(|| format!("a row of sale {concert} is changed"));
    }

    /// Time goes by, and everything that was sent is received.
    pub async fn pass(&mut self, time: Duration) {
        let tick = (time / 10).clamp(TICK_MIN, TICK_MAX);
        let end = self.clock.utc() + time;
        while self.clock.utc() <= end {
            self.clock.advance(tick);
            self.nodes.iter().for_each(|node| node.clock.advance(tick));
            self.net.turn();
            tokio::time::sleep(tick).await;
        }
        self.memory.prove_whole();
        self.read_journals();
        self.listen();
        let report = self.database.audit();
        assert_eq!(report.faults, Vec::<String>::new());
        assert_eq!(*self.read_less.lock(), Vec::<String>::new());
        self.prove_ledgers();
    }

    /// No ledger grows by more than its entries a day, whatever restarts there were; but what was paid is given back.
    fn prove_ledgers(&self) {
        if self.counted_apart {
            return;
        }
        for user in self.fans.keys() {
            for (before, entry) in (0..).zip(self.database.ledger(*user).iter().rev()) {
                let is_bounded = entry.kind != LedgerKind::Refund;
                assert!(!is_bounded || before < self.ledger_max, "{entry:?} is one too many");
            }
        }
    }

    fn read_journals(&mut self) {
        for concert in self.models.keys().copied().collect::<Vec<_>>() {
            let rows = self.database.journal(concert, self.models[&concert].rows);
            for row in rows {
                if !matches!(row.kind, KeptKind::Events(_)) {
                    self.note(|| {
                        format!("sale {concert}: {:?} at {:?}, {:?}", row.kind, row.at, row.outages)
                    });
                }
                if let KeptKind::Events(events) = &row.kind {
                    for event in events.iter() {
                        self.note(|| format!("sale {concert}: {event:?}"));
                    }
                    self.prove_expiries(concert, events);
                }
                let model = self.models.get_mut(&concert).expect("it was just listed");
                model.read(&row);
            }
        }
    }

    /// Nobody is away who is connected, or idle who was active.
    fn prove_expiries(&self, concert: ConcertId, events: &[Event]) {
        for event in events {
            let Event::TokenEnded(record) = event else { continue };
            let ended_at = record.ended_at.expect("what ended has its time");
            match record.status {
                TokenStatus::Expired(ExpiryReason::Away) => {
                    let own = |device: &&Device| device.user == record.user && device.concert == concert;
                    for connection in self.devices.iter().filter(own).filter_map(|d| d.connection.as_ref()) {
                        // Another process would not know who is connected to this one.
                        let known_since = connection.known_since.filter(|since| {
                            self.alone_since.is_some_and(|alone| alone <= *since) && *since <= ended_at
                        });
                        let is_up = self.nodes[connection.node].dispatcher().is_some();
                        assert!(
                            !is_up || known_since.is_none(),
                            "{record:?} is connected as {}",
                            connection.id
                        );
                    }
                }
                TokenStatus::Expired(ExpiryReason::Idle) => {
                    let idle_ttl = self.models[&concert].rules().idle_ttl;
                    let active_at = self.fans[&record.user].active_at.get(&concert).copied();
                    let active_at = active_at.max(record.admitted_at).expect("who is idle was admitted");
                    assert!(ended_at >= active_at + idle_ttl, "{record:?} was active at {active_at:?}");
                }
                _ => {}
            }
        }
    }

    fn report(self) -> Report {
        let (injected, hung) = self.database.injected();
        let mut faults: BTreeMap<String, u64> = injected
            .into_iter()
            .map(|((call, fault), count)| (format!("{call:?}: {fault:?}"), count))
            .collect();
        faults.insert("hung calls".to_owned(), hung);
        faults.insert("outcomes that nobody learnt".to_owned(), self.unknown);
        let ends = self.nodes.iter().map(|node| node.metrics.task_ends.get()).sum();
        faults.insert("seats that cannot be held".to_owned(), self.refused);
        let waited = self.nodes.iter().map(|node| node.metrics.batches_waited.get()).sum();
        faults.insert("batches that waited for the tables".to_owned(), waited);
        faults.insert("reads at doors".to_owned(), self.reads);
        faults.insert("sales taken over alone".to_owned(), self.taken_over);
        faults.insert("tables that stood still".to_owned(), self.fell_behind);
        faults.insert("bugs in a lane".to_owned(), ends);
        faults.insert("wishes who runs what".to_owned(), self.wished);
        let moves = self.nodes.iter().map(|node| node.metrics.moves.get()).sum();
        faults.insert("sales given away".to_owned(), moves);
        let takeovers = self.nodes.iter().map(|node| node.metrics.takeovers.get()).sum();
        faults.insert("sales taken over".to_owned(), takeovers);
        let (sent, lost) = self.net.counts();
        let forwarded = self.nodes.iter().map(|node| node.metrics.forwarded.get()).sum();
        faults.insert("commands sent to another process".to_owned(), forwarded);
        let came_back = self.nodes.iter().map(|node| node.metrics.not_mine.get()).sum();
        faults.insert("commands that came back".to_owned(), came_back);
        faults.insert("messages between processes".to_owned(), sent);
        faults.insert("messages that were lost".to_owned(), lost);
        faults.insert("rows changed by others".to_owned(), self.planted);
        let ahead = self.nodes.iter().map(|node| node.metrics.decided_ahead.get()).sum();
        let found = self.nodes.iter().map(|node| node.metrics.sweep_differences.get()).sum();
        Report {
            steps: self.steps,
            batches: self.models.values().map(|model| model.rows).sum(),
            faults,
            found,
            ahead,
            places: self.memory.places(),
            digest: self.trace.lock().digest(),
        }
    }

    pub fn note(&self, line: impl FnOnce() -> String) {
        let at = self.clock.utc().since(START).as_millis();
        self.trace.lock().add(format!("{at:>7} {}", line()));
    }
}

/// Rows of seats, the first of them dearer.
fn layout(rows: &[usize]) -> VenueLayout {
    let mut seats = SeatColumns::default();
    for (row, count) in rows.iter().enumerate() {
        for number in 1..=*count {
            seats.x.push(number as f64);
            seats.y.push(row as f64);
            seats.row.push(row as u32);
            seats.number.push(number.to_string());
            seats.category.push(u16::from(row > 0));
            seats.label.push(format!("{}-{number}", char::from(b'A' + row as u8)));
        }
    }
    let category = |name: &str, price| LayoutCategory { name: name.into(), color: "#333".into(), price };
    VenueLayout {
        name: "Hall".into(),
        categories: vec![category("VIP", 100), category("Rest", 60)],
        zones: vec![LayoutZone { name: "Floor".into() }],
        rows: (0..rows.len())
            .map(|row| LayoutRow {
                zone: 0,
                label: char::from(b'A' + row as u8).to_string(),
                row_label: None,
                seat_label: None,
            })
            .collect(),
        seats,
        ..VenueLayout::default()
    }
}
