//! Files that are made to hurt whoever compiles them: the process that does is ended, and the host goes on.

use std::path::Path;

use enroute_host::catalog::{Inspection, load_plugin, read_file, sha256_hex};
use enroute_host::config::load::load;
use enroute_host::runtime::{Cache, CompileLimits, CompileProgram, Limits, Runtime};
use enroute_host::sync::{self, LinkState, Setup};

use crate::support::{AUDIENCES, World, enroute, gold, link, plugin, plugin_entry};

/// Limits that an honest plugin keeps to.
const ROOMY: CompileLimits = CompileLimits { cpu_s: 120, memory_mib: 2_048 };

/// A runtime whose plugins the built binary compiles.
fn runtime(folder: &Path, limits: CompileLimits) -> Runtime {
    let binary = enroute().get_program().into();
    let program = CompileProgram::new(binary, &["compile-plugin"], limits);
    Runtime::new(Limits::default(), Some(Cache::new(folder.join("cache"), [7; 32]).filled_by(program)))
        .expect("it starts")
}

/// A number as WebAssembly writes it.
fn leb(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = u8::try_from(number & 0x7f).unwrap();
        number >>= 7;
        if number == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}

fn section(id: u8, content: &[u8]) -> Vec<u8> {
    [vec![id], leb(content.len()), content.to_vec()].concat()
}

/// The misfit, sound in every respect, with one more module inside: a single function of seven million bytes.
fn bomb() -> Vec<u8> {
    let additions = [0x20, 0x00, 0x41, 0x01, 0x6a, 0x21, 0x00].repeat(1_000_000);
    let body = [vec![0x01, 0x01, 0x7f], additions, vec![0x0b]].concat();
    let code = [vec![0x01], leb(body.len()), body].concat();
    let module = [
        b"\0asm\x01\0\0\0".to_vec(),
        section(1, &[0x01, 0x60, 0x00, 0x00]),
        section(3, &[0x01, 0x00]),
        section(10, &code),
    ];
    [read_file(&plugin("misfit")).expect("the plugin is read"), section(1, &module.concat())].concat()
}

#[track_caller]
fn check(bytes: &[u8], limits: CompileLimits, expect: &str) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let error = load_plugin(&runtime(folder.path(), limits), "misfit", bytes, None).unwrap_err();
    assert_eq!(error.to_string(), format!("plugin `misfit` cannot be compiled: {expect}"));
    assert!(!folder.path().join("cache").exists(), "nothing of it is kept");
}

#[test]
fn a_file_that_takes_too_much_to_compile_is_refused_with_the_reason() {
    let bomb = bomb();
    assert!(Inspection::read(&bomb).is_ok(), "by its looks it is a plugin");
    check(&bomb, CompileLimits { cpu_s: 1, ..ROOMY }, "compiling it takes more than 1 s of CPU time");
    check(&bomb, CompileLimits { memory_mib: 512, ..ROOMY }, "compiling it takes more than 512 MiB of memory");
}

#[test]
fn what_was_compiled_elsewhere_runs_here_and_is_kept() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let bytes = read_file(&plugin("misfit")).expect("the plugin is read");
    load_plugin(&runtime(folder.path(), ROOMY), "misfit", &bytes, None).expect("it is compiled");
    let nowhere = CompileProgram::new("nowhere".into(), &[], ROOMY);
    let cache = Cache::new(folder.path().join("cache"), [7; 32]).filled_by(nowhere);
    let runtime = Runtime::new(Limits::default(), Some(cache)).expect("it starts");
    load_plugin(&runtime, "misfit", &bytes, None).expect("it is in the cache, so nothing compiles");
    let other = read_file(&plugin("braze")).expect("the plugin is read");
    let error = load_plugin(&runtime, "braze", &other, None).unwrap_err().to_string();
    assert!(error.starts_with("plugin `braze` cannot be compiled: `nowhere` cannot compile it: "), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_compile_bomb_is_a_mistake_with_a_code_and_the_others_are_still_checked() {
    let world = World::new().await;
    world.people(&[gold("u1")]);
    let bomb = bomb();
    std::fs::write(world.folder.path().join("bomb.wasm"), &bomb).expect("it is written");
    let entry = format!(
        "[plugin.misfit]\nfile = \"bomb.wasm\"\nsha256 = \"{}\"\n\n[destination.misfit]\nplugin = \"misfit\"\n",
        sha256_hex(&bomb)
    );
    let rest = world.plugins_toml().replace("audience_id =", "audience_ids =");
    world.write("plugins.toml", &format!("{rest}{entry}"));
    let loaded = load(world.folder.path());
    let config = loaded.config.expect("the files are sound");
    let runtime = runtime(world.folder.path(), CompileLimits { cpu_s: 6, ..ROOMY });
    let (setup, found) = Setup::prepare(&config, &runtime, &Default::default(), "2026-11-23", None).await;
    assert!(setup.is_none());
    let told = found.render(&config.files);
    assert!(
        told.contains("error[E244]: plugin `misfit` cannot be compiled: compiling it takes more than 6 s"),
        "{told}"
    );
    assert!(told.contains("error[E251]: plugin `facebook` has no setting `audience_ids`"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_compile_bomb_costs_a_whole_sync_its_own_connection() {
    let world = World::new().await;
    world.people(&[gold("u1"), gold("u2")]);
    std::fs::write(world.folder.path().join("misfit.wasm"), bomb()).expect("it is written");
    let entry = plugin_entry("misfit", &world.folder.path().join("misfit.wasm"));
    let destination = "[destination.misfit]\nplugin = \"misfit\"\nhosts = [\"api.example.com\"]\n\
                       settings = { base_url = \"https://api.example.com\", mode = \"ok\" }\n\
                       secrets = { token = \"${file:braze.key}\" }\n";
    world.write("plugins.toml", &format!("{}{entry}{destination}", world.plugins_toml()));
    let connection = "[[connection]]\naudience = \"gold\"\ndestination = \"misfit\"\nsetup = \"customized\"\n\
                      traits = [{ trait = \"firstName\", field = \"value\" }]\n";
    world.write("audiences.toml", &format!("{AUDIENCES}{connection}"));
    let (config, store) = (world.config(), world.store());
    world.import(&store);
    let runtime = runtime(world.folder.path(), CompileLimits { cpu_s: 6, ..ROOMY });
    let (setup, found) = Setup::prepare(&config, &runtime, &Default::default(), "2026-11-23", None).await;
    let setup = setup.unwrap_or_else(|| panic!("{}", found.render(&config.files)));
    let report = sync::sync(&store, &setup, &world.options()).await.expect("the store works");
    let misfit = link(&report, "misfit");
    assert_eq!((misfit.state, report.exit_code()), (LinkState::Failed, 5), "{misfit:#?}");
    assert!(misfit.reason.as_ref().is_some_and(|reason| reason.contains("takes more than 6 s")), "{misfit:#?}");
    assert_eq!(world.braze_members().len(), 2);
    assert_eq!(world.facebook_emails().len(), 2);
}
