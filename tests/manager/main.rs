//! The manager page: what it shows, what its forms do, and who may use it, beside a real httpd where there is one.

use std::net::SocketAddr;

use harness::prelude::*;

mod access;
mod beside;
mod closed;
mod forms;
mod groups;
mod growth;
mod hardening;
mod links;
mod mask;
mod password;

const PATH: &str = "/balancer-manager";

/// Balancers for all forms: one of three members, one of two, and one of one. Nothing listens at any of them.
const BALANCERS: &str = "ProxyHCExpr ok234 {%{REQUEST_STATUS} =~ /^[234]/}
    <Proxy balancer://app>
        BalancerMember http://127.0.0.1:9 route=a redirect=b
        BalancerMember http://127.0.0.1:9/x/ route=b loadfactor=2.5 lbset=1 timeout=7 retry=9 keepalive=On max=11 ttl=13 smax=5 acquire=300 connectiontimeout=1500ms
        BalancerMember http://localhost route=c status=+H disablereuse=On min=1
        ProxySet stickysession=JSESSIONID|jsessionid nofailover=On timeout=3 maxattempts=2
    </Proxy>
    <Proxy balancer://two>
        BalancerMember http://127.0.0.1:10
        BalancerMember http://127.0.0.1:11 status=+D
        ProxySet nonce=fixed
    </Proxy>
    <Proxy balancer://alone-1>
        BalancerMember http://127.0.0.1:12 loadfactor=3
    </Proxy>
    <Proxy balancer://locked>
        BalancerMember http://127.0.0.1:13
        BalancerMember unix:/tmp/none.sock|http://127.0.0.1/y
        ProxySet nonce=None
    </Proxy>
    ProxyPass /app balancer://app
    ProxyPass /again balancer://app
    ProxyPass /two balancer://two
    ProxyPass /alone balancer://alone-1
    ProxyPass /locked balancer://locked";

/// A proxy with these balancers and a page that everybody here may use.
fn managed(lines: &str) -> Proxy {
    proxy(format!(
        "ServerName localhost\nMaxRequestWorkers 16\nProxyPass {PATH} !\n<Location {PATH}>\nSetHandler balancer-manager\n\
         Require all granted\n</Location>\n{BALANCERS}\n{lines}"
    ))
}

/// Somebody who uses a manager page.
struct Operator(SocketAddr);

impl Operator {
    fn get(&self, query: &str) -> Answer {
        let target = format!("{PATH}{query}");
        self.send(("GET", &target), &[("Referer", &self.referer())], b"")
    }

    fn post(&self, form: &str) -> Answer {
        self.send(("POST", PATH), &[("Referer", &self.referer())], form.as_bytes())
    }

    /// Posts a form with the balancer's nonce.
    fn change(&self, balancer: &str, form: &str) -> Answer {
        self.post(&format!("b={balancer}&nonce={}&{form}", self.nonce(balancer)))
    }

    fn send(&self, what: (&str, &str), fields: &[(&str, &str)], body: &[u8]) -> Answer {
        browser().try_send_with(self.0, what, fields, body).unwrap()
    }

    fn referer(&self) -> String {
        format!("http://{}{PATH}", self.0)
    }

    /// The nonce in the first link to a balancer.
    fn nonce(&self, balancer: &str) -> String {
        let page = self.get("").text();
        let (_, rest) = page.split_once(&format!("?b={balancer}&amp;nonce=")).expect("there is a link");
        rest.split('"').next().unwrap().to_owned()
    }

    fn xml(&self) -> String {
        self.get("?xml=1").text()
    }
}
