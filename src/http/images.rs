//! The pictures of concerts, at either door. Each is named by its content, so whoever has it keeps it.

use std::collections::VecDeque;

use bytes::Bytes;
use frontrow_protocol::ErrorObject;
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::{Response, StatusCode};
use parking_lot::Mutex;

use super::reply::{self, ApiResult, Body};
use crate::desk::Context;
use crate::store::making::ImageId;

const PREFIX: &str = "/images/";
const KEPT: &str = "public, max-age=31536000, immutable";
const JPEG: &str = "image/jpeg";
/// Pictures in memory, of at most 1 MiB each: those of the sales that are opened now.
const IN_MEMORY_MAX: usize = 32;

/// The pictures that were asked for last, so that a rush asks the store once.
#[derive(Default)]
pub struct Images {
    recent: Mutex<VecDeque<((ImageId, u32), Bytes)>>,
}

impl Images {
    pub async fn answer(
        &self,
        context: &Context,
        image: ImageId,
        width: u32,
        request: &HeaderMap,
    ) -> Response<Body> {
        let answer = self.find(context, image, width, request).await;
        answer.unwrap_or_else(reply::refused)
    }

    async fn find(&self, context: &Context, image: ImageId, width: u32, request: &HeaderMap) -> ApiResult {
        let key = (image, width);
        let recent = self.recent.lock().iter().find(|(known, _)| *known == key).map(|(_, jpeg)| jpeg.clone());
        let jpeg = match recent {
            Some(jpeg) => jpeg,
            None => {
                let stored = context.picture(image, width).await?;
                let jpeg = Bytes::from(stored.ok_or_else(|| ErrorObject::not_found("picture"))?.bytes);
                let mut recent = self.recent.lock();
                recent.truncate(IN_MEMORY_MAX - 1);
                recent.push_front((key, jpeg.clone()));
                jpeg
            }
        };
        let tag = format!("\"{image}-{width}\"");
        let known = request.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
        let mut known = known.flat_map(|list| list.split(','));
        let mut response = match known.any(|known| known.trim().trim_start_matches("W/") == tag) {
            true => {
                let mut response = Response::new(Body::default());
                *response.status_mut() = StatusCode::NOT_MODIFIED;
                response
            }
            false => {
                let mut response = Response::new(Body::new(jpeg));
                response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(JPEG));
                response
            }
        };
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(KEPT));
        if let Ok(tag) = HeaderValue::from_str(&tag) {
            headers.insert(header::ETAG, tag);
        }
        Ok(response)
    }
}

/// The picture and the size that `/images/00112233445566778899aabbccddeeff-800.jpg` names.
pub fn named(path: &str) -> Option<(ImageId, u32)> {
    let (image, width) = path.strip_prefix(PREFIX)?.strip_suffix(".jpg")?.split_once('-')?;
    let is_number = !width.starts_with('0') && width.bytes().all(|byte| byte.is_ascii_digit());
    Some((image.parse().ok()?, width.parse().ok().filter(|_| is_number)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_found_by_one_name_alone() {
        let name = "00112233445566778899aabbccddeeff";
        let (image, width) = named(&format!("/images/{name}-800.jpg")).unwrap();
        assert_eq!((image.to_string(), width), (name.to_owned(), 800));
        for other in [
            "/images/",
            "/images/-800.jpg",
            "/images/x-800.jpg",
            "/images/00112233445566778899aabbccddeeff.jpg",
            "/images/00112233445566778899aabbccddeeff-.jpg",
            "/images/00112233445566778899aabbccddeeff-0800.jpg",
            "/images/00112233445566778899aabbccddeeff-800.png",
            "/images/00112233445566778899AABBCCDDEEFF-800.jpg",
            "/images/00112233-4455-6677-8899-aabbccddeeff-800.jpg",
            "/images/../00112233445566778899aabbccddeeff-800.jpg",
            "/images/00112233445566778899aabbccddeeff-99999999999.jpg",
        ] {
            assert_eq!(named(other), None, "{other}");
        }
    }
}
