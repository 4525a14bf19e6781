//! The state of an execution environment of the desk.

use std::sync::Arc;

use shared::app::{App, Services};
use shared::clock::Clock;

use crate::access::Access;
use crate::problem::Problem;

/// An execution environment of the desk.
pub struct Desk {
    pub(crate) app: App,
    pub(crate) clock: Clock,
    pub(crate) access: Access,
}

impl Desk {
    /// Creates the state; makes no connection.
    pub fn new(app: App) -> Arc<Self> {
        Arc::new(Self { app, clock: Clock::default(), access: Access::default() })
    }

    pub(crate) async fn services(&self) -> Result<&Services, Problem> {
        Ok(self.app.services().await?)
    }
}
