//! The profile files of AWS: `~/.aws/credentials` and `~/.aws/config`.
//!
//! The client of the store reads the environment and asks the machine; files it does not know.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;

use crate::problem::{Kind, Problem};

/// What a profile says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Profile {
    pub keys: Option<Keys>,
    pub region: Option<String>,
    pub endpoint: Option<String>,
}

/// What requests are signed with.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Keys {
    #[serde(rename = "AccessKeyId")]
    pub id: String,
    #[serde(rename = "SecretAccessKey")]
    pub secret: String,
    #[serde(rename = "SessionToken")]
    pub token: Option<String>,
}

/// Where the files are, and which profile is meant.
pub struct Profiles {
    pub credentials: Option<PathBuf>,
    pub config: Option<PathBuf>,
    /// `None` for the default one.
    pub name: Option<String>,
}

type Section = BTreeMap<String, String>;

impl Profiles {
    /// As the environment has it, read through `var`.
    pub fn of(var: impl Fn(&str) -> Option<String>) -> Self {
        let home = var("HOME").map(|home| PathBuf::from(home).join(".aws"));
        let file = |name: &str, usual: &str| {
            var(name).map(PathBuf::from).or_else(|| home.as_ref().map(|home| home.join(usual)))
        };
        Self {
            credentials: file("AWS_SHARED_CREDENTIALS_FILE", "credentials"),
            config: file("AWS_CONFIG_FILE", "config"),
            name: var("AWS_PROFILE").or_else(|| var("AWS_DEFAULT_PROFILE")),
        }
    }

    /// What the profile says; nothing if there is no default one.
    pub fn read(&self) -> Result<Profile, Problem> {
        let name = self.name.as_deref().unwrap_or("default");
        let read = |path: &Option<PathBuf>| path.as_deref().map_or(Ok(String::new()), text_of);
        let (credentials, config) = (read(&self.credentials)?, read(&self.config)?);
        let (credentials, config) = (sections(&credentials), sections(&config));
        let prefixed = format!("profile {name}");
        let of_config = config.get(&prefixed).or_else(|| config.get(name));
        let found: Vec<&Section> = credentials.get(name).into_iter().chain(of_config).collect();
        if found.is_empty() && self.name.is_some() {
            return Err(Problem::new(
                Kind::Credentials,
                format!("no profile `{name}` in ~/.aws/credentials or ~/.aws/config"),
            ));
        }
        let says = |key: &str| found.iter().find_map(|section| section.get(key)).cloned();
        let keys = match (says("aws_access_key_id"), says("aws_secret_access_key")) {
            (Some(id), Some(secret)) => Some(Keys { id, secret, token: says("aws_session_token") }),
            _ => match says("credential_process") {
                Some(command) => Some(told_by(&command)?),
                None => None,
            },
        };
        let indirect = ["sso_session", "sso_start_url", "role_arn", "source_profile"];
        if keys.is_none()
            && let Some(how) = indirect.iter().find(|key| says(key).is_some())
        {
            return Err(Problem::new(
                Kind::Credentials,
                format!(
                    "the profile `{name}` signs in by {how}, which is left to the AWS CLI: \
                     eval \"$(aws configure export-credentials --profile {name} --format env)\""
                ),
            ));
        }
        Ok(Profile { keys, region: says("region"), endpoint: says("endpoint_url") })
    }
}

fn text_of(path: &Path) -> Result<String, Problem> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(String::new()),
        Err(error) => Err(Problem::new(Kind::Credentials, format!("{}: {error}", path.display()))),
    }
}

/// The sections of an ini file. What is indented belongs to the key above it, and none of those
/// matters here.
fn sections(text: &str) -> BTreeMap<String, Section> {
    let mut sections: BTreeMap<String, Section> = BTreeMap::new();
    let mut current = None;
    for line in text.lines() {
        let bare = line.trim();
        if bare.is_empty() || bare.starts_with(['#', ';']) || line.starts_with([' ', '\t']) {
            continue;
        }
        if let Some(name) = bare.strip_prefix('[') {
            let name = name.split(']').next().unwrap_or_default();
            let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
            sections.entry(name.clone()).or_default();
            current = Some(name);
        } else if let Some((key, value)) = bare.split_once('=')
            && let Some(section) = current.as_ref().and_then(|name| sections.get_mut(name))
        {
            section.insert(key.trim().to_lowercase(), value.trim().to_owned());
        }
    }
    sections
}

/// The keys that a command prints.
fn told_by(command: &str) -> Result<Keys, Problem> {
    let wrong = |why: String| Problem::new(Kind::Credentials, format!("credential_process {why}"));
    let output = Command::new("sh").arg("-c").arg(command).output();
    let output = output.map_err(|error| wrong(format!("does not start: {error}")))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let said = said.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
        return Err(wrong(format!("failed with {}: {said}", output.status)));
    }
    serde_json::from_slice(&output.stdout).map_err(|error| wrong(format!("printed no keys: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profiles(folder: &Path, name: Option<&str>, credentials: &str, config: &str) -> Profiles {
        std::fs::create_dir_all(folder).unwrap();
        let file = |name: &str, text: &str| {
            std::fs::write(folder.join(name), text).unwrap();
            Some(folder.join(name))
        };
        Profiles {
            credentials: file("credentials", credentials),
            config: file("config", config),
            name: name.map(str::to_owned),
        }
    }

    fn keys(id: &str, token: Option<&str>) -> Option<Keys> {
        Some(Keys { id: id.into(), secret: "s=/+".into(), token: token.map(str::to_owned) })
    }

    #[test]
    fn both_files_say_what_a_profile_is() {
        let folder = std::env::temp_dir().join(format!("chartledger-profile-{}", std::process::id()));
        let credentials = "# mine\n[default]\naws_access_key_id = A\naws_secret_access_key = s=/+\n\n\
                           [ other ]\nAWS_ACCESS_KEY_ID=B\naws_secret_access_key=s=/+\naws_session_token = T\n";
        let config = "[default]\nregion = eu-west-1\ns3 =\n  region = not-this\n[profile other]\n\
                      endpoint_url = http://127.0.0.1:9\n[profile asked]\n\
                      credential_process = echo '{\"Version\":1,\"AccessKeyId\":\"C\",\"SecretAccessKey\":\"s=/+\"}'\n\
                      [profile role]\nrole_arn = arn:aws:iam::1:role/r\n";
        let read = |name| profiles(&folder, name, credentials, config).read();
        let region = Some("eu-west-1".to_owned());
        assert_eq!(read(None).unwrap(), Profile { keys: keys("A", None), region, endpoint: None });
        let endpoint = Some("http://127.0.0.1:9".to_owned());
        assert_eq!(
            read(Some("other")).unwrap(),
            Profile { keys: keys("B", Some("T")), region: None, endpoint }
        );
        assert_eq!(read(Some("asked")).unwrap().keys, keys("C", None));
        assert!(read(Some("role")).unwrap_err().message.contains("export-credentials --profile role"));
        assert!(read(Some("none")).unwrap_err().message.contains("no profile `none`"));
        let nothing = Profiles { credentials: Some(folder.join("gone")), config: None, name: None };
        assert_eq!(nothing.read().unwrap(), Profile::default());
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
