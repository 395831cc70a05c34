//! The browser's client, as it lies in `web/`, inside the binary. Served with a policy that lets nothing in from
//! elsewhere and no inline script but the import map, which is known by its hash.
//!
//! The page names its files below `/~VERSION/`, where the version is a hash of all of them: there a browser may keep
//! them for ever, and since modules name each other relatively, a page and its modules are always of one version. The
//! page itself asks for its modules joined (`join`); each is there by its own name as well.

mod join;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Once};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyper::Response;
use hyper::header::{self, HeaderMap, HeaderValue};
use rust_embed::RustEmbed;
use sha2::{Digest, Sha256};

use super::reply::{Body, Fixed};
use crate::desk::ops::pictures::Size;

const PAGE: &str = "index.html";
/// The operators' page.
const CONSOLE: &str = "console/index.html";
/// The fans' page with what a draft will be, which the console shows in a frame.
const PREVIEW: &str = "console/preview.html";
/// Folders of which the console takes what its own pages are made of, the preview's among them.
const FOLDERS_OF_CONSOLE: [&str; 4] = ["/app/", "/seatmap/", "/sdk/", "/vendor/"];
/// What the fans' page begins with: at the operators' own listener there is no such page.
const NOT_FOR_CONSOLE: [&str; 2] = ["app/main.js", join::FIRST];
/// The module that the page begins with.
const ENTRY: &str = "app/main.js";
/// The folders that the pages refer to. The service worker is not among it: its path says which pages it may serve.
const FOLDERS: [&str; 5] = ["app", "console", "sdk", "seatmap", "vendor"];

#[derive(RustEmbed)]
#[folder = "web/"]
#[exclude = "*.md"]
#[exclude = "*.d.ts"]
#[exclude = "**/package*.json"]
#[exclude = "**/tsconfig*.json"]
#[exclude = "**/node_modules/*"]
struct Files;

/// A file under its own name is kept, but asked for again; under the version's it never changes.
const ASKED_AGAIN: &str = "no-cache";
const JAVASCRIPT: &str = "text/javascript; charset=utf-8";
const IMPORT_MAP: &str = "<script type=\"importmap\">";
const FOR_EVER: &str = "public, max-age=31536000, immutable";

/// A service worker asks for what it passes on to the page, so its own policy has to let it ask.
const WORKER: &str = "/worker.js";
static WORKER_POLICY: HeaderValue =
    HeaderValue::from_static("default-src 'none'; connect-src 'self'; frame-ancestors 'none'");

/// Every file, compressed once at start.
pub struct Assets {
    files: HashMap<String, Arc<Fixed>>,
    /// The page with its files named below the version, for those who put more into its head.
    page: String,
    /// `/~VERSION`, in front of a file's own path.
    version: String,
    policy: HeaderValue,
    console_policy: HeaderValue,
    preview_policy: HeaderValue,
    /// Compressing well takes a moment: it is done once, aside, when somebody comes who can read it.
    squeezed: Once,
}

/// A file as it was asked for.
pub struct Asset<'a> {
    fixed: &'a Fixed,
    cache_control: &'static str,
    policy: Option<&'a HeaderValue>,
}

impl Assets {
    pub fn load() -> Self {
        let names: BTreeSet<_> = Files::iter().collect();
        let embedded: Vec<_> = names.iter().filter_map(|name| Some((name, Files::get(name)?))).collect();
        let joined = joined();
        let mut hash = Sha256::new();
        for (name, file) in &embedded {
            hash.update(name.as_bytes());
            hash.update(file.metadata.sha256_hash());
        }
        for (_, text) in &joined {
            hash.update(text);
        }
        let version: String = hash.finalize().iter().take(6).map(|byte| format!("{byte:02x}")).collect();
        let version = format!("/~{version}");
        let mut files = HashMap::new();
        let (mut page, mut policy) = (String::new(), policy_for("", Frames::None));
        let (mut console_policy, mut preview_policy) = (policy.clone(), policy.clone());
        for (name, file) in embedded {
            let content_type = content_type(name, &file);
            let fixed = if **name == *PAGE {
                page = String::from_utf8_lossy(&file.data).into_owned();
                if !joined.is_empty() {
                    page = with_joined(&page);
                }
                page = versioned(&page, &version);
                policy = policy_for(&page, Frames::None);
                Fixed::new(content_type, page.as_bytes())
            } else if **name == *CONSOLE {
                let console = versioned(&String::from_utf8_lossy(&file.data), &version);
                console_policy = policy_for(&console, Frames::Has);
                Fixed::new(content_type, console.as_bytes())
            } else if **name == *PREVIEW {
                let preview = versioned(&String::from_utf8_lossy(&file.data), &version);
                preview_policy = policy_for(&preview, Frames::IsOne);
                Fixed::new(content_type, preview.as_bytes())
            } else {
                Fixed::new(content_type, &file.data)
            };
            files.insert(format!("/{name}"), Arc::new(fixed));
        }
        for (name, text) in joined {
            files.insert(format!("/{name}"), Arc::new(Fixed::new(JAVASCRIPT, text.as_bytes())));
        }
        Self { files, page, version, policy, console_policy, preview_policy, squeezed: Once::new() }
    }

