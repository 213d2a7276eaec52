//! The parameters of a balancer, one row each; httpd's keywords and ranges.

use evenkeel_protocol::LbMethod;

use crate::config::manager::{BalancerDraftSettings, Nonce};
use crate::config::nearest::nearest;
use crate::config::notes::Complaint;
use crate::config::parameter::Parameter;
use crate::config::parameter::value::{Remarks, Whole, on_off};

/// What the rows set.
pub(in crate::config) type Settings = BalancerDraftSettings;

/// All parameters of a balancer, sorted by keyword.
pub(in crate::config) static ROWS: &[Parameter<Settings>] = &[
    Parameter {
        key: "failonstatus",
        range: "statuses from 100 to 599, joined by commas",
        about: "Answers with one of these statuses put the member into error.",
        set: failonstatus,
    },
    Parameter {
        key: "failontimeout",
        range: "On or Off",
        about: "A time-out while reading from a member puts it into error.",
        set: |settings, text, _| on_off(text).map(|on| settings.failontimeout = on),
    },
    Parameter {
        key: "forcerecovery",
        range: "On or Off",
        about: "When all members are in error, they are all tried at once.",
        set: |settings, text, _| on_off(text).map(|on| settings.forcerecovery = on),
    },
    Parameter {
        key: "growth",
        range: "a whole number from 1 to 100",
        about: "How many members the balancer-manager page may add at run time.",
        set: |settings, text, remarks| {
            settings.growth = Whole { least: 1, most: 100, unit: "" }.read(text, remarks)?;
            Ok(())
        },
    },
    Parameter {
        key: "lbmethod",
        range: "byrequests, bytraffic, bybusyness or heartbeat",
        about: "How to choose among the members.",
        set: lbmethod,
    },
    Parameter {
        key: "maxattempts",
        range: "a whole number, at least 0",
        about: "How many other members are tried after the first one.",
        set: |settings, text, remarks| {
            settings.maxattempts = Some(Whole::from(0, "").read(text, remarks)?);
            Ok(())
        },
    },
    Parameter {
        key: "nofailover",
        range: "On or Off",
        about: "A session whose member is unusable is answered 503 instead of moving to another member.",
        set: |settings, text, _| on_off(text).map(|on| settings.nofailover = on),
    },
    Parameter {
        key: "nonce",
        range: "a text of at most 36 characters, or None",
        about: "Guards the forms of the manager page, a random one by default; None makes the page read-only, as in \
                httpd.",
        set: nonce,
    },
    Parameter {
        key: "routecookie",
        range: "the name of a cookie, at most 63 characters, or empty",
        about: "The proxy sets this cookie to the route of the member that answered, unless the client has it; sets \
                stickysession=NAME if that is not set. httpd does not have it.",
        set: |settings, text, _| {
            settings.routecookie =
                match text {
                    "" => None,
                    name => Some(name.parse().map_err(|why: String| {
                        Complaint::new(why, "write for example routecookie=ROUTEID")
                    })?),
                };
            Ok(())
        },
    },
    Parameter {
        key: "scolonpathdelim",
        range: "On or Off",
        about: "A semicolon ends the value of the session's path parameter too.",
        set: |settings, text, _| on_off(text).map(|on| settings.scolonpathdelim = on),
    },
    Parameter {
        key: "sessionwindow",
        range: "a whole number with s, m or h behind it, from 1s to 168h",
        about: "How long a session counts as live after it was last seen: 30m, or as long as the application keeps an \
                idle one. httpd does not have it.",
        set: |settings, text, _| {
            settings.sessionwindow = window(text)?;
            Ok(())
        },
    },
    Parameter {
        key: "stickysession",
        range: "COOKIE or COOKIE|PATH, at most 63 characters",
        about: "The cookie and the URL parameter in which the route of a session is found.",
        set: |settings, text, _| {
            settings.stickysession = if text.is_empty() {
                None
            } else {
                Some(
                    text.parse()
                        .map_err(|why: String| Complaint::new(why, "write stickysession=COOKIE|PATH"))?,
                )
            };
            Ok(())
        },
    },
    Parameter {
        key: "stickysessionsep",
        range: "one character, or Off",
        about: "What stands before the route in the value of a session.",
        set: |settings, text, _| {
            settings.stickysessionsep = text
                .parse()
                .map_err(|why: String| Complaint::new(why, "write for example stickysessionsep=."))?;
            Ok(())
        },
    },
    Parameter {
        key: "timeout",
        range: "seconds, at least 1",
        about: "How long a request waits for a usable member when there is none.",
        set: |settings, text, remarks| {
            settings.timeout = Whole::from(1, "seconds").read(text, remarks)?;
            Ok(())
        },
    },
];

