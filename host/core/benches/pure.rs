//! What the decisions about many members cost: the difference, folding, the event, the cells, and halves of a batch.
//!
//! `cargo bench -p enroute-core --bench pure` prints the time of one pass, and per member (`elem/s`).

use std::hint::black_box;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use enroute_core::batch::{Batch, Change};
use enroute_core::cells::{Cells, Value};
use enroute_core::diff::{State, candidates};
use enroute_core::emission::{Class, Emission, Form, Input};
use enroute_core::fold::{folded, spelled};
use enroute_core::json::Json;
use enroute_core::manifest::{Fold, Folding};

/// Members where the work grows with them.
const MEMBERS: u32 = 10_000;

/// Who must be looked at, of a hundred thousand and of a million, of whom one in a thousand has changed.
fn difference(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("diff");
    for members in [100_000_u32, 1_000_000] {
        let state = State {
            audience: (0..members).collect(),
            held: (members / 100..members).collect(),
            changed: (0..members).step_by(1_000).collect(),
            ..State::default()
        };
        group.throughput(Throughput::Elements(u64::from(members)));
        group.bench_with_input(BenchmarkId::new("candidates", members), &state, |bencher, state| {
            bencher.iter(|| candidates(black_box(state), true));
        });
    }
    group.finish();
}

/// What makes two spellings one person.
fn folding(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("fold");
    group.throughput(Throughput::Elements(1));
    let steps = [Fold::Trim, Fold::Lowercase, Fold::GmailPlus, Fold::GmailDots];
    group.bench_function("address", |bencher| {
        bencher.iter(|| spelled(&folded(black_box(" Ann.Lee+news@Gmail.com"), Folding::Lowercase), &steps));
    });
    group.bench_function("number", |bencher| {
        bencher.iter(|| spelled(black_box("+1 (555) 010-1234"), &[Fold::Trim, Fold::Separators]));
    });
    group.finish();
}

/// The event as a whole, which is made for one person who is tried.
fn event(criterion: &mut Criterion) {
    let mut emission = Emission::new("vip", Class::Audience, "braze-eu");
    emission.chosen = ["email", "firstName", "plan", "ltv"].map(|name| Input::Trait(vec![name.to_owned()])).into();
    let mut group = criterion.benchmark_group("emission");
    group.throughput(Throughput::Elements(1));
    for form in [Form::Identify, Form::Track] {
        group.bench_with_input(BenchmarkId::new("event", format!("{form:?}")), &form, |bencher, form| {
            let value = |_: &Input| Some(Json::Text("a value of usual length".to_owned()));
            bencher.iter(|| emission.event(*form, true, value, "an-id", black_box("2026-01-01T00:00:00Z")));
        });
    }
    group.finish();
}

/// JSON texts as the store gives them into cells as a plugin gets them.
fn cells(criterion: &mut Criterion) {
    let texts = ["\"person@example.com\"", "\"Ann\"", "450.0", "true", "\"caf\\u00e9\"", "{\"a\":1}"];
    let mut group = criterion.benchmark_group("cells");
    group.throughput(Throughput::Elements(u64::from(MEMBERS)));
    group.bench_function("push", |bencher| {
        bencher.iter(|| {
            let mut cells = Cells::with_capacity(6, MEMBERS as usize);
            for _ in 0..MEMBERS {
                for text in black_box(&texts) {
                    let pushed = cells.push_json(Some(text));
                    debug_assert!(pushed.is_ok(), "all of them are JSON");
                }
            }
            cells
        });
    });
    group.finish();
}

/// A batch cut in two, as it is where a plugin fails.
fn halves(criterion: &mut Criterion) {
    let mut batch = Batch::new(1, 2, MEMBERS as usize);
    for member in 0..MEMBERS {
        batch.profiles.push(member);
        batch.changes.push(Change::Added);
        batch.identifiers.push(Value::Text("u0000001"));
        batch.values.push(Value::Text("person@example.com"));
        batch.values.push(Value::Number("450.0"));
    }
    let positions: Vec<u32> = (0..MEMBERS).collect();
    let mut group = criterion.benchmark_group("batch");
    group.throughput(Throughput::Elements(u64::from(MEMBERS)));
    group.bench_function("halves", |bencher| {
        bencher.iter(|| {
            let (first, second) = Batch::halves(black_box(&positions));
            (batch.subset(first), batch.subset(second))
        });
    });
    group.finish();
}

/// Short, since what it is for is a figure's order and not its last digit.
fn short() -> Criterion {
    Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
}

criterion_group! { name = pure; config = short(); targets = difference, folding, event, cells, halves }
criterion_main!(pure);
