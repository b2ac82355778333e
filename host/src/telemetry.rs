//! Logs: fields, then a sentence, on standard error. Never a trait value, a secret or an e-mail address.

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;

/// Starts logging to standard error with this filter: `warn`, `enroute=debug`.
///
/// # Errors
/// When the text is no filter.
pub fn start(filter: &str) -> Result<(), ParseError> {
    let filter = EnvFilter::builder().parse(filter)?;
    let started = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).try_init();
    // A second start in one process, as in tests, leaves the first in force.
    drop(started);
    Ok(())
}
