//! One audience at one destination, ready to run: everything that is decided before the first member is read.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use enroute_core::manifest::{Bucket, Identity, Manifest};
use enroute_core::retry::Policy;
use roaring::RoaringBitmap;
use sha2::{Digest as _, Sha256};

use crate::figures::Figures;
use crate::setup::columns::Columns;
use crate::setup::outside::{WayOut, Worker};
use crate::setup::watch::Watch;
use enroute_auth::Keeper;
use enroute_egress::Refusal;
use enroute_runtime::{Connection, Fault, Limits, LogLine, Peak, Peaks, Usage};
use enroute_store::Sealer;
use enroute_store::ledger::LinkName;

/// A connection with its plugin, its way out and its columns.
#[derive(Debug, Clone)]
pub(crate) struct Link {
    /// Number in the store; 0 where it was never run.
    pub(crate) id: i64,
    /// The number of the connection's first mapping: all its mappings queue as one.
    pub(crate) party: i64,
    pub(crate) audience: String,
    pub(crate) destination: String,
    /// The mapping's name; empty where the connection names none.
    pub(crate) mapping: String,
    /// The audience's condition.
    pub(crate) condition: String,
    /// `id version`.
    pub(crate) plugin_name: String,
    pub(crate) manifest: Arc<Manifest>,
    pub(crate) plugin: Arc<dyn Worker>,
    pub(crate) plugin_digest: [u8; 32],
    /// What the plugin is told.
    pub(crate) guest: Connection,
    /// What the plugin learned of account and list.
    pub(crate) remote: Option<serde_json::Value>,
    pub(crate) columns: Columns,
    /// Conditions and expressions as they are written.
    pub(crate) program_text: String,
    /// What a person must have agreed to.
    pub(crate) requires_consent: Vec<String>,
    /// When members are given up.
    pub(crate) retry: Policy,
    /// Whether somebody who leaves is told of at all.
    pub(crate) sends_exits: bool,
    /// What makes two profiles one person under these settings.
    pub(crate) identity: Identity,
    /// Phone fields whose spellings the host's tables tell to be one number, each with the region of national ones.
    pub(crate) phone_regions: BTreeMap<String, Option<String>>,
    pub(crate) client: Arc<dyn WayOut>,
    /// Who has the token of the moment, where requests need one; none in a plan.
    pub(crate) tokens: Option<Arc<Keeper>>,
    pub(crate) sealer: Sealer,
    pub(crate) settings_version: u64,
    pub(crate) batch_members: usize,
    /// Whether changed traits are sent, or only entries and exits.
    pub(crate) resend_changes: bool,
    /// Whether the first sync sends who is a member by then.
    pub(crate) history: bool,
    pub(crate) remove_max_percent: u8,
    /// The same for destinations with the same credential.
    pub(crate) credential_scope: String,
    /// When the list was last opened, and for which settings and plugin.
    pub(crate) opened: Option<(u64, Vec<u8>)>,
    /// The most that one call of a run used; the same for every copy of the link.
    pub(crate) peaks: Arc<Mutex<Peaks>>,
    /// Where its requests, waits and calls are counted.
    pub(crate) figures: Arc<Figures>,
    /// Somebody looks on: what has not changed is sent all the same.
    pub(crate) trial: Option<Watch>,
    /// Where its members are put: connections whose texts are equal write into one place.
    pub(crate) target: String,
    /// In a plan: of whom connections that come before have let go by then, by their numbers.
    pub(crate) released: Arc<BTreeMap<i64, RoaringBitmap>>,
    /// Everybody is withdrawn, whoever is in the audience, and why.
    pub(crate) withdraws: Option<String>,
    /// Places at which it put members before, and where some still are.
    pub(crate) earlier: Vec<Earlier>,
    /// Why it must not run: its audience has the key of another one that was removed.
    pub(crate) reused: Option<String>,
}

/// A place at which a connection put members before.
#[derive(Debug, Clone)]
pub(crate) enum Earlier {
    /// Everybody is withdrawn from there.
    Ready(Arc<Link>),
    /// It cannot be reached.
    Stuck(Stuck),
}

/// A place at which members are held, and from which they cannot be withdrawn.
#[derive(Debug, Clone)]
pub(crate) struct Stuck {
    pub(crate) name: LinkName,
    /// The plugin's id.
    pub(crate) plugin: String,
    pub(crate) held: u64,
    /// Why, and what there is to do.
    pub(crate) reason: String,
}

