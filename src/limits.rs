//! Every bound of the server, with its reason.

use std::time::Duration;

/// The bytes that HS256 needs of a secret (RFC 7518, 3.2): a shorter one is found by trying.
pub const SECRET_BYTES_MIN: usize = 32;

/// A configuration file: every setting with its explanation is a hundredth of it.
pub const CONFIG_FILE_BYTES_MAX: u64 = 1024 * 1024;

/// The most that rates and bursts may be set to: no machine serves so much, so a larger one is a slip, and this one is
/// no limit.
pub const RATE_SET_MAX: u32 = 1_000_000;

/// The most that connections in all may be set to: more than any machine has memory for.
pub const CONNECTIONS_SET_MAX: usize = 10_000_000;

/// The same of one address, behind which all of them may be.
pub const ADDRESS_CONNECTIONS_SET_MAX: u32 = CONNECTIONS_SET_MAX as u32;

/// The most that a user's connections may be set to: all of a load test may be one user's, and a list of them is gone
/// through.
pub const CONNECTIONS_PER_USER_SET_MAX: u32 = 100_000;

/// The most that a connection's unanswered requests may be set to: each is remembered, and answers to them wait in
/// memory.
pub const REQUESTS_IN_FLIGHT_SET_MAX: u32 = 1_024;

/// The most that lanes may be set to: each has a thread and a connection to the database of its own.
pub const LANES_SET_MAX: usize = 64;

/// The most that the seats which guests of one address hold may be set to: more than any house has.
pub const GUEST_SEATS_SET_MAX: u32 = 1_000_000;

/// The most that lists of operators and of their sessions have: a house has dozens.
pub const OPERATORS_LISTED_MAX: u32 = 1_000;

/// The places where one operator may be signed in: one more ends the oldest. A person has a few devices.
pub const OPERATOR_SESSIONS_MAX: usize = 20;

/// The time for which a link that signs in is good, unless somebody says otherwise: it is sent to a person who waits for it.
pub const OPERATOR_LINK_TTL: Duration = Duration::from_secs(15 * 60);

/// The most that it may be said to be.
pub const OPERATOR_LINK_TTL_MAX: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// The time for which a link that is over stays, so that who has it may still be told when it was used.
pub const OPERATOR_LINK_KEPT: Duration = OPERATOR_LINK_TTL_MAX;

/// Adding a passkey, or signing in by one, is finished within this time: long enough to look for a key in a bag.
pub const PASSKEY_CEREMONY_TTL: Duration = Duration::from_secs(5 * 60);

/// The time for which a session that is over stays, for who looks where an operator was signed in.
pub const OPERATOR_SESSION_KEPT: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// Sessions and issuers' operators that are remembered between requests: more than a house has.
pub const OPERATORS_REMEMBERED_MAX: usize = 4_096;

/// The time for which they are believed without asking the store: who is signed out, or loses a role, elsewhere may do
/// nothing more after it.
pub const OPERATOR_CHECK_INTERVAL: Duration = Duration::from_secs(5);

/// The interval at which it is written that somebody is still there.
pub const OPERATOR_SEEN_INTERVAL: Duration = Duration::from_secs(60);

/// The connections of one operator's session: so many windows somebody has open. One more ends the oldest.
pub const CONSOLES_PER_SESSION_MAX: usize = 8;

/// Those of operators with a token that is no session: of one without a name nobody knows how many share it.
pub const CONSOLES_PER_TOKEN_MAX: usize = 64;

/// The interval at which it is looked whether the operator of a connection is still one. What is remembered of them answers,
/// and is asked of the store after `OPERATOR_CHECK_INTERVAL`, or at once when this server changed it.
pub const CONSOLE_CHECK_INTERVAL: Duration = Duration::from_secs(1);

/// What operators watch is told again after so long in which nothing changed, so that a console knows it is up to date.
pub const CONSOLE_QUIET_MAX: Duration = Duration::from_secs(5);

/// The time that kept figures are told of, unless somebody says otherwise: an evening.
pub const FIGURES_OF: Duration = Duration::from_secs(12 * 60 * 60);

/// The time for which a list of figures waits for a sale that does not answer.
pub const FIGURES_PATIENCE: Duration = Duration::from_secs(1);

/// Seats that one command keeps from sale or gives back to it: some tens of milliseconds of one transaction, for which fans of
/// the same lane wait. More of them follow in further ones.
pub const SEATS_PER_CHANGE_MAX: usize = 4_096;

/// The seats that an operator could not have which are listed: as many as a person looks through.
pub const LEFT_SEATS_LISTED_MAX: usize = 100;

