//! Pictures of concerts: whatever a promoter uploads becomes three JPEGs of a bounded size, or is refused with what it was.
//!
//! Always: what is served was made here, so that nothing of the file that came in (places, scripts, comments) goes out. How
//! large a picture is, is asked of its head before anything of it is unpacked. Not here: files, stores.

use std::io::Cursor;

use bytes::Bytes;
use frontrow_protocol::ErrorObject;
use image::codecs::jpeg::JpegEncoder;
use image::imageops::FilterType;
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits};
use sha2::{Digest, Sha256};

use crate::desk::Context;
use crate::limits::PICTURE_BYTES_MAX;
use crate::store::making::{ImageId, StoredPicture};
use crate::store::operators::Note;

const JPEG: &str = "image/jpeg";

/// The longest side of a picture: twice the width of the widest screens.
const SIDE_MAX: u32 = 8_192;
/// The pixels of a picture: what the cameras of phones make. Unpacked they are 72 MB.
const PIXELS_MAX: u64 = 24_000_000;
/// The most that a decoder may take at once.
const MEMORY_MAX: u64 = 160 * 1024 * 1024;
/// From fine to coarse: a picture that is too large is written again.
const QUALITIES: [u8; 4] = [82, 70, 55, 40];

impl Context {
    /// Takes a picture, and gives the name that it got, with its sizes.
    pub async fn add_picture(
        &self,
        file: Bytes,
        note: &Note,
    ) -> Result<(ImageId, [Picture; 3]), ErrorObject> {
        let mut image = ImageId::default();
        image.0.copy_from_slice(&Sha256::digest(&file)[..16]);
        let shrunk = tokio::task::spawn_blocking(move || shrink(&file)).await;
        let sizes = shrunk
            .map_err(|_| ErrorObject::internal())?
            .map_err(|error| ErrorObject::invalid_params(Some("image"), &error.to_string()))?;
        let stored = sizes.each_ref().map(|picture| StoredPicture {
            width: picture.size.width(),
            mime: JPEG.to_owned(),
            bytes: picture.jpeg.clone(),
        });
        self.change(self.making()?.add_picture(image, &stored, note)).await?;
        Ok((image, sizes))
    }

    /// A picture in the size that goes by this width.
    pub async fn picture(&self, image: ImageId, width: u32) -> Result<Option<StoredPicture>, ErrorObject> {
        self.read(self.making()?.picture(image, width)).await
    }
}

/// One of the sizes that every picture is kept in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// For a page on a large screen.
    Large,
    /// For phones and lists.
    Small,
    /// For the card of a shared link, whose form is fixed: cut to it.
    Card,
}

impl Size {
    pub const ALL: [Self; 3] = [Self::Large, Self::Small, Self::Card];

    /// The width that it goes by: a picture that is narrower is not drawn larger.
    pub const fn width(self) -> u32 {
        match self {
            Self::Large => 1_600,
            Self::Small => 800,
            Self::Card => 1_200,
        }
    }

    /// The height of a card.
    pub const CARD_HEIGHT: u32 = 630;

    fn of(self, picture: &DynamicImage) -> DynamicImage {
        let width = self.width();
        match self {
            // A picture that is higher than two screens is none that somebody looks at.
            Self::Large | Self::Small if picture.width() <= width && picture.height() <= 2 * width => {
                picture.clone()
            }
            Self::Large | Self::Small => picture.resize(width, 2 * width, FilterType::CatmullRom),
            Self::Card => picture.resize_to_fill(width, Self::CARD_HEIGHT, FilterType::CatmullRom),
        }
    }
}

/// A picture in one of its sizes, as JPEG.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    pub size: Size,
    pub width: u32,
    pub height: u32,
    pub jpeg: Vec<u8>,
}

/// Why a file is no picture that can be shown.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAnImage {
    #[error("the file is empty")]
    Empty,
    #[error("this is {0}: a picture is a JPEG, a PNG or a WebP")]
    OtherFormat(&'static str),
    #[error(
        "the picture has {width} × {height} pixels: at most {SIDE_MAX} a side and {PIXELS_MAX} in all are shown"
    )]
    TooLarge { width: u32, height: u32 },
    #[error("the picture is broken: {0}")]
    Broken(String),
    #[error("the picture does not get small enough")]
    TooManyBytes,
}

/// Makes the sizes of a picture. Takes up to a second, and the memory of two pictures.
pub fn shrink(bytes: &[u8]) -> Result<[Picture; 3], NotAnImage> {
    let picture = read(bytes)?;
    let [large, small, card] = Size::ALL.map(|size| write(size, &size.of(&picture)));
    Ok([large?, small?, card?])
}

