//! The forms in which htpasswd keeps passwords: bcrypt, SHA-1, apr1, and what the system's crypt knows.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::Md5;
use sha_crypt::{PasswordVerifier as _, ShaCrypt};
use sha1::{Digest as _, Sha1};
use subtle::ConstantTimeEq as _;

/// Is it the password that is kept so? What is in no form that is known here is nobody's.
pub(super) fn is_right(password: &[u8], kept: &str) -> bool {
    if let Some(digest) = kept.strip_prefix("{SHA}") {
        return same(STANDARD.encode(Sha1::digest(password)).as_bytes(), digest.as_bytes());
    }
    let form = kept.strip_prefix('$').and_then(|rest| rest.split('$').next());
    match form {
        // A password of the old crypt has no form before it.
        None => kept.len() == 13 && pwhash::unix_crypt::verify(password, kept),
        Some("2y" | "2a" | "2b") => bcrypt::verify(password, kept).unwrap_or(false),
        Some(form @ ("apr1" | "1")) => md5_crypt(password, kept, form),
        Some("5" | "6") => ShaCrypt::default().verify_password(password, kept).is_ok(),
        Some(_) => false,
    }
}

fn same(one: &[u8], other: &[u8]) -> bool {
    one.ct_eq(other).into()
}

/// `$apr1$SALT$DIGEST`, and `$1$` likewise, which differ in nothing but that name.
fn md5_crypt(password: &[u8], kept: &str, form: &str) -> bool {
    let magic = format!("${form}$");
    let Some((salt, digest)) = kept.strip_prefix(&magic).and_then(|rest| rest.split_once('$')) else {
        return false;
    };
    let salt = salt.as_bytes().get(..8).unwrap_or(salt.as_bytes());
    let alternate = Md5::new().chain_update(password).chain_update(salt).chain_update(password).finalize();
    let mut first = Md5::new().chain_update(password).chain_update(magic.as_bytes()).chain_update(salt);
    for chunk in password.chunks(16) {
        first.update(alternate.get(..chunk.len()).unwrap_or_default());
    }
    let mut bits = password.len();
    while bits > 0 {
        // Of a set bit a zero counts, of another one the first byte: so it was written once, and so it stays.
        first.update(if bits & 1 == 1 { &[0][..] } else { password.get(..1).unwrap_or_default() });
        bits >>= 1;
    }
    let mut last = first.finalize();
    for round in 0..1000 {
        let mut next = Md5::new();
        let (front, back) = if round & 1 == 1 { (password, &last[..]) } else { (&last[..], password) };
        next.update(front);
        if round % 3 != 0 {
            next.update(salt);
        }
        if round % 7 != 0 {
            next.update(password);
        }
        next.update(back);
        last = next.finalize();
    }
    same(encoded(&last).as_bytes(), digest.as_bytes())
}

/// The digest in the letters and the order of crypt.
fn encoded(digest: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    const ORDER: [[usize; 3]; 5] = [[0, 6, 12], [1, 7, 13], [2, 8, 14], [3, 9, 15], [4, 10, 5]];
    let byte = |at: usize| u32::from(digest.get(at).copied().unwrap_or_default());
    let mut out = String::with_capacity(22);
    let mut put = |mut bits: u32, letters: usize| {
        for _ in 0..letters {
            out.push(LETTERS.get((bits & 63) as usize).copied().map_or('.', char::from));
            bits >>= 6;
        }
    };
    for [high, middle, low] in ORDER {
        put(byte(high) << 16 | byte(middle) << 8 | byte(low), 4);
    }
    put(byte(11), 2);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `htpasswd` wrote.
    const KEPT: &[(&str, &str, &str)] = &[
        ("bcrypt", "secret pass", "$2y$04$KYLCYvmL6iIUR5qkrBANk.2lZQknrw5xsiwF3kWDHP8ItdYHHAFSW"),
        ("SHA-1", "secret pass", "{SHA}O1hAcUlX7zkBbV+/3rmbDfUlbNM="),
        ("apr1", "secret pass", "$apr1$OhWXyErL$dzIa3cz73IUNbVFa3Nht41"),
        ("crypt", "secret p", "WzurYsg9rWN0M"),
        (
            "SHA-256",
            "secret pass",
            "$5$rounds=1000$3Dnl2A62xPq40Aj8$BBpJsyL/BYASbCInLIr3frwfPcCPz26mkN2pveI0cu.",
        ),
        (
            "SHA-512",
            "secret pass",
            "$6$rounds=1000$qCCXJXb/ez5dnySP$SQHswKI6WWQfQgC.2aUqkY6r.nVudTRTKQ1CI5AibGilO78dow6xQNwV94P6OnovnMTdfPymsj3ABaLGC8qFc.",
        ),
        ("crypt with MD5", "secret pass", "$1$abcdefgh$Rur9vjR3qTr2ktYAC0ctB."),
        (
            "apr1 of a long one",
            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            "$apr1$8UGjjnc6$OOGEzaDKsCTBo02BorRCw1",
        ),
    ];

    #[test]
    fn every_form_of_htpasswd_is_known() {
        for (form, password, kept) in KEPT {
            assert!(is_right(password.as_bytes(), kept), "{form}");
            for wrong in ["", "Secret pass", "secret", "x"] {
                assert!(!is_right(wrong.as_bytes(), kept), "{form} takes {wrong:?}");
            }
        }
    }

    #[test]
    fn what_is_in_no_form_is_nobodys() {
        for kept in [
            "",
            "secret",
            "$",
            "$apr1$",
            "$apr1$salt",
            "$9$a$b",
            "{SHA}",
            "{SSHA}x",
            "$2y$",
            "$6$x",
            "*",
            "!",
        ] {
            for password in ["", "secret", kept] {
                assert!(!is_right(password.as_bytes(), kept), "{kept:?} takes {password:?}");
            }
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_a_form_or_none(kept in "(\\$(apr1|1|5|2y)\\$)?[ -~]{0,40}", password in "[ -~]{0,10}") {
            is_right(password.as_bytes(), &kept);
        }
    }
}