/// Orders that cannot be given back now which are listed: as many as a person looks through.
pub const STUCK_REFUNDS_LISTED_MAX: usize = 100;

/// The most that `reservations` lists: a page for a person, not an export.
pub const RESERVATIONS_LISTED_MAX: u32 = 200;

/// Sales of which a user's last token is looked at, the newest first.
pub const LAST_TOKENS_MAX: u32 = 100;

/// The most that `tickets` lists.
pub const TICKETS_LISTED_MAX: u32 = 500;

/// The tickets of cancelled orders beside them: a fan looks back at a few, and they push no valid one out.
pub const CANCELLED_TICKETS_LISTED_MAX: u32 = 100;

/// A lane that has taken nothing for so long hangs in its store: commands that come now are refused at once, to come back later.
pub const LANE_STALL: Duration = Duration::from_secs(2);

/// The time that a read of the store may take: the caller has something to show meanwhile, and may try again.
pub const READ_PATIENCE: Duration = Duration::from_secs(2);

/// The time for which `/readyz` waits for the store: it has to answer within a second, whatever hangs.
pub const READY_PATIENCE: Duration = Duration::from_millis(750);

/// The time that a change besides commands may take, such as making a guest, before it is not known whether it was
/// done.
pub const CHANGE_PATIENCE: Duration = Duration::from_secs(5);

/// The time that a read may take while the store is known to be out. Some may still be answered, as on a full disk.
pub const READ_PATIENCE_WHILE_OUT: Duration = Duration::from_millis(250);

/// Commands that may wait for a lane: some seconds of work, so that what is taken is answered in time.
pub const MAILBOX_COMMANDS_MAX: usize = 65_536;

/// Commands in one transaction. More would not be faster, only later.
pub const BATCH_COMMANDS_MAX: usize = 4_096;

/// Commands decided at a time while the store works on the batch before them: about as long as it takes for one of its
/// larger statements, which is sent on only afterwards.
pub const DECIDED_ASIDE_MAX: usize = 512;

/// Commands answered at a time while the store works on the next batch. So few that the clients of a large batch, and
/// the threads of their connections, have something to do for as long as the store has.
pub const PUBLISHED_ASIDE_MAX: usize = 256;

/// Expiries and admissions in one transaction; what is left follows in the next one.
pub const BATCH_EXPIRIES_MAX: usize = 2_048;

/// The number of times that a batch which was certainly rolled back is decided before its commands are refused.
pub const BATCH_ATTEMPTS_MAX: u32 = 5;

/// A command that waited longer is dropped: its sender has given up, or sends it again.
pub const COMMAND_PATIENCE: Duration = Duration::from_secs(5);

/// The time within which a command's asker learns whether it was kept, or that it is not known.
pub const OUTCOME_PATIENCE: Duration = Duration::from_secs(10);

/// The interval at which a lane that waits for its store looks after those who wait with it.
pub const PATIENCE_TICK: Duration = Duration::from_millis(250);

/// The time for which a store that a lane had trouble with counts as troubled, unless the lane commits something
/// meanwhile.
pub const TROUBLE_LASTS: Duration = Duration::from_secs(10);

/// The time that a lane which stops may take to release its sales; without, a lease runs out.
pub const RELEASE_PATIENCE: Duration = Duration::from_secs(5);

/// The time for which the end of the server waits for its lanes: longer than anybody waits for an answer.
pub const LANES_END_PATIENCE: Duration = Duration::from_secs(15);

/// Reservations and tokens that ended lately stay in memory, so that a repeated command needs no look-up.
/// Besides, as many stay as there are events that the tables do not have yet, or that are not committed.
pub const ENDED_KEPT_MAX: usize = 20_480;

/// The time that an overloaded server tells a client to wait.
pub const OVERLOADED_RETRY_AFTER: Duration = Duration::from_millis(500);

/// The time that a client is told to wait when the store could not keep something.
pub const UNAVAILABLE_RETRY_AFTER: Duration = Duration::from_millis(1_000);

/// The interval at which a lane says in the store that its sales are alive.
pub const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(1);

/// The least step of the machine's clock that counts: by less it is not set but corrected, or was read at two moments.
pub const CLOCK_STEP_MIN_MS: i64 = 250;

/// A longer gap between heartbeats was an outage: time stood still for fans.
pub const HEARTBEAT_GAP_MAX: Duration = Duration::from_secs(3);

