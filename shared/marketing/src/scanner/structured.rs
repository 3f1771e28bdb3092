//! JSON-LD: whether it is right, and what it says.

use serde_json::{Map, Value};

/// How deep and how many: a page may carry anything.
const MAX_DEPTH: usize = 12;
const MAX_ENTITIES: usize = 500;

/// What a type needs to be of use to Google. Source: the pages below
/// <https://developers.google.com/search/docs/appearance/structured-data/search-gallery>. Of the names between bars one
/// is enough.
const REQUIRED: &[(&[&str], &[&str])] = &[
    (&["Article", "BlogPosting", "NewsArticle", "TechArticle", "Report"], &["headline|name"]),
    (&["Product"], &["name", "offers|review|aggregateRating"]),
    (&["FAQPage"], &["mainEntity"]),
    (&["QAPage"], &["mainEntity"]),
    (&["Question"], &["name", "acceptedAnswer|suggestedAnswer"]),
    (&["Organization", "Corporation", "NGO", "OnlineBusiness", "OnlineStore"], &["name", "url|logo"]),
    (&["LocalBusiness", "Restaurant", "Store"], &["name", "address"]),
    (&["BreadcrumbList"], &["itemListElement"]),
    (&["Event"], &["name", "startDate", "location"]),
    (&["Recipe"], &["name", "image"]),
    (&["HowTo"], &["name", "step"]),
    (&["VideoObject"], &["name", "thumbnailUrl", "uploadDate"]),
    (&["WebSite", "WebPage", "AboutPage", "ContactPage", "Person"], &["name|headline|url"]),
    (&["SoftwareApplication", "WebApplication", "MobileApplication"], &["name", "offers|review|aggregateRating"]),
    (&["JobPosting"], &["title", "description", "datePosted", "hiringOrganization"]),
    (&["Review"], &["itemReviewed|itemreviewed|reviewBody|reviewRating", "author"]),
];

/// One JSON-LD script.
#[derive(Debug, Default)]
pub struct Block {
    /// What is wrong with it.
    pub problems: Vec<String>,
    /// Everything in it that has a type.
    pub entities: Vec<Value>,
}

/// Whether the `type` of a script is that of JSON-LD.
#[must_use]
pub fn is_json_ld(kind: &str) -> bool {
    kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/ld+json"))
}

/// Reads a script.
#[must_use]
pub fn read(text: &str) -> Block {
    let mut block = Block::default();
    let value: Value = match serde_json::from_str(text.trim()) {
        Ok(value) => value,
        Err(error) => {
            block.problems.push(format!("it is not JSON: {error}"));
            return block;
        }
    };
    let roots: Vec<&Value> = value.as_array().map_or_else(|| vec![&value], |list| list.iter().collect());
    if !roots.iter().all(|root| is_schema_org(root)) {
        block.problems.push("its @context is not https://schema.org".to_owned());
    }
    for root in roots {
        gather(root, 0, &mut block);
    }
    if block.entities.is_empty() {
        block.problems.push("nothing in it has an @type".to_owned());
    }
    for entity in &block.entities {
        for of in types(entity) {
            let missing = missing(entity, of);
            if !missing.is_empty() {
                block.problems.push(format!("{of} lacks {}", missing.join(", ")));
            }
        }
    }
    block
}

/// The types of something, without the address of the vocabulary.
pub fn types(entity: &Value) -> impl Iterator<Item = &str> {
    let of = entity.get("@type");
    let many = of.and_then(Value::as_array).into_iter().flatten();
    let all = many.chain(of.filter(|of| of.is_string())).filter_map(Value::as_str);
    all.map(|name| name.rsplit(['/', ':', '#']).next().unwrap_or(name))
}

/// A field that says something.
#[must_use]
pub fn field<'a>(entity: &'a Value, name: &str) -> Option<&'a Value> {
    entity.get(name).filter(|value| match value {
        Value::Null => false,
        Value::String(text) => !text.trim().is_empty(),
        Value::Array(list) => !list.is_empty(),
        _ => true,
    })
}

fn is_schema_org(root: &Value) -> bool {
    let is = |value: &Value| value.as_str().is_some_and(|text| text.contains("schema.org"));
    match root.get("@context") {
        Some(Value::Array(list)) => list.iter().any(is),
        Some(Value::Object(context)) => context.values().any(is),
        Some(context) => is(context),
        None => false,
    }
}

fn gather(value: &Value, depth: usize, block: &mut Block) {
    if depth > MAX_DEPTH || block.entities.len() >= MAX_ENTITIES {
        return;
    }
    match value {
        Value::Array(list) => list.iter().for_each(|value| gather(value, depth + 1, block)),
        Value::Object(fields) => {
            // What only points to something else by its id is described there.
            if types(value).next().is_some() && !is_reference(fields) {
                block.entities.push(value.clone());
            }
            fields.values().for_each(|value| gather(value, depth + 1, block));
        }
        _ => {}
    }
}

fn is_reference(fields: &Map<String, Value>) -> bool {
    fields.contains_key("@id") && fields.keys().all(|name| matches!(name.as_str(), "@id" | "@type"))
}

fn missing(entity: &Value, of: &str) -> Vec<String> {
    let required = REQUIRED.iter().filter(|(types, _)| types.contains(&of)).flat_map(|(_, fields)| *fields);
    let missing = required.filter(|names| names.split('|').all(|name| field(entity, name).is_none()));
    missing.map(|names| names.replace('|', " or ")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_said() {
        for (text, expected) in [
            ("{", "it is not JSON"),
            ("{\"@type\":\"Person\",\"name\":\"A\"}", "@context"),
            ("{\"@context\":\"https://schema.org\",\"name\":\"A\"}", "@type"),
            (
                "{\"@context\":\"https://schema.org\",\"@type\":\"Product\",\"name\":\"A\"}",
                "Product lacks offers or review",
            ),
        ] {
            let block = read(text);
            assert!(block.problems.iter().any(|problem| problem.contains(expected)), "{text}: {:?}", block.problems);
        }
    }

    #[test]
    fn a_graph_is_read_whole() {
        let block = read(
            r##"{"@context":"http://schema.org/","@graph":[{"@type":["WebSite","schema:Thing"],"name":"A","publisher":{"@id":"#o","@type":"Organization"}},
               {"@type":"Organization","@id":"#o","name":"O","url":"https://o.example"}]}"##,
        );
        assert_eq!(block.problems, [""; 0]);
        let all: Vec<&str> = block.entities.iter().flat_map(types).collect();
        assert_eq!(all, ["WebSite", "Thing", "Organization"]);
    }
}
