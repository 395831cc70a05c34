//! JSON-RPC 2.0 around it all: reading a request, writing answers and pushes, and the same seen from the client.
//! Always: whatever text comes in, `parse_request` gives a request with an id, or a refusal that echoes the id when it
//! could be read. Not here: batches, notifications from clients; both are refused.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, de};
use serde_json::value::RawValue;

use crate::error::ErrorObject;
use crate::ids::RequestId;
use crate::limits::REQUEST_ID_BYTES_MAX;
use crate::push::Push;
use crate::request::{Method, Request};

/// A text that is no request: what to answer, and to which id.
#[derive(Clone, Debug, PartialEq)]
pub struct Malformed {
    /// `None` is answered as `null`, as JSON-RPC wants.
    pub id: Option<RequestId>,
    /// The method, as far as it was read.
    pub method: Option<Method>,
    pub error: ErrorObject,
}

/// Reads the text of one frame from a client.
pub fn parse_request(text: &str) -> Result<(RequestId, Request), Malformed> {
    let nameless = |error| Malformed { id: None, method: None, error };
    if !text.trim_ascii_start().starts_with('{') {
        let error = match serde_json::from_str::<&RawValue>(text) {
            Err(_) => ErrorObject::parse(),
            Ok(json) if json.get().starts_with('[') => {
                ErrorObject::invalid_request("batches are not accepted")
            }
            Ok(_) => ErrorObject::invalid_request("a request is an object"),
        };
        return Err(nameless(error));
    }
    let envelope: Envelope<'_> = serde_json::from_str(text).map_err(|_| nameless(ErrorObject::parse()))?;
    let id = envelope.id.map(read_id);
    // The id first: every later refusal echoes it.
    let (known_id, id_fault) = match id {
        Some(Ok(id)) => (Some(id), None),
        Some(Err(fault)) => (None, Some(fault)),
        None => (None, Some("`id` is missing; requests without one are not accepted")),
    };
    let invalid = |id: Option<RequestId>, message: Cow<'static, str>| Malformed {
        id,
        method: None,
        error: ErrorObject::invalid_request(message),
    };
    if let Some(doubled) = envelope.doubled {
        // Nobody knows which of two ids was meant.
        let id = if doubled == "id" { None } else { known_id };
        return Err(invalid(id, format!("`{doubled}` is there twice").into()));
    }
    if let Some(unknown) = envelope.unknown {
        return Err(invalid(
            known_id,
            format!("unknown field `{unknown}` beside jsonrpc, id, method, params").into(),
        ));
    }
    let id = match (known_id, id_fault) {
        (Some(id), _) => id,
        (None, fault) => return Err(invalid(None, fault.unwrap_or_default().into())),
    };
    if envelope.jsonrpc.and_then(read_string).as_deref() != Some("2.0") {
        return Err(invalid(Some(id), "`jsonrpc` must be \"2.0\"".into()));
    }
    let Some(name) = envelope.method.and_then(read_string) else {
        return Err(invalid(Some(id), "`method` must be a string".into()));
    };
    let Some(method) = Method::from_name(&name) else {
        return Err(Malformed { id: Some(id), method: None, error: ErrorObject::unknown_method(&name) });
    };
    match Request::parse(method, envelope.params) {
        Ok(request) => Ok((id, request)),
        Err(error) => Err(Malformed { id: Some(id), method: Some(method), error }),
    }
}

fn read_string(json: &RawValue) -> Option<Cow<'_, str>> {
    // A string without escapes is used where it lies.
    let inner = json.get().strip_prefix('"')?.strip_suffix('"')?;
    if inner.contains('\\') {
        serde_json::from_str(json.get()).ok().map(Cow::Owned)
    } else {
        Some(Cow::Borrowed(inner))
    }
}

fn read_id(json: &RawValue) -> Result<RequestId, &'static str> {
    if json.get().starts_with('"') {
        let text = read_string(json).ok_or("`id` is not a well-formed string")?;
        if text.len() > REQUEST_ID_BYTES_MAX {
            return Err("`id` has more than 64 bytes");
        }
        return Ok(RequestId::Text(text.into()));
    }
    serde_json::from_str(json.get())
        .map(RequestId::Integer)
        .map_err(|_| "`id` must be an integer of 64 bits or a string")
}

