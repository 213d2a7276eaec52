//! The vocabulary of the field, shared by the proxy, its core and the console.
//!
//! Plain data with parse and print: nothing here blocks, does I/O, or tells the time.
//!
//! | file | words |
//! | --- | --- |
//! | [`name`] | balancer, member and route names, checked when they are made |
//! | [`status`] | Apache's status letters as a set, and the words that the manager page prints |
//! | [`lbmethod`] | byrequests, bytraffic, bybusyness, heartbeat |
//! | [`settings`] | what can be configured of a balancer and of a member |
//! | [`health`] | how a member is checked, and what was found |
//! | [`upgrade`] | which protocols a connection to a member may change to |
//! | [`span`] | lengths of time with their units, `0` and `forever` |
//! | [`edit`] | a change that an operator asks for, and its answer |
//! | [`drain`] | a drain as a job of the proxy: its order, how it stands, how it ended |
//! | [`process`] | what is behind a member, and where else it is one |
//! | [`preview`] | what an edit would do, without doing it |
//! | [`undo`] | taking an edit back |
//! | [`layers`] | what is configured, overridden and in effect |
//! | [`size`] | byte counts as httpd shows them |
//! | [`roster`] | members that come and go at run time |
//! | [`snapshot`] | everything visible at one moment |
//! | [`event`] | something that happened, numbered |
//! | [`latency`] | how fast a member answers, and with what |
//! | [`history`] | what is remembered of the last hour |
//! | [`mark`] | what may explain a graph |
//! | [`reload`] | what reading the configuration anew did |
//! | [`loss`] | how an edit was lost |
//! | [`sessions`] | what was seen of the sessions of each route |
//! | [`explain`] | why a request goes where it goes |
//! | [`election`] | elections that took place |
//! | [`endpoint`] | the table of the admin interface |
//! | [`refusal`] | why something that was asked for was not done |
//! | [`selector`] | how people name a member: by URL, host:port or route |
//! | [`sentence`] | what sentences are made of: names, lengths of time |
//! | [`timestamp`] | microseconds, monotonic and since 1970 |
//! | [`word`] | the words of a line as Apache reads and writes them |
//! | [`place`] | where proxies put their admin sockets, and consoles look for them |
//! | [`clean`] | text from strangers made fit for a terminal, a log or a page |
//!
//! One example of each message stands in `protocol/documents/`; a test reads and writes each.

pub mod call;
pub mod clean;
pub mod drain;
pub mod edit;
pub mod election;
pub mod endpoint;
pub mod event;
pub mod explain;
pub mod foreign;
pub mod health;
pub mod history;
pub mod latency;
pub mod layers;
pub mod lbmethod;
pub mod loss;
pub mod mark;
pub mod name;
pub mod place;
pub mod plan;
pub mod preview;
pub mod process;
pub mod refusal;
pub mod reload;
pub mod roster;
pub mod selector;
pub mod sentence;
pub mod sessions;
pub mod settings;
pub mod size;
pub mod snapshot;
pub mod span;
pub mod status;
pub mod timestamp;
pub mod undo;
pub mod upgrade;
pub mod word;

pub use call::Call;
pub use drain::{
    Busy, Drain, DrainAnswer, DrainCancel, DrainChange, DrainOrder, DrainOutcome, DrainPhase, DrainSessions,
    DrainUntil, Elsewhere, OnTimeout, SessionsKnown,
};
pub use edit::{BalancerEdit, Change, Edited, HttpClient, Login, MemberEdit, Peer};
pub use election::{ElectionFilter, ElectionNote, Elections, Failover, Skipped};
pub use endpoint::{ENDPOINTS, Endpoint};
pub use event::{EditNote, Event, EventKind, Recovery, RefusedEdit};
pub use explain::{
    Candidacy, CandidateNote, ElectionWhy, Explanation, Look, MappingNote, Question, Reading, SearchStep,
    SessionNote, SessionPlace,
};
pub use foreign::Foreign;
pub use health::{
    CheckCount, CheckInterval, CheckMethod, CheckNote, CheckUri, ExpressionName, HealthCheck, HealthSnapshot,
};
pub use history::{Fold, History, HistoryQuery, MemberHistory, Series};
pub use latency::{Answers, Checks, Latencies, Latency};
pub use layers::{Layers, MemberLine, Overridden, Overrides};
pub use lbmethod::LbMethod;
pub use loss::{Cause, Loss};
pub use mark::{Mark, MarkKind};
pub use name::{BalancerName, InvalidName, MemberName, Route};
pub use plan::{BalancerOutlook, Intent, PlanOrder, PlanPreview, PlanStep, Proposal};
pub use preview::{Moved, Preview};
pub use process::{Places, Process};
pub use refusal::{Code, Refusal};
pub use reload::{HttpdRestart, Override, Reloaded, Subject};
pub use roster::{MemberAddition, MemberRemoval};
pub use selector::Selector;
pub use sessions::{Census, RouteSessions};
pub use settings::{
    BalancerSettings, ConnectionSettings, CookieName, Factor, Lbset, MemberSettings, Separator, StickySession,
};
pub use snapshot::{BalancerSnapshot, ErrorNote, HeardBy, HeardNote, Hello, MemberSnapshot, Snapshot};
pub use span::{Patience, Span};
pub use status::{Flag, Status};
pub use timestamp::{Moment, Timestamp};
pub use undo::{PassedOver, UndoOrder, Undone};
pub use upgrade::Upgrade;

/// The version of the admin interface, the `v1` of its paths. Within it fields are only added.
pub const INTERFACE: u32 = 1;
