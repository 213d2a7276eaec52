//! Files that include files, and files that cannot be read.

use std::fs;
use std::path::Path;

use super::*;

#[test]
fn files_include_files() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    let options = ReadOptions::default();
    let main = folder.path().join("main.conf");
    write(
        "main.conf",
        "Include parts/*.conf\n<Proxy balancer://b>\nInclude members.conf\n</Proxy>\nIncludeOptional none.conf\nIncludeOptional none*.conf\n",
    );
    write("parts/10.conf", "Listen 127.0.0.1:8081\n");
    write("parts/20.conf", "Listen 127.0.0.1:8082\n");
    write("members.conf", "BalancerMember http://h:1\n");
    let config = read(&main, &options).unwrap_or_else(|report| panic!("{report}"));
    assert_eq!(config.listen.iter().map(SocketAddr::port).collect::<Vec<_>>(), [8081, 8082]);
    assert_eq!(config.balancers[0].members.len(), 1);

    write("parts/20.conf", "Listen x\n</Proxy>\n<Location /a>\n");
    let report = read(&main, &options).unwrap_err();
    let lines: Vec<_> = report.errors.iter().map(|note| note.place.clone().unwrap()).collect();
    assert!(lines.iter().all(|place| place.file.ends_with("parts/20.conf")), "{report}");
    assert_eq!(lines.iter().map(|place| place.line).collect::<Vec<_>>(), [1, 2, 3], "{report}");

    for (text, expected) in [
        ("Include none.conf", "cannot read"),
        ("Include none*.conf", "no file fits"),
        ("Include main.conf", "include one another more than 16 deep"),
        ("Include main.conf\nInclude main.conf", "more than 256 files"),
        ("Include .", "more than 16 deep"),
    ] {
        write("main.conf", &format!("Listen 80\n{text}\n"));
        let report = read(&main, &options).unwrap_err();
        assert!(report.to_string().contains(expected), "{text}: {report}");
    }
    write("main.conf", &format!("ServerRoot {}\nInclude 10.conf\n", folder.path().join("parts").display()));
    assert!(read(&main, &options).is_ok());
}

#[test]
fn files_that_cannot_be_read_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let options = ReadOptions::default();
    let text = |path: &Path| read(path, &options).unwrap_err().to_string();
    assert!(text(&folder.path().join("none.conf")).contains("none.conf: No such file"));
    assert!(text(folder.path()).contains("no regular file"));
    let path = folder.path().join("bad.conf");
    fs::write(&path, b"Listen 80\nServerName \xff\n").unwrap();
    assert!(text(&path).contains("bad.conf:2:12"), "{}", text(&path));
    assert!(text(&path).contains("not UTF-8"));
    fs::write(&path, b"Listen 80\n\0").unwrap();
    assert!(text(&path).contains("NUL byte"));
    fs::write(&path, "#\n".repeat(100_001)).unwrap();
    assert!(text(&path).contains("more than 100000 lines"));
    assert_eq!(read(&path, &options).unwrap_err().errors.len(), 2, "nothing is listened on either");
}
