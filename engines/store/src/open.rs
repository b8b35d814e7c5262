//! Clients of stores, from what the environment and the files of the clouds' own tools say.

use std::collections::HashMap;
use std::net::{TcpStream, ToSocketAddrs};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::azure::{AzureConfigKey, MicrosoftAzureBuilder};
use object_store::gcp::{GoogleCloudStorageBuilder, GoogleConfigKey};
use object_store::{BackoffConfig, ClientOptions, ObjectStore, RetryConfig};

use crate::address::{Address, Scheme};
use crate::problem::{Kind, Problem};
use crate::profile::{Profile, Profiles};

/// How often a request is tried again before anything has worked: a wrong address should be told in
/// seconds.
const FIRST: usize = 3;
/// And later on, when a long job would be lost: about a minute.
const LATER: usize = 9;
/// How long a store may say nothing.
const SILENCE: Duration = Duration::from_secs(30);
/// How long it may take to reach one.
const CONNECT: Duration = Duration::from_secs(5);
/// How long a cloud's machine may take to say that it is one.
const METADATA: Duration = Duration::from_secs(1);
/// Where all three clouds tell their machines who they are.
const METADATA_AT: &str = "169.254.169.254:80";

/// The clients, one for each bucket.
#[derive(Default)]
pub struct Stores {
    open: Mutex<HashMap<(Scheme, String), Client>>,
}

/// A client that gives up early, and one that does not.
#[derive(Clone)]
pub struct Client {
    first: Arc<dyn ObjectStore>,
    later: Arc<dyn ObjectStore>,
    works: bool,
}

impl Stores {
    /// The client of a bucket.
    pub fn of(&self, at: &Address) -> Result<Arc<dyn ObjectStore>, Problem> {
        let key = (at.scheme, at.bucket.clone());
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let client = match open.get(&key) {
            Some(client) => client.clone(),
            None => {
                let client = Client { first: build(at, FIRST)?, later: build(at, LATER)?, works: false };
                open.insert(key, client.clone());
                client
            }
        };
        Ok(if client.works { client.later } else { client.first })
    }

    /// Notes that a bucket has answered.
    pub fn works(&self, at: &Address) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = open.get_mut(&(at.scheme, at.bucket.clone())) {
            client.works = true;
        }
    }
}

