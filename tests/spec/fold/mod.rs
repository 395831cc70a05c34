//! A sale's journal holds all that its tables do: folded alone into empty tables, it gives every row that a lane wrote,
//! column by column. What it leaves out is listed here, with the reason.

mod behind;
mod life;
mod tables;

use std::collections::BTreeSet;

use crate::harness::{House, Plan};
use behind::Behind;
use frontrow::store::archive::Archive;
use life::Life;
pub use tables::{Database, Row, row_counts};
use tables::{Seen, compare};

const CREDENTIAL: &str = "a credential, and a journal is shown to people";
const STORED_BEFORE: &str = "stored with the concert, before its sale: no lane writes it";
const CLAIMED: &str = "of claims and heartbeats, which are no lane's batches";
const REHEARSAL: &str = "of rehearsals alone, which are made and taken away beside the lanes";
const OPERATORS: &str = "of operators, who are of no sale";
const NIGHT: &str = "measured beside the lanes";

/// (table, column, why no journal has it)
const COLUMNS_LEFT_OUT: &[(&str, &str, &str)] = &[
    ("ticket", "code", CREDENTIAL),
    ("reservation", "guest_of", "an address is kept only while its guest holds, and a journal for ever"),
    ("reservation", "segment", "where the row lies, which nobody is told"),
    ("payment_history", "entry_no", "counts a user's charges too, which are of no sale"),
    ("concert", "venue", STORED_BEFORE),
    ("concert", "currency", STORED_BEFORE),
    ("concert", "time_zone", STORED_BEFORE),
    ("concert", "created_at", STORED_BEFORE),
    ("concert_seat", "label", STORED_BEFORE),
    ("concert_seat", "category", STORED_BEFORE),
    ("concert_seat", "price", STORED_BEFORE),
    ("concert_schedule", "starts_at", "stored with the concert; the journal has it once it was moved"),
    ("concert", "writer", CLAIMED),
    ("concert", "heartbeat_at", CLAIMED),
    ("concert", "epoch", CLAIMED),
    ("concert", "moves_to", CLAIMED),
    ("concert", "outage_ms", CLAIMED),
    ("concert", "rehearsal_of", REHEARSAL),
    ("concert", "token_secret", "what the journal's tokens are made with, and so as good as all of them"),
    ("operator_log", "log_id", "given by the database"),
];

/// (table, why none of its columns is in a journal)
const TABLES_LEFT_OUT: &[(&str, &str)] = &[
    ("users", "a wallet is of no sale: charges are in no journal, and a balance is the sum of its ledger"),
    ("venue_layout", STORED_BEFORE),
    ("journal", "it is the journal"),
    ("node", CLAIMED),
    ("member", CLAIMED),
    ("installation", "the currency of all wallets, which no lane writes"),
    ("schema_migration", "the schema's own"),
    ("concert_image", "pictures, which are stored beside the concert"),
    ("concert_draft", "what is no concert yet"),
    ("operators", OPERATORS),
    ("operator_link", OPERATORS),
    ("operator_session", OPERATORS),
    ("operator_passkey", OPERATORS),
    ("sale_figures", NIGHT),
    ("alarms", NIGHT),
    ("webhook", OPERATORS),
    ("webhook_delivery", NIGHT),
    ("duty", CLAIMED),
    ("rehearsal", NIGHT),
    ("applied", "how far the other rows follow their journal"),
];

/// Rows that are no sale's, by a condition for the others.
const ROWS_LEFT_OUT: &[(&str, &str, &str)] = &[
    ("payment_history", "payment_id IS NOT NULL", "charges are of no sale, and in no journal"),
    ("operator_log", "seq IS NOT NULL", "what is changed of operators is of no sale"),
];

/// Goal: whoever has the journal has the sale. Method: a seeded life in which every state of every table comes about, with
/// restarts; each time the server has stopped, the journal is folded and every column compared. Then rows of the time before are put
/// back and brought up to date.
#[tokio::test]
async fn a_journal_folded_into_empty_tables_gives_every_column() {
    let seed = 14;
    let seats = life::SEATS as usize;
    let house = House::open(Plan { seats, capacity: 6, schedules: 3, ..Plan::default() }).await;
    let mut life = Life::begin(house, seed).await;
    let mut seen = Seen::default();
    let mut behind = Behind::default();
    // Until its texts are changed, no journal has them.
    life.the_concert_is_told_of_otherwise().await;
    for _ in 0..6 {
        for _ in 0..25 {
            life.some_ask().await;
        }
        compare(&mut life.house, &mut seen, &mut behind).await;
    }
    life.one_remembers_many_requests().await;
    life.one_is_silent_and_one_runs_out_of_time().await;
    life.one_buys_with_another_hold_and_gives_it_back().await;
    life.one_buys_while_prices_change().await;
    life.the_line_is_dissolved_and_the_sale_opens_by_itself().await;
    compare(&mut life.house, &mut seen, &mut behind).await;
    life.wallets_are_in_another_currency().await;
    compare(&mut life.house, &mut seen, &mut behind).await;
    life.orders_are_refunded_and_a_performance_is_moved_and_called_off().await;
    compare(&mut life.house, &mut seen, &mut behind).await;
    life.old_rows_are_archived().await;
    life.performances_begin().await;
    compare(&mut life.house, &mut seen, &mut behind).await;
    life.everything_is_over().await;
    compare(&mut life.house, &mut seen, &mut behind).await;
    let archive = Archive::new(life.house.journal_archive());
    let report = life.house.store().audit_with(Some(&archive)).await.unwrap();
    assert_eq!(report.faults, Vec::<String>::new());

    assert!(behind.rows > 20 && behind.broken_off > 0, "{behind:?}");
    seen.every_state_came_about();
    assert!(seen.late > 0, "nothing was decided before the moment of its commit");
    let listed: BTreeSet<_> = COLUMNS_LEFT_OUT.iter().map(|(table, column, _)| (*table, *column)).collect();
    let needed: BTreeSet<_> =
        seen.needed.iter().map(|(table, column)| (table.as_str(), column.as_str())).collect();
    assert_eq!(listed, needed, "left out without need");
}
