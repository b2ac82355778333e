//! The operator's two files, as the demo's operator wrote them.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use enroute_host::catalog;

use super::{BRAZE_KEY, FACEBOOK_APP_SECRET, FACEBOOK_AUDIENCE, FACEBOOK_TOKEN, Fakes};

/// Writes configuration and secrets into the folder.
pub(super) fn write(folder: &Path, plugins: &[(String, PathBuf)], fakes: &Fakes) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    let put = |name: &str, text: &str| {
        std::fs::write(folder.join(name), text).with_context(|| format!("{name} cannot be written"))
    };
    put("braze.key", BRAZE_KEY)?;
    put("facebook.token", FACEBOOK_TOKEN)?;
    put("facebook.secret", FACEBOOK_APP_SECRET)?;
    let mut text = String::new();
    for (id, file) in plugins {
        let digest = catalog::sha256_hex(&catalog::read_file(file)?);
        let file = toml::Value::String(file.display().to_string());
        text.push_str(&format!("[plugin.{id}]\nfile = {file}\nsha256 = \"{digest}\"\n\n"));
    }
    text.push_str(&destinations(&fakes.braze_url(), &fakes.facebook_url()));
    put("plugins.toml", &text)?;
    put("audiences.toml", AUDIENCES)
}

fn destinations(braze: &str, facebook: &str) -> String {
    let host = |url: &str| url.trim_start_matches("http://").to_owned();
    format!(
        r#"[destination.braze-eu]
plugin = "braze"
hosts = ["{}"]
allow_networks = ["127.0.0.0/8"]
settings = {{ endpoint = "{braze}" }}
secrets = {{ api_key = "${{file:braze.key}}" }}

[destination.facebook-ads]
plugin = "facebook"
hosts = ["{}"]
allow_networks = ["127.0.0.0/8"]
settings = {{ audience_id = "{FACEBOOK_AUDIENCE}", base_url = "{facebook}" }}
secrets = {{ access_token = "${{file:facebook.token}}", app_secret = "${{file:facebook.secret}}" }}
"#,
        host(braze),
        host(facebook)
    )
}

const AUDIENCES: &str = r#"[source.crm]
file = "profiles.ndjson"

[audience.gold_customers]
where = "traits ->> 'plan' = 'gold' and traits ->> 'lifetime_value' > 100"

[[connection]]
audience = "gold_customers"
destination = "braze-eu"
setup = "customized"
traits = [
  { trait = "firstName", field = "first_name" },
  { trait = "email", field = "email" },
  { trait = "lifetime_value", field = "ltv" },
  "visits", "orders", "wishes",
]

[[connection]]
audience = "gold_customers"
destination = "facebook-ads"
setup = "customized"
traits = [
  { trait = "email", field = "EMAIL" },
  { trait = "firstName", field = "FN" },
  { trait = "address.country", field = "COUNTRY" },
]
"#;
