//! The steps of a scenario: what a client asks, what an operator edits, what befalls a backend, and what is looked at.

use std::fmt;

use harness::prelude::*;

use crate::scenario::written;

/// One step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    /// Requests, each over a connection of its own unless said otherwise, one after the other.
    Ask(Ask),
    /// As many requests, each of which is held open by whichever backend gets it.
    Hold(Ask),
    /// As many requests at once, whose answers are not waited for.
    Begin(Ask),
    /// Lets so many of the held requests be answered, the oldest first; all without a number.
    Release(Option<usize>),
    /// Waits for the answers to the requests that were begun.
    Join,
    /// An operator changes a field of a member, or of the balancer.
    Edit { whom: String, field: String, value: String },
    /// A backend refuses connections and closes those there are.
    Kill(String),
    /// It refuses connections and keeps those there are.
    Shut(String),
    /// It takes connections again.
    Start(String),
    /// It closes the connections there are.
    HangUp(String),
    /// It neither takes nor refuses connections.
    Deafen(String),
    /// It behaves so from its next request on.
    Behave(String, Kind),
    /// So many milliseconds pass.
    Pause(u64),
    /// Both end and start again with the same configuration.
    Restart,
    /// A field of the head of the last answer.
    Hear(String),
    /// One field of every member, in configuration order.
    See(String),
}

/// Requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ask {
    /// The method, in small letters.
    pub(crate) method: String,
    /// The target.
    pub(crate) target: String,
    /// More fields of the head.
    pub(crate) fields: Vec<(String, String)>,
    /// The length of the body.
    pub(crate) body: usize,
    /// Over the one connection that is kept for this?
    pub(crate) kept: bool,
    /// How often.
    pub(crate) times: usize,
}

/// How a backend behaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It answers 200.
    Good,
    /// It answers this status, with these fields.
    Status(u16, Vec<(String, String)>),
    /// It reads the request and closes.
    Closes,
    /// It reads the request and resets the connection.
    Resets,
    /// It answers what is no HTTP.
    Garbage,
    /// It reads the head and says nothing, not even that the body may come.
    Silent,
    /// It answers 200 in chunks of so many bytes.
    Chunks(usize),
    /// It declares six bytes, sends two and closes.
    Short,
}

impl Kind {
    /// The behaviour of the harness's backend; the gate holds those who are silent.
    pub(crate) fn behaviour(&self, gate: &Gate) -> Behaviour {
        match self {
            Self::Good => Behaviour::good(),
            Self::Status(status, fields) => {
                let reply = Reply::status(*status);
                Behaviour::Answers(
                    fields.iter().fold(reply, |reply, (name, value)| reply.header(name, value)),
                )
            }
            Self::Closes => Behaviour::ClosesWithoutAnswer,
            Self::Resets => Behaviour::ResetsWithoutAnswer,
            Self::Garbage => Behaviour::AnswersGarbage(b"no HTTP at all\n".to_vec()),
            Self::Silent => Behaviour::ReadsLate(gate.clone(), Reply::default()),
            Self::Short => Behaviour::LiesAboutLength(2, Reply::default()),
            Self::Chunks(size) => Behaviour::AnswersInChunks(*size, Reply::default()),
        }
    }

    fn parse(words: &[&str]) -> Result<Self, String> {
        Ok(match words {
            ["good"] => Self::Good,
            ["status", status, fields @ ..] => {
                let status = status.parse().map_err(|_| format!("no status '{status}'"))?;
                Self::Status(status, fields.iter().map(|text| field(text)).collect::<Result<_, _>>()?)
            }
            ["closes"] => Self::Closes,
            ["resets"] => Self::Resets,
            ["garbage"] => Self::Garbage,
            ["silent"] => Self::Silent,
            ["short"] => Self::Short,
            ["chunks", size] => Self::Chunks(size.parse().map_err(|_| "chunks of how many bytes?")?),
            _ => return Err(format!("nobody behaves '{}'", words.join(" "))),
        })
    }
}

fn field(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once(": ").ok_or_else(|| format!("no field '{text}'"))?;
    Ok((name.to_owned(), value.to_owned()))
}

impl Ask {
    /// One GET.
    pub(crate) fn get(target: impl Into<String>) -> Self {
        Self {
            method: "get".to_owned(),
            target: target.into(),
            fields: Vec::new(),
            body: 0,
            kept: false,
            times: 1,
        }
    }

