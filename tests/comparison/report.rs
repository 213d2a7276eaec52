//! Tables in Markdown: medians with their extremes, and ratios of pairs and of the least.
//!
//! What else the machine does only ever adds, so the ratio of the least values is the sturdier one; the ratio of
//! pairs is the median over the rounds of what one cost for what the other cost in the same round.

use std::fmt::Write as _;
use std::time::Duration;

use crate::contender::Contender;
use crate::load::Tally;
use crate::workload::Flow;

/// What one contender's requests cost, a value a round.
pub(crate) struct Series {
    contender: Contender,
    /// Microseconds of processor time a request.
    costs: Vec<f64>,
    /// Answers a second.
    rates: Vec<f64>,
    bad: u64,
}

impl Series {
    pub(crate) const fn new(contender: Contender) -> Self {
        Self { contender, costs: Vec::new(), rates: Vec::new(), bad: 0 }
    }

    pub(crate) fn add(&mut self, spent: Duration, tally: &Tally) {
        let answers = precise(tally.answers);
        self.costs.push(spent.as_secs_f64() * 1e6 / answers);
        self.rates.push(answers / tally.elapsed.as_secs_f64());
        self.bad += tally.bad;
    }

    pub(crate) fn table(flow: &Flow, found: &[Self]) -> String {
        let (unit, factor) = match flow.answer {
            Some(bytes) => ("s/GiB", f64::from(1 << 30) / f64::from(bytes) / 1e6),
            None => ("µs a request", 1.0),
        };
        let mut text = format!(
            "{}\n\n| proxy | CPU, {unit} (least–most) | requests/s | bad | evenkeel ÷ it | least ÷ least |\n\
             | --- | --- | --- | --- | --- | --- |\n",
            flow.title
        );
        let ours = found.iter().find(|series| series.contender == Contender::Evenkeel);
        for series in found {
            let costs: Vec<f64> = series.costs.iter().map(|cost| cost * factor).collect();
            let (pairs, least) =
                ours.map_or_else(Default::default, |ours| ratios(&ours.costs, &series.costs));
            let _ = writeln!(
                text,
                "| {} | {} | {:.0} | {} | {pairs} | {least} |",
                series.contender.name(),
                spread(&costs),
                median(&series.rates),
                series.bad
            );
        }
        text
    }
}

/// What the clients of one contender hold, in bytes each.
pub(crate) struct Held {
    contender: Contender,
    pub(crate) bytes: Vec<f64>,
}

impl Held {
    pub(crate) const fn new(contender: Contender) -> Self {
        Self { contender, bytes: Vec::new() }
    }

    pub(crate) fn table(what: &str, found: &[Self]) -> String {
        let mut text = format!("memory of {what}\n\n| proxy | KiB each (least–most) |\n| --- | --- |\n");
        for held in found {
            let kib: Vec<f64> = held.bytes.iter().map(|bytes| bytes / 1024.0).collect();
            let _ = writeln!(text, "| {} | {} |", held.contender.name(), spread(&kib));
        }
        text
    }
}

/// Traffic in peace, beside somebody who reads as much from elsewhere, and with questions; how long their answers took.
#[derive(Default)]
pub(crate) struct Round {
    pub(crate) calm: Tally,
    pub(crate) bystander: Tally,
    pub(crate) busy: Tally,
    pub(crate) answers: Vec<Duration>,
}

/// What questions about its state did to one contender's traffic.
pub(crate) struct Polled {
    contender: Contender,
    /// Milliseconds until an answer was whole.
    answers: Vec<f64>,
    /// 99 of 100 answers to the traffic took no more microseconds: in peace, beside a bystander, and with questions.
    calm: Vec<f64>,
    bystander: Vec<f64>,
    busy: Vec<f64>,
    bad: u64,
}

impl Polled {
    pub(crate) const fn new(contender: Contender) -> Self {
        Self {
            contender,
            answers: Vec::new(),
            calm: Vec::new(),
            bystander: Vec::new(),
            busy: Vec::new(),
            bad: 0,
        }
    }

    pub(crate) fn add(&mut self, mut round: Round) {
        self.bad += round.calm.bad + round.bystander.bad + round.busy.bad;
        self.calm.push(f64::from(round.calm.percentile(990)));
        self.bystander.push(f64::from(round.bystander.percentile(990)));
        self.busy.push(f64::from(round.busy.percentile(990)));
        self.answers.extend(round.answers.iter().map(|time| time.as_secs_f64() * 1e3));
    }

    pub(crate) fn table(rate: u32, found: &[Self]) -> String {
        let mut text = format!(
            "the state of 1,000 members is asked for ten times a second, at {rate} requests/s\n\n\
             | proxy | answer, ms (least–most) | p99 in peace, µs | p99 beside a reader, µs | p99 with questions, µs | questions ÷ reader | bad |\n\
             | --- | --- | --- | --- | --- | --- | --- |\n"
        );
        for polled in found {
            let (pairs, _) = ratios(&polled.busy, &polled.bystander);
            let _ = writeln!(
                text,
                "| {} | {} | {} | {} | {} | {pairs} | {} |",
                polled.contender.name(),
                spread(&polled.answers),
                spread(&polled.calm),
                spread(&polled.bystander),
                spread(&polled.busy),
                polled.bad
            );
        }
        text
    }
}

#[expect(clippy::cast_precision_loss, reason = "a count of answers has less than 53 bits")]
const fn precise(count: u64) -> f64 {
    count as f64
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.get(middle) {
        None => f64::NAN,
        Some(upper) if sorted.len() % 2 == 1 => *upper,
        Some(upper) => f64::midpoint(sorted[middle - 1], *upper),
    }
}

fn least(values: &[f64]) -> f64 {
    values.iter().copied().fold(f64::INFINITY, f64::min)
}

/// Our cost for theirs: the median over the rounds, and the least of each.
fn ratios(ours: &[f64], theirs: &[f64]) -> (String, String) {
    let pairs: Vec<f64> = ours.iter().zip(theirs).map(|(ours, theirs)| ours / theirs).collect();
    (format!("{:.2}", median(&pairs)), format!("{:.2}", least(ours) / least(theirs)))
}

/// The median, and the extremes if there are several values.
fn spread(values: &[f64]) -> String {
    let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    match values {
        [] => String::new(),
        [value] => number(*value),
        _ => format!("{} ({}–{})", number(median(values)), number(least(values)), number(most)),
    }
}

/// Three digits, or more where there are.
fn number(value: f64) -> String {
    let digits = match value.abs() {
        0.0..10.0 => 2,
        10.0..100.0 => 1,
        _ => 0,
    };
    format!("{value:.digits$}")
}

/// Writes to those who asked for the comparison.
#[expect(clippy::print_stdout, reason = "the tables are what this program is for")]
pub(crate) fn say(text: &str) {
    println!("{text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_extremes_and_ratios() {
        assert_eq!(spread(&[3.0, 1.0, 20.0]), "3.00 (1.00–20.0)");
        assert_eq!(spread(&[3.0, 1.0]), "2.00 (1.00–3.00)");
        assert_eq!((spread(&[1234.5]), spread(&[])), ("1234".to_owned(), String::new()));
        // A noisy round moves neither the median of the pairs nor the least.
        let (pairs, least) = ratios(&[8.0, 30.0, 9.0], &[10.0, 12.0, 11.0]);
        assert_eq!((pairs.as_str(), least.as_str()), ("0.82", "0.80"));
    }
}
