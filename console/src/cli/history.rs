//! `evenkeel history`: the last hour of a member, or of all members of a balancer: lines of bars for eyes, columns for
//! programs, or JSON.

use std::time::Duration;

use clap::Args;
use evenkeel_protocol::history::parse_series;
use evenkeel_protocol::{History, HistoryQuery, Mark, MarkKind, Series, Span, Timestamp, size};
use jiff::tz::TimeZone;

use super::output::Stop;
use super::table::{Column, Columns, Keep, Layout, NOTHING};
use super::target::{self, Target};
use super::{Exit, Session, complete};
use crate::widget::sparkline;

pub(super) const HELP: &str = "\
Examples:
  evenkeel history app/node1                              elections, busy, latency, errors of five minutes
  evenkeel history app/node1 --series p99,5xx --span 1h
  evenkeel history app --series busy --span 60s           all members of a balancer
  evenkeel history app/node1 --json | jq '.members[0].series.p99'

Series: elected, served, failed, failovers, 4xx, 5xx, to, from are per second; busy and sessions are plain numbers; p50, \
p90 and p99 are microseconds to the first byte. What was not observed is blank, - or null, never 0.";

/// Series that are shown if none is named.
const SHOWN: [Series; 5] = [Series::Elected, Series::Busy, Series::P50, Series::P99, Series::Erring];
/// Bars in a line of a terminal.
const BARS: u32 = 44;

/// What can be typed behind `history`.
#[derive(Debug, Args)]
pub struct HistoryArguments {
    /// A balancer, or a member as BALANCER/MEMBER, URL, host:port or route
    #[arg(value_name = "BALANCER | SELECTOR", add = complete::everything())]
    selector: String,
    /// Which series, with commas between them [default: elected,busy,p50,p99,5xx]
    #[arg(long, value_name = "NAMES", value_parser = series, add = complete::lists(names))]
    series: Option<Names>,
    /// How far back, up to 1h
    #[arg(long, value_name = "TIME", default_value = "5m", value_parser = how_far)]
    span: u32,
    /// The most points of a series [default: as fit on a terminal, else 60]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=3600))]
    points: Option<u32>,
    /// Print the result as JSON
    #[arg(long)]
    pub(super) json: bool,
}

/// Series as they were named.
#[derive(Debug, Clone)]
struct Names(Vec<Series>);

fn names() -> Vec<String> {
    Series::ALL.map(|series| series.name().to_owned()).to_vec()
}

fn series(text: &str) -> Result<Names, String> {
    parse_series(text).map(Names)
}

fn how_far(text: &str) -> Result<u32, String> {
    let seconds = text.parse::<Span>()?.duration().as_secs();
    let fits = u32::try_from(seconds).ok().filter(|span| (1..=HistoryQuery::LONGEST).contains(span));
    fits.ok_or_else(|| "must be from 1s to 1h".to_owned())
}

pub(super) async fn run(arguments: &HistoryArguments, session: &mut Session<'_>) -> Result<Exit, Stop> {
    let client = session.client().await?;
    let snapshot = client.snapshot().await?;
    let (balancer, member) = match target::any(&snapshot, &arguments.selector)? {
        Target::Balancer(balancer) => (balancer, None),
        Target::Member(balancer, member) => (balancer, Some(&member.name)),
    };
    let eyes = session.output.is_terminal() && !arguments.json;
    let query = HistoryQuery {
        series: arguments.series.as_ref().map_or_else(|| SHOWN.to_vec(), |names| names.0.clone()),
        points: arguments.points.unwrap_or(if eyes { BARS } else { 60 }),
        span: arguments.span,
    };
    let history = client.history(&balancer.name, member, &query).await?;
    if arguments.json {
        session.output.json(&history)?;
    } else if eyes {
        session.output.result(&bars(&history, &query.series, &session.zone))?;
    } else {
        session.output.result(&columns(&history, &query.series, &session.zone))?;
    }
    Ok(Exit::Done)
}

fn clock(at: Timestamp, zone: &TimeZone) -> String {
    let micros = i64::try_from(at.0).ok().and_then(|micros| jiff::Timestamp::from_microsecond(micros).ok());
    micros.map_or_else(|| "?".to_owned(), |at| at.to_zoned(zone.clone()).strftime("%H:%M:%S").to_string())
}

/// Where the point of that number begins.
fn begin(history: &History, point: usize) -> Timestamp {
    let step = Duration::from_millis(history.step_ms);
    history.from.plus(step.saturating_mul(u32::try_from(point).unwrap_or(u32::MAX)))
}

/// A line of bars for each series of each member, and what happened meanwhile.
fn bars(history: &History, series: &[Series], zone: &TimeZone) -> String {
    let mut lines = vec![format!(
        "{}  {} to {}, {} s a bar",
        history.balancer.url(),
        clock(history.from, zone),
        clock(history.taken, zone),
        history.step_ms / 1000
    )];
    for member in &history.members {
        lines.push(member.member.to_string());
        let points = series.iter().filter_map(|one| Some((*one, member.series.get(one)?)));
        lines.extend(points.map(|(series, points)| bar(series, points)));
    }
    lines.extend(history.marks.iter().map(|mark| told(mark, zone)));
    if history.marks_from > history.from {
        lines.push(format!("what happened before {} is no longer known", clock(history.marks_from, zone)));
    }
    lines.join("\n")
}

fn bar(series: Series, points: &[Option<f64>]) -> String {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a bar has eight heights")]
    let values: Vec<Option<u64>> =
        points.iter().map(|point| point.map(|value| (value * 1000.0) as u64)).collect();
    let peak = values.iter().flatten().copied().max().unwrap_or(0);
    let line = sparkline::line(&values, peak);
    let highest = points.iter().flatten().copied().reduce(f64::max);
    let shown = |value: Option<f64>| value.map_or_else(|| NOTHING.to_owned(), |value| amount(series, value));
    let now = points.last().copied().flatten();
    format!("  {:<9} {line}  now {}, highest {}", series.name(), shown(now), shown(highest))
}

