//! Which address counts, whoever wrote what.

use super::*;

fn networks(text: &str) -> Vec<Network> {
    text.split_whitespace().map(|network| network.parse().unwrap()).collect()
}

fn client(from: AddressSource, trusted: &str, peer: &str, headers: &[(&str, &str)]) -> String {
    let proxies = Proxies { trusted: networks(trusted), address_from: from };
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.append(hyper::header::HeaderName::from_str(name).unwrap(), value.parse().unwrap());
    }
    proxies.client(peer.parse().unwrap(), &map).to_string()
}

#[test]
fn a_header_counts_only_from_our_proxies_and_only_as_far_as_they_wrote_it() {
    let forwarded_for = |trusted, peer, lines: &[&str]| {
        let lines: Vec<_> = lines.iter().map(|line| ("x-forwarded-for", *line)).collect();
        client(AddressSource::XForwardedFor, trusted, peer, &lines)
    };
    for (trusted, peer, lines, expected, why) in [
        ("", "203.0.113.9", &["1.2.3.4"][..], "203.0.113.9", "nobody is trusted"),
        ("10.0.0.0/8", "203.0.113.9", &["1.2.3.4"], "203.0.113.9", "a header from elsewhere"),
        ("10.0.0.0/8", "10.0.0.1", &["1.2.3.4"], "1.2.3.4", "one proxy"),
        ("10.0.0.0/8", "10.0.0.1", &["9.9.9.9, 1.2.3.4"], "1.2.3.4", "what the client wrote itself"),
        ("10.0.0.0/8", "10.0.0.1", &["9.9.9.9", "1.2.3.4"], "1.2.3.4", "the same in lines of its own"),
        ("10.0.0.0/8", "10.0.0.1", &["9.9.9.9, 1.2.3.4, 10.0.0.2"], "1.2.3.4", "two proxies"),
        ("10.0.0.0/8", "10.0.0.1", &["10.9.9.9, 1.2.3.4"], "1.2.3.4", "who claims to be a proxy"),
        ("10.0.0.0/8", "10.0.0.1", &["10.0.0.3, 10.0.0.2"], "10.0.0.3", "somebody among the proxies"),
        ("10.0.0.0/8", "10.0.0.1", &[], "10.0.0.1", "no header: the proxy itself"),
        ("10.0.0.0/8", "10.0.0.1", &["1.2.3.4, nonsense"], "10.0.0.1", "whom the proxy does not name"),
        ("10.0.0.0/8", "10.0.0.1", &[""], "10.0.0.1", "an empty header"),
        ("10.0.0.0/8", "10.0.0.1", &["1.2.3.4:5678"], "1.2.3.4", "with a port"),
        ("10.0.0.0/8", "10.0.0.1", &["[2001:db8::7]:5678"], "2001:db8::7", "IPv6 with a port"),
        ("10.0.0.0/8", "10.0.0.1", &["2001:db8::7"], "2001:db8::7", "IPv6"),
        ("10.0.0.0/8", "10.0.0.1", &["::ffff:1.2.3.4"], "1.2.3.4", "IPv4 in IPv6's form"),
        ("10.0.0.0/8", "::ffff:10.0.0.1", &["1.2.3.4"], "1.2.3.4", "a proxy in IPv6's form"),
        ("10.0.0.0/8", "10.0.0.1", &["1.2.3.4:x"], "10.0.0.1", "no port"),
    ] {
        assert_eq!(forwarded_for(trusted, peer, lines), expected, "{why}");
    }
}

#[test]
fn forwarded_is_read_from_its_right_end() {
    let forwarded =
        |value| client(AddressSource::Forwarded, "10.0.0.0/8", "10.0.0.1", &[("forwarded", value)]);
    for (value, expected, why) in [
        ("for=1.2.3.4", "1.2.3.4", "one proxy"),
        ("for=9.9.9.9, for=1.2.3.4;proto=https;by=10.0.0.1", "1.2.3.4", "what the client wrote itself"),
        ("For=\"[2001:db8::7]:4711\"", "2001:db8::7", "quoted, with a port"),
        ("proto=https; FOR = \"1.2.3.4:80\" ;host=\"a,b;c\"", "1.2.3.4", "separators in quotes"),
        ("for=\"9.9.9.9, for=1.2.3.4", "1.2.3.4", "a quote that the client left open"),
        ("for=\"9.9.9.9\\\", for=1.2.3.4", "1.2.3.4", "the same, escaped"),
        ("for=1.2.3.4, for=10.0.0.2", "1.2.3.4", "two proxies"),
        ("for=1.2.3.4, for=unknown", "10.0.0.1", "unknown"),
        ("for=1.2.3.4, for=_hidden", "10.0.0.1", "hidden"),
        ("for=1.2.3.4, proto=https", "10.0.0.1", "without an address"),
    ] {
        assert_eq!(forwarded(value), expected, "{why}");
    }
    // Only the header that our proxies write counts: the other one they may hand on as the client sent it.
    let both = [("forwarded", "for=1.2.3.4"), ("x-forwarded-for", "9.9.9.9")];
    assert_eq!(client(AddressSource::Forwarded, "10.0.0.0/8", "10.0.0.1", &both), "1.2.3.4");
    assert_eq!(client(AddressSource::XForwardedFor, "10.0.0.0/8", "10.0.0.1", &both), "9.9.9.9");
    assert_eq!(client(AddressSource::ProxyProtocol, "10.0.0.0/8", "1.2.3.4", &both), "1.2.3.4");
}

#[test]
fn a_network_is_its_first_bits() {
    for (network, inside, outside) in [
        ("10.0.0.0/8", "10.255.0.1", "11.0.0.1"),
        ("10.1.2.3", "10.1.2.3", "10.1.2.4"),
        ("0.0.0.0/0", "255.1.1.1", "::1"),
        ("2001:db8::/32", "2001:db8:1::1", "2001:db9::1"),
        ("::/0", "2001:db9::1", "1.2.3.4"),
        ("127.0.0.0/8", "::ffff:127.0.0.2", "::1"),
    ] {
        let network: Network = network.parse().unwrap();
        assert!(network.contains(inside.parse().unwrap()), "{network} has {inside}");
        assert!(!network.contains(outside.parse().unwrap()), "{network} has not {outside}");
        assert_eq!(network.to_string().parse(), Ok(network));
    }
    for wrong in ["", "10", "10.0.0.0/33", "10.0.0.1/8", "::/129", "host/8", "10.0.0.0/", "10.0.0.0/-1"] {
        assert!(wrong.parse::<Network>().is_err(), "{wrong}");
    }
}

#[test]
fn a_block_is_one_ipv4_address_or_one_network_of_ipv6() {
    let block = |text: &str| block_of(text.parse().unwrap());
    assert_eq!(block("1.2.3.4"), block("::ffff:1.2.3.4"));
    assert_ne!(block("1.2.3.4"), block("1.2.3.5"));
    assert_eq!(block("2001:db8::1"), block("2001:db8::ffff:1"));
    assert_ne!(block("2001:db8::1"), block("2001:db8:0:1::1"));
    assert_ne!(block("::1"), block("0.0.0.1"));
}
