//! Arrows: which crate may name which, and which module. Each row says why.

use crate::source::Source;

/// A crate's manifest, and all that may stand among its dependencies.
const CRATES: &[(&str, &[&str], &str)] = &[
    (
        "protocol/Cargo.toml",
        &["serde", "percent-encoding", "unicode-properties"],
        "the vocabulary is plain data: nothing that blocks, does I/O or tells the time",
    ),
    (
        "proxy/balancer/Cargo.toml",
        &["evenkeel-protocol", "thiserror"],
        "the core is provably free of runtimes, loggers, clocks, files, sockets and serializers",
    ),
    (
        "proxy/Cargo.toml",
        &[
            "evenkeel-protocol",
            "evenkeel-balancer",
            "serde",
            "serde_json",
            "percent-encoding",
            "thiserror",
            "anyhow",
            "tokio",
            "hyper",
            "hyper-util",
            "http-body",
            "bytes",
            "httparse",
            "memchr",
            "itoa",
            "httpdate",
            "socket2",
            // Has the system hand over a connection when its client has sent something.
            "uapi",
            "rustix",
            "tracing-appender",
            "uzers",
            "crc32fast",
            "tracing",
            "tracing-subscriber",
            "annotate-snippets",
            // Patterns of `Header edit`: linear time, so no pattern of an operator is a trap.
            "regex",
            "strsim",
            // Nonces are compared in constant time.
            "subtle",
            // Basic authentication, and the forms of passwords that htpasswd writes.
            "base64",
            "bcrypt",
            "md-5",
            "sha1",
            "sha-crypt",
            "pwhash",
            // The name of an address, which the standard library does not tell.
            "dns-lookup",
            // Listeners of a service manager, and what it is told: both are kept, and small.
            "listenfd",
            "sd-notify",
            // Regular expressions of linear time, for the conditions of health checks.
            "regex",
            // The local times of the access log: the system's zone cannot be had without unsafe code otherwise.
            "jiff",
            "clap",
            // Its man page.
            "clap_mangen",
        ],
        "the proxy never names the console or a terminal crate; a new dependency needs a row here",
    ),
    (
        "console/Cargo.toml",
        &[
            "evenkeel-protocol",
            "evenkeel-proxy",
            "serde",
            "serde_json",
            "thiserror",
            "anyhow",
            "tokio",
            "futures-util",
            "reqwest",
            // The manager page of an httpd: TLS to it, its HTML, its XML, and names within its links.
            "rustls",
            // Names of machines in the program that is linked statically.
            "hickory-resolver",
            "html5gum",
            "quick-xml",
            "percent-encoding",
            "ratatui",
            "crossterm",
            "unicode-width",
            "base64",
            "tui-input",
            "jiff",
            "rustix",
            // Signals that wait while a password is typed.
            "nix",
            "clap",
            "clap_complete",
            // The words of a line that is completed, without their quotes.
            "shlex",
            "clap_mangen",
            "strsim",
            // Its own settings: key bindings and named groups.
            "toml",
            "tracing",
        ],
        "the console never names the core, and the proxy for the demo only; a new dependency needs a row here",
    ),
    (
        "tests/Cargo.toml",
        &[
            "evenkeel-protocol",
            "anyhow",
            "serde",
            "serde_json",
            "tempfile",
            "portable-pty",
            "vt100",
            "png",
            "fontdue",
            "rustix",
            "socket2",
            "unicode-width",
            "proptest",
        ],
        "tests start the programs and never link them; of ours they name the vocabulary only",
    ),
];

/// Modules of a crate, what they must not name, and why. `crate::` stands for the crate's own modules.
struct Fence {
    krate: &'static str,
    modules: &'static [&'static str],
    /// Modules to which the row does not apply.
    except: &'static [&'static str],
    never: &'static [&'static str],
    why: &'static str,
}

