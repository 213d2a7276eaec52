//! Sets, spares, standbys and drain: the tables recorded of httpd.

use harness::prelude::*;

/// What is done before a row's picks.
type Edits<'a> = &'a [(&'a str, &'a str)];

const OFF: &str = r#"{"disabled":true}"#;
const ON: &str = r#"{"disabled":false}"#;
const DRAIN: &str = r#"{"drain":true}"#;

/// Plays rows of edits and picks over members named 1, 2, 3, … with these parameters.
#[track_caller]
fn play(parameters: &[&str], rows: &[(Edits, &str)]) {
    let backends: Vec<Backend> =
        (1..=parameters.len()).map(|number| Backend::new(&number.to_string())).collect();
    let lines: Vec<String> = backends
        .iter()
        .zip(parameters)
        .map(|(backend, parameters)| {
            format!("BalancerMember {backend} route={} {parameters}", backend.name())
        })
        .collect();
    let proxy =
        proxy(format!("<Proxy balancer://app>\n{}\n</Proxy>\nProxyPass / balancer://app/", lines.join("\n")));
    for (edits, picks) in rows {
        for (member, json) in *edits {
            proxy.edit("app", member, json);
        }
        let count = if picks.starts_with('[') { picks.len() / 5 } else { picks.len() };
        assert_eq!(visits(&proxy, count), *picks, "{parameters:?} after {edits:?}");
    }
}

#[test]
fn a_standby_works_when_its_set_has_nobody_else() {
    play(
        &["", "", "status=+H", "status=+H"],
        &[(&[], "121212"), (&[("1", OFF)], "2222"), (&[("2", OFF)], "3434"), (&[("1", ON)], "1111")],
    );
}

#[test]
fn a_standby_comes_before_the_next_set() {
    play(&["", "", "status=+H", "lbset=1"], &[(&[], "121212"), (&[("1", OFF), ("2", OFF)], "3333")]);
    play(&["", "", "status=+H lbset=1", "lbset=1"], &[(&[("1", OFF), ("2", OFF)], "4444")]);
    play(&["", "status=+H", "lbset=1"], &[(&[("1", DRAIN)], "2222")]);
}

#[test]
fn a_spare_takes_the_place_of_each_unusable_member_of_its_set() {
    play(
        &["", "", "status=+R", "status=+R"],
        &[
            (&[], "121212"),
            (&[("1", OFF)], "232323"),
            (&[("2", OFF)], "343434"),
            (&[("1", ON)], "131313"),
            (&[("1", DRAIN)], "343434"),
        ],
    );
    play(&["", "status=+R lbset=1"], &[(&[], "11"), (&[("1", OFF)], "[503][503]")]);
}

#[test]
fn spares_stand_behind_normal_members_and_before_standbys() {
    play(&["", "status=+R", "status=+R", ""], &[(&[("1", OFF)], "424242")]);
    play(&["loadfactor=1", "loadfactor=2", "loadfactor=3 status=+R"], &[(&[("2", OFF)], "313331333133")]);
    play(&["", "", "status=+R", "status=+H"], &[(&[("1", OFF), ("2", OFF)], "333333")]);
    play(&["", "", "", "status=+R", "status=+R"], &[(&[("1", DRAIN), ("2", OFF)], "345345345")]);
    play(&["status=+H", "", "status=+R"], &[(&[("1", DRAIN)], "2222")]);
}

#[test]
fn lower_sets_come_first_and_gaps_do_not_matter() {
    play(
        &["lbset=5", "lbset=5", "", ""],
        &[(&[], "3434"), (&[("3", OFF), ("4", OFF)], "1212"), (&[("4", ON)], "4444")],
    );
}

#[test]
fn a_set_can_be_changed_while_the_proxy_runs() {
    play(
        &["", ""],
        &[(&[], "1212"), (&[("1", r#"{"lbset":1}"#)], "2222"), (&[("1", r#"{"lbset":0}"#)], "1212")],
    );
}

#[test]
fn draining_members_get_no_new_clients_and_nobody_left_is_503() {
    play(
        &["", "", ""],
        &[
            (&[("2", DRAIN)], "131313131313"),
            (&[("1", DRAIN), ("3", DRAIN)], "[503][503]"),
            (&[("2", r#"{"drain":false}"#)], "222"),
        ],
    );
}

#[test]
fn only_spares_is_nobody() {
    play(&["status=+R", "status=+R"], &[(&[], "[503][503]")]);
}
