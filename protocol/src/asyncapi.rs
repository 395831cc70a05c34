//! The websocket as an AsyncAPI 3 document, made from the types. Schemas are of JSON Schema draft 7, which AsyncAPI's
//! own are built on.

use schemars::generate::SchemaSettings;
use schemars::{Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

use crate::close::CloseCode;
use crate::error::{ErrorObject, Reason};
use crate::ids::RequestId;
use crate::limits::{FRAGMENTS_MAX, FRAME_BYTES_MAX};
use crate::ops::watch::OpsState;
use crate::push::Push;
use crate::request::{Method, Request};
use crate::result;
use crate::schema::Schemas;

/// The document: one channel; each method as an operation with its reply; each push as an operation of the server.
pub fn document() -> Value {
    let mut schemas = Schemas::new(SchemaSettings::draft07());
    let request_id = schemas.sent_by_clients::<RequestId>();
    let mut messages = Map::new();
    let mut operations = Map::new();
    for method in Method::ALL {
        let name = method.as_str();
        let params = schemas.of_clients(|generator| method.params_schema(generator));
        let result = schemas.of_server(|generator| method.result_schema(generator)).to_value();
        messages.insert(format!("{name}.request"), request_message(*method, &request_id, &params));
        messages.insert(format!("{name}.result"), result_message(name, &request_id, &result));
        let mut operation = json!({
            "action": "receive",
            "channel": {"$ref": "#/channels/frontrow"},
            "summary": method.summary().trim(),
            "messages": [in_channel(&format!("{name}.request"))],
            "reply": {
                "channel": {"$ref": "#/channels/frontrow"},
                "messages": [in_channel(&format!("{name}.result")), in_channel("error")]
            }
        });
        if let Some(roles) = method.roles() {
            operation["x-roles"] = json!(roles);
        }
        operations.insert(name.to_owned(), operation);
    }
    for (name, params) in schemas.of_server(Push::params_schemas) {
        messages.insert(name.to_owned(), push_message(name, &params.to_value()));
        operations.insert(
            name.to_owned(),
            json!({
                "action": "send",
                "channel": {"$ref": "#/channels/frontrow"},
                "messages": [in_channel(name)]
            }),
        );
    }
    let error = schemas.sent_by_server::<ErrorObject>();
    messages.insert("error".to_owned(), error_message(&request_id, &error));
    let channel_messages: Map<String, Value> = messages
        .keys()
        .map(|name| (name.clone(), json!({"$ref": format!("#/components/messages/{name}")})))
        .collect();
    json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "Frontrow",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Sells the seats of a concert, live: the place in line, every seat as it changes, holding \
                and paying over one websocket. JSON-RPC 2.0 in text frames; requests have an id, pushes have none. \
                Answers may come out of order. An unknown field in a request is refused; one in an answer or a push \
                is to be ignored.",
            "license": {"name": "MIT OR Apache-2.0"}
        },
        "defaultContentType": "application/json",
        "servers": {
            "frontrow": {
                "host": "{host}",
                "protocol": "ws",
                "variables": {"host": {"default": "127.0.0.1:8080"}},
                "security": [
                    {"$ref": "#/components/securitySchemes/accessToken"},
                    {"$ref": "#/components/securitySchemes/queueToken"},
                    {"$ref": "#/components/securitySchemes/operator"}
                ]
            }
        },
        "channels": {
            "frontrow": {
                "address": "/ws",
                "title": "The session of a fan or an operator",
                "description": format!(
                    "Subprotocol `{}`. The first request is `hello`, unless the upgrade carried a token. A message \
                     from a client has at most {FRAME_BYTES_MAX} bytes, in at most {FRAGMENTS_MAX} frames.",
                    crate::SUBPROTOCOL
                ),
                "servers": [{"$ref": "#/servers/frontrow"}],
                "messages": channel_messages,
                "bindings": {
                    "ws": {
                        "method": "GET",
                        "headers": {
                            "type": "object",
                            "properties": {
                                "Sec-WebSocket-Protocol": {"type": "string", "const": crate::SUBPROTOCOL},
                                "Authorization": {
                                    "type": "string",
                                    "description": "Bearer, with an access token or a queue token; in place of `hello`."
                                }
                            }
                        },
                        "bindingVersion": "0.1.0"
                    }
                },
                "x-close-codes": close_codes()
            }
        },
        "operations": operations,
        "components": {
            "messages": messages,
            "schemas": schemas.into_components(),
            "securitySchemes": {
                "accessToken": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": "Names a user; on the upgrade, or in `hello`."
                },
                "queueToken": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "Given by `queue.join`: resumes its session; on the upgrade, or in `hello`."
                },
                "operator": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "An operator's session, or a token that names roles; on the upgrade, or in `hello` as an \
                        access token. Operations with `x-roles` need one of those; `seats.watch` needs no place in line."
                }
            }
        },
        "x-reasons": reasons()
    })
}

