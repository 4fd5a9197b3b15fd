-- The Merkle log: every event's hash in one order, so that one signed root speaks for all of them.
--
-- Guarantees
--   1. Each generation of the log has an origin of its own, which never changes: it stands in every checkpoint.
--   2. Append-only: no role that acts may write here; the owner adds, and may neither change nor remove.
--   3. An event joins once all before it in its lane did, never by its time: one that was committed late isn't lost. What
--      isn't as it was chained doesn't join, and holds up its own lane alone (audit.stuck_lanes).
--   4. The leaf hash is sha256(0x00 ‖ leaf in UTF-8), the root that of RFC 6962 §2.1, the proofs those of §2.1.1 and
--      §2.1.2; sealing and proofs cost what is new and the logarithm of what there is.
--   5. The database can't sign: audit.checkpoints holds what was signed outside, by somebody who compared first.
--   6. A log that a restore cut short goes on as another generation. Its first leaf is an event log.restart, which holds the
--      size and root that the generation before ends with here, and the last checkpoint known outside.

set role vs_owner;

create table audit.log_origins (
  generation       int primary key check (generation > 0),
  -- a key's name in a signed note: no spaces, no plus
  origin           text not null unique check (origin ~ '^[!-*,-~]{1,200}$'),
  began_at         timestamptz not null default clock_timestamp(),
  -- the first leaf of a log begun anew, which stays when its event is pruned
  leaf             text check ((leaf is null) = (generation = 1))
);
comment on table audit.log_origins is 'What the log is called. A log that a restore cut short goes on as another generation, under another name.';

create table audit.log (
  generation       int not null,
  leaf_index       bigint not null check (leaf_index >= 0),
  organisation_id  uuid not null,
  lane             int not null,
  seq              bigint not null,
  hash             bytea not null check (length(hash) = 32),
  primary key (generation, leaf_index),
  -- an event is in the log once, and its proof is found by its place in the chain
  unique (organisation_id, lane, seq)
);
comment on table audit.log is 'The leaves of the Merkle log in their order, never partitioned and never pruned. hash = sha256(0x00 ‖ leaf).';

create table audit.nodes (
  generation       int not null,
  level            int not null check (level > 0 and level % 4 = 0),
  node_index       bigint not null check (node_index >= 0),
  hash             bytea not null check (length(hash) = 32),
  primary key (generation, level, node_index)
);
comment on table audit.nodes is 'Hashes of complete subtrees of 16, 256, 4096 … leaves (level 4, 8, 12 …), so that no proof reads the whole log.';

create table audit.checkpoints (
  generation       int not null,
  size             bigint not null check (size > 0),
  root             bytea not null check (length(root) = 32),
  note             text not null,
  sealed_at        timestamptz not null default clock_timestamp(),
  primary key (generation, size)
);
comment on table audit.checkpoints is 'What was signed: C2SP checkpoints, as they also stand outside of the database.';

alter table audit.log_origins enable row level security;
alter table audit.log_origins force row level security;
alter table audit.log enable row level security;
alter table audit.log force row level security;
alter table audit.nodes enable row level security;
alter table audit.nodes force row level security;
alter table audit.checkpoints enable row level security;
alter table audit.checkpoints force row level security;

create policy select_owner on audit.log_origins for select to vs_owner using (true);
comment on policy select_owner on audit.log_origins is 'Sealing and verification.';
create policy insert_owner on audit.log_origins for insert to vs_owner with check (true);
comment on policy insert_owner on audit.log_origins is 'audit.log_origin and audit.restart_log.';
create policy select_dba on audit.log_origins for select to vs_dba using (true);
comment on policy select_dba on audit.log_origins is 'A DBA without BYPASSRLS verifies all the same.';
create policy select_owner on audit.log for select to vs_owner using (true);
comment on policy select_owner on audit.log is 'Proofs, export and verification.';
create policy insert_owner on audit.log for insert to vs_owner with check (true);
comment on policy insert_owner on audit.log is 'audit.extend_log.';
create policy select_dba on audit.log for select to vs_dba using (true);
comment on policy select_dba on audit.log is 'Hashes: proofs and `vitalsync audit verify`.';
create policy select_owner on audit.nodes for select to vs_owner using (true);
comment on policy select_owner on audit.nodes is 'Proofs and verification.';
create policy insert_owner on audit.nodes for insert to vs_owner with check (true);
comment on policy insert_owner on audit.nodes is 'audit.extend_log.';
create policy select_dba on audit.nodes for select to vs_dba using (true);
comment on policy select_dba on audit.nodes is 'Hashes: proofs and `vitalsync audit verify`.';
create policy select_owner on audit.checkpoints for select to vs_owner using (true);
comment on policy select_owner on audit.checkpoints is 'Proofs, export, verification, and the auditor''s page.';
create policy insert_owner on audit.checkpoints for insert to vs_owner with check (true);
comment on policy insert_owner on audit.checkpoints is '`vitalsync audit seal`, once it has signed.';
create policy select_dba on audit.checkpoints for select to vs_dba using (true);
comment on policy select_dba on audit.checkpoints is 'Signatures: `vitalsync audit verify`.';
-- no update, no delete, for the owner neither

