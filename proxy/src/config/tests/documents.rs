//! Pages for errors: texts, redirections and files.

use std::fs;
use std::path::Path;

use super::*;

fn document(line: &str) -> (BTreeMap<u16, ErrorDocument>, Vec<String>) {
    let config = loaded(&format!("Listen 80\n{line}\n"));
    let told = warnings(&config);
    (config.error_documents, told)
}

#[test]
fn texts_and_redirections() {
    let text = |text: &str| Some(ErrorDocument::Text(text.to_owned()));
    let redirect = |url: &str| Some(ErrorDocument::Redirect(url.to_owned()));
    for (line, expected) in [
        ("ErrorDocument 503 \"We will <b>be back</b>\"", text("We will <b>be back</b>")),
        ("ErrorDocument 503 'say \"so\"'", text("say \"so\"")),
        ("ErrorDocument 503 Sorry", text("Sorry")),
        ("ErrorDocument 503 http://h/x?y#z", redirect("http://h/x?y#z")),
        ("ErrorDocument 503 \"HTTPS://h\"", redirect("HTTPS://h")),
        ("ErrorDocument 503 mailto:x", redirect("mailto:x")),
        ("ErrorDocument 503 a\nErrorDocument 503 b", text("b")),
        ("ErrorDocument 503 a\nErrorDocument 503 Default", None),
    ] {
        let (found, told) = document(line);
        assert_eq!(found.get(&503).cloned(), expected, "{line}");
        assert_eq!(told, [""; 0], "{line}");
    }
    for status in error_document::OWN {
        let (found, told) = document(&format!("ErrorDocument {status} x"));
        assert_eq!((found.len(), told.len()), (1, 0), "{status}");
    }
}

#[test]
fn what_is_no_document_is_refused_or_told() {
    for (line, why) in [
        ("ErrorDocument 404", "2:1: ErrorDocument needs more arguments"),
        ("ErrorDocument 404 hello world", "2:1: ErrorDocument takes fewer arguments"),
        ("ErrorDocument 600 x", "2:15: '600' must be a whole number from 100 to 599"),
        ("ErrorDocument x y", "2:15: 'x' must be a whole number from 100 to 599"),
        ("ErrorDocument 404 \"\"", "2:19: the text is empty"),
        (
            "ErrorDocument 404 \"%{REQUEST_URI} is not here\"",
            "2:19: expressions are not supported in ErrorDocument",
        ),
        (
            "ErrorDocument 404 \"Sorry: not here\"",
            "2:19: httpd takes 'Sorry: not here' for a URL, because a colon follows its first word",
        ),
        (
            "<Location /x>\nErrorDocument 404 x\n</Location>",
            "3:1: ErrorDocument is not supported in <Location>",
        ),
        ("Alias x /y", "2:7: a path must start with /"),
        ("Alias /x /y", "2:1: Alias is not supported"),
    ] {
        assert_eq!(errors(&format!("Listen 80\n{line}\n")), [format!("site.conf:{why}")], "{line}");
    }
    for (line, told) in [
        (
            "ErrorDocument 418 x",
            "2:15: this proxy never answers 418 on its own; answers of members are passed on",
        ),
        ("ErrorDocument 404x y", "2:15: '404x' means 404: what follows the digits is ignored, as in httpd"),
    ] {
        assert_eq!(document(line).1, [format!("site.conf:{told}")]);
    }
    let (found, told) = document("ErrorDocument 401 http://h/");
    assert!(found.is_empty() && told.len() == 2 && told[0].contains("does not redirect a 401"), "{told:?}");
}

/// What a folder of pages makes of these lines; `ROOT` stands for the folder.
fn with_files(lines: &str, strict: bool) -> Result<Config, Report> {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    };
    write("www/503.html", b"<p>\xe9");
    write("www/a b.TXT", b"text");
    write("www/run.php", b"secret");
    write("www/most.html", &vec![b'x'; limits::DOCUMENT_BYTES]);
    write("www/large.html", &vec![b'x'; limits::DOCUMENT_BYTES + 1]);
    write("pages/x.html", b"alias");
    let root = folder.path().display().to_string();
    let text = format!("Listen 80\n{}\n", lines.replace("ROOT", &root));
    write("main.conf", text.as_bytes());
    let path: &Path = &folder.path().join("main.conf");
    read(path, &ReadOptions { strict, ..ReadOptions::default() })
}

