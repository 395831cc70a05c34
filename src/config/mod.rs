//! Everything that can be set about a run, read once at start and passed on in parts. Nobody else reads the
//! environment.
//!
//! A setting has one name, and stands once in `sections.rs`, with all that there is to it. It may come from the command
//! line (a flag of its own, or `--set name=value`), from the environment (`FRONTROW_` and the name in capitals, `.` as
//! `_`), from `frontrow.toml`, or be the default; the first of these wins. A name that does not exist is refused,
//! except in the environment, which others write to as well: there it is warned of. No error quotes a value that may be
//! secret.

mod declare;
mod kind;
mod sections;

use std::io::Read;
use std::path::{Path, PathBuf};

pub use sections::{
    AddressLimits, AuthConfig, ClientLimits, ClusterSettings, Config, DatabaseUrl, ENVIRONMENT_PREFIX,
    IssuerKey, LogConfig, LogFormat, OperatorSettings, Setting, TlsFiles, TlsSettings,
};

use crate::limits::CONFIG_FILE_BYTES_MAX;
use sections::SECTIONS;

/// The file that is read when no other is named and it is there.
pub const DEFAULT_FILE: &str = "frontrow.toml";

/// Variables of the command line alone, where `frontrow sale` finds a server.
const OF_COMMANDS: [&str; 3] = ["FRONTROW_SERVER", "FRONTROW_SERVER_CA", "FRONTROW_OPERATOR_TOKEN"];

impl Config {
    /// The folder for old rows of the journal.
    pub fn journal_archive(&self) -> PathBuf {
        self.journal_archive.clone().unwrap_or_else(|| self.data.join("journal"))
    }

    /// May anybody make a user of their own?
    pub fn guests(&self) -> bool {
        self.guests.unwrap_or(self.demo)
    }
}

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("{source_name}: there is no setting `{key}`; `frontrow config` lists them all")]
    UnknownSetting { key: String, source_name: String },
    #[error("{source_name}: `{key}`: {problem}")]
    BadValue { key: String, source_name: String, problem: String },
    /// Quoted only where it is a setting's name and nothing else: it may be a secret that was misplaced.
    #[error("--set {0}: must look like name=value")]
    SetWithoutValue(&'static str),
    #[error("cannot read the configuration file {path}")]
    Unreadable {
        path: PathBuf,
        #[source]
        cause: std::io::Error,
    },
    /// The line itself is left out: it may be the one with a secret.
    #[error("the configuration file {path} is not TOML: line {line}: {problem}")]
    NotToml { path: PathBuf, line: usize, problem: String },
    #[error("the configuration file {path} has more than {CONFIG_FILE_BYTES_MAX} bytes")]
    TooLong { path: PathBuf },
    #[error("{0}")]
    Contradiction(&'static str),
    #[error("`{0}` says how a bus is reached, and `cluster.bus` names none")]
    WithoutBus(&'static str),
}

/// Every setting there is, those without a section first.
pub fn settings() -> impl Iterator<Item = &'static Setting> {
    SECTIONS.iter().copied().flatten()
}

/// A sale's rules are known by their bare names too, since no other section has the same.
fn find(key: &str) -> Option<&'static Setting> {
    let known_as = |name: &str| name == key || name.strip_prefix("sale.") == Some(key);
    settings().find(|setting| known_as(setting.key))
}

