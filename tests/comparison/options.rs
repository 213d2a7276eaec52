//! The command line of the comparison.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use crate::contender::Contender;
use crate::workload::KEYS;

/// What is said to those who ask, or err.
pub(crate) const USAGE: &str = "\
Compares Evenkeel with haproxy, nginx, httpd (those that are installed) and a relay that does nothing (floor), side by
side on the loopback, and prints tables in Markdown. The default takes less than ten minutes.

  --only KEYS      of get,log,connect,16k,1m,post,thousand,sticky,idle,slow,poll; all by default
  --with NAMES     of haproxy,nginx,httpd,floor, which are the default, and before: another evenkeel-proxy, named
                   by the variable EVENKEEL_BEFORE
  --rounds N       rounds in which the proxies take turns, 20 by default
  --secs S         seconds of load a proxy and round, 0.4 by default
  --threads N      threads of each proxy, 1 by default
  --pin split|none split (the default) gives the proxies N processors of their own and the rest to the load and the
                   origin; none leaves that to the system";

/// What is to be compared, and how.
#[derive(Debug, Clone)]
pub(crate) struct Options {
    pub(crate) only: Vec<String>,
    pub(crate) contenders: Vec<Contender>,
    pub(crate) rounds: usize,
    pub(crate) time: Duration,
    pub(crate) threads: usize,
    pub(crate) split: bool,
}

impl Options {
    pub(crate) fn parse(arguments: &[String]) -> Result<Self> {
        let mut options = Self {
            only: KEYS.map(str::to_owned).to_vec(),
            contenders: Contender::USUAL.to_vec(),
            rounds: 20,
            time: Duration::from_millis(400),
            threads: 1,
            split: true,
        };
        let mut rest = arguments.iter();
        while let Some(name) = rest.next() {
            let value = rest.next().with_context(|| format!("{name} needs a value\n\n{USAGE}"))?;
            match name.as_str() {
                "--only" => options.only = listed(value, &KEYS)?,
                "--with" => options.contenders = contenders(value)?,
                "--rounds" => options.rounds = within(name, value, 1..=1000)?,
                "--threads" => options.threads = within(name, value, 1..=256)?,
                "--secs" => options.time = seconds(value)?,
                "--pin" => options.split = listed(value, &["split", "none"])? == ["split"],
                _ => bail!("{name} is not known\n\n{USAGE}"),
            }
        }
        Ok(options)
    }
}

fn listed(value: &str, known: &[&str]) -> Result<Vec<String>> {
    let names: Vec<String> = value.split(',').map(str::to_owned).collect();
    match names.iter().find(|name| !known.contains(&name.as_str())) {
        Some(name) => bail!("{name:?} is none of {}", known.join(", ")),
        None => Ok(names),
    }
}

/// Evenkeel comes first, whoever else is there.
fn contenders(value: &str) -> Result<Vec<Contender>> {
    let names = Contender::ALL.map(Contender::name);
    let listed = listed(value, &names)?;
    let is_in = |contender: &Contender| {
        *contender == Contender::Evenkeel || listed.iter().any(|name| name == contender.name())
    };
    Ok(Contender::ALL.into_iter().filter(is_in).collect())
}

fn within(name: &str, value: &str, range: std::ops::RangeInclusive<usize>) -> Result<usize> {
    match value.parse() {
        Ok(number) if range.contains(&number) => Ok(number),
        _ => bail!("{name} is a number of {} to {}", range.start(), range.end()),
    }
}

fn seconds(value: &str) -> Result<Duration> {
    match value.parse() {
        Ok(seconds) if (0.1..=60.0).contains(&seconds) => Ok(Duration::from_secs_f64(seconds)),
        _ => bail!("--secs is a number of 0.1 to 60"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Options> {
        Options::parse(&text.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn everything_is_compared_unless_told_otherwise() {
        let options = parse("").unwrap();
        assert_eq!((options.only.len(), options.contenders.len(), options.rounds), (KEYS.len(), 5, 20));
        let options = parse("--only get,1m --with floor --rounds 3 --pin none --threads 2").unwrap();
        assert_eq!(options.only, ["get", "1m"]);
        assert_eq!(options.contenders, [Contender::Evenkeel, Contender::Floor]);
        assert_eq!((options.rounds, options.split, options.threads), (3, false, 2));
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for text in ["--only got", "--rounds 0", "--secs x", "--pin all", "--with", "--fast yes"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
