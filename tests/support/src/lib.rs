//! The parts that tests share. No server is built with it: `frontrow` names it among its dev-dependencies alone.
//!
//! Unit tests inside of `frontrow` can only use what knows none of its types (`mariadb`, `proxy`): the crate that is under
//! test there is not the one that this one was built with. What needs a store stands in `tests/`.

pub mod alarms;
pub mod conformance;
pub mod duties;
pub mod making;
pub mod mariadb;
pub mod nats;
pub mod net;
pub mod operators;
pub mod proxy;
pub mod simulated;
