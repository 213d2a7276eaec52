//! Dozens of real proxies that are killed, told to end, held up and read anew in the middle of drains, at moments that
//! a seed decides, while clients come and go. What was acknowledged is there afterwards, in a phase that is true.
//!
//! `EVENKEEL_KILLS` says how many ends there are at least, `EVENKEEL_SEED` plays one seed alone; a failure names the seed.

use std::collections::BTreeMap;
use std::time::Duration;

use rustix::process::Signal;

use super::witness::{Held, WINDOW, Witness};
use super::*;

/// Ends of the proxy that one seed plays.
const LIVES: usize = 4;
/// The members' routes.
const ROUTES: [&str; 3] = ["a", "b", "c"];

/// One folder, the processes that run there one after the other, and those who watch.
struct Play {
    dice: Dice,
    members: [Backend; 3],
    proxy: Proxy,
    witness: Witness,
    held: Vec<Held>,
    ends: BTreeMap<&'static str, usize>,
}

/// Passes time without anybody looking.
fn spin(time: Duration) {
    let watch = Stopwatch::start();
    while watch.elapsed() < time {
        std::hint::spin_loop();
    }
}

impl Play {
    fn new(seed: u64) -> Self {
        let members = backends(ROUTES);
        let witness = Witness::new();
        let proxy = proxy(Self::text(&members, 1));
        Self { dice: Dice::new(seed), members, proxy, witness, held: Vec::new(), ends: BTreeMap::new() }
    }

    fn text(members: &[Backend; 3], factor: usize) -> String {
        let lines = members
            .each_ref()
            .map(|it| format!("    BalancerMember {it} route={} loadfactor={factor}\n", it.name()));
        let (lines, window) = (lines.concat(), WINDOW.as_secs());
        format!(
            "<Proxy balancer://app>\n{lines}    ProxySet stickysession=SID sessionwindow={window}s\n</Proxy>\n\
             ProxyPass / balancer://app/"
        )
    }

    /// So many lives, and then what the log of events has of all of them.
    fn play(&mut self) {
        for _ in 0..LIVES {
            for _ in 0..6 + self.dice.below(10) {
                self.step();
                self.look();
            }
            let how = self.dice.below(6);
            let how = ["kill", "kill in an order", "kill while stopped", "kill", "end", "kill"][how];
            self.end(how);
            *self.ends.entry(how).or_default() += 1;
        }
        self.pass(WINDOW + Duration::from_millis(300));
        self.proxy.stop();
        self.restart(Duration::ZERO);
        self.witness.believes_the_log(&self.proxy.admin().events(0));
    }

    fn step(&mut self) {
        match self.dice.below(100) {
            0..40 => self.visit(),
            40..50 => self.hold(),
            50..58 => self.let_go(),
            58..80 => self.order(),
            80..84 => self.cancel(),
            84..89 => self.returns(),
            89..94 => {
                let factor = 1 + self.dice.below(3);
                self.proxy.reload(Self::text(&self.members, factor));
            }
            94..97 => {
                signal(self.proxy.pid(), Signal::STOP);
                spin(Duration::from_millis(300));
                signal(self.proxy.pid(), Signal::CONT);
            }
            97 => self.pass(WINDOW + Duration::from_millis(400)),
            _ => self.pass(Duration::from_millis(500)),
        }
    }

    /// Looks at what the drains say until so much time has passed.
    fn pass(&mut self, time: Duration) {
        within(time, || {
            self.look();
            None::<()>
        });
    }

    fn look(&mut self) {
        self.witness.looks(&self.proxy, &mut self.held);
    }

    /// A session that was there before, or a new one, asks for something.
    fn visit(&mut self) {
        let session = format!("{}.{}", self.dice.below(3), self.dice.of(&ROUTES));
        let sent = self.witness.now();
        let answer = browser().cookie("SID", &session).get(&self.proxy, "/");
        self.witness.was_answered(&session, &answer.answered_by(), sent);
    }

    /// A request arrives and does not end.
    fn hold(&mut self) {
        let session = format!("{}.{}", self.dice.below(3), self.dice.of(&ROUTES));
        self.held.extend(Held::begin(&self.proxy, session, &self.witness));
    }

    fn let_go(&mut self) {
        if self.held.is_empty() {
            return;
        }
        let which = self.dice.below(self.held.len());
        let held = self.held.swap_remove(which);
        self.witness.ends(held);
    }

