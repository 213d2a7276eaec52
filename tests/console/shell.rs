//! What a shell and a pager get of the command: completions with the members of a live proxy, manual pages, and the
//! overrides as directives that both proxies take.

use std::fs;
use std::process::Command;

use evenkeel_protocol::{Call, Overrides};
use harness::httpd;
use harness::prelude::*;
use harness::terminal::{Terminal, console_with};

/// A real bash completes the last of `words`, as at a press of the key; what it would offer.
fn completed(words: &[&str]) -> Vec<String> {
    completed_with(None, words)
}

/// As [`completed`], with settings in that folder.
fn completed_with(settings: Option<&str>, words: &[&str]) -> Vec<String> {
    let script = format!(
        "source <(evenkeel completions bash)\n\
         COMP_WORDS=({}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); COMP_TYPE=9\n\
         _clap_complete_evenkeel evenkeel \"${{COMP_WORDS[COMP_CWORD]}}\" \"${{COMP_WORDS[COMP_CWORD-1]}}\"\n\
         printf '%s\\n' \"${{COMPREPLY[@]}}\"",
        words.iter().map(|word| format!("'{word}'")).collect::<Vec<_>>().join(" ")
    );
    let mut bash = Command::new("bash");
    bash.args(["--norc", "-c", &script]).env("PATH", path());
    bash.envs(settings.map(|folder| ("XDG_CONFIG_HOME", folder)));
    let ended = finish(&mut bash, "");
    ended.with_code(0).out.split_whitespace().map(str::to_owned).collect()
}

/// Where a shell finds the command.
fn path() -> String {
    let program = evenkeel();
    let others = std::env::var("PATH").unwrap_or_else(|_| "/usr/bin:/bin".to_owned());
    format!("{}:{others}", program.parent().unwrap().display())
}

/// Is that shell installed? It is told where it is not.
fn has(shell: &str) -> bool {
    let there = Command::new(shell).arg("--version").output().is_ok();
    if !there {
        skipped(&format!("there is no {shell} here"));
    }
    there
}

/// A real fish completes the last word of a line; what it would offer.
fn completed_by_fish(line: &str) -> Vec<String> {
    let script = format!("evenkeel completions fish | source; complete -C '{line}'");
    let home = folder();
    let mut fish = Command::new("fish");
    fish.args(["--no-config", "-c", &script]).env("PATH", path()).env("HOME", home.path());
    let ended = finish(&mut fish, "").with_code(0);
    // Behind a tabulator it says what an offer is.
    ended.out.lines().map(|line| line.split('\t').next().unwrap().to_owned()).collect()
}

fn named() -> (Proxy, [Backend; 2]) {
    let [a, b] = backends(["a", "b"]);
    let proxy = proxy(serving([format!("{a} route=node1 retry=7"), format!("{b} route=node2")]));
    (proxy, [a, b])
}

#[test]
fn bash_completes_members_of_the_proxy_that_runs() {
    let (proxy, _backends) = named();
    let socket = proxy.admin().socket().display().to_string();
    for command in ["drain", "undrain", "disable", "stop", "standby", "set", "status"] {
        let offers = completed(&["evenkeel", "--socket", &socket, command, "app/n"]);
        assert_eq!(offers, ["app/node1", "app/node2"], "{command}");
    }
    assert_eq!(completed(&["evenkeel", "--socket", &socket, "drain", "app/node2"]), ["app/node2"]);
    assert_eq!(completed(&["evenkeel", "--socket", &socket, "export", "a"])[0], "app");
    for line in ["add ap", "roll ap", "elections ap", "explain / --balancer ap"] {
        let words = ["evenkeel", "--socket", &socket].into_iter().chain(line.split(' '));
        assert_eq!(completed(&words.collect::<Vec<_>>()), ["app"], "{line}");
    }
    // Silent where nobody answers.
    let nowhere = proxy.folder().join("nowhere").display().to_string();
    assert_eq!(completed(&["evenkeel", "--socket", &nowhere, "drain", "app/n"]), [""; 0]);
}

/// Lines, and the words that may stand at their end.
const CHOICES: [(&str, &[&str]); 8] = [
    ("drain app/a --on-timeout ", &["fail", "stop", "cut", "restore"]),
    ("drain app/a --until ", &["idle", "no-sessions"]),
    ("wait app/a ", &["healthy", "idle", "drained"]),
    ("wait app/a h", &["healthy"]),
    ("set app/a lbs", &["lbset="]),
    ("add app http://h:1 rou", &["route="]),
    ("history app --series p", &["p50", "p90", "p99"]),
    ("history app --series busy,p50,p", &["busy,p50,p90", "busy,p50,p99"]),
];

#[test]
fn bash_completes_the_words_that_a_value_can_be() {
    for (line, offers) in CHOICES {
        let words: Vec<&str> = std::iter::once("evenkeel").chain(line.split(' ')).collect();
        assert_eq!(without_options(completed(&words)), offers, "{line}");
    }
}

