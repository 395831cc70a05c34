//! The commands that both doors give to the lanes to decide.

use frontrow_protocol::Request;
use tokio::sync::oneshot;

use super::context::Context;
use super::request::{self, Plan};
use super::visitor::Audience;
use crate::dispatcher::{Refusal, Reply, ReplyTo};
use crate::domain::command::{Command, Rejection};
use crate::domain::ids::{AddressBlock, ConcertId, UserId};
use crate::domain::seat_plan::Money;
use crate::limits;
use crate::metrics::Metrics;

impl Context {
    /// The plan of a request.
    pub fn plan(&self, audience: Audience, request: Request) -> Plan {
        request::plan(request, |schedule| Ok(self.sale_of_schedule_for(audience, schedule)?.id()))
    }

    /// Posts a command to a sale; as with performances, an unknown one may yet appear, and a rehearsal does not exist but for
    /// those who play it. `guest_of` is the address that a guest comes from: their joins are counted by it, whichever door
    /// they take.
    pub fn submit(
        &self,
        audience: Audience,
        concert: ConcertId,
        command: Command,
        guest_of: Option<AddressBlock>,
        reply: ReplyTo,
    ) -> Result<(), Refusal> {
        if let (Command::Join { .. }, Some(block)) = (&command, guest_of)
            && let Err(too_many) = self.addresses.join(block)
        {
            Metrics::count(&self.metrics.refused, too_many.limit.as_str());
            let retry_after = too_many.retry_after;
            return Err(Refusal::RateLimited { retry_after, message: too_many.message().into() });
        }
        let posted = match self.dispatcher.is_rehearsal(concert) == (audience == Audience::Rehearsal) {
            true => self.dispatcher.submit(concert, command, reply),
            false => Err(Refusal::Rejected(Rejection::ConcertNotFound)),
        };
        match posted {
            Err(Refusal::Rejected(Rejection::ConcertNotFound)) if !self.dispatcher.missing().is_empty() => {
                Err(Refusal::Unavailable { retry_after: limits::UNAVAILABLE_RETRY_AFTER })
            }
            posted => posted,
        }
    }

    /// Submits a command, and waits for the reply.
    pub async fn submit_and_wait(&self, concert: ConcertId, command: Command) -> Reply {
        self.submit_and_wait_as(None, concert, command).await
    }

    /// Like `submit_and_wait`, for somebody who may be a guest.
    pub async fn submit_and_wait_as(
        &self,
        guest_of: Option<AddressBlock>,
        concert: ConcertId,
        command: Command,
    ) -> Reply {
        let (sender, reply) = oneshot::channel();
        self.submit(Audience::Everybody, concert, command, guest_of, ReplyTo::Once(sender))?;
        reply.await.unwrap_or(Err(Refusal::OutcomeUnknown))
    }

    /// The user did something that no sale has a part in. If no sale is known, all of them are notified: there are few,
    /// and one that does not know the user does nothing.
    pub fn touch(&self, user: UserId, concert: Option<ConcertId>) {
        match concert {
            Some(concert) => self.dispatcher.touch(concert, user),
            None => {
                for view in self.fanout.sales() {
                    self.dispatcher.touch(view.id(), user);
                }
            }
        }
    }

    /// Puts money into a wallet, and waits for the reply.
    pub async fn charge(&self, user: UserId, amount: Money, request_id: &str) -> Reply {
        let (sender, reply) = oneshot::channel();
        self.dispatcher.charge(user, amount, request_id, ReplyTo::Once(sender))?;
        reply.await.unwrap_or(Err(Refusal::OutcomeUnknown))
    }
}
