//! Which hosts a plugin may name: what its manifest asks for, as far as the operator grants it.
//!
//! Pure. Names are compared as text here; what a name resolves to is the business of `address`.
//! Invariant: [`HostGrant::allows`] never allows a host that either side does not name.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use enroute_core::manifest::{fill, names};
use serde_json::{Map, Value};

/// Port of a rule that names none.
pub(super) const HTTPS_PORT: u16 = 443;

/// Longest host name in bytes, and longest label: the limits of DNS.
const NAME_BYTES_MAX: usize = 253;
const LABEL_BYTES_MAX: usize = 63;

/// A text that is not a host rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HostRuleError {
    /// It has parts that a rule cannot have.
    #[error("host rule `{0}` must be a host and nothing else: no scheme, user, path or space")]
    NotAHost(String),
    /// A star stands where none may stand.
    #[error("host rule `{0}` may have one `*`, as its whole first label, with two labels or more behind it")]
    Wildcard(String),
    /// It has letters that DNS does not know.
    #[error("host rule `{0}` must be in ASCII: write the name in its punycode form, which begins with `xn--`")]
    NotAscii(String),
    /// A label is empty, too long or has a wrong character.
    #[error("host rule `{0}` has a label that is empty, longer than 63 bytes or not of letters, digits and `-`")]
    Label(String),
    /// It reads like a number, which resolvers take for an address.
    #[error("host rule `{0}` is no address as written: write all four numbers, in decimal")]
    Numeric(String),
    /// The port is not one.
    #[error("host rule `{0}` must name a port from 1 to 65535")]
    Port(String),
}

/// A host: a name in lower case without a dot at its end, or an address.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Host {
    /// A name.
    Name(String),
    /// An address, in brackets when written if it is of version 6.
    Address(IpAddr),
}

impl Host {
    /// Parses a host without port.
    pub(super) fn parse(text: &str) -> Result<Self, HostRuleError> {
        let whole = || text.to_owned();
        if text.is_empty() || text.contains(['/', '\\', '?', '#', '@', '%']) || text.contains(char::is_whitespace) {
            return Err(HostRuleError::NotAHost(whole()));
        }
        if !text.is_ascii() {
            return Err(HostRuleError::NotAscii(whole()));
        }
        if let Some(inner) = text.strip_prefix('[') {
            let address = inner.strip_suffix(']').and_then(|inner| inner.parse::<Ipv6Addr>().ok());
            return address.map(|a| Self::Address(IpAddr::V6(a))).ok_or_else(|| HostRuleError::NotAHost(whole()));
        }
        let name = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
        if name.contains('*') {
            return Err(HostRuleError::Wildcard(whole()));
        }
        if name.len() > NAME_BYTES_MAX || !name.split('.').all(is_label) {
            return Err(HostRuleError::Label(whole()));
        }
        if name.rsplit('.').next().is_some_and(is_number) {
            // What ends in a number is an address to resolvers, also as `127.1`, `0x7f.1` and `2130706433`.
            let address = name.parse::<Ipv4Addr>().map_err(|_| HostRuleError::Numeric(whole()))?;
            return Ok(Self::Address(IpAddr::V4(address)));
        }
        Ok(Self::Name(name))
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Address(IpAddr::V4(address)) => write!(f, "{address}"),
            Self::Address(IpAddr::V6(address)) => write!(f, "[{address}]"),
        }
    }
}

fn is_label(label: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    !label.is_empty()
        && label.len() <= LABEL_BYTES_MAX
        && label.bytes().all(fits)
        && !label.starts_with('-')
        && !label.ends_with('-')
}

fn is_number(label: &str) -> bool {
    match label.strip_prefix("0x") {
        Some(digits) => digits.bytes().all(|byte| byte.is_ascii_hexdigit()),
        None => label.bytes().all(|byte| byte.is_ascii_digit()),
    }
}

/// Splits a port off the end, if there is one. A bare address of version 6 has none.
fn split_port(text: &str) -> Result<(&str, Option<u16>), HostRuleError> {
    let Some((host, port)) = text.rsplit_once(':') else { return Ok((text, None)) };
    if text.ends_with(']') {
        return Ok((text, None));
    }
    let digits = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    match port.parse::<u16>() {
        Ok(port) if digits && port > 0 => Ok((host, Some(port))),
        _ => Err(HostRuleError::Port(text.to_owned())),
    }
}

