-- Records are removed after their time: which calls a meeting still has is asked for each meeting.

CREATE INDEX call_records_by_meeting ON call_records (meeting);
CREATE INDEX meetings_by_end ON meetings (ended_at);
