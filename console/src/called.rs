//! What the other side is called in a sentence: the proxy, or httpd where that is what answers.

use evenkeel_protocol::{Hello, Snapshot};

/// What is said of the manager page of an Evenkeel proxy.
pub const MORE: &str = "this is the page of an Evenkeel proxy: on its machine --socket shows and does more (drains that \
                        go on by themselves, sessions, events, elections, undo)";

/// What is looked for.
const PROXY: &str = "the proxy";

/// What a manager page is taken to be of.
pub const HTTPD: &str = "httpd";

/// Within a sentence. Before anything was heard it is the proxy that is looked for.
pub fn who(snapshot: Option<&Snapshot>) -> &'static str {
    snapshot.map_or(PROXY, |snapshot| of(&snapshot.proxy))
}

/// The same of who said so of itself.
pub fn of(proxy: &Hello) -> &'static str {
    if proxy.is_httpd() && !is_ours(proxy) { HTTPD } else { PROXY }
}

/// What happened to who has forgotten something; an httpd need not have been down for that.
pub fn restarted(proxy: &Hello) -> &'static str {
    if of(proxy) == HTTPD { "httpd was restarted, perhaps gracefully" } else { "the proxy was restarted" }
}

/// The same as the first word of a sentence; httpd has a small letter there too.
pub fn first(who: &'static str) -> &'static str {
    if who == HTTPD { HTTPD } else { "The proxy" }
}

/// Is it a manager page, and an Evenkeel proxy that shows it? That says so behind the version that scripts look for.
pub fn is_ours(proxy: &Hello) -> bool {
    proxy.is_httpd() && proxy.version.contains("(Evenkeel")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::sample;

    #[test]
    fn the_other_side_has_its_name() {
        for (product, version, name, ours) in [
            ("Evenkeel", "0.1.0", "the proxy", false),
            (Hello::HTTPD, "Apache/2.4.62 (Unix)", "httpd", false),
            (Hello::HTTPD, "Apache/2.4.71 (Evenkeel)", "the proxy", true),
        ] {
            let mut snapshot = sample::snapshot(1);
            (snapshot.proxy.product, snapshot.proxy.version) = (product.to_owned(), version.to_owned());
            assert_eq!((who(Some(&snapshot)), is_ours(&snapshot.proxy)), (name, ours), "{version}");
        }
        assert_eq!((who(None), first(who(None)), first(HTTPD)), ("the proxy", "The proxy", "httpd"));
    }
}
