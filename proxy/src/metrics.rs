//! Everything counted and measured, in the text format of Prometheus (version 0.0.4). The numbers are those of the
//! snapshot, and the counters never go back while a member stays, whatever is edited or read anew.

mod drains;
mod text;

use evenkeel_balancer::Reading;
use evenkeel_balancer::latency::{BUCKETS, bucket_of};
use evenkeel_protocol::{Answers, Drain, Flag, MemberSnapshot, Snapshot};

use crate::metrics::text::{Kind, Labels, Text};
use crate::registry::Registry;

/// The bounds of the histogram are powers of two: from 256 microseconds to 17 seconds. They are bounds of buckets, so
/// that nothing has to be guessed.
const BOUNDS: std::ops::RangeInclusive<u32> = 8..=24;

/// A member, with all that is told of it.
struct Told {
    labels: Labels,
    member: MemberSnapshot,
    reading: Reading,
    counts: [u64; BUCKETS],
}

/// A family with a number for each member.
struct Family {
    name: &'static str,
    kind: Kind,
    help: &'static str,
    value: fn(&Told) -> f64,
}

/// One number a member.
const FAMILIES: &[Family] = &[
    Family {
        name: "evenkeel_member_usable",
        kind: Kind::Gauge,
        help: "Whether requests can be given to the member; 1 for a draining one too, as in httpd.",
        value: |told| f64::from(told.member.usable),
    },
    Family {
        name: "evenkeel_member_busy",
        kind: Kind::Gauge,
        help: "Requests in flight.",
        value: |told| number(told.reading.busy),
    },
    Family {
        name: "evenkeel_member_elected_total",
        kind: Kind::Counter,
        help: "Elections of the member, failed tries included.",
        value: |told| number(told.reading.elected),
    },
    Family {
        name: "evenkeel_member_failed_total",
        kind: Kind::Counter,
        help: "Tries that ended without an answer of the member.",
        value: |told| number(told.reading.failed),
    },
    Family {
        name: "evenkeel_member_failovers_total",
        kind: Kind::Counter,
        help: "Requests that went elsewhere after a try at the member.",
        value: |told| number(told.reading.failovers),
    },
    Family {
        name: "evenkeel_member_repeats_total",
        kind: Kind::Counter,
        help: "Requests that were sent once more to the member, because a kept connection had closed.",
        value: |told| number(told.reading.repeats),
    },
    Family {
        name: "evenkeel_member_sent_bytes_total",
        kind: Kind::Counter,
        help: "Bytes sent to the member; resets of httpd's column To do not touch it.",
        value: |told| number(told.reading.sent),
    },
    Family {
        name: "evenkeel_member_received_bytes_total",
        kind: Kind::Counter,
        help: "Bytes read from the member (status lines and bodies); resets of httpd's column From do not touch it.",
        value: |told| number(told.reading.received),
    },
    Family {
        name: "evenkeel_member_lbfactor",
        kind: Kind::Gauge,
        help: "The share of the member.",
        value: |told| f64::from(told.member.lbfactor.hundredths()) / 100.0,
    },
    Family {
        name: "evenkeel_member_lbset",
        kind: Kind::Gauge,
        help: "The set of the member; lower ones are tried first.",
        value: |told| f64::from(told.member.lbset.get()),
    },
    Family {
        name: "evenkeel_member_lbstatus",
        kind: Kind::Gauge,
        help: "How urgently the member is owed work: httpd's column Load.",
        #[expect(clippy::cast_precision_loss, reason = "the format has no other numbers")]
        value: |told| told.member.lbstatus as f64,
    },
];

