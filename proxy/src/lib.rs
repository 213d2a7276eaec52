//! An HTTP reverse proxy that balances as Apache's `mod_proxy_balancer` does.
//!
//! The life of a request: `accept` takes the connection, `conversation` reads a head from it (with the codec in
//! `http`), `handle` finds its mapping and asks the `registry` (and so the core, `evenkeel-balancer`) to elect a
//! member, `exchange` makes one attempt with that member over a connection from the `pool`, or a new one if the
//! member has `places` left, `upload`, `relay` and `tunnel` carry the bytes and count them, and the leases of all
//! members tried fall before the last byte is handed to the client.
//!
//! The life of an edit: `admin` reads it from the Unix socket, the `registry` validates it, writes it to the
//! `journal`, applies it to the core, and publishes it in `events`, which the `audit` keeps on disk.
//!
//! What `Header` and `RequestHeader` say is compiled in `header_rules`; `handle` applies it to requests, `header` and
//! `answer` to what clients get. `route_cookie` tells clients the route of their member.
//!
//! When a request is over, its worker thread describes it to the `access_log`, whose own thread writes the files.
//!
//! The life of a configuration: `config` reads it, `site` is what the worker threads use of it, and `reload` puts another
//! in its place, whole, while requests go on.
//!
//! Who may come is decided by `access`, before anything else is done for a request.
//!
//! The `manager` is httpd's balancer-manager: pages of a snapshot, and forms that become edits.
//!
//! The `heartmonitor` hears what members announce of themselves, and tells the balancers.
//!
//! What members did in the last hour is in their `history`, which reads their counters once a second.
//!
//! Members are checked by `probe` on the control thread; the core says when, and what follows.
//!
//! Worker threads carry requests, each with a runtime, listeners and idle connections of its own; the control thread
//! does everything else. `clock` alone reads the time, `limits` holds every bound.

mod accept;
mod access;
mod access_log;
mod address;
mod admin;
mod answer;
mod arriving;
mod audit;
mod clock;
pub mod config;
mod connect;
mod conversation;
mod deadline;
mod drains;
mod elections;
mod events;
mod exchange;
mod explain;
mod growth;
mod handle;
mod header;
mod header_rules;
mod heartmonitor;
mod history;
mod http;
pub mod inherited;
mod journal;
mod limits;
mod listening;
mod live;
pub mod log;
mod manager;
pub mod mapping;
mod measured;
mod metrics;
mod nonce;
pub mod options;
mod places;
mod pool;
mod probe;
mod record;
mod refusals;
mod registry;
mod relay;
mod reload;
mod reversal;
mod route_cookie;
mod rundir;
pub mod server;
pub mod service;
mod short_body;
pub mod signal;
mod site;
mod tunnel;
mod upload;

pub use rundir::RunDirError;
