//! What the rules say to an operator who asks about a request, of whose client nothing is known.

use std::borrow::Cow;

use evenkeel_protocol::BalancerName;
use evenkeel_protocol::clean::clean;

use super::Access;
use crate::config::Verdict;
use crate::limits;
use crate::mapping::without_parameters;

/// What stands before a path.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Gate {
    /// Everybody may come.
    Open,
    /// Who may come, and what others get, in a sentence.
    Guarded(String),
    /// Nobody may come; the status of the answer, and why in a sentence.
    Closed(u16, String),
}

impl Access {
    /// What stands before a path that leads to this balancer, if to any.
    pub(crate) fn gate(&self, path: &str, balancer: Option<&BalancerName>) -> Gate {
        let gate = self.gate_of(path, balancer);
        // As for a client the path without its parameters must be open as well.
        let Cow::Owned(bare) = without_parameters(path) else { return gate };
        match (gate, self.gate_of(&bare, balancer)) {
            (Gate::Open, other) | (other, Gate::Open) => other,
            (closed @ Gate::Closed(..), _) | (_, closed @ Gate::Closed(..)) => closed,
            (Gate::Guarded(one), Gate::Guarded(other)) if one == other => Gate::Guarded(one),
            (Gate::Guarded(one), Gate::Guarded(other)) => Gate::Guarded(format!("{one}; also {other}")),
        }
    }

    /// What stands before all paths that lead to this balancer; `paths` are those that are mapped to it.
    pub(crate) fn gate_anywhere(&self, balancer: &BalancerName, paths: &[String]) -> Gate {
        let gate = self.gate("", Some(balancer));
        if !self.rules.differ_below(paths) {
            return gate;
        }
        // What a <Location> says replaces the rules of a <Proxy>, or adds to them.
        let unknown = "the rules of a <Location> are not known here, because no path was asked for";
        Gate::Guarded(match gate {
            Gate::Open => unknown.to_owned(),
            Gate::Guarded(why) | Gate::Closed(_, why) => format!("{why}; {unknown}"),
        })
    }

    fn gate_of(&self, path: &str, balancer: Option<&BalancerName>) -> Gate {
        let effective = self.rules.effective(path, balancer);
        let Some(rule) = &effective.rule else {
            let why = "AuthType asks who comes, and no Require says who may";
            return if effective.is_half() { Gate::Closed(500, why.to_owned()) } else { Gate::Open };
        };
        let written = clean(&rule.to_string(), limits::REASON);
        match rule.certain() {
            Some(Verdict::Granted) => return Gate::Open,
            Some(_) => return Gate::Closed(403, format!("{written} lets nobody come")),
            None => {}
        }
        let others = match (rule.asks_of(), effective.can_authenticate()) {
            ((false, _), _) => "403",
            ((true, false), true) => "401",
            ((true, true), true) => "401 or 403",
            ((true, false), false) => {
                let why = format!("{written} asks for a user, and nobody can prove to be one");
                return Gate::Closed(500, why);
            }
            ((true, true), false) => "403, or 500 because nobody can prove to be a user",
        };
        Gate::Guarded(format!("{written} must grant it; else the proxy answers {others}"))
    }
}
