//! The schema's history: one change a file, applied in order, each recorded with a checksum of its text.
//! Always: what was applied is a prefix of what this program knows, file for file. Anything else is refused: a
//! longer history belongs to a newer program, and a file that changed after it ran means that nobody can say what
//! the schema is. Not here: how a backend runs a file and what it locks meanwhile.

use sha2::{Digest, Sha256};

/// One change of the schema.
#[derive(Clone, Copy, Debug)]
pub struct Migration {
    /// 1, 2, 3, … without a hole.
    pub version: u32,
    /// The file's name without its number and extension.
    pub name: &'static str,
    pub sql: &'static str,
    /// Checksums of texts that this file had before, and that made the same of the schema: some engine could not run them.
    pub formerly: &'static [&'static str],
}

impl Migration {
    /// SHA-256 of the file's text, in hexadecimal.
    pub fn checksum(&self) -> String {
        Sha256::digest(self.sql).iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// A row of `schema_migration`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    pub version: u32,
    pub name: String,
    pub checksum: String,
}

/// Why a schema cannot be brought up to date by this program.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SchemaError {
    #[error(
        "the database's schema is newer than this program: it has migration {version} ({name}), this program \
         ends at {known}"
    )]
    Newer { version: u32, name: String, known: u32 },
    #[error("migration {version} ({name}) is not what this program would have applied: the file was changed")]
    Changed { version: u32, name: String },
    #[error("the database lacks migration {version}, though it has later ones")]
    Hole { version: u32 },
    #[error(
        "the schema can be taken back to migration {first} at most, and not before what this program ends at, {known}: no \
         release ends at migration {to} that could be helped"
    )]
    NotBack { to: u32, first: u32, known: u32 },
}

/// The migrations still to be applied, given those that were, in the order of their versions.
pub fn pending<'a>(known: &'a [Migration], applied: &[Applied]) -> Result<&'a [Migration], SchemaError> {
    for (i, row) in applied.iter().enumerate() {
        let Some(migration) = known.get(i) else {
            let known = known.last().map_or(0, |last| last.version);
            return Err(SchemaError::Newer { version: row.version, name: row.name.clone(), known });
        };
        if row.version != migration.version {
            return Err(SchemaError::Hole { version: migration.version });
        }
        if row.checksum != migration.checksum() && !migration.formerly.contains(&row.checksum.as_str()) {
            return Err(SchemaError::Changed { version: row.version, name: row.name.clone() });
        }
    }
    Ok(&known[applied.len()..])
}

/// What takes a migration back, for a release that does not know it.
#[derive(Clone, Copy, Debug)]
pub struct Back {
    pub version: u32,
    /// One after the other; each may be repeated.
    pub statements: &'static [&'static str],
}

/// The migrations to be taken back, the newest first, so that the schema ends at migration `to`.
pub fn back<'a>(known: &[Migration], backs: &'a [Back], to: u32) -> Result<Vec<&'a Back>, SchemaError> {
    let first = backs.first().map_or(u32::MAX, |back| back.version - 1);
    let known = known.last().map_or(0, |last| last.version);
    match (first..=known).contains(&to) {
        true => Ok(backs.iter().rev().filter(|back| back.version > to).collect()),
        false => Err(SchemaError::NotBack { to, first, known }),
    }
}

/// Names the files of a folder as migrations; a file's number is its place in the list.
macro_rules! migrations {
    ($folder:literal: $($number:literal $name:literal $(formerly $($checksum:literal)+)?),* $(,)?) => {
        &[$($crate::store::migrate::Migration {
            version: $crate::store::migrate::version($number),
            name: $name,
            sql: include_str!(concat!("../../migrations/", $folder, "/", $number, "_", $name, ".sql")),
            formerly: &[$($($checksum),+)?],
        }),*]
    };
}

/// The number that a file's name begins with.
pub const fn version(number: &str) -> u32 {
    let digits = number.as_bytes();
    let (mut value, mut i) = (0, 0);
    while i < digits.len() {
        assert!(digits[i].is_ascii_digit(), "a migration's number is made of digits");
        value = value * 10 + (digits[i] - b'0') as u32;
        i += 1;
    }
    value
}

