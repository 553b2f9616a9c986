//! The outside: one file per port and technology

mod analyst_socket;
mod bus_local;
mod clock_system;
mod destroyed_keys;
mod drop_folder;
mod file_io;
mod http_pull;
mod import_index_file;
mod keys_file;
mod log_segment;
mod mqtt_broker;
mod mqtt_commands;
mod mqtt_endpoint;
mod mqtt_subscriber;
mod mqtt_tls;
mod position_file;
mod rows_file;
#[cfg(feature = "influx")]
mod sink_influx;
mod state_file;
mod token_file;

pub use analyst_socket::AnalystSocket;
pub use bus_local::{BUS_UPDATES_MAX, LocalBus};
pub use clock_system::{ScaledClock, SystemClock};
pub use destroyed_keys::destroyed_keys;
pub use drop_folder::{DropFolder, DropFolderConfig};
pub use http_pull::{HttpPull, HttpPullConfig, Paging, PullLogin};
pub use import_index_file::ImportIndexFile;
pub use keys_file::{KeyFiles, living_keys, read_key};
pub use log_segment::{
    LogConfig, LogExtent, LogFiles, LogIdentity, LogOpenError, LogPiece, RecoveryReport, SegmentLog,
    VerifyReport, extent as log_extent, is_open as log_is_open, verify as verify_log,
};
pub use mqtt_broker::{MqttBroker, MqttClientTls, MqttProtocol};
pub use mqtt_commands::{MqttCommands, MqttCommandsConfig};
pub use mqtt_endpoint::{
    MqttAccess, MqttEndpoint, MqttEndpointConfig, MqttPassword, MqttServerTls, MqttUser, hash_password,
};
pub use mqtt_subscriber::{MqttSubscriber, MqttSubscriberConfig};
pub use position_file::PositionFile;
pub use rows_file::{ROW_FILE_BYTES, RowFiles, WholeRows, whole_rows};
#[cfg(feature = "influx")]
pub use sink_influx::{InfluxError, InfluxSettings, InfluxSink};
pub use state_file::StateFiles;
pub use token_file::{StoredToken, TOKENS_MAX, TokenFile, TokenFileError};

#[cfg(feature = "fault-injection")]
pub use log_segment::Fault;