const FENCES: &[Fence] = &[
    Fence {
        krate: "proxy",
        modules: &[""],
        except: &["http", "admin"],
        never: &["hyper", "hyper_util", "http_body", "httparse"],
        why: "one HTTP room: no type of an HTTP library leaves the files that speak HTTP on the wire",
    },
    Fence {
        krate: "proxy",
        modules: &["config"],
        except: &[],
        never: &["tokio", "crate::registry", "crate::admin", "crate::handle", "crate::pool", "crate::server"],
        why: "reading a configuration is text in, settings out",
    },
    Fence {
        krate: "proxy",
        modules: &["handle", "exchange", "relay", "pool", "answer"],
        except: &[],
        never: &["crate::admin", "crate::config", "crate::server", "crate::options"],
        why: "the path of a request knows neither the admin interface nor the syntax of configurations",
    },
    Fence {
        krate: "proxy",
        modules: &["access_log"],
        except: &[],
        never: &[
            "tokio",
            "crate::http",
            "crate::handle",
            "crate::registry",
            "crate::server",
            "crate::config",
        ],
        why: "a line is made of what the log is told, and its one thread waits for nothing but disks",
    },
    Fence {
        krate: "proxy",
        modules: &["admin"],
        except: &[],
        never: &["crate::handle", "crate::pool", "crate::exchange", "crate::relay", "evenkeel_balancer"],
        why: "an operator's door leads to the registry and nowhere else",
    },
    Fence {
        krate: "proxy",
        modules: &["manager"],
        except: &[],
        never: &[
            "crate::admin",
            "crate::handle",
            "crate::pool",
            "crate::exchange",
            "crate::relay",
            "evenkeel_balancer",
        ],
        why: "the manager page is another syntax for what the registry does",
    },
    Fence {
        krate: "proxy",
        modules: &["access"],
        except: &[],
        never: &["crate::handle", "crate::registry", "crate::conversation", "crate::server"],
        why: "who may come is decided by what is asked, and by nothing that it leads to",
    },
    Fence {
        krate: "proxy",
        modules: &["heartmonitor"],
        except: &[],
        never: &["crate::admin", "crate::handle", "crate::exchange", "crate::relay", "crate::server"],
        why: "what members announce leads to the registry, whatever becomes of requests",
    },
    Fence {
        krate: "proxy",
        modules: &["registry"],
        except: &[],
        never: &[
            "crate::admin",
            "crate::handle",
            "crate::exchange",
            "crate::relay",
            "crate::pool",
            "crate::server",
            "crate::accept",
        ],
        why: "the registry stands below all who use it",
    },
    Fence {
        krate: "console",
        modules: &[""],
        except: &["demo"],
        never: &["evenkeel_proxy"],
        why: "the console talks to a proxy and does not contain one; the demo alone does",
    },
    Fence {
        krate: "console",
        modules: &[""],
        except: &[],
        never: &["evenkeel_balancer"],
        why: "who gets a request is the proxy's affair",
    },
    Fence {
        krate: "console",
        modules: &["model", "update"],
        except: &[],
        never: &["ratatui", "crossterm", "tokio", "crate::client", "crate::view"],
        why: "what is true and how it changes knows neither screen nor socket",
    },
    Fence {
        krate: "console",
        modules: &["view"],
        except: &[],
        never: &["tokio", "crossterm", "crate::client", "crate::update", "crate::effect"],
        why: "a view turns a model into cells, and does nothing",
    },
    Fence {
        krate: "console",
        modules: &["widget"],
        except: &[],
        never: &["crate::model", "crate::client", "crate::update", "crate::view"],
        why: "a widget knows no model",
    },
    Fence {
        krate: "console",
        modules: &["client"],
        except: &[],
        never: &["ratatui", "crossterm", "crate::model", "crate::view", "crate::update"],
        why: "a client brings messages; what they mean is decided elsewhere",
    },
    Fence {
        krate: "console",
        modules: &["cli"],
        except: &[],
        never: &["ratatui", "crossterm", "crate::model", "crate::view", "crate::update", "crate::screen"],
        why: "commands for scripts do not depend on the screen",
    },
];

/// Who may read the time; everybody else is told it.
const CLOCKS: &[&str] = &[
    "proxy/src/clock.rs",
    "console/src/screen.rs",
    "console/src/client/apache/clock.rs",
    "tests/harness/eventually.rs",
];

