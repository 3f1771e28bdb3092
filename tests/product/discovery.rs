//! What agents and crawlers find, each held against its specification.

use reqwest::header::HeaderMap;
use serde_json::{Value, json};

use crate::schema;
use crate::support::{MCP_URL, PUBLIC_URL, Product, assert_refused, error_of};

/// Every document with its media type, as rest-gateway/ROUTES.md lists them.
const DOCUMENTS: [(&str, &str); 13] = [
    ("/index.md", "text/markdown; charset=utf-8"),
    ("/llms-full.txt", "text/plain; charset=utf-8"),
    ("/llms.txt", "text/plain; charset=utf-8"),
    ("/pricing.md", "text/markdown; charset=utf-8"),
    ("/robots.txt", "text/plain; charset=utf-8"),
    ("/server.json", "application/json"),
    ("/sitemap.xml", "application/xml; charset=utf-8"),
    ("/.well-known/agent-card.json", "application/json"),
    ("/.well-known/agent.json", "application/json"),
    ("/.well-known/ai-catalog.json", "application/ai-catalog+json"),
    ("/.well-known/api-catalog", "application/linkset+json; profile=\"https://www.rfc-editor.org/info/rfc9727\""),
    ("/.well-known/mcp/server-card.json", "application/mcp-server-card+json"),
    ("/?mode=agent", "text/markdown; charset=utf-8"),
];

async fn read(product: &Product, path: &str) -> (HeaderMap, String) {
    let response = product.http.get(format!("{}{path}", product.gateway)).send().await.unwrap();
    assert_eq!(response.status(), 200, "{path}");
    (response.headers().clone(), response.text().await.unwrap())
}

async fn json_at(product: &Product, path: &str) -> Value {
    serde_json::from_str(&read(product, path).await.1).unwrap()
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
}

/// A path of ours in an address of ours.
fn local(url: &str) -> &str {
    url.strip_prefix(PUBLIC_URL).unwrap_or_else(|| panic!("{url} is not at {PUBLIC_URL}"))
}

#[tokio::test]
async fn every_document_is_public_kept_for_an_hour_and_sent_again_only_when_it_changed() {
    let product = Product::start().await;
    for (path, media_type) in DOCUMENTS {
        let (headers, text) = read(&product, path).await;
        assert_eq!(header(&headers, "content-type"), media_type, "{path}");
        assert_eq!(header(&headers, "cache-control"), "public, max-age=3600", "{path}");
        assert_eq!(header(&headers, "access-control-allow-origin"), "*", "{path}");
        assert!(!text.is_empty() && text.ends_with('\n'), "{path}");
        let tag = header(&headers, "etag");
        assert!(tag.starts_with('"') && tag.len() > 20, "{path}: {tag}");
        let url = format!("{}{path}", product.gateway);
        for known in [tag.to_owned(), format!("W/{tag}"), format!("\"other\", {tag}"), "*".to_owned()] {
            let again = product.http.get(&url).header("if-none-match", known).send().await.unwrap();
            assert_eq!((again.status().as_u16(), header(again.headers(), "etag")), (304, tag), "{path}");
            assert!(again.bytes().await.unwrap().is_empty());
        }
        let other = product.http.get(&url).header("if-none-match", "\"other\"").send().await.unwrap();
        assert_eq!(other.text().await.unwrap(), text, "{path}");
        let head = product.http.head(&url).send().await.unwrap();
        assert_eq!((head.status().as_u16(), header(head.headers(), "etag")), (200, tag), "{path}");
        let posted = product.http.post(&url).send().await.unwrap();
        assert_refused(&error_of(posted).await, 405, "method_not_allowed");
    }
}

#[tokio::test]
async fn routes_md_lists_every_document() {
    let table = include_str!("../../rest-gateway/ROUTES.md");
    for (path, media_type) in DOCUMENTS {
        let row = format!("| `GET {path}` | {} |", media_type.split(';').next().unwrap());
        assert!(table.contains(&row), "{row}");
    }
    assert_eq!(
        table.lines().filter(|line| line.starts_with("| `GET /") && !line.contains("/api/")).count(),
        DOCUMENTS.len()
    );
}

