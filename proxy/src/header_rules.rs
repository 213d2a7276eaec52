//! `Header` and `RequestHeader`: rules that change the fields of requests and answers, compiled once at start.
//!
//! As in httpd an answer has two tables. `onsuccess` rules change the fields of a member's answer; `always` rules build
//! a list of their own, which stands before those, and on the proxy's own pages too. `RequestHeader` rules are applied
//! before a member is elected; so what they do to `Cookie` decides about stickiness, and no BALANCER variable is set
//! yet. What frames a message or ends at this hop is beyond the reach of any rule.
//!
//! | file | what |
//! | --- | --- |
//! | `text.rs` | values and what they tell of a request |
//! | `fields.rs` | lists of fields, and how they change |
//! | `rewrite.rs` | a request's head, made anew |

mod fields;
mod rewrite;
mod text;

use evenkeel_protocol::Moment;
use regex::bytes::{Regex, RegexBuilder};

use self::fields::Fields;
pub(crate) use self::rewrite::Rewritten;
pub(crate) use self::text::{Telling, Text, VARIABLES};
use crate::http::buffer::Buffer;
use crate::http::head::Known;
use crate::http::request::RequestHead;
use crate::limits;
use crate::mapping::covers;

/// All rules of a site, each list in the order in which they are applied.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HeaderRules {
    pub(crate) requests: Vec<Rule>,
    pub(crate) answers: Vec<Rule>,
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rule {
    pub(crate) reach: Reach,
    /// Meant for answers only.
    pub(crate) table: Table,
    pub(crate) action: Action,
    /// The field's name; empty for [`Action::Echo`].
    pub(crate) name: String,
    pub(crate) condition: Option<Condition>,
}

/// Which requests a rule is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reach {
    /// All.
    Everything,
    /// Those that go to a balancer.
    Proxied,
    /// Those that go to the balancer of this number.
    Balancer(usize),
    /// Those for this path and what is below it.
    Below(String),
}

/// Which list of an answer's fields a rule changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Table {
    /// That of a member's answer.
    OnSuccess,
    /// That which stands before it, and on pages of the proxy's own.
    Always,
}

/// What a rule does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Action {
    Set(Text),
    SetIfEmpty(Text),
    Add(Text),
    Append(Text),
    Merge(Text),
    Unset,
    /// Replaces the first place that fits in each value, or every place.
    Edit {
        pattern: Pattern,
        text: Text,
        every: bool,
    },
    /// Copies the request's fields whose names fit.
    Echo(Pattern),
}

/// `env=NAME` or `env=!NAME`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Condition {
    pub(crate) variable: String,
    pub(crate) is_negated: bool,
}

/// A regular expression; equal if written equally.
#[derive(Debug, Clone)]
pub(crate) struct Pattern(Regex);

impl Pattern {
    /// # Errors
    ///
    /// It is none, or one of those that only searching back and forth can find (look-around, back-references).
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let built = RegexBuilder::new(text).unicode(false).build();
        built.map(Self).map_err(|why| match why {
            regex::Error::CompiledTooBig(_) => "is too large".to_owned(),
            _ => "is no regular expression that is understood here; look-around and back-references are not"
                .to_owned(),
        })
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_str() == other.0.as_str()
    }
}

impl Eq for Pattern {}

/// Which request rules are to be applied to.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Place<'a> {
    /// Its path; none if it was not understood.
    pub(crate) path: Option<&'a str>,
    /// Where it goes; none if nowhere.
    pub(crate) balancer: Option<usize>,
}

impl Rule {
    fn holds(&self, place: Place<'_>, telling: &Telling<'_>) -> bool {
        let reached = match &self.reach {
            Reach::Everything => true,
            Reach::Proxied => place.balancer.is_some(),
            Reach::Balancer(index) => place.balancer == Some(*index),
            Reach::Below(prefix) => place.path.is_some_and(|path| covers(prefix, path)),
        };
        reached
            && self.condition.as_ref().is_none_or(|condition| {
                (telling.variable)(&condition.variable).is_some() != condition.is_negated
            })
    }

    fn apply(&self, fields: &mut Fields, telling: &Telling<'_>, asked: Option<Asked<'_>>) {
        let name = self.name.as_str();
        match &self.action {
            Action::Set(text) => fields.set(name, text.render(telling)),
            Action::SetIfEmpty(_) if fields.has(name) => {}
            Action::SetIfEmpty(text) | Action::Add(text) => {
                fields.add(name.as_bytes(), text.render(telling));
            }
            Action::Append(text) => fields.append(name, text.render(telling)),
            Action::Merge(text) => fields.merge(name, text.render(telling)),
            Action::Unset => fields.unset(name),
            Action::Edit { pattern, text, every } => {
                fields.edit(name, (&pattern.0, *every), &text.render(telling));
            }
            Action::Echo(pattern) => {
                let Some((head, block)) = asked else { return };
                for line in head.lines.iter().filter(|line| is_free(line.known)) {
                    let (name, value) = (line.name.of(block), line.value.of(block));
                    if pattern.0.is_match(name) {
                        fields.add(name, value.to_vec());
                    }
                }
            }
        }
    }
}

