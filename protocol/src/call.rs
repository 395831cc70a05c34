//! The paths of the second door and what each verb asks for there: by this table the server finds its way, and the
//! OpenAPI document is made from it. Of operators' calls it says who may make them: the gate, the documents and the
//! tests of all roles are made from this.

use crate::limits::{BODY_BYTES_MAX, DRAFT_BODY_BYTES_MAX, PICTURE_BODY_BYTES_MAX, PLAN_BODY_BYTES_MAX};
use crate::roles::{RoleSet, roles};

/// The prefix of every path but those about the server.
pub const API: &str = "/api/v1/";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// `GET`, and `HEAD` with it.
    Get,
    Post,
    Delete,
    Patch,
}

impl Verb {
    /// The verb as OpenAPI writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::Post => "post",
            Self::Delete => "delete",
            Self::Patch => "patch",
        }
    }

    /// The methods of HTTP that it stands for.
    const fn methods(self) -> &'static [&'static str] {
        match self {
            Self::Get => &["GET", "HEAD"],
            Self::Post => &["POST"],
            Self::Delete => &["DELETE"],
            Self::Patch => &["PATCH"],
        }
    }
}

/// Each path once, with its calls and the names that metrics know them by: those of the websocket's methods where there
/// are such. Behind `for` stand the roles of operators who may; without it no role is asked for.
macro_rules! paths {
    ($($path:literal { $($verb:ident => $call:ident $name:literal $(for $($role:ident)+)?),+ })+) => {
        /// The request that a verb makes at a path.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Call {
            $($($call,)+)+
        }

        impl Call {
            pub const ALL: &'static [Self] = &[$($(Self::$call,)+)+];

            pub const fn path(self) -> &'static str {
                match self {
                    $($(Self::$call => $path,)+)+
                }
            }

            pub const fn verb(self) -> Verb {
                match self {
                    $($(Self::$call => Verb::$verb,)+)+
                }
            }

            pub const fn name(self) -> &'static str {
                match self {
                    $($(Self::$call => $name,)+)+
                }
            }

            /// The roles of which an operator needs one. `None`: it is no operators' call, or it is how one gets in.
            pub const fn roles(self) -> Option<RoleSet> {
                match self {
                    $($(Self::$call => roles!($($($role)+)?),)+)+
                }
            }
        }

        const PATHS: &[Path] = &[$(Path { template: $path, calls: &[$(Call::$call),+] },)+];
    };
}

