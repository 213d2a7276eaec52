//! Lines about metrics.

use super::*;

#[test]
fn an_address_is_named_once() {
    let read = |lines: &str| loaded(&format!("Listen 80\n{lines}\n")).metrics_listen;
    assert!(read("").is_empty());
    let two = read("MetricsListen 127.0.0.1:9117\nMetricsListen [::1]:9117");
    assert_eq!(two, ["127.0.0.1:9117".parse().unwrap(), "[::1]:9117".parse().unwrap()]);
    let many: Vec<String> = (1..=9).map(|port| format!("MetricsListen 127.0.0.1:{port}")).collect();
    let many = many.join("\n");
    for (lines, error) in [
        ("MetricsListen 9117", "2:15: '9117' has no address"),
        ("MetricsListen *:9117", "2:15: '*:9117' has no address"),
        ("MetricsListen h:1", "2:15: 'h:1' is no IP address with a port; names are not resolved"),
        ("MetricsListen 127.0.0.1:1\nMetricsListen 127.0.0.1:1", "3:15: 127.0.0.1:1 stands twice"),
        (
            "<Location /x>\nMetricsListen 127.0.0.1:1\n</Location>",
            "3:1: MetricsListen is not supported in <Location>",
        ),
        (&many, "10:1: there are more than 8 lines MetricsListen"),
    ] {
        let told = errors(&format!("Listen 80\n{lines}\n"));
        assert!(told.len() == 1 && told[0].contains(error), "{lines}: {told:?}");
    }
}
