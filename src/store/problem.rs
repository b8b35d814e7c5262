//! What an object store does not do, as errors with a way out.

use serde::Deserialize;

use super::Address;

/// What went wrong at a store.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Problem {
    /// Which kind of thing.
    pub kind: Kind,
    /// What the store said, in one line.
    pub message: String,
}

/// What a user does about it differs by this.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The address makes no sense.
    Address,
    /// There are no credentials.
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
    /// A file of this machine cannot be written or read.
    File,
    /// A key that no file could have.
    Key,
    /// Anything else.
    Failed,
}

impl Problem {
    /// Something that has no kind of its own.
    pub fn failed(message: impl ToString) -> Self {
        Self { kind: Kind::Failed, message: message.to_string() }
    }

    /// What to say of it to somebody who wanted to read at, or write to, `address`.
    pub fn sentence(&self, address: &Address) -> String {
        let Self { kind, message } = self;
        let bucket = address.bucket();
        match kind {
            Kind::Address | Kind::File | Kind::Failed => message.clone(),
            Kind::Credentials => format!("no credentials: {message}"),
            Kind::Unknown => {
                format!(
                    "the store does not accept the credentials ({message}); are they right, and not expired?"
                )
            }
            Kind::Refused => format!(
                "no permission ({message}); reading exports takes the right to list {bucket} and to get its \
                 objects, publishing to put and delete them as well"
            ),
            Kind::Bucket => format!("there is no bucket {bucket} ({message}); is its name right?"),
            Kind::Missing => format!("there is no such object ({message})"),
            Kind::Changed => format!("it was written by somebody else meanwhile ({message})"),
            Kind::Region => {
                format!("the bucket {bucket} is in another region ({message}); name it in AWS_REGION")
            }
            Kind::Unreachable => format!(
                "nobody answers there ({message}); is the network up, and the endpoint right (AWS_ENDPOINT_URL \
                 and its like)?"
            ),
            Kind::Failing => format!("the store fails again and again ({message}); try later"),
            Kind::Key => format!(
                "a key there cannot be the name of a file ({message}); rename the object, or name a prefix \
                 without it"
            ),
        }
    }
}
