//! Accepted edits, kept across restarts: a file of checked lines in the run folder.
//!
//! A line is appended and synced before its edit is applied, so nothing that was acknowledged as durable is lost. Each
//! line tells what was set and what the configuration said then: flags hold until they are cleared, other fields
//! hold while the configuration's value is still the same, else the configuration wins. A last line that was cut off
//! was never acknowledged and is dropped; any other damage sets the whole file aside, aloud. Where the configuration
//! says `BalancerPersist Off` the file is neither read nor written, and edits hold until the next reload.

mod configured;
mod durability;
mod known;
mod line;
pub(crate) mod roster;
mod unwritten;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{FileExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use evenkeel_protocol::{
    BalancerEdit, BalancerName, Change, Loss, MemberEdit, MemberName, Override, Subject,
};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::config::BalancerConfig;
use crate::journal::configured::shown;
pub(crate) use crate::journal::durability::Durability;
pub(crate) use crate::journal::line::Origin;
use crate::journal::line::{Kept, Line, parse, render};
use crate::journal::roster::{Added, Roster};
pub(crate) use crate::journal::unwritten::Unwritten;

/// The name of the file, and of its successor while that is written.
const NAME: &str = "edits.journal";
const NEXT: &str = "edits.journal.next";
const PREVIOUS: &str = "edits.journal.previous";
const LINK: &str = "edits.journal.link";
const DAMAGED: &str = "edits.journal.damaged";
/// Lines after which the file is written anew with one line for each thing that was edited.
const COMPACT_AFTER: usize = 1_000;
/// The room that there must be for the next line.
const ROOM: usize = 512;
/// A larger file is taken for damaged.
const LARGEST: u64 = 64 * 1024 * 1024;

/// What became of the edits when a configuration was held against them, one entry a field.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Verdicts {
    pub(crate) kept: Vec<Override>,
    pub(crate) dropped: Vec<Override>,
    /// Those that are over because the configuration says the same now.
    pub(crate) absorbed: Vec<Override>,
}

/// What becomes of an edit when the configuration is read after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Kept,
    Dropped,
    Absorbed,
}

impl Verdicts {
    fn of(&mut self, fate: Fate) -> &mut Vec<Override> {
        match fate {
            Fate::Kept => &mut self.kept,
            Fate::Dropped => &mut self.dropped,
            Fate::Absorbed => &mut self.absorbed,
        }
    }
}

/// An edit to make again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Restored {
    Member(BalancerName, MemberName, MemberEdit),
    Balancer(BalancerName, BalancerEdit),
}

/// The journal of one run folder.
#[derive(Debug)]
pub(crate) struct Journal {
    folder: PathBuf,
    /// Are edits to survive? Otherwise the file is not touched, and the overrides are those of this process.
    persist: bool,
    /// None: nothing can be written, and every edit says so.
    file: Option<File>,
    lines: usize,
    configured: BTreeMap<Subject, Map<String, Value>>,
    overrides: BTreeMap<Subject, Kept>,
    /// Members that were added at run time, in that order.
    added: Vec<Added>,
    written: BTreeMap<Subject, Vec<String>>,
    /// Those whose last edit the file does not have.
    behind: BTreeSet<Subject>,
    unwritten: Unwritten,
}

impl Journal {
    /// Reads the journal of a run folder and begins its next generation, if edits are to `persist`. Members that were
    /// added at run time join the `balancers`.
    pub(crate) fn open(folder: &Path, balancers: &mut [BalancerConfig], persist: bool) -> (Self, Verdicts) {
        let mut journal = Self {
            folder: folder.to_owned(),
            persist,
            file: None,
            lines: 0,
            configured: BTreeMap::new(),
            overrides: BTreeMap::new(),
            added: Vec::new(),
            written: BTreeMap::new(),
            behind: BTreeSet::new(),
            unwritten: Unwritten::default(),
        };
        let verdicts = if persist {
            journal.begin(balancers)
        } else {
            journal.know(balancers);
            journal.tell_untouched();
            Verdicts::default()
        };
        (journal, verdicts)
    }