    fn terms(&mut self) -> String {
        let until = self.dice.of(&["idle", "no_sessions", "no_sessions"]);
        let timeout = self.dice.of(&["forever", "400ms", "1500ms", "3s", "10m"]);
        let settle = self.dice.of(&["0", "50ms", "300ms", "1s"]);
        let policy = self.dice.of(&["fail", "stop", "cut", "restore"]);
        format!(
            r#"{{"force":true,"until":"{until}","timeout":"{timeout}","settle":"{settle}","on_timeout":"{policy}"}}"#
        )
    }

    fn order(&mut self) {
        let (member, terms) = (self.dice.of(&ROUTES), self.terms());
        let asked = self.witness.now();
        let answer = order(&self.proxy, member, &terms);
        self.witness.was_told(&answer.drain, asked);
    }

    fn cancel(&mut self) {
        let Some(number) = self.witness.any_running(&mut self.dice) else { return };
        let json = self.dice.of(&["{}", r#"{"restore":true}"#]);
        let (call, asked) = (Call::CancelDrain(number), self.witness.now());
        let answer: DrainAnswer = self.proxy.admin().ask(call.method(), &call.path(), json).message();
        self.witness.was_told(&answer.drain, asked);
    }

    /// An operator returns a member, whatever became of it.
    fn returns(&mut self) {
        let member = self.dice.of(&ROUTES);
        self.proxy.edit("app", member, r#"{"stopped":false,"drain":false}"#);
    }

    /// The process ends, somehow, and after a while the next one comes.
    fn end(&mut self, how: &str) {
        match how {
            "kill in an order" => self.kill_in_an_order(),
            "kill while stopped" => {
                signal(self.proxy.pid(), Signal::STOP);
                self.proxy.kill();
            }
            "end" => {
                self.proxy.terminate();
                // Requests in flight are waited for.
                for held in std::mem::take(&mut self.held) {
                    self.witness.ends(held);
                }
                assert_eq!(self.proxy.ended().code(), Some(0), "{}", self.proxy.log());
            }
            _ => self.proxy.kill(),
        }
        self.held.clear();
        let down = [0, 0, 100, 900][self.dice.below(4)];
        self.restart(Duration::from_millis(down));
    }

    fn kill_in_an_order(&mut self) {
        let (member, terms) = (self.dice.of(&ROUTES), self.terms());
        let (admin, asked) = (self.proxy.admin().clone(), self.witness.now());
        let call = Call::BeginDrain("app".parse().unwrap(), member.to_owned());
        let ordering = std::thread::spawn(move || {
            let told = admin.try_ask(call.method(), &call.path(), &terms).ok();
            told.map(|told| told.message::<DrainAnswer>())
        });
        spin(Duration::from_micros(self.dice.below(12_000) as u64));
        self.proxy.kill();
        if let Some(answer) = ordering.join().unwrap() {
            self.witness.was_told(&answer.drain, asked);
        } else {
            let member = self.members.iter().find(|it| it.name() == member);
            self.witness.may_have_changed(member.unwrap());
        }
    }

    fn restart(&mut self, down: Duration) {
        self.witness.saw_the_end();
        spin(down);
        self.witness.sees_a_start();
        self.proxy.restart();
        self.witness.compares(&self.proxy);
    }
}

#[test]
fn what_was_acknowledged_of_a_drain_outlives_every_end_of_the_proxy() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let wanted = number("EVENKEEL_KILLS").unwrap_or(12);
    let mut ends = BTreeMap::<&str, usize>::new();
    let mut witnessed = BTreeMap::<&str, usize>::new();
    for seed in number("EVENKEEL_SEED").map_or(1..=u64::MAX, |seed| seed..=seed) {
        if ends.values().sum::<usize>() as u64 >= wanted {
            break;
        }
        let mut play = Play::new(seed);
        let played = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| play.play()));
        if let Err(why) = played {
            println!("seed {seed}, after {:?}:{}", play.ends, play.witness.story());
            std::panic::resume_unwind(why);
        }
        for (how, count) in play.ends {
            *ends.entry(how).or_default() += count;
        }
        for (what, count) in play.witness.counts() {
            *witnessed.entry(what).or_default() += count;
        }
    }
    println!(
        "kill -9: ends of the proxy in the middle of drains {ends:?}, drains and outcomes {witnessed:?}"
    );
}
