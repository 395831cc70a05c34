//! Everything that can be set about a run, read once at start and passed on in parts. Nobody else reads the
//! environment.
//!
//! A setting has one name, `SETTINGS` says which. It may come from the command line (a flag of its own, or
//! `--set name=value`), from the environment (`FRONTROW_` and the name in capitals, `.` as `_`), from
//! `frontrow.toml`, or be the default; the first of these wins. A name that does not exist is refused, except in
//! the environment, which others write to as well: there it is warned of. No error quotes a value that may be secret.

use std::fmt;
use std::io::Read;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use frontrow_protocol::limits::{CAPACITY_MAX, SEATS_PER_RESERVATION_MAX};
use frontrow_protocol::{HumanDuration, duration::HumanDurationError};

use crate::address::{Network, Proxies};
use crate::domain::rules::SaleRules;

/// The file that is read when no other is named and it is there.
pub const DEFAULT_FILE: &str = "frontrow.toml";

/// What HS256 needs of a secret (RFC 7518, 3.2): a shorter one is found by trying.
pub const SECRET_BYTES_MIN: usize = 32;

/// Every setting with its explanation is a hundredth of it.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// The prefix of every environment variable that is read.
pub const ENVIRONMENT_PREFIX: &str = "FRONTROW_";
/// Variables of the command line alone, where `frontrow sale` finds a server.
const OF_COMMANDS: [&str; 3] = ["FRONTROW_SERVER", "FRONTROW_SERVER_CA", "FRONTROW_OPERATOR_TOKEN"];

/// A run's settings.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Where to listen. Port 0 takes a free one.
    pub listen: SocketAddr,
    /// A listener of their own for operators. `None`: they share the one of everybody.
    pub admin_listen: Option<SocketAddr>,
    /// The folder with the embedded database and the key of our own access tokens.
    pub data: PathBuf,
    /// A database server instead of the embedded database.
    pub database_url: Option<DatabaseUrl>,
    /// Where old rows of the journal go. `None`: into `journal` in the data folder.
    pub journal_archive: Option<PathBuf>,
    /// Make, once, a concert to try things with.
    pub demo: bool,
    /// May anybody make a user of their own? `None`: in a demo only.
    pub guests: Option<bool>,
    /// Open connections in all. `None`: as many as the limit on open files leaves room for.
    pub connections_max: Option<usize>,
    /// Web pages of these origins may connect, besides our own.
    pub allowed_origins: Vec<String>,
    /// Writers that sales are spread over. `None`: what suits the database.
    pub lanes: Option<usize>,
    /// The certificate that connections are encrypted with. Neither file: they are plain. Only one is refused.
    pub tls: TlsSettings,
    pub auth: AuthConfig,
    /// The rules of every sale whose operator set no others.
    pub sale: SaleRules,
    pub limits: ClientLimits,
    pub address_limits: AddressLimits,
    /// Who stands between clients and us.
    pub proxy: Proxies,
    pub log: LogConfig,
}

/// Where the certificate and its key lie.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsSettings {
    pub cert: Option<PathBuf>,
    pub key: Option<PathBuf>,
}

/// The files of a certificate: the chain, the server's own first, and its private key, both in PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    pub cert: PathBuf,
    pub key: PathBuf,
}

impl TlsSettings {
    /// `None`: connections are plain.
    pub fn files(&self) -> Option<TlsFiles> {
        let (cert, key) = self.cert.clone().zip(self.key.clone())?;
        Some(TlsFiles { cert, key })
    }
}

/// Whose access tokens are accepted besides our own.
#[derive(Clone, Debug, PartialEq)]
pub struct AuthConfig {
    pub key: Option<IssuerKey>,
    /// The `iss` that a token must have.
    pub issuer: Option<String>,
    /// The `aud` that a token must have or contain.
    pub audience: Option<String>,
    /// Does a token of the issuer with the role `operator` make an operator?
    pub operators: bool,
    /// The claim that holds the role or a list of roles; dots lead into objects.
    pub role_claim: String,
    /// The claim that says who it is; dots lead into objects.
    pub subject_claim: String,
}

impl Default for AuthConfig {
    fn default() -> Self {
        Self {
            key: None,
            issuer: None,
            audience: None,
            operators: false,
            role_claim: "role".to_owned(),
            subject_claim: "sub".to_owned(),
        }
    }
}

/// How an external issuer's tokens are verified.
#[derive(Clone, PartialEq, Eq)]
pub enum IssuerKey {
    Hs256Secret(String),
    /// A public key or certificate: RSA (RS256), P-256 (ES256) or Ed25519 (EdDSA).
    PemFile(PathBuf),
    /// A JSON Web Key Set.
    JwksFile(PathBuf),
}

impl fmt::Debug for IssuerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hs256Secret(_) => f.write_str("Hs256Secret(…)"),
            Self::PemFile(path) => f.debug_tuple("PemFile").field(path).finish(),
            Self::JwksFile(path) => f.debug_tuple("JwksFile").field(path).finish(),
        }
    }
}

/// What one client may ask of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientLimits {
    /// Requests of one websocket, or of one user over HTTP, as a rate.
    pub requests_per_second: u32,
    /// Requests of one websocket, or of one user over HTTP, at once, after a silence.
    pub requests_burst: u32,
    /// Requests of one connection that are not answered yet.
    pub requests_in_flight: u32,
    /// Websockets of one user; one more closes the oldest.
    pub connections_per_user: u32,
    /// Entries that a user may add to their ledger in a day.
    pub ledger_entries_per_day: u32,
}

