//! Pictures that somebody gave us and that we serve: PNG, JPEG and WebP, small, and known by their content alone
//!
//! What a file or a header says it is counts for nothing. SVG is a document that can run scripts: it is not taken.

use std::fmt::Write as _;
use std::sync::Arc;

/// The most bytes of a picture.
pub const MOST_BYTES: usize = 100 * 1024;
/// The most pixels along one side.
pub const LONGEST_SIDE: u32 = 2048;

/// What it is, read off its first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImageType {
    Png,
    Jpeg,
    Webp,
}

impl ImageType {
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
            Self::Webp => "image/webp",
        }
    }

    pub const fn extension(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Jpeg => "jpg",
            Self::Webp => "webp",
        }
    }
}

/// Why a picture is not taken, as a sentence for the person who gave it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ImageFlaw {
    #[error("a logo is a PNG, JPEG or WebP picture; an SVG can carry scripts and is not taken")]
    Kind,
    #[error("a logo has at most 100 KiB")]
    Bytes,
    #[error("a logo has at most 2048 pixels on each side, and at least one")]
    Sides,
}

/// A picture that was looked at. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    pub kind: ImageType,
    bytes: Arc<[u8]>,
    name: Arc<str>,
}

impl Image {
    /// Looks at the bytes: kind, size and sides.
    pub fn read(bytes: &[u8]) -> Result<Self, ImageFlaw> {
        if bytes.len() > MOST_BYTES {
            return Err(ImageFlaw::Bytes);
        }
        let (kind, sides) = measure(bytes).ok_or(ImageFlaw::Kind)?;
        let fits = |side: u32| (1..=LONGEST_SIDE).contains(&side);
        if !fits(sides.0) || !fits(sides.1) {
            return Err(ImageFlaw::Sides);
        }
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes);
        let mut name = String::new();
        for byte in &digest.as_ref()[..16] {
            let _ = write!(name, "{byte:02x}");
        }
        let _ = write!(name, ".{}", kind.extension());
        Ok(Self { kind, bytes: bytes.into(), name: name.into() })
    }

    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// A file name that says its content, so that it may be cached for ever: `0123….png`.
    pub fn name(&self) -> &str {
        &self.name
    }
}

fn measure(bytes: &[u8]) -> Option<(ImageType, (u32, u32))> {
    if let Some(rest) = bytes.strip_prefix(b"\x89PNG\r\n\x1a\n") {
        let sides = rest.get(4..8) == Some(b"IHDR");
        return sides.then(|| Some((ImageType::Png, (be32(rest, 8)?, be32(rest, 12)?)))).flatten();
    }
    if bytes.starts_with(b"\xff\xd8\xff") {
        return Some((ImageType::Jpeg, jpeg_sides(bytes)?));
    }
    if bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") {
        return Some((ImageType::Webp, webp_sides(bytes)?));
    }
    None
}

fn be32(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

fn be16(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

fn le16(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

/// From the first frame header (SOF0 to SOF15, without the three markers among them that are none).
fn jpeg_sides(bytes: &[u8]) -> Option<(u32, u32)> {
    let mut at = 2;
    loop {
        let [0xff, marker] = *bytes.get(at..at + 2)? else { return None };
        if matches!(marker, 0xc0..=0xcf) && !matches!(marker, 0xc4 | 0xc8 | 0xcc) {
            return Some((be16(bytes, at + 7)?.into(), be16(bytes, at + 5)?.into()));
        }
        let fill = marker == 0xff;
        at += if fill { 1 } else { 2 + usize::from(be16(bytes, at + 2)?).max(2) };
    }
}

fn webp_sides(bytes: &[u8]) -> Option<(u32, u32)> {
    let side24 = |at: usize| {
        let [a, b, c] = *bytes.get(at..at + 3)? else { return None };
        Some(u32::from_le_bytes([a, b, c, 0]) + 1)
    };
    match bytes.get(12..16)? {
        b"VP8X" => Some((side24(24)?, side24(27)?)),
        b"VP8 " if bytes.get(23..26) == Some(b"\x9d\x01\x2a") => {
            Some(((le16(bytes, 26)? & 0x3fff).into(), (le16(bytes, 28)? & 0x3fff).into()))
        }
        b"VP8L" if bytes.get(20) == Some(&0x2f) => {
            let bits = u32::from_le_bytes(bytes.get(21..25)?.try_into().ok()?);
            Some(((bits & 0x3fff) + 1, ((bits >> 14) & 0x3fff) + 1))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn png(width: u32, height: u32) -> Vec<u8> {
        let sides = [width.to_be_bytes(), height.to_be_bytes()].concat();
        [b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".as_slice(), &sides, b"\x08\x06\0\0\0"].concat()
    }

    #[test]
    fn a_picture_is_known_by_its_content_and_has_bounds() {
        let jpeg = b"\xff\xd8\xff\xe0\0\x04JF\xff\xc0\0\x11\x08\0\x10\0\x20\x03".to_vec();
        let webp = b"RIFF\x1a\0\0\0WEBPVP8L\x0d\0\0\0\x2f\x0f\x40\x01\0\0".to_vec();
        let animated = b"RIFF\x1a\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0\xff\x07\0\xff\xff\0".to_vec();
        for (what, bytes, want) in [
            ("a PNG", png(64, 64), Ok(ImageType::Png)),
            ("a JPEG", jpeg, Ok(ImageType::Jpeg)),
            ("a WebP", webp, Ok(ImageType::Webp)),
            ("a giant", png(2049, 1), Err(ImageFlaw::Sides)),
            ("a giant in VP8X", animated, Err(ImageFlaw::Sides)),
            ("a point without extent", png(0, 1), Err(ImageFlaw::Sides)),
            ("an SVG", b"<svg xmlns='http://www.w3.org/2000/svg'/>".to_vec(), Err(ImageFlaw::Kind)),
            ("a page", b"<!doctype html><script>alert(1)</script>".to_vec(), Err(ImageFlaw::Kind)),
            ("a GIF", b"GIF89a\x01\0\x01\0".to_vec(), Err(ImageFlaw::Kind)),
            ("a PNG cut short", png(64, 64)[..20].to_vec(), Err(ImageFlaw::Kind)),
            ("a JPEG without a frame", b"\xff\xd8\xff\xe0\0\x04JF".to_vec(), Err(ImageFlaw::Kind)),
            ("nothing", Vec::new(), Err(ImageFlaw::Kind)),
            ("too much", vec![0; MOST_BYTES + 1], Err(ImageFlaw::Bytes)),
        ] {
            assert_eq!(Image::read(&bytes).map(|image| image.kind), want, "{what}");
        }
        let image = Image::read(&png(64, 64)).expect("a picture");
        let stem = image.name().strip_suffix(".png");
        assert!(stem.is_some_and(|stem| stem.len() == 32), "{}", image.name());
    }
}