    /// Reads the file and adds the edits since; both are held against the configuration.
    fn begin(&mut self, balancers: &mut [BalancerConfig]) -> Verdicts {
        let since = std::mem::take(&mut self.overrides);
        let added = std::mem::take(&mut self.added);
        let readable = match std::fs::metadata(self.folder.join(NAME)).map(|about| about.len()) {
            Err(why) if why.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(why) => Err(why),
            Ok(length) => self.read(length).or_else(|why| self.set_aside(&why)),
        };
        for added in added {
            let Added { subject, parameters, origin } = added;
            self.replay(&subject, Roster::Added { parameters, origin });
        }
        for (subject, what) in since {
            let known = self.overrides.entry(subject).or_default();
            for (field, value) in &what.set {
                known.put(field, value, &what);
            }
        }
        let verdicts = self.reconcile(balancers);
        // What the configuration dropped is not there to be lost.
        self.behind.retain(|it| {
            self.overrides.contains_key(it) || self.added.iter().any(|added| added.subject == *it)
        });
        // What can neither be read nor moved is not overwritten.
        if let Err(why) = readable.and_then(|()| self.compact()) {
            tracing::error!(%why, "the journal of edits cannot be used; edits will not survive a restart");
        }
        verdicts
    }

    /// Holds the edits against a configuration that was read anew, which says whether edits are to `persist`. Members
    /// that were added at run time join the `balancers`.
    pub(crate) fn renew(&mut self, balancers: &mut [BalancerConfig], persist: bool) -> Verdicts {
        let persisted = std::mem::replace(&mut self.persist, persist);
        if persist && !persisted {
            return self.begin(balancers);
        }
        let verdicts = self.reconcile(balancers);
        if !persist {
            self.file = None;
            self.behind.clear();
            self.unwritten.forget();
            if persisted {
                self.tell_untouched();
            }
        } else if let Err(why) = self.compact() {
            tracing::error!(%why, "the journal of edits cannot be written; edits will not survive a restart");
        }
        verdicts
    }

    /// Edits of a time when they were to survive stay where they are, for when they are to survive again.
    fn tell_untouched(&self) {
        let file = self.folder.join(NAME);
        if file.exists() {
            tracing::warn!(file = %file.display(),
                "BalancerPersist is Off: the edits of before in this journal are neither made nor removed");
        }
    }

    /// The edits that still hold.
    pub(crate) fn restored(&self) -> Vec<Restored> {
        let edits = self.overrides.iter().filter_map(|(subject, what)| {
            let set = Value::Object(what.set.clone());
            let balancer = subject.balancer.clone();
            let edit = match &subject.member {
                Some(member) => {
                    serde_json::from_value(set).map(|edit| Restored::Member(balancer, member.clone(), edit))
                }
                None => serde_json::from_value(set).map(|edit| Restored::Balancer(balancer, edit)),
            };
            edit.inspect_err(
                |why| tracing::error!(?subject, %why, "an edit from before the restart is not understood"),
            )
            .ok()
        });
        edits.collect()
    }

    /// Are edits to survive a restart?
    pub(crate) fn persists(&self) -> bool {
        self.persist
    }

    /// Whose edits the disk has refused.
    pub(crate) fn unwritten(&self) -> Unwritten {
        self.unwritten.clone()
    }

    /// Would everything that was accepted so far survive a restart?
    pub(crate) fn durability(&mut self) -> Durability {
        if self.persist {
            // What the file has stays there, also where the disk takes nothing more.
            let kept = self.file.is_some() || self.compact().is_ok() || self.behind.is_empty();
            return if kept { Durability::Kept } else { Durability::Lost };
        }
        if self.overrides.is_empty() && self.added.is_empty() {
            Durability::Kept
        } else {
            Durability::Unwanted
        }
    }

    /// Keeps what an edit changes of a balancer or member; tells whether it will survive a restart.
    pub(crate) fn keep(
        &mut self,
        subject: Subject,
        edit: &impl Serialize,
        changes: &[Change],
        origin: &Origin,
    ) -> Durability {
        let Ok(Value::Object(mut set)) = serde_json::to_value(edit) else { return Durability::Lost };
        set.retain(|field, _| {
            field != MemberEdit::TRANSIENT && changes.iter().any(|change| change.field == *field)
        });
        if set.is_empty() {
            return self.durability();
        }
        let configured = self.configured.get(&subject).cloned().unwrap_or_default();
        let file = configured.into_iter().filter(|(field, _)| set.contains_key(field)).collect();
        let origins = set.keys().map(|field| (field.clone(), origin.clone())).collect();
        let what = Kept { set, file, origins };
        self.merge(&subject, &what);
        if !self.persist {
            self.behind.insert(subject.clone());
            // What the configuration says anyway needs nobody to keep it.
            let known = self.overrides.get(&subject);
            let overrides = known.is_some_and(|known| what.set.keys().any(|it| known.set.contains_key(it)));
            return if overrides { Durability::Unwanted } else { Durability::Kept };
        }
        self.write(&Line { subject, what, roster: None })
    }

