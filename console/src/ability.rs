//! What only some proxies can do, and why others cannot: of an Apache httpd there is its manager page, and nothing else.

use evenkeel_protocol::Hello;

use crate::called;

/// Something that an Evenkeel proxy does, and not every other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Ability {
    /// Tells what edits of many members would do together.
    Plan,
    /// Takes back edits that other consoles made.
    Undo,
    /// Tells what was set over its configuration.
    Overrides,
    /// Remembers the last hour.
    History,
    /// Sees sessions.
    Sessions,
    /// Remembers elections.
    Elections,
    /// Tells where a request would go.
    Explain,
    /// Reads its configuration anew when it is asked.
    Reload,
    /// Runs drains by itself, when no console looks on.
    Jobs,
    /// Ends what is in flight.
    Cut,
    /// Keeps what happened before anybody looked.
    Events,
    /// Lets members go.
    Removal,
}

impl Ability {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::Plan,
        Self::Undo,
        Self::Overrides,
        Self::History,
        Self::Sessions,
        Self::Elections,
        Self::Explain,
        Self::Reload,
        Self::Jobs,
        Self::Cut,
        Self::Events,
        Self::Removal,
    ];

    /// Why that proxy does not have it, as a sentence; none: it has.
    pub fn lacked_by(self, hello: &Hello) -> Option<&'static str> {
        hello
            .is_httpd()
            .then(|| if called::is_ours(hello) { self.why_not_page() } else { self.why_not_httpd() })
    }

    /// Why a manager page of an Evenkeel proxy does not have it, and where it is to be had.
    fn why_not_page(self) -> &'static str {
        match self {
            Self::Jobs => {
                "through its page an Evenkeel proxy runs no drains by itself: use --wait, or --socket on its machine"
            }
            Self::Events => {
                "through its page an Evenkeel proxy tells no events of before: use --follow, or --socket on its machine"
            }
            Self::Sessions => {
                "through its page an Evenkeel proxy tells no sessions: use --socket on its machine"
            }
            _ => "through its page an Evenkeel proxy cannot do that: use --socket on its machine",
        }
    }

    /// Why an httpd does not have it.
    pub fn why_not_httpd(self) -> &'static str {
        match self {
            Self::Plan => "httpd does not tell what edits would do: its page has no dry run",
            Self::Undo => {
                "httpd remembers no edits: the screen that made one takes it back (u), and each edit tells what was there before"
            }
            Self::Overrides => {
                "httpd does not tell what its configuration says, so nobody can tell what was set over it"
            }
            Self::History => {
                "httpd remembers no past; the screen and `evenkeel watch` show what they see from now on"
            }
            Self::Sessions => {
                "idle sessions are unknown: httpd sees a session only while a request of it is in flight"
            }
            Self::Elections => "httpd does not remember its elections",
            Self::Explain => "httpd does not tell why a request goes where it goes",
            Self::Reload => "httpd reads its configuration by `apachectl graceful` on its own machine",
            Self::Jobs => "httpd runs no drains by itself; somebody must look on: use --wait",
            Self::Cut => "httpd cannot end what is in flight through its page",
            Self::Removal => {
                "httpd removes no member through its page; drain or stop it. A restart removes one that was added there \
                 (unless BalancerPersist is On); of one of its configuration the line has to go first"
            }
            Self::Events => {
                "httpd keeps no events; use --follow for those that come while this command looks on"
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::sample;

    #[test]
    fn who_was_added_at_an_httpd_goes_with_a_restart_and_others_with_their_line() {
        let why = Ability::Removal.why_not_httpd();
        for part in ["A restart removes one that was added there", "of one of its configuration the line"] {
            assert!(why.contains(part), "{why}");
        }
    }

    #[test]
    fn of_an_own_proxy_behind_its_page_the_socket_is_the_remedy() {
        for (version, is_ours) in [("Apache/2.4.62 (Unix)", false), ("Apache/2.4.71 (Evenkeel)", true)] {
            let mut hello = sample::snapshot(1).proxy;
            for ability in Ability::ALL {
                hello.product = "Evenkeel".to_owned();
                assert_eq!(ability.lacked_by(&hello), None);
                (hello.product, hello.version) = (Hello::HTTPD.to_owned(), version.to_owned());
                let why = ability.lacked_by(&hello).unwrap();
                assert_eq!((why.contains("--socket"), !why.contains("httpd")), (is_ours, is_ours), "{why}");
            }
        }
    }
}
