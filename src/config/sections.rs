//! Every setting, in its section, in the order in which `frontrow config` prints them. Each stands here once: its name
//! and explanation, its default unless that is a rule's of the domain, and what it may be. Reasons for bounds are in
//! `limits.rs`.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use frontrow_protocol::limits::{CAPACITY_MAX, SEATS_PER_RESERVATION_MAX, SEATS_PER_USER_MAX};

use super::declare::{section, setting, settings};
use super::kind::{
    Address, BaseUrl, BusServers, Kind, Name, Networks, OneOf, Optional, Origins, Path, Text, Time, Whole,
    Word, YesOrNo, quoted,
};
use crate::address::{AddressSource, Network, Proxies};
use crate::domain::rules::SaleRules;
use crate::limits::{
    ADDRESS_CONNECTIONS_SET_MAX, BUS_PREFIX_CHARS_MAX, CONNECTIONS_PER_USER_SET_MAX, CONNECTIONS_SET_MAX,
    EVENTS_BEHIND_MAX, EVENTS_BEHIND_SET_MAX, GUEST_SEATS_SET_MAX, LANES_SET_MAX, RATE_SET_MAX,
    REQUESTS_IN_FLIGHT_SET_MAX, SECRET_BYTES_MIN,
};

/// The prefix of every environment variable that is read.
pub const ENVIRONMENT_PREFIX: &str = "FRONTROW_";

pub struct Setting {
    pub key: &'static str,
    /// Line by line, each with a blank before it.
    pub(super) about: &'static [&'static str],
    pub(super) set: fn(&mut Config, &str) -> Result<(), String>,
    /// Shows the setting as a TOML value; `Err` holds an example of what could be there when nothing is.
    pub(super) show: fn(&Config) -> Result<String, &'static str>,
}

impl Setting {
    /// The environment variable that sets it.
    pub fn variable(&self) -> String {
        format!("{ENVIRONMENT_PREFIX}{}", self.key.replace('.', "_").to_uppercase())
    }

    pub(super) fn is_list(&self) -> bool {
        (self.show)(&Config::default()).is_ok_and(|shown| shown.starts_with('['))
    }
}

/// Those without a section first, as TOML wants.
pub(super) const SECTIONS: &[&[Setting]] = &[
    Config::SETTINGS,
    TlsSettings::SETTINGS,
    ADMIN,
    ClusterSettings::SETTINGS,
    OperatorSettings::SETTINGS,
    WebhookSettings::SETTINGS,
    ISSUER_KEY,
    AuthConfig::SETTINGS,
    SALE,
    ClientLimits::SETTINGS,
    AddressLimits::SETTINGS,
    GUEST_SEATS,
    PROXY,
    LogConfig::SETTINGS,
];

