//! conclave-cloud: everything that rooms link to, in one process.
//!
//! [`switchboard`] takes the decisions, without sockets or clock; [`serve`] gives it both: it runs
//! the link hub, the media node and the control socket around it. [`cli`] is the command line,
//! which speaks to a running cloud over that socket in the words of [`control`]. [`console`] is for browsers:
//! people sign in there, in the words of [`accounts`]. [`metrics`] and
//! [`calls`] are for the operator: how the cloud is, and how each call went. [`bundles`] holds what
//! rooms update themselves from. [`letters`] are what people are written, [`mail`] sends them. [`outgoing`] asks others over HTTPS.
//! [`device_list`] reads which devices are to be rooms. [`acme`] gets the console's certificate. [`hooks`] tell others what happens.
//! [`calendars`] are those of rooms, read. [`parcel_files`] are what
//! rooms sent.

#![forbid(unsafe_code)]

pub mod accounts;
pub mod acme;
pub mod bundles;
pub mod calendars;
pub mod calls;
pub mod cli;
pub mod config;
pub mod console;
pub mod control;
pub mod control_socket;
pub mod data_folder;
pub mod device_list;
pub mod hooks;
pub mod letters;
pub mod mail;
pub mod metrics;
pub mod outgoing;
pub mod parcel_files;
pub mod serve;
pub mod switchboard;
