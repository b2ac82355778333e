//! Starts all seven fakes on loopback until standard input ends, and writes what reaches them into the folder that is
//! named: `destinations.toml` and `connections.toml`, to copy from, and the files of their secrets. Then it says where
//! each listens, one line for each: its name and its address.
//!
//! For measuring the host in a process of its own, for trying a configuration by hand, and for `tests/judges`:
//! `cargo run -p enroute-fakes --example serve FOLDER`.

use std::io::{Read as _, Write as _};
use std::path::PathBuf;

use enroute_fakes::all::{All, SECRETS, connections};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = PathBuf::from(std::env::args().nth(1).ok_or("name the folder for the files")?);
    let fakes = All::start().await?;
    for (name, secret) in SECRETS {
        std::fs::write(folder.join(name), secret)?;
    }
    std::fs::write(folder.join("connections.toml"), connections())?;
    std::fs::write(folder.join("destinations.toml"), fakes.destinations())?;
    let addresses: String = fakes.servers().iter().map(|(name, server)| format!("{name} {}\n", server.url())).collect();
    std::io::stdout().write_all(addresses.as_bytes())?;
    tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new())).await??;
    Ok(())
}
