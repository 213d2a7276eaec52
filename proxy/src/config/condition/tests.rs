//! The language of conditions: what holds, what is refused and where.

use super::*;

fn seen<'a>(status: u16, header: &'a [(Vec<u8>, Vec<u8>)], body: &'a [u8]) -> Seen<'a> {
    Seen { status, header, body }
}

fn holds(text: &str) -> bool {
    let header = [
        (b"content-type".to_vec(), b"text/html; charset=utf-8".to_vec()),
        (b"X-Load".to_vec(), b"17".to_vec()),
        (b"x-load".to_vec(), b"99".to_vec()),
    ];
    let condition = Condition::read(text).unwrap_or_else(|why| panic!("{text}: {why:?}"));
    condition.holds(&seen(200, &header, b"All fine.\nNo Maintenance\n"))
}

#[test]
fn what_holds() {
    for (text, wanted) in [
        ("true", true),
        ("false", false),
        ("%{REQUEST_STATUS} =~ /^[234]/", true),
        ("%{request_status} !~ /^2/", false),
        ("%{REQUEST_STATUS} == 200", true),
        ("%{REQUEST_STATUS} = '200'", true),
        ("%{REQUEST_STATUS} != '0200'", true),
        ("%{REQUEST_STATUS} -eq '0200'", true),
        ("%{REQUEST_STATUS} eq 200", true),
        ("%{REQUEST_STATUS} -ne 200", false),
        ("%{REQUEST_STATUS} -lt 1000", true),
        ("%{REQUEST_STATUS} < 1000", false),
        ("%{REQUEST_STATUS} -le 200 && %{REQUEST_STATUS} -ge 200", true),
        ("%{REQUEST_STATUS} >= '200' && %{REQUEST_STATUS} <= '200'", true),
        ("%{REQUEST_STATUS} > '3'", false),
        ("%{REQUEST_STATUS} -gt -12", true),
        ("'x' -eq 0", true),
        ("' -7x' -eq -7", true),
        ("'99999999999999999999' -gt '9223372036854775806'", true),
        ("%{REQUEST_STATUS} -in {'200','204'}", true),
        ("%{REQUEST_STATUS} in { 404, 503 }", false),
        ("hc('body') =~ /no maintenance/i", true),
        ("hc('body') =~ /no maintenance/", false),
        ("HC( \"BODY\" ) !~ m#fine#", false),
        ("%{HC_BODY} =~ m,fine.*No,", true),
        ("%{hc:body} =~ /Maintenance$/", false),
        ("%{HC_BODY} =~ /Maintenance\\s$/", true),
        ("%{HC_BODY} =~ /^No/", false),
        ("%{CONTENT_TYPE} =~ m#^text/html#", true),
        ("%{resp:Content-Type} == resp('CONTENT-TYPE')", true),
        ("%{resp:X-Load} == '17'", true),
        ("-z %{resp:Nothing}", true),
        ("-n %{resp:Nothing}", false),
        ("-T %{resp:Nothing} || -T 'off' || -T '0' || -T 'No'", false),
        ("-T hc('body')", true),
        ("toupper('a' . 'b') == 'AB'", true),
        ("%{tolower:%{resp:Content-Type}} == tolower(resp('content-type'))", true),
        ("'a%{REQUEST_STATUS}b' == \"a200b\"", true),
        ("'it\\'s' == \"it's\"", true),
        ("'a\\tb' =~ /^a\\tb$/", true),
        ("'\\$1' == '$' . '1'", true),
        ("'%' == '%' && '$' == '$'", true),
        ("! false && false", false),
        ("!(false && false)", true),
        ("not true or true and true", true),
        ("true || true && false", true),
        ("(true || true) && false", false),
        ("! %{REQUEST_STATUS} == 200", false),
        ("'a'=='a'&&!'b'=='a'", true),
        ("((((true))))", true),
        ("']' =~ /[]]/ && 'a' =~ /[[:alpha:]]/ && '-' =~ /[a-]/", true),
    ] {
        assert_eq!(holds(text), wanted, "{text}");
    }
}

