//! What a page says, read once from its HTML.

use std::fmt;

use html5ever::tendril::TendrilSink;
use scraper::{Html, HtmlTreeSink, Node, node::Element};
use serde_json::Value;
use url::Url;

use super::facts::Facts;
use super::structured::{self, Block};
use crate::text::words;

/// A page as the rules see it.
pub struct Page {
    /// What is known besides the HTML.
    pub facts: Facts,
    /// `lang` of the whole page.
    pub lang: Option<String>,
    /// Whether the page itself declares its encoding.
    pub declares_charset: bool,
    /// All `title`s of the head.
    pub titles: Vec<String>,
    /// Meta elements: the name or property in lower case, and the content.
    pub metas: Vec<(String, String)>,
    /// All canonical addresses, as written.
    pub canonicals: Vec<String>,
    /// The headings, in order.
    pub headings: Vec<Heading>,
    /// Paragraphs and list items of the content, in order.
    pub paragraphs: Vec<String>,
    /// Everything that can be read in the content, without menus, headers and footers.
    pub text: String,
    /// How many words that is.
    pub words: usize,
    /// Links to other pages.
    pub links: Vec<Link>,
    /// Pictures.
    pub images: Vec<Image>,
    /// JSON-LD.
    pub data: Vec<Block>,
    /// Whether other structured data is there: microdata or RDFa.
    pub has_microdata: bool,
    /// How many lists and tables the content has.
    pub lists: usize,
    /// How many of them are tables.
    pub tables: usize,
    /// How many quotations the content has.
    pub quotes: usize,
    /// `datetime` of the times.
    pub times: Vec<String>,
    /// Whether an author is named in the page.
    pub has_byline: bool,
    /// How many scripts the page loads or carries.
    pub scripts: usize,
    /// Whether a script is to fill an empty element, as single-page apps have it.
    pub has_app_root: bool,
}

/// A heading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heading {
    /// From 1 to 6.
    pub level: u8,
    /// What it says.
    pub text: String,
    /// How many paragraphs come before it.
    pub paragraphs_before: usize,
}

/// A link to another page.
#[derive(Clone, Debug)]
pub struct Link {
    /// Where it leads.
    pub url: Url,
    /// What it says, or what its picture is called.
    pub text: String,
    /// Whether it stays on the site.
    pub is_internal: bool,
    /// Whether it stands in the content.
    pub in_content: bool,
}

/// A picture.
#[derive(Clone, Debug, Default)]
pub struct Image {
    /// Its alternative text; empty where it is decoration.
    pub alt: Option<String>,
    /// Whether its size is known before it is loaded.
    pub has_size: bool,
    /// Whether it is loaded when it is needed.
    pub is_lazy: bool,
}

/// Elements whose text nobody reads.
fn is_unread(name: &str) -> bool {
    matches!(
        name,
        "script"
            | "style"
            | "template"
            | "noscript"
            | "svg"
            | "math"
            | "iframe"
            | "object"
            | "select"
            | "textarea"
            | "button"
    )
}

/// Elements around the content.
fn is_around(name: &str) -> bool {
    matches!(name, "nav" | "header" | "footer" | "aside" | "form" | "dialog" | "menu")
}

/// Elements that end a line.
fn is_block(name: &str) -> bool {
    matches!(
        name,
        "p" | "div"
            | "section"
            | "article"
            | "main"
            | "li"
            | "ul"
            | "ol"
            | "dl"
            | "dt"
            | "dd"
            | "table"
            | "tr"
            | "td"
            | "th"
            | "br"
            | "hr"
            | "blockquote"
            | "pre"
            | "figure"
            | "figcaption"
            | "h1"
            | "h2"
            | "h3"
            | "h4"
            | "h5"
            | "h6"
            | "details"
            | "summary"
            | "address"
    )
}

/// Where single-page apps are put, by the frameworks that put them there.
const APP_ROOTS: &[&str] = &["root", "app", "__next", "__nuxt", "___gatsby", "svelte", "q-app", "app-root"];

