//! What httpd's manager shows and needs beside the settings that steer: nonces, paths, and which parameters were
//! written.

use std::ops::{Deref, DerefMut};

use evenkeel_protocol::BalancerSettings;

use crate::config::newcomer::Newcomers;

/// `nonce=`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Nonce {
    /// One that nobody can guess, made at the start.
    #[default]
    Random,
    /// This text.
    Fixed(String),
    /// `nonce=None`: nothing can be changed, as in httpd.
    ReadOnly,
}

/// What the manager needs of one balancer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ManagerConfig {
    /// Guards its forms.
    pub nonce: Nonce,
    /// The path of the last `ProxyPass` to it; none if nothing is mapped to it.
    pub path: Option<String>,
    /// Of each member, in order.
    pub members: Vec<Written>,
    /// `growth=`: how many members the page may add.
    pub growth: u32,
    /// How many of the members were added at run time; they stand behind the others.
    pub added: u32,
    /// What members get that are added at run time.
    pub newcomers: Newcomers,
}

#[expect(clippy::struct_excessive_bools, reason = "each says that a parameter of Apache's was written")]
/// What was written of a member. The XML has some values only if they were.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Written {
    /// `min=`.
    pub min: u32,
    /// `timeout=`, or `ProxyTimeout` above it?
    pub timeout: bool,
    /// `retry=`?
    pub retry: bool,
    /// `keepalive=`?
    pub keepalive: bool,
    /// `disablereuse=` or `enablereuse=`?
    pub disablereuse: bool,
    /// `receivebuffersize=`, in bytes.
    pub receive_buffer: Option<u64>,
    /// `iobuffersize=`, in bytes.
    pub io_buffer: Option<u64>,
}

impl Written {
    /// From the parameters of a member's line.
    pub(super) fn of(words: &[String], inherits_timeout: bool) -> Self {
        let value = |wanted: &str| {
            let parts = words.iter().rev().filter_map(|word| word.split_once('='));
            parts.into_iter().find(|(key, _)| key.eq_ignore_ascii_case(wanted)).map(|(_, value)| value)
        };
        let number = |wanted: &str| value(wanted).and_then(|value| value.parse::<u64>().ok());
        let has = |wanted: &str| value(wanted).is_some();
        Self {
            min: number("min").and_then(|min| u32::try_from(min).ok()).unwrap_or(0),
            timeout: inherits_timeout || has("timeout"),
            retry: has("retry"),
            keepalive: has("keepalive"),
            disablereuse: has("disablereuse") || has("enablereuse"),
            receive_buffer: number("receivebuffersize"),
            io_buffer: number("iobuffersize"),
        }
    }
}

/// What the parameters of a balancer set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct BalancerDraftSettings {
    pub(super) settings: BalancerSettings,
    pub(super) nonce: Nonce,
    pub(super) growth: u32,
}

impl Deref for BalancerDraftSettings {
    type Target = BalancerSettings;

    fn deref(&self) -> &BalancerSettings {
        &self.settings
    }
}

impl DerefMut for BalancerDraftSettings {
    fn deref_mut(&mut self) -> &mut BalancerSettings {
        &mut self.settings
    }
}
