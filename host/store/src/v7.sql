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
