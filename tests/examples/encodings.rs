//! What it costs to hand members over as rows, as packed cells and as JSON text, in a fresh instance for each batch as
//! the host does it:
//!
//! ```console
//! $ cargo build -p enroute-encodings --release --target wasm32-wasip2
//! $ cargo run -p enroute-tests --example encodings
//! ```

#![expect(clippy::print_stdout, reason = "the figures are what it is for")]
#![expect(missing_docs, reason = "generated code")]

use std::time::{Duration, Instant};

use enroute_encodings::{Value, write};
use exports::enroute::encodings::forms::{Cells, Value as Row};
use wasmtime::component::{Component, Linker};
use wasmtime::{Engine, Store};
use wasmtime_wasi::{ResourceTable, WasiCtx, WasiCtxView, WasiView};

wasmtime::component::bindgen!({ path: "encodings/wit", world: "encodings" });

type Failure = Box<dyn std::error::Error>;
/// One of the guest's functions with its arguments.
type Form<'a> = dyn Fn(&Encodings, &mut Store<State>) -> wasmtime::Result<Vec<u8>> + 'a;

/// Members in a batch.
const MEMBERS: usize = 1_000;
/// Rounds of which the fastest counts: the one that the rest of the machine disturbed least.
const ROUNDS: usize = 60;
/// The traits of a member: eight texts, a number with a fraction, and one that is missing.
const TRAITS: [(&str, u8, &str); 10] = [
    ("email", 5, "maria.silva@example.com"),
    ("first_name", 5, "Maria"),
    ("last_name", 5, "Silva"),
    ("phone", 5, "+351912345678"),
    ("birthday", 5, "1988-02-14"),
    ("city", 5, "Porto"),
    ("plan", 5, "gold"),
    ("street", 5, "Rua das Flores 12"),
    ("lifetime_value", 4, "450.0"),
    ("notes", 0, ""),
];

struct State {
    wasi: WasiCtx,
    table: ResourceTable,
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

fn main() -> Result<(), Failure> {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/wasm32-wasip2/release/enroute_encodings.wasm");
    let engine = Engine::default();
    let component = Component::from_file(&engine, file)?;
    let mut linker = Linker::new(&engine);
    wasmtime_wasi::p2::add_to_linker_sync(&mut linker)?;
    let pre = EncodingsPre::new(linker.instantiate_pre(&component)?)?;
    let call = |form: &Form<'_>| {
        let mut store = Store::new(&engine, State { wasi: WasiCtx::builder().build(), table: ResourceTable::new() });
        let guest = pre.instantiate(&mut store)?;
        form(&guest, &mut store)
    };
    let names: Vec<String> = TRAITS.iter().map(|(name, ..)| (*name).to_owned()).collect();
    let (rows, cells, text) = (rows(), cells(), text());
    let forms = |guest: &Encodings| guest.enroute_encodings_forms().clone();
    let expect = native(&names);
    let by_rows = || call(&|guest, store| forms(guest).call_rows(store, &names, &rows));
    let by_cells = || call(&|guest, store| forms(guest).call_packed(store, &names, &cells));
    let by_text = || call(&|guest, store| forms(guest).call_text(store, &text));
    assert_eq!((by_rows()?, by_cells()?), (expect.clone(), expect), "all forms give the same bytes");
    let unpacked = fastest(|| Ok(native(&names)))?;
    for (name, time) in [
        ("JSON text, parsed by the guest", fastest(by_text)?),
        ("rows by position", fastest(by_rows)?),
        ("offsets into one text (cells)", fastest(by_cells)?),
        ("the same work without a sandbox", unpacked),
    ] {
        let micros = time.as_secs_f64() * 1e6 / 1_000.0;
        println!("{name:34} {micros:5.2} µs a member, {:4.1} × native", time.as_secs_f64() / unpacked.as_secs_f64());
    }
    Ok(())
}

fn fastest(mut call: impl FnMut() -> wasmtime::Result<Vec<u8>>) -> Result<Duration, Failure> {
    let mut best = Duration::MAX;
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        std::hint::black_box(call()?);
        best = best.min(begun.elapsed());
    }
    Ok(best)
}

fn native(names: &[String]) -> Vec<u8> {
    let mut body = Vec::new();
    for _ in 0..MEMBERS {
        let values = TRAITS.iter().map(|(_, kind, text)| enroute_encodings::of_kind(*kind, text));
        write(&mut body, names, values);
    }
    body
}

fn rows() -> Vec<Vec<Row>> {
    let value = |(_, kind, text): &(&str, u8, &str)| match enroute_encodings::of_kind(*kind, text) {
        Value::Absent => Row::Absent,
        Value::Null => Row::Null,
        Value::Bool(flag) => Row::Boolean(flag),
        Value::Raw(text) => Row::Number(text.to_owned()),
        Value::Text(text) => Row::Text(text.to_owned()),
    };
    (0..MEMBERS).map(|_| TRAITS.iter().map(value).collect()).collect()
}

fn cells() -> Cells {
    let mut cells = Cells { columns: 10, kinds: Vec::new(), ends: Vec::new(), text: String::new() };
    for (_, kind, text) in std::iter::repeat_n(TRAITS, MEMBERS).flatten() {
        cells.kinds.push(kind);
        cells.text.push_str(text);
        cells.ends.push(u32::try_from(cells.text.len()).unwrap_or(u32::MAX));
    }
    cells
}

fn text() -> String {
    String::from_utf8_lossy(&native(&TRAITS.map(|(name, ..)| name.to_owned()))).into_owned()
}
