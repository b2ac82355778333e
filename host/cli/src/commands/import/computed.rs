//! Computed traits: their definitions go to the store before sources are read, and they are refreshed afterwards.

use std::sync::Arc;

use anyhow::Context as _;
use enroute_host::config::audiences_file::computed::ComputedTrait;
use enroute_host::config::audiences_file::source::query::Rows;
use enroute_host::config::audiences_file::source::{Holds, Origin};
use enroute_host::store::computed::{Definition, Refreshed};
use enroute_host::store::layers::Kind;

use crate::commands::import::now_ms;
use crate::output::{Advice, Output};
use crate::progress;
use crate::session::Session;
use crate::signals;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// Tells the store what is computed, and has it forget what sources said that are no longer there.
pub(super) async fn define(session: &Session) -> anyhow::Result<Arc<[Definition]>> {
    let definitions: Arc<[Definition]> = session.config.traits.values().map(definition).collect();
    let kept: Vec<(Kind, String)> = session.config.sources.values().filter_map(kind).collect();
    loop {
        let kept = kept.clone();
        if !session.store.write(move |tx| tx.drop_other_sources(&kept)).await? {
            break;
        }
    }
    let defined = Arc::clone(&definitions);
    let write = session.store.write(move |tx| tx.define_computed(&defined));
    write.await.with_context(|| {
        let next = "rename the trait in audiences.toml, or take it out of the profiles and import them first";
        Advice::mistake("computed traits cannot be defined", next)
    })?;
    Ok(definitions)
}

/// Looks at everybody who is due.
pub(super) async fn refresh(
    session: &Session,
    definitions: &Arc<[Definition]>,
    output: &Output,
) -> anyhow::Result<Refreshed> {
    let mut sum = Refreshed::default();
    let bar = progress::count("computed traits", output);
    let at_ms = now_ms();
    loop {
        let definitions = Arc::clone(definitions);
        let done = session.store.write(move |tx| tx.refresh(&definitions, at_ms)).await?;
        if done.looked_at == 0 || signals::halt().is_asked() {
            bar.finish_and_clear();
            return Ok(sum);
        }
        sum.looked_at += done.looked_at;
        sum.changed += done.changed;
        bar.set_position(sum.looked_at);
    }
}

fn definition(one: &ComputedTrait) -> Definition {
    Definition {
        name: one.name.value.clone(),
        how: one.compute,
        event: one.event.clone(),
        property: one.property.clone(),
        window_ms: one.window_days.map(|days| days.saturating_mul(DAY_MS)),
    }
}

/// The kind of traits that a source has, and its name, where they are not custom.
fn kind(source: &enroute_host::config::audiences_file::source::Source) -> Option<(Kind, String)> {
    let kind = match &source.origin {
        Origin::Query(query) if query.holds == Rows::Profiles => return None,
        Origin::Query(_) => Kind::Sql,
        Origin::File(file) if file.holds == Holds::Predictions => Kind::Predictive,
        Origin::File(_) | Origin::Listen(_) => return None,
    };
    Some((kind, source.name.value.as_str().to_owned()))
}
