-- Kinds of traits. `profile.traits` stays what is asked for and sent: all kinds together.

-- Lines of a file that say nothing of a known person.
alter table import add column skipped integer not null default 0;

-- The traits of the profile's own line, JSONB, where other kinds stand beside them (JSON's null: it has none). Without
-- it they are `traits`.
alter table profile add column custom blob;

-- Where traits come from. One custom source without a name stands for all identify calls.
create table trait_source (
    id integer primary key,
    kind text not null check (kind in ('custom', 'sql', 'computed', 'predictive')),
    name text not null,
    refreshed_ms integer,
    unique (kind, name)
) strict;

create table trait_name (
    name text not null,
    source integer not null,
    primary key (name, source)
) strict, without rowid;

-- What a source says of a profile, JSON without spaces.
create table layer (
    source integer not null,
    profile integer not null,
    traits text not null,
    primary key (source, profile)
) strict, without rowid;
create index layer_by_profile on layer (profile);

create table event (
    id integer primary key,
    message blob not null unique, -- keyed hash of the message's id, or of the line
    profile integer not null,
    name text,                    -- none: an identify call
    at_ms integer not null,
    data blob                     -- properties or traits, JSONB
) strict;
create index event_by_profile on event (profile, name, at_ms);

-- Profiles whose computed traits are to be looked at, and when.
create table refresh (
    profile integer primary key,
    due_ms integer not null
) strict;
create index refresh_by_due on refresh (due_ms);