pub const SQLITE: &[Migration] = migrations!("sqlite":
    "0001" "users",
    "0002" "payment_history",
    "0003" "concert",
    "0004" "concert_schedule",
    "0005" "venue_layout",
    "0006" "concert_seat",
    "0007" "queue",
    "0008" "reservation",
    "0009" "reservation_seat",
    "0010" "payment",
    "0011" "ticket",
    "0012" "journal",
    "0013" "node",
    "0014" "concert_time_zone",
    "0015" "users_vouched",
    "0016" "cancelled_tickets",
    "0017" "installation",
    "0018" "concert_hold_again",
    "0019" "reservation_guest_of",
    "0020" "node_settled",
    "0021" "queue_over",
    "0022" "queue_due",
    "0023" "concert_own_rules",
    "0024" "reservation_prices",
    "0025" "ticket_price",
    "0026" "payment_refunds",
    "0027" "concert_life",
    "0028" "schedule_life",
    "0029" "concert_image",
    "0030" "concert_draft",
    "0031" "operators",
    "0032" "operator_link",
    "0033" "operator_session",
    "0034" "operator_passkey",
    "0035" "operator_log",
    "0036" "sale_figures",
    "0037" "alarms",
    "0038" "webhook",
    "0039" "webhook_delivery",
    "0040" "duty",
    "0041" "operator_log_subject",
    "0042" "ticket_moved",
    "0043" "users_name",
    "0044" "ticket_code",
    "0045" "alarm_open",
    "0046" "alarm_open_once",
    "0047" "webhook_delivery_next",
    "0048" "ticket_code_read",
    "0049" "concert_token_secret",
    "0050" "applied",
    "0051" "rehearsal",
    "0052" "journal_form",
    "0053" "queue_follows",
    "0054" "concert_seat_follows",
    "0055" "reservation_follows",
    "0056" "reservation_seat_follows",
    "0057" "applied_reservations",
    "0058" "reservation_segment",
    "0059" "reservation_user",
    "0060" "reservation_due",
    "0061" "member",
    "0062" "concert_epoch",
    "0063" "member_drain",
    "0064" "concert_moves_to",
);

/// One DDL statement a file, since each commits by itself there.
pub const MYSQL: &[Migration] = migrations!("mysql":
    "0001" "users",
    // A CHECK that is a bare CASE is no condition to MySQL.
    "0002" "payment_history" formerly "e624e6c63544208832ea57ba3e6371527c48024e5b781acb1520039bfce7bf10",
    "0003" "concert",
    "0004" "concert_schedule",
    "0005" "venue_layout",
    "0006" "concert_seat",
    "0007" "queue",
    "0008" "reservation",
    "0009" "reservation_seat",
    "0010" "payment",
    "0011" "ticket",
    "0012" "journal",
    "0013" "node",
    "0014" "concert_time_zone",
    "0015" "users_vouched",
    "0016" "cancelled_tickets",
    "0017" "installation",
    "0018" "concert_hold_again",
    "0019" "reservation_guest_of",
    "0020" "node_settled",
    "0021" "queue_over",
    "0022" "queue_due",
    "0023" "concert_own_rules",
    "0024" "reservation_prices",
    "0025" "ticket_price",
    "0026" "payment_refunds",
    "0027" "concert_life",
    "0028" "schedule_life",
    "0029" "concert_image",
    "0030" "concert_draft",
    "0031" "operators",
    "0032" "operator_link",
    "0033" "operator_session",
    "0034" "operator_passkey",
    "0035" "operator_log",
    "0036" "sale_figures",
    "0037" "alarms",
    "0038" "webhook",
    "0039" "webhook_delivery",
    "0040" "duty",
    "0041" "operator_log_subject",
    "0042" "ticket_moved",
    "0043" "users_name",
    "0044" "ticket_code",
    "0045" "alarm_open",
    "0046" "alarm_open_once",
    "0047" "webhook_delivery_next",
    "0048" "ticket_code_read",
    "0049" "concert_token_secret",
    "0050" "applied",
    "0051" "rehearsal",
    "0052" "journal_form",
    "0053" "queue_follows",
    "0054" "concert_seat_follows",
    "0055" "reservation_follows",
    "0056" "reservation_seat_follows",
    "0057" "applied_reservations",
    "0058" "reservation_segment",
    "0059" "reservation_user",
    "0060" "reservation_due",
    "0061" "member",
    "0062" "concert_epoch",
    "0063" "member_drain",
    "0064" "concert_moves_to",
);

