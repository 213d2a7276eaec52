//! ProxyPassReverse: the addresses of members in answers, turned back into the addresses that clients used.

use crate::config::Reverse;

/// ProxyPassReverse: the address of a member, back into the address that the client used.
#[derive(Debug)]
pub(crate) struct Reversal {
    /// Where the client sees it.
    path: String,
    /// Every address that stands for it behind the proxy.
    real: Vec<String>,
}

impl Reversal {
    /// `members` are the URLs of a balancer's members; a `balancer://` target stands for each of them.
    pub(crate) fn new(reverse: &Reverse, members: impl Fn(&str) -> Vec<String>) -> Self {
        let lower = reverse.url.to_ascii_lowercase();
        let real = match lower.strip_prefix("balancer://") {
            None => vec![reverse.url.clone()],
            Some(rest) => {
                let name = rest.split('/').next().unwrap_or_default();
                let tail = reverse.url.get("balancer://".len() + name.len()..).unwrap_or_default();
                let join = |member: String| {
                    if member.ends_with('/') && tail.starts_with('/') {
                        format!("{}{tail}", member.trim_end_matches('/'))
                    } else {
                        format!("{member}{tail}")
                    }
                };
                members(name).into_iter().map(join).collect()
            }
        };
        Self { path: reverse.path.clone(), real }
    }

    /// The address for the client, if `url` is one of ours.
    pub(crate) fn apply(&self, url: &str, host: &str) -> Option<String> {
        self.real.iter().find_map(|real| {
            let (front, rest) = (url.get(..real.len())?, url.get(real.len()..)?);
            let whole = real.ends_with('/') || rest.is_empty() || rest.starts_with(['/', '?', '#', ';']);
            if !whole || !front.eq_ignore_ascii_case(real) {
                return None;
            }
            let path = match (self.path.ends_with('/'), rest.starts_with('/')) {
                (true, true) => format!("{}{rest}", self.path.trim_end_matches('/')),
                _ => format!("{}{rest}", self.path),
            };
            Some(if host.is_empty() { path } else { format!("http://{host}{path}") })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirects_are_turned_back_for_every_member() {
        let reverse = Reverse { path: "/app".to_owned(), url: "balancer://C".to_owned() };
        let reversal = Reversal::new(&reverse, |name| {
            assert_eq!(name, "c");
            vec!["http://a:1".to_owned(), "http://b/base".to_owned()]
        });
        for (location, seen) in [
            ("http://a:1/x?y", Some("http://site/app/x?y")),
            ("HTTP://A:1", Some("http://site/app")),
            ("http://b/base/x", Some("http://site/app/x")),
            ("http://b/other", None),
            ("http://a:10/x", None),
            ("/x", None),
        ] {
            assert_eq!(reversal.apply(location, "site").as_deref(), seen, "{location}");
        }
        let slash =
            Reversal::new(&Reverse { path: "/".to_owned(), url: "http://h/".to_owned() }, |_| Vec::new());
        assert_eq!(slash.apply("http://h/x", "site").as_deref(), Some("http://site/x"));
    }
}
