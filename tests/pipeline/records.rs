//! Reads what the functions have written, as lines that a test compares: all SQL of the tests is here.

use std::collections::BTreeMap;

use local::postgres;

/// The first column of a query, as texts.
pub(crate) async fn texts(db: &tokio_postgres::Client, sql: &str) -> Vec<String> {
    let rows = db.query(sql, &[]).await.unwrap();
    rows.iter().map(|row| row.get::<_, Option<String>>(0).unwrap_or_else(|| "null".to_owned())).collect()
}

/// Reads a stack's database.
pub(crate) struct Records {
    pub db: tokio_postgres::Client,
}

impl Records {
    pub(crate) async fn of(database_url: &str) -> Self {
        Self { db: postgres::connect(database_url).await.unwrap() }
    }

    /// The first column of a query, as texts.
    pub(crate) async fn texts(&self, sql: &str) -> Vec<String> {
        texts(&self.db, sql).await
    }

    /// Counts rows. The argument follows `FROM`: a table, optionally with conditions.
    pub(crate) async fn count(&self, from: &str) -> usize {
        self.texts(&format!("SELECT count(*)::text FROM {from}")).await[0].parse().unwrap()
    }

    /// Everything in the tables of the domain, as text: equal before and after means that nothing was written.
    pub(crate) async fn domain_rows(&self) -> BTreeMap<String, Vec<String>> {
        let mut rows = BTreeMap::new();
        for table in ["tournament", "tournament_round", "team", "match", "tournament_standings"] {
            rows.insert(
                table.to_owned(),
                self.texts(&format!("SELECT t::text FROM {table} t ORDER BY id")).await,
            );
        }
        rows
    }

    /// One line per execution, in the order in which they began: operation, status, attempt.
    pub(crate) async fn executions(&self) -> Vec<String> {
        self.texts(
            "SELECT operation_type || ' ' || status || ' ' || attempt FROM data_provider_executions
              ORDER BY created_at, operation_type",
        )
        .await
    }

    /// The statuses of one operation's executions, by the time they were planned for.
    pub(crate) async fn statuses(&self, operation: &str) -> Vec<String> {
        let sql = format!(
            "SELECT status FROM data_provider_executions WHERE operation_type = '{operation}'
              ORDER BY planned_for, created_at"
        );
        self.texts(&sql).await
    }

    /// The open checks, `kind month-day hour:minute`, in the order in which they are due.
    pub(crate) async fn checks(&self) -> Vec<String> {
        self.texts(
            "SELECT concat(kind, ' ', to_char(due_at, 'MM-DD HH24:MI')) FROM scheduled_check
              WHERE done_at IS NULL ORDER BY due_at, key",
        )
        .await
    }

    /// The open checks of one kind.
    pub(crate) async fn checks_of(&self, kind: &str) -> Vec<String> {
        let own = format!("{kind} ");
        self.checks().await.into_iter().filter(|check| check.starts_with(&own)).collect()
    }

    /// How many executions there are.
    pub(crate) async fn executed(&self) -> usize {
        self.count("data_provider_executions").await
    }

    /// How many executions have not completed successfully.
    pub(crate) async fn incomplete(&self) -> usize {
        self.count("data_provider_executions WHERE status <> 'completed'").await
    }

    /// How many matches have ended.
    pub(crate) async fn ended(&self) -> usize {
        self.count("match WHERE status = 'ended'").await
    }

    /// Every warning of every execution.
    pub(crate) async fn warnings(&self) -> String {
        let sql = "SELECT jsonb_array_elements_text(summary->'warnings') FROM data_provider_executions";
        self.texts(sql).await.join("\n")
    }

    /// `score status kickoff` of the matches between two teams.
    pub(crate) async fn matches(&self, home: &str, away: &str) -> Vec<String> {
        let sql = format!(
            "SELECT concat_ws(' ', home_score || '-' || away_score, status, to_char(date, 'MM-DD HH24:MI'))
               FROM match m JOIN team h ON h.id = m.home_team_id JOIN team a ON a.id = m.away_team_id
              WHERE h.name = '{home}' AND a.name = '{away}' ORDER BY date"
        );
        self.texts(&sql).await
    }

    /// `home away score`, with a shootout if there was one, of the matches of a round.
    pub(crate) async fn scores(&self, round: &str) -> Vec<String> {
        let sql = format!(
            "SELECT concat_ws(' ', home_score, away_score, home_penalties_score, away_penalties_score, status)
               FROM match WHERE round_slug = '{round}' ORDER BY 1"
        );
        self.texts(&sql).await
    }

    /// `team games points`, best first.
    pub(crate) async fn table(&self) -> Vec<String> {
        let sql = "SELECT concat_ws(' ', long_name, games, points) FROM tournament_standings
                    ORDER BY group_name, \"order\"";
        self.texts(sql).await
    }
}
