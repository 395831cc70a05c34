//! The requests that the bearer of a token may make: one table for both doors, method × state of the token.
//!
//! An access token may ask for everything. A queue token acts as its user while it is live, but joins no other sale
//! than its own. When it has ended it shows for an hour what became of its visit (`hello`, `queue.get`, and the
//! `reservations` and `tickets` of its sale), so that whoever comes back late learns how it ended; everything else,
//! money above all, is refused from then on. A queue token is kept by pages and devices for as long as they like:
//! what it opens has to end with the visit.

use frontrow_protocol::result::QueueStatus;
use frontrow_protocol::{ErrorObject, Method};

use crate::domain::ids::{ConcertId, QueueToken};
use crate::domain::record::{TokenRecord, TokenStatus};
use crate::domain::time::Timestamp;
use crate::limits::ENDED_TOKEN_TTL;

/// A queue token that somebody is known by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueBearer {
    pub token: QueueToken,
    /// Its sale.
    pub concert: ConcertId,
    pub status: TokenStatus,
    /// UTC. `None` while it is live.
    pub ended_at: Option<Timestamp>,
}

impl QueueBearer {
    pub fn of(record: &TokenRecord) -> Self {
        Self {
            token: record.token,
            concert: record.concert,
            status: record.status,
            ended_at: record.ended_at.filter(|_| !record.status.is_live()),
        }
    }

    /// UTC: from then on it opens nothing. `None` while it is live.
    pub fn over_at(&self) -> Option<Timestamp> {
        match self.status.is_live() {
            true => None,
            // One that ended at an unknown time ended long ago.
            false => Some(self.ended_at.map_or(Timestamp::default(), |ended| ended + ENDED_TOKEN_TTL)),
        }
    }

    fn state(&self, now: Timestamp) -> State {
        match self.over_at() {
            None => State::Live,
            Some(over_at) if now < over_at => State::Ended,
            Some(_) => State::Over,
        }
    }

    /// May this be asked for at `now` (UTC)? The refusal says how the token ended.
    pub fn may_request(&self, method: Method, now: Timestamp) -> Result<(), ErrorObject> {
        if let Some(needs) = method.roles() {
            return Err(ErrorObject::needs_role(needs));
        }
        match opens(method, self.state(now)) {
            true => Ok(()),
            false => Err(self.refusal()),
        }
    }

    /// May this sale be joined?
    pub fn may_join(&self, concert: ConcertId) -> Result<(), ErrorObject> {
        match concert == self.concert {
            true => Ok(()),
            false => Err(ErrorObject::forbidden("a queue token joins no other sale than its own")),
        }
    }

    /// `TOKEN_DONE` or `TOKEN_EXPIRED`.
    pub fn refusal(&self) -> ErrorObject {
        ErrorObject::not_admitted(match self.status {
            TokenStatus::Waiting => QueueStatus::Waiting,
            TokenStatus::Progress => QueueStatus::Progress,
            TokenStatus::Done => QueueStatus::Done,
            TokenStatus::Expired(_) => QueueStatus::Expired,
        })
    }

    /// The one sale that lists are about; `None`: all of the user's.
    pub fn lists_only(&self) -> Option<ConcertId> {
        (!self.status.is_live()).then_some(self.concert)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Live,
    /// It ended less than an hour ago.
    Ended,
    Over,
}

/// The table.
fn opens(method: Method, state: State) -> bool {
    match method {
        // Anybody may send these, a stranger too; the last one only takes back.
        Method::Concerts | Method::Ping | Method::SeatsUnwatch => true,
        Method::Hello | Method::QueueGet | Method::Reservations | Method::Tickets => state != State::Over,
        Method::QueueJoin
        | Method::QueueExtend
        | Method::QueueLeave
        | Method::Schedules
        | Method::SeatsWatch
        | Method::Hold
        | Method::HoldBest
        | Method::Release
        | Method::Balance
        | Method::Charge
        | Method::History
        | Method::Pay
        | Method::Cancel => state == State::Live,
        // Operators have tokens of their own.
        Method::OpsWatch | Method::OpsUnwatch => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::record::ExpiryReason;
    use frontrow_protocol::Reason;
    use std::time::Duration;

    const ENDED: Timestamp = Timestamp::from_millis(1_800_000_000_000);

    fn bearer(status: TokenStatus) -> QueueBearer {
        let token = QueueToken(uuid::Uuid::nil());
        QueueBearer { token, concert: ConcertId(1), status, ended_at: Some(ENDED) }
    }

    /// Goal: a queue token opens what its state allows, and money only while it is live. Method: every method that
    /// there is, in every state.
    #[test]
    fn an_ended_token_shows_for_an_hour_how_it_ended() {
        let hour = Duration::from_secs(3_600);
        let late = ENDED + hour - Duration::from_millis(1);
        for (status, reason) in [
            (TokenStatus::Done, Reason::TokenDone),
            (TokenStatus::Expired(ExpiryReason::Idle), Reason::TokenExpired),
            (TokenStatus::Expired(ExpiryReason::Left), Reason::TokenExpired),
        ] {
            let mut opened = (Vec::new(), Vec::new());
            for &method in Method::ALL {
                let ended = bearer(status);
                for now in [ENDED, late] {
                    match ended.may_request(method, now) {
                        Ok(()) if now == late => opened.0.push(method.as_str()),
                        Ok(()) => {}
                        Err(error) if method.roles().is_some() => {
                            assert_eq!(error.reason(), Reason::Forbidden, "{}", method.as_str());
                        }
                        Err(error) => assert_eq!(error.reason(), reason, "{}", method.as_str()),
                    }
                }
                if ended.may_request(method, ENDED + hour).is_ok() {
                    opened.1.push(method.as_str());
                }
                let unknown = QueueBearer { ended_at: None, ..ended };
                assert_eq!(
                    unknown.may_request(method, ENDED).is_ok(),
                    ended.may_request(method, ENDED + hour).is_ok(),
                    "an end at an unknown time is long ago"
                );
            }
            let public = ["concerts", "seats.unwatch", "ping"];
            let allowed =
                ["hello", "concerts", "queue.get", "seats.unwatch", "reservations", "tickets", "ping"];
            assert_eq!((opened.0, opened.1), (allowed.to_vec(), public.to_vec()));
        }
        for status in [TokenStatus::Waiting, TokenStatus::Progress] {
            let live = bearer(status);
            let may = |method: Method| live.may_request(method, ENDED + 99 * hour).is_ok();
            assert!(Method::ALL.iter().all(|&method| may(method) == method.roles().is_none()));
            assert_eq!((live.over_at(), live.lists_only()), (None, None));
        }
        assert_eq!(bearer(TokenStatus::Done).lists_only(), Some(ConcertId(1)));
    }

    #[test]
    fn a_queue_token_joins_its_own_sale_alone() {
        let live = bearer(TokenStatus::Waiting);
        assert!(live.may_join(ConcertId(1)).is_ok());
        assert_eq!(live.may_join(ConcertId(2)).unwrap_err().reason(), Reason::Forbidden);
    }
}