create trigger _100_append_only before update or delete or truncate on audit.log_origins
  for each statement execute function audit.tg_events__append_only();
create trigger _100_append_only before update or delete or truncate on audit.log
  for each statement execute function audit.tg_events__append_only();
create trigger _100_append_only before update or delete or truncate on audit.nodes
  for each statement execute function audit.tg_events__append_only();
create trigger _100_append_only before update or delete or truncate on audit.checkpoints
  for each statement execute function audit.tg_events__append_only();

-- ---------------------------------------------------------------- names

create function audit.log_origin(name text default null) returns text
language plpgsql volatile set search_path = '' as $$
declare
  found_origin text;
begin
  select o.origin into found_origin from audit.log_origins o order by o.generation desc limit 1;
  if found_origin is null then
    insert into audit.log_origins (generation, origin) values (1, coalesce(name, 'vitalsync.local/' || ops.uuid_v7()))
    on conflict (generation) do nothing;
    select o.origin into strict found_origin from audit.log_origins o order by o.generation desc limit 1;
  end if;
  return found_origin;
end $$;
comment on function audit.log_origin is 'What the log is called now; begins it under this name when it hasn''t begun. Internal.';

create function audit.log_generation() returns int
language sql stable set search_path = '' as $$
  select max(o.generation) from audit.log_origins o
$$;
comment on function audit.log_generation is 'The generation that grows. For the DBA.';

create function audit.log_size(generation int default audit.log_generation()) returns bigint
language sql stable set search_path = '' as $$
  select coalesce(max(l.leaf_index) + 1, 0) from audit.log l where l.generation = $1
$$;
comment on function audit.log_size is 'How many leaves a generation of the log has. For the DBA.';

-- ---------------------------------------------------------------- the tree: RFC 6962 §2.1

create function audit.leaf_hash(leaf text) returns bytea
language sql immutable parallel safe set search_path = '' as $$
  select sha256('\x00'::bytea || convert_to(leaf, 'UTF8'))
$$;
comment on function audit.leaf_hash is 'A leaf''s hash in the Merkle log. For the DBA.';

create function audit.fold_hashes(hashes bytea[]) returns bytea
language plpgsql immutable set search_path = '' as $$
declare
  above bytea[];
begin
  while cardinality(hashes) > 1 loop
    above := null;
    for i in 1 .. cardinality(hashes) by 2 loop
      above := above || sha256('\x01'::bytea || hashes[i] || hashes[i + 1]);
    end loop;
    hashes := above;
  end loop;
  return hashes[1];
end $$;
comment on function audit.fold_hashes is 'The root above 1, 2, 4, 8 or 16 neighbours. Internal.';

create function audit.subtree(generation int, level int, node_index bigint) returns bytea
language plpgsql stable set search_path = '' as $$
declare
  stored int := level - level % 4;
  first bigint := node_index << (level % 4);
  past bigint := (node_index + 1) << (level % 4);
  hashes bytea[];
begin
  if stored = 0 then
    hashes := array(select l.hash from audit.log l where l.generation = subtree.generation and l.leaf_index >= first and l.leaf_index < past order by l.leaf_index);
  else
    hashes := array(select n.hash from audit.nodes n where n.generation = subtree.generation and n.level = stored and n.node_index >= first and n.node_index < past order by n.node_index);
  end if;
  if cardinality(hashes) <> past - first then
    raise exception using errcode = 'VS500', message = format('the log is damaged: hashes of level %s from %s to %s are missing', stored, first, past - 1);
  end if;
  return audit.fold_hashes(hashes);