    /// Writes a line whose effect is known already.
    fn write(&mut self, line: &Line) -> Durability {
        self.behind.insert(line.subject.clone());
        if !self.persist {
            return Durability::Unwanted;
        }
        let there = self.is_there();
        let written = match &mut self.file {
            Some(file) if there && self.lines < COMPACT_AFTER => {
                let written = append(file, line);
                if written.is_ok() {
                    self.behind.remove(&line.subject);
                } else {
                    self.refused();
                }
                written
            }
            // Too long, or the disk may have recovered, or the file was taken away.
            _ => self.compact(),
        };
        self.lines += 1;
        if let Err(why) = &written {
            tracing::error!(%why, "an edit could not be written to the journal and will not survive a restart");
        }
        if written.is_ok() { Durability::Kept } else { Durability::Lost }
    }

    /// The disk has not taken what it should have: notes whose edits a restart would lose.
    fn refused(&mut self) {
        // Whether a failed sync wrote anything is not known, so the next edit writes the whole file anew.
        self.file = None;
        if !self.folder.join(NAME).exists() {
            // Nothing stands there of those before either.
            self.behind.extend(self.overrides.keys().cloned());
            self.behind.extend(self.added.iter().map(|added| added.subject.clone()));
        }
        self.unwritten.refuse(&self.behind);
    }

    /// Is the open file still the one that stands in the folder?
    fn is_there(&self) -> bool {
        let identity = |about: std::fs::Metadata| (about.dev(), about.ino());
        let open = self.file.as_ref().and_then(|file| file.metadata().ok()).map(identity);
        open.is_some() && open == std::fs::metadata(self.folder.join(NAME)).ok().map(identity)
    }

    /// Later fields replace earlier ones; what the configuration says anyway is no override.
    fn merge(&mut self, subject: &Subject, what: &Kept) {
        let configured = self.configured.get(subject);
        let known = self.overrides.entry(subject.clone()).or_default();
        for (field, value) in &what.set {
            if configured.and_then(|map| map.get(field)) == Some(value) {
                known.forget(field);
            } else {
                known.put(field, value, what);
            }
        }
        if known.set.is_empty() {
            self.overrides.remove(subject);
        }
    }

    fn read(&mut self, length: u64) -> Result<(), String> {
        if length > LARGEST {
            return Err(format!("it is larger than {LARGEST} bytes"));
        }
        let bytes = std::fs::read(self.folder.join(NAME)).map_err(|why| why.to_string())?;
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        let lines: Vec<&[u8]> =
            bytes.get(..whole).unwrap_or_default().split_inclusive(|byte| *byte == b'\n').collect();
        for (number, text) in lines.iter().enumerate() {
            match parse(text) {
                Some(Line { subject, roster: Some(roster), .. }) => self.replay(&subject, roster),
                Some(line) => {
                    // Merged without looking at the configuration, which is done once at the end.
                    let known = self.overrides.entry(line.subject).or_default();
                    for (field, value) in &line.what.set {
                        if line.what.file.get(field) == Some(value) {
                            // It was set back to what the configuration said then.
                            known.forget(field);
                        } else {
                            known.put(field, value, &line.what);
                        }
                    }
                }
                // The last line may have been cut off in the middle of a block.
                None if number + 1 == lines.len() => {
                    tracing::warn!(
                        "the last line of the journal was cut off; its edit was never acknowledged"
                    );
                }
                None => return Err(format!("line {} is damaged", number + 1)),
            }
        }
        Ok(())
    }

