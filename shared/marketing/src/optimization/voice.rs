//! What to do or avoid when writing: from the reasons for which pieces were sent back, and from rules that are broken
//! again and again.

use std::collections::{BTreeMap, BTreeSet};

use entity::content::{Checked, ContentKind, Decision};
use entity::ids::ContentId;
use entity::proposals::{Category, Confidence, Evidence as Facts, Fact, NewProposal, Part};

use super::contrast::{count, numbers};
use super::{Advice, Evidence, Needed, Verdict};
use crate::check::rules_for;
use crate::guide::{channel_from_slug, guide};
use crate::rule::Rule;
use crate::text::sentence;

/// Pieces in which the same has to be seen.
const MIN_PIECES: usize = 3;
/// A rule is a matter of habit only where it is broken in one of so many pieces.
const ONE_OF: usize = 5;
/// How many reasons are quoted.
const QUOTED: usize = 3;
/// How much of a reason is quoted.
const MAX_QUOTE: usize = 160;

/// Reasons that say the same.
struct Objection {
    /// What people object to.
    name: &'static str,
    /// Words by which it is known; a star stands for any ending.
    signs: &'static [&'static str],
    /// What to write into the profile.
    part: fn() -> Part,
}

fn to_do(entry: &str) -> Part {
    Part::VoiceDo(entry.to_owned())
}

fn to_avoid(entry: &str) -> Part {
    Part::VoiceDont(entry.to_owned())
}

/// Our own reading of English reasons. A word after "not", "more", "add" or "missing" means the opposite.
static OBJECTIONS: &[Objection] = &[
    Objection {
        name: "too long",
        signs: &["too long", "lengthy", "wordy", "long winded", "shorten", "shorter", "cut it down", "rambl*"],
        part: || to_avoid("texts that are longer than their point needs"),
    },
    Objection {
        name: "too salesy",
        signs: &["sales*", "pushy", "hype*", "clickbait*", "hard sell", "too promotional", "sounds like an ad"],
        part: || to_avoid("hype and pushing to buy"),
    },
    Objection {
        name: "jargon",
        signs: &["jargon", "buzzword*", "too technical", "corporate speak", "plain words", "plainer"],
        part: || to_avoid("jargon and buzzwords"),
    },
    Objection {
        name: "too dry",
        signs: &["too dry", "dry", "boring", "bland", "flat", "lifeless", "stiff", "too formal", "robotic", "generic"],
        part: || to_do("write as one talks to a colleague, with an example or a short story"),
    },
    Objection {
        name: "tone",
        signs: &["too casual", "flippant", "wrong tone", "off brand", "not our voice", "doesn t sound like us", "tone"],
        part: || to_do("keep to the brand's tone: read the adjectives of the voice before writing"),
    },
    Objection { name: "emoji", signs: &["emoji*", "smiley*"], part: || to_avoid("emoji") },
    Objection { name: "hashtags", signs: &["hashtag*"], part: || to_avoid("more than one or two hashtags") },
    Objection {
        name: "exclamation marks",
        signs: &["exclamation*", "shouting", "shouty"],
        part: || to_avoid("exclamation marks"),
    },
    Objection {
        name: "off topic",
        signs: &["off topic", "irrelevant", "not relevant", "wrong audience", "not our topic", "besides the point"],
        part: || to_do("stay with the brand's pillars and its audience"),
    },
    Objection {
        name: "wrong facts",
        signs: &[
            "wrong fact*",
            "inaccurate",
            "incorrect",
            "not true",
            "factual*",
            "wrong number*",
            "made up",
            "untrue",
        ],
        part: || to_do("check every fact and number against its source before the piece is handed in"),
    },
    Objection {
        name: "too vague",
        signs: &[
            "vague",
            "not concrete",
            "too general",
            "no example*",
            "more specific",
            "more concrete",
            "more detail*",
        ],
        part: || to_do("be concrete: a number, a name or an example for each claim"),
    },
];

