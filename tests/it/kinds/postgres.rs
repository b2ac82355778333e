//! A real server of PostgreSQL for one test: in a folder of its own, on a socket there, gone with the test.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Where Debian's package puts each version.
const VERSIONS: &str = "/usr/lib/postgresql";

pub(crate) struct Server {
    folder: tempfile::TempDir,
    bin: PathBuf,
    user: Option<&'static str>,
}

impl Server {
    /// Makes a cluster and starts it. It listens on no port.
    pub(crate) fn start() -> Self {
        Self::start_with("-c listen_addresses=''", |_| ())
    }

    /// The same with these options, in a folder that was prepared.
    pub(crate) fn start_with(options: &str, prepare: impl FnOnce(&Self)) -> Self {
        let bin = bin().unwrap_or_else(|| {
            panic!("no server of PostgreSQL under {VERSIONS}: tests/run installs it; else install `postgresql`")
        });
        let folder = tempfile::Builder::new().prefix("enroute-pg").tempdir().expect("a temporary folder");
        // A server refuses to run as root, so it runs as the user that the package made.
        let is_root = told(Command::new("id").arg("-u")).trim() == "0";
        let user = is_root.then_some("postgres");
        if let Some(user) = user {
            told(Command::new("chown").arg(user).arg(folder.path()));
        }
        let server = Self { folder, bin, user };
        let data = server.path().join("data");
        told(server.command("initdb").arg("-D").arg(&data).args(["-U", "postgres", "-A", "trust", "-E", "UTF8", "-N"]));
        prepare(&server);
        let options = format!("-k {} {options} -c fsync=off", server.path().display());
        let log = server.path().join("log");
        told(server.command("pg_ctl").arg("-D").arg(&data).args(["-w", "-o", &options, "-l"]).arg(log).arg("start"));
        server
    }

    /// What `database` refers to.
    pub(crate) fn url(&self) -> String {
        format!("host={} user=postgres dbname=postgres", self.path().display())
    }

    /// Runs statements.
    pub(crate) fn run(&self, statements: &str) {
        let mut command = self.command("psql");
        command.arg("-h").arg(self.path()).args(["-U", "postgres", "-v", "ON_ERROR_STOP=1", "-c", statements]);
        told(&mut command);
    }

    /// What a statement answers to a client of this port, value by value.
    pub(crate) fn ask(&self, port: u16, statement: &str) -> String {
        let conninfo = format!("host=127.0.0.1 port={port} user=postgres sslmode=disable gssencmode=disable");
        let mut command = self.command("psql");
        command.args(["-X", "-At", "-v", "ON_ERROR_STOP=1", "-d"]).arg(conninfo).args(["-c", statement]);
        told(&mut command)
    }

    /// The socket that it listens on.
    pub(crate) fn socket(&self) -> PathBuf {
        self.path().join(".s.PGSQL.5432")
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// A program of the server, or another one, as the user that the server runs as.
    pub(crate) fn command(&self, program: &str) -> Command {
        let program = self.bin.join(program);
        let program = if program.is_file() { program } else { PathBuf::from(program.file_name().unwrap_or_default()) };
        let mut command = match self.user {
            Some(user) => {
                let mut command = Command::new("runuser");
                command.args(["-u", user, "--"]).arg(program);
                command
            }
            None => Command::new(program),
        };
        command.current_dir(self.path()).env("LC_ALL", "C");
        command
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may not have come up, and then there is nothing to stop.
        let data = self.path().join("data");
        let _ = self.command("pg_ctl").arg("-D").arg(data).args(["-m", "immediate", "stop"]).output();
    }
}

/// The programs of the newest version that is installed.
fn bin() -> Option<PathBuf> {
    let versions = std::fs::read_dir(VERSIONS).ok()?.filter_map(|one| Some(one.ok()?.path().join("bin")));
    versions.filter(|bin| bin.join("pg_ctl").is_file()).max()
}

/// The words of a command, for messages.
fn command_words(command: &Command) -> String {
    format!("{command:?}")
}

/// What a program printed; it must end well.
pub(crate) fn told(command: &mut Command) -> String {
    // Its output must not be a pipe that the server keeps open after it.
    let out = tempfile::NamedTempFile::new().expect("a temporary file");
    let file = || out.reopen().expect("it opens");
    let status = command.stdout(file()).stderr(file()).status();
    let text = std::fs::read_to_string(out.path()).unwrap_or_default();
    let status = status.unwrap_or_else(|error| panic!("{} does not start: {error}", command_words(command)));
    assert!(status.success(), "{} failed: {text}", command_words(command));
    text
}
