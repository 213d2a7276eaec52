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
//! | [`edit`] | a change that an operator asks for, and its answer |
//! | [`preview`] | what an edit would do, without doing it |
//! | [`undo`] | taking an edit back |
//! | [`layers`] | what is configured, overridden and in effect |
//! | [`snapshot`] | everything visible at one moment |
//! | [`event`] | something that happened, numbered |
//! | [`reload`] | what reading the configuration anew did |
//! | [`endpoint`] | the table of the admin interface |
//! | [`refusal`] | why something that was asked for was not done |
//! | [`selector`] | how people name a member: by URL, host:port or route |
//! | [`timestamp`] | microseconds, monotonic and since 1970 |
//! | [`place`] | where proxies put their admin sockets, and consoles look for them |
//! | [`clean`] | text from strangers made fit for a terminal, a log or a page |
//!
//! One example of each message stands in `protocol/documents/`; a test reads and writes each.

pub mod clean;
pub mod edit;
pub mod endpoint;
pub mod event;
pub mod health;
pub mod layers;
pub mod lbmethod;
pub mod name;
pub mod place;
pub mod preview;
pub mod refusal;
pub mod reload;
pub mod selector;
pub mod sessions;
pub mod settings;
pub mod snapshot;
pub mod status;
pub mod timestamp;
pub mod undo;
pub mod upgrade;

pub use edit::{BalancerEdit, Change, Edited, Login, MemberEdit, Peer};
pub use endpoint::{Call, ENDPOINTS};
pub use event::{Event, EventKind, Recovery, RefusedEdit};
pub use health::{
    CheckCount, CheckInterval, CheckMethod, CheckNote, CheckUri, ExpressionName, HealthCheck, HealthSnapshot,
};
pub use layers::{Layers, MemberLine, Overridden, Overrides};
pub use lbmethod::LbMethod;
pub use name::{BalancerName, InvalidName, MemberName, Route};
pub use preview::{Moved, Preview};
pub use refusal::{Code, Refusal};
pub use reload::{Override, Reloaded, Subject};
pub use selector::Selector;
pub use sessions::{Census, RouteSessions};
pub use settings::{
    BalancerSettings, ConnectionSettings, CookieName, Factor, Lbset, MemberSettings, Separator, StickySession,
};
pub use snapshot::{BalancerSnapshot, ErrorNote, HeardBy, HeardNote, Hello, MemberSnapshot, Snapshot};
pub use status::{Flag, Status};
pub use timestamp::{Moment, Timestamp};
pub use undo::{UndoOrder, Undone};
pub use upgrade::Upgrade;

/// The version of the admin interface, the `v1` of its paths. Within it fields are only added.
pub const INTERFACE: u32 = 1;
