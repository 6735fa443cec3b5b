//! Does the evaluator decide as the rules say, rule by rule?
//!
//! One module a section of the rules, and one for the vectors of their Appendix A. Every case runs a whole request:
//! policies as text, a caller, an action and what is stated about the call.
#![cfg(test)]

mod key_states;
mod kms_condition_keys;
mod rules_1_grammar;
mod rules_2_matching;
mod rules_3_principals;
mod rules_4_conditions;
mod rules_5_composition;
mod rules_6_grants;
mod rules_6_kms;
mod rules_8_keys;
mod services;
mod support;
mod test_vectors;
mod unstated_keys;
