//! The server's errors, by what is to be done.

use sqlx::mysql::MySqlDatabaseError;

use crate::store::StoreError;

/// The server's own number of an error, if it is one of the server's.
pub fn number(error: &sqlx::Error) -> Option<u16> {
    Some(error.as_database_error()?.try_downcast_ref::<MySqlDatabaseError>()?.number())
}

/// The transaction is to be rolled back, or was, and left nothing; the same again may succeed. A lock that was waited
/// for too long, a deadlock, a row that changed, a statement that was stopped (two names), a member of a group that
/// lost; the rest is TiDB's: conflicts between writers, and a schema that changed meanwhile.
const ROLLED_BACK: [u16; 12] = [1205, 1213, 1020, 1317, 1969, 3024, 3101, 8002, 8022, 8027, 8028, 9007];

/// The server goes away or lets nobody in right now: shut down, too many connections, killed, a node without quorum,
/// broken packets.
const UNREACHABLE: [u16; 15] =
    [1053, 1040, 1927, 1047, 1129, 1152, 1158, 1159, 1160, 1161, 1184, 1203, 1226, 3168, 4031];

pub const DUPLICATE: u16 = 1062;

/// The row breaks a rule of the schema: NULL where none may be, a duplicate key, a value out of its range, too long or of
/// the wrong kind, a check (MySQL's number and MariaDB's), a trigger that says no.
const ROW_REFUSED: [u16; 12] = [1048, DUPLICATE, 1264, 1265, 1292, 1366, 1406, 1644, 1690, 3140, 3819, 4025];

/// Sorts an error of a statement other than COMMIT. A constraint that was violated is a bug of ours, and its message
/// names it; it is no reason to refuse anybody else.
pub fn fault(error: sqlx::Error) -> StoreError {
    match (&error, number(&error)) {
        (_, Some(number)) if ROLLED_BACK.contains(&number) => StoreError::RolledBack(error.into()),
        (_, Some(number)) if UNREACHABLE.contains(&number) => StoreError::Unreachable(error.into()),
        (_, Some(number)) if ROW_REFUSED.contains(&number) => StoreError::Refused(error.into()),
        (_, Some(_)) => StoreError::Broken(error.into()),
        (
            sqlx::Error::ColumnDecode { .. }
            | sqlx::Error::ColumnIndexOutOfBounds { .. }
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
    number(error).is_some_and(|number| ROLLED_BACK.contains(&number))
}