/// Where nothing is begun, options can come, too.
fn without_options(offers: Vec<String>) -> Vec<String> {
    offers.into_iter().filter(|offer| !offer.starts_with('-')).collect()
}

#[test]
fn fish_completes_the_words_that_a_value_can_be() {
    if !has("fish") {
        return;
    }
    for (line, offers) in CHOICES {
        let mut offered = without_options(completed_by_fish(&format!("evenkeel {line}")));
        offered.sort_unstable();
        let mut offers = offers.to_vec();
        offers.sort_unstable();
        assert_eq!(offered, offers, "{line}");
    }
}

#[test]
fn bash_completes_members_of_all_targets_and_groups() {
    let (one, _backends) = named();
    let [c] = backends(["c"]);
    let two = proxy(serving([format!("{c} route=node3")]));
    let [first, second] = [&one, &two].map(|proxy| proxy.admin().socket().display().to_string());
    let all = ["app/node1", "app/node2", "app/node3"];
    let sockets = ["evenkeel", "--socket", &first, "--socket", &second, "drain", "app/n"];
    assert_eq!(completed(&sockets), all);
    let settings = folder();
    fs::create_dir(settings.path().join("evenkeel")).unwrap();
    let groups = format!(
        "[group.web]\ntargets = ['{first}', '{second}', '/nonexistent/x']\n[group.api]\ntargets = ['/x']\n"
    );
    fs::write(settings.path().join("evenkeel/config.toml"), groups).unwrap();
    let here = settings.path().to_str();
    assert_eq!(completed_with(here, &["evenkeel", "--group", ""]), ["api", "web"]);
    assert_eq!(completed_with(here, &["evenkeel", "--group", "web", "drain", "app/n"]), all);
}

#[test]
fn fish_completes_members_of_the_proxy_that_runs() {
    if !has("fish") {
        return;
    }
    let (proxy, _backends) = named();
    let socket = proxy.admin().socket().display();
    let offers = |rest: &str| completed_by_fish(&format!("evenkeel --socket {socket} {rest}"));
    assert_eq!(offers("drain app/n"), ["app/node1", "app/node2"]);
    assert_eq!(offers("set app/node2"), ["app/node2"]);
    assert_eq!(offers("export a")[0], "app");
    let nowhere = proxy.folder().join("nowhere").display().to_string();
    assert_eq!(completed_by_fish(&format!("evenkeel --socket {nowhere} drain app/n")), [""; 0]);
    assert!(completed_by_fish("evenkeel undr").contains(&"undrain".to_owned()));
}

/// A real zsh at its prompt `> `, which completes the command.
fn completing_zsh() -> Terminal {
    let zsh = console_with(&["-f", "-i"]).program("zsh").size(160, 40).environment("PATH", &path());
    let zsh = zsh.environment("PS1", "> ").open();
    zsh.wait_for(">");
    zsh.keys("autoload -Uz compinit && compinit -u -D && source <(evenkeel completions zsh) && echo rea''dy<enter>");
    zsh.wait_for("ready");
    zsh
}

#[test]
fn zsh_completes_the_words_that_a_value_can_be() {
    if !has("zsh") {
        return;
    }
    let zsh = completing_zsh();
    for (line, offers) in CHOICES {
        zsh.keys("<c-u><c-l>");
        zsh.wait_until("nothing is left of before", |frame| frame.to_string().trim() == ">");
        // A single one is put into the line, several are listed below it once what they have in common is there.
        zsh.keys(&format!("evenkeel {line}{}", if offers.len() > 1 { "<tab><tab>" } else { "<tab>" }));
        zsh.wait_until(line, |frame| {
            let shown = frame.to_string();
            let listed = shown.lines().skip(1).flat_map(str::split_whitespace);
            match offers {
                [one] => shown.contains(&format!("> evenkeel {}{one}", begun(line))),
                several => several.iter().all(|offer| listed.clone().any(|word| word == *offer)),
            }
        });
    }
}

/// A line without the word that is begun at its end.
fn begun(line: &str) -> &str {
    line.rfind(' ').map_or("", |at| &line[..=at])
}

#[test]
fn zsh_completes_members_of_the_proxy_that_runs() {
    if !has("zsh") {
        return;
    }
    let (proxy, _backends) = named();
    let zsh = completing_zsh();
    // As people do it: a word is begun, and the key of completion pressed.
    zsh.keys(&format!("evenkeel --socket {} drain app/n<tab><tab>", proxy.admin().socket().display()));
    zsh.wait_until("it offers both", |frame| {
        frame.to_string().lines().any(|line| line.contains("app/node1") && line.contains("app/node2"))
    });
    zsh.keys("<c-u>evenkeel undr<tab>");
    zsh.wait_for("> evenkeel undrain");
}

