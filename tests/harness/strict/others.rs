//! Other proxies in front of the scripted member, as far as they are installed: Debian's httpd, nginx and haproxy,
//! each with the site that a row is played on, said in its own words and otherwise with its defaults.

use std::fmt::Write as _;
use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use rustix::process::Signal;
use tempfile::TempDir;

use super::{Place, Scripted, Site};
use crate::eventually::{patience, within};
use crate::httpd::httpd_with;
use crate::proxy::{folder, signal};

/// Another proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Other {
    /// Apache httpd.
    Httpd,
    /// nginx.
    Nginx,
    /// haproxy.
    Haproxy,
}

impl Other {
    /// All of them, in the order in which they are told.
    pub const ALL: [Self; 3] = [Self::Httpd, Self::Nginx, Self::Haproxy];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Httpd => "httpd",
            Self::Nginx => "nginx",
            Self::Haproxy => "haproxy",
        }
    }

    fn program(self) -> &'static Path {
        Path::new(match self {
            Self::Httpd => "/usr/sbin/apache2",
            Self::Nginx => "/usr/sbin/nginx",
            Self::Haproxy => "/usr/sbin/haproxy",
        })
    }

    /// Is it here?
    pub fn is_installed(self) -> bool {
        self.program().exists()
    }

    /// Its version, in one line.
    pub fn version(self) -> String {
        let output = Command::new(self.program()).arg("-v").output().unwrap();
        let text = [output.stdout, output.stderr].concat();
        String::from_utf8_lossy(&text).lines().next().unwrap_or_default().to_owned()
    }

    /// A site of it in front of a member of its own.
    pub fn place(self, site: Site) -> Place {
        let member = Scripted::new();
        let behind = member.address();
        if self == Self::Httpd {
            let text =
                format!("ServerName www\nProxyTimeout 60\n{}", site.mappings(&format!("http://{behind}")));
            let httpd = httpd_with(&["proxy_wstunnel"], text).expect("it is installed");
            return Place { site, front: httpd.address(), member, program: Box::new(httpd) };
        }
        // Another process may take the port between our asking and the program's.
        let program = (0..5).find_map(|_| self.start(site, behind)).unwrap_or_else(|| {
            panic!("{} does not start on the site {}", self.name(), site.name);
        });
        Place { site, front: program.front, member, program: Box::new(program) }
    }

    fn start(self, site: Site, member: SocketAddr) -> Option<Program> {
        let folder = folder();
        let front = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let root = folder.path().display();
        let path = folder.path().join("site.conf");
        let mut command = Command::new(self.program());
        if self == Self::Nginx {
            fs::write(&path, nginx(site, front, member, &root.to_string())).unwrap();
            command.arg("-p").arg(folder.path()).arg("-e").arg(folder.path().join("error.log")).arg("-c");
        } else {
            fs::write(&path, haproxy(site, front, member)).unwrap();
            command.args(["-db", "-f"]);
        }
        command.arg(&path).stdin(Stdio::null()).stdout(Stdio::null());
        command.stderr(fs::File::create(folder.path().join("stderr.log")).unwrap());
        let mut program = Program { _folder: folder, child: command.spawn().unwrap(), front };
        let up = within(patience(), || {
            if !matches!(program.child.try_wait(), Ok(None)) {
                return Some(false);
            }
            TcpStream::connect(front).is_ok().then_some(true)
        });
        (up == Some(true)).then_some(program)
    }
}

/// A running program. It ends when it is dropped.
struct Program {
    _folder: TempDir,
    child: Child,
    front: SocketAddr,
}

impl Drop for Program {
    fn drop(&mut self) {
        signal(self.child.id(), Signal::TERM);
        if within(patience() / 2, || self.child.try_wait().ok().flatten()).is_none() {
            drop(self.child.kill());
            drop(self.child.wait());
        }
    }
}

/// The site in nginx's words.
fn nginx(site: Site, front: SocketAddr, member: SocketAddr, root: &str) -> String {
    let user = if rustix::process::geteuid().is_root() { "user root;" } else { "" };
    let host = if site.name == "preserve" { "proxy_set_header Host $http_host;" } else { "" };
    let upgrade = if site.name == "upgrade" {
        "proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $connection_upgrade;"
    } else {
        "proxy_set_header Connection \"\";"
    };
    let locations = match site.name {
        "paths" => {
            "location /app/private { return 404; }\n\
             location /app { rewrite ^/app(.*)$ /v1$1 break; proxy_pass http://app; }\n\
             location /slash/ { proxy_pass http://app/; }"
        }
        "reverse" => "location /app/ { proxy_pass http://app/; }",
        _ => "location / { proxy_pass http://app; }",
    };
    let mut temporary = String::new();
    for kind in ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"] {
        write!(temporary, "{kind}_temp_path {root}/{kind};").expect("a text takes all");
    }
    format!(
        "{user}\ndaemon off;\nmaster_process off;\nworker_processes 1;\npid {root}/nginx.pid;\n\
         error_log {root}/error.log;\nevents {{ worker_connections 512; }}\nhttp {{\naccess_log off;\n{temporary}\n\
         map $http_upgrade $connection_upgrade {{ default upgrade; '' ''; }}\n\
         upstream app {{ server {member}; keepalive 8; }}\nserver {{\nlisten {front};\n\
         proxy_http_version 1.1; {host} {upgrade}\n{locations}\n}}\n}}\n"
    )
}

/// The site in haproxy's words.
fn haproxy(site: Site, front: SocketAddr, member: SocketAddr) -> String {
    let rules = match site.name {
        "paths" => {
            "http-request return status 404 if { path /app/private } or { path_beg /app/private/ }\n\
             http-request return status 404 if !{ path /app } !{ path_beg /app/ } !{ path_beg /slash/ }\n\
             http-request replace-path ^/app(.*) /v1\\1\n\
             http-request replace-path ^/slash(/.*) \\1\n"
        }
        "reverse" => "http-request replace-path ^/app(/.*) \\1\n",
        _ => "",
    };
    format!(
        "global\nmaxconn 256\ndefaults\nmode http\ntimeout connect 5s\ntimeout client 60s\ntimeout server 60s\n\
         option forwardfor\nlisten site\nbind {front}\n{rules}server one {member}\n"
    )
}