/// Rules about how something is written; others are about what a channel needs.
const HABITS: [&str; 9] = [
    ".length",
    ".hook",
    ".hashtags",
    ".exclamations",
    ".headline_exclamation",
    ".punctuation",
    ".subject_punctuation",
    ".capitals",
    ".reading_level",
];

pub fn propose(evidence: &Evidence, advice: &mut Advice) {
    let proposed = advice.proposals.len();
    advice.proposals.extend(OBJECTIONS.iter().filter_map(|objection| of_objection(evidence, objection)));
    advice.proposals.extend(of_rules(evidence));
    if advice.proposals.len() == proposed && sent_back(&evidence.verdicts).next().is_none() {
        let what = format!(
            "To learn what to write differently, decisions with reasons are needed: the same reason for {MIN_PIECES} \
             pieces makes a proposal."
        );
        advice.needed.push(Needed { category: Category::VoiceRefinement, what });
    }
}

fn sent_back(verdicts: &[Verdict]) -> impl Iterator<Item = (&ContentId, &str)> {
    let verdicts = verdicts.iter().filter(|verdict| verdict.decision != Decision::Approved);
    verdicts.filter_map(|verdict| Some((&verdict.content_id, verdict.reason.as_deref()?)))
}

fn of_objection(evidence: &Evidence, objection: &Objection) -> Option<NewProposal> {
    // Of each piece the reason that was given last.
    let mut reasons: BTreeMap<&ContentId, &str> = BTreeMap::new();
    for (id, reason) in sent_back(&evidence.verdicts).filter(|(_, reason)| objection.is_in(reason)) {
        reasons.entry(id).or_insert(reason);
    }
    let decided: BTreeSet<&ContentId> = evidence.verdicts.iter().map(|verdict| &verdict.content_id).collect();
    let (pieces, of) = (reasons.len(), decided.len());
    let sum = Fact {
        text: format!("{pieces} of {of} pieces that were decided on were sent back as “{}”", objection.name),
        source: "decisions of the last half year".to_owned(),
        ids: Vec::new(),
        numbers: numbers(&[("pieces", count(pieces)), ("decided", count(of))]),
    };
    let quotes = reasons.iter().rev().take(QUOTED).map(|(id, reason)| Fact {
        text: format!("“{}”", beginning(reason)),
        source: "the reason of a decision".to_owned(),
        ids: vec![id.to_string()],
        numbers: BTreeMap::new(),
    });
    let effect = format!("Fewer pieces come back for this: it was so with {pieces} of the {of} that were decided on.");
    addition(evidence, (objection.part)(), pieces, std::iter::once(sum).chain(quotes).collect(), effect)
}

/// Rules that are broken in many pieces of the kinds that they are for.
fn of_rules(evidence: &Evidence) -> Vec<NewProposal> {
    let mut broken: BTreeMap<&str, BTreeSet<&ContentId>> = BTreeMap::new();
    for Checked { content_id, findings, .. } in &evidence.checked {
        for finding in findings.0.iter().filter(|finding| HABITS.iter().any(|habit| finding.rule.ends_with(habit))) {
            broken.entry(&finding.rule).or_default().insert(content_id);
        }
    }
    broken.into_iter().filter_map(|(rule, pieces)| of_rule(evidence, rule, &pieces)).collect()
}

fn of_rule(evidence: &Evidence, id: &str, pieces: &BTreeSet<&ContentId>) -> Option<NewProposal> {
    let find = |kind: ContentKind| rules_for(kind).into_iter().find(|rule| rule.id == id);
    let rule: &Rule = evidence.checked.iter().find_map(|checked| find(checked.kind))?;
    let concerned = evidence.checked.iter().filter(|checked| find(checked.kind).is_some());
    let of = concerned.map(|checked| &checked.content_id).collect::<BTreeSet<_>>().len();
    if pieces.len() * ONE_OF < of {
        return None;
    }
    let fact = Fact {
        text: format!("{} of {of} pieces that this is for did not keep to it", pieces.len()),
        source: rule.source.unwrap_or("the check of each draft").to_owned(),
        ids: pieces.iter().rev().take(QUOTED).map(ToString::to_string).collect(),
        numbers: numbers(&[("pieces", count(pieces.len())), ("of", count(of))]),
    };
    let effect = format!("Fewer findings to mend: there was one in {} of the {of} pieces.", pieces.len());
    let slug = id.split_once('.').map_or(id, |(slug, _)| slug);
    let place = channel_from_slug(slug).map(|channel| format!("on {}: ", guide(channel).name)).unwrap_or_default();
    let part = Part::VoiceDo(format!("{place}{}", rule.summary().trim_end_matches('.')));
    addition(evidence, part, pieces.len(), vec![fact], effect)
}

