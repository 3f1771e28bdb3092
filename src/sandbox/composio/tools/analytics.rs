//! Google Analytics and Search Console.

use chrono::{Days, NaiveDate};
use serde_json::{Value, json};

use super::super::numbers::{chance, daily, real, share, split, today};
use super::{Outcome, required, text};

const PROPERTY: &str = "properties/424242";
/// What Google tells of searches is so many days old.
const SEARCH_LAG: Days = Days::new(3);
const MAX_ROWS: usize = 10_000;

pub fn run(tool: &str, user: &str, arguments: &Value) -> Outcome {
    match tool {
        "GOOGLE_ANALYTICS_LIST_ACCOUNTS" => Ok(
            json!({ "accounts": [{ "name": "accounts/4242", "displayName": "Sandbox account", "regionCode": "US" }] }),
        ),
        "GOOGLE_ANALYTICS_LIST_PROPERTIES" => Ok(json!({ "properties": [{
            "name": PROPERTY,
            "parent": "accounts/4242",
            "displayName": "Sandbox website",
            "timeZone": "Etc/UTC",
            "currencyCode": "USD",
        }] })),
        "GOOGLE_ANALYTICS_RUN_REPORT" => report(user, arguments),
        "GOOGLE_SEARCH_CONSOLE_LIST_SITES" => {
            Ok(json!({ "siteEntry": [{ "siteUrl": "sc-domain:sandbox.example", "permissionLevel": "siteOwner" }] }))
        }
        "GOOGLE_SEARCH_CONSOLE_SEARCH_ANALYTICS_QUERY" => searches(user, arguments),
        _ => Err(format!("{tool} is not in the sandbox.")),
    }
}

/// The values of a dimension and how common each is.
type Values = &'static [(&'static str, f64)];

fn of_analytics(dimension: &str) -> Option<Values> {
    Some(match dimension {
        "sessionDefaultChannelGroup" | "firstUserDefaultChannelGroup" => &[
            ("Organic Search", 0.38),
            ("Direct", 0.24),
            ("Organic Social", 0.14),
            ("Referral", 0.10),
            ("Email", 0.09),
            ("Paid Search", 0.05),
        ],
        "sessionSource" => {
            &[("google", 0.37), ("(direct)", 0.25), ("linkedin.com", 0.16), ("newsletter", 0.12), ("bing", 0.10)]
        }
        "sessionSourceMedium" => &[
            ("google / organic", 0.37),
            ("(direct) / (none)", 0.25),
            ("linkedin.com / referral", 0.16),
            ("newsletter / email", 0.12),
            ("bing / organic", 0.10),
        ],
        "country" => {
            &[("United States", 0.44), ("Germany", 0.21), ("United Kingdom", 0.17), ("India", 0.10), ("Canada", 0.08)]
        }
        "deviceCategory" => &[("desktop", 0.55), ("mobile", 0.41), ("tablet", 0.04)],
        "pagePath" | "landingPage" => &[
            ("/", 0.36),
            ("/pricing", 0.20),
            ("/blog/how-we-work", 0.17),
            ("/blog/ten-lessons", 0.15),
            ("/about", 0.12),
        ],
        _ => return None,
    })
}

/// As Search Console spells them: countries as in ISO 3166-1, whole addresses.
fn of_searches(dimension: &str) -> Option<Values> {
    Some(match dimension {
        "country" => &[("usa", 0.44), ("deu", 0.21), ("gbr", 0.17), ("ind", 0.10), ("can", 0.08)],
        "device" => &[("DESKTOP", 0.55), ("MOBILE", 0.41), ("TABLET", 0.04)],
        "page" => &[
            ("https://sandbox.example/", 0.36),
            ("https://sandbox.example/pricing", 0.20),
            ("https://sandbox.example/blog/how-we-work", 0.17),
            ("https://sandbox.example/blog/ten-lessons", 0.15),
            ("https://sandbox.example/about", 0.12),
        ],
        "query" => &[
            ("sandbox", 0.22),
            ("sandbox pricing", 0.16),
            ("how to plan marketing", 0.15),
            ("marketing calendar template", 0.14),
            ("ai marketing assistant", 0.12),
            ("what is answer engine optimization", 0.11),
            ("sandbox login", 0.10),
        ],
        _ => return None,
    })
}

