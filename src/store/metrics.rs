//! Numbers for monitoring, read from the books: nine statements, however much there is.

use super::Conn;
use crate::{domain::resource::Resource, error::Result};
use diesel::{
    QueryableByName, RunQueryDsl, sql_query,
    sql_types::{BigInt, Double, Nullable, Text},
};

/// One number.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// What it is.
    pub family: &'static str,
    /// Of what.
    pub labels: Vec<String>,
    /// How much.
    pub value: f64,
}

#[derive(QueryableByName)]
struct Raw {
    #[diesel(sql_type = Nullable<Text>)]
    a: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    b: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    c: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    d: Option<String>,
    #[diesel(sql_type = Double)]
    n: f64,
}

/// Counts by the columns `a` to `d`, as many as are named.
const GROUPS: &[(&str, usize, &str)] = &[
    (
        "csgpu_jobs",
        1,
        "state AS a, NULL AS b, NULL AS c, NULL AS d, COUNT(*) + 0E0 AS n FROM job \
        WHERE state NOT IN ('Done', 'Failed') GROUP BY state",
    ),
    (
        "csgpu_jobs_oldest_seconds",
        1,
        "state AS a, NULL AS b, NULL AS c, NULL AS d, \
        TIMESTAMPDIFF(MICROSECOND, MIN(created), UTC_TIMESTAMP(6)) / 1E6 AS n FROM job \
        WHERE state NOT IN ('Done', 'Failed') GROUP BY state",
    ),
    (
        "csgpu_hosts",
        2,
        "state AS a, resource_state AS b, NULL AS c, NULL AS d, COUNT(*) + 0E0 AS n FROM host \
        WHERE alive = 1 GROUP BY state, resource_state",
    ),
    (
        "csgpu_gpu_devices",
        4,
        "COALESCE(x.state, 'Free') AS a, g.health AS b, g.managed AS c, g.device_type AS d, \
        COUNT(*) + 0E0 AS n FROM gpu_device g JOIN host h ON h.id = g.host_id AND h.alive = 1 \
        LEFT JOIN gpu_allocation x ON x.device_id = g.id AND x.active = 1 \
        WHERE g.alive = 1 GROUP BY COALESCE(x.state, 'Free'), g.health, g.managed, g.device_type",
    ),
    (
        "csgpu_instances",
        1,
        "state AS a, NULL AS b, NULL AS c, NULL AS d, COUNT(*) + 0E0 AS n FROM vm \
        WHERE removed IS NULL GROUP BY state",
    ),
    (
        "csgpu_servers",
        1,
        "version AS a, NULL AS b, NULL AS c, NULL AS d, COUNT(*) + 0E0 AS n FROM server \
        WHERE heartbeat > UTC_TIMESTAMP(6) - INTERVAL 1 MINUTE GROUP BY version",
    ),
];

/// Single numbers.
const SINGLES: &[(&str, &str)] = &[
    ("csgpu_drift", "SELECT COUNT(*) FROM gpu_drift WHERE accepted IS NULL"),
    (
        "csgpu_alerts_open",
        "SELECT COUNT(*) FROM alert WHERE resolved IS NULL AND shelf <> 'Deleted'",
    ),
    (
        "csgpu_gpu_releasing",
        "SELECT COUNT(*) FROM gpu_allocation WHERE active = 1 AND state = 'Releasing'",
    ),
    (
        "csgpu_gpu_releasing_oldest_seconds",
        "SELECT TIMESTAMPDIFF(MICROSECOND, MIN(releasing), UTC_TIMESTAMP(6)) / 1E6 \
        FROM gpu_allocation WHERE active = 1 AND state = 'Releasing'",
    ),
    (
        "csgpu_gpu_unsealed_oldest_seconds",
        // the first step that is not written: as many as are written come before it
        "SELECT TIMESTAMPDIFF(MICROSECOND, MIN(CASE written WHEN 0 THEN reserved \
        WHEN 1 THEN COALESCE(allocated, releasing, released) \
        WHEN 2 THEN IF(allocated IS NULL, released, COALESCE(releasing, released)) \
        ELSE released END), UTC_TIMESTAMP(6)) / 1E6 FROM gpu_allocation WHERE due = 1",
    ),
    ("csgpu_host_debts", "SELECT COUNT(*) FROM host_debt WHERE paid IS NULL"),
];

/// Every number.
pub fn rows(conn: &mut Conn) -> Result<Vec<Row>> {
    let mut all = Vec::new();
    for (family, labels, text) in GROUPS {
        let rows: Vec<Raw> = sql_query(format!("SELECT {text}")).load(conn)?;
        all.extend(rows.into_iter().map(|row| row.into_row(family, *labels)));
    }
    let singles: Vec<String> = SINGLES
        .iter()
        .map(|(name, text)| {
            format!(
                "SELECT '{name}' AS a, NULL AS b, NULL AS c, NULL AS d, COALESCE(({text}), 0) + 0E0 AS n"
            )
        })
        .collect();
    let rows: Vec<Raw> = sql_query(singles.join(" UNION ALL ")).load(conn)?;
    for row in rows {
        let name = SINGLES.iter().find(|(name, _)| row.a.as_deref() == Some(*name));
        all.extend(name.map(|(name, _)| row.into_row(name, 0)));
    }
    limits(conn, &mut all)?;
    Ok(all)
}

impl Raw {
    fn into_row(self, family: &'static str, labels: usize) -> Row {
        let all = [self.a, self.b, self.c, self.d];
        let labels = all.into_iter().take(labels).map(Option::unwrap_or_default).collect();
        Row { family, labels, value: self.n }
    }
}

/// Limits that are nearly used up, the fullest first.
fn limits(conn: &mut Conn, all: &mut Vec<Row>) -> Result<()> {
    #[derive(QueryableByName)]
    struct Near {
        #[diesel(sql_type = Text)]
        scope: String,
        #[diesel(sql_type = Text)]
        owner: String,
        #[diesel(sql_type = Text)]
        path: String,
        #[diesel(sql_type = BigInt)]
        kind: i64,
        #[diesel(sql_type = Text)]
        tag: String,
        #[diesel(sql_type = Double)]
        ratio: f64,
    }
    let text = "SELECT IF(o.id IS NULL, 'domain', 'account') AS scope, COALESCE(o.name, d.name) AS owner, \
            COALESCE(b.path, d.path) AS path, CAST(MOD(c.kind, 1000) AS SIGNED) AS kind, \
            COALESCE(CONCAT(' of ', l.name), '') AS tag, c.used / c.max + 0E0 AS ratio \
        FROM resource_count c LEFT JOIN account o ON o.id = c.owner_id LEFT JOIN domain b ON b.id = o.domain_id \
        LEFT JOIN domain d ON d.id = c.owner_id LEFT JOIN limit_tag l ON l.number = c.kind DIV 1000 \
        WHERE c.max > 0 AND c.used * 10 >= c.max * 9 AND COALESCE(o.name, d.name) IS NOT NULL \
        ORDER BY ratio DESC, c.owner_id, c.kind LIMIT 100";
    for near in sql_query(text).load::<Near>(conn)? {
        let resource = i32::try_from(near.kind).ok().and_then(Resource::of_number);
        let resource = resource.map_or_else(|| near.kind.to_string(), |it| it.name().to_owned());
        let resource = resource + &near.tag;
        let path = crate::domain::identity::shown_path(&near.path);
        all.push(Row {
            family: "csgpu_limit_used_ratio",
            labels: vec![near.scope, near.owner, path, resource],
            value: near.ratio,
        });
    }
    Ok(())
}
