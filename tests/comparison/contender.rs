//! Those that are compared, and what each is told: the same work in each one's own words.
//!
//! Everybody takes members in turn, keeps connections on both sides, adds X-Forwarded-For, and does neither buffer
//! bodies on disk nor check members.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use evenkeel_protocol::{Call, place};
use harness::binaries::evenkeel_proxy;

/// Who is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Contender {
    Evenkeel,
    Haproxy,
    Nginx,
    Httpd,
    /// The relay that does nothing.
    Floor,
    /// Another build of Evenkeel, so that a change can be judged in one run.
    Before,
}

/// The job for which one is started.
#[derive(Debug, Clone)]
pub(crate) struct Job {
    pub(crate) port: u16,
    pub(crate) folder: PathBuf,
    pub(crate) members: Vec<SocketAddr>,
    pub(crate) log: bool,
    pub(crate) sticky: bool,
    /// Threads that carry requests.
    pub(crate) threads: usize,
    /// Requests in flight for which httpd needs a thread each.
    pub(crate) at_once: usize,
}

/// How one is asked for its state.
#[derive(Debug, Clone)]
pub(crate) enum Question {
    /// A request over HTTP, at its own port.
    Tcp(String),
    /// Bytes to a socket in its folder; the answer ends with the connection.
    Unix { socket: &'static str, text: String },
}

const HTTPD_MODULES: &str = "/usr/lib/apache2/modules";
/// Above all the clients of the idle case.
const MANY: usize = 16_000;

impl Contender {
    /// Those that are compared unless others are asked for.
    pub(crate) const USUAL: [Self; 5] =
        [Self::Evenkeel, Self::Haproxy, Self::Nginx, Self::Httpd, Self::Floor];
    pub(crate) const ALL: [Self; 6] =
        [Self::Evenkeel, Self::Haproxy, Self::Nginx, Self::Httpd, Self::Floor, Self::Before];

