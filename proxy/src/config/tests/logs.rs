//! Access logs: names of formats, conditions, places.

use std::path::Path;

use super::*;

/// The format of each log of these lines, all in a folder that exists, and the warnings.
fn formats(lines: &str) -> (Vec<String>, Vec<String>) {
    let config = loaded(&format!("Listen 80\nServerRoot /\n{lines}\n"));
    let told = warnings(&config);
    (config.access_logs.into_iter().map(|log| log.format).collect(), told)
}

#[test]
fn a_format_is_found_by_its_name_wherever_that_is_given() {
    for (what, lines, expected) in [
        ("text", "CustomLog /a \"%h %t\"", "%h %t"),
        ("name", "LogFormat %h x\nCustomLog /a x", "%h"),
        ("name below", "CustomLog /a x\nLogFormat %h x", "%h"),
        ("later name counts", "LogFormat %h x\nCustomLog /a x\nLogFormat %t x", "%t"),
        ("escaped quotes", r#"CustomLog /a "\"%r\" a\tb\\n""#, r#""%r" a\tb\n"#),
        ("no format at all", "TransferLog /a", COMMON),
        ("built in", "CustomLog /a clf", COMMON),
        ("without a name", "TransferLog /a\nLogFormat %h", "%h"),
        ("by a name", "LogFormat nick\nLogFormat %h nick\nTransferLog /a", "%h"),
        ("global", "GlobalLog /a %h", "%h"),
        ("empty name", "LogFormat %h \"\"\nTransferLog /a", "%h"),
    ] {
        assert_eq!(formats(lines), (vec![expected.to_owned()], Vec::new()), "{what}");
    }
    for (lines, expected) in [
        ("CustomLog /a combined", "combined"),
        ("CustomLog /a env=X", "env=X"),
        ("LogFormat nick\nTransferLog /a", "nick"),
    ] {
        let (found, told) = formats(lines);
        assert_eq!(found, [expected]);
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0].contains("there is no LogFormat named"), "{told:?}");
    }
    let (_, told) = formats("LogFormat common %h");
    assert_eq!(told, ["site.conf:3:18: '%h' looks like a format and is taken for a name"]);
}

#[test]
fn conditions() {
    let config = loaded(
        "Listen 80
        CustomLog /a %h env=X
        CustomLog /b %h ENV=!X
        CustomLog /c %h",
    );
    let found: Vec<_> = config.access_logs.iter().map(|log| log.condition.clone()).collect();
    let name = || "X".to_owned();
    assert_eq!(found, [Some(LogCondition::Set(name())), Some(LogCondition::Unset(name())), None]);
    assert_eq!(
        warnings(&config),
        [
            "site.conf:2:25: no such variable is set here, because SetEnvIf is not supported: no request is logged",
            "site.conf:3:25: no such variable is set here, because SetEnvIf is not supported: every request is logged",
        ]
    );
}

#[test]
fn what_is_no_log_is_refused() {
    for (line, why) in [
        ("CustomLog /a", "2:1: CustomLog needs more arguments"),
        ("CustomLog \"|/bin/cat\" %h", "2:11: logs are not written to other programs"),
        ("TransferLog ||cat", "2:13: logs are not written to other programs"),
        ("CustomLog syslog:local1 %h", "2:11: access logs are not written to syslog"),
        ("CustomLog \"\" %h", "2:11: the name of the file is empty"),
        ("CustomLog /a \"\"", "2:14: the format is empty"),
        ("LogFormat \"\" x", "2:11: the format is empty"),
        (
            "CustomLog /a %",
            "2:14: the log format ends within a % directive; write %% for a % sign (character 1 of the log format)",
        ),
        ("LogFormat %{x unused", "2:11: a { is not closed (character 1 of the log format)"),
        ("CustomLog /a %h expr=true", "2:17: expressions are not supported"),
        ("CustomLog /a %h env=", "2:17: the name of the variable is missing"),
        ("CustomLog /a %h env=!", "2:17: the name of the variable is missing"),
        ("CustomLog /a %h %t", "2:17: '%t' is no condition"),
        ("CustomLog /no/such/folder/a %h", "2:11: there is no folder /no/such/folder"),
        ("CustomLog / %h", "2:11: / is a folder"),
        ("CustomLog logs/a %h", "2:11: logs/a is relative, and there is no folder to start from"),
        ("<Location /x>\nCustomLog /a %h\n</Location>", "3:1: CustomLog is not supported in <Location>"),
    ] {
        assert_eq!(errors(&format!("Listen 80\n{line}\n")), [format!("site.conf:{why}")], "{line}");
    }
}

#[test]
fn relative_logs_start_at_the_last_server_root() {
    let folder = tempfile::tempdir().unwrap();
    let main = folder.path().join("main.conf");
    let other = folder.path().join("other");
    std::fs::create_dir(&other).unwrap();
    let path_of = |text: &str| {
        std::fs::write(&main, text).unwrap();
        let config = read(&main, &ReadOptions::default()).unwrap_or_else(|report| panic!("{report}"));
        config.access_logs[0].path.clone()
    };
    assert_eq!(path_of("Listen 80\nTransferLog a.log\n"), folder.path().join("a.log"));
    let text = format!("Listen 80\nTransferLog a.log\nServerRoot {}\n", other.display());
    assert_eq!(path_of(&text), other.join("a.log"));
    assert!(!Path::new(&other.join("a.log")).exists());
}
