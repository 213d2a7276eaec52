//! The same scenario before our proxy and before a real httpd: the same answers, pick by pick.
//!
//! Where no httpd is installed each test says SKIPPED and passes; the scenarios are still played before our proxy
//! alone. `EVENKEEL_SCENARIO` plays those whose name contains it, or the file of that path, and no seeds;
//! `EVENKEEL_SEED` and `EVENKEEL_SEEDS` choose the seeds; `EVENKEEL_RECORD` writes what was seen into steps that expect
//! nothing.
//!
//! Departures that no scenario can show, and why:
//!
//! | departure | why |
//! | --- | --- |
//! | 1 | what stays pending in httpd shows when a member is added, which our proxy does by reload only |
//! | 6, 7, 9b | they need several processes of httpd, or the death of one |
//! | 18 | when a waiting request looks again is a matter of time, not of order |
//! | 27 | the repeat is an option of ours; what is passed on is the same |
//! | 30 | without load it is the same; under load it is 28 |
//! | 45, 47, 50 to 53 | they are of httpd's page, and the admin interface is none |
//! | 55 | httpd keeps edits in files of its own only if told, and then over the file |
//!
//! Departures of what passes, which no list had before these scenarios found them: 71, a path is passed on as it came;
//! 72, lines of one field stay lines; 73 and 74, no slash is doubled on the way, nor in what comes back.

mod accepted;
mod alone;
mod compare;
mod counters;
mod generator;
mod health;
mod play;
mod scenario;
mod seeded;
mod stage;
mod step;
mod suite;
mod text;