paths! {
    "/api/v1/users" { Post => MakeGuest "users" }
    "/api/v1/concerts" { Get => Concerts "concerts" }
    "/api/v1/concerts/{concert_id}" { Get => Concert "concert" }
    "/api/v1/queue/tokens" { Post => Join "queue.join" }
    "/api/v1/queue/tokens/current" { Get => Place "queue.get", Delete => Leave "queue.leave" }
    "/api/v1/schedules" { Get => Schedules "schedules" }
    "/api/v1/schedules/{schedule_id}/layout" { Get => Layout "layout" }
    "/api/v1/schedules/{schedule_id}/seats" { Get => Seats "seats" }
    "/api/v1/reservations" { Post => Hold "hold", Get => Reservations "reservations" }
    "/api/v1/reservations/{reservation_id}" { Delete => Release "release" }
    "/api/v1/balance" { Get => Balance "balance" }
    "/api/v1/balance/charges" { Post => Charge "charge" }
    "/api/v1/balance/history" { Get => History "history" }
    "/api/v1/payments" { Post => Pay "pay" }
    "/api/v1/tickets" { Get => Tickets "tickets" }

    // Sales.
    "/api/v1/admin/sales" { Get => Sales "admin.sales" for Owner Manager BoxOffice Viewer }
    "/api/v1/admin/sales/{concert_id}" { Patch => ChangeSale "admin.sale" for Owner Manager }
    "/api/v1/admin/sales/{concert_id}/figures" { Get => KeptFigures "admin.figures" for Owner Manager BoxOffice Viewer }
    "/api/v1/admin/sales/{concert_id}/report" { Get => Report "admin.report" for Owner Manager BoxOffice Viewer }

    // Seats.
    "/api/v1/admin/schedules/{schedule_id}/layout" { Get => HouseLayout "admin.layout" for Owner Manager BoxOffice Viewer }
    "/api/v1/admin/schedules/{schedule_id}/seats" {
        Get => HouseSeats "admin.seats" for Owner Manager BoxOffice Viewer,
        Post => RestrictSeats "admin.seats.restrict" for Owner Manager
    }
    "/api/v1/admin/schedules/{schedule_id}/sell" { Post => SellSeats "admin.seats.sell" for Owner Manager BoxOffice }

    // Concerts and performances.
    "/api/v1/admin/concerts/{concert_id}" {
        Get => HouseConcert "admin.concert.get" for Owner Manager BoxOffice Viewer,
        Patch => ChangeConcert "admin.concert" for Owner Manager
    }
    "/api/v1/admin/schedules/{schedule_id}/sold" { Get => SoldOrders "admin.schedules.sold" for Owner Manager BoxOffice }
    "/api/v1/admin/concerts/{concert_id}/schedules" { Post => AddSchedule "admin.schedules.add" for Owner Manager }
    "/api/v1/admin/schedules/{schedule_id}" { Patch => ChangeSchedule "admin.schedule" for Owner Manager }

    // Making.
    "/api/v1/admin/drafts" { Get => Drafts "admin.drafts" for Owner Manager, Post => AddDraft "admin.drafts.add" for Owner Manager }
    "/api/v1/admin/drafts/{draft_id}" {
        Get => Draft "admin.draft" for Owner Manager,
        Patch => ChangeDraft "admin.drafts.set" for Owner Manager,
        Delete => DropDraft "admin.drafts.drop" for Owner Manager
    }
    "/api/v1/admin/drafts/{draft_id}/plan" { Post => UploadPlan "admin.drafts.plan" for Owner Manager }
    "/api/v1/admin/drafts/{draft_id}/generate" { Post => GeneratePlan "admin.drafts.generate" for Owner Manager }
    "/api/v1/admin/drafts/{draft_id}/layout" { Get => DraftLayout "admin.drafts.layout" for Owner Manager }
    "/api/v1/admin/drafts/{draft_id}/page" { Get => DraftPage "admin.drafts.page" for Owner Manager }
    "/api/v1/admin/drafts/{draft_id}/announce" { Post => Announce "admin.drafts.announce" for Owner Manager }
    "/api/v1/admin/images" { Post => UploadImage "admin.images.add" for Owner Manager }

    // Life.
    "/api/v1/admin/schedules/{schedule_id}/postpone" { Post => Postpone "admin.schedules.postpone" for Owner Manager }
    "/api/v1/admin/schedules/{schedule_id}/call_off" { Post => CallOff "admin.schedules.call_off" for Owner Manager }
    "/api/v1/admin/concerts/{concert_id}/call_off" { Post => CallOffConcert "admin.concerts.call_off" for Owner Manager }
    "/api/v1/admin/concerts/{concert_id}/archive" { Post => ArchiveConcert "admin.concerts.archive" for Owner Manager }
    "/api/v1/admin/refunds" { Get => Refunds "admin.refunds" for Owner Manager BoxOffice }

    // Rehearsal.
    "/api/v1/admin/concerts/{concert_id}/rehearsal" {
        Get => Rehearsal "admin.rehearsal" for Owner Manager,
        Post => BeginRehearsal "admin.rehearsal.begin" for Owner Manager,
        Delete => EndRehearsal "admin.rehearsal.end" for Owner Manager
    }
    "/api/v1/admin/concerts/{concert_id}/rehearsal/report" { Get => RehearsalPage "admin.rehearsal.report" for Owner Manager }

    // Orders.
    "/api/v1/admin/orders" { Get => FindOrders "admin.orders" for Owner Manager BoxOffice }
    "/api/v1/admin/orders/{reservation_id}" { Get => OrderLife "admin.order" for Owner Manager BoxOffice }
    "/api/v1/admin/concerts/{concert_id}/export/orders.csv" { Get => ExportOrders "admin.export.orders" for Owner Manager BoxOffice }
    "/api/v1/admin/concerts/{concert_id}/export/attendees.csv" { Get => ExportAttendees "admin.export.attendees" for Owner Manager BoxOffice }
    "/api/v1/admin/concerts/{concert_id}/export/codes.csv" { Get => ExportCodes "admin.export.codes" for Owner Manager BoxOffice }
    "/api/v1/admin/concerts/{concert_id}/export/ledger.csv" { Get => ExportLedger "admin.export.ledger" for Owner Manager }
    "/api/v1/admin/orders/{reservation_id}/refund" { Post => RefundOrder "admin.orders.refund" for Owner Manager }
    "/api/v1/admin/orders/{reservation_id}/move" { Post => MoveSeat "admin.orders.move" for Owner Manager BoxOffice }

    // Readiness.
    "/api/v1/admin/readiness" { Get => SaleReadiness "admin.readiness" for Owner Manager BoxOffice Viewer }

    // Alarms.
    "/api/v1/admin/alarms" { Get => Alarms "admin.alarms" for Owner Manager BoxOffice Viewer }
    "/api/v1/admin/alarms/{alarm_id}/seen" { Post => SeeAlarm "admin.alarms.see" for Owner Manager BoxOffice }
    "/api/v1/admin/alarms/{alarm_id}/end" { Post => EndAlarm "admin.alarms.end" for Owner Manager }
    "/api/v1/admin/webhooks" { Get => Webhooks "admin.webhooks" for Owner Manager, Post => AddWebhook "admin.webhooks.add" for Owner Manager }
    "/api/v1/admin/webhooks/{webhook_id}" { Delete => StopWebhook "admin.webhooks.stop" for Owner Manager }
    "/api/v1/admin/webhooks/{webhook_id}/rotate" { Post => RotateWebhook "admin.webhooks.rotate" for Owner Manager }
    "/api/v1/admin/webhooks/{webhook_id}/test" { Post => TestWebhook "admin.webhooks.test" for Owner Manager }
    "/api/v1/admin/webhooks/{webhook_id}/deliveries" { Get => Deliveries "admin.webhooks.deliveries" for Owner Manager }
    "/api/v1/admin/deliveries/{delivery_id}/resend" { Post => Resend "admin.deliveries.resend" for Owner Manager }

    // Who.
    "/api/v1/admin/session" {
        Post => SignIn "admin.sign_in",
        Get => OwnSession "admin.session" for Everyone,
        Delete => SignOut "admin.sign_out" for Everyone
    }
    "/api/v1/admin/session/challenge" { Post => SignInChallenge "admin.sign_in.challenge" }
    "/api/v1/admin/passkeys" { Get => Passkeys "admin.passkeys" for Everyone, Post => AddPasskey "admin.passkeys.add" for Everyone }
    "/api/v1/admin/passkeys/challenge" { Post => PasskeyChallenge "admin.passkeys.challenge" for Everyone }
    "/api/v1/admin/passkeys/{passkey_id}" { Delete => RemovePasskey "admin.passkeys.remove" for Everyone }
    "/api/v1/admin/operators" { Get => Operators "admin.operators" for Owner, Post => AddOperator "admin.operators.add" for Owner }
    "/api/v1/admin/operators/{operator_id}" { Patch => ChangeOperator "admin.operators.set" for Owner }
    "/api/v1/admin/operators/{operator_id}/link" { Post => MakeLink "admin.operators.link" for Owner }
    "/api/v1/admin/sessions" { Get => Sessions "admin.sessions" for Everyone }
    "/api/v1/admin/sessions/{session_id}" { Delete => EndSession "admin.sessions.end" for Everyone }
    "/api/v1/admin/log" { Get => Log "admin.log" for Owner Manager }

    "/healthz" { Get => Health "healthz" }
    "/readyz" { Get => Readiness "readyz" }
    "/metrics" { Get => Metrics "metrics" for Owner Manager Viewer }
    "/openapi.json" { Get => OpenApi "openapi" }
    "/asyncapi.json" { Get => AsyncApi "asyncapi" }
    "/ws" { Get => Websocket "ws" }
}

