//! Prometheus' text format, version 0.0.4: families with a line for help and one for their kind, then their samples.

use std::fmt::Write as _;

/// Bytes that are written without a thought for others: some 20 microseconds.
const PIECE: usize = 16 * 1024;

/// What a family is.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    Counter,
    Gauge,
    Histogram,
}

/// Labels that stand on many samples, escaped once.
#[derive(Debug, Clone, Default)]
pub(super) struct Labels(String);

impl Labels {
    pub(super) fn new(pairs: &[(&str, &str)]) -> Self {
        let mut text = String::new();
        write_labels(&mut text, pairs);
        Self(text)
    }
}

/// Pairs with commas between them. What is in quotes must not end early: a backslash, a quote and a line end are escaped.
fn write_labels(text: &mut String, pairs: &[(&str, &str)]) {
    for (name, value) in pairs {
        if text.ends_with('"') {
            text.push(',');
        }
        text.push_str(name);
        text.push_str("=\"");
        for c in value.chars() {
            match c {
                '\\' => text.push_str("\\\\"),
                '"' => text.push_str("\\\""),
                '\n' => text.push_str("\\n"),
                c => text.push(c),
            }
        }
        text.push('"');
    }
}

/// The text while it is written. It lets other threads run after each piece.
#[derive(Debug, Default)]
pub(super) struct Text(String);

impl Text {
    /// Begins a family; its samples follow.
    pub(super) fn family(&mut self, name: &str, kind: Kind, help: &str) {
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        };
        // Writing to a text cannot fail.
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    /// One sample, with labels of its own behind those that it shares.
    pub(super) fn sample(&mut self, name: &str, shared: &Labels, own: &[(&str, &str)], value: f64) {
        let pieces = self.0.len() / PIECE;
        self.0.push_str(name);
        if !shared.0.is_empty() || !own.is_empty() {
            self.0.push('{');
            self.0.push_str(&shared.0);
            write_labels(&mut self.0, own);
            self.0.push('}');
        }
        let _ = writeln!(self.0, " {value}");
        if self.0.len() / PIECE > pieces {
            std::thread::yield_now();
        }
    }

    pub(super) fn finish(self) -> Vec<u8> {
        self.0.into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_stand_under_their_family_and_labels_cannot_break_out() {
        let mut text = Text::default();
        text.family("up", Kind::Gauge, "Is it up?");
        text.sample("up", &Labels::default(), &[], 1.0);
        let shared = Labels::new(&[("member", "a\"b\\c\nd"), ("balancer", "")]);
        text.sample("up", &shared, &[("le", "+Inf")], 0.25);
        text.sample("up", &shared, &[], 12_345_678_901_234.0);
        assert_eq!(
            String::from_utf8(text.finish()).unwrap(),
            "# HELP up Is it up?\n# TYPE up gauge\nup 1\n\
             up{member=\"a\\\"b\\\\c\\nd\",balancer=\"\",le=\"+Inf\"} 0.25\n\
             up{member=\"a\\\"b\\\\c\\nd\",balancer=\"\"} 12345678901234\n"
        );
    }
}
