//! Many modules joined to two: what the first view needs, and what is fetched once somebody chooses seats. A phone far
//! away waits for each request; for forty it waits seconds.
//!
//! This reads modules as this repository and its vendored libraries write them, not JavaScript at large: imports and
//! exports are statements of their own at the beginning of a line (minified files: of the file, and anywhere for the
//! exports). Each module becomes a function that runs once, after those that it imports, and gives its exports. Always:
//! what this cannot join for certain (a circle of imports, an exported `let`, an await at the top of a module) is an
//! error, and the modules are served as they are.

use std::collections::{BTreeMap, BTreeSet};

/// Modules joined in two files.
pub struct Joined {
    /// The entry and all that it imports.
    pub first: String,
    /// The modules that those import by `import()`, save modules without imports of their own, such as a language's
    /// words.
    pub later: String,
}

/// The paths of the joined files, from the root of the client.
pub const FIRST: &str = "app/joined.js";
pub const LATER: &str = "app/joined-later.js";

/// Why modules could not be joined.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum JoinError {
    #[error("{importer} imports {path}, which does not exist")]
    Missing { importer: String, path: String },
    #[error("{0} is part of a circle of imports")]
    Circle(String),
    #[error("{path}: cannot join the statement {statement:?}")]
    Statement { path: String, statement: String },
}

/// Joins what `entry` needs. `bare` gives the path of names that are no paths, as the page's import map does.
pub fn join(
    entry: &str,
    bare: &BTreeMap<String, String>,
    read: impl Fn(&str) -> Option<String>,
) -> Result<Joined, JoinError> {
    let mut modules = Modules { bare, read: &read, order: Vec::new(), known: BTreeMap::new() };
    modules.add(entry, entry)?;
    let first = modules.order.len();
    // A module that is asked for later may ask for more; each is looked at once.
    let mut next = 0;
    while next < modules.order.len() {
        let asked: Vec<String> = modules.module(next).dynamic.clone();
        for path in asked {
            if modules.parse(&path, entry)?.imports.is_empty() {
                continue;
            }
            modules.add(&path, entry)?;
        }
        next += 1;
    }
    let names: BTreeMap<&str, String> =
        modules.order.iter().enumerate().map(|(index, path)| (path.as_str(), format!("$m{index}"))).collect();
    let bundle = Bundle { names: &names, first: &modules.order[..first] };
    let mut head = String::new();
    let exported: Vec<&str> = modules.order[..first]
        .iter()
        .filter(|path| *path != entry)
        .map(|path| &*names[path.as_str()])
        .collect();
    head.push_str(&format!("export {{ {} }};\n", exported.join(", ")));
    for path in modules.order[..first].iter().filter(|path| *path != entry) {
        head.push_str(&modules.known[path].as_function(&bundle));
    }
    head.push_str(&modules.known[entry].as_block(&bundle));
    let rest = &modules.order[first..];
    let needed: BTreeSet<&str> = rest
        .iter()
        .flat_map(|path| modules.known[path].imports.iter())
        .filter(|import| bundle.first.contains(&import.from))
        .map(|import| &*names[import.from.as_str()])
        .collect();
    let needed: Vec<&str> = needed.into_iter().collect();
    let mut later = format!("import {{ {} }} from './joined.js';\n", needed.join(", "));
    let exported: Vec<&str> = rest.iter().map(|path| &*names[path.as_str()]).collect();
    later.push_str(&format!("export {{ {} }};\n", exported.join(", ")));
    for path in rest {
        later.push_str(&modules.known[path].as_function(&bundle));
    }
    Ok(Joined { first: head, later })
}

struct Modules<'a> {
    bare: &'a BTreeMap<String, String>,
    read: &'a dyn Fn(&str) -> Option<String>,
    /// Those that others import come first.
    order: Vec<String>,
    known: BTreeMap<String, Module>,
}

impl Modules<'_> {
    fn module(&self, index: usize) -> &Module {
        &self.known[&self.order[index]]
    }

    fn parse(&self, path: &str, importer: &str) -> Result<Module, JoinError> {
        let text = (self.read)(path)
            .ok_or_else(|| JoinError::Missing { importer: importer.to_owned(), path: path.to_owned() })?;
        Module::parse(path, &text, self.bare)
    }

    fn add(&mut self, path: &str, importer: &str) -> Result<(), JoinError> {
        if self.order.iter().any(|known| known == path) {
            return Ok(());
        }
        if self.known.contains_key(path) {
            return Err(JoinError::Circle(path.to_owned()));
        }
        let module = self.parse(path, importer)?;
        let imports: Vec<String> = module.imports.iter().map(|import| import.from.clone()).collect();
        self.known.insert(path.to_owned(), module);
        for import in imports {
            self.add(&import, path)?;
        }
        self.order.push(path.to_owned());
        Ok(())
    }
}

