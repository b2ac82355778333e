//! The operator's two files, as the demo's operator wrote them.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use enroute_fakes::all::{self, AUDIENCE, AUDIENCE_NAME, All, SECRETS};
use enroute_host::catalog;

/// The key with which made-up events come in. It opens nothing beyond this machine.
pub(super) const WRITE_KEY: &str = "fake-write-key-opens-nothing";

/// Writes configuration and secrets into the folder.
pub(super) fn write(folder: &Path, plugins: &[(String, PathBuf)], fakes: &All) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    let put = |name: &str, text: &str| {
        std::fs::write(folder.join(name), text).with_context(|| format!("{name} cannot be written"))
    };
    SECRETS.iter().try_for_each(|(name, value)| put(name, value))?;
    let mut text = String::new();
    for (id, file) in plugins {
        let digest = catalog::sha256_hex(&catalog::read_file(file)?);
        let file = toml::Value::String(file.display().to_string());
        text.push_str(&format!("[plugin.{id}]\nfile = {file}\nsha256 = \"{digest}\"\n\n"));
    }
    text.push_str(&fakes.destinations());
    put("plugins.toml", &text)?;
    put("audiences.toml", &format!("{}{}", audience(), all::connections()))
}

/// Adds a source that listens, and a trait that is computed from what comes.
pub(super) fn listen(folder: &Path) -> anyhow::Result<()> {
    let file = folder.join("audiences.toml");
    std::fs::write(folder.join("app.key"), WRITE_KEY).context("app.key cannot be written")?;
    let text = std::fs::read_to_string(&file).context("audiences.toml cannot be read")?;
    std::fs::write(file, format!("{LISTENS}{text}")).context("audiences.toml cannot be written")
}

const LISTENS: &str = r#"[source.app]
holds = "events"
listen = true
key = "${file:app.key}"

[trait.order_count]
compute = "count"
event = "Order Completed"

"#;

fn audience() -> String {
    format!(
        "[source.crm]\nfile = \"profiles.ndjson\"\n\n[audience.{AUDIENCE}]\nname = \"{AUDIENCE_NAME}\"\n\
         where = \"traits ->> 'plan' = 'gold' and traits ->> 'lifetime_value' > 100\"\n\n"
    )
}