    /// Names the program of [`Self::Before`].
    pub(crate) const BEFORE: &'static str = "EVENKEEL_BEFORE";

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Evenkeel => "evenkeel",
            Self::Haproxy => "haproxy",
            Self::Nginx => "nginx",
            Self::Httpd => "httpd",
            Self::Floor => "floor",
            Self::Before => "before",
        }
    }

    /// Its program, if it is there; our own are built.
    pub(crate) fn program(self) -> Option<PathBuf> {
        let named = match self {
            Self::Evenkeel => return Some(evenkeel_proxy()),
            Self::Floor => return std::env::current_exe().ok(),
            Self::Before => {
                return std::env::var_os(Self::BEFORE).map(PathBuf::from).filter(|program| program.is_file());
            }
            Self::Haproxy => "haproxy",
            Self::Nginx => "nginx",
            Self::Httpd => "apache2",
        };
        let path = std::env::var_os("PATH").unwrap_or_default();
        let folders = std::env::split_paths(&path).chain(["/usr/sbin".into(), "/usr/local/sbin".into()]);
        folders.map(|folder| folder.join(named)).find(|program| program.is_file())
    }

    /// Can it do what the job asks for?
    pub(crate) const fn does(self, log: bool, sticky: bool) -> bool {
        !(matches!(self, Self::Floor) && (log || sticky))
    }

    /// Header lines of clients that belong to one of three members each.
    pub(crate) fn sessions(self) -> Vec<String> {
        let session = |member: usize| match self {
            Self::Evenkeel | Self::Before | Self::Httpd => format!("Cookie: ROUTEID=.r{member}\r\n"),
            Self::Haproxy | Self::Nginx | Self::Floor => format!("Cookie: SRV=r{member}\r\n"),
        };
        (1..=3).map(session).collect()
    }

    /// How it is asked for the state of all members, if it can be.
    pub(crate) fn question(self) -> Option<Question> {
        let get = |path: &str| format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        match self {
            Self::Evenkeel | Self::Before => {
                Some(Question::Unix { socket: place::ADMIN_SOCKET, text: get(&Call::Snapshot.path()) })
            }
            Self::Haproxy => Some(Question::Unix { socket: "admin.sock", text: "show stat\n".to_owned() }),
            Self::Httpd => Some(Question::Tcp(get("/balancer-manager"))),
            Self::Nginx | Self::Floor => None,
        }
    }

    /// Where its log is, if the job has one.
    pub(crate) fn log(self, folder: &Path) -> PathBuf {
        folder.join(if self == Self::Haproxy { "output" } else { "access.log" })
    }

    pub(crate) fn arguments(self, job: &Job) -> Vec<String> {
        let folder = job.folder.to_string_lossy();
        let file = job.folder.join(Self::FILE);
        let (file, threads, port) = (file.to_string_lossy(), job.threads.to_string(), job.port.to_string());
        let mut arguments = match self {
            Self::Evenkeel | Self::Before => vec!["-f", &file, "--run-dir", &folder, "--threads", &threads],
            Self::Haproxy => vec!["-db", "-f", &file],
            Self::Nginx => vec!["-c", &file, "-p", &folder],
            Self::Httpd => vec!["-DFOREGROUND", "-f", &file],
            Self::Floor => vec![crate::floor::ARGUMENT, &port],
        }
        .into_iter()
        .map(str::to_owned)
        .collect::<Vec<_>>();
        if self == Self::Floor {
            arguments.extend(job.members.iter().map(ToString::to_string));
        }
        arguments
    }

    /// The name of its configuration in its folder.
    pub(crate) const FILE: &'static str = "site.conf";

    pub(crate) fn configuration(self, job: &Job) -> String {
        match self {
            Self::Evenkeel | Self::Before => httpd_site(job),
            Self::Haproxy => haproxy(job),
            Self::Nginx => nginx(job),
            Self::Httpd => httpd_server(job) + &httpd_site(job),
            Self::Floor => String::new(),
        }
    }
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// What httpd and Evenkeel read both.
fn httpd_site(job: &Job) -> String {
    let Job { port, folder, .. } = job;
    let folder = folder.display();
    let mut text = format!(
        "ServerName bench.test\nListen 127.0.0.1:{port}\nKeepAlive On\nMaxKeepAliveRequests 0\n\
         KeepAliveTimeout 300\nTimeout 120\n"
    );
    if job.log {
        text += "LogFormat \"%h %l %u %t \\\"%r\\\" %>s %b\" common\n";
        let _ = writeln!(text, "CustomLog {folder}/access.log common");
    }
    text += "<Proxy \"balancer://app\">\n";
    for (member, number) in job.members.iter().zip(1..) {
        let _ = writeln!(text, "    BalancerMember \"http://{member}\" route=r{number}");
    }
    text += "    ProxySet lbmethod=byrequests\n";
    if job.sticky {
        text += "    ProxySet stickysession=ROUTEID\n";
    }
    text + "</Proxy>\nProxyPass \"/balancer-manager\" \"!\"\nProxyPass \"/\" \"balancer://app/\"\n"
}

/// What httpd needs besides: modules, and a process with threads enough.
fn httpd_server(job: &Job) -> String {
    let folder = job.folder.display();
    let threads = job.at_once;
    let modules = [
        "mpm_event",
        "authz_core",
        "slotmem_shm",
        "proxy",
        "proxy_http",
        "proxy_balancer",
        "lbmethod_byrequests",
    ];
    let mut text = String::new();
    for module in modules {
        let _ = writeln!(text, "LoadModule {module}_module {HTTPD_MODULES}/mod_{module}.so");
    }
    if is_root() {
        text += "User www-data\nGroup www-data\n";
    }
    text + &format!(
        "ServerRoot {folder}\nDefaultRuntimeDir {folder}\nPidFile {folder}/httpd.pid\nLogLevel crit\n\
         ErrorLog {folder}/error.log\nStartServers 1\nServerLimit 1\nThreadLimit {threads}\n\
         ThreadsPerChild {threads}\nMaxRequestWorkers {threads}\nMinSpareThreads 1\nMaxSpareThreads {threads}\n\
         AsyncRequestWorkerFactor 200\nListenBacklog 4096\n\
         <Location \"/balancer-manager\">\nSetHandler balancer-manager\nRequire all granted\n</Location>\n"
    )
}

