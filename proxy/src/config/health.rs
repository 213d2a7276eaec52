//! What the configuration says of health checks: expressions and templates by name, and the values of their parameters.
//!
//! Names are compared in letters of any size, as httpd does, and count from the line on that defines them.

use std::collections::BTreeMap;
use std::str::FromStr;
use std::sync::Arc;

use evenkeel_protocol::{CheckInterval, CheckMethod, HealthCheck};

use crate::config::condition::Condition;
use crate::config::nearest::did_you_mean;
use crate::config::notes::Complaint;
use crate::config::parameter::value::{Remarks, Whole, duration, shown, some_time};

/// httpd's default for `ProxyHCTPsize`.
const AT_ONCE: usize = 16;

/// What checks need beside the settings of their members.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checks {
    expressions: BTreeMap<String, Condition>,
    /// Names and texts as they were written, in that order.
    written: Vec<(String, String)>,
    /// `ProxyHCTPsize`: how many checks may be on their way at once, at least 1.
    pub at_once: usize,
}

impl Default for Checks {
    fn default() -> Self {
        Self { expressions: BTreeMap::new(), written: Vec::new(), at_once: AT_ONCE }
    }
}

impl Checks {
    /// The expression of that name, in letters of any size.
    pub fn expression(&self, name: &str) -> Option<&Condition> {
        self.expressions.get(&name.to_ascii_lowercase())
    }

    /// The names of all expressions, in small letters.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.expressions.keys().map(String::as_str)
    }

    /// From now on the name means this; what it meant before is forgotten, as in httpd.
    pub(super) fn define(&mut self, name: &str, (text, condition): (&str, Condition)) {
        self.expressions.insert(name.to_ascii_lowercase(), condition);
        match self.written.iter_mut().find(|(known, _)| known.eq_ignore_ascii_case(name)) {
            Some((_, known)) => text.clone_into(known),
            None => self.written.push((name.to_owned(), text.to_owned())),
        }
    }

    /// Names and texts of all expressions, in the order of their definition.
    pub fn written(&self) -> &[(String, String)] {
        &self.written
    }
}

/// What was defined so far, while reading.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Definitions {
    pub(super) checks: Arc<Checks>,
    pub(super) templates: Arc<BTreeMap<String, HealthCheck>>,
}

/// `hcmethod=`.
pub(super) fn method(check: &mut HealthCheck, text: &str) -> Result<(), Complaint> {
    let remedy = if text.eq_ignore_ascii_case("cping") {
        "AJP is not supported; write hcmethod=TCP"
    } else {
        "write for example hcmethod=GET"
    };
    check.method = text.parse().map_err(|why: String| Complaint::new(why, remedy))?;
    Ok(())
}

/// `hcinterval=`.
pub(super) fn interval(check: &mut HealthCheck, text: &str, remarks: &mut Remarks) -> Result<(), Complaint> {
    let time = duration(text, "s", remarks)?;
    let interval = u64::try_from(time.as_millis()).ok().and_then(CheckInterval::from_millis);
    check.interval =
        interval.ok_or_else(|| Complaint::new("must be at least 100 ms", "write for example 100ms or 5s"))?;
    Ok(())
}

/// `hcpasses=` and `hcfails=`.
pub(super) fn count(text: &str, remarks: &mut Remarks) -> Result<u32, Complaint> {
    let number = Whole::from(0, "").read(text, remarks)?;
    if number == 0 {
        remarks.warnings.push(Complaint::new("means 1, as in httpd", "write 1"));
    }
    Ok(number)
}

/// `hctimeout=`.
pub(super) fn timeout(check: &mut HealthCheck, text: &str, remarks: &mut Remarks) -> Result<(), Complaint> {
    check.timeout = Some(some_time(text, "s", remarks)?);
    Ok(())
}

/// `hcuri=`.
pub(super) fn uri(check: &mut HealthCheck, text: &str) -> Result<(), Complaint> {
    check.uri = named(text, "write a path such as /health; a blank in it is %20")?;
    Ok(())
}

/// `hcexpr=`.
pub(super) fn expression(check: &mut HealthCheck, text: &str, known: &Definitions) -> Result<(), Complaint> {
    if known.checks.expression(text).is_none() {
        let otherwise = "define it above: ProxyHCExpr NAME {EXPRESSION}";
        let remedy = did_you_mean(text, known.checks.names(), otherwise);
        return Err(Complaint::new("names no expression that was defined above", remedy));
    }
    check.expression = named(text, "write the name of a ProxyHCExpr")?;
    Ok(())
}

/// `hctemplate=`: all its values, which replace those that stand before it.
pub(super) fn template(check: &mut HealthCheck, text: &str, known: &Definitions) -> Result<(), Complaint> {
    let Some(template) = known.templates.get(&text.to_ascii_lowercase()) else {
        let names = known.templates.keys().map(String::as_str);
        let remedy = did_you_mean(text, names, "define it above: ProxyHCTemplate NAME hcmethod=GET …");
        return Err(Complaint::new("names no template that was defined above", remedy));
    };
    check.clone_from(template);
    Ok(())
}

/// What a template has before its own parameters: httpd's defaults, but TCP for a method.
pub(super) fn of_template() -> HealthCheck {
    HealthCheck { method: CheckMethod::Tcp, ..HealthCheck::default() }
}

/// A short text, checked.
pub(super) fn named<T: FromStr<Err = String>>(text: &str, remedy: &'static str) -> Result<T, Complaint> {
    text.parse().map_err(|why: String| Complaint::new(why, remedy))
}

/// A name that a line defines: not empty, and no parameter.
pub(super) fn new_name(text: &str) -> Result<String, Complaint> {
    if text.is_empty() {
        return Err(Complaint::new("the name is empty", "write a short name, such as ok234"));
    }
    let name: evenkeel_protocol::ExpressionName = text.parse().map_err(|why: String| {
        Complaint::new(format!("the name '{}' {why}", shown(text)), "write a short name, such as ok234")
    })?;
    Ok(name.as_str().to_ascii_lowercase())
}