const _: () = assert!(REQUEST_ID_BYTES_MAX == 64, "the refusal says so");

/// The fields of an envelope where they lie. Fails on nothing but JSON that is none, so that the id can be
/// echoed whatever else is wrong.
#[derive(Default)]
struct Envelope<'a> {
    jsonrpc: Option<&'a RawValue>,
    id: Option<&'a RawValue>,
    method: Option<&'a RawValue>,
    params: Option<&'a RawValue>,
    /// The first field that is there twice.
    doubled: Option<&'static str>,
    /// The first field that does not belong here, cut to 64 characters.
    unknown: Option<String>,
}

impl<'de: 'a, 'a> Deserialize<'de> for Envelope<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;
        impl<'de> de::Visitor<'de> for Fields {
            type Value = Envelope<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Envelope<'de>, A::Error> {
                let mut envelope = Envelope::default();
                while let Some(key) = map.next_key::<Key<'de>>()? {
                    let value: &'de RawValue = map.next_value()?;
                    let (name, field) = match &*key.0 {
                        "jsonrpc" => ("jsonrpc", &mut envelope.jsonrpc),
                        "id" => ("id", &mut envelope.id),
                        "method" => ("method", &mut envelope.method),
                        "params" => ("params", &mut envelope.params),
                        unknown => {
                            envelope.unknown.get_or_insert_with(|| unknown.chars().take(64).collect());
                            continue;
                        }
                    };
                    if field.replace(value).is_some() {
                        envelope.doubled.get_or_insert(name);
                    }
                }
                Ok(envelope)
            }
        }
        deserializer.deserialize_map(Fields)
    }
}

/// An object's key, borrowed unless it has escapes.
struct Key<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Key<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct KeyVisitor;
        impl<'de> de::Visitor<'de> for KeyVisitor {
            type Value = Key<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key")
            }
            fn visit_borrowed_str<E: de::Error>(self, key: &'de str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Borrowed(key)))
            }
            fn visit_str<E: de::Error>(self, key: &str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Owned(key.to_owned())))
            }
        }
        deserializer.deserialize_str(KeyVisitor)
    }
}

/// The text of an answer that succeeded.
pub fn encode_result(id: &RequestId, result: &impl Serialize) -> String {
    let mut out = begin_answer(Some(id), "result", 256);
    write_json(&mut out, result);
    finish(out)
}

/// Like `encode_result`, with a result that was encoded before: one that goes to many is encoded once.
pub fn encode_result_raw(id: &RequestId, result: &str) -> String {
    let mut out = begin_answer(Some(id), "result", result.len() + 64);
    out.extend_from_slice(result.as_bytes());
    finish(out)
}

/// The text of an answer that refuses; without an id where none could be read.
pub fn encode_error(id: Option<&RequestId>, error: &ErrorObject) -> String {
    let mut out = begin_answer(id, "error", 256);
    write_json(&mut out, error);
    finish(out)
}