/// The time for which the heartbeat of a sale stands still whose server is dead; nobody takes it over before.
pub const LEASE: Duration = Duration::from_secs(5);
/// The number of times that it is read meanwhile, at least.
pub const LEASE_READINGS_MIN: u32 = 3;
/// A longer pause between two readings says nothing: the database was out, or who reads stood still. Those who write their
/// heartbeats may have been kept from it as long.
pub const LEASE_UNREAD_MAX: Duration = Duration::from_millis(2_500);

/// Characters of a server's name: it stands in names of duties and alarms, too.
pub const SERVER_NAME_CHARS_MAX: usize = 64;

/// The interval at which a server says that it lives, and looks which others do.
pub const MEMBER_BEAT_INTERVAL: Duration = Duration::from_secs(1);

/// The time that one such look may take before it is given up: it proved nothing.
pub const MEMBER_LOOK_PATIENCE: Duration = Duration::from_secs(5);

/// Rows of dead servers that stay, for who wonders what there was, and that are taken away at once.
pub const DEAD_MEMBERS_KEPT: usize = 16;
pub const DEAD_MEMBERS_FORGOTTEN_AT_ONCE: usize = 8;

/// The interval at which a server says over the bus that it is alive, and looks whom it hears.
pub const ALIVE_INTERVAL: Duration = Duration::from_millis(250);
/// Who is not heard for this time is late: from then on it is looked more often whether its sales stand still.
pub const ALIVE_LATE: Duration = Duration::from_millis(400);
/// Who is not heard for this time is missed.
pub const ALIVE_SILENCE: Duration = Duration::from_secs(1);
/// A longer pause between two looks says nothing of others: who looks stood still.
pub const ALIVE_UNREAD_MAX: Duration = Duration::from_millis(800);
/// Whom most of the others cannot hear for this time gives its sales away.
pub const UNHEARD_MAX: Duration = Duration::from_secs(3);

/// The interval at which a lane says in the store that its sales are alive, where a bus leads to others who look on.
pub const HEARTBEAT_INTERVAL_WITH_BUS: Duration = Duration::from_millis(500);
/// The interval at which heartbeats of sales are read while somebody is late.
pub const MISSED_LOOK_INTERVAL: Duration = Duration::from_millis(250);
/// The time for which the heartbeat of a sale stands still whose server is dead, if that server is missed over the bus as well,
/// and the number of times that it is read meanwhile, at least.
pub const MISSED_LEASE: Duration = Duration::from_millis(1_500);
pub const MISSED_READINGS_MIN: u32 = 4;

/// Connections of which a server tells whoever runs a sale anew in one command, which has to fit a message.
pub const PRESENT_AT_ONCE: usize = 512;

/// Sales that are claimed and loaded at a time: a large one does not keep small ones waiting. With more of them, one that many wait
/// for takes the longer, as all of them share the processors and the database.
pub const SALES_LOADED_AT_ONCE_MAX: usize = 2;
/// Sales that are given away at a time.
pub const SALES_MOVED_AT_ONCE_MAX: usize = 4;
/// The time for which a sale that moves goes on selling until its tables have what it did: its heir brings in the rest.
pub const MOVE_TABLES_PATIENCE: Duration = Duration::from_secs(3);
/// The time that a lane has to come to the end of its batch and let go of a sale; after that it keeps it.
pub const MOVE_LANE_PATIENCE: Duration = Duration::from_secs(5);
/// Sales that other servers gave free for this one and that it did not come to yet: more are found with the next look.
pub const OFFERED_SALES_MAX: usize = 1_024;
/// The time that the heir of a sale has to claim it, before anybody else does.
pub const HEIR_PATIENCE: Duration = Duration::from_secs(2);
/// The time that a server which stops has to give all of its sales away.
pub const LEAVE_PATIENCE: Duration = Duration::from_secs(20);
/// Sockets that are closed in a second by a server that stops and has given its sales away, and the longest that this may go on:
/// those who come back elsewhere all at once would be refused there.
pub const SOCKETS_CLOSED_A_SECOND: usize = 500;
pub const DRAIN_SPREAD_MAX: Duration = Duration::from_secs(60);
pub const DRAIN_TURN: Duration = Duration::from_millis(250);

/// The longest that asking the database for its time may take for the answer to say how far our clock is off, and the number of
/// times that a server asks as it starts.
pub const CLOCK_READ_MAX: Duration = Duration::from_millis(500);
pub const CLOCK_READ_ATTEMPTS: u32 = 20;

/// The time that a fan's command has to reach the server that runs its sale, and to be answered. Longer than a takeover takes.
pub const FORWARDED_PATIENCE: Duration = Duration::from_secs(10);

