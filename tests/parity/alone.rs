//! Each scenario as a test of its own, before our proxy alone: what its text expects must come out, with or without an
//! httpd beside it.

use crate::compare::with_text;
use crate::stage::Which;
use crate::suite::{alone, names, read};

#[track_caller]
fn check(name: &str) {
    let scenario = read(name);
    let outcomes = alone(Which::Ours, &scenario).expect("our proxy is always here");
    let found = with_text(&scenario, Which::Ours, &outcomes);
    assert!(found.comparisons > 0, "{name} expects nothing");
    assert!(found.wrong.is_empty(), "{name}\n{}", found.wrong.join("\n"));
}

/// A module of tests, one for each scenario that is named, and the list of those names.
macro_rules! named {
    ($(#[$about:meta])* $module:ident: $($name:ident),* $(,)?) => {
        $(#[$about])*
        mod $module {
            pub(super) const NAMES: &[&str] = &[$(stringify!($name)),*];

            $(
                #[test]
                fn $name() {
                    super::check(stringify!($name));
                }
            )*
        }
    };
}

named! {
    /// Who is elected.
    selection:
        bybusyness_111, bybusyness_123, bybusyness_idle, bybusyness_released, bytraffic_both_ways,
        bytraffic_chunks, bytraffic_cyclic, bytraffic_equal, bytraffic_factors, bytraffic_in_flight,
        concurrent, disabled_and_stopped, drain, edit_everything, edit_factor, edit_method,
        edit_set, factors_1_100, factors_1_2_3, factors_2_2_5_1, factors_3_2_1, factors_decimal,
        factors_equal, factors_one_disabled_from_start, flags_in_the_file, kept_client, lbset,
        many_members, nobody, reenabled_bybusyness, reenabled_byrequests, reenabled_bytraffic,
        reenabled_factors, spare, spare_and_standby, spare_factor, spare_for_failed_check,
        spare_of_another_set, spare_only, spare_order, spare_two, standby, standby_before_next_set,
        standby_for_draining
}

named! {
    /// Who keeps coming back.
    sessions:
        nofailover, nofailover_dead, nofailover_standby, redirect, redirect_chain, redirect_circle,
        sticky_at_run_time, sticky_cookie, sticky_credit, sticky_credit_bybusyness,
        sticky_credit_bytraffic, sticky_no_separator, sticky_one_name, sticky_route_changed,
        sticky_semicolon, sticky_separator, sticky_url
}

named! {
    /// Who is tried instead, and again.
    failures:
        answer_breaks_off, balancer_timeout, connectiontimeout, connectiontimeout_milliseconds,
        drain_dead, failonstatus, failonstatus_ignored, failonstatus_of_our_own, failover,
        failover_body, failover_retry, forcerecovery_off, forcerecovery_on, idle_connections_closed,
        ignore_errors_lifts, lbset_dead, max_waits, maxattempts_default, maxattempts_none,
        maxattempts_one, ping_before_body, reset_without_answer, retry_stopped_and_disabled, single_dead,
        spare_for_dead, standby_for_dead, timeout_connects
}

named! {
    /// What passes through on the way.
    messages:
        expectation_passes, mapping_in_a_location, mappings_share_a_balancer, methods, parameters_on_the_mapping, paths,
        redirects_come_back, route_cookie_recipe, statuses_pass
}

named! {
    /// What is better here than in httpd, and how exactly.
    departures:
        departure_34_error_in_the_file, departure_02_unchanged_factor, departure_08_busy_reset, departure_15_ignore_errors,
        departure_15_two_of_three, departure_17_waiting, departure_20_maxattempts_of_one,
        departure_21_stale_connection, departure_22_cut_client, departure_23_mark_of_closed,
        departure_24_failontimeout, departure_24_time_out, departure_25_unresolved,
        departure_26_full, departure_28_half_open, departure_29_forced_recovery,
        departure_31_no_http, departure_32_ping_before_a_get, departure_33_retries, departure_37_empty_value,
        departure_38_cookie_after_url, departure_39_quotes_and_blanks, departure_40_last_separator,
        departure_43_path_parameter, departure_44_refused_aloud, departure_46_no_nonce,
        departure_48_single_factor, departure_49_long_route, departure_54_restart,
        departure_71_escaped_path, departure_72_two_cookie_lines,
        departure_73_member_path_with_slash, departure_74_redirect_double_slash
}

#[test]
fn every_scenario_is_a_test() {
    let lists = [selection::NAMES, sessions::NAMES, failures::NAMES, messages::NAMES, departures::NAMES];
    let mut listed = lists.concat();
    listed.sort_unstable();
    assert_eq!(listed, names());
}
