//! Edits from texts as people type them and as changes show them: `lbfactor=2.00`, `drain=On`.

use std::str::FromStr;

use super::{BalancerEdit, MemberEdit, StickyEdit, UpTo};
use crate::name::InvalidName;

impl MemberEdit {
    /// Sets the value of `field`; a field that no text sets is left alone. Errors: what the value must be.
    pub fn set(&mut self, field: &str, value: &str) -> Result<(), String> {
        match field {
            "lbfactor" => self.lbfactor = Some(value.parse()?),
            "lbset" => self.lbset = Some(value.parse()?),
            "route" => self.route = Some(checked(value)?),
            "redirect" => self.redirect = Some(checked(value)?),
            "hcmethod" => self.hcmethod = Some(value.parse()?),
            "hcinterval" => self.hcinterval = Some(value.parse()?),
            "hcpasses" => self.hcpasses = Some(value.parse()?),
            "hcfails" => self.hcfails = Some(value.parse()?),
            "hcuri" => self.hcuri = Some(value.parse()?),
            "hcexpr" => self.hcexpr = Some(value.parse()?),
            _ => {
                if let Some((flag, _)) = Self::FLAGS.into_iter().find(|(_, known)| *known == field) {
                    *self = std::mem::take(self).with_flag(flag, switch(value)?);
                }
            }
        }
        Ok(())
    }
}

impl BalancerEdit {
    /// Sets the value of `field`; a field that no text sets is left alone. Errors: what the value must be.
    pub fn set(&mut self, field: &str, value: &str) -> Result<(), String> {
        match field {
            "lbmethod" => self.lbmethod = Some(value.parse()?),
            "stickysession" if value.is_empty() => self.stickysession = Some(StickyEdit(None)),
            "stickysession" => self.stickysession = Some(StickyEdit(Some(value.parse()?))),
            "nofailover" => self.nofailover = Some(switch(value)?),
            "timeout" => self.timeout = Some(up_to(value)?),
            "maxattempts" => self.maxattempts = Some(up_to(value)?),
            _ => {}
        }
        Ok(())
    }
}

fn checked<T: FromStr<Err = InvalidName>>(value: &str) -> Result<T, String> {
    value.parse().map_err(|why: InvalidName| why.0)
}

fn switch(value: &str) -> Result<bool, String> {
    match value.to_ascii_lowercase().as_str() {
        "on" | "true" | "yes" | "1" => Ok(true),
        "off" | "false" | "no" | "0" => Ok(false),
        _ => Err("must be on or off".to_owned()),
    }
}

fn up_to<const MOST: u32>(value: &str) -> Result<UpTo<MOST>, String> {
    let number = value.parse().ok().and_then(UpTo::new);
    number.ok_or_else(|| format!("must be a whole number from 0 to {MOST}"))
}