/// The sources of settings, besides the defaults.
#[derive(Default)]
pub struct Sources {
    /// A file that was named. `None`: `frontrow.toml`, if it is there.
    pub file: Option<PathBuf>,
    /// The environment, whole.
    pub environment: Vec<(String, String)>,
    /// `--set name=value`, in their order.
    pub set: Vec<String>,
    /// Flags that are settings, by the settings' names.
    pub flags: Vec<(&'static str, String)>,
}

impl Sources {
    /// Variables with our prefix that set nothing: misspelt, most likely. Those that container platforms make of a
    /// service's name are not ours to judge.
    pub fn unknown_variables(&self) -> Vec<&str> {
        let is_platforms = |name: &str| {
            let name = name.strip_prefix(ENVIRONMENT_PREFIX).unwrap_or(name);
            ["SERVICE_HOST", "SERVICE_PORT", "PORT"].iter().any(|made| {
                name.strip_prefix(made).is_some_and(|rest| rest.is_empty() || rest.starts_with('_'))
            })
        };
        // A name in small letters is as good as misspelt.
        let is_ours = |name: &str| {
            name.get(..ENVIRONMENT_PREFIX.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(ENVIRONMENT_PREFIX))
        };
        let names = self.environment.iter().map(|(name, _)| name.as_str());
        let mut unknown: Vec<_> = names
            .filter(|name| is_ours(name) && !is_platforms(name))
            .filter(|name| settings().all(|setting| setting.variable() != *name))
            .filter(|name| !OF_COMMANDS.contains(name))
            .collect();
        unknown.sort_unstable();
        unknown
    }
}

impl Config {
    pub fn load(sources: &Sources) -> Result<Self, ConfigError> {
        let mut config = Self::default();
        let default_file = Path::new(DEFAULT_FILE);
        match &sources.file {
            Some(path) => config.apply_file(path)?,
            None if default_file.is_file() => config.apply_file(default_file)?,
            None => {}
        }
        for setting in settings() {
            let name = setting.variable();
            if let Some((_, value)) = sources.environment.iter().find(|(variable, _)| *variable == name) {
                config.apply(setting.key, value, &name)?;
            }
        }
        for pair in &sources.set {
            let (key, value) = pair
                .split_once('=')
                .ok_or_else(|| ConfigError::SetWithoutValue(find(pair).map_or("…", |setting| setting.key)))?;
            config.apply(key.trim(), value, "--set")?;
        }
        for (key, value) in &sources.flags {
            config.apply(key, value, &format!("--{}", key.replace('_', "-")))?;
        }
        config.check()?;
        Ok(config)
    }

    /// The settings as a file that reads as them, every one explained.
    pub fn to_toml(&self) -> String {
        let mut text = String::from(
            "# Frontrow's settings. Each may also be given as --set name=value, or in the environment as\n\
             # FRONTROW_ and its name in capitals, with _ for the dot: FRONTROW_SALE_HOLD_TTL=2s.\n",
        );
        let mut section = "";
        for setting in settings() {
            let (of, name) = setting.key.rsplit_once('.').unwrap_or(("", setting.key));
            text.push('\n');
            if of != section {
                section = of;
                text.push_str(&format!("[{section}]\n"));
            }
            setting.about.iter().for_each(|line| text.push_str(&format!("#{line}\n")));
            match (setting.show)(self) {
                Ok(value) => text.push_str(&format!("{name} = {value}\n")),
                Err(example) => text.push_str(&format!("# {name} = {example}\n")),
            }
        }
        text
    }

    fn apply_file(&mut self, path: &Path) -> Result<(), ConfigError> {
        let unreadable = |cause| ConfigError::Unreadable { path: path.to_owned(), cause };
        let mut text = String::new();
        let file = std::fs::File::open(path).map_err(unreadable)?;
        // A file is read no further, whatever is named, a device included.
        let read = file.take(CONFIG_FILE_BYTES_MAX + 1).read_to_string(&mut text).map_err(unreadable)?;
        if read as u64 > CONFIG_FILE_BYTES_MAX {
            return Err(ConfigError::TooLong { path: path.to_owned() });
        }
        let table: toml::Table =
            text.parse().map_err(|error: toml::de::Error| not_toml(path, &text, &error))?;
        let source = path.display().to_string();
        self.apply_section("", &table, &source)
    }

    /// Sections may lie in sections: `[limits.address]`, or `address.exempt` in `[limits]`.
    fn apply_section(&mut self, of: &str, section: &toml::Table, source: &str) -> Result<(), ConfigError> {
        for (name, value) in section {
            match value {
                toml::Value::Table(inner) => self.apply_section(&format!("{of}{name}."), inner, source)?,
                value => self.apply_toml(&format!("{of}{name}"), value, source)?,
            }
        }
        Ok(())
    }

    fn apply_toml(&mut self, key: &str, value: &toml::Value, source: &str) -> Result<(), ConfigError> {
        // The name first: "no such setting" says more than what is wrong with its value.
        let Some(setting) = find(key) else {
            return Err(ConfigError::UnknownSetting { key: key.to_owned(), source_name: source.to_owned() });
        };
        let text = plain_text(value).ok_or_else(|| value.type_str());
        // A list of secrets, joined, would be another one.
        let text = if value.is_array() && !setting.is_list() { Err("list") } else { text };
        let text = text.map_err(|kind| ConfigError::BadValue {
            key: key.to_owned(),
            source_name: source.to_owned(),
            problem: format!("must not be a {kind}"),
        })?;
        self.apply(key, &text, source)
    }

