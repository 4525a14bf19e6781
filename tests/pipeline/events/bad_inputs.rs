//! Events that must be refused, each with texts that its error must contain: the field and the remedy.

use serde_json::{Value, json};

const ID: &str = "11111111-2222-4333-8444-555555555555";
const NIL: &str = "00000000-0000-0000-0000-000000000000";

/// One bad event.
pub(super) struct BadInput {
    pub function: &'static str,
    /// The event's text.
    pub body: String,
    /// What its error must contain.
    pub expected: &'static str,
}

/// All of them.
pub(super) fn bad_inputs() -> Vec<BadInput> {
    [envelopes(), scores(), knockouts(), operations(), names(), addresses(), as_text()]
        .into_iter()
        .flatten()
        .collect()
}

fn megabyte() -> String {
    "x".repeat(1_000_000)
}

fn deep(levels: usize) -> Value {
    (0..levels).fold(json!("x"), |inner, _| json!([inner]))
}

fn each<T>(
    function: &'static str,
    expected: &'static str,
    values: impl IntoIterator<Item = T>,
    event: impl Fn(T) -> Value,
) -> Vec<BadInput> {
    let of = |value| BadInput { function, body: event(value).to_string(), expected };
    values.into_iter().map(of).collect()
}

/// Fields that every event may have.
fn envelopes() -> Vec<BadInput> {
    let daily = "daily-routine";
    let time = |value: Value| json!({ "scheduledTime": value });
    let key = |value: Value| json!({ "idempotencyKey": value });
    let target = |value: Value| json!({ "targetEnv": value });
    let no_text = || [json!(7), json!(true), json!([]), json!({}), json!(-1e300), deep(100)];
    [
        each(daily, "scheduledTime must be a text", no_text(), time),
        each(
            daily,
            "scheduledTime must be a time like 2022-12-18T15:00:00Z",
            [
                "soon",
                "2024-03-01",
                "2024-03-01T00:01:00",
                "1709251260",
                "2024-02-30T00:00:00Z",
                "0000-01-01T00:00:00Z",
                "-0001-01-01T00:00:00Z",
                "9999-12-31T23:59:59Z",
                "+262143-01-01T00:00:00Z",
                "NaN",
                "<aws.scheduler.scheduled-time>",
            ]
            .map(Value::from),
            time,
        ),
        each(
            daily,
            "scheduledTime must not hold control characters",
            [json!("2024-03-01T00:01:00Z\u{0}")],
            time,
        ),
        each(daily, "scheduledTime is too long: at most 300 characters", [json!(megabyte())], time),
        each(
            daily,
            "dryRun must be true or false",
            [json!("yes"), json!("false"), json!(0), json!([true]), json!({"dryRun": true}), json!("")],
            |value| json!({ "dryRun": value }),
        ),
        each(daily, "idempotencyKey must be a text", [json!(7), json!(["k"])], key),
        each(
            daily,
            "idempotencyKey must be made of letters, digits and . _ : / + -",
            ["a b", "<!channel>", "*bold*", "x' OR '1'='1", "k;", "schlüssel", "a\\b"].map(Value::from),
            key,
        ),
        each(daily, "idempotencyKey is too long", [json!("k".repeat(301))], key),
        each(
            daily,
            "targetEnv is for another environment: this is",
            ["prod", "<!here>", "'; DROP TABLE match; --", "T"].map(Value::from),
            target,
        ),
        each(daily, "targetEnv must be a text", [json!(1), json!(["prod"])], target),
        each(daily, "targetEnv is too long", [json!(megabyte())], target),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn scores() -> Vec<BadInput> {
    let scores = "scores-and-standings";
    let of = |id: Value| json!({ "tournamentId": id, "roundSlug": "1" });
    let round = |slug: Value| json!({ "tournamentId": ID, "roundSlug": slug });
    let check = |value: Value| json!({ "tournamentId": ID, "roundSlug": "1", "check": value });
    let kickoff = |value: Value| json!({ "tournamentId": ID, "roundSlug": "1", "kickoff": value });
    [
        each(
            scores,
            "tournamentId is missing: it must be the tournament's id (a UUID)",
            [json!(null), json!(""), json!("   ")],
            of,
        ),
        each(
            scores,
            "tournamentId must be the tournament's id (a UUID)",
            [
                "7",
                "11111111222243338444555555555555",
                "{11111111-2222-4333-8444-555555555555}",
                "urn:uuid:11111111-2222-4333-8444-555555555555",
                "11111111-2222-4333-8444-55555555555g",
                "11111111-2222-4333-8444-555555555555/..",
                "'; DELETE FROM tournament; --",
                "%31111111-2222-4333-8444-555555555555",
                "https://evil.example/11111111-2222-4333-8444-555555555555",
                "<https://evil.example|click>",
            ]
            .map(Value::from),
            of,
        ),
        each(scores, "tournamentId must not be the all-zero UUID", [json!(NIL)], of),
        each(
            scores,
            "tournamentId must be a text",
            [json!(7), json!(1e308), json!([ID]), json!({ "id": ID }), deep(100)],
            of,
        ),
        each(
            scores,
            "roundSlug is missing: it must be the slug of a round",
            [json!(null), json!(""), json!(" ")],
            round,
        ),
        each(
            scores,
            "roundSlug must be a text",
            [json!(1), json!(-1), json!(false), Value::from(vec![7; 100_000]), deep(100)],
            round,
        ),
        each(
            scores,
            "roundSlug must be the slug of a round of the tournament, like 7 or semifinals",
            [
                "../../etc/passwd",
                "..%2f..%2fetc",
                "1%2F2",
                "1/2",
                "1\\2",
                "1?x=1",
                "1#x",
                ".",
                "<!channel>",
                "<!subteam^S1>",
                "*bold*",
                "<https://evil.example|click>",
                "<script>alert(1)</script>",
                "1' OR '1'='1",
                "1; DROP TABLE match",
                "{{7*7}}",
                "${jndi:ldap://evil.example/x}",
                "ﬁnal",
                "1∕2",
            ]
            .map(Value::from),
            round,
        ),
        each(scores, "roundSlug must be the slug of a round", [json!("x".repeat(81))], round),
        each(scores, "roundSlug is too long: at most 300 characters", [json!(megabyte())], round),
        each(
            scores,
            "roundSlug must not hold control characters",
            ["1\u{0}", "1\n2", "\u{1b}[31m1", "1\u{7f}", "1\u{85}"].map(Value::from),
            round,
        ),
        each(
            scores,
            "roundSlug must not hold invisible characters",
            ["\u{202e}1", "1\u{200b}", "\u{2066}1", "\u{feff}1", "1\u{2028}2"].map(Value::from),
            round,
        ),
        each(
            scores,
            "check must be interim, closing, follow-up, second-look, next-day, sweep or full-pass",
            ["x", "CLOSING", "knockouts", "draw", "<!everyone>"].map(Value::from),
            check,
        ),
        each(scores, "check must be a text", [json!(1), json!(["interim"])], check),
        each(
            scores,
            "kickoff must be a time like 2022-12-18T15:00:00Z",
            ["x", "0000-01-01T00:00:00Z", "2200-01-01T00:00:00Z", "15:00", "-1"].map(Value::from),
            kickoff,
        ),
        each(scores, "kickoff must be a text", [json!(0), json!(1_709_251_260), json!(-1)], kickoff),
        // An older caller's addresses are never requested, and replace no other field.
        each(
            scores,
            "tournamentId is missing",
            [
                json!({ "roundSlug": "1", "roundUrl": "https://user:pass@evil.example:8443/events/round/1" }),
                json!({ "roundSlug": "1", "standingsUrl": "javascript:alert(1)" }),
                json!({ "roundSlug": "1", "roundUrl": format!("https://old.example/{ID}/round/1") }),
            ],
            |event| event,
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn knockouts() -> Vec<BadInput> {
    let url = |url: Value| json!({ "knockoutsUpdateUrl": url });
    [
        each(
            "knockouts",
            "tournamentId is missing",
            [json!({}), json!({ "knockoutsUpdateUrl": "" })],
            |event| event,
        ),
        each(
            "knockouts",
            "tournamentId must be the tournament's id",
            // This field takes precedence over the address next to it.
            [json!({ "tournamentId": "x", "knockoutsUpdateUrl": format!("https://old.example/{ID}") })],
            |event| event,
        ),
        each(
            "knockouts",
            "tournamentId must not be the all-zero UUID",
            [json!({ "tournamentId": NIL })],
            |event| event,
        ),
        each(
            "knockouts",
            "knockoutsUpdateUrl names no tournament: send tournamentId (a UUID) instead",
            [
                "https://x.example/none".to_owned(),
                "https://user:pass@evil.example:8443/none".to_owned(),
                format!("https://old.example/{NIL}"),
                format!("javascript:alert(1)//{ID}"),
                format!("file:///{ID}"),
                format!("//evil.example/{ID}"),
                format!("https://old.example/%7B{ID}%7D"),
                format!("https://old.example/x%2F{ID}"),
                "../../../etc/passwd".to_owned(),
                "<!channel>".to_owned(),
            ]
            .map(Value::from),
            url,
        ),
        each("knockouts", "knockoutsUpdateUrl must be a text", [json!(7), json!([ID]), json!({})], url),
        each(
            "knockouts",
            "knockoutsUpdateUrl is too long",
            [json!(format!("https://x/{}", megabyte()))],
            url,
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn operations() -> Vec<BadInput> {
    let whole = |event: Value| event;
    let operation = |operation: Value| json!({ "operation": operation });
    [
        each("tournaments", "operation is missing: it must be create, refresh or probe", [json!({})], whole),
        each("tournaments", "operation must be a text", [json!(7), json!(["create"]), json!({})], operation),
        each(
            "tournaments",
            "operation must be create, refresh or probe",
            ["drop", "CREATE", "create;refresh", "__proto__", "<!channel>"].map(Value::from),
            operation,
        ),
        each("tournaments", "tournamentId is missing", [json!({ "operation": "refresh" })], whole),
        each(
            "tournaments",
            "tournamentId must be the tournament's id",
            [json!({ "operation": "refresh", "tournamentId": "' OR true --" })],
            whole,
        ),
        each(
            "tournaments",
            "tournament is missing or no object: it must be an object",
            [json!(null), json!("x"), json!(7), json!([]), Value::from(vec!["x"; 100_000]), deep(100)],
            |tournament| json!({ "operation": "create", "tournament": tournament }),
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// A creation with one field changed.
fn creation(field: &str, value: Value) -> Value {
    let mut tournament = json!({
        "label": "L", "slug": "l", "season": "2024", "mode": "regular-season-only",
        "baseUrl": "https://www.sofascore.com/api/v1/unique-tournament/1/season/2",
    });
    tournament[field] = value;
    json!({ "operation": "create", "tournament": tournament })
}

fn fields<const N: usize>(field: &'static str, expected: &'static str, values: [Value; N]) -> Vec<BadInput> {
    each("tournaments", expected, values, |value| creation(field, value))
}

fn names() -> Vec<BadInput> {
    [
        fields("label", "tournament.label is missing", [json!(""), json!(null)]),
        fields("label", "tournament.label must be a text", [json!(7), json!(["L"])]),
        fields("label", "tournament.label is too long", [json!("x".repeat(400)), json!(megabyte())]),
        fields(
            "label",
            "tournament.label must not hold < or >",
            [json!("<script>alert(1)</script>"), json!("<!channel>"), json!("<https://evil.example|Cup>")],
        ),
        fields(
            "label",
            "tournament.label must not hold control characters",
            [json!("L\u{0}"), json!("L\r\nX")],
        ),
        fields("label", "tournament.label must not hold invisible characters", [json!("\u{202e}puC")]),
        fields(
            "slug",
            "tournament.slug must be lower-case letters, digits and hyphens, like premier-league-2024-25",
            [
                json!("../etc/passwd"),
                json!("A"),
                json!("a/b"),
                json!("a%2fb"),
                json!("a b"),
                json!("ä"),
                json!("a'--"),
                json!("*a*"),
                json!("x".repeat(81)),
            ],
        ),
        fields("slug", "tournament.slug is missing", [json!(""), json!(null)]),
        fields("slug", "tournament.slug must be a text", [json!(1), json!({})]),
        fields("season", "tournament.season must be a text", [json!(2024), json!(-1), json!(20.24)]),
        fields("season", "tournament.season must not hold < or >", [json!("<b>2024</b>")]),
        fields("season", "tournament.season is missing", [json!("  ")]),
        fields(
            "mode",
            "tournament.mode must be regular-season-and-knockout, regular-season-only or knockout-only",
            [json!("cup"), json!("Knockout-Only"), json!("league")],
        ),
        fields("mode", "tournament.mode must be a text", [json!(1), json!(["knockout-only"])]),
        fields("standingsMode", "tournament.standingsMode must be unique-group or multi-group", [json!("x")]),
        fields("standingsMode", "tournament.standingsMode must be a text", [json!(7)]),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn addresses() -> Vec<BadInput> {
    const SEASON: &str = "unique-tournament/1/season/2";
    let at = |origin: &str| json!(format!("{origin}/api/v1/{SEASON}"));
    let ours = |rest: &str| json!(format!("https://www.sofascore.com/api/v1/{rest}"));
    [
        fields(
            "baseUrl",
            "tournament.baseUrl must be like https://www.sofascore.com/api/v1/unique-tournament/16/season/41087",
            [
                at("https://evil.example"),
                at("http://www.sofascore.com"),
                at("https://www.sofascore.com:8443"),
                at("https://user:pass@www.sofascore.com"),
                at("https://www.sofascore.com@evil.example"),
                at("https://www.sofascore.com.evil.example"),
                at("//www.sofascore.com"),
                at("HTTPS://WWW.SOFASCORE.COM"),
                at("http://169.254.169.254/latest"),
                at("javascript:alert(1)//https://www.sofascore.com"),
                ours("unique-tournament/1/season/2/../../../x"),
                ours("unique-tournament/1%2F../season/2"),
                ours("unique-tournament/1/season/2?x=1"),
                ours("unique-tournament/-1/season/2"),
                ours("unique-tournament/1e3/season/2"),
                ours("unique-tournament/99999999999999999999/season/2"),
                ours("unique-tournament//season/"),
            ],
        ),
        fields("baseUrl", "tournament.baseUrl must be a text", [json!(7), json!([]), json!({ "url": "x" })]),
        fields("baseUrl", "tournament.baseUrl is missing: it must be like", [json!("")]),
        fields("baseUrl", "tournament.baseUrl is too long", [json!(megabyte())]),
        fields(
            "publicUrl",
            "tournament.publicUrl must be a page below https://www.sofascore.com/",
            [
                json!("https://evil.example/"),
                json!("http://www.sofascore.com/x"),
                json!("https://www.sofascore.com"),
                json!("https://www.sofascore.com:8443/x"),
                json!("https://user:pass@www.sofascore.com/x"),
                json!("https://www.sofascore.com@evil.example/x"),
                json!("https://www.sofascore.com/../x"),
                json!("https://www.sofascore.com/\"><script>alert(1)</script>"),
                json!("javascript:alert(1)//https://www.sofascore.com/"),
                json!("data:text/html,https://www.sofascore.com/"),
            ],
        ),
        fields("publicUrl", "tournament.publicUrl must be a text", [json!(7), json!({})]),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Valid JSON text that a JSON value in memory can't represent.
fn as_text() -> Vec<BadInput> {
    let twice = |function, body: String, expected| BadInput { function, body, expected };
    vec![
        twice(
            "scores-and-standings",
            format!(r#"{{"tournamentId": "{ID}", "roundSlug": "1", "roundSlug": 7}}"#),
            "roundSlug must be a text",
        ),
        twice(
            "daily-routine",
            r#"{"dryRun": true, "dryRun": "no"}"#.to_owned(),
            "dryRun must be true or false",
        ),
        twice("daily-routine", "[]".to_owned(), "event must be a JSON object"),
        twice("scores-and-standings", "\"x\"".to_owned(), "event must be a JSON object"),
        twice("knockouts", "7".to_owned(), "event must be a JSON object"),
        twice("tournaments", "null".to_owned(), "event must be a JSON object"),
    ]
}
