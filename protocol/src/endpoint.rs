//! The table of the admin interface: HTTP/1.1 and JSON on a Unix socket.

/// One row of the table, for people: `--help`, README, and the test that no row is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Endpoint {
    /// GET, PATCH, POST or DELETE.
    pub method: &'static str,
    /// The path, with names in braces.
    pub path: &'static str,
    /// The message that is sent; empty for none.
    pub takes: &'static str,
    /// The message that is answered; empty for text.
    pub gives: &'static str,
    /// What it is for.
    pub about: &'static str,
}

/// Every endpoint. Reading has no side effect; a change is a PATCH, an act a POST, and what is to be gone a DELETE.
pub const ENDPOINTS: &[Endpoint] = &[
    Endpoint {
        method: "GET",
        path: "/v1",
        takes: "",
        gives: "hello",
        about: "who answers: version, process, configuration",
    },
    Endpoint {
        method: "GET",
        path: "/v1/snapshot",
        takes: "",
        gives: "snapshot",
        about: "all balancers and members",
    },
    Endpoint {
        method: "GET",
        path: "/v1/balancers/{balancer}",
        takes: "",
        gives: "balancer",
        about: "one balancer",
    },
    Endpoint {
        method: "PATCH",
        path: "/v1/balancers/{balancer}",
        takes: "balancer_edit",
        gives: "edited",
        about: "change a balancer's settings",
    },
    Endpoint {
        method: "PATCH",
        path: "/v1/balancers/{balancer}?dry_run={bool}",
        takes: "balancer_edit",
        gives: "preview",
        about: "what such a change would do",
    },
    Endpoint {
        method: "GET",
        path: "/v1/balancers/{balancer}/members/{member}",
        takes: "",
        gives: "member",
        about: "one member, by URL, host:port or route",
    },
    Endpoint {
        method: "PATCH",
        path: "/v1/balancers/{balancer}/members/{member}",
        takes: "member_edit",
        gives: "edited",
        about: "change a member",
    },
    Endpoint {
        method: "POST",
        path: "/v1/balancers/{balancer}/members",
        takes: "member_addition",
        gives: "edited",
        about: "add a member, which starts disabled unless it says otherwise",
    },
    Endpoint {
        method: "POST",
        path: "/v1/balancers/{balancer}/members?dry_run={bool}",
        takes: "member_addition",
        gives: "preview",
        about: "what that would do",
    },
    Endpoint {
        method: "DELETE",
        path: "/v1/balancers/{balancer}/members/{member}?dry_run={bool}",
        takes: "member_removal",
        gives: "preview",
        about: "what the removal of a member would do",
    },
    Endpoint {
        method: "DELETE",
        path: "/v1/balancers/{balancer}/members/{member}",
        takes: "member_removal",
        gives: "edited",
        about: "remove a member that was added at run time",
    },
    Endpoint {
        method: "GET",
        path: "/v1/balancers/{balancer}/sessions",
        takes: "",
        gives: "census",
        about: "what was seen of the sessions of each route",
    },
    Endpoint {
        method: "POST",
        path: "/v1/explain",
        takes: "question",
        gives: "explanation",
        about: "where a request would go, and why; nothing is sent or counted",
    },
    Endpoint {
        method: "POST",
        path: "/v1/elections",
        takes: "election_filter",
        gives: "elections",
        about: "the last elections that fit a filter; changes nothing",
    },
    Endpoint {
        method: "POST",
        path: "/v1/balancers/{balancer}/members/{member}/drain",
        takes: "drain_order",
        gives: "drain_answer",
        about: "drain a member, or adjust the drain that it has",
    },
    Endpoint {
        method: "GET",
        path: "/v1/drains",
        takes: "",
        gives: "drains",
        about: "drains that run, and those that ended lately",
    },
    Endpoint { method: "GET", path: "/v1/drains/{number}", takes: "", gives: "drain", about: "one drain" },
    Endpoint {
        method: "PATCH",
        path: "/v1/drains/{number}",
        takes: "drain_change",
        gives: "drain_answer",
        about: "change a drain that runs, or give it more time",
    },
    Endpoint {
        method: "POST",
        path: "/v1/drains/{number}/cancel",
        takes: "drain_cancel",
        gives: "drain_answer",
        about: "end a drain; the member goes on draining unless it is to be restored",
    },
    Endpoint {
        method: "GET",
        path: "/v1/balancers/{balancer}/members/{member}/history?series=busy,elected&points=60&span=300",
        takes: "",
        gives: "history",
        about: "the last hour of a member: names of series, points of each, seconds that they cover",
    },
    Endpoint {
        method: "GET",
        path: "/v1/balancers/{balancer}/history?series=elected&points=30&span=60",
        takes: "",
        gives: "history",
        about: "the same of all members of a balancer",
    },
    Endpoint {
        method: "GET",
        path: "/metrics",
        takes: "",
        gives: "",
        about: "everything counted and measured, in the text format of Prometheus",
    },
    Endpoint {
        method: "PATCH",
        path: "/v1/balancers/{balancer}/members/{member}?dry_run={bool}",
        takes: "member_edit",
        gives: "preview",
        about: "what such a change would do",
    },
    Endpoint {
        method: "POST",
        path: "/v1/preview",
        takes: "plan_order",
        gives: "plan_preview",
        about: "what several edits or removals of members would do together; changes nothing",
    },
    Endpoint {
        method: "POST",
        path: "/v1/undo",
        takes: "undo_order",
        gives: "undone",
        about: "take an edit back, or look what that would do",
    },
    Endpoint {
        method: "GET",
        path: "/v1/overrides",
        takes: "",
        gives: "overrides",
        about: "what was set over the configuration: by whom, when and why",
    },
    Endpoint {
        method: "POST",
        path: "/v1/reload",
        takes: "",
        gives: "reloaded",
        about: "read the configuration anew: all of it, or nothing changes",
    },
    Endpoint {
        method: "GET",
        path: "/v1/events?since={number}&follow={bool}",
        takes: "",
        gives: "event",
        about: "events as lines of JSON, those after a number first, then as they happen",
    },
];