/// How a metric is counted. All of them can be added up.
enum Counted {
    /// About so many a day.
    Daily(f64),
    /// Between so many and so many for each of another metric, so that the two never contradict each other.
    Of(&'static str, f64, f64),
}

fn counted(metric: &str) -> Option<Counted> {
    Some(match metric {
        "sessions" => Counted::Daily(320.0),
        "totalUsers" => Counted::Of("sessions", 0.74, 0.90),
        "activeUsers" => Counted::Of("totalUsers", 0.92, 0.99),
        "newUsers" => Counted::Of("activeUsers", 0.52, 0.76),
        "engagedSessions" => Counted::Of("sessions", 0.48, 0.72),
        "screenPageViews" => Counted::Of("sessions", 1.9, 2.7),
        "eventCount" => Counted::Of("screenPageViews", 2.6, 3.4),
        "keyEvents" => Counted::Of("engagedSessions", 0.03, 0.07),
        // Their name of old.
        "conversions" => Counted::Of("keyEvents", 1.0, 1.0),
        "userEngagementDuration" => Counted::Of("sessions", 50.0, 85.0),
        "impressions" => Counted::Daily(2_150.0),
        "clicks" => Counted::Of("impressions", 0.02, 0.045),
        _ => return None,
    })
}

/// A part of a day: the values of the asked dimensions, and how many of it there are.
type Cells = Vec<(Vec<&'static str>, i64)>;

/// One metric of one day, divided by dimensions; the parts add up to the day.
fn cells(user: &str, metric: &str, day: NaiveDate, dimensions: &[Values]) -> Cells {
    match counted(metric) {
        Some(Counted::Of(whole, least, most)) => {
            let whole = cells(user, whole, day, dimensions);
            let all = whole.iter().map(|(_, amount)| amount).sum();
            let weights: Vec<f64> = whole.iter().map(|(_, amount)| real(*amount)).collect();
            let parts = split(share(user, metric, &day.to_string(), all, (least, most)), &weights);
            whole.into_iter().zip(parts).map(|((values, _), part)| (values, part)).collect()
        }
        Some(Counted::Daily(typical)) => divided(user, daily(user, metric, typical, day), day, dimensions),
        None => Vec::new(),
    }
}

fn divided(user: &str, total: i64, day: NaiveDate, dimensions: &[Values]) -> Cells {
    let week = day.format("%G-%V");
    let mut cells: Cells = vec![(Vec::new(), total)];
    for dimension in dimensions {
        // By week, so that a channel has better and worse weeks.
        let weight = |(value, share): &(&str, f64)| share * (0.75 + 0.5 * chance(&format!("{user} {value} {week}")));
        let weights: Vec<f64> = dimension.iter().map(weight).collect();
        cells = cells
            .into_iter()
            .flat_map(|(before, amount)| {
                dimension.iter().zip(split(amount, &weights)).map(move |((value, _), part)| {
                    let mut values = before.clone();
                    values.push(*value);
                    (values, part)
                })
            })
            .collect();
    }
    cells
}

/// The values of all dimensions but the date; or the first that is not known.
fn known<'a>(names: &[&'a str], values: fn(&str) -> Option<Values>) -> Result<Vec<Values>, &'a str> {
    names.iter().filter(|name| **name != "date").map(|name| values(name).ok_or(*name)).collect()
}