/// `https://host[:port]` in parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Origin {
    /// Whether it is encrypted.
    pub(super) https: bool,
    /// The host.
    pub(super) host: Host,
    /// The port, also where it is the scheme's own.
    pub(super) port: u16,
}

impl Origin {
    /// Parses an origin; none where the scheme is neither `https` nor `http`.
    pub(super) fn parse(text: &str) -> Option<Result<Self, HostRuleError>> {
        let (scheme, rest) = text.split_once("://")?;
        let https = match scheme {
            "https" => true,
            "http" => false,
            _ => return None,
        };
        let parse = || {
            let (host, port) = split_port(rest)?;
            let usual = if https { HTTPS_PORT } else { 80 };
            Ok(Self { https, host: Host::parse(host)?, port: port.unwrap_or(usual) })
        };
        Some(parse())
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, usual) = if self.https { ("https", HTTPS_PORT) } else { ("http", 80) };
        write!(f, "{scheme}://{}", self.host)?;
        if self.port == usual { Ok(()) } else { write!(f, ":{}", self.port) }
    }
}

/// A host, or all hosts below a name, with one port.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostRule {
    host: Host,
    /// Whether the rule is for the names below `host` and not for `host` itself.
    below: bool,
    port: u16,
}

impl HostRule {
    /// Parses a rule as manifests and `plugins.toml` write it: `api.example.com`, `*.example.com`,
    /// `127.0.0.1:8080`. Without a port it is for 443.
    ///
    /// ```
    /// use enroute_egress::HostRule;
    ///
    /// let rule = HostRule::parse("*.Braze.com").expect("a star for the first label is fine");
    /// assert!(rule.matches("rest.iad-01.braze.com", 443));
    /// assert!(!rule.matches("braze.com", 443));
    /// assert!(!rule.matches("braze.com.evil.example", 443));
    /// assert!(HostRule::parse("https://api.braze.com").is_err());
    /// ```
    ///
    /// # Errors
    /// When the text is more, or less, than a host with a port.
    pub fn parse(text: &str) -> Result<Self, HostRuleError> {
        if text.contains("://") || text.contains('/') {
            return Err(HostRuleError::NotAHost(text.to_owned()));
        }
        // An error shows the rule as it was written, not the part that was being read.
        let read = || {
            let (host, port) = split_port(text)?;
            let (host, below) = host.strip_prefix("*.").map_or((host, false), |rest| (rest, true));
            Ok(Self { host: Host::parse(host)?, below, port: port.unwrap_or(HTTPS_PORT) })
        };
        let rule = read().map_err(|error: HostRuleError| error.about(text))?;
        match &rule.host {
            Host::Name(name) if rule.below && !name.contains('.') => Err(HostRuleError::Wildcard(text.to_owned())),
            Host::Address(_) if rule.below => Err(HostRuleError::Wildcard(text.to_owned())),
            _ => Ok(rule),
        }
    }

    /// Parses a rule of a manifest, where `{name}` stands for the host of that setting (a host or an origin), and
    /// inside of a longer name for the setting's text, which must be one label. `None` where the setting has no value.
    ///
    /// # Errors
    /// As [`HostRule::parse`], also of the setting's value.
    pub fn of_manifest(text: &str, settings: &Map<String, Value>) -> Result<Option<Self>, HostRuleError> {
        let Some(name) = text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) else {
            return Self::of_pattern(text, settings);
        };
        let Some(value) = settings.get(name).and_then(Value::as_str) else { return Ok(None) };
        match Origin::parse(value) {
            Some(origin) => {
                let origin = origin.map_err(|error| error.about(value))?;
                Ok(Some(Self::of_origin(&origin)))
            }
            None => Self::parse(value).map(Some),
        }
    }

    /// The rule for the one host of an origin.
    pub(super) fn of_origin(origin: &Origin) -> Self {
        Self { host: origin.host.clone(), below: false, port: origin.port }
    }

    fn of_pattern(text: &str, settings: &Map<String, Value>) -> Result<Option<Self>, HostRuleError> {
        for name in names(text) {
            match settings.get(name).and_then(Value::as_str) {
                Some(label) if is_label(label) => {}
                Some(other) => return Err(HostRuleError::Label(other.to_owned())),
                None => return Ok(None),
            }
        }
        let filled = fill(text, settings).unwrap_or_else(|_| text.to_owned());
        Self::parse(&filled).map(Some)
    }

    /// Whether the rule is for this host and port. A text that is no host matches no rule.
    #[must_use]
    pub fn matches(&self, host: &str, port: u16) -> bool {
        Host::parse(host).is_ok_and(|host| self.is_for(&host, port))
    }

    /// Whether every host of `other` is one of this rule.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        if other.below {
            self.port == other.port && self.below && (self.host == other.host || is_below(&other.host, &self.host))
        } else {
            self.is_for(&other.host, other.port)
        }
    }

    /// Whether some host is one of both rules.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        self.covers(other) || other.covers(self)
    }

    fn is_for(&self, host: &Host, port: u16) -> bool {
        self.port == port && if self.below { is_below(host, &self.host) } else { self.host == *host }
    }
}

