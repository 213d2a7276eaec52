//! Names of methods that an httpd has and Evenkeel has not: those of third parties (`mod_lbmethod_*`), and checks of
//! other protocols (`CPING`). They are shown as httpd writes them, and never taken for one of ours.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};

use crate::clean::clean;

/// Such a name, cleaned: at most 40 characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct Foreign(String);

impl Foreign {
    /// The longest that is kept, in characters; httpd itself has at most 15 for a balancer's method.
    pub const LONGEST: usize = 40;

    /// The name in that text.
    pub fn new(text: &str) -> Self {
        Self(clean(text, Self::LONGEST))
    }

    /// As httpd writes it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Foreign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Foreign {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self::new(&String::deserialize(deserializer)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_wrote_it_it_is_clean_and_short() {
        for (text, kept) in [("\"fair\"", "fair"), ("\"a\\u001b[2J\"", "a\u{fffd}[2J")] {
            let read: Foreign = serde_json::from_str(text).unwrap();
            assert_eq!((read.as_str(), read.clone()), (kept, Foreign::new(kept)));
        }
        assert!(Foreign::new(&"x".repeat(99)).to_string().chars().count() <= Foreign::LONGEST);
    }
}