    /// Holds what was set against the configuration of today, field by field.
    fn reconcile(&mut self, balancers: &mut [BalancerConfig]) -> Verdicts {
        let mut verdicts = Verdicts::default();
        self.join(balancers, &mut verdicts);
        (self.configured, self.written) = (BTreeMap::new(), BTreeMap::new());
        self.know(balancers);
        for (subject, what) in std::mem::take(&mut self.overrides) {
            let name = subject.member.as_ref().map_or_else(|| subject.balancer.url(), ToString::to_string);
            let today = self.configured.get(&subject);
            let mut kept = Kept::default();
            for (field, value) in &what.set {
                let (then, now) = (what.file.get(field), today.and_then(|today| today.get(field)));
                let (fate, why) = match now {
                    None if today.is_none() => (Fate::Dropped, "it is no longer configured"),
                    Some(now) if now == value => (Fate::Absorbed, "the configuration says the same now"),
                    _ if !self.persist => (
                        Fate::Dropped,
                        "BalancerPersist is Off: edits hold until the configuration is read anew",
                    ),
                    Some(Value::Bool(_)) if subject.member.is_some() => {
                        (Fate::Kept, "flags hold until they are cleared")
                    }
                    _ if then == now => (Fate::Kept, "the configuration of this field is what it was"),
                    _ => (Fate::Dropped, "the configuration of this field was changed since, and wins"),
                };
                verdicts.of(fate).push(Override {
                    subject: subject.clone(),
                    field: field.clone(),
                    value: shown(field, value),
                    why: why.to_owned(),
                    loss: Loss::default(),
                });
                match fate {
                    Fate::Kept => {
                        tracing::info!(balancer = %subject.balancer, name, field, %value, "edit kept");
                        kept.put(field, value, &what);
                        kept.file.extend(now.map(|now| (field.clone(), now.clone())));
                    }
                    Fate::Absorbed => {
                        tracing::info!(balancer = %subject.balancer, name, field, %value, "edit over: {why}");
                    }
                    Fate::Dropped => {
                        tracing::warn!(balancer = %subject.balancer, name, field, %value, "edit dropped: {why}");
                    }
                }
            }
            if !kept.set.is_empty() {
                self.overrides.insert(subject, kept);
            }
        }
        verdicts
    }

    /// Keeps a damaged file for people and starts without it, naming those whose overrides could still be read.
    fn set_aside(&mut self, why: &str) -> io::Result<()> {
        let touched: Vec<String> = self
            .overrides
            .keys()
            .chain(self.added.iter().map(|added| &added.subject))
            .map(|it| {
                it.member
                    .as_ref()
                    .map_or_else(|| it.balancer.url(), |member| format!("{}/{member}", it.balancer))
            })
            .collect();
        self.overrides.clear();
        self.added.clear();
        let aside = self.folder.join(DAMAGED);
        let moved = std::fs::rename(self.folder.join(NAME), &aside);
        tracing::error!(why, kept = %aside.display(), moved = moved.is_ok(), had_edits = touched.join(", "),
            "the journal of edits is damaged; starting with the configuration alone");
        moved
    }

    /// Writes the file anew; what is missing in it if the disk refuses is noted.
    fn compact(&mut self) -> io::Result<()> {
        let written = self.replace();
        if written.is_ok() {
            self.behind.clear();
            self.unwritten.written();
        } else {
            self.refused();
        }
        written
    }

    /// Writes one line for each subject, and puts the file in the old one's place in one step.
    fn replace(&mut self) -> io::Result<()> {
        let next = self.folder.join(NEXT);
        let mut file = OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&next)?;
        let mut text = Vec::new();
        for Added { subject, parameters, origin } in self.added.clone() {
            text.extend(render(&Line::of_roster(subject, Roster::Added { parameters, origin }))?);
        }
        for (subject, what) in &self.overrides {
            text.extend(render(&Line { subject: subject.clone(), what: what.clone(), roster: None })?);
        }
        file.write_all(&text)?;
        // Whether the next line finds room is to be known before somebody relies on it.
        let end = text.len() as u64;
        file.write_all_at(&[0; ROOM], end)?;
        file.set_len(end)?;
        file.sync_all()?;
        let (current, previous) = (self.folder.join(NAME), self.folder.join(PREVIOUS));
        // The generation before stays, at each moment; at first there is none.
        let link = self.folder.join(LINK);
        let _ = std::fs::remove_file(&link);
        if std::fs::hard_link(&current, &link).is_ok() {
            std::fs::rename(&link, &previous)?;
        }
        std::fs::rename(&next, &current)?;
        File::open(&self.folder)?.sync_all()?;
        self.file = Some(file);
        self.lines = 0;
        Ok(())
    }
}

fn append(file: &mut File, line: &Line) -> io::Result<()> {
    file.write_all(&render(line)?)?;
    file.sync_data()
}

#[cfg(test)]
mod tests;