fn read(bytes: &[u8]) -> Result<DynamicImage, NotAnImage> {
    let broken = |error: image::ImageError| NotAnImage::Broken(error.to_string());
    let format = format(bytes)?;
    let mut limits = Limits::default();
    (limits.max_image_width, limits.max_image_height) = (Some(SIDE_MAX), Some(SIDE_MAX));
    limits.max_alloc = Some(MEMORY_MAX);
    let (width, height) =
        ImageReader::with_format(Cursor::new(bytes), format).into_dimensions().map_err(broken)?;
    let is_small = width.max(height) <= SIDE_MAX && u64::from(width) * u64::from(height) <= PIXELS_MAX;
    if !is_small {
        return Err(NotAnImage::TooLarge { width, height });
    }
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(broken)?;
    // Phones write a picture as the sensor saw it, and beside it how it was held.
    let held = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let mut picture = DynamicImage::from_decoder(decoder).map_err(broken)?;
    picture.apply_orientation(held);
    Ok(picture)
}

/// The format by its first bytes alone: what a file is called, or says of itself, is nothing to go by.
fn format(bytes: &[u8]) -> Result<ImageFormat, NotAnImage> {
    let other = |name| Err(NotAnImage::OtherFormat(name));
    let kind = bytes.get(4..12).unwrap_or_default();
    match bytes {
        [] => Err(NotAnImage::Empty),
        [0xff, 0xd8, 0xff, ..] => Ok(ImageFormat::Jpeg),
        _ if bytes.starts_with(b"\x89PNG\r\n\x1a\n") => Ok(ImageFormat::Png),
        _ if bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") => Ok(ImageFormat::WebP),
        _ if bytes.starts_with(b"GIF8") => other("a GIF"),
        _ if bytes.starts_with(b"BM") => other("a BMP"),
        _ if bytes.starts_with(b"II*\0") || bytes.starts_with(b"MM\0*") => other("a TIFF"),
        _ if bytes.starts_with(b"%PDF") => other("a PDF"),
        _ if bytes.starts_with(b"PK") => other("a zip"),
        _ if kind.starts_with(b"ftypavi") => other("an AVIF"),
        _ if kind.starts_with(b"ftyphei") || kind.starts_with(b"ftypmif") => other("a HEIC"),
        _ if kind.starts_with(b"ftyp") => other("a video"),
        _ if is_markup(bytes) => other("an SVG or a web page"),
        _ => other("no picture that is known"),
    }
}

fn is_markup(bytes: &[u8]) -> bool {
    let text = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
    text.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'<')
}

/// What is seen through is white: JPEG knows nothing else.
fn opaque(picture: &DynamicImage) -> image::RgbImage {
    if !picture.color().has_alpha() {
        return picture.to_rgb8();
    }
    let rgba = picture.to_rgba8();
    image::RgbImage::from_fn(rgba.width(), rgba.height(), |x, y| {
        let [r, g, b, alpha] = rgba.get_pixel(x, y).0.map(u32::from);
        let over_white = |colour: u32| ((colour * alpha + 255 * (255 - alpha)) / 255) as u8;
        image::Rgb([over_white(r), over_white(g), over_white(b)])
    })
}