    fn apply(&mut self, key: &str, text: &str, source: &str) -> Result<(), ConfigError> {
        let setting = find(key).ok_or_else(|| ConfigError::UnknownSetting {
            key: key.to_owned(),
            source_name: source.to_owned(),
        })?;
        (setting.set)(self, text).map_err(|problem| ConfigError::BadValue {
            key: key.to_owned(),
            source_name: source.to_owned(),
            problem,
        })
    }

    fn check(&self) -> Result<(), ConfigError> {
        if self.auth.key.is_none() && (self.auth.issuer.is_some() || self.auth.audience.is_some()) {
            return Err(ConfigError::Contradiction(
                "`auth.issuer` and `auth.audience` need one of `auth.hs256_secret`, `auth.pem_file`, \
                 `auth.jwks_file`: our own tokens have neither",
            ));
        }
        if self.tls.cert.is_some() != self.tls.key.is_some() {
            return Err(ConfigError::Contradiction(
                "`tls.cert` and `tls.key` belong together: give both, or neither for plain connections",
            ));
        }
        self.check_bus()
    }

    fn check_bus(&self) -> Result<(), ConfigError> {
        let of = &self.cluster;
        let way = [
            ("cluster.bus_user", of.bus_user.is_some()),
            ("cluster.bus_password_file", of.bus_password_file.is_some()),
            ("cluster.bus_nkey_file", of.bus_nkey_file.is_some()),
            ("cluster.bus_credentials_file", of.bus_credentials_file.is_some()),
            ("cluster.bus_ca", of.bus_ca.is_some()),
            ("cluster.bus_cert", of.bus_cert.is_some()),
            ("cluster.bus_key", of.bus_key.is_some()),
        ];
        if of.bus.is_empty() {
            let set = way.into_iter().find(|(_, is_set)| *is_set);
            return set.map_or(Ok(()), |(key, _)| Err(ConfigError::WithoutBus(key)));
        }
        let logins = [of.bus_user.is_some(), of.bus_nkey_file.is_some(), of.bus_credentials_file.is_some()];
        let wrong = [
            (
                self.database_url.is_none(),
                "`cluster.bus` connects servers of one database, which `database_url` has to name: the embedded one \
                 has a single server",
            ),
            (
                of.name.is_none(),
                "`cluster.bus` needs `cluster.name`: the name by which the others know this server, also after a restart",
            ),
            (
                of.bus_user.is_some() != of.bus_password_file.is_some(),
                "`cluster.bus_user` and `cluster.bus_password_file` belong together: give both, or neither",
            ),
            (
                logins.into_iter().filter(|is_set| *is_set).count() > 1,
                "give one way to log in to the bus, not two: `cluster.bus_user` with its password, \
                 `cluster.bus_nkey_file` or `cluster.bus_credentials_file`",
            ),
            (
                of.bus_cert.is_some() != of.bus_key.is_some(),
                "`cluster.bus_cert` and `cluster.bus_key` belong together: give both, or neither",
            ),
        ];
        let wrong = wrong.into_iter().find(|(is_wrong, _)| *is_wrong);
        wrong.map_or(Ok(()), |(_, what)| Err(ConfigError::Contradiction(what)))
    }
}

/// Says where and what, and quotes nothing.
fn not_toml(path: &Path, text: &str, error: &toml::de::Error) -> ConfigError {
    let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
    let line = before.lines().count().max(1);
    let line = line + usize::from(before.ends_with('\n') && !before.is_empty());
    ConfigError::NotToml { path: path.to_owned(), line, problem: error.message().to_owned() }
}

/// A value as it would stand in the environment.
fn plain_text(value: &toml::Value) -> Option<String> {
    match value {
        toml::Value::String(text) => Some(text.clone()),
        toml::Value::Integer(number) => Some(number.to_string()),
        toml::Value::Boolean(yes) => Some(yes.to_string()),
        toml::Value::Array(items) => {
            let texts: Option<Vec<_>> = items.iter().map(toml::Value::as_str).collect();
            texts.map(|texts| texts.join(","))
        }
        toml::Value::Float(_) | toml::Value::Datetime(_) | toml::Value::Table(_) => None,
    }
}

#[cfg(test)]
mod tests;