end $$;
comment on function audit.subtree is 'The hash of the complete subtree of 2^level leaves that begins at node_index · 2^level. Errors: VS500 (hashes are missing). For the DBA.';

create function audit.tree_hash(generation int, first bigint, past bigint) returns bytea
language plpgsql stable set search_path = '' as $$
declare
  parts bytea[];
  level int;
  result bytea;
begin
  if past = first then return sha256(''::bytea); end if;
  -- complete subtrees from the left, each smaller than the one before, then folded from the right
  while first < past loop
    level := 0;
    while (2::bigint << level) <= past - first loop level := level + 1; end loop;
    parts := parts || audit.subtree(generation, level, first >> level);
    first := first + (1::bigint << level);
  end loop;
  result := parts[cardinality(parts)];
  for i in reverse cardinality(parts) - 1 .. 1 loop result := sha256('\x01'::bytea || parts[i] || result); end loop;
  return result;
end $$;
comment on function audit.tree_hash is 'MTH(D[first:past]) of RFC 6962 §2.1, where first is a multiple of the largest power of two below the number of leaves. Internal.';

create function audit.tree_split(leaves bigint) returns bigint
language plpgsql immutable set search_path = '' as $$
declare
  k bigint := 1;
begin
  while k * 2 < leaves loop k := k * 2; end loop;
  return k;
end $$;
comment on function audit.tree_split is 'The largest power of two below a number: where RFC 6962 §2.1 splits a tree. Internal.';

create function audit.check_tree(generation int, size bigint) returns void
language plpgsql stable set search_path = '' as $$
begin
  if (size between 0 and audit.log_size(generation)) is not true then
    raise exception using errcode = 'VS422', message = format('the log has %s leaves', audit.log_size(generation));
  end if;
end $$;
comment on function audit.check_tree is 'Refuses a size that the log hasn''t reached. Errors: VS422. Internal.';

create function audit.root(size bigint, generation int default audit.log_generation()) returns bytea
language plpgsql stable set search_path = '' as $$
begin
  perform audit.check_tree(generation, size);
  return audit.tree_hash(generation, 0, size);
end $$;
comment on function audit.root is 'The root of the log when it had this size. Errors: VS422 (it hasn''t), VS500 (hashes are missing). For the DBA.';

create function audit.inclusion_proof(leaf_index bigint, size bigint, generation int default audit.log_generation()) returns bytea[]
language plpgsql stable set search_path = '' as $$
declare
  first bigint := 0;
  past bigint := size;
  proof bytea[] := array[]::bytea[];
  middle bigint;
begin
  perform audit.check_tree(generation, size);
  if (leaf_index >= 0 and leaf_index < size) is not true then
    raise exception using errcode = 'VS422', message = format('a log of %s leaves has no leaf %s', size, leaf_index);
  end if;
  while past - first > 1 loop
    middle := first + audit.tree_split(past - first);
    if leaf_index < middle then
      proof := audit.tree_hash(generation, middle, past) || proof;
      past := middle;
    else
      proof := audit.tree_hash(generation, first, middle) || proof;
      first := middle;
    end if;
  end loop;
  return proof;
end $$;
comment on function audit.inclusion_proof is 'RFC 6962 §2.1.1, from the leaf''s sibling up. Errors: VS422 (no such leaf or size). For the DBA.';

create function audit.consistency_proof(old_size bigint, new_size bigint, generation int default audit.log_generation()) returns bytea[]
language plpgsql stable set search_path = '' as $$
declare
  first bigint := 0;
  past bigint := new_size;
  whole boolean := true;
  proof bytea[] := array[]::bytea[];
  middle bigint;
