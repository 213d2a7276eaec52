//! The scenes: one small site, a fixed number of requests, keys, and a picture for each name.
//!
//! What differs from run to run is replaced: ports, times and the operator's name in picture and text alike, rates
//! and their bars in the text only.

use evenkeel_protocol::EventKind;
use harness::frame::Frame;
use harness::prelude::*;

use crate::mixed;

/// How the requests come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pace {
    /// A minute of traffic, a handful of requests with each new snapshot, so that there are rates to be seen.
    Live,
    /// The same requests all at once: enough for the text.
    #[cfg_attr(not(test), expect(dead_code, reason = "only the comparing test is in a hurry"))]
    Quick,
}

/// What a scene shows.
pub(crate) struct Shot {
    pub(crate) name: &'static str,
    /// For the painter.
    pub(crate) picture: Frame,
    /// For comparison.
    pub(crate) text: String,
}

/// How many requests come with each new snapshot; over and over.
const WAVE: [usize; 15] = [9, 12, 15, 18, 20, 21, 20, 18, 16, 13, 11, 9, 8, 7, 8];
const WAVES: usize = 4;
/// The sessions that a member gets while it drains.
const SESSIONS: usize = 16;

/// The site and the console in front of it.
struct Stage {
    proxy: Proxy,
    backends: Vec<Backend>,
    terminal: Terminal,
}

/// Plays all scenes.
pub(crate) fn play(pace: Pace) -> Vec<Shot> {
    let stage = Stage::set();
    let live = stage.traffic(pace);
    let quiet = stage.wait_quiet();
    let mut shots = vec![Shot {
        name: "overview",
        picture: stage.picture(live.unwrap_or_else(|| quiet.clone())),
        text: stage.text(quiet),
    }];
    stage.terminal.resize(80, 24);
    stage.terminal.wait_until("it is drawn in its new size", |frame| {
        frame.row(23).contains("unlock") && frame.contains("Init Ok")
    });
    stage.terminal.keys("L");
    stage.terminal.wait_for("Open for changes?");
    stage.terminal.keys("y");
    stage.terminal.wait_for("ARMED");
    // What it says of that is no part of the pictures.
    stage.terminal.keys("<esc>");
    stage.terminal.wait_gone("armed:");
    for (name, keys, shown, back) in [
        ("confirm", "d", "Drain shop/node1?", "n"),
        ("menu", "<enter>", "show in full", "<esc>"),
        ("form", "e<tab>b;", "node1b;", "<esc>"),
        ("events", "2", "deploy 42", "1"),
    ] {
        stage.terminal.keys(keys);
        stage.terminal.wait_for(shown);
        let frame = stage.terminal.settled();
        shots.push(Shot { name, picture: stage.picture(frame.clone()), text: stage.text(frame) });
        stage.terminal.keys(back);
        stage.terminal.wait_gone(shown);
    }
    let frame = stage.drain(pace);
    shots.push(Shot { name: "drain", picture: stage.picture(frame.clone()), text: stage.text(frame) });
    shots.extend(mixed::play());
    shots
}

impl Stage {
    fn set() -> Self {
        let names = ["node1", "node2", "node3", "spare", "m1", "m2", "m3", "m4"];
        let backends: Vec<Backend> =
            names.map(|name| if name == "m3" { Backend::refusing(name) } else { Backend::new(name) }).into();
        let [node1, node2, node3, spare, m1, m2, m3, m4] = &backends[..] else { unreachable!("eight names") };
        let proxy = proxy(format!(
            "<Proxy balancer://shop>
                BalancerMember {node1} route=node1 loadfactor=2
                BalancerMember {node2} route=node2
                BalancerMember {node3} route=node3
                BalancerMember {spare} route=spare status=+R
                ProxySet stickysession=SID
            </Proxy>
            <Proxy balancer://media>
                BalancerMember {m1}
                BalancerMember {m2} loadfactor=1.5
                BalancerMember {m3} retry=600
                BalancerMember {m4} status=+H
                ProxySet lbmethod=bytraffic
            </Proxy>
            ProxyPass /shop balancer://shop
            ProxyPass /img balancer://media
            ProxyPass /css balancer://media"
        ));
        let terminal = console(&proxy).size(120, 36).open();
        terminal.wait_for("Init Ok");
        Self { proxy, backends, terminal }
    }

