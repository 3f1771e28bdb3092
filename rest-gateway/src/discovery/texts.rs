//! The site as text.

use entity::customers::DEFAULT_PLAN;
use minijinja::context;
use minijinja::value::Serde;
use web::ApiError;
use web::connect::{Connect, KEY_PLACEHOLDER};

use super::catalogue::CATALOGUE;
use crate::Gateway;
use crate::openapi::Route;

/// Pages that a stranger can read.
const PUBLIC_PAGES: [&str; 6] = ["/", "/docs", "/index.md", "/pricing.md", "/llms.txt", "/llms-full.txt"];

/// One of the templates that know all of it.
pub fn render(gateway: &Gateway, template: &str, routes: &[Route]) -> Result<String, ApiError> {
    let connect = Connect::new(&gateway.mcp_url, KEY_PLACEHOLDER);
    let values = context! {
        site => gateway.site.public_url().join(""),
        plan => DEFAULT_PLAN,
        takes_payments => gateway.billing.is_configured(),
        grace_days => gateway.billing.grace().num_days(),
        key => KEY_PLACEHOLDER,
        mcp => connect.url(),
        sse => connect.sse_url(),
        claude_code => connect.claude_code(),
        claude_desktop => connect.claude_desktop(),
        cursor => connect.cursor(),
        has_oauth => gateway.oauth.is_some(),
        catalogue => Serde(&*CATALOGUE),
        routes => Serde(routes),
    };
    gateway.site.render(template, values).map(|text| format!("{}\n", text.trim_end()))
}

pub fn robots(gateway: &Gateway) -> String {
    let sitemap = gateway.site.public_url().join("/sitemap.xml");
    format!(
        "User-agent: *\nDisallow: /api/\nDisallow: /checkout/\nDisallow: /login\nDisallow: /oauth/\n\nSitemap: {sitemap}\n"
    )
}

/// When a page changed last is not known, so it is not said.
pub fn sitemap(gateway: &Gateway) -> String {
    let entry = |path: &&str| format!("  <url><loc>{}</loc></url>\n", gateway.site.public_url().join(path));
    let entries: String = PUBLIC_PAGES.iter().map(entry).collect();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <urlset xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\">\n{entries}</urlset>\n"
    )
}
