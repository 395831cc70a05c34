//! Several servers on one simulated database: who runs a sale, whatever their clocks say and whatever is out meanwhile.

use std::sync::Arc;
use std::time::Duration;

use frontrow::clock::Clock;
use frontrow::dispatcher::{
    self, Bus, Cluster, Dispatcher, Joining, Lanes, Options, Refusal, Reply, ReplyTo,
};
use frontrow::domain::command::{Answer, Command};
use frontrow::domain::ids::{ConcertId, ConnectionId, UserId};
use frontrow::domain::membership::{About, MemberState};
use frontrow::domain::rules::SaleRules;
use frontrow::fanout::{Fanout, Subscriber};
use frontrow::limits::{
    FORWARDED_PATIENCE, HEIR_PATIENCE, LEASE, MEMBER_BEAT_INTERVAL, MISSED_LEASE, SALES_LOOKUP_INTERVAL,
    UNHEARD_MAX,
};
use frontrow::metrics::Metrics;
use frontrow::store::{Claims, Members, Setup};
use frontrow_testing::net::Net;
use frontrow_testing::simulated::{Call, Database, Fault, KeptKind, SimulatedStore, Weather};

use tokio::sync::oneshot;

use super::{START, new_concert};

const TICK: Duration = Duration::from_millis(100);
/// Turns that whoever was woken by a tick needs until all that follows from it is done.
const TURNS: usize = 50;
/// The longest that a sale is nobody's whose server died: a mark that was moved just before, one reading more than it stands
/// for, and the next look of recovery.
const TAKEN_OVER: Duration = Duration::from_secs(8);

/// Servers, and their database whose clock is right.
struct Houses {
    database: Arc<Database>,
    clock: Clock,
    clocks: Vec<Clock>,
    concert: ConcertId,
    /// What they say to each other, if anything leads from one to another.
    net: Option<Arc<Net>>,
}

struct Node {
    store: SimulatedStore,
    clock: Clock,
    dispatcher: Dispatcher,
    lanes: Lanes,
    fanout: Arc<Fanout>,
}

impl Houses {
    async fn open() -> Self {
        let (database, clock) = (Database::new(1), Clock::manual(START));
        database.set_clock(clock.clone());
        let (concert, _) = database.connect().add_concert(new_concert(1)).await.unwrap();
        Self { database, clock, clocks: Vec::new(), concert, net: None }
    }

    /// The same with a bus between the servers.
    async fn open_with_bus() -> Self {
        let houses = Self::open().await;
        let net = Net::new(1, houses.clock.clone());
        Self { net: Some(net), ..houses }
    }

    fn joining(name: &str) -> Joining {
        Joining { by_database_clock: true, ..Joining::new(name) }
    }

    /// A server whose machine's clock is so far ahead.
    async fn start(&mut self, name: &str, ahead: i64) -> Node {
        self.start_as(Self::joining(name), ahead).await
    }

    async fn start_as(&mut self, joining: Joining, ahead: i64) -> Node {
        let (store, clock) = (self.database.connect(), self.machine(ahead));
        let shared = Arc::new(store.handle());
        let cluster = dispatcher::join(shared.clone(), clock.clone(), joining).await.unwrap();
        let bus = self.net.as_ref().map(|net| {
            let (carrier, brought) = net.connect();
            net.name(self.clocks.len() - 1, cluster.node());
            Bus { carrier, brought }
        });
        let (fanout, metrics) = (Arc::new(Fanout::default()), Arc::new(Metrics::new()));
        let options = Options { seed: Some([7; 32]), ..Options::new(SaleRules::default()) };
        let started =
            dispatcher::start(shared, fanout.clone(), clock.clone(), metrics, cluster, bus, options).await;
        let (dispatcher, lanes) = started.unwrap();
        let node = Node { store, clock, dispatcher, lanes, fanout };
        self.pass(TICK).await;
        node
    }

    fn machine(&mut self, ahead: i64) -> Clock {
        let clock = Clock::manual(self.clock.utc());
        clock.set_by(ahead);
        self.clocks.push(clock.clone());
        clock
    }

    /// Time passes, for all machines alike.
    async fn pass(&self, time: Duration) {
        let end = self.clock.steady() + time;
        while self.clock.steady() < end {
            self.clock.advance(TICK);
            self.clocks.iter().for_each(|clock| clock.advance(TICK));
            self.net.iter().for_each(|net| net.turn());
            tokio::time::advance(TICK).await;
            for _ in 0..TURNS {
                tokio::task::yield_now().await;
            }
        }
    }

