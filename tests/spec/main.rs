//! The server's promises, one file a rule, over real sockets and with a clock turned by hand.

#[path = "../harness/mod.rs"]
mod harness;

mod addresses;
mod admin_door;
mod alarms;
mod apply;
mod bad_input;
mod box_office;
mod clock;
mod coming_back;
mod concert_page;
mod doors;
mod figures;
mod fold;
mod hanging;
mod hold_again;
mod holds;
mod http_door;
mod journey;
mod kept;
mod life;
mod making;
mod money;
#[cfg(all(feature = "mariadb-tests", feature = "nats-tests"))]
mod nodes;
mod operators;
mod ops;
mod orders;
mod origins;
mod passkeys;
mod polling;
mod prices;
mod process;
mod queue;
mod race;
mod ready;
mod rehearsal;
mod repair;
mod restricted;
mod roles;
mod sales;
mod seats_per_user;
mod strange_peers;
mod tables;
mod texts;
mod tls;
#[cfg(feature = "mariadb-tests")]
mod two_servers;
mod webhooks;
mod who;