fn report(user: &str, arguments: &Value) -> Outcome {
    let property = required(arguments, "property")?;
    if property != PROPERTY {
        return Err(format!("User does not have sufficient permissions for this property {property}."));
    }
    let names = |field: &str| -> Vec<&str> {
        let list = arguments.get(field).and_then(Value::as_array).into_iter().flatten();
        list.filter_map(|entry| entry.get("name").and_then(Value::as_str).or_else(|| entry.as_str())).collect()
    };
    let (dimensions, metrics) = (names("dimensions"), names("metrics"));
    let values =
        known(&dimensions, of_analytics).map_err(|unknown| format!("Field {unknown} is not a valid dimension."))?;
    if let Some(unknown) = metrics.iter().find(|name| parts_of(name).is_none()) {
        return Err(format!("Field {unknown} is not a valid metric."));
    }
    let ranges = ranges(arguments)?;
    let mut rows: Vec<(Vec<String>, Vec<f64>)> = Vec::new();
    for (index, (start, end)) in ranges.iter().enumerate() {
        for day in start.iter_days().take_while(|day| day <= end) {
            let range = (ranges.len() > 1).then_some(index);
            add_day(&mut rows, user, day, (&dimensions, &values), &metrics, range);
        }
    }
    let rows: Vec<Value> = rows
        .into_iter()
        .map(|(key, parts)| (key, written(&metrics, &parts)))
        // Google leaves out what is nothing.
        .filter(|(_, values)| values.iter().any(|value| value != "0"))
        .map(|(key, values)| {
            json!({
                "dimensionValues": key.into_iter().map(|value| json!({ "value": value })).collect::<Vec<_>>(),
                "metricValues": values.into_iter().map(|value| json!({ "value": value })).collect::<Vec<_>>(),
            })
        })
        .collect();
    let mut headers: Vec<Value> = dimensions.iter().map(|name| json!({ "name": name })).collect();
    if ranges.len() > 1 {
        headers.push(json!({ "name": "dateRange" }));
    }
    let number =
        |name: &str| arguments.get(name).and_then(|value| value.as_u64().or_else(|| value.as_str()?.parse().ok()));
    let take =
        |name: &str, default: usize| number(name).and_then(|number| usize::try_from(number).ok()).unwrap_or(default);
    let count = rows.len();
    let rows: Vec<Value> = rows.into_iter().skip(take("offset", 0)).take(take("limit", MAX_ROWS)).collect();
    let mut answer = json!({
        "dimensionHeaders": headers,
        "metricHeaders": metrics.iter().map(|name| json!({ "name": name, "type": kind(name) })).collect::<Vec<_>>(),
        "metadata": { "currencyCode": "USD", "timeZone": "Etc/UTC" },
        "kind": "analyticsData#runReport",
    });
    if count > 0
        && let Some(fields) = answer.as_object_mut()
    {
        fields.insert("rows".to_owned(), json!(rows));
        fields.insert("rowCount".to_owned(), json!(count));
    }
    Ok(answer)
}

/// What a metric is made of: itself, or a ratio of two that can be added up.
fn parts_of(metric: &str) -> Option<(&str, Option<&'static str>)> {
    Some(match metric {
        "engagementRate" => ("engagedSessions", Some("sessions")),
        "bounceRate" => ("bounces", Some("sessions")),
        "averageSessionDuration" => ("userEngagementDuration", Some("sessions")),
        "sessionsPerUser" => ("sessions", Some("totalUsers")),
        name if counted(name).is_some() => (name, None),
        _ => return None,
    })
}

fn kind(metric: &str) -> &'static str {
    match metric {
        "averageSessionDuration" | "userEngagementDuration" => "TYPE_SECONDS",
        "engagementRate" | "bounceRate" | "sessionsPerUser" => "TYPE_FLOAT",
        _ => "TYPE_INTEGER",
    }
}

fn add_day(
    rows: &mut Vec<(Vec<String>, Vec<f64>)>,
    user: &str,
    day: NaiveDate,
    (dimensions, all_values): (&[&str], &[Values]),
    metrics: &[&str],
    range: Option<usize>,
) {
    for (column, metric) in metrics.iter().enumerate() {
        let Some((above, below)) = parts_of(metric) else { continue };
        for (half, name) in [Some(above), below].into_iter().enumerate() {
            let Some(name) = name else { continue };
            // Who did not engage has bounced.
            let (name, sign) = if name == "bounces" { ("engagedSessions", -1.0) } else { (name, 1.0) };
            for (values, amount) in cells(user, name, day, all_values) {
                let mut values = values.into_iter();
                let mut key: Vec<String> = dimensions
                    .iter()
                    .filter_map(|dimension| match *dimension {
                        "date" => Some(day.format("%Y%m%d").to_string()),
                        _ => values.next().map(str::to_owned),
                    })
                    .collect();
                key.extend(range.map(|index| format!("date_range_{index}")));
                let found = rows.iter().position(|(known, _)| *known == key);
                let at = found.unwrap_or_else(|| {
                    rows.push((key, vec![0.0; metrics.len() * 2]));
                    rows.len() - 1
                });
                if let Some(part) = rows.get_mut(at).and_then(|(_, parts)| parts.get_mut(column * 2 + half)) {
                    *part += sign * real(amount);
                }
            }
        }
    }
}

