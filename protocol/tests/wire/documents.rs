//! Goal: the published documents describe what is really sent. Method: every fixture validates against its schema in
//! the document, what is refused does not, and every reference leads somewhere.

use std::collections::BTreeSet;

use frontrow_protocol::http::PROBLEM_JSON;
use frontrow_protocol::{Method, Push, Reason, asyncapi, openapi};
use jsonschema::{Draft, Validator};
use serde_json::{Value, json};

use crate::fixture::{self, Fixture, fixtures};
use crate::round_trip::HTTP_BODIES;

/// A validator of the schema at `pointer`, with the whole document around it for its references.
fn validator(document: &Value, draft: Draft, pointer: &str) -> Validator {
    assert!(document.pointer(pointer).is_some(), "{pointer} is not in the document");
    let schema = json!({"allOf": [{"$ref": format!("#{pointer}")}], "components": document["components"]});
    jsonschema::options()
        .with_draft(draft)
        .should_validate_formats(true)
        .build(&schema)
        .unwrap_or_else(|error| panic!("{pointer}: {error}"))
}

fn assert_valid(validator: &Validator, fixture: &Fixture) {
    let faults: Vec<String> = validator
        .iter_errors(&fixture.json)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(faults.is_empty(), "{}: {faults:#?}", fixture.file);
}

fn message(document: &Value, name: &str) -> Validator {
    validator(document, Draft::Draft7, &format!("/components/messages/{name}/payload"))
}

fn component(document: &Value, name: &str) -> Validator {
    validator(document, Draft::Draft202012, &format!("/components/schemas/{name}"))
}

/// `sale_patch` is `SalePatch`.
fn schema_name(fixture: &str) -> String {
    fixture.split('_').map(|word| word[..1].to_uppercase() + &word[1..]).collect()
}

#[test]
fn every_frame_is_described() {
    let document = asyncapi::document();
    for method in Method::ALL.iter().map(|method| method.as_str()) {
        let operation = &document["operations"][method];
        assert_eq!(operation["action"], "receive", "{method}");
        let request = message(&document, &format!("{method}.request"));
        let result = message(&document, &format!("{method}.result"));
        let all = Method::ALL.iter().map(|method| method.as_str());
        for fixture in fixtures("request", all.clone()).iter().filter(|fixture| fixture.name == method) {
            assert_valid(&request, fixture);
            let mut wrong = fixture.json.clone();
            wrong["params"]["added_later"] = json!(1);
            assert!(!request.is_valid(&wrong), "{}: an unknown field passes", fixture.file);
        }
        for fixture in fixtures("result", all).iter().filter(|fixture| fixture.name == method) {
            assert_valid(&result, fixture);
            let mut newer = fixture.json.clone();
            newer["result"]["added_later"] = json!(1);
            assert!(result.is_valid(&newer), "{}: a server may add fields", fixture.file);
        }
    }
    for push in fixtures("push", Push::METHODS.iter().copied()) {
        assert_eq!(document["operations"][&push.name]["action"], "send", "{}", push.file);
        assert_valid(&message(&document, &push.name), &push);
    }
    let error = message(&document, "error");
    for fixture in fixture::all("error") {
        assert_valid(&error, &fixture);
    }
    let operations = document["operations"].as_object().expect("an object").len();
    assert_eq!(operations, Method::ALL.len() + Push::METHODS.len());
}

/// A frame that is refused for its envelope or its params is no valid request by its schema either, but for what a
/// schema cannot see.
#[test]
fn what_is_refused_does_not_validate() {
    let document = asyncapi::document();
    // A doubled key is gone once JSON is parsed.
    let invisible =
        ["doubled_param", "doubled_id", "doubled_method"].map(|name| format!("refusal/{name}.json"));
    let mut checked = 0;
    for fixture in fixture::all("refusal") {
        let frame = fixture.json["frame"].as_str().expect("a frame");
        let Ok(json) = serde_json::from_str::<Value>(frame) else { continue };
        let Some(method) = json["method"].as_str().and_then(Method::from_name) else { continue };
        if invisible.contains(&fixture.file) {
            continue;
        }
        let request = message(&document, &format!("{method}.request"));
        assert!(!request.is_valid(&json), "{} validates", fixture.file);
        checked += 1;
    }
    assert!(checked > 20, "only {checked} refusals were looked at");
}