    fn net(&self) -> &Net {
        self.net.as_ref().expect("it has a bus")
    }

    /// As by SIGKILL.
    fn kill(&self, node: &Node, index: usize) {
        node.store.kill();
        self.net().is_gone(index);
    }

    /// As by SIGSTOP.
    fn stand_still(&self, node: &Node, index: usize, still: bool) {
        node.store.stand_still(still);
        self.net().stand_still(index, still);
    }

    /// How often the sale was claimed, each time after which outage.
    fn claims(&self) -> Vec<Duration> {
        let rows = self.database.journal(self.concert, 0);
        let claims = rows.iter().filter_map(|row| match row.kind {
            KeptKind::Claim { outage, .. } => Some(outage),
            _ => None,
        });
        claims.collect()
    }
}

impl Node {
    /// A fan of this server joins. What comes of it is heard later.
    fn joins(&self, concert: ConcertId, user: u64) -> oneshot::Receiver<Reply> {
        let (sender, heard) = oneshot::channel();
        let join = Command::Join { user: UserId(user), connection: None };
        self.dispatcher.submit(concert, join, ReplyTo::Once(sender)).unwrap();
        heard
    }

    fn runs(&self, concert: ConcertId) -> bool {
        self.fanout.sale(concert).is_some_and(|view| !view.is_copy())
    }

    fn cluster(&self) -> &Cluster {
        self.dispatcher.cluster()
    }

    /// A fan of this server is connected to it.
    fn is_connected_to_by(&self, concert: ConcertId, user: u64) {
        let connection = ConnectionId::of(self.cluster().node(), user);
        self.dispatcher.be_present(concert, UserId(user), connection);
    }
}

/// Several servers with a bus, the first of which runs the sale.
async fn open_three() -> (Houses, [Node; 3]) {
    let mut houses = Houses::open_with_bus().await;
    let nodes = [houses.start("a", 0).await, houses.start("b", 0).await, houses.start("c", 0).await];
    houses.pass(LEASE).await;
    assert!(nodes[0].runs(houses.concert));
    (houses, nodes)
}

/// Goal: who lives keeps its sale, whatever the clocks of others say. Method: a second server whose machine is ahead, then
/// others that are much further, or behind.
#[tokio::test(start_paused = true)]
async fn no_clock_takes_a_sale_from_a_server_that_lives() {
    let mut houses = Houses::open().await;
    let first = houses.start("a", 0).await;
    assert!(first.runs(houses.concert));
    for ahead in [1_900, -1_900, 4_000, 3_600_000, -3_600_000] {
        let other = houses.start("b", ahead).await;
        houses.pass(3 * LEASE).await;
        assert_eq!(houses.claims(), [Duration::ZERO], "with a clock that is {ahead} ms ahead");
        assert!(first.runs(houses.concert) && !other.runs(houses.concert));
        let unready = other.dispatcher.unready().join("\n");
        assert!(unready.contains("sale 1 is run by another server, node 1 (a)"), "{unready}");
        assert_eq!(first.dispatcher.unready(), Vec::<String>::new());
        other.lanes.shutdown().await;
    }
}

/// Goal: a sale whose server died is taken over, and fans lose nothing but that time. Method: the next server's clock is
/// ahead or behind.
#[tokio::test(start_paused = true)]
async fn a_sale_is_taken_over_once_its_server_is_dead_and_only_that_time_is_an_outage() {
    for ahead in [0, 1_900, -1_900] {
        let mut houses = Houses::open().await;
        let first = houses.start("a", 0).await;
        let second = houses.start("b", ahead).await;
        houses.pass(LEASE).await;
        first.store.kill();
        houses.pass(LEASE - MEMBER_BEAT_INTERVAL).await;
        assert!(!second.runs(houses.concert), "it may only be slow");
        houses.pass(TAKEN_OVER - (LEASE - MEMBER_BEAT_INTERVAL)).await;
        assert!(second.runs(houses.concert), "with a clock that is {ahead} ms ahead");
        assert_eq!(second.dispatcher.unready(), Vec::<String>::new());
        let outage = houses.claims()[1];
        // The last heartbeat may have been an interval before its end.
        assert!(outage >= LEASE && outage <= TAKEN_OVER + MEMBER_BEAT_INTERVAL, "{outage:?}");
    }
}

