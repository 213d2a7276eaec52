//! The console on a manager page: that of a real httpd where there is one, and that of our own proxy.

use std::net::SocketAddr;

use harness::httpd::{Httpd, httpd_with};
use harness::prelude::*;
use serde_json::Value;

mod doors;
mod drain;
mod edits;
mod fleet;
mod one_file;
mod prompt;
mod screen;
mod several;
mod tls;
mod trouble;

/// A manager page with the balancer `app` of two members, `a` and `b`.
struct Page {
    address: SocketAddr,
    backends: [Backend; 2],
    httpd: Option<Httpd>,
    _proxy: Option<Proxy>,
}

fn balancer([a, b]: &[Backend; 2]) -> String {
    format!(
        "<Proxy balancer://app>\nBalancerMember {a} route=a\nBalancerMember {b} route=b\n\
         ProxySet stickysession=SID\n</Proxy>\nProxyPass / balancer://app/"
    )
}

/// That of a real httpd; none, and said so, if there is none.
#[track_caller]
fn of_httpd() -> Option<Page> {
    of_httpd_with(&[], "")
}

/// As [`of_httpd`], with more modules and lines.
#[track_caller]
fn of_httpd_with(modules: &[&str], lines: &str) -> Option<Page> {
    let backends = backends(["a", "b"]);
    let httpd = httpd_with(modules, format!("{lines}\n{}", balancer(&backends)))?;
    Some(Page { address: httpd.address(), backends, httpd: Some(httpd), _proxy: None })
}

/// That of our own proxy.
fn of_ours() -> Page {
    let backends = backends(["a", "b"]);
    let proxy = proxy(format!(
        "ServerName localhost\nProxyPass /balancer-manager !\n<Location /balancer-manager>\n\
         SetHandler balancer-manager\nRequire all granted\n</Location>\n{}",
        balancer(&backends)
    ));
    Page { address: proxy.address(), backends, httpd: None, _proxy: Some(proxy) }
}

impl Page {
    fn url(&self) -> String {
        format!("http://{}/balancer-manager", self.address)
    }

    fn line(&self, line: &str) -> Vec<String> {
        let own = ["--apache".to_owned(), self.url()];
        own.into_iter().chain(line.split(' ').map(str::to_owned)).collect()
    }

    /// Runs a command on it.
    fn command(&self, line: &str) -> Ended {
        run(&evenkeel(), self.line(line))
    }

    /// A member of `app` as `status --json` has it.
    #[track_caller]
    fn member(&self, name: &str) -> Value {
        let told: Value = serde_json::from_str(&self.command("status --json app").with_code(0).out).unwrap();
        let wanted = self.backends.iter().find(|backend| backend.name() == name).unwrap().to_string();
        let members = told["balancers"][0]["members"].as_array().unwrap();
        members.iter().find(|member| member["name"] == wanted).unwrap().clone()
    }

    /// Its status in httpd's words.
    #[track_caller]
    fn words(&self, name: &str) -> String {
        self.member(name)["words"].as_str().unwrap().to_owned()
    }
}
