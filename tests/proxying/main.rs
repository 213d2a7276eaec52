//! What passes through the proxy: mappings, messages, bodies, connections.

mod body;
mod connection;
mod early;
mod expect;
mod interim;
mod ipv6;
mod mapping;
mod message;
mod method;
mod pipeline;
mod stopping;
mod trailer;
mod tunnel;
mod unix;
mod untouched;
mod upgrade;
mod version;
