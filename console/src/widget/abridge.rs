//! Names that have to fit into so many columns and must still be told apart: what they have in common gives way, and what
//! differs stays.

use std::collections::{BTreeSet, HashMap};

use crate::widget::text::{cut, shorten, width};

/// A way to make a name shorter; none: it does not do for this one.
type Form<'a> = &'a dyn Fn(&str) -> Option<String>;

/// The least columns in which `names` are told apart by their starts; more would only complete them.
pub fn telling(names: &[&str]) -> usize {
    let longest = names.iter().map(|name| width(name)).max().unwrap_or(0);
    Difference::of(names).map_or(longest, |difference| longest.min(difference.word + 1))
}

/// `names` in at most so many columns each. Those that differ stay different: where even what differs does not fit, a
/// number ends each of them, which is its place among them.
pub fn abridge(names: &[&str], columns: usize) -> Vec<String> {
    abridge_numbered(names, &numbers(names, 1), columns)
}

/// The places of `names`, counted from `first` on; equal ones have one place.
pub fn numbers(names: &[&str], first: usize) -> Vec<usize> {
    let mut places = HashMap::new();
    names.iter().zip(first..).map(|(name, place)| *places.entry(*name).or_insert(place)).collect()
}

/// As [`abridge`], with the number that each name ends with where that is needed.
pub fn abridge_numbered(names: &[&str], numbers: &[usize], columns: usize) -> Vec<String> {
    let Some(difference) = Difference::of(names).filter(|_| names.iter().any(|name| width(name) > columns))
    else {
        return names.iter().map(|name| shorten(name, columns)).collect();
    };
    let starts = |name: &str, until: usize| (until < columns).then(|| cut(name, columns));
    let behind = |name: &str, until: usize| {
        let from = difference.window(until, columns)?;
        let rest: String = name.chars().skip(from).collect();
        Some(format!("…{}", cut(&rest, columns - 1)))
    };
    let forms: [Form<'_>; 6] = [
        &|name| starts(name, difference.word),
        &|name| behind(name, difference.word),
        &|name| starts(name, difference.number),
        &|name| behind(name, difference.number),
        &|name| {
            let start = name.strip_suffix(difference.end.as_str()).filter(|_| !difference.end.is_empty())?;
            Some(format!("{}…", shorten(start, columns.checked_sub(1)?)))
        },
        &|name| Some(shorten(name, columns)),
    ];
    // A name that fits whole can be copied as it stands.
    let whole = |name: &str| (width(name) <= columns).then(|| name.to_owned());
    let fitted = |form: &Form<'_>| {
        names.iter().map(|name| whole(name).or_else(|| form(name))).collect::<Option<Vec<String>>>()
    };
    let mut tried = forms.iter().filter_map(fitted);
    tried.find(|short| count(short) == count(names)).unwrap_or_else(|| numbered(names, numbers, columns))
}

/// One name in at most so many columns, told apart from those it could be taken for.
pub fn among(name: &str, others: &[&str], columns: usize) -> String {
    if width(name) <= columns {
        return name.to_owned();
    }
    abridge(&[&[name], others].concat(), columns).swap_remove(0)
}

/// How many different ones there are.
fn count(names: &[impl AsRef<str>]) -> usize {
    names.iter().map(AsRef::as_ref).collect::<BTreeSet<&str>>().len()
}

/// The start of each that does not fit, and its number.
fn numbered(names: &[&str], numbers: &[usize], columns: usize) -> Vec<String> {
    let number = |(name, number): (&&str, &usize)| {
        if width(name) <= columns {
            return (*name).to_owned();
        }
        let end = cut(&format!("#{number}"), columns);
        format!("{}{end}", cut(name, columns - width(&end)))
    };
    names.iter().zip(numbers).map(number).collect()
}

/// Where names differ, in characters.
struct Difference {
    /// Where a word may begin that is the first one shown: all before it is common.
    words: Vec<usize>,
    /// So much they begin with in common.
    shared: usize,
    /// Behind this, at the latest, any two are told apart; no number is cut there.
    number: usize,
    /// The same, where no word is cut.
    word: usize,
    /// The end of the longest.
    longest: usize,
    /// What all of them end with; no part of a number.
    end: String,
}

