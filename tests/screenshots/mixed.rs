//! The scenes with a real Apache httpd, if one is installed: the console on its manager page after a restart, and a
//! fleet of it and a proxy of ours with a question open.

use harness::frame::Frame;
use harness::httpd::{Httpd, httpd};
use harness::prelude::*;
use harness::terminal::console_with;

use crate::scenes::Shot;

/// An httpd and a proxy of ours before the same members.
struct Mixed {
    httpd: Httpd,
    ours: Proxy,
    backends: [Backend; 5],
}

/// Plays them; none where there is no httpd.
pub(crate) fn play() -> Vec<Shot> {
    let backends = backends(["node1", "node2", "node3", "m1", "m2"]);
    let [node1, node2, node3, m1, m2] = &backends;
    let site = format!(
        "<Proxy balancer://shop>
            BalancerMember {node1} route=node1 loadfactor=2
            BalancerMember {node2} route=node2
            BalancerMember {node3} route=node3
            ProxySet stickysession=SID
        </Proxy>
        <Proxy balancer://media>
            BalancerMember {m1}
            BalancerMember {m2} loadfactor=1.5
            ProxySet lbmethod=bytraffic
        </Proxy>
        ProxyPass /shop balancer://shop
        ProxyPass /img balancer://media"
    );
    let Some(httpd) = httpd(&site) else { return Vec::new() };
    let mixed = Mixed { httpd, ours: proxy(site), backends };
    vec![mixed.fleet(), mixed.restarted()]
}

impl Mixed {
    fn url(&self) -> String {
        format!("http://{}/balancer-manager", self.httpd.address())
    }

    /// A drain that is asked for in both, while another one holds in one.
    fn fleet(&self) -> Shot {
        self.ours.edit("shop", "node3", r#"{"disabled":true}"#);
        let home = folder();
        std::fs::create_dir(home.path().join("evenkeel")).unwrap();
        let socket = self.ours.admin().socket();
        let text = format!("[group.web]\ntargets = [\"{}\", \"{}\"]\n", socket.display(), self.url());
        std::fs::write(home.path().join("evenkeel/config.toml"), text).unwrap();
        let setup = console_with(&["--group", "web", "--write"]).size(120, 36);
        let terminal = setup.environment("XDG_CONFIG_HOME", &home.path().to_string_lossy()).open();
        terminal.wait_for("all 2 targets answer");
        terminal.wait_until("both tell of their members", |frame| {
            frame.line_with("shop/node1").is_some_and(|line| line.matches("● Ok").count() == 2)
                && frame.contains("0.0 req/s")
        });
        terminal.keys("jjd");
        terminal.wait_for("Drain shop/node1 in all 2 targets?");
        self.shot("fleet", terminal.settled())
    }

    /// A drain on the httpd alone, which a graceful restart has forgotten.
    fn restarted(&self) -> Shot {
        let terminal = console_with(&["--apache", &self.url(), "--write"]).size(120, 36).open();
        terminal.wait_for("Init Ok");
        terminal.keys("d");
        terminal.wait_for("Drain shop/node1?");
        terminal.keys("y");
        terminal.wait_for("◐ Drn Ok");
        self.httpd.restart_gracefully();
        terminal.wait_for("your drain of shop/node1 is gone");
        terminal.wait_for("requests of before are not counted any more");
        terminal.wait_until("nothing moves", |frame| frame.row(0).ends_with(" 0.0 req/s"));
        self.shot("apache", terminal.settled())
    }

    fn shot(&self, name: &'static str, mut frame: Frame) -> Shot {
        for (number, backend) in self.backends.iter().enumerate() {
            frame.mask(&backend.address().to_string(), &format!("127.0.0.1:{}", 19001 + number));
        }
        for (address, instead) in [(self.httpd.address(), 18081), (self.ours.address(), 18080)] {
            frame.mask(&address.to_string(), &format!("127.0.0.1:{instead}"));
            // A box may lie on the start of it.
            frame.mask(&format!(":{}/", address.port()), &format!(":{instead}/"));
        }
        frame.rewrite(&self.ours.run_folder().to_string_lossy(), "/run/evenkeel/web");
        frame.mask("##:##:##", "12:34:56");
        frame.rewrite(&format!("uid {}", rustix::process::geteuid().as_raw()), "anna");
        let mut text = frame.clone();
        text.mask("▒", " ");
        text.cut("last minute  now");
        Shot { name, picture: frame, text: text.to_string() }
    }
}
