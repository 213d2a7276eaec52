//! Leaving the console while something depends on it.

use harness::httpd::httpd;
use harness::prelude::*;
use harness::terminal::console_with;

#[test]
fn nobody_leaves_unawares_while_the_deadline_of_an_httpd_depends_on_the_console() {
    let [a, b] = backends(["a", "b"]);
    let site = serving([format!("{a} route=a"), format!("{b} route=b")]);
    let Some(httpd) = httpd(&site) else { return };
    let ours = proxy(site);
    let url = format!("http://{}/balancer-manager", httpd.address());
    let socket = ours.run_folder().display().to_string();
    let arguments = ["--write", "--socket", &socket, "--apache", &url];
    let terminal = console_with(&arguments).size(120, 36).open();
    terminal.wait_until("both tell of their members", |frame| {
        frame.line_with("app/a").is_some_and(|line| line.matches("● Ok").count() == 2)
    });
    terminal.keys("jjd");
    terminal.wait_for("Drain app/a in all 2 targets?");
    terminal.keys("<tab><tab><c-u>9m<tab>s<tab><c-u>60s<enter>");
    terminal.wait_for("--on-timeout stop --wait");
    terminal.keys("y");
    terminal.wait_for("done in all 2 targets that have it");
    terminal.keys("<esc>q");
    terminal.wait_for("Only this console acts at these deadlines");
    terminal.wait_for(": app/a in ");
    terminal.keys("n");
    terminal.wait_gone("Only this console");
    terminal.keys("g<enter>");
    terminal.wait_for("F fleet");
    terminal.keys("q");
    terminal.wait_for("Only this console acts at these deadlines");
    terminal.keys("y");
    assert_eq!(terminal.ended(), 0);
}
