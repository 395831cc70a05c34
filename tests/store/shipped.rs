//! Nothing that only tests need is in what is shipped: a double of the store there is one line of a setting away from being
//! sold from.

use std::path::{Path, PathBuf};

fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] }).collect()
}

/// The text of a section of a manifest.
fn section<'m>(manifest: &'m str, name: &str) -> &'m str {
    let (_, rest) = manifest.split_once(&format!("\n[{name}]\n")).expect("there is such a section");
    rest.split("\n[").next().unwrap_or(rest)
}

#[test]
fn what_is_shipped_has_no_path_to_what_is_for_tests() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files = sources(&root.join("src"));
    assert!(files.iter().any(|file| file.ends_with("src/store/sqlite.rs")));
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        // A file from elsewhere becomes a part of it by such an attribute.
        for line in text.lines().map(str::trim_start) {
            assert!(!line.starts_with("#[path"), "{}: {line}", file.display());
        }
        assert!(!text.contains("mod simulated"), "{}", file.display());
    }
    let manifest = std::fs::read_to_string(root.join("Cargo.toml")).unwrap();
    assert!(section(&manifest, "dev-dependencies").contains("frontrow-testing"));
    assert!(!section(&manifest, "dependencies").contains("frontrow-testing"));
    assert!(!section(&manifest, "features").contains("frontrow-testing"));
}