fn var(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn is_on(name: &str) -> bool {
    var(name).is_some_and(|value| matches!(value.to_lowercase().as_str(), "1" | "true" | "yes" | "on"))
}

fn is_http(endpoint: Option<&String>) -> bool {
    endpoint.is_some_and(|endpoint| endpoint.starts_with("http://"))
}

fn retries(max_retries: usize) -> RetryConfig {
    let backoff = BackoffConfig {
        init_backoff: Duration::from_millis(100),
        max_backoff: Duration::from_secs(10),
        base: 3.0,
    };
    RetryConfig { backoff, max_retries, retry_timeout: Duration::from_secs(120) }
}

/// No limit for a whole request, which may be a large object; one for silence.
fn options() -> ClientOptions {
    ClientOptions::new().with_timeout_disabled().with_read_timeout(SILENCE).with_connect_timeout(CONNECT)
}

fn build(at: &Address, max_retries: usize) -> Result<Arc<dyn ObjectStore>, Problem> {
    match at.scheme {
        Scheme::S3 => s3(&at.bucket, max_retries),
        Scheme::Gs => gs(&at.bucket, max_retries),
        Scheme::Az => az(&at.bucket, max_retries),
    }
}

/// What cannot be built was said wrongly in the environment or in a file of credentials.
fn unbuilt(error: object_store::Error) -> Problem {
    let Problem { message, .. } = Problem::from(error);
    Problem::new(Kind::Credentials, message)
}

/// Whether this is a machine of a cloud that tells who it is. Asked only where nothing else says so,
/// because elsewhere the client would wait minutes for the answer.
fn is_machine(endpoint: Option<String>, off: &str) -> bool {
    if is_on(off) || is_on("CHARTLEDGER_NO_METADATA") {
        return false;
    }
    let bare = |uri: String| uri.split_once("://").map_or(uri.clone(), |(_, host)| host.to_owned());
    let host = endpoint.map_or(METADATA_AT.to_owned(), bare);
    let host = host.trim_end_matches('/');
    let host = if host.contains(':') { host.to_owned() } else { format!("{host}:80") };
    let addresses = host.to_socket_addrs().into_iter().flatten();
    addresses.take(2).any(|address| TcpStream::connect_timeout(&address, METADATA).is_ok())
}

fn none(way_out: &str) -> Problem {
    Problem::new(Kind::Credentials, way_out)
}

fn s3(bucket: &str, max_retries: usize) -> Result<Arc<dyn ObjectStore>, Problem> {
    // The environment goes before the files, as in the tools of AWS.
    let in_environment = var("AWS_ACCESS_KEY_ID").is_some() && var("AWS_SECRET_ACCESS_KEY").is_some();
    let unsigned = is_on("AWS_SKIP_SIGNATURE");
    let by_role = (var("AWS_WEB_IDENTITY_TOKEN_FILE").is_some() && var("AWS_ROLE_ARN").is_some())
        || var("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI").is_some()
        || var("AWS_CONTAINER_CREDENTIALS_FULL_URI").is_some();
    let profile = match Profiles::of(var).read() {
        // Keys in the environment make do without the keys of a file.
        Err(_) if in_environment || unsigned || by_role => Profile::default(),
        profile => profile?,
    };
    let mut builder = AmazonS3Builder::from_env().with_bucket_name(bucket);
    if builder.get_config_value(&AmazonS3ConfigKey::Region).is_none()
        && let Some(region) = var("AWS_DEFAULT_REGION").or(profile.region)
    {
        builder = builder.with_region(region);
    }
    let named =
        var("AWS_ENDPOINT_URL_S3").or_else(|| var("AWS_ENDPOINT_URL")).or_else(|| var("AWS_ENDPOINT"));
    if named.is_none()
        && let Some(endpoint) = &profile.endpoint
    {
        builder = builder.with_endpoint(endpoint);
    }
    if !in_environment && !unsigned && !by_role {
        match profile.keys {
            Some(keys) => {
                builder = builder.with_access_key_id(keys.id).with_secret_access_key(keys.secret);
                if let Some(token) = keys.token {
                    builder = builder.with_token(token);
                }
            }
            None if is_machine(var("AWS_METADATA_ENDPOINT"), "AWS_EC2_METADATA_DISABLED") => {}
            None => {
                return Err(none(
                    "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or write a profile to ~/.aws/credentials \
                     (AWS_PROFILE names another than `default`), or set AWS_SKIP_SIGNATURE=true for a public \
                     bucket",
                ));
            }
        }
    }
    // An endpoint that says http:// was meant so.
    let options = options().with_allow_http(is_http(named.as_ref().or(profile.endpoint.as_ref())));
    let store = builder.with_client_options(options).with_retry(retries(max_retries)).build();
    Ok(Arc::new(store.map_err(unbuilt)?))
}

fn gs(bucket: &str, max_retries: usize) -> Result<Arc<dyn ObjectStore>, Problem> {
    let mut builder = GoogleCloudStorageBuilder::from_env().with_bucket_name(bucket);
    // What Google's own libraries call an emulator; it wants no credentials.
    let emulator = var("STORAGE_EMULATOR_HOST").map(|host| match host.contains("://") {
        true => host,
        false => format!("http://{host}"),
    });
    if let Some(host) = &emulator {
        builder = builder.with_config(GoogleConfigKey::BaseUrl, host.trim_end_matches('/'));
        builder = builder.with_config(GoogleConfigKey::SkipSignature, "true");
    }
    let base = builder.get_config_value(&GoogleConfigKey::BaseUrl);
    let said = [
        "SERVICE_ACCOUNT",
        "GOOGLE_SERVICE_ACCOUNT",
        "GOOGLE_SERVICE_ACCOUNT_PATH",
        "GOOGLE_SERVICE_ACCOUNT_KEY",
        "GOOGLE_APPLICATION_CREDENTIALS",
        "GOOGLE_BEARER_TOKEN",
    ];
    let of_gcloud = var("HOME").map(|home| {
        std::path::Path::new(&home).join(".config/gcloud/application_default_credentials.json").exists()
    });
    let has_some = emulator.is_some()
        || is_on("GOOGLE_SKIP_SIGNATURE")
        || said.iter().any(|name| var(name).is_some())
        || of_gcloud == Some(true);
    if !has_some && !is_machine(var("GCE_METADATA_HOST"), "NO_GCE_CHECK") {
        return Err(none(
            "name the key file of a service account in GOOGLE_APPLICATION_CREDENTIALS, or sign in with \
             `gcloud auth application-default login`, or set GOOGLE_SKIP_SIGNATURE=true for a public bucket",
        ));
    }
    let options = options().with_allow_http(is_http(base.as_ref()));
    let store = builder.with_client_options(options).with_retry(retries(max_retries)).build();
    Ok(Arc::new(store.map_err(unbuilt)?))
}

fn az(container: &str, max_retries: usize) -> Result<Arc<dyn ObjectStore>, Problem> {
    let mut builder = MicrosoftAzureBuilder::from_env().with_container_name(container);
    // The Azure CLI has other names for the same things.
    let cli = [
        ("AZURE_STORAGE_ACCOUNT", AzureConfigKey::AccountName),
        ("AZURE_STORAGE_KEY", AzureConfigKey::AccessKey),
    ];
    let said = var("AZURE_STORAGE_CONNECTION_STRING").unwrap_or_default();
    let said: HashMap<&str, &str> = said.split(';').filter_map(|part| part.split_once('=')).collect();
    let string = [
        ("AccountName", AzureConfigKey::AccountName),
        ("AccountKey", AzureConfigKey::AccessKey),
        ("SharedAccessSignature", AzureConfigKey::SasKey),
        ("BlobEndpoint", AzureConfigKey::Endpoint),
    ];
    let of_cli = cli.into_iter().filter_map(|(name, key)| Some((var(name)?, key)));
    let of_string = string.into_iter().filter_map(|(name, key)| Some(((*said.get(name)?).to_owned(), key)));
    for (value, key) in of_cli.chain(of_string) {
        if builder.get_config_value(&key).is_none() {
            builder = builder.with_config(key, value);
        }
    }
    let is_emulator = is_on("AZURE_STORAGE_USE_EMULATOR");
    let says = |key| builder.get_config_value(&key).is_some();
    if !is_emulator && !says(AzureConfigKey::AccountName) {
        return Err(none(
            "no storage account is named: set AZURE_STORAGE_ACCOUNT_NAME, and AZURE_STORAGE_ACCOUNT_KEY or \
             another way to sign in",
        ));
    }
    let ways = [
        AzureConfigKey::AccessKey,
        AzureConfigKey::SasKey,
        AzureConfigKey::Token,
        AzureConfigKey::ClientSecret,
        AzureConfigKey::FederatedTokenFile,
    ];
    let has_some = is_emulator
        || ways.into_iter().any(says)
        || ["AZURE_SKIP_SIGNATURE", "AZURE_USE_AZURE_CLI"].iter().any(|name| is_on(name))
        || ["IDENTITY_ENDPOINT", "MSI_ENDPOINT"].iter().any(|name| var(name).is_some());
    if !has_some && !is_machine(None, "CHARTLEDGER_NO_METADATA") {
        return Err(none(
            "set AZURE_STORAGE_ACCOUNT_KEY, AZURE_STORAGE_SAS_TOKEN, or AZURE_CLIENT_ID, AZURE_CLIENT_SECRET and \
             AZURE_TENANT_ID, or AZURE_USE_AZURE_CLI=true after `az login`",
        ));
    }
    let endpoint = builder.get_config_value(&AzureConfigKey::Endpoint);
    let options = options().with_allow_http(is_http(endpoint.as_ref()));
    let store = builder.with_client_options(options).with_retry(retries(max_retries)).build();
    Ok(Arc::new(store.map_err(unbuilt)?))
}