/// From the first one on that an older release cannot live with. Tables have no comments here.
pub const SQLITE_BACK: &[Back] = &[
    Back {
        version: 52,
        statements: &[
            // That nothing is behind is said by no row: what an older release writes is even by itself.
            "DELETE FROM applied",
            "ALTER TABLE journal DROP COLUMN form",
            "ALTER TABLE journal DROP COLUMN guests",
        ],
    },
    Back { version: 53, statements: &[] },
    Back { version: 54, statements: &[] },
    Back { version: 55, statements: &[] },
    Back { version: 56, statements: &[] },
    Back { version: 57, statements: &["ALTER TABLE applied DROP COLUMN reservations"] },
    Back {
        version: 58,
        statements: &[
            "DROP INDEX IF EXISTS reservation_segment",
            "ALTER TABLE reservation DROP COLUMN segment",
        ],
    },
    Back {
        version: 59,
        statements: &["CREATE INDEX IF NOT EXISTS reservation_user ON reservation (user_id, opened_at)"],
    },
    Back {
        version: 60,
        statements: &[
            "DROP INDEX IF EXISTS reservation_due",
            "CREATE INDEX reservation_due ON reservation (concert_id, expires_at)",
        ],
    },
    Back { version: 61, statements: &["DROP TABLE IF EXISTS member"] },
    Back { version: 62, statements: &["ALTER TABLE concert DROP COLUMN epoch"] },
    Back {
        version: 63,
        statements: &["ALTER TABLE member DROP COLUMN is_to_drain", "ALTER TABLE member DROP COLUMN hears"],
    },
    Back { version: 64, statements: &["ALTER TABLE concert DROP COLUMN moves_to"] },
];