#[test]
fn every_http_body_is_described() {
    let document = openapi::document();
    for fixture in fixtures("http", HTTP_BODIES.iter().map(|(name, _)| *name)) {
        assert_valid(&component(&document, &schema_name(&fixture.name)), &fixture);
    }
}

/// Each schema that a call names directly has a fixture: of its own, or as the params or result of a method.
#[test]
fn every_body_of_a_call_has_a_fixture() {
    let document = openapi::document();
    let websocket = asyncapi::document();
    let mut covered: BTreeSet<String> =
        HTTP_BODIES.iter().map(|(name, _)| format!("#/components/schemas/{}", schema_name(name))).collect();
    for method in Method::ALL.iter().map(|method| method.as_str()) {
        for (message, member) in [("request", "params"), ("result", "result")] {
            let properties =
                &websocket["components"]["messages"][format!("{method}.{message}")]["payload"]["properties"];
            covered.extend(properties[member]["$ref"].as_str().map(str::to_owned));
        }
    }
    let mut named = 0;
    for (path, calls) in document["paths"].as_object().expect("an object") {
        for (verb, call) in calls.as_object().expect("an object") {
            let responses = call["responses"].as_object().expect("an object").values();
            for body in responses.chain([&call["requestBody"]]) {
                let Some(content) = body["content"].as_object() else { continue };
                for reference in content.values().filter_map(|content| content["schema"]["$ref"].as_str()) {
                    assert!(covered.contains(reference), "{verb} {path}: no fixture of {reference}");
                    named += 1;
                }
            }
        }
    }
    assert!(named > 50, "only {named} bodies were looked at");
}

