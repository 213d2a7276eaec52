//! The small texts of a line, appended without allocating: numbers, addresses, and what strangers wrote, escaped.

use std::io::Write as _;
use std::net::IpAddr;

use crate::limits;

/// May this byte stand in a log as it is?
#[expect(
    clippy::needless_bitwise_bool,
    reason = "without branches, so that whole blocks are looked at together"
)]
fn is_plain(byte: u8) -> bool {
    (b' '..=b'~').contains(&byte) & (byte != b'"') & (byte != b'\\')
}

/// How many bytes from the start on are plain; whole blocks are looked at without a branch a byte.
fn plain_start(text: &[u8]) -> usize {
    const BLOCK: usize = 16;
    let is_all_plain = |block: &&[u8]| block.iter().fold(true, |plain, byte| plain & is_plain(*byte));
    let whole = text.chunks_exact(BLOCK).take_while(is_all_plain).count() * BLOCK;
    let rest = text.get(whole..).unwrap_or_default();
    whole + rest.iter().take_while(|byte| is_plain(**byte)).count()
}

/// Appends what a stranger wrote so that it can neither end the line or a quoted value nor drive a terminal (httpd:
/// `ap_escape_logitem`), cut at [`limits::LOG_VALUE`].
pub(super) fn push_escaped(out: &mut Vec<u8>, text: &[u8]) {
    let mut rest = text.get(..limits::LOG_VALUE).unwrap_or(text);
    loop {
        let (plain, special) = rest.split_at(plain_start(rest));
        out.extend_from_slice(plain);
        let Some((byte, behind)) = special.split_first() else { return };
        push_escaped_byte(out, *byte);
        rest = behind;
    }
}

/// Appends one byte, escaped if it must be.
pub(super) fn push_escaped_byte(out: &mut Vec<u8>, byte: u8) {
    let digit = |nibble: u8| if nibble < 10 { b'0' + nibble } else { b'a' + nibble - 10 };
    match byte {
        b'"' => out.extend_from_slice(b"\\\""),
        b'\\' => out.extend_from_slice(b"\\\\"),
        0x08 => out.extend_from_slice(b"\\b"),
        b'\t' => out.extend_from_slice(b"\\t"),
        b'\n' => out.extend_from_slice(b"\\n"),
        0x0b => out.extend_from_slice(b"\\v"),
        b'\r' => out.extend_from_slice(b"\\r"),
        byte if is_plain(byte) => out.push(byte),
        byte => out.extend_from_slice(&[b'\\', b'x', digit(byte >> 4), digit(byte & 15)]),
    }
}

/// Appends a number.
pub(super) fn push_number(out: &mut Vec<u8>, number: u64) {
    push_padded(out, number, 1);
}

/// Appends a number with zeros in front, if it has less than `width` digits; a width of at most 20.
pub(super) fn push_padded(out: &mut Vec<u8>, number: u64, width: usize) {
    let mut digits = [b'0'; 20];
    let mut rest = number;
    let mut used = 0;
    for place in digits.iter_mut().rev() {
        *place = b'0' + (rest % 10) as u8;
        rest /= 10;
        used += 1;
        if rest == 0 {
            break;
        }
    }
    out.extend_from_slice(digits.get(digits.len() - used.max(width.min(20))..).unwrap_or_default());
}