fn in_channel(message: &str) -> Value {
    json!({"$ref": format!("#/channels/frontrow/messages/{message}")})
}

fn request_message(method: Method, id: &Value, params: &Value) -> Value {
    let name = method.as_str();
    let mut required = vec!["jsonrpc", "id", "method"];
    // Those who read requests know best whether they do without params.
    if Request::parse(method, None).is_err() {
        required.push("params");
    }
    json!({
        "name": format!("{name}.request"),
        "summary": method.summary().trim(),
        "correlationId": {"location": "$message.payload#/id"},
        "payload": {
            "type": "object",
            "properties": {
                "jsonrpc": {"const": "2.0"},
                "id": id,
                "method": {"const": name},
                "params": params
            },
            "required": required,
            "additionalProperties": false
        }
    })
}

fn result_message(name: &str, id: &Value, result: &Value) -> Value {
    json!({
        "name": format!("{name}.result"),
        "correlationId": {"location": "$message.payload#/id"},
        "payload": {
            "type": "object",
            "properties": {"jsonrpc": {"const": "2.0"}, "id": id, "result": result},
            "required": ["jsonrpc", "id", "result"]
        }
    })
}

fn error_message(id: &Value, error: &Value) -> Value {
    json!({
        "name": "error",
        "summary": "A refusal; its id is null where none could be read.",
        "correlationId": {"location": "$message.payload#/id"},
        "payload": {
            "type": "object",
            "properties": {
                "jsonrpc": {"const": "2.0"},
                "id": {"anyOf": [id, {"type": "null"}]},
                "error": error
            },
            "required": ["jsonrpc", "id", "error"]
        }
    })
}

fn push_message(name: &str, params: &Value) -> Value {
    json!({
        "name": name,
        "payload": {
            "type": "object",
            "properties": {"jsonrpc": {"const": "2.0"}, "method": {"const": name}, "params": params},
            "required": ["jsonrpc", "method", "params"]
        }
    })
}

fn close_codes() -> Vec<Value> {
    let describe = |close: &CloseCode| {
        json!({
            "code": close.code(),
            "text": close.text(),
            "may_reconnect": close.may_reconnect()
        })
    };
    CloseCode::ALL.iter().map(describe).collect()
}

fn reasons() -> Vec<Value> {
    let describe = |reason: &Reason| {
        json!({
            "reason": reason,
            "code": reason.code(),
            "retryable": reason.retryable(),
            "advice": reason.advice()
        })
    };
    Reason::ALL.iter().map(describe).collect()
}

impl Method {
    /// Matched without `_`, so that a new method has to say what it answers.
    pub(crate) fn result_schema(self, generator: &mut SchemaGenerator) -> Schema {
        match self {
            Self::Hello => generator.subschema_for::<result::Welcome>(),
            Self::Concerts => generator.subschema_for::<result::Concerts>(),
            Self::QueueJoin | Self::QueueGet | Self::QueueExtend | Self::QueueLeave => {
                generator.subschema_for::<result::QueueUpdate>()
            }
            Self::Schedules => generator.subschema_for::<result::Schedules>(),
            Self::SeatsWatch => generator.subschema_for::<result::Snapshot>(),
            Self::SeatsUnwatch => generator.subschema_for::<result::Done>(),
            Self::Hold | Self::HoldBest | Self::Release => generator.subschema_for::<result::Reservation>(),
            Self::Reservations => generator.subschema_for::<result::Reservations>(),
            Self::Balance => generator.subschema_for::<result::Balance>(),
            Self::Charge => generator.subschema_for::<result::Charged>(),
            Self::History => generator.subschema_for::<result::History>(),
            Self::Pay => generator.subschema_for::<result::Paid>(),
            Self::Cancel => generator.subschema_for::<result::Cancelled>(),
            Self::Tickets => generator.subschema_for::<result::Tickets>(),
            Self::Ping => generator.subschema_for::<result::Pong>(),
            Self::OpsWatch => generator.subschema_for::<OpsState>(),
            Self::OpsUnwatch => generator.subschema_for::<result::Done>(),
        }
    }
}
