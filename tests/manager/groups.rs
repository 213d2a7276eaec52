//! `Require group`: who is in which group of a file, beside a real httpd.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use harness::httpd::httpd_with;

use super::password::basic;
use super::*;

const NAMES: &[&str] =
    &["anna", "bert", "x y", "q\"t", "a'b", "b\\c", "anna\"bert\"", "annabert", "anna bert", "ünal"];

/// A group a line, or what looks like one; a line that goes on counts for one.
const GROUPS: &[&str] = &[
    "g0: \"anna\" bert",
    "g1: 'x y' \"q\\\"t\"",
    "g2: anna\"bert\"",
    "g3: \"anna\"bert",
    "g4: \"anna",
    "g5: anna # bert",
    "g6 : \\\n  anna",
    "g7:: anna",
    "g8: b\\\\c",
    "g9: \"b\\c\"",
    "#g10: anna",
    " # g11: anna",
    "\"g12\": anna",
    "g13 anna",
    "  g14:anna\tbert\r",
    "g15: \"a'b\" ünal",
    "g16: x\\ y",
    "g17: anna\\\nbert",
    "g18: \"anna bert",
    "g19:",
    "G20: anna",
    "g21: x: anna",
];

#[test]
fn a_file_of_groups_means_what_it_means_to_httpd() {
    let [backend] = backends(["a"]);
    let folder = folder();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    // Each of them has the password `secret`.
    let mut users = String::new();
    for name in NAMES {
        let _ = writeln!(users, "{name}:{{SHA}}5en6G6MezRroT3XKqkdPOmY/BfQ=");
    }
    fs::write(folder.path().join("users"), users).unwrap();
    fs::write(folder.path().join("groups"), GROUPS.join("\n")).unwrap();
    let mut text = serving([&backend]);
    for at in 0..GROUPS.len() {
        let _ = write!(
            text,
            "\n<Location /g/{at}>\nAuthType Basic\nAuthName x\nAuthUserFile {0}/users\nAuthGroupFile {0}/groups\n\
             Require group g{at}\n</Location>",
            folder.path().display()
        );
    }
    let modules = ["auth_basic", "authn_core", "authn_file", "authz_user", "authz_groupfile"];
    let Some(httpd) = httpd_with(&modules, &text) else { return };
    let proxy = proxy(&text);
    let mut admitted = 0;
    for (at, line) in GROUPS.iter().enumerate() {
        for name in NAMES {
            let field = basic(&format!("{name}:secret"));
            let path = format!("/g/{at}");
            let [own, foreign] = [proxy.address(), httpd.address()].map(|to| {
                let fields = [("Authorization", field.as_str())];
                browser().try_send_with(to, ("GET", &path), &fields, b"").unwrap().status
            });
            assert_eq!(own, foreign, "{name} under {line}");
            admitted += usize::from(own == 200);
        }
    }
    assert!(admitted > 15, "{admitted} came in");
}
