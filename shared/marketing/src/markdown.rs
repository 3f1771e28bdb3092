//! What readers of a Markdown text get to see, and text that is no Markdown in one.

use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, TagEnd};

/// The parts of a Markdown text that rules look at.
#[derive(Debug, Default)]
pub(crate) struct Markdown {
    /// Text without markup; every block ends with a line break. Code is left out.
    pub text: String,
    /// Number of headings of the first level.
    pub titles: usize,
    /// Number of headings of lower levels.
    pub headings: usize,
    /// Where the links lead, in order.
    pub links: Vec<String>,
    /// Number of pictures without a description.
    pub pictures_without_alt: usize,
}

/// Reads a Markdown text.
pub(crate) fn parse(source: &str) -> Markdown {
    let mut read = Markdown::default();
    let mut code = false;
    let mut alt: Option<usize> = None;
    for event in Parser::new_ext(source, Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH) {
        match event {
            Event::Start(Tag::CodeBlock(_)) => code = true,
            Event::End(TagEnd::CodeBlock) => code = false,
            Event::Start(Tag::Heading { level: HeadingLevel::H1, .. }) => read.titles += 1,
            Event::Start(Tag::Heading { .. }) => read.headings += 1,
            Event::Start(Tag::Link { dest_url, .. }) => read.links.push(dest_url.into_string()),
            Event::Start(Tag::Image { .. }) => alt = Some(read.text.trim_end().len()),
            Event::End(TagEnd::Image) => {
                let described = alt.take().is_some_and(|start| read.text.trim_end().len() > start);
                read.pictures_without_alt += usize::from(!described);
            }
            Event::Text(text) | Event::Code(text) if !code => read.text.push_str(&text),
            Event::SoftBreak => read.text.push(' '),
            Event::HardBreak => read.text.push('\n'),
            Event::End(end) if ends_block(end) => read.text.push('\n'),
            _ => {}
        }
    }
    read
}

fn ends_block(end: TagEnd) -> bool {
    !matches!(
        end,
        TagEnd::Emphasis
            | TagEnd::Strong
            | TagEnd::Strikethrough
            | TagEnd::Link
            | TagEnd::Superscript
            | TagEnd::Subscript
    )
}

/// What has a meaning in Markdown or HTML loses it.
pub(crate) fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '<' => plain.push_str("&lt;"),
            '>' => plain.push_str("&gt;"),
            '&' => plain.push_str("&amp;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' | '!' => {
                plain.push('\\');
                plain.push(letter);
            }
            letter if letter.is_control() => plain.push(' '),
            letter => plain.push(letter),
        }
    }
    plain
}