/// Goal: after an outage of the database each sale is run by who ran it. Method: it is out for longer than any lease, and the
/// other server is the first to ask.
#[tokio::test(start_paused = true)]
async fn an_outage_of_the_database_takes_no_sale_from_anybody() {
    let mut houses = Houses::open().await;
    let first = houses.start("a", 0).await;
    let second = houses.start("b", 0).await;
    houses.pass(LEASE).await;
    let out = Weather { fail_per_mille: 1_000, fail_commit_per_mille: 1_000, ..Weather::CALM };
    houses.database.set_weather(out);
    let mut was_unready = false;
    for _ in 0..3 {
        houses.pass(LEASE).await;
        // Some calls get through even so.
        was_unready |= !first.dispatcher.unready().is_empty();
    }
    assert!(was_unready);
    // The one who runs the sale is kept from it for a little longer.
    houses.database.hold_up(Some(Call::OpenWriter));
    houses.database.set_weather(Weather::CALM);
    houses.pass(2 * SALES_LOOKUP_INTERVAL).await;
    houses.database.hold_up(None);
    houses.pass(3 * LEASE).await;
    assert_eq!(houses.claims(), [Duration::ZERO], "nobody claimed it");
    assert!(first.runs(houses.concert) && !second.runs(houses.concert));
    assert_eq!(first.dispatcher.unready(), Vec::<String>::new());
}

/// Goal: who stood still itself takes nobody for dead because of it. Method: two servers stand still, the one that looks on
/// longer; both go on at once.
#[tokio::test(start_paused = true)]
async fn who_stood_still_itself_begins_to_look_anew() {
    let mut houses = Houses::open().await;
    let first = houses.start("a", 0).await;
    let second = houses.start("b", 0).await;
    houses.pass(LEASE).await;
    second.store.stand_still(true);
    houses.pass(LEASE).await;
    first.store.stand_still(true);
    houses.pass(LEASE + Duration::from_secs(1)).await;
    second.store.stand_still(false);
    houses.pass(Duration::from_millis(500)).await;
    first.store.stand_still(false);
    houses.pass(3 * LEASE).await;
    assert_eq!(houses.claims(), [Duration::ZERO]);
    assert!(first.runs(houses.concert));
}

/// Goal: nobody waits for a lease of a server that said that it stops. Method: in good order, and as one whose sales could not
/// be released.
#[tokio::test(start_paused = true)]
async fn what_a_stopped_server_ran_is_taken_at_once() {
    for released in [true, false] {
        let mut houses = Houses::open().await;
        let first = houses.start("a", 0).await;
        let second = houses.start("b", 0).await;
        houses.pass(LEASE).await;
        if !released {
            houses.database.plan(Call::ReleaseClaims, Fault::Unreachable, 1);
        }
        let stopping = tokio::spawn(first.lanes.shutdown());
        while !stopping.is_finished() {
            houses.pass(TICK).await;
        }
        stopping.await.unwrap();
        houses.pass(MEMBER_BEAT_INTERVAL + SALES_LOOKUP_INTERVAL).await;
        assert!(second.runs(houses.concert), "released: {released}");
        let members = second.store.members().await.unwrap();
        assert_eq!(members[0].state, MemberState::Stopped);
    }
}

/// Goal: a server whose clock is wrong takes nothing, says why, and begins when its clock is right.
#[tokio::test(start_paused = true)]
async fn a_server_whose_clock_is_off_takes_no_sales_until_it_is_right() {
    let mut houses = Houses::open().await;
    let only = houses.start("a", 3_600_000).await;
    houses.pass(2 * LEASE).await;
    assert!(!only.runs(houses.concert));
    let why = "this server takes no sales: its machine's clock is 3600.0 s ahead of the database's";
    assert!(only.dispatcher.unready().contains(&why.to_owned()), "{:?}", only.dispatcher.unready());
    // It goes by the database's, all the same.
    assert_eq!(only.clock.utc(), houses.clock.utc());
    only.clock.set_by(-3_599_000);
    houses.pass(MEMBER_BEAT_INTERVAL + SALES_LOOKUP_INTERVAL).await;
    assert!(only.runs(houses.concert), "{:?}", only.dispatcher.unready());
    assert_eq!(only.dispatcher.unready(), Vec::<String>::new());
    assert_eq!(only.clock.utc(), houses.clock.utc());
}