#[test]
fn files_are_found_below_the_root_and_below_aliases() {
    for (what, lines, expected, kind) in [
        ("absolute root", "DocumentRoot ROOT/www\nErrorDocument 503 /503.html", &b"<p>\xe9"[..], "text/html"),
        ("relative root", "ErrorDocument 503 /503.html\nDocumentRoot www/", b"<p>\xe9", "text/html"),
        ("encoded", "DocumentRoot www\nErrorDocument 503 \"/a%20b.TXT?x#y\"", b"text", "text/plain"),
        ("alias", "Alias /e ROOT/pages\nErrorDocument 503 /e/x.html", b"alias", "text/html"),
        ("alias with slash", "Alias /e/ ROOT/pages/\nErrorDocument 503 /e/x.html", b"alias", "text/html"),
        (
            "no alias",
            "Alias /e ROOT/pages\nErrorDocument 404 /e/x.html\nDocumentRoot pages\nAlias /x ROOT/pages/x.html\nErrorDocument 405 /x\nErrorDocument 503 /x.html",
            b"alias",
            "text/html",
        ),
    ] {
        let config = with_files(lines, false).unwrap_or_else(|report| panic!("{what}: {report}"));
        let Some(ErrorDocument::File { bytes, content_type }) = config.error_documents.get(&503) else {
            panic!("{what}: {config:?}")
        };
        assert_eq!((bytes.as_ref(), *content_type), (expected, kind), "{what}");
    }
    let config = with_files("DocumentRoot www\nErrorDocument 503 /most.html", true).unwrap();
    assert_eq!(config.error_documents.len(), 1);
}

#[test]
fn a_file_that_cannot_be_sent_leaves_the_proxys_own_page() {
    for (what, path, told) in [
        (
            "missing",
            "/none.html",
            "none.html: No such file or directory (os error 2); the proxy's own page is used",
        ),
        ("folder", "/folder.html/..", "'/folder.html/..' is no path of a file; the proxy's own page is used"),
        (
            "encoded dots",
            "/%2e%2e/main.conf",
            "'/%2e%2e/main.conf' is no path of a file; the proxy's own page is used",
        ),
        ("too large", "/large.html", "large.html is larger than 256 KiB; the proxy's own page is used"),
        (
            "program",
            "/run.php",
            "run.php is no kind of file that is sent as it is; the proxy's own page is used",
        ),
        ("no kind", "/", "www/ is no kind of file that is sent as it is; the proxy's own page is used"),
    ] {
        let lines = format!("DocumentRoot www\nErrorDocument 503 \"{path}\"");
        let config = with_files(&lines, false).unwrap_or_else(|report| panic!("{what}: {report}"));
        let [note] = config.warnings.as_slice() else { panic!("{what}: {:?}", warnings(&config)) };
        assert!(note.title.ends_with(told), "{what}: {note}");
        assert!(config.error_documents.is_empty());
        assert!(with_files(&lines, true).is_err(), "{what}");
    }
    let (found, told) = document("ErrorDocument 503 /503.html");
    assert!(found.is_empty() && told[0].contains("there is no DocumentRoot"), "{told:?}");
}

#[test]
fn a_root_that_nothing_uses_and_a_page_that_httpd_would_ask_a_member_for_are_told() {
    let (_, told) = document("DocumentRoot /var/www");
    assert_eq!(told, ["without effect here: DocumentRoot (site.conf:2)"]);
    let member = "BalancerMember balancer://b http://h:1\nProxyPass / balancer://b/\n";
    let lines = "DocumentRoot www\nErrorDocument 503 /503.html";
    let config = with_files(&format!("{member}{lines}"), true).unwrap();
    assert_eq!(config.warnings.len(), 1);
    assert!(config.warnings[0].title.starts_with("httpd would ask a member for /503.html"));
    assert_eq!(config.warnings[0].remedy, "write ProxyPass /503.html ! above");
    let config = with_files(&format!("ProxyPass /503.html !\n{member}{lines}"), true).unwrap();
    assert_eq!(warnings(&config), [""; 0]);
}
