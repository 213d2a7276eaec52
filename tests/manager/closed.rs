//! Hundreds of requests under many configurations, ours beside a real httpd: whatever httpd does not let through, we do
//! not let through either.

use std::fmt::Write as _;
use std::fs;

use harness::httpd::httpd_with;
use harness::prelude::*;

use super::password::basic;

const MODULES: [&str; 6] =
    ["authz_host", "authz_user", "authz_groupfile", "authn_core", "authn_file", "auth_basic"];

/// Who knows which password, as SHA-1 forms of `secret`, and what no form is.
const USERS: &str = "# anna:{SHA}nobody\nanna:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\n bert:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\n\
                     empty:\nplain:secret\ncarl:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=:more\nanna:{SHA}x\nno colon\n";
const GROUPS: &str = "ops: anna carl\nadmin:bert\nempty:\n";

/// Lines of sections, one after the other, each on its own servers.
const SITES: &[&str] = &[
    // Nested sections, in and out of order.
    "<Location /a>\nBASIC\nRequire valid-user\n</Location>
     <Location /a/open>\nRequire all granted\n</Location>
     <Location /a/open/not>\nRequire all denied\n</Location>
     <Location /late/inner>\nRequire all granted\n</Location>
     <Location /late>\nRequire all denied\n</Location>
     <Location /slash/>\nRequire all denied\n</Location>
     <Location /both>\nRequire all denied\n</Location>\n<Location /both>\nRequire all granted\n</Location>",
    // How sections are merged.
    "<Location /m>\nBASIC\nRequire user anna\n</Location>
     <Location /m/and>\nAuthMerging And\nRequire group admin\n</Location>
     <Location /m/or>\nAuthMerging Or\nRequire group admin\n</Location>
     <Location /m/off>\nAuthMerging Off\n</Location>
     <Location /m/off/x>\nRequire group ops\n</Location>
     <Location /m/same>\nAuthName two\n</Location>
     <Location /m/and/none>\nAuthMerging And\nAuthType None\n</Location>
     <Location /m/or/none>\nAuthMerging Or\nRequire all denied\n</Location>
     <Location /n>\nAuthMerging And\nRequire all granted\n</Location>
     <Location /n/x>\nAuthMerging And\nRequire all denied\n</Location>",
    // Rules and their sections.
    "<Location /r/1>\nRequire method GET\n</Location>
     <Location /r/2>\nRequire method POST\n</Location>
     <Location /r/3>\n<RequireAll>\nRequire all granted\nRequire not method GET\n</RequireAll>\n</Location>
     <Location /r/4>\nRequire forward-dns localhost\n</Location>
     <Location /r/5>\nRequire forward-dns nowhere.invalid\n</Location>
     <Location /r/6>\nBASIC\n<RequireAll>\nRequire valid-user\nRequire not group ops\n</RequireAll>\n</Location>
     <Location /r/7>\nBASIC\n<RequireAny>\nRequire ip 10\nRequire group ops\n</RequireAny>\n</Location>
     <Location /r/8>\nBASIC\n<RequireAll>\nRequire local\n<RequireNone>\nRequire user anna\nRequire ip 10\n</RequireNone>\n</RequireAll>\n</Location>
     <Location /r/9>\nBASIC\n<RequireAll>\n<RequireAny>\nRequire user bert\nRequire user anna\n</RequireAny>\nRequire not ip 127.0.0.1\n</RequireAll>\n</Location>
     <Location /r/10>\nBASIC\nRequire user ANNA\n</Location>
     <Location /r/11>\nBASIC\nRequire group OPS\n</Location>
     <Location /r/12>\nAuthType None\nRequire valid-user\n</Location>
     <Location /r/13>\nAuthType Basic\nAuthName x\nRequire valid-user\n</Location>
     <Location /r/14>\nAuthType Basic\nAuthName x\nAuthUserFile /nowhere/at/all\nRequire valid-user\n</Location>
     <Location /r/15>\nAuthType Basic\nAuthName x\nAuthUserFile USERS\nAuthGroupFile /nowhere/at/all\nRequire group ops\n</Location>\n     <Location /r/17>\nAuthType Basic\nAuthName x\nAuthUserFile USERS\nAuthGroupFile /nowhere/at/all\n<RequireAll>\nRequire valid-user\nRequire not group ops\n</RequireAll>\n</Location>
     <Location /r/16>\nAuthType Basic\nAuthName x\nAuthUserFile USERS\nRequire group ops\n</Location>",
    // Sections of balancers, and what counts over them.
    "<Proxy balancer://app>\nRequire all denied\n</Proxy>
     <Proxy balancer://app/>\nRequire all granted\n</Proxy>",
    "<Proxy balancer://app2>\nRequire all denied\n</Proxy>
     <Proxy balancer://app/>\nRequire all granted\n</Proxy>",
    "<Proxy *>\nRequire all denied\n</Proxy>
     <Proxy balancer://ap>\nBalancerMember http://127.0.0.1:9\nRequire all granted\n</Proxy>
     <Location /two/x>\nRequire all denied\n</Location>",
    // Odd paths of sections.
    "<Location /odd>\nRequire all denied\n</Location>
     <Location /odd/%41>\nRequire all granted\n</Location>
     <Location /odd/%2541>\nRequire all granted\n</Location>
     <Location /odd/Case>\nRequire all granted\n</Location>
     <Location \"/odd/a b\">\nRequire all granted\n</Location>
     <Location /odd/q>\nRequire all granted\n</Location>
     <Location /odd/p;x>\nRequire all granted\n</Location>
     <Location /odd/dot/..>\nRequire all granted\n</Location>
     <Location /odd/tail/>\nRequire all granted\n</Location>",
];

