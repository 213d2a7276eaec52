//! The real console in a real terminal, its commands, and the demo.

mod change;
mod command;
mod connection;
mod demo;
mod drain;
mod fleet;
mod following;
mod hands;
mod hostile;
mod keys;
mod lock;
mod rolling;
mod roster;
mod screen;
mod settings;
mod shell;
mod undo;

use harness::prelude::*;
use harness::terminal::{Setup, console_with};

/// Two members with routes a and b, sticky, and their proxy.
fn pair() -> (Proxy, [Backend; 2]) {
    let backends = backends(["a", "b"]);
    let [a, b] = &backends;
    let proxy = proxy(format!(
        "<Proxy balancer://app>
            BalancerMember {a} route=a
            BalancerMember {b} route=b
            ProxySet stickysession=SID
        </Proxy>
        ProxyPass /app balancer://app
        ProxyPass / balancer://app/"
    ));
    (proxy, backends)
}

/// The console on that proxy, open for changes, once it shows its members.
#[track_caller]
fn opened(proxy: &Proxy) -> Terminal {
    let terminal = writing(proxy).open();
    terminal.wait_for("Init Ok");
    terminal
}

/// The console on that proxy, open for changes from the start.
fn writing(proxy: &Proxy) -> Setup {
    console_with(&["--write", "--socket", &proxy.admin().socket().to_string_lossy()])
}
