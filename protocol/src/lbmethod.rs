//! The four ways to share the work among members, under Apache's names.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// How a balancer chooses among its candidates (`lbmethod=`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LbMethod {
    /// By number of requests, weighted by lbfactor.
    #[default]
    ByRequests,
    /// By bytes moved in both directions, weighted by lbfactor.
    ByTraffic,
    /// By requests in flight; lbfactor only breaks ties.
    ByBusyness,
    /// By the idle slots that members announce.
    Heartbeat,
}

impl LbMethod {
    /// What a text must be to be a method.
    pub const RULE: &str = "must be one of byrequests, bytraffic, bybusyness and heartbeat, in small letters";

    /// All methods, in the order in which they are offered to people.
    pub const ALL: [Self; 4] = [Self::ByRequests, Self::ByTraffic, Self::ByBusyness, Self::Heartbeat];

    /// The name as in `lbmethod=NAME`.
    pub fn name(self) -> &'static str {
        match self {
            Self::ByRequests => "byrequests",
            Self::ByTraffic => "bytraffic",
            Self::ByBusyness => "bybusyness",
            Self::Heartbeat => "heartbeat",
        }
    }
}

impl fmt::Display for LbMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for LbMethod {
    type Err = String;

    /// Exact names only, as httpd's provider lookup is.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|method| method.name() == text).ok_or_else(|| Self::RULE.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back_and_nothing_else_does() {
        for method in LbMethod::ALL {
            assert_eq!(method.to_string().parse(), Ok(method));
            assert_eq!(serde_json::to_string(&method).unwrap(), format!("\"{method}\""));
        }
        for text in ["", "ByRequests", "byrequests ", "rr"] {
            assert!(text.parse::<LbMethod>().is_err(), "{text:?}");
        }
    }
}
