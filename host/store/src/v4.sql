-- A connection may have several mappings, each with a record of its own.
create table connection_of_v3 (
    id integer primary key,
    audience text not null,
    destination text not null,
    mapping text not null default '', -- '' where the connection names none
    revision integer not null default 0,
    settings_version integer not null default 0,
    settings_digest blob,
    remote blob,
    opened_ms integer,
    opened_for blob,
    unique (audience, destination, mapping)
) strict;
insert into connection_of_v3 (id, audience, destination, revision, settings_version, settings_digest, remote,
    opened_ms, opened_for)
select id, audience, destination, revision, settings_version, settings_digest, remote, opened_ms, opened_for
from connection;
drop table connection;
alter table connection_of_v3 rename to connection;

-- A second and further value by which a destination knows a profile. Its id stands beside those of profiles in
-- audiences, ledger and receipts.
create table record (
    id integer primary key check (id between 2147483648 and 4294967295),
    choice text not null,    -- which identifiers are looked at
    profile integer not null,
    value blob not null,     -- keyed hash
    present integer not null -- whether the profile still has it
) strict;
create unique index record_by_value on record (choice, profile, value);
create index record_by_profile on record (profile);

create table record_choice (
    choice text primary key,
    revision integer not null -- the store revision up to which profiles were looked at
) strict, without rowid;
