//! Why a request goes where it goes: a question of an operator, and what the proxy would do, step by step.
//!
//! Nothing is sent to a member and no counter moves. Texts that clients write (cookies, URLs) are shown shortened and
//! cleaned; the id of a session never as a whole.

use serde::{Deserialize, Serialize};

use crate::name::{BalancerName, MemberName, Route};
use crate::settings::{Factor, Lbset};
use crate::status::Status;
use crate::timestamp::Timestamp;

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// A path with its query, or a whole URL, whose scheme and host then do not matter.
    pub url: String,
    /// What the request's `Cookie` lines say, such as `JSESSIONID=x.node1`.
    #[serde(default)]
    pub cookies: Vec<String>,
    /// Ask this balancer, whatever the path is mapped to; the URL then is what the member would get.
    #[serde(default)]
    pub balancer: Option<BalancerName>,
    /// How many elections to foretell, 1 to [`Question::MOST_NEXT`]; none: [`Question::NEXT`].
    #[serde(default)]
    pub next: Option<u8>,
}

impl Question {
    /// How many elections are foretold if nothing is said of that.
    pub const NEXT: u8 = 5;
    /// How many can be.
    pub const MOST_NEXT: u8 = 100;
    /// The longest URL, in bytes.
    pub const LONGEST_URL: usize = 8 * 1024;
    /// The most lines of cookies.
    pub const MOST_COOKIES: usize = 64;
}

/// What would happen to a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explanation {
    /// When.
    pub taken: Timestamp,
    /// Where the path leads; none if a balancer was named and the proxy does not refuse the request by itself.
    pub mapping: Option<MappingNote>,
    /// Who may come and what others are answered, in a sentence: of that an explanation knows nothing. None: everybody
    /// may come, or nobody, which the mapping then says. Where a balancer was named the rules of a `<Location>` are not
    /// known, which is said here.
    #[serde(default)]
    pub access: Option<String>,
    /// Who would be asked for a member; none: the request does not come that far.
    pub balancer: Option<Candidacy>,
    /// What would happen, as the rest of a sentence about the request.
    pub verdict: String,
}

/// Where a path leads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MappingNote {
    /// The path of the request, without its query.
    pub path: String,
    /// The path of the `ProxyPass` line that decides; none: no line fits.
    pub line: Option<String>,
    /// To which balancer; none: to nobody.
    pub balancer: Option<BalancerName>,
    /// The path and query that the member would get; none if it goes to nobody.
    pub becomes: Option<String>,
    /// The status that the proxy itself would answer; none: a member is asked.
    pub status: Option<u16>,
    /// Why it goes there, in a sentence.
    pub why: String,
}

/// One balancer's election.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidacy {
    /// The balancer.
    pub name: BalancerName,
    /// What was found of a session, and where it was looked for.
    pub session: SessionNote,
    /// How a member was looked for by the session's route, in order; empty if there is none.
    pub search: Vec<SearchStep>,
    /// All members in configuration order, with their numbers before the election.
    pub candidates: Vec<CandidateNote>,
    /// Who would be elected; none: nobody.
    pub elected: Option<MemberName>,
    /// Why it, or why nobody.
    pub why: ElectionWhy,
    /// The same in a sentence.
    pub because: String,
    /// Who would be elected if this request came again and again, moved as many bytes as one did so far on average, and
    /// nothing else happened, this one first; ends where nobody would be.
    pub next: Vec<MemberName>,
    /// What else decides, in sentences: errors that would be lifted, members being probed, dice.
    pub notes: Vec<String>,
}

/// What was found of a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionNote {
    /// Where it was looked for, in order, with what was there.
    pub looked: Vec<Look>,
    /// Where it was found; none: nowhere.
    pub found: Option<SessionPlace>,
    /// The name under which it was found; empty if nowhere.
    pub name: String,
    /// The start of its id, enough to recognise it; empty if it has none.
    pub id: String,
    /// The route in it; empty if it has none.
    pub route: String,
    /// How it was read.
    pub reading: Option<Reading>,
    /// Does a member have the route?
    pub known: bool,
}

/// One place where a session was looked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Look {
    /// Which.
    pub place: SessionPlace,
    /// Under which name.
    pub name: String,
    /// How it was read.
    pub reading: Reading,
    /// What was there, in a sentence.
    pub saw: String,
}

/// Where a session can stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionPlace {
    /// In the path or the query.
    Url,
    /// In a cookie.
    Cookie,
}

impl SessionPlace {
    /// In words that stand behind "in the".
    pub fn name(self) -> &'static str {
        match self {
            Self::Url => "URL",
            Self::Cookie => "cookies",
        }
    }
}

/// How a session's value is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reading {
    /// To the letter, as httpd does: what it finds decides.
    Literal,
    /// Once more, the way people mean it, if the first finds no route of a member: a preference.
    Tolerant,
}

/// One step of the search for a member by route.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SearchStep {
    /// The route that is looked for; written by the client, so shown clean.
    pub route: String,
    /// A member that has it; none: nobody has it.
    pub member: Option<MemberName>,
    /// Was it taken?
    pub taken: bool,
    /// What was found, in a sentence.
    pub saw: String,
}

/// One member as the election sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CandidateNote {
    /// The member.
    pub member: MemberName,
    /// Its route; may be empty.
    pub route: Route,
    /// Its status as letters.
    pub status: Status,
    /// Its status in the words of httpd's manager page.
    pub words: String,
    /// Its set.
    pub lbset: Lbset,
    /// Its share.
    pub lbfactor: Factor,
    /// How urgently it is owed work.
    pub lbstatus: i64,
    /// Requests in flight.
    pub busy: u64,
    /// Bytes sent to it.
    pub transferred: u64,
    /// Bytes read from it.
    pub read: u64,
    /// Is it offered to requests without a session?
    pub offered: bool,
    /// Why, or why not, in a sentence.
    pub why: String,
}

/// Why a member was elected, or nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ElectionWhy {
    /// The request's session named it, or a member whose redirect names it.
    Sticky,
    /// The lbmethod chose it.
    Method,
    /// The lbmethod chose it, and it is a spare in the place of an unusable member.
    Spare,
    /// It is a standby, and its lbset had nobody else.
    Standby,
    /// Nobody: the balancer has no members.
    Empty,
    /// Nobody: no member takes this request.
    Unusable,
    /// Nobody: the members of the session's route are unusable, and `nofailover` forbids another.
    RouteUnusable,
}

impl ElectionWhy {
    /// In a word or two, as a table shows it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sticky => "sticky",
            Self::Method => "method",
            Self::Spare => "spare",
            Self::Standby => "standby",
            Self::Empty => "no members",
            Self::Unusable => "nobody usable",
            Self::RouteUnusable => "route unusable",
        }
    }
}
