//! Published versions of the contract stay as they are, byte for byte.

use sha2::{Digest as _, Sha256};

use crate::tidy::none;
use crate::tidy::repository::{files, text};

/// The files of each published version, with the SHA-256 of their bytes. A line here is never changed: what has to
/// change goes into the folder of the next version (`wit/README.md`, K16).
const PUBLISHED: [(&str, &str); 3] = [
    ("wit/v0_1/host.wit", "9676e64b646ddee1d5d18fcf03b48058c0b8503137962936006fa30c45653246"),
    ("wit/v0_1/types.wit", "f67e84fec8dd6481baddca96ab32a90f1830be40845934b6529c063fc4881512"),
    ("wit/v0_1/world.wit", "62cb85465e43e1f81a58a1794025378d8e85bfa0cf53e18dd2fa9f02b6104bcd"),
];

#[test]
fn a_published_contract_is_frozen() {
    let mut found = Vec::new();
    for (path, expect) in PUBLISHED {
        let digest: String = Sha256::digest(text(path)).iter().map(|byte| format!("{byte:02x}")).collect();
        if digest != expect {
            found.push(format!("{path}: it is published and has changed ({digest}): take that back"));
        }
    }
    let is_unknown = |path: &str| path.starts_with("wit/v0_1/") && PUBLISHED.iter().all(|(known, _)| *known != path);
    let more = files().iter().filter(|file| is_unknown(&file.path));
    found.extend(more.map(|file| format!("{}: version 0.1 is published without it", file.path)));
    none(&found);
}
