//! Goal: every frame and body is read and written as its fixture has it. Method: read the file into its type, write
//! it again, compare as JSON; a field that the type does not know, or would add, shows as a difference.

use frontrow_protocol::about::ConcertPage;
use frontrow_protocol::admin::{SaleFigures, SalePatch, Sales};
use frontrow_protocol::error::ChangedBy;
use frontrow_protocol::http::{ChargeBody, GivenBack, Guest, GuestBody, Health, Problem, ReservationBody};
use frontrow_protocol::layout::Layout;
use frontrow_protocol::ops::alarms;
use frontrow_protocol::ops::concert::{ConcertInfo, ConcertPatch};
use frontrow_protocol::ops::figures::KeptFigures;
use frontrow_protocol::ops::making;
use frontrow_protocol::ops::schedule::{NewSchedule, ScheduleInfo, SchedulePatch};
use frontrow_protocol::ops::seats::{RestrictSeats, RestrictedSeats};
use frontrow_protocol::ops::watch::OpsState;
use frontrow_protocol::ops::{
    box_office, house, life, order_life, orders, passkeys, ready, rehearsal, webhooks, who,
};
use frontrow_protocol::result::{
    Balance, Cancelled, Charged, Concerts, Done, History, Paid, Pong, QueueUpdate, Reservation, Reservations,
    Schedules, Snapshot, Tickets, Welcome,
};
use frontrow_protocol::{
    CloseCode, ErrorObject, Method, Push, Reason, RequestId, Response, Role, RoleSet, ServerMessage,
    encode_error, encode_push, encode_request, encode_result, parse_request,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::fixture::{self, Fixture, fixtures};

fn method_names() -> impl Iterator<Item = &'static str> {
    Method::ALL.iter().map(|method| method.as_str())
}

fn assert_same(fixture: &Fixture, written: &str) {
    let written: Value = serde_json::from_str(written).expect("what is written is JSON");
    assert_eq!(written, fixture.json, "{}", fixture.file);
}

fn answer(fixture: &Fixture) -> Response<'_> {
    match ServerMessage::parse(&fixture.text) {
        Ok(ServerMessage::Response(answer)) => answer,
        other => panic!("{}: {other:?}", fixture.file),
    }
}

#[test]
fn the_folders_are_those_that_are_tested() {
    let kinds = ["close", "error", "http", "push", "refusal", "request", "result"];
    assert!(fixture::kinds().iter().eq(kinds), "{:?}", fixture::kinds());
}

#[test]
fn every_request() {
    for fixture in fixtures("request", method_names()) {
        let (id, request) = parse_request(&fixture.text)
            .unwrap_or_else(|refusal| panic!("{}: {}", fixture.file, refusal.error));
        assert_eq!(request.method().as_str(), fixture.name, "{}", fixture.file);
        assert_same(&fixture, &encode_request(&id, &request));
    }
}

#[test]
fn every_result() {
    fn again<T: DeserializeOwned + Serialize>(fixture: &Fixture) -> String {
        let answer = answer(fixture);
        let id = answer.id.clone().unwrap_or_else(|| panic!("{}: no id", fixture.file));
        let result: T = answer.into_result().unwrap_or_else(|error| panic!("{}: {error}", fixture.file));
        encode_result(&id, &result)
    }
    for fixture in fixtures("result", method_names()) {
        let read_and_written = match Method::from_name(&fixture.name).expect("its name is a method's") {
            Method::Hello => again::<Welcome>(&fixture),
            Method::Concerts => again::<Concerts>(&fixture),
            Method::QueueJoin | Method::QueueGet | Method::QueueExtend | Method::QueueLeave => {
                again::<QueueUpdate>(&fixture)
            }
            Method::Schedules => again::<Schedules>(&fixture),
            Method::SeatsWatch => again::<Snapshot>(&fixture),
            Method::SeatsUnwatch => again::<Done>(&fixture),
            Method::Hold | Method::HoldBest | Method::Release => again::<Reservation>(&fixture),
            Method::Reservations => again::<Reservations>(&fixture),
            Method::Balance => again::<Balance>(&fixture),
            Method::Charge => again::<Charged>(&fixture),
            Method::History => again::<History>(&fixture),
            Method::Pay => again::<Paid>(&fixture),
            Method::Cancel => again::<Cancelled>(&fixture),
            Method::Tickets => again::<Tickets>(&fixture),
            Method::Ping => again::<Pong>(&fixture),
            Method::OpsWatch => again::<OpsState>(&fixture),
            Method::OpsUnwatch => again::<Done>(&fixture),
        };
        assert_same(&fixture, &read_and_written);
    }
}

