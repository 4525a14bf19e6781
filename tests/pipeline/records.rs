//! What the functions have written, as lines that a test compares: one place for the SQL of the tests.

use std::collections::BTreeMap;

use local::postgres;

/// The first column of a query, as texts.
pub async fn texts(db: &tokio_postgres::Client, sql: &str) -> Vec<String> {
    let rows = db.query(sql, &[]).await.unwrap();
    rows.iter().map(|row| row.get::<_, Option<String>>(0).unwrap_or_else(|| "null".to_owned())).collect()
}

/// A look into a stack's database.
pub struct Records {
    pub db: tokio_postgres::Client,
}

impl Records {
    pub async fn of(database_url: &str) -> Self {
        Self { db: postgres::connect(database_url).await.unwrap() }
    }

    /// The first column of a query, as texts.
    pub async fn texts(&self, sql: &str) -> Vec<String> {
        texts(&self.db, sql).await
    }

    /// How many rows there are of what follows `FROM`: a table, or a table and its conditions.
    pub async fn count(&self, from: &str) -> usize {
        self.texts(&format!("SELECT count(*)::text FROM {from}")).await[0].parse().unwrap()
    }

    /// Everything in the tables of the domain, as text: equal before and after means that nothing was written.
    pub async fn domain_rows(&self) -> BTreeMap<String, Vec<String>> {
        let mut rows = BTreeMap::new();
        for table in ["tournament", "tournament_round", "team", "match", "tournament_standings"] {
            rows.insert(
                table.to_owned(),
                self.texts(&format!("SELECT t::text FROM {table} t ORDER BY id")).await,
            );
        }
        rows
    }

    /// One line an execution, in the order in which they began: operation, status, attempt.
    pub async fn executions(&self) -> Vec<String> {
        self.texts(
            "SELECT operation_type || ' ' || status || ' ' || attempt FROM data_provider_executions
              ORDER BY created_at, operation_type",
        )
        .await
    }

    /// The statuses of one operation's executions, by the time they were planned for.
    pub async fn statuses(&self, operation: &str) -> Vec<String> {
        let sql = format!(
            "SELECT status FROM data_provider_executions WHERE operation_type = '{operation}'
              ORDER BY planned_for, created_at"
        );
        self.texts(&sql).await
    }

    /// How many executions there are.
    pub async fn executed(&self) -> usize {
        self.count("data_provider_executions").await
    }

    /// How many executions have not ended well.
    pub async fn incomplete(&self) -> usize {
        self.count("data_provider_executions WHERE status <> 'completed'").await
    }

    /// How many matches have ended.
    pub async fn ended(&self) -> usize {
        self.count("match WHERE status = 'ended'").await
    }

    /// Every warning of every execution.
    pub async fn warnings(&self) -> String {
        let sql = "SELECT jsonb_array_elements_text(summary->'warnings') FROM data_provider_executions";
        self.texts(sql).await.join("\n")
    }

    /// `score status kickoff` of the matches between two teams.
    pub async fn matches(&self, home: &str, away: &str) -> Vec<String> {
        let sql = format!(
            "SELECT concat_ws(' ', home_score || '-' || away_score, status, to_char(date, 'MM-DD HH24:MI'))
               FROM match m JOIN team h ON h.id = m.home_team_id JOIN team a ON a.id = m.away_team_id
              WHERE h.name = '{home}' AND a.name = '{away}' ORDER BY date"
        );
        self.texts(&sql).await
    }

    /// `home away score`, with a shootout if there was one, of the matches of a round.
    pub async fn scores(&self, round: &str) -> Vec<String> {
        let sql = format!(
            "SELECT concat_ws(' ', home_score, away_score, home_penalties_score, away_penalties_score, status)
               FROM match WHERE round_slug = '{round}' ORDER BY 1"
        );
        self.texts(&sql).await
    }

    /// `team games points`, best first.
    pub async fn table(&self) -> Vec<String> {
        let sql = "SELECT concat_ws(' ', long_name, games, points) FROM tournament_standings
                    ORDER BY group_name, \"order\"";
        self.texts(sql).await
    }
}
