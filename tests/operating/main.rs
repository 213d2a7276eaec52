//! What an operator can do: the admin interface, its socket, and the start of the proxy, with all that can be wrong.

mod admin;
mod configuration;
mod drain;
mod edits;
mod elections;
mod events;
mod explain;
mod guards;
mod lasting;
mod log;
mod measure;
mod persist;
mod plan;
mod population;
mod reload;
mod roster;
mod service;
mod sessions;
mod socket;
mod start;
mod undo;