/// The name of each module, and those that are in the first file.
struct Bundle<'a> {
    names: &'a BTreeMap<&'a str, String>,
    first: &'a [String],
}

#[derive(Default)]
struct Module {
    path: String,
    imports: Vec<Import>,
    /// The code without its imports, exports and comments.
    body: String,
    /// Its exports, as `name` or `name: local`.
    exports: Vec<String>,
    /// The exports that it takes from others: (path, as `name: other` or `None` for all).
    passed_on: Vec<(String, Option<(String, String)>)>,
    /// Paths of `import()`, in the order in which they stand.
    dynamic: Vec<String>,
    /// The same as they are written.
    specifiers: Vec<String>,
}

struct Import {
    from: String,
    /// Bundle as (exported, local); none for what only has to run.
    names: Vec<(String, String)>,
}

impl Module {
    fn parse(path: &str, text: &str, bare: &BTreeMap<String, String>) -> Result<Self, JoinError> {
        let text = without_comments(text);
        let mut module = Self { path: path.to_owned(), ..Self::default() };
        let mut rest = &*text;
        while !rest.is_empty() {
            let (line, after) = rest.split_once('\n').unwrap_or((rest, ""));
            if is_statement(rest, "import") {
                let (statement, after) = module.statement(rest)?;
                module.import(statement, bare)?;
                rest = after.strip_prefix('\n').unwrap_or(after);
                continue;
            }
            if is_statement(rest, "export") {
                if rest["export".len()..].trim_start().starts_with(['{', '*']) {
                    let (statement, after) = module.statement(rest)?;
                    module.export_list(statement, bare)?;
                    rest = after.strip_prefix('\n').unwrap_or(after);
                    continue;
                }
                module.export_declaration(line)?;
            } else if let Some(at) =
                [";export default ", "}export{", ";export{"].iter().filter_map(|end| line.find(end)).min()
            {
                // Minified: on the one line that there is.
                module.body.push_str(&line[..=at]);
                rest = &rest[at + 1..];
                continue;
            } else if path != "app/main.js" && line.starts_with("await ") {
                return Err(module.refused(line));
            } else {
                module.body.push_str(line);
            }
            module.body.push('\n');
            rest = after;
        }
        let mut text = &*module.body;
        while let Some(at) = text.find("import('") {
            text = &text[at + "import('".len()..];
            let specifier = text.split('\'').next().unwrap_or_default();
            module.specifiers.push(specifier.to_owned());
            module.dynamic.push(resolved(specifier, path, bare));
        }
        Ok(module)
    }

    fn refused(&self, statement: &str) -> JoinError {
        let statement = statement.chars().take(80).collect();
        JoinError::Statement { path: self.path.clone(), statement }
    }

