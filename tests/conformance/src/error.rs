//! Why an examination cannot begin. What is wrong with the plugin is no error: it is in the report.

/// The kit itself could not go on.
#[derive(Debug, thiserror::Error)]
pub enum KitError {
    /// The sandbox does not start.
    #[error("the sandbox cannot start")]
    NoSandbox(#[source] enroute_host::runtime::LoadError),
    /// Nothing can be waited for.
    #[error("calls cannot be waited for")]
    NoThread(#[source] std::io::Error),
    /// The cases cannot be read.
    #[error("the cases cannot be read: {0}")]
    Cases(String),
    /// A setting that was given does not fit the manifest.
    #[error("setting `{setting}` cannot be used: {message}")]
    Setting {
        /// Its name.
        setting: String,
        /// What is wrong with it.
        message: String,
    },
}