/// May rules put or change such a field? Others frame the message, or end at this hop.
pub(crate) fn is_free(known: Known) -> bool {
    !matches!(
        known,
        Known::ContentLength | Known::TransferEncoding | Known::Connection | Known::Upgrade | Known::Hop
    )
}

/// A request's head and the block in which it stands.
pub(crate) type Asked<'a> = (&'a RequestHead, &'a [u8]);

/// Fields that an answer has once: of two, that of the `always` rules stays.
const SINGLE: [&str; 4] = ["content-type", "date", "location", "server"];

/// The rules for one answer.
pub(crate) struct Changes<'a> {
    rules: &'a HeaderRules,
    place: Place<'a>,
    asked: Option<Asked<'a>>,
    telling: Telling<'a>,
}

/// Is a request with this field one that can be read?
pub(crate) fn makes_a_request(name: &[u8], value: &[u8]) -> bool {
    let text = [b"GET / HTTP/1.1\r\n", name, b": ", value, b"\r\n\r\n"].concat();
    RequestHead::read(&text, 0, text.len(), (limits::HEADER_FIELDS, Vec::new())).is_ok()
}

/// Names and values of the fields of a head that was written.
pub(crate) fn listed(head: &[u8]) -> Vec<(Vec<u8>, Vec<u8>)> {
    let line = memchr::memchr(b'\n', head).map_or(head.len(), |end| end + 1);
    let fields = head.get(line..).unwrap_or_default();
    Fields::read(fields.strip_suffix(b"\r\n").unwrap_or(fields)).into_list()
}

impl Changes<'_> {
    /// Changes the fields of a member's answer, which stand in `out` from `from` on. Does it have a date then?
    pub(crate) fn answer(&self, out: &mut Buffer, from: usize) -> bool {
        let mut fields = Fields::read(out.filled().get(from..).unwrap_or_default());
        self.apply(&mut fields, Table::OnSuccess);
        self.put(fields, &SINGLE, (out, from))
    }

    /// Puts what `always` rules say before the fields of a page of our own.
    pub(crate) fn page(&self, out: &mut Buffer, from: usize) {
        let fields = Fields::read(out.filled().get(from..).unwrap_or_default());
        let [a, b, c, d] = SINGLE;
        self.put(fields, &[a, b, c, d, "cache-control"], (out, from));
    }

    fn put(&self, mut fields: Fields, single: &[&str], (out, from): (&mut Buffer, usize)) -> bool {
        let mut always = Fields::default();
        self.apply(&mut always, Table::Always);
        for name in single {
            always.single(name);
            if always.has(name) {
                fields.unset(name);
            } else {
                fields.single(name);
            }
        }
        out.truncate(from);
        always.write(out);
        fields.write(out);
        always.has("date") || fields.has("date")
    }

    fn apply(&self, fields: &mut Fields, table: Table) {
        for rule in self.rules.answers.iter().filter(|rule| rule.table == table) {
            // What takes something away is never left out.
            let may = rule.action == Action::Unset || fields.bytes() <= limits::RULED_HEAD;
            if may && rule.holds(self.place, &self.telling) {
                rule.apply(fields, &self.telling, self.asked);
            }
        }
    }
}

impl HeaderRules {
    /// What they do to one answer; none if there are no rules for answers.
    pub(crate) fn changes<'a>(
        &'a self,
        place: impl FnOnce() -> Place<'a>,
        asked: Option<Asked<'a>>,
        telling: Telling<'a>,
    ) -> Option<Changes<'a>> {
        (!self.answers.is_empty()).then(|| Changes { rules: self, place: place(), asked, telling })
    }

    /// The request as members shall see it; none if no rule is about it.
    ///
    /// # Errors
    ///
    /// The rules made something of it that is no request.
    pub(crate) fn request(
        &self,
        place: Place<'_>,
        asked: Asked<'_>,
        began: Moment,
    ) -> Option<Result<Rewritten, &'static str>> {
        // Before the election, as in httpd.
        let telling = Telling { variable: &|_| None, began };
        let mut rules = self.requests.iter().filter(|rule| rule.holds(place, &telling)).peekable();
        rules.peek()?;
        let mut fields = rewrite::fields(asked);
        for rule in rules {
            rule.apply(&mut fields, &telling, None);
            if fields.bytes() > limits::RULED_HEAD {
                return Some(Err("rules made its head too large"));
            }
        }
        Some(rewrite::rewritten(asked, &fields))
    }
}