#[test]
fn every_push() {
    for fixture in fixtures("push", Push::METHODS.iter().copied()) {
        let push = match ServerMessage::parse(&fixture.text) {
            Ok(ServerMessage::Push(push)) => push,
            other => panic!("{}: {other:?}", fixture.file),
        };
        assert_eq!(push.method(), fixture.name, "{}", fixture.file);
        assert_same(&fixture, &encode_push(&push));
    }
}

#[test]
fn every_error() {
    for fixture in fixtures("error", Reason::ALL.iter().map(|reason| reason.as_str())) {
        let answer = answer(&fixture);
        let error = answer.outcome.expect_err(&fixture.file);
        let reason = error.reason();
        assert_eq!(reason.as_str(), fixture.name, "{}", fixture.file);
        assert_eq!(
            (error.code, error.data.retryable),
            (reason.code(), reason.retryable()),
            "{}",
            fixture.file
        );
        assert_same(&fixture, &encode_error(answer.id.as_ref(), &error));
    }
}

/// The constructors fill in what the fixtures show, so that a server that uses them cannot forget a field.
#[test]
fn the_constructors_make_the_errors_of_the_fixtures() {
    use frontrow_protocol::result::{QueueStatus, ReservationStatus};
    let opens_at = "2026-07-01T10:00:00.000Z".parse().expect("a time");
    let made = [
        ErrorObject::parse(),
        ErrorObject::invalid_request("`jsonrpc` must be \"2.0\""),
        ErrorObject::unknown_method("buy"),
        ErrorObject::invalid_params(Some("seats"), "`seats`: seat 4 is named twice"),
        ErrorObject::internal(),
        ErrorObject::unauthenticated("the access token has expired"),
        ErrorObject::user_not_found(),
        ErrorObject::not_in_queue(),
        ErrorObject::not_admitted(QueueStatus::Waiting),
        ErrorObject::not_admitted(QueueStatus::Expired),
        ErrorObject::not_admitted(QueueStatus::Progress),
        ErrorObject::not_admitted(QueueStatus::Done),
        ErrorObject::sale_not_open(Some(opens_at)),
        ErrorObject::sale_paused(),
        ErrorObject::sale_closed(),
        ErrorObject::concert_not_found(),
        ErrorObject::schedule_not_found(),
        ErrorObject::seat_not_found(vec![52_000]),
        ErrorObject::reservation_not_found(),
        ErrorObject::seat_taken(vec![3]),
        ErrorObject::seat_restricted(vec![3]),
        ErrorObject::no_seats_available(),
        ErrorObject::no_schedules_available(),
        ErrorObject::hold_limit(4),
        ErrorObject::purchase_limit(4),
        ErrorObject::hold_again_later(vec![3, 4], "2026-07-01T10:06:00.000Z".parse().expect("a time")),
        ErrorObject::reservation_invalid(Some(ReservationStatus::Expired), "the reservation has expired"),
        ErrorObject::invalid_amount("an amount must be more than 0"),
        ErrorObject::insufficient_balance(30_000, 220_000),
        ErrorObject::request_id_reused(),
        ErrorObject::rate_limited(250),
        ErrorObject::overloaded(1000),
        ErrorObject::unavailable(1000),
        ErrorObject::outcome_unknown(),
        ErrorObject::cancel_too_late(),
        ErrorObject::performance_begun(),
        ErrorObject::performance_called_off(),
        ErrorObject::already_refunded("2026-07-01T10:06:00.000Z".parse().expect("a time"), vec![4]),
        ErrorObject::already_refunded("2026-07-01T10:06:00.000Z".parse().expect("a time"), Vec::new())
            .made_so(
                Some(ChangedBy { operator_id: Some(7), user_id: None }),
                Some("2026-07-01T10:06:00.000Z".parse().expect("a time")),
            ),
        ErrorObject::not_over("performance 7 is still to come".to_owned()),
        ErrorObject::wallet_full((1 << 53) - 1),
        ErrorObject::forbidden("a queue token cannot join another sale"),
        ErrorObject::needs_role(RoleSet::of(&[Role::Owner, Role::Manager])),
        ErrorObject::not_found("operator"),
        ErrorObject::link_spent(),
        ErrorObject::last_owner(),
        ErrorObject::changed_meanwhile([("role".to_owned(), json!("viewer"))].into_iter().collect()),
        ErrorObject::changed_meanwhile([("capacity".to_owned(), json!(50))].into_iter().collect()).made_so(
            Some(ChangedBy { operator_id: Some(7), user_id: None }),
            Some("2026-07-01T10:06:00.000Z".parse().expect("a time")),
        ),
        ErrorObject::changed_meanwhile(
            [("schedule_id".to_owned(), json!(7)), ("prices".to_owned(), json!({"VIP": 115_000}))]
                .into_iter()
                .collect(),
        ),
        ErrorObject::already_announced(7),
    ];
    let shown: Vec<ErrorObject> = fixture::all("error")
        .iter()
        .map(|fixture| answer(fixture).outcome.expect_err(&fixture.file))
        .collect();
    for error in &made {
        assert!(shown.contains(error), "{error:?}");
    }
    assert_eq!(made.len(), shown.len());
}