    /// Up to the semicolon that ends it.
    fn statement<'t>(&self, text: &'t str) -> Result<(&'t str, &'t str), JoinError> {
        text.split_once(';').ok_or_else(|| self.refused(text))
    }

    fn import(&mut self, statement: &str, bare: &BTreeMap<String, String>) -> Result<(), JoinError> {
        let what = statement["import".len()..].trim();
        let Some(specifier) = quoted(what) else { return Err(self.refused(statement)) };
        let from = resolved(specifier, &self.path, bare);
        let clause = what[..what.len() - specifier.len() - 2].trim();
        let names = match clause.strip_suffix("from").map(str::trim) {
            None if clause.is_empty() => Vec::new(),
            None => return Err(self.refused(statement)),
            Some(list) if list.starts_with('{') => listed(list).ok_or_else(|| self.refused(statement))?,
            Some(name) if is_name(name) => vec![("default".to_owned(), name.to_owned())],
            Some(_) => return Err(self.refused(statement)),
        };
        self.imports.push(Import { from, names });
        Ok(())
    }

    /// `export { a, b as c }`, `export { a } from '…'` or `export * from '…'`.
    fn export_list(&mut self, statement: &str, bare: &BTreeMap<String, String>) -> Result<(), JoinError> {
        let what = statement["export".len()..].trim();
        let Some(specifier) = quoted(what) else {
            let names = listed(what).ok_or_else(|| self.refused(statement))?;
            self.exports.extend(names.iter().map(|(local, exported)| pair(exported, local)));
            return Ok(());
        };
        let from = resolved(specifier, &self.path, bare);
        let clause = what[..what.len() - specifier.len() - 2].trim();
        let Some(clause) = clause.strip_suffix("from").map(str::trim) else {
            return Err(self.refused(statement));
        };
        if clause == "*" {
            self.passed_on.push((from.clone(), None));
        } else {
            let names = listed(clause).ok_or_else(|| self.refused(statement))?;
            self.passed_on
                .extend(names.into_iter().map(|(theirs, ours)| (from.clone(), Some((ours, theirs)))));
        }
        self.imports.push(Import { from, names: Vec::new() });
        Ok(())
    }

    /// `export const a = …`, `export function b() {`, `export class C {`, `export default …`.
    fn export_declaration(&mut self, line: &str) -> Result<(), JoinError> {
        let what = line["export".len()..].trim_start();
        if let Some(value) = what.strip_prefix("default ") {
            self.exports.push("default: $default".to_owned());
            self.body.push_str("const $default = ");
            self.body.push_str(value);
            return Ok(());
        }
        let declared = ["async function ", "function ", "class ", "const "]
            .iter()
            .find_map(|kind| what.strip_prefix(kind))
            .map(|rest| rest.split(|c: char| !is_name_part(c)).next().unwrap_or_default());
        let Some(name) = declared.filter(|name| is_name(name)) else { return Err(self.refused(line)) };
        self.exports.push(name.to_owned());
        self.body.push_str(what);
        Ok(())
    }

    fn imported(&self, bundle: &Bundle<'_>) -> String {
        let mut text = String::new();
        for import in self.imports.iter().filter(|import| !import.names.is_empty()) {
            let names: Vec<String> = import.names.iter().map(|(theirs, ours)| pair(theirs, ours)).collect();
            let from = &bundle.names[import.from.as_str()];
            text.push_str(&format!("const {{ {} }} = {from};\n", names.join(", ")));
        }
        text
    }

    /// The body, asking for joined modules where it asked for those that went into them.
    fn rewritten(&self, bundle: &Bundle<'_>) -> String {
        let mut body = self.body.clone();
        for (specifier, path) in self.specifiers.iter().zip(&self.dynamic) {
            let written = format!("import('{specifier}')");
            let instead = match bundle.names.get(path.as_str()) {
                Some(name) if bundle.first.contains(path) => format!("Promise.resolve({name})"),
                Some(name) => format!("import('./joined-later.js').then((all) => all.{name})"),
                // Both joined files lie in `app/`.
                None => match path.strip_prefix("app/") {
                    Some(own) => format!("import('./{own}')"),
                    None => format!("import('../{path}')"),
                },
            };
            body = body.replace(&written, &instead);
        }
        body
    }

    fn as_function(&self, bundle: &Bundle<'_>) -> String {
        let mut exports = self.exports.clone();
        for (path, name) in &self.passed_on {
            let from = &bundle.names[path.as_str()];
            exports.push(match name {
                None => format!("...{from}"),
                Some((ours, theirs)) => format!("{ours}: {from}.{theirs}"),
            });
        }
        format!(
            "const {} = (() => {{\n{}{}return {{ {} }};\n}})();\n",
            bundle.names[self.path.as_str()],
            self.imported(bundle),
            self.rewritten(bundle),
            exports.join(", ")
        )
    }

    /// The entry, which may wait, and exports nothing.
    fn as_block(&self, bundle: &Bundle<'_>) -> String {
        format!("{{\n{}{}}}\n", self.imported(bundle), self.rewritten(bundle))
    }
}

/// Lines of comments, and types beside expressions, which are a third of what is written.
fn without_comments(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let line_end = rest.find('\n').map_or(rest.len(), |at| at + 1);
        let line = &rest[..line_end];
        let start = line.trim_start();
        if start.starts_with("// ") || start.starts_with("//#") {
            rest = &rest[line_end..];
        } else if start.starts_with("/*") {
            let Some(end) = rest.find("*/") else { return kept };
            rest = rest[end + 2..].trim_start_matches([' ', '\n']);
        } else if let Some((before, after)) =
            rest[..line_end].split_once("/** @type").filter(|(_, after)| after.contains("*/"))
        {
            kept.push_str(before);
            let end = line_end - after.len() + after.find("*/").unwrap_or_default() + 2;
            rest = &rest[end..];
        } else {
            kept.push_str(line.split("//# sourceMappingURL").next().unwrap_or_default());
            rest = &rest[line_end..];
        }
    }
    kept
}

fn is_statement(text: &str, word: &str) -> bool {
    text.strip_prefix(word).is_some_and(|rest| rest.starts_with([' ', '{', '\'', '"', '*']))
}

/// The last string of a statement's text, if it ends with one.
fn quoted(text: &str) -> Option<&str> {
    let quote = text.chars().last().filter(|c| matches!(c, '\'' | '"'))?;
    let inner = &text[..text.len() - 1];
    Some(&inner[inner.rfind(quote)? + 1..])
}