begin
  perform audit.check_tree(generation, new_size);
  if (old_size between 0 and new_size) is not true then
    raise exception using errcode = 'VS422', message = format('a log of %s leaves never had %s', new_size, old_size);
  end if;
  if old_size = 0 then return proof; end if;
  while past > old_size loop
    middle := first + audit.tree_split(past - first);
    if old_size <= middle then
      proof := audit.tree_hash(generation, middle, past) || proof;
      past := middle;
    else
      proof := audit.tree_hash(generation, first, middle) || proof;
      first := middle;
      whole := false;
    end if;
  end loop;
  if not whole then proof := audit.tree_hash(generation, first, past) || proof; end if;
  return proof;
end $$;
comment on function audit.consistency_proof is 'RFC 6962 §2.1.2: that the log of the old size is the beginning of the log of the new one. Errors: VS422. For the DBA.';
grant execute on function audit.log_generation, audit.log_size, audit.leaf_hash, audit.fold_hashes, audit.subtree, audit.tree_hash,
  audit.tree_split, audit.check_tree, audit.root, audit.inclusion_proof, audit.consistency_proof to vs_dba;

-- ---------------------------------------------------------------- growing

-- Lanes that have gone on since their last event joined, with the next one of each. A lane that isn't as it was chained
-- from there on would take the room of the others at every call, so it is told apart.
create function audit.growing_lanes() returns table (organisation_id uuid, lane int, joined bigint, head bytea, upto bigint, stuck boolean)
language sql stable set search_path = '' as $$
  -- each looked up by its whole key, whatever the planner believes of tables that have just grown
  select x.organisation_id, x.lane, x.joined, x.head, x.upto,
         (sha256(convert_to(x.leaf, 'UTF8')) = (select f.hash from audit.leaves f where f.organisation_id = x.organisation_id and f.lane = x.lane and f.seq = x.joined + 1)
          and right(x.leaf, 67) = '"' || encode(x.head, 'hex') || '"]') is not true
  from (
    select l.organisation_id, l.lane, j.seq as joined, l.seq as upto,
           coalesce((select b.hash from audit.leaves b where b.organisation_id = l.organisation_id and b.lane = l.lane and b.seq = j.seq), decode(repeat('00', 32), 'hex')) as head,
           (select e.leaf from audit.events e where e.organisation_id = l.organisation_id and e.lane = l.lane and e.seq = j.seq + 1 limit 1) as leaf
    from audit.lanes l
    cross join lateral (select coalesce(max(y.seq), 0) as seq from audit.log y where y.organisation_id = l.organisation_id and y.lane = l.lane) j
    where l.seq > j.seq) x
$$;
comment on function audit.growing_lanes is 'Lanes with events that haven''t joined the log yet. Internal.';

create function audit.stuck_lanes() returns table (organisation_id uuid, lane int, seq bigint)
language sql stable set search_path = '' as $$
  select g.organisation_id, g.lane, g.joined + 1 from audit.growing_lanes() g where g.stuck order by 1, 2
$$;
comment on function audit.stuck_lanes is 'Events that can''t join the log, since they aren''t what was chained: somebody changed them first. For the DBA.';

create function audit.waiting_events() returns bigint
language sql stable set search_path = '' as $$
  select (coalesce(sum(l.seq), 0) - (select coalesce(sum(audit.log_size(o.generation)), 0) from audit.log_origins o))::bigint from audit.lanes l
$$;
comment on function audit.waiting_events is 'How many events haven''t joined the log yet. For the DBA.';
grant execute on function audit.growing_lanes, audit.stuck_lanes, audit.waiting_events to vs_dba;

create function audit.extend_log(at_most bigint default 100000) returns table (generation int, size bigint, joined bigint)
language plpgsql volatile set search_path = '' as $$
declare
  before bigint;
