//! The same scenario before our proxy and before a real httpd: the same answers, pick by pick.
//!
//! Where no httpd is installed each test says SKIPPED and passes.

mod accepted;
mod health;
mod picks;
mod text;