#[test]
fn every_close_code() {
    let codes: Vec<String> = CloseCode::ALL.iter().map(|close| close.code().to_string()).collect();
    for fixture in fixtures("close", codes.iter().map(String::as_str)) {
        let code = fixture.name.parse().expect("its name is a number");
        let close = CloseCode::from_code(code).expect("the code is known");
        let shown = json!({"code": code, "text": close.text(), "may_reconnect": close.may_reconnect()});
        assert_eq!(shown, fixture.json, "{}", fixture.file);
    }
}

/// Reads a text as a type and writes it again.
type ReadAndWrite = fn(&str) -> Result<String, serde_json::Error>;

/// The bodies that exist over HTTP alone, and what reads and writes each. `documents.rs` checks that none is missing.
pub const HTTP_BODIES: &[(&str, ReadAndWrite)] = &[
    ("alarm", again::<alarms::Alarm>),
    ("alarms", again::<alarms::Alarms>),
    ("announce", again::<making::Announce>),
    ("announced", again::<making::Announced>),
    ("begin_rehearsal", again::<rehearsal::BeginRehearsal>),
    ("call_off", again::<life::CallOff>),
    ("charge_body", again::<ChargeBody>),
    ("concert_page", again::<ConcertPage>),
    ("concert_info", again::<ConcertInfo>),
    ("concert_patch", again::<ConcertPatch>),
    ("desk_order", again::<box_office::DeskOrder>),
    ("draft", again::<making::Draft>),
    ("draft_patch", again::<making::DraftPatch>),
    ("drafts", again::<making::Drafts>),
    ("found_orders", again::<order_life::FoundOrders>),
    ("generate_plan", again::<making::GeneratePlan>),
    ("given_back", again::<GivenBack>),
    ("guest", again::<Guest>),
    ("guest_body", again::<GuestBody>),
    ("health", again::<Health>),
    ("house_concert", again::<house::HouseConcert>),
    ("kept_figures", again::<KeptFigures>),
    ("layout", again::<Layout>),
    ("log", again::<who::Log>),
    ("made_operator", again::<who::MadeOperator>),
    ("move_seat", again::<orders::MoveSeat>),
    ("made_webhook", again::<webhooks::MadeWebhook>),
    ("new_operator", again::<who::NewOperator>),
    ("new_passkey", again::<passkeys::NewPasskey>),
    ("new_webhook", again::<webhooks::NewWebhook>),
    ("operator_info", again::<who::OperatorInfo>),
    ("operator_patch", again::<who::OperatorPatch>),
    ("operators", again::<who::Operators>),
    ("order", again::<orders::Order>),
    ("order_life", again::<order_life::OrderLife>),
    ("own_session", again::<who::OwnSession>),
    ("passkey_challenge", again::<passkeys::PasskeyChallenge>),
    ("passkey_info", again::<passkeys::PasskeyInfo>),
    ("passkeys", again::<passkeys::Passkeys>),
    ("postpone", again::<life::Postpone>),
    ("problem", again::<Problem>),
    ("refund", again::<orders::Refund>),
    ("refund_progress", again::<life::RefundProgress>),
    ("refunded_order", again::<orders::RefundedOrder>),
    ("refunds", again::<life::Refunds>),
    ("rehearsal_of", again::<rehearsal::RehearsalOf>),
    ("reservation_body", again::<ReservationBody>),
    ("restrict_seats", again::<RestrictSeats>),
    ("restricted_seats", again::<RestrictedSeats>),
    ("sale_figures", again::<SaleFigures>),
    ("sale_patch", again::<SalePatch>),
    ("sales", again::<Sales>),
    ("sale_readiness", again::<ready::SaleReadiness>),
    ("schedule_info", again::<ScheduleInfo>),
    ("schedule_life", again::<life::ScheduleLife>),
    ("schedule_patch", again::<SchedulePatch>),
    ("new_schedule", again::<NewSchedule>),
    ("sell_seats", again::<box_office::SellSeats>),
    ("sessions", again::<who::Sessions>),
    ("sign_in", again::<who::SignIn>),
    ("sign_in_link", again::<who::SignInLink>),
    ("signed_in", again::<who::SignedIn>),
    ("sold_orders", again::<house::SoldOrders>),
    ("uploaded", again::<making::Uploaded>),
    ("webhook_deliveries", again::<webhooks::WebhookDeliveries>),
    ("webhook_delivery", again::<webhooks::WebhookDelivery>),
    ("webhooks", again::<webhooks::Webhooks>),
];

