//! What can go wrong on a cluster, told apart as far as a user acts differently on it.

use std::fmt::Display;

use serde::Serialize;
use spark_connect::SparkError;

/// What went wrong.
#[derive(Debug, Serialize)]
pub struct Problem {
    pub kind: Kind,
    /// What the server or the client said, in one line.
    pub message: String,
}

/// What a user does about it differs by this.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The address makes no sense.
    Address,
    /// Nobody answers there, or not in Spark's language.
    Unreachable,
    /// The server does not let us in.
    Refused,
    /// The server or the session on it is gone.
    Lost,
    /// A path that the cluster does not see.
    Missing,
    /// A sum that leaves 64 bits.
    Overflow,
    /// A value that is not what its column should hold.
    Cast,
    /// Somebody stopped the job.
    Cancelled,
    /// Anything else.
    Failed,
}

impl Problem {
    pub fn new(kind: Kind, message: impl Display) -> Self {
        // Server messages go on for pages of stack and plan; the first line says it.
        let message = message.to_string();
        let line = message.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
        let mut line: String = line.chars().take(600).collect();
        if line.len() < message.trim().len() && line.ends_with(':') {
            line.pop();
        }
        Self { kind, message: line }
    }

    pub fn protocol(error: impl Display) -> Self {
        Self::new(Kind::Failed, format!("a request that makes no sense: {error}"))
    }
}

/// gRPC's numbers for what became of a call.
const PERMISSION_DENIED: i32 = 7;
pub const UNAVAILABLE: i32 = 14;
const UNAUTHENTICATED: i32 = 16;

impl From<SparkError> for Problem {
    fn from(error: SparkError) -> Self {
        let class = error.get_condition().unwrap_or_default();
        let (state, text) = (error.sql_state().unwrap_or_default(), error.message());
        // Some servers keep the class in the text alone.
        let says = |words: &[&str]| words.iter().any(|word| class.contains(word) || text.contains(word));
        let kind = match error.grpc_code() {
            Some(UNAUTHENTICATED | PERMISSION_DENIED) => Kind::Refused,
            Some(UNAVAILABLE) => Kind::Lost,
            _ if says(&["INVALID_HANDLE", "SESSION_CHANGED", "SESSION_NOT_SAME", "NO_ACTIVE_SESSION"]) => {
                Kind::Lost
            }
            // A connection that broke in the middle of an answer has no code of its own.
            _ if says(&["h2 protocol error", "transport error", "connection reset", "broken pipe"]) => {
                Kind::Lost
            }
            // Every view in a statement is one that this session has made.
            _ if says(&["TABLE_OR_VIEW_NOT_FOUND"]) => Kind::Lost,
            _ if says(&["OPERATION_CANCELED", "cancelled", "canceled"]) => Kind::Cancelled,
            _ if says(&["PATH_NOT_FOUND", "FileNotFoundException", "No such file", "FILE_NOT_EXIST"])
                || state == "42K03" =>
            {
                Kind::Missing
            }
            _ if says(&["OVERFLOW", "overflow", "NUMERIC_VALUE_OUT_OF_RANGE", "out of range"])
                || state == "22003" =>
            {
                Kind::Overflow
            }
            _ if says(&[
                "CAST_INVALID_INPUT",
                "CANNOT_PARSE",
                "FAILED_READ_FILE",
                "MALFORMED",
                "Cast error",
            ]) || state == "22018" =>
            {
                Kind::Cast
            }
            _ => Kind::Failed,
        };
        let text = if text.is_empty() { error.message.clone() } else { text };
        Self::new(kind, text)
    }
}
