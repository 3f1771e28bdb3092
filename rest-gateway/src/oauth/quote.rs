//! Words of strangers in sentences of ours.

/// What can be seen of them, on one line, with at most so many characters, and in the order in which they are written.
pub fn visible(text: &str, most: usize) -> String {
    let is_kept = |character: &char| character.is_whitespace() || !character.is_control() && !is_invisible(*character);
    let words: String = text.chars().filter(is_kept).take(most).collect();
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What nobody sees, or what turns the text around it. Unicode's Default_Ignorable_Code_Point, the annotations between
/// lines, and the empty pattern of Braille.
fn is_invisible(character: char) -> bool {
    matches!(character,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_seen_is_quoted() {
        for (given, expected) in [
            ("Claude", "Claude"),
            (" My\n\tapp\u{202e} \u{200b}", "My app"),
            ("שלום 🚀", "שלום 🚀"),
            ("Clau\u{ad}de\u{e0041}\u{fe0f}", "Claude"),
            ("A\u{3000}\u{a0}B", "A B"),
            ("\u{3164}\u{115f}\u{1160}\u{ffa0}\u{2800}\u{61c}\u{180e}\u{34f}\u{e0020}\u{e01ef}\u{7f}", ""),
        ] {
            assert_eq!(visible(given, 60), expected);
        }
        assert_eq!(visible(&"ü".repeat(100), 60), "ü".repeat(60));
    }
}
