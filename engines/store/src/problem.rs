//! What can go wrong at an object store, told apart as far as a user acts differently on it.

use std::error::Error as _;
use std::fmt::Display;

use object_store::client::{HttpError, HttpErrorKind};
use serde::Serialize;

/// What went wrong.
#[derive(Debug, Serialize)]
pub struct Problem {
    pub kind: Kind,
    /// What the store or the client said, in one line.
    pub message: String,
}

/// What a user does about it differs by this.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The address makes no sense.
    Address,
    /// There are no credentials, or what should give them does not.
    Credentials,
    /// The store does not know the credentials, or not any more.
    Unknown,
    /// The credentials do not allow this.
    Refused,
    /// There is no such bucket.
    Bucket,
    /// There is no such object.
    Missing,
    /// Somebody else has written it meanwhile.
    Changed,
    /// The bucket is in another region.
    Region,
    /// Nobody answers.
    Unreachable,
    /// The store answers that it cannot, again and again.
    Failing,
    /// A file here cannot be written or read.
    File,
    /// A key that no file could have.
    Key,
    /// Anything else.
    Failed,
}

impl Problem {
    pub fn new(kind: Kind, message: impl Display) -> Self {
        let message = message.to_string();
        let line = message.split_whitespace().collect::<Vec<_>>().join(" ");
        Self { kind, message: line.chars().take(400).collect() }
    }

    pub fn protocol(error: impl Display) -> Self {
        Self::new(Kind::Failed, format!("a request that makes no sense: {error}"))
    }

    /// A file of this machine.
    pub fn file(path: &str, error: &std::io::Error) -> Self {
        Self::new(Kind::File, format!("{path}: {error}"))
    }

    /// The same of a listing: what is not found is then the bucket.
    pub fn of_listing(self) -> Self {
        match self.kind {
            Kind::Missing => Self { kind: Kind::Bucket, ..self },
            _ => self,
        }
    }
}

/// Codes that stores give for keys that they do not know, or not any more.
const UNKNOWN: [&str; 9] = [
    "InvalidAccessKeyId",
    "SignatureDoesNotMatch",
    "ExpiredToken",
    "InvalidToken",
    "TokenRefreshRequired",
    "AuthFailure",
    "AuthenticationFailed",
    "failed to authenticate",
    "InvalidAuthenticationInfo",
];

impl From<object_store::Error> for Problem {
    fn from(error: object_store::Error) -> Self {
        use object_store::Error::{
            AlreadyExists, InvalidPath, NotFound, PermissionDenied, Precondition, Unauthenticated,
        };
        let text = whole(&error);
        let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
        let http = http_kind(&error);
        let kind = match &error {
            InvalidPath { .. } => Kind::Key,
            _ if says(&UNKNOWN) => Kind::Unknown,
            _ if says(&["NoSuchBucket", "ContainerNotFound", "The specified bucket does not exist"]) => {
                Kind::Bucket
            }
            NotFound { .. } => Kind::Missing,
            PermissionDenied { .. } => Kind::Refused,
            // Not every request of every store is told apart by the client.
            _ if says(&["status code: 403"]) => Kind::Refused,
            Unauthenticated { .. } => Kind::Unknown,
            Precondition { .. } | AlreadyExists { .. } => Kind::Changed,
            _ if says(&[
                "redirect without LOCATION",
                "AuthorizationHeaderMalformed",
                "PermanentRedirect",
            ]) =>
            {
                Kind::Region
            }
            // Before the network: a token is asked for over it too.
            _ if says(&["credential", "Credential", "requesting token", "metadata"]) => Kind::Credentials,
            _ if http.is_some_and(|kind| kind != HttpErrorKind::Decode) => Kind::Unreachable,
            _ if says(&["status code: 5", "status code: 429", "SlowDown", "InternalError"]) => Kind::Failing,
            _ => Kind::Failed,
        };
        Self::new(kind, said(&text))
    }
}

/// An error with all its causes, each once.
fn whole(error: &object_store::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let said = error.to_string();
        if !text.contains(&said) {
            text = format!("{text}: {said}");
        }
        cause = error.source();
    }
    text
}

fn http_kind(error: &object_store::Error) -> Option<HttpErrorKind> {
    let mut cause = error.source();
    while let Some(error) = cause {
        if let Some(http) = error.downcast_ref::<HttpError>() {
            return Some(http.kind());
        }
        cause = error.source();
    }
    None
}

/// What the store says in its own words, if it says something; or all there is.
fn said(text: &str) -> String {
    let part = |name: &str| {
        let (_, rest) = text.split_once(&format!("<{name}>"))?;
        rest.split_once(&format!("</{name}>")).map(|(part, _)| part.trim())
    };
    match (part("Code"), part("Message")) {
        (Some(code), Some(message)) => format!("{code}: {message}"),
        (Some(code), None) => code.to_owned(),
        // What the client did is in front of what came of it, with all its settings.
        _ => {
            let came = text.rsplit_once("retry_timeout: ").and_then(|(_, rest)| rest.split_once(" - "));
            let came = came.map_or(text, |(_, came)| came);
            let came = came.split_once("client error (").map_or(came, |(_, rest)| rest).replace("): ", ": ");
            match at(text) {
                Some(server) => format!("{server}: {came}"),
                None => came.to_owned(),
            }
        }
    }
}

/// The server that a text is about.
fn at(text: &str) -> Option<&str> {
    let (from, _) = text.match_indices("http").find(|(from, _)| {
        text.get(*from..).is_some_and(|url| url.starts_with("http://") || url.starts_with("https://"))
    })?;
    let url = text.get(from..)?;
    let host = url.find("://")? + 3;
    let end = url.get(host..)?.find(['/', ' ', '?', ')'])?;
    url.get(..host + end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_a_store_are_found_in_its_answer() {
        let body = "Server returned non-2xx status code: 403 Forbidden: <?xml version=\"1.0\"?><Error>\
                    <Code>AccessDenied</Code><Message>Access  Denied</Message></Error>";
        let error = object_store::Error::PermissionDenied { path: "a".into(), source: body.into() };
        let problem = Problem::from(error);
        assert_eq!((problem.kind, problem.message.as_str()), (Kind::Refused, "AccessDenied: Access Denied"));
        let gone =
            object_store::Error::NotFound { path: "a".into(), source: "<Code>NoSuchBucket</Code>".into() };
        assert_eq!(Problem::from(gone).kind, Kind::Bucket);
        let dead = "Error performing GET http://127.0.0.1:9/b?x in 5ms, after 3 retries, max_retries: 3, \
                    retry_timeout: 120s - HTTP error: error sending request: client error (Connect): tcp connect \
                    error: Connection refused (os error 111)";
        assert_eq!(
            said(dead),
            "http://127.0.0.1:9: Connect: tcp connect error: Connection refused (os error 111)"
        );
        let azure = object_store::Error::Generic {
            store: "MicrosoftAzure",
            source: "status code: 403: <Code>AuthenticationFailed</Code>".into(),
        };
        assert_eq!(Problem::from(azure).kind, Kind::Unknown);
    }
}