/// Dependencies of a manifest that its row does not allow.
pub(crate) fn crate_arrows(manifest: &Source) -> Vec<String> {
    let Some((_, allowed, why)) = CRATES.iter().find(|(path, ..)| *path == manifest.path) else {
        return match dependencies(&manifest.text).as_slice() {
            [] => Vec::new(),
            _ => vec!["is a crate that has no row in the table of crate arrows".to_owned()],
        };
    };
    let mut wrong: Vec<String> = dependencies(&manifest.text)
        .iter()
        .filter(|(name, _)| !allowed.contains(&name.as_str()))
        .map(|(name, _)| format!("depends on {name}: {why}"))
        .collect();
    let embeds =
        |(name, line): &(String, String)| name == "evenkeel-proxy" && !line.contains("optional = true");
    if manifest.path == "console/Cargo.toml" && dependencies(&manifest.text).iter().any(embeds) {
        wrong.push("evenkeel-proxy must be optional: the console without the demo links no proxy".to_owned());
    }
    wrong
}

/// The names and lines of a manifest's dependencies, without those of its tests.
fn dependencies(manifest: &str) -> Vec<(String, String)> {
    let mut section = "";
    let mut found = Vec::new();
    for line in manifest.lines().map(str::trim) {
        if let Some(header) = line.strip_prefix('[') {
            section = header.trim_end_matches(']');
        } else if section.ends_with("dependencies")
            && !section.contains("dev-")
            && !section.starts_with("workspace")
        {
            let name = line.split(['.', ' ', '=']).next().unwrap_or_default();
            if !name.is_empty() && !name.starts_with('#') {
                found.push((name.to_owned(), line.to_owned()));
            }
        }
    }
    found
}

/// What a module names although its row forbids it.
pub(crate) fn module_arrows(source: &Source) -> Vec<String> {
    let Some((krate, module)) = source.module() else { return Vec::new() };
    let rows = FENCES.iter().filter(|fence| {
        let within =
            |names: &[&str]| names.iter().any(|name| name.is_empty() || module.first() == Some(name));
        fence.krate == krate && within(fence.modules) && !within(fence.except)
    });
    let named = paths(&source.code(), &module);
    let mut wrong = Vec::new();
    for fence in rows {
        for never in fence.never {
            if let Some(path) = named.iter().find(|path| starts_with(path, never)) {
                wrong.push(format!("names {path}: {}", fence.why));
            }
        }
    }
    wrong
}

/// Does a path lead into `prefix`?
fn starts_with(path: &str, prefix: &str) -> bool {
    path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

/// All paths that code names, uses spread out and `self` and `super` resolved.
fn paths(code: &str, module: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = code;
    while let Some(at) = rest.find("::") {
        let before = &rest[..at];
        let start = before.rfind(|c: char| !(c.is_alphanumeric() || c == '_')).map_or(0, |at| at + 1);
        let end = rest[start..]
            .find([';', '(', '<', ')', '!', '=', '"', '?'])
            .map_or(rest.len(), |end| start + end);
        spread(&rest[start..end], "", &mut found);
        // Groups were spread whole; of a plain path only this one's segments are passed over.
        let next = if rest[start..end].contains('{') { end } else { at + 2 };
        rest = &rest[next.max(at + 2).min(rest.len())..];
    }
    found.into_iter().map(|path| resolved(&path, module)).collect()
}

/// Spreads `a::{b, c::{d, e}}` into its paths.
fn spread(tree: &str, prefix: &str, found: &mut Vec<String>) {
    let tree = tree.trim();
    let Some((head, group)) = tree.split_once('{') else {
        let path: String = tree.split_whitespace().next().unwrap_or_default().to_owned();
        let path = path.trim_end_matches([',', '}', ':', '{']);
        if !path.is_empty() {
            found.push(format!("{prefix}{path}"));
        }
        return;
    };
    let prefix = format!("{prefix}{}", head.split_whitespace().collect::<String>());
    let (mut depth, mut start) = (0, 0);
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => {
                spread(&group[start..at], &prefix, found);
                return;
            }
            '}' => depth -= 1,
            ',' if depth == 0 => {
                spread(&group[start..at], &prefix, found);
                start = at + 1;
            }
            _ => {}
        }
    }
    spread(&group[start..], &prefix, found);
}

fn resolved(path: &str, module: &[&str]) -> String {
    let mut at: Vec<&str> = module.to_vec();
    let mut rest = path;
    let mut relative = false;
    while let Some(behind) = rest.strip_prefix("super::") {
        at.pop();
        (rest, relative) = (behind, true);
    }
    if let Some(behind) = rest.strip_prefix("self::") {
        (rest, relative) = (behind, true);
    }
    if relative { [&["crate"], at.as_slice(), &[rest]].concat().join("::") } else { path.to_owned() }
}

