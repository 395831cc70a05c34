use std::time::Duration;

use super::*;
use crate::address::{AddressSource, Proxies};

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
    for setting in settings() {
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
        admin_base_url: Some("https://tickets.example/desk".to_owned()),
        allowed_origins: vec!["https://a.example".to_owned(), "http://b.example:81".to_owned()],
        lanes: Some(3),
        cluster: ClusterSettings {
            name: Some("seoul-1.a:8080".to_owned()),
            bus: vec!["tls://a.example:4222".to_owned(), "tls://[::1]".to_owned()],
            bus_prefix: "seoul_1".to_owned(),
            bus_user: Some("frontrow".to_owned()),
            bus_password_file: Some("bus.password".into()),
            bus_nkey_file: None,
            bus_credentials_file: None,
            bus_ca: Some("bus-ca.pem".into()),
            bus_cert: Some("bus.pem".into()),
            bus_key: Some("bus.key".into()),
        },
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
        ("", "sale.capacity=0", "--set: `sale.capacity`: must be a whole number from 1 to 1000000, not `0`"),
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
            "admin.base_url=tickets.example",
            "--set: `admin.base_url`: `tickets.example` is not an address such as https://tickets.example",
        ),
        (
            "",
            "admin.base_url=https://tickets.example/#x",
            "--set: `admin.base_url`: `https://tickets.example/#x` is not an address such as https://tickets.example",
        ),
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
        (
            "",
            "cluster.name=a b",
            "--set: `cluster.name`: `a b` is no name: 1 to 64 letters, digits, `-`, `.`, `_` and `:`",
        ),
        (
            "",
            "cluster.bus_prefix=a.b",
            "--set: `cluster.bus_prefix`: `a.b` is not 1 to 32 letters, digits, `-` and `_`",
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

/// Settings of a server that has a bus, and these.
fn with_bus(more: &[&str]) -> Result<Config, String> {
    let bus = ["database_url=mysql://db/f", "cluster.name=a", "cluster.bus=nats://a:4222"];
    load(None, &[], &[&bus, more].concat())
}

#[test]
fn a_bus_is_named_by_its_servers_and_nobodys_login() {
    let form = "is not of the form nats://host:port or tls://host:port";
    let servers = |text: &str| with_bus(&[&format!("cluster.bus={text}")]).map(|config| config.cluster.bus);
    assert_eq!(
        servers(" nats://a:4222, nats://10.0.0.1 ,nats://[::1]:4222"),
        Ok(vec!["nats://a:4222".to_owned(), "nats://10.0.0.1".to_owned(), "nats://[::1]:4222".to_owned()])
    );
    for (text, problem) in [
        ("a:4222", format!("server 1 {form}")),
        ("nats://a,ws://hush:4222", format!("server 2 {form}")),
        ("nats://", format!("server 1 {form}")),
        ("nats://hush:99999", format!("server 1 {form}")),
        ("nats://[hush]:4222", format!("server 1 {form}")),
        ("nats://a/hush", format!("server 1 {form}")),
        (
            "nats://a,nats://me:hush@b:4222",
            "server 2 has a login in it, which has settings of its own".to_owned(),
        ),
        // A comma in a password cuts it in two.
        ("nats://me:hu,sh@a", format!("server 1 {form}")),
        ("nats://a:4222,tls://b:4222", "either all servers are tls:// or none is".to_owned()),
        (&["nats://a"; 17].join(","), "names 17 servers, and 16 are the most".to_owned()),
    ] {
        let refused = servers(text).unwrap_err();
        assert_eq!(refused, format!("--set: `cluster.bus`: {problem}"), "{text}");
    }
    let environment = [
        ("FRONTROW_CLUSTER_BUS", "tls://a:4222,tls://b:4222"),
        ("FRONTROW_CLUSTER_NAME", "a"),
        ("FRONTROW_DATABASE_URL", "mysql://db/f"),
    ];
    assert_eq!(load(None, &environment, &[]).unwrap().cluster.bus, ["tls://a:4222", "tls://b:4222"]);
    let file = "database_url = \"mysql://db/f\"\n[cluster]\nname = \"a\"\nbus = [\"tls://a\", \"tls://b\"]\n";
    assert_eq!(load(Some(file), &[], &[]).unwrap().cluster.bus, ["tls://a", "tls://b"]);
}

#[test]
fn what_a_bus_needs_and_what_needs_a_bus_is_said() {
    for (more, problem) in [
        (&["cluster.bus_user=u"][..], "`cluster.bus_user` and `cluster.bus_password_file` belong together"),
        (
            &["cluster.bus_password_file=p"],
            "`cluster.bus_user` and `cluster.bus_password_file` belong together",
        ),
        (
            &["cluster.bus_user=u", "cluster.bus_password_file=p", "cluster.bus_nkey_file=n"],
            "give one way to log in to the bus, not two",
        ),
        (&["cluster.bus_nkey_file=n", "cluster.bus_credentials_file=c"], "give one way to log in to the bus"),
        (&["cluster.bus_cert=c"], "`cluster.bus_cert` and `cluster.bus_key` belong together"),
        (&["cluster.bus_key=k"], "`cluster.bus_cert` and `cluster.bus_key` belong together"),
    ] {
        let refused = with_bus(more).unwrap_err();
        assert!(refused.starts_with(problem), "{more:?}: {refused}");
    }
    for more in [
        &["cluster.bus_user=u", "cluster.bus_password_file=p"][..],
        &["cluster.bus_nkey_file=n", "cluster.bus_ca=ca", "cluster.bus_cert=c", "cluster.bus_key=k"],
    ] {
        with_bus(more).unwrap();
    }
    for key in
        ["bus_user", "bus_password_file", "bus_nkey_file", "bus_credentials_file", "bus_ca", "bus_cert"]
    {
        assert_eq!(
            load(None, &[], &[&format!("cluster.{key}=x")]).unwrap_err(),
            format!("`cluster.{key}` says how a bus is reached, and `cluster.bus` names none")
        );
    }
    let bus = "cluster.bus=nats://a";
    let embedded = load(None, &[], &[bus, "cluster.name=a"]).unwrap_err();
    assert!(embedded.contains("the embedded one has a single server"), "{embedded}");
    let nameless = load(None, &[], &[bus, "database_url=mysql://db/f"]).unwrap_err();
    assert!(nameless.starts_with("`cluster.bus` needs `cluster.name`"), "{nameless}");
}

#[test]
fn secrets_are_not_shown() {
    for url in ["mysql://fan:p@ss/w:rd@db.example/frontrow", "mysql://fan@db.example/frontrow"] {
        assert_eq!(DatabaseUrl::new(url).to_string(), "mysql://…@db.example/frontrow");
    }
    assert_eq!(DatabaseUrl::new("mysql://db.example/frontrow").to_string(), "mysql://db.example/frontrow");
    let secret = format!("auth.hs256_secret={}", "hush".repeat(8));
    let set = [&*secret, "database_url=mysql://fan:hush@db/f"];
    let shown = format!("{:?}", load(None, &[], &set).unwrap());
    assert!(!shown.contains("hush"), "{shown}");
}

#[test]
fn no_error_quotes_the_line_of_a_secret() {
    let long = "hush".repeat(8);
    for (file, set, expected) in [
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
        // The command line prints an error with every cause.
        let error = format!("{:#}", anyhow::Error::from(Config::load(&sources).unwrap_err()));
        assert!(error.contains(expected) && !error.contains("hush"), "{error}");
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
