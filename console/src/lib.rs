//! The operator's window: a screen and commands that see and steer a running proxy.
//!
//! Everything that happens to the screen is a `message`; [`update`](mod@update) turns it into a changed `model` and
//! `effect`s, and does no I/O; [`view`](mod@view) draws the model. `screen` is the loop around them, `terminal` what
//! it takes and gives back, and [`attach`] ties it to a [`client`] of each proxy. Several proxies are a fleet
//! ([`targets`], named in [`config`]): a model for each, and a deck above them. What somebody
//! wrote as an [`address`] is shown without its password, and what was [`pasted`] is read as a request. Commands ([`cli`]) use the
//! same client and write to writers they are given. `demo` embeds a whole proxy, and nothing else here knows one.

pub mod ability;
pub mod address;
pub mod attach;
pub mod called;
pub mod check;
pub mod cli;
pub mod client;
pub mod config;
#[cfg(feature = "demo")]
pub mod demo;
pub mod door;
pub mod effect;
pub mod floor;
pub mod heard;
pub mod keymap;
pub mod lineup;
pub mod lost;
pub mod message;
pub mod model;
pub mod need;
pub mod news;
pub mod pace;
pub mod pasted;
pub mod screen;
pub mod shell;
pub mod targets;
pub mod terminal;
pub mod theme;
pub mod undurable;
pub mod update;
pub mod view;
pub mod widget;
