//! `fql` against raw redb and SQLite: each row measures both sides in turn, in one process and one run, and prints
//! the medians and their ratio. Ratios hold when the machine is slow or busy; single times do not.
//!
//! ```text
//! cargo run --release --manifest-path benches/compare/Cargo.toml -- [NAME-PART]...
//! ```

mod data;
mod engine;
mod start;

use std::time::Instant;

/// As in the program; redb measured raw has it too, SQLite has the system's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// One measurement: nanoseconds an operation, of us and of the baseline.
pub struct Row {
    pub name: &'static str,
    pub baseline: &'static str,
    pub ours: f64,
    pub theirs: Option<f64>,
}

/// Medians of `rounds` alternating timings; each closure runs its operation so often and gives that number.
pub fn pair(
    name: &'static str,
    baseline: &'static str,
    rounds: usize,
    mut ours: impl FnMut() -> u64,
    mut theirs: impl FnMut() -> u64,
) -> Row {
    let (mut a, mut b) = (Vec::new(), Vec::new());
    for round in 0..=rounds {
        let (x, y) = (time(&mut ours), time(&mut theirs));
        // The first round warms up.
        if round > 0 {
            a.push(x);
            b.push(y);
        }
    }
    Row { name, baseline, ours: median(a), theirs: Some(median(b)) }
}

/// A measurement without a baseline.
pub fn alone(name: &'static str, rounds: usize, mut ours: impl FnMut() -> u64) -> Row {
    let times = (0..=rounds).map(|_| time(&mut ours)).skip(1).collect();
    Row { name, baseline: "", ours: median(times), theirs: None }
}

fn time(run: &mut impl FnMut() -> u64) -> f64 {
    let start = Instant::now();
    let n = run();
    start.elapsed().as_nanos() as f64 / n.max(1) as f64
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

fn show(ns: f64) -> String {
    match ns {
        ns if ns < 1e3 => format!("{ns:.0} ns"),
        ns if ns < 1e6 => format!("{:.1} µs", ns / 1e3),
        ns if ns < 1e9 => format!("{:.1} ms", ns / 1e6),
        ns => format!("{:.2} s", ns / 1e9),
    }
}

/// Peak and present memory of this process in MB, from the kernel.
pub fn resident_mb() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|l| l.starts_with("VmRSS:")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|kb| kb.parse::<f64>().ok()).unwrap_or(0.0) / 1024.0
}

type Bench = fn() -> Vec<Row>;

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    if let [mode, path, query] = &wanted[..]
        && mode == data::SCANNER
    {
        return data::scan_and_tell_memory(path, query);
    }
    let benches: [(&str, Bench); 15] = [
        ("parse", engine::parse),
        ("arithmetic", engine::arithmetic),
        ("check", engine::check),
        ("point", engine::point_reads),
        ("durable", engine::durable_creates),
        ("bulk", engine::bulk_creates),
        ("scan", data::scan),
        ("lookup", data::lookups),
        ("covered", data::covered),
        ("page", data::pages),
        ("order", data::order),
        ("memory", data::memory),
        ("indexes", data::creates_with_indexes),
        ("access", data::access),
        ("start", start::process_start),
    ];
    println!("| operation | fql | baseline | baseline's | ratio (baseline / fql) |");
    println!("|---|---|---|---|---|");
    for (name, bench) in benches {
        if !wanted.is_empty() && !wanted.iter().any(|w| name.contains(w.as_str())) {
            continue;
        }
        for row in bench() {
            match row.theirs {
                Some(theirs) => println!(
                    "| {} | {} | {} | {} | {:.2} |",
                    row.name,
                    show(row.ours),
                    row.baseline,
                    show(theirs),
                    theirs / row.ours
                ),
                None => println!("| {} | {} | | | |", row.name, show(row.ours)),
            }
        }
    }
}