/// Commands of one sale that wait for it to be run by somebody: above that the server refuses, before all of them reach the
/// next owner at once.
pub const HELD_BACK_COMMANDS_MAX: usize = 4_096;

/// The commands of one server that another one takes before it answers any: so many servers at an opening do not fill a mailbox,
/// and all are served in turn.
pub const CREDITS_MIN: usize = 256;
pub const CREDITS_MAX: usize = 4_096;

/// A server that says that it does not run a sale is asked again after this time, if nobody else is known to.
pub const ASKED_AGAIN_AFTER: Duration = Duration::from_millis(50);

/// The interval at which it is looked whether a sale runs here by now, while commands wait for that.
pub const HELD_BACK_LOOKUP_INTERVAL: Duration = Duration::from_millis(20);

/// The interval at which it is looked who runs what, and which of those one talks with are dead.
pub const PARTNERS_LOOKUP_INTERVAL: Duration = Duration::from_millis(250);

/// What was committed and is missing in a copy is asked for after this time, as it may only be late, and again after this one.
pub const MISSED_AFTER: Duration = Duration::from_millis(50);
pub const MISSED_AGAIN_AFTER: Duration = Duration::from_millis(250);

/// The longest that an answer waits for the copy to have what it rests on.
pub const COPY_PATIENCE: Duration = Duration::from_secs(2);

/// The interval at which it is looked whether a copy has what somebody reads rows for.
pub const COPY_LOOKUP_INTERVAL: Duration = Duration::from_millis(5);

/// A copy that was read in the database, or could not be, is not read again before. Its tables follow their journal within a second.
pub const COPY_READ_AGAIN_AFTER: Duration = Duration::from_millis(250);

/// Copies that are read at once: each may have a line of a million.
pub const COPIES_READ_AT_ONCE: usize = 4;

/// What came for a copy before its turn, as while it is read: some seconds of a rush.
pub const COPY_AHEAD_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Events of a copy that the tables of its owner do not have, as far as they are kept for whoever reads them: twice of what tables are
/// behind before batches wait for them.
pub const COPY_UNAPPLIED_EVENTS_MAX: usize = 40_000;

/// What an owner keeps of a sale for copies that missed some of it: what its tables may be behind, and for longer than copies take
/// to ask.
pub const FRAMES_KEPT_BYTES_MAX: usize = 8 * 1024 * 1024;
pub const FRAMES_KEPT_FOR: Duration = Duration::from_secs(30);

/// What is said again of them at once.
pub const FRAMES_AGAIN_BYTES_MAX: usize = 1024 * 1024;

/// What happened to one who waits for an answer, and waits for that, too.
pub const NEWS_HELD_MAX: usize = 64;

/// The interval at which an owner says how its sales stand: until then nobody notices that the last of a rush was lost.
pub const RUNNING_INTERVAL: Duration = Duration::from_secs(1);

/// Wallets and sales that are named in one message.
pub const NAMED_AT_ONCE_MAX: usize = 512;

/// Wallets that changed and that others are not told of yet; more are lost, and read by whoever asks.
pub const WALLETS_UNTOLD_MAX: usize = 65_536;

/// Messages that are heard before what follows from them is said.
pub const MESSAGES_AT_ONCE_MAX: usize = 64;

/// The interval at which new sales of other processes (`frontrow import`) are looked for.
pub const SALES_LOOKUP_INTERVAL: Duration = Duration::from_secs(1);

/// Lanes over a database that takes several transactions at once: enough to keep its log busy.
pub const LANES_DEFAULT: usize = 4;

/// Loaded sales that wait for their lane: each may be large.
pub const ADOPTED_SALES_WAITING_MAX: usize = 4;

/// Events of the journal that are written into a sale's rows in one transaction before it is loaded: what a large batch has, some
/// tens of milliseconds of work for the database.
pub const CAUGHT_UP_AT_ONCE_MAX: usize = 4_096;

/// The time for which what was committed waits until its rows are written: long enough that what is undone soon, as most holds
/// of a rush are, is written once or not at all, and short enough that people's SQL is no more than a second late.
pub const FOLLOW_PAUSE: Duration = Duration::from_millis(800);

/// The time for which a lane has nothing to do, from which there is nothing to wait for: longer than fans who are answered take
/// to ask for the next thing.
pub const FOLLOW_REST: Duration = Duration::from_millis(20);

/// The newest events of a rush, whose rows are not written yet: what they end is written as it ended. In a rush of some thousands of
/// fans a hold is given back that many events later.
pub const FOLLOWED_EVENTS_MIN: usize = 8_192;

