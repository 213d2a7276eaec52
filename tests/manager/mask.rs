//! What differs between our pages and httpd's, whatever they show, is masked.

/// A page without its style, nonces, identifiers, versions, and what only ours says.
pub(crate) fn page(text: &str, nonces: &[String]) -> Vec<String> {
    let (head, rest) = text.split_once("<style").expect("there is a style");
    let (_, rest) = rest.split_once("</style>").unwrap();
    let mut text = format!("{head}{rest}");
    for nonce in nonces.iter().filter(|nonce| nonce.contains('-')) {
        text = text.replace(nonce, "NONCE");
    }
    // Ours keeps changes by default.
    text = text.replace("changes will NOT be persisted", "changes will be persisted");
    let line = |line: &str| {
        if line.contains("Server Version:") {
            return Some("version".to_owned());
        }
        if line.contains("Server Built:") {
            return Some("built".to_owned());
        }
        let own = line.starts_with("<address>")
            || line.starts_with("<p class=")
            || line == "<option value='' selected ></option>"
            || line == "<option value=''  ></option>";
        (!own).then(|| method_order(&identifier(line)))
    };
    text.lines().filter_map(line).collect()
}

/// `[p8df6fda7_app]` without the hash of the virtual host.
fn identifier(line: &str) -> String {
    match (line.rfind("</a> [p"), line.rfind('_')) {
        (Some(start), Some(end)) if start < end && line.starts_with("<h3>") => {
            let bare = &line[start + 7..];
            let (hash, name) = bare.split_once('_').unwrap();
            assert!(!hash.is_empty() && hash.bytes().all(|byte| byte.is_ascii_hexdigit()), "{line}");
            format!("{}[p_{name}", &line[..start])
        }
        _ => line.to_owned(),
    }
}

/// httpd lists its methods in the order of its modules.
fn method_order(line: &str) -> String {
    line.replace("<select name='b_lbm' id='b_lbm'>", "")
}

/// XML without nonces and addresses of ports.
pub(crate) fn xml(text: &str, nonces: &[String]) -> Vec<String> {
    let mut text = text.to_owned();
    for nonce in nonces.iter().filter(|nonce| nonce.contains('-')) {
        text = text.replace(nonce, "NONCE");
    }
    text.lines().map(str::to_owned).collect()
}
