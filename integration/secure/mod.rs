//! What went wrong elsewhere and must not happen here: one test for each of 34 cases, named after its number. A case that
//! another test holds, or that cannot happen, has its line in one of the tables below.

mod leaks;
mod listeners;
mod machines;
mod origin;
mod outbound;
mod program;
mod rank;
mod requests;
mod sessions;
mod source;

use csgpu::{command::Registry, commands::ROOMS};
use std::path::Path;

/// Cases that tests elsewhere hold: number, file, test.
const ELSEWHERE: &[(u32, &str, &str)] = &[
    (6, "limit.rs", "of_many_deploys_at_the_limit_by_three_servers_exactly_the_allowed_number_win"),
    (6, "limit.rs", "a_recount_mends_a_count_and_finds_the_same_where_nothing_is_wrong"),
    (10, "sweep_matrix/mod.rs", "every_cell_answers_as_the_tables_say"),
    (11, "sweep_matrix/mod.rs", "every_cell_answers_as_the_tables_say"),
    (11, "sweep_matrix/shared.rs", "a_network_of_a_domain_is_for_that_domain_and_those_below"),
    (12, "sweep_matrix/mod.rs", "every_cell_answers_as_the_tables_say"),
    (12, "sweep_matrix/shared.rs", "a_public_template_is_named_by_all_and_changed_by_its_owner"),
    (14, "sweep_matrix/mod.rs", "every_cell_answers_as_the_tables_say"),
    (27, "role.rs", "a_role_is_imported_with_its_rules"),
    (30, "sweep_matrix/mod.rs", "every_cell_answers_as_the_tables_say"),
    (30, "limit.rs", "nobody_limits_root_or_those_who_run_it_or_themselves"),
    (33, "template.rs", "a_file_that_is_not_what_it_should_be_is_refused_with_the_reason"),
    (33, "template.rs", "what_cannot_be_a_template_is_refused_at_once"),
];

/// Cases that cannot happen, with the reason and the commands whose arrival would end that.
const CANNOT: &[(u32, &str, &[&str])] = &[
    (
        19,
        "there is no SAML: nobody logs in but by a password or a key",
        &["samlSso", "authorizeSamlSso"],
    ),
    (
        21,
        "there is no second factor to switch off",
        &["disableUserTwoFactorAuthentication", "setupUserTwoFactorAuthentication"],
    ),
];

#[test]
fn every_case_has_a_test_or_a_reason() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("integration");
    let text = |file: &str| std::fs::read_to_string(root.join(file)).expect("a file of tests");
    for (number, file, test) in ELSEWHERE {
        assert!(text(file).contains(&format!("fn {test}(")), "S{number}: {file} has no {test}");
    }
    let registry = Registry::new(ROOMS);
    for (number, why, commands) in CANNOT {
        for command in *commands {
            assert!(registry.find(command).is_none(), "S{number}: {why}, but there is {command}");
        }
    }
    let files = std::fs::read_dir(root.join("secure")).expect("a directory").flatten();
    let own: String = files.filter_map(|file| std::fs::read_to_string(file.path()).ok()).collect();
    for number in 1..=34 {
        let is_here = own
            .lines()
            .any(|line| line.contains("fn s") && line.contains(&format!("s{number:02}_")));
        let is_elsewhere = ELSEWHERE.iter().any(|(of, ..)| *of == number);
        let cannot = CANNOT.iter().any(|(of, ..)| *of == number);
        assert!(is_here || is_elsewhere || cannot, "S{number} has neither a test nor a reason");
    }
}