fn haproxy(job: &Job) -> String {
    let (folder, port, threads) = (job.folder.display(), job.port, job.threads);
    let log = |line: &'static str| if job.log { line } else { "" };
    let mut text = format!(
        "global\n    nbthread {threads}\n    no strict-limits\n    maxconn {MANY}\n\
         \x20   stats socket {folder}/admin.sock mode 600 level admin\n{}\
         defaults\n    mode http\n    timeout connect 10s\n    timeout client 300s\n    timeout server 120s\n\
         \x20   timeout http-keep-alive 300s\n    option forwardfor\n{}\
         frontend site\n    bind 127.0.0.1:{port} backlog 4096\n    maxconn {MANY}\n    default_backend app\n\
         backend app\n    balance roundrobin\n    http-reuse always\n",
        log("    log stdout format raw local0\n"),
        log("    log global\n    option httplog\n"),
    );
    if job.sticky {
        text += "    cookie SRV insert indirect nocache\n";
    }
    for (member, number) in job.members.iter().zip(1..) {
        let _ = writeln!(text, "    server s{number} {member} cookie r{number}");
    }
    text
}

fn nginx(job: &Job) -> String {
    let (folder, port, threads) = (job.folder.display(), job.port, job.threads);
    let user = if is_root() { "user root;\n" } else { "" };
    let log = if job.log { format!("{folder}/access.log combined") } else { "off".to_owned() };
    let choice = if job.sticky { "        hash $cookie_SRV consistent;\n" } else { "" };
    let mut members = String::new();
    for member in &job.members {
        let _ = writeln!(members, "        server {member} max_fails=0;");
    }
    let places: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|what| format!("    {what}_temp_path {folder}/{what};\n"))
        .concat();
    format!(
        "daemon off;\n{user}worker_processes {threads};\npid {folder}/nginx.pid;\n\
         error_log {folder}/error.log crit;\nevents {{ worker_connections {MANY}; }}\n\
         http {{\n{places}    access_log {log};\n    keepalive_timeout 300s;\n\
         \x20   keepalive_requests 1000000000;\n    client_max_body_size 0;\n\
         \x20   upstream app {{\n{choice}{members}        keepalive 4096;\n\
         \x20       keepalive_requests 1000000000;\n    }}\n\
         \x20   server {{\n        listen 127.0.0.1:{port} backlog=4096;\n        location / {{\n\
         \x20           proxy_pass http://app;\n            proxy_http_version 1.1;\n\
         \x20           proxy_set_header Connection \"\";\n\
         \x20           proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;\n\
         \x20           proxy_request_buffering off;\n            proxy_max_temp_file_size 0;\n\
         \x20       }}\n    }}\n}}\n"
    )
}

#[cfg(test)]
mod tests {
    use harness::binaries::run;
    use harness::httpd::skipped;

    use super::*;

    #[test]
    fn everybody_understands_what_it_is_told() {
        for (contender, check) in [
            (Contender::Evenkeel, "-t"),
            (Contender::Haproxy, "-c"),
            (Contender::Nginx, "-t"),
            (Contender::Httpd, "-t"),
        ] {
            let Some(program) = contender.program() else {
                skipped(&format!("{} is not installed here", contender.name()));
                continue;
            };
            for (log, sticky) in [(false, false), (true, true)] {
                let folder = harness::proxy::folder();
                let job = Job {
                    port: 1024,
                    folder: folder.path().to_owned(),
                    members: vec!["127.1.0.1:1".parse().unwrap(), "127.1.0.2:1".parse().unwrap()],
                    log,
                    sticky,
                    threads: 1,
                    at_once: 128,
                };
                std::fs::write(folder.path().join(Contender::FILE), contender.configuration(&job)).unwrap();
                let mut arguments = contender.arguments(&job);
                arguments.push(check.to_owned());
                run(&program, arguments).with_code(0);
            }
        }
    }
}
