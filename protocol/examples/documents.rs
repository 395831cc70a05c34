//! Prints both published documents, as one object: what other languages make their types from.

use frontrow_protocol::{asyncapi, openapi};

fn main() {
    println!("{}", serde_json::json!({"openapi": openapi::document(), "asyncapi": asyncapi::document()}));
}