begin
  -- the lock comes before the snapshot that sees what the one before us has joined
  if current_setting('transaction_isolation') <> 'read committed' then
    raise exception using errcode = 'VS500', message = 'the log grows in read committed transactions';
  end if;
  perform pg_advisory_xact_lock(hashtextextended('audit.extend_log', 0));
  perform audit.log_origin();
  generation := audit.log_generation();
  before := audit.log_size(generation);
  insert into audit.log (generation, leaf_index, organisation_id, lane, seq, hash)
  select extend_log.generation, before - 1 + row_number() over (order by o.organisation_id, o.lane, o.seq), o.organisation_id, o.lane, o.seq, o.hash
  from (
    -- as far as the chain holds: no event before it is missing, and it is what was chained
    select c.organisation_id, c.lane, c.seq, c.hash,
           bool_and(c.seq = c.joined + c.place and c.chained = c.recorded and c.says = c.recorded_before) over (partition by c.organisation_id, c.lane order by c.seq) as holds
    from (
      select g.organisation_id, g.lane, e.seq, e.hash, g.joined, row_number() over w as place, e.chained, e.recorded,
             e.says, encode(coalesce(lag(e.recorded) over w, g.head), 'hex') as recorded_before
      from (select x.*, (sum(x.upto - x.joined) over (order by x.organisation_id, x.lane))::bigint - (x.upto - x.joined) as ahead
            from audit.growing_lanes() x where not x.stuck) g
      cross join lateral (
        select v.seq, audit.leaf_hash(v.leaf) as hash, sha256(convert_to(v.leaf, 'UTF8')) as chained, left(right(v.leaf, 66), 64) as says,
               (select f.hash from audit.leaves f where f.organisation_id = v.organisation_id and f.lane = v.lane and f.seq = v.seq) as recorded
        from audit.events v where v.organisation_id = g.organisation_id and v.lane = g.lane and v.seq > g.joined and v.seq <= g.upto
        order by v.seq limit at_most - g.ahead) e
      where g.ahead < at_most
      window w as (partition by g.organisation_id, g.lane order by e.seq)
    ) c
  ) o
  where o.holds;
  get diagnostics joined = row_count;
  size := before + joined;
  perform audit.complete_nodes(generation, before, size);
  return next;
end $$;
comment on function audit.extend_log is 'Lets events join the log, at most so many: its generation, its size then, and how many joined. As vs_owner; commit before the root is signed.';

create function audit.complete_nodes(generation int, before bigint, size bigint) returns void
language plpgsql volatile set search_path = '' as $$
declare
  height int := 4;
begin
  while (size >> height) > (before >> height) loop
    insert into audit.nodes (generation, level, node_index, hash)
    select complete_nodes.generation, height, c.place >> 4, audit.fold_hashes(array_agg(c.hash order by c.place))
    from (
      select l.leaf_index as place, l.hash from audit.log l where height = 4 and l.generation = complete_nodes.generation
        and l.leaf_index >= (before >> 4) << 4 and l.leaf_index < (size >> 4) << 4
      union all
      select n.node_index, n.hash from audit.nodes n where n.generation = complete_nodes.generation and n.level = height - 4
        and n.node_index >= (before >> height) << 4 and n.node_index < (size >> height) << 4
    ) c
    group by c.place >> 4;
    height := height + 4;
  end loop;
end $$;
comment on function audit.complete_nodes is 'Stores the subtrees that became complete. Internal.';

-- ---------------------------------------------------------------- verification

-- One lane of the log beside its chain. As in audit.check_lane, lane by lane: memory doesn't grow with the log.
create function audit.check_joined(organisation uuid, lane int) returns table (generation int, leaf_index bigint, seq bigint, problem text)
-- row by row it would take for ever where the planner knows nothing of tables that have just grown
language sql stable set search_path = '' set enable_nestloop = off as $$
  select x.generation, x.leaf_index, x.seq,
         case when x.recorded is null then 'an event that joined the log is missing'
              when x.step <> 1 then 'events of its lane before it are missing in the log'
              when x.before >= x.here then 'it joined the log before the event that it follows'
              else 'the log holds another hash than the event''s' end
  from (
    select l.generation, l.leaf_index, l.seq, f.hash as recorded, row(l.generation, l.leaf_index) as here,
           l.seq - coalesce(lag(l.seq) over w, 0) as step, lag(row(l.generation, l.leaf_index)) over w as before,
           e.hash is not null and l.hash is distinct from e.hash as other
    from (select j.* from audit.log j where j.organisation_id = organisation and j.lane = check_joined.lane) l
    left join (select g.seq, g.hash from audit.leaves g where g.organisation_id = organisation and g.lane = check_joined.lane) f on f.seq = l.seq
    left join (select v.seq, audit.leaf_hash(v.leaf) as hash from audit.events v where v.organisation_id = organisation and v.lane = check_joined.lane) e on e.seq = l.seq
    window w as (order by l.seq)
  ) x
  where x.recorded is null or x.step <> 1 or x.other or x.before >= x.here