impl fmt::Display for HostRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let star = if self.below { "*." } else { "" };
        write!(f, "{star}{}", self.host)?;
        if self.port == HTTPS_PORT { Ok(()) } else { write!(f, ":{}", self.port) }
    }
}

impl HostRuleError {
    fn about(self, text: &str) -> Self {
        let text = text.to_owned();
        match self {
            Self::NotAHost(_) => Self::NotAHost(text),
            Self::Wildcard(_) => Self::Wildcard(text),
            Self::NotAscii(_) => Self::NotAscii(text),
            Self::Label(_) => Self::Label(text),
            Self::Numeric(_) => Self::Numeric(text),
            Self::Port(_) => Self::Port(text),
        }
    }
}

fn is_below(host: &Host, apex: &Host) -> bool {
    match (host, apex) {
        (Host::Name(name), Host::Name(apex)) => {
            name.strip_suffix(apex.as_str()).is_some_and(|front| front.ends_with('.'))
        }
        _ => false,
    }
}

/// Why a host is not allowed, by the side that refuses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// The manifest does not ask for it.
    #[error("the plugin's manifest does not ask for host `{0}`")]
    NotAsked(String),
    /// The operator does not grant it.
    #[error("plugins.toml does not grant host `{0}`")]
    NotGranted(String),
    /// The text is no host.
    #[error("`{0}` is not a host")]
    NotAHost(String),
}

/// In which capacity a host is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// A host of the destination, which gets the credential.
    Own,
    /// A host known only from an answer, which never does.
    FromAnswer,
}

/// What a plugin asks for and what the operator grants.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HostGrant {
    /// `hosts` of the manifest.
    pub asked: Vec<HostRule>,
    /// `answer_hosts` of the manifest.
    pub answers: Vec<HostRule>,
    /// `hosts` of the destination in `plugins.toml`.
    pub granted: Vec<HostRule>,
}

impl HostGrant {
    /// Whether a request may go to this host and port, and in which capacity.
    ///
    /// # Errors
    /// With the side that refuses.
    pub fn allows(&self, host: &str, port: u16) -> Result<Standing, Denied> {
        let host = Host::parse(host).map_err(|_| Denied::NotAHost(host.to_owned()))?;
        self.allows_host(&host, port)
    }

    pub(super) fn allows_host(&self, host: &Host, port: u16) -> Result<Standing, Denied> {
        let named_in = |rules: &[HostRule]| rules.iter().any(|rule| rule.is_for(host, port));
        let shown = || HostRule { host: host.clone(), below: false, port }.to_string();
        let standing = if named_in(&self.asked) {
            Standing::Own
        } else if named_in(&self.answers) {
            Standing::FromAnswer
        } else {
            return Err(Denied::NotAsked(shown()));
        };
        if named_in(&self.granted) { Ok(standing) } else { Err(Denied::NotGranted(shown())) }
    }

    /// Whether the operator grants every host of this rule.
    #[must_use]
    pub fn covers(&self, rule: &HostRule) -> bool {
        self.granted.iter().any(|granted| granted.covers(rule))
    }

    /// Asked rules of which no host at all is granted. A grant that narrows `*.example.com` to one host is a grant.
    pub fn withheld(&self) -> impl Iterator<Item = &HostRule> {
        self.asked.iter().filter(|asked| !self.granted.iter().any(|granted| granted.overlaps(asked)))
    }

    /// Granted rules that the plugin asks for neither in `hosts` nor in `answer_hosts`.
    pub fn idle(&self) -> impl Iterator<Item = &HostRule> {
        let asks = |granted: &HostRule| self.asked.iter().chain(&self.answers).any(|asked| asked.overlaps(granted));
        self.granted.iter().filter(move |granted| !asks(granted))
    }
}

#[cfg(test)]
mod tests;