/// `{ a, b as c }` as pairs.
fn listed(text: &str) -> Option<Vec<(String, String)>> {
    let inner = text.trim().strip_prefix('{')?.strip_suffix('}')?;
    let mut names = Vec::new();
    for item in inner.split(',').map(str::trim).filter(|item| !item.is_empty()) {
        let (first, second) = item.split_once(" as ").unwrap_or((item, item));
        let (first, second) = (first.trim(), second.trim());
        if !is_name(first) || !is_name(second) {
            return None;
        }
        names.push((first.to_owned(), second.to_owned()));
    }
    Some(names)
}

/// An entry of a list of properties: `a`, or `a: b`.
fn pair(property: &str, name: &str) -> String {
    if property == name { name.to_owned() } else { format!("{property}: {name}") }
}

fn is_name_part(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '$'
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(is_name_part) && !text.starts_with(|c: char| c.is_numeric())
}

/// The path from the client's root of what a module calls `specifier`.
fn resolved(specifier: &str, importer: &str, bare: &BTreeMap<String, String>) -> String {
    if !specifier.starts_with('.') {
        let path = bare.get(specifier).map_or(specifier, String::as_str);
        return path.trim_start_matches('/').to_owned();
    }
    let mut parts: Vec<&str> = importer.split('/').collect();
    parts.pop();
    for part in specifier.split('/') {
        match part {
            "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(files: &[(&str, &str)]) -> Result<Joined, JoinError> {
        let bare = BTreeMap::from([("lib".to_owned(), "/vendor/lib.mjs".to_owned())]);
        join("app/main.js", &bare, |path| {
            files.iter().find(|(name, _)| *name == path).map(|(_, text)| (*text).to_owned())
        })
    }

    #[test]
    fn modules_run_once_after_those_they_import() {
        let Joined { first, later } = joined(&[
            (
                "app/main.js",
                "/** Begins. */\nimport { b as c } from './b.js';\nimport lib from 'lib';\n\nawait c(lib);\n\
                 const page = async () => (await import('./page.js')).Page;\n\
                 const words = await import('./words/ko.js');\n",
            ),
            ("app/b.js", "import { n } from 'lib';\n// Why.\nexport const b = (x) => x + n;\nexport * from './c.js';\n"),
            ("app/c.js", "export async function wait() {}\nexport class Clock {}\n"),
            ("app/page.js", "import { wait } from './c.js';\nimport { b } from './b.js';\nexport function Page() {}\n"),
            ("app/words/ko.js", "export const words = {};\n"),
            ("vendor/lib.mjs", "const x=1,y=2;function z(){}export{x as n};export default function(){return y}\n//# sourceMappingURL=lib.mjs.map\n"),
        ])
        .unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(
            first,
            "export { $m0, $m1, $m2 };\n\
             const $m0 = (() => {\nconst x=1,y=2;function z(){}const $default = function(){return y}\nreturn { n: x, default: $default };\n})();\n\
             const $m1 = (() => {\nasync function wait() {}\nclass Clock {}\nreturn { wait, Clock };\n})();\n\
             const $m2 = (() => {\nconst { n } = $m0;\nconst b = (x) => x + n;\nreturn { b, ...$m1 };\n})();\n\
             {\nconst { b: c } = $m2;\nconst { default: lib } = $m0;\n\nawait c(lib);\n\
             const page = async () => (await import('./joined-later.js').then((all) => all.$m4)).Page;\n\
             const words = await import('./words/ko.js');\n}\n"
        );
        assert_eq!(
            later,
            "import { $m1, $m2 } from './joined.js';\nexport { $m4 };\n\
             const $m4 = (() => {\nconst { wait } = $m1;\nconst { b } = $m2;\nfunction Page() {}\nreturn { Page };\n})();\n"
        );
    }

    #[test]
    fn what_cannot_be_joined_for_certain_is_refused() {
        let main = |text| ("app/main.js", text);
        for (files, error) in [
            (vec![main("import './no.js';\n")], "app/main.js imports app/no.js, which does not exist"),
            (
                vec![
                    main("import './a.js';\n"),
                    ("app/a.js", "import './b.js';\n"),
                    ("app/b.js", "import './a.js';\n"),
                ],
                "app/a.js is part of a circle of imports",
            ),
            (
                vec![main("import './a.js';\n"), ("app/a.js", "export let a = 1;\n")],
                "app/a.js: cannot join the statement \"export let a = 1;\"",
            ),
            (
                vec![main("import * as a from './a.js';\n")],
                "app/main.js: cannot join the statement \"import * as a from './a.js'\"",
            ),
            (
                vec![main("import './a.js';\n"), ("app/a.js", "await 1;\n")],
                "app/a.js: cannot join the statement \"await 1;\"",
            ),
        ] {
            let refused = joined(&files).err().map(|error| error.to_string());
            assert_eq!(refused.as_deref(), Some(error));
        }
    }
}