section! {
    /// A run's settings.
    #[derive(Clone, Debug, PartialEq)]
    pub struct Config, "", |config| config;

    /// The address to listen on, as address:port. Port 0 takes a free one.
    listen: SocketAddr = SocketAddr::from(([127, 0, 0, 1], 8080)), Address;
    /// The folder with the embedded database and the key of our own access tokens.
    data: PathBuf = PathBuf::from("frontrow-data"), Path;
    /// A database server instead of the embedded database: MariaDB, or one with the same protocol.
    database_url: Option<DatabaseUrl> = None, Optional(Url, "\"mysql://user:password@host/frontrow\"");
    /// The folder that `frontrow journal archive` moves old rows into. If unset: `journal` in the data folder.
    journal_archive: Option<PathBuf> = None, Optional(Path, "\"/var/lib/frontrow/journal\"");
    /// Make, once, a concert to try things with, its sale open; guests may buy.
    demo: bool = false, YesOrNo;
    /// May anybody make a user of their own? If unset: in a demo only.
    guests: Option<bool> = None, Optional(YesOrNo, "false");
    /// Open connections in all. If unset: as many as the limit on open files leaves room for.
    connections_max: Option<usize> = None, Optional(Whole(1, CONNECTIONS_SET_MAX), "10000");
    /// Web pages of these origins may connect, besides our own. In the environment: separated by commas.
    allowed_origins: Vec<String> = Vec::new(), Origins;
    /// Writers that sales are spread over. If unset: what suits the database.
    lanes: Option<usize> = None, Optional(Whole(1, LANES_SET_MAX), "4");
    /// Events of each of them that are in the journal, and whose rows the other tables may lack: at so many, it waits.
    events_behind_max: usize = EVENTS_BEHIND_MAX, Whole(1, EVENTS_BEHIND_SET_MAX);

    besides {
        /// The certificate that connections are encrypted with. Neither file: they are plain. Only one is refused.
        tls: TlsSettings;
        /// A listener of their own for operators. `None`: they share the one of everybody.
        admin_listen: Option<SocketAddr>;
        /// Where operators find the console. `None`: nobody said.
        admin_base_url: Option<String>;
        cluster: ClusterSettings;
        operators: OperatorSettings;
        webhooks: WebhookSettings;
        auth: AuthConfig;
        /// The rules of every sale whose operator set no others.
        sale: SaleRules;
        limits: ClientLimits;
        address_limits: AddressLimits;
        /// The proxies between clients and us.
        proxy: Proxies;
        log: LogConfig;
    }
}

section! {
    /// The files of the certificate and its key.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct TlsSettings, "tls.", |config| config.tls;

    /// Serve TLS (https, wss) with the certificate in this PEM file, its chain behind it. Read again when it changes.
    cert: Option<PathBuf> = None, Optional(Path, "\"/etc/frontrow/tls/fullchain.pem\"");
    /// The private key of that certificate, PEM without a passphrase.
    key: Option<PathBuf> = None, Optional(Path, "\"/etc/frontrow/tls/privkey.pem\"");
}

settings! {
    pub(super) const ADMIN, |config|;

    /// A listener of their own for operators and /metrics, with connections of its own. It uses TLS as everybody's
    /// does (tls.cert). Keep it inside: its /metrics needs no token.
    "admin.listen" => config.admin_listen, Optional(Address, "\"127.0.0.1:9090\"");
    /// Where operators find the console, as links that sign them in begin. If unset: where they, or this program, find the
    /// server.
    "admin.base_url" => config.admin_base_url, Optional(BaseUrl, "\"https://tickets.example\"");
}

section! {
    /// What this server is among several of one database.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct ClusterSettings, "cluster.", |config| config.cluster;

    /// The name of this server among those of its database, its own and the same after a restart. If unset: the machine's, and
    /// the port.
    name: Option<String> = None, Optional(Name, "\"a\"");
    /// The NATS servers over which the servers of one database talk to each other, each as nats://host:port, or each as
    /// tls://host:port. If there are none: nobody talks, and each serves the sales that it runs. In the environment: separated
    /// by commas.
    bus: Vec<String> = Vec::new(), BusServers;
    /// What the subjects of our messages begin with, behind `frontrow.`: another one for each database that shares the bus.
    bus_prefix: String = "frontrow".to_owned(), Word(BUS_PREFIX_CHARS_MAX);
    /// Log in to the bus by this name, and the password below.
    bus_user: Option<String> = None, Optional(Text::NotEmpty, "\"frontrow\"");
    /// The file with the password. This and the two files below are read anew for each connection.
    bus_password_file: Option<PathBuf> = None, Optional(Path, "\"/etc/frontrow/bus.password\"");
    /// Log in to the bus by the key whose seed (SU…) is in this file.
    bus_nkey_file: Option<PathBuf> = None, Optional(Path, "\"/etc/frontrow/bus.nk\"");
    /// Log in to the bus by the credentials in this file, as `nsc` writes it.
    bus_credentials_file: Option<PathBuf> = None, Optional(Path, "\"/etc/frontrow/bus.creds\"");
    /// The authorities that vouch for the bus, as a PEM file, and nobody else then. If unset: the public ones.
    bus_ca: Option<PathBuf> = None, Optional(Path, "\"/etc/frontrow/bus-ca.pem\"");
    /// The certificate that is shown to the bus, as a PEM file, its chain behind it.
    bus_cert: Option<PathBuf> = None, Optional(Path, "\"/etc/frontrow/bus.pem\"");
    /// The private key of that certificate, PEM without a passphrase.
    bus_key: Option<PathBuf> = None, Optional(Path, "\"/etc/frontrow/bus.key\"");
}

