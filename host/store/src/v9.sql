-- Who may ask a running host what, what they did, and which texts the two files have had.

-- Tokens by their keyed hash: what was shown once is nowhere.
create table api_token (
    id integer primary key,
    name text not null unique,
    role text not null,
    hash blob not null unique,
    created_ms integer not null,
    expires_ms integer,
    used_ms integer,
    revoked_ms integer
) strict;

-- Logins of browsers, each as long as its token.
create table api_session (
    hash blob primary key,
    token integer not null references api_token (id),
    expires_ms integer not null
) strict, without rowid;

create table audit (
    id integer primary key,
    at_ms integer not null,
    who text not null,
    role text not null,
    what text not null,
    about text not null,
    source text not null
) strict;

create index audit_at on audit (at_ms);

-- What was saved through the host, newest last; sealed, because conditions may hold values.
create table edit (
    id integer primary key,
    at_ms integer not null,
    who text not null,
    version text not null,
    plugins blob not null,
    audiences blob not null
) strict;

-- How large audiences were, at most once an hour.
create table audience_size (
    audience text not null,
    at_ms integer not null,
    members integer not null,
    primary key (audience, at_ms)
) strict, without rowid;
