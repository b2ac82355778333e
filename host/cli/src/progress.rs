//! Live progress on standard error: done of total, rate, and the time that is left.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use enroute_core::words::counted;
use enroute_host::sync::ProgressSink;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::output::Output;

/// One bar a connection; drawn only where a person watches.
pub(crate) struct Bars {
    all: MultiProgress,
    bars: Arc<Mutex<HashMap<String, ProgressBar>>>,
}

impl Bars {
    pub(crate) fn new(output: &Output) -> Self {
        let all = MultiProgress::new();
        if output.json {
            all.set_draw_target(ProgressDrawTarget::hidden());
        }
        Self { all, bars: Arc::default() }
    }

    /// What a sync tells its progress to.
    pub(crate) fn sink(&self) -> ProgressSink {
        let (all, bars) = (self.all.clone(), Arc::clone(&self.bars));
        Arc::new(move |audience, destination, progress| {
            let name = format!("{audience} → {destination}");
            let mut bars = bars.lock().unwrap_or_else(PoisonError::into_inner);
            let bar = bars.entry(name.clone()).or_insert_with(|| all.add(bar(&name, "members")));
            bar.set_length(progress.total);
            bar.set_position(progress.done);
            bar.set_message(format!("{}, {} rejected", counted(progress.requests, "request"), progress.rejected));
        })
    }

    /// Clears what was drawn.
    pub(crate) fn finish(&self) {
        let _ = self.all.clear();
    }
}

/// A bar with rate and remaining time.
pub(crate) fn bar(name: &str, unit: &str) -> ProgressBar {
    let template = format!("{{prefix}} {{pos}}/{{len}} {unit} {{bar:24}} {{per_sec}} {{eta}} left {{msg}}");
    let style = ProgressStyle::with_template(&template).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(0).with_style(style).with_prefix(name.to_owned())
}

/// A bar that counts bytes of a file; drawn only where a person watches.
pub(crate) fn bytes(name: &str, output: &Output) -> ProgressBar {
    let template = "{prefix} {bytes}/{total_bytes} {bar:24} {bytes_per_sec} {eta} left {msg}";
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    let bar = ProgressBar::new(0).with_style(style).with_prefix(name.to_owned());
    if output.json {
        bar.set_draw_target(ProgressDrawTarget::hidden());
    }
    bar
}

/// A count that grows to no known end; drawn only where a person watches.
pub(crate) fn count(name: &str, output: &Output) -> ProgressBar {
    let style = ProgressStyle::with_template("{prefix} {pos} profiles {per_sec} {msg}");
    let bar = ProgressBar::no_length().with_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
    let bar = bar.with_prefix(name.to_owned());
    if output.json {
        bar.set_draw_target(ProgressDrawTarget::hidden());
    }
    bar
}
