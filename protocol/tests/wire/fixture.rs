//! The folder of fixtures: `fixtures/KIND/NAME.json`, or `NAME.VARIANT.json` where one is not enough.

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde_json::Value;

pub struct Fixture {
    /// The thing that it is a fixture of.
    pub name: String,
    /// The file's path, for a failure's message.
    pub file: String,
    pub text: String,
    pub json: Value,
}

/// The fixtures of one kind. Fails on a file that belongs to none of the names, and on a name without a file.
pub fn fixtures<'a>(kind: &str, names: impl IntoIterator<Item = &'a str>) -> Vec<Fixture> {
    let mut missing: BTreeSet<&str> = names.into_iter().collect();
    let known = missing.clone();
    let mut fixtures = all(kind);
    for fixture in &mut fixtures {
        let mut name = &*fixture.name;
        while !known.contains(name) {
            name =
                name.rsplit_once('.').unwrap_or_else(|| panic!("{}: there is no such type", fixture.file)).0;
        }
        missing.remove(name);
        fixture.name = name.to_owned();
    }
    assert!(missing.is_empty(), "no fixture of kind {kind} for {missing:?}");
    fixtures
}

/// The fixtures of one kind, named like their files.
pub fn all(kind: &str) -> Vec<Fixture> {
    let folder = root().join(kind);
    let mut fixtures = Vec::new();
    for entry in std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
        let path = entry.expect("the folder can be read").path();
        let file = format!("{kind}/{}", path.file_name().expect("a file has a name").to_string_lossy());
        let name = path.file_stem().expect("a file has a name").to_string_lossy().into_owned();
        assert!(file.ends_with(".json"), "{file} is no fixture");
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{file}: {error}"));
        let json = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{file}: {error}"));
        fixtures.push(Fixture { name, file, text, json });
    }
    fixtures.sort_by(|one, two| one.file.cmp(&two.file));
    fixtures
}

/// The kinds that exist as folders.
pub fn kinds() -> BTreeSet<String> {
    std::fs::read_dir(root())
        .expect("the fixtures are there")
        .map(|entry| entry.expect("the folder can be read").file_name().to_string_lossy().into_owned())
        .collect()
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}