fn write(size: Size, picture: &DynamicImage) -> Result<Picture, NotAnImage> {
    let rgb = opaque(picture);
    for quality in QUALITIES {
        let mut jpeg = Vec::new();
        let written = JpegEncoder::new_with_quality(&mut jpeg, quality).encode_image(&rgb);
        written.map_err(|error| NotAnImage::Broken(error.to_string()))?;
        if jpeg.len() <= PICTURE_BYTES_MAX {
            return Ok(Picture { size, width: rgb.width(), height: rgb.height(), jpeg });
        }
    }
    Err(NotAnImage::TooManyBytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(width: u32, height: u32) -> DynamicImage {
        DynamicImage::ImageRgb8(image::RgbImage::from_fn(width, height, |x, y| {
            // Halves of two colours, so that turning it is seen.
            image::Rgb(if x < width / 2 { [200, 30, 30] } else { [30, 30, (y % 200) as u8] })
        }))
    }

    fn file(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        picture.write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    }

    #[test]
    fn every_format_becomes_the_three_sizes() {
        for format in [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::WebP] {
            let sizes = shrink(&file(&drawn(2_000, 1_000), format)).unwrap();
            let sizes: Vec<_> = sizes.iter().map(|p| (p.size, p.width, p.height)).collect();
            let expected = [(Size::Large, 1_600, 800), (Size::Small, 800, 400), (Size::Card, 1_200, 630)];
            assert_eq!(sizes, expected, "{format:?}");
        }
        let [large, small, card] = shrink(&file(&drawn(300, 400), ImageFormat::Png)).unwrap();
        assert_eq!((large.width, large.height, small.width, small.height), (300, 400, 300, 400));
        assert_eq!((card.width, card.height), (1_200, 630), "a card has its form");
        assert!(large.jpeg.starts_with(&[0xff, 0xd8]) && large.jpeg.len() <= PICTURE_BYTES_MAX);
    }

    #[test]
    fn what_is_seen_through_is_white_and_nothing_of_the_file_goes_out() {
        let clear = DynamicImage::ImageRgba8(image::RgbaImage::from_pixel(10, 10, image::Rgba([0, 0, 0, 0])));
        let mut png = file(&clear, ImageFormat::Png);
        png.extend_from_slice(b"<script>alert(1)</script>");
        let [large, ..] = shrink(&png).unwrap();
        let seen = image::load_from_memory(&large.jpeg).unwrap().to_rgb8();
        assert!(seen.pixels().all(|pixel| pixel.0.iter().all(|colour| *colour > 250)));
        assert!(!large.jpeg.windows(8).any(|window| window == b"<script>"));
    }

    /// How the camera was held, as EXIF has it: 6 is turned to the right.
    #[test]
    fn a_picture_stands_as_it_was_taken() {
        let jpeg = file(&drawn(200, 100), ImageFormat::Jpeg);
        let exif = b"\xff\xe1\x00\x22Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";
        let turned = [&jpeg[..2], &exif[..], &jpeg[2..]].concat();
        let [large, ..] = shrink(&turned).unwrap();
        assert_eq!((large.width, large.height), (100, 200));
        let seen = image::load_from_memory(&large.jpeg).unwrap().to_rgb8();
        assert!(seen.get_pixel(50, 20).0[0] > 150, "the left half is on top");
    }

    #[test]
    fn what_is_no_picture_is_refused_by_what_it_is() {
        let png = file(&drawn(20, 20), ImageFormat::Png);
        for (bytes, what) in [
            (&b""[..], "the file is empty"),
            (b"GIF89a\x01\0\x01\0", "a GIF"),
            (b"<svg xmlns=\"http://www.w3.org/2000/svg\"/>", "an SVG"),
            (b"  <!doctype html>", "a web page"),
            (b"PK\x03\x04", "a zip"),
            (b"%PDF-1.7", "a PDF"),
            (b"\0\0\0\x1cftypavif\0\0\0\0", "an AVIF"),
            (b"\0\0\0\x1cftypheic\0\0\0\0", "a HEIC"),
            (b"\0\0\0\x1cftypisom\0\0\0\0", "a video"),
            (b"hello", "no picture"),
            (b"\xff\xd8\xff", "broken"),
            (b"RIFF\x04\0\0\0WEBP", "broken"),
            (&png[..40], "broken"),
        ] {
            let refused = shrink(bytes).unwrap_err().to_string();
            assert!(refused.contains(what), "{refused}");
        }
    }

    /// A kilobyte that says that it is 30,000 × 30,000 pixels.
    #[test]
    fn a_picture_that_is_too_large_is_refused_by_its_head() {
        let mut png = file(&drawn(20, 20), ImageFormat::Png);
        let size = 30_000_u32.to_be_bytes();
        png[16..20].copy_from_slice(&size);
        png[20..24].copy_from_slice(&size);
        let mut crc = flate2::Crc::new();
        crc.update(&png[12..29]);
        png[29..33].copy_from_slice(&crc.sum().to_be_bytes());
        assert_eq!(shrink(&png), Err(NotAnImage::TooLarge { width: 30_000, height: 30_000 }));
        let long = file(&drawn(SIDE_MAX + 1, 1), ImageFormat::Png);
        assert_eq!(shrink(&long), Err(NotAnImage::TooLarge { width: SIDE_MAX + 1, height: 1 }));
    }

    /// Cut off at any place, a file is a picture or is refused, and nothing else happens.
    #[test]
    fn a_file_that_is_cut_off_harms_nobody() {
        for format in [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::WebP] {
            let whole = file(&drawn(64, 64), format);
            for tenth in 0..10 {
                let _ = shrink(&whole[..whole.len() * tenth / 10]);
            }
        }
    }
}
