//! What only some proxies can do, and why others cannot: of an Apache httpd there is its manager page, and nothing else.

use evenkeel_protocol::Hello;

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
        hello.is_httpd().then(|| self.why_not_httpd())
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
                "httpd removes no member through its page; drain or stop it, and take its line out of the configuration"
            }
            Self::Events => {
                "httpd keeps no events; use --follow for those that come while this command looks on"
            }
        }
    }
}