impl Link {
    /// What the store finds it by.
    pub(crate) fn name(&self) -> LinkName {
        LinkName {
            audience: self.audience.clone(),
            destination: self.destination.clone(),
            mapping: self.mapping.clone(),
        }
    }

    /// The places it writes into: the one in force, and those that it leaves.
    pub(crate) fn targets(&self) -> impl Iterator<Item = &str> {
        let earlier = self.earlier.iter().filter_map(|place| match place {
            Earlier::Ready(link) => Some(link.target.as_str()),
            Earlier::Stuck(_) => None,
        });
        std::iter::once(self.target.as_str()).chain(earlier)
    }

    /// The same connection with what was just learned of account and list.
    pub(crate) fn with_remote(&self, remote: &str) -> Self {
        let mut link = self.clone();
        link.remote = serde_json::from_str(remote).ok();
        link.guest.remote = Some(remote.to_owned());
        link
    }

    /// Whether the list was opened for these settings and this plugin, and whether that is recent.
    pub(crate) fn opened(&self, now_ms: u64) -> (bool, bool) {
        let known = self.opened.as_ref().filter(|(_, digest)| *digest == self.opening_digest());
        (
            known.is_some(),
            known.is_some_and(|(at_ms, _)| (*at_ms..at_ms.saturating_add(OPENED_MS_MAX)).contains(&now_ms)),
        )
    }

    /// What an opening is good for: these settings, rows and limits, and this plugin.
    pub(crate) fn opening_digest(&self) -> Vec<u8> {
        let mut hash = Sha256::new();
        hash.update(self.settings_digest());
        hash.update(self.plugin_digest);
        hash.finalize().to_vec()
    }

    /// What tells its account from others: the plugin, and the settings that name the account.
    pub(crate) fn account_origin(&self) -> Vec<u8> {
        account_origin(&self.manifest, &self.guest.settings)
    }

    /// What an attempt depends on: this plugin, these settings, rows and limits, this credential. Keyed, for a secret is
    /// in it.
    pub(crate) fn trial_digest(&self) -> Vec<u8> {
        let mut bytes = self.opening_digest();
        bytes.extend_from_slice(self.credential_scope.as_bytes());
        self.sealer.keyed_hash("tried for", &bytes).to_vec()
    }

    /// The bucket that paces an operation.
    pub(crate) fn bucket(&self, operation: &str) -> Option<&Bucket> {
        let operation = self.manifest.operation(operation)?;
        self.manifest.bucket(operation.bucket.as_deref()?)
    }

    /// How many requests a bucket lets through in its time.
    pub(crate) fn requests(&self, bucket: &Bucket) -> u32 {
        let setting = bucket.requests_setting.as_deref();
        let settings: Option<serde_json::Value> = setting.and_then(|_| serde_json::from_str(&self.guest.settings).ok());
        let given = settings.as_ref().zip(setting).and_then(|(settings, name)| settings.get(name)?.as_u64());
        given.and_then(|given| u32::try_from(given).ok()).unwrap_or(bucket.requests).max(1)
    }

    /// Deliveries of an operation that may be in flight.
    pub(crate) fn concurrency(&self, operation: &str) -> usize {
        let ordered = self.manifest.operation(operation).is_some_and(|operation| operation.ordered);
        let allowed = self.bucket(operation).map_or(CONCURRENCY_DEFAULT, |bucket| bucket.concurrency as usize);
        if ordered { 1 } else { allowed.clamp(1, CONCURRENCY_MAX) }
    }

    /// A digest of everything that decides what is sent of a member; a new one raises the settings version.
    pub(crate) fn settings_digest(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        let mut part = |text: &str| {
            hash.update((text.len() as u64).to_be_bytes());
            hash.update(text.as_bytes());
        };
        part(&self.guest.settings);
        part(&self.guest.audience_name);
        for (from, field) in &self.guest.rows {
            part(from);
            part(field);
        }
        part(&self.program_text);
        // Who was refused for a limit is tried again under another; with none set, versions stay as they were.
        let limits = self.plugin.limits().by_key();
        if limits != Limits::default().by_key() {
            part(&format!("{limits:?}"));
        }
        hash.finalize().into()
    }

    /// Logs that the host refused a request of the plugin.
    pub(crate) fn log_refusal(&self, refusal: &Refusal) {
        tracing::warn!(
            plugin = %self.plugin_name, destination = %self.destination, code = refusal.code, reason = %refusal.reason,
            "request of the plugin refused, nothing of it left"
        );
    }

