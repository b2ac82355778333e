-- What a host that stays keeps.

-- Ids by which calls know somebody beside the id of the profile: those of visitors before they said who they are, and
-- ids that were replaced. A row leads to a profile and never to another row.
create table identity (
    hash blob primary key,    -- keyed hash of the id
    profile integer not null,
    own integer not null      -- a visitor's: whether the profile is the visitor's own, nobody having said who it is
) strict, without rowid;
create index identity_by_profile on identity (profile);

-- When what has a schedule last had its turn, in milliseconds since 1970: `source/NAME`, `connection/AUDIENCE/DESTINATION`.
create table slot (
    name text primary key,
    at_ms integer not null
) strict, without rowid;

-- Who refused somebody: 'plugin' where it cannot be sent as it is, else 'destination' or 'host'.
alter table refusal add column source text;
