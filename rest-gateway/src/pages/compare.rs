//! Two versions of a text beside each other.

use std::time::Duration;

use minijinja::{Value, context};
use similar::{ChangeTag, TextDiff};

/// A comparison that takes longer is given up where it is: what is left is then all new.
const PATIENCE: Duration = Duration::from_millis(100);

/// The old and the new text in parts, each of which says whether it is only here.
pub fn sides(old: &str, new: &str) -> (Vec<Value>, Vec<Value>) {
    let diff = TextDiff::configure().timeout(PATIENCE).diff_unicode_words(old, new);
    let (mut before, mut after) = (Side::default(), Side::default());
    for change in diff.iter_all_changes() {
        let text = change.to_string_lossy();
        match change.tag() {
            ChangeTag::Equal => {
                before.push(&text, false);
                after.push(&text, false);
            }
            ChangeTag::Delete => before.push(&text, true),
            ChangeTag::Insert => after.push(&text, true),
        }
    }
    (before.values(), after.values())
}

/// A text in parts that differ in whether the other side has them.
#[derive(Default)]
struct Side(Vec<(String, bool)>);

impl Side {
    fn push(&mut self, text: &str, is_only_here: bool) {
        match self.0.last_mut() {
            Some((part, last)) if *last == is_only_here => part.push_str(text),
            _ => self.0.push((text.to_owned(), is_only_here)),
        }
    }

    fn values(self) -> Vec<Value> {
        self.0.into_iter().map(|(text, is_only_here)| context! { text, is_only_here }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marked(parts: &[Value]) -> String {
        let part = |part: &Value| {
            let text = part.get_attr("text").unwrap().to_string();
            if part.get_attr("is_only_here").unwrap().is_true() { format!("[{text}]") } else { text }
        };
        parts.iter().map(part).collect()
    }

    #[test]
    fn what_differs_is_marked_on_its_side() {
        for (old, new, before, after) in [
            ("A slow page.", "A fast page.", "A [slow] page.", "A [fast] page."),
            ("same", "same", "same", "same"),
            ("", "new", "", "[new]"),
            ("שלום עולם", "שלום לך", "שלום [עולם]", "שלום [לך]"),
        ] {
            let (left, right) = sides(old, new);
            assert_eq!((marked(&left), marked(&right)), (before.to_owned(), after.to_owned()));
        }
    }
}
