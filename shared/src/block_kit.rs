//! The part of Slack's Block Kit that messages use.
//!
//! Our own types, because the only crate for it adds a whole client of Slack's API and eighteen further crates for
//! eight constructors. The Slack sink of the local stack checks every message against Slack's own rules.

use serde::Serialize;

/// One block of a message.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum Block {
    /// A title, at most 150 characters.
    Header { text: Text },
    /// A text of at most 3,000 characters.
    Section { text: Text },
    /// Up to ten short texts in two columns.
    #[serde(rename = "section")]
    Fields { fields: Vec<Text> },
    /// Buttons.
    Actions { elements: Vec<Element> },
    /// Secondary information, in small type.
    Context { elements: Vec<Text> },
}

/// A text object.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum Text {
    /// Shown without formatting.
    PlainText { text: String },
    /// Slack's markup. With `verbatim`, what looks like an address, a channel or a name is not made into a link or a
    /// mention.
    Mrkdwn {
        text: String,
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        verbatim: bool,
    },
}

/// An interactive element.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum Element {
    /// A button that opens an address.
    Button { text: Text, url: String },
}

impl Text {
    pub(crate) fn plain(text: impl Into<String>) -> Self {
        Self::PlainText { text: text.into() }
    }

    pub(crate) fn verbatim(text: impl Into<String>) -> Self {
        Self::Mrkdwn { text: text.into(), verbatim: true }
    }
}