/// Events of which none ends soon (a rush of joins), whose rows are written without a pause: enough that a transaction of their
/// own costs little.
pub const FOLLOWED_SETTLED_MIN: usize = 2_048;

/// Events whose rows are written in one transaction, unless one row of the journal has more. Together with those that are not
/// written yet short of what tables may be behind.
pub const FOLLOWED_AT_ONCE_MAX: usize = 8_192;

/// The most events that tables are behind, unless somebody says otherwise: at this many, batches wait. A server that was killed
/// is ready again by a second later for them.
pub const EVENTS_BEHIND_MAX: usize = 32_768;

/// The most that it may be said to be: each of them stays in memory, and is written before a sale is loaded.
pub const EVENTS_BEHIND_SET_MAX: usize = 1_000_000;

/// The time that a read waits for the tables to have what was confirmed before it.
pub const TABLES_PATIENCE: Duration = Duration::from_secs(1);

/// The interval at which tables are looked at whose sale another server runs.
pub const TABLES_LOOKUP_INTERVAL: Duration = Duration::from_millis(50);

/// Tokens and seats of a sale that is built in memory where it was loaded: some milliseconds of work.
pub const SALE_BUILT_AT_ONCE_MAX: usize = 5_000;

/// The time for which a sale runs on after its last performance: a show may break off, and its orders are to be given back.
pub const RUNS_AFTER_START: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// Sales with nothing left to run that are loaded because somebody asked for them: more than a box office looks at in a day.
pub const NAMED_SALES_MAX: usize = 64;

/// The time that somebody waits for such a sale: its rows are read and its memory is built.
pub const WAKE_PATIENCE: Duration = Duration::from_secs(5);

/// The interval at which some rows of each sale are compared with its memory.
pub const SWEEP_INTERVAL: Duration = Duration::from_secs(10);

/// Rows of each table in one comparison: some milliseconds of a reading connection, less than one of the lane's.
pub const SWEEP_ROWS_MAX: u32 = 1_024;

/// Later than this a deadline was missed; before, it may just be on its way.
pub const SWEEP_MARGIN: Duration = Duration::from_secs(10);

/// A sweep whose rows did not come by then is given up.
pub const SWEEP_PATIENCE: Duration = Duration::from_secs(60);

/// The most that may change while a sweep reads; with more, there is nothing left to compare.
pub const SWEEP_TOUCHED_MAX: usize = 65_536;

/// A difference that rebuilding a sale did not mend does not have it rebuilt again for so long.
pub const SWEEP_REBUILD_PAUSE: Duration = Duration::from_secs(600);

/// Notices that a sale was lost. One is enough to look at them all.
pub const LOST_SALES_NOTICES_MAX: usize = 64;

/// Users whose existence is remembered; a forgotten one costs a look-up.
pub const USERS_REMEMBERED_MAX: usize = 262_144;

/// An issuer's name, and a person's there, in bytes of UTF-8: what their columns hold. A longer one is no name.
pub const SUBJECT_BYTES_MAX: usize = 512;
/// The bytes that the request of an order at the desk may have: with the sale's number it is its user's subject.
pub const DESK_REQUEST_BYTES_MAX: usize = 256;
const _: () = assert!("4294967295/".len() + DESK_REQUEST_BYTES_MAX <= SUBJECT_BYTES_MAX);

/// The time for which an ended queue token still tells how it ended: long enough for whoever comes back late, and no
/// longer, because pages and devices keep it for as long as they like.
pub const ENDED_TOKEN_TTL: Duration = Duration::from_secs(60 * 60);

/// The time that a session whose token ended has to say hello again, before it is closed: a person may have to sign in.
pub const HELLO_AGAIN_PATIENCE: Duration = Duration::from_secs(60);

/// The interval at which an issuer's key file is looked at. Issuers publish a key long before they sign with it.
pub const KEYS_LOOKED_AT_EVERY: Duration = Duration::from_secs(2);

/// The lifetime of a guest's access token.
pub const GUEST_TOKEN_TTL: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// Bearers of tokens whose requests over HTTP are counted: all who send requests within the time of a burst, and more.
pub const BEARERS_REMEMBERED_MAX: usize = 65_536;

/// The weight of looking at an unknown token beside a small request: a signature, or a question to a lane.
pub const UNKNOWN_TOKEN_WEIGHT: u32 = 4;

/// Bytes of an answer that weigh as much as a small request.
pub const ANSWER_BYTES_WEIGHED: u64 = 64 * 1024;