impl Default for ClientLimits {
    fn default() -> Self {
        Self {
            requests_per_second: 20,
            requests_burst: 60,
            requests_in_flight: 32,
            connections_per_user: 5,
            // More than any person needs, and a thousand users a day are some 50 MB.
            ledger_entries_per_day: 200,
        }
    }
}

/// What one address may do: an IPv4 address, or the first half of an IPv6 one. Thousands of phones may share one of a
/// carrier, so it is much; tight are only the limits on guests, whom nobody vouches for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddressLimits {
    /// Networks that none of this holds for.
    pub exempt: Vec<Network>,
    /// Open connections.
    pub connections: u32,
    /// New connections, as a rate.
    pub handshakes_per_second: u32,
    /// New connections at once.
    pub handshakes_burst: u32,
    /// New guests, as a rate.
    pub guests_per_second: u32,
    /// New guests at once.
    pub guests_burst: u32,
    /// Guests who join a line, as a rate.
    pub joins_per_second: u32,
    /// Guests who join a line at once.
    pub joins_burst: u32,
    /// Requests over HTTP by nobody who is known, as a rate.
    pub requests_per_second: u32,
    /// Such requests at once.
    pub requests_burst: u32,
}

impl Default for AddressLimits {
    fn default() -> Self {
        Self {
            exempt: Vec::new(),
            connections: 2_000,
            handshakes_per_second: 50,
            handshakes_burst: 500,
            guests_per_second: 1,
            guests_burst: 200,
            joins_per_second: 5,
            joins_burst: 200,
            requests_per_second: 1_000,
            requests_burst: 20_000,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogConfig {
    /// `error`, `warn`, `info`, `debug`, `trace`, or directives such as `info,frontrow::socket=debug`.
    pub level: String,
    pub format: LogFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    Text,
    Json,
}

/// A database's URL. Shown without its password.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseUrl(String);

impl DatabaseUrl {
    pub fn new(url: impl Into<String>) -> Self {
        Self(url.into())
    }

    /// With the password: for the database alone.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Everything up to the last `@`: a password may contain any of the other separators.
        match (self.0.split_once("://"), self.0.rfind('@')) {
            (Some((scheme, _)), Some(at)) if at > scheme.len() => write!(f, "{scheme}://…{}", &self.0[at..]),
            _ => f.write_str(&self.0),
        }
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DatabaseUrl({self})")
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            admin_listen: None,
            data: PathBuf::from("frontrow-data"),
            database_url: None,
            journal_archive: None,
            demo: false,
            guests: None,
            connections_max: None,
            allowed_origins: Vec::new(),
            lanes: None,
            tls: TlsSettings::default(),
            auth: AuthConfig::default(),
            sale: SaleRules::default(),
            limits: ClientLimits::default(),
            address_limits: AddressLimits::default(),
            proxy: Proxies::default(),
            log: LogConfig { level: "info".to_owned(), format: LogFormat::Text },
        }
    }
}

impl Config {
    /// Where old rows of the journal go.
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
    /// Without the line itself, which may be the one with a secret.
    #[error("the configuration file {path} is not TOML: line {line}: {problem}")]
    NotToml { path: PathBuf, line: usize, problem: String },
    #[error("the configuration file {path} has more than {FILE_BYTES_MAX} bytes")]
    TooLong { path: PathBuf },
    #[error("{0}")]
    Contradiction(&'static str),
}

/// One setting: its name, what it is, how it is read and how it is written.
pub struct Setting {
    pub key: &'static str,
    about: &'static str,
    set: fn(&mut Config, &str) -> Result<(), String>,
    /// As a TOML value; `Err` holds an example of what could be there when nothing is.
    show: fn(&Config) -> Result<String, &'static str>,
}

/// Every setting there is, those without a section first, as TOML wants.
pub const SETTINGS: &[Setting] = &[
    Setting {
        key: "listen",
        about: "Where to listen, as address:port. Port 0 takes a free one.",
        set: |config, text| {
            config.listen = text.parse().map_err(|_| format!("`{text}` is not an address:port"))?;
            Ok(())
        },
        show: |config| Ok(quoted(&config.listen.to_string())),
    },
    Setting {
        key: "data",
        about: "The folder with the embedded database and the key of our own access tokens.",
        set: |config, text| {
            config.data = path(text)?;
            Ok(())
        },
        show: |config| Ok(quoted(&config.data.to_string_lossy())),
    },
    Setting {
        key: "database_url",
        about: "A database server instead of the embedded database: MariaDB, or one that speaks its language.",
        set: |config, text| {
            config.database_url = Some(DatabaseUrl::new(text));
            Ok(())
        },
        show: |config| {
            shown(config.database_url.as_ref().map(|url| &url.0), "\"mysql://user:password@host/frontrow\"")
        },
    },
    Setting {
        key: "journal_archive",
        about: "The folder that `frontrow journal archive` moves old rows into. If unset: `journal` in the data folder.",
        set: |config, text| {
            config.journal_archive = Some(path(text)?);
            Ok(())
        },
        show: |config| match &config.journal_archive {
            Some(path) => Ok(quoted(&path.to_string_lossy())),
            None => Err("\"/var/lib/frontrow/journal\""),
        },
    },
    Setting {
        key: "demo",
        about: "Make, once, a concert to try things with, its sale open; guests may buy.",
        set: |config, text| {
            config.demo = boolean(text)?;
            Ok(())
        },
        show: |config| Ok(config.demo.to_string()),
    },
    Setting {
        key: "guests",
        about: "May anybody make a user of their own? Without a word here: in a demo only.",
        set: |config, text| {
            config.guests = Some(boolean(text)?);
            Ok(())
        },
        show: |config| config.guests.map(|guests| guests.to_string()).ok_or("false"),
    },
    Setting {
        key: "connections_max",
        about: "Open connections in all. Without a word here: as many as the limit on open files leaves room for.",
        set: |config, text| {
            config.connections_max = Some(integer(text, 1, 10_000_000)?);
            Ok(())
        },
        show: |config| config.connections_max.map(|max| max.to_string()).ok_or("10000"),
    },
    Setting {
        key: "allowed_origins",
        about: "Web pages of these origins may connect, besides our own. In the environment: separated by commas.",
        set: |config, text| {
            let origins = text.split(',').map(str::trim).filter(|origin| !origin.is_empty());
            config.allowed_origins = origins.map(origin).collect::<Result<_, _>>()?;
            Ok(())
        },
        show: |config| {
            let origins: Vec<_> = config.allowed_origins.iter().map(|origin| quoted(origin)).collect();
            Ok(format!("[{}]", origins.join(", ")))
        },
    },
    Setting {
        key: "lanes",
        about: "Writers that sales are spread over. Without a word here: what suits the database.",
        set: |config, text| {
            config.lanes = Some(integer(text, 1, 64)?);
            Ok(())
        },
        show: |config| config.lanes.map(|lanes| lanes.to_string()).ok_or("4"),
    },
    Setting {
        key: "tls.cert",
        about: "Speak TLS (https, wss) with the certificate in this PEM file, its chain behind it. Read again when it changes.",
        set: |config, text| {
            config.tls.cert = Some(path(text)?);
            Ok(())
        },
        show: |config| shown_path(config.tls.cert.as_ref(), "\"/etc/frontrow/tls/fullchain.pem\""),
    },
    Setting {
        key: "tls.key",
        about: "The private key of that certificate, PEM without a passphrase.",
        set: |config, text| {
            config.tls.key = Some(path(text)?);
            Ok(())
        },
        show: |config| shown_path(config.tls.key.as_ref(), "\"/etc/frontrow/tls/privkey.pem\""),
    },
    Setting {
        key: "admin.listen",
        about: "A listener of their own for operators and /metrics, with connections of its own. It speaks TLS as everybody's does (tls.cert). Keep it inside: its /metrics needs no token.",
        set: |config, text| {
            let address = text.parse().map_err(|_| format!("`{text}` is not an address:port"))?;
            config.admin_listen = Some(address);
            Ok(())
        },
        show: |config| {
            let address = config.admin_listen.map(|address| quoted(&address.to_string()));
            address.ok_or("\"127.0.0.1:9090\"")
        },
    },
    Setting {
        key: "auth.hs256_secret",
        about: "Accept access tokens signed with this secret (HS256): 32 random bytes at least.",
        set: |config, text| {
            if text.len() < SECRET_BYTES_MIN {
                return Err(format!("must have {SECRET_BYTES_MIN} bytes at least, not {}", text.len()));
            }
            set_key(config, IssuerKey::Hs256Secret(text.to_owned()))
        },
        show: |config| match &config.auth.key {
            Some(IssuerKey::Hs256Secret(secret)) => Ok(quoted(secret)),
            _ => Err("\"…\""),
        },
    },
    Setting {
        key: "auth.pem_file",
        about: "Accept access tokens signed with the key to this public one (RS256, ES256 or EdDSA, by the key's kind). Read again when it changes.",
        set: |config, text| set_key(config, IssuerKey::PemFile(path(text)?)),
        show: |config| match &config.auth.key {
            Some(IssuerKey::PemFile(path)) => Ok(quoted(&path.to_string_lossy())),
            _ => Err("\"issuer.pem\""),
        },
    },
    Setting {
        key: "auth.jwks_file",
        about: "Accept access tokens signed with the key to one of these public ones. Read again when it changes.",
        set: |config, text| set_key(config, IssuerKey::JwksFile(path(text)?)),
        show: |config| match &config.auth.key {
            Some(IssuerKey::JwksFile(path)) => Ok(quoted(&path.to_string_lossy())),
            _ => Err("\"jwks.json\""),
        },
    },
    Setting {
        key: "auth.issuer",
        about: "The `iss` that such tokens must have.",
        set: |config, text| {
            config.auth.issuer = Some(text.to_owned());
            Ok(())
        },
        show: |config| shown(config.auth.issuer.as_ref(), "\"https://accounts.example\""),
    },
    Setting {
        key: "auth.audience",
        about: "The `aud` that such tokens must have.",
        set: |config, text| {
            config.auth.audience = Some(text.to_owned());
            Ok(())
        },
        show: |config| shown(config.auth.audience.as_ref(), "\"frontrow\""),
    },
    Setting {
        key: "auth.operators",
        about: "Does such a token with the role `operator` make an operator? Only if nobody can give it to themselves there.",
        set: |config, text| {
            config.auth.operators = boolean(text)?;
            Ok(())
        },
        show: |config| Ok(config.auth.operators.to_string()),
    },
    Setting {
        key: "auth.role_claim",
        about: "Where such a token has its role, or a list of roles; dots lead into objects: \"realm_access.roles\".",
        set: |config, text| {
            config.auth.role_claim = claim_path(text)?;
            Ok(())
        },
        show: |config| Ok(quoted(&config.auth.role_claim)),
    },
    Setting {
        key: "auth.subject_claim",
        about: "Where such a token says who it is. Not to be changed once there are users: they would be others.",
        set: |config, text| {
            config.auth.subject_claim = claim_path(text)?;
            Ok(())
        },
        show: |config| Ok(quoted(&config.auth.subject_claim)),
    },
    Setting {
        key: "sale.capacity",
        about: "How many fans of one sale are admitted at a time.",
        set: |config, text| {
            config.sale.capacity = integer(text, 1, CAPACITY_MAX)?;
            Ok(())
        },
        show: |config| Ok(config.sale.capacity.to_string()),
    },
    Setting {
        key: "sale.hold_ttl",
        about: "How long unpaid seats are held.",
        set: |config, text| {
            config.sale.hold_ttl = positive(text)?;
            Ok(())
        },
        show: |config| Ok(duration(config.sale.hold_ttl)),
    },
    Setting {
        key: "sale.admission_ttl",
        about: "How long an admission lasts.",
        set: |config, text| {
            config.sale.admission_ttl = positive(text)?;
            Ok(())
        },
        show: |config| Ok(duration(config.sale.admission_ttl)),
    },
    Setting {
        key: "sale.idle_ttl",
        about: "How long an admitted fan may do nothing.",
        set: |config, text| {
            config.sale.idle_ttl = positive(text)?;
            Ok(())
        },
        show: |config| Ok(duration(config.sale.idle_ttl)),
    },
    Setting {
        key: "sale.away_ttl",
        about: "How long a waiting fan may be without a connection.",
        set: |config, text| {
            config.sale.away_ttl = positive(text)?;
            Ok(())
        },
        show: |config| Ok(duration(config.sale.away_ttl)),
    },
    Setting {
        key: "sale.seats_per_reservation_max",
        about: "How many seats one reservation may have.",
        set: |config, text| {
            config.sale.seats_per_reservation_max = integer(text, 1, SEATS_PER_RESERVATION_MAX)?;
            Ok(())
        },
        show: |config| Ok(config.sale.seats_per_reservation_max.to_string()),
    },
    Setting {
        key: "sale.cancel_before_start",
        about: "How long before the start a paid reservation may still be cancelled.",
        set: |config, text| {
            config.sale.cancel_before_start = any_duration(text)?.into();
            Ok(())
        },
        show: |config| Ok(duration(config.sale.cancel_before_start)),
    },
    Setting {
        key: "sale.hold_again_after",
        about: "How long a seat whose hold ran out unpaid is not held again by the same user; each further time within an hour doubles it. 0s: not at all.",
        set: |config, text| {
            config.sale.hold_again_after = any_duration(text)?.into();
            Ok(())
        },
        show: |config| Ok(duration(config.sale.hold_again_after)),
    },
    Setting {
        key: "limits.requests_per_second",
        about: "Requests of one websocket, or of one user over HTTP, as a rate.",
        set: |config, text| {
            config.limits.requests_per_second = integer(text, 1, 1_000_000)?;
            Ok(())
        },
        show: |config| Ok(config.limits.requests_per_second.to_string()),
    },
    Setting {
        key: "limits.requests_burst",
        about: "Requests of one websocket, or of one user over HTTP, at once, after a silence.",
        set: |config, text| {
            config.limits.requests_burst = integer(text, 1, 1_000_000)?;
            Ok(())
        },
        show: |config| Ok(config.limits.requests_burst.to_string()),
    },
    Setting {
        key: "limits.requests_in_flight",
        about: "Requests of one connection that are not answered yet.",
        set: |config, text| {
            config.limits.requests_in_flight = integer(text, 1, 1_024)?;
            Ok(())
        },
        show: |config| Ok(config.limits.requests_in_flight.to_string()),
    },
    Setting {
        key: "limits.connections_per_user",
        about: "Websockets of one user; one more closes the oldest.",
        set: |config, text| {
            config.limits.connections_per_user = integer(text, 1, 100_000)?;
            Ok(())
        },
        show: |config| Ok(config.limits.connections_per_user.to_string()),
    },
    Setting {
        key: "limits.ledger_entries_per_day",
        about: "Charges and payments of one user in a day (UTC), since each is kept for ever. One more is refused.",
        set: |config, text| {
            config.limits.ledger_entries_per_day = integer(text, 1, u32::MAX)?;
            Ok(())
        },
        show: |config| Ok(config.limits.ledger_entries_per_day.to_string()),
    },
    Setting {
        key: "limits.address.exempt",
        about: "Networks that no limit by address holds for, such as 10.0.0.0/8. In the environment: separated by commas.",
        set: |config, text| {
            config.address_limits.exempt = networks(text)?;
            Ok(())
        },
        show: |config| Ok(shown_networks(&config.address_limits.exempt)),
    },
    Setting {
        key: "limits.address.connections",
        about: "Open connections of one address: of IPv4, or of the first 64 bits of IPv6.",
        set: |config, text| {
            config.address_limits.connections = integer(text, 1, 10_000_000)?;
            Ok(())
        },
        show: |config| Ok(config.address_limits.connections.to_string()),
    },
    Setting {
        key: "limits.address.handshakes_per_second",
        about: "New connections of one address, as a rate.",
        set: |config, text| {
            config.address_limits.handshakes_per_second = integer(text, 1, 1_000_000)?;
            Ok(())
        },
        show: |config| Ok(config.address_limits.handshakes_per_second.to_string()),
    },
    Setting {
        key: "limits.address.handshakes_burst",
        about: "New connections of one address at once, after it made none.",
        set: |config, text| {
            config.address_limits.handshakes_burst = integer(text, 1, 1_000_000)?;
            Ok(())
        },
        show: |config| Ok(config.address_limits.handshakes_burst.to_string()),
    },
    Setting {
        key: "limits.address.guests_per_second",
        about: "New guests of one address, as a rate.",
        set: |config, text| {
            config.address_limits.guests_per_second = integer(text, 1, 1_000_000)?;
            Ok(())
        },
        show: |config| Ok(config.address_limits.guests_per_second.to_string()),
    },
    Setting {
        key: "limits.address.guests_burst",
        about: "New guests of one address at once, after it made none.",
        set: |config, text| {
            config.address_limits.guests_burst = integer(text, 1, 1_000_000)?;
            Ok(())
        },
        show: |config| Ok(config.address_limits.guests_burst.to_string()),
    },
    Setting {
        key: "limits.address.joins_per_second",
        about: "Guests of one address who join a line, as a rate.",
        set: |config, text| {
            config.address_limits.joins_per_second = integer(text, 1, 1_000_000)?;
            Ok(())
        },
        show: |config| Ok(config.address_limits.joins_per_second.to_string()),
    },
    Setting {
        key: "limits.address.joins_burst",
        about: "Guests of one address who join a line at once, after none did.",
        set: |config, text| {
            config.address_limits.joins_burst = integer(text, 1, 1_000_000)?;
            Ok(())
        },
        show: |config| Ok(config.address_limits.joins_burst.to_string()),
    },
    Setting {
        key: "limits.address.guest_seats",
        about: "Unpaid seats of one performance that the guests of one address may hold together, at least.",
        set: |config, text| {
            config.sale.guest_seats.at_least = integer(text, 1, 1_000_000)?;
            Ok(())
        },
        show: |config| Ok(config.sale.guest_seats.at_least.to_string()),
    },
    Setting {
        key: "limits.address.guest_seats_percent",
        about: "And of a large house so many of a hundred.",
        set: |config, text| {
            config.sale.guest_seats.percent = integer(text, 0, 100)?;
            Ok(())
        },
        show: |config| Ok(config.sale.guest_seats.percent.to_string()),
    },
    Setting {
        key: "limits.address.requests_per_second",
        about: "Requests over HTTP of one address that no user or operator stands for, as a rate. A page is some 20, a large file one for each 64 KiB.",
        set: |config, text| {
            config.address_limits.requests_per_second = integer(text, 1, 1_000_000)?;
            Ok(())
        },
        show: |config| Ok(config.address_limits.requests_per_second.to_string()),
    },
    Setting {
        key: "limits.address.requests_burst",
        about: "Such requests at once, after there were none.",
        set: |config, text| {
            config.address_limits.requests_burst = integer(text, 1, 1_000_000)?;
            Ok(())
        },
        show: |config| Ok(config.address_limits.requests_burst.to_string()),
    },
    Setting {
        key: "proxy.trusted",
        about: "Networks of the proxies in front of us: only they are believed when they name a client's address. In the environment: separated by commas.",
        set: |config, text| {
            config.proxy.trusted = networks(text)?;
            Ok(())
        },
        show: |config| Ok(shown_networks(&config.proxy.trusted)),
    },
    Setting {
        key: "proxy.address_from",
        about: "How they name it: x-forwarded-for, forwarded (RFC 7239), or proxy-protocol (version 1 or 2, which then begins each of their connections).",
        set: |config, text| {
            config.proxy.address_from = text.parse()?;
            Ok(())
        },
        show: |config| Ok(quoted(config.proxy.address_from.as_str())),
    },
    Setting {
        key: "log.level",
        about: "error, warn, info, debug, trace, or directives such as info,frontrow::socket=debug. Logs go to stderr.",
        set: |config, text| {
            // A word that is no level is taken for the name of a module, and then nothing else is logged.
            let is_level = |directive: &str| {
                directive.contains('=')
                    || directive.trim().parse::<tracing_subscriber::filter::LevelFilter>().is_ok()
            };
            if let Some(wrong) = text.split(',').find(|directive| !is_level(directive)) {
                return Err(format!("`{wrong}` is not a level"));
            }
            if text.parse::<tracing_subscriber::filter::Targets>().is_err() {
                return Err(format!("`{text}` is not a level"));
            }
            config.log.level = text.to_owned();
            Ok(())
        },
        show: |config| Ok(quoted(&config.log.level)),
    },
    Setting {
        key: "log.format",
        about: "text or json.",
        set: |config, text| {
            config.log.format = match text {
                "text" => LogFormat::Text,
                "json" => LogFormat::Json,
                _ => return Err(format!("must be text or json, not `{text}`")),
            };
            Ok(())
        },
        show: |config| {
            Ok(quoted(match config.log.format {
                LogFormat::Text => "text",
                LogFormat::Json => "json",
            }))
        },
    },
];

impl Setting {
    /// The environment variable that sets it.
    pub fn variable(&self) -> String {
        format!("{ENVIRONMENT_PREFIX}{}", self.key.replace('.', "_").to_uppercase())
    }