$$;
comment on function audit.check_joined is 'Every way in which one lane of the log isn''t its chain. Internal.';

-- Whether the log is what the chains are, its tree complete, and each checkpoint the root of it. Signatures aren't SQL's:
-- `vitalsync audit verify` looks at those.
create function audit.check_log() returns table (generation int, leaf_index bigint, organisation_id uuid, lane int, seq bigint, problem text)
language plpgsql stable set search_path = '' as $$
declare
  o record;
  c record;
begin
  for o in select l.organisation_id as id, l.lane as number from audit.log l group by 1, 2 order by 1, 2 loop
    return query select j.generation, j.leaf_index, o.id, o.number, j.seq, j.problem from audit.check_joined(o.id, o.number) j;
  end loop;
  return query
  select l.generation, l.leaf_index, l.organisation_id, l.lane, l.seq, 'a leaf of the log is no event''s' from audit.log l
  where l.organisation_id is null or l.lane is null or l.seq is null;

  return query
  select g.generation, 0::bigint, null::uuid, null::int, null::bigint, 'the log isn''t what it began as'
  from audit.log_origins g left join audit.log l on l.generation = g.generation and l.leaf_index = 0
  where case g.generation when 1 then g.leaf is not null else l.hash is distinct from audit.leaf_hash(g.leaf) end
  union all
  select g.generation, 0::bigint, null::uuid, null::int, null::bigint, 'the log has two names' from audit.log_origins g group by 1 having count(*) > 1;

  for o in select distinct g.generation from audit.log_origins g order by 1 loop
    return query
    select o.generation, x.leaf_index, x.organisation_id, x.lane, x.seq, format('%s leaves of the log before this one are missing', x.leaf_index - x.before - 1)
    from (select l.*, lag(l.leaf_index, 1, -1::bigint) over (order by l.leaf_index) as before from audit.log l where l.generation = o.generation) x
    where x.leaf_index <> x.before + 1;
    return query select * from audit.check_nodes(o.generation);
  end loop;

  for c in select p.* from audit.checkpoints p order by 1, 2 loop
    begin
      if c.root is distinct from audit.root(c.size, c.generation) then
        return query select c.generation, c.size, null::uuid, null::int, null::bigint, format('the checkpoint of size %s isn''t of this log', c.size);
      end if;
    exception when sqlstate 'VS422' or sqlstate 'VS500' then
      return query select c.generation, c.size, null::uuid, null::int, null::bigint, format('the checkpoint of size %s goes beyond this log', c.size);
    end;
  end loop;
end $$;
comment on function audit.check_log is 'Every way in which the Merkle log isn''t that of the chains, with its place; no row: intact. Internal.';

create function audit.check_nodes(generation int) returns table (generation_ int, leaf_index bigint, organisation_id uuid, lane int, seq bigint, problem text)
language plpgsql stable set search_path = '' as $$
declare
  height int := 4;
  size bigint := audit.log_size(generation);
begin
  loop
    -- the hash of sixteen below, beside the one that is stored: another, too few and too many
    return query
    select check_nodes.generation, coalesce(m.node_index, n.node_index) << height, null::uuid, null::int, null::bigint,
           format('the hash of the %s leaves from here isn''t the one stored', 1::bigint << height)
    from (
      select b.place >> 4 as node_index, audit.fold_hashes(array_agg(b.hash order by b.place)) as hash from (
        select l.leaf_index as place, l.hash from audit.log l where height = 4 and l.generation = check_nodes.generation and l.leaf_index < (size >> 4) << 4
        union all
        select x.node_index, x.hash from audit.nodes x where x.generation = check_nodes.generation and x.level = height - 4 and x.node_index < (size >> height) << 4) b
      group by b.place >> 4) m
    full join (select y.node_index, y.hash from audit.nodes y where y.generation = check_nodes.generation and y.level = height) n on n.node_index = m.node_index
    where m.hash is distinct from n.hash;
    height := height + 4;
    exit when height > 60;
  end loop;
end $$;
comment on function audit.check_nodes is 'Every stored subtree that isn''t the hash of what is below it. Internal.';

