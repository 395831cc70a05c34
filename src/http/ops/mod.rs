//! Operators' calls. Who comes here has a role that the call asks for.

mod alarms;
mod concert;
mod export;
mod life;
mod making;
mod orders;
mod passkeys;
mod ready;
mod rehearsal;
mod report;
mod sales;
mod schedule;
mod seats;
mod webhooks;
mod who;

use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use frontrow_protocol::call::Call;
use frontrow_protocol::{ErrorObject, Role, RoleSet};
use hyper::Response;
use hyper::header::{self, HeaderMap};

use super::layout::Layouts;
use super::query::Query;
use super::reply::{self, ApiResult, Body};
use crate::desk::Context;
use crate::desk::identity::Identity;
use crate::desk::operators::Operator;
use crate::domain::actor::Actor;
use crate::metrics::Metrics;
use crate::store::operators::Note;

/// What is an owner's alone.
const OWNER: RoleSet = RoleSet::of(&[Role::Owner]);

/// One request of an operator, taken apart.
pub struct OpsAsked<'a> {
    pub context: &'a Arc<Context>,
    pub layouts: &'a Layouts,
    /// The address that it came from.
    pub client: IpAddr,
    /// Whose token came with it; the gate let them through.
    pub identity: Option<Identity>,
    pub query: Query<'a>,
    pub headers: &'a HeaderMap,
    pub body: Bytes,
}

/// `argument` is what the path names, where it names something.
pub async fn answer(asked: OpsAsked<'_>, call: Call, argument: &str) -> Response<Body> {
    reply::counted(asked.context, call, answered(&asked, call, argument).await)
}

async fn answered(asked: &OpsAsked<'_>, call: Call, argument: &str) -> ApiResult {
    match call {
        // Sales.
        Call::Sales => sales::list(asked).await,
        Call::ChangeSale => sales::change(asked, argument).await,
        Call::KeptFigures => sales::kept(asked, argument).await,
        Call::Report => report::report(asked, argument).await,

        // Seats.
        Call::HouseLayout => seats::layout(asked, argument).await,
        Call::HouseSeats => seats::all(asked, argument).await,
        Call::RestrictSeats => seats::restrict(asked, argument).await,
        Call::SellSeats => seats::sell(asked, argument).await,

        // Concerts and performances.
        Call::HouseConcert => concert::get(asked, argument).await,
        Call::SoldOrders => schedule::sold(asked, argument).await,
        Call::ChangeConcert => concert::change(asked, argument).await,
        Call::ChangeSchedule => schedule::change(asked, argument).await,
        Call::AddSchedule => schedule::add(asked, argument).await,

        // Making.
        Call::Drafts => making::drafts(asked).await,
        Call::AddDraft => making::add_draft(asked).await,
        Call::Draft => making::draft(asked, argument).await,
        Call::ChangeDraft => making::change_draft(asked, argument).await,
        Call::DropDraft => making::drop_draft(asked, argument).await,
        Call::UploadPlan => making::upload_plan(asked, argument).await,
        Call::GeneratePlan => making::generate_plan(asked, argument).await,
        Call::DraftLayout => making::layout(asked, argument).await,
        Call::DraftPage => making::page(asked, argument).await,
        Call::Announce => making::announce(asked, argument).await,
        Call::UploadImage => making::upload_image(asked).await,

        // Life.
        Call::Postpone => life::postpone(asked, argument).await,
        Call::CallOff => life::call_off(asked, argument).await,
        Call::CallOffConcert => life::call_off_concert(asked, argument).await,
        Call::ArchiveConcert => life::archive(asked, argument).await,
        Call::Refunds => life::refunds(asked).await,

        // Rehearsal.
        Call::Rehearsal => rehearsal::last(asked, argument).await,
        Call::BeginRehearsal => rehearsal::begin(asked, argument).await,
        Call::EndRehearsal => rehearsal::end(asked, argument).await,
        Call::RehearsalPage => report::rehearsal::report(asked, argument).await,

        // Orders.
        Call::FindOrders => orders::find(asked).await,
        Call::OrderLife => orders::life(asked, argument).await,
        Call::ExportOrders => export::list(asked, argument, export::List::Orders).await,
        Call::ExportAttendees => export::list(asked, argument, export::List::Attendees).await,
        Call::ExportCodes => export::list(asked, argument, export::List::Codes).await,
        Call::ExportLedger => export::list(asked, argument, export::List::Ledger).await,
        Call::RefundOrder => life::refund_order(asked, argument).await,
        Call::MoveSeat => life::move_seat(asked, argument).await,

        // Readiness.
        Call::SaleReadiness => ready::of_sale(asked).await,

        // Alarms.
        Call::Alarms => alarms::list(asked).await,
        Call::SeeAlarm => alarms::see(asked, argument).await,
        Call::EndAlarm => alarms::end(asked, argument).await,
        Call::Webhooks => webhooks::list(asked).await,
        Call::AddWebhook => webhooks::add(asked).await,
        Call::StopWebhook => webhooks::stop(asked, argument).await,
        Call::RotateWebhook => webhooks::rotate(asked, argument).await,
        Call::TestWebhook => webhooks::test(asked, argument).await,
        Call::Deliveries => webhooks::deliveries(asked, argument).await,
        Call::Resend => webhooks::resend(asked, argument).await,

        // Who.
        Call::SignIn => who::sign_in(asked).await,
        Call::SignInChallenge => passkeys::sign_in_challenge(asked).await,
        Call::Passkeys => passkeys::all(asked).await,
        Call::PasskeyChallenge => passkeys::challenge(asked).await,
        Call::AddPasskey => passkeys::add(asked).await,
        Call::RemovePasskey => passkeys::remove(asked, argument).await,
        Call::OwnSession => who::own_session(asked).await,
        Call::SignOut => who::sign_out(asked).await,
        Call::Operators => who::operators(asked).await,
        Call::AddOperator => who::add_operator(asked).await,
        Call::ChangeOperator => who::change_operator(asked, argument).await,
        Call::MakeLink => who::make_link(asked, argument).await,
        Call::Sessions => who::sessions(asked).await,
        Call::EndSession => who::end_session(asked, argument).await,
        Call::Log => who::log(asked).await,

        // Not operators'.
        _ => Err(ErrorObject::unknown_method(call.path())),
    }
}

impl OpsAsked<'_> {
    /// Whose token came with it.
    pub fn identity(&self) -> Result<Identity, ErrorObject> {
        self.identity.ok_or_else(ErrorObject::internal)
    }

    pub fn operator(&self) -> Result<Operator, ErrorObject> {
        self.identity()?.operator.ok_or_else(ErrorObject::internal)
    }

    /// As whoever changes something is noted.
    pub fn actor(&self) -> Result<Actor, ErrorObject> {
        Ok(self.identity()?.actor(self.client))
    }

    /// What a change has to say of itself.
    pub fn note(&self) -> Result<Note, ErrorObject> {
        Ok(Note { by: self.actor()?, at: self.context.clock.utc() })
    }

    /// Each try of a stranger to sign in asks the store: an address has so many of them.
    fn may_try(&self) -> Result<(), ErrorObject> {
        self.context.addresses.sign_in(self.client).map_err(|too_many| {
            Metrics::count(&self.context.metrics.refused, too_many.limit.as_str());
            too_many.error()
        })
    }

    /// What a browser calls itself, as far as it can be shown.
    fn device(&self) -> Option<String> {
        let name = self.headers.get(header::USER_AGENT)?.to_str().ok()?;
        Some(name.to_owned()).filter(|name| !name.is_empty())
    }
}
