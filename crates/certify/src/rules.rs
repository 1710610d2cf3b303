//! Every rule, one file each, in the order of reports. A new rule is a new file and a line in each of the two lists.

mod container;
mod def_01_manifest;
mod def_02_routes;
mod def_03_environment;
mod def_04_create_options;
mod def_05_least_privilege;
mod def_06_placeholders;
mod def_07_ports;
mod def_08_twin;
mod def_09_secrets;
mod def_10_image_hosts;
mod def_11_route_modules;
mod def_12_sensitive_options;
mod def_13_recommendations;
mod def_14_host_network;
mod ftp_01_memory;
mod ftp_02_processor;
mod ftp_03_message_rate;
mod ftp_04_image;
mod hardware;
mod img_01_index;
mod img_02_latest_and_version;
mod img_03_immutable_versions;
mod img_04_declared_platforms;
mod img_05_size;
mod img_06_user;
mod img_07_secrets;
mod img_08_setuid;
mod img_09_created;
mod img_10_labels;
mod img_11_entry_point;
mod img_12_vulnerabilities;
mod img_13_tag_grammar;
mod img_14_latest_is_newest;
mod img_15_tags_resolve;
mod img_16_newest_version_rises;
mod img_17_published_tags_kept;
mod img_18_agent_reference;
mod img_19_platform_claims;
mod img_20_repository_kept;
mod img_21_repository_shared;
mod img_22_required_platforms;
mod img_23_recommended_platforms;
mod img_24_malware;
mod img_25_complete_index;
mod img_26_own_layers;
mod img_27_one_image_each;
mod lst_01_fields;
mod lst_02_logos;
mod lst_03_minimum_hardware;
mod lst_04_links;
mod lst_05_documented_settings;
mod lst_06_licence;
mod lst_07_hardware_agrees;
mod lst_08_recommendations;
mod lst_09_own_value;
mod lst_10_edge_specific;
mod platforms;
mod privilege;
mod run_01_starts;
mod run_02_stays_up;
mod run_03_workload;
mod run_04_tls;
mod run_05_connects;
mod run_06_sends;
mod run_07_readable;
mod run_08_twin;
mod run_09_desired;
mod run_10_methods;
mod run_11_inputs;
mod run_12_stops;
mod run_13_second_start;
mod run_14_outage;
mod run_15_network;
mod run_16_product;
mod run_17_hardened;
mod run_18_read_only;
mod run_19_renewal;
mod run_20_was_run;
mod trial;

use crate::rule::Rule;

/// The register, by code.
pub(crate) static ALL: &[&Rule] = &[
    &lst_01_fields::RULE,
    &lst_02_logos::RULE,
    &lst_03_minimum_hardware::RULE,
    &lst_04_links::RULE,
    &lst_05_documented_settings::RULE,
    &lst_06_licence::RULE,
    &lst_07_hardware_agrees::RULE,
    &lst_08_recommendations::RULE,
    &lst_09_own_value::RULE,
    &lst_10_edge_specific::RULE,
    &img_01_index::RULE,
    &img_02_latest_and_version::RULE,
    &img_03_immutable_versions::RULE,
    &img_04_declared_platforms::RULE,
    &img_05_size::RULE,
    &img_06_user::RULE,
    &img_07_secrets::RULE,
    &img_08_setuid::RULE,
    &img_09_created::RULE,
    &img_10_labels::RULE,
    &img_11_entry_point::RULE,
    &img_12_vulnerabilities::RULE,
    &img_13_tag_grammar::RULE,
    &img_14_latest_is_newest::RULE,
    &img_15_tags_resolve::RULE,
    &img_16_newest_version_rises::RULE,
    &img_17_published_tags_kept::RULE,
    &img_18_agent_reference::RULE,
    &img_19_platform_claims::RULE,
    &img_20_repository_kept::RULE,
    &img_21_repository_shared::RULE,
    &img_22_required_platforms::RULE,
    &img_23_recommended_platforms::RULE,
    &img_24_malware::RULE,
    &img_25_complete_index::RULE,
    &img_26_own_layers::RULE,
    &img_27_one_image_each::RULE,
    &def_01_manifest::RULE,
    &def_02_routes::RULE,
    &def_03_environment::RULE,
    &def_04_create_options::RULE,
    &def_05_least_privilege::RULE,
    &def_06_placeholders::RULE,
    &def_07_ports::RULE,
    &def_08_twin::RULE,
    &def_09_secrets::RULE,
    &def_10_image_hosts::RULE,
    &def_11_route_modules::RULE,
    &def_12_sensitive_options::RULE,
    &def_13_recommendations::RULE,
    &def_14_host_network::RULE,
    &run_01_starts::RULE,
    &run_02_stays_up::RULE,
    &run_03_workload::RULE,
    &run_04_tls::RULE,
    &run_05_connects::RULE,
    &run_06_sends::RULE,
    &run_07_readable::RULE,
    &run_08_twin::RULE,
    &run_09_desired::RULE,
    &run_10_methods::RULE,
    &run_11_inputs::RULE,
    &run_12_stops::RULE,
    &run_13_second_start::RULE,
    &run_14_outage::RULE,
    &run_15_network::RULE,
    &run_16_product::RULE,
    &run_17_hardened::RULE,
    &run_18_read_only::RULE,
    &run_19_renewal::RULE,
    &run_20_was_run::RULE,
    &ftp_01_memory::RULE,
    &ftp_02_processor::RULE,
    &ftp_03_message_rate::RULE,
    &ftp_04_image::RULE,
];