/// The prefix of the paths that are for operators.
pub const ADMIN: &str = "/api/v1/admin/";

/// At which door a call is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Public,
    /// At the operators' own, where there is one.
    Operators,
    /// About the server: at either.
    Both,
}

impl Call {
    /// Every call of a path is on one side.
    pub fn side(self) -> Side {
        match self {
            Self::Metrics => Side::Operators,
            Self::Health | Self::Readiness | Self::OpenApi => Side::Both,
            call if call.path().starts_with(ADMIN) => Side::Operators,
            _ => Side::Public,
        }
    }

    /// The bytes that its body may have.
    pub const fn body_max(self) -> usize {
        match self {
            Self::AddDraft | Self::ChangeDraft | Self::ChangeConcert => DRAFT_BODY_BYTES_MAX,
            Self::UploadPlan => PLAN_BODY_BYTES_MAX,
            Self::UploadImage => PICTURE_BODY_BYTES_MAX,
            _ => BODY_BYTES_MAX,
        }
    }

    /// Is its body a file, of which few are taken at a time?
    pub const fn takes_file(self) -> bool {
        matches!(self, Self::UploadPlan | Self::UploadImage)
    }
}

/// One path, perhaps with a part that names something.
#[derive(Debug, PartialEq, Eq)]
pub struct Path {
    template: &'static str,
    calls: &'static [Call],
}