    /// Logs a failed call: why, and what the plugin logged and wrote before.
    pub(crate) fn log_fault(&self, fault: &Fault) {
        self.log_lines(fault.function, &fault.log);
        let (plugin, destination, function) = (&self.plugin_name, &self.destination, fault.function);
        for line in fault.stderr.lines().filter(|line| !line.is_empty()) {
            tracing::debug!(%plugin, %destination, function, line, "plugin wrote");
        }
        for frame in &fault.backtrace {
            tracing::debug!(%plugin, %destination, function, frame, "plugin stack");
        }
        tracing::debug!(%plugin, %destination, function, code = fault.kind.code(), reason = %fault.reason, "plugin failed");
    }

    fn log_lines(&self, function: &'static str, lines: &[LogLine]) {
        for line in lines {
            tracing::debug!(
                plugin = %self.plugin_name, destination = %self.destination, function,
                level = line.level, message = %line.message, "plugin log"
            );
        }
    }

    /// The most that one call used of each limit so far.
    pub(crate) fn peaks(&self) -> Vec<Peak> {
        self.peaks.lock().unwrap_or_else(PoisonError::into_inner).beside(self.plugin.limits())
    }

    /// Passes a plugin's log lines on, and remembers what the call used.
    pub(crate) fn log(&self, function: &'static str, usage: &Usage) {
        self.peaks.lock().unwrap_or_else(PoisonError::into_inner).take(function, usage);
        self.figures.computed(&self.plugin_name, function, usage.cpu);
        self.log_lines(function, &usage.log);
        if usage.log_dropped > 0 {
            tracing::warn!(
                plugin = %self.plugin_name, function, dropped = usage.log_dropped, "plugin logged more than it may"
            );
        }
    }
}

/// How long an opening is good for: what an account offers changes in days, not in minutes.
const OPENED_MS_MAX: u64 = 24 * 3_600_000;
/// Deliveries in flight where the manifest names no bucket.
const CONCURRENCY_DEFAULT: usize = 4;
/// Deliveries in flight, whatever the manifest says: what memory is planned for.
const CONCURRENCY_MAX: usize = 16;

/// The limits in force: those of the manifest, lowered by settings.
#[must_use]
pub fn limits(manifest: &Manifest, settings: &serde_json::Map<String, serde_json::Value>) -> Vec<(String, u32, u32)> {
    let lowered = |limit: u32, setting: &Option<String>| {
        let asked = setting.as_ref().and_then(|name| settings.get(name)).and_then(serde_json::Value::as_u64);
        asked.and_then(|asked| u32::try_from(asked).ok()).map_or(limit, |asked| limit.min(asked.max(1)))
    };
    let one = |operation: &enroute_core::manifest::Operation| {
        (
            operation.name.clone(),
            lowered(operation.members, &operation.members_setting),
            lowered(operation.bytes, &operation.bytes_setting),
        )
    };
    manifest.operations.iter().map(one).collect()
}

/// Hash of a plugin and of the settings that name an account at its destination.
pub(crate) fn account_origin(manifest: &Manifest, settings: &str) -> Vec<u8> {
    let settings: serde_json::Value = serde_json::from_str(settings).unwrap_or_default();
    let mut hash = Sha256::new();
    hash.update(&manifest.id);
    for setting in manifest.settings.iter().filter(|setting| setting.target && !setting.per_audience) {
        let value = settings.get(&setting.name).map(ToString::to_string).unwrap_or_default();
        hash.update(format!("\0{}={value}", setting.name));
    }
    hash.finalize().to_vec()
}

/// Phone fields whose spellings the host's tables tell to be one number, each with the region of national ones.
pub(crate) fn phone_regions(manifest: &Manifest, settings: &str) -> BTreeMap<String, Option<String>> {
    let settings: serde_json::Value = serde_json::from_str(settings).unwrap_or_default();
    let region = |name: &String| match settings.get(name)? {
        serde_json::Value::String(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
        serde_json::Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    let fields = manifest.fields.iter().filter_map(|field| Some((field, field.region_settings.as_ref()?)));
    fields.map(|(field, names)| (field.name.clone(), names.iter().find_map(region))).collect()
}

/// Members in one call of `map`: what the manifest wants, else the smallest limit of its operations.
#[must_use]
pub fn batch_members(manifest: &Manifest, limits: &[(String, u32, u32)]) -> usize {
    let smallest = limits.iter().map(|(_, members, _)| *members).min().unwrap_or(1);
    manifest.batch_members.unwrap_or(smallest).max(1) as usize
}
