//! The same scenario before our proxy and before a real httpd: the same answers, pick by pick.
//!
//! Where no httpd is installed each test says SKIPPED and passes; the scenarios are then still played before our proxy
//! alone. `EVENKEEL_SCENARIO` plays those whose name contains it, and no seeds; `EVENKEEL_SEED` and `EVENKEEL_SEEDS`
//! choose the seeds; `EVENKEEL_RECORD` writes what was seen into steps that expect nothing.

mod accepted;
mod alone;
mod compare;
mod counters;
mod dice;
mod generator;
mod play;
mod scenario;
mod seeded;
mod stage;
mod step;
mod suite;
mod text;
