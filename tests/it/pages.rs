//! The pages of a host, as far as they need no browser: who is let in, what answers carry, and what a form may change.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::serve::{Host, command, people};
use crate::support::World;

/// An answer: its status, its head and its body.
struct Answer {
    status: u16,
    head: String,
    body: String,
}

/// Somebody at a browser.
struct Browser<'a> {
    host: &'a Host,
    cookie: String,
    origin: String,
}

impl<'a> Browser<'a> {
    fn new(host: &'a Host) -> Self {
        Self { host, cookie: String::new(), origin: format!("http://{}", host.address()) }
    }

    /// The same, after a login with a new token of this role.
    async fn of(host: &'a Host, world: &World, role: &str) -> Self {
        let (code, told) = command(world, &["token", "new", role, "--role", role]).await;
        assert_eq!(code, 0, "{told:#}");
        let mut browser = Self::new(host);
        let answer = browser.post("/login", &[("token", told["token"].as_str().expect("a token"))]).await;
        assert_eq!(answer.status, 303, "{}", answer.body);
        browser.cookie = between(&answer.head, "set-cookie: ", ";").to_owned();
        assert!(answer.head.contains("HttpOnly; SameSite=Lax"), "{}", answer.head);
        browser
    }

    async fn ask(&self, method: &str, path: &str, body: &str) -> Answer {
        let (at, cookie, origin) = (self.host.address(), &self.cookie, &self.origin);
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {at}\r\nConnection: close\r\nOrigin: {origin}\r\nCookie: {cookie}\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let mut stream = TcpStream::connect(at).await.expect("it listens");
        stream.write_all(request.as_bytes()).await.expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("it answers");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        Answer { status, head: head.to_owned(), body: body.to_owned() }
    }

    async fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, "").await
    }

    async fn post(&self, path: &str, pairs: &[(&str, &str)]) -> Answer {
        let escape = |text: &str| text.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>();
        let body: Vec<_> = pairs.iter().map(|(name, value)| format!("{}={}", escape(name), escape(value))).collect();
        self.ask("POST", path, &body.join("&")).await
    }
}

/// What stands between two texts.
fn between<'a>(text: &'a str, from: &str, to: &str) -> &'a str {
    let rest = text.split_once(from).unwrap_or_else(|| panic!("no `{from}` in {text}")).1;
    rest.split_once(to).unwrap_or_else(|| panic!("no `{to}` after `{from}`")).0
}

fn hidden<'a>(page: &'a str, name: &str) -> &'a str {
    between(page, &format!("name=\"{name}\" value=\""), "\"")
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_needs_a_login_and_carries_a_strict_policy() {
    let world = World::new().await;
    people(&world, 0..3);
    let host = Host::start(&world).await;
    let stranger = Browser::new(&host);
    let viewer = Browser::of(&host, &world, "viewer").await;
    for path in [
        "/",
        "/audiences",
        "/audiences/new",
        "/destinations",
        "/destinations/new",
        "/activity",
        "/activity/waiting",
        "/activity/refused",
        "/people",
        "/sources",
        "/traits",
        "/plugins",
        "/config",
        "/access",
    ] {
        assert_eq!(stranger.get(path).await.status, 303, "{path}");
        let page = viewer.get(path).await;
        assert_eq!(page.status, 200, "{path}: {}", page.body);
        for header in [
            "content-security-policy: default-src 'none'; script-src 'self'; style-src 'self'",
            "cache-control: no-store",
            "x-content-type-options: nosniff",
            "referrer-policy: same-origin",
        ] {
            assert!(page.head.contains(header), "{path} has no {header}: {}", page.head);
        }
        assert!(!page.body.contains(" style=") && !page.body.contains(" onclick="), "{path}");
        assert!(page.body.len() < 60_000, "{path} has {} bytes", page.body.len());
    }
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_of_another_site_or_another_login_changes_nothing() {
    let world = World::new().await;
    people(&world, 0..3);
    let host = Host::start(&world).await;
    let mut admin = Browser::of(&host, &world, "admin").await;
    let file = world.folder.path().join("audiences.toml");
    let before = std::fs::read_to_string(&file).expect("it is there");
    let csrf = hidden(&admin.get("/audiences").await.body, "csrf").to_owned();
    let form = |csrf: &'static str| [("csrf", csrf), ("do", "texts"), ("step", "save"), ("audiences", "# gone\n")];
    let unsaid = admin.post("/change", &form("made up")).await;
    assert!(unsaid.body.contains("# gone"), "what was typed is shown again: {}", unsaid.body);
    admin.origin = "https://elsewhere.example".to_owned();
    let foreign = admin.post("/change", &[("csrf", &csrf), ("do", "texts"), ("step", "save"), ("audiences", "")]).await;
    assert_eq!(foreign.status, 403, "{}", foreign.body);
    assert_eq!(std::fs::read_to_string(&file).expect("it is there"), before);
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_are_saved_as_they_are_do_not_change_and_comments_stay() {
    let world = World::new().await;
    people(&world, 0..3);
    let file = world.folder.path().join("audiences.toml");
    let before =
        format!("# Whose list this is: <script>alert(1)</script>\n{}", std::fs::read_to_string(&file).expect("text"));
    std::fs::write(&file, &before).expect("it can be written");
    let host = Host::start(&world).await;
    let admin = Browser::of(&host, &world, "admin").await;
    let page = admin.get("/config/edit").await;
    assert!(!page.body.contains("<script>alert"), "{}", page.body);
    let (csrf, base) = (hidden(&page.body, "csrf").to_owned(), hidden(&page.body, "base").to_owned());
    let plugins = std::fs::read_to_string(world.folder.path().join("plugins.toml")).expect("text");
    let form = |audiences: &str| {
        [("csrf", csrf.as_str()), ("base", &base), ("do", "texts"), ("plugins", &plugins), ("audiences", audiences)]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
    };
    // Browsers send line ends of their own.
    let pairs = form(&before.replace('\n', "\r\n"));
    let pairs: Vec<_> = pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let review = admin.post("/change", &pairs).await;
    assert!(review.body.contains("there is nothing to save"), "{}", review.body);
    assert_eq!(std::fs::read_to_string(&file).expect("it is there"), before);
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_named_in_an_address_or_shown_unmasked() {
    let world = World::new().await;
    people(&world, 0..3);
    let host = Host::start(&world).await;
    host.until(|told| told["connections"].as_object().unwrap().values().all(|one| one["state"] == "idle")).await;
    let operator = Browser::of(&host, &world, "operator").await;
    let page = operator.get("/people").await;
    let csrf = hidden(&page.body, "csrf").to_owned();
    let found = operator.post("/people", &[("csrf", &csrf), ("kind", "id"), ("value", "u1")]).await;
    assert!(!found.head.contains("u1"), "{}", found.head);
    assert!(!found.body.contains("u1@"), "{}", found.body);
    host.stop().await;
}