    /// Is this path the console's alone?
    pub fn is_console(path: &str) -> bool {
        let (_, path) = parted(path);
        path == "/console" || path.starts_with("/console/")
    }

    /// Is it among what the console needs?
    pub fn is_for_console(path: &str) -> bool {
        let (_, own) = parted(path);
        let is_shared = FOLDERS_OF_CONSOLE.iter().any(|folder| own.starts_with(folder));
        let begins_another = own.strip_prefix('/').is_some_and(|own| NOT_FOR_CONSOLE.contains(&own));
        Self::is_console(path) || (is_shared && !begins_another)
    }

    /// The asset at the path of a request; `/` is the page, `/console/` the operators'.
    pub fn get(&self, path: &str) -> Option<Asset<'_>> {
        let (version, path) = parted(path);
        // A page of another version, loaded before the server was replaced, still finds its modules.
        let is_ours = version.is_some_and(|version| self.version[2..] == *version);
        let cache_control = if is_ours { FOR_EVER } else { ASKED_AGAIN };
        let path = match path {
            "/" => "/index.html",
            "/console" | "/console/" => "/console/index.html",
            path => path,
        };
        self.squeezed.call_once(|| squeeze(self.files.values().cloned().collect()));
        let fixed = self.files.get(path)?;
        let is_page = path.ends_with(".html");
        let policy = match path {
            path if path.strip_prefix('/') == Some(PREVIEW) => &self.preview_policy,
            path if Self::is_console(path) => &self.console_policy,
            _ => &self.policy,
        };
        Some(Asset {
            fixed,
            cache_control: if is_page { ASKED_AGAIN } else { cache_control },
            policy: if path == WORKER { Some(&WORKER_POLICY) } else { is_page.then_some(policy) },
        })
    }
}

/// The version that a path begins with, if it does, and the path behind it.
fn parted(path: &str) -> (Option<&str>, &str) {
    match path.strip_prefix("/~").and_then(|rest| rest.split_once('/')) {
        Some((version, _)) => (Some(version), &path[2 + version.len()..]),
        None => (None, path),
    }
}

/// The facts that a page about one sale has in its head, for messengers and search engines.
pub struct Shared<'a> {
    /// The sale's own path.
    pub path: &'a str,
    pub title: &'a str,
    pub venue: Option<&'a str>,
    /// What is played, however long.
    pub description: Option<&'a str>,
    /// The concert's picture, by its name, and in words.
    pub image: Option<&'a str>,
    pub image_alt: Option<&'a str>,
    /// The server's address from outside, if it is known.
    pub origin: Option<&'a str>,
}

impl Assets {
    /// The page of a sale, with what it is about in its head. Made for each who asks: it is short, and few do.
    pub fn shared_page(&self, shared: &Shared<'_>, request: &HeaderMap) -> Response<Body> {
        let page = with_shared(&self.page, shared);
        let asset = Asset {
            fixed: &Fixed::new("text/html; charset=utf-8", page.as_bytes()),
            cache_control: ASKED_AGAIN,
            policy: Some(&self.policy),
        };
        asset.response(request)
    }
}

/// Characters of a description that messengers show.
const DESCRIPTION_CHARS_MAX: usize = 200;

