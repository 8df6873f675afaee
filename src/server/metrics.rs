//! Counters of the server, as Prometheus text on an address of its own.

use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

/// Upper bounds of the buckets of request times, in microseconds.
const BUCKETS: [u64; 11] = [
    100, 250, 500, 1_000, 2_500, 5_000, 10_000, 50_000, 250_000, 1_000_000, 10_000_000,
];

/// What is counted.
#[derive(Default)]
pub struct Metrics {
    in_flight: AtomicI64,
    connections: AtomicI64,
    streams: AtomicI64,
    events: AtomicU64,
    answers: Mutex<BTreeMap<(&'static str, u16), u64>>,
    times: [AtomicU64; BUCKETS.len() + 1],
    time_sum: AtomicU64,
}

/// Counts something as long as it lives.
pub struct Gauge<'a>(&'a AtomicI64);

impl Drop for Gauge<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

fn up(gauge: &AtomicI64) -> Gauge<'_> {
    gauge.fetch_add(1, Ordering::Relaxed);
    Gauge(gauge)
}

impl Metrics {
    /// A request has come.
    pub fn begin(&self) -> Gauge<'_> {
        up(&self.in_flight)
    }

    /// A connection was opened.
    pub fn connected(&self) -> Gauge<'_> {
        up(&self.connections)
    }

    /// A stream was opened.
    pub fn streaming(&self) -> Gauge<'_> {
        up(&self.streams)
    }

    /// An event was sent.
    pub fn event(&self) {
        self.events.fetch_add(1, Ordering::Relaxed);
    }

    /// A request was answered.
    pub fn answered(&self, endpoint: &'static str, status: u16, time: Duration) {
        *self.answers.lock().entry((endpoint, status)).or_default() += 1;
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        let bucket = BUCKETS.partition_point(|bound| *bound < micros);
        self.times[bucket].fetch_add(1, Ordering::Relaxed);
        self.time_sum.fetch_add(micros, Ordering::Relaxed);
    }

    /// All of it as Prometheus text.
    pub fn text(&self) -> String {
        let mut out = String::new();
        let gauges = [
            (
                "fql_requests_in_flight",
                "Requests being answered.",
                &self.in_flight,
            ),
            ("fql_connections", "Open connections.", &self.connections),
            ("fql_streams", "Open event streams.", &self.streams),
        ];
        for (name, help, gauge) in gauges {
            let value = gauge.load(Ordering::Relaxed);
            let _ = writeln!(
                out,
                "# HELP {name} {help}\n# TYPE {name} gauge\n{name} {value}"
            );
        }
        let events = self.events.load(Ordering::Relaxed);
        let _ = writeln!(
            out,
            "# HELP fql_events_total Events sent on streams.\n# TYPE fql_events_total counter\nfql_events_total {events}"
        );
        out.push_str(
            "# HELP fql_requests_total Requests answered.\n# TYPE fql_requests_total counter\n",
        );
        for ((endpoint, status), count) in &*self.answers.lock() {
            let _ = writeln!(
                out,
                "fql_requests_total{{endpoint=\"{endpoint}\",status=\"{status}\"}} {count}"
            );
        }
        out.push_str(
            "# HELP fql_request_seconds Time to answer.\n# TYPE fql_request_seconds histogram\n",
        );
        let mut sum = 0;
        for (i, count) in self.times.iter().enumerate() {
            sum += count.load(Ordering::Relaxed);
            match BUCKETS.get(i) {
                Some(bound) => {
                    let bound = *bound as f64 / 1e6;
                    let _ = writeln!(out, "fql_request_seconds_bucket{{le=\"{bound}\"}} {sum}");
                }
                None => {
                    let _ = writeln!(out, "fql_request_seconds_bucket{{le=\"+Inf\"}} {sum}");
                }
            }
        }
        let seconds = self.time_sum.load(Ordering::Relaxed) as f64 / 1e6;
        let _ = writeln!(
            out,
            "fql_request_seconds_sum {seconds}\nfql_request_seconds_count {sum}"
        );
        out
    }
}