/// Reading the time where it must be passed in.
pub(crate) fn clocks(source: &Source) -> Vec<String> {
    if CLOCKS.contains(&source.path.as_str()) {
        return Vec::new();
    }
    let code = source.code();
    ["Instant::now", "SystemTime::now", "Zoned::now", "Timestamp::now"]
        .iter()
        .filter(|call| code.contains(*call))
        .map(|call| format!("reads the time ({call}), which only {} may", CLOCKS.join(", ")))
        .collect()
}

/// The real console needs no test's word: of our crates the tests name the vocabulary only.
pub(crate) fn tests_link_nothing(source: &Source) -> Vec<String> {
    let inside = source.path.starts_with("tests/");
    let ours = ["evenkeel_proxy", "evenkeel_balancer"];
    let linked = |path: &String| ours.iter().any(|krate| starts_with(path, krate));
    if inside && paths(&source.code(), &[]).iter().any(linked) {
        return vec!["links a program under test instead of starting it".to_owned()];
    }
    Vec::new()
}

#[test]
fn a_dependency_without_a_row_is_noticed() {
    let manifest = |text: &str| crate_arrows(&Source::new("proxy/balancer/Cargo.toml", text));
    assert_eq!(
        manifest("[dependencies]\nthiserror.workspace = true\n[dev-dependencies]\ntokio = \"1\"\n").len(),
        0
    );
    assert_eq!(manifest("[dependencies]\ntokio = \"1\"\n").len(), 1);
    assert_eq!(manifest("[target.'cfg(unix)'.dependencies]\nhyper.workspace = true\n").len(), 1);
    assert_eq!(crate_arrows(&Source::new("new/Cargo.toml", "[dependencies]\nserde = \"1\"\n")).len(), 1);
    let console =
        |line: &str| crate_arrows(&Source::new("console/Cargo.toml", &format!("[dependencies]\n{line}\n")));
    assert_eq!(console("evenkeel-proxy = { workspace = true, optional = true }").len(), 0);
    assert_eq!(console("evenkeel-proxy.workspace = true").len(), 1);
}

#[test]
fn a_broken_module_arrow_is_noticed() {
    for (path, text, wrong) in [
        ("console/src/view/overview.rs", "use crate::client::Client;", 1),
        ("console/src/view/overview.rs", "use crate::{model::Model, update::{self, edit}};", 1),
        ("console/src/view/overview.rs", "fn f(e: &crate::effect::Effect) {}", 1),
        ("console/src/view/overview.rs", "use super::super::client::Client;", 1),
        ("console/src/view/overview.rs", "use crate::clients::X; use super::client;", 0),
        ("console/src/view/overview.rs", "#[cfg(test)]\nmod tests { use crate::client::Client; }", 0),
        ("console/src/model.rs", "use ratatui::Frame;", 1),
        ("console/src/screen.rs", "use evenkeel_proxy::start;", 1),
        ("console/src/demo.rs", "use evenkeel_proxy::start;", 0),
        ("proxy/src/handle.rs", "use crate::http::Head;\nuse hyper::Request;", 1),
        ("proxy/src/http/server.rs", "use hyper::Request;", 0),
        ("proxy/src/admin/endpoints.rs", "use evenkeel_balancer::Balancer;", 1),
        ("proxy/src/config/lexer.rs", "use crate::config::report::Report; // tokio::spawn", 0),
        ("proxy/src/config/lexer.rs", "fn f() { tokio::spawn(x) }", 1),
    ] {
        let found = module_arrows(&Source::new(path, text));
        assert_eq!(found.len(), wrong, "{path}: {text} gave {found:?}");
    }
}

#[test]
fn reading_the_time_is_noticed() {
    let clock = |path: &str| clocks(&Source::new(path, "fn f() { std::time::Instant::now(); }")).len();
    assert_eq!((clock("proxy/src/pool.rs"), clock("proxy/src/clock.rs")), (1, 0));
}

#[test]
fn linking_a_program_from_a_test_is_noticed() {
    let link = |text: &str| tests_link_nothing(&Source::new("tests/proxying/x.rs", text)).len();
    assert_eq!((link("use evenkeel_proxy::start;"), link("use evenkeel_protocol::Call;")), (1, 0));
}
