//! The browser's client, as it lies in `web/`, inside the binary. Served with a policy that lets nothing in from
//! elsewhere and no inline script but the import map, which is known by its hash.

use std::collections::HashMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyper::Response;
use hyper::header::{self, HeaderMap, HeaderValue};
use rust_embed::RustEmbed;
use sha2::{Digest, Sha256};

use super::reply::{Body, Fixed};

#[derive(RustEmbed)]
#[folder = "web/"]
#[exclude = "*.md"]
#[exclude = "*.d.ts"]
#[exclude = "**/package*.json"]
#[exclude = "**/tsconfig*.json"]
#[exclude = "**/node_modules/*"]
struct Files;

/// Every file, compressed once at start.
pub struct Assets {
    files: HashMap<String, Asset>,
    policy: HeaderValue,
}

pub struct Asset {
    fixed: Fixed,
    is_page: bool,
}

impl Assets {
    pub fn load() -> Self {
        let mut files = HashMap::new();
        let mut policy = policy_for("");
        for name in Files::iter() {
            let Some(file) = Files::get(&name) else { continue };
            let is_page = name.ends_with(".html");
            if name == "index.html" {
                policy = policy_for(&String::from_utf8_lossy(&file.data));
            }
            let asset = Asset { fixed: Fixed::new(content_type(&name, &file), &file.data), is_page };
            files.insert(format!("/{name}"), asset);
        }
        Self { files, policy }
    }

    /// By the path of a request; `/` is the page.
    pub fn get(&self, path: &str) -> Option<&Asset> {
        self.files.get(if path == "/" { "/index.html" } else { path })
    }

    pub fn policy(&self) -> &HeaderValue {
        &self.policy
    }
}

impl Asset {
    pub fn response(&self, request: &HeaderMap, policy: &HeaderValue) -> Response<Body> {
        // Kept, but asked for again: a page and its modules have to be of one version.
        let mut response = self.fixed.response(request, "no-cache");
        let headers = response.headers_mut();
        headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
        if self.is_page {
            headers.insert(header::CONTENT_SECURITY_POLICY, policy.clone());
        }
        response
    }
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
        assert!(page.is_page);
        let page = Files::get("index.html").unwrap();
        let has_map = String::from_utf8_lossy(&page.data).contains("importmap");
        assert_eq!(assets.policy().to_str().unwrap().contains("'sha256-"), has_map);
        assert!(assets.get("/../Cargo.toml").is_none());
        assert!(Files::iter().all(|name| !name.contains("node_modules") && !name.ends_with(".md")));
    }

    #[test]
    fn the_hash_is_of_what_stands_between_the_tags() {
        let policy = policy_for("<script type=\"importmap\">{}</script>");
        let hash = "sha256-RBNvo1WzZ4oRRq0W9+hknpT7T8If536DEMBg9hyq/4o=";
        assert!(policy.to_str().unwrap().contains(hash), "{policy:?}");
    }
}
