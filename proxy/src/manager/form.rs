//! What a form asks for, as httpd reads it: `w_*` of a member, `b_*` of a balancer.
//!
//! What httpd would ignore, or cut or clear without a word, changes nothing here and is told on the page.

use std::str::FromStr;

use evenkeel_protocol::edit::{StickyEdit, UpTo};
use evenkeel_protocol::{
    BalancerEdit, BalancerSnapshot, CheckCount, CheckInterval, CheckMethod, ExpressionName, Factor, Flag,
    LbMethod, Lbset, MemberEdit, MemberSnapshot, Route,
};

use super::parameter::Parameters;
use super::text::{decimal, leading, whole};

/// Why a value changes nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refused {
    /// The name of the field.
    pub(super) field: String,
    pub(super) value: String,
    pub(super) why: String,
}

/// What a form asks for.
#[derive(Debug, Default)]
pub(super) struct Asked {
    pub(super) member: MemberEdit,
    /// Does it bring a load factor? Then httpd sets the load of all members, be it changed or not.
    pub(super) restarts_load: bool,
    pub(super) balancer: BalancerEdit,
    /// The URL of a member that is to be added.
    pub(super) newcomer: Option<String>,
    pub(super) refused: Vec<Refused>,
}

/// The flags of the form, by the end of their fields' names.
pub(super) const FLAGS: [(char, Flag); 7] = [
    ('I', Flag::IgnoreErrors),
    ('N', Flag::Drain),
    ('D', Flag::Disabled),
    ('H', Flag::Standby),
    ('R', Flag::Spare),
    ('C', Flag::HealthFail),
    ('S', Flag::Stopped),
];

/// All other fields of a member's form, and all of a balancer's.
const MEMBER_FIELDS: [&str; 10] =
    ["w_lf", "w_wr", "w_rr", "w_ls", "w_hi", "w_hp", "w_hf", "w_hm", "w_hu", "w_he"];
const BALANCER_FIELDS: [&str; 7] = ["b_lbm", "b_tmo", "b_max", "b_sforce", "b_ss", "b_nwrkr", "b_wyes"];

/// The longest sticky session of httpd's form.
const STICKY: usize = 62;

/// Reads the fields one after the other.
struct Reading<'a> {
    form: &'a Parameters,
    refused: Vec<Refused>,
}

impl Reading<'_> {
    /// The value of a field that is there and good.
    fn take<T>(&mut self, field: &str, read: impl FnOnce(&str) -> Result<T, String>) -> Option<T> {
        let value = self.form.get(field)?;
        read(value).map_err(|why| self.refuse(field, value, why)).ok()
    }

    /// The same; an empty value is as none.
    fn take_if_any<T>(&mut self, field: &str, read: impl FnOnce(&str) -> Result<T, String>) -> Option<T> {
        self.form.get(field).filter(|value| !value.is_empty())?;
        self.take(field, read)
    }

    fn refuse(&mut self, field: &str, value: &str, why: impl Into<String>) {
        self.refused.push(Refused { field: field.to_owned(), value: value.to_owned(), why: why.into() });
    }
}

impl Asked {
    /// What `form` asks for of a balancer and, if one is named, of its member.
    pub(super) fn read(
        form: &Parameters,
        balancer: &BalancerSnapshot,
        member: Option<&MemberSnapshot>,
        expressions: &[(String, String)],
    ) -> Self {
        let mut reading = Reading { form, refused: Vec::new() };
        let mut asked = Self::default();
        if let Some(member) = member {
            asked.member = of_member(&mut reading, member, expressions);
            asked.restarts_load = asked.member.lbfactor.is_some();
            if asked.restarts_load && balancer.members.len() == 1 {
                // httpd has a share of one for who is alone.
                asked.member.lbfactor = Some(Factor::ONE);
            }
        } else if form.names().any(|name| name.to_ascii_lowercase().starts_with("w_")) {
            let why = "names no member of this balancer; nothing of a member was changed";
            reading.refuse("w", form.get("w").unwrap_or_default(), why);
        }
        asked.balancer = of_balancer(&mut reading);
        let sure = form.get("b_wyes") == Some("1");
        asked.newcomer = form.get("b_nwrkr").filter(|_| sure).map(str::to_owned);
        for name in form.names().filter(|name| is_unknown(name)) {
            reading.refuse(name, form.get(name).unwrap_or_default(), "is no field of this form");
        }
        asked.refused = reading.refused;
        asked
    }
}

