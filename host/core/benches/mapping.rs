//! What one member costs: rows of a mapping with 10, 100 and 1,000 fields, over as many columns.
//!
//! `cargo bench -p enroute-core` prints the time of one member, and per row (`elem/s`), so that a cost that grows
//! faster than the rows shows at once. A quarter of the rows is passed through as stored, as a host does it; the others
//! are a template, a condition and another case.

use std::hint::black_box;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use enroute_core::cells::Cells;
use enroute_core::emission::{Class, Emission, Form};
use enroute_core::mapping::{Compiler, Expression, Member};
use serde_json::{Value, json};

/// The field of this row.
fn field(row: usize) -> (String, Value) {
    let path = json!({ "@path": format!("traits.t{row}") });
    let written = match row % 4 {
        0 => path,
        1 => json!({ "@template": format!("{{{{ traits.t{row} }}}} of {{{{ traits.plan }}}}") }),
        2 => json!({ "@if": { "blank": path.clone(), "then": path, "else": "none" } }),
        _ => json!({ "@case": { "operator": "upper", "value": path } }),
    };
    (format!("field_{row}"), written)
}

/// Makes one member's row.
fn fill(rows: &[(String, Expression)], texts: &[Option<&str>], cells: &mut Cells) {
    let member = Member::new(texts, true);
    for (_, expression) in rows {
        let pushed = match expression.column(true) {
            Some(column) => cells.push_json(texts.get(column).copied().flatten()),
            None => cells.push_json(expression.evaluate(&member).map(|value| value.to_string()).as_deref()),
        };
        debug_assert!(pushed.is_ok(), "a value is written as JSON");
    }
}

fn members(criterion: &mut Criterion) {
    let emission = Emission::new("vip", Class::Audience, "braze-eu");
    let mut group = criterion.benchmark_group("member");
    for count in [10_usize, 100, 1_000] {
        let fields: Vec<_> = (0..count).map(field).collect();
        let mut compiler = Compiler::new(&emission, Form::Identify);
        let Ok(rows) = compiler.fields(&fields) else { return };
        let texts: Vec<Option<&str>> = (0..compiler.inputs().as_slice().len())
            .map(|column| match column % 5 {
                0 => Some("450.0"),
                4 => None,
                _ => Some("\"a value of usual length\""),
            })
            .collect();
        group.throughput(Throughput::Elements(count as u64));
        group.bench_with_input(BenchmarkId::new("rows", count), &rows, |bencher, rows| {
            bencher.iter(|| {
                let mut cells = Cells::with_capacity(u32::try_from(count).unwrap_or(u32::MAX), 1);
                fill(rows, black_box(&texts), &mut cells);
                cells
            });
        });
    }
    group.finish();
}

/// Short, since what it is for is a figure's order and not its last digit.
fn short() -> Criterion {
    Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
}

criterion_group! { name = mapping; config = short(); targets = members }
criterion_main!(mapping);
