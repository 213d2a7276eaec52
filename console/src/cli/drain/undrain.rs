//! `undrain`: new sessions come again, or the drain alone is ended.

use clap::Args;
use evenkeel_protocol::{DrainCancel, MemberEdit};

use super::{Target, tend};
use crate::cli::edit::{EditOptions, Order, Verb, Wanted, apply};
use crate::cli::output::Stop;
use crate::cli::report::{States, report_with};
use crate::cli::{Exit, Session, complete};

/// What `undrain --help` says below the options.
pub(in crate::cli) const UNDO: &str = "\
Examples:
  evenkeel undrain app/node1                   new sessions come again
  evenkeel undrain app/node1 --keep-draining   nobody waits any more; it goes on draining";

/// What can be typed behind `undrain`.
#[derive(Debug, Args)]
pub struct UndrainArguments {
    /// The member: BALANCER/MEMBER or MEMBER, by route, host:port or URL
    #[arg(add = complete::members())]
    pub(in crate::cli) selector: String,
    /// End the drain and nothing else: nobody waits any more, and the member goes on draining (N)
    #[arg(long, alias = "keep")]
    pub(in crate::cli) keep_draining: bool,
    #[command(flatten)]
    pub(in crate::cli) options: EditOptions,
}

/// `undrain`: clears N alone, and ends the drain; or ends the drain alone.
pub(in crate::cli) async fn undo(
    arguments: &UndrainArguments,
    session: &mut Session<'_>,
) -> Result<Exit, Stop> {
    let (options, selector) = (&arguments.options, &arguments.selector);
    if arguments.keep_draining {
        return tend::keep(arguments, session).await;
    }
    let reason = options.reason()?;
    let client = session.client().await?;
    let snapshot = client.snapshot().await?;
    let target = Target::find(&snapshot, selector).ok();
    let running = target.and_then(|target| tend::running(&snapshot, &target));
    // A cancellation asks for no revision, and an edit ends the drain as well.
    if let Some(drain) = running.filter(|_| options.if_revision.is_none() && !options.dry_run) {
        let cancel = DrainCancel { restore: Some(true), reason };
        if let Some(edited) = client.cancel_drain(drain.number, &cancel).await?.edited {
            let states = States::wanted(options, &client, (&snapshot, &edited)).await;
            return report_with(Verb::Undrain, (&edited, states), options, session);
        }
    }
    let edit = MemberEdit { drain: Some(false), ..MemberEdit::default() };
    let order = Order { verb: Verb::Undrain, selector, wanted: Wanted::Member(edit), keys: &[] };
    apply(order, options, session).await
}
