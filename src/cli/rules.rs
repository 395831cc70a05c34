//! A sale's rules on a command line: `NAME=VALUE`, by the names that operators have for them over HTTP.

use anyhow::{Context, bail};
use frontrow::desk::translate;
use frontrow::domain::rules::OwnRulesPatch;
use frontrow_protocol::admin::SalePatch;
use frontrow_protocol::parse_body;
use serde_json::{Map, Value, json};

/// A rule and its value as the wire has it: a number, a duration such as 3m, or `default`, which takes back what was set.
#[derive(Clone)]
pub struct Rule(String, Value);

/// The parser of rules, for clap. Whether there is such a rule, and what it may be, is checked later, of all at once.
pub fn rule(text: &str) -> Result<Rule, String> {
    let (name, value) = text.split_once('=').ok_or("a rule is NAME=VALUE")?;
    let value = match value {
        "default" => Value::Null,
        value => value.parse().map_or_else(|_| json!(value), |number: u32| json!(number)),
    };
    Ok(Rule(name.to_owned(), value))
}

/// The patch of these rules. The state, the opening and the message are no rules, and have commands of their own.
pub fn patch(rules: &[Rule]) -> anyhow::Result<Value> {
    let mut patch = Map::new();
    for Rule(name, value) in rules {
        if matches!(&**name, "state" | "opens_at" | "message") {
            bail!("`{name}` is not a rule: it has a command or a flag of its own");
        }
        if patch.insert(name.clone(), value.clone()).is_some() {
            bail!("the rule `{name}` is there twice");
        }
    }
    Ok(Value::Object(patch))
}

/// The same, read as a server reads it.
pub fn own(rules: &[Rule]) -> anyhow::Result<OwnRulesPatch> {
    let patch: SalePatch =
        parse_body(patch(rules)?.to_string().as_bytes()).context("could not read the rules")?;
    Ok(translate::sale_patch(patch).own)
}
