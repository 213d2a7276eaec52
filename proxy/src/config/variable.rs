//! `Define`, `-D` and `${NAME}`: replaced word by word, as httpd does.

use std::collections::{HashMap, HashSet};

use evenkeel_protocol::clean::clean;

use crate::config::limits;
use crate::config::notes::Complaint;

/// What is defined at the moment of reading.
pub(super) struct Variables {
    defined: HashSet<String>,
    values: HashMap<String, String>,
    /// What a name means that the configuration does not define.
    environment: fn(&str) -> Option<String>,
}

impl Variables {
    /// Starts with the names of `-D`.
    pub(super) fn new(defines: &[String], environment: fn(&str) -> Option<String>) -> Self {
        Self { defined: defines.iter().cloned().collect(), values: HashMap::new(), environment }
    }

    /// `Define NAME [VALUE]`.
    pub(super) fn define(&mut self, name: &str, value: Option<&str>) -> Result<(), Complaint> {
        if name.is_empty() || name.contains([':', '$', '{', '}']) {
            return Err(Complaint::new(
                format!("'{}' is no name of a variable", clean(name, limits::QUOTED)),
                "use letters, digits and _",
            ));
        }
        self.defined.insert(name.to_owned());
        if let Some(value) = value {
            self.values.insert(name.to_owned(), value.to_owned());
        }
        Ok(())
    }

    /// `UnDefine NAME`.
    pub(super) fn undefine(&mut self, name: &str) {
        self.defined.remove(name);
        self.values.remove(name);
    }

    /// Does `<IfDefine NAME>` hold?
    pub(super) fn is_defined(&self, name: &str) -> bool {
        self.defined.contains(name)
    }

    /// `text` with each `${NAME}` replaced, once: what a value says is not looked at again.
    pub(super) fn replace(&self, text: &str) -> Result<String, Complaint> {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, behind)) = rest.split_once("${") {
            out.push_str(before);
            let Some((name, after)) = behind.split_once('}') else {
                rest = rest.get(before.len()..).unwrap_or_default();
                break;
            };
            let value =
                self.values.get(name).cloned().or_else(|| (self.environment)(name)).ok_or_else(|| {
                    let name = clean(name, limits::QUOTED);
                    Complaint::new(
                        format!("${{{name}}} is not defined"),
                        format!("add 'Define {name} VALUE' above, or set it in the environment"),
                    )
                })?;
            if out.len() + value.len() > limits::VARIABLE {
                return Err(Complaint::new("this word becomes too long", "shorten the variables in it"));
            }
            if !value.chars().all(evenkeel_protocol::clean::is_clean) {
                return Err(Complaint::new(
                    format!("the value of ${{{}}} contains control characters", clean(name, limits::QUOTED)),
                    "give it a plain value",
                ));
            }
            out.push_str(&value);
            rest = after;
        }
        out.push_str(rest);
        Ok(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_replaced_where_they_stand() {
        let mut variables =
            Variables::new(&["TEST".to_owned()], |name| (name == "HOST").then(|| "h".to_owned()));
        variables.define("port", Some("80")).unwrap();
        variables.define("again", Some("${port}")).unwrap();
        for (text, expected) in [
            ("", ""),
            ("plain", "plain"),
            ("${port}", "80"),
            ("${HOST}:${port}!", "h:80!"),
            ("${again}", "${port}"),
            ("$port", "$port"),
            ("a${port", "a${port"),
        ] {
            assert_eq!(variables.replace(text).unwrap(), expected, "{text}");
        }
        assert!(variables.replace("${nope}").unwrap_err().what.contains("${nope} is not defined"));
        assert!(variables.is_defined("TEST") && variables.is_defined("port") && !variables.is_defined("x"));
        variables.undefine("port");
        assert!(variables.replace("${port}").is_err() && !variables.is_defined("port"));
        for name in ["", "a:b", "${x}"] {
            assert!(variables.define(name, None).is_err(), "{name}");
        }
    }

    #[test]
    fn values_are_bounded_and_clean() {
        let mut variables = Variables::new(&[], |_| Some("a\u{1b}b".to_owned()));
        assert!(variables.replace("${X}").unwrap_err().what.contains("control characters"));
        variables.define("long", Some(&"x".repeat(3000))).unwrap();
        assert!(variables.replace("${long}${long}").is_err());
    }
}
