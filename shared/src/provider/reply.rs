//! Reading replies of any provider: their shape, and the errors that name what is wrong.

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::ProviderError;

/// Removes NUL characters, which Postgres can't store in a text.
pub(super) fn drop_nul(value: &mut Value) {
    match value {
        Value::String(text) => text.retain(|c| c != '\0'),
        Value::Array(values) => values.iter_mut().for_each(drop_nul),
        Value::Object(fields) => fields.values_mut().for_each(drop_nul),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Deserialises a payload; an error names the field.
pub(super) fn shape<T: DeserializeOwned>(path: &str, value: Value) -> Result<T, ProviderError> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let reason = error.inner().to_string();
        malformed(path, place(&error).map_or_else(|| reason.clone(), |place| format!("{place}: {reason}")))
    })
}

/// The path of the field at fault; none: the payload itself.
pub(super) fn place<E>(error: &serde_path_to_error::Error<E>) -> Option<String> {
    error.path().iter().next().map(|_| error.path().to_string())
}

pub(super) fn blocked(path: &str, reason: String) -> ProviderError {
    ProviderError::Blocked { path: path.to_owned(), reason }
}

pub(super) fn unavailable(path: &str, reason: String) -> ProviderError {
    ProviderError::Unavailable { path: path.to_owned(), reason }
}

pub(super) fn malformed(path: &str, reason: String) -> ProviderError {
    ProviderError::Malformed { path: path.to_owned(), reason }
}