    /// Sends all requests; with live pace returns the screen that has just counted the last of them.
    fn traffic(&self, pace: Pace) -> Option<Frame> {
        let mut live = None;
        let waves = WAVE.iter().cycle().take(WAVE.len() * WAVES);
        for (number, requests) in waves.enumerate() {
            if number == WAVE.len() * WAVES / 2 {
                self.proxy.edit("shop", "node2", r#"{"drain":true,"reason":"deploy 42"}"#);
            }
            for request in 0..*requests {
                self.request(request);
            }
            if pace == Pace::Live {
                let elected = self.proxy.member("shop", "node1").elected;
                live = Some(self.wait_counted(elected));
            }
        }
        live
    }

    fn request(&self, number: usize) {
        browser().get(&self.proxy, "/shop/cart?size=1800");
        if number.is_multiple_of(5) {
            browser().cookie("SID", "x.node2").get(&self.proxy, "/shop/cart?size=900");
        }
        if number.is_multiple_of(2) {
            browser().get(&self.proxy, "/img/logo.png?size=14000");
        }
    }

    /// Drains a member that has sessions, and looks on for a while.
    fn drain(&self, pace: Pace) -> Frame {
        let order = r#"{"until":"no_sessions","timeout":"10m","on_timeout":"stop","reason":"deploy 42"}"#;
        let told = self.proxy.admin().ask("POST", "/v1/balancers/shop/members/node2/drain", order);
        assert_eq!(told.status, 200, "{}", told.body);
        self.terminal.keys("3");
        self.terminal.wait_for("NOT YET");
        self.terminal.keys("<enter>");
        let mut frame = self.terminal.wait_for("its events");
        for session in 0..SESSIONS {
            browser().cookie("SID", &format!("{session}.node2")).get(&self.proxy, "/shop/cart?size=900");
            if pace == Pace::Live {
                let shown = frame.to_string();
                frame = self.terminal.wait_until("a second passes", |frame| frame.to_string() != shown);
            }
        }
        self.terminal.wait_for(&format!("{} sessions were seen", SESSIONS + 1))
    }

    /// Waits until the screen has counted that many elections of the first member.
    fn wait_counted(&self, elected: u64) -> Frame {
        let address = self.backends[0].address().to_string();
        let counted = format!(" {elected} ");
        self.terminal.wait_until(&format!("{elected} elections are shown"), |frame| {
            frame.line_with(&address).is_some_and(|line| format!("{line} ").contains(&counted))
        })
    }

    /// Waits until nothing moves any more.
    fn wait_quiet(&self) -> Frame {
        self.wait_counted(self.proxy.member("shop", "node1").elected);
        self.terminal.wait_until("the rate is back at nought", |frame| frame.row(0).ends_with(" 0.0 req/s"));
        // Latencies are of the last ten seconds, so that it takes two waits until there are none.
        self.terminal.wait_until("some seconds without requests", |frame| {
            frame
                .line_with("changed  not since the proxy was started")
                .is_some_and(|line| line.ends_with("▁▁▁▁▁▁"))
        });
        self.terminal.wait_until("nothing was answered lately", |frame| !frame.contains(" p99 "));
        self.terminal.settled()
    }

    /// The frame with names that are the same in each run.
    fn picture(&self, mut frame: Frame) -> Frame {
        for (number, backend) in self.backends.iter().enumerate() {
            // System-chosen ports have five digits.
            frame.mask(&backend.address().to_string(), &format!("127.0.0.1:{}", 19001 + number));
        }
        frame.mask(&self.proxy.address().to_string(), "127.0.0.1:18080");
        frame.mask("##:##:##", "12:34:56");
        // How long the proxy has run.
        for pattern in ["the last # s", "the last ### s", "the last # min", "the last ## min"] {
            frame.rewrite(pattern, "the last 12 s");
        }
        frame.mask("the last ## s", "the last 12 s");
        // Of the same length, so that commands are broken where they are in each run.
        frame.mask(&self.proxy.run_folder().to_string_lossy(), "/run/evenkeel/web");
        frame.mask(&self.proxy.folder().to_string_lossy(), "/srv/evenkeel");
        let by = self.proxy.admin().events(0).into_iter().find_map(|event| match event.kind {
            EventKind::MemberEdited { by, .. } => by,
            _ => None,
        });
        if let Some(by) = by {
            let name = by.user.unwrap_or_else(|| format!("uid {}", by.uid));
            for (said, instead) in [("→ {}:", "→ anna:"), ("▽ {}:", "▽ anna:"), ("by {},", "by anna,")]
            {
                frame.rewrite(&said.replace("{}", &name), instead);
            }
            frame.rewrite(&format!("{name} ({})", by.uid), "anna (1000)");
        }
        frame
    }

    /// The frame as text, without what depends on the pace of the requests.
    fn text(&self, frame: Frame) -> String {
        let mut frame = self.picture(frame);
        frame.mask("▒", " ");
        frame.cut("last minute  now");
        for (pattern, with) in [("◐1 ##:##", "◐1 09:42"), ("#.# req/s", "0.0 req/s")] {
            frame.mask(pattern, with);
        }
        let counted = ["to the deadline", "## s so far", "# s so far", "last seen ", "nothing for "];
        for measured in ["It moves", "as measured", "of sessions ("].into_iter().chain(counted) {
            frame.cut(measured);
        }
        frame.to_string()
    }
}