impl Difference {
    /// None if there are not two.
    fn of(names: &[&str]) -> Option<Self> {
        let sorted: BTreeSet<&str> = names.iter().copied().collect();
        let sorted: Vec<Vec<char>> = sorted.into_iter().map(|name| name.chars().collect()).collect();
        let (first, last) = (sorted.first()?, sorted.last().filter(|_| sorted.len() > 1)?);
        let shared = alike(first.iter(), last.iter());
        let until = |is_part: fn(char) -> bool| {
            let told_apart = sorted.windows(2).map(|pair| match pair {
                [one, other] => {
                    let differs = alike(one.iter(), other.iter());
                    end_of(is_part, one, differs).max(end_of(is_part, other, differs)).max(differs + 1)
                }
                _ => 0,
            });
            told_apart.max()
        };
        let is_word = |at: &usize| first.get(at - 1).is_some_and(|before| !before.is_alphanumeric());
        let ends = sorted.iter().map(|name| alike(name.iter().rev(), first.iter().rev()));
        let mut end: Vec<char> = first.iter().skip(first.len() - ends.min().unwrap_or(0)).copied().collect();
        end.drain(..end_of(is_digit, &end, 0));
        Some(Self {
            words: (1..=shared).filter(is_word).collect(),
            shared,
            number: until(is_digit)?,
            word: until(char::is_alphanumeric)?,
            longest: sorted.iter().map(Vec::len).max()?,
            end: end.into_iter().collect(),
        })
    }

    /// Where to begin so that all up to `until` fits behind an ellipsis, and in front of another one if more follows.
    fn window(&self, until: usize, columns: usize) -> Option<usize> {
        let least = (until + 1 + usize::from(until < self.longest)).saturating_sub(columns);
        let word = self.words.iter().find(|word| **word >= least).copied();
        word.or((1..=self.shared).contains(&least).then_some(least))
    }
}

/// How many characters are the same.
fn alike<'a>(one: impl Iterator<Item = &'a char>, other: impl Iterator<Item = &'a char>) -> usize {
    one.zip(other).take_while(|(one, other)| one == other).count()
}

fn is_digit(c: char) -> bool {
    c.is_ascii_digit()
}