const PATHS: &[&str] = &[
    "/",
    "/a",
    "/a/",
    "/a/x",
    "/ab",
    "/A",
    "//a",
    "/a//x",
    "/%61",
    "/a%2fx",
    "/a%2Fopen",
    "/a;x",
    "/a%3bx",
    "/;/a",
    "/a;x/open",
    "/a/open",
    "/a/open/",
    "/a/openx",
    "/a/open;y",
    "/a//open",
    "/a/./open",
    "/a/open/../x",
    "/x/../a",
    "/a/..",
    "/./a",
    "/a/open/not",
    "/a/open//not",
    "/a/open/n%6ft",
    "/a/open;z/not",
    "/a?open",
    "/a%3fopen",
    "/a/open%00",
    "/a%",
    "/a%zz",
    "/a\\open",
    "/late",
    "/late/inner",
    "/slash",
    "/slash/",
    "/slash/x",
    "//slash/",
    "/both",
    "/m",
    "/m/and",
    "/m/or",
    "/m/off",
    "/m/off/x",
    "/m/same",
    "/m/and/none",
    "/m/or/none",
    "/n",
    "/n/x",
    "/r/1",
    "/r/2",
    "/r/3",
    "/r/4",
    "/r/5",
    "/r/6",
    "/r/7",
    "/r/8",
    "/r/9",
    "/r/10",
    "/r/11",
    "/r/12",
    "/r/13",
    "/r/14",
    "/r/15",
    "/r/16",
    "/r/17",
    "/two",
    "/two/x",
    "/two//x",
    "/%74wo/x",
    "/two/y",
    "/odd",
    "/odd/two",
    "//odd/two",
    "/odd/x",
    "/odd//x",
    "/odd/A",
    "/odd/%41",
    "/odd/%2541",
    "/odd/Case",
    "/odd/case",
    "/odd/a%20b",
    "/odd/q",
    "/odd/q?x",
    "/odd/q%3fx",
    "/odd/p;x",
    "/odd/p",
    "/odd/p%3bx",
    "/odd/dot/..",
    "/odd/dot",
    "/odd/tail",
    "/odd/tail/",
    "/ODD/Case",
];

/// Names and passwords that are tried where one is asked for.
const PROOFS: &[&str] = &[
    "anna:secret",
    "bert:secret",
    "carl:secret",
    "anna:wrong",
    "ANNA:secret",
    "empty:",
    "empty:secret",
    "plain:secret",
    ":secret",
    "anna",
    "anna:secret\0x",
    "nobody:secret",
    "# anna:nobody",
];

fn site(lines: &str, folder: &std::path::Path, backend: &Backend) -> String {
    let (users, groups) = (folder.join("users"), folder.join("groups"));
    let basic = format!(
        "AuthType Basic\nAuthName one\nAuthUserFile {}\nAuthGroupFile {}",
        users.display(),
        groups.display()
    );
    let lines = lines.replace("BASIC", &basic).replace("USERS", &users.display().to_string());
    format!(
        "{lines}\n<Proxy balancer://app>\nBalancerMember {backend}\n</Proxy>\n\
         <Proxy balancer://app2>\nBalancerMember {backend}\n</Proxy>\n\
         ProxyPass /two balancer://app2/two\nProxyPass / balancer://app/"
    )
}

#[test]
fn nothing_is_more_open_than_in_httpd() {
    let [backend] = backends(["a"]);
    let (mut asked, mut more, mut other) = (0, String::new(), String::new());
    for lines in SITES {
        let folder = folder();
        fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        fs::write(folder.path().join("users"), USERS).unwrap();
        fs::write(folder.path().join("groups"), GROUPS).unwrap();
        let text = site(lines, folder.path(), &backend);
        let Some(httpd) = httpd_with(&MODULES, &text) else { return };
        let proxy = proxy(&text);
        for path in PATHS {
            let statuses = |proof: &str| {
                let field = basic(proof);
                let fields = [("Authorization", field.as_str())];
                let fields = if proof.is_empty() { &[][..] } else { &fields };
                [proxy.address(), httpd.address()]
                    .map(|to| browser().try_send_with(to, ("GET", path), fields, b"").unwrap().status)
            };
            let nobody = statuses("");
            let asks = nobody.iter().any(|status| matches!(status, 401 | 500));
            let rest = PROOFS.iter().filter(|_| asks).map(|proof| (*proof, statuses(proof)));
            for (proof, [own, foreign]) in std::iter::once(("", nobody)).chain(rest) {
                asked += 1;
                if own == 200 && foreign != 200 {
                    let _ =
                        writeln!(more, "{path} by '{proof}': {own}, httpd {foreign} under {}", &lines[..40]);
                } else if own != foreign {
                    let _ = writeln!(other, "{path} by '{proof}': {own}, httpd {foreign}");
                }
            }
        }
    }
    assert!(asked > 1000, "{asked} requests");
    assert!(more.is_empty(), "more open than httpd:\n{more}\nother differences:\n{other}");
    // Who is in no group because nobody can read which, does not come in.
    assert!(other.contains("/r/17 by 'anna:secret': 500, httpd 200"), "{other}");
}