/// The text of a push.
pub fn encode_push(push: &Push) -> String {
    let mut out = Vec::with_capacity(384);
    out.extend_from_slice(br#"{"jsonrpc":"2.0","method":""#);
    out.extend_from_slice(push.method().as_bytes());
    out.extend_from_slice(br#"","params":"#);
    write_json(&mut out, push);
    finish(out)
}

/// The text of a request.
pub fn encode_request(id: &RequestId, request: &Request) -> String {
    let mut out = Vec::with_capacity(192);
    out.extend_from_slice(br#"{"jsonrpc":"2.0","id":"#);
    write_json(&mut out, id);
    out.extend_from_slice(br#","method":""#);
    out.extend_from_slice(request.method().as_str().as_bytes());
    out.extend_from_slice(br#"","params":"#);
    write_json(&mut out, request);
    finish(out)
}

fn begin_answer(id: Option<&RequestId>, member: &str, capacity: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(capacity);
    out.extend_from_slice(br#"{"jsonrpc":"2.0","id":"#);
    write_json(&mut out, &id);
    out.extend_from_slice(b",\"");
    out.extend_from_slice(member.as_bytes());
    out.extend_from_slice(b"\":");
    out
}

fn write_json(out: &mut Vec<u8>, value: &impl Serialize) {
    serde_json::to_writer(out, value)
        .expect("wire types have string keys and write to memory: nothing can fail");
}

fn finish(mut out: Vec<u8>) -> String {
    out.push(b'}');
    String::from_utf8(out).expect("JSON is UTF-8")
}

/// A message from the server, as a client reads it.
#[derive(Debug)]
pub enum ServerMessage<'a> {
    Response(Response<'a>),
    Push(Push),
    /// A push that is newer than this crate: to be ignored.
    UnknownPush(Cow<'a, str>),
}

/// An answer to one request.
#[derive(Debug)]
pub struct Response<'a> {
    /// `None` where the server could not read the id.
    pub id: Option<RequestId>,
    /// The result where it lies, or the refusal.
    pub outcome: Result<&'a RawValue, ErrorObject>,
}

/// Why a text is not what a server sends, or an answer is not the expected one.
#[derive(Debug, thiserror::Error)]
pub enum MessageError {
    #[error("the message is malformed")]
    Malformed(#[from] serde_json::Error),
    #[error("the message has neither a method nor exactly one of result and error")]
    Shapeless,
    #[error("the server refused: {0}")]
    Refused(ErrorObject),
}

#[derive(Deserialize)]
struct ServerEnvelope<'a> {
    #[serde(default)]
    id: Option<RequestId>,
    #[serde(default, borrow)]
    method: Option<Cow<'a, str>>,
    #[serde(default, borrow)]
    params: Option<&'a RawValue>,
    #[serde(default, borrow)]
    result: Option<&'a RawValue>,
    #[serde(default)]
    error: Option<ErrorObject>,
}

impl<'a> ServerMessage<'a> {
    pub fn parse(text: &'a str) -> Result<Self, MessageError> {
        let envelope: ServerEnvelope<'a> = serde_json::from_str(text)?;
        match envelope {
            ServerEnvelope { method: Some(method), params, result: None, error: None, .. } => {
                match Push::parse(&method, params.map_or("{}", RawValue::get)) {
                    Some(push) => Ok(Self::Push(push?)),
                    None => Ok(Self::UnknownPush(method)),
                }
            }
            ServerEnvelope { method: None, id, result: Some(result), error: None, .. } => {
                Ok(Self::Response(Response { id, outcome: Ok(result) }))
            }
            ServerEnvelope { method: None, id, result: None, error: Some(error), .. } => {
                Ok(Self::Response(Response { id, outcome: Err(error) }))
            }
            _ => Err(MessageError::Shapeless),
        }
    }
}

impl<'a> Response<'a> {
    /// The result as its type; the caller knows which method it asked.
    pub fn into_result<T: Deserialize<'a>>(self) -> Result<T, MessageError> {
        match self.outcome {
            Ok(result) => Ok(serde_json::from_str(result.get())?),
            Err(error) => Err(MessageError::Refused(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Reason;
    use crate::request::{Charge, Hello, NoParams};

    /// One line each: the text, `=>`, the id that is echoed, the reason, and a part of the message.
    fn check_refusals(table: &str) {
        for line in table.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let (text, expected) = line.split_once("=>").expect("a line has =>");
            let mut expected = expected.trim().splitn(3, ' ');
            let refusal = parse_request(text.trim()).expect_err(line);
            assert_eq!(serde_json::to_string(&refusal.id).unwrap(), expected.next().unwrap(), "{line}");
            assert_eq!(refusal.error.reason().as_str(), expected.next().unwrap(), "{line}");
            let part = expected.next().unwrap_or_default();
            assert!(refusal.error.message.contains(part), "{line}: {}", refusal.error.message);
        }
    }

    #[test]
    fn an_envelope_that_is_none_is_refused_with_the_id_it_had() {
        check_refusals(
            r#"{"jsonrpc":"2.0","id":1,"method":"ping"      => null PARSE
               hello                                        => null PARSE
               {"jsonrpc":"2.0","id":1,"method":"ping"} x   => null PARSE
               []                                           => null INVALID_REQUEST batches
               [{"jsonrpc":"2.0","id":1,"method":"ping"}]   => null INVALID_REQUEST batches
               3                                            => null INVALID_REQUEST object
               null                                         => null INVALID_REQUEST object
               {}                                           => null INVALID_REQUEST `id` is missing
               {"jsonrpc":"2.0","method":"ping"}            => null INVALID_REQUEST `id` is missing
               {"jsonrpc":"2.0","id":null,"method":"ping"}  => null INVALID_REQUEST `id` must be
               {"jsonrpc":"2.0","id":1.0,"method":"ping"}   => null INVALID_REQUEST `id` must be
               {"jsonrpc":"2.0","id":9223372036854775808,"method":"ping"} => null INVALID_REQUEST `id` must be
               {"jsonrpc":"2.0","id":[1],"method":"ping"}   => null INVALID_REQUEST `id` must be
               {"jsonrpc":"2.0","id":1,"id":1,"method":"ping"} => null INVALID_REQUEST `id` is there twice
               {"id":1,"method":"ping"}                     => 1 INVALID_REQUEST `jsonrpc`
               {"jsonrpc":"1.0","id":1,"method":"ping"}     => 1 INVALID_REQUEST `jsonrpc`
               {"jsonrpc":2.0,"id":1,"method":"ping"}       => 1 INVALID_REQUEST `jsonrpc`
               {"jsonrpc":"2.0","id":"a"}                   => "a" INVALID_REQUEST `method`
               {"jsonrpc":"2.0","id":1,"method":7}          => 1 INVALID_REQUEST `method`
               {"jsonrpc":"2.0","id":1,"method":"ping","method":"ping"} => 1 INVALID_REQUEST `method` is there twice
               {"jsonrpc":"2.0","method":"ping","extra":1,"id":1} => 1 INVALID_REQUEST `extra`
               {"jsonrpc":"2.0","id":1,"method":"Ping"}     => 1 UNKNOWN_METHOD `Ping`
               {"jsonrpc":"2.0","id":1,"method":"toString"} => 1 UNKNOWN_METHOD"#,
        );
        let id = "x".repeat(65);
        let refusal =
            parse_request(&format!(r#"{{"jsonrpc":"2.0","id":"{id}","method":"ping"}}"#)).unwrap_err();
        assert_eq!((refusal.id, refusal.error.reason()), (None, Reason::InvalidRequest));
        let deep = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"ping","params":{}"#, "[".repeat(16_000));
        assert_eq!(parse_request(&deep).unwrap_err().error.reason(), Reason::Parse);
    }

    #[test]
    fn wrong_params_are_refused_by_their_name() {
        check_refusals(
            r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":[]}          => 1 INVALID_PARAMS object
               {"jsonrpc":"2.0","id":1,"method":"ping","params":null}        => 1 INVALID_PARAMS object
               {"jsonrpc":"2.0","id":1,"method":"ping","params":{"x":1}}     => 1 INVALID_PARAMS `x`
               {"jsonrpc":"2.0","id":1,"method":"charge"}                    => 1 INVALID_PARAMS `amount`
               {"jsonrpc":"2.0","id":1,"method":"charge","params":{"amount":"5","request_id":"a"}} => 1 INVALID_PARAMS `amount`
               {"jsonrpc":"2.0","id":1,"method":"charge","params":{"amount":1.5,"request_id":"a"}} => 1 INVALID_PARAMS `amount`
               {"jsonrpc":"2.0","id":1,"method":"charge","params":{"amount":1e999,"request_id":"a"}} => 1 INVALID_PARAMS `amount`
               {"jsonrpc":"2.0","id":1,"method":"charge","params":{"amount":9223372036854775808,"request_id":"a"}} => 1 INVALID_PARAMS `amount`
               {"jsonrpc":"2.0","id":1,"method":"charge","params":{"amount":5,"amount":5,"request_id":"a"}} => 1 INVALID_PARAMS `amount`
               {"jsonrpc":"2.0","id":1,"method":"charge","params":{"amount":5,"request_id":""}} => 1 INVALID_PARAMS `request_id`: must have 1 to 128 characters
               {"jsonrpc":"2.0","id":1,"method":"charge","params":{"amount":5,"request_id":7}} => 1 INVALID_PARAMS `request_id`
               {"jsonrpc":"2.0","id":1,"method":"queue.join","params":{"concert_id":-1}} => 1 INVALID_PARAMS `concert_id`
               {"jsonrpc":"2.0","id":1,"method":"queue.join","params":{"concert_id":4294967296}} => 1 INVALID_PARAMS `concert_id`
               {"jsonrpc":"2.0","id":1,"method":"hold","params":{"schedule_id":1,"seats":[]}} => 1 INVALID_PARAMS `seats`: name at least one seat
               {"jsonrpc":"2.0","id":1,"method":"hold","params":{"schedule_id":1,"seats":[4,5,4]}} => 1 INVALID_PARAMS `seats`: seat 4 is named twice
               {"jsonrpc":"2.0","id":1,"method":"hold","params":{"schedule_id":1,"seats":[4,"5"]}} => 1 INVALID_PARAMS `seats[1]`
               {"jsonrpc":"2.0","id":1,"method":"hold","params":{"schedule_id":1,"seats":4}} => 1 INVALID_PARAMS `seats`
               {"jsonrpc":"2.0","id":1,"method":"hold_best","params":{"schedule_id":1,"count":0}} => 1 INVALID_PARAMS `count`: must be 1 to 100
               {"jsonrpc":"2.0","id":1,"method":"hold_best","params":{"schedule_id":1,"count":1,"max_price":-1}} => 1 INVALID_PARAMS `max_price`: must be 0 to 9007199254740991
               {"jsonrpc":"2.0","id":1,"method":"hold_best","params":{"schedule_id":1,"count":1,"category":""}} => 1 INVALID_PARAMS `category`
               {"jsonrpc":"2.0","id":1,"method":"history","params":{"limit":201}} => 1 INVALID_PARAMS `limit`: must be 1 to 200
               {"jsonrpc":"2.0","id":1,"method":"pay","params":{"reservation_id":"seven"}} => 1 INVALID_PARAMS `reservation_id`
               {"jsonrpc":"2.0","id":1,"method":"hello","params":{}} => 1 INVALID_PARAMS exactly one
               {"jsonrpc":"2.0","id":1,"method":"hello","params":{"access_token":"a","queue_token":"8b1f0000-0000-8000-8000-000000000000"}} => 1 INVALID_PARAMS exactly one"#,
        );
    }

    #[test]
    fn a_request_is_read_as_it_was_written() {
        let id = RequestId::Text("ä\"\\".into());
        let request = Request::Charge(Charge { amount: -5, request_id: "k".try_into().unwrap() });
        assert_eq!(parse_request(&encode_request(&id, &request)), Ok((id, request)));
        let ping = Ok((RequestId::Integer(-7), Request::Ping(NoParams {})));
        assert_eq!(parse_request(r#" { "method":"ping" , "id":-7, "jsonrpc":"2.0" } "#), ping);
        assert_eq!(parse_request(r#"{"jsonrpc":"2.0","\u0069d":-7,"method":"\u0070ing","params":{}}"#), ping);
    }

    #[test]
    fn a_token_does_not_appear_in_debug_output() {
        let hello = Request::Hello(Hello::AccessToken("secret".into()));
        assert!(!format!("{hello:?}").contains("secret"));
    }

    #[test]
    fn answers_and_pushes_are_distinguished() {
        let id = RequestId::Integer(1);
        let text = encode_result(&id, &crate::result::Balance { balance: 5, currency: None });
        assert_eq!(text, r#"{"jsonrpc":"2.0","id":1,"result":{"balance":5,"currency":null}}"#);
        assert_eq!(text, encode_result_raw(&id, r#"{"balance":5,"currency":null}"#));
        let Ok(ServerMessage::Response(answer)) = ServerMessage::parse(&text) else { panic!("an answer") };
        assert_eq!(answer.into_result::<crate::result::Balance>().unwrap().balance, 5);

        let text = encode_error(None, &ErrorObject::parse());
        let Ok(ServerMessage::Response(answer)) = ServerMessage::parse(&text) else { panic!("an answer") };
        assert_eq!((answer.id, answer.outcome.unwrap_err()), (None, ErrorObject::parse()));

        let newer = r#"{"jsonrpc":"2.0","method":"weather.update","params":{"rain":true}}"#;
        assert!(
            matches!(ServerMessage::parse(newer), Ok(ServerMessage::UnknownPush(name)) if name == "weather.update")
        );
        assert!(matches!(ServerMessage::parse(r#"{"jsonrpc":"2.0","id":1}"#), Err(MessageError::Shapeless)));
    }
}
