//! What is known of each member: ours from the admin interface, httpd's from its manager page.

use std::fmt::Write as _;

use evenkeel_protocol::MemberSnapshot;

/// The counters and the status of one member. Its name is that of its backend, or its URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Counters {
    pub(crate) name: String,
    pub(crate) url: String,
    pub(crate) words: String,
    pub(crate) elected: i64,
    pub(crate) busy: i64,
    pub(crate) lbstatus: i64,
    pub(crate) transferred: i64,
    pub(crate) read: i64,
    pub(crate) retries: i64,
    pub(crate) route: String,
    pub(crate) redirect: String,
    pub(crate) lbset: i64,
    pub(crate) factor: String,
}

impl Counters {
    /// From our snapshot.
    pub(crate) fn of(member: &MemberSnapshot) -> Self {
        let signed = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        Self {
            name: String::new(),
            url: member.name.to_string(),
            words: member.words.clone(),
            elected: signed(member.elected),
            busy: signed(member.busy),
            lbstatus: member.lbstatus,
            transferred: signed(member.transferred),
            read: signed(member.read),
            retries: i64::from(member.retries),
            route: member.route.to_string(),
            redirect: member.redirect.to_string(),
            lbset: i64::from(member.lbset.get()),
            factor: member.lbfactor.to_string(),
        }
    }

    /// From one member of httpd's page in XML, whose numbers are exact where those of the page for people are not.
    pub(crate) fn read(worker: &str) -> Self {
        let text = |tag: &str| element(worker, tag).unwrap_or_default().trim().to_owned();
        let number = |tag: &str| text(tag).parse().unwrap_or(i64::MIN);
        Self {
            name: String::new(),
            url: text("name"),
            words: text("status"),
            elected: number("elected"),
            busy: number("busy"),
            lbstatus: number("lbstatus"),
            transferred: number("transferred"),
            read: number("read"),
            retries: number("retries"),
            route: text("route"),
            redirect: text("redirect"),
            lbset: number("lbset"),
            factor: text("loadfactor"),
        }
    }

    /// One of them, by the name that a scenario gives it.
    pub(crate) fn field(&self, name: &str) -> String {
        match name {
            "words" => format!("\"{}\"", self.words),
            "elected" => self.elected.to_string(),
            "busy" => self.busy.to_string(),
            "lbstatus" => self.lbstatus.to_string(),
            "transferred" => self.transferred.to_string(),
            "read" => self.read.to_string(),
            "retries" => self.retries.to_string(),
            "route" => format!("\"{}\"", self.route),
            other => panic!("nobody counts '{other}'"),
        }
    }

    /// What is compared after each step. Not `retries`: httpd keeps it after a good answer over a connection that it
    /// had before, which is a departure.
    pub(crate) fn compared(&self) -> [(&'static str, String); 10] {
        [
            ("words", self.words.clone()),
            ("elected", self.elected.to_string()),
            ("busy", self.busy.to_string()),
            ("lbstatus", self.lbstatus.to_string()),
            ("To", self.transferred.to_string()),
            ("From", self.read.to_string()),
            ("route", self.route.clone()),
            ("redirect", self.redirect.clone()),
            ("lbset", self.lbset.to_string()),
            ("factor", self.factor.clone()),
        ]
    }
}

/// The members of a balancer and its nonce, in httpd's page in XML.
pub(crate) fn page(xml: &str, balancer: &str) -> Option<(String, Vec<Counters>)> {
    let name = format!("balancer://{balancer}");
    let own = xml
        .split("<httpd:balancer>")
        .skip(1)
        .find(|part| element(part, "name").is_some_and(|found| found.eq_ignore_ascii_case(&name)))?;
    let own = own.split("</httpd:balancer>").next()?;
    let nonce = element(own, "nonce").unwrap_or_default().to_owned();
    Some((nonce, own.split("<httpd:worker>").skip(1).map(Counters::read).collect()))
}

/// The text of the first element of that name.
fn element<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(&format!("<httpd:{name}>"))?;
    rest.split_once("</httpd:").map(|(value, _)| value)
}

/// The counters of all members in lines, for a person.
pub(crate) fn table(members: &[Counters]) -> String {
    members.iter().fold(String::new(), |mut text, member| {
        let _ = write!(text, "    {}:", member.name);
        for (name, value) in member.compared() {
            let _ = write!(text, " {name}={value}");
        }
        text + "\n"
    })
}
