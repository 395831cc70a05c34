//! What runs by itself for operators. It knows the lanes' door, the committed copies and the clock; nothing of the desk or
//! the doors.

pub mod additions;
pub mod alarms;
pub mod gather;
pub mod refunds;
pub mod rehearsals;
pub mod webhooks;