    fn parse(method: &str, words: &[&str]) -> Result<Self, String> {
        let (target, mut rest) = words.split_first().ok_or("there is no target")?;
        let mut ask = Self { method: method.to_owned(), ..Self::get(*target) };
        while let Some((word, more)) = rest.split_first() {
            rest = more;
            if let Some(times) = word.strip_prefix('x').and_then(|times| times.parse().ok()) {
                ask.times = times;
            } else if let Some(body) = word.strip_prefix("body=").and_then(|body| body.parse().ok()) {
                ask.body = body;
            } else if *word == "kept" {
                ask.kept = true;
            } else if let ("cookie" | "field", Some((value, more))) = (*word, rest.split_first()) {
                rest = more;
                let cookie = ("Cookie".to_owned(), (*value).to_owned());
                ask.fields.push(if *word == "cookie" { cookie } else { field(value)? });
            } else {
                return Err(format!("no request has '{word}'"));
            }
        }
        Ok(ask)
    }
}

impl Step {
    /// Reads the words of a line.
    pub(crate) fn parse(words: &[&str]) -> Result<Self, String> {
        let name = |name: &&str| (*name).to_owned();
        Ok(match words {
            [method @ ("get" | "head" | "post" | "put" | "delete" | "options"), rest @ ..] => {
                Self::Ask(Ask::parse(method, rest)?)
            }
            ["hold", rest @ ..] => Self::Hold(Ask::parse("get", rest)?),
            ["begin", rest @ ..] => Self::Begin(Ask::parse("get", rest)?),
            ["release"] => Self::Release(None),
            ["release", count] => Self::Release(Some(count.parse().map_err(|_| "release how many?")?)),
            ["join"] => Self::Join,
            ["edit", whom, change] => {
                let (field, value) = change.split_once('=').ok_or("write edit WHOM FIELD=VALUE")?;
                Self::Edit { whom: name(whom), field: field.to_owned(), value: value.to_owned() }
            }
            ["kill", whom] => Self::Kill(name(whom)),
            ["shut", whom] => Self::Shut(name(whom)),
            ["start", whom] => Self::Start(name(whom)),
            ["hangup", whom] => Self::HangUp(name(whom)),
            ["deafen", whom] => Self::Deafen(name(whom)),
            ["behave", whom, kind @ ..] => Self::Behave(name(whom), Kind::parse(kind)?),
            ["pause", time] => Self::Pause(time.parse().map_err(|_| "pause how many milliseconds?")?),
            ["restart"] => Self::Restart,
            ["hear", field] => Self::Hear(name(field)),
            ["see", field] => Self::See(name(field)),
            [word, ..] => return Err(format!("there is no step '{word}'")),
            [] => return Err("there is no step".to_owned()),
        })
    }
}

impl fmt::Display for Ask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", written(&self.target))?;
        if self.body > 0 {
            write!(f, " body={}", self.body)?;
        }
        if self.kept {
            f.write_str(" kept")?;
        }
        for (name, value) in &self.fields {
            match name.as_str() {
                "Cookie" => write!(f, " cookie {}", written(value))?,
                name => write!(f, " field {}", written(&format!("{name}: {value}")))?,
            }
        }
        if self.times != 1 {
            write!(f, " x{}", self.times)?;
        }
        Ok(())
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Good => "good",
            Self::Status(status, fields) => {
                write!(f, "status {status}")?;
                for (name, value) in fields {
                    write!(f, " {}", written(&format!("{name}: {value}")))?;
                }
                return Ok(());
            }
            Self::Closes => "closes",
            Self::Resets => "resets",
            Self::Garbage => "garbage",
            Self::Silent => "silent",
            Self::Short => "short",
            Self::Chunks(size) => return write!(f, "chunks {size}"),
        })
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ask(ask) => write!(f, "{} {ask}", ask.method),
            Self::Hold(ask) => write!(f, "hold {ask}"),
            Self::Begin(ask) => write!(f, "begin {ask}"),
            Self::Release(None) => f.write_str("release"),
            Self::Release(Some(count)) => write!(f, "release {count}"),
            Self::Join => f.write_str("join"),
            Self::Edit { whom, field, value } => {
                write!(f, "edit {whom} {}", written(&format!("{field}={value}")))
            }
            Self::Kill(whom) => write!(f, "kill {whom}"),
            Self::Shut(whom) => write!(f, "shut {whom}"),
            Self::Start(whom) => write!(f, "start {whom}"),
            Self::HangUp(whom) => write!(f, "hangup {whom}"),
            Self::Deafen(whom) => write!(f, "deafen {whom}"),
            Self::Behave(whom, kind) => write!(f, "behave {whom} {kind}"),
            Self::Pause(time) => write!(f, "pause {time}"),
            Self::Restart => f.write_str("restart"),
            Self::Hear(field) => write!(f, "hear {field}"),
            Self::See(field) => write!(f, "see {field}"),
        }
    }
}