fn again<T: DeserializeOwned + Serialize>(text: &str) -> Result<String, serde_json::Error> {
    serde_json::to_string(&serde_json::from_str::<T>(text)?)
}

#[test]
fn every_http_body() {
    for fixture in fixtures("http", HTTP_BODIES.iter().map(|(name, _)| *name)) {
        let (_, again) =
            HTTP_BODIES.iter().find(|(name, _)| *name == fixture.name).expect("its name is known");
        let written = again(&fixture.text).unwrap_or_else(|error| panic!("{}: {error}", fixture.file));
        assert_same(&fixture, &written);
    }
}

#[test]
fn every_refusal_of_a_frame() {
    for fixture in fixture::all("refusal") {
        let shown = &fixture.json;
        let frame = shown["frame"].as_str().unwrap_or_else(|| panic!("{}: no frame", fixture.file));
        let refusal = parse_request(frame).expect_err(&fixture.file);
        let id = serde_json::to_value(refusal.id.as_ref()).expect("an id is JSON");
        let data = &refusal.error.data;
        let given = json!({"frame": frame, "id": id, "reason": data.reason, "field": data.field});
        assert_eq!(&given, shown, "{}", fixture.file);
        if let Some(field) = &data.field {
            assert!(refusal.error.message.contains(field), "{}: {}", fixture.file, refusal.error.message);
        }
        // A refusal that goes out can be read by the same client.
        let text = encode_error(refusal.id.as_ref(), &refusal.error);
        assert!(matches!(ServerMessage::parse(&text), Ok(ServerMessage::Response(_))), "{}", fixture.file);
    }
}

/// A server may add fields to what it sends; a client may not.
#[test]
fn an_unknown_field_is_ignored_in_answers_and_pushes_and_refused_in_requests() {
    for fixture in fixtures("push", Push::METHODS.iter().copied()) {
        let mut newer = fixture.json.clone();
        newer["params"]["added_later"] = json!({"deep": [1]});
        newer["added_later"] = json!(true);
        let text = newer.to_string();
        let Ok(ServerMessage::Push(push)) = ServerMessage::parse(&text) else { panic!("{}", fixture.file) };
        assert_same(&fixture, &encode_push(&push));
    }
    for fixture in fixtures("request", method_names()) {
        let mut wrong = fixture.json.clone();
        wrong["params"]["added_later"] = json!(1);
        let refusal = parse_request(&wrong.to_string()).expect_err(&fixture.file);
        assert_eq!(refusal.error.reason(), Reason::InvalidParams, "{}", fixture.file);
        assert_eq!(refusal.error.data.field.as_deref(), Some("added_later"), "{}", fixture.file);
        let id: RequestId = serde_json::from_value(wrong["id"].clone()).expect("the fixture has an id");
        assert_eq!(refusal.id, Some(id), "{}", fixture.file);
    }
}

/// A frame is read or refused, whatever is cut off or replaced in it, and one that is cut off is no JSON.
#[test]
fn a_damaged_frame_is_refused() {
    for fixture in fixtures("request", method_names()) {
        let frame = fixture.json.to_string();
        for end in (0..frame.len()).filter(|end| frame.is_char_boundary(*end)) {
            let refusal = parse_request(&frame[..end]).expect_err(&frame[..end]);
            assert_eq!(refusal.error.reason(), Reason::Parse, "{}", &frame[..end]);
            for put in ["\"", "{", "]", ":", "\\", "0", "-", "é", "\u{0}", " "] {
                let damaged = format!("{}{put}{}", &frame[..end], &frame[end + 1..]);
                if let Err(refusal) = parse_request(&damaged) {
                    let text = encode_error(refusal.id.as_ref(), &refusal.error);
                    assert!(ServerMessage::parse(&text).is_ok(), "{damaged}: {text}");
                }
            }
        }
    }
}
