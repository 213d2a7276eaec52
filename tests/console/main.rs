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
mod leaving;
mod lock;
mod rolling;
mod roster;
mod screen;
mod settings;
mod shell;
mod undo;

use harness::frame::Frame;
use harness::prelude::*;
use harness::terminal::{Setup, console_with};

/// Two members with routes a and b, sticky, and their proxy.
fn pair() -> (Proxy, [Backend; 2]) {
    pair_with("")
}

/// The same with more parameters of the balancer.
fn pair_with(parameters: &str) -> (Proxy, [Backend; 2]) {
    let backends = backends(["a", "b"]);
    let [a, b] = &backends;
    let proxy = proxy(format!(
        "<Proxy balancer://app>
            BalancerMember {a} route=a
            BalancerMember {b} route=b
            ProxySet stickysession=SID {parameters}
        </Proxy>
        ProxyPass /app balancer://app
        ProxyPass / balancer://app/"
    ));
    (proxy, backends)
}

/// The words of a command about that proxy.
fn words(proxy: &Proxy, line: &str) -> Vec<String> {
    let socket = proxy.admin().socket().to_string_lossy().into_owned();
    ["--socket".to_owned(), socket].into_iter().chain(line.split(' ').map(str::to_owned)).collect()
}

/// A command about that proxy, once it has ended.
fn command(proxy: &Proxy, line: &str) -> Ended {
    run(&evenkeel(), words(proxy, line))
}

/// Does the screen show this command, as one has to type it to reach that proxy? It may take several lines, and stand in a
/// box.
fn shows_command(frame: &Frame, proxy: &Proxy, line: &str) -> bool {
    let together = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
    let shown = frame.to_string();
    let shown: String = shown.lines().map(|row| together(row.split('│').nth(1).unwrap_or(row))).collect();
    shown.contains(&together(&format!("evenkeel {}", words(proxy, line).join(" "))))
}

/// Presses the key that takes the last change back until the console has seen that change and asks this.
#[track_caller]
fn asked_to_undo(terminal: &Terminal, question: &str) -> String {
    eventually("the console shows the change, and asks", || {
        terminal.keys("u");
        Some(terminal.settled().to_string()).filter(|shown| shown.contains(question))
    })
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