/// One more entry for the voice, where it is not there and was seen often enough.
fn addition(
    evidence: &Evidence,
    part: Part,
    pieces: usize,
    facts: Vec<Fact>,
    expected_effect: String,
) -> Option<NewProposal> {
    let current = part.read(&evidence.brand.profile);
    if pieces < MIN_PIECES || !current.is_null() {
        return None;
    }
    let (title, entry) = match &part {
        Part::VoiceDont(entry) => (format!("Avoid {entry}"), entry.clone()),
        Part::VoiceDo(entry) => (sentence(entry), entry.clone()),
        _ => return None,
    };
    let confidence = match pieces {
        ..=4 => Confidence::Low,
        5..=7 => Confidence::Medium,
        _ => Confidence::High,
    };
    Some(NewProposal {
        title,
        current,
        proposed: entry.into(),
        part,
        evidence: Facts(facts),
        expected_effect,
        confidence,
    })
}

impl Objection {
    fn is_in(&self, reason: &str) -> bool {
        let words: Vec<String> = reason
            .to_lowercase()
            .split(|c: char| !c.is_alphanumeric())
            .filter(|word| !word.is_empty())
            .map(str::to_owned)
            .collect();
        self.signs.iter().any(|sign| {
            let sign: Vec<&str> = sign.split(' ').collect();
            words.windows(sign.len()).enumerate().any(|(at, window)| {
                let before = at.checked_sub(1).and_then(|before| words.get(before)).map(String::as_str);
                let is_opposite = matches!(before, Some("not" | "more" | "add" | "missing"));
                !is_opposite && window.iter().zip(&sign).all(|(word, sign)| is_word(word, sign))
            })
        })
    }
}

fn is_word(word: &str, sign: &str) -> bool {
    match sign.strip_suffix('*') {
        Some(stem) => word.starts_with(stem),
        None => word == sign,
    }
}

fn beginning(reason: &str) -> String {
    let line = reason.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= MAX_QUOTE {
        return line;
    }
    format!("{}…", line.chars().take(MAX_QUOTE - 1).collect::<String>().trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_read_as_people_mean_them() {
        let read = |reason: &str| -> Vec<&str> {
            OBJECTIONS.iter().filter(|objection| objection.is_in(reason)).map(|objection| objection.name).collect()
        };
        for (reason, expected) in [
            ("Too long, please shorten it", vec!["too long"]),
            ("Way too SALESY!", vec!["too salesy"]),
            ("Buzzwords everywhere", vec!["jargon"]),
            ("A bit dry and generic", vec!["too dry"]),
            ("Doesn't sound like us", vec!["tone"]),
            ("Drop the emojis", vec!["emoji"]),
            ("#hashtags: fewer", vec!["hashtags"]),
            ("The number is made up", vec!["wrong facts"]),
            ("Not salesy enough, more emoji", vec![]),
            ("Add hashtags", vec![]),
            ("We said this last week", vec![]),
            ("Along the longest road", vec![]),
            ("", vec![]),
        ] {
            assert_eq!(read(reason), expected, "{reason}");
        }
    }

    #[test]
    fn each_objection_has_an_entry_of_its_own() {
        let parts: Vec<Part> = OBJECTIONS.iter().map(|objection| (objection.part)()).collect();
        assert!(parts.iter().enumerate().all(|(at, part)| !parts[..at].contains(part)));
    }
}