section! {
    /// How long operators stay signed in.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct OperatorSettings, "operators.", |config| config.operators;

    /// How long after its last request an operator's session ends.
    session_idle: Duration = Duration::from_secs(12 * 60 * 60), Time::Positive;
    /// How long after its beginning an operator's session ends, whatever happens.
    session_max: Duration = Duration::from_secs(7 * 24 * 60 * 60), Time::Positive;
}

section! {
    /// Where webhooks may lead.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct WebhookSettings, "webhooks.", |config| config.webhooks;

    /// Networks that webhooks may lead to besides public addresses, such as 10.0.0.0/8 or 127.0.0.1. In the environment:
    /// separated by commas.
    allow: Vec<Network> = Vec::new(), Networks;
    /// Authorities that vouch for receivers' certificates besides the public ones, as a PEM file. Read at the start.
    ca: Option<PathBuf> = None, Optional(Path, "\"/etc/frontrow/webhooks-ca.pem\"");
}

settings! {
    pub(super) const ISSUER_KEY, |config|;

    /// Accept access tokens signed with this secret (HS256): 32 random bytes at least.
    "auth.hs256_secret" => config.auth.key, IssuerKeyKind::Hs256Secret;
    /// Accept access tokens signed with the key to this public one (RS256, ES256 or EdDSA, by the key's kind). Read
    /// again when it changes.
    "auth.pem_file" => config.auth.key, IssuerKeyKind::PemFile;
    /// Accept access tokens signed with the key to one of these public ones. Read again when it changes.
    "auth.jwks_file" => config.auth.key, IssuerKeyKind::JwksFile;
}

section! {
    /// The issuer whose access tokens are accepted besides our own.
    #[derive(Clone, Debug, PartialEq)]
    pub struct AuthConfig, "auth.", |config| config.auth;

    /// The `iss` that such tokens must have.
    issuer: Option<String> = None, Optional(Text::Any, "\"https://accounts.example\"");
    /// The `aud` that such tokens must have.
    audience: Option<String> = None, Optional(Text::Any, "\"frontrow\"");
    /// Does such a token with an operator's role (owner, manager, box_office, viewer, door; operator is owner) make an
    /// operator? Only if nobody can give one to themselves there.
    operators: bool = false, YesOrNo;
    /// The claim in which such a token has its role, or a list of roles; dots lead into objects: "realm_access.roles".
    role_claim: String = "role".to_owned(), Text::NotEmpty;
    /// The claim in which such a token says who it is. Not to be changed once there are users: they would be others.
    subject_claim: String = "sub".to_owned(), Text::NotEmpty;

    besides {
        key: Option<IssuerKey>;
    }
}