#[tokio::test]
async fn the_start_page_names_the_other_documents_and_each_is_there() {
    let product = Product::start().await;
    let (headers, _) = read(&product, "/").await;
    let links: Vec<(&str, &str, &str)> = header(&headers, "link")
        .split(", ")
        .map(|link| {
            let (target, parameters) = link.split_once(">; ").unwrap();
            let quoted =
                |name: &str| parameters.split(&format!("{name}=\"")).nth(1).unwrap().split('"').next().unwrap();
            (target.strip_prefix('<').unwrap(), quoted("rel"), quoted("type"))
        })
        .collect();
    let found: Vec<(&str, &str)> = links.iter().map(|(target, rel, _)| (*target, *rel)).collect();
    for expected in [
        ("/sitemap.xml", "sitemap"),
        ("/index.md", "alternate"),
        ("/openapi.json", "service-desc"),
        ("/.well-known/api-catalog", "api-catalog"),
        ("/.well-known/agent.json", "describedby"),
        ("/.well-known/mcp/server-card.json", "related"),
        ("/llms.txt", "alternate"),
    ] {
        assert!(found.contains(&expected), "{expected:?} is not in {found:?}");
    }
    for (target, _, media_type) in links {
        let (headers, _) = read(&product, target).await;
        assert_eq!(header(&headers, "content-type").split(';').next(), Some(media_type), "{target}");
    }
}

#[tokio::test]
async fn an_agent_reads_on_the_start_page_what_people_read() {
    let product = Product::start().await;
    let (_, text) = read(&product, "/?mode=agent").await;
    assert_eq!(text, read(&product, "/index.md").await.1);
    let page = read(&product, "/").await.1.replace("&#x27;", "'").replace("&#x2f;", "/");
    let mut told = 0;
    // Sentences of the page, without its markup.
    for part in page.split(['<', '>']).filter(|part| part.len() > 40 && part.ends_with('.') && !part.contains('=')) {
        assert!(text.contains(part) || part.contains("Stripe shows"), "{part} is not in {text}");
        told += 1;
    }
    assert!(told > 10, "only {told} sentences were found");
    assert!(text.contains(&format!("{MCP_URL}/mcp")) && !text.contains("hcmo_live_"), "{text}");
}

/// The price stands in one template; this is what fails when a page says another.
#[tokio::test]
async fn the_start_page_and_the_price_list_say_the_same_price() {
    let product = Product::start().await;
    let (_, pricing) = read(&product, "/pricing.md").await;
    let price = pricing.lines().nth(2).unwrap();
    assert!(price.starts_with("One subscription, everything in it.") && price.contains("Stripe"), "{pricing}");
    assert!(read(&product, "/").await.1.contains(price), "the start page does not say: {price}");
    assert!(read(&product, "/llms-full.txt").await.1.contains(price));
    // Here there is no Stripe.
    assert!(pricing.contains("this server takes no payments") && pricing.contains("forgiven for 7 days"), "{pricing}");
}

/// The form of <https://llmstxt.org>: a title, a quoted summary, text without headings, then lists of links.
#[tokio::test]
async fn llms_txt_has_the_form_that_readers_expect() {
    let product = Product::start().await;
    let (_, text) = read(&product, "/llms.txt").await;
    let mut sections = text.split("\n## ");
    let head = sections.next().unwrap();
    assert!(head.starts_with("# HeyCMO\n\n> ") && head.matches('#').count() == 1, "{head}");
    let mut titles = Vec::new();
    for section in sections {
        let (title, list) = section.split_once("\n\n").unwrap();
        titles.push(title);
        for line in list.lines().filter(|line| !line.is_empty()) {
            let url =
                line.strip_prefix("- [").and_then(|rest| rest.split_once("](")).and_then(|(_, it)| it.split_once(')'));
            let (url, about) = url.unwrap_or_else(|| panic!("no link: {line}"));
            assert!(about.starts_with(": "), "{line}");
            read(&product, local(url)).await;
        }
    }
    assert_eq!(titles, ["Documents", "Interfaces", "Optional"]);
}

#[tokio::test]
async fn everything_in_one_file_has_every_tool_prompt_resource_and_route() {
    let product = Product::start().await;
    let assistant = product.assistant(&product.customer().await.key).await;
    let ((_, full), (_, short), (_, index)) =
        (read(&product, "/llms-full.txt").await, read(&product, "/llms.txt").await, read(&product, "/index.md").await);
    for (name, tool) in &assistant.tools {
        let description = tool["description"].as_str().unwrap();
        assert!(full.contains(&format!("- `{name}` (")) && full.contains(description), "{name}");
        assert!(
            short.contains(&format!("`{name}`")) && index.contains(&format!("- `{name}`: {description}")),
            "{name}"
        );
    }
    for prompt in assistant.client.list_all_prompts().await.unwrap() {
        assert!(full.contains(&format!("- `{}` (", prompt.name)), "{}", prompt.name);
    }
    let api = json_at(&product, "/openapi.json").await;
    for (path, item) in api["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys() {
            assert!(full.contains(&format!("## {} {path}\n", method.to_uppercase())), "{method} {path}");
        }
    }
    assert!(full.contains(&format!("claude mcp add --transport http heycmo {MCP_URL}/mcp")), "{full}");
}