#[test]
fn every_path_of_the_second_door_is_there() {
    let document = openapi::document();
    let calls = "post   /api/v1/users
                 get    /api/v1/concerts
                 get    /api/v1/concerts/{concert_id}
                 post   /api/v1/queue/tokens
                 get    /api/v1/queue/tokens/current
                 delete /api/v1/queue/tokens/current
                 get    /api/v1/schedules
                 get    /api/v1/schedules/{schedule_id}/layout
                 get    /api/v1/schedules/{schedule_id}/seats
                 post   /api/v1/reservations
                 get    /api/v1/reservations
                 delete /api/v1/reservations/{reservation_id}
                 get    /api/v1/balance
                 post   /api/v1/balance/charges
                 get    /api/v1/balance/history
                 post   /api/v1/payments
                 get    /api/v1/tickets
                 get    /api/v1/admin/sales
                 patch  /api/v1/admin/sales/{concert_id}
                 get    /api/v1/admin/sales/{concert_id}/figures
                 get    /api/v1/admin/sales/{concert_id}/report
                 get    /api/v1/admin/schedules/{schedule_id}/layout
                 get    /api/v1/admin/schedules/{schedule_id}/seats
                 get    /api/v1/admin/concerts/{concert_id}
                 patch  /api/v1/admin/concerts/{concert_id}
                 get    /api/v1/admin/schedules/{schedule_id}/sold
                 patch  /api/v1/admin/schedules/{schedule_id}
                 post   /api/v1/admin/schedules/{schedule_id}/seats
                 post   /api/v1/admin/schedules/{schedule_id}/sell
                 get    /api/v1/admin/drafts
                 post   /api/v1/admin/drafts
                 get    /api/v1/admin/drafts/{draft_id}
                 patch  /api/v1/admin/drafts/{draft_id}
                 delete /api/v1/admin/drafts/{draft_id}
                 post   /api/v1/admin/drafts/{draft_id}/plan
                 post   /api/v1/admin/drafts/{draft_id}/generate
                 get    /api/v1/admin/drafts/{draft_id}/layout
                 get    /api/v1/admin/drafts/{draft_id}/page
                 post   /api/v1/admin/drafts/{draft_id}/announce
                 post   /api/v1/admin/images
                 post   /api/v1/admin/schedules/{schedule_id}/postpone
                 post   /api/v1/admin/schedules/{schedule_id}/call_off
                 post   /api/v1/admin/concerts/{concert_id}/call_off
                 post   /api/v1/admin/concerts/{concert_id}/schedules
                 post   /api/v1/admin/concerts/{concert_id}/archive
                 get    /api/v1/admin/refunds
                 get    /api/v1/admin/orders
                 get    /api/v1/admin/orders/{reservation_id}
                 get    /api/v1/admin/concerts/{concert_id}/rehearsal
                 post   /api/v1/admin/concerts/{concert_id}/rehearsal
                 delete /api/v1/admin/concerts/{concert_id}/rehearsal
                 get    /api/v1/admin/concerts/{concert_id}/rehearsal/report
                 post   /api/v1/admin/orders/{reservation_id}/refund
                 post   /api/v1/admin/orders/{reservation_id}/move
                 get    /api/v1/admin/concerts/{concert_id}/export/orders.csv
                 get    /api/v1/admin/concerts/{concert_id}/export/attendees.csv
                 get    /api/v1/admin/concerts/{concert_id}/export/codes.csv
                 get    /api/v1/admin/concerts/{concert_id}/export/ledger.csv
                 get    /api/v1/admin/readiness
                 get    /api/v1/admin/alarms
                 post   /api/v1/admin/alarms/{alarm_id}/seen
                 post   /api/v1/admin/alarms/{alarm_id}/end
                 get    /api/v1/admin/webhooks
                 post   /api/v1/admin/webhooks
                 delete /api/v1/admin/webhooks/{webhook_id}
                 post   /api/v1/admin/webhooks/{webhook_id}/rotate
                 post   /api/v1/admin/webhooks/{webhook_id}/test
                 get    /api/v1/admin/webhooks/{webhook_id}/deliveries
                 post   /api/v1/admin/deliveries/{delivery_id}/resend
                 post   /api/v1/admin/session
                 get    /api/v1/admin/session
                 delete /api/v1/admin/session
                 post   /api/v1/admin/session/challenge
                 get    /api/v1/admin/passkeys
                 post   /api/v1/admin/passkeys
                 post   /api/v1/admin/passkeys/challenge
                 delete /api/v1/admin/passkeys/{passkey_id}
                 get    /api/v1/admin/operators
                 post   /api/v1/admin/operators
                 patch  /api/v1/admin/operators/{operator_id}
                 post   /api/v1/admin/operators/{operator_id}/link
                 get    /api/v1/admin/sessions
                 delete /api/v1/admin/sessions/{session_id}
                 get    /api/v1/admin/log
                 get    /healthz
                 get    /readyz
                 get    /metrics
                 get    /openapi.json
                 get    /asyncapi.json
                 get    /ws";
    let expected: BTreeSet<(&str, &str)> = calls
        .lines()
        .map(|line| line.trim().split_once(' ').expect("two words"))
        .map(|(verb, path)| (path.trim(), verb))
        .collect();
    let paths = document["paths"].as_object().expect("an object");
    let found: BTreeSet<(&str, &str)> = paths
        .iter()
        .flat_map(|(path, calls)| calls.as_object().expect("an object").keys().map(|verb| (&**path, &**verb)))
        .collect();
    assert_eq!(found, expected);
    let mut ids = BTreeSet::new();
    for (path, verb) in found {
        let call = &paths[path][verb];
        let id = call["operationId"].as_str().expect("a name");
        assert!(ids.insert(id), "{id} is there twice");
        let named: BTreeSet<&str> = call["parameters"]
            .as_array()
            .into_iter()
            .flatten()
            .filter(|parameter| parameter["in"] == "path")
            .map(|parameter| parameter["name"].as_str().expect("a name"))
            .collect();
        let in_path: BTreeSet<&str> = path
            .split('/')
            .filter_map(|part| part.strip_prefix('{').and_then(|part| part.strip_suffix('}')))
            .collect();
        assert_eq!(named, in_path, "{verb} {path}");
    }
}