/// Appends an address; an IPv4 address on an IPv6 socket as IPv4.
pub(super) fn push_address(out: &mut Vec<u8>, address: IpAddr) {
    match address.to_canonical() {
        IpAddr::V4(address) => {
            let [a, b, c, d] = address.octets();
            push_number(out, a.into());
            for part in [b, c, d] {
                out.push(b'.');
                push_number(out, part.into());
            }
        }
        // Memory does not fail to be written.
        IpAddr::V6(address) => drop(write!(out, "{address}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn escaped(text: &[u8]) -> String {
        let mut out = Vec::new();
        push_escaped(&mut out, text);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn every_byte_is_escaped_as_httpd_does() {
        // Seen in a log of httpd 2.4.71, which was given these bytes in a variable.
        let seen = r#"\x01\x02\x03\x04\x05\x06\x07\b\t\v\x0c\x0e\x0f\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f !#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]^_`abcdefghijklmnopqrstuvwxyz{|}~\x7f\x80\x81\x82\x83\x84\x85\x86\x87\x88\x89\x8a\x8b\x8c\x8d\x8e\x8f\x90\x91\x92\x93\x94\x95\x96\x97\x98\x99\x9a\x9b\x9c\x9d\x9e\x9f\xa0\xa1\xa2\xa3\xa4\xa5\xa6\xa7\xa8\xa9\xaa\xab\xac\xad\xae\xaf\xb0\xb1\xb2\xb3\xb4\xb5\xb6\xb7\xb8\xb9\xba\xbb\xbc\xbd\xbe\xbf\xc0\xc1\xc2\xc3\xc4\xc5\xc6\xc7\xc8\xc9\xca\xcb\xcc\xcd\xce\xcf\xd0\xd1\xd2\xd3\xd4\xd5\xd6\xd7\xd8\xd9\xda\xdb\xdc\xdd\xde\xdf\xe0\xe1\xe2\xe3\xe4\xe5\xe6\xe7\xe8\xe9\xea\xeb\xec\xed\xee\xef\xf0\xf1\xf2\xf3\xf4\xf5\xf6\xf7\xf8\xf9\xfa\xfb\xfc\xfd\xfe\xff\"\\"#;
        let mut bytes: Vec<u8> = (1..=255).filter(|byte| !b"\n\r\"\\".contains(byte)).collect();
        bytes.extend(b"\"\\");
        assert_eq!(escaped(&bytes), seen);
        // These two cannot be brought into httpd's configuration; its source names them.
        assert_eq!(escaped(b"\r\n\0"), r"\r\n\x00");
    }

    #[test]
    fn numbers_and_addresses() {
        let of = |push: &dyn Fn(&mut Vec<u8>)| {
            let mut out = Vec::new();
            push(&mut out);
            String::from_utf8(out).unwrap()
        };
        for number in [0, 7, 10, 99, 100, 12_345, u64::MAX] {
            assert_eq!(of(&|out| push_number(out, number)), number.to_string());
        }
        assert_eq!(of(&|out| push_padded(out, 7, 3)), "007");
        assert_eq!(of(&|out| push_padded(out, 1234, 3)), "1234");
        for (address, text) in [
            ("127.0.0.1", "127.0.0.1"),
            ("255.10.0.99", "255.10.0.99"),
            ("::1", "::1"),
            ("::ffff:10.0.0.1", "10.0.0.1"),
            ("2001:db8::5", "2001:db8::5"),
        ] {
            assert_eq!(of(&|out| push_address(out, address.parse().unwrap())), text);
        }
    }

    #[test]
    fn a_value_is_bounded() {
        assert_eq!(escaped(&[b'a'; 10_000]).len(), limits::LOG_VALUE);
        assert_eq!(escaped(&[0; 10_000]).len(), limits::LOG_VALUE * 4);
    }

    proptest::proptest! {
        #[test]
        fn what_is_escaped_is_plain_and_can_be_read_back(text in proptest::collection::vec(0_u8.., 0..200)) {
            let mut out = Vec::new();
            push_escaped(&mut out, &text);
            proptest::prop_assert!(out.iter().all(|byte| (b' '..=b'~').contains(byte)));
            proptest::prop_assert_eq!(read_back(&out), text);
        }
    }

    fn read_back(escaped: &[u8]) -> Vec<u8> {
        let mut bytes = escaped.iter().copied();
        let mut read = Vec::new();
        while let Some(byte) = bytes.next() {
            let known =
                [(b'b', 8), (b't', 9), (b'n', 10), (b'v', 11), (b'r', 13), (b'"', b'"'), (b'\\', b'\\')];
            read.push(match byte {
                b'"' => panic!("a bare quote"),
                b'\\' => match bytes.next().unwrap() {
                    b'x' => {
                        let digits = [bytes.next().unwrap(), bytes.next().unwrap()];
                        u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap()
                    }
                    letter => known.iter().find(|(known, _)| *known == letter).unwrap().1,
                },
                plain => plain,
            });
        }
        read
    }
}