/// How much is parsed before it is looked at, in bytes.
const PIECE: usize = 4 * 1024;
/// How deep elements may be within each other; browsers go no deeper either.
const MAX_DEPTH: usize = 512;
/// How many elements and texts a page may have.
const MAX_NODES: usize = 250_000;
/// How many elements within each other get the same text; more is only made to make work.
const MAX_NESTED: usize = 16;

/// Something whose text is being collected.
struct Sink {
    kind: SinkKind,
    text: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum SinkKind {
    Title,
    Heading(u8),
    /// By its place among the links.
    Link(usize),
    Paragraph,
}

/// An element that is open.
struct Open<'a> {
    element: &'a Element,
    is_unread: bool,
    is_around: bool,
    has_sink: bool,
}

struct Reader<'a> {
    page: Page,
    base: Url,
    open: Vec<Open<'a>>,
    sinks: Vec<Sink>,
    unread: usize,
    around: usize,
    mains: usize,
}

impl Page {
    /// Reads a page. Never fails: browsers make something of everything, and so does this.
    #[must_use]
    pub fn read(facts: Facts, html: &str) -> Self {
        let document = parse(html);
        let base = facts.url.clone();
        let page = Self {
            facts,
            lang: None,
            declares_charset: false,
            titles: Vec::new(),
            metas: Vec::new(),
            canonicals: Vec::new(),
            headings: Vec::new(),
            paragraphs: Vec::new(),
            text: String::new(),
            words: 0,
            links: Vec::new(),
            images: Vec::new(),
            data: Vec::new(),
            has_microdata: false,
            lists: 0,
            tables: 0,
            quotes: 0,
            times: Vec::new(),
            has_byline: false,
            scripts: 0,
            has_app_root: false,
        };
        let mut reader = Reader { page, base, open: Vec::new(), sinks: Vec::new(), unread: 0, around: 0, mains: 0 };
        for edge in document.tree.root().traverse() {
            match edge {
                ego_tree::iter::Edge::Open(node) => match node.value() {
                    Node::Element(element) => {
                        let is_json_ld =
                            element.name() == "script" && element.attr("type").is_some_and(structured::is_json_ld);
                        if is_json_ld {
                            let text: String =
                                node.children().filter_map(|it| it.value().as_text().map(|it| &**it)).collect();
                            reader.page.data.push(structured::read(&text));
                        }
                        reader.open(element);
                    }
                    Node::Text(text) => reader.text(text),
                    _ => {}
                },
                ego_tree::iter::Edge::Close(node) => {
                    if node.value().is_element() {
                        reader.close();
                    }
                }
            }
        }
        let mut page = reader.page;
        page.text = collapsed(&page.text);
        page.words = words(&page.text);
        page
    }

    /// The content of the first meta element with one of these names.
    #[must_use]
    pub fn meta(&self, names: &[&str]) -> Option<&str> {
        let found = self.metas.iter().find(|(name, content)| names.contains(&name.as_str()) && !content.is_empty());
        found.map(|(_, content)| content.as_str())
    }

    /// The title, if there is one.
    #[must_use]
    pub fn title(&self) -> Option<&str> {
        self.titles.first().map(String::as_str).filter(|title| !title.is_empty())
    }

    /// Everything of the JSON-LD that has a type.
    pub fn entities(&self) -> impl Iterator<Item = &Value> {
        self.data.iter().flat_map(|block| &block.entities)
    }

    /// Whether something in the JSON-LD is of one of these types.
    #[must_use]
    pub fn has_entity(&self, types: &[&str]) -> bool {
        self.entities().any(|entity| structured::types(entity).any(|of| types.contains(&of)))
    }

    /// Whether it is the first page of its site.
    #[must_use]
    pub fn is_home(&self) -> bool {
        matches!(self.facts.url.path(), "" | "/" | "/index.html")
    }
}

