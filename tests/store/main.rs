//! The tests of every store (`frontrow_testing::conformance`), and those of what each has for itself that is seen from
//! outside.

#[cfg(feature = "mariadb-tests")]
mod mysql;
#[cfg(feature = "mariadb-tests")]
mod mysql_writer;
#[cfg(feature = "mariadb-tests")]
mod power_loss;
mod repair;
mod shipped;
mod simulated;
mod sqlite;
