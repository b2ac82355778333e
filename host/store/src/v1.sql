-- Profiles, as the last import that touched them left them.
create table profile (
    id integer primary key check (id between 1 and 4294967295), -- dense: audiences are bitmaps of these
    key text not null unique,
    revision integer not null, -- the store revision that wrote this content
    hash blob not null,        -- keyed hash of the content: an equal line writes nothing
    identifiers blob,          -- JSONB each
    traits blob,
    context blob,
    consent blob
) strict;
create index profile_by_revision on profile (revision);

-- What the operator's `where` sees; `_n` is the dense id.
create view profiles (_n, id, identifiers, traits, context) as
select id, key, identifiers, traits, context from profile;

-- Single values: `revision` is the last one that changed a profile.
create table meta (name text primary key, value any) strict, without rowid;

create table import (
    id integer primary key,
    source text not null,
    path text not null,
    file_id text not null, -- keyed hash of the bytes before `offset`
    bytes integer not null,
    offset integer not null,
    line integer not null,
    state text not null check (state in ('running', 'done', 'stopped')),
    read integer not null,
    added integer not null,
    updated integer not null,
    unchanged integer not null,
    rejected integer not null,
    repeated integer not null,
    revision integer not null, -- the first that this import could have written
    started_ms integer not null,
    ended_ms integer
) strict;
create index import_by_file on import (source, path);

create table import_rejection (
    import integer not null,
    line integer not null,
    code text not null,
    reason text not null
) strict;
create index import_rejection_by_import on import_rejection (import);

create table audience (
    id integer primary key,
    key text not null unique,
    query_digest blob,
    revision integer,
    members blob, -- roaring
    evaluated_ms integer
) strict;

-- An audience × destination.
create table connection (
    id integer primary key,
    audience text not null,
    destination text not null,
    revision integer not null default 0, -- the store revision up to which members were looked at
    settings_version integer not null default 0,
    settings_digest blob,
    remote blob,
    opened_ms integer,  -- when the list was last found or created …
    opened_for blob,    -- … and for which settings and plugin
    unique (audience, destination)
) strict;

-- What a destination holds of a member; `hash` is null while that is in doubt.
create table held (
    connection integer not null,
    profile integer not null,
    hash blob,
    version integer,
    identity blob,
    folded integer not null default 0,
    sent blob, -- sealed
    primary key (connection, profile)
) strict, without rowid;
create index held_by_identity on held (connection, identity) where identity is not null;
create index held_in_doubt on held (connection) where hash is null;

-- A member that is not tried again until its values, the plugin or the settings change.
create table refusal (
    connection integer not null,
    profile integer not null,
    hash blob,
    plugin_digest blob,
    version integer,
    code text,
    field text,
    reason text,
    change text, -- what was refused: 'added', 'updated' or 'removed'
    run integer,
    at_ms integer,
    primary key (connection, profile)
) strict, without rowid;

create table pending (
    connection integer not null,
    profile integer not null,
    state text not null check (state in ('deferred', 'accepted', 'unknown')),
    due_ms integer,
    attempts integer,
    first_ms integer,
    ticket integer,
    reason text,
    change text, -- for a job: what was accepted
    hash blob,   -- for a job: what the destination has once it is done
    primary key (connection, profile)
) strict, without rowid;

-- An asynchronous job of a destination, asked after later.
create table ticket (
    id integer primary key,
    connection integer not null,
    delivery integer,
    token text,
    request_key text,
    members blob,
    due_ms integer,
    attempts integer,
    first_ms integer
) strict;
create index ticket_by_connection on ticket (connection);

create table run (
    id integer primary key,
    started_ms integer,
    ended_ms integer,
    state text,
    summary text -- JSON
) strict;

create table delivery (
    id integer primary key,
    run integer,
    connection integer not null,
    operation text,
    label text check (label in ('prepared', 'subset')),
    request_key text,
    members blob,
    state text not null check (state in ('intent', 'settled')),
    attempt integer,
    created_ms integer,
    settled_ms integer,
    verdict text,
    plugin_digest blob,
    version integer
) strict;
create index delivery_in_flight on delivery (connection) where state = 'intent';

create table receipt (
    delivery integer not null,
    outcome text,
    code text,
    members blob,
    change text
) strict;
create index receipt_by_delivery on receipt (delivery);

create table rejection (
    id integer primary key,
    run integer,
    connection integer not null,
    profile integer,
    code text,
    field text,
    reason text,
    source text check (source in ('plugin', 'destination', 'host')),
    at_ms integer
) strict;
create index rejection_by_profile on rejection (profile);

create table request (
    id integer primary key,
    delivery integer,
    run integer,
    connection integer,
    label text check (label in ('prepared', 'subset', 'derived', 'probe', 'open')),
    kind text,
    digest blob,
    status integer,
    failure text,
    at_ms integer
) strict;
create index request_by_delivery on request (delivery);
