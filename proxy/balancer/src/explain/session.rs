//! Where a session was looked for, and what was there; told with the very readings by which it is found.

use evenkeel_protocol::clean::clean;
use evenkeel_protocol::{Look, Reading, Separator, SessionNote, SessionPlace, StickySession};

use super::SHOWN;
use crate::balancer::Balancer;
use crate::election::Ask;
use crate::sticky::{Claim, session};

/// Characters of an id that are shown at most, and never more than half of it.
const SHOWN_OF_ID: usize = 4;

impl Balancer {
    /// What a request says of its session, and where that was looked for.
    pub(super) fn session_note(&self, ask: &Ask<'_>) -> SessionNote {
        let mut note = SessionNote {
            looked: Vec::new(),
            found: None,
            name: String::new(),
            id: String::new(),
            route: String::new(),
            reading: None,
            known: false,
        };
        let Some(sticky) = self.settings.stickysession.as_ref() else { return note };
        let literal = session::literal(sticky, &self.settings, ask);
        let in_url = session::literal_in_url(ask.url, &sticky.path, self.settings.scolonpathdelim);
        note.looked.push(self.look(sticky, (SessionPlace::Url, Reading::Literal), in_url, literal));
        if in_url.is_none() {
            let in_cookies = session::literal_in_cookies(ask.cookies, &sticky.cookie);
            note.looked.push(self.look(
                sticky,
                (SessionPlace::Cookie, Reading::Literal),
                in_cookies,
                literal,
            ));
        }
        let claim = self.claim(ask);
        if claim.is_none_or(|claim| !claim.binding) {
            let again = session::tolerant(sticky, &self.settings, ask);
            for place in [SessionPlace::Url, SessionPlace::Cookie] {
                let there = || again.iter().flatten().filter(|claim| claim.place == place);
                let best = there().find(|claim| self.routes.contains_key(claim.route)).or(there().next());
                let value = best.map(|claim| claim.route);
                note.looked.push(self.look(sticky, (place, Reading::Tolerant), value, best.copied()));
            }
        }
        if let Some(claim) = claim {
            note.found = Some(claim.place);
            claim.name_in(sticky).clone_into(&mut note.name);
            note.id = shortened(claim.id);
            note.route = clean(claim.route, SHOWN);
            let is_literal =
                literal.is_some_and(|it| (it.place, it.id, it.route) == (claim.place, claim.id, claim.route));
            note.reading = Some(if is_literal { Reading::Literal } else { Reading::Tolerant });
            note.known = self.routes.contains_key(claim.route);
        }
        note
    }

    fn look(
        &self,
        sticky: &StickySession,
        (place, reading): (SessionPlace, Reading),
        value: Option<&str>,
        claim: Option<Claim<'_>>,
    ) -> Look {
        let name = match place {
            SessionPlace::Url => &sticky.path,
            SessionPlace::Cookie => &sticky.cookie,
        };
        let claim = claim.filter(|claim| claim.place == place);
        let saw = match (value, claim) {
            (None, _) => "nothing".to_owned(),
            (Some(_), Some(claim)) if claim.route.is_empty() => "a value with an empty route".to_owned(),
            (Some(_), Some(claim)) => {
                let whose = if self.routes.contains_key(claim.route) { "" } else { ", which no member has" };
                format!("a value of route '{}'{whose}", clean(claim.route, SHOWN))
            }
            (Some(_), None) => match self.settings.stickysessionsep {
                Separator::At(separator) => {
                    format!("a value without a route: there is no '{separator}' in it")
                }
                Separator::Off => "a value without a route".to_owned(),
            },
        };
        Look { place, name: name.clone(), reading, saw }
    }
}

/// The start of an id, and never the whole of it.
fn shortened(id: &str) -> String {
    match id.chars().count() {
        0 => String::new(),
        length => {
            let start: String = id.chars().take(SHOWN_OF_ID.min(length / 2)).collect();
            format!("{}…", clean(&start, SHOWN_OF_ID))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::shortened;

    #[test]
    fn an_id_is_never_shown_whole() {
        for (id, shown) in [
            ("", ""),
            ("x", "…"),
            ("ab", "a…"),
            ("5f2c9a", "5f2…"),
            ("0123456789abcdef", "0123…"),
            ("\u{1b}[2J]0;x", "\u{fffd}[2J…"),
        ] {
            assert_eq!(shortened(id), shown, "{id:?}");
        }
    }
}
