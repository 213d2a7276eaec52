//! A scenario from a seed: members, factors, sets, flags, routes, requests and edits at random, without whatever is
//! known to differ.
//!
//! | left out | because of departure |
//! | --- | --- |
//! | a posted factor that changes nothing, or is that of an only member | 2, 48 |
//! | `maxattempts` of a balancer with one member, by edit | 20 |
//! | a change to bybusyness, or a dead backend, while requests are in flight | 8, 21 to 23 |
//! | `+I` | 15 |
//! | a balancer's timeout, waiting for a connection, time-outs | 17, 26, 24 |
//! | forced recovery | 29 |
//! | a field in two lines, paths that httpd writes otherwise | none: members are sent what the client wrote |
//! | `retry=0` | none: whether a dead member is tried again by the request that found it dead hangs on microseconds |
//! | names within names, values without a route, two places at once, blanks and quotation marks | 36 to 43 |

use harness::dice::Dice;

use crate::scenario::{Line, Scenario};
use crate::step::{Ask, Kind, Step};

/// The most members of a balancer.
pub(crate) const MOST: usize = 8;

const FACTORS: &[&str] = &["1", "1", "1", "2", "3", "1.5", "2.25", "10", "100"];
const FLAGS: &[&str] = &["disabled", "drain", "stopped", "standby", "spare"];
const METHODS: &[&str] = &["byrequests", "bytraffic", "bybusyness"];
const SIZES: &[&str] = &["0", "1", "100", "972", "5000", "20000"];
/// The last one belongs to nobody.
const ROUTES: &[&str] = &["a", "b", "c", "d", "e", "f", "g", "h", "zz"];

/// The scenario of a seed.
pub(crate) fn scenario(seed: u64) -> Scenario {
    let mut making = Making::new(seed);
    let configuration = making.configuration();
    let count = 12 + making.dice.below(24);
    let lines = (0..count).map(|_| Line::of(making.step())).collect();
    Scenario { about: format!("Seed {seed}.\n"), departures: Vec::new(), configuration, lines }
}

/// What is known while a scenario is made.
struct Making {
    dice: Dice,
    members: usize,
    /// The factor of each member.
    factors: Vec<&'static str>,
    method: &'static str,
    separator: char,
    semicolon: bool,
    held: usize,
    /// Backends that were killed.
    dead: Vec<String>,
}

impl Making {
    fn new(seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        let members = 1 + dice.below(MOST);
        let factors = (0..members).map(|_| dice.of(FACTORS)).collect();
        let method = dice.of(METHODS);
        let separator = if dice.percent(15) { '-' } else { '.' };
        let semicolon = dice.percent(30);
        Self { dice, members, factors, method, separator, semicolon, held: 0, dead: Vec::new() }
    }

    fn configuration(&mut self) -> String {
        let mut lines: Vec<String> = (1..=self.members).map(|number| self.member(number)).collect();
        let mut set = |setting: String| lines.push(format!("ProxySet {setting}"));
        set(format!("lbmethod={} forcerecovery=Off", self.method));
        if self.dice.percent(75) {
            set("stickysession=SID|sid".to_owned());
        }
        if self.separator != '.' {
            set(format!("stickysessionsep={}", self.separator));
        }
        if self.semicolon {
            set("scolonpathdelim=On".to_owned());
        }
        if self.dice.percent(20) {
            set("nofailover=On".to_owned());
        }
        if self.dice.percent(20) {
            set(format!("maxattempts={}", self.dice.below(4)));
        }
        if self.dice.percent(30) {
            set("failonstatus=500,503".to_owned());
        }
        format!(
            "<Proxy balancer://app>\n    {}\n</Proxy>\nProxyPass / balancer://app/\n",
            lines.join("\n    ")
        )
    }

    fn member(&mut self, number: usize) -> String {
        let mut words = vec![format!("BalancerMember {{{number}}} loadfactor={}", self.factors[number - 1])];
        if self.dice.percent(85) {
            // Now and then two members have the same route.
            let own = if self.dice.percent(85) { number - 1 } else { self.dice.below(self.members) };
            words.push(format!("route={}", ROUTES[own]));
        }
        if self.dice.percent(20) {
            words.push(format!("redirect={}", self.dice.of(ROUTES)));
        }
        if self.dice.percent(30) {
            words.push(format!("lbset={}", self.dice.below(4)));
        }
        if self.dice.percent(35) {
            let letters = ["+D", "+N", "+S", "+H", "+R", "+H", "+R", "+H+R", "+N+H", "+D+R", "+C"];
            words.push(format!("status={}", self.dice.of(&letters)));
        }
        words.join(" ")
    }

