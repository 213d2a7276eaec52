//! The journal in folders of its own.

use evenkeel_protocol::edit::UpTo;
use evenkeel_protocol::{CheckCount, Flag, MemberSettings, Peer, Timestamp};

use super::*;

fn opened(folder: &Path, balancers: &[BalancerConfig]) -> Journal {
    Journal::open(folder, &mut balancers.to_vec(), true).0
}

fn name() -> BalancerName {
    "app".parse().unwrap()
}

fn member(number: u8) -> MemberName {
    format!("http://m{number}").parse().unwrap()
}

fn config(factor: &str) -> Vec<BalancerConfig> {
    let settings = |number: u8| MemberSettings {
        lbfactor: if number == 1 { factor.parse().unwrap() } else { "1".parse().unwrap() },
        ..MemberSettings::default()
    };
    vec![BalancerConfig::plain([1, 2].map(|number| (member(number), settings(number))).into())]
}

fn whole() -> Subject {
    Subject { balancer: name(), member: None }
}

fn anna() -> Origin {
    let by = Peer { uid: 1000, user: Some("anna".to_owned()), ..Peer::default() };
    Origin { by: Some(by), at: Some(Timestamp(7)), reason: Some("deploy 42".to_owned()) }
}

fn factor(text: &str) -> MemberEdit {
    MemberEdit { lbfactor: Some(text.parse().unwrap()), ..MemberEdit::default() }
}

fn drain(on: bool) -> MemberEdit {
    MemberEdit::default().with_flag(Flag::Drain, on)
}

#[test]
fn what_a_check_found_is_not_kept_and_how_it_is_made_is() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = opened(folder.path(), &config("1"));
    let found = MemberEdit::default().with_flag(Flag::HealthFail, true);
    assert!(edit(&mut journal, 1, &found));
    let checked = MemberEdit { hcuri: "/x".parse().ok(), hcpasses: CheckCount::new(2), ..found };
    assert!(edit(&mut journal, 2, &checked));
    let mut changed = config("1");
    changed[0].members[1].1.health.passes = 5;
    let wanted = |edit: MemberEdit| vec![Restored::Member(name(), member(2), edit)];
    let again = opened(folder.path(), &config("1"));
    let kept = MemberEdit { health_fail: None, ..checked };
    assert_eq!(again.restored(), wanted(kept));
    // The configuration's new value wins for the field that it changed.
    let again = opened(folder.path(), &changed);
    assert_eq!(again.restored(), wanted(MemberEdit { hcuri: "/x".parse().ok(), ..MemberEdit::default() }));
}

fn changed(field: &str) -> Change {
    Change { field: field.to_owned(), before: String::new(), after: String::new() }
}

/// As the registry does, with every field of the edit for changed.
fn edit(journal: &mut Journal, number: u8, edit: &MemberEdit) -> bool {
    let fields: Vec<Change> = MemberEdit::FIELDS.iter().map(|field| changed(field)).collect();
    let subject = Subject { balancer: name(), member: Some(member(number)) };
    journal.keep(subject, edit, &fields, &anna()).is_kept()
}

fn edits(journal: &Journal) -> Vec<String> {
    let line = |restored| match restored {
        Restored::Member(_, member, edit) => {
            format!("{member} {}", serde_json::to_string(&edit).unwrap())
        }
        Restored::Balancer(balancer, edit) => {
            format!("{balancer} {}", serde_json::to_string(&edit).unwrap())
        }
    };
    journal.restored().into_iter().map(line).collect()
}

#[test]
fn edits_are_there_after_a_restart_and_cleared_ones_are_not() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = opened(folder.path(), &config("1"));
    let timeout = BalancerEdit { timeout: UpTo::new(5), ..BalancerEdit::default() };
    assert!(edit(&mut journal, 1, &factor("2")));
    assert!(edit(&mut journal, 1, &drain(true)));
    assert!(edit(&mut journal, 2, &drain(true)));
    assert!(journal.keep(whole(), &timeout, &[changed("timeout")], &anna()).is_kept());
    assert!(edit(&mut journal, 2, &drain(false)));
    drop(journal);
    for _ in 0..2 {
        let journal = opened(folder.path(), &config("1"));
        assert_eq!(edits(&journal), ["app {\"timeout\":5}", "http://m1 {\"lbfactor\":2.0,\"drain\":true}"]);
    }
}

