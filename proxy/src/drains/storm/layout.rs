//! What the configuration says in a storm, and a process that has read it.

use std::sync::Arc;

use evenkeel_protocol::{BalancerName, BalancerSettings, Hello, MemberSettings};
use tempfile::TempDir;

use super::SECOND;
use crate::config::{BalancerConfig, ManagerConfig};
use crate::drains::Drains;
use crate::journal::Journal;
use crate::registry::Registry;

/// What the configuration says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::drains) struct Layout {
    pub(super) sticky: bool,
    /// Seconds.
    pub(super) window: u32,
    /// The route of the second member.
    pub(super) second: &'static str,
    /// Is the third member there?
    pub(super) third: bool,
    /// Is there a balancer at all?
    pub(super) balancer: bool,
}

impl Layout {
    pub(in crate::drains) const FIRST: Self =
        Self { sticky: true, window: 20, second: "b", third: true, balancer: true };

    pub(super) fn configured(self) -> Vec<BalancerConfig> {
        if !self.balancer {
            return Vec::new();
        }
        let routes = [(0, "a"), (1, self.second), (2, "c"), (3, "")];
        let routes = routes.into_iter().filter(|(number, _)| *number != 2 || self.third);
        let settings = BalancerSettings {
            stickysession: self.sticky.then(|| "SID".parse().unwrap()),
            sessionwindow: self.window,
            ..BalancerSettings::default()
        };
        let members = routes.map(|(number, route)| {
            let settings = MemberSettings { route: route.parse().unwrap(), ..MemberSettings::default() };
            (format!("http://m{number}").parse().unwrap(), settings)
        });
        vec![BalancerConfig {
            name: app(),
            settings,
            members: members.collect(),
            written: Vec::new(),
            checks: Arc::default(),
            manager: ManagerConfig::default(),
        }]
    }

    pub(super) fn window(self) -> u64 {
        u64::from(self.window) * SECOND
    }
}

pub(in crate::drains) fn app() -> BalancerName {
    "app".parse().unwrap()
}

/// A process in that folder.
pub(in crate::drains) fn process(folder: &TempDir, layout: Layout) -> Arc<Drains> {
    begun(folder, layout).0
}

/// A process in that folder, and what is configured with the members that were added at run time.
pub(super) fn begun(folder: &TempDir, layout: Layout) -> (Arc<Drains>, Vec<BalancerConfig>) {
    let mut configured = layout.configured();
    let journal = Journal::open(folder.path(), &mut configured, true);
    let hello: Hello =
        serde_json::from_str(include_str!("../../../../protocol/documents/hello.json")).unwrap();
    let registry = Registry::new(&configured, |_| Vec::new(), (2, hello), journal);
    (Arc::new(Drains::open(Arc::new(registry), folder.path())), configured)
}