fn of_member(
    reading: &mut Reading<'_>,
    member: &MemberSnapshot,
    expressions: &[(String, String)],
) -> MemberEdit {
    let mut edit = MemberEdit { lbfactor: reading.take("w_lf", factor), ..MemberEdit::default() };
    edit.route = reading.take("w_wr", short::<Route>);
    edit.redirect = reading.take("w_rr", short::<Route>);
    for (letter, flag) in FLAGS {
        if let Some(value) = reading.form.get(&format!("w_status_{letter}")) {
            edit = edit.with_flag(flag, whole(value) != 0);
        }
    }
    edit.lbset = reading.take("w_ls", |text| {
        let set = u8::try_from(whole(text)).ok().and_then(Lbset::new);
        set.ok_or_else(|| Lbset::RULE.to_owned())
    });
    edit.hcinterval = reading.take("w_hi", interval);
    edit.hcpasses = reading.take("w_hp", count);
    edit.hcfails = reading.take("w_hf", count);
    edit.hcmethod = reading.take("w_hm", CheckMethod::from_str);
    edit.hcuri = reading.take("w_hu", short);
    edit.hcexpr = reading.take("w_he", |text| match text {
        "" => Ok(ExpressionName::default()),
        text => match expressions.iter().find(|(name, _)| name.eq_ignore_ascii_case(text)) {
            Some((name, _)) => name.parse(),
            None => Err("is the name of no ProxyHCExpr".to_owned()),
        },
    });
    let method = edit.hcmethod.unwrap_or(member.health.method);
    let expression = edit.hcexpr.as_ref().unwrap_or(&member.health.expression);
    if method.request().is_none() && !expression.is_empty() {
        // As in httpd: such a check has nothing to decide about.
        edit.hcexpr = Some(ExpressionName::default());
    }
    edit
}

fn of_balancer(reading: &mut Reading<'_>) -> BalancerEdit {
    BalancerEdit {
        lbmethod: reading
            .take("b_lbm", |text| LbMethod::from_str(text).map_err(|_| LbMethod::RULE.to_owned())),
        timeout: reading.take("b_tmo", up_to::<7200>),
        maxattempts: reading.take("b_max", up_to::<99>),
        nofailover: reading.form.get("b_sforce").map(|text| whole(text) != 0),
        // Empty is what the form sends where nothing is sticky.
        stickysession: reading.take_if_any("b_ss", |text| match text {
            "-" => Ok(StickyEdit(None)),
            text if text.len() > STICKY => Err(format!("is longer than {STICKY} characters")),
            text => text.parse().map(|sticky| StickyEdit(Some(sticky))),
        }),
        ..BalancerEdit::default()
    }
}

fn is_unknown(name: &str) -> bool {
    let name = &*name.to_ascii_lowercase();
    let flag = name
        .strip_prefix("w_status_")
        .is_some_and(|end| FLAGS.iter().any(|(letter, _)| end.eq_ignore_ascii_case(&letter.to_string())));
    (name.starts_with("w_") || name.starts_with("b_"))
        && !flag
        && !MEMBER_FIELDS.contains(&name)
        && !BALANCER_FIELDS.contains(&name)
}

/// httpd's: hundredths, the rest cut off.
fn factor(text: &str) -> Result<Factor, String> {
    let hundredths = decimal(text) * 100.0;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "within the range, and cut as in httpd"
    )]
    let cut = (100.0..10_001.0).contains(&hundredths).then_some(hundredths as u16);
    cut.and_then(Factor::from_hundredths).ok_or_else(|| "must be a number from 1 to 100".to_owned())
}

/// A text that httpd keeps up to a length; it clears what is longer.
fn short<T: FromStr>(text: &str) -> Result<T, String>
where
    T::Err: ToString,
{
    text.parse().map_err(|why: T::Err| why.to_string())
}

fn up_to<const MOST: u32>(text: &str) -> Result<UpTo<MOST>, String> {
    let number = u32::try_from(whole(text)).ok().and_then(UpTo::new);
    number.ok_or_else(|| format!("must be a whole number from 0 to {MOST}"))
}

fn count(text: &str) -> Result<CheckCount, String> {
    let count = u32::try_from(whole(text)).ok().and_then(CheckCount::new);
    count.ok_or_else(|| CheckCount::RULE.to_owned())
}

/// A number with a unit, or without one in milliseconds; only the start of the unit matters, as in httpd.
fn interval(text: &str) -> Result<CheckInterval, String> {
    let (number, unit) = leading(text);
    let factor = match unit.unwrap_or("?").as_bytes() {
        [] | [b'm', b's', ..] => Some(1),
        [b's', ..] => Some(1000),
        [b'm', b'i', ..] => Some(60_000),
        [b'h', ..] => Some(3_600_000),
        _ => None,
    };
    let milliseconds =
        u64::try_from(number).ok().zip(factor).and_then(|(number, factor)| number.checked_mul(factor));
    milliseconds.and_then(CheckInterval::from_millis).ok_or_else(|| CheckInterval::RULE.to_owned())
}
