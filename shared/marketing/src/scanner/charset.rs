//! From bytes to text, as browsers do it.

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8};

/// How far into a page its own declaration is looked for, as the HTML standard has it
/// (<https://html.spec.whatwg.org/multipage/parsing.html#determining-the-character-encoding>).
const PRESCAN: usize = 1_024;

/// The text of a page, and the name of the encoding that it was in: that of its byte order mark, of its header, of its
/// own declaration, or the likeliest.
#[must_use]
pub fn decode(body: &[u8], content_type: Option<&str>) -> (String, &'static str) {
    let encoding = Encoding::for_bom(body)
        .map(|(encoding, _)| encoding)
        .or_else(|| content_type.and_then(of_content_type))
        .or_else(|| declared(body))
        .unwrap_or_else(|| guess(body));
    let (text, used, _) = encoding.decode(body);
    (text.into_owned(), used.name())
}

fn of_content_type(content_type: &str) -> Option<&'static Encoding> {
    let (_, after) = content_type.split_once("charset=")?;
    let label = after.split(';').next().unwrap_or_default().trim().trim_matches(['"', '\'']);
    Encoding::for_label(label.as_bytes())
}

fn declared(body: &[u8]) -> Option<&'static Encoding> {
    let beginning = body.get(..PRESCAN.min(body.len())).unwrap_or_default();
    let beginning = String::from_utf8_lossy(beginning).to_ascii_lowercase();
    let meta = beginning.split("<meta").skip(1).find_map(|meta| meta.split('>').next()?.split_once("charset"))?.1;
    let label = meta.trim_start().strip_prefix('=')?.trim_start().trim_start_matches(['"', '\'']);
    let label = label.split(['"', '\'', ' ', ';', '/', '>']).next()?;
    // What was read as ASCII so far is not UTF-16, whatever it says.
    Encoding::for_label(label.as_bytes()).map(Encoding::output_encoding)
}

fn guess(body: &[u8]) -> &'static Encoding {
    if std::str::from_utf8(body).is_ok() {
        return UTF_8;
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(body, true);
    detector.guess(None, Utf8Detection::Allow)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_counts_before_the_page_and_the_page_before_a_guess() {
        let latin = b"<meta charset=windows-1252><p>caf\xe9</p>";
        assert_eq!(decode(latin, None), ("<meta charset=windows-1252><p>caf\u{e9}</p>".to_owned(), "windows-1252"));
        let utf8 = "<meta charset=\"windows-1252\"><p>caf\u{e9}</p>".as_bytes();
        assert_eq!(decode(utf8, Some("text/html; charset=UTF-8")).1, "UTF-8");
        let (text, name) = decode(b"\x93\xfa\x96{\x8c\xea\x82\xcc\x83y\x81[\x83W\x82\xc5\x82\xb7\x81B", None);
        assert_eq!((text.as_str(), name), ("日本語のページです。", "Shift_JIS"));
        assert_eq!(decode("Straße".as_bytes(), None), ("Straße".to_owned(), "UTF-8"));
        assert_eq!(decode(b"\xef\xbb\xbfx", Some("text/html; charset=latin1")), ("x".to_owned(), "UTF-8"));
        assert_eq!(
            decode(b"<META HTTP-EQUIV='Content-Type' CONTENT='text/html; charset=koi8-r'>\xf0", None).1,
            "KOI8-R"
        );
    }
}