#[test]
fn bash_puts_words_together_that_readline_has_broken() {
    if !has("bash") {
        return;
    }
    let (proxy, _backends) = named();
    let socket = proxy.admin().socket().display().to_string();
    let script = format!(
        "source <({} completions bash)\n\
         COMP_LINE='evenkeel --socket={socket} drain app/' COMP_WORDS=(evenkeel --socket = {socket} drain app/)\n\
         COMP_CWORD=5 COMP_TYPE=9 COMP_POINT=${{#COMP_LINE}}\n\
         _evenkeel_whole_words evenkeel app/ drain\n\
         printf '%s\\n' \"${{COMPREPLY[@]}}\"",
        evenkeel().display()
    );
    let mut bash = Command::new("bash");
    bash.args(["-c", &script]).env("PATH", path()).env_remove("EVENKEEL_SOCKET");
    let offered = finish(&mut bash, "").with_code(0).out;
    assert!(
        offered.lines().count() == 2 && offered.lines().all(|offer| offer.starts_with("app/")),
        "{offered}"
    );
}

#[test]
fn bash_completes_every_command_that_the_manual_names() {
    let page = run(&evenkeel(), ["man"]).with_code(0).out;
    let offers = completed(&["evenkeel", ""]);
    let headings = page.lines().filter_map(|line| line.strip_prefix(".SH \"EVENKEEL "));
    let commands: Vec<String> = headings.map(|rest| rest.trim_end_matches('"').to_lowercase()).collect();
    assert!(commands.len() >= 12, "{commands:?}");
    for command in commands {
        assert!(offers.contains(&command), "{command} is not among {offers:?}");
    }
    let page = run(&evenkeel_proxy(), ["--man"]).with_code(0).out;
    assert!(page.contains(".TH evenkeel-proxy 8") && page.contains("\\-\\-run\\-dir"), "{page}");
}

#[test]
fn what_is_exported_is_taken_by_both_and_leaves_nothing_overridden() {
    let (mut proxy, [a, b]) = named();
    let reason = r#""reason":"it's 5 o'clock # $HOME \"x\" \\""#;
    proxy.edit("app", "node1", &format!("{{\"drain\":true,\"lbfactor\":2.5,{reason}}}"));
    let odd = r##"{"hcmethod":"GET","hcuri":"/${PATH}?a=%2f$x\\\"#\"${"}"##;
    proxy.edit("app", "node1", odd);
    proxy.edit("app", "node2", r#"{"route":"other","lbset":3,"standby":true,"redirect":"node1"}"#);
    proxy.edit_balancer(
        "app",
        r#"{"lbmethod":"bybusyness","maxattempts":1,"timeout":4,"stickysession":"A|b"}"#,
    );
    let socket = proxy.admin().socket().display().to_string();
    for reader in ["evenkeel", "httpd"] {
        let text = run(&evenkeel(), ["--socket", &socket, "export", "app", "--for", reader]).with_code(0).out;
        for line in [
            format!(
                "BalancerMember {a} route=node1 retry=7 loadfactor=2.50 hcmethod=GET \"hcuri=/${{EVENKEEL_DOLLAR}}"
            ),
            format!("BalancerMember {b} lbset=3 route=other redirect=node1 status=+H\n"),
            "ProxySet stickysession=A|b\n".to_owned(),
            "    # drain On, configured Off; by ".to_owned(),
        ] {
            assert!(text.contains(&line), "{line} is not in {text}");
        }
        let whole = format!("{text}ProxyPass / balancer://app/\n");
        if let Some(taken) = httpd::accepts(&whole) {
            assert!(taken, "httpd refuses {whole}");
        }
        let file = proxy.folder().join("exported.conf");
        fs::write(&file, format!("Listen 127.0.0.1:0\n{whole}")).unwrap();
        let checked = run(&evenkeel_proxy(), ["-t".as_ref(), "-f".as_ref(), file.as_os_str()]);
        assert!(checked.with_code(0).err.contains("Syntax OK"));
        if reader == "httpd" {
            let reloaded = proxy.reload(whole);
            assert_eq!((reloaded.kept.len(), reloaded.dropped.len()), (0, 0), "{reloaded:?}");
            assert_eq!(reloaded.absorbed.len(), 12, "{reloaded:?}");
        }
    }
    let overrides: Overrides = proxy.admin().get(&Call::Overrides);
    assert_eq!((overrides.fields, overrides.lines), (Vec::new(), Vec::new()));
    let member = proxy.member("app", "node1");
    assert_eq!((member.words.as_str(), member.lbfactor.to_string().as_str()), ("Init Drn Ok", "2.50"));
    assert_eq!(proxy.balancer("app").settings.maxattempts, Some(1));
    let told = run(&evenkeel(), ["--socket", &socket, "export"]).with_code(0);
    assert!(told.out.is_empty() && told.err.contains("nothing is overridden"), "{told:?}");
}
