//! Rows of bytes: a scripted client, a scripted member that keeps every byte, and what must be seen between them.
//!
//! A row is data (`tests/strict/rows`, its form is told in [`row`]). The suite `strict` plays each against the
//! proxy, the program `replay` against other proxies too; both judge with the same reading of HTTP, which shares
//! no code with the proxy.

pub mod member;
pub mod others;
pub mod outcome;
pub mod play;
pub mod reading;
pub mod row;
pub mod site;
pub mod text;
pub mod verdict;

pub use member::Scripted;
pub use outcome::Outcome;
pub use play::{Manner, Sight, play};
pub use row::{Row, rows};
pub use site::{Place, Site};
