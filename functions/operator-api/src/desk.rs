//! The state of an execution environment of the desk.

use std::sync::Arc;

use axum::response::Redirect;
use shared::app::{App, Services};
use shared::clock::Clock;

use crate::access::Access;
use crate::problem::Problem;

/// An execution environment of the desk.
pub struct Desk {
    pub(crate) app: App,
    pub(crate) clock: Clock,
    pub(crate) access: Access,
    /// The path before all of the desk's own, as `/bestshot`, without a slash at the end: a custom domain may have one.
    pub(crate) base: String,
}

impl Desk {
    /// Creates the state; makes no connection.
    pub fn new(app: App) -> Arc<Self> {
        let url = app.config.objects.operator_api_url.as_ref().and_then(|url| url::Url::parse(url).ok());
        let base = url.map(|url| url.path().trim_end_matches('/').to_owned()).unwrap_or_default();
        Arc::new(Self { app, clock: Clock::default(), access: Access::default(), base })
    }

    /// Sends a browser to a path of the desk's own.
    pub(crate) fn redirect(&self, path: &str) -> Redirect {
        Redirect::to(&format!("{}{path}", self.base))
    }

    /// Whether results are sent to an event bus.
    pub(crate) fn has_bus(&self) -> bool {
        self.app.config.event_bus.is_some()
    }

    pub(crate) async fn services(&self) -> Result<&Services, Problem> {
        Ok(self.app.services().await?)
    }
}