/// A remote of a server card and of the registry, as far as ours go.
fn remote() -> Value {
    let text = json!({"type": "string"});
    let input = json!({"type": "object", "properties": {
        "description": text, "isRequired": {"type": "boolean"}, "isSecret": {"type": "boolean"}, "placeholder": text,
    }});
    let header = json!({"type": "object", "required": ["name"], "properties": {
        "name": text, "description": text, "value": text, "isRequired": {"type": "boolean"}, "isSecret": {"type": "boolean"},
        "variables": {"type": "object", "properties": {"api_key": input}},
    }});
    json!({"type": "object", "required": ["type", "url"], "properties": {
        "type": {"enum": ["sse", "streamable-http"]}, "url": text, "headers": {"type": "array", "items": header},
    }})
}

/// What schema 2025-12-11 of the MCP registry asks for.
#[tokio::test]
async fn server_json_is_what_the_registry_takes() {
    let product = Product::start().await;
    let entry = json_at(&product, "/server.json").await;
    let text = json!({"type": "string"});
    let schema = json!({"type": "object", "required": ["name", "description", "version"], "properties": {
        "$schema": {"enum": ["https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json"]},
        "name": text, "version": text, "title": text, "description": text, "websiteUrl": text,
        "remotes": {"type": "array", "items": remote()},
    }});
    assert_eq!(schema::problems(&schema, &entry), Vec::<String>::new(), "{entry:#}");
    // The registry lets whoever has the domain publish under its name.
    assert_eq!(entry["name"], "example.heycmo/heycmo");
    assert!((1..=100).contains(&entry["description"].as_str().unwrap().chars().count()), "{entry:#}");
    let urls: Vec<&str> = entry["remotes"].as_array().unwrap().iter().map(|it| it["url"].as_str().unwrap()).collect();
    assert_eq!(urls, [format!("{MCP_URL}/mcp"), format!("{MCP_URL}/mcp/sse")]);
}

/// What the schema of SEP-2127 asks for, in the words of the specification.
#[tokio::test]
async fn the_server_card_is_as_sep_2127_has_it() {
    let product = Product::start().await;
    let card = json_at(&product, "/.well-known/mcp/server-card.json").await;
    let (text, mut remote) = (json!({"type": "string"}), remote());
    remote["properties"]["supportedProtocolVersions"] = json!({"type": "array", "items": text});
    let schema = json!({"type": "object", "required": ["$schema", "description", "name", "version"], "properties": {
        "$schema": {"enum": ["https://static.modelcontextprotocol.io/schemas/v1/server-card.schema.json"]},
        "name": text, "version": text, "title": text, "description": text, "websiteUrl": text,
        "remotes": {"type": "array", "items": remote},
    }});
    assert_eq!(schema::problems(&schema, &card), Vec::<String>::new(), "{card:#}");
    assert_eq!(card["name"], "example.heycmo/heycmo");
    assert!((1..=100).contains(&card["description"].as_str().unwrap().chars().count()), "{card:#}");
    assert_eq!(card["remotes"][0]["url"], format!("{MCP_URL}/mcp"));
    // As the live server says it, which clients hold the card against.
    let assistant = product.assistant(&product.customer().await.key).await;
    let server = serde_json::to_value(assistant.peer().peer_info()).unwrap();
    assert_eq!((&card["version"], &card["title"]), (&server["serverInfo"]["version"], &server["serverInfo"]["title"]));
    let catalog = json_at(&product, "/.well-known/ai-catalog.json").await;
    let entry = &catalog["entries"][0];
    assert_eq!(
        (&catalog["specVersion"], &entry["identifier"]),
        (&json!("1.0"), &json!("urn:air:heycmo.example:mcp:heycmo"))
    );
    let (headers, _) = read(&product, local(entry["url"].as_str().unwrap())).await;
    assert_eq!(entry["type"], headers["content-type"].to_str().unwrap());
}