fn with_shared(page: &str, shared: &Shared<'_>) -> String {
    let Shared { path, title, venue, .. } = shared;
    let origin = shared.origin.unwrap_or_default();
    let about = match shared.description {
        Some(description) => shortened(description),
        None => [Some(*title), *venue].into_iter().flatten().collect::<Vec<_>>().join(" · "),
    };
    let card = Size::Card.width();
    let mut tags = vec![
        ("og:title", (*title).to_owned()),
        ("og:description", about),
        ("og:url", format!("{origin}{path}")),
    ];
    match shared.image {
        Some(image) => {
            tags.push(("og:image", format!("{origin}/images/{image}-{card}.jpg")));
            tags.push(("og:image:width", card.to_string()));
            tags.push(("og:image:height", Size::CARD_HEIGHT.to_string()));
            tags.extend(shared.image_alt.map(|alt| ("og:image:alt", alt.to_owned())));
        }
        None => tags.push(("og:image", format!("{origin}/app/share.png"))),
    }
    let has_own_image = shared.image.is_some();
    // The page's general tags give way.
    let general = |line: &&str| {
        let of_image = has_own_image && line.contains("property=\"og:image:");
        of_image || tags.iter().any(|(name, _)| line.contains(&format!("property=\"{name}\"")))
    };
    let mut head: String = page.split_inclusive('\n').filter(|line| !general(line)).collect();
    let own: String = tags
        .iter()
        .map(|(name, value)| format!("    <meta property=\"{name}\" content=\"{}\">\n", escaped(value)))
        .collect();
    head = head.replacen("  </head>", &format!("{own}  </head>"), 1);
    head.replacen("<title>Frontrow</title>", &format!("<title>{} · Frontrow</title>", escaped(title)), 1)
}

/// The beginning of a text, in one line, cut between words where it can be.
fn shortened(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(DESCRIPTION_CHARS_MAX) {
        None => line,
        Some((end, _)) => {
            let cut = &line[..end];
            let words = cut.rsplit_once(' ').map_or(cut, |(words, _)| words);
            format!("{words} …")
        }
    }
}

/// Text that is safe as an attribute's value or as content.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c => safe.push(c),
        }
    }
    safe
}

impl Asset<'_> {
    pub fn response(&self, request: &HeaderMap) -> Response<Body> {
        let mut response = self.fixed.response(request, self.cache_control);
        let headers = response.headers_mut();
        headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
        if let Some(policy) = self.policy {
            headers.insert(header::CONTENT_SECURITY_POLICY, policy.clone());
        }
        response
    }
}

/// Compresses better than at start, on a thread of its own. Until it is done the files are sent as they are compressed now.
fn squeeze(files: Vec<Arc<Fixed>>) {
    let work = move || files.iter().for_each(|file| file.squeeze());
    if let Err(error) = std::thread::Builder::new().name("squeeze".to_owned()).spawn(work) {
        tracing::warn!(%error, "the client's files stay compressed by gzip alone");
    }
}

/// The modules of the page, joined; none if that is not possible, which costs its readers time and nothing else.
fn joined() -> Vec<(&'static str, String)> {
    match try_joined() {
        Ok(joined) => vec![(join::FIRST, joined.first), (join::LATER, joined.later)],
        Err(error) => {
            tracing::warn!(%error, "the client's modules are served one by one");
            Vec::new()
        }
    }
}

fn try_joined() -> Result<join::Joined, join::JoinError> {
    let text = |path: &str| Files::get(path).map(|file| String::from_utf8_lossy(&file.data).into_owned());
    let page = text(PAGE).unwrap_or_default();
    join::join(ENTRY, &import_map(&page), text)
}

/// The paths that bare names of modules stand for.
fn import_map(page: &str) -> BTreeMap<String, String> {
    #[derive(serde::Deserialize)]
    struct ImportMap {
        imports: BTreeMap<String, String>,
    }
    let map = between(page, IMPORT_MAP, "</script>").and_then(|map| serde_json::from_str(map).ok());
    map.map(|ImportMap { imports }| imports).unwrap_or_default()
}

/// The page with the joined modules instead of a list of many.
fn with_joined(page: &str) -> String {
    let one_by_one = |line: &&str| line.trim_start().starts_with("<link rel=\"modulepreload\"");
    let page: String = page.split_inclusive('\n').filter(|line| !one_by_one(line)).collect();
    page.replace(&format!("\"/{ENTRY}\""), &format!("\"/{}\"", join::FIRST))
}

fn between<'t>(text: &'t str, start: &str, end: &str) -> Option<&'t str> {
    Some(text.split_once(start)?.1.split_once(end)?.0)
}

/// The page with its own files named below the version: everything in quotes that begins with one of their folders.
fn versioned(page: &str, version: &str) -> String {
    FOLDERS.iter().fold(page.to_owned(), |page, folder| {
        page.replace(&format!("\"/{folder}/"), &format!("\"{version}/{folder}/"))
    })
}

fn content_type(name: &str, file: &rust_embed::EmbeddedFile) -> String {
    match name.rsplit_once('.') {
        // The type that a module is served as decides whether a browser runs it.
        Some((_, "js" | "mjs")) => JAVASCRIPT.to_owned(),
        Some((_, "html")) => "text/html; charset=utf-8".to_owned(),
        Some((_, "css")) => "text/css; charset=utf-8".to_owned(),
        Some((_, "webmanifest")) => "application/manifest+json".to_owned(),
        _ => file.metadata.mimetype().to_owned(),
    }
}

