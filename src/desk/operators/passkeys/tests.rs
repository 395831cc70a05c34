use super::*;
use frontrow_protocol::ops::passkeys::AssertionResponse;

const SITE: &str = "https://tickets.example";
const CEREMONY: Ceremony =
    Ceremony { challenge: [7; 32], ends_at: Timestamp::from_millis(2_000_000_000_000) };

/// The modulus of a key that was made for this test and forgotten, and what it signed: an RS256 passkey signing in at `SITE`,
/// with the counter at 9.
const MODULUS: &str = "t74rBSTE_6HbpV4zslapqC1hkqeF2zjBdXl_Sy4KvRN05rqYj9Abg1JkICmRK0b7BuusCJrPd8VLogSzhdrl9Dt9_bpHM50WrgQW64_bP2a346hqpecnxIMDTi9rt5-YT2RcO06_PwFg9Kj3aM6k4TTLmsP8rfTc8Eig_K7uzuOYfv9UIJRlyj4p1EDEr39hXHJmY3HLaOZ62Theeq7QCQd6aUnzgUo_SIvpGRgbsGNkqoJdMfwWSXL3RgxPHrI7CWsVjZReUIQUXJq6jnqsUhFPpI0W7Z18paZUA3OzjwcsRWgaprrs-akxpkrhjaxjVOy1Joe3pV5mhNxd7J7Uzw";
const SIGNATURE: &str = "UmcfiM8pe8w2EY5kylshOqM1kMAcu6FuGf6JS8Yn2fYmt11FT5NZfDU4CD94bKP6fKdbYqSKfL5PhCzws99hsq_2itOPI1WiDJz-y0S7HAblcesFi1S-7FSDokPYD0UdJT6cgR9xrqLivnEUDtq98-RVzCP3GyNQ2jNhjt8MZeiDnIGVYdYMV6TZHIPBg-sWe1ECSZQuovONXxQXo-bYQt_O6Q88k9XJcN0n86R3CZV0Awi4QSHBbfd7WYtzq3puep8gQ5H-dfGiB3eV7S7HoU8aHRvWFye0QzM9zvdhKHytLX0u_U_slJFKPpCMBNt620STHJ5fiGNa76wO4G8a5w";

fn rsa_key() -> Vec<u8> {
    let modulus = URL_SAFE_NO_PAD.decode(MODULUS).unwrap();
    [RS256, &256_u16.to_be_bytes(), &modulus, RS256_E, &[1, 0, 1]].concat()
}

fn rsa_assertion() -> Assertion {
    let challenge = URL_SAFE_NO_PAD.encode(CEREMONY.challenge);
    let client_data = format!(
        r#"{{"type":"webauthn.get","challenge":"{challenge}","origin":"{SITE}","crossOrigin":false}}"#
    );
    let data = [&Sha256::digest("tickets.example")[..], &[PRESENT_AND_KNOWN, 0, 0, 0, 9]].concat();
    Assertion {
        raw_id: URL_SAFE_NO_PAD.encode([1; 16]),
        response: AssertionResponse {
            client_data: URL_SAFE_NO_PAD.encode(client_data),
            authenticator_data: URL_SAFE_NO_PAD.encode(data),
            signature: SIGNATURE.to_owned(),
        },
    }
}

fn passkey(key: Vec<u8>, count: u32) -> PasskeyKey {
    PasskeyKey { id: 1, operator: OperatorId(1), key, count }
}

#[test]
fn an_rsa_key_signs_in_and_no_other_signature_does() {
    let site = Site::of(SITE).unwrap();
    let good = rsa_assertion();
    assert_eq!(asserted(&good, &passkey(rsa_key(), 8), &CEREMONY, &site), Ok(9));
    assert_eq!(asserted(&good, &passkey(rsa_key(), 9), &CEREMONY, &site), Err(Fault::Copied));
    let mut other = good.clone();
    other.response.signature = URL_SAFE_NO_PAD.encode([1; 256]);
    assert_eq!(asserted(&other, &passkey(rsa_key(), 8), &CEREMONY, &site), Err(Fault::WrongSignature));
    let next = Ceremony { challenge: [8; 32], ..CEREMONY };
    assert_eq!(asserted(&good, &passkey(rsa_key(), 8), &next, &site), Err(Fault::OtherCeremony));
    let elsewhere = Site::of("https://tickets.example:8443").unwrap();
    assert_eq!(asserted(&good, &passkey(rsa_key(), 8), &CEREMONY, &elsewhere), Err(Fault::OtherSite));
}

#[test]
fn a_key_ends_where_it_ends_and_is_of_a_known_kind() {
    let es256 = [ES256, &[3; 32], ES256_Y, &[4; 32]].concat();
    for key in [rsa_key(), es256.clone()] {
        let longer = [&key[..], &[0xa1, 0x00]].concat();
        assert_eq!(Key::read(&longer).map(|(_, bytes)| bytes), Some(key.len()));
        for cut in 0..key.len() {
            assert!(Key::read(&key[..cut]).is_none(), "{cut} bytes");
        }
    }
    // An Ed25519 key, and ES256 on another curve.
    let ed25519 = [&[0xa4, 0x01, 0x01, 0x03, 0x27, 0x20, 0x06, 0x21, 0x58, 0x20][..], &[3; 32]].concat();
    let mut p384 = es256;
    p384[6] = 0x02;
    assert!(Key::read(&ed25519).is_none() && Key::read(&p384).is_none());
}

#[test]
fn a_site_is_a_name_as_a_browser_says_it() {
    for (url, expected) in [
        ("https://Tickets.Example", Some(("https://tickets.example", "tickets.example"))),
        ("https://tickets.example:443/desk", Some(("https://tickets.example", "tickets.example"))),
        ("http://tickets.example:443", Some(("http://tickets.example:443", "tickets.example"))),
        ("http://localhost:8080", Some(("http://localhost:8080", "localhost"))),
        ("http://127.0.0.1:8080", None),
        ("https://[::1]", None),
        ("tickets.example", None),
        ("", None),
    ] {
        let site = Site::of(url);
        let found = site.as_ref().map(|site| (site.origin.as_str(), site.host.as_str()));
        assert_eq!(found, expected, "{url}");
    }
}
