//! `DATABASE_URL` as people have it: what it says is honoured, or refused by the parameter's name; never with a value.

use std::path::PathBuf;

use url::form_urlencoded;

/// What a URL asks for.
#[derive(Debug)]
pub(crate) struct Target {
    /// How to connect.
    pub(crate) config: tokio_postgres::Config,
    /// The certificates of `sslrootcert`.
    pub(crate) ca_file: Option<PathBuf>,
}

/// How a URL must look.
const LIKE: &str = "DATABASE_URL can't be read: it must be like postgres://user:password@host/name";

/// Parameters that the driver reads.
const KNOWN: [&str; 20] = [
    "user",
    "password",
    "dbname",
    "options",
    "application_name",
    "sslnegotiation",
    "host",
    "hostaddr",
    "port",
    "connect_timeout",
    "tcp_user_timeout",
    "keepalives",
    "keepalives_idle",
    "keepalives_interval",
    "keepalives_retries",
    "target_session_attrs",
    "channel_binding",
    "load_balance_hosts",
    "sslmode",
    "ssl",
];

/// Parameters of other clients that change nothing here: their pool, their prepared statements, their proxy's name.
const WITHOUT_EFFECT: [&str; 12] = [
    "pgbouncer",
    "connection_limit",
    "pool_timeout",
    "socket_timeout",
    "statement_cache_size",
    "prepareThreshold",
    "uselibpqcompat",
    "supa",
    "workaround",
    "gssencmode",
    "fallback_application_name",
    "pool_mode",
];

/// Reads a URL, or the keywords of libpq.
pub(crate) fn read(text: &str) -> Result<Target, String> {
    let text = text.trim();
    let Some((scheme, rest)) = text.split_once("://") else {
        let config = text.parse().map_err(|_| LIKE.to_owned())?;
        return Ok(Target { config, ca_file: None });
    };
    if !matches!(scheme, "postgres" | "postgresql") {
        return Err(LIKE.to_owned());
    }
    if has_bare_characters(rest) {
        return Err(
            "DATABASE_URL: characters like @ / # ? % in the user name or password must be percent-encoded \
                    (@ is %40, / is %2F, # is %23, ? is %3F, % is %25)"
                .to_owned(),
        );
    }
    let (base, query) = rest.split_once('?').unwrap_or((rest, ""));
    let mut ca_file = None;
    let mut kept = form_urlencoded::Serializer::new(String::new());
    // Here a plus sign is itself.
    for (name, value) in form_urlencoded::parse(query.replace('+', "%2B").as_bytes()) {
        if let Some((name, value)) = parameter(&name, &value, &mut ca_file)? {
            kept.append_pair(name, value);
        }
    }
    // The serializer writes a space as a plus sign, and a plus sign encoded.
    let kept = kept.finish().replace('+', "%20");
    let separator = if kept.is_empty() { "" } else { "?" };
    let config = format!("postgres://{base}{separator}{kept}").parse().map_err(|_| LIKE.to_owned())?;
    Ok(Target { config, ca_file })
}

/// The parameter as the driver reads it; none if it has no effect here.
fn parameter<'p>(
    name: &'p str,
    value: &'p str,
    ca_file: &mut Option<PathBuf>,
) -> Result<Option<(&'p str, &'p str)>, String> {
    let refused = |why: &str| Err(format!("DATABASE_URL: {name} {why}"));
    match (name, value) {
        ("sslmode", "disable" | "prefer" | "require") => Ok(Some((name, value))),
        ("sslmode", "allow") => Ok(Some((name, "prefer"))),
        // Host and chain are always verified.
        ("sslmode", "verify-ca" | "verify-full") | ("ssl", "true" | "1" | "require") => {
            Ok(Some(("sslmode", "require")))
        }
        ("sslmode" | "ssl", "no-verify") | ("sslaccept", "accept_invalid_certs") => refused(
            "asks for a certificate that is not verified: it always is; name the authority's in DATABASE_CA_FILE",
        ),
        ("sslmode", _) => {
            refused("must be disable (on this machine only), prefer, require, verify-ca or verify-full")
        }
        ("ssl", "false" | "0") => Ok(Some(("sslmode", "disable"))),
        ("sslaccept", "strict") | ("sslrootcert", "system") | ("schema", "public") => Ok(None),
        ("sslrootcert", file) => {
            *ca_file = Some(PathBuf::from(file));
            Ok(None)
        }
        ("schema", _) => refused("is for Prisma: the tables must be in the schema public"),
        (name, value) if KNOWN.contains(&name) && name != "ssl" => Ok(Some((name, value))),
        (name, _) if WITHOUT_EFFECT.contains(&name) => Ok(None),
        _ => refused("is not known here: leave it out"),
    }
}

