//! The five fields of cron that Inngest takes.

use std::ops::RangeInclusive;

const MONTHS: [&str; 12] = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const DAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

struct Field {
    name: &'static str,
    range: RangeInclusive<u32>,
    /// Names of the values, from the first of the range.
    names: &'static [&'static str],
}

const FIELDS: [Field; 5] = [
    Field { name: "minute", range: 0..=59, names: &[] },
    Field { name: "hour", range: 0..=23, names: &[] },
    Field { name: "day of month", range: 1..=31, names: &[] },
    Field { name: "month", range: 1..=12, names: &MONTHS },
    Field { name: "day of week", range: 0..=6, names: &DAYS },
];

/// What is wrong with it, if anything.
pub(crate) fn check(cron: &str) -> Result<(), String> {
    let fields = match cron.strip_prefix("TZ=") {
        Some(rest) => match rest.split_once(' ') {
            Some((zone, fields)) if !zone.is_empty() => fields,
            _ => return Err("after `TZ=` goes a time zone, such as `TZ=Europe/Paris 0 9 * * 1`".to_owned()),
        },
        None => cron,
    };
    let fields: Vec<&str> = fields.split_whitespace().collect();
    if fields.len() != FIELDS.len() {
        return Err(format!("`{cron}` must have five fields: minute, hour, day of month, month, day of week"));
    }
    match FIELDS.iter().zip(fields).find(|(field, text)| !text.split(',').all(|part| field.takes(part))) {
        Some((Field { name, range, .. }, text)) => {
            Err(format!("`{text}` is no {name}: {} to {}, `*`, `a-b`, `*/n`, or several", range.start(), range.end()))
        }
        None => Ok(()),
    }
}

impl Field {
    fn takes(&self, part: &str) -> bool {
        let (values, step) = part.split_once('/').map_or((part, None), |(values, step)| (values, Some(step)));
        let step_fits = step.is_none_or(|step| step.parse().is_ok_and(|step: u32| step > 0));
        step_fits && (values == "*" || values == "?" || self.takes_values(values))
    }

    fn takes_values(&self, values: &str) -> bool {
        match values.split_once('-') {
            Some((first, last)) => self.value(first).zip(self.value(last)).is_some_and(|(first, last)| first <= last),
            None => self.value(values).is_some(),
        }
    }

    fn value(&self, text: &str) -> Option<u32> {
        let named = self.names.iter().zip(self.range.clone()).find(|(name, _)| name.eq_ignore_ascii_case(text));
        let number = || text.parse().ok().filter(|number| self.range.contains(number));
        named.map(|(_, number)| number).or_else(number)
    }
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn five_fields() {
        for cron in ["* * * * *", "TZ=Europe/Paris 0 9 * * 1", "*/15 0-6,12 1 JAN-mar MON", "0 0 ? * 5"] {
            assert_eq!(check(cron), Ok(()), "{cron}");
        }
    }

    #[test]
    fn nothing_else() {
        let wrong = [
            "",
            "@daily",
            "0 * * * * *",
            "* * * *",
            "60 * * * *",
            "* 24 * * *",
            "* * 0 * *",
            "* * * 13 *",
            "* * * * 7",
            "*/0 * * * *",
            "5-1 * * * *",
            "a * * * *",
            "TZ= * * * * *",
            "TZ=Europe/Paris",
            "1,, * * * *",
            "CRON_TZ=UTC * * * * *",
        ];
        for cron in wrong {
            assert!(check(cron).is_err(), "{cron}");
        }
    }
}
