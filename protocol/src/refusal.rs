//! Why something that was asked for was not done.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What kind of refusal it is; decides the HTTP status, and in commands the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// The request is not understood: path, method, JSON, query.
    BadRequest,
    /// The path is there, and not for this method.
    MethodNotAllowed,
    /// There is no such balancer or member.
    NotFound,
    /// The selector fits several members.
    Ambiguous,
    /// A value is out of range or of the wrong kind.
    Invalid,
    /// It was changed by somebody else since.
    Stale,
    /// A guard refuses it: it would leave nobody to serve. `force` overrides that.
    Guarded,
    /// This user may not.
    Denied,
    /// Nothing can be changed here: it is a socket for looking only.
    ReadOnly,
    /// The message is larger than the proxy takes.
    TooLarge,
    /// The proxy is ending, or has too many askers.
    Unavailable,
    /// A failure of the proxy's own.
    Internal,
}

impl Code {
    /// The HTTP status of an answer with this code.
    pub fn http_status(self) -> u16 {
        match self {
            Self::BadRequest => 400,
            Self::MethodNotAllowed => 405,
            Self::NotFound => 404,
            Self::Ambiguous | Self::Guarded => 409,
            Self::Denied | Self::ReadOnly => 403,
            Self::Invalid => 422,
            Self::Stale => 412,
            Self::TooLarge => 413,
            Self::Unavailable => 503,
            Self::Internal => 500,
        }
    }
}

/// A refusal: the same sentence on every surface.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// The kind.
    pub code: Code,
    /// The field it is about, if it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// What is wrong and what to do, as a sentence.
    pub message: String,
}

impl Refusal {
    /// A refusal that is about no field.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, field: None, message: message.into() }
    }

    /// A refusal of the value of `field`.
    pub fn field(code: Code, field: &str, message: impl Into<String>) -> Self {
        Self { code, field: Some(field.to_owned()), message: message.into() }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Refusal {}
