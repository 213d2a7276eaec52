//! What the suites are written with: real processes, real sockets, a real terminal.
//!
//! A scenario stands on one page: a configuration text, backends, what is done, what must be seen.
//!
//! ```no_run
//! use harness::prelude::*;
//!
//! let [a, b] = backends(["a", "b"]);
//! let proxy = proxy(format!(
//!     "<Proxy balancer://app>
//!         BalancerMember {a} route=a
//!         BalancerMember {b} route=b
//!     </Proxy>
//!     ProxyPass / balancer://app/"
//! ));
//! proxy.edit("app", "a", r#"{"drain":true}"#);
//! assert_eq!(visits(&proxy, 4), "bbbb");
//! ```
//!
//! | file | for |
//! | --- | --- |
//! | [`binaries`] | the programs under test, built once; running one to its end |
//! | [`proxy`] | a proxy from a configuration text |
//! | [`admin`] | its admin interface |
//! | [`backend`], [`fault`] | origins that behave as told |
//! | [`browser`] | clients |
//! | [`held`] | a request in flight |
//! | [`strict`] | rows of bytes: both ends scripted, and a strict reading of what passes |
//! | [`bare`], [`peer`] | both ends without manners |
//! | [`wire`] | the HTTP/1.1 that both of them speak |
//! | [`running`] | a command that goes on while the test does something else |
//! | [`terminal`], [`frame`] | the console in a pseudo-terminal, and what its screen shows |
//! | [`dice`] | numbers that follow from a seed |
//! | [`disk`] | a disk that is full |
//! | [`heartbeat`] | servers that announce themselves |
//! | [`namespace`] | a real Apache with an address of its own |
//! | [`httpd`] | a real Apache, if there is one |
//! | [`strace`] | the proxy, killed or refused at a system call |
//! | [`eventually`] | the only waiting there is |

pub mod admin;
pub mod backend;
pub mod bare;
pub mod binaries;
pub mod browser;
pub mod dice;
pub mod disk;
pub mod eventually;
pub mod fault;
pub mod frame;
pub mod heartbeat;
pub mod held;
pub mod httpd;
pub mod namespace;
pub mod peer;
pub mod proxy;
pub mod running;
pub mod strace;
pub mod strict;
mod synchronized;
pub mod terminal;
pub mod wire;

/// What nearly every scenario names.
pub mod prelude {
    pub use crate::admin::{Admin, Follower, Told};
    pub use crate::backend::{Asked, Backend, backends};
    pub use crate::bare::{BareBackend, BareSocket, Uploading, closes};
    pub use crate::binaries::{Ended, evenkeel, evenkeel_proxy, finish, panicking, run, workspace};
    pub use crate::browser::{Answer, Browser, Stage, browser, connect, raw, read_answer, up_to, visits};
    pub use crate::dice::Dice;
    pub use crate::eventually::{Stopwatch, eventually, eventually_equal, eventually_true, patience, within};
    pub use crate::fault::{Behaviour, Gate, Reply};
    pub use crate::heartbeat::{Pulse, beat, hearing_at};
    pub use crate::held::Held;
    pub use crate::httpd::{httpd, skipped};
    pub use crate::peer::Peer;
    pub use crate::proxy::{Proxy, folder, proxy, proxy_with_threads, rss, serving, signal};
    pub use crate::running::Running;
    pub use crate::terminal::{Terminal, console};
    pub use crate::wire::{Framing, Head, read_body};
}