#[test]
fn a_changed_configuration_wins_over_values_but_not_over_flags() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = opened(folder.path(), &config("1"));
    edit(&mut journal, 1, &factor("2"));
    edit(&mut journal, 1, &drain(true));
    drop(journal);
    let journal = opened(folder.path(), &config("3"));
    assert_eq!(edits(&journal), ["http://m1 {\"drain\":true}"]);
    drop(journal);
    let journal = opened(folder.path(), &config("1"));
    assert_eq!(edits(&journal), ["http://m1 {\"drain\":true}"], "what was dropped stays dropped");
    assert_eq!(edits(&opened(folder.path(), &[])), [""; 0]);
}

#[test]
fn a_flag_that_was_cleared_again_does_not_beat_a_later_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = opened(folder.path(), &config("1"));
    edit(&mut journal, 1, &drain(true));
    edit(&mut journal, 1, &drain(false));
    drop(journal);
    let mut changed = config("1");
    changed[0].members[0].1.status = changed[0].members[0].1.status.with(Flag::Drain, true);
    assert_eq!(edits(&opened(folder.path(), &changed)), [""; 0]);
}

#[test]
fn a_file_that_was_taken_away_is_written_anew() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = opened(folder.path(), &config("1"));
    edit(&mut journal, 1, &drain(true));
    std::fs::remove_file(folder.path().join(NAME)).unwrap();
    assert!(edit(&mut journal, 2, &drain(true)));
    drop(journal);
    assert_eq!(edits(&opened(folder.path(), &config("1"))).len(), 2);
}

#[test]
fn every_cut_leaves_a_prefix_of_what_was_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(NAME);
    let mut journal = opened(folder.path(), &config("1"));
    let mut lengths = vec![0];
    for change in [factor("2"), drain(true), factor("3")] {
        edit(&mut journal, 1, &change);
        lengths.push(std::fs::metadata(&path).unwrap().len());
    }
    drop(journal);
    let whole = std::fs::read(&path).unwrap();
    let expected =
        ["", "{\"lbfactor\":2.0}", "{\"lbfactor\":2.0,\"drain\":true}", "{\"lbfactor\":3.0,\"drain\":true}"];
    for cut in 0..=whole.len() {
        std::fs::write(&path, &whole[..cut]).unwrap();
        let kept = lengths.iter().rposition(|length| *length <= cut as u64).unwrap();
        let found = edits(&opened(folder.path(), &config("1"))).concat();
        assert_eq!(found.trim_start_matches("http://m1 "), expected[kept], "cut at {cut}");
    }
}

#[test]
fn damage_sets_the_whole_file_aside() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(NAME);
    let mut journal = opened(folder.path(), &config("1"));
    edit(&mut journal, 1, &drain(true));
    edit(&mut journal, 2, &drain(true));
    drop(journal);
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[20] ^= 1;
    std::fs::write(&path, &bytes).unwrap();
    assert_eq!(edits(&opened(folder.path(), &config("1"))), [""; 0]);
    assert_eq!(std::fs::read(folder.path().join(DAMAGED)).unwrap(), bytes);
}

#[test]
fn an_edit_that_cannot_be_written_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let gone = folder.path().join("gone");
    let mut journal = opened(&gone, &config("1"));
    assert!(!edit(&mut journal, 1, &drain(true)));
    std::fs::create_dir(&gone).unwrap();
    assert!(edit(&mut journal, 2, &drain(true)), "the disk is back");
    drop(journal);
    assert_eq!(edits(&opened(&gone, &config("1"))).len(), 2, "and nothing was forgotten meanwhile");
}