/// The metrics of a row, as texts.
fn written(metrics: &[&str], parts: &[f64]) -> Vec<String> {
    let of = |index: usize| parts.get(index).copied().unwrap_or(0.0);
    let columns = metrics.iter().enumerate().map(|(column, metric)| {
        let (above, below) = (of(column * 2), of(column * 2 + 1));
        match parts_of(metric) {
            Some((_, None)) | None => format!("{above:.0}"),
            Some(_) if below == 0.0 => "0".to_owned(),
            Some(("bounces", _)) => format!("{}", 1.0 + above / below),
            Some(_) => format!("{}", above / below),
        }
    });
    columns.collect()
}

fn ranges(arguments: &Value) -> Result<Vec<(NaiveDate, NaiveDate)>, String> {
    let given = arguments.get("dateRanges").and_then(Value::as_array).ok_or("A dateRange is required.")?;
    given
        .iter()
        .map(|range| {
            let of = |name: &str| text(range, name).and_then(day).ok_or_else(|| format!("Invalid {name}: {range}"));
            Ok((of("startDate")?, of("endDate")?))
        })
        .collect()
}

/// A day as Google takes it.
fn day(text: &str) -> Option<NaiveDate> {
    match text {
        "today" => Some(today()),
        "yesterday" => today().pred_opt(),
        _ => match text.strip_suffix("daysAgo") {
            Some(number) => today().checked_sub_days(Days::new(number.parse().ok()?)),
            None => text.parse().ok(),
        },
    }
}

fn searches(user: &str, arguments: &Value) -> Outcome {
    let site = required(arguments, "site_url")?;
    if site != "sc-domain:sandbox.example" {
        return Err(format!("User does not have sufficient permission for site '{site}'."));
    }
    let of = |name: &str| -> Result<NaiveDate, String> {
        required(arguments, name)?.parse().map_err(|_| format!("Invalid {name}, expected YYYY-MM-DD"))
    };
    let (start, end) = (of("start_date")?, of("end_date")?);
    let dimensions: Vec<&str> =
        arguments.get("dimensions").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    let values = known(&dimensions, of_searches).map_err(|unknown| format!("Invalid dimension {unknown}"))?;
    let last = today().checked_sub_days(SEARCH_LAG).unwrap_or_default();
    let mut rows: Vec<(Vec<String>, i64, i64)> = Vec::new();
    for day in start.iter_days().take_while(|day| *day <= end && *day <= last) {
        let clicks = cells(user, "clicks", day, &values);
        let impressions = cells(user, "impressions", day, &values);
        for ((values, clicks), (_, impressions)) in clicks.into_iter().zip(impressions) {
            let mut values = values.into_iter();
            let key: Vec<String> = dimensions
                .iter()
                .filter_map(
                    |name| if *name == "date" { Some(day.to_string()) } else { values.next().map(str::to_owned) },
                )
                .collect();
            match rows.iter_mut().find(|(known, _, _)| *known == key) {
                Some((_, all_clicks, all_impressions)) => {
                    *all_clicks += clicks;
                    *all_impressions += impressions;
                }
                None => rows.push((key, clicks, impressions)),
            }
        }
    }
    rows.retain(|(_, _, impressions)| *impressions > 0);
    if !dimensions.contains(&"date") {
        rows.sort_by_key(|(_, clicks, _)| std::cmp::Reverse(*clicks));
    }
    let limit = arguments.get("row_limit").and_then(Value::as_u64).and_then(|limit| usize::try_from(limit).ok());
    let from = arguments.get("start_row").and_then(Value::as_u64).and_then(|from| usize::try_from(from).ok());
    let rows: Vec<Value> = rows
        .into_iter()
        .skip(from.unwrap_or(0))
        .take(limit.unwrap_or(1_000))
        .map(|(keys, clicks, impressions)| {
            let position = 4.0 + 14.0 * chance(&format!("{user} {} position", keys.join(" ")));
            let mut row = json!({
                "clicks": clicks,
                "impressions": impressions,
                "ctr": real(clicks) / real(impressions),
                "position": position,
            });
            if let (false, Some(fields)) = (keys.is_empty(), row.as_object_mut()) {
                fields.insert("keys".to_owned(), json!(keys));
            }
            row
        })
        .collect();
    let mut answer = json!({ "responseAggregationType": "byProperty" });
    if let (false, Some(fields)) = (rows.is_empty(), answer.as_object_mut()) {
        fields.insert("rows".to_owned(), json!(rows));
    }
    Ok(answer)
}