fn lbmethod(settings: &mut Settings, text: &str, _: &mut Remarks) -> Result<(), Complaint> {
    settings.lbmethod = text.parse::<LbMethod>().map_err(|why| {
        let near = nearest(text, LbMethod::ALL.into_iter().map(LbMethod::name));
        let remedy =
            near.map_or_else(|| "write one of them".to_owned(), |near| format!("did you mean {near}?"));
        Complaint::new(why, remedy)
    })?;
    Ok(())
}

/// `None` is read in letters of any size, as in httpd.
fn nonce(settings: &mut Settings, text: &str, remarks: &mut Remarks) -> Result<(), Complaint> {
    if text.len() > 36 {
        return Err(Complaint::new("is longer than 36 characters", "shorten it"));
    }
    settings.nonce = if text.eq_ignore_ascii_case("none") || text.is_empty() {
        let what = "makes the manager page read-only, as in httpd, whose manual says otherwise";
        remarks.warnings.push(Complaint::new(what, "remove it if the page shall change something"));
        Nonce::ReadOnly
    } else {
        Nonce::Fixed(text.to_owned())
    };
    Ok(())
}

/// In seconds. A word of ours, so nothing is guessed.
fn window(text: &str) -> Result<u32, Complaint> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits).unwrap_or((text, ""));
    let factor = match unit {
        "s" => Some(1),
        "m" | "min" => Some(60),
        "h" => Some(3600),
        _ => None,
    };
    let seconds =
        number.parse::<u32>().ok().zip(factor).and_then(|(number, factor)| number.checked_mul(factor));
    seconds.filter(|seconds| (1..=168 * 3600).contains(seconds)).ok_or_else(|| {
        let what = "must be a whole number with s, m or h behind it, from 1s to 168h";
        Complaint::new(what, "write for example sessionwindow=30m")
    })
}