#[test]
fn many_edits_do_not_grow_the_file_without_end() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = opened(folder.path(), &config("1"));
    journal.lines = COMPACT_AFTER;
    edit(&mut journal, 1, &drain(true));
    assert_eq!(journal.lines, 1);
    let lines = std::fs::read_to_string(folder.path().join(NAME)).unwrap();
    assert_eq!(lines.lines().count(), 1);
}

#[test]
fn where_edits_are_not_to_survive_the_file_is_not_touched_and_a_reload_drops_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(NAME);
    let mut journal = opened(folder.path(), &config("1"));
    assert!(edit(&mut journal, 1, &drain(true)));
    drop(journal);
    let before = std::fs::read(&path).unwrap();
    let (mut journal, verdicts) = Journal::open(folder.path(), &mut config("1"), false);
    assert_eq!((edits(&journal), verdicts), (Vec::new(), Verdicts::default()));
    assert_eq!(journal.durability(), Durability::Kept, "there is nothing to lose");
    assert!(!edit(&mut journal, 2, &factor("2")));
    assert_eq!(journal.durability(), Durability::Unwanted);
    assert!(edit(&mut journal, 1, &factor("1")), "as the configuration says anyway");
    assert!(!edit(&mut journal, 1, &factor("4")));
    let verdicts = journal.renew(&mut config("4"), false);
    let dropped: Vec<_> = verdicts.dropped.iter().map(|it| (it.field.as_str(), it.value.as_str())).collect();
    assert_eq!(
        (verdicts.kept.len(), dropped),
        (0, vec![("lbfactor", "2.00")]),
        "the other is configured now"
    );
    assert!(verdicts.dropped[0].why.starts_with("BalancerPersist is Off"));
    let absorbed: Vec<_> = verdicts.absorbed.iter().map(|it| it.value.as_str()).collect();
    assert_eq!(absorbed, ["4.00"], "and is over without a loss");
    assert_eq!((edits(&journal), journal.durability()), (Vec::new(), Durability::Kept));
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[test]
fn where_edits_are_to_survive_again_those_of_before_come_back_beneath_those_since() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = opened(folder.path(), &config("1"));
    assert!(edit(&mut journal, 1, &drain(true)));
    assert!(edit(&mut journal, 2, &factor("2")));
    let verdicts = journal.renew(&mut config("1"), false);
    assert_eq!((verdicts.dropped.len(), verdicts.absorbed.len()), (2, 0));
    assert!(!edit(&mut journal, 2, &factor("3")));
    let verdicts = journal.renew(&mut config("1"), true);
    assert_eq!((verdicts.kept.len(), verdicts.dropped.len()), (2, 0));
    let expected = ["http://m1 {\"drain\":true}", "http://m2 {\"lbfactor\":3.0}"];
    assert_eq!(
        (edits(&journal), journal.durability()),
        (expected.map(str::to_owned).into(), Durability::Kept)
    );
    drop(journal);
    assert_eq!(edits(&opened(folder.path(), &config("1"))), expected);
}

#[test]
fn who_set_a_field_and_why_is_there_after_a_restart_and_gone_with_the_edit() {
    let folder = tempfile::tempdir().unwrap();
    let subject = Subject { balancer: name(), member: Some(member(1)) };
    let mut journal = opened(folder.path(), &config("1"));
    assert!(edit(&mut journal, 1, &drain(true)));
    for _ in 0..2 {
        // Once from the line as it was appended, once from the file as it was written anew.
        journal = opened(folder.path(), &config("1"));
        assert_eq!(journal.overridden(&subject, "drain"), Some(("On".to_owned(), anna())));
    }
    assert!(edit(&mut journal, 1, &drain(false)));
    assert_eq!(journal.overridden(&subject, "drain"), None);
    assert_eq!(opened(folder.path(), &config("1")).overridden(&subject, "drain"), None);
}