impl Path {
    /// The path that this is, and what it names; an empty text if it names nothing.
    pub fn find(path: &str) -> Option<(&'static Self, &str)> {
        PATHS.iter().find_map(|known| Some((known, known.argument(path)?)))
    }

    /// The argument that a path of this form names.
    fn argument<'a>(&self, path: &'a str) -> Option<&'a str> {
        let Some((before, rest)) = self.template.split_once('{') else {
            return (path == self.template).then_some("");
        };
        let (_, after) = rest.split_once('}')?;
        let argument = path.strip_prefix(before)?.strip_suffix(after)?;
        (!argument.contains('/')).then_some(argument)
    }

    /// All that can be asked for here; one at least.
    pub const fn calls(&self) -> &'static [Call] {
        self.calls
    }

    /// The call that this method of HTTP makes here.
    pub fn call(&self, method: &str) -> Option<Call> {
        self.calls.iter().copied().find(|call| call.verb().methods().contains(&method))
    }

    /// The methods of HTTP that ask for something here, as `Allow` lists them.
    pub fn allowed(&self) -> String {
        let mut verbs: Vec<_> = self.calls.iter().map(|call| call.verb()).collect();
        // `GET` first, whatever comes first in the table.
        verbs.sort_by_key(|verb| *verb != Verb::Get);
        let methods: Vec<_> = verbs.iter().flat_map(|verb| verb.methods()).copied().collect();
        methods.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::roles::Role;

    /// A path's form, its argument, and what may be done there.
    fn found(path: &str) -> String {
        match Path::find(path) {
            Some((known, argument)) => format!("{} {argument:?} {}", known.template, known.allowed()),
            None => "none".to_owned(),
        }
    }

    #[test]
    fn a_path_is_found_by_its_form() {
        for (path, expected) in [
            ("/api/v1/concerts", r#"/api/v1/concerts "" GET, HEAD"#),
            ("/api/v1/reservations", r#"/api/v1/reservations "" GET, HEAD, POST"#),
            ("/api/v1/reservations/7", r#"/api/v1/reservations/{reservation_id} "7" DELETE"#),
            ("/api/v1/reservations/", r#"/api/v1/reservations/{reservation_id} "" DELETE"#),
            ("/api/v1/reservations/7/seats", "none"),
            ("/api/v1/queue/tokens/current", r#"/api/v1/queue/tokens/current "" GET, HEAD, DELETE"#),
            ("/api/v1/schedules/7/seats", r#"/api/v1/schedules/{schedule_id}/seats "7" GET, HEAD"#),
            ("/api/v1/schedules/seats", "none"),
            ("/api/v1/schedules/7/layout/", "none"),
            ("/api/v1/admin/sales/1", r#"/api/v1/admin/sales/{concert_id} "1" PATCH"#),
            ("/api/v1/users", r#"/api/v1/users "" POST"#),
            ("/api/v1/", "none"),
            ("/readyz", r#"/readyz "" GET, HEAD"#),
            ("/", "none"),
        ] {
            assert_eq!(found(path), expected, "{path}");
        }
    }

    #[test]
    fn a_path_is_on_one_side_and_operators_calls_say_whose_they_are() {
        for path in PATHS {
            assert!(path.calls().iter().all(|call| call.side() == path.calls()[0].side()), "{path:?}");
        }
        for call in Call::ALL {
            assert!(call.roles().is_none() || call.side() == Side::Operators, "{call:?}");
            // The owner may do everything.
            assert!(call.roles().is_none_or(|roles| roles.contains(Role::Owner)), "{call:?}");
        }
    }

    #[test]
    fn every_call_is_found_by_its_path_and_verb() {
        for call in Call::ALL {
            let (path, _) = Path::find(call.path()).expect("a path of the table");
            let method = call.verb().as_str().to_uppercase();
            assert_eq!((path.template, path.call(&method)), (call.path(), Some(*call)));
        }
        let (path, _) = Path::find("/api/v1/balance").expect("a path of the table");
        assert_eq!((path.call("HEAD"), path.call("POST")), (Some(Call::Balance), None));
    }
}