/// Goal: new rules for all sales can be rolled out server by server, and no takeover changes those of a sale that runs.
#[tokio::test(start_paused = true)]
async fn a_server_with_other_rules_waits_until_those_with_the_old_ones_are_gone() {
    let mut houses = Houses::open().await;
    let with = |name: &str, rules: &str| {
        let joining = Houses::joining(name);
        Joining { about: About { rules_print: rules.to_owned(), ..joining.about }, ..joining }
    };
    let first = houses.start_as(with("a", "0ld"), 0).await;
    let second = houses.start_as(with("b", "0ld"), 0).await;
    let third = houses.start_as(with("c", "new"), 0).await;
    houses.pass(LEASE).await;
    let why = "its rules for all of them (print new) are not those of node 1 (a) (print 0ld), which is up";
    assert!(third.dispatcher.unready().join("\n").contains(why), "{:?}", third.dispatcher.unready());
    first.store.kill();
    second.store.kill();
    houses.pass(2 * TAKEN_OVER).await;
    assert!(third.runs(houses.concert));
    assert_eq!(third.dispatcher.unready(), Vec::<String>::new());
}

/// Goal: no guest becomes a stranger while the server lives that knows them. Method: a server with another key beside the
/// first, which dies.
#[tokio::test(start_paused = true)]
async fn a_server_with_another_key_waits_until_those_with_the_old_one_are_gone() {
    let mut houses = Houses::open().await;
    let with_key = |key: &str| {
        let joining = Houses::joining("a");
        Joining { about: About { key_print: key.to_owned(), ..joining.about }, ..joining }
    };
    let first = houses.start_as(with_key("0ld"), 0).await;
    let second = houses.start_as(with_key("new"), 0).await;
    // A sale that nobody has, and that the second one would be as good for.
    let more = houses.database.connect();
    let concert = frontrow::store::NewConcert { title: "Another night".to_owned(), ..new_concert(1) };
    let concert = more.add_concert(concert).await.unwrap().0;
    houses.pass(LEASE).await;
    assert!(first.runs(concert) && !second.runs(concert));
    let why = "it signs tokens with another key (print new) than node 1 (a) (print 0ld), which is up";
    assert!(second.dispatcher.unready().join("\n").contains(why), "{:?}", second.dispatcher.unready());
    assert_eq!(first.dispatcher.unready(), Vec::<String>::new());
    first.store.kill();
    houses.pass(2 * TAKEN_OVER).await;
    assert!(second.runs(concert) && second.runs(houses.concert));
    assert_eq!(second.dispatcher.unready(), Vec::<String>::new());
}

/// Goal: of servers that all live, one has each sale that nobody ran, and a server that comes moves nothing.
#[tokio::test(start_paused = true)]
async fn sales_are_spread_and_stay_where_they_are() {
    let mut houses = Houses::open().await;
    let more = houses.database.connect();
    let mut concerts = vec![houses.concert];
    let (first, second) = (houses.start("a", 0).await, houses.start("b", 0).await);
    for number in 0..7 {
        let concert = frontrow::store::NewConcert { title: format!("Night {number}"), ..new_concert(1) };
        concerts.push(more.add_concert(concert).await.unwrap().0);
    }
    houses.pass(LEASE).await;
    let spread: Vec<_> = concerts.iter().map(|of| (first.runs(*of), second.runs(*of))).collect();
    assert!(spread.iter().all(|(first, second)| first != second), "{spread:?}");
    assert!(spread.iter().any(|(_, second)| *second), "{spread:?}");
    let third = houses.start("c", 0).await;
    houses.pass(3 * LEASE).await;
    let now: Vec<_> = concerts.iter().map(|of| (first.runs(*of), second.runs(*of))).collect();
    assert_eq!(now, spread);
    assert!(concerts.iter().all(|of| !third.runs(*of)));
    assert_eq!(third.cluster().others(), ["node 1 (a)", "node 2 (b)"]);
}

/// Goal: a database that servers come and go at keeps no row of each for ever.
#[tokio::test(start_paused = true)]
async fn rows_of_servers_that_are_long_gone_are_taken_away() {
    let mut houses = Houses::open().await;
    let gone = houses.database.connect();
    for _ in 0..40 {
        gone.join_members(&Houses::joining("a").about).await.unwrap();
    }
    let only = houses.start("a", 0).await;
    houses.pass(2 * TAKEN_OVER).await;
    let members = only.store.members().await.unwrap();
    assert_eq!(members.len(), frontrow::limits::DEAD_MEMBERS_KEPT + 1);
    assert_eq!(members.last().unwrap().node, only.cluster().node());
    assert_eq!(only.cluster().node().0, 41);
}

