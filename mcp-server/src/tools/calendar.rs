//! Planning the coming weeks.

use std::fmt::Write;

use chrono::NaiveDate;
use entity::brands::{self, Brand};
use entity::content::{Content, ContentKind};
use entity::ids::ContentId;
use marketing::calendar::{self, Basis, Plan, Range, Slot, weekday};
use rmcp::{tool, tool_router};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Arguments, given};
use crate::answer::{Answer, Refusal};
use crate::caller::Caller;
use crate::schema;
use crate::server::HeyCmo;
use crate::when::timestamp;

/// Which weeks.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct PlanCalendarIn {
    /// Weeks to plan; 1 when left out.
    #[schemars(range(min = 1, max = 4))]
    weeks: Option<i64>,
    /// First day, such as 2026-03-30; next Monday when left out.
    from: Option<String>,
    /// true saves each slot as a brief that has its time; else nothing is saved.
    commit: Option<bool>,
}

/// A plan.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct PlanOut {
    /// In the order of their times.
    slots: Vec<SlotOut>,
    /// What could not be planned, and which days were left out.
    notes: Vec<String>,
    /// Whether the slots were saved.
    committed: bool,
}

/// A piece that is to be written.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct SlotOut {
    /// The brief, where it was saved.
    content_id: Option<ContentId>,
    /// When it goes out, in UTC.
    at: String,
    kind: ContentKind,
    pillar: Option<String>,
    /// What the time rests on.
    basis: Basis,
    why: String,
    source: Option<String>,
}

#[tool_router(router = calendar_tools, vis = "pub(super)")]
impl HeyCmo {
    #[tool(
        title = "Plan calendar",
        description = "Proposes what to publish when in the coming weeks: from the brand's cadence and pillars, the best times, public holidays, quiet hours, and what has its time already. With commit it saves the briefs.",
        input_schema = schema::input::<PlanCalendarIn>(),
        output_schema = schema::output::<PlanOut>(),
        annotations(read_only_hint = false, destructive_hint = false, idempotent_hint = true, open_world_hint = false)
    )]
    async fn plan_calendar(
        &self,
        caller: Caller,
        Arguments(input): Arguments<PlanCalendarIn>,
    ) -> Result<Answer<PlanOut>, Refusal> {
        let db = &self.app().db;
        let range = range(&input)?;
        let committed = input.commit.unwrap_or(false);
        let (plan, pieces) = if committed {
            calendar::commit(db, &caller.customer_id, range).await?
        } else {
            (calendar::propose(db, &caller.customer_id, range).await?, Vec::new())
        };
        let brand = brands::get(db, &caller.customer_id).await?;
        Ok(answer(plan, &pieces, committed, &brand))
    }
}

fn range(input: &PlanCalendarIn) -> entity::Result<Range> {
    let not_a_day = || entity::Error::invalid("from", "must be a day such as 2026-03-30");
    let from = given(input.from.clone()).map(|day| day.parse::<NaiveDate>().map_err(|_| not_a_day())).transpose()?;
    let weeks = u8::try_from(input.weeks.unwrap_or(1)).unwrap_or_default();
    Ok(Range { from, weeks })
}

fn answer(plan: Plan, pieces: &[Content], committed: bool, brand: &Brand) -> Answer<PlanOut> {
    let mut text = String::new();
    // Pieces are saved in the order of the slots.
    let mut pieces = pieces.iter();
    let mut slots = Vec::new();
    for slot in plan.slots {
        let id = pieces.next().map(|piece| piece.id.clone());
        line(&mut text, &slot, id.as_ref(), brand);
        slots.push(SlotOut {
            content_id: id,
            at: timestamp(slot.at),
            kind: slot.kind,
            pillar: slot.pillar,
            basis: slot.basis,
            why: slot.why,
            source: slot.source,
        });
    }
    for note in &plan.notes {
        let _ = writeln!(text, "{note}");
    }
    text.push_str(&next_step(slots.is_empty(), committed, brand));
    Answer { text, data: PlanOut { slots, notes: plan.notes, committed } }
}

fn line(text: &mut String, slot: &Slot, id: Option<&ContentId>, brand: &Brand) {
    let local = slot.at.with_timezone(&brand.time_zone);
    let day = weekday(chrono::Datelike::weekday(&local));
    let kind = marketing::kind_label(slot.kind);
    let _ = write!(text, "- {day} {} · {kind}", local.format("%Y-%m-%d %H:%M"));
    if let Some(pillar) = &slot.pillar {
        let _ = write!(text, " · {pillar}");
    }
    if let Some(id) = id {
        let _ = write!(text, " · {id}");
    }
    let _ = write!(text, " · {}", slot.why);
    if let Some(source) = &slot.source {
        let _ = write!(text, " ({source})");
    }
    text.push('\n');
}

fn next_step(is_empty: bool, committed: bool, brand: &Brand) -> String {
    let zone = brand.time_zone;
    if brand.profile.cadence.iter().all(|cadence| cadence.per_week == 0) {
        return "The brand has no cadence yet: ask how often to publish on each channel, and save it with \
                update_brand."
            .to_owned();
    }
    match (is_empty, committed) {
        (true, _) => "Nothing is missing: the weeks have what the cadence asks for.".to_owned(),
        (false, false) => {
            format!("Times are those of {zone}. Nothing is saved: call again with commit to save the briefs.")
        }
        (false, true) => {
            format!(
                "Times are those of {zone}. Write each with update_content; it goes out at its time once it is approved."
            )
        }
    }
}
