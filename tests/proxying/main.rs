//! What passes through the proxy: mappings, messages, bodies, connections.

mod body;
mod connection;
mod mapping;
mod message;
mod stopping;
