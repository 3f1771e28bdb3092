//! Finding the brand's forbidden claims in any text of a draft.

use std::collections::HashSet;

use caseless::default_case_fold_str;
use entity::brands::Profile;
use entity::content::{Draft, Finding, Severity};
use unicode_normalization::UnicodeNormalization;

use crate::rule::Rule;

/// The brand's own rule.
pub(crate) const FORBIDDEN: Rule = Rule {
    id: "brand.forbidden_claim",
    severity: Severity::Blocking,
    source: None,
    summary: || "Never use a claim that the brand forbids, in any text field.".to_owned(),
};

/// Every field in which a forbidden claim is found, claim by claim.
pub(crate) fn check(draft: &Draft, brand: &Profile, found: &mut Vec<Finding>) {
    let fields: Vec<(String, Vec<String>)> =
        fields(draft).into_iter().map(|(name, text)| (name, tokens(text))).collect();
    let mut seen = HashSet::new();
    for claim in &brand.forbidden_claims {
        let wanted = tokens(claim);
        if wanted.is_empty() || !seen.insert(wanted.clone()) {
            continue;
        }
        let places: Vec<&str> =
            fields.iter().filter(|(_, text)| contains(text, &wanted)).map(|(name, _)| name.as_str()).collect();
        if !places.is_empty() {
            let (claim, places) = (claim.trim(), places.join(", "));
            found.push(FORBIDDEN.finding(
                format!("The brand forbids “{claim}”, which stands in: {places}."),
                "Say it in other words, or leave it out.".to_owned(),
            ));
        }
    }
}

/// Whether a claim holds anything that can be searched for.
pub(crate) fn is_searchable(claim: &str) -> bool {
    !tokens(claim).is_empty()
}

/// The texts of a draft by the name of their field in the API.
fn fields(draft: &Draft) -> Vec<(String, &str)> {
    let mut fields = vec![("body".to_owned(), draft.body.as_str())];
    let named = [
        ("title", &draft.title),
        ("subject", &draft.subject),
        ("preheader", &draft.preheader),
        ("description", &draft.description),
    ];
    fields.extend(named.into_iter().filter_map(|(name, text)| Some((name.to_owned(), text.as_deref()?))));
    fields.extend(
        draft
            .media
            .iter()
            .enumerate()
            .filter_map(|(index, media)| Some((format!("media[{index}].alt"), media.alt.as_deref()?))),
    );
    fields
}

fn contains(text: &[String], wanted: &[String]) -> bool {
    text.windows(wanted.len()).any(|window| window == wanted)
}

/// Folded words and symbols of a text; blanks, punctuation and markup between them do not count.
///
/// A symbol that carries meaning is a token, so that "#1" is not found in "1". A letter of a script without blanks
/// between words is a token as well, so that a phrase is found within a sentence.
fn tokens(text: &str) -> Vec<String> {
    let folded: String = default_case_fold_str(&text.nfkc().filter(|c| !is_invisible(*c)).collect::<String>());
    let mut tokens = Vec::new();
    let mut word = String::new();
    for c in folded.nfkc().filter(|c| !matches!(c, '\'' | '’' | '‘' | 'ʼ')) {
        let alone = is_symbol(c) || is_unspaced(c);
        if c.is_alphanumeric() && !alone {
            word.push(c);
            continue;
        }
        if !word.is_empty() {
            tokens.push(std::mem::take(&mut word));
        }
        if alone {
            tokens.push(c.to_string());
        }
    }
    if !word.is_empty() {
        tokens.push(word);
    }
    tokens
}

/// Characters that show nothing and would only hide a word from the search.
pub(crate) fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}')
}

/// Symbols that change what a claim says, such as the one in "100%". Markup such as `*` is none of them.
fn is_symbol(c: char) -> bool {
    matches!(c, '#' | '%' | '$' | '&' | '@' | '+' | '=' | '<' | '>' | '¢'..='¥' | '°' | '\u{20a0}'..='\u{20cf}' | '‰' | '№')
}

/// Letters of scripts that write words without blanks, or join endings to them.
fn is_unspaced(c: char) -> bool {
    matches!(c,
        '\u{e00}'..='\u{eff}'       // Thai, Lao
        | '\u{1000}'..='\u{109f}'   // Myanmar
        | '\u{1780}'..='\u{17ff}'   // Khmer
        | '\u{3040}'..='\u{30ff}'   // Hiragana, Katakana
        | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}' // Han
        | '\u{ac00}'..='\u{d7a3}'   // Hangul
    ) && c.is_alphanumeric()
}