/// Where the number or word that goes on at `from` ends.
fn end_of(is_part: fn(char) -> bool, name: &[char], from: usize) -> usize {
    from + name.iter().skip(from).take_while(|c| is_part(**c)).count()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn names(pattern: &str, numbers: &[&str]) -> Vec<String> {
        numbers.iter().map(|number| pattern.replace('*', number)).collect()
    }

    #[track_caller]
    fn assert_short(names: &[String], columns: usize, short: &[&str]) {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        assert_eq!(abridge(&names, columns), short);
    }

    #[test]
    fn what_names_have_in_common_gives_way() {
        let hosts = names("app-frontend-*.eu-west-1.internal:8080", &["01", "02", "13"]);
        assert_short(
            &hosts,
            22,
            &["app-frontend-01.eu-we…", "app-frontend-02.eu-we…", "app-frontend-13.eu-we…"],
        );
        assert_short(&hosts, 14, &["…frontend-01.…", "…frontend-02.…", "…frontend-13.…"]);
        assert_short(&hosts, 8, &["…01.eu-…", "…02.eu-…", "…13.eu-…"]);
        assert_eq!(telling(&hosts.iter().map(String::as_str).collect::<Vec<_>>()), 16);
        let ports = names("127.0.0.1:30*/some/longer/path", &["000", "010", "299"]);
        assert_short(&ports, 20, &["127.0.0.1:30000/som…", "127.0.0.1:30010/som…", "127.0.0.1:30299/som…"]);
        // A number is never shown in part where the whole one fits.
        assert_short(
            &names("node-*.example.com", &["1", "17", "2"]),
            9,
            &["node-1.e…", "node-17.…", "node-2.e…"],
        );
    }

    #[test]
    fn words_are_whole_where_they_fit() {
        let names = names("a-balancer-with-a-long-name/*", &["north", "south"]);
        assert_short(&names, 20, &["…a-long-name/north", "…a-long-name/south"]);
        assert_short(&names, 6, &["…north", "…south"]);
        assert_short(&names, 4, &["…no…", "…so…"]);
    }

    #[test]
    fn names_that_differ_in_two_places_are_told_apart() {
        let mut hosts = names("frontend-*.eu-west-1.internal:8080", &["01", "02"]);
        hosts.extend(names("backend-*.eu-west-1.internal:8080", &["01", "02"]));
        assert_short(&hosts, 12, &["frontend-01…", "frontend-02…", "backend-01.…", "backend-02.…"]);
        assert_short(&hosts, 10, &["fron…d-01…", "fron…d-02…", "back…d-01…", "back…d-02…"]);
    }

    #[test]
    fn one_name_is_shortened_in_its_middle_and_equal_ones_stay_equal() {
        assert_short(&names("app-frankfurt-*.example.com:8080", &["17"]), 16, &["app-fra…com:8080"]);
        assert_short(&names("app-frankfurt-*.example.com:8080", &["17", "17"]), 16, &["app-fra…com:8080"; 2]);
        assert_short(&names("a*", &["1", "2"]), 5, &["a1", "a2"]);
        assert_short(&[], 5, &[]);
    }

    #[test]
    fn one_of_many_is_told_apart_from_them() {
        let all = names("app/shop-frontend-web-eu-central-1-blue-*", &["00", "01", "29"]);
        let all: Vec<&str> = all.iter().map(String::as_str).collect();
        assert_eq!(among(all[2], &all, 24), "…eu-central-1-blue-29");
        assert_eq!(among(all[2], &[], 24), "app/shop-fr…al-1-blue-29");
        assert_eq!(among("app/a", &all, 5), "app/a");
    }

    #[test]
    fn where_what_differs_does_not_fit_a_number_tells_them_apart() {
        let hosts = names("*", &["aaaaaaxaaaac", "aaaaaayaaaac", "baaaaaaaaaad"]);
        assert_short(&hosts, 5, &["aa…#1", "aa…#2", "ba…#3"]);
        let (hosts, numbers): (Vec<&str>, _) = (hosts.iter().rev().map(String::as_str).collect(), [7, 8, 9]);
        assert_eq!(abridge_numbered(&hosts, &numbers, 5), ["ba…#7", "aa…#8", "aa…#9"]);
    }

    #[test]
    fn a_name_that_fits_is_whole_among_longer_ones() {
        let routes =
            names("*", &["r1", "node-a.rack-01.slot-1", "node-a.rack-02.slot-1", "node-a.rack-02.slot-2"]);
        let short = abridge(&routes.iter().map(String::as_str).collect::<Vec<_>>(), 13);
        assert_eq!(short[0], "r1");
        let urls = ["http://1.example.com", "http://[2001:db8::ee:1]:8080", "http://[2001:db8::ee:2]:8080"];
        for columns in [20, 22, 24] {
            let short = abridge(&urls, columns);
            assert_eq!(short[0], urls[0], "{short:?}");
            assert!(short.iter().all(|name| !name.ends_with("8080…")), "{short:?}");
        }
    }

    proptest! {
        #[test]
        fn names_that_differ_never_look_the_same(
            names in proptest::collection::vec("[a-b]{0,3}[.-]?[a-z0-9日]{0,9}[.:/-]?[0-9]{0,4}(\\.internal:8080)?", 0..40),
            columns in 0usize..40,
        ) {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let short = abridge(&names, columns);
            prop_assert_eq!(short.len(), names.len());
            for form in &short {
                prop_assert!(width(form) <= columns, "{form:?} in {columns}");
            }
            for (at, name) in names.iter().enumerate() {
                for (other, form) in names.iter().zip(&short) {
                    let differ = name != other;
                    prop_assert!(!differ || columns < 3 || short[at] != *form, "{name:?} and {other:?}: {form:?}");
                    prop_assert!(differ || short[at] == *form);
                }
            }
        }
    }
}