/// A number of a series with its unit, for eyes.
fn amount(series: Series, value: f64) -> String {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "three digits are shown")]
    let whole = value as u64;
    match series.unit() {
        "us" if whole < 1000 => format!("{whole} us"),
        "us" if whole < 1_000_000 => format!("{:.1} ms", value / 1e3),
        "us" => format!("{:.1} s", value / 1e6),
        "B/s" => format!("{}/s", size::format(whole).trim()),
        "" => format!("{whole}"),
        unit if value < 9.95 && value > 0.0 => format!("{value:.1}{unit}"),
        unit => format!("{value:.0}{unit}"),
    }
}

fn told(mark: &Mark, zone: &TimeZone) -> String {
    let what = match mark.kind {
        MarkKind::Edited => "edited",
        MarkKind::Failed => "put into error",
        MarkKind::Recovered => "recovered",
        MarkKind::CheckFailed => "check failed",
        MarkKind::CheckPassed => "check passed",
        MarkKind::Reloaded => "reload",
        MarkKind::Started => "start",
    };
    let whom = mark.member.as_ref().map_or_else(String::new, |member| format!("{member} "));
    format!("{}  #{} {whom}{what}: {}", clock(mark.at, zone), mark.event, mark.text)
}

/// A row for each point of each member.
fn columns(history: &History, series: &[Series], zone: &TimeZone) -> String {
    let titles = [Column::text("Time", Keep::Always), Column::text("Member", Keep::Always)];
    let numbers = series.iter().map(|series| Column::number(series.name(), Keep::Always));
    let columns: Vec<Column> = titles.into_iter().chain(numbers).collect();
    let mut rows = Vec::new();
    for member in &history.members {
        let points = member.series.values().map(Vec::len).max().unwrap_or(0);
        for point in 0..points {
            let mut row = vec![clock(begin(history, point), zone), member.member.to_string()];
            row.extend(series.iter().map(|series| {
                let value = member.series.get(series).and_then(|points| *points.get(point)?);
                value.map_or_else(|| NOTHING.to_owned(), |value| value.to_string())
            }));
            rows.push(row);
        }
    }
    let layout = Layout::of(&columns, &rows, Columns::All);
    let lines: Vec<String> =
        std::iter::once(layout.head()).chain(rows.iter().map(|row| layout.row(row))).collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::scene::Scene;
    use crate::client::scripted::{self, Act, Scripted};

    const ANSWER: &str = r#"{"balancer":"app","taken":12000000,"from":4000000,"step_ms":4000,"members":[
        {"member":"http://127.0.0.1:9001","series":{"elected":[null,12.5],"p99":[2400.0,null]}}],
        "marks":[{"event":4,"at":9000000,"member":"http://127.0.0.1:9001","kind":"edited","text":"drain Off -> On\u001b"}],
        "marks_from":8000000}"#;

    fn proxy() -> Scripted {
        Scripted::start(|request| match request.target.as_str() {
            "/v1/snapshot" => Act::json(&scripted::snapshot(0)),
            _ => Act::json(&serde_json::from_str::<serde_json::Value>(ANSWER).unwrap()),
        })
    }

    #[tokio::test]
    async fn columns_for_programs_have_a_row_for_each_point() {
        let proxy = proxy();
        let mut scene = Scene::of(&proxy);
        assert_eq!(scene.run("history app/a --series elected,p99 --span 8s --points 2").await, Exit::Done);
        assert_eq!(
            scene.out(),
            "Time      Member                 elected   p99\n\
             00:00:04  http://127.0.0.1:9001        -  2400\n\
             00:00:08  http://127.0.0.1:9001     12.5     -\n"
        );
        let asked =
            "/v1/balancers/app/members/http:%2F%2F127.0.0.1:9001/history?series=elected,p99&points=2&span=8";
        assert_eq!(proxy.asked(asked), 1);
    }

    #[tokio::test]
    async fn bars_for_eyes_show_gaps_and_what_happened() {
        let proxy = proxy();
        let mut scene = Scene::of(&proxy);
        scene.on_terminal();
        assert_eq!(scene.run("history app --series elected,p99").await, Exit::Done);
        assert_eq!(
            scene.out(),
            "balancer://app  00:00:04 to 00:00:12, 4 s a bar\n\
             http://127.0.0.1:9001\n  \
               elected    █  now 12/s, highest 12/s\n  \
               p99       █   now -, highest 2.4 ms\n\
             00:00:09  #4 http://127.0.0.1:9001 edited: drain Off -> On\u{fffd}\n\
             what happened before 00:00:08 is no longer known\n"
        );
        assert_eq!(proxy.asked("/v1/balancers/app/history?series=elected,p99&points=44&span=300"), 1);
    }

    #[tokio::test]
    async fn what_cannot_be_asked_is_a_usage_error() {
        let proxy = proxy();
        let mut scene = Scene::of(&proxy);
        for line in [
            "history",
            "history app --span 5",
            "history app --span 2h",
            "history app --span 500ms",
            "history app --series load",
            "history app --points 0",
        ] {
            assert_eq!(scene.run(line).await, Exit::Usage, "{line}");
        }
        assert_eq!(scene.run("history nosuch").await, Exit::NotFound);
        assert_eq!(scene.run("history app --json").await, Exit::Done);
        assert_eq!(serde_json::from_str::<History>(&scene.out()).unwrap().members.len(), 1);
    }
}