/// What a page has to do with frames.
#[derive(Clone, Copy)]
enum Frames {
    None,
    /// It shows pages of ours in frames.
    Has,
    /// A page of ours shows it in a frame, and nobody else's.
    IsOne,
}

fn policy_for(page: &str, frames: Frames) -> HeaderValue {
    let import_map = between(page, IMPORT_MAP, "</script>")
        .map(|map| format!(" 'sha256-{}'", STANDARD.encode(Sha256::digest(map))))
        .unwrap_or_default();
    let (has, is_one) = match frames {
        Frames::None => ("", "'none'"),
        Frames::Has => ("frame-src 'self'; ", "'none'"),
        Frames::IsOne => ("", "'self'"),
    };
    let policy = format!(
        "default-src 'none'; script-src 'self'{import_map}; style-src 'self'; img-src 'self' data: blob:; \
         media-src 'self' data: blob:; connect-src 'self'; font-src 'self'; manifest-src 'self'; \
         worker-src 'self'; {has}base-uri 'none'; form-action 'self'; frame-ancestors {is_one}"
    );
    HeaderValue::from_str(&policy).expect("base 64 and our own words are visible ASCII")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_there_and_its_import_map_is_allowed_by_hash() {
        let assets = Assets::load();
        let page = assets.get("/").unwrap();
        assert_eq!(page.cache_control, ASKED_AGAIN);
        let policy = page.policy.unwrap().to_str().unwrap();
        assert!(policy.contains("script-src 'self' 'sha256-"), "{policy}");
        let worker = assets.get(WORKER).unwrap().policy.unwrap().to_str().unwrap();
        assert!(worker.contains("connect-src 'self'"), "{worker}");
        assert!(assets.get("/../Cargo.toml").is_none());
        assert!(Files::iter().all(|name| !name.contains("node_modules") && !name.ends_with(".md")));
    }

    #[test]
    fn the_console_is_a_page_of_its_own_with_what_it_needs() {
        let assets = Assets::load();
        for path in ["/console", "/console/", "/console/index.html"] {
            let page = assets.get(path).unwrap();
            assert_eq!(page.cache_control, ASKED_AGAIN);
            assert!(page.policy.unwrap().to_str().unwrap().contains("script-src 'self' 'sha256-"), "{path}");
            assert!(Assets::is_console(path) && Assets::is_for_console(path));
        }
        let console = String::from_utf8(Files::get(CONSOLE).unwrap().data.into_owned()).unwrap();
        let modules = Files::iter().filter(|name| name.starts_with("console/") && name.ends_with(".js"));
        let texts: Vec<_> = modules
            .map(|name| String::from_utf8(Files::get(&name).unwrap().data.into_owned()).unwrap())
            .collect();
        assert!(texts.len() > 8);
        // Whatever is named of the fans' page is there at the operators' own listener.
        let named = |text: &str| -> Vec<String> {
            text.split(['"', '\''])
                .filter(|part| {
                    let above = part.strip_prefix("../").map(|rest| rest.trim_start_matches("../"));
                    part.starts_with("/app/") || above.is_some_and(|path| path.starts_with("app/"))
                })
                .map(|part| format!("/app/{}", part.rsplit_once("app/").unwrap().1))
                .collect()
        };
        let named: Vec<_> = texts.iter().chain([&console]).flat_map(|text| named(text)).collect();
        assert!(named.len() > 4, "{named:?}");
        for path in named {
            assert!(Assets::is_for_console(&path) && assets.get(&path).is_some(), "{path}");
        }
        for path in ["/", "/app/main.js", "/app/joined.js", "/worker.js", "/consoles", "/~0/app/main.js"] {
            assert!(!Assets::is_for_console(path), "{path}");
        }
        for path in ["/sdk/ops.js", "/seatmap/index.js"] {
            assert!(Assets::is_for_console(path) && assets.get(path).is_some(), "{path}");
        }
        assert!(Assets::is_for_console(&format!("{}/vendor/htm/htm.mjs", assets.version)));
        assert!(!assets.page.contains("console"), "fans hear nothing of it");
    }

    #[test]
    fn the_console_alone_shows_a_page_in_a_frame() {
        let assets = Assets::load();
        let policy = |path: &str| assets.get(path).unwrap().policy.unwrap().to_str().unwrap().to_owned();
        let is_nobodys_frame = |path: &str| policy(path).ends_with("frame-ancestors 'none'");
        assert!(is_nobodys_frame("/") && !policy("/").contains("frame-src"));
        assert!(is_nobodys_frame("/console/") && policy("/console/").contains("frame-src 'self'"));
        let preview = policy("/console/preview.html");
        assert!(
            preview.ends_with("frame-ancestors 'self'") && preview.contains("script-src 'self' 'sha256-")
        );
        // The fans' modules find the draft's session in the place of theirs.
        let text = String::from_utf8(Files::get(PREVIEW).unwrap().data.into_owned()).unwrap();
        let map = import_map(&versioned(&text, &assets.version));
        let is = format!("{}/console/preview/session.js", assets.version);
        assert_eq!(map[&format!("{}/app/session.js", assets.version)], is);
        for path in map.values() {
            assert!(assets.get(path).is_some() && Assets::is_for_console(path), "{path}");
        }
    }

    #[test]
    fn files_are_kept_for_ever_under_their_version_alone() {
        let assets = Assets::load();
        let version = assets.version.clone();
        let cached = |path: &str| assets.get(path).map(|asset| asset.cache_control);
        assert_eq!(cached(&format!("{version}/app/main.js")), Some(FOR_EVER));
        assert_eq!(cached("/app/main.js"), Some(ASKED_AGAIN));
        assert_eq!(cached("/~000000000000/app/main.js"), Some(ASKED_AGAIN));
        assert_eq!(cached(&format!("{version}/")), Some(ASKED_AGAIN), "the page itself");
        assert_eq!(cached(&format!("{version}/no/such.js")), None);
        assert_eq!(cached("/~"), None);
        assert_eq!(cached("/~/app/main.js"), Some(ASKED_AGAIN));
    }

    #[test]
    fn the_modules_are_joined() {
        let joined = try_joined().unwrap_or_else(|error| panic!("{error}"));
        for text in [&joined.first, &joined.later] {
            let left = text.lines().filter(|line| line.starts_with("import ") || line.starts_with("export "));
            let left: Vec<_> = left.filter(|line| !line.contains("$m")).collect();
            assert!(left.is_empty(), "{left:?}");
        }
        assert!(joined.first.len() > 100_000 && joined.later.len() > 50_000);
        let assets = Assets::load();
        assert!(assets.page.contains("app/joined.js\"></script>"));
        assert!(!assets.page.contains("modulepreload") && !assets.page.contains("/app/main.js"));
        assert!(assets.get(&format!("{}/app/joined.js", assets.version)).is_some());
        assert!(assets.get("/app/main.js").is_some(), "each by its own name as well");
    }

    #[test]
    fn a_sales_page_says_what_it_is_about() {
        let page = "<head>\n    <title>Frontrow</title>\n    <meta property=\"og:title\" content=\"Frontrow\">\n    \
                    <meta property=\"og:type\" content=\"website\">\n  </head>\n";
        let shared = Shared {
            path: "/sale/7",
            title: "A \"<B>\"",
            venue: Some("C & D"),
            description: None,
            image: None,
            image_alt: None,
            origin: Some("https://a.example"),
        };
        assert_eq!(
            with_shared(page, &shared),
            "<head>\n    <title>A &quot;&lt;B&gt;&quot; · Frontrow</title>\n    \
             <meta property=\"og:type\" content=\"website\">\n    \
             <meta property=\"og:title\" content=\"A &quot;&lt;B&gt;&quot;\">\n    \
             <meta property=\"og:description\" content=\"A &quot;&lt;B&gt;&quot; · C &amp; D\">\n    \
             <meta property=\"og:url\" content=\"https://a.example/sale/7\">\n    \
             <meta property=\"og:image\" content=\"https://a.example/app/share.png\">\n  </head>\n"
        );
    }

    #[test]
    fn the_page_names_its_files_by_version() {
        let page = versioned(r#"<script src="/app/a.js"> "x": "/vendor/v.mjs" "/manifest.json""#, "/~1f");
        assert_eq!(page, r#"<script src="/~1f/app/a.js"> "x": "/~1f/vendor/v.mjs" "/manifest.json""#);
    }

    #[test]
    fn the_hash_is_of_what_stands_between_the_tags() {
        let policy = policy_for("<script type=\"importmap\">{}</script>", Frames::None);
        let hash = "sha256-RBNvo1WzZ4oRRq0W9+hknpT7T8If536DEMBg9hyq/4o=";
        assert!(policy.to_str().unwrap().contains(hash), "{policy:?}");
    }
}
