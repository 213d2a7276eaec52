//! What is asked about sessions and elections: all of it only reads.

use evenkeel_protocol::{BalancerName, Call, Census, ElectionFilter, Elections, Explanation, Question};

use crate::ability::Ability;

use super::{Client, Failure, NOTHING};

impl Client {
    /// What was seen of the sessions of a balancer.
    pub async fn census(&self, balancer: &BalancerName) -> Result<Census, Failure> {
        self.able(Ability::Sessions)?.ask(&Call::Sessions(balancer.clone()), NOTHING).await
    }

    /// Where a request would go, and why.
    pub async fn explain(&self, question: &Question) -> Result<Explanation, Failure> {
        self.able(Ability::Explain)?.ask(&Call::Explain, Some(question)).await
    }

    /// The last elections that fit a filter.
    pub async fn elections(&self, filter: &ElectionFilter) -> Result<Elections, Failure> {
        self.able(Ability::Elections)?.ask(&Call::Elections, Some(filter)).await
    }
}
