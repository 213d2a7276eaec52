//! Who may come in, and as whom: names and passwords from wherever they are kept.

use std::process::Command;

use harness::terminal::console_with;

use super::*;

/// `anna` with the password `secret`, as htpasswd writes it with -s.
const USERS: &str = "anna:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\n";

/// A page at `/locked` that wants to know who asks.
pub(crate) fn locked(folder: &std::path::Path) -> Option<(Page, String)> {
    let users = folder.join("users");
    std::fs::write(&users, USERS).unwrap();
    let lines = format!(
        "ProxyPass /locked !\n<Location /locked>\nSetHandler balancer-manager\nAuthType Basic\nAuthName x\n\
         AuthBasicProvider file\nAuthUserFile {}\nRequire valid-user\n</Location>",
        users.display()
    );
    let page = of_httpd_with(&["auth_basic", "authn_core", "authn_file", "authz_user"], &lines)?;
    let url = format!("http://{}/locked", page.address);
    Some((page, url))
}

#[test]
fn a_password_comes_from_the_line_the_environment_the_address_or_a_file() {
    let folder = folder();
    let Some((page, url)) = locked(folder.path()) else { return };
    let netrc = folder.path().join("netrc");
    std::fs::write(&netrc, "machine 127.0.0.1 login anna password secret\n").unwrap();
    let netrc = netrc.to_string_lossy().into_owned();
    let within = url.replace("http://", "http://anna:secret@");
    let none = "/nonexistent/netrc";
    for (what, words, variables, code) in [
        ("nobody", vec!["--apache", &url], vec![("NETRC", none)], 5),
        ("line", vec!["--apache", &url, "--user", "anna:secret"], vec![("NETRC", none)], 0),
        ("wrong", vec!["--apache", &url, "--user", "anna:other"], vec![("NETRC", none)], 5),
        (
            "variable",
            vec!["--apache", &url, "--user", "anna"],
            vec![("NETRC", none), ("EVENKEEL_PASSWORD", "secret")],
            0,
        ),
        ("file", vec!["--apache", &url], vec![("NETRC", netrc.as_str())], 0),
        ("file, for that name", vec!["--apache", &url, "--user", "anna"], vec![("NETRC", netrc.as_str())], 0),
        ("address", vec!["--apache", &within], vec![("NETRC", none)], 0),
    ] {
        let mut command = Command::new(evenkeel());
        command.args(words).arg("status").env_remove("EVENKEEL_PASSWORD").envs(variables);
        let ended = finish(&mut command, "").with_code(code);
        assert!(!ended.err.contains("secret"), "{what}: {}", ended.err);
    }
    let terminal = console_with(&["--apache", &url]).open();
    terminal.wait_for("Nothing was heard from httpd yet.");
    let told = terminal.wait_for("name yourself with");
    assert!(told.contains("name yourself with --user NAME."), "{told}");
    let mut named = Command::new(evenkeel());
    named.arg("drain").arg("app/a").env("EVENKEEL_APACHE", &within).env_remove("EVENKEEL_SOCKET");
    finish(&mut named, "").with_code(0);
    assert_eq!(page.words("a"), "Init Drn Ok");
}

#[test]
fn members_are_completed_as_whom_the_line_says() {
    let folder = folder();
    let Some((_page, url)) = locked(folder.path()) else { return };
    let netrc = folder.path().join("netrc");
    let offered = |user: &str| {
        let words =
            ["evenkeel", "--apache", &url, "--user", user, "--header", "'X-Why: a test'", "drain", "app/"];
        let mut asked = Command::new(evenkeel());
        asked.arg("--").args(words).env("NETRC", &netrc).env_remove("EVENKEEL_SOCKET");
        let shell = [("EVENKEEL_COMPLETE", "bash"), ("_CLAP_COMPLETE_INDEX", "8"), ("_CLAP_IFS", "\n")];
        finish(asked.envs(shell), "").with_code(0).out
    };
    assert_eq!(offered("anna:secret"), "app/a\napp/b");
    assert_eq!(offered("'anna:secret'"), "app/a\napp/b", "a shell hands words over with their quotes");
    assert_eq!(offered("anna:wrong"), "");
}

#[test]
fn cookies_fields_and_another_host_are_sent_along_with_what_is_read_and_what_is_posted() {
    let guards = "ProxyPass /lent !\n<Location /lent>\nSetHandler balancer-manager\nRequire expr \
                  \"%{HTTP_COOKIE} =~ /(^|; )sso=1(;|$)/ && %{HTTP:X-Team} == 'ops' && %{HTTP_HOST} =~ /^lb9/\"\n</Location>";
    let Some(page) = of_httpd_with(&[], guards) else { return };
    let url = format!("http://{}/lent", page.address);
    let whole = ["--cookie", "a=b", "--cookie", "sso=1", "--header", "X-Team: ops", "--host", "lb9.example"];
    let drain = |options: &[&str]| {
        let words = [&["--apache", &url][..], options, &["drain", "app/a"]].concat();
        run(&evenkeel(), words)
    };
    for left_out in [0..4, 4..6, 6..8] {
        let mut options = whole.to_vec();
        options.drain(left_out.clone());
        let ended = drain(&options).with_code(5);
        assert!(ended.err.contains("does not let you in (403)"), "{left_out:?}: {}", ended.err);
    }
    drain(&whole).with_code(0);
    assert_eq!(page.words("a"), "Init Drn Ok");
}
