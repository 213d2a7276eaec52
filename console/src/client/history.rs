//! The last hour of members, as the proxy remembers it.

use evenkeel_protocol::{BalancerName, Call, History, HistoryQuery, MemberName};

use crate::ability::Ability;

use super::{Client, Failure, NOTHING};

impl Client {
    /// The past of a member, or of all members of the balancer.
    ///
    /// # Errors
    ///
    /// The proxy is not reached or does not answer, or has no such balancer or member.
    pub async fn history(
        &self,
        balancer: &BalancerName,
        member: Option<&MemberName>,
        query: &HistoryQuery,
    ) -> Result<History, Failure> {
        let member = member.map(|member| member.as_str().to_owned());
        self.able(Ability::History)?
            .ask(&Call::History(balancer.clone(), member, query.clone()), NOTHING)
            .await
    }
}
