//! Lanes: each is the only writer of its sales, with their memory and one connection to the store. What waits in
//! a mailbox is decided in order of arrival, written in one transaction, and answered after its commit.

mod handle;
mod mailbox;
mod sales;

pub use handle::{Dispatcher, Refusal, Reply, ReplyTo};