/// All of it, with all drains and the numbers of those that the disk refuses. Other threads run after each piece.
pub(crate) fn render(registry: &Registry, drains: (&[Drain], &[u64])) -> Vec<u8> {
    let snapshot = registry.snapshot();
    let told = told(registry, &snapshot);
    let mut text = Text::default();
    of_proxy(&snapshot, &mut text);
    of_history(registry, &mut text);
    of_balancers(&snapshot, &mut text);
    for Family { name, kind, help, value } in FAMILIES {
        text.family(name, *kind, help);
        for one in &told {
            text.sample(name, &one.labels, &[], value(one));
        }
    }
    of_states(&told, &mut text);
    of_answers(&told, &mut text);
    of_latencies(&told, &mut text);
    drains::of_drains(drains, &mut text);
    text.finish()
}

fn told(registry: &Registry, snapshot: &Snapshot) -> Vec<Told> {
    let roster = registry.balancers();
    let records = roster.iter().flat_map(|live| {
        live.addresses()
            .iter()
            .zip(live.records())
            .map(|(address, record)| (&live.name, &address.name, record))
    });
    // The configuration may be read anew in between; who is in one only is left off this once.
    let told = records.enumerate().filter_map(|(count, (balancer, name, record))| {
        if count % 64 == 63 {
            std::thread::yield_now();
        }
        let labels = Labels::new(&[("balancer", balancer.as_str()), ("member", name.as_str())]);
        let member = snapshot.member(balancer, name)?.clone();
        Some(Told { labels, member, reading: record.read(), counts: record.counts() })
    });
    told.collect()
}

fn of_proxy(snapshot: &Snapshot, text: &mut Text) {
    let proxy = &snapshot.proxy;
    let none = Labels::default();
    let interface = proxy.interface.to_string();
    text.family("evenkeel_build_info", Kind::Gauge, "The program; always 1.");
    text.sample("evenkeel_build_info", &none, &[("version", &proxy.version), ("interface", &interface)], 1.0);
    let seconds = |at: evenkeel_protocol::Timestamp| number(at.0) / 1e6;
    for (name, kind, help, value) in [
        (
            "evenkeel_process_start_time_seconds",
            Kind::Gauge,
            "When the proxy started, in seconds since 1970.",
            seconds(proxy.started),
        ),
        (
            "evenkeel_config_loaded_time_seconds",
            Kind::Gauge,
            "When the configuration in effect was read, in seconds since 1970.",
            seconds(proxy.loaded),
        ),
        (
            "evenkeel_config_reloads_total",
            Kind::Counter,
            "How often the configuration was read anew.",
            number(proxy.reloads),
        ),
        (
            "evenkeel_events_total",
            Kind::Counter,
            "The number of the last event; it goes on over a restart.",
            number(snapshot.event),
        ),
        (
            "evenkeel_edits_undurable",
            Kind::Gauge,
            "Balancers and members whose last edits a restart would lose, because the disk refuses them.",
            number(snapshot.undurable.len() as u64),
        ),
        (
            "evenkeel_edits_unwritable",
            Kind::Gauge,
            "Whether a restart would lose the next edit (1), because the disk refuses the journal.",
            number(u64::from(snapshot.unwritable)),
        ),
    ] {
        text.family(name, kind, help);
        text.sample(name, &none, &[], value);
    }
}

fn of_history(registry: &Registry, text: &mut Text) {
    let roster = registry.balancers();
    let bytes: usize = roster.iter().flat_map(|live| live.records()).map(|record| record.bytes()).sum();
    let name = "evenkeel_history_bytes";
    text.family(name, Kind::Gauge, "Memory of the members' histories.");
    text.sample(name, &Labels::default(), &[], number(bytes as u64));
}

fn of_balancers(snapshot: &Snapshot, text: &mut Text) {
    let count = |number: usize| f64::from(u32::try_from(number).unwrap_or(u32::MAX));
    let name = "evenkeel_balancer_members";
    text.family(name, Kind::Gauge, "Members of the balancer.");
    for balancer in &snapshot.balancers {
        let labels = Labels::new(&[("balancer", balancer.name.as_str())]);
        text.sample(name, &labels, &[], count(balancer.members.len()));
    }
    let name = "evenkeel_balancer_members_usable";
    text.family(name, Kind::Gauge, "Members to which requests can be given.");
    for balancer in &snapshot.balancers {
        let labels = Labels::new(&[("balancer", balancer.name.as_str())]);
        text.sample(
            name,
            &labels,
            &[],
            count(balancer.members.iter().filter(|member| member.usable).count()),
        );
    }
}

