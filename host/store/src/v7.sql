-- What outlives a run of the promises made to a destination: how much of a bucket is used, and what is only probed.

-- One row a bucket and those who share it. The key is a keyed hash, for it is made of a credential.
create table pace (
    bucket blob primary key,
    name text not null,        -- the bucket's name in the manifest
    destination text not null, -- whoever used it last
    at_ms integer not null,
    open_ms integer not null,  -- when the next request may leave
    kept text not null         -- JSON: what passed, what may have passed since, how much of the allowance is used
) strict, without rowid;

-- Destinations that failed several times in a row. One that is well again has no row.
create table breaker (
    credential blob not null, -- keyed hash
    destination text not null,
    failures integer not null,
    opened_ms integer not null,
    until_ms integer not null,
    probes integer not null,
    reason text not null,
    primary key (credential, destination)
) strict, without rowid;
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
-- Where a connection puts members, and what they can be reached with there once its settings are others or gone.
create table place (
    connection integer primary key,
    mapping text not null,       -- the mapping's name; an earlier place has another one in `connection`
    plugin text not null,        -- its id
    target text not null,        -- JSON: what names the place
    audience_key text not null,  -- as the plugin was told …
    audience_name text not null, -- … both
    settings text not null,      -- JSON, with defaults
    fields text not null,        -- JSON: the identifier fields
    sends_exits integer not null,
    definition blob not null,    -- hash of the audience's definition
    earlier integer,             -- an earlier place of its connection: counted from 1, the newest is the highest
    gone integer not null default 0 -- whether a run did not find it in the configuration
) strict;
create index place_by_target on place (target);
-- Members who are sent again though nothing of them has changed, because an operator asked for it.
alter table held add column again integer not null default 0;
create index held_again on held (connection) where again;

-- Which resync is under way: 'all' or 'stale'. It ends with the last member who is to be sent again.
alter table connection add column resync text;

-- Every version of what decides what is sent of a member.
create table settings_version (
    connection integer not null,
    version integer not null,
    digest blob not null,
    first_ms integer, -- none for those of before versions were kept
    decides text,     -- what decides, JSON
    written text,     -- the connection as audiences.toml had it, TOML
    primary key (connection, version)
) strict, without rowid;
insert into settings_version (connection, version, digest)
select id, settings_version, settings_digest from connection where settings_digest is not null;

-- People who are forgotten. The number is never given to somebody else: receipts name it.
create table forgotten (
    profile integer primary key,
    asked_ms integer not null,
    ended_ms integer, -- when the last destination had confirmed; none while the person is being forgotten
    person blob       -- sealed: id and identifiers, until then
) strict;

-- What no import brings back: keyed hashes of ids and identifiers.
create table tombstone (
    hash blob primary key,
    profile integer not null
) strict, without rowid;

-- With `history = false`: who is still to be taken as known of those who were members at the first sync. None before
-- that, and an empty value once nobody is left.
alter table connection add column known_first blob;
