//! Integration tests: one binary, one module a topic.

#[cfg(unix)]
mod abuse;
mod access_auth;
mod access_isolation;
mod access_jwt;
mod access_matrix;
mod access_rights;
mod command_line;
mod conformance;
mod conformance_v4;
mod costs;
mod covered;
mod data_laws;
mod deep_values;
mod definitions;
mod documents;
mod examples;
mod hostile;
mod http;
mod language;
mod mutations;
mod numbers;
mod remote;
mod schema_command;
mod schema_files;
mod schema_text;
mod schema_writes;
mod session_serial;
mod sharing;
mod signatures;
#[cfg(target_os = "linux")]
mod terminal;

mod feeds;
mod golden;
mod store_basics;
mod store_crash;
mod store_files;
mod store_process;
mod store_serial;
mod streams;
mod syntax;
mod tls;
mod typing;
mod typing_laws;
mod v4_documents;
mod v4_sets;
mod v4_streams;
mod well_typed;
