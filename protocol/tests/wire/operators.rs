//! Goal: what the guide says about who may make which call is what the server goes by. Method: the guide's table is made
//! from the table of calls; the document says the same of each call.

use std::fmt::Write;

use frontrow_protocol::call::{Call, Side};
use frontrow_protocol::{Method, Role, asyncapi, openapi};
use serde_json::json;

const GUIDE: &str = include_str!("../../../docs/OPERATORS.md");
const BEGIN: &str = "<!-- calls: made from protocol/src/call.rs -->\n";
const END: &str = "<!-- end of calls -->";

fn table() -> String {
    let names: Vec<_> = Role::ALL.iter().map(|role| format!("`{role}`")).collect();
    let mut table = format!("| call | {} |\n| --- |{}\n", names.join(" | "), " :-: |".repeat(names.len()));
    for call in Call::ALL.iter().filter(|call| call.side() == Side::Operators) {
        let verb = call.verb().as_str().to_uppercase();
        let may = |role: &Role| call.roles().is_none_or(|roles| roles.contains(*role));
        let cells: Vec<_> = Role::ALL.iter().map(|role| if may(role) { "yes" } else { "" }).collect();
        let cells: Vec<_> = cells.iter().map(|cell| format!(" {cell} |").replace("  |", " |")).collect();
        writeln!(table, "| `{verb} {}` |{}", call.path(), cells.concat()).expect("memory takes all writes");
    }
    for method in Method::ALL {
        let Some(roles) = method.roles() else { continue };
        let cell = |role: &Role| if roles.contains(*role) { " yes |" } else { " |" };
        let cells: String = Role::ALL.iter().map(cell).collect();
        writeln!(table, "| `{method}` by websocket |{cells}").expect("memory takes all writes");
    }
    table
}

#[test]
fn the_guides_table_is_that_of_the_calls() {
    let (_, rest) = GUIDE.split_once(BEGIN).expect("the table's beginning");
    let (written, _) = rest.split_once(END).expect("the table's end");
    let made = table();
    assert_eq!(written, made, "docs/OPERATORS.md has to say, between its marks:\n{made}");
}

#[test]
fn the_document_says_who_may() {
    let document = openapi::document();
    for call in Call::ALL {
        let described = &document["paths"][call.path()][call.verb().as_str()];
        let roles = call.roles().map_or(json!(null), |roles| json!(roles));
        assert_eq!(described["x-roles"], roles, "{call:?}");
    }
    let document = asyncapi::document();
    for method in Method::ALL {
        let roles = method.roles().map_or(json!(null), |roles| json!(roles));
        assert_eq!(document["operations"][method.as_str()]["x-roles"], roles, "{method}");
    }
}