/// Parses in pieces, and stops where the page is deeper or has more in it than any page that people read: the parser
/// walks up all that is open for each element, and keeps all of them.
fn parse(html: &str) -> Html {
    let sink = HtmlTreeSink::new(Html::new_document());
    let mut parser = html5ever::driver::parse_document(sink, html5ever::ParseOpts::default());
    let mut rest = html;
    while !rest.is_empty() {
        let (piece, after) = rest.split_at(rest.ceil_char_boundary(PIECE));
        parser.process(piece.into());
        rest = after;
        let page = parser.tokenizer.sink.sink.0.borrow();
        let depth = page.tree.nodes().next_back().map_or(0, |last| last.ancestors().count());
        if depth > MAX_DEPTH || page.tree.values().len() > MAX_NODES {
            break;
        }
    }
    parser.finish()
}

impl<'a> Reader<'a> {
    fn open(&mut self, element: &'a Element) {
        let name = element.name();
        let is_unread = is_unread(name) || element.attr("hidden").is_some();
        // The header and aside of an article belong to it.
        let is_around = (is_around(name) && (self.mains == 0 || matches!(name, "nav" | "footer" | "form" | "dialog")))
            || matches!(element.attr("role"), Some("navigation" | "banner" | "contentinfo" | "search"));
        if is_block(name) {
            self.line();
        }
        let before = self.sinks.len();
        if self.unread == 0 {
            self.look(element, name);
        }
        self.unread += usize::from(is_unread);
        self.around += usize::from(is_around);
        self.mains += usize::from(matches!(name, "main" | "article"));
        self.open.push(Open { element, is_unread, is_around, has_sink: self.sinks.len() > before });
    }

    fn close(&mut self) {
        let Some(open) = self.open.pop() else { return };
        let name = open.element.name();
        self.unread -= usize::from(open.is_unread);
        self.around -= usize::from(open.is_around);
        self.mains -= usize::from(matches!(name, "main" | "article"));
        if open.has_sink {
            self.fill();
        }
        if is_block(name) {
            self.line();
        }
    }

    fn line(&mut self) {
        for sink in self.sinks.iter_mut().rev().take(MAX_NESTED) {
            sink.text.push(' ');
        }
        self.page.text.push('\n');
    }

    fn text(&mut self, text: &str) {
        let is_title = self.sinks.iter().any(|sink| sink.kind == SinkKind::Title);
        if self.unread > 0 {
            return;
        }
        for sink in self.sinks.iter_mut().rev().take(MAX_NESTED) {
            sink.text.push_str(text);
        }
        if self.around == 0 && !is_title {
            self.page.text.push_str(text);
        }
    }

    /// Ends the collecting that began last.
    fn fill(&mut self) {
        let Some(sink) = self.sinks.pop() else { return };
        let text = collapsed(&sink.text);
        match sink.kind {
            SinkKind::Title => self.page.titles.push(text),
            SinkKind::Heading(level) => {
                let paragraphs_before = self.page.paragraphs.len();
                self.page.headings.push(Heading { level, text, paragraphs_before });
            }
            SinkKind::Link(index) => {
                if let Some(link) = self.page.links.get_mut(index).filter(|_| !text.is_empty()) {
                    link.text = text;
                }
            }
            SinkKind::Paragraph => {
                if !text.is_empty() {
                    self.page.paragraphs.push(text);
                }
            }
        }
    }

    fn collect(&mut self, kind: SinkKind) {
        self.sinks.push(Sink { kind, text: String::new() });
    }