/// Every refusal stands under its own status, and every reason that HTTP can give is given somewhere.
#[test]
fn every_reason_stands_under_its_status() {
    let document = openapi::document();
    let mut given = BTreeSet::new();
    for (path, calls) in document["paths"].as_object().expect("an object") {
        for (verb, call) in calls.as_object().expect("an object") {
            for (status, response) in call["responses"].as_object().expect("an object") {
                for name in response["x-reasons"].as_array().into_iter().flatten() {
                    let reason = Reason::from_name(name.as_str().expect("a name"));
                    // The status of a body that is too large, or comes too late, says more than the reason.
                    let expected = match status.as_str() {
                        "408" | "413" => status.clone(),
                        _ => reason.http_status().to_string(),
                    };
                    assert_eq!(*status, expected, "{verb} {path}: {reason}");
                    assert!(response["content"][PROBLEM_JSON].is_object(), "{verb} {path}: {reason}");
                    given.insert(reason);
                }
            }
        }
    }
    let never: Vec<&Reason> = Reason::ALL.iter().filter(|reason| !given.contains(reason)).collect();
    assert_eq!(never, [] as [&Reason; 0]);
}

/// The author of a client finds in either document what to do about each refusal.
#[test]
fn every_reason_says_what_a_client_does() {
    let (http, websocket) = (openapi::document(), asyncapi::document());
    let listed = websocket["x-reasons"].as_array().expect("a list");
    assert_eq!(listed.len(), Reason::ALL.len());
    for (reason, listed) in Reason::ALL.iter().zip(listed) {
        let name = reason.as_str();
        let advice = listed["advice"].as_str().expect("an advice");
        assert!(advice.len() > 20 && advice.ends_with('.'), "{name}: {advice}");
        assert_eq!(listed["reason"], name);
        for document in [&http, &websocket] {
            assert_eq!(document["components"]["schemas"]["Reason"]["x-advice"][name], advice, "{name}");
        }
    }
}

#[test]
fn every_reference_leads_somewhere() {
    fn walk(document: &Value, node: &Value, found: &mut usize) {
        match node {
            Value::Object(members) => {
                if let Some(reference) = members.get("$ref") {
                    let pointer =
                        reference.as_str().and_then(|text| text.strip_prefix('#')).expect("a pointer");
                    assert!(document.pointer(pointer).is_some(), "{reference} leads nowhere");
                    *found += 1;
                }
                members.values().for_each(|member| walk(document, member, found));
            }
            Value::Array(items) => items.iter().for_each(|item| walk(document, item, found)),
            _ => {}
        }
    }
    for document in [openapi::document(), asyncapi::document()] {
        let mut found = 0;
        walk(&document, &document, &mut found);
        assert!(found > 50, "only {found} references");
    }
}

#[test]
fn every_schema_is_used_and_says_what_it_is() {
    for document in [openapi::document(), asyncapi::document()] {
        let text = document.to_string();
        for (name, schema) in document["components"]["schemas"].as_object().expect("an object") {
            assert!(text.contains(&format!("\"#/components/schemas/{name}\"")), "nothing refers to {name}");
            assert!(schema["description"].is_string(), "{name} has no description");
        }
        // The names of Rust mean nothing to those who read the documents.
        assert!(!text.contains("limits::"), "a path of Rust is in a description");
    }
}
