//! What an operator can do: the admin interface, its socket, and the start of the proxy, with all that can be wrong.

mod admin;
mod configuration;
mod edits;
mod events;
mod guards;
mod lasting;
mod log;
mod persist;
mod reload;
mod socket;
mod start;
mod undo;
