//! conclave-meeting.
