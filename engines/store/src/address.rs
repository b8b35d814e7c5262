//! `scheme://bucket/key`.

use object_store::path::Path;

use crate::problem::{Kind, Problem};

/// The stores that there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scheme {
    S3,
    Gs,
    Az,
}

/// Where an object is, or a prefix of objects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    pub scheme: Scheme,
    pub bucket: String,
    pub key: Path,
}

impl Address {
    pub fn parse(uri: &str) -> Result<Self, Problem> {
        let wrong = |why: &str| Problem::new(Kind::Address, format!("{uri}: {why}"));
        let (scheme, rest) = uri.split_once("://").ok_or_else(|| wrong("it is no address of objects"))?;
        let scheme = match scheme {
            "s3" => Scheme::S3,
            "gs" => Scheme::Gs,
            "az" => Scheme::Az,
            _ => return Err(wrong("only s3://, gs:// and az:// are known")),
        };
        let (bucket, key) = rest.split_once('/').unwrap_or((rest, ""));
        if bucket.is_empty() {
            return Err(wrong("it names no bucket"));
        }
        let key = Path::parse(key).map_err(|error| wrong(&error.to_string()))?;
        Ok(Self { scheme, bucket: bucket.to_owned(), key })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_a_store_a_bucket_and_a_key() {
        let parsed = |uri| Address::parse(uri).map(|at| (at.scheme, at.bucket, at.key.to_string()));
        let is = |scheme, bucket: &str, key: &str| (scheme, bucket.to_owned(), key.to_owned());
        assert_eq!(parsed("s3://b/a/c.csv").unwrap(), is(Scheme::S3, "b", "a/c.csv"));
        assert_eq!(parsed("gs://b").unwrap(), is(Scheme::Gs, "b", ""));
        assert_eq!(parsed("az://b/한국 1%/").unwrap(), is(Scheme::Az, "b", "한국 1%"));
        for wrong in ["s3:///a", "http://b/a", "b/a", "s3://b/a//c", "s3://b/../c"] {
            assert_eq!(parsed(wrong).unwrap_err().kind, Kind::Address, "{wrong}");
        }
    }
}