/// A refusal is kept back no longer than this: its client would give up, and try again.
pub const REFUSAL_DELAY_MAX: Duration = Duration::from_secs(5);

/// Requests of one connection that are answered before others have their turn.
pub const HTTP_REQUESTS_PER_TURN: u32 = 4;

/// A client has so long to send a request's head, or its body.
pub const HTTP_REQUEST_PATIENCE: Duration = Duration::from_secs(10);

/// A peer that does not take what is written to it for so long is hung up on. Through a tunnel a train takes less.
pub const WRITE_PATIENCE: Duration = Duration::from_secs(20);

/// Less than this in `WRITE_PATIENCE` is nothing: a phone at the edge of its network takes it in a second, and whoever
/// takes single bytes does so to keep us waiting.
pub const WRITE_BYTES_MIN: u64 = 2 * 1024;

/// A client has so long for the TLS handshake, which takes it two round trips.
pub const TLS_HANDSHAKE_PATIENCE: Duration = Duration::from_secs(10);

/// The interval at which the files of a certificate are looked at. A renewed one is served after it was the same twice.
pub const CERTIFICATE_LOOKED_AT_EVERY: Duration = Duration::from_secs(1);

/// A request's head: what browsers, proxies and tracing add, several times over.
pub const HTTP_HEADERS_MAX: usize = 64;
pub const HTTP_HEAD_BYTES_MAX: usize = 16 * 1024;

/// The time for which a connection that is over is drained, so that its last bytes arrive instead of a reset.
pub const CLOSE_PATIENCE: Duration = Duration::from_secs(2);

/// The most that is read and thrown away meanwhile: whoever sends more does not read either.
pub const HTTP_CLOSE_BYTES_MAX: usize = 256 * 1024;
/// The same of a websocket, whose peer may have had many requests on the way.
pub const WEBSOCKET_CLOSE_BYTES_MAX: usize = 1024 * 1024;

/// Once so much waits to be written to a websocket, nothing more is read from it.
pub const OUTBOX_BYTES_HIGH: usize = 16 * 1024;

/// Those who are turned away politely at a time; more are just hung up on.
pub const TURNED_AWAY_AT_ONCE: usize = 64;
pub const TURNING_AWAY_PATIENCE: Duration = Duration::from_secs(1);

/// The pause after a failed accept: the reason (no more files, say) is given time to go away.
pub const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The time in which a `hello` has to come before the connection is closed.
pub const HELLO_PATIENCE: Duration = Duration::from_secs(10);

/// The time between two pings: proxies and carriers forget connections that are silent for half a minute.
pub const PING_INTERVAL: Duration = Duration::from_secs(20);

/// A peer that sent nothing while this many pings went out is gone: through a tunnel a train takes less.
pub const PINGS_UNANSWERED_MAX: u8 = 3;

/// More malformed requests than this in `MALFORMED_WINDOW` close the connection: no program that could mend itself.
pub const MALFORMED_MAX: u32 = 100;
pub const MALFORMED_WINDOW: Duration = Duration::from_secs(60);

/// The time that a client is told to wait when it has too many unanswered requests. They are answered soon: lanes commit
/// many times a second.
pub const IN_FLIGHT_RETRY_AFTER: Duration = Duration::from_millis(100);

/// Longer than any sensible JWT, and short enough that many forged ones cost little.
pub const TOKEN_BYTES_MAX: usize = 8 * 1024;

/// The most that is read of a certificate's or key's file: a chain of ten certificates has some 20 KiB.
pub const TLS_FILE_BYTES_MAX: u64 = 1024 * 1024;

/// Files that are not connections of fans: the database's, those being turned away, what is read at start, and the
/// operators' connections.
pub const FILES_RESERVED: usize = 192 + ADMIN_CONNECTIONS_MAX;

/// Connections of the operators' own listener: people and scrapers, and never everybody's.
pub const ADMIN_CONNECTIONS_MAX: usize = 64;

/// Connections that may wait to be accepted; the system may allow fewer. What does not fit comes again a second
/// later, which a fan would notice.
pub const LISTEN_BACKLOG: u32 = 16_384;

/// Connections in all, whatever the limit on open files: less is no server, more is no single machine.
pub const CONNECTIONS_MIN: usize = 16;
pub const CONNECTIONS_MAX: usize = 4_000_000;

/// Addresses whose doings are remembered besides those that are connected. A forgotten one has its bursts anew.
pub const ADDRESSES_REMEMBERED_MAX: usize = 65_536;

