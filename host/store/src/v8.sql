-- Dead letters: members who were tried for too long. They are refusals with the code `given_up`, so that whatever ends
-- a refusal ends them; `reason` has the last answer.
alter table refusal add column alone integer not null default 0; -- whether it failed alone while others passed
alter table refusal add column attempts integer;
alter table refusal add column first_ms integer;                 -- the first attempt
create index refusal_dead on refusal (connection, profile) where code = 'given_up';

-- Of who waits: whether it failed alone while others passed, so that it goes alone.
alter table pending add column alone integer not null default 0;

-- The beginning of an answer that is no success, with everything masked that may be somebody's.
alter table request add column answer text;
-- What was sent to one connection, newest first, without a look at what was sent to the others.
create index delivery_by_connection on delivery (connection, id);

-- When the first of those who wait is due, without a look at all of them.
create index pending_by_due on pending (connection, due_ms);

-- Alerts that hold, and when each was told last.
create table alert (
    key text primary key,
    told_ms integer not null
) strict, without rowid;