    fn look(&mut self, element: &'a Element, name: &str) {
        let page = &mut self.page;
        page.has_microdata |= element.attr("itemscope").is_some() || element.attr("typeof").is_some();
        page.has_byline |= is_byline(element);
        page.has_app_root |= element.id().is_some_and(|id| APP_ROOTS.contains(&id)) || name == "app-root";
        match name {
            "html" => page.lang = attribute(element, "lang"),
            "base" => {
                if let Some(base) = element.attr("href").and_then(|href| self.base.join(href).ok()) {
                    self.base = base;
                }
            }
            "title" => self.collect(SinkKind::Title),
            "meta" => self.meta(element),
            "link" => {
                let is_canonical = element.attr("rel").is_some_and(|rel| rel.eq_ignore_ascii_case("canonical"));
                page.canonicals.extend(attribute(element, "href").filter(|_| is_canonical));
            }
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => {
                let level = name.as_bytes().get(1).map_or(1, |digit| digit.saturating_sub(b'0'));
                self.collect(SinkKind::Heading(level));
            }
            "p" | "li" | "dd" if self.around == 0 => self.collect(SinkKind::Paragraph),
            "a" => self.link(element),
            "img" => {
                self.image(element);
            }
            "script" => page.scripts += usize::from(!element.attr("type").is_some_and(structured::is_json_ld)),
            "ul" | "ol" | "dl" if self.around == 0 => page.lists += 1,
            "table" if self.around == 0 => page.tables += 1,
            "blockquote" | "q" if self.around == 0 => page.quotes += 1,
            "time" => page.times.extend(attribute(element, "datetime")),
            _ => {}
        }
    }

    fn meta(&mut self, element: &Element) {
        let page = &mut self.page;
        let http_equiv = attribute(element, "http-equiv").unwrap_or_default();
        page.declares_charset |= element.attr("charset").is_some() || http_equiv.eq_ignore_ascii_case("content-type");
        let name = ["name", "property", "itemprop"].iter().find_map(|name| attribute(element, name));
        if let (Some(name), Some(content)) = (name, element.attr("content")) {
            page.metas.push((name.to_ascii_lowercase(), collapsed(content)));
        }
    }

    fn link(&mut self, element: &Element) {
        let href = element.attr("href").map(str::trim).filter(|href| !href.is_empty() && !href.starts_with('#'));
        let url = href.and_then(|href| self.base.join(href).ok());
        let Some(url) = url.filter(|url| matches!(url.scheme(), "http" | "https")) else { return };
        let is_internal = site(&url) == site(&self.page.facts.url);
        let text = attribute(element, "aria-label").or_else(|| attribute(element, "title")).unwrap_or_default();
        let in_content = self.around == 0;
        self.page.links.push(Link { url, text, is_internal, in_content });
        let index = self.page.links.len() - 1;
        self.collect(SinkKind::Link(index));
    }

    fn image(&mut self, element: &Element) {
        let is_hidden = element.attr("aria-hidden") == Some("true") || element.attr("role") == Some("presentation");
        let alt = if is_hidden { Some(String::new()) } else { element.attr("alt").map(collapsed) };
        // What a picture is called is what its link says.
        if let (Some(alt), Some(sink)) =
            (&alt, self.sinks.iter_mut().rev().find(|it| matches!(it.kind, SinkKind::Link(_))))
        {
            sink.text.push_str(alt);
        }
        let has_style = element.attr("style").is_some_and(|style| style.contains("aspect-ratio"));
        let has_size = has_style || (element.attr("width").is_some() && element.attr("height").is_some());
        let is_lazy = element.attr("loading").is_some_and(|loading| loading.eq_ignore_ascii_case("lazy"));
        self.page.images.push(Image { alt, has_size, is_lazy });
    }
}

fn is_byline(element: &Element) -> bool {
    let is = |name: &str, value: &str| element.attr(name).is_some_and(|it| it.split_whitespace().any(|it| it == value));
    is("rel", "author") || is("itemprop", "author") || is("class", "byline") || is("class", "author")
}

fn attribute(element: &Element, name: &str) -> Option<String> {
    element.attr(name).map(str::trim).filter(|value| !value.is_empty()).map(str::to_owned)
}

/// The host without the `www.` that it may have.
fn site(url: &Url) -> Option<&str> {
    url.host_str().map(|host| host.strip_prefix("www.").unwrap_or(host))
}

/// With one space for all between words, and none around.
fn collapsed(text: &str) -> String {
    let mut collapsed = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !collapsed.is_empty() {
            collapsed.push(' ');
        }
        collapsed.push_str(word);
    }
    collapsed
}

impl fmt::Debug for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Page").field("url", &self.facts.url).field("words", &self.words).finish_non_exhaustive()
    }
}
