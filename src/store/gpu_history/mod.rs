//! Who held which GPU, as entries that are written once: one chain for each physical GPU, with the parts of it.
//!
//! What happens is written into `gpu_allocation` in its own transaction, with its time; [`seal()`] copies each step into the
//! chain a moment later, in order, so that a claim costs nothing more. Each entry's hash covers the hash before it, and
//! the end of each chain is kept beside it: an entry that is changed, removed or put in between shows ([`check()`]), and so does an
//! allocation whose steps are not all there. Several servers may seal at once: the unique keys let one of them win.

mod check;
mod list;
mod seal;

pub use check::{Verdict, chains, check};
pub use list::{Filter, Holding, list};
pub use seal::seal;

use crate::domain::{Id, Time, id};
use diesel::{
    QueryableByName,
    sql_types::{BigInt, Datetime, Integer, Nullable, Text},
};
use sha2::{Digest as _, Sha256};

/// What a chain begins with.
const FIRST: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// The row that who seals locks; no chain.
const GUARD: &str = "00000000-0000-0000-0000-000000000000";

/// The steps of an allocation `a` as rows `s`, and when each happened.
const STAGES: &str =
    "(SELECT 1 AS stage UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4) s";
const TIME: &str = "CASE s.stage WHEN 1 THEN a.reserved WHEN 2 THEN a.allocated WHEN 3 THEN a.releasing ELSE a.released END";

/// The columns of an entry, in the order in which they are hashed.
const COLUMNS: &str = "chain_id, position, allocation_id, stage, device_id, happened, cause, vm_id, vm_name, account_id, \
    account, domain_id, domain_path, project_id, project, host_id, host, profile_id, memory_mib, proof";

/// One step of an allocation.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
struct Entry {
    #[diesel(sql_type = Text)]
    chain_id: Id<id::GpuDevice>,
    #[diesel(sql_type = BigInt)]
    position: i64,
    #[diesel(sql_type = Text)]
    allocation_id: String,
    #[diesel(sql_type = Integer)]
    stage: i32,
    #[diesel(sql_type = Text)]
    device_id: String,
    #[diesel(sql_type = Datetime)]
    happened: Time,
    #[diesel(sql_type = Nullable<Text>)]
    cause: Option<String>,
    #[diesel(sql_type = Text)]
    vm_id: String,
    #[diesel(sql_type = Nullable<Text>)]
    vm_name: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    account_id: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    account: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    domain_id: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    domain_path: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    project_id: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    project: Option<String>,
    #[diesel(sql_type = Text)]
    host_id: String,
    #[diesel(sql_type = Nullable<Text>)]
    host: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    profile_id: Option<String>,
    #[diesel(sql_type = BigInt)]
    memory_mib: i64,
    #[diesel(sql_type = Nullable<Text>)]
    proof: Option<String>,
}

impl Entry {
    /// The hash of this entry after one with that hash. The form is for ever: old entries are checked by it.
    fn hash(&self, before: &str) -> String {
        let text = serde_json::json!([
            "csgpu gpu history 1",
            before,
            self.chain_id.to_string(),
            self.position,
            self.allocation_id,
            self.stage,
            self.device_id,
            self.happened.format("%Y-%m-%dT%H:%M:%S%.6f").to_string(),
            self.cause,
            self.vm_id,
            self.vm_name,
            self.account_id,
            self.account,
            self.domain_id,
            self.domain_path,
            self.project_id,
            self.project,
            self.host_id,
            self.host,
            self.profile_id,
            self.memory_mib,
            self.proof,
        ]);
        let digest = Sha256::digest(text.to_string());
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::NaiveDate;

    fn entry() -> Entry {
        let day = NaiveDate::from_ymd_opt(2026, 3, 1).unwrap();
        Entry {
            chain_id: "00000000-0000-7000-8000-000000000001".parse().unwrap(),
            position: 1,
            allocation_id: "a".into(),
            stage: 1,
            device_id: "d".into(),
            happened: day.and_hms_micro_opt(1, 2, 3, 4).unwrap(),
            cause: Some("VM.CREATE".into()),
            vm_id: "v".into(),
            vm_name: Some("x".into()),
            account_id: None,
            account: Some("joe".into()),
            domain_id: None,
            domain_path: Some("/".into()),
            project_id: None,
            project: None,
            host_id: "h".into(),
            host: Some("h1".into()),
            profile_id: None,
            memory_mib: 81920,
            proof: None,
        }
    }

    #[test]
    fn a_hash_is_the_same_in_every_version() {
        let hash = entry().hash(FIRST);
        assert_eq!(hash, "276aa491908045f28ff60b6b880d55d4a78b7436bbdf824d6362770b0ac7ff3a");
    }

    #[test]
    fn every_field_and_the_hash_before_count() {
        let one = entry();
        let other = [
            Entry { position: 2, ..one.clone() },
            Entry { stage: 2, ..one.clone() },
            Entry { account: None, ..one.clone() },
            Entry { account: Some("Joe".into()), ..one.clone() },
            Entry { proof: Some(String::new()), ..one.clone() },
            // what moves from one field to the next is not the same
            Entry { account: None, account_id: Some("joe".into()), ..one.clone() },
        ];
        for changed in other {
            assert_ne!(changed.hash(FIRST), one.hash(FIRST), "{changed:?}");
        }
        assert_ne!(one.hash(&one.hash(FIRST)), one.hash(FIRST));
    }
}
