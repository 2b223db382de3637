//! The store contract: what every engine behind the ports must do, one function a requirement.
//!
//! An engine's test file says `valetkey_testkit::store_contract!(open)`, where `open` is an async function that gives a
//! fresh, empty store and whatever must outlive it.
#![expect(clippy::unwrap_used, reason = "these are tests, though they are compiled as a library")]

pub mod approvals;
pub mod audits;
pub mod by_word;
pub mod catalog;
pub mod changes;
pub mod clients;
pub mod configuration;
pub mod consents;
mod fixtures;
pub mod gate;
pub mod issuers;
pub mod keys;
pub mod logins;
pub mod logouts;
pub mod notes;
pub mod opted;
pub mod owners;
pub mod redeem;
pub mod refresh;
pub mod revocations;
pub mod sessions;
pub mod spent;
pub mod tenants;
pub mod upkeep;
pub mod upstreams;
pub mod users;

pub use fixtures::{sample_client, sample_record};

use std::sync::Arc;
use valetkey_core::store::Store;

/// A store under test.
pub type Handle = Arc<dyn Store>;

/// Makes a test of every requirement.
#[macro_export]
macro_rules! store_contract {
    ($open:ident) => {
        $crate::contract_tests!(
            $open,
            approvals,
            [
                an_approval_reads_back_by_id_and_by_code_and_its_code_is_taken_once,
                an_approval_is_decided_once_in_time_and_by_whom_it_is_for,
                a_poll_is_answered_for_its_client_and_slowed_when_it_comes_too_soon,
                of_many_polls_at_once_one_is_in_time,
                no_more_than_the_most_of_one_client_wait_for_one_person,
                an_approval_is_swept_some_time_after_its_end,
                a_client_to_be_told_is_taken_by_one_and_again_until_it_was_told,
                of_all_who_take_a_client_to_be_told_one_gets_it,
            ]
        );
        $crate::contract_tests!(
            $open,
            audits,
            [
                a_record_reads_back_as_it_was_written,
                records_come_newest_first_in_pages_and_by_whom_they_concern,
                following_the_trail_gives_what_came_after_oldest_first,
            ]
        );
        $crate::contract_tests!(
            $open,
            catalog,
            [
                a_scope_is_created_once_changed_and_deleted,
                a_standard_scope_cannot_be_deleted,
                an_api_reads_back_and_its_id_and_resource_are_taken_once,
                an_api_update_is_guarded_by_version_and_resource,
                changes_of_the_catalog_are_announced_and_audited,
            ]
        );
        $crate::contract_tests!(
            $open,
            spent,
            [a_value_is_spent_once_and_again_only_after_its_end, of_all_who_spend_one_value_at_once_one_wins,]
        );
        $crate::contract_tests!(
            $open,
            changes,
            [
                the_feed_begins_at_zero_and_counts_every_change_in_order,
                a_reader_who_is_too_far_behind_or_ahead_is_told_to_read_everything,
                a_refused_write_announces_nothing,
            ]
        );
        $crate::contract_tests!(
            $open,
            clients,
            [
                a_client_reads_back_as_it_was_written,
                a_client_id_is_taken_once,
                the_answers_in_use_are_those_of_a_client_that_may_have_them,
                what_is_in_use_is_found_among_any_number_of_clients,
                an_update_of_an_older_version_is_refused,
                clients_are_listed_by_id_in_pages,
                deleting_a_client_takes_its_consents_and_grants_along,
                a_client_made_again_under_its_old_id_revives_nothing,
                of_two_updates_of_one_version_one_wins,
            ]
        );
        $crate::contract_tests!(
            $open,
            configuration,
            [
                settings_are_absent_then_guarded_by_their_version,
                a_plan_is_carried_out_whole_and_in_order,
                of_a_plan_that_meets_a_conflict_nothing_is_left,
                every_step_is_announced_and_audited,
                of_two_plans_at_once_one_wins,
            ]
        );
        $crate::contract_tests!(
            $open,
            consents,
            [
                a_consent_is_replaced_and_keeps_its_first_date,
                a_consent_is_refused_where_user_or_client_cannot_act,
                a_consent_is_each_users_own,
                withdrawing_forgets_and_revokes_only_that_pair,
                withdrawing_nothing_says_so_and_writes_nothing,
                withdrawing_and_refreshing_at_once_leaves_nothing_alive,
            ]
        );
        $crate::contract_tests!(
            $open,
            by_word,
            [
                without_consent_or_beyond_it_nothing_begins,
                implied_consent_comes_with_its_grant_and_is_no_answer,
                where_no_grant_begins_nothing_is_implied,
                what_a_person_took_back_no_word_gives_again_until_they_do,
                an_answer_that_is_not_kept_forgets_no_withdrawal,
                withdrawing_and_implying_at_once_leaves_nothing_alive,
            ]
        );
        $crate::contract_tests!(
            $open,
            gate,
            [
                a_code_is_refused_where_the_user_cannot_act,
                a_code_is_refused_where_the_client_cannot_act,
                a_code_is_refused_without_a_standing_consent,
                a_code_is_refused_without_a_live_session_of_its_user,
                a_code_is_refused_across_tenants,
                a_code_from_before_a_revocation_is_refused_and_one_from_after_is_not,
                a_refresh_token_gives_nothing_while_its_user_or_client_cannot_act,
                a_refresh_token_from_before_a_revocation_is_dead_for_good,
            ]
        );
        $crate::contract_tests!($open, issuers, [an_issuer_is_trusted_once_changed_and_deleted,]);
        $crate::contract_tests!(
            $open,
            keys,
            [
                keys_read_back_oldest_first,
                a_key_is_added_only_by_who_has_seen_the_newest_of_its_kind,
                keys_are_added_all_or_none,
                a_key_is_retired_once,
                of_many_rotators_one_wins,
            ]
        );
        $crate::contract_tests!(
            $open,
            logins,
            [
                attempts_beyond_the_free_ones_wait_longer_each_time,
                a_refused_attempt_is_not_counted,
                a_sparing_counter_lets_those_through_who_have_hardly_tried,
                a_success_takes_back_only_its_own_attempt_from_a_shared_counter,
                if_one_counter_waits_no_other_is_raised,
                clearing_forgets_only_the_keys_given,
                an_untouched_counter_starts_anew_after_a_day,
                a_flood_gets_no_more_attempts_than_are_free,
                what_servers_counted_is_added_up_and_who_has_to_pause_is_announced,
            ]
        );
        $crate::contract_tests!(
            $open,
            opted,
            [
                a_kept_refresh_token_stays_at_its_generation_and_has_the_limits_given,
                an_older_generation_is_reuse_also_where_the_newest_is_kept,
                the_code_refreshes_its_grant_at_any_generation_behind_the_same_gate,
                a_kept_token_of_a_revoked_grant_or_a_disabled_client_is_nothing,
                kept_and_rotating_tokens_are_refreshed_side_by_side,
                a_grant_without_a_code_begins_behind_the_gate_of_a_redemption,
                where_an_address_must_be_proven_no_grant_begins_before,
                where_an_address_must_be_proven_nothing_is_refreshed_before,
                of_many_who_begin_one_grant_one_begins_it_and_nobody_kills_it,
            ]
        );
        $crate::contract_tests!(
            $open,
            notes,
            [
                refusals_of_one_sort_are_one_row,
                the_last_use_of_a_secret_never_moves_back,
                notes_of_a_client_that_is_gone_are_left_out_and_forgotten,
                refusals_are_kept_for_a_month,
                the_people_and_live_grants_of_a_client_are_counted,
            ]
        );
        $crate::contract_tests!(
            $open,
            owners,
            [
                an_application_comes_with_its_owner_and_within_the_most,
                of_many_registrations_at_once_no_more_than_the_most_succeed,
                an_offer_is_taken_once_by_whom_it_is_for_while_it_is_open,
                a_newer_offer_to_a_name_takes_the_older_ones_place_and_there_is_a_most,
                what_was_handed_over_is_one_persons,
                an_application_is_never_left_without_an_owner,
                who_removed_an_owner_removed_their_offers,
                deleting_a_client_or_a_user_takes_ownership_along,
                a_picture_goes_with_the_update_and_is_found_by_name,
            ]
        );
        $crate::contract_tests!(
            $open,
            redeem,
            [
                a_redeemed_grant_reads_back_as_it_was_written,
                a_replayed_code_revokes_what_it_gave,
                a_row_that_a_hybrid_began_is_taken_over_by_its_code_once,
                a_code_in_another_clients_hands_revokes_nothing,
                of_many_redemptions_one_wins_and_the_grant_dies,
                disabling_the_user_while_redeeming_leaves_nothing_alive,
                grants_are_listed_newest_first_by_whose_they_are,
                ended_grants_are_listed_only_when_asked_for,
            ]
        );
        $crate::contract_tests!(
            $open,
            refresh,
            [
                rotation_moves_one_generation_on,
                a_retry_within_the_window_gets_the_same_successor,
                an_older_token_revokes_the_grant,
                a_retry_after_the_window_revokes_the_grant,
                a_foreign_unknown_or_expired_token_changes_nothing,
                access_tokens_are_remembered_to_their_last_second,
                of_many_rotations_one_wins_and_the_rest_get_its_successor,
                of_many_grants_refreshed_at_once_each_gets_its_own_outcome,
                no_generation_ever_has_two_successors,
                revoking_while_rotating_leaves_nothing_alive,
                a_grant_is_revoked_once_and_only_by_its_client,
            ]
        );
        $crate::contract_tests!(
            $open,
            revocations,
            [
                a_mark_reads_back_until_it_expires,
                of_two_marks_on_one_thing_the_later_ends_count,
                a_mark_on_a_grant_ends_its_refresh_token,
                a_mark_on_a_tenant_spares_the_other_tenant,
                a_mark_on_a_consent_spares_other_pairs,
                a_mark_made_stronger_is_told_apart_and_ends_what_came_between,
            ]
        );
        $crate::contract_tests!(
            $open,
            sessions,
            [
                a_session_is_found_by_its_cookie_while_it_lives,
                a_session_is_found_with_what_its_user_allowed_that_client,
                what_memory_may_hold_otherwise_is_counted_and_what_gives_tokens_is_not,
                a_session_is_not_started_for_a_user_who_cannot_act,
                a_new_session_takes_the_old_ones_place_and_clears_the_counters,
                touching_only_moves_forward,
                ending_a_session_spares_the_others,
                ending_all_spares_the_one_kept_and_other_users,
                disabling_the_user_while_signing_in_leaves_no_live_session,
            ]
        );
        $crate::contract_tests!(
            $open,
            logouts,
            [
                who_got_an_id_token_in_the_session_and_wants_to_know_is_told,
                what_was_not_offered_offline_ends_with_its_session,
                every_way_a_session_ends_tells,
                who_must_hear_of_each_session_does,
                an_application_whose_key_is_taken_back_is_told_and_no_other,
                who_signs_in_again_stays_in_the_same_session,
                what_is_claimed_is_nobody_elses_until_its_time,
                what_came_anew_meanwhile_is_not_lost_with_the_old,
                what_cannot_be_told_waits_and_is_given_up_on_the_trail,
                a_session_knows_its_applications_as_long_as_it_lives,
            ]
        );
        $crate::contract_tests!(
            $open,
            tenants,
            [
                a_tenant_reads_back_and_its_id_is_taken_once,
                a_tenants_update_is_guarded_by_version,
                a_tenant_switched_off_lets_nobody_in_and_spares_the_others,
                a_tenant_is_deleted_only_when_nobody_belongs_to_it,
            ]
        );
        $crate::contract_tests!(
            $open,
            upkeep,
            [
                rows_are_counted_by_table,
                a_sweep_takes_what_cannot_matter_and_nothing_else,
                sweeping_in_small_steps_reaches_everything,
                a_clock_that_jumps_ahead_moves_the_horizon_no_faster_than_the_server_runs,
                a_client_that_registered_itself_goes_when_nobody_uses_it,
                the_feed_keeps_its_numbers_when_it_is_swept,
                a_healthy_store_answers_a_ping,
            ]
        );
        $crate::contract_tests!(
            $open,
            upstreams,
            [
                a_provider_is_created_once_changed_and_deleted,
                an_identity_is_one_persons_in_its_directory,
                an_account_and_its_identity_are_made_together_or_not_at_all,
                the_last_way_in_stays,
                of_two_last_ways_taken_at_once_one_stays,
                a_user_who_goes_takes_the_identities_along,
            ]
        );
        $crate::contract_tests!(
            $open,
            users,
            [
                a_user_reads_back_as_it_was_written,
                a_user_name_is_taken_once_a_tenant_whatever_its_case,
                a_user_signs_in_by_name_or_address_within_the_tenant,
                an_address_of_several_names_only_who_proved_it,
                an_update_is_guarded_by_version_tenant_and_name,
                users_are_listed_by_tenant_in_pages,
                ending_sessions_goes_with_the_update,
                deleting_a_user_takes_everything_along,
                the_first_administrator_is_made_once,
                of_many_first_administrators_one_is_made,
            ]
        );
    };
}

