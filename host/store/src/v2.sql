-- Tokens of OAuth 2.0, a row for all destinations that ask with the same credential.
create table token (
    credential blob primary key, -- keyed hash of what tokens are asked for with
    destination text not null,   -- the one that asked last, for people
    generation integer not null, -- counts tokens, so that a newer one is known
    refresh blob,                -- sealed; none where the operator's secret is still the one to use
    access blob,                 -- sealed
    use_until_ms integer,        -- none where nobody said how long
    at_ms integer not null
) strict, without rowid;
