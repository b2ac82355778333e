-- For what members were last put off: plugin, settings and credential, as a keyed hash. With another one those who wait
-- are looked at again.
alter table connection add column tried_for blob;
