//! What is remembered of operators who asked lately, and how long a session goes on. Not here: asking the store.

use std::sync::atomic::{AtomicU64, Ordering};

use frontrow_protocol::Role;

use crate::config::OperatorSettings;
use crate::desk::remembered::Remembered;
use crate::domain::ids::OperatorId;
use crate::domain::time::Timestamp;
use crate::limits::{OPERATOR_CHECK_INTERVAL, OPERATORS_REMEMBERED_MAX};
use crate::store::operators::SecretHash;

/// What is remembered of those who asked lately.
pub struct Sessions {
    settings: OperatorSettings,
    pub(super) known: Remembered<SecretHash, Known>,
    /// By issuer and subject.
    pub(super) externals: Remembered<(String, String), External>,
    /// Counts what this server changed of operators and sessions: what was remembered before is asked again.
    changes: AtomicU64,
}

#[derive(Clone, Copy)]
pub(super) struct Known {
    pub(super) session: u64,
    pub(super) operator: OperatorId,
    pub(super) role: Role,
    pub(super) seen_at: Timestamp,
    pub(super) expires_at: Timestamp,
    pub(super) checked: Checked,
}

#[derive(Clone, Copy)]
pub(super) struct External {
    pub(super) operator: OperatorId,
    pub(super) role: Role,
    pub(super) disabled: bool,
    pub(super) checked: Checked,
}

/// When the store was asked.
#[derive(Clone, Copy)]
pub(super) struct Checked {
    /// Steady.
    at: Timestamp,
    changes: u64,
}

impl Sessions {
    pub fn new(settings: OperatorSettings) -> Self {
        Self {
            settings,
            known: Remembered::new(OPERATORS_REMEMBERED_MAX),
            externals: Remembered::new(OPERATORS_REMEMBERED_MAX),
            changes: AtomicU64::new(0),
        }
    }

    /// An operator or a session was changed.
    pub fn changed(&self) {
        self.changes.fetch_add(1, Ordering::SeqCst);
    }

    /// When a session that began then, and is used now, ends.
    pub fn expires_at(&self, made_at: Timestamp, now: Timestamp) -> Timestamp {
        (now + self.settings.session_idle).min(made_at + self.settings.session_max)
    }

    /// To be taken before the store is asked: what changes meanwhile is asked again.
    pub(super) fn checked(&self, steady: Timestamp) -> Checked {
        Checked { at: steady, changes: self.changes.load(Ordering::SeqCst) }
    }

    pub(super) fn is_fresh(&self, checked: Checked, steady: Timestamp) -> bool {
        checked.changes == self.changes.load(Ordering::SeqCst)
            && steady < checked.at + OPERATOR_CHECK_INTERVAL
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_session_ends_when_it_is_idle_or_old() {
        let hours = |n: u64| Duration::from_secs(n * 3_600);
        let settings = OperatorSettings { session_idle: hours(12), session_max: hours(24 * 7) };
        let sessions = Sessions::new(settings);
        let made_at = Timestamp::from_millis(1_800_000_000_000);
        assert_eq!(sessions.expires_at(made_at, made_at), made_at + hours(12));
        let later = made_at + hours(6 * 24);
        assert_eq!(sessions.expires_at(made_at, later), later + hours(12));
        assert_eq!(sessions.expires_at(made_at, later + hours(13)), made_at + hours(7 * 24));
    }

    #[test]
    fn what_was_remembered_is_asked_again_after_a_change_and_after_a_while() {
        let sessions = Sessions::new(OperatorSettings::default());
        let now = Timestamp::from_millis(0);
        let checked = sessions.checked(now);
        let last = now + (OPERATOR_CHECK_INTERVAL - Duration::from_millis(1));
        assert!(sessions.is_fresh(checked, last));
        assert!(!sessions.is_fresh(checked, now + OPERATOR_CHECK_INTERVAL));
        sessions.changed();
        assert!(!sessions.is_fresh(checked, now));
        assert!(sessions.is_fresh(sessions.checked(now), last));
    }
}
