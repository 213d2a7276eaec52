//! Whether what was edited survives a restart, and what is said where it does not.

/// Does an edit survive a restart?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Durability {
    Kept,
    /// The disk fails.
    Lost,
    /// The configuration does not want it.
    Unwanted,
}

impl Durability {
    pub(crate) fn is_kept(self) -> bool {
        self == Self::Kept
    }

    /// What the operator should know.
    pub(crate) fn note(self) -> Option<String> {
        (self == Self::Unwanted)
            .then(|| "BalancerPersist is Off: edits hold until the next restart or reload".to_owned())
    }
}