/// The required fields of A2A 1.0, and that nobody takes HeyCMO for an A2A server.
#[tokio::test]
async fn the_agent_card_is_as_a2a_has_it_and_claims_no_method_of_a2a() {
    let product = Product::start().await;
    let card = json_at(&product, "/.well-known/agent-card.json").await;
    assert_eq!(card, json_at(&product, "/.well-known/agent.json").await);
    let text = json!({"type": "string"});
    let texts = json!({"type": "array", "items": text});
    let any = json!({"type": "object"});
    let interface = json!({"type": "object", "required": ["url", "protocolBinding", "protocolVersion"],
        "properties": {"url": text, "protocolBinding": text, "protocolVersion": text}});
    let skill = json!({"type": "object", "required": ["id", "name", "description", "tags"],
        "properties": {"id": text, "name": text, "description": text, "tags": texts}});
    let schema = json!({"type": "object",
        "required": ["name", "description", "supportedInterfaces", "version", "capabilities", "defaultInputModes",
            "defaultOutputModes", "skills"],
        "properties": {
            "name": text, "description": text, "version": text, "documentationUrl": text,
            "supportedInterfaces": {"type": "array", "items": interface}, "capabilities": any,
            "securitySchemes": any, "securityRequirements": {"type": "array", "items": any},
            "defaultInputModes": texts, "defaultOutputModes": texts, "skills": {"type": "array", "items": skill},
    }});
    assert_eq!(schema::problems(&schema, &card), Vec::<String>::new(), "{card:#}");
    for interface in card["supportedInterfaces"].as_array().unwrap() {
        assert_eq!(interface["url"], format!("{MCP_URL}/mcp"));
        let binding = interface["protocolBinding"].as_str().unwrap();
        assert!(!["JSONRPC", "GRPC", "HTTP+JSON"].contains(&binding), "{binding}");
    }
    assert_eq!(card["capabilities"]["extensions"][0]["required"], true);
    assert!(card["description"].as_str().unwrap().contains("not A2A"), "{card:#}");
    read(&product, local(card["documentationUrl"].as_str().unwrap())).await;
    let assistant = product.assistant(&product.customer().await.key).await;
    let prompts = assistant.client.list_all_prompts().await.unwrap().len();
    assert_eq!(card["skills"].as_array().unwrap().len(), prompts);
}

/// RFC 9727 and RFC 9264: contexts with an anchor, and lists of targets under the names of relations.
#[tokio::test]
async fn the_api_catalog_is_a_linkset_whose_targets_are_there() {
    let product = Product::start().await;
    let path = "/.well-known/api-catalog";
    let head = product.http.head(format!("{}{path}", product.gateway)).send().await.unwrap();
    assert!(header(head.headers(), "link").contains("</.well-known/api-catalog>; rel=\"api-catalog\""));
    let catalog = json_at(&product, path).await;
    let contexts = catalog["linkset"].as_array().unwrap();
    let anchors: Vec<&str> = contexts.iter().map(|context| context["anchor"].as_str().unwrap()).collect();
    assert_eq!(anchors, [format!("{PUBLIC_URL}/api"), format!("{MCP_URL}/mcp")]);
    for context in contexts {
        assert!(context["service-desc"].is_array() && context["service-doc"].is_array(), "{context}");
        for (relation, targets) in context.as_object().unwrap().iter().filter(|(name, _)| *name != "anchor") {
            for target in targets.as_array().unwrap_or_else(|| panic!("{relation} is no list")) {
                let (headers, _) = read(&product, local(target["href"].as_str().unwrap())).await;
                let media_type = header(&headers, "content-type").split(';').next().unwrap();
                assert_eq!(target["type"], media_type, "{target}");
            }
        }
    }
}

#[tokio::test]
async fn the_sitemap_lists_public_pages_that_are_there_and_robots_txt_leads_to_it() {
    let product = Product::start().await;
    let (_, robots) = read(&product, "/robots.txt").await;
    assert!(robots.ends_with(&format!("Sitemap: {PUBLIC_URL}/sitemap.xml\n")), "{robots}");
    for kept_away in ["/api/", "/checkout/", "/login", "/oauth/"] {
        assert!(robots.lines().any(|line| line == format!("Disallow: {kept_away}")), "{kept_away}: {robots}");
    }
    let (_, sitemap) = read(&product, "/sitemap.xml").await;
    assert!(sitemap.starts_with(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<urlset xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\">"
    ));
    let pages: Vec<&str> = sitemap.split("<loc>").skip(1).map(|rest| rest.split("</loc>").next().unwrap()).collect();
    assert!(pages.len() > 4 && sitemap.trim_end().ends_with("</urlset>"), "{sitemap}");
    for page in pages {
        read(&product, local(page)).await;
    }
}
