//! Metrics of this process. Durations are counted where they happen, in fixed buckets: nothing is gathered to be sorted
//! later, so memory does not grow with the rate, and no moment comes at which a second's worth is folded at once.

use metrics::{Counter, Gauge, Histogram, HistogramFn, Key, KeyName, Label, Metadata};
use metrics::{Recorder, SetRecorderError, SharedString, Unit};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle, PrometheusRecorder};
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Upper bounds of the buckets, in seconds; the last bucket has none.
const BOUNDS: [f64; 11] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.25, 1.0, 2.5, 10.0];

/// What was counted so far. Clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Metrics {
    prometheus: PrometheusHandle,
    durations: Arc<Durations>,
}

impl Metrics {
    /// For the whole process; once.
    pub(crate) fn install() -> Result<Self, SetRecorderError<Meters>> {
        let meters = Meters::new();
        let metrics = meters.metrics();
        metrics::set_global_recorder(meters)?;
        Ok(metrics)
    }

    /// In Prometheus' text form.
    pub(crate) fn render(&self) -> String {
        let mut text = self.prometheus.render();
        self.durations.write(&mut text);
        text
    }
}

/// Hands counters and gauges to the exporter, and keeps durations itself.
#[derive(Debug)]
pub(crate) struct Meters {
    prometheus: PrometheusRecorder,
    durations: Arc<Durations>,
}

impl Meters {
    fn new() -> Self {
        Self { prometheus: PrometheusBuilder::new().build_recorder(), durations: Arc::default() }
    }

    fn metrics(&self) -> Metrics {
        Metrics { prometheus: self.prometheus.handle(), durations: Arc::clone(&self.durations) }
    }
}

impl Recorder for Meters {
    fn describe_counter(&self, key: KeyName, unit: Option<Unit>, text: SharedString) {
        self.prometheus.describe_counter(key, unit, text);
    }

    fn describe_gauge(&self, key: KeyName, unit: Option<Unit>, text: SharedString) {
        self.prometheus.describe_gauge(key, unit, text);
    }

    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, metadata: &Metadata<'_>) -> Counter {
        self.prometheus.register_counter(key, metadata)
    }

    fn register_gauge(&self, key: &Key, metadata: &Metadata<'_>) -> Gauge {
        self.prometheus.register_gauge(key, metadata)
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::from_arc(self.durations.of(key))
    }
}

/// Every series, in the order in which they came up.
#[derive(Debug, Default)]
struct Durations(Mutex<Vec<Arc<Counted>>>);

impl Durations {
    fn all(&self) -> MutexGuard<'_, Vec<Arc<Counted>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asked once for each route and class of status, which keeps what it gets.
    fn of(&self, key: &Key) -> Arc<Counted> {
        let mut all = self.all();
        if let Some(known) = all.iter().find(|known| known.key == *key) {
            return Arc::clone(known);
        }
        let fresh =
            Arc::new(Counted { key: key.clone(), buckets: Default::default(), nanos: AtomicU64::new(0) });
        all.push(Arc::clone(&fresh));
        fresh
    }

    /// The series of a name stand together, under its type.
    fn write(&self, text: &mut String) {
        let mut all = self.all().clone();
        all.sort_by(|one, other| one.key.name().cmp(other.key.name()));
        let mut last = None;
        for series in all {
            let name = series.key.name();
            if last.as_deref() != Some(name) {
                let _ = writeln!(text, "# TYPE {name} histogram");
                last = Some(name.to_owned());
            }
            series.write(text);
        }
    }
}

/// One series: how many durations there were up to each bound and no lower one, and all of them together.
#[derive(Debug)]
struct Counted {
    key: Key,
    buckets: [AtomicU64; BOUNDS.len() + 1],
    nanos: AtomicU64,
}

impl HistogramFn for Counted {
    fn record(&self, seconds: f64) {
        let bucket = BOUNDS.iter().position(|bound| seconds <= *bound).unwrap_or(BOUNDS.len());
        self.buckets[bucket].fetch_add(1, Relaxed);
        let nanos = Duration::try_from_secs_f64(seconds).unwrap_or_default().as_nanos();
        self.nanos.fetch_add(u64::try_from(nanos).unwrap_or(u64::MAX), Relaxed);
    }
}

impl Counted {
    fn write(&self, text: &mut String) {
        let name = self.key.name();
        let labels = self.key.labels().map(pair).collect::<String>();
        let bounds = BOUNDS.iter().map(ToString::to_string).chain(["+Inf".to_owned()]);
        let mut count = 0;
        // Writing to a text cannot fail.
        for (bucket, bound) in self.buckets.iter().zip(bounds) {
            count += bucket.load(Relaxed);
            let _ = writeln!(text, "{name}_bucket{{{labels}le=\"{bound}\"}} {count}");
        }
        let (labels, sum) = (labels.trim_end_matches(','), Duration::from_nanos(self.nanos.load(Relaxed)));
        let _ = writeln!(text, "{name}_sum{{{labels}}} {}", sum.as_secs_f64());
        let _ = writeln!(text, "{name}_count{{{labels}}} {count}\n");
    }
}

/// With the comma behind it.
fn pair(label: &Label) -> String {
    let value = label.value().replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    format!("{}=\"{value}\",", label.key())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_counted_up_to_each_bound_in_prometheus_text_form() {
        let meters = Meters::new();
        metrics::with_local_recorder(&meters, || {
            let labels = [("route", "/a\"b"), ("status", "2xx")];
            let one = metrics::histogram!("valetkey_test_seconds", &labels);
            let same = metrics::histogram!("valetkey_test_seconds", &labels);
            for seconds in [0.0005, 0.0006, 3.0, 99.0] {
                one.record(seconds);
            }
            same.record(0.25);
            metrics::histogram!("valetkey_test_seconds", "route" => "/c").record(-1.0);
            metrics::counter!("valetkey_test_total").increment(2);
        });
        let text = meters.metrics().render();
        let labels = "route=\"/a\\\"b\",status=\"2xx\"";
        for line in [
            "valetkey_test_total 2".to_owned(),
            "# TYPE valetkey_test_seconds histogram".to_owned(),
            format!("valetkey_test_seconds_bucket{{{labels},le=\"0.0005\"}} 1"),
            format!("valetkey_test_seconds_bucket{{{labels},le=\"0.001\"}} 2"),
            format!("valetkey_test_seconds_bucket{{{labels},le=\"0.1\"}} 2"),
            format!("valetkey_test_seconds_bucket{{{labels},le=\"0.25\"}} 3"),
            format!("valetkey_test_seconds_bucket{{{labels},le=\"10\"}} 4"),
            format!("valetkey_test_seconds_bucket{{{labels},le=\"+Inf\"}} 5"),
            format!("valetkey_test_seconds_sum{{{labels}}} 102.2511"),
            format!("valetkey_test_seconds_count{{{labels}}} 5"),
            "valetkey_test_seconds_count{route=\"/c\"} 1".to_owned(),
        ] {
            assert!(text.lines().any(|own| own == line), "{line} in\n{text}");
        }
        assert_eq!(text.matches("# TYPE valetkey_test_seconds ").count(), 1);
    }
}