/// The time that a guest is told to wait when others of the same address hold what they may together: most holds are paid
/// or given back long before their time is over.
pub const GUEST_SEATS_RETRY_AFTER: Duration = Duration::from_secs(10);

/// A proxy says at once whose connection it hands on.
pub const PROXY_HEADER_PATIENCE: Duration = Duration::from_secs(5);

/// The time that a client is told to wait when every connection is taken.
pub const FULL_RETRY_AFTER: Duration = Duration::from_secs(5);

/// The time that a client is told to wait while the server stops; as after a close with 1012.
pub const RESTART_RETRY_AFTER: Duration = Duration::from_secs(5);

/// The time that connections have, when the server stops, to get the answers to their requests.
pub const DRAIN_PATIENCE: Duration = Duration::from_secs(5);

/// The time that they have then for the goodbye.
pub const DRAIN_HURRY: Duration = Duration::from_secs(3);

/// Concerts that are being made at the same time: more than any house plans, and a list that is read whole.
pub const DRAFTS_MAX: u32 = 200;

/// Drafts in one list, those that became concerts among them.
pub const DRAFTS_LISTED_MAX: u32 = 400;
const _: () = assert!(DRAFTS_MAX <= DRAFTS_LISTED_MAX);

/// A draft that nobody changed for so long was given up.
pub const DRAFT_KEPT: Duration = Duration::from_secs(90 * 24 * 60 * 60);

/// Bytes of a draft's plan as it is kept, compressed: half of what a database takes in one packet.
pub const PLAN_KEPT_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Bytes of a picture as it is kept, in each of its sizes: a phone loads it in a second.
pub const PICTURE_BYTES_MAX: usize = 1024 * 1024;

/// A picture that was uploaded and that nothing shows goes after so long.
pub const PICTURE_KEPT_UNUSED: Duration = Duration::from_secs(24 * 60 * 60);

/// Large bodies (plans, pictures) that are read and looked at at a time: each takes as much memory as it has bytes, several
/// times over.
pub const LARGE_BODIES_AT_ONCE: usize = 2;

/// Journals that are read at a time for what they tell of orders: each is some work for a second or so, in pieces.
pub const JOURNALS_AT_ONCE: usize = 2;

/// Rows of a journal that are read at once for that: fans have their turn in between.
pub const JOURNAL_ROWS_AT_ONCE: u32 = 200;

/// Paid orders of a performance that are counted at once.
pub const SOLD_ORDERS_AT_ONCE: u32 = 1_000;

/// Lines of a list for spreadsheets that are read at once.
pub const EXPORT_LINES_AT_ONCE: u32 = 500;

/// A client has so long to send a large body: a stadium's plan over a slow line.
pub const LARGE_BODY_PATIENCE: Duration = Duration::from_secs(120);

/// The time that a client is told to wait when others send large bodies.
pub const LARGE_BODY_RETRY_AFTER: Duration = Duration::from_secs(2);

/// The time in which a concert has to be stored: a stadium with many performances takes seconds.
pub const ANNOUNCE_PATIENCE: Duration = Duration::from_secs(60);

/// Alarms that go on in one list: one of each kind and sale in a hundred sales would be a night to remember.
pub const ALARMS_OPEN_LISTED_MAX: u32 = 500;

/// Changes of alarms that wait until the store takes them; of more, the oldest are only in the log.
pub const ALARMS_UNSTORED_MAX: usize = 256;

/// An alarm that is over is kept for so long.
pub const ALARMS_KEPT: Duration = Duration::from_secs(400 * 24 * 60 * 60);

/// Webhooks that are sent something: a channel or two and a pager, for a few teams.
pub const WEBHOOKS_MAX: usize = 16;

/// Webhooks that were stopped and are still listed.
pub const WEBHOOKS_STOPPED_LISTED_MAX: u32 = 16;

/// The end of a server waits so long for its duties to be left.
pub const DUTIES_END_PATIENCE: Duration = Duration::from_secs(2);

/// A message that did not arrive for so long is given up.
pub const WEBHOOK_GIVEN_UP_AFTER: Duration = Duration::from_secs(24 * 60 * 60);

/// What was sent is kept for so long.
pub const WEBHOOK_DELIVERIES_KEPT: Duration = Duration::from_secs(30 * 24 * 60 * 60);
const _: () = assert!(WEBHOOK_GIVEN_UP_AFTER.as_secs() < WEBHOOK_DELIVERIES_KEPT.as_secs());

/// While a webhook's secret is exchanged, the old one signs for so long.
pub const WEBHOOK_SECRET_OVERLAP: Duration = Duration::from_secs(24 * 60 * 60);

