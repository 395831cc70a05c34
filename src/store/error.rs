//! Failures of a store, sorted by what to do about them.

use super::{Holder, WriterId};
use crate::domain::ids::ConcertId;

/// The cause that a backend reports, kept for the log.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The transaction certainly left nothing behind; the same again may succeed: deadlock, write conflict, busy.
    #[error("the store rolled the transaction back")]
    RolledBack(#[source] Cause),
    /// The connection is gone or could not be made; nothing was committed on it.
    #[error("the store cannot be reached")]
    Unreachable(#[source] Cause),
    /// A row breaks a rule of the schema, and would every time. The transaction left nothing behind; others may go on.
    #[error("the store refuses a row")]
    Refused(#[source] Cause),
    /// Nobody but an operator can help: disk full, read-only, corrupt, a schema that does not fit.
    #[error("the store cannot go on")]
    Broken(#[source] Cause),
    /// Another process is the writer of this sale.
    #[error("sale {concert} is run by another process")]
    Claimed { concert: ConcertId, holder: Option<WriterId> },
    /// The sale is not held as the one who would claim it was told: somebody else was first, or its writer was heard of again.
    #[error("sale {concert} has another holder than the claim expected")]
    OtherHolder { concert: ConcertId, found: Holder },
    #[error("concert {concert} is not in the store")]
    NoSuchConcert { concert: ConcertId },
    /// Wallets are in one currency, and it is not this one.
    #[error(
        "the wallets of this installation are in {wallets}, and a concert in {concert} could not be paid from them"
    )]
    OtherCurrency { wallets: String, concert: String },
    /// A concert with this title, this plan and one of these starts is there.
    #[error("this is concert {concert} already: the same title, plan and start")]
    AlreadyThere { concert: ConcertId },
}

impl StoreError {
    /// A fault that only an operator can put right, in words.
    pub fn broken(what: impl Into<String>) -> Self {
        Self::Broken(what.into().into())
    }

    /// A row that the rules of the schema would refuse, found before it was sent.
    pub fn refused(what: impl Into<String>) -> Self {
        Self::Refused(what.into().into())
    }

    /// The error with its causes, for an operator who looks why nothing goes on.
    pub fn reason(&self) -> String {
        let causes = std::iter::successors(std::error::Error::source(self), |error| error.source());
        causes.fold(self.to_string(), |text, cause| format!("{text}: {cause}"))
    }
}

/// Why a batch was not committed, or may not have been.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// Certainly not committed.
    #[error(transparent)]
    NotCommitted(#[from] StoreError),
    /// The connection was lost while committing: `BatchWriter::settle` finds out.
    #[error("the outcome of the commit is unknown")]
    OutcomeUnknown(#[source] Cause),
    /// Somebody else wrote this sale's journal. Certainly not committed, and never will be.
    #[error("another writer took over sale {concert}")]
    SteppedDown { concert: ConcertId },
}