    fn is_list(&self) -> bool {
        (self.show)(&Config::default()).is_ok_and(|shown| shown.starts_with('['))
    }

    /// A sale's rules are known by their bare names too, since no other section has the same.
    fn find(key: &str) -> Option<&'static Self> {
        let known_as = |name: &str| name == key || name.strip_prefix("sale.") == Some(key);
        SETTINGS.iter().find(|setting| known_as(setting.key))
    }
}

/// Where settings come from, besides the defaults.
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
        // In small letters it is as good as misspelt.
        let is_ours = |name: &str| {
            name.get(..ENVIRONMENT_PREFIX.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(ENVIRONMENT_PREFIX))
        };
        let names = self.environment.iter().map(|(name, _)| name.as_str());
        let mut unknown: Vec<_> = names
            .filter(|name| is_ours(name) && !is_platforms(name))
            .filter(|name| SETTINGS.iter().all(|setting| setting.variable() != *name))
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
        for setting in SETTINGS {
            let name = setting.variable();
            if let Some((_, value)) = sources.environment.iter().find(|(variable, _)| *variable == name) {
                config.apply(setting.key, value, &name)?;
            }
        }
        for pair in &sources.set {
            let (key, value) = pair.split_once('=').ok_or_else(|| {
                ConfigError::SetWithoutValue(Setting::find(pair).map_or("…", |setting| setting.key))
            })?;
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
        for setting in SETTINGS {
            let (of, name) = setting.key.rsplit_once('.').unwrap_or(("", setting.key));
            text.push('\n');
            if of != section {
                section = of;
                text.push_str(&format!("[{section}]\n"));
            }
            text.push_str(&format!("# {}\n", setting.about));
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
        // Whatever is named, a device included, is read no further.
        let read = file.take(FILE_BYTES_MAX + 1).read_to_string(&mut text).map_err(unreadable)?;
        if read as u64 > FILE_BYTES_MAX {
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
        let Some(setting) = Setting::find(key) else {
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
        let setting = Setting::find(key).ok_or_else(|| ConfigError::UnknownSetting {
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
        Ok(())
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

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

fn shown(text: Option<&String>, example: &'static str) -> Result<String, &'static str> {
    text.map(|text| quoted(text)).ok_or(example)
}

fn shown_path(path: Option<&PathBuf>, example: &'static str) -> Result<String, &'static str> {
    path.map(|path| quoted(&path.to_string_lossy())).ok_or(example)
}

fn duration(duration: Duration) -> String {
    quoted(&HumanDuration::from(duration).to_string())
}

fn boolean(text: &str) -> Result<bool, String> {
    match text {
        "true" | "1" => Ok(true),
        "false" | "0" => Ok(false),
        _ => Err(format!("must be true or false, not `{text}`")),
    }
}

fn integer<T>(text: &str, min: T, max: T) -> Result<T, String>
where
    T: std::str::FromStr + PartialOrd + fmt::Display,
{
    let number = text.parse().ok().filter(|number| (&min..=&max).contains(&number));
    number.ok_or_else(|| format!("must be a whole number from {min} to {max}, not `{text}`"))
}

fn any_duration(text: &str) -> Result<HumanDuration, String> {
    text.parse().map_err(|error: HumanDurationError| error.to_string())
}

fn positive(text: &str) -> Result<Duration, String> {
    let duration = any_duration(text)?;
    if duration.is_zero() {
        return Err("must be more than zero".to_owned());
    }
    Ok(duration.into())
}

fn claim_path(text: &str) -> Result<String, String> {
    match text.is_empty() {
        true => Err("must not be empty".to_owned()),
        false => Ok(text.to_owned()),
    }
}

fn path(text: &str) -> Result<PathBuf, String> {
    if text.is_empty() {
        return Err("must not be empty".to_owned());
    }
    Ok(PathBuf::from(text))
}

fn networks(text: &str) -> Result<Vec<Network>, String> {
    text.split(',').map(str::trim).filter(|network| !network.is_empty()).map(str::parse).collect()
}

fn shown_networks(networks: &[Network]) -> String {
    let shown: Vec<_> = networks.iter().map(|network| quoted(&network.to_string())).collect();
    format!("[{}]", shown.join(", "))
}

/// An origin as browsers send it: scheme, host, and the port unless it is the scheme's own.
fn origin(text: &str) -> Result<String, String> {
    let lower = text.to_ascii_lowercase();
    let host = ["https://", "http://"].iter().find_map(|scheme| lower.strip_prefix(scheme));
    match host {
        Some(host) if !host.is_empty() && !host.contains(['/', '*', '?', '#', '@', ' ']) => Ok(lower),
        _ => Err(format!("`{text}` is not an origin such as https://tickets.example")),
    }
}

fn set_key(config: &mut Config, key: IssuerKey) -> Result<(), String> {
    let other = config.auth.key.as_ref();
    // The same kind again is a later source that overrules an earlier one.
    if other.is_some_and(|other| std::mem::discriminant(other) != std::mem::discriminant(&key)) {
        return Err("give one of hs256_secret, pem_file and jwks_file, not two".to_owned());
    }
    config.auth.key = Some(key);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::AddressSource;

    fn load(file: Option<&str>, environment: &[(&str, &str)], set: &[&str]) -> Result<Config, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("frontrow.toml");
        // Named even when empty, so that no file of the folder that tests run in has a say.
        std::fs::write(&path, file.unwrap_or_default()).unwrap();
        let sources = Sources {
            file: Some(path.clone()),
            environment: environment.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
            set: set.iter().map(|&pair| pair.to_owned()).collect(),
            flags: Vec::new(),
        };
        Config::load(&sources).map_err(|error| error.to_string().replace(&path.display().to_string(), "FILE"))
    }

    #[test]
    fn the_printed_default_reads_as_the_default() {
        let printed = Config::default().to_toml();
        assert_eq!(load(Some(&printed), &[], &[]), Ok(Config::default()));
        for setting in SETTINGS {
            let name = setting.key.rsplit('.').next().unwrap();
            assert!(printed.lines().any(|line| line.trim_start_matches("# ").starts_with(name)), "{name}");
        }
    }

    #[test]
    fn what_was_set_is_printed_and_reads_as_it_was() {
        let config = Config {
            database_url: Some(DatabaseUrl::new("mysql://fan:se\"cret@host/db")),
            guests: Some(true),
            connections_max: Some(7),
            admin_listen: Some("127.0.0.1:9".parse().unwrap()),
            allowed_origins: vec!["https://a.example".to_owned(), "http://b.example:81".to_owned()],
            lanes: Some(3),
            tls: TlsSettings { cert: Some("cert.pem".into()), key: Some("key.pem".into()) },
            auth: AuthConfig {
                key: Some(IssuerKey::JwksFile("keys.json".into())),
                issuer: Some("i".to_owned()),
                audience: Some("a".to_owned()),
                operators: true,
                role_claim: "realm_access.roles".to_owned(),
                subject_claim: "oid".to_owned(),
            },
            address_limits: AddressLimits {
                exempt: vec!["10.0.0.0/8".parse().unwrap(), "::1".parse().unwrap()],
                guests_burst: 9,
                ..AddressLimits::default()
            },
            proxy: Proxies {
                trusted: vec!["192.0.2.1".parse().unwrap()],
                address_from: AddressSource::ProxyProtocol,
            },
            log: LogConfig { level: "info,frontrow=debug".to_owned(), format: LogFormat::Json },
            ..Config::default()
        };
        assert_eq!(load(Some(&config.to_toml()), &[], &[]), Ok(config));
    }

    #[test]
    fn the_command_line_wins_over_the_environment_over_the_file() {
        let file = "[sale]\nhold_ttl = \"1m\"\ncapacity = 1\nidle_ttl = \"3s\"\n";
        let environment = [("FRONTROW_SALE_HOLD_TTL", "2m"), ("FRONTROW_SALE_CAPACITY", "2")];
        let config = load(Some(file), &environment, &["hold_ttl=2s", "guests=true"]).unwrap();
        assert_eq!(config.sale.hold_ttl, Duration::from_secs(2));
        assert_eq!(config.sale.capacity, 2);
        assert_eq!(config.sale.idle_ttl, Duration::from_secs(3));
        assert!(config.guests());
        let flags = vec![("listen", "[::1]:0".to_owned())];
        let environment = vec![("FRONTROW_LISTEN".to_owned(), "127.0.0.1:1".to_owned())];
        let sources = Sources { flags, environment, ..Sources::default() };
        assert_eq!(Config::load(&sources).unwrap().listen, "[::1]:0".parse().unwrap());
    }

    #[test]
    fn guests_are_the_demos_default_and_nobody_elses() {
        for (set, guests) in [
            (&[][..], false),
            (&["demo=true"][..], true),
            (&["demo=true", "guests=false"][..], false),
            (&["guests=true"][..], true),
        ] {
            assert_eq!(load(None, &[], set).unwrap().guests(), guests, "{set:?}");
        }
    }

    #[test]
    fn what_cannot_be_is_refused_by_name() {
        for (file, set, error) in [
            ("holdttl = 1", "", "FILE: there is no setting `holdttl`; `frontrow config` lists them all"),
            ("[sale]\nttl = 1", "", "FILE: there is no setting `sale.ttl`; `frontrow config` lists them all"),
            ("listen = 8080", "", "FILE: `listen`: `8080` is not an address:port"),
            ("[sale]\ncapacity = 1.5", "", "FILE: `sale.capacity`: must not be a float"),
            (
                "",
                "sale.capacity=0",
                "--set: `sale.capacity`: must be a whole number from 1 to 1000000, not `0`",
            ),
            ("", "sale.hold_ttl=0s", "--set: `sale.hold_ttl`: must be more than zero"),
            (
                "",
                "sale.hold_ttl=5",
                "--set: `sale.hold_ttl`: `5` is not a duration such as 500ms, 30s, 5m, 12h, 1d or 1h30m",
            ),
            ("", "guests=yes", "--set: `guests`: must be true or false, not `yes`"),
            ("", "guests", "--set guests: must look like name=value"),
            (
                "",
                "allowed_origins=*",
                "--set: `allowed_origins`: `*` is not an origin such as https://tickets.example",
            ),
            (
                "[limits.address]\nexempt = [\"10.0.0.1/8\"]",
                "",
                "FILE: `limits.address.exempt`: `10.0.0.1/8` has bits set behind the first 8",
            ),
            (
                "",
                "proxy.address_from=x-real-ip",
                "--set: `proxy.address_from`: must be x-forwarded-for, forwarded or proxy-protocol, not `x-real-ip`",
            ),
            ("", "log.level=loud=x", "--set: `log.level`: `loud=x` is not a level"),
            ("", "log.level=infoo", "--set: `log.level`: `infoo` is not a level"),
            ("", "log.level=info,frontrow", "--set: `log.level`: `frontrow` is not a level"),
            ("[auth]\nissuer = [\"a\", \"b\"]", "", "FILE: `auth.issuer`: must not be a list"),
            ("listen = [\"127.0.0.1:1\"]", "", "FILE: `listen`: must not be a list"),
            (
                "[auth]\npem_file = \"a\"",
                "auth.hs256_secret=01234567890123456789012345678901",
                "--set: `auth.hs256_secret`: give one of hs256_secret, pem_file and jwks_file, not two",
            ),
            (
                "[tls]\ncert = \"a\"",
                "",
                "`tls.cert` and `tls.key` belong together: give both, or neither for plain connections",
            ),
            (
                "= 1",
                "",
                "the configuration file FILE is not TOML: line 1: unquoted keys cannot be empty, expected letters, numbers, `-`, `_`",
            ),
            ("", "auth.hs256_secret=hush", "--set: `auth.hs256_secret`: must have 32 bytes at least, not 4"),
        ] {
            let set: Vec<_> = Some(set).filter(|set| !set.is_empty()).into_iter().collect();
            assert_eq!(load(Some(file), &[], &set), Err(error.to_owned()));
        }
        let missing = Sources { file: Some("/nonexistent/f.toml".into()), ..Sources::default() };
        assert_eq!(
            Config::load(&missing).unwrap_err().to_string(),
            "cannot read the configuration file /nonexistent/f.toml"
        );
        assert!(load(None, &[("FRONTROW_SERVICE_HOST", "x")], &[]).is_ok(), "others write there as well");
    }

    #[test]
    fn secrets_are_not_shown() {
        for url in ["mysql://fan:p@ss/w:rd@db.example/frontrow", "mysql://fan@db.example/frontrow"] {
            assert_eq!(DatabaseUrl::new(url).to_string(), "mysql://…@db.example/frontrow");
        }
        assert_eq!(
            DatabaseUrl::new("mysql://db.example/frontrow").to_string(),
            "mysql://db.example/frontrow"
        );
        let secret = format!("auth.hs256_secret={}", "hush".repeat(8));
        let set = [&*secret, "database_url=mysql://fan:hush@db/f"];
        let shown = format!("{:?}", load(None, &[], &set).unwrap());
        assert!(!shown.contains("hush"), "{shown}");
    }

    #[test]
    fn no_error_quotes_the_line_of_a_secret() {
        let long = "hush".repeat(8);
        for (file, set, told) in [
            (format!("[auth]\nhs256_secret = \"{long}"), "", "line 2"),
            (format!("[auth]\nhs256_secret = {long}\n"), "", "line 2"),
            (format!("[auth]\n\nhs256_secret = \"a\" {long}\n"), "", "line 3"),
            (format!("[auth]\nhs256_secret = [1, \"{long}\"]\n"), "", "`auth.hs256_secret`"),
            (format!("[auth]\nhs256_secret = [\"{long}\", 1]\n"), "", "`auth.hs256_secret`"),
            (String::new(), "auth.hs256_secret:hush", "--set …"),
            (String::new(), "hush", "--set …"),
            (String::new(), "auth.hs256_secret=hush", "`auth.hs256_secret`"),
            (String::new(), "auth.hs256_secret", "--set auth.hs256_secret:"),
        ] {
            let set: Vec<_> = Some(set).filter(|set| !set.is_empty()).into_iter().collect();
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("frontrow.toml");
            std::fs::write(&path, &file).unwrap();
            let set = set.iter().map(|&pair| pair.to_owned()).collect();
            let sources = Sources { file: Some(path), set, ..Sources::default() };
            // As the command line prints it: with every cause.
            let error = format!("{:#}", anyhow::Error::from(Config::load(&sources).unwrap_err()));
            assert!(error.contains(told) && !error.contains("hush"), "{error}");
        }
    }

    #[test]
    fn variables_that_are_no_settings_are_named() {
        let environment = [
            ("FRONTROW_SALE_HOLD_TTL", "2m"),
            ("FRONTROW_HOLD_TTL", "2m"),
            ("FRONTROW_AUTH_HS256_SECERT", "hush"),
            ("FRONTROW_SERVICE_HOST", "10.0.0.1"),
            ("FRONTROW_PORT_8080_TCP", "tcp://10.0.0.1:8080"),
            ("FRONTROW_SERVICE_PORT", "8080"),
            ("FRONTROW_OPERATOR_TOKEN", "hush"),
            ("FRONTROW_SERVER", "https://tickets.example"),
            ("frontrow_sale_hold_ttl", "2m"),
            ("Frontrow_Listen", "127.0.0.1:1"),
            ("HOME", "/"),
        ];
        let environment = environment.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        let sources = Sources { environment, ..Sources::default() };
        assert_eq!(
            sources.unknown_variables(),
            ["FRONTROW_AUTH_HS256_SECERT", "FRONTROW_HOLD_TTL", "Frontrow_Listen", "frontrow_sale_hold_ttl"]
        );
    }
}
