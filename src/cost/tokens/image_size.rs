//! Width and height of an image in a `data:` URL, from its header: PNG, JPEG, GIF and WebP.

/// Characters of base64 that are read at most: a JPEG's size stands behind its metadata, which rarely is longer.
const MOST_CHARACTERS: usize = 512 * 1024;

/// Reads the size in pixels; `None` for a remote URL, another format, a broken header or a side of zero.
pub(super) fn of_data_url(url: &str) -> Option<(u32, u32)> {
    let (head, data) = url.split_once(',')?;
    if !head.starts_with("data:") || !head.ends_with(";base64") {
        return None;
    }
    of_base64(data)
}

/// Reads the size in pixels from the start of a base64 file.
pub(super) fn of_base64(data: &str) -> Option<(u32, u32)> {
    let bytes = decode(data);
    let (width, height) = png(&bytes).or_else(|| gif(&bytes)).or_else(|| webp(&bytes)).or_else(|| jpeg(&bytes))?;
    (width > 0 && height > 0).then_some((width, height))
}

/// Decodes base64, standard or URL-safe, up to the first character that is none.
fn decode(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len().min(MOST_CHARACTERS) / 4 * 3);
    let (mut bits, mut held) = (0_u32, 0);
    for byte in text.bytes().take(MOST_CHARACTERS) {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            b'\r' | b'\n' => continue,
            _ => break,
        };
        bits = bits << 6 | u32::from(value);
        held += 6;
        if held >= 8 {
            held -= 8;
            out.push((bits >> held) as u8);
        }
    }
    out
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk().copied()
}

fn png(bytes: &[u8]) -> Option<(u32, u32)> {
    bytes.strip_prefix(b"\x89PNG\r\n\x1a\n")?;
    Some((u32::from_be_bytes(array(bytes, 16)?), u32::from_be_bytes(array(bytes, 20)?)))
}

fn gif(bytes: &[u8]) -> Option<(u32, u32)> {
    bytes.strip_prefix(b"GIF8")?;
    let side = |at| array(bytes, at).map(|side| u32::from(u16::from_le_bytes(side)));
    Some((side(6)?, side(8)?))
}

fn webp(bytes: &[u8]) -> Option<(u32, u32)> {
    if bytes.get(8..12) != Some(b"WEBP") {
        return None;
    }
    let side = |at| array(bytes, at).map(|side| u32::from(u16::from_le_bytes(side)));
    match bytes.get(12..16)? {
        b"VP8 " => Some((side(26)? & 0x3FFF, side(28)? & 0x3FFF)),
        b"VP8L" => {
            let bits = u32::from_le_bytes(array(bytes, 21)?);
            Some(((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1))
        }
        b"VP8X" => {
            let side = |at| array(bytes, at).map(|[low, middle, high]| u32::from_le_bytes([low, middle, high, 0]) + 1);
            Some((side(24)?, side(27)?))
        }
        _ => None,
    }
}

/// Walks the segments to the start of the frame (ITU T.81, B.1.1.3).
fn jpeg(bytes: &[u8]) -> Option<(u32, u32)> {
    let mut at = bytes.starts_with(b"\xFF\xD8\xFF").then_some(2)?;
    loop {
        let [mark, kind] = array(bytes, at)?;
        match (mark, kind) {
            // Fill bytes.
            (0xFF, 0xFF) => at += 1,
            (0xFF, 0xC0..=0xC3 | 0xC5..=0xC7 | 0xC9..=0xCB | 0xCD..=0xCF) => {
                let side = |at| array(bytes, at).map(|side| u32::from(u16::from_be_bytes(side)));
                return Some((side(at + 7)?, side(at + 5)?));
            }
            (0xFF, _) => at += 2 + usize::from(u16::from_be_bytes(array(bytes, at + 2)?)),
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Standard base64 without padding.
    fn url(bytes: &[u8]) -> String {
        const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let bit = |at: usize| bytes.get(at / 8).map_or(0, |byte| usize::from(byte >> (7 - at % 8) & 1));
        let digits = (0..bytes.len() * 8).step_by(6).map(|at| (at..at + 6).fold(0, |digit, at| digit << 1 | bit(at)));
        let text: String = digits.map(|digit| DIGITS[digit] as char).collect();
        format!("data:image/x;base64,{text}")
    }

    #[test]
    fn sizes_of_all_formats_are_read() {
        let gap = |length| vec![0_u8; length];
        let png = [b"\x89PNG\r\n\x1a\n".as_slice(), &gap(8), &[0, 0, 4, 0, 0, 0, 3, 0]].concat();
        let gif = b"GIF89a\x80\x02\xE0\x01".to_vec();
        let metadata = [&[0xFF, 0xE1, 0x40, 0x02], gap(0x4000).as_slice()].concat();
        let jpeg = [&[0xFF, 0xD8], metadata.as_slice(), &[0xFF, 0xFF, 0xC2, 0, 17, 8, 1, 0xE0, 2, 0x80, 3]].concat();
        let riff = |kind: &[u8]| [b"RIFF\0\0\0\0WEBP".as_slice(), kind].concat();
        let lossy = [riff(b"VP8 "), gap(10), vec![0x80, 0x02, 0xE0, 0x01]].concat();
        let lossless = [riff(b"VP8L"), gap(5), (639_u32 + (479 << 14)).to_le_bytes().to_vec()].concat();
        let extended = [riff(b"VP8X"), gap(8), vec![0x7F, 0x02, 0, 0xDF, 0x01, 0]].concat();
        assert_eq!(of_data_url(&url(&png)), Some((1024, 768)));
        for bytes in [&gif, &jpeg, &lossy, &lossless, &extended] {
            assert_eq!(of_data_url(&url(bytes)), Some((640, 480)), "{:?}", &bytes[..4]);
            for cut in 0..bytes.len().min(60) {
                let _ = of_data_url(&url(&bytes[..cut]));
            }
        }
    }

    #[test]
    fn anything_else_has_no_size() {
        for bad in ["", "https://example.com/a.png", "data:image/png,abc", "data:image/png;base64,", "data:;base64,%%%"]
        {
            assert_eq!(of_data_url(bad), None, "{bad}");
        }
        assert_eq!(of_data_url(&url(&[b"\x89PNG\r\n\x1a\n".as_slice(), &[0; 16]].concat())), None);
        assert_eq!(of_data_url(&url(&[0xFF, 0xD8, 0xFF, 0xE0, 0, 0, 0xFF])), None);
    }
}