#[test]
fn what_is_refused_and_where() {
    let look_around = "this regular expression is not understood";
    for (text, place, why) in [
        ("", "", "here a word is missing"),
        ("TRUE", "TRUE", "'TRUE' is no word"),
        ("foo == 'x'", "foo", "'foo' is no word"),
        ("'x'", "", "a word alone is neither true nor false"),
        ("'x' && true", "&&", "a word alone is neither true nor false"),
        ("'a' == 'b' == 'c'", "==", "the expression ends before this"),
        ("'a' ==", "", "here a word is missing"),
        ("== 'a'", "==", "here a word is missing before =="),
        ("'a' <> 'b'", ">", "here a word is missing before >"),
        ("'a", "'a", "this text is never closed"),
        ("%{A == 'x'", "%{A == 'x'", "this variable is never closed"),
        ("(true", "", "here ) is missing"),
        ("true)", ")", "the expression ends before this"),
        ("('a') == 'a'", ")", "a word alone is neither true nor false"),
        ("%{NOSUCH} == 'a'", "%{NOSUCH}", "a health check has no variable 'NOSUCH'"),
        ("%{REMOTE_ADDR} == 'a'", "%{REMOTE_ADDR}", "a health check has no variable 'REMOTE_ADDR'"),
        ("%{Content-Type} == 'a'", "%{Content-Type}", "a health check has no variable 'Content-Type'"),
        ("hc('head') == 'a'", "hc", "hc knows the body only"),
        ("resp(hc('body')) == 'a'", "resp", "resp takes the name of a header field"),
        ("%{env:X} == 'a'", "%{env:X}", "a health check has no function 'env'"),
        ("file('/x') == 'a'", "file", "a health check has no function 'file'"),
        ("'a' -strmatch 'b'", "-strmatch", "the operator -strmatch is not supported"),
        ("'a' -in 'b'", "'b'", "here must stand a list"),
        ("'a' -in {}", "}", "here a word is missing before }"),
        ("'a' -in {'b' 'c'}", "'c'", "here } is missing"),
        ("'a' =~ 'a'", "'", "here must stand a regular expression"),
        ("'a' =~ é", "é", "here must stand a regular expression"),
        ("'a' =~ m{a}", "m", "here must stand a regular expression"),
        ("'a' =~ /a", "/a", "this regular expression is never closed"),
        ("'a' =~ /a/x", "x", "'x' has no meaning behind a regular expression"),
        ("'a' =~ m#(a)\\1#", "m#(a)\\1#", look_around),
        ("'a' =~ /a(?=b)/", "/a(?=b)/", look_around),
        ("'a' =~ /(/", "/(/", look_around),
        ("'a' =~ /[é]/", "/[é]/", look_around),
        ("'a' =~ /(a{1000}){1000}/", "/(a{1000}){1000}/", "this regular expression takes too much memory"),
        ("'a' =~ /\\<a/", "/\\<a/", "\\< or \\> means something else"),
        ("'a' =~ /[a&&b]/", "/[a&&b]/", "&&, -- or ~~ within brackets means something else"),
        ("'a' =~ /[a[b]/", "/[a[b]/", "a [ within brackets means something else"),
        ("'a' =~ /(?R)/", "/(?R)/", "(?R) or (?u) means something else"),
        ("'$1' == 'a'", "'$1'", "what a regular expression has caught cannot be used"),
        ("true # why", "#", "this sign has no meaning here"),
        ("true && é", "é", "this sign has no meaning here"),
    ] {
        let fault = Condition::read(text).map(|_| ()).unwrap_err();
        assert!(fault.what.starts_with(why), "{text}: {fault:?}");
        assert_eq!(text.get(fault.at.clone()), Some(place), "{text}: {fault:?}");
        assert!(!fault.remedy.is_empty(), "{text}");
    }
}

#[test]
fn size_and_depth_are_bounded() {
    let long = format!("'{}' == 'a'", "x".repeat(LONGEST));
    assert!(Condition::read(&long).unwrap_err().what.starts_with("the expression is longer than"));
    for deep in ["(", "!", "not ", "tolower(", "%{tolower:", "'%{tolower:"] {
        let text = deep.repeat(LONGEST / deep.len());
        assert!(Condition::read(&text).is_err(), "{deep}");
    }
    let regexes = |count| vec!["'a' =~ /a/"; count].join(" || ");
    assert!(holds(&regexes(REGEXES)));
    assert!(
        Condition::read(&regexes(REGEXES + 1)).unwrap_err().what.contains("more than 32 regular expressions")
    );
    let wide = vec!["true"; 500].join(" && ");
    assert!(holds(&wide));
    let fits = format!("{}true{}", "(".repeat(DEPTH), ")".repeat(DEPTH));
    assert!(holds(&fits));
    let fits_not = format!("({fits})");
    assert!(Condition::read(&fits_not).unwrap_err().what.contains("nests more than"));
}

#[test]
fn it_is_known_whether_the_body_matters() {
    for (text, wanted) in [
        ("%{REQUEST_STATUS} == 200", false),
        ("'x%{HC_BODY}' == 'x'", true),
        ("true || !(tolower(hc('body')) =~ /x/)", true),
        ("'a' -in {'b', hc('body')}", true),
    ] {
        assert_eq!(Condition::read(text).unwrap().reads_body(), wanted, "{text}");
    }
}

proptest::proptest! {
    #[test]
    fn any_text_is_a_condition_or_a_fault_with_a_place(
        text in "[%{}()'\"a-eimnhcbody:_ =!<>&|~/#.,$\\\\0-9-]{0,60}|(?s).{0,80}",
        body in proptest::collection::vec(0u8.., 0..40),
    ) {
        match Condition::read(&text) {
            Ok(condition) => {
                let header = [(b"a".to_vec(), body.clone())];
                let first = condition.holds(&seen(200, &header, &body));
                let again = Condition::read(condition.text()).unwrap();
                proptest::prop_assert_eq!(first, again.holds(&seen(200, &header, &body)));
            }
            Err(fault) => {
                proptest::prop_assert!(text.get(fault.at.clone()).is_some(), "{:?}", fault);
                proptest::prop_assert!(fault.what.chars().all(evenkeel_protocol::clean::is_clean));
            }
        }
    }

    #[test]
    fn conditions_of_known_parts_are_always_read(
        parts in proptest::collection::vec(
            proptest::sample::select(vec![
                "%{REQUEST_STATUS} == 200", "hc('body') =~ /x/i", "!(true)", "'a' -in {'b','c'}", "-n resp('A')",
            ]),
            1..20,
        ),
        joints in proptest::collection::vec(proptest::sample::select(vec![" && ", " || ", " and ", "or "]), 20),
    ) {
        let mut text = String::new();
        for (part, joint) in parts.iter().zip(joints) {
            if !text.is_empty() {
                text.push_str(if joint == "or " { " or " } else { joint });
            }
            text.push_str(part);
        }
        proptest::prop_assert!(Condition::read(&text).is_ok(), "{}", text);
    }
}