settings! {
    pub(super) const SALE, |config|;

    /// The number of fans of one sale that are admitted at a time.
    "sale.capacity" => config.sale.capacity, Whole(1, CAPACITY_MAX);
    /// The time that unpaid seats are held.
    "sale.hold_ttl" => config.sale.hold_ttl, Time::Positive;
    /// The length of an admission.
    "sale.admission_ttl" => config.sale.admission_ttl, Time::Positive;
    /// The time that an admitted fan may do nothing.
    "sale.idle_ttl" => config.sale.idle_ttl, Time::Positive;
    /// The time that a waiting fan may be without a connection.
    "sale.away_ttl" => config.sale.away_ttl, Time::Positive;
    /// The number of seats that one reservation may have.
    "sale.seats_per_reservation_max" => config.sale.seats_per_reservation_max, Whole(1, SEATS_PER_RESERVATION_MAX);
    /// The number of seats of one sale that a user may have, held and bought together, in all of its performances. 0:
    /// any number.
    "sale.seats_per_user_max" => config.sale.seats_per_user_max, Whole(0, SEATS_PER_USER_MAX);
    /// The time before the start until which a paid reservation may be cancelled.
    "sale.cancel_before_start" => config.sale.cancel_before_start, Time::Any;
    /// The time in which a seat whose hold ran out unpaid is not held again by the same user; each further time
    /// within an hour doubles it. 0s: not at all.
    "sale.hold_again_after" => config.sale.hold_again_after, Time::Any;
}

section! {
    /// The limits of one client.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct ClientLimits, "limits.", |config| config.limits;

    /// Requests of one websocket, or of one user over HTTP, as a rate.
    requests_per_second: u32 = 20, Whole(1, RATE_SET_MAX);
    /// Requests of one websocket, or of one user over HTTP, at once, after a silence.
    requests_burst: u32 = 60, Whole(1, RATE_SET_MAX);
    /// Requests of one connection that are not answered yet.
    requests_in_flight: u32 = 32, Whole(1, REQUESTS_IN_FLIGHT_SET_MAX);
    /// Websockets of one user; one more closes the oldest.
    connections_per_user: u32 = 5, Whole(1, CONNECTIONS_PER_USER_SET_MAX);
    /// Charges and payments of one user in a day (UTC), since each is kept for ever. One more is refused.
    // More than any person needs, and a thousand users a day are some 50 MB.
    ledger_entries_per_day: u32 = 200, Whole(1, u32::MAX);
}

section! {
    /// The limits of one address: an IPv4 address, or the first half of an IPv6 one. Thousands of phones may share one of
    /// a carrier, so it is much; tight are only the limits on guests, whom nobody vouches for.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct AddressLimits, "limits.address.", |config| config.address_limits;

    /// Networks that no limit by address holds for, such as 10.0.0.0/8. In the environment: separated by commas.
    exempt: Vec<Network> = Vec::new(), Networks;
    /// Open connections of one address: of IPv4, or of the first 64 bits of IPv6.
    connections: u32 = 2_000, Whole(1, ADDRESS_CONNECTIONS_SET_MAX);
    /// New connections of one address, as a rate.
    handshakes_per_second: u32 = 50, Whole(1, RATE_SET_MAX);
    /// New connections of one address at once, after it made none.
    handshakes_burst: u32 = 500, Whole(1, RATE_SET_MAX);
    /// New guests of one address, as a rate.
    guests_per_second: u32 = 1, Whole(1, RATE_SET_MAX);
    /// New guests of one address at once, after it made none.
    guests_burst: u32 = 200, Whole(1, RATE_SET_MAX);
    /// Guests of one address who join a line, as a rate.
    joins_per_second: u32 = 5, Whole(1, RATE_SET_MAX);
    /// Guests of one address who join a line at once, after none did.
    joins_burst: u32 = 200, Whole(1, RATE_SET_MAX);
    /// Requests over HTTP of one address that no user or operator stands for, as a rate. A page is some 20, a large file
    /// one for each 64 KiB.
    requests_per_second: u32 = 1_000, Whole(1, RATE_SET_MAX);
    /// Such requests at once, after there were none.
    requests_burst: u32 = 20_000, Whole(1, RATE_SET_MAX);
}

settings! {
    pub(super) const GUEST_SEATS, |config|;

    /// Unpaid seats of one performance that the guests of one address may hold together, at least.
    "limits.address.guest_seats" => config.sale.guest_seats.at_least, Whole(1, GUEST_SEATS_SET_MAX);
    /// The part of a large house, so many of a hundred.
    "limits.address.guest_seats_percent" => config.sale.guest_seats.percent, Whole(0, 100);
}

