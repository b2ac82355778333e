//! A real server of MariaDB for one test: in a folder of its own, on a socket there, gone with the test.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Where Debian's package puts the server.
const PROGRAMS: &str = "/usr/sbin";

/// Time that a server has to begin.
const BEGINS_WITHIN: Duration = Duration::from_secs(60);

pub(super) struct Server {
    folder: tempfile::TempDir,
    process: Child,
}

impl Server {
    /// Makes a folder of data and starts the server on it. It listens on no port.
    pub(super) fn start() -> Self {
        let server = Path::new(PROGRAMS).join("mariadbd");
        assert!(server.is_file(), "no {}: tests/run installs it; else install `mariadb-server`", server.display());
        let folder = tempfile::Builder::new().prefix("enroute-maria").tempdir().expect("a temporary folder");
        let data = folder.path().join("data");
        let user = whoami();
        let made = Command::new("mariadb-install-db")
            .args(["--no-defaults", "--auth-root-authentication-method=normal", "--skip-test-db"])
            .arg(format!("--datadir={}", data.display()))
            .arg(format!("--user={user}"))
            .output()
            .expect("mariadb-install-db starts");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let socket = folder.path().join("socket");
        let process = Command::new(&server)
            .args(["--no-defaults", "--skip-networking", "--innodb-flush-log-at-trx-commit=0"])
            .arg(format!("--user={user}"))
            .arg(format!("--datadir={}", data.display()))
            .arg(format!("--socket={}", socket.display()))
            .arg(format!("--pid-file={}", folder.path().join("pid").display()))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("mariadbd starts");
        let server = Self { folder, process };
        let begun = Instant::now();
        while !server.socket().exists() || !server.client("select 1").status.success() {
            assert!(begun.elapsed() < BEGINS_WITHIN, "the server does not begin");
            std::thread::yield_now();
        }
        server.run("create database shop character set utf8mb4");
        server
    }

    /// What `database` refers to.
    pub(super) fn url(&self) -> String {
        format!("mariadb://root@localhost/shop?socket={}", self.socket().display())
    }

    /// Runs statements.
    pub(super) fn run(&self, statements: &str) {
        let ended = self.client(statements);
        assert!(ended.status.success(), "{statements}: {}", String::from_utf8_lossy(&ended.stderr));
    }

    fn client(&self, statements: &str) -> std::process::Output {
        let mut command = Command::new("mariadb");
        command.args(["--no-defaults", "-u", "root", "--batch"]).arg(format!("--socket={}", self.socket().display()));
        if !statements.starts_with("create database") && statements != "select 1" {
            command.arg("shop");
        }
        command.args(["-e", statements]).output().expect("the client starts")
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("socket")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn whoami() -> String {
    let told = Command::new("id").arg("-un").output().expect("`id` starts");
    String::from_utf8_lossy(&told.stdout).trim().to_owned()
}
