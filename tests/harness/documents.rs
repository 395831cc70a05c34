//! The published documents, held against everything that the server says in these tests: each frame and each HTTP
//! answer has to be described, and to be as it is described.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use frontrow_protocol::{asyncapi, openapi};
use jsonschema::{Draft, Validator};
use parking_lot::Mutex;
use serde_json::{Value, json};

static ASYNCAPI: LazyLock<Document> = LazyLock::new(|| Document::new(asyncapi::document(), Draft::Draft7));
static OPENAPI: LazyLock<Document> = LazyLock::new(|| Document::new(openapi::document(), Draft::Draft202012));

struct Document {
    json: Value,
    draft: Draft,
    /// Schemas that were compiled, by the pointer to them.
    validators: Mutex<HashMap<String, Arc<Validator>>>,
}

impl Document {
    fn new(json: Value, draft: Draft) -> Self {
        Self { json, draft, validators: Mutex::default() }
    }

    fn assert_valid(&self, pointer: &str, what: &str, instance: &Value) {
        let validator = self
            .validators
            .lock()
            .entry(pointer.to_owned())
            .or_insert_with(|| {
                assert!(self.json.pointer(pointer).is_some(), "{what} is not described at {pointer}");
                // A reference is a URI, in which braces are not allowed.
                let reference = format!("#{pointer}").replace('{', "%7B").replace('}', "%7D");
                let (components, paths) = (&self.json["components"], &self.json["paths"]);
                let schema =
                    json!({"allOf": [{"$ref": reference}], "components": components, "paths": paths});
                Arc::new(jsonschema::options().with_draft(self.draft).build(&schema).unwrap())
            })
            .clone();
        let faults: Vec<_> = validator.iter_errors(instance).map(|fault| fault.to_string()).collect();
        assert!(faults.is_empty(), "{what} is not as described: {faults:#?} in {instance}");
    }
}

/// Checks a frame; `method` is what it answers, if it answers.
pub fn check_frame(method: Option<&str>, frame: &Value) {
    let name = match (frame["method"].as_str(), method) {
        (Some(push), _) => push.to_owned(),
        (None, method) if frame.get("result").is_some() => match method {
            Some(method) => format!("{method}.result"),
            // The request was written by hand.
            None => return,
        },
        (None, _) => "error".to_owned(),
    };
    ASYNCAPI.assert_valid(&format!("/components/messages/{name}/payload"), &name, frame);
}

/// Checks an HTTP answer, as far as the path and verb are described at all.
pub fn check_http(method: &str, path: &str, status: u16, content_type: &str, body: &Value) {
    let path = path.split('?').next().unwrap_or_default();
    let verb = method.to_ascii_lowercase();
    let paths = OPENAPI.json["paths"].as_object().unwrap();
    let Some(template) =
        paths.keys().find(|template| fits(template, path) && paths[*template].get(&verb).is_some())
    else {
        return;
    };
    let reason = body["reason"].as_str();
    // A refusal at the door is the same for every path.
    if matches!((status, reason), (503, Some("OVERLOADED"))) {
        return;
    }
    let what = format!("{method} {path} {status}");
    let response = &paths[template][&verb]["responses"][status.to_string()];
    assert!(response.is_object(), "{what} is not described");
    if let (Some(reason), Some(described)) = (reason, response["x-reasons"].as_array()) {
        assert!(described.contains(&json!(reason)), "{what} may not say {reason}");
    }
    if response["content"].get(content_type).is_some() && content_type.ends_with("json") {
        let place =
            [template.as_str(), &verb, "responses", &status.to_string(), "content", content_type, "schema"]
                .map(|part| part.replace('~', "~0").replace('/', "~1"))
                .join("/");
        OPENAPI.assert_valid(&format!("/paths/{place}"), &what, body);
    }
}

fn fits(template: &str, path: &str) -> bool {
    let (template, path) = (template.split('/'), path.split('/'));
    template.clone().count() == path.clone().count()
        && template.zip(path).all(|(expected, found)| expected.starts_with('{') || expected == found)
}
