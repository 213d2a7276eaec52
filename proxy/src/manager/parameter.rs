//! The parameters of a request to the manager, taken apart as httpd does it.

use percent_encoding::percent_decode;

use crate::limits;

/// Names and values, each name once, in the order in which they came first. httpd compares names without case.
#[derive(Debug, Clone, Default)]
pub(super) struct Parameters(Vec<(String, String)>);

/// All that a query can bring, so that no link changes anything.
const READING: [&str; 4] = ["b", "w", "nonce", "xml"];

impl Parameters {
    /// Those of a form: split at `&`, then at the first `=`; values are decoded twice, and a plus sign stays one.
    pub(super) fn of_form(body: &[u8]) -> Self {
        let pairs = body.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty());
        let mut known: Vec<(String, String)> = Vec::new();
        for pair in pairs {
            let at = pair.iter().position(|byte| *byte == b'=').unwrap_or(pair.len());
            let (name, value) = (pair.get(..at), pair.get(at + 1..));
            let value = decoded(value.unwrap_or_default());
            let name = text(decoded(name.unwrap_or_default()));
            let value = text(decoded(&value));
            // The last one counts, however many came before it.
            if let Some((_, earlier)) =
                known.iter_mut().find(|(earlier, _)| earlier.eq_ignore_ascii_case(&name))
            {
                *earlier = value;
            } else if known.len() < limits::MANAGER_PARAMETERS {
                known.push((name, value));
            }
        }
        Self(known)
    }

    /// Those of a query.
    pub(super) fn of_query(query: &[u8]) -> Self {
        let Self(mut pairs) = Self::of_form(query);
        pairs.retain(|(name, _)| is_reading(name));
        Self(pairs)
    }

    /// The value of that name.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The names as they came first, each once.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Does it ask for anything but a place on the page?
    pub(super) fn changes_something(&self) -> bool {
        self.0.iter().any(|(name, _)| !is_reading(name))
    }
}

fn is_reading(name: &str) -> bool {
    READING.iter().any(|known| known.eq_ignore_ascii_case(name))
}

/// Without its escapes. A zero ends it, as it ends every string of C.
fn decoded(bytes: &[u8]) -> Vec<u8> {
    percent_decode(bytes).take_while(|byte| *byte != 0).collect()
}

/// What is no UTF-8 stays visible as such, and is then refused where it is looked at.
fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|bytes| String::from_utf8_lossy(bytes.as_bytes()).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_read_as_httpd_reads_them() {
        let form = Parameters::of_form(
            b"A=1&b=x%26y&c&d=a+b&e=%2541&a=2&&=v&f=1=2&%67=h&i=%zz&k=a%00b&l=%2500b&W_STATUS_n=3",
        );
        for (name, value) in [
            ("a", Some("2")),
            ("b", Some("x&y")),
            ("c", Some("")),
            ("d", Some("a+b")),
            ("e", Some("A")),
            ("", Some("v")),
            ("f", Some("1=2")),
            ("g", Some("h")),
            ("i", Some("%zz")),
            ("k", Some("a")),
            ("l", Some("")),
            ("j", None),
            ("w_status_N", Some("3")),
        ] {
            assert_eq!(form.get(name), value, "{name}");
        }
        assert_eq!(form.names().filter(|name| name.eq_ignore_ascii_case("a")).count(), 1);
    }

    #[test]
    fn the_last_value_counts_however_many_come_before_it() {
        let form = "w_lf=1&".repeat(2 * limits::MANAGER_PARAMETERS) + "w_lf=2&w=http://a";
        let form = Parameters::of_form(form.as_bytes());
        assert_eq!((form.get("w_lf"), form.get("w"), form.names().count()), (Some("2"), Some("http://a"), 2));
        let many: Vec<String> = (0..2 * limits::MANAGER_PARAMETERS).map(|at| format!("n{at}=1")).collect();
        assert_eq!(
            Parameters::of_form(many.join("&").as_bytes()).names().count(),
            limits::MANAGER_PARAMETERS
        );
    }

    #[test]
    fn a_query_can_only_ask() {
        let query = Parameters::of_query(b"b=app&w_lf=5&b_lbm=bytraffic&nonce=n&xml&w=http://a");
        assert!(!query.changes_something());
        assert_eq!((query.get("w_lf"), query.get("xml"), query.get("w")), (None, Some(""), Some("http://a")));
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_parameters(body in proptest::collection::vec(0_u8..=255, 0..300)) {
            let form = Parameters::of_form(&body);
            for name in form.names() {
                proptest::prop_assert!(form.get(name).is_some());
            }
        }
    }
}
