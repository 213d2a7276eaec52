//! `add` and `remove`: members that come and go at run time.

use clap::Args;
use evenkeel_protocol::{MemberAddition, MemberRemoval};

use super::edit::{EditOptions, Verb};
use super::output::Stop;
use super::report::{missing, report};
use super::{Exit, Session, complete, preview, target};

pub(super) const ADD_HELP: &str = "\
The parameters are those of a BalancerMember line. Without a status it starts disabled, as in httpd: `enable` lets it \
in. It stays over restarts and reloads until it is removed, or the configuration has a member of that URL.

Examples:
  evenkeel add app http://10.0.0.9:8080 route=node9 loadfactor=2
  evenkeel enable app/node9
  evenkeel add app http://10.0.0.9:8080 status=-D   takes requests at once";

pub(super) const REMOVE_HELP: &str = "\
Only who was added at run time; the others stand in the configuration. It is refused while requests or live sessions \
are with it, and for the last member that serves, unless forced.

Example:
  evenkeel drain app/node9 --wait && evenkeel remove app/node9";

/// What can be typed behind `add`.
#[derive(Debug, Args)]
pub struct AddArguments {
    /// The balancer
    #[arg(add = complete::everything())]
    pub(super) balancer: String,
    /// The member's URL
    url: String,
    /// Its parameters, as on a BalancerMember line
    #[arg(value_name = "KEY=VALUE")]
    parameters: Vec<String>,
    #[command(flatten)]
    pub(super) options: EditOptions,
}

/// What can be typed behind `remove`.
#[derive(Debug, Args)]
pub struct RemoveArguments {
    /// The member: BALANCER/MEMBER or MEMBER, by route, host:port or URL
    #[arg(add = complete::members())]
    pub(super) selector: String,
    #[command(flatten)]
    pub(super) options: EditOptions,
}

pub(super) async fn add(arguments: &AddArguments, session: &mut Session<'_>) -> Result<Exit, Stop> {
    let options = &arguments.options;
    if options.force {
        return Err(Stop::usage("add takes no --force: nothing stands in its way that could be forced"));
    }
    let addition = MemberAddition {
        url: arguments.url.clone(),
        parameters: arguments.parameters.clone(),
        revision: options.if_revision,
        reason: options.reason()?,
    };
    let client = session.client().await?;
    let snapshot = client.snapshot().await?;
    let balancer = match target::balancer_with(&snapshot, &arguments.balancer, &[]) {
        Err(stop @ Stop::Missing(_)) if options.ignore_missing => return missing(&stop, options, session),
        other => &other?.name,
    };
    if options.dry_run {
        let foreseen = client.preview_addition(balancer, &addition).await?;
        return preview::show(&foreseen, &snapshot, options, session);
    }
    report(Verb::Add, &client.add_member(balancer, &addition).await?, options, session)
}

pub(super) async fn remove(arguments: &RemoveArguments, session: &mut Session<'_>) -> Result<Exit, Stop> {
    let options = &arguments.options;
    let removal =
        MemberRemoval { revision: options.if_revision, force: options.force, reason: options.reason()? };
    let client = session.client().await?;
    let snapshot = client.snapshot().await?;
    let (balancer, member) = match target::member_with(&snapshot, &arguments.selector, &[]) {
        Err(stop @ Stop::Missing(_)) if options.ignore_missing => return missing(&stop, options, session),
        other => other?,
    };
    if options.dry_run {
        let foreseen = client.preview_removal(&balancer.name, &member.name, &removal).await?;
        return preview::show(&foreseen, &snapshot, options, session);
    }
    let edited = client.remove_member(&balancer.name, &member.name, &removal).await?;
    report(Verb::Remove, &edited, options, session)
}