/// One test for each requirement of a module.
#[doc(hidden)]
#[macro_export]
macro_rules! contract_tests {
    ($open:ident, $module:ident, [$($name:ident),* $(,)?]) => {
        mod $module {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $name() {
                    let (store, _guard) = super::$open().await;
                    $crate::contract::$module::$name(store).await;
                }
            )*
        }
    };
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_requirement_is_made_a_test() {
        let list = include_str!("contract.rs");
        let sources = [
            include_str!("contract/audits.rs"),
            include_str!("contract/catalog.rs"),
            include_str!("contract/changes.rs"),
            include_str!("contract/clients.rs"),
            include_str!("contract/consents.rs"),
            include_str!("contract/gate.rs"),
            include_str!("contract/issuers.rs"),
            include_str!("contract/keys.rs"),
            include_str!("contract/logins.rs"),
            include_str!("contract/logouts.rs"),
            include_str!("contract/notes.rs"),
            include_str!("contract/owners.rs"),
            include_str!("contract/redeem.rs"),
            include_str!("contract/refresh.rs"),
            include_str!("contract/revocations.rs"),
            include_str!("contract/sessions.rs"),
            include_str!("contract/spent.rs"),
            include_str!("contract/tenants.rs"),
            include_str!("contract/upkeep.rs"),
            include_str!("contract/upstreams.rs"),
            include_str!("contract/users.rs"),
        ];
        let names = sources.iter().flat_map(|source| source.split("\npub async fn ").skip(1));
        for name in names.filter_map(|rest| rest.split('(').next()) {
            assert!(list.contains(&format!("{name},")), "{name} is not in store_contract!");
        }
    }
}