create function audit.verify_log() returns table (generation int, leaf_index bigint, organisation_id uuid, lane int, seq bigint, problem text)
language sql stable security definer set search_path = '' set debug_print_plan = off as $$
  select * from audit.check_log()
$$;
comment on function audit.verify_log is 'The Merkle log against the chains: for the DBA and `vitalsync audit verify`.';
grant execute on function audit.verify_log to vs_dba;

create function audit.verify_restart(generation int) returns boolean
language sql stable security definer set search_path = '' set debug_print_plan = off as $$
  select coalesce((
    select l.hash = audit.leaf_hash(o.leaf) and o.leaf::json ->> 6 = 'log.restart' and d.says ->> 'origin' = b.origin
           and (d.says ->> 'size')::bigint = audit.log_size(b.generation)
           and decode(d.says ->> 'root', 'base64') = audit.root(audit.log_size(b.generation), b.generation)
    from audit.log_origins o
    join audit.log l on l.generation = o.generation and l.leaf_index = 0
    cross join lateral (select (o.leaf::json ->> 16)::json -> 'ended' as says) d
    cross join lateral (select x.* from audit.log_origins x where x.generation < o.generation order by x.generation desc limit 1) b
    where o.generation = $1), false)
$$;
comment on function audit.verify_restart is 'Whether a generation of the log begins with what the one before ended with: for `vitalsync audit verify`.';
grant execute on function audit.verify_restart to vs_dba;

create function audit.last_checkpoint() returns table (origin text, size bigint, root text, sealed_at timestamptz)
language plpgsql stable security definer set search_path = '' set debug_print_plan = off as $$
begin
  return query
    select o.origin, c.size, encode(c.root, 'base64'), c.sealed_at
    from audit.checkpoints c join audit.log_origins o on o.generation = c.generation
    where access.organisation_as('auditor') is not null order by c.generation desc, c.size desc limit 1;
end $$;
comment on function audit.last_checkpoint is 'For an auditor: what was signed last, to compare with what is kept outside. No row: nothing yet.';
grant execute on function audit.last_checkpoint to vs_auditor;

create function audit.note_export() returns uuid
language sql volatile set search_path = '' as $$
  select audit.append(array_fill(null::text, array[8]), 'log.export', 'AuditEvent', null, null, 'success')
$$;
comment on function audit.note_export is 'The event of `vitalsync audit export`. As vs_owner.';

-- ---------------------------------------------------------------- beginning anew

-- The lane of log.restart alone, so that a restart is a first leaf and leaves no gap in anybody's lane.
insert into audit.lanes (organisation_id, lane) values ('00000000-0000-0000-0000-000000000001', 0);

create function audit.restart_log(outside text, next_generation int default null) returns text
language plpgsql volatile set search_path = '' as $$
declare
  log constant uuid := '00000000-0000-0000-0000-000000000001'::uuid;
  ended int;
  size bigint;
  root bytea;
  began int;
  name text;
  restart uuid;
begin
  perform pg_advisory_xact_lock(hashtextextended('audit.extend_log', 0));
  perform audit.log_origin();
  ended := audit.log_generation();
  size := audit.log_size(ended);
  root := audit.root(size, ended);
  began := greatest(ended + 1, next_generation);
  select o.origin || '/' || began into strict name from audit.log_origins o where o.generation = 1;
  restart := audit.append(array[null, null, log::text, null, null, null, null, null], 'log.restart', 'AuditEvent', null, null, 'success',
    json_build_object('origin', name, 'ended', json_build_object('origin', (select o.origin from audit.log_origins o where o.generation = ended),
                      'size', size, 'root', encode(root, 'base64')), 'outside', outside)::text);
  insert into audit.log_origins (generation, origin, leaf)
  select began, name, e.leaf from audit.events e where e.organisation_id = log and e.lane = 0 and e.id = restart;
  insert into audit.log (generation, leaf_index, organisation_id, lane, seq, hash)
  select began, 0, e.organisation_id, e.lane, e.seq, audit.leaf_hash(e.leaf) from audit.events e
  where e.organisation_id = log and e.lane = 0 and e.id = restart;
  return name;
end $$;
comment on function audit.restart_log is 'After a restore: ends this generation of the log and begins another one, whose first leaf holds the last checkpoint known outside. Gives its origin. As vs_owner.';

reset role;
