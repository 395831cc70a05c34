//! The server's errors, by what is to be done.

use sqlx::mysql::MySqlDatabaseError;

use crate::store::StoreError;

/// The server's own number of an error, if it is one of the server's.
pub fn number(error: &sqlx::Error) -> Option<u16> {
    Some(error.as_database_error()?.try_downcast_ref::<MySqlDatabaseError>()?.number())
}

/// The remedy for an error. One that is not listed is for an operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Remedy {
    /// The transaction is to be rolled back, or was, and left nothing; the same again may succeed. A server may have
    /// ended it by itself, and would run what follows outside of any: nothing of it may follow but ROLLBACK.
    Again,
    /// The same, on another connection: it is this one that has no more of something.
    Renew,
    /// The server goes away, lets nobody in, or takes no changes right now. Behind its address may soon be another one.
    Later,
    /// The row breaks a rule of the schema, and would every time.
    Refuse,
}
use Remedy::{Again, Later, Refuse, Renew};

pub const DUPLICATE: u16 = 1062;
pub const NO_SUCH_TABLE: u16 = 1146;
pub const UNKNOWN_SYSTEM_VARIABLE: u16 = 1193;
/// Somebody else made it already: a table, a column, an index; or took it away.
pub const MADE_ALREADY: [u16; 4] = [1050, 1060, 1061, 1091];

/// docs/ENGINES.md says the same, with who was seen to say it.
const REMEDIES: &[(u16, Remedy)] = &[
    (1020, Again), // a row changed since it was read
    (1205, Again), // a lock was waited for too long, which is also all that some say of a deadlock
    (1213, Again), // a deadlock, or a cluster's other node was first
    (1317, Again), // the statement was stopped
    (1412, Again), // a table was changed meanwhile
    (1969, Again), // the statement took too long (MariaDB)
    (3024, Again), // the same (MySQL)
    (3101, Again), // a group's other member was first
    (8002, Again), // TiDB: conflicts between writers, and a schema that changed meanwhile
    (8022, Again),
    (8027, Again),
    (8028, Again),
    (9007, Again),
    (1461, Renew), // no more prepared statements, of all connections
    (1615, Renew), // a prepared statement has to be prepared again
    (5930, Renew), // no more prepared statements of this connection
    (1040, Later), // too many connections
    (1047, Later), // a node without its cluster
    (1053, Later), // shutting down
    (1077, Later), // the same
    (1079, Later), // the same
    (1129, Later), // too many broken connections from here
    (1152, Later), // broken packets
    (1158, Later),
    (1159, Later),
    (1160, Later),
    (1161, Later),
    (1180, Later), // an error during COMMIT: among others, of a node that lost its cluster
    (1184, Later),
    (1203, Later),  // too many connections of this user
    (1223, Later),  // locked for reading, by a backup
    (1226, Later),  // too much of something in this hour
    (1290, Later),  // read-only, as a replica is, or who hands over to another one
    (1637, Later),  // too many transactions
    (1792, Later),  // read-only
    (1836, Later),  // read-only
    (1874, Later),  // read-only
    (1927, Later),  // the connection was killed
    (3032, Later),  // offline
    (3100, Later),  // a group that cannot agree
    (3168, Later),  // not available
    (3169, Later),  // the connection was killed
    (4031, Later),  // the connection was idle for too long
    (1048, Refuse), // NULL where none may be
    (DUPLICATE, Refuse),
    (1264, Refuse), // out of range, too long, of the wrong kind
    (1265, Refuse),
    (1292, Refuse),
    (1366, Refuse),
    (1406, Refuse),
    (1644, Refuse), // a trigger says no
    (1690, Refuse),
    (3140, Refuse),
    (3819, Refuse), // a check: MySQL's number and MariaDB's
    (4025, Refuse),
];

fn remedy(number: u16) -> Option<Remedy> {
    REMEDIES.iter().find(|(known, _)| *known == number).map(|(_, remedy)| *remedy)
}

/// Sorts an error of a statement other than COMMIT. A constraint that was violated is a bug of ours, and its message
/// names it; it is no reason to refuse anybody else.
pub fn fault(error: sqlx::Error) -> StoreError {
    match (&error, number(&error)) {
        (_, Some(number)) => match remedy(number) {
            Some(Again | Renew) => StoreError::RolledBack(error.into()),
            Some(Later) => StoreError::Unreachable(error.into()),
            Some(Refuse) => StoreError::Refused(error.into()),
            None => StoreError::Broken(error.into()),
        },
        (
            sqlx::Error::ColumnDecode { .. }
            | sqlx::Error::ColumnNotFound(_)
            | sqlx::Error::Configuration(_)
            | sqlx::Error::Tls(_),
            None,
        ) => StoreError::Broken(error.into()),
        _ => StoreError::Unreachable(error.into()),
    }
}

/// Did this COMMIT certainly fail? A conflict is an answer; a server that goes away, a node that loses its cluster or
/// a connection that breaks is none.
pub fn is_rolled_back(error: &sqlx::Error) -> bool {
    number(error).and_then(remedy) == Some(Again)
}

/// What a server says before a statement has done anything, or after it has taken back what it did.
const NOTHING_DONE: [u16; 7] = [
    1114, // no more room in the table
    NO_SUCH_TABLE,
    1223, // locked for reading, by a backup
    1290, // read-only
    1792, // read-only
    1836, // read-only
    1874, // read-only
];

/// Did this statement, which commits by itself, certainly leave nothing? What may have come in its commit is no answer.
pub fn is_undone(error: &sqlx::Error) -> bool {
    let Some(number) = number(error) else { return false };
    matches!(remedy(number), Some(Again | Renew | Refuse)) || NOTHING_DONE.contains(&number)
}

/// Is it the connection that has no more of something? The same would then fail on it again.
pub fn is_used_up(error: &StoreError) -> bool {
    let StoreError::RolledBack(cause) = error else { return false };
    cause.downcast_ref().and_then(number).and_then(remedy) == Some(Renew)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_has_one_remedy_and_is_in_the_documents() {
        let documented = include_str!("../../../docs/ENGINES.md");
        for (i, (number, remedy)) in REMEDIES.iter().enumerate() {
            assert!(REMEDIES[..i].iter().all(|(other, _)| other != number), "{number} has two");
            let heading = match remedy {
                Again => "again",
                Renew => "again, on another connection",
                Later => "later",
                Refuse => "refused",
            };
            let is_row = |row: &str| {
                row.starts_with(&format!("| {number} |")) && row.contains(&format!("| {heading} |"))
            };
            assert!(
                documented.lines().any(is_row),
                "docs/ENGINES.md has no row `| {number} | … | {heading} | …`"
            );
        }
    }
}