/// A list replaces the one before; empty parts are skipped, as in httpd.
fn failonstatus(settings: &mut Settings, text: &str, remarks: &mut Remarks) -> Result<(), Complaint> {
    /// More than there are statuses helps nobody.
    const MOST: usize = 500;
    let rule = Whole { least: 100, most: 599, unit: "" };
    let mut statuses = Vec::new();
    for part in text.split(',').filter(|part| !part.is_empty()) {
        let status = rule.read(part, remarks).ok().and_then(|status| u16::try_from(status).ok());
        let status = status.ok_or_else(|| {
            Complaint::new("must be statuses from 100 to 599, joined by commas", "write for example 500,503")
        })?;
        if !statuses.contains(&status) && statuses.len() < MOST {
            statuses.push(status);
        }
    }
    settings.failonstatus = statuses;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The settings, how many traps and how many warnings; or the complaint.
    fn set(words: &str) -> Result<(Settings, usize, usize), String> {
        let mut settings = Settings::default();
        let mut remarks = Remarks::default();
        for word in words.split(' ').filter(|word| !word.is_empty()) {
            let (key, value) = word.split_once('=').unwrap();
            let row = ROWS.iter().find(|row| row.key == key).unwrap();
            (row.set)(&mut settings, value, &mut remarks).map_err(|why| why.what.into_owned())?;
        }
        Ok((settings, remarks.traps.len(), remarks.warnings.len()))
    }

    #[test]
    fn what_is_taken() {
        type Check = fn(&Settings) -> bool;
        let rows: [(&str, Check, usize, usize); 29] = [
            ("timeout=1", |s| s.timeout == 1, 0, 0),
            ("timeout=5s", |s| s.timeout == 5, 1, 0),
            ("timeout=5 timeout=6", |s| s.timeout == 6, 0, 0),
            ("maxattempts=0", |s| s.maxattempts == Some(0), 0, 0),
            ("maxattempts=100", |s| s.maxattempts == Some(100), 0, 0),
            ("maxattempts=x", |s| s.maxattempts == Some(0), 1, 0),
            ("failonstatus=500,503", |s| s.failonstatus == [500, 503], 0, 0),
            ("failonstatus=500,,503,", |s| s.failonstatus == [500, 503], 0, 0),
            ("failonstatus=500 failonstatus=502", |s| s.failonstatus == [502], 0, 0),
            ("failonstatus=500 failonstatus=", |s| s.failonstatus.is_empty(), 0, 0),
            ("failonstatus=100,599", |s| s.failonstatus == [100, 599], 0, 0),
            ("failonstatus=500x", |s| s.failonstatus == [500], 1, 0),
            ("stickysession=A|b", |s| s.stickysession.as_ref().unwrap().path == "b", 0, 0),
            ("stickysession=A stickysession=", |s| s.stickysession.is_none(), 0, 0),
            ("stickysessionsep=:", |s| s.stickysessionsep.to_string() == ":", 0, 0),
            ("stickysessionsep=OFF", |s| s.stickysessionsep.to_string() == "Off", 0, 0),
            ("nofailover=on", |s| s.nofailover, 0, 0),
            ("nofailover=On nofailover=Off", |s| !s.nofailover, 0, 0),
            ("forcerecovery=off", |s| !s.forcerecovery, 0, 0),
            ("scolonpathdelim=On", |s| s.scolonpathdelim, 0, 0),
            ("failontimeout=On", |s| s.failontimeout, 0, 0),
            ("lbmethod=bytraffic", |s| s.lbmethod == LbMethod::ByTraffic, 0, 0),
            ("lbmethod=heartbeat", |s| s.lbmethod == LbMethod::Heartbeat, 0, 0),
            ("sessionwindow=90s", |s| s.sessionwindow == 90, 0, 0),
            ("sessionwindow=20m", |s| s.sessionwindow == 1200, 0, 0),
            ("sessionwindow=168h", |s| s.sessionwindow == 604_800, 0, 0),
            ("growth=100", |s| s.growth == 100, 0, 0),
            ("nonce=none", |s| s.nonce == Nonce::ReadOnly, 0, 1),
            ("nonce=None nonce=abc", |s| s.nonce == Nonce::Fixed("abc".to_owned()), 0, 1),
        ];
        for (words, check, traps, warnings) in rows {
            let (settings, seen_traps, seen_warnings) = set(words).unwrap();
            assert!(check(&settings), "{words}: {settings:?}");
            assert_eq!((seen_traps, seen_warnings), (traps, warnings), "{words}");
        }
    }

    #[test]
    fn what_is_refused() {
        for words in [
            "timeout=0",
            "timeout=-1",
            "timeout=x",
            "timeout=",
            "maxattempts=-1",
            "maxattempts=99999999999",
            "failonstatus=99",
            "failonstatus=600",
            "failonstatus=abc",
            "failonstatus=500,x",
            "stickysession=A|",
            "stickysession=\"A\"",
            "stickysession=a\u{7}",
            "stickysessionsep=",
            "stickysessionsep=ab",
            "stickysessionsep=\u{1b}",
            "nofailover=yes",
            "nofailover=",
            "forcerecovery=1",
            "scolonpathdelim=true",
            "failontimeout=",
            "lbmethod=",
            "lbmethod=ByRequests",
            "lbmethod=fair",
            "sessionwindow=0s",
            "sessionwindow=169h",
            "sessionwindow=30",
            "sessionwindow=m",
            "sessionwindow=-1m",
            "sessionwindow=30ms",
            "sessionwindow=99999999999h",
            "nonce=1234567890123456789012345678901234567",
            "growth=0",
            "growth=101",
            "growth=",
        ] {
            assert!(set(words).is_err(), "{words:?}");
        }
        assert!(set(&format!("stickysession={}", "x".repeat(63))).is_ok());
        assert!(set(&format!("stickysession={}", "x".repeat(64))).is_err());
    }
}
