//! The JSON schemas behind both documents, made from the types.
//! What clients send and what the server sends are described apart: of the former, a field with a default may be
//! absent; of the latter, only a field that is left out when empty.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Map, Value};

/// The place of the schemas in both documents.
const PATH: &str = "/components/schemas";

pub(crate) struct Schemas {
    sent_by_clients: SchemaGenerator,
    sent_by_server: SchemaGenerator,
}

impl Schemas {
    /// `settings` say which draft of JSON Schema the document uses.
    pub fn new(settings: SchemaSettings) -> Self {
        let settings = settings.with(|settings| {
            settings.definitions_path = PATH.into();
            settings.meta_schema = None;
        });
        Self {
            sent_by_clients: settings.clone().for_deserialize().into_generator(),
            sent_by_server: settings.for_serialize().into_generator(),
        }
    }

    /// A reference to the schema of what clients send.
    pub fn sent_by_clients<T: JsonSchema>(&mut self) -> Value {
        self.sent_by_clients.subschema_for::<T>().to_value()
    }

    /// A reference to the schema of what the server sends.
    pub fn sent_by_server<T: JsonSchema>(&mut self) -> Value {
        self.sent_by_server.subschema_for::<T>().to_value()
    }

    pub fn of_clients(&mut self, schema: impl FnOnce(&mut SchemaGenerator) -> Schema) -> Value {
        schema(&mut self.sent_by_clients).to_value()
    }

    pub fn of_server<T>(&mut self, schema: impl FnOnce(&mut SchemaGenerator) -> T) -> T {
        schema(&mut self.sent_by_server)
    }

    /// All schemas that were referred to, by name.
    pub fn into_components(mut self) -> Map<String, Value> {
        let mut components = self.sent_by_clients.take_definitions(true);
        for (name, mut schema) in self.sent_by_server.take_definitions(true) {
            optional_is_absent(&mut schema);
            if let Some(other) = components.insert(name.clone(), schema) {
                assert_eq!(other, components[&name], "{name} is one name for two shapes");
            }
        }
        components.values_mut().for_each(polish);
        components
    }
}

const UUID: &str = "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$";

/// Spells out what a format like `uint32` means, since to most validators it says nothing, and makes one line of each
/// description.
fn polish(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            if let Some(Value::String(description)) = members.get_mut("description") {
                *description = description.replace('\n', " ");
            }
            let (min, max): (Value, Value) = match members.get("format").and_then(Value::as_str) {
                Some("uuid") => {
                    members.entry("pattern").or_insert(UUID.into());
                    return;
                }
                Some("uint16") => (0.into(), u16::MAX.into()),
                Some("uint32") => (0.into(), u32::MAX.into()),
                Some("uint64") => (0.into(), u64::MAX.into()),
                Some("int32") => (i32::MIN.into(), i32::MAX.into()),
                Some("int64") => (i64::MIN.into(), i64::MAX.into()),
                _ => return members.values_mut().for_each(polish),
            };
            members.entry("minimum").or_insert(min);
            members.entry("maximum").or_insert(max);
        }
        Value::Array(items) => items.iter_mut().for_each(polish),
        _ => {}
    }
}

/// Says of each optional property that it is absent or there, never null: so the server writes them.
fn optional_is_absent(schema: &mut Value) {
    let required: Vec<String> = schema["required"]
        .as_array()
        .map(|names| names.iter().filter_map(|name| name.as_str().map(str::to_owned)).collect())
        .unwrap_or_default();
    let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) else { return };
    for (_, property) in properties.iter_mut().filter(|(name, _)| !required.contains(name)) {
        if let Some(types) = property.get_mut("type").and_then(Value::as_array_mut) {
            types.retain(|kind| kind != "null");
            if let [only] = &types[..] {
                property["type"] = only.clone();
            }
        }
        if let Some(choices) = property.get_mut("anyOf").and_then(Value::as_array_mut) {
            choices.retain(|choice| choice["type"] != "null");
        }
    }
}