/// What a member is: its route, and each word of its status.
fn of_states(told: &[Told], text: &mut Text) {
    let name = "evenkeel_member_info";
    text.family(name, Kind::Gauge, "The route of the member; always 1.");
    for Told { labels, member, .. } in told {
        text.sample(name, labels, &[("route", member.route.as_str())], 1.0);
    }
    let name = "evenkeel_member_status";
    text.family(name, Kind::Gauge, "Whether the member has this word of httpd's status.");
    for Told { labels, member, .. } in told {
        for flag in Flag::ALL {
            text.sample(name, labels, &[("status", flag.word())], f64::from(member.status.has(flag)));
        }
    }
    let name = "evenkeel_member_checks_total";
    text.family(name, Kind::Counter, "Health checks of the member.");
    for Told { labels, member, .. } in told {
        text.sample(name, labels, &[("result", "passed")], number(member.checks.passed));
        text.sample(name, labels, &[("result", "failed")], number(member.checks.failed));
    }
    let name = "evenkeel_member_sessions";
    text.family(name, Kind::Gauge, "Live sessions of the member's route; absent where it is unknown.");
    for (labels, sessions) in told.iter().filter_map(|told| Some((&told.labels, told.member.sessions?))) {
        text.sample(name, labels, &[], number(sessions));
    }
}

fn of_answers(told: &[Told], text: &mut Text) {
    let name = "evenkeel_member_answers_total";
    text.family(name, Kind::Counter, "Answers of the member, by class of status.");
    for Told { labels, reading, .. } in told {
        for (class, count) in Answers::NAMES.into_iter().zip(reading.answers.classes()) {
            text.sample(name, labels, &[("class", class)], number(count));
        }
    }
}

/// Of members that have answered: many never do.
fn of_latencies(told: &[Told], text: &mut Text) {
    let name = "evenkeel_member_latency_seconds";
    text.family(name, Kind::Histogram, "Time to the head of the member's answer, connecting included.");
    for Told { labels, reading, counts, .. } in told {
        let total: u64 = counts.iter().sum();
        if total == 0 {
            continue;
        }
        let bucket = "evenkeel_member_latency_seconds_bucket";
        for bits in BOUNDS {
            let bound: u64 = 1 << bits;
            let (below, _) = counts.split_at(bucket_of(bound));
            let bound = (number(bound) / 1e6).to_string();
            text.sample(bucket, labels, &[("le", &bound)], number(below.iter().sum()));
        }
        text.sample(bucket, labels, &[("le", "+Inf")], number(total));
        text.sample("evenkeel_member_latency_seconds_sum", labels, &[], number(reading.latency) / 1e6);
        text.sample("evenkeel_member_latency_seconds_count", labels, &[], number(total));
    }
}

#[expect(clippy::cast_precision_loss, reason = "the format has no other numbers")]
fn number(number: u64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use evenkeel_balancer::latency::bounds_of;

    use super::*;

    #[test]
    fn bounds_of_the_histogram_are_bounds_of_buckets() {
        for bits in BOUNDS {
            assert_eq!(bounds_of(bucket_of(1 << bits)).0, 1 << bits);
        }
    }

    #[test]
    fn each_name_stands_once_and_says_what_it_counts() {
        let names: std::collections::HashSet<_> = FAMILIES.iter().map(|family| family.name).collect();
        assert_eq!(names.len(), FAMILIES.len());
        for Family { name, kind, .. } in FAMILIES {
            assert_eq!(name.ends_with("_total"), matches!(kind, Kind::Counter), "{name}");
        }
    }
}