/// Whether the user name or password has characters that end it too early, or a percent sign that encodes nothing.
fn has_bare_characters(rest: &str) -> bool {
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, after) = rest.split_at(end);
    let path = after.split('?').next().unwrap_or_default();
    let in_parameter = |query: &str| {
        query.split('&').all(|pair| pair.find('@').is_none_or(|at| pair.find('=').is_some_and(|is| is < at)))
    };
    // Without an @ it may be the beginning of a password: `app:pa` of `app:pa?ss@host`.
    let port = authority.rsplit_once(':').filter(|_| !authority.ends_with(']')).map(|(_, port)| port);
    let is_host =
        authority.contains('@') || port.is_none_or(|port| port.bytes().all(|byte| byte.is_ascii_digit()));
    let stray_after = match after.split_once('?') {
        // A parameter's value may have an @.
        Some((before, query)) if !before.contains('@') && is_host => !in_parameter(query),
        _ => after.contains('@'),
    };
    let user = authority.rsplit_once('@').map_or("", |(user, _)| user);
    let is_encoded = |at: usize| {
        user.as_bytes().get(at + 1..at + 3).is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit))
    };
    let bare_percent = user.match_indices('%').any(|(at, _)| !is_encoded(at));
    user.contains('@') || path.contains(['@', '#']) || stray_after || bare_percent
}

#[cfg(test)]
mod tests {
    use tokio_postgres::config::{Host, SslMode};

    use super::*;

    fn read_ok(url: &str) -> Target {
        read(url).unwrap_or_else(|error| panic!("{url}: {error}"))
    }

    #[test]
    fn urls_as_people_have_them_are_read() {
        for url in [
            "postgres://app:pw123456@db.example.com:5432/app?sslmode=verify-full",
            "postgres://postgres.abcdefgh:pw123456@aws-0-eu-central-1.pooler.supabase.com:6543/postgres?pgbouncer=true&connection_limit=1",
            "postgresql://app:pw123456@db.example.com/app?schema=public",
            "postgresql://app:pw123456@db.example.com/app?uselibpqcompat=true&sslmode=require&ssl=true",
            "postgres://app:pw123456@ep-x.eu.neon.tech/app?sslmode=require&channel_binding=require",
            "postgres://app:pw123456@a.example.com:5432,b.example.com:5432/app?target_session_attrs=read-write",
            "postgres://app:pw123456@[2001:db8::1]:5432/app",
            "postgres://app:s3cr%40t%21x@127.0.0.1:5432/app",
            "postgres://app:pw123456@db.example.com/app?application_name=me@home",
            "host=db.example.com user=app password=pw123456 dbname=app",
            "postgres://h/d?user=a@b&password=pw123456",
        ] {
            let config = read_ok(url).config;
            assert!(config.get_user().is_some() && config.get_password().is_some(), "{url}");
            assert!(config.get_dbname().is_some() && !config.get_hosts().is_empty(), "{url}");
        }
        let verified = read_ok(
            "postgres://u:p@h/d?sslmode=verify-ca&sslrootcert=/opt/certs/ca.pem&application_name=a%20b",
        );
        assert_eq!(verified.config.get_ssl_mode(), SslMode::Require);
        assert_eq!(verified.ca_file, Some(PathBuf::from("/opt/certs/ca.pem")));
        assert_eq!(verified.config.get_application_name(), Some("a b"));
        let plus = read_ok("postgres://h/d?user=app&password=a+b%20c").config;
        assert_eq!(plus.get_password(), Some(b"a+b c".as_slice()));
        assert_eq!(read_ok("postgres://app:s3cr%40t@h/d").config.get_password(), Some(b"s3cr@t".as_slice()));
        assert_eq!(read_ok("postgres://u:p@[::1]/d\n").config.get_hosts(), [Host::Tcp("::1".into())]);
    }

    #[test]
    fn what_is_refused_is_refused_by_its_name_and_without_a_value() {
        for (url, name) in [
            ("postgres://app:pw123456@h/app?sslmode=no-verify", "sslmode"),
            ("postgres://app:pw123456@h/app?sslmode=hidden42", "sslmode"),
            ("postgres://app:pw123456@h/app?sslcert=hidden42", "sslcert"),
            ("postgres://app:pw123456@h/app?schema=hidden42", "schema"),
            ("postgres://app:pw123456@h/app?sslaccept=accept_invalid_certs", "sslaccept"),
            ("postgres://app:pw123456@h/app?something=hidden42", "something"),
            ("postgres://app:s3cr@t!x@127.0.0.1:5432/app", "percent-encoded"),
            ("postgres://app:pa/ss#w?rd@127.0.0.1:5432/app", "percent-encoded"),
            ("postgres://app:pa?ss=w@127.0.0.1:5432/app", "percent-encoded"),
            ("postgres://app:100%sure@127.0.0.1:5432/app", "percent-encoded"),
            ("mysql://app:pw123456@h/app", "must be like"),
            ("postgres://app:pw123456@h:port/app", "must be like"),
        ] {
            let error = read(url).map(|_| ()).unwrap_err();
            assert!(error.contains(name), "{url}: {error}");
            for value in ["hidden42", "pw123456", "s3cr", "t!x", "ss#w", "?rd@", "sure"] {
                assert!(!error.contains(value), "{url}: {error}");
            }
        }
    }
}
