//! Starts both fakes on loopback and writes their addresses into the file that is named, until standard input ends.
//!
//! For measuring the host in a process of its own, and for trying a configuration by hand:
//! `cargo run -p enroute-fakes --example serve addresses.txt`.

use std::io::Read as _;

use enroute_fakes::{Braze, Facebook, braze, facebook};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let file = std::env::args().nth(1).ok_or("name the file for the addresses")?;
    let braze = Braze::start(braze::Config { api_key: "local-key".to_owned(), ..Default::default() }).await?;
    let facebook = Facebook::start(facebook::Config {
        access_token: "local-token".to_owned(),
        audiences: vec![facebook::Audience::new("1", "Local")],
        ..Default::default()
    })
    .await?;
    std::fs::write(file, format!("{}\n{}\n", braze.server().url(), facebook.server().url()))?;
    tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new())).await??;
    Ok(())
}