settings! {
    pub(super) const PROXY, |config|;

    /// Networks of the proxies in front of us: only they are believed when they name a client's address. In the
    /// environment: separated by commas.
    "proxy.trusted" => config.proxy.trusted, Networks;
    /// The way in which they name it: x-forwarded-for, forwarded (RFC 7239), or proxy-protocol (version 1 or 2, which
    /// then begins each of their connections).
    "proxy.address_from" => config.proxy.address_from, OneOf(&AddressSource::ALL);
}

section! {
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct LogConfig, "log.", |config| config.log;

    /// error, warn, info, debug, trace, or directives such as info,frontrow::socket=debug. Logs go to stderr.
    level: String = "info".to_owned(), LogLevel;
    /// text or json.
    format: LogFormat = LogFormat::Text, OneOf(&[("text", LogFormat::Text), ("json", LogFormat::Json)]);
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    Text,
    Json,
}

/// A level, or directives.
struct LogLevel;

impl Kind<String> for LogLevel {
    fn read(&self, text: &str) -> Result<String, String> {
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
        Ok(text.to_owned())
    }

    fn show(&self, value: &String) -> Result<String, &'static str> {
        Ok(quoted(value))
    }
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

/// The keys that verify an external issuer's tokens.
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

/// Three settings for one value.
enum IssuerKeyKind {
    Hs256Secret,
    PemFile,
    JwksFile,
}

impl Kind<Option<IssuerKey>> for IssuerKeyKind {
    fn read(&self, text: &str) -> Result<Option<IssuerKey>, String> {
        let key = match self {
            Self::Hs256Secret if text.len() < SECRET_BYTES_MIN => {
                return Err(format!("must have {SECRET_BYTES_MIN} bytes at least, not {}", text.len()));
            }
            Self::Hs256Secret => IssuerKey::Hs256Secret(text.to_owned()),
            Self::PemFile => IssuerKey::PemFile(Path.read(text)?),
            Self::JwksFile => IssuerKey::JwksFile(Path.read(text)?),
        };
        Ok(Some(key))
    }

    fn show(&self, value: &Option<IssuerKey>) -> Result<String, &'static str> {
        match (self, value) {
            (Self::Hs256Secret, Some(IssuerKey::Hs256Secret(secret))) => Ok(quoted(secret)),
            (Self::PemFile, Some(IssuerKey::PemFile(path)))
            | (Self::JwksFile, Some(IssuerKey::JwksFile(path))) => Path.show(path),
            (Self::Hs256Secret, _) => Err("\"…\""),
            (Self::PemFile, _) => Err("\"issuer.pem\""),
            (Self::JwksFile, _) => Err("\"jwks.json\""),
        }
    }

    fn set(&self, place: &mut Option<IssuerKey>, text: &str) -> Result<(), String> {
        let key = self.read(text)?;
        let is_other = |known: &IssuerKey| {
            Some(std::mem::discriminant(known)) != key.as_ref().map(std::mem::discriminant)
        };
        if place.as_ref().is_some_and(is_other) {
            return Err("give one of hs256_secret, pem_file and jwks_file, not two".to_owned());
        }
        *place = key;
        Ok(())
    }
}

/// A database's URL. Shown without its password.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseUrl(String);

impl DatabaseUrl {
    pub fn new(url: impl Into<String>) -> Self {
        Self(url.into())
    }

    /// The URL with its password, for the database alone.
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

struct Url;

impl Kind<DatabaseUrl> for Url {
    fn read(&self, text: &str) -> Result<DatabaseUrl, String> {
        Ok(DatabaseUrl::new(text))
    }

    fn show(&self, value: &DatabaseUrl) -> Result<String, &'static str> {
        Ok(quoted(value.reveal()))
    }
}
