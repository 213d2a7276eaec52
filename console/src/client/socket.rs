//! One side of a client: HTTP/1.1 and JSON over the admin socket of an Evenkeel proxy.

use std::path::Path;
use std::sync::Arc;

use evenkeel_protocol::Call;
use reqwest::{Method, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Events, Failure, Limits, answer, tls};

/// Asks the proxy behind one socket. Keeps no connection open.
#[derive(Debug, Clone)]
pub(super) struct Socket {
    http: reqwest::Client,
    path: Arc<Path>,
    limits: Limits,
}

impl Socket {
    pub(super) fn new(path: &Path, limits: Limits) -> Result<Self, Failure> {
        let http = tls::without(reqwest::Client::builder())?
            .unix_socket(path)
            .connect_timeout(limits.connect)
            .redirect(reqwest::redirect::Policy::none())
            .pool_max_idle_per_host(0)
            .retry(reqwest::retry::never())
            .user_agent(concat!("evenkeel/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| Failure::from_http(&error, path))?;
        Ok(Self { http, path: path.into(), limits })
    }

    /// The answer to one question.
    pub(super) async fn ask<T: DeserializeOwned + Send + 'static>(
        &self,
        call: &Call,
        edit: Option<&impl Serialize>,
    ) -> Result<T, Failure> {
        let asked = async {
            let response = self.send(call, edit).await?;
            let status = response.status();
            Ok((status, answer::body(response, self.limits.largest_answer).await?))
        };
        let (status, body) = self.within(asked).await?;
        let body = body?;
        if status.is_success() { answer::read_aside(body).await } else { Err(answer::refusal(status, &body)) }
    }

    /// The stream of events behind number `since`.
    pub(super) async fn events(&self, since: Option<u64>, follow: bool) -> Result<Events, Failure> {
        let asked = async {
            let response = self.send(&Call::Events { since, follow }, super::NOTHING).await?;
            let status = response.status();
            if status.is_success() {
                return Ok(Ok(response));
            }
            let body = answer::body(response, self.limits.largest_answer).await?;
            Ok(Err(body.map_or_else(|failure| failure, |body| answer::refusal(status, &body))))
        };
        let response = self.within(asked).await??;
        Ok(Events::new(response, since.unwrap_or_default(), follow, Arc::clone(&self.path), self.limits))
    }

    async fn send(&self, call: &Call, edit: Option<&impl Serialize>) -> Result<Response, reqwest::Error> {
        let method = match call.method() {
            "PATCH" => Method::PATCH,
            "POST" => Method::POST,
            "DELETE" => Method::DELETE,
            _ => Method::GET,
        };
        // The host is for form's sake: the socket decides where it goes.
        let mut request = self.http.request(method, format!("http://localhost{}", call.path()));
        if let Some(edit) = edit {
            request = request.json(edit);
        }
        request.send().await
    }

    async fn within<T>(&self, asked: impl Future<Output = Result<T, reqwest::Error>>) -> Result<T, Failure> {
        match tokio::time::timeout(self.limits.answer, asked).await {
            Ok(answered) => answered.map_err(|error| Failure::from_http(&error, &self.path)),
            Err(_) => Err(Failure::late(self.limits.answer)),
        }
    }
}