/// Goal: the same of the embedded database, which has one server at a time. Method: it is started again and again.
#[tokio::test]
async fn the_embedded_database_keeps_the_newest_lives_of_its_server() {
    let folder = tempfile::tempdir().unwrap();
    let store = frontrow::store::open(None, folder.path()).await.unwrap();
    let kept = frontrow::limits::DEAD_MEMBERS_KEPT + 1;
    for life in 1..=kept as u32 + 3 {
        let clock = Clock::manual(START);
        let cluster = dispatcher::join(store.clone(), clock, Joining::new("a")).await.unwrap();
        assert_eq!(cluster.node().0, life);
    }
    let members = store.members().await.unwrap();
    assert_eq!((members.len(), members[0].node.0), (kept, 4));
}

#[track_caller]
fn joined(heard: &mut oneshot::Receiver<Reply>) -> bool {
    match heard.try_recv() {
        Ok(Ok(Answer::Queue { created, .. })) => created,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_fan_is_served_by_any_server_and_each_once() {
    let mut houses = Houses::open_with_bus().await;
    let owner = houses.start("a", 0).await;
    let gateway = houses.start("b", 0).await;
    houses.pass(2 * SALES_LOOKUP_INTERVAL).await;
    assert!(owner.runs(houses.concert) && !gateway.runs(houses.concert));
    let mut first = gateway.joins(houses.concert, 1);
    let mut again = gateway.joins(houses.concert, 1);
    houses.pass(TICK).await;
    assert!(joined(&mut first) && !joined(&mut again), "one place, and the answers in order");
    let mut there = owner.joins(houses.concert, 1);
    houses.pass(TICK).await;
    assert!(!joined(&mut there), "it is the owner who has it");
}

#[tokio::test(start_paused = true)]
async fn what_a_dead_owner_did_not_answer_is_answered_by_the_next_one() {
    let mut houses = Houses::open_with_bus().await;
    let owner = houses.start("a", 0).await;
    let gateway = houses.start("b", 0).await;
    houses.pass(2 * SALES_LOOKUP_INTERVAL).await;
    let mut before = gateway.joins(houses.concert, 1);
    houses.pass(TICK).await;
    assert!(joined(&mut before));
    owner.store.kill();
    houses.net.as_ref().unwrap().is_gone(0);
    let (mut known, mut new) = (gateway.joins(houses.concert, 1), gateway.joins(houses.concert, 2));
    houses.pass(TAKEN_OVER).await;
    assert!(gateway.runs(houses.concert));
    assert!(!joined(&mut known), "their place is still there");
    assert!(joined(&mut new));
}

#[tokio::test(start_paused = true)]
async fn what_reaches_its_owner_too_late_is_not_done() {
    let mut houses = Houses::open_with_bus().await;
    let _owner = houses.start("a", 0).await;
    let gateway = houses.start("b", 0).await;
    houses.pass(2 * SALES_LOOKUP_INTERVAL).await;
    let net = houses.net.clone().unwrap();
    net.stand_still(0, true);
    let mut late = gateway.joins(houses.concert, 1);
    houses.pass(FORWARDED_PATIENCE + 2 * TICK).await;
    assert_eq!(late.try_recv().unwrap(), Err(Refusal::OutcomeUnknown));
    net.stand_still(0, false);
    houses.pass(Duration::from_secs(1)).await;
    let mut then = gateway.joins(houses.concert, 1);
    houses.pass(Duration::from_secs(1)).await;
    assert!(joined(&mut then), "nobody had a place");
}

#[tokio::test(start_paused = true)]
async fn who_asks_for_a_sale_that_nobody_runs_is_told_in_time_that_nothing_was_done() {
    let mut houses = Houses::open_with_bus().await;
    let owner = houses.start("a", 0).await;
    // Its clock is off: it takes no sales.
    let gateway = houses.start("b", 3_600_000).await;
    houses.pass(2 * SALES_LOOKUP_INTERVAL).await;
    owner.store.kill();
    houses.net.as_ref().unwrap().is_gone(0);
    // Nothing is said to a server that is known to be dead.
    houses.pass(TAKEN_OVER).await;
    let mut heard = gateway.joins(houses.concert, 1);
    houses.pass(FORWARDED_PATIENCE - TICK).await;
    assert!(heard.try_recv().is_err(), "somebody may come still");
    houses.pass(3 * TICK).await;
    assert!(matches!(heard.try_recv().unwrap(), Err(Refusal::Unavailable { .. })));
}

/// The longest that a sale is nobody's whose server died, where a bus tells the others: it was missed just after its heartbeat, and
/// the next look is awaited.
const TAKEN_OVER_WITH_BUS: Duration = Duration::from_millis(2_600);

#[tokio::test(start_paused = true)]
async fn with_a_bus_a_sale_is_taken_over_within_three_seconds() {
    let (houses, [owner, b, c]) = open_three().await;
    houses.kill(&owner, 0);
    let mut asked = [b.joins(houses.concert, 1), c.joins(houses.concert, 2)];
    houses.pass(MISSED_LEASE - TICK).await;
    assert!(!b.runs(houses.concert) && !c.runs(houses.concert), "it may only be slow");
    houses.pass(TAKEN_OVER_WITH_BUS - MISSED_LEASE).await;
    assert!(b.runs(houses.concert) != c.runs(houses.concert));
    houses.pass(2 * TICK).await;
    assert!(asked.iter_mut().all(joined));
    let outage = houses.claims()[1];
    assert!(outage >= MISSED_LEASE && outage <= TAKEN_OVER_WITH_BUS + TICK, "{outage:?}");
}

#[tokio::test(start_paused = true)]
async fn two_of_three_that_die_at_once_are_followed_after_a_lease() {
    let (houses, [owner, b, c]) = open_three().await;
    houses.kill(&owner, 0);
    houses.kill(&b, 1);
    houses.pass(LEASE - MEMBER_BEAT_INTERVAL).await;
    assert!(!c.runs(houses.concert), "it may be alone itself");
    houses.pass(TAKEN_OVER).await;
    assert!(c.runs(houses.concert));
}

#[tokio::test(start_paused = true)]
async fn who_cannot_be_heard_keeps_its_sale_while_its_heartbeat_is_read() {
    let (houses, [owner, b, c]) = open_three().await;
    // One of two does not hear it, and then nobody hears anybody.
    houses.net().cut(0, 1);
    houses.pass(3 * UNHEARD_MAX).await;
    for (from, to) in [(0, 2), (1, 0), (2, 0), (1, 2), (2, 1)] {
        houses.net().cut(from, to);
    }
    houses.pass(3 * LEASE).await;
    assert_eq!(houses.claims(), [Duration::ZERO]);
    assert!(owner.runs(houses.concert) && !b.runs(houses.concert) && !c.runs(houses.concert));
    // That is no reason to send nobody there: a server that was just killed is missed, too.
    assert_eq!(c.dispatcher.unready(), Vec::<String>::new());
    let notes = c.dispatcher.notes().join("\n");
    assert!(notes.contains("node 1 (a) lives, and the bus brings nothing of it"), "{notes}");
}

#[tokio::test(start_paused = true)]
async fn whom_most_cannot_hear_gives_its_sales_to_the_best_heard() {
    let (houses, [owner, b, c]) = open_three().await;
    // Neither of two hears it, while it hears both.
    houses.net().cut(0, 1);
    houses.net().cut(0, 2);
    houses.pass(UNHEARD_MAX).await;
    assert!(owner.runs(houses.concert));
    houses.pass(MEMBER_BEAT_INTERVAL + SALES_LOOKUP_INTERVAL + Duration::from_secs(1)).await;
    assert!(!owner.runs(houses.concert));
    assert!(b.runs(houses.concert) != c.runs(houses.concert));
    let (mut of_b, mut of_c) = (b.joins(houses.concert, 1), c.joins(houses.concert, 2));
    houses.pass(2 * TICK).await;
    assert!(joined(&mut of_b) && joined(&mut of_c));
    let claims = houses.claims();
    assert!(claims.len() == 2 && claims[1] <= Duration::from_millis(1_500), "{claims:?}");
}

#[tokio::test(start_paused = true)]
async fn who_lost_the_database_alone_runs_nothing_and_its_fans_stay() {
    let (houses, [owner, b, _c]) = open_three().await;
    // The first of them is admitted, and the other one waits.
    let mut first = [owner.joins(houses.concert, 1), b.joins(houses.concert, 2)];
    b.is_connected_to_by(houses.concert, 2);
    houses.pass(2 * TICK).await;
    assert!(first.iter_mut().all(joined));
    b.store.stand_still(true);
    let away_ttl = SaleRules::default().away_ttl;
    for _ in 0..3 {
        owner.dispatcher.touch(houses.concert, UserId(1));
        houses.pass(away_ttl / 2).await;
    }
    assert!(owner.runs(houses.concert));
    let mut again = b.joins(houses.concert, 2);
    houses.pass(2 * TICK).await;
    assert!(!joined(&mut again), "they are connected all the while");
    // Once it is not heard any more either, they are absent.
    houses.kill(&b, 1);
    owner.dispatcher.touch(houses.concert, UserId(1));
    for _ in 0..3 {
        houses.pass(away_ttl / 2).await;
        owner.dispatcher.touch(houses.concert, UserId(1));
    }
    let mut then = owner.joins(houses.concert, 2);
    houses.pass(2 * TICK).await;
    assert!(joined(&mut then), "their place was given up");
}

#[tokio::test(start_paused = true)]
async fn the_sale_of_an_owner_that_lost_the_database_is_taken_over() {
    let (houses, [owner, b, c]) = open_three().await;
    owner.store.stand_still(true);
    houses.pass(LEASE - MEMBER_BEAT_INTERVAL).await;
    assert!(!b.runs(houses.concert) && !c.runs(houses.concert), "it is heard");
    houses.pass(TAKEN_OVER).await;
    assert!(b.runs(houses.concert) != c.runs(houses.concert));
    assert_ne!(owner.dispatcher.unready(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn an_owner_that_stood_still_sends_its_fans_on_when_it_wakes() {
    let (houses, [owner, b, c]) = open_three().await;
    houses.stand_still(&owner, 0, true);
    houses.pass(TAKEN_OVER_WITH_BUS).await;
    assert!(b.runs(houses.concert) != c.runs(houses.concert));
    houses.pass(Duration::from_secs(17)).await;
    // What its fans sent waits for it to wake, in its mailbox.
    let mut late = owner.joins(houses.concert, 1);
    houses.stand_still(&owner, 0, false);
    houses.pass(Duration::from_secs(1)).await;
    assert!(!owner.runs(houses.concert));
    assert!(joined(&mut late));
    let mut then = owner.joins(houses.concert, 1);
    houses.pass(2 * TICK).await;
    assert!(!joined(&mut then));
    assert_eq!(houses.claims().len(), 2, "nobody else took it");
}

/// Goal: a sale moves and nobody notices. Method: fans of all servers ask all the while.
#[tokio::test(start_paused = true)]
async fn a_sale_moves_where_somebody_wishes_and_every_command_is_answered() {
    let (houses, nodes) = open_three().await;
    let (b, c) = (nodes[1].cluster().node(), nodes[2].cluster().node());
    let mut user = 0;
    for (heir, to) in [(1, b), (2, c), (1, b)] {
        assert!(nodes[0].store.wish_move(houses.concert, to).await.unwrap());
        let mut asked = Vec::new();
        for _ in 0..30 {
            for node in &nodes {
                user += 1;
                asked.push(node.joins(houses.concert, user));
                asked.push(node.joins(houses.concert, user));
            }
            houses.pass(TICK).await;
        }
        let there: Vec<_> = nodes.iter().map(|node| node.runs(houses.concert)).collect();
        assert!(there[heir] && there.iter().filter(|runs| **runs).count() == 1, "{there:?}");
        let joins: Vec<_> = asked.iter_mut().map(joined).collect();
        assert!(joins.chunks(2).all(|of_one| of_one == [true, false]), "each in its order");
    }
    assert_eq!(nodes[0].store.holder(houses.concert).await.unwrap().moves_to, None);
    let claims = houses.claims();
    assert!(claims.len() == 4 && claims.iter().all(|outage| *outage <= 4 * TICK), "{claims:?}");
}

#[tokio::test(start_paused = true)]
async fn a_drained_server_serves_and_runs_nothing_until_that_is_taken_back() {
    let (houses, [a, b, c]) = open_three().await;
    let node = a.cluster().node();
    assert!(a.store.wish_drain(node, true).await.unwrap());
    houses.pass(MEMBER_BEAT_INTERVAL + Duration::from_secs(1)).await;
    assert!(!a.runs(houses.concert) && b.runs(houses.concert) != c.runs(houses.concert));
    assert_eq!(a.dispatcher.unready(), Vec::<String>::new());
    assert!(a.dispatcher.notes()[0].contains("this server is drained"));
    let mut heard = a.joins(houses.concert, 1);
    houses.pass(2 * TICK).await;
    assert!(joined(&mut heard));
    // It takes what nobody else can.
    houses.kill(&b, 1);
    let stopping = tokio::spawn(c.lanes.shutdown());
    while !stopping.is_finished() {
        houses.pass(TICK).await;
    }
    houses.net().is_gone(2);
    houses.pass(TAKEN_OVER).await;
    assert!(a.runs(houses.concert));
    assert!(a.dispatcher.notes()[0].contains("no other server can run its sales"));
    assert!(a.store.wish_drain(node, false).await.unwrap());
    houses.pass(2 * MEMBER_BEAT_INTERVAL).await;
    assert_eq!(a.dispatcher.notes(), Vec::<String>::new());
    assert!(a.runs(houses.concert));
}

#[tokio::test(start_paused = true)]
async fn an_heir_that_does_not_come_is_not_waited_for() {
    let (houses, [owner, b, c]) = open_three().await;
    assert!(owner.store.wish_move(houses.concert, b.cluster().node()).await.unwrap());
    // Neither its beat nor its silence says so yet.
    b.store.stand_still(true);
    houses.pass(MEMBER_BEAT_INTERVAL).await;
    assert!(!owner.runs(houses.concert) && !b.runs(houses.concert));
    houses.pass(HEIR_PATIENCE - MEMBER_BEAT_INTERVAL).await;
    assert!(!c.runs(houses.concert));
    houses.pass(Duration::from_secs(5)).await;
    assert!(owner.runs(houses.concert) != c.runs(houses.concert));
}

#[tokio::test(start_paused = true)]
async fn who_stops_gives_its_sales_away_before_and_nobody_notices() {
    let (houses, [a, b, c]) = open_three().await;
    let mut before = a.joins(houses.concert, 1);
    let (dispatcher, concert) = (a.dispatcher.clone(), houses.concert);
    let leaving = tokio::spawn(async move { dispatcher.leave().await });
    houses.pass(TICK).await;
    assert!(joined(&mut before));
    let mut meanwhile = [a.joins(concert, 2), b.joins(concert, 3), c.joins(concert, 4)];
    while !leaving.is_finished() {
        houses.pass(TICK).await;
    }
    houses.pass(2 * TICK).await;
    assert!(!a.runs(concert) && b.runs(concert) != c.runs(concert));
    assert!(meanwhile.iter_mut().all(joined));
    // Its fans are served until their sockets are closed.
    let mut still = a.joins(concert, 5);
    houses.pass(2 * TICK).await;
    assert!(joined(&mut still));
    let stopping = tokio::spawn(a.lanes.shutdown());
    while !stopping.is_finished() {
        houses.pass(TICK).await;
    }
    assert!(houses.claims().iter().all(|outage| *outage <= 4 * TICK), "{:?}", houses.claims());
}

#[tokio::test(start_paused = true)]
async fn who_is_alone_keeps_its_sales_until_it_stops() {
    let mut houses = Houses::open_with_bus().await;
    let only = houses.start("a", 0).await;
    houses.pass(LEASE).await;
    assert!(only.store.wish_drain(only.cluster().node(), true).await.unwrap());
    houses.pass(LEASE).await;
    assert!(only.runs(houses.concert));
    let dispatcher = only.dispatcher.clone();
    let leaving = tokio::spawn(async move { dispatcher.leave().await });
    houses.pass(2 * TICK).await;
    assert!(leaving.is_finished() && only.runs(houses.concert));
}

#[tokio::test(start_paused = true)]
async fn whoever_is_connected_to_another_server_is_present_after_a_takeover() {
    let (houses, [owner, b, c]) = open_three().await;
    // Who is asked for by one server may overtake who is asked for by another one.
    let mut first = b.joins(houses.concert, 1);
    houses.pass(2 * TICK).await;
    assert!(joined(&mut first));
    let mut asked = [b.joins(houses.concert, 2), c.joins(houses.concert, 3)];
    let subscribers = [(&b, 2), (&c, 3)].map(|(node, user)| {
        let subscriber = Subscriber::new(ConnectionId::of(node.cluster().node(), user));
        node.fanout.connect(UserId(user), &subscriber, 1);
        node.is_connected_to_by(houses.concert, user);
        subscriber
    });
    houses.pass(2 * TICK).await;
    assert!(asked.iter_mut().all(joined));
    houses.kill(&owner, 0);
    houses.pass(TAKEN_OVER_WITH_BUS).await;
    let away_ttl = SaleRules::default().away_ttl;
    for _ in 0..3 {
        // Who is admitted does not give way.
        b.dispatcher.touch(houses.concert, UserId(1));
        houses.pass(away_ttl / 2).await;
    }
    let mut again = [b.joins(houses.concert, 2), c.joins(houses.concert, 3)];
    houses.pass(2 * TICK).await;
    assert!(!again.iter_mut().any(joined), "they kept their places");
    drop(subscribers);
}