    fn step(&mut self) -> Step {
        match self.dice.below(100) {
            0..12 if self.held < 8 => {
                self.held += 1;
                Step::Hold(Ask { times: 1, method: "get".to_owned(), body: 0, kept: false, ..self.ask() })
            }
            12..20 if self.held > 0 => {
                let count = 1 + self.dice.below(self.held);
                self.held -= count;
                Step::Release(Some(count))
            }
            20..42 => self.edit_member(),
            42..45 => self.edit_balancer(),
            45..48 if self.held == 0 => self.kill(),
            48..50 if !self.dead.is_empty() => Step::Start(self.dead.remove(0)),
            50..54 => Step::Behave(self.whom(), self.kind()),
            54..55 if self.held == 0 => Step::HangUp(self.whom()),
            _ => Step::Ask(self.ask()),
        }
    }

    fn kind(&mut self) -> Kind {
        match self.dice.below(4) {
            0 => Kind::Status(503, vec![("Retry-After".to_owned(), "9".to_owned())]),
            1 => Kind::Status(404, vec![("X-Cause".to_owned(), "gone".to_owned())]),
            2 => Kind::Chunks(7),
            _ => Kind::Good,
        }
    }

    fn kill(&mut self) -> Step {
        let whom = self.whom();
        if self.dead.contains(&whom) {
            return Step::Ask(self.ask());
        }
        self.dead.push(whom.clone());
        Step::Kill(whom)
    }

    fn whom(&mut self) -> String {
        (1 + self.dice.below(self.members)).to_string()
    }

    fn ask(&mut self) -> Ask {
        let mut ask = Ask::get("/");
        ask.times = 1 + self.dice.below(6);
        ask.kept = self.dice.percent(10);
        let mut value = format!("x{}{}", self.separator, self.dice.of(ROUTES));
        if self.dice.percent(5) {
            "nothing".clone_into(&mut value);
        }
        match self.dice.below(10) {
            0..4 => {}
            4..7 => ask.fields.push(("Cookie".to_owned(), format!("A=1; SID={value}"))),
            7..8 => ask.target = format!("/p?k=1&sid={value}"),
            8..9 => ask.target = format!("/p;sid={value}{}", if self.semicolon { ";k=1" } else { "" }),
            _ => {
                "post".clone_into(&mut ask.method);
                ask.body = 1 + self.dice.below(3000);
            }
        }
        if self.dice.percent(50) {
            let mark = if ask.target.contains('?') { "&" } else { "?" };
            ask.target.extend([mark, "size=", self.dice.of(SIZES)]);
        }
        ask
    }

    fn edit_member(&mut self) -> Step {
        let at = self.dice.below(self.members);
        let (field, value) = match self.dice.below(100) {
            0..65 => (self.dice.of(FLAGS), if self.dice.percent(50) { "on" } else { "off" }.to_owned()),
            65..75 => ("lbset", self.dice.below(4).to_string()),
            75..85 => ("route", self.dice.of(ROUTES).to_owned()),
            85..90 => ("redirect", self.dice.of(ROUTES).to_owned()),
            _ if self.members == 1 => ("lbset", "0".to_owned()),
            _ => {
                let others: Vec<&'static str> =
                    FACTORS.iter().copied().filter(|factor| *factor != self.factors[at]).collect();
                self.factors[at] = self.dice.of(&others);
                ("lbfactor", self.factors[at].to_owned())
            }
        };
        Step::Edit { whom: (at + 1).to_string(), field: field.to_owned(), value }
    }

    fn edit_balancer(&mut self) -> Step {
        let (field, value) = match self.dice.below(4) {
            0 => ("nofailover", self.dice.of(&["on", "off"]).to_owned()),
            1 if self.members > 1 => ("maxattempts", self.dice.below(4).to_string()),
            1 => ("nofailover", "off".to_owned()),
            2 => ("stickysession", self.dice.of(&["SID|sid", ""]).to_owned()),
            _ => {
                let others: Vec<&'static str> = METHODS
                    .iter()
                    .copied()
                    .filter(|method| *method != self.method && (*method != "bybusyness" || self.held == 0))
                    .collect();
                self.method = self.dice.of(&others);
                ("lbmethod", self.method.to_owned())
            }
        };
        Step::Edit { whom: "balancer".to_owned(), field: field.to_owned(), value }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_scenario_and_its_text_reads_as_itself() {
        for seed in 0..300 {
            let made = scenario(seed);
            assert_eq!(Scenario::parse(&made.to_string()).as_ref(), Ok(&made));
            assert_eq!(scenario(seed), made);
        }
        assert_ne!(scenario(1).lines, scenario(2).lines);
    }
}