/// The same of the other folder.
pub const MYSQL_BACK: &[Back] = &[
    Back {
        version: 52,
        statements: &[
            "DELETE FROM applied",
            "ALTER TABLE journal DROP COLUMN /*M! IF EXISTS */ form, DROP COLUMN /*M! IF EXISTS */ guests",
        ],
    },
    Back { version: 53, statements: &["ALTER TABLE queue COMMENT = 'Places in line'"] },
    Back {
        version: 54,
        statements: &["ALTER TABLE concert_seat COMMENT = 'Every seat of every schedule, and who has it'"],
    },
    Back {
        version: 55,
        statements: &["ALTER TABLE reservation COMMENT = 'Seats held together for one user'"],
    },
    Back {
        version: 56,
        statements: &["ALTER TABLE reservation_seat COMMENT = 'Seats of reservations that were paid'"],
    },
    Back { version: 57, statements: &["ALTER TABLE applied DROP COLUMN /*M! IF EXISTS */ reservations"] },
    Back {
        version: 58,
        statements: &["ALTER TABLE reservation DROP KEY /*M! IF EXISTS */ reservation_segment, \
             DROP COLUMN /*M! IF EXISTS */ segment"],
    },
    Back {
        version: 59,
        statements: &[
            "ALTER TABLE reservation ADD KEY /*M! IF NOT EXISTS */ reservation_user (user_id, opened_at)",
        ],
    },
    Back { version: 60, statements: &[] },
    Back { version: 61, statements: &["DROP TABLE IF EXISTS member"] },
    Back { version: 62, statements: &["ALTER TABLE concert DROP COLUMN /*M! IF EXISTS */ epoch"] },
    Back {
        version: 63,
        statements: &["ALTER TABLE member DROP COLUMN /*M! IF EXISTS */ is_to_drain, \
             DROP COLUMN /*M! IF EXISTS */ hears"],
    },
    Back { version: 64, statements: &["ALTER TABLE concert DROP COLUMN /*M! IF EXISTS */ moves_to"] },
];

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: &[Migration] = &[
        Migration { version: 1, name: "one", sql: "SELECT 1", formerly: &[] },
        Migration { version: 2, name: "two", sql: "SELECT 2", formerly: &["9f"] },
    ];

    fn applied(migration: &Migration) -> Applied {
        let (version, name) = (migration.version, migration.name.to_owned());
        Applied { version, name, checksum: migration.checksum() }
    }

    #[test]
    fn what_was_not_applied_is_pending_in_order() {
        let all: Vec<_> = KNOWN.iter().map(applied).collect();
        assert_eq!(pending(KNOWN, &[]).unwrap().len(), 2);
        assert_eq!(pending(KNOWN, &all[..1]).unwrap()[0].version, 2);
        assert!(pending(KNOWN, &all).unwrap().is_empty());
    }

    #[test]
    fn a_text_that_a_file_had_before_is_as_good() {
        let mut rows: Vec<_> = KNOWN.iter().map(applied).collect();
        rows[1].checksum = "9f".into();
        assert!(pending(KNOWN, &rows).unwrap().is_empty());
        rows[0].checksum = "9f".into();
        assert_eq!(
            pending(KNOWN, &rows).unwrap_err(),
            SchemaError::Changed { version: 1, name: "one".into() }
        );
    }

    #[test]
    fn a_history_that_is_not_ours_is_refused() {
        let mut rows: Vec<_> = KNOWN.iter().map(applied).collect();
        rows.push(Applied { version: 3, name: "three".into(), checksum: String::new() });
        let newer = SchemaError::Newer { version: 3, name: "three".into(), known: 2 };
        assert_eq!(pending(KNOWN, &rows).unwrap_err(), newer);
        assert_eq!(pending(KNOWN, &rows[1..2]).unwrap_err(), SchemaError::Hole { version: 1 });
        rows[0].checksum = "0".repeat(64);
        let changed = SchemaError::Changed { version: 1, name: "one".into() };
        assert_eq!(pending(KNOWN, &rows).unwrap_err(), changed);
    }

    #[test]
    fn what_is_newer_than_a_release_is_taken_back_from_the_end_of_the_list() {
        const BACKS: &[Back] =
            &[Back { version: 2, statements: &["SELECT 2"] }, Back { version: 3, statements: &[] }];
        let three =
            [KNOWN, &[Migration { version: 3, name: "three", sql: "SELECT 3", formerly: &[] }]].concat();
        let to =
            |to| back(&three, BACKS, to).map(|backs| backs.iter().map(|of| of.version).collect::<Vec<_>>());
        assert_eq!((to(1), to(2), to(3)), (Ok(vec![3, 2]), Ok(vec![3]), Ok(vec![])));
        for other in [0, 4] {
            assert_eq!(to(other), Err(SchemaError::NotBack { to: other, first: 1, known: 3 }));
        }
    }

    #[test]
    fn every_migration_that_an_older_release_must_not_meet_can_be_taken_back() {
        for (known, backs) in [(SQLITE, SQLITE_BACK), (MYSQL, MYSQL_BACK)] {
            let newer = known.iter().skip_while(|migration| migration.name != "journal_form");
            let newer: Vec<_> = newer.map(|migration| migration.version).collect();
            assert_eq!(backs.iter().map(|back| back.version).collect::<Vec<_>>(), newer);
            assert!(!newer.is_empty());
        }
    }

    #[test]
    fn the_lists_name_every_file_of_their_folders_once_and_in_order() {
        let listed_in_full = |folder: &str, list: &[Migration]| {
            let path = format!("{}/migrations/{folder}", env!("CARGO_MANIFEST_DIR"));
            let files = std::fs::read_dir(&path).unwrap().map(|file| file.unwrap().file_name());
            let mut files: Vec<String> = files.map(|name| name.into_string().unwrap()).collect();
            files.sort();
            let listed: Vec<_> = list.iter().map(|m| format!("{:04}_{}.sql", m.version, m.name)).collect();
            assert_eq!(listed, files);
            assert!(list.iter().enumerate().all(|(i, m)| m.version as usize == i + 1));
            assert!(list.iter().all(|m| m.sql.starts_with("-- ")), "the reason stands on top");
        };
        listed_in_full("sqlite", SQLITE);
        listed_in_full("mysql", MYSQL);
    }

    #[test]
    fn a_file_for_mysql_is_one_statement_that_may_be_repeated() {
        for Migration { name, sql, .. } in MYSQL {
            let ends = sql.lines().filter(|line| line.ends_with(';') && !line.trim_start().starts_with("--"));
            let repeatable =
                sql.contains("IF NOT EXISTS") || sql.contains("IF EXISTS") || sql.ends_with("\nSELECT 1;\n");
            assert!(ends.count() == 1 && sql.trim_end().ends_with(';') && repeatable, "{name}");
            // seekdb does one of the two at a time.
            let (adds, drops) = (sql.contains("ADD KEY"), sql.contains("DROP KEY"));
            assert!(!(adds && drops), "{name} adds and drops an index in one statement");
        }
    }
}
