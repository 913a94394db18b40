//! Many instances in the books, each like one that was deployed: for lists, which read books alone.

use csgpu::store::Conn;
use diesel::connection::SimpleConnection;
use std::fmt::Write as _;

/// An account, its domain, and a user of it.
#[derive(Debug, Clone)]
pub struct Owner {
    /// The account.
    pub account: String,
    /// Its domain.
    pub domain: String,
    /// Who made what it owns.
    pub user: String,
}

/// So many at a time.
const PIECE: usize = 1000;

/// Instances with their interfaces and details, in turn of these owners; their ids begin with `0192f000-0008`.
pub fn instances(conn: &mut Conn, model: &str, owners: &[Owner], count: usize) {
    let mut whose = String::new();
    for (n, owner) in owners.iter().enumerate() {
        let Owner { account, domain, user } = owner;
        let word = if n == 0 { "" } else { " UNION ALL " };
        write!(
            whose,
            "{word}SELECT {n} AS k, '{account}' AS account, '{domain}' AS domain, '{user}' AS user"
        )
        .expect("text");
    }
    let every = owners.len();
    for first in (0..count).step_by(PIECE) {
        let numbers: Vec<String> =
            (first..count.min(first + PIECE)).map(|n| format!("SELECT {n} AS n")).collect();
        let numbers = format!("({}) s", numbers.join(" UNION ALL "));
        let id = |kind: u32| {
            format!("CONCAT('0192f000-{kind:04x}-7000-8000-', LPAD(LOWER(HEX(s.n)), 12, '0'))")
        };
        let (vm, nic) = (id(8), id(9));
        conn.batch_execute(&format!(
            "INSERT INTO vm (id, account_id, domain_id, user_id, zone_id, host_id, last_host_id, pool_id, template_id, offering_id, \
                gpu_offering_id, name, display_name, instance_name, state, cpu_number, cpu_speed, memory_mib, demand, gpu_display, \
                user_data, key_pairs, hypervisor, is_displayed, decision) \
             SELECT {vm}, o.account, o.domain, o.user, m.zone_id, m.host_id, m.last_host_id, m.pool_id, m.template_id, m.offering_id, \
                m.gpu_offering_id, CONCAT('many-', s.n), CONCAT('many-', s.n), CONCAT('m-', s.n), m.state, m.cpu_number, m.cpu_speed, \
                m.memory_mib, m.demand, m.gpu_display, m.user_data, m.key_pairs, m.hypervisor, 1, m.decision \
             FROM {numbers} JOIN ({whose}) o ON o.k = s.n MOD {every} JOIN vm m ON m.id = '{model}';
             INSERT INTO nic (id, vm_id, network_id, mac, ip, device_index, is_default) \
             SELECT {nic}, {vm}, m.network_id, CONCAT('0a:', LPAD(s.n, 8, '0')), INET_NTOA(184549376 + s.n), 0, 1 \
             FROM {numbers} JOIN nic m ON m.vm_id = '{model}' AND m.device_index = 0;
             INSERT INTO detail (owner_id, name, value) \
             SELECT {vm}, m.name, m.value FROM {numbers} JOIN detail m ON m.owner_id = '{model}'"
        ))
        .expect("instances in the books");
    }
}