#[test]
fn a_journal_of_before_is_read_and_nobody_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let json = br#"{"balancer":"app","member":"http://m1","set":{"drain":true},"file":{"drain":false}}"#;
    let mut text = format!("{:08x} ", crc32fast::hash(json)).into_bytes();
    text.extend_from_slice(json);
    text.push(b'\n');
    std::fs::write(folder.path().join(NAME), text).unwrap();
    let journal = opened(folder.path(), &config("1"));
    let subject = Subject { balancer: name(), member: Some(member(1)) };
    assert_eq!(journal.overridden(&subject, "drain"), Some(("On".to_owned(), Origin::default())));
}

#[test]
fn what_the_configuration_says_nothing_of_holds_while_it_says_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let attempts = BalancerEdit { maxattempts: UpTo::new(3), ..BalancerEdit::default() };
    let mut journal = opened(folder.path(), &config("1"));
    assert!(journal.keep(whole(), &attempts, &[changed("maxattempts")], &anna()).is_kept());
    let (journal, verdicts) = Journal::open(folder.path(), &mut config("1"), true);
    assert_eq!((verdicts.kept.len(), verdicts.dropped.len()), (1, 0));
    assert_eq!(journal.unconfigured(&whole()), ["maxattempts"]);
    let mut set = config("1");
    set[0].settings.maxattempts = Some(5);
    let (journal, verdicts) = Journal::open(folder.path(), &mut set.clone(), true);
    assert_eq!((verdicts.kept.len(), verdicts.dropped.len()), (0, 1));
    assert_eq!(edits(&journal), [""; 0]);
}

/// Whose edits would be lost, with and without a member.
fn lost(journal: &Journal) -> Vec<Option<MemberName>> {
    journal.unwritten().subjects().into_iter().map(|it| it.member).collect()
}

#[test]
fn edits_of_when_none_were_to_survive_are_told_as_lost_where_the_disk_refuses_them() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = opened(folder.path(), &config("1"));
    assert!(edit(&mut journal, 1, &drain(true)));
    journal.renew(&mut config("1"), false);
    assert!(!edit(&mut journal, 2, &drain(true)));
    let refused = folder.path().join(NEXT);
    std::fs::create_dir(&refused).unwrap();
    let verdicts = journal.renew(&mut config("1"), true);
    assert_eq!((verdicts.kept.len(), journal.durability()), (2, Durability::Lost));
    assert_eq!(lost(&journal), [Some(member(2))], "that of before stands in the file");
    std::fs::remove_dir(&refused).unwrap();
    assert_eq!((journal.durability(), lost(&journal)), (Durability::Kept, Vec::new()));
    assert_eq!(journal.unwritten().take_written().len(), 1);
    drop(journal);
    assert_eq!(edits(&opened(folder.path(), &config("1"))).len(), 2);
}

#[test]
fn what_the_file_has_is_not_told_as_lost_unless_the_file_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = opened(folder.path(), &config("1"));
    assert!(edit(&mut journal, 1, &drain(true)));
    assert!(edit(&mut journal, 2, &factor("2")));
    drop(journal);
    std::fs::create_dir(folder.path().join(NEXT)).unwrap();
    let mut journal = opened(folder.path(), &config("1"));
    assert!(journal.unwritten().is_closed(), "the next edit will be lost");
    assert_eq!((journal.durability(), lost(&journal)), (Durability::Kept, Vec::new()));
    journal.renew(&mut config("1"), true);
    assert_eq!((journal.durability(), lost(&journal)), (Durability::Kept, Vec::new()));
    assert!(!edit(&mut journal, 1, &drain(false)));
    assert_eq!((journal.durability(), lost(&journal)), (Durability::Lost, vec![Some(member(1))]));
    std::fs::remove_file(folder.path().join(NAME)).unwrap();
    assert!(!edit(&mut journal, 1, &drain(true)));
    assert_eq!(lost(&journal), [Some(member(1)), Some(member(2))]);
}
