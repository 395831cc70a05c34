//! Operators' calls. Who comes here has a role that the call asks for.

mod sales;

use std::net::IpAddr;

use bytes::Bytes;
use frontrow_protocol::ErrorObject;
use frontrow_protocol::call::Call;
use hyper::Response;

use super::query::Query;
use super::reply::{self, ApiResult, Body};
use crate::desk::Context;
use crate::desk::identity::Identity;
use crate::domain::actor::Actor;

/// One request of an operator, taken apart.
pub struct OpsAsked<'a> {
    pub context: &'a Context,
    /// The address that it came from.
    pub client: IpAddr,
    /// Whose token came with it; the gate let them through.
    pub identity: Option<Identity>,
    pub query: Query<'a>,
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

        // Everybody's.
        _ => Err(ErrorObject::unknown_method(call.path())),
    }
}

impl OpsAsked<'_> {
    /// As whoever changes something is noted.
    pub fn actor(&self) -> Result<Actor, ErrorObject> {
        Ok(self.identity()?.actor(self.client))
    }

    /// Whose token came with it.
    pub fn identity(&self) -> Result<Identity, ErrorObject> {
        self.identity.ok_or_else(ErrorObject::internal)
    }
}
