-- Format 10 (serve).

-- When what has a schedule last had its turn, in milliseconds since 1970: `source/NAME`, `connection/AUDIENCE/DESTINATION`.
create table slot (
    name text primary key,
    at_ms integer not null
) strict, without rowid;
