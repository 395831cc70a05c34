//! The browser's client, as it lies in `web/`, inside the binary. Served with a policy that lets nothing in from
//! elsewhere and no inline script but the import map, which is known by its hash.
//!
//! The page names its files below `/~VERSION/`, where the version is a hash of all of them: there a browser may keep
//! them for ever, and since modules name each other relatively, a page and its modules are always of one version.

use std::collections::{BTreeSet, HashMap};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyper::Response;
use hyper::header::{self, HeaderMap, HeaderValue};
use rust_embed::RustEmbed;
use sha2::{Digest, Sha256};

use super::reply::{Body, Fixed};

const PAGE: &str = "index.html";
/// What the page refers to. The service worker is not among it: its path says which pages it may serve.
const FOLDERS: [&str; 4] = ["app", "sdk", "seatmap", "vendor"];

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
const FOR_EVER: &str = "public, max-age=31536000, immutable";

/// A service worker asks for what it passes on to the page, so its own policy has to let it ask.
const WORKER: &str = "/worker.js";
static WORKER_POLICY: HeaderValue =
    HeaderValue::from_static("default-src 'none'; connect-src 'self'; frame-ancestors 'none'");

/// Every file, compressed once at start.
pub struct Assets {
    files: HashMap<String, Fixed>,
    /// `/~VERSION`, in front of a file's own path.
    version: String,
    policy: HeaderValue,
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
        let mut hash = Sha256::new();
        for (name, file) in &embedded {
            hash.update(name.as_bytes());
            hash.update(file.metadata.sha256_hash());
        }
        let version: String = hash.finalize().iter().take(6).map(|byte| format!("{byte:02x}")).collect();
        let version = format!("/~{version}");
        let mut files = HashMap::new();
        let mut policy = policy_for("");
        for (name, file) in embedded {
            let content_type = content_type(name, &file);
            let fixed = if **name == *PAGE {
                let page = versioned(&String::from_utf8_lossy(&file.data), &version);
                policy = policy_for(&page);
                Fixed::new(content_type, page.as_bytes())
            } else {
                Fixed::new(content_type, &file.data)
            };
            files.insert(format!("/{name}"), fixed);
        }
        Self { files, version, policy }
    }

    /// By the path of a request; `/` is the page.
    pub fn get(&self, path: &str) -> Option<Asset<'_>> {
        let (path, cache_control) = match path.strip_prefix("/~").and_then(|rest| rest.split_once('/')) {
            // A page of another version, loaded before the server was replaced, still finds its modules.
            Some((version, _)) => {
                let path = &path[2 + version.len()..];
                (path, if self.version[2..] == *version { FOR_EVER } else { ASKED_AGAIN })
            }
            None => (path, ASKED_AGAIN),
        };
        let path = if path == "/" { "/index.html" } else { path };
        let fixed = self.files.get(path)?;
        let is_page = path.ends_with(".html");
        Some(Asset {
            fixed,
            cache_control: if is_page { ASKED_AGAIN } else { cache_control },
            policy: if path == WORKER { Some(&WORKER_POLICY) } else { is_page.then_some(&self.policy) },
        })
    }
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

/// The page with its own files named below the version: everything in quotes that begins with one of their folders.
fn versioned(page: &str, version: &str) -> String {
    FOLDERS.iter().fold(page.to_owned(), |page, folder| {
        page.replace(&format!("\"/{folder}/"), &format!("\"{version}/{folder}/"))
    })
}

fn content_type(name: &str, file: &rust_embed::EmbeddedFile) -> String {
    match name.rsplit_once('.') {
        // What a module is served as decides whether a browser runs it.
        Some((_, "js" | "mjs")) => "text/javascript; charset=utf-8".to_owned(),
        Some((_, "html")) => "text/html; charset=utf-8".to_owned(),
        Some((_, "css")) => "text/css; charset=utf-8".to_owned(),
        Some((_, "webmanifest")) => "application/manifest+json".to_owned(),
        _ => file.metadata.mimetype().to_owned(),
    }
}

fn policy_for(page: &str) -> HeaderValue {
    let import_map = page
        .split_once("<script type=\"importmap\">")
        .and_then(|(_, rest)| rest.split_once("</script>"))
        .map(|(map, _)| format!(" 'sha256-{}'", STANDARD.encode(Sha256::digest(map))))
        .unwrap_or_default();
    let policy = format!(
        "default-src 'none'; script-src 'self'{import_map}; style-src 'self'; img-src 'self' data: blob:; \
         media-src 'self' data: blob:; connect-src 'self'; font-src 'self'; manifest-src 'self'; \
         worker-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
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
    fn the_page_names_its_files_by_version() {
        let page = versioned(r#"<script src="/app/a.js"> "x": "/vendor/v.mjs" "/manifest.json""#, "/~1f");
        assert_eq!(page, r#"<script src="/~1f/app/a.js"> "x": "/~1f/vendor/v.mjs" "/manifest.json""#);
    }

    #[test]
    fn the_hash_is_of_what_stands_between_the_tags() {
        let policy = policy_for("<script type=\"importmap\">{}</script>");
        let hash = "sha256-RBNvo1WzZ4oRRq0W9+hknpT7T8If536DEMBg9hyq/4o=";
        assert!(policy.to_str().unwrap().contains(hash), "{policy:?}");
    }
}