/// Messages that the store has not taken and that are sent all the same; of more, the oldest wait for it.
pub const WEBHOOKS_UNSTORED_MAX: usize = 64;

/// The servers of a bus: a cluster of them has three or five.
pub const BUS_SERVERS_MAX: usize = 16;

/// Characters of the prefix by which clusters are told apart that share a bus: it stands in each message's subject.
pub const BUS_PREFIX_CHARS_MAX: usize = 32;

/// Messages that may wait to be handed to the bus: some seconds of a busy node's, since what waits together travels in one.
pub const BUS_QUEUE_MESSAGES_MAX: usize = 8_192;
/// The same in bytes: as much as one conversation leaves unacknowledged.
pub const BUS_QUEUE_BYTES_MAX: usize = 16 * 1024 * 1024;

/// What the client of the bus takes before it is waited for. While it is disconnected it keeps so much, and sends it late: few.
pub const BUS_CLIENT_COMMANDS_MAX: usize = 64;

/// Messages of one subject that were read from the connection and not yet put with the others: many are read at a time.
pub const BUS_SUBSCRIPTION_MESSAGES_MAX: usize = 4_096;

/// Messages that were brought and wait to be looked at: seconds of them, and 64 MiB if each is as large as they are made.
pub const BUS_BROUGHT_MESSAGES_MAX: usize = 4_096;

/// A bus that says nothing for so long is asked whether it is there; if it says nothing twice as long again, it is left.
pub const BUS_PING_INTERVAL: Duration = Duration::from_secs(1);

/// The time that one attempt to reach a server of the bus may take: one that stands still is connected to, and says nothing.
pub const BUS_CONNECT_PATIENCE: Duration = Duration::from_secs(2);

/// The pauses between attempts to reach the bus, of which there are as many as it takes.
pub const BUS_PAUSE_MIN: Duration = Duration::from_millis(50);
pub const BUS_PAUSE_MAX: Duration = Duration::from_secs(2);

/// The interval at which the connection to the bus is looked at, should its client not have said that something happened.
pub const BUS_LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// A bus that does not let a node send or hear is asked anew so often, as it does not say when that has changed.
pub const BUS_DENIED_PAUSE: Duration = Duration::from_secs(5);

/// The end of a server waits so long until the bus has what was said last: what it does not have, others find out by themselves.
pub const BUS_LEAVE_PATIENCE: Duration = Duration::from_secs(1);

/// What goes wrong with the bus all the time is in the log once in so long.
pub const BUS_LOG_PAUSE: Duration = Duration::from_secs(10);

/// The most that is read of a file by which a node logs in to the bus: credentials have one or two KiB.
pub const BUS_SECRET_BYTES_MAX: u64 = 64 * 1024;

const _: () = assert!(BATCH_COMMANDS_MAX <= MAILBOX_COMMANDS_MAX);
const _: () = assert!(LANE_STALL.as_millis() < COMMAND_PATIENCE.as_millis());
const _: () = assert!(COMMAND_PATIENCE.as_millis() < OUTCOME_PATIENCE.as_millis());
const _: () = assert!(PATIENCE_TICK.as_millis() < LANE_STALL.as_millis());
const _: () = assert!(OUTCOME_PATIENCE.as_millis() < LANES_END_PATIENCE.as_millis());
// A command ends at most one token and two reservations' worth of facts; expiries come on top.
const _: () = assert!(2 * (2 * BATCH_COMMANDS_MAX + BATCH_EXPIRIES_MAX) <= ENDED_KEPT_MAX);
const _: () = assert!(HEARTBEAT_INTERVAL.as_millis() < HEARTBEAT_GAP_MAX.as_millis());
// Looks follow each other closely enough to prove something.
const _: () = assert!(MEMBER_BEAT_INTERVAL.as_millis() * 2 < LEASE_UNREAD_MAX.as_millis());
const _: () = assert!(LEASE_UNREAD_MAX.as_millis() * (LEASE_READINGS_MIN as u128 - 1) <= LEASE.as_millis());
const _: () = assert!(SWEEP_INTERVAL.as_millis() < SWEEP_PATIENCE.as_millis());
// A lane that wakes for its heartbeat sees to its sweeps.
const _: () = assert!(HEARTBEAT_INTERVAL.as_millis() <= SWEEP_INTERVAL.as_millis());
const _: () = assert!(HEARTBEAT_GAP_MAX.as_millis() < LEASE.as_millis());

/// Performances of one concert: an evening each for a year.
pub const PERFORMANCES_MAX: usize = 366;
