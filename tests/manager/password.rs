//! Basic authentication with files that htpasswd wrote.

use std::fs;
use std::process::Command;

use harness::prelude::*;

use super::PATH;

/// `name:password` as browsers send it.
pub(crate) fn basic(pair: &str) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::from("Basic ");
    for chunk in pair.as_bytes().chunks(3) {
        let bits =
            chunk.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for at in 0..4 {
            let letter = char::from(LETTERS[(bits >> (18 - 6 * at) & 63) as usize]);
            out.push(if at <= chunk.len() { letter } else { '=' });
        }
    }
    out
}

fn status(proxy: &Proxy, target: &str, pair: Option<&str>) -> u16 {
    let fields: Vec<(String, String)> =
        pair.map(|pair| ("Authorization".to_owned(), basic(pair))).into_iter().collect();
    let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    browser().try_send_with(proxy.address(), ("GET", target), &fields, b"").unwrap().status
}

/// A proxy whose page and whose member ask for users of the file `users` in its folder.
fn guarded(lines: &str, require: &str) -> (Proxy, Backend) {
    let [backend] = backends(["a"]);
    let folder = folder();
    fs::write(folder.path().join("users"), lines).unwrap();
    let auth = format!("AuthType Basic\nAuthName \"The \\\"inside\\\"\"\nAuthUserFile users\n{require}\n");
    let text = format!(
        "Listen 127.0.0.1:0\nCustomLog access.log \"%u %>s %U\"\n<Location {PATH}>\nSetHandler balancer-manager\n{auth}</Location>\n\
         <Location /inside>\n{auth}</Location>\nProxyPass {PATH} !\n{}",
        serving([&backend])
    );
    (Proxy::start(folder, &text), backend)
}

/// A line for `anna` with the password `secret`, as htpasswd writes it with this option.
fn line(option: &str) -> Option<String> {
    let written = Command::new("htpasswd").args(["-nb", option, "anna", "secret"]).output().ok()?;
    Some(String::from_utf8(written.stdout).unwrap().trim().to_owned()).filter(|line| !line.is_empty())
}

#[test]
fn every_form_of_htpasswd_opens_and_only_for_its_password() {
    for option in ["-B", "-s", "-m", "-d", "-2", "-5"] {
        let Some(line) = line(option) else { return skipped("no htpasswd is installed here") };
        let (proxy, _backend) = guarded(&format!("# users\nbert:x\n{line}\n"), "Require valid-user");
        for target in [PATH, "/inside", "/inside/x?y"] {
            assert_eq!(status(&proxy, target, None), 401, "{option}");
            for wrong in ["anna:Secret", "anna:", "bert:x", "nobody:secret", ":secret", "anna"] {
                assert_eq!(status(&proxy, target, Some(wrong)), 401, "{option} {wrong}");
            }
            for _ in 0..2 {
                assert_eq!(status(&proxy, target, Some("anna:secret")), 200, "{option} {line}");
            }
        }
        assert_eq!(status(&proxy, "/outside", None), 200);
    }
}

#[test]
fn only_named_users_come_and_the_page_knows_them() {
    let lines = "anna:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\nbert:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\n";
    let (proxy, _backend) = guarded(lines, "Require user anna");
    assert_eq!(status(&proxy, PATH, Some("anna:secret")), 200);
    let refused = browser().header("Authorization", &basic("bert:secret")).get(&proxy, PATH);
    assert_eq!(refused.status, 401);
    assert_eq!(refused.head.header("www-authenticate"), Some("Basic realm=\"The \\\"inside\\\"\""));
    let anna = || browser().header("Authorization", &basic("anna:secret"));
    let page = anna().get(&proxy, PATH).text();
    let nonce = page.split("nonce=").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let member = proxy.balancer("app").members[0].name.clone();
    let form = format!("b=app&w={member}&nonce={nonce}&w_ls=3");
    anna().header("Referer", "http://127.0.0.1/").send(&proxy, "POST", PATH, form.as_bytes());
    assert_eq!(proxy.member("app", &member).lbset.get(), 3);
    let events = serde_json::to_string(&proxy.admin().events(0)).unwrap();
    assert!(events.contains("\"user\":\"anna\""), "{events}");
    eventually_true("the log names who came, and nobody who did not", || {
        let log = fs::read_to_string(proxy.folder().join("access.log")).unwrap_or_default();
        // Each worker thread hands its lines on in its own time.
        let mut lines: Vec<&str> = log.lines().collect();
        lines.sort_unstable();
        lines == ["- 401", "anna 200", "anna 200", "anna 200"].map(|line| format!("{line} {PATH}"))
    });
}

#[test]
fn a_changed_file_counts_at_once_and_a_lost_one_closes() {
    let (proxy, _backend) = guarded("anna:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\n", "Require valid-user");
    assert_eq!(status(&proxy, "/inside", Some("anna:secret")), 200);
    let users = proxy.folder().join("users");
    fs::write(&users, "bert:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\n# another line\n").unwrap();
    eventually_true("anna is nobody any more", || status(&proxy, "/inside", Some("anna:secret")) == 401);
    assert_eq!(status(&proxy, "/inside", Some("bert:secret")), 200);
    fs::remove_file(&users).unwrap();
    eventually_true("nobody comes without the file", || {
        status(&proxy, "/inside", Some("bert:secret")) == 500
    });
}

#[test]
fn slow_passwords_do_not_hold_up_traffic() {
    let Ok(written) = Command::new("htpasswd").args(["-nbBC", "9", "anna", "secret"]).output() else {
        return skipped("no htpasswd is installed here");
    };
    let (proxy, _backend) = guarded(&String::from_utf8(written.stdout).unwrap(), "Require valid-user");
    std::thread::scope(|scope| {
        let guesses: Vec<_> = (0..12)
            .map(|at| {
                let proxy = &proxy;
                scope.spawn(move || status(proxy, "/inside", Some(&format!("anna:{at}"))))
            })
            .collect();
        let watch = Stopwatch::start();
        for _ in 0..20 {
            assert_eq!(status(&proxy, "/outside", None), 200);
        }
        assert!(watch.elapsed() < patience() / 2);
        let outcomes: Vec<u16> = guesses.into_iter().map(|guess| guess.join().unwrap()).collect();
        assert!(outcomes.iter().all(|status| matches!(status, 401 | 503)), "{outcomes:?}");
        assert!(outcomes.contains(&503), "more wait from one address than may: {outcomes:?}");
    });
    assert_eq!(status(&proxy, "/inside", Some("anna:secret")), 200);
}
