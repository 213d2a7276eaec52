//! The sites that rows are played on: a configuration, and the path under which the scripted member is found.

use std::net::SocketAddr;

use super::Scripted;
use crate::proxy::{Proxy, folder};

/// A kind of site.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Site {
    /// As rows say it.
    pub name: &'static str,
    /// The path of the requests that look whether all is well.
    pub path: &'static str,
    /// The configuration; `MEMBER` stands for the member's URL.
    text: &'static str,
}

/// All sites.
pub const SITES: [Site; 6] = [
    Site { name: "plain", path: "/", text: "BALANCER ProxyPass / balancer://app/\n" },
    Site {
        name: "upgrade",
        path: "/",
        text: "<Proxy balancer://app>\nBalancerMember MEMBER upgrade=WebSocket\n</Proxy>\nProxyPass / balancer://app/\n",
    },
    Site {
        name: "preserve",
        path: "/",
        text: "ProxyPreserveHost On\nBALANCER ProxyPass / balancer://app/\n",
    },
    Site {
        name: "paths",
        path: "/app/",
        text: "BALANCER ProxyPass /app/private !\nProxyPass /app balancer://app/v1\nProxyPass /slash/ balancer://app/\n",
    },
    Site {
        name: "sticky",
        path: "/",
        text: "<Proxy balancer://app>\nBalancerMember MEMBER/one route=a1\nBalancerMember MEMBER/two route=b1\n\
               ProxySet stickysession=SID|sid\n</Proxy>\nProxyPass / balancer://app/\n",
    },
    Site {
        name: "reverse",
        path: "/app/",
        text: "BALANCER ProxyPass /app balancer://app\nProxyPassReverse /app balancer://app\n",
    },
];

const BALANCER: &str = "<Proxy balancer://app>\nBalancerMember MEMBER\n</Proxy>\n";

impl Site {
    /// The site of that name.
    pub fn named(name: &str) -> Option<Self> {
        SITES.into_iter().find(|site| site.name == name)
    }

    /// What leads to a member at that URL, in words that httpd understands too.
    pub fn mappings(&self, member: &str) -> String {
        self.text.replace("BALANCER ", BALANCER).replace("MEMBER", member)
    }

    /// Its configuration for a member at that URL.
    pub fn configuration(&self, member: &str) -> String {
        let text = self.mappings(member);
        // A row that hangs must not be rescued by a time limit.
        format!("ServerName www\nTimeout 60\nKeepAliveTimeout 60\nMaxKeepAliveRequests 0\n{text}")
    }
}

/// Where rows are played: a proxy, ours or another's, and the member behind it.
pub struct Place {
    /// Its kind.
    pub site: Site,
    /// Where clients connect to.
    pub front: SocketAddr,
    /// The member.
    pub member: Scripted,
    /// Ends the program when the place is dropped.
    pub program: Box<dyn std::any::Any + Send>,
}

impl Place {
    /// Our proxy. One thread, so that a connection that was spoiled is the next to be used.
    #[track_caller]
    pub fn ours(site: Site) -> Self {
        let member = Scripted::new();
        let text = site.configuration(&format!("http://{}", member.address()));
        let proxy = Proxy::start_with(folder(), &format!("Listen 127.0.0.1:0\n{text}"), &["--threads", "1"]);
        Self { site, front: proxy.address(), member, program: Box::new(proxy) }
    }
}
